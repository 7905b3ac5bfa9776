"""What stands before the JSON API, in order: each is called with the app. Nothing, in an app without accounts."""

from collections.abc import Callable, Sequence

from fastapi import FastAPI

FEATURES: Sequence[Callable[[FastAPI], None]] = ()

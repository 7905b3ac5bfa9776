"""What stands before the JSON API, in order: each is called with the app."""

from collections.abc import Callable, Sequence

from app.auth import authentication
from fastapi import FastAPI

FEATURES: Sequence[Callable[[FastAPI], None]] = (authentication,)

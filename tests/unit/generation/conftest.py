"""What the tests of the pipeline share: a listener that remembers, and scripts for the fake model."""

from __future__ import annotations

import pytest

from tests.support.generation import Watch


@pytest.fixture
def watch() -> Watch:
    return Watch()

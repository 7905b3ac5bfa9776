from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.verification.artifacts import ArtifactStore
from core.verification.untrusted import Bounds, remove


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A folder whose content may be as hostile as it likes; pytest's own removal would stumble over it."""
    folder = tmp_path / "store"
    folder.mkdir()
    yield folder
    remove(folder)


@pytest.fixture
def store(root: Path) -> ArtifactStore:
    return ArtifactStore(
        root,
        artifact_bounds=Bounds(total_bytes=1_000_000, entries=200, depth=20),
        layer_bounds=Bounds(total_bytes=1_000_000, entries=200, depth=20),
    )

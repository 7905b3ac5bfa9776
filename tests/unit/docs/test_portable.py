"""Nothing in the project says on which machine it was written, or where packages came from there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.unit.docs.documents import ROOT

_TOP = ("adapters", "bench", "bot", "core", "docs", "tests", ".ci")
_LOCKS = ("requirements.lock", "requirements-dev.lock", "pnpm-lock.yaml")


def files() -> Iterator[Path]:
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.name != ".git")
    for folder in _TOP:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and not {"__pycache__", "node_modules"} & set(path.parts) and path.suffix not in {".png", ".woff2"}:
                yield path


def test_no_file_names_the_folder_it_is_in() -> None:
    if len(ROOT.parts) < 3:  # a checkout at "/app" is a path that a program may well name
        return
    here = str(ROOT).encode()
    assert [path.relative_to(ROOT).as_posix() for path in files() if here in path.read_bytes()] == []


def test_lock_files_name_packages_and_no_place_to_get_them() -> None:
    locks = [path for path in files() if path.name in _LOCKS or path.suffix == ".lock"]
    assert len(locks) >= 4
    assert [path.relative_to(ROOT).as_posix() for path in locks if b"://" in path.read_bytes()] == []


def test_package_settings_name_no_registry() -> None:
    names = {".npmrc", "pip.conf", "uv.toml", ".yarnrc", ".pypirc"}
    assert [path.relative_to(ROOT).as_posix() for path in files() if path.name in names] == []
    assert b"[[tool.uv.index]]" not in (ROOT / "pyproject.toml").read_bytes()

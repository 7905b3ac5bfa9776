"""The data folder: who may use it, where its contents are, and that one Nexus runs on it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.platform import data_folder
from bot.platform.data_folder import DataFolder, enterable, write_private
from core.errors import DataFolderError, DiskFull

IS_ROOT = os.geteuid() == 0


@pytest.fixture(autouse=True)
def short_folders() -> Iterator[None]:
    """Removes the runtime folders of deep data folders, which lie elsewhere."""
    made: list[Path] = []
    original = data_folder._short_folder

    def remembered(root: Path) -> Path:
        made.append(original(root))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_folder, "_short_folder", remembered)
        yield
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_is_made_with_its_tree(data: DataFolder) -> None:
    assert (data.root / "format").read_text() == f"{data_folder.FORMAT}\n"
    assert mode(data.root) == (0o711 if IS_ROOT else 0o700)
    assert mode(data.root / "secret.key") == 0o600
    assert data.logs.is_dir()
    assert data.runtime.is_dir()


def test_opening_it_again_keeps_its_secrets(data: DataFolder, place: Path) -> None:
    again = DataFolder.open(place / "d")

    assert again.secret("jwt") == data.secret("jwt")
    assert len(data.secret("jwt")) == 32


def test_each_purpose_and_each_folder_has_its_own_secret(data: DataFolder, place: Path) -> None:
    other = DataFolder.open(place / "other")

    assert len({data.secret("jwt"), data.secret("settings"), other.secret("jwt")}) == 3


def test_a_damaged_key_is_not_replaced(data: DataFolder) -> None:
    (data.root / "secret.key").write_bytes(b"short")

    with pytest.raises(DataFolderError, match="backup"):
        data.secret("jwt")


def test_a_folder_of_a_newer_nexus_is_refused(data: DataFolder, place: Path) -> None:
    (data.root / "format").write_text("99\n")

    with pytest.raises(DataFolderError, match="Update Nexus, or choose another folder with --data"):
        DataFolder.open(place / "d")


def test_a_damaged_version_file_is_refused(data: DataFolder, place: Path) -> None:
    (data.root / "format").write_text("one\n")

    with pytest.raises(DataFolderError, match="damaged"):
        DataFolder.open(place / "d")


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(place: Path) -> None:
    place.chmod(0o755)
    (place / "thesis.txt").write_text("years of work")

    with pytest.raises(DataFolderError, match=r"thesis\.txt"):
        DataFolder.open(place)
    assert [entry.name for entry in place.iterdir()] == ["thesis.txt"]
    assert mode(place) == 0o755


def test_a_file_in_the_place_of_the_folder_is_refused(place: Path) -> None:
    (place / "file").write_text("")

    with pytest.raises(DataFolderError, match="--data"):
        DataFolder.open(place / "file")


def test_the_path_of_a_socket_in_the_runtime_folder_is_short(place: Path) -> None:
    deep = DataFolder.open(place / ("long" * 15) / ("name" * 15))
    try:
        assert len(os.fsencode(deep.runtime)) <= 50
        assert deep.runtime.is_dir()
        assert DataFolder.open(deep.wanted).runtime == deep.runtime
    finally:
        deep.remove()
    assert not deep.runtime.exists()


def test_somebody_elses_runtime_folder_is_not_used(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = DataFolder.open(place / ("long" * 15))
    try:
        deep.runtime.rmdir()
        deep.runtime.symlink_to(place)
        with pytest.raises(DataFolderError, match="somebody else"):
            DataFolder.open(deep.wanted)
    finally:
        deep.runtime.unlink()
        shutil.rmtree(deep.root)


def test_nobody_runs_on_a_new_folder(data: DataFolder) -> None:
    assert data.running() is None


def test_a_claimed_folder_tells_who_runs_and_where(data: DataFolder, place: Path) -> None:
    other = DataFolder.open(place / "d")
    data.claim()
    starting = other.running()
    data.publish("http://localhost:8080")
    running = other.running()

    assert starting is not None
    assert (starting.pid, starting.url) == (os.getpid(), None)
    assert running is not None
    assert (running.pid, running.url) == (os.getpid(), "http://localhost:8080")
    assert running.started_at.tzinfo is not None


def test_a_second_claim_is_refused_with_the_address_of_the_first(data: DataFolder, place: Path) -> None:
    data.claim()
    data.publish("http://localhost:8080")

    with pytest.raises(DataFolderError, match=r"already running at http://localhost:8080 .*process \d+"):
        DataFolder.open(place / "d").claim()


def test_a_released_folder_can_be_claimed_again(data: DataFolder, place: Path) -> None:
    data.claim()
    data.release()
    other = DataFolder.open(place / "d")
    other.claim()

    assert other.running() is not None
    other.release()
    assert other.running() is None


def test_a_killed_nexus_does_not_run(data: DataFolder, killed: Callable[[str, str], None]) -> None:
    killed(
        "import sys, time, pathlib; from bot.platform.data_folder import DataFolder\n"
        "d = DataFolder.open(pathlib.Path(sys.argv[1])); d.claim(); d.publish('http://x'); print('ready', flush=True); time.sleep(60)",
        str(data.wanted),
    )

    assert data.running() is None
    data.claim()


def test_a_child_does_not_inherit_the_claim(data: DataFolder) -> None:
    data.claim()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False) as child:
        data.release()
        assert data.running() is None
        child.communicate(b"\n")


def test_too_little_room_is_said(data: DataFolder) -> None:
    data.check_room(1)
    with pytest.raises(DiskFull, match="MB are free"):
        data.check_room(10**18)


def test_a_private_file_is_replaced_whole(place: Path) -> None:
    file = place / "f"
    file.write_text("old and readable")
    file.chmod(0o644)
    write_private(file, b"new")

    assert file.read_bytes() == b"new"
    assert mode(file) == 0o600
    assert [entry.name for entry in place.iterdir()] == ["f"]


def test_what_others_can_enter_is_told(place: Path) -> None:
    (place / "private" / "inner").mkdir(parents=True)
    (place / "private").chmod(0o700)

    assert enterable(place)
    assert not enterable(place / "private" / "inner")


def test_the_default_is_the_users_own_folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)

    assert data_folder.default_folder().is_relative_to(place)


if IS_ROOT:

    def test_a_private_folder_itself_is_opened_for_others(place: Path) -> None:
        (place / "own").mkdir(mode=0o700)
        folder = DataFolder.open(place / "own", shared=place / "shared")

        assert folder.root == place / "own"
        assert enterable(folder.root)

    def test_below_somebodys_private_folder_only_a_pointer_is_kept(place: Path) -> None:
        (place / "private").mkdir(mode=0o700)
        folder = DataFolder.open(place / "private" / "data", shared=place / "shared")
        again = DataFolder.open(place / "private" / "data", shared=place / "shared")

        assert folder.root.is_relative_to(place / "shared" / "folders")
        assert enterable(folder.root)
        assert again.root == folder.root
        assert [entry.name for entry in (place / "private" / "data").iterdir()] == ["location"]
        assert mode(place / "private") == 0o700

    def test_two_private_folders_have_contents_of_their_own(place: Path) -> None:
        (place / "private").mkdir(mode=0o700)
        first = DataFolder.open(place / "private" / "a", shared=place / "shared")
        second = DataFolder.open(place / "private" / "b", shared=place / "shared")

        assert first.root != second.root

    def test_contents_that_are_gone_are_not_replaced_by_empty_ones(place: Path) -> None:
        (place / "private").mkdir(mode=0o700)
        folder = DataFolder.open(place / "private" / "a", shared=place / "shared")
        shutil.rmtree(folder.root)

        with pytest.raises(DataFolderError, match="Put them back"):
            DataFolder.open(place / "private" / "a", shared=place / "shared")

    def test_somebody_elses_folder_is_refused(place: Path) -> None:
        (place / "theirs").mkdir()
        os.chown(place / "theirs", 1, 1)

        with pytest.raises(DataFolderError, match="belongs to the user"):
            DataFolder.open(place / "theirs")

else:

    def test_a_folder_that_cannot_be_written_is_refused(place: Path) -> None:
        (place / "closed").mkdir(mode=0o500)

        with pytest.raises(DataFolderError, match="--data"):
            DataFolder.open(place / "closed" / "data")

"""Folders that hostile code wrote to are sealed or refused, and always removed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import BuildFailed
from core.verification.untrusted import Bounds, Sealed, remove, seal

BOUNDS = Bounds(total_bytes=1_000_000, entries=200, depth=20)


def sealed(folder: Path, **options: object) -> Sealed:
    return seal(folder, bounds=BOUNDS, **options)  # type: ignore[arg-type]


@pytest.fixture
def app(root: Path) -> Path:
    folder = root / "app"
    folder.mkdir()
    (folder / "main.py").write_text("print('hello')\n")
    return folder


@pytest.fixture
def secret(root: Path) -> Path:
    path = root / "secret"
    path.write_text("not for apps")
    path.chmod(0o600)
    return path


def deep(folder: Path, levels: int) -> None:
    """Folders in folders, beyond the longest path that a system call takes."""
    fd = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=fd)
        inner = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "../secret", "sub/../../secret", "..", "/app/../secret", "/app", "//app/x", "/"]
)
def test_a_link_that_leads_out_is_refused(app: Path, target: str) -> None:
    (app / "sub").mkdir()
    os.symlink(target, app / "innocent.txt")
    with pytest.raises(BuildFailed, match="outside"):
        sealed(app)


@pytest.mark.parametrize("target", ["main.py", "./main.py", "/app/main.py", "nothing-yet"])
def test_a_link_that_stays_inside_is_kept(app: Path, target: str) -> None:
    os.symlink(target, app / "also.py")
    sealed(app)
    assert os.readlink(app / "also.py") == target


def test_a_link_may_climb_as_far_as_the_top_and_no_further(app: Path) -> None:
    (app / "a" / "b").mkdir(parents=True)
    os.symlink("../../main.py", app / "a" / "b" / "up")
    sealed(app)
    os.symlink("../../../main.py", app / "a" / "b" / "over")
    with pytest.raises(BuildFailed, match="a/b/over"):
        sealed(app)


def test_a_linked_folder_is_not_entered(app: Path, root: Path) -> None:
    outside = root / "outside"
    outside.mkdir(mode=0o700)
    (outside / "precious").write_text("x")
    (outside / "precious").chmod(0o600)
    os.symlink(outside, app / "folder")
    with pytest.raises(BuildFailed, match="outside"):
        sealed(app)
    remove(app)
    assert (outside / "precious").read_text() == "x"
    assert stat.S_IMODE((outside / "precious").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda path: os.mkfifo(path), id="pipe"),
        pytest.param(lambda path: os.mknod(path, 0o600 | stat.S_IFSOCK), id="socket"),
    ],
)
def test_pipes_and_sockets_are_refused_and_removed(app: Path, make: Callable[[Path], None]) -> None:
    make(app / "strange")
    with pytest.raises(BuildFailed, match="a device, a socket or a pipe"):
        sealed(app)
    remove(app)
    assert not app.exists()


def test_a_huge_sparse_file_is_refused_without_being_read(app: Path) -> None:
    with (app / "huge").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(BuildFailed, match="more than 1 MB"):
        sealed(app)


def test_too_many_files_are_refused(app: Path) -> None:
    for number in range(BOUNDS.entries):
        (app / f"{number}").touch()
    with pytest.raises(BuildFailed, match="more than 200"):
        sealed(app)


def test_folders_nested_beyond_every_limit_are_refused_and_removed(app: Path) -> None:
    deep(app, 3000)
    with pytest.raises(BuildFailed, match="nested more than 20 deep"):
        sealed(app)
    remove(app)
    assert not app.exists()


def test_set_id_bits_and_write_access_are_dropped(app: Path) -> None:
    (app / "tool").write_text("#!/bin/sh\n")
    (app / "tool").chmod(0o6777)
    (app / "main.py").chmod(0o666)
    (app / "open").mkdir()
    (app / "open").chmod(0o777)
    sealed(app)
    modes = {name: stat.S_IMODE((app / name).stat().st_mode) for name in ("tool", "main.py", "open")}
    assert modes == {"tool": 0o755, "main.py": 0o644, "open": 0o755}


def test_a_hard_link_is_cut_from_its_other_name(app: Path, secret: Path) -> None:
    os.link(secret, app / "mine")
    sealed(app)
    (app / "mine").write_text("changed")
    assert secret.read_text() == "not for apps"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_a_hard_linked_file_has_the_digest_of_its_content(app: Path, secret: Path) -> None:
    os.link(secret, app / "mine")
    linked = sealed(app)
    assert linked == sealed(app)


def test_a_link_swapped_in_while_reading_is_refused(app: Path, secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The swap happens between the look and the open, the worst moment."""
    really_open = os.open

    def swapping(path: object, flags: int, *args: object, **kwargs: object) -> int:
        if path == "main.py":
            (app / "main.py").unlink()
            os.symlink(secret, app / "main.py")
        return really_open(path, flags, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", swapping)
    with pytest.raises(BuildFailed, match="changed while it was read"):
        sealed(app)


def test_a_file_swapped_for_another_while_reading_is_refused(app: Path, secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really_open = os.open

    def swapping(path: object, flags: int, *args: object, **kwargs: object) -> int:
        if path == "main.py":
            (app / "main.py").unlink()
            os.link(secret, app / "main.py")
        return really_open(path, flags, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", swapping)
    with pytest.raises(BuildFailed, match="changed while it was read"):
        sealed(app)


def test_unreadable_files_and_folders_are_sealed(app: Path) -> None:
    (app / "closed").mkdir()
    (app / "closed" / "inner").write_text("x")
    (app / "closed" / "inner").chmod(0)
    (app / "closed").chmod(0)
    sealed(app)
    assert (app / "closed" / "inner").read_text() == "x"


def test_unreadable_folders_are_removed(app: Path) -> None:
    (app / "closed" / "deeper" / "still").mkdir(parents=True)
    for folder in ("closed/deeper/still", "closed/deeper", "closed"):
        (app / folder).chmod(0)
    remove(app)
    assert not app.exists()


def test_removing_a_link_leaves_what_it_leads_to(app: Path, root: Path) -> None:
    link = root / "link"
    os.symlink(app, link)
    remove(link)
    assert not os.path.lexists(link)
    assert (app / "main.py").exists()


def test_removing_what_is_gone_takes_nothing_else_away(root: Path) -> None:
    (root / "there").mkdir()
    before = sorted(root.rglob("*"))
    remove(root / "never")
    remove(root / "never" / "ever")
    assert sorted(root.rglob("*")) == before


def test_a_given_link_must_be_what_it_was(app: Path) -> None:
    given = {"node_modules": "/somewhere/node_modules"}
    with pytest.raises(BuildFailed, match="removed it"):
        sealed(app, given_links=given)
    os.symlink("/elsewhere", app / "node_modules")
    with pytest.raises(BuildFailed, match="replaced it"):
        sealed(app, given_links=given)
    (app / "node_modules").unlink()
    (app / "node_modules").mkdir()
    with pytest.raises(BuildFailed, match="replaced it"):
        sealed(app, given_links=given)
    (app / "node_modules").rmdir()
    os.symlink(given["node_modules"], app / "node_modules")
    sealed(app, given_links=given)


Names = st.text(alphabet="abcdef.-_é", min_size=1, max_size=8).filter(lambda name: name.strip(".") != "")
Trees = st.dictionaries(Names, st.binary(max_size=50) | st.dictionaries(Names, st.binary(max_size=20), max_size=3), max_size=5)


def make(folder: Path, tree: dict[str, bytes | dict[str, bytes]]) -> None:
    folder.mkdir(parents=True)
    for name, content in tree.items():
        if isinstance(content, bytes):
            (folder / name).write_bytes(content)
        else:
            make(folder / name, dict(content))


def flat(tree: dict[str, bytes | dict[str, bytes]]) -> object:
    return {name: content if isinstance(content, bytes) else flat(dict(content)) for name, content in tree.items()}


@given(one=Trees, two=Trees)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_two_folders_have_the_same_digest_exactly_when_they_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, one: dict[str, bytes | dict[str, bytes]], two: dict[str, bytes | dict[str, bytes]]
) -> None:
    base = tmp_path_factory.mktemp("trees")
    make(base / "one", one)
    make(base / "two", two)
    make(base / "again", dict(reversed(list(one.items()))))
    digests = {name: sealed(base / name).digest for name in ("one", "two", "again")}
    remove(base)
    assert digests["one"] == digests["again"]
    assert (digests["one"] == digests["two"]) == (flat(one) == flat(two))


def relink(link: Path, target: str) -> None:
    link.unlink()
    link.symlink_to(target)


def replace(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda app: (app / "main.py").write_text("print('hellO')\n"), id="a byte"),
        pytest.param(lambda app: (app / "main.py").rename(app / "moin.py"), id="a name"),
        pytest.param(lambda app: (app / "main.py").chmod(0o755), id="a mode"),
        pytest.param(lambda app: (app / "empty").mkdir(), id="an empty folder"),
        pytest.param(lambda app: relink(app / "link", "other.py"), id="a link's target"),
        pytest.param(lambda app: replace(app / "link", "main.py"), id="a link becomes a file"),
    ],
)
def test_any_change_changes_the_digest(app: Path, change: Callable[[Path], None]) -> None:
    os.symlink("main.py", app / "link")
    before = sealed(app).digest
    assert sealed(app).digest == before
    change(app)
    assert sealed(app).digest != before


@given(victim=st.integers(min_value=0, max_value=999), bit=st.integers(min_value=0, max_value=7))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_flipped_bit_changes_the_digest(root: Path, victim: int, bit: int) -> None:
    app = root / "bits"
    remove(app)
    app.mkdir()
    content = bytearray(range(250)) * 4
    (app / "file").write_bytes(content)
    before = sealed(app).digest
    content[victim] ^= 1 << bit
    (app / "file").write_bytes(content)
    assert sealed(app).digest != before


@given(target=st.lists(st.sampled_from(["..", "a", "b", ".", ""]), max_size=6), depth=st.integers(min_value=0, max_value=2))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_accepted_link_resolves_outside(tmp_path_factory: pytest.TempPathFactory, target: list[str], depth: int) -> None:
    """Checked against the kernel's own idea of where a link leads, with other links on the way."""
    app = tmp_path_factory.mktemp("links") / "app"
    here = app / "a" / "b"
    here.mkdir(parents=True)
    os.symlink("a/b", app / "b")
    os.symlink("..", app / "a" / "b" / "a")
    os.symlink("/".join(target) or ".", [app, app / "a", here][depth] / "link")
    try:
        sealed(app)
    except BuildFailed:
        pass
    else:
        reached = Path(os.path.realpath([app, app / "a", here][depth] / "link"))
        assert reached == app or app in reached.parents
    finally:
        remove(app.parent)

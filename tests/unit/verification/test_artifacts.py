"""The store: whole or not at all, named by content, and cleared of what the dead left."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core.errors import BuildFailed, DiskFull, InvalidInput
from core.files import FileTree
from core.ids import Digest
from core.verification.artifacts import Artifact, ArtifactStore, Layer, Workspace, artifact_digest, layer_digest

PYTHON = Path(sys.executable)
TREE = FileTree({"main.py": "print(1)\n", "static/a.css": "a {}"})
LAYER = layer_digest(framework="fastapi", runtime="Python 3.11", files=FileTree({"r.txt": "x"}), program=PYTHON)


async def layer_in(store: ArtifactStore, digest: Digest = LAYER) -> Layer:
    async with store.workspace() as work:
        (work.app / ".venv" / "bin").mkdir(parents=True)
        (work.app / ".venv" / "package.py").write_text("x = 1")
        os.symlink(PYTHON, work.app / ".venv" / "bin" / "python")
        return await store.keep_layer(work, digest, ".venv", program=PYTHON)


@asynccontextmanager
async def built(store: ArtifactStore, layer: Layer, tree: FileTree = TREE) -> AsyncIterator[Workspace]:
    async with store.workspace() as work:
        tree.write_to(work.app)
        await store.link_layer(work, layer)
        yield work


async def publish(store: ArtifactStore, work: Workspace, layer: Layer, tree: FileTree = TREE) -> Artifact:
    return await store.publish(work, layer, revision=tree.digest, framework="fastapi", runtime="Python 3.11")


async def artifact_in(store: ArtifactStore, tree: FileTree = TREE) -> Artifact:
    layer = await store.layer(LAYER, ".venv") or await layer_in(store)
    async with built(store, layer, tree) as work:
        return await publish(store, work, layer, tree)


def age(path: Path, seconds: float = 10_000) -> None:
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def busy(store: ArtifactStore) -> list[str]:
    return [p.name for folder in ("work", "claims") for p in (store.root / folder).glob("*")]


async def test_an_artifact_sees_its_source_and_its_layer(store: ArtifactStore) -> None:
    artifact = await artifact_in(store)
    assert (artifact.folder / "main.py").read_text() == "print(1)\n"
    assert (artifact.folder / ".venv" / "package.py").read_text() == "x = 1"
    (mount,) = artifact.mounts
    assert (str(mount.source), mount.writable) == (mount.target, False)
    assert (artifact.folder / ".venv").resolve().is_relative_to(mount.source)


async def test_a_published_artifact_is_found_again_by_its_digest(store: ArtifactStore) -> None:
    artifact = await artifact_in(store)
    assert await ArtifactStore(store.root).open(artifact.digest) == artifact


async def test_the_same_tree_has_one_artifact(store: ArtifactStore) -> None:
    first = await artifact_in(store)
    kept = (first.folder / "main.py").stat().st_ino
    assert await artifact_in(store) == first
    assert (first.folder / "main.py").stat().st_ino == kept
    assert len(list((store.root / "artifacts").iterdir())) == 1
    assert busy(store) == []


@pytest.mark.parametrize("change", [{"main.py": "print(2)\n"}, {"new.txt": ""}, {"static/a.css": None}])
async def test_any_other_source_is_another_artifact(store: ArtifactStore, change: dict[str, str | None]) -> None:
    assert (await artifact_in(store)).digest != (await artifact_in(store, TREE.with_files(change))).digest


async def test_other_build_output_is_another_artifact(store: ArtifactStore) -> None:
    first = await artifact_in(store)
    layer = await layer_in(store)
    async with built(store, layer) as work:
        (work.app / "dist.js").write_text("injected")
        assert (await publish(store, work, layer)).digest != first.digest


def test_every_part_counts_in_the_digests() -> None:
    parts = {"revision": Digest("a"), "layer": Digest("b"), "framework": "c", "runtime": "d", "output": Digest("e")}
    digests = {artifact_digest(**{**parts, name: Digest("x")}) for name in parts} | {artifact_digest(**parts)}  # type: ignore[arg-type]
    assert len(digests) == 6
    assert artifact_digest(**{**parts, "framework": "cd", "runtime": ""}) not in digests  # type: ignore[arg-type]


def test_a_layer_is_named_by_framework_runtime_files_and_interpreter(tmp_path: Path) -> None:
    files = FileTree({"r.txt": "x"})
    digests = {
        LAYER,
        layer_digest(framework="express", runtime="Python 3.11", files=files, program=PYTHON),
        layer_digest(framework="fastapi", runtime="Python 3.12", files=files, program=PYTHON),
        layer_digest(framework="fastapi", runtime="Python 3.11", files=FileTree({"r.txt": "y"}), program=PYTHON),
        layer_digest(framework="fastapi", runtime="Python 3.11", files=files, program=tmp_path),
    }
    assert len(digests) == 5


async def test_many_publishing_at_once_get_the_same_artifact(store: ArtifactStore) -> None:
    layer = await layer_in(store)

    async def one() -> Artifact:
        async with built(store, layer) as work:
            return await publish(store, work, layer)

    assert len(set(await asyncio.gather(*(one() for _ in range(8))))) == 1
    assert busy(store) == []


async def test_a_second_layer_of_the_same_name_yields_to_the_first(store: ArtifactStore) -> None:
    first = await layer_in(store)
    kept = (first.path / ".venv").stat().st_ino
    assert await layer_in(store) == first
    assert (first.path / ".venv").stat().st_ino == kept


async def test_a_layer_may_link_to_its_interpreter_and_nowhere_else(store: ArtifactStore) -> None:
    assert (await layer_in(store)).mount.source.is_dir()
    async with store.workspace() as work:
        (work.app / ".venv").mkdir()
        os.symlink("/etc", work.app / ".venv" / "etc")
        with pytest.raises(BuildFailed, match="outside"):
            await store.keep_layer(work, Digest("sha256:" + "0" * 64), ".venv", program=PYTHON)
    assert len(list((store.root / "layers").iterdir())) == 1


async def test_a_layer_that_is_itself_a_link_is_refused(store: ArtifactStore) -> None:
    async with store.workspace() as work:
        (work.app / "real").mkdir()
        os.symlink("real", work.app / ".venv")
        with pytest.raises(InvalidInput):
            await store.keep_layer(work, LAYER, ".venv", program=PYTHON)
    assert await store.layer(LAYER, ".venv") is None


async def test_nothing_to_install_is_an_empty_layer(store: ArtifactStore) -> None:
    async with store.workspace() as work:
        layer = await store.keep_layer(work, LAYER, "node_modules", program=PYTHON)
    assert list((layer.path / "node_modules").iterdir()) == []


@pytest.mark.parametrize("swap", ["remove", "elsewhere", "folder"])
async def test_a_build_that_tampers_with_the_link_to_its_layer_is_refused(store: ArtifactStore, swap: str) -> None:
    layer = await layer_in(store)
    async with built(store, layer) as work:
        (work.app / ".venv").unlink()
        if swap == "elsewhere":
            os.symlink(layer.path, work.app / ".venv")
        elif swap == "folder":
            (work.app / ".venv").mkdir()
        with pytest.raises(BuildFailed, match="belongs to the platform"):
            await publish(store, work, layer)
    assert list((store.root / "artifacts").iterdir()) == []
    assert busy(store) == []


async def test_an_unknown_digest_opens_nothing(store: ArtifactStore) -> None:
    assert await store.open(Digest("sha256:" + "0" * 64)) is None


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:../../etc", "sha256:" + "A" * 64, "md5:" + "0" * 64])
async def test_what_is_no_digest_is_refused(store: ArtifactStore, digest: str) -> None:
    with pytest.raises(InvalidInput, match="not the digest"):
        await store.open(Digest(digest))


async def test_an_artifact_without_its_layer_does_not_open(store: ArtifactStore) -> None:
    artifact = await artifact_in(store)
    artifact.layer.rename(store.root / "gone")
    assert await store.open(artifact.digest) is None


async def test_pruning_keeps_what_is_kept_and_its_layer(store: ArtifactStore) -> None:
    kept, other = await artifact_in(store), await artifact_in(store, TREE.with_files({"main.py": "2"}))
    lonely = await layer_in(store, Digest("sha256:" + "1" * 64))
    for path in (kept.folder, other.folder, kept.layer, lonely.path):
        age(path)
    pruned = await store.prune({kept.digest})
    assert (pruned.artifacts, pruned.layers) == (1, 1)
    assert await store.open(kept.digest) == kept
    assert await store.open(other.digest) is None
    assert not lonely.path.exists()


async def test_pruning_leaves_what_was_used_a_moment_ago(store: ArtifactStore) -> None:
    artifact = await artifact_in(store)
    for path in (artifact.folder, artifact.layer):
        age(path)
    assert await store.open(artifact.digest) == artifact
    pruned = await store.prune(set())
    assert (pruned.artifacts, pruned.layers) == (0, 0)


async def test_making_the_same_again_counts_as_use(store: ArtifactStore) -> None:
    artifact = await artifact_in(store)
    for path in (artifact.folder, artifact.layer):
        age(path)
    await artifact_in(store)
    pruned = await store.prune(set())
    assert (pruned.artifacts, pruned.layers) == (0, 0)


async def test_an_error_in_the_workspace_leaves_nothing(store: ArtifactStore) -> None:
    async def fail() -> None:
        async with store.workspace() as work:
            (work.app / "half").write_text("made")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert busy(store) == []


async def test_a_cancelled_workspace_leaves_nothing(store: ArtifactStore) -> None:
    inside = asyncio.Event()

    async def work() -> None:
        async with store.workspace() as work:
            TREE.write_to(work.app)
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert busy(store) == []


async def test_a_full_disk_is_said_and_leaves_nothing(store: ArtifactStore) -> None:
    async def fill() -> None:
        async with store.workspace() as work:
            (work.app / "half").write_text("made")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFull):
        await fill()
    assert busy(store) == []


async def test_when_little_room_is_left_nothing_is_begun(root: Path) -> None:
    store = ArtifactStore(root, min_free_mb=10**9)
    with pytest.raises(DiskFull):
        async with store.workspace():
            raise AssertionError("there is no room for this")
    assert busy(store) == []


async def test_sweeping_leaves_the_living_alone(store: ArtifactStore) -> None:
    async with store.workspace() as work:
        (work.app / "half").write_text("made")
        assert await store.sweep() == 0
        assert await ArtifactStore(store.root).sweep() == 0
        assert (work.app / "half").exists()


async def test_sweeping_removes_what_a_killed_process_left(store: ArtifactStore) -> None:
    program = textwrap.dedent(
        """
        import asyncio, sys
        from pathlib import Path
        from core.verification.artifacts import ArtifactStore

        async def main():
            async with ArtifactStore(Path(sys.argv[1])).workspace() as work:
                (work.app / "half").write_text("made")
                print("ready", flush=True)
                await asyncio.sleep(600)

        asyncio.run(main())
        """
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(store.root), stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    assert await store.sweep() == 0
    process.kill()
    await process.wait()
    assert await store.sweep() == 1
    assert busy(store) == []

"""The artifact store: what runs, on disk, addressed by what it is made of.

Called by verification (install once, build, publish), by deployments (`ArtifactStore.open`), and by the reconciler (`prune`, `sweep`).

    work/<random>/app        being made; removed when its maker is done or dead
    layers/<digest>/         installed dependencies: one folder such as ``.venv`` or ``node_modules`` inside
    artifacts/<digest>/      an instance's ``/app``: source, build output, and a link to the layer's folder
    claims/                  who is busy with what (see `core.verification.claims`)

Things appear in ``layers`` and ``artifacts`` by a rename, whole, and never change again. A layer is shared by all artifacts with the same
dependencies; it is mounted at its own absolute path, so that the link to it is valid on the host and inside. An artifact's digest covers
the source, the layer and every byte of build output: what an approval is bound to cannot be anything else than what was tried.

It refuses what hostile build steps may leave behind (`core.verification.untrusted`), and it removes nothing younger than the grace age:
an artifact that is tried right now is not yet known to the ledger.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import DiskFull, InvalidInput
from core.files import FileTree
from core.ids import Digest
from core.verification.claims import Claims
from core.verification.completion import in_thread
from core.verification.untrusted import Bounds, disk_full_as_error, remove, seal
from core.words.walls import Mount

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_LAYER_BOUNDS = Bounds(total_bytes=2_000_000_000, entries=200_000)
_ARTIFACT_BOUNDS = Bounds(total_bytes=256_000_000, entries=20_000)
_LOCK_PAUSE = 0.05  #: seconds between two tries at a lock that another process may hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Installed dependencies."""

    digest: Digest
    path: Path  #: absolute; holds one folder
    folder: str  #: its name in ``/app``: ".venv", "node_modules"

    @property
    def mount(self) -> Mount:
        return Mount(source=self.path, target=str(self.path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Something that can be run: ``folder`` as ``/app``, with ``mounts``."""

    digest: Digest
    folder: Path
    layer: Path

    @property
    def mounts(self) -> tuple[Mount, ...]:
        return (Mount(source=self.layer, target=str(self.layer)),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A private folder to make something in."""

    root: Path
    app: Path  #: becomes ``/app`` of the install and build steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What `ArtifactStore.prune` removed."""

    artifacts: int
    layers: int


def layer_digest(*, framework: str, runtime: str, files: FileTree, program: Path) -> Digest:
    """What a layer is made of. ``program`` is the interpreter it is installed for: a layer links to it."""
    return _combine("nexus layer 1", framework, runtime, files.digest, os.path.realpath(program))


def artifact_digest(*, revision: Digest, layer: Digest, framework: str, runtime: str, output: Digest) -> Digest:
    """What an artifact is made of."""
    return _combine("nexus artifact 1", revision, layer, framework, runtime, output)


def _combine(*parts: str) -> Digest:
    total = hashlib.sha256()
    for part in parts:
        data = part.encode()
        total.update(len(data).to_bytes(8, "big"))
        total.update(data)
    return Digest("sha256:" + total.hexdigest())


class ArtifactStore:
    """The store below one folder; any number of processes may use it at once."""

    def __init__(
        self,
        root: Path,
        *,
        layer_bounds: Bounds = _LAYER_BOUNDS,
        artifact_bounds: Bounds = _ARTIFACT_BOUNDS,
        min_free_mb: int = 64,
        grace_seconds: float = 3600.0,
    ) -> None:
        self.root = Path(os.path.abspath(root))
        self.claims = Claims(self.root / "claims")
        self._layers = self.root / "layers"
        self._artifacts = self.root / "artifacts"
        self._work = self.root / "work"
        self._layer_bounds = layer_bounds
        self._artifact_bounds = artifact_bounds
        self._min_free = min_free_mb * 1_000_000
        self._grace = grace_seconds

    @contextlib.asynccontextmanager
    async def installing(self, framework: str) -> AsyncIterator[None]:
        """Held while dependencies are installed, one at a time per framework, over all processes. The package cache that installs
        share is writable for one sandbox user at a time; and what the one before has installed need not be installed again."""
        with disk_full_as_error():
            self._prepare()
            fd = os.open(self.root / f"install-{framework}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not _lock_now(fd):  # noqa: ASYNC110 - the holder may be another process
                await asyncio.sleep(_LOCK_PAUSE)
            yield
        finally:
            os.close(fd)

    def check_room(self) -> None:
        """Raises:
        DiskFull: less room than ``min_free_mb`` is left.
        """
        if shutil.disk_usage(self.root if self.root.exists() else self.root.parent).free < self._min_free:
            raise DiskFull

    @contextlib.asynccontextmanager
    async def workspace(self) -> AsyncIterator[Workspace]:
        """A fresh folder, gone afterwards.

        Raises:
            DiskFull: no room for it.
        """
        name = "work-" + secrets.token_hex(8)
        root = self._work / name
        with disk_full_as_error():
            self._prepare()
            self.check_room()
            claim = self.claims.claim(name)
            try:
                # Not listable: where a sandbox is only another user, builds must not find each other's folders.
                root.mkdir(mode=0o711)
                app = root / "app"
                app.mkdir(mode=0o755)
                yield Workspace(root=root, app=app)
            finally:
                await in_thread(remove, root)
                claim.release()

    async def layer(self, digest: Digest, folder: str) -> Layer | None:
        """An installed layer, marked as used now; None when it has to be installed."""
        return await in_thread(self._layer, digest, folder)

    async def keep_layer(self, work: Workspace, digest: Digest, folder: str, *, program: Path) -> Layer:
        """Take ``app/<folder>`` of the workspace as a layer. Whoever comes second gets what the first one made.

        Raises:
            BuildFailed: there is something in it that is refused.
            DiskFull: no room left.
        """
        return await in_thread(self._keep_layer, work, digest, folder, program)

    async def link_layer(self, work: Workspace, layer: Layer) -> None:
        """Make the workspace's ``app`` see the layer."""
        with disk_full_as_error():
            os.symlink(layer.path / layer.folder, work.app / layer.folder)

    async def publish(self, work: Workspace, layer: Layer, *, revision: Digest, framework: str, runtime: str) -> Artifact:
        """Take the workspace's built ``app`` as an artifact.

        Raises:
            BuildFailed: there is something in it that is refused.
            DiskFull: no room left.
        """
        return await in_thread(self._publish, work, layer, revision, framework, runtime)

    async def open(self, digest: Digest) -> Artifact | None:
        """A kept artifact, ready to run, marked as used now; None when it, or its layer, is not here any more."""
        return await in_thread(self._open, digest)

    async def prune(self, keep: Collection[Digest]) -> Pruned:
        """Remove artifacts that are neither in ``keep`` nor used within the grace age; then layers that no artifact needs."""
        return await in_thread(self._prune, frozenset(keep))

    async def sweep(self) -> int:
        """Remove work folders whose maker died; returns how many."""
        return await in_thread(self._sweep)

    # Everything below blocks, and runs in threads.

    def _prepare(self) -> None:
        for folder in (self.root, self._layers, self._artifacts, self._work):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)

    @contextlib.contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        """Shared while something is looked up and marked as used, exclusive while something unused is taken away."""
        self._prepare()
        fd = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, kind)
            yield
        finally:
            os.close(fd)

    def _layer(self, digest: Digest, folder: str) -> Layer | None:
        path = self._layers / _hex(digest)
        with disk_full_as_error(), self._locked(fcntl.LOCK_SH):
            if not (path / folder).is_dir():
                return None
            os.utime(path)
        return Layer(digest=digest, path=path, folder=folder)

    def _keep_layer(self, work: Workspace, digest: Digest, folder: str, program: Path) -> Layer:
        made = work.root / "layer"
        with disk_full_as_error():
            made.mkdir(mode=0o755)
            installed = work.app / folder
            if os.path.lexists(installed):
                os.rename(installed, made / folder)
            else:
                (made / folder).mkdir()  # nothing to install
            # A link's own text is looked at, so both spellings of the interpreter are named.
            programs = {str(program), os.path.realpath(program), *_spellings(made / folder, program)}
            seal(made, bounds=self._layer_bounds, links_out=programs, hashing=False)
            if not (made / folder).is_dir() or (made / folder).is_symlink():
                raise InvalidInput(f"The install step left no folder {folder!a}.")
            self.check_room()
            with self._locked(fcntl.LOCK_SH):
                _rename_unless_there(made, self._layers / _hex(digest))
        return Layer(digest=digest, path=self._layers / _hex(digest), folder=folder)

    def _publish(self, work: Workspace, layer: Layer, revision: Digest, framework: str, runtime: str) -> Artifact:
        links = {layer.folder: str(layer.path / layer.folder)}
        with disk_full_as_error():
            sealed = seal(work.app, bounds=self._artifact_bounds, given_links=links)
            digest = artifact_digest(
                revision=revision, layer=layer.digest, framework=framework, runtime=runtime, output=sealed.digest
            )
            self.check_room()
            folder = self._artifacts / _hex(digest)
            with self._locked(fcntl.LOCK_SH):
                _rename_unless_there(work.app, folder)
        return Artifact(digest=digest, folder=folder, layer=layer.path)

    def _open(self, digest: Digest) -> Artifact | None:
        folder = self._artifacts / _hex(digest)
        with disk_full_as_error(), self._locked(fcntl.LOCK_SH):
            layer = self._layer_of(folder)
            if layer is None or not layer.is_dir():
                return None
            os.utime(folder)
            os.utime(layer)
        return Artifact(digest=digest, folder=folder, layer=layer)

    def _layer_of(self, artifact: Path) -> Path | None:
        with contextlib.suppress(FileNotFoundError), os.scandir(artifact) as entries:
            for entry in entries:
                if entry.is_symlink():
                    layer = Path(os.readlink(entry.path)).parent
                    if layer.parent == self._layers:
                        return layer
        return None

    def _prune(self, keep: frozenset[Digest]) -> Pruned:
        kept = {_hex(digest) for digest in keep}
        artifacts = self._take_away(self._artifacts, kept)
        needed = {layer.name for artifact in self._artifacts.iterdir() if (layer := self._layer_of(artifact))}
        layers = self._take_away(self._layers, needed)
        return Pruned(artifacts=artifacts, layers=layers)

    def _take_away(self, folder: Path, keep: Collection[str]) -> int:
        removed = 0
        self._prepare()
        for path in list(folder.iterdir()):
            if path.name in keep:
                continue
            claim = self.claims.claim("work-" + secrets.token_hex(8))
            try:
                with self._locked(fcntl.LOCK_EX):
                    if time.time() - path.stat().st_mtime < self._grace:
                        continue
                    path.rename(self._work / claim.name)
                remove(self._work / claim.name)
                removed += 1
            finally:
                claim.release()
        return removed

    def _sweep(self) -> int:
        self._prepare()
        removed = 0
        for claim in self.claims.abandoned("work-"):
            remove(self._work / claim.name)
            claim.release()
            removed += 1
        for path in list(self._work.iterdir()):
            if not self.claims.held(path.name):
                remove(path)
                removed += 1
        return removed


def _hex(digest: Digest) -> str:
    found = _DIGEST.fullmatch(digest)
    if found is None:
        raise InvalidInput(f"{digest[:80]!a} is not the digest of an artifact; it starts with 'sha256:'.")
    return found[1]


def _lock_now(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _rename_unless_there(made: Path, target: Path) -> None:
    try:
        made.rename(target)
    except OSError:
        if not target.is_dir():
            raise
    os.utime(target)


def _spellings(folder: Path, program: Path) -> Iterator[str]:
    """Targets of the links ``bin/python…`` that lead to the interpreter under another of its names."""
    real = os.path.realpath(program)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder / "bin") as entries:
        for entry in entries:
            if entry.is_symlink():
                target = os.readlink(entry.path)
                if target.startswith("/") and os.path.realpath(target) == real:
                    yield target

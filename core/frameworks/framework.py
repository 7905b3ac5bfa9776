"""What Nexus knows of a framework: its scaffold, and how it is installed, built and started.

Called by generation (scaffold, owned paths), verification (install, build) and deployments (start). One module and one
``scaffold/`` folder per framework; `core.frameworks.registry` lists them. A framework knows no sandbox and no host: it returns recipes.

The platform contract that every framework's start command keeps: listens on ``PORT`` at ``HOST``, or on the unix socket
``NEXUS_SOCKET`` where that is set; ``GET /healthz`` is 200 when it can serve; reads ``DATABASE_URL`` and ``PLATFORM_API_URL``;
schema in ``migrations/*.sql``, run by the platform, never by the app.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.files import FileTree
from core.words.plan import Feature, FrameworkName
from core.words.walls import Limits, Mount, Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """The programs of this machine, absolute paths; and the shared package stores (made when missing)."""

    python: Path  #: the interpreter that apps run on
    uv: Path
    uv_cache: Path
    node: Path
    pnpm: Path  #: pnpm's JavaScript entry (``pnpm.cjs`` or ``pnpm.mjs``), run by ``node``
    pnpm_store: Path
    launchers: Path  #: folder of `core/frameworks/launchers`, mounted read-only at its own path


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One command of the install or build step; its working directory is ``/app``."""

    name: str  #: short, for the evidence line: "install", "compile"
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[Mount] = ()
    network: Network = Network.NONE
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCommand:
    """How an instance is started; ``/app`` is the read-only artifact."""

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[Mount] = ()


class Framework(ABC):
    """One framework."""

    name: FrameworkName
    label: str  #: "FastAPI"
    runtime: str  #: "Python 3.11", "Node.js 24"; shown on cards
    layer_folder: str  #: what the install step leaves in ``/app``: ".venv" or "node_modules"
    manifest: str  #: the file of the tree that names its direct dependencies: "requirements.txt" or "package.json"

    #: what the scaffold brings, tested, when a plan asks for it; the other features are written by the model
    features: frozenset[Feature] = frozenset({"search"})

    @abstractmethod
    def scaffold(self, features: Collection[Feature] = ()) -> FileTree:
        """The small known-good project that builds and starts by itself, with those of ``features`` that it brings."""

    def feature_files(self, feature: Feature) -> FileTree:
        """What a feature of `features` adds to, or replaces in, the scaffold without it: laid over an app that gets the feature later.
        Its migration is ``migrations/0000_<feature>.sql``, before any of the app's; a later one takes the next free number."""
        before = self.scaffold()
        return FileTree({path: text for path, text in self.scaffold([feature]).items() if before.get(path) != text})

    def guide(self) -> str:
        """How an app is written on the scaffold: which files, what the code in them looks like, how to go beyond lists and forms. A model
        is told so; it is Nexus's own text."""
        return ""

    def is_fixture(self, path: str) -> bool:
        """Whether a model needs to know of this file of the scaffold only that it is there: its text is left out of prompts as long as it
        is the scaffold's."""
        return path.endswith((".css", ".svg", ".lock"))

    @abstractmethod
    def owns(self, path: str) -> bool:
        """Whether the platform owns this path: a model's or a person's file there is ignored in favour of the scaffold's."""

    @abstractmethod
    def with_dependencies(self, tree: FileTree, dependencies: Mapping[str, str]) -> FileTree:
        """The tree with these extra packages (name to exact version) in its dependency files."""

    @abstractmethod
    def dependencies(self, tree: FileTree) -> Mapping[str, str]:
        """Name to version (or range) of the tree's direct dependencies.

        Raises:
            InvalidInput: a git, http, file or alias specification, or a dependency file that cannot be read.
        """

    @abstractmethod
    def dependency_files(self, tree: FileTree) -> FileTree:
        """The files that decide what is installed, lifecycle scripts and overrides stripped; the install step gets only these."""

    @abstractmethod
    def install(self, tools: Toolchain) -> Sequence[Recipe]:
        """Install into ``/app/<layer_folder>``: network to the registries, no code of the app or of a package runs."""

    @abstractmethod
    def build(self, tree: FileTree, tools: Toolchain) -> Sequence[Recipe]:
        """Compile and check; code may run, no network. May write into ``/app``, except ``layer_folder``."""

    @abstractmethod
    def start(self, tree: FileTree, tools: Toolchain) -> StartCommand:
        """Start the built app."""

"""The draft: a tree of files in the making, and what may come into it.

Held by a job while a model writes. It takes what a parser read and leaves out what must not be: files that the platform owns,
that are frozen or hostile, or that are for secrets, and, in a change, files that the plan of the change does not name. It puts
the dependencies in, mends what has one certain answer, and says what validation finds. It asks no model.
"""

from __future__ import annotations

import asyncio
import enum
import posixpath
import re
from collections.abc import Callable, Collection, Mapping, Sequence

from core.errors import InvalidInput, UserError
from core.files import FileTree, check_path
from core.frameworks.framework import Framework
from core.generation import edits, features, fixing, relevance, scaffolding
from core.generation.parser import Parsed
from core.generation.policy import PackagePolicy
from core.generation.problem import Problem
from core.generation.validation import validate
from core.generation.validation.remarks import remarks
from core.words.plan import Plan, PlannedFile

_SET_THEM = "Secrets and other values belong into the app's settings, and only their names into .env.example."


class Kind(enum.Enum):
    """What a draft is for, which decides about files that no plan names."""

    NEW = "new"  #: they may come; nothing may go
    CHANGE = "change"  #: those that are there stay as they are
    REPAIR = "repair"  #: whatever the check needs


class Draft:
    """One request's files."""

    def __init__(
        self,
        framework: Framework,
        base: FileTree,
        policy: PackagePolicy,
        note: Callable[[str], None],
        *,
        frozen: frozenset[str] = frozenset(),
        kind: Kind = Kind.NEW,
    ) -> None:
        self.plan: Plan
        self.base = base
        self.framework = framework
        self.frozen = frozen
        self.contents: dict[str, str] = {}
        self.removed: set[str] = set()
        self.frozen_hits: set[str] = set()
        self.wished = False  #: whether the model asked for packages by writing the manifest
        self._inserted: dict[str, set[edits.Edit]] = {}
        self._policy = policy
        self._note = note
        self._kind = kind

    # -- the plan

    async def settle(self, plan: Plan) -> Plan:
        """The plan without what cannot be: paths that are hostile, owned, frozen, for secrets or brought by the scaffold, and
        packages that are refused. Its settings come into the tree at once."""
        brought = features.overlay(self.framework, plan.features) if self._kind is Kind.NEW else ()
        files: dict[str, PlannedFile] = {}
        for file in plan.files:
            path = file.path.strip().removeprefix("./")
            try:
                check_path(path)
            except InvalidInput as error:
                self._note(f"A planned file was left out. {error.message}")
                continue
            if path == self.framework.manifest:
                continue  # the plan's dependencies say it already
            if self.framework.owns(path):
                self._note(f"The planned file {path} belongs to the platform and was left out.")
            elif _holds_settings(path) and path not in self.base:  # one that is there may be removed
                self._note(f"The planned file {path} was left out. {_SET_THEM}")
            elif path in brought:
                self._note(f"The planned file {path} comes with the scaffold and was left out.")
            elif path in self.frozen:
                self.frozen_hits.add(path)
            else:
                imports = [other.strip().removeprefix("./") for other in file.imports]
                files.setdefault(path, file.model_copy(update={"path": path, "imports": imports}))
        self.plan = plan.model_copy(update={"files": list(files.values())})
        self.plan = self.plan.model_copy(update={"dependencies": await self._accepted(plan.dependencies)})
        self.base = scaffolding.with_settings(self.base, plan.settings)
        return self.plan

    async def _accepted(self, wanted: Sequence[str]) -> list[str]:
        """The wanted packages without those that are refused, each with a note."""
        resolved = await self._policy.resolve(self.framework.name, wanted, self.framework.dependencies(self.base))
        for reason in resolved.refused.values():
            self._note(reason)
        return [name for name in dict.fromkeys(wanted) if name[:80] not in resolved.refused]

    def _add_dependencies(self, names: Sequence[str]) -> None:
        self.plan = self.plan.model_copy(update={"dependencies": list(dict.fromkeys([*self.plan.dependencies, *names]))})

    # -- what a model wrote

    @property
    def touched(self) -> bool:
        """Whether there is anything in it at all."""
        return bool(self.contents or self.removed or self.frozen_hits or self.wished)

    def refusal(self, path: str, planned: Collection[str] | None) -> str | None:
        """Why what a model wrote is not kept; ``planned`` None lets every file be written."""
        if path == self.framework.manifest:
            return f"The model wrote {path}, which the platform keeps; only names of packages were taken from it."
        if self.framework.owns(path):
            return f"The model wrote {path}, which belongs to the platform; it was ignored."
        if _holds_settings(path):
            return f"The model wrote {path}, which was ignored. {_SET_THEM}"
        if path in self.frozen:
            return f"The model wrote {path}, which was released and may not change; it was ignored."
        if self._kind is Kind.NEW and path in self.base and self._is_settled(path, planned):
            return f"The model wrote {path}, which comes with the scaffold and was not planned; it was ignored."
        if self._kind is Kind.CHANGE and planned is not None and path not in planned and path in self.base:
            return f"The model rewrote {path}, which the change does not name; it was ignored."
        return None

    def _is_settled(self, path: str, planned: Collection[str] | None) -> bool:
        """Whether a file of the scaffold stays as it is in a new app: a feature's in any case, and one that a model is not shown
        unless it planned it, because what it writes there unseen does not fit the rest."""
        if path in features.overlay(self.framework, self.plan.features):
            return True
        return planned is not None and path not in planned and self.framework.is_fixture(path)

    async def take(self, parsed: Parsed, planned: Collection[str] | None) -> Mapping[str, str]:
        """Keep what may be kept. Returns the edits that were not made: path to the reason."""
        for problem in parsed.problems:
            self._note(f"A file was ignored. {problem}")
        for path in parsed.duplicates:
            self._note(f"The model wrote {path} more than once; the last whole one counts.")
        for path, content in parsed.files.items():
            if path == self.framework.manifest:
                await self._wish(content)
            else:
                self.keep(path, content, planned)
        failed = dict.fromkeys(parsed.broken_edits, "An edit of it was cut off or is not in the format.")
        for path, wanted in parsed.edits.items():
            if (refusal := self._edit(path, wanted, planned)) is not None:
                failed[path] = refusal
        for path in parsed.removed:
            self._remove(path, planned)
        return {path: reason for path, reason in failed.items() if self.refusal(path, planned) is None}

    def keep(self, path: str, content: str, planned: Collection[str] | None) -> None:
        """Take one whole file."""
        text = fixing.tidy(content)
        if path in self.frozen:
            if self.base.get(path) not in {text, content}:
                self.frozen_hits.add(path)
        elif (refusal := self.refusal(path, planned)) is not None:
            self._note(refusal)
        else:
            if planned is not None and path not in planned:
                self._note(f"The model added {path}, which was not planned.")
            self.removed.discard(path)
            self.contents[path] = text
            self._inserted.pop(path, None)

    def _edit(self, path: str, wanted: Sequence[edits.Edit], planned: Collection[str] | None) -> str | None:
        if path in self.frozen:
            self.frozen_hits.add(path)
            return None
        if (refusal := self.refusal(path, planned)) is not None:
            self._note(refusal)
            return None
        before = self.contents.get(path, self.base.get(path))
        if before is None or path in self.removed:
            return "There is no such file to edit."
        # A model that is asked again says again what it has said. What adds to a text still finds it, and would add twice.
        made = self._inserted.setdefault(path, set())
        after = edits.apply(before, [edit for edit in wanted if edit not in made])
        if isinstance(after, edits.DoesNotApply):
            return after.message
        made |= {edit for edit in wanted if edit.search in edit.replacement}
        self.contents[path] = after
        return None

    def _remove(self, path: str, planned: Collection[str] | None) -> None:
        if path in self.contents and path not in self.base:
            self._note(f"{path} is not needed after all.")
            self._leave_out(path)
        elif self._kind is Kind.NEW or path not in self.base or path == self.framework.manifest or self.framework.owns(path):
            self._note(f"The model asked to remove {path}, which is not its to remove; it stays.")
        elif path in self.frozen:
            self._note(f"The model asked to remove {path}, which was released; it stays.")
        elif path in features.overlay(self.framework, self.plan.features):
            self._note(f"The model asked to remove {path}, without which a feature of the app would be gone; it stays.")
        elif self._kind is Kind.CHANGE and planned is not None and path not in planned:
            self._note(f"The model asked to remove {path}, which the change does not name; it stays.")
        else:
            self._note(f"{path} is removed.")
            self.removed.add(path)
            self._leave_out(path)

    def _leave_out(self, path: str) -> None:
        self.contents.pop(path, None)
        self.plan = self.plan.model_copy(update={"files": [file for file in self.plan.files if file.path != path]})

    async def _wish(self, manifest: str) -> None:
        """Read the names out of a manifest that the model wrote. The file itself is never used: it decides what is installed."""
        try:
            wanted = self.framework.dependencies(self.base.with_files({self.framework.manifest: manifest}))
        except UserError as error:
            self._note(f"The model wrote {self.framework.manifest}, which was ignored. {error.message}")
            return
        new = [name for name in wanted if name not in self.framework.dependencies(self.base)]
        if accepted := await self._accepted(new):
            self.wished = True
            self._add_dependencies(accepted)

    # -- the tree

    @property
    def tree(self) -> FileTree:
        """The base with what was written so far."""
        return self._merged()[0]

    def lacks(self, path: str) -> bool:
        """Whether a planned file has still to come. What would be refused is not waited for."""
        return path not in self.contents and path not in self.removed and not _holds_settings(path)

    def written_for(self, files: Collection[PlannedFile]) -> FileTree:
        """What was written so far that a writer of these files should see: what they import, and the tables; where they name no
        import, everything."""
        wanted = {path for file in files for path in file.imports}
        own = {file.path for file in files}
        tree = self.tree
        return FileTree(
            {
                path: tree[path]
                for path in self.contents
                if path in tree and path not in own and (not wanted or path in wanted or path.startswith("migrations/"))
            }
        )

    def _merged(self) -> tuple[FileTree, list[Problem]]:
        """The base with what was written, without files that cannot be in one tree with the others."""
        gone = dict.fromkeys(self.removed)
        try:
            return self.base.with_files({**self.contents, **gone}), []
        except UserError:
            tree, problems = self.base.with_files(gone), []
            for path, content in list(self.contents.items()):
                try:
                    tree = tree.with_files({path: content})
                except UserError as error:
                    problems.append(Problem(path=path, line=None, message=error.message))
            return tree, problems

    async def assembled(self) -> tuple[FileTree, Sequence[Problem]]:
        """The tree with its dependencies, mended where that is certain, and what is wrong with it."""
        collisions = self._merged()[1]
        for problem in collisions:
            self.contents.pop(problem.path, None)
        await self._mend((), "")
        tree, problems = await self._validated()
        if problems and await self._mend(problems, ""):
            tree, problems = await self._validated()
        frozen = "It was released and may not change; leave it, and put the change into a new, higher-numbered file."
        hits = [Problem(path=path, line=None, message=frozen) for path in sorted(self.frozen_hits)]
        return tree, [*collisions, *hits, *self._dangling(tree), *problems]

    async def mended(self, paths: Collection[str], log: str) -> bool:
        """Mend, of ``paths``, what a failing check's log or the files themselves say plainly. Returns whether anything was."""
        may = [path for path in paths if path in self.base and not self.framework.owns(path) and path not in self.frozen]
        return await self._mend((), log, may)

    async def _mend(self, problems: Sequence[Problem], log: str, paths: Collection[str] | None = None) -> bool:
        tree = self.tree
        looked_into = frozenset(self.contents if paths is None else paths)
        # In a thread: parsing 2 MB of Python takes a second, and the event loop serves everybody.
        found = await asyncio.to_thread(fixing.fixed, tree, self.framework, looked_into, problems, log)
        self.contents.update(found.files)
        self._add_dependencies(found.packages)
        for note in found.notes:
            self._note(note)
        return bool(found.files or found.packages)

    async def _validated(self) -> tuple[FileTree, list[Problem]]:
        tree = self.tree
        before = self.framework.dependencies(tree)
        resolved = await self._policy.resolve(self.plan.framework, self.plan.dependencies, before)
        problems: list[Problem] = []
        try:
            tree = self.framework.with_dependencies(tree, resolved.versions)
        except UserError as error:
            problems.append(Problem(path="", line=None, message=error.message))
        accepted = {**before, **resolved.versions}
        problems += await asyncio.to_thread(
            validate, tree, self.plan, self.framework, frozenset(self.contents), accepted=accepted
        )
        for remark in () if problems else await asyncio.to_thread(remarks, tree, self.plan, frozenset(self.contents)):
            self._note(remark)
        return tree, problems

    def correctable(self, wrong: Collection[str]) -> set[str] | None:
        """What a correction may write, where ``wrong`` are the files with a problem; None lets every file be written. In a change
        those, what they import, and what the change is about anyway: a mistake in it is no leave to rewrite the app."""
        if self._kind is not Kind.CHANGE:
            return None
        tree = self.tree
        near = [found for path in wrong if path in tree for found in relevance.imports_of(tree, path)]
        return {*(file.path for file in self.plan.files), *self.contents, *self.removed, *wrong, *near}

    def _dangling(self, tree: FileTree) -> Sequence[Problem]:
        """Files that import one that was removed. One with another ending in its place does as well."""
        modules = set(map(_module, tree))
        gone = {path: self.base[path] for path in self.removed if _module(path) not in modules}
        with_them = {**tree, **gone}
        return [
            Problem(path=path, line=None, message=f"It imports {one}, which was removed; do without, or write {one} again.")
            for path in (tree if gone else ())
            for one in relevance.imports_of(with_them, path)
            if one in gone
        ]


def _holds_settings(path: str) -> bool:
    """Whether it is a file of settings' values: ``.env``, ``.env.local`` and the like, in any folder, but not `.env.example`."""
    name = posixpath.basename(path).casefold()
    return name != scaffolding.SETTINGS and re.fullmatch(r"\.env(?:rc|[^a-z0-9].*)?", name) is not None


def _module(path: str) -> str:
    """What an import names, whichever the file's ending: ``src/api`` for src/api.ts and src/api/index.js."""
    stem = posixpath.splitext(path)[0]
    return posixpath.dirname(stem) if posixpath.basename(stem) in {"index", "__init__"} else stem

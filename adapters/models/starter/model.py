"""The starter: the model that is used while no key is configured. A program, no language model, and it says so.

It reads the description for things and fields (`reading`), and writes a list-and-form app over the framework's scaffold
(`app_files`), through the same pipeline and in the same format as every model. It refuses a description without a word in it, and
changes that it does not understand, with a sentence that says what it can do. It never stands in for a model whose call failed.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence

from adapters.models.starter.app_files import FIRST_MIGRATION, AppFile, app_files, first_migration, pages
from adapters.models.starter.changes import EXAMPLES, Change, change
from adapters.models.starter.layouts import LAYOUTS
from adapters.models.starter.look import Look, look_of
from adapters.models.starter.migrations import next_migration
from adapters.models.starter.reading import has_words, read
from adapters.models.starter.sql import script
from adapters.models.starter.wishes import ACCOUNTS, REGISTRATION, framework_for
from core.files import FileTree
from core.generation.model import (
    Brief,
    ChangeBrief,
    Complete,
    Ended,
    Failed,
    Failure,
    Model,
    PlanOutcome,
    Refused,
    Usage,
    Writing,
)
from core.generation.sentinels import closing, emit
from core.words.plan import Plan, PlannedFile

_PIECE = 997  #: characters per piece of the stream; a prime, so that cuts fall anywhere
_NOTHING = Usage()


class Starter(Model):
    """Reads descriptions by rule."""

    provider = "starter"
    name = "starter"
    own_code = True

    async def plan(self, brief: Brief) -> PlanOutcome:
        if not has_words(brief.description):
            return _refused(
                "The description has no words. Say what the app should keep, such as “a todo app with due dates” or “invoices: "
                "number, customer, amount, paid”."
            )
        understood = read(brief.description, brief.features, brief.styling)
        named, why = framework_for(brief.description)
        plan = Plan(
            name=understood.title,
            framework=brief.framework or named,
            why="" if brief.framework else why,
            summary="",
            features=understood.features,
            resources=understood.resources,
            settings=[REGISTRATION] if ACCOUNTS in understood.features else [],
            requires_database=True,
            assumptions=understood.assumptions,
        )
        plan = _described(plan)
        made = {**app_files(plan, understood.look), FIRST_MIGRATION: first_migration(plan)}
        return Complete(value=plan.model_copy(update={"files": _planned(made)}), usage=_NOTHING)

    async def write(self, writing: Writing, nonce: str) -> AsyncIterator[str | Ended]:
        for piece in _pieces(_written(writing), writing.files, nonce):
            yield piece
        yield Complete(value=None, usage=_NOTHING)

    async def resume(self, writing: Writing, path: str, partial: str, nonce: str) -> AsyncIterator[str | Ended]:
        yield _written(writing)[path].content.removeprefix(partial) + closing(nonce)
        yield Complete(value=None, usage=_NOTHING)

    async def plan_change(self, brief: ChangeBrief) -> PlanOutcome:
        if not _is_ours(brief):
            return _refused(
                "This app was not written by the built-in starter, which changes only its own apps. "
                "Ask whoever runs this Nexus "
                "to set a model's key, or send changed files."
            )
        if not has_words(brief.request):
            return _refused(f"The request has no words. Say what to change, such as {EXAMPLES}.")
        made = _changed(brief)
        if not made.understood and made.said:
            return _refused(f"{made.said[0]} The starter can do things like {EXAMPLES}.")
        if not made.understood:
            return _refused(f"The built-in starter did not understand that change. It can do things like {EXAMPLES}.")
        files = _touched(brief, made)
        if not files:
            return _refused(f"That is how the app is already; nothing would change. The starter can do things like {EXAMPLES}.")
        before = app_files(brief.plan, _look(brief.plan, brief.tree))
        edited = sorted(
            path for path in files if path in before and path in brief.tree and brief.tree[path] != before[path].content
        )
        if edited:
            made.said.append(f"These files were edited since and are written anew: {', '.join(edited)}.")
        plan = _described(made.plan).model_copy(update={"files": _planned(files), "assumptions": made.said})
        return Complete(value=plan, usage=_NOTHING)

    async def repair(self, failure: Failure, nonce: str) -> AsyncIterator[str | Ended]:
        yield Failed(
            reason=f"The check “{failure.check[:80]}” failed, and the built-in starter cannot repair code. "
            "Undo the last change, or ask for it in another way.",
            retryable=False,
            usage=_NOTHING,
        )


def _written(writing: Writing) -> dict[str, AppFile]:
    """Path to file: of the whole app, or of the change."""
    brief = writing.brief
    if isinstance(brief, ChangeBrief):
        planned = next((file.path for file in writing.plan.files if file.path.startswith("migrations/")), "")
        return _touched(brief, _changed(brief), planned)
    look = read(brief.description, brief.features, brief.styling).look if has_words(brief.description) else Look()
    return {**app_files(writing.plan, look), FIRST_MIGRATION: first_migration(writing.plan)}


def _described(plan: Plan) -> Plan:
    """The plan with a summary and pages that follow from what it keeps."""
    things = ", ".join(resource.label.lower() for resource in plan.resources)
    behind = ", behind a sign-in" if ACCOUNTS in plan.features else ""
    summary = f"A list-and-form app that keeps {things}{behind}. Made by the built-in starter, without a language model."
    return plan.model_copy(update={"summary": summary[:600], "pages": pages(plan.resources, plan.features)})


def _refused(reason: str) -> Refused:
    return Refused(reason=reason, usage=_NOTHING)


def _planned(files: Mapping[str, AppFile]) -> list[PlannedFile]:
    return [PlannedFile(path=path, purpose=file.purpose) for path, file in files.items()]


def _pieces(made: Mapping[str, AppFile], wanted: Sequence[PlannedFile], nonce: str) -> list[str]:
    text = "".join(emit(file.path, made[file.path].content, nonce) for file in wanted if file.path in made)
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]


def _look(plan: Plan, tree: FileTree) -> Look:
    layout = LAYOUTS[plan.framework]
    return look_of(tree.get(layout.theme, ""), tree.get(layout.index or layout.schema, ""))


def _is_ours(brief: ChangeBrief) -> bool:
    """Whether the page's schema names exactly the plan's resources: nothing else keeps that file so."""
    try:
        schema = json.loads(brief.tree[LAYOUTS[brief.plan.framework].schema])
        names = [resource["name"] for resource in schema["resources"]]
    except (KeyError, TypeError, ValueError, RecursionError):
        return False
    return bool(names) and names == [resource.name for resource in brief.plan.resources]


def _changed(brief: ChangeBrief) -> Change:
    return change(brief.request, brief.plan, brief.tree, _look(brief.plan, brief.tree))


def _touched(brief: ChangeBrief, made: Change, migration: str = "") -> dict[str, AppFile]:
    """The files whose content follows from the changed plan and did not from the old one, and the new migration, at the path that it was
    planned for: a feature's own may have been laid in since."""
    before = app_files(brief.plan, _look(brief.plan, brief.tree))
    after = app_files(made.plan, made.look)
    touched = {path: file for path, file in after.items() if path not in before or before[path].content != file.content}
    if made.statements:
        heading = (
            "Changes the tables of the app; the data stay."
            if not made.destructive
            else "Changes the tables of the app, and deletes data."
        )
        path = migration or next_migration(brief.tree, brief.frozen, brief.request)
        touched[path] = AppFile("the change of the tables", script(heading, made.statements))
    return touched

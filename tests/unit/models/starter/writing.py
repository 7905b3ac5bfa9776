"""Runs the starter the way the pipeline does: plan, stream, parse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from adapters.models.starter import Starter
from core.files import FileTree
from core.frameworks.registry import framework
from core.generation.model import Brief, ChangeBrief, Complete, Ended, Refused, Writing
from core.generation.parser import Parser
from core.generation.scaffolding import relaid
from core.words.plan import FrameworkName, Plan

NONCE = "0123abcd"


async def collected(stream: AsyncIterator[str | Ended]) -> dict[str, str]:
    """The files of a stream that must end well."""
    parser = Parser(NONCE)
    ended: list[Ended] = []
    async for piece in stream:
        if isinstance(piece, str):
            assert not ended, "text came after the end"
            parser.feed(piece)
        else:
            ended.append(piece)
    assert len(ended) == 1
    assert isinstance(ended[0], Complete)
    parsed = parser.finish()
    assert not parsed.unclosed
    assert not parsed.prose.strip()
    return dict(parsed.files)


async def written(description: str, name: FrameworkName = "fastapi", *, styling: str = "") -> tuple[Plan, FileTree]:
    """A new app: its plan, and the scaffold with the starter's files."""
    brief = Brief(description=description, framework=name, styling=styling)
    outcome = await Starter().plan(brief)
    assert isinstance(outcome, Complete), outcome
    plan = outcome.value
    scaffold = framework(name).scaffold(plan.features)
    return plan, scaffold.with_files(
        await collected(Starter().write(Writing(brief=brief, plan=plan, files=plan.files, tree=scaffold), NONCE))
    )


async def changed(plan: Plan, tree: FileTree, request: str) -> tuple[Plan, FileTree]:
    """A changed app; every migration so far counts as released."""
    brief = ChangeBrief(request=request, plan=plan, tree=tree, frozen=frozenset(p for p in tree if p.startswith("migrations/")))
    outcome = await Starter().plan_change(brief)
    assert isinstance(outcome, Complete), outcome
    laid = relaid(framework(plan.framework), tree, plan.features, outcome.value.features, brief.frozen).tree
    writing = Writing(brief=replace(brief, tree=laid), plan=outcome.value, files=outcome.value.files, tree=laid)
    files = await collected(Starter().write(writing, NONCE))
    assert set(files) == {file.path for file in outcome.value.files}
    return outcome.value, laid.with_files(files)


async def refused(plan: Plan, tree: FileTree, request: str) -> str:
    """Why a change is refused."""
    outcome = await Starter().plan_change(ChangeBrief(request=request, plan=plan, tree=tree))
    assert isinstance(outcome, Refused), outcome
    return outcome.reason

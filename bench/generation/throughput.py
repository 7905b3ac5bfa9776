"""How fast the parser and the validator read: `python -m bench.generation.throughput`.

The parser gets an answer of many files in pieces of 16 characters, as a vendor's stream brings them; beside it, in the same run, what the
standard library needs to walk the same pieces, as a measure of the machine. The validator gets every scaffold with a starter's app.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from adapters.models.starter.model import Starter
from core.files import FileTree
from core.frameworks.registry import framework
from core.generation import sentinels
from core.generation.model import Brief, Complete, Writing
from core.generation.parser import Parser
from core.generation.validation import validate
from core.words.plan import FRAMEWORK_NAMES, FrameworkName, Plan

_PIECE = 16
_TIMES = 5


async def app(name: FrameworkName) -> tuple[Plan, FileTree]:
    """A starter's app on its scaffold."""
    brief = Brief(description="a CRM: companies with name and website, contacts with name, email and company", framework=name)
    outcome = await Starter().plan(brief)
    assert isinstance(outcome, Complete)
    plan = outcome.value
    tree = framework(name).scaffold(plan.features)
    nonce = sentinels.new_nonce()
    parser = Parser(nonce)
    async for piece in Starter().write(Writing(brief=brief, plan=plan, files=plan.files, tree=tree), nonce):
        if isinstance(piece, str):
            parser.feed(piece)
    return plan, tree.with_files(parser.finish().files)


def seconds(work: Callable[[], object]) -> float:
    """The median of a few runs."""
    taken = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    """Measure, and print a table."""
    table = Table("what", "MB", "MB/s", "against walking the pieces", title="Reading what a model wrote")
    nonce = sentinels.new_nonce()
    made = {name: asyncio.run(app(name)) for name in FRAMEWORK_NAMES}
    answer = "".join(
        sentinels.emit(f"{n}/{path}", text, nonce) for n in range(20) for _, tree in made.values() for path, text in tree.items()
    )
    pieces = [answer[at : at + _PIECE] for at in range(0, len(answer), _PIECE)]
    size = len(answer.encode()) / 1e6

    def parse() -> None:
        parser = Parser(nonce)
        for piece in pieces:
            parser.feed(piece)
        parser.finish()

    parsing, walking = seconds(parse), seconds(lambda: sum(piece.count("<") for piece in pieces))
    table.add_row("parser", f"{size:.1f}", f"{size / parsing:.1f}", f"{parsing / walking:.1f} ×")
    for name, (plan, tree) in made.items():
        size = sum(tree.size(path) for path in tree) / 1e6
        taken = seconds(lambda plan=plan, tree=tree, name=name: validate(tree, plan, framework(name)))  # type: ignore[misc]
        table.add_row(f"validator, {name}", f"{size:.2f}", f"{size / taken:.1f}", "")
    Console().print(table)


if __name__ == "__main__":
    main()

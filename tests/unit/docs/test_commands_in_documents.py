"""Commands, calls and addresses that the documents show are ones that Nexus has."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, cast

import pytest
import typer
import typer.exceptions

from adapters.api.app import Api, routes
from bot.cli import app
from core.conversation.grammar import VERBS
from tests.unit.docs.documents import DOCUMENTS, ROOT, code_words, shell_lines, text

LAUNCHER_COMMANDS = {"lock"}  #: of the script `nexus` itself

cli: Any = typer.main.get_command(app)


def nexus_calls(line: str) -> list[list[str]]:
    """The arguments of every ``./nexus`` in a shell line: at its beginning, in the container, or in a substitution."""
    calls = [shlex.split(call) for call in re.findall(r"\$\(\./nexus ([^)]*)\)", line)]
    words = shlex.split(line.removeprefix("docker compose exec nexus "), comments=True)
    return [*calls, words[1:]] if words[:1] == ["./nexus"] else calls


def refusal(arguments: list[str]) -> str:
    """What the command line says against these arguments; empty when it understands them. Nothing is run."""
    name, *rest = arguments
    if name in LAUNCHER_COMMANDS:
        return ""
    if name not in cli.commands:
        return f"there is no command {name}"
    try:
        with cli.commands[name].make_context(name, rest):
            return ""
    except typer.exceptions.TyperException as error:
        return str(error)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_nexus_command_is_understood(document: Path) -> None:
    shown = [*shell_lines(text(document)), *(word for word in code_words(text(document)) if word.startswith("./nexus "))]
    for line in shown:
        for arguments in nexus_calls(line):
            assert refusal([argument.replace("USER", "somebody") for argument in arguments]) == "", line


def test_the_tour_shows_most_commands() -> None:
    shown = {call[0] for line in shell_lines(text(ROOT / "README.md")) for call in nexus_calls(line)}
    assert shown <= set(cli.commands)
    assert len(shown) >= 12


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_chat_command_is_in_the_grammar(document: Path) -> None:
    for word in code_words(text(document)):
        if word.startswith("/nexus "):
            assert word.split()[1] in VERBS, word


def test_every_call_of_the_api_that_the_readme_shows_is_in_the_route_table() -> None:
    nothing = cast(Any, None)
    table = routes(Api(engine=nothing, authentication=nothing, edge=nothing, signin_link=nothing))
    known = {(route.method, path) for route in table for path in (route.path, *route.also)}
    readme = text(ROOT / "README.md")
    shown = set()
    for methods, path in re.findall(r"`?((?:GET|POST|PUT|DELETE)(?:` and `(?:GET|POST))*)`? `?(/(?:api|ai)/[^`\s]*)`", readme):
        shown |= {(method, path) for method in re.findall(r"[A-Z]+", methods)}
    shown |= {("POST", path) for path in re.findall(r"also `(/ai/[^`]+)`", readme)}
    assert len(shown) >= 12
    assert shown - known == set()
    promised = {(method, path) for method, path in known if path.startswith(("/api/ai", "/api/v1/tenants", "/api/v1/hosting"))}
    assert promised - shown == set(), "the README's table names every promised call"

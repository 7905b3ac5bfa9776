"""The command line. ``./nexus`` prepares the environment and calls this.

Commands that concern apps are the chat's own grammar, typed in a terminal: they go to the running Nexus of the data folder, or to
one that is started for the time. ``up`` is the product; ``test`` and ``check`` are for those who build it.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from adapters.api.tokens import Tokens
from bot import following
from bot.client import Client
from bot.doctor import Finding, examine, print_findings
from bot.instance import instance
from bot.platform.data_folder import DataFolder
from bot.providers import configured
from bot.settings import Settings
from core.errors import NexusError, OperatorError, UserError
from core.words.plan import FRAMEWORK_NAMES
from core.words.walls import Isolation

ROOT = Path(__file__).resolve().parent.parent

app = typer.Typer(
    name="nexus",
    help="Nexus turns a chat message into a live, database-backed web app.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
slack_commands = typer.Typer(name="slack", help="What Slack needs to know.", no_args_is_help=True)
app.add_typer(slack_commands)
discord_commands = typer.Typer(name="discord", help="What Discord needs to know.", no_args_is_help=True)
app.add_typer(discord_commands)
err = Console(stderr=True)
out = Console()

Data = Annotated[Path | None, typer.Option("--data", help="The data folder; a per-user one when left out.")]
Port = Annotated[int | None, typer.Option("--port", help="The port of the page and the apps (8080).")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
AppName = Annotated[str, typer.Argument(metavar="APP")]


def settings() -> Settings:
    """The settings of this process's environment."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        raise OperatorError(f"The setting {first['loc'][0]} is not usable: {first['msg']}. Mend it and start again.") from None


def folder(data: Path | None) -> DataFolder:
    chosen = data or (Path(configured) if (configured := settings().data) else None)
    return DataFolder.open(chosen)


def say(text: str) -> None:
    err.print(text, style="dim", markup=False, highlight=False)


def _tell(text: str) -> None:
    """A sentence about a chat platform, whenever it comes."""
    out.print(f"  {text}", markup=False, highlight=False, soft_wrap=True)


# -- the product -----------------------------------------------------------------------------------------------------------


@app.command()
def up(data: Data = None, port: Port = None, quiet: Annotated[bool, typer.Option("--quiet", hidden=True)] = False) -> None:
    """Start Nexus: the page, the apps, their databases. Ctrl-C stops it all."""
    from bot.process import log_to_file, until_told_to_stop
    from bot.program import running  # the engine: a second that other commands need not wait

    async def go() -> None:
        chosen = settings()
        place = folder(data)
        log_to_file(place.logs / "nexus.log", chosen.log_level)
        wanted = chosen.port if port is None else port
        if quiet:
            async with running(chosen, place, port=wanted):
                await until_told_to_stop()
            return
        with err.status("Starting") as status:
            stack = running(chosen, place, port=wanted, say=lambda text: status.update(text), tell=_tell)
            started = await stack.__aenter__()
        try:
            out.print(f"\n  Nexus is ready at [bold]{started.url}[/]\n", highlight=False)
            out.print(f"  Sign in, once, within 15 minutes:\n  {started.signin}\n", markup=False, highlight=False, soft_wrap=True)
            out.print(f"  [dim]Data in {place.wanted}. Ctrl-C stops it all; apps and data are there again at the next start.[/]")
            if started.isolation is not Isolation.NAMESPACES:
                out.print(f"\n  [yellow]Weaker sandbox:[/] {started.walls}", highlight=False)
            out.print()
            await until_told_to_stop()
            say("Stopping")
        finally:
            await stack.__aexit__(*sys.exc_info())

    _run(go)


@app.command()
def bot(
    data: Data = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Take signed requests here, for a proxy with TLS; Socket Mode needs none.")
    ] = None,
) -> None:
    """Serve chats alone, for the Nexus that runs on the same data folder. Any number of these may run. Ctrl-C stops it."""
    from bot.chats import serve
    from bot.process import log_to_file

    async def go() -> None:
        chosen = settings()
        place = folder(data)
        log_to_file(place.logs / f"bot-{place.slot('bot')}.log", chosen.log_level)
        await serve(chosen, place, port=port, tell=_tell)

    _run(go)


@slack_commands.command("manifest")
def slack_manifest(
    url: Annotated[str, typer.Option(help="Where Slack reaches this Nexus, https://…; Socket Mode when left out.")] = "",
    command: Annotated[str, typer.Option(help="The slash command; NEXUS_SLACK_COMMAND when left out.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Print the manifest that Slack makes the app from, and nothing else."""
    from bot.chats import slack_manifest as made

    async def go() -> None:
        sys.stdout.write(made(url=url, command=command or settings().slack_command, as_json=as_json))

    _run(go)


@discord_commands.command("invite")
def discord_invite(
    guild: Annotated[str, typer.Option(help="The id of the server to add it to; chosen in the browser when left out.")] = "",
    application: Annotated[str, typer.Option(help="The application's id; Discord is asked by DISCORD_TOKEN when left out.")] = "",
) -> None:
    """Print the link that adds Nexus to a server, and what it asks for there and why."""
    from bot.chats import discord_invitation

    async def go() -> None:
        sys.stdout.write(await discord_invitation(settings(), application=application, guild=guild))

    _run(go)


@app.command()
def doctor(data: Data = None, port: Port = None) -> None:
    """Say what is found on this machine and what is missing, each with its remedy."""
    from adapters.sandboxes.detect import detect

    async def go() -> None:
        chosen = settings()

        async def isolation() -> tuple[Isolation, str]:
            walls = await detect(forced=chosen.sandbox or None)
            return walls.isolation, walls.describe()

        async def chats() -> list[Finding]:
            from bot.chats import findings as of_chats

            return await of_chats(chosen, lambda: DataFolder.open(data or (Path(chosen.data) if chosen.data else None)))

        findings = await examine(
            data=data or (Path(chosen.data) if chosen.data else None),
            port=chosen.port if port is None else port,
            isolation=isolation,
            browser=chosen.browser,
            providers=configured(chosen),
            chats=chats,
        )
        if not print_findings(findings, out):
            raise typer.Exit(1)

    _run(go)


@app.command()
def token(user: str, data: Data = None) -> None:
    """Print a JWT for the API, and nothing else."""

    async def go() -> None:
        sys.stdout.write(Tokens(folder(data).secret("tokens")).issue(user) + "\n")

    _run(go)


@app.command()
def signin(user: Annotated[str, typer.Argument(help="Whom to sign in; you when left out.")] = "you", data: Data = None) -> None:
    """Print a one-time link that signs a browser in. Needs a running Nexus."""

    async def go() -> None:
        place = folder(data)
        if place.running() is None:
            raise OperatorError("No Nexus runs on this data folder; start one with `./nexus up`, which prints a link.")
        async with instance(place, port=0, say=say) as client:
            sys.stdout.write(await client.signin(user) + "\n")

    _run(go)


# -- apps ------------------------------------------------------------------------------------------------------------------


@app.command()
def build(
    description: Annotated[list[str], typer.Argument(help="What the app should do, in your own words.")],
    framework: Annotated[str, typer.Option(help=f"{', '.join(FRAMEWORK_NAMES)}; chosen when left out.")] = "",
    features: Annotated[str, typer.Option(help="Comma-separated.")] = "",
    styling: Annotated[str, typer.Option()] = "",
    provider: Annotated[str, typer.Option(help="auto, starter, openai, anthropic or compatible.")] = "",
    name: Annotated[str, typer.Option(help="The app's name and host label.")] = "",
    yes: Yes = False,
    data: Data = None,
    port: Port = None,
) -> None:
    """Build an app, look at it, approve it, and see it live."""
    options = {"framework": framework, "features": features, "styling": styling, "provider": provider, "name": name}
    words = " ".join(description)
    if not words.strip():
        words = ""
    text = f"/nexus build {words} " + " ".join(f"--{key} {shlex.quote(value)}" for key, value in options.items() if value)
    _talk(lambda client: following.work(client, text.rstrip(), out, yes=yes), data, port)


@app.command()
def change(
    app_name: AppName,
    what: Annotated[list[str], typer.Argument(help="What should be different, in your own words.")],
    yes: Yes = False,
    data: Data = None,
    port: Port = None,
) -> None:
    """Change an app, in words."""
    _talk(lambda client: following.change(client, app_name, " ".join(what), out, yes=yes), data, port)


@app.command("list")
def list_(data: Data = None, port: Port = None) -> None:
    """The apps."""
    _say("list", data, port)


@app.command()
def show(app_name: AppName, data: Data = None, port: Port = None) -> None:
    """One app: state, address, releases."""
    _say(f"show {app_name}", data, port)


@app.command()
def logs(
    app_name: AppName,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as lines come.")] = False,
    data: Data = None,
    port: Port = None,
) -> None:
    """What an app printed."""
    _talk(lambda client: following.logs(client, app_name, out, follow=follow), data, port)


@app.command()
def files(app_name: AppName, path: Annotated[str, typer.Argument()] = "", data: Data = None, port: Port = None) -> None:
    """An app's source files."""
    _say(f"files {app_name} {path}".rstrip(), data, port)


@app.command()
def env(
    action: Annotated[str, typer.Argument(help="list, set or unset")],
    app_name: AppName,
    pairs: Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE…]")] = None,
    data: Data = None,
    port: Port = None,
) -> None:
    """An app's settings: list the names, set or unset some."""
    words = " ".join(shlex.quote(pair) for pair in pairs or [])
    _work(app_name, f"env {action} {app_name} {words}".rstrip(), data, port)


@app.command()
def db(app_name: AppName, data: Data = None, port: Port = None) -> None:
    """Where an app's database is."""
    _say(f"db {app_name}", data, port)


@app.command()
def deploy(app_name: AppName, data: Data = None, port: Port = None) -> None:
    """Approve the build that waits, and deploy it."""
    _work(app_name, f"deploy {app_name}", data, port)


@app.command()
def rollback(
    app_name: AppName,
    release: Annotated[str, typer.Argument(help="v1, v2, …")],
    with_data: Annotated[bool, typer.Option("--with-data", help="Data and settings too, as that release left them.")] = False,
    data: Data = None,
    port: Port = None,
) -> None:
    """Bring a kept release back."""
    _work(app_name, f"rollback {app_name} {release} {'--with-data' if with_data else '--code-only'}", data, port)


@app.command()
def stop(app_name: AppName, data: Data = None, port: Port = None) -> None:
    """Stop an app; its data stay."""
    _say(f"stop {app_name}", data, port)


@app.command()
def start(app_name: AppName, data: Data = None, port: Port = None) -> None:
    """Start a stopped app."""
    _work(app_name, f"start {app_name}", data, port)


@app.command()
def restart(app_name: AppName, data: Data = None, port: Port = None) -> None:
    """Restart an app without a failed request."""
    _work(app_name, f"restart {app_name}", data, port)


@app.command()
def delete(app_name: AppName, yes: Yes = False, data: Data = None, port: Port = None) -> None:
    """Delete an app and its database, after a last snapshot."""
    _talk(lambda client: following.delete(client, app_name, out, yes=yes), data, port)


@app.command()
def usage(app_name: AppName, data: Data = None, port: Port = None) -> None:
    """What an app uses."""
    _say(f"usage {app_name}", data, port)


# -- for those who build it ------------------------------------------------------------------------------------------------


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Pass the tests. What follows goes to pytest."""
    # Much of a test's time is waiting for what it drives: two at a time use two cores well. A chosen part runs alone, to be read.
    # By folder, as they are found: sorted by the number of tests, the longest journeys would come last, on one worker.
    two = () if context.args else ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
    raise typer.Exit(_tool(sys.executable, "-m", "pytest", *two, *context.args))


@app.command()
def check() -> None:
    """Run ruff, mypy and import-linter."""
    folders = ("bot", "core", "adapters", "tests", "bench")
    tools = Path(sys.executable).parent
    codes = [
        _tool(str(tools / "ruff"), "check", *folders),
        _tool(str(tools / "ruff"), "format", "--check", *folders),
        _tool(sys.executable, "-m", "mypy"),
        _tool(str(tools / "lint-imports")),
    ]
    raise typer.Exit(max(codes))


def _tool(*argv: str) -> int:
    say("$ " + shlex.join(Path(word).name if index == 0 else word for index, word in enumerate(argv)))
    return subprocess.run(argv, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False).returncode


# -- inside ----------------------------------------------------------------------------------------------------------------


def _say(command: str, data: Path | None, port: int | None) -> None:
    """A command that is answered at once."""
    _talk(lambda client: following.tell(client, "/nexus " + command, out), data, port)


def _work(slug: str, command: str, data: Path | None, port: int | None) -> None:
    """A command that may begin a deployment, which is followed to its end."""
    _talk(lambda client: following.command(client, slug, "/nexus " + command, out), data, port)


def _talk(do: Callable[[Client], Awaitable[int]], data: Path | None, port: int | None) -> None:
    async def go() -> None:
        wanted = settings().port if port is None else port
        async with instance(folder(data), port=wanted, say=say) as client:
            code = await do(client)
        if code:
            raise typer.Exit(code)

    _run(go)


def _run(go: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await go()

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except UserError as error:
        err.print(error.message, style="red", markup=False, highlight=False)
        raise typer.Exit(2) from None
    except NexusError as error:
        err.print(error.message, style="red", markup=False, highlight=False)
        raise typer.Exit(1) from None

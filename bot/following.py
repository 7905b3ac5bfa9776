"""Following: what the CLI does with a running Nexus — type a command, show what the thread shows, ask where a person must decide.

Called by the CLI's commands. Each returns an exit code: 0 when it ended well, 1 when it did not, 2 when it was refused.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.prompt import Confirm, Prompt

from bot.client import Client, Reply
from bot.terminal import TerminalView
from bot.terminal_parts import clean
from core.errors import InvalidInput, NotFound
from core.words.cards import Button, Card, Tone

BEGINS_SECONDS = 3.0  #: within which a command's deployment has its card


async def tell(client: Client, text: str, console: Console, *, thread: str | None = None) -> int:
    """A command that is answered at once."""
    return _print(await client.say(text, thread=thread), console)


async def work(client: Client, text: str, console: Console, *, yes: bool = False) -> int:
    """A build, followed up to the live app."""
    reply = await client.say(text)
    if reply.form is not None:
        raise InvalidInput("Say in a sentence what to build, for example: nexus build a todo app with due dates")
    if reply.error or reply.thread is None:
        return _print(reply, console)
    return await _follow(client, reply.thread, console, after=0, yes=yes, asks=True)


async def command(client: Client, slug: str, text: str, console: Console) -> int:
    """A command about an app that may begin a deployment, which is then followed to its end."""
    thread = await _thread_of(client, slug)
    cursor = (await client.messages(thread))[1]
    reply = await client.say(text, thread=thread)
    code = _print(reply, console)
    if code or reply.card is not None or reply.form is not None:
        return code
    try:
        async with asyncio.timeout(BEGINS_SECONDS) as patience:
            return await _follow(
                client, thread, console, after=cursor, yes=False, asks=False, began=lambda: patience.reschedule(None)
            )
    except TimeoutError:
        return code  # nothing had to be deployed: new settings of an app that is stopped


async def change(client: Client, slug: str, text: str, console: Console, *, yes: bool) -> int:
    """A reply in the app's thread."""
    thread = await _thread_of(client, slug)
    cursor = (await client.messages(thread))[1]
    reply = await client.say(text, thread=thread)
    if reply.error:
        return _print(reply, console)
    return await _follow(client, thread, console, after=cursor, yes=yes, asks=True)


async def logs(client: Client, slug: str, console: Console, *, follow: bool) -> int:
    """The last lines, and with ``follow`` those that come."""
    code = await tell(client, f"/nexus logs {slug}", console)
    if follow and code == 0:
        async for line in client.log(slug):
            console.print(clean(line), markup=False, highlight=False, soft_wrap=True)
    return code


async def delete(client: Client, slug: str, console: Console, *, yes: bool) -> int:
    """Ask for the name again, as the page does."""
    reply = await client.say(f"/nexus delete {slug}")
    if reply.form is None:
        return _print(reply, console)
    form: dict[str, Any] = reply.form
    if yes:
        typed = slug
    elif not sys.stdin.isatty():
        console.print("Nothing was deleted. Say --yes to delete without being asked.", style="yellow")
        return 2
    else:
        if form.get("text"):
            console.print(form["text"], markup=False)
        typed = Prompt.ask(f"Type {slug} to delete it", console=console, default="", show_default=False)
    values = {field["name"]: typed for field in form["inputs"]}
    return _print(await client.submit(form["form"], form.get("value", ""), values, thread=reply.thread), console)


async def _follow(
    client: Client,
    thread: str,
    console: Console,
    *,
    after: int,
    yes: bool,
    asks: bool,
    began: Callable[[], None] = lambda: None,
) -> int:
    older = {m.message for m in (await client.messages(thread))[0] if m.version <= after}
    with TerminalView(console) as view:
        async for message in client.follow(thread, after=after):
            card = message.card
            if card is None or message.message in older:
                continue
            began()
            view.show(message)
            if card.kind == "notice" or card.tone is Tone.WORKING:
                continue
            if card.kind == "build" and card.tone is Tone.WAITING:
                if not asks:
                    return 0
                view.close()
                button = _button(card, "approve")
                if button is None:
                    return 0
                if not yes and not _confirmed(console):
                    console.print("Left for review. Approve it on the page, or with: nexus deploy", style="dim")
                    return 0
                reply = await client.press(button.action, button.value, thread=thread)
                if reply.error:
                    return _print(reply, console)
                continue
            if card.kind == "build" and card.tone is Tone.GOOD:
                continue  # approved: its deploy card follows
            if card.tone in {Tone.GOOD, Tone.BAD}:
                return 0 if card.tone is Tone.GOOD else 1
            if card.kind == "build":
                return 1
    return 1


def _confirmed(console: Console) -> bool:
    if not sys.stdin.isatty():
        return False
    return Confirm.ask("Approve and deploy?", console=console, default=True)


def _button(card: Card, action: str) -> Button | None:
    return next((b for b in card.actions if isinstance(b, Button) and b.action == action), None)


async def _thread_of(client: Client, slug: str) -> str:
    for thread in await client.threads():
        if thread.app == slug:
            return thread.thread
    raise NotFound(f"There is no app {slug!r} here; `nexus list` shows yours.")


def _print(reply: Reply, console: Console) -> int:
    if reply.card is not None:
        TerminalView(console).answer(reply.card)
    if reply.text:
        console.print(clean(reply.text), style="red" if reply.error else "", markup=False, highlight=False)
    if reply.form is not None and not reply.text:
        console.print("This needs more words; `nexus COMMAND --help` says which.", style="yellow")
        return 2
    return 2 if reply.error else 0

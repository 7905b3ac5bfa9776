"""How fast Slack is answered in a burst: ``python -m bench.slack`` (from the checkout, in the environment that `./nexus check` makes).

Twenty people type 200 commands at the same moment into a local Slack: `list`, `help`, `help build`, and some builds. A Nexus of its
own serves them, once by Socket Mode with two sockets and once by signed requests through its proxy; side by side, a Bolt app that
acknowledges and does nothing else. Told are the acknowledgements as Slack sees them, how long it took until everybody had their
answer, and what was lost or came twice: a command without an answer or with two, a build without a thread or with two, a thread with
other than one card.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator

from bench.burst import PEOPLE, Burst, faults, mixed, running, tell
from tests.support.nexus import new_nexus
from tests.support.postgres import free_port
from tests.support.slack import LocalSlack, Receipt, SlackUser, render_text
from tests.support.slack_house import SlackHouse, Talk, house, settings

WAYS = ("sockets", "http")


def commands(number: int, builds: int) -> list[str]:
    """What is typed."""
    return [one if isinstance(one, str) else _build(one) for one in mixed(number, builds)]


def _build(number: int) -> str:
    return f"build things of kind {number}: name, colour --framework express --provider starter --name kind-{number}"


async def typed(people: list[SlackUser], texts: list[str]) -> list[Receipt]:
    """All at the same moment."""
    return list(await asyncio.gather(*(people[n % len(people)].command("/nexus", text) for n, text in enumerate(texts))))


def acknowledged(receipts: list[Receipt]) -> tuple[list[float], int]:
    seconds = [one.seconds for one in receipts if one.seconds is not None and one.acknowledged]
    return seconds, len(receipts) - len(seconds)


async def of_nexus(place: SlackHouse, people: list[SlackUser], texts: list[str]) -> Burst:
    """A burst, and everything that comes of it."""
    slack, began = place.slack, time.perf_counter()
    before = Counter({one.id: len(place.private(one)) for one in people})
    wanted = Counter(people[n % len(people)].id for n in range(len(texts)))
    receipts = await typed(people, texts)

    def answers() -> Counter[str]:
        return Counter({one.id: len(place.private(one)) - before[one.id] for one in people})

    with contextlib.suppress(AssertionError):  # what is lost is counted
        await slack.wait_for(lambda: sum(answers().values()) >= len(texts), timeout=120)
    answered = time.perf_counter() - began
    kinds = [text for text in texts if text.startswith("build")]
    talks = await threads(place, kinds)
    shown = time.perf_counter() - began
    got = answers()
    lost, doubled = faults([[len(one.cards) for one in found] for found in talks.values()])
    seconds, unacknowledged = acknowledged(receipts)
    return Burst(
        seconds=seconds,
        unacknowledged=unacknowledged,
        answered=answered,
        lost=lost + sum((wanted - got).values()),
        doubled=doubled + sum((got - wanted).values()),
        shown=shown if kinds else None,
    )


async def threads(place: SlackHouse, builds: list[str]) -> dict[str, list[Talk]]:
    """The threads of each build, once every one has a card that is over."""
    general = place.slack.workspace.channel_id("#general")

    def found() -> dict[str, list[Talk]]:
        roots = [one for one in place.slack.messages(general) if one.bot_id]
        return {
            text: [
                Talk(slack=place.slack, channel=general, ts=one.ts)
                for one in roots
                if text.removeprefix("build ").partition(":")[0] + ":" in one.text
            ]
            for text in builds
        }

    def over() -> bool:
        talks = found().values()
        return all(any("Ready for review" in render_text(card) for talk in one for card in talk.cards) for one in talks)

    with contextlib.suppress(AssertionError):
        await place.slack.wait_for(over, timeout=300)
    return found()


async def of_bare(slack: LocalSlack, people: list[SlackUser], texts: list[str], *, sockets: bool) -> Burst:
    """The same burst, to the app that only acknowledges."""
    async with bare(slack, sockets=sockets):
        await typed(people, texts[:10])  # its first call is `auth.test`
        seconds, unacknowledged = acknowledged(await typed(people, texts))
    return Burst(seconds=seconds, unacknowledged=unacknowledged)


@contextlib.asynccontextmanager
async def bare(slack: LocalSlack, *, sockets: bool) -> AsyncIterator[None]:
    port = free_port()
    arguments = ["sockets"] if sockets else ["http", str(port)]
    async with running("bench.slack.bare", *arguments, env=settings(slack, sockets=sockets)):
        if sockets:
            await slack.wait_for_sockets(2)
        else:
            way = slack.deliver_to(f"http://127.0.0.1:{port}/slack/events")
            while not await _answers(way.verify_url()):  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.1)
        yield
    slack.http = None
    await slack.wait_for(lambda: not slack.sockets.live)


async def _answers(question: object) -> bool:
    try:
        return bool(await question)  # type: ignore[misc]
    except OSError:
        return False


async def measured(way: str, number: int, builds: int) -> tuple[Burst, Burst]:
    """Nexus and the bare app, in a Slack of their own."""
    sockets, texts = way == "sockets", commands(number, builds)
    async with LocalSlack() as slack:
        people = [slack.workspace.add_user(f"Person {n}") for n in range(1, PEOPLE + 1)]
        nexus = new_nexus(NEXUS_BROWSER="none", **settings(slack, sockets=sockets))
        async with house(slack, nexus) as place:
            if sockets:
                await slack.wait_for_sockets(2)
            else:
                slack.deliver_to(f"{nexus.url}/slack/events")
            await of_nexus(place, people, ["help"] * PEOPLE)  # whom Nexus has never seen it asks Slack about
            ours = await of_nexus(place, people, texts)
            slack.http = None
        return ours, await of_bare(slack, people, texts, sockets=sockets)


async def main(number: int, builds: int) -> bool:
    pairs = []
    for way in WAYS:
        ours, theirs = await measured(way, number, builds)
        pairs.append((f"Nexus, {way}", ours, f"bare Bolt, {way}", theirs))
    return tell(f"{number} commands at the same moment, {builds} of them builds; milliseconds until the acknowledgement", pairs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure a burst of commands in Slack.")
    parser.add_argument("--commands", type=int, default=200)
    parser.add_argument("--builds", type=int, default=8)
    chosen = parser.parse_args()
    sys.exit(0 if asyncio.run(main(chosen.commands, chosen.builds)) else 1)

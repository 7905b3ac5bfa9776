"""The part of the wiring that puts Slack together. Its SDK and Bolt are imported only where Slack is configured.

Called by `bot.wiring`, for `nexus up` and for `nexus bot` alike.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from bot.chat_platform import ChatPlatform, Tell, pictures_in
from bot.platform.data_folder import DataFolder
from bot.platform.postgres import PostgresPlace
from bot.process import at_work
from bot.slack import SlackSettings
from bot.wiring_face import Face
from core.conversation.journal import Journal
from core.errors import DataFolderError, TemporaryError
from core.ledger.deliveries import Deliveries
from core.ledger.installations import Installations
from core.ledger.ledger import EVENTS_CHANNEL, Ledger
from core.ledger.migrations import check as check_schema
from core.ledger.vault import Vault
from core.words.check import Check


def slack_platform(slack: SlackSettings, data: DataFolder, face: Face, tell: Tell) -> ChatPlatform:
    """Slack, put together; takes in nothing before it is `ChatPlatform.serving`."""
    from adapters.slack.answering import Answering
    from adapters.slack.app import slack_app
    from adapters.slack.attachments import Attachments
    from adapters.slack.calls import Calls
    from adapters.slack.desk import KINDS, SlackDesk
    from adapters.slack.desk import Parts as DeskParts
    from adapters.slack.directs import Directs
    from adapters.slack.home import Homes
    from adapters.slack.http import add_slack
    from adapters.slack.installations import SlackInstallations, oauth_flow, web_client
    from adapters.slack.manifest import SCOPES
    from adapters.slack.outbound import SlackChat
    from adapters.slack.people import SlackPeople
    from adapters.slack.pictures import Pictures
    from adapters.slack.sockets import Sockets
    from adapters.slack.tail import SlackTails

    kept, client = Installations(face.ledger, face.vault), web_client(slack.api_url)
    installations = SlackInstallations(kept, client, token=slack.bot_token)

    async def trouble(workspace: str, why: str) -> None:
        tell(f"Slack, workspace {workspace}: {why}")
        await installations.trouble(workspace, why)

    calls = Calls(installations, base_url=slack.api_url, trouble=trouble)

    chat, directs = SlackChat(calls, pictures=Pictures(calls, pictures_in(face.ledger))), Directs(calls)
    people = SlackPeople(calls, face.people)
    tails = SlackTails(calls, face.engine, face.inbox, directs)
    homes = Homes(calls, face.engine, people, face.people, link=chat.link)
    desk = SlackDesk(
        DeskParts(
            dialogue=face.dialogue,
            engine=face.engine,
            people=people,
            attachments=Attachments(calls, installations, api_url=slack.api_url),
            answering=Answering(
                calls, face.inbox, face.engine, tails, directs, link=chat.link, groups=people.groups, api_url=slack.api_url
            ),
            directs=directs,
            tails=tails,
            homes=homes,
            removed=installations.removed,
            journal=Journal(Deliveries(face.ledger, face.vault, chat.platform), KINDS),
        )
    )
    signing = None if slack.sockets else slack.signing_secret
    app = slack_app(
        desk,
        installations.authorize,
        signing_secret=signing.get_secret_value() if signing is not None else "",
        api_url=slack.api_url,
        command=slack.command,
    )
    taking = asyncio.Event()

    @contextlib.asynccontextmanager
    async def serving() -> AsyncIterator[None]:
        parts = {
            "slack introduction": installations.introduce(tell),
            "slack journal": desk.run(),
            "slack home tabs": homes.run(face.feed.wakes(EVENTS_CHANNEL)),
        }
        if slack.app_token is not None:
            parts["slack sockets"] = Sockets(app, slack.app_token, api_url=slack.api_url, tell=tell).run()
        try:
            async with at_work(parts):
                taking.set()
                try:
                    yield
                finally:
                    taking.clear()
        finally:
            await desk.close()

    def add_to(site: web.Application) -> None:
        oauth = None
        if slack.client_secret is not None:
            key = data.secret("slack install")
            oauth = oauth_flow(
                kept,
                face.inbox,
                client,
                client_id=slack.client_id,
                client_secret=slack.client_secret,
                state_key=key,
                scopes=sorted(SCOPES),
            )
        add_slack(site, app, signing_secret=signing, oauth=oauth, taking=taking.is_set)

    async def close() -> None:
        await chat.close()
        await calls.close()

    return ChatPlatform(chat=chat, add_to=add_to, serving=serving, close=close)


async def slack_checks(slack: SlackSettings, data: DataFolder, postgres: PostgresPlace | None) -> Sequence[Check]:
    """What the doctor finds of Slack; with the ledger's installations where a Nexus runs."""
    from adapters.slack.checks import Checked, check

    installed = None
    if postgres is not None:
        ledger = Ledger(postgres.dsn().get_secret_value())
        try:
            async with ledger.reading() as session:
                await check_schema(session)
            installed = await Installations(ledger, Vault([data.secret("settings")])).every("slack")
        except (TemporaryError, DataFolderError):
            installed = None  # it stops or starts just now, or is of another version
        finally:
            await ledger.close()
    return await check(
        Checked(
            api_url=slack.api_url,
            bot_token=slack.bot_token,
            app_token=slack.app_token,
            signing_secret=slack.signing_secret,
            installed=installed,
        )
    )


def slack_manifest(*, url: str, command: str) -> dict[str, object]:
    """The manifest of the app in Slack."""
    from adapters.slack.manifest import manifest

    return manifest(url=url, command=command)

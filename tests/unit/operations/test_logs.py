"""Logs show no secret that the app knows, as lines, as they come, and as a file; and what crashed can be mended by a press."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from sqlalchemy import func, select

from core.builds.attachments import load_attachments
from core.conversation.dialogue import Dialogue
from core.errors import Conflict, NotFound
from core.ids import InstanceId
from core.ledger.inbox import LedgerInbox
from core.ledger.tables import Build
from core.words.inbound import Action, Answer, Who
from tests.support.engine_house import House, key
from tests.support.team import channel, mate

KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----"


async def secretive(house: House, who: Who) -> tuple[InstanceId, list[str]]:
    """A live app with settings and a database, and all that it knows and nobody may see."""
    await house.live(who, "shop")
    wanted = {"TOKEN": "hunter2hunter2", "KEY": KEY, "DEBUG": "true"}
    view = await house.engine.set_settings(who, "shop", set=wanted, unset=[], key=key())
    assert view is not None
    await house.deployed(who, view)
    (instance,) = await house.host.instances()
    tenant = await house.registry.of_app((await house.row("shop")).id)
    assert tenant is not None
    passwords = [tenant.app_password.get_secret_value(), tenant.migrator_password.get_secret_value()]
    return instance.instance, ["hunter2hunter2", *KEY.splitlines(), *passwords]


async def pressed(house: House, who: Who, action: str, value: str) -> Answer:
    dialogue = Dialogue(house.engine, LedgerInbox(house.ledger))
    return await dialogue.handle(Action(who=who, key=key(), action=action, value=value, place=channel()))


async def crashed(house: House, who: Who, *lines: str, slug: str = "shop") -> None:
    (instance,) = await house.host.instances()
    house.machine.prints(instance.instance, *lines)
    house.machine.ends(instance.instance, exit_code=3)
    await house.here.reconciler.apps()


async def test_no_log_shows_a_setting_or_a_password_of_the_database(house: House) -> None:
    ada = await mate(house, "ada")
    instance, secrets = await secretive(house, ada)
    house.machine.prints(instance, *(f"knows {secret}!" for secret in secrets), "debug is true")
    shown = await house.engine.logs(ada, "shop")
    assert ["knows •••!"] * len(secrets) == shown[-1 - len(secrets) : -1]
    assert "debug is true" == shown[-1]
    as_file = (await pressed(house, ada, "logfile", "shop")).file
    assert as_file is not None
    assert ("shop.log", "\n".join([*shown, ""])) == (as_file.name, as_file.content.decode())
    as_card = (await pressed(house, ada, "logs", "shop")).card
    assert as_card is not None
    for secret in secrets:
        assert secret not in as_card.model_dump_json()

    followed: list[str] = []

    async def follow() -> None:
        async for line in house.engine.follow_logs(ada, "shop"):
            followed.append(line)

    following = asyncio.create_task(follow())
    with contextlib.suppress(asyncio.CancelledError):
        async with asyncio.timeout(20):
            while "the end" not in followed:
                house.machine.prints(instance, *secrets, "the end")
                await asyncio.sleep(0.01)
        following.cancel()
        await following
    assert set(followed) <= {"•••", "the end"}


async def test_a_whole_log_is_more_than_the_last_lines(house: House) -> None:
    ada = await mate(house, "ada")
    await house.live(ada, "shop")
    assert "shop has printed nothing yet." == (await pressed(house, ada, "logfile", "shop")).text
    (instance,) = await house.host.instances()
    house.machine.prints(instance.instance, *(f"line {n}" for n in range(3000)))
    answer = await pressed(house, ada, "logfile", "shop")
    assert answer.file is not None
    assert [f"line {n}" for n in range(3000)] == answer.file.content.decode().splitlines()


async def test_only_what_is_live_can_be_followed(house: House) -> None:
    ada = await mate(house, "ada")
    await house.live(ada, "shop")
    assert "shop" == (await pressed(house, ada, "follow", "shop")).follow
    await house.reconciled(house.engine.stop(ada, "shop"))
    stopped = await pressed(house, ada, "follow", "shop")
    assert (True, "") == (stopped.error, stopped.follow)
    assert "logs shop" in stopped.text
    assert (await pressed(house, await mate(house, "eve", workspace="T2"), "follow", "shop")).error


async def test_a_crash_can_be_mended_by_a_press_with_its_last_lines(house: House) -> None:
    ada, bob = await mate(house, "ada"), await mate(house, "bob")
    await house.live(ada, "shop")
    await crashed(house, ada, "GIF89a is what it printed first", "Traceback: boom")
    answer = await pressed(house, bob, "fix", "shop")
    assert not answer.error, answer.text
    async with house.ledger.reading() as session:
        build = await session.scalar(select(Build).order_by(Build.number.desc()).limit(1))
        assert build is not None
        (tail,) = await load_attachments(session, build.id)
    assert ("change", bob.principal) == (build.purpose, build.requested_by)
    assert "v1 crashed. The app ended by itself (exit code 3)." in build.text
    assert ("log.txt", "text/plain") == (tail.name, tail.media_type)
    assert b"The last lines of v1:\nGIF89a is what it printed first\nTraceback: boom\n" == tail.data
    (said,) = await house.facts(build.app_id, "said")
    assert ("bob", ["log.txt"]) == (said.by, said.attachments)


async def test_a_press_comes_once(house: House) -> None:
    ada = await mate(house, "ada")
    await house.live(ada, "shop")
    await crashed(house, ada)
    made = {(await house.engine.fix(ada, "shop", key="same")).build for _ in range(2)}
    assert 1 == len(made)
    with pytest.raises(Conflict):  # it is being built
        await house.engine.fix(ada, "shop", key="another")
    async with house.ledger.reading() as session:
        assert 2 == await session.scalar(select(func.count()).select_from(Build))


async def test_what_has_not_crashed_or_was_replaced_since_is_not_mended(house: House) -> None:
    ada, eve = await mate(house, "ada"), await mate(house, "eve", workspace="T2")
    await house.live(ada, "shop")
    with pytest.raises(Conflict, match="has not crashed"):
        await house.engine.fix(ada, "shop", key=key())
    await crashed(house, ada, "boom")
    await house.live(ada, "shop", 2)
    with pytest.raises(Conflict, match="v1 of 'shop' crashed, but v2 is live now"):
        await house.engine.fix(ada, "shop", key=key())
    with pytest.raises(NotFound):
        await house.engine.fix(eve, "shop", key=key())


async def test_a_press_on_a_file_shows_that_file_of_that_build(house: House) -> None:
    ada = await mate(house, "ada")
    build = await house.built(ada, "shop")
    paths = sorted(file.path for file in build.files)
    for place in (0, len(paths) - 1):
        card = (await pressed(house, ada, "file", f"{build.build} {place}")).card
        assert card is not None
        assert paths[place] == card.title
    for place in (str(len(paths)), "-1", "x", "²", ""):
        answer = await pressed(house, ada, "file", f"{build.build} {place}")
        assert (True, "That file is not in this build any more; look at the newest card.") == (answer.error, answer.text)
    eve = await mate(house, "eve", workspace="T2")
    for action, value in (("file", f"{build.build} 0"), ("zip", build.build), ("setup", build.build), ("file", "b_none 0")):
        assert (await pressed(house, eve, action, value)).error


async def test_the_setup_and_all_files_can_be_had_in_the_chat(house: House) -> None:
    ada = await mate(house, "ada")
    build = await house.built(ada, "shop")
    answer = await pressed(house, ada, "zip", build.build)
    assert answer.file is not None
    files = await house.engine.files(ada, build.build)
    assert ("shop-1.zip", files.zipped("shop")) == (answer.file.name, answer.file.content)
    card = (await pressed(house, ada, "setup", build.build)).card
    assert card is not None
    assert ("Setup of shop", "Build 1") == (card.title, card.subtitle)

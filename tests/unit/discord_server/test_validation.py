"""What the local Discord refuses of what is sent to it, and how it says so."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from tests.support.discord import LocalDiscord
from tests.support.discord.validation import problems
from tests.unit.discord_server.cards import Card
from tests.unit.discord_server.conftest import Connect
from tests.unit.discord_server.test_messages import general

POST = ("POST", "/channels/1/messages")
CALLBACK = ("POST", "/interactions/1/t/callback")
COMMANDS = ("POST", "/applications/1/commands")
Json = dict[str, Any]


def text(said: str = "x") -> Json:
    return {"type": 10, "content": said}


def row(*components: Json) -> Json:
    return {"type": 1, "components": list(components)}


def button(custom_id: str = "a:", **more: Any) -> Json:
    return {"type": 2, "style": 1, "label": "A", "custom_id": custom_id, **more}


def posted(*components: Json, **more: Any) -> Json:
    return {"flags": 1 << 15, "allowed_mentions": {"parse": []}, "components": list(components), **more}


def form(*components: Json, title: str = "Change") -> Json:
    return {"type": 9, "data": {"custom_id": "f:", "title": title, "components": list(components)}}


def asked(custom_id: str = "a", **more: Any) -> Json:
    return {"type": 18, "label": "What", "component": {"type": 4, "style": 1, "custom_id": custom_id, **more}}


def option(name: str = "app", **more: Any) -> Json:
    return {"type": 3, "name": name, "description": "Which", **more}


def command(**more: Any) -> Json:
    return {"name": "nexus", "description": "Build", **more}


WRONG: list[tuple[tuple[str, str], Json, str]] = [
    (POST, posted(text("x" * 4001)), "too long"),
    (POST, posted(*(text("x" * 1001) for _ in range(4))), "4004 characters of text"),
    (POST, posted(*(row(button(str(number))) for number in range(21))), "42 components"),
    (POST, posted(text(" ")), "blank"),
    (POST, posted(row(button(), button())), "custom_id is not unique"),
    (POST, posted(row(*(button(str(number)) for number in range(6)))), "too long"),
    (POST, posted(row(button("x" * 101))), "too long"),
    (POST, posted(row(button(label="x" * 81))), "too long"),
    (POST, posted(row(button(style=5))), "needs a url"),
    (POST, posted(row({"type": 2, "style": 5, "label": "A", "url": "ftp://x"})), "Scheme must be"),
    (POST, posted(row({"type": 3, "custom_id": "m", "options": []})), "non-empty"),
    (POST, posted(text(), content="words"), "IS_COMPONENTS_V2"),
    (POST, posted(text(), flags=0), "invalid without"),
    (POST, posted({"type": 99}), "99 is not one of"),
    (POST, posted(text(), surprise=1), "surprise"),
    (POST, posted({"type": 12, "items": [{"media": {"url": "attachment://a.png"}}]}), "was not found"),
    (POST, {"content": "x" * 2001, "allowed_mentions": {"parse": []}}, "2000 or fewer"),
    (POST, {"content": "x"}, "missing, so that"),
    (POST, {"content": "x", "allowed_mentions": {"parse": ["everyone"]}}, "may notify"),
    (POST, {"content": "\ud800", "allowed_mentions": {"parse": []}}, "surrogate"),
    (CALLBACK, {"type": 4, "data": {"content": "x", "allowed_mentions": {"parse": [], "users": ["1"]}}}, "may notify"),
    (CALLBACK, {"type": 3}, "no such answer"),
    (CALLBACK, form(*(asked(str(number)) for number in range(6))), "between 1 and 5"),
    (CALLBACK, form(asked(), title="x" * 46), "too long"),
    (CALLBACK, form(asked(), asked()), "not unique"),
    (CALLBACK, form(asked(value="long", max_length=2)), "longer than may be typed"),
    (CALLBACK, {"type": 8, "data": {"choices": [{"name": "x", "value": str(n)} for n in range(26)]}}, "25 or fewer"),
    (COMMANDS, command(name="Nexus"), "pattern"),
    (COMMANDS, command(description=""), "between 1 and 100"),
    (COMMANDS, command(options=[option(), option("b", required=True)]), "before non-required"),
    (COMMANDS, command(options=[option(), option()]), "two options of one name"),
    (COMMANDS, command(options=[option(), {"type": 1, "name": "b", "description": "B"}]), "mutually exclusive"),
    (("POST", "/channels/1/threads"), {"name": "x" * 101, "type": 11}, "too long"),
    (("PATCH", "/channels/1"), {"archived": "no"}, "not of type"),
]


@pytest.mark.parametrize(("call", "body", "why"), WRONG)
def test_a_body_is_refused_with_what_is_wrong_in_it(call: tuple[str, str], body: Json, why: str) -> None:
    found = list(problems(*call, body))
    assert any(why in one for one in found), found


RIGHT: list[tuple[tuple[str, str], Json]] = [
    (POST, posted({"type": 17, "id": 7, "components": [text(), row(button("a"), button("b"))]}, nonce="n", enforce_nonce=True)),
    (POST, {"content": "<@1>", "allowed_mentions": {"parse": [], "users": ["1"]}}),
    (("PATCH", "/channels/1/messages/2"), {"components": [text()], "flags": 1 << 15}),
    (CALLBACK, {"type": 5, "data": {"flags": 64}}),
    (CALLBACK, {"type": 6}),
    (CALLBACK, form(text(), asked(), {"type": 18, "label": "File", "component": {"type": 19, "custom_id": "f"}})),
    (COMMANDS, command(options=[{"type": 1, "name": "build", "description": "B", "options": [option(autocomplete=True)]}])),
    (COMMANDS, {"name": "Build this", "type": 3}),
]


@pytest.mark.parametrize(("call", "body"), RIGHT)
def test_a_body_that_is_right_is_taken(call: tuple[str, str], body: Json) -> None:
    assert list(problems(*call, body)) == []


def test_a_file_that_nobody_would_see_is_refused() -> None:
    shown = posted({"type": 13, "file": {"url": "attachment://a.zip"}}, attachments=[{"id": 0, "filename": "a.zip"}])
    assert list(problems(*POST, shown, files=["a.zip"])) == []
    [hidden] = problems(*POST, posted(text()), files=["a.zip"])
    assert "shown nowhere" in hidden
    [renamed] = problems(*POST, posted({"type": 13, "file": {"url": "attachment://a b.zip"}}), files=["a b.zip"])
    assert "rename" in renamed


async def test_a_violation_is_answered_at_its_place_and_noted(connect: Connect) -> None:
    async with LocalDiscord() as local:
        bot = await connect(local, gateway=False)
        with pytest.raises(discord.HTTPException, match="50035") as refusal:
            await general(bot, local).send("x" * 2001)
        assert refusal.value.status == 400
        assert "In content: Must be 2000 or fewer in length." in str(refusal.value)
        [noted] = local.violations
        assert noted.endswith("/content: Must be 2000 or fewer in length.")
        with pytest.raises(discord.HTTPException, match="50035"):
            sent = await general(bot, local).send(view=Card("x"))
            await sent.edit(content="words")
        assert len(local.violations) == 2


async def test_commands_that_are_registered_again_keep_their_ids(local: LocalDiscord, connect: Connect) -> None:
    bot = await connect(local, gateway=False)
    application = int(local.application_id)
    made = await bot.http.upsert_global_command(application, command(options=[option(required=False)]))  # type: ignore[arg-type]
    again = await bot.http.upsert_global_command(application, command(description="Other"))  # type: ignore[arg-type]
    assert made["id"] == again["id"]
    assert [one["description"] for one in await bot.http.get_global_commands(application)] == ["Other"]
    await bot.http.edit_global_command(application, int(made["id"]), {"description": "Third"})
    assert [one.status for one in local.called("POST /applications/{application}/commands")] == [201, 200]
    await bot.http.delete_global_command(application, int(made["id"]))
    assert await bot.http.get_global_commands(application) == []

"""The workspace's card: my apps, what the workspace decided, who is told, what it costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapters.discord.render.card import Rendered
from adapters.discord.render.home import home
from core.conversation.measuring import units
from core.conversation.presenter.overview import Overview
from core.words.cards import Fact
from core.words.views import AppState, SubscriptionView, WorkspaceSettings
from tests.support import stories as s
from tests.support.shown_cards import APPS, SETTINGS, USAGE, app
from tests.unit.discord.render.limits import components, contents, live, refused, shown, stored, wrong

OURS = frozenset({"timestamp", "channel"})


def view(**more: Any) -> Rendered:
    made = home(Overview(**{"apps": APPS, "settings": SETTINGS, **more}))
    assert (wrong(made.components), refused(made.components), stored(made.view)) == ([], [], [])
    return made


def text_of(made: Rendered) -> str:
    return shown(made.components)


def buttons(made: Rendered) -> list[tuple[str, str]]:
    return [(one["label"], one.get("custom_id") or one["url"]) for one in components(made.components) if one["type"] == 2]


def test_apps_that_need_somebody_come_first_and_deleted_ones_are_gone() -> None:
    text = text_of(view())
    names = ["Shop", "Invoice tracker", "Todo list", "Old one"]
    assert sorted(names, key=text.index) == names
    assert "Gone" not in text


@pytest.mark.parametrize(
    ("state", "more", "thread", "expected"),
    [
        (AppState.LIVE, {"url": "https://a.example"}, "", ("Open", "https://a.example")),
        (AppState.LIVE, {"url": "http://a.localhost:8080"}, "", ("Logs", "logs:a")),
        (AppState.CRASHED, {"url": "https://a.example"}, "", ("Logs", "logs:a")),
        (AppState.STOPPED, {}, "", ("Start", "start:a")),
        (AppState.REVIEW, {}, "https://discord.com/channels/1/2", ("Thread", "https://discord.com/channels/1/2")),
        (AppState.FAILED, {}, "", ("Settings", "settings:a")),
    ],
)
def test_beside_each_app_is_what_is_most_likely_wanted(
    state: AppState, more: dict[str, Any], thread: str, expected: tuple[str, str]
) -> None:
    assert buttons(view(apps=[app("a", "A", state, **more)], links={"a": thread}))[0] == expected


def test_an_apps_address_and_its_thread_are_below_its_name() -> None:
    made = view(links={"todo-list": "https://discord.com/channels/1/423456789012345678"})
    told = next(text for text in contents(made.components) if "Todo list" in text)
    assert told.split("\n")[2] == "-# <http://todo-list.localhost:8080> · <#423456789012345678>"


def test_who_has_no_app_is_invited_to_build_one() -> None:
    made = view(apps=[app("gone", "Gone", AppState.DELETED)])
    assert buttons(made)[0] == ("Build an app", "build:")
    assert "/nexus build a todo app with due dates" in text_of(made)


def test_settings_are_changed_by_those_who_may() -> None:
    changes = {("Approvals…", "workspace:approvals"), ("Models…", "workspace:models")}
    assert changes <= set(buttons(view(may_change=True)))
    made = view(may_change=False)
    assert not changes & set(buttons(made))
    assert "Admins of the workspace can change this." in text_of(made)


def test_the_workspaces_decisions_are_told_in_words() -> None:
    settings = WorkspaceSettings(
        approvers="named", self_approval=False, second_person=True, approval_hours=4, budget_usd=25, budget_tokens=9000
    )
    text = text_of(view(settings=settings, approvers=["Ann", "leads"], usage=USAGE))
    for words in ("Ann, leads", "need somebody else", "need two people", "4 hours", "$25.00 and 9,000 tokens", "12 of 50"):
        assert words in text


def test_channels_that_are_told_are_named_and_the_rest_is_counted() -> None:
    found = [
        SubscriptionView(channel=str(10**17 + n), app="shop", kinds=["crashed"], by="Ann", trouble="Archived") for n in range(10)
    ]
    made = view(subscriptions=found)
    text = "\n".join(contents(made.components))
    assert all(f"<#{10**17 + n}>" in text for n in range(6))
    assert "and 4 more channels: /nexus notify list" in text
    assert ("Tell a channel…", "notify:") in buttons(made)


def test_many_apps_and_long_names_stay_within_what_discord_takes_and_mention_nobody() -> None:
    many = [
        app(f"a{n}", f"App {n} " + "<@1> *🎉*" * 300, AppState.LIVE, url="https://a.example", updated_at=s.START + timedelta(n))
        for n in range(90)
    ]
    made = view(
        apps=many,
        may_change=True,
        approvers=["*somebody* @everyone"] * 500,
        page="https://nexus.example",
        usage=[Fact(label="*" * 3000, value="_" * 3000)] * 40,
        subscriptions=[SubscriptionView(channel="<#1>", kinds=["live"] * 900, by="x", trouble="z*" * 5000)] * 30,
    )
    assert live(made.components, allowed=OURS) == []
    assert "more apps: /nexus list" in text_of(made)
    assert sum(map(units, contents(made.components))) <= 4000

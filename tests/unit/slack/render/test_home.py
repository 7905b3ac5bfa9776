"""The Home tab: my apps, what the workspace decided, who is told, what it costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from adapters.slack.render.home import Home, home
from core.words.cards import Fact
from core.words.views import AppState, SubscriptionView, WorkspaceSettings
from tests.support import stories as s
from tests.support.any_cards import walk
from tests.support.shown_cards import APPS, SETTINGS, app
from tests.support.slack.validation import check_view
from tests.unit.slack.render.cards import shown


def view(**more: Any) -> dict[str, Any]:
    made = home(Home(**{"apps": APPS, "settings": SETTINGS, **more}))
    check_view(made)
    return made


def pressable(made: dict[str, Any]) -> list[tuple[str, str]]:
    found = [element for element in walk(made["blocks"]) if element.get("type") == "button"]
    return [(element["text"]["text"], element.get("value") or element.get("url", "")) for element in found]


def test_apps_that_need_somebody_come_first_and_deleted_ones_are_gone() -> None:
    text = shown(view()["blocks"])
    assert sorted(("Shop", "Invoice tracker", "Todo list", "Old one"), key=text.index) == [
        "Shop",
        "Invoice tracker",
        "Todo list",
        "Old one",
    ]
    assert "Gone" not in text


def test_each_app_has_the_buttons_that_make_sense() -> None:
    found = pressable(view(links={"todo-list": "https://x.slack.com/archives/C1/p1"}))
    mine = [label for label, value in found if "todo-list" in value or "archives" in value]
    assert mine == ["Open", "Thread", "Logs", "Settings", "Stop"]
    assert [label for label, value in found if value == "old"] == ["Start", "Settings"]
    assert [label for label, value in found if value == "invoices"] == ["Settings"]


def test_who_has_no_app_is_invited_to_build_one() -> None:
    made = view(apps=[app("gone", "Gone", AppState.DELETED)])
    assert ("Build an app", "") in pressable(made)
    assert "/nexus build a todo app with due dates" in shown(made["blocks"])


def test_settings_are_changed_by_those_who_may() -> None:
    assert [("Approvals…", "approvals"), ("Models…", "models")] == [
        p for p in pressable(view(may_change=True)) if p[1] in {"approvals", "models"}
    ]
    made = view(may_change=False)
    assert not [label for label, _ in pressable(made) if label in {"Approvals…", "Models…"}]
    assert "Admins of the workspace can change this." in shown(made["blocks"])


def test_the_workspaces_decisions_are_told_in_words() -> None:
    settings = WorkspaceSettings(
        approvers="named", self_approval=False, second_person=True, approval_hours=4, budget_usd=25, budget_tokens=9000
    )
    text = shown(view(settings=settings, approvers=["Ann", "leads"])["blocks"])
    for words in ("Ann, leads", "need somebody else", "need two people", "4 hours", "$25.00 and 9,000 tokens"):
        assert words in text


def test_channels_that_are_told_are_named_and_the_rest_is_counted() -> None:
    found = [SubscriptionView(channel=f"C{n:03}", app="shop", kinds=["crashed"], by="Ann", trouble="Archived") for n in range(25)]
    made = view(subscriptions=found)
    assert [e["channel_id"] for e in walk(made["blocks"]) if e.get("type") == "channel"] == [f"C{n:03}" for n in range(20)]
    assert "and 5 more channels: /nexus notify list" in shown(made["blocks"])


def test_many_apps_and_long_names_stay_within_what_slack_takes() -> None:
    many = [
        app(
            f"a{n}",
            f"App {n} " + "<!channel> 🎉" * 300,
            AppState.LIVE,
            url="http://a.localhost",
            updated_at=s.START + timedelta(n),
        )
        for n in range(90)
    ]
    made = view(
        apps=many,
        may_change=True,
        approvers=["somebody"] * 500,
        page="https://nexus.example",
        usage=[Fact(label="x" * 3000, value="y" * 3000)] * 40,
        subscriptions=[SubscriptionView(channel="C1", kinds=["live"] * 900, by="x", trouble="z" * 5000)] * 30,
    )
    assert "and 65 more apps: /nexus list" in shown(made["blocks"])

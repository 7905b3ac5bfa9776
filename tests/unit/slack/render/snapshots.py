"""What Slack is shown of whole stories, kept in ``snapshots/``.

    PYTHONPATH=. .venv/bin/python -m tests.unit.slack.render.snapshots                      # after a change that is meant
    PYTHONPATH=. .venv/bin/python -m tests.unit.slack.render.snapshots --pictures FOLDER    # and look at them

The pictures are made by a page that resembles Slack (`tests.support.slack.preview`).
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from adapters.slack.render.card import render
from adapters.slack.render.form import modal
from adapters.slack.render.home import Home, home
from adapters.slack.render.progress import chunks
from core.conversation import answers, forms
from core.conversation.commands import Build
from core.conversation.presenter import AppFacts, present
from core.words import events as e
from core.words.cards import Card, Fact, FileEntry
from core.words.views import AppState, AppView, BuildView, ReleaseView, RevealedDatabase, SubscriptionView, WorkspaceSettings
from tests.support import fake_cards
from tests.support import stories as s

FOLDER = Path(__file__).with_name("snapshots")
RENEW = "If it is meant: PYTHONPATH=. .venv/bin/python -m tests.unit.slack.render.snapshots"
APP = AppFacts(slug="a-todo-app", name="a todo app with due dates")
PICTURES = {
    f"/builds/{s.BUILD}/pictures/{'a' * 64}": "F0WIDE",
    f"/builds/{s.BUILD}/pictures/{'b' * 64}": "F0NARROW",
}
LIVE_STORY: list[e.Fact] = [*s.requested(), *s.written(), *s.verified(), *s.ready(), *s.deploying(), *s.live()]
READY_STORY: list[e.Fact] = [*s.requested(), *s.written(), *s.verified(), *s.ready()]


def story(*facts: e.Fact, after: timedelta = timedelta()) -> dict[str, Card]:
    """The cards of a thread by their keys."""
    messages = present(s.told(*facts), app=APP, now=s.START + after)
    return {message.key: message.card for message in messages if message.card is not None}


def _build(*facts: e.Fact) -> Card:
    return story(*facts)[f"build:{s.BUILD}"]


def app(slug: str, name: str, state: AppState, **more: Any) -> AppView:
    times = {"created_at": s.START, "updated_at": s.START + timedelta(minutes=len(slug))}
    return AppView.model_validate(
        {"app": slug, "slug": slug, "name": name, "framework": "fastapi", "owner": "Ann", "state": state, **times, **more}
    )


APPS = [
    app("todo-list", "Todo list", AppState.LIVE, url="http://todo-list.localhost:8080", release=3),
    app("invoices", "Invoice tracker", AppState.REVIEW),
    app("shop", "Shop", AppState.CRASHED, url="http://shop.localhost:8080", release=1),
    app("old", "Old one", AppState.STOPPED, release=7),
    app("gone", "Gone", AppState.DELETED),
]
SETTINGS = WorkspaceSettings(approvers="named", named_approvers=["U012ABCDEF", "S012ABCDEF", "web:ann"], budget_usd=25)


def many_files(count: int) -> list[FileEntry]:
    return [FileEntry(path=f"src/part{n // 50}/module_{n:03}.py", size=n * 37, purpose=f"part {n}") for n in range(count)]


def cards() -> dict[str, Card]:
    """The cards by the names of their snapshots."""
    live = story(*LIVE_STORY)
    build = BuildView(
        build=s.BUILD,
        app="app_1",
        slug="todo-list",
        thread=None,
        number=1,
        state="ready",
        purpose="new",
        text="",
        model="x",
        files=s.FILES,
    )
    releases = [
        ReleaseView(
            number=n,
            build=s.BUILD,
            build_number=n,
            framework="fastapi",
            summary="make it blue",
            live=n == 2,
            kept=True,
            has_data=True,
            settings_version=1,
            by="Ann",
            at=s.START,
        )
        for n in (2, 1)
    ]
    return {
        "build-queued": _build(*s.requested(), e.BuildQueued(build=s.BUILD, ahead=2)),
        "build-working": _build(*s.requested(), *s.written(), *s.verified()),
        "build-review": _build(*READY_STORY),
        "build-review-removes-data": _build(
            *s.requested(), *s.written(), *s.ready(destructive=["ALTER TABLE todos DROP COLUMN priority"])
        ),
        "build-failed": _build(*s.requested(), *s.failed()),
        "build-deployed": live[f"build:{s.BUILD}"],
        "build-many-files": _build(*READY_STORY).model_copy(
            update={"children": [answers.files_card(build.model_copy(update={"files": many_files(240)})).children[0]]}
        ),
        "deploy-working": story(*READY_STORY, *s.deploying())[f"deploy:{s.DEPLOYMENT}"],
        "deploy-live": live[f"deploy:{s.DEPLOYMENT}"],
        "notice-crashed": story(*LIVE_STORY, e.AppCrashed(release=1, reason="It used too much memory", log_tail=["Killed"] * 14))[
            f"notice:{len(LIVE_STORY) + 1}"
        ],
        "answer-apps": answers.apps_card(APPS),
        "answer-app": answers.app_card(APPS[0], releases, build),
        "answer-logs": answers.logs_card("todo-list", fake_cards.LOG_LINES * 40, follow=True),
        "answer-files": answers.files_card(build),
        "answer-file": answers.file_card(build, "app/main.py", fake_cards.MAIN * 12),
        "answer-revealed": answers.revealed_card(
            "todo-list",
            RevealedDatabase.model_validate(
                {"url": "postgresql://t_9f3c_app:s*cr_t`x@127.0.0.1:5433/t_9f3c", "app_url": "postgresql://x"}
            ),
        ),
    }


def views() -> dict[str, dict[str, Any]]:
    """Modals and the Home tab."""
    found = [
        forms.build_form(Build(description="a todo app", framework="vue")),
        forms.env_form("todo-list", ["SMTP_URL"], {"SMTP_URL": "where reminders are sent from", "API_KEY": "of the weather"}),
        forms.workspace_form(SETTINGS),
        forms.models_form(SETTINGS),
        forms.delete_form("todo-list"),
    ]
    shown = Home(
        apps=APPS,
        settings=SETTINGS,
        may_change=True,
        approvers=["Ann", "@leads"],
        links={"todo-list": "https://example.slack.com/archives/C012/p1"},
        subscriptions=[
            SubscriptionView(channel="C012ABCDEF", kinds=["live", "failed"], by="Ann"),
            SubscriptionView(channel="C0GONE", app="shop", kinds=["crashed"], by="Ann", trouble="The channel is archived"),
        ],
        usage=[
            Fact(label="Plan", value="Free"),
            Fact(label="Apps", value="4 of 5"),
            Fact(label="Builds this month", value="12 of 50"),
        ],
    )
    empty = Home(apps=[], settings=WorkspaceSettings())
    made = {f"form-{form.form}": modal(form, metadata={"channel": "C012"}, groups=[("S012ABCDEF", "leads")]) for form in found}
    return {**made, "home": home(shown), "home-empty": home(empty)}


def streams() -> dict[str, list[list[dict[str, Any]]]]:
    """What a stream is told as a build goes on."""
    facts = [
        *s.requested(),
        e.BuildQueued(build=s.BUILD, ahead=2),
        *s.written(),
        e.BuildNote(build=s.BUILD, text="The model was asked again (try 2)."),
        *s.verified(),
    ]
    told: list[list[dict[str, Any]]] = []
    old: Card | None = None
    for end in range(2, len(facts) + 1):
        new = _build(*facts[:end])
        if made := chunks(old, new):
            told.append(made)
        old = new
    return {"stream-build": told}


def everything() -> Mapping[str, Any]:
    """Every snapshot by its name."""
    rendered = {name: render(card, pictures=PICTURES, in_thread=True) for name, card in cards().items()}
    messages = {
        name: {"text": made.text, "blocks": made.blocks, "rest": [list(file) for file in made.rest]}
        for name, made in rendered.items()
    }
    return {**messages, **views(), **streams()}


def renew() -> None:
    """Write them anew."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for name, value in everything().items():
        (FOLDER / f"{name}.json").write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


async def _draw(folder: Path) -> None:
    from tests.support.browser import chromium
    from tests.support.slack.preview import page

    folder.mkdir(parents=True, exist_ok=True)
    async with chromium() as browser:
        tab = await browser.new_page(viewport={"width": 1360, "height": 300})
        for name, value in everything().items():
            if isinstance(value, dict):
                title = value.get("title", {}).get("text", "")
                await tab.set_content(page(value["blocks"], files=value.get("rest", ()), title=title))
                await tab.screenshot(path=folder / f"{name}.png", full_page=True)


if __name__ == "__main__":
    renew()
    if sys.argv[1:2] == ["--pictures"]:
        asyncio.run(_draw(Path(sys.argv[2])))

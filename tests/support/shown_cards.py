"""The cards of whole stories, and what a workspace has: for what the renderers make of them on every platform."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.conversation import answers
from core.conversation.presenter import AppFacts, present
from core.words import events as e
from core.words.cards import Card, Fact, FileEntry
from core.words.views import AppState, AppView, BuildView, ReleaseView, RevealedDatabase, WorkspaceSettings
from tests.support import fake_cards
from tests.support import stories as s

APP = AppFacts(slug="a-todo-app", name="a todo app with due dates")
LIVE_STORY: list[e.Fact] = [*s.requested(), *s.written(), *s.verified(), *s.ready(), *s.deploying(), *s.live()]
READY_STORY: list[e.Fact] = [*s.requested(), *s.written(), *s.verified(), *s.ready()]


def story(*facts: e.Fact, after: timedelta = timedelta()) -> dict[str, Card]:
    """The cards of a thread by their keys."""
    messages = present(s.told(*facts), app=APP, now=s.START + after)
    return {message.key: message.card for message in messages if message.card is not None}


def build(*facts: e.Fact) -> Card:
    """The card of the one build."""
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
USAGE = [
    Fact(label="Plan", value="Free"),
    Fact(label="Apps", value="4 of 5"),
    Fact(label="Builds this month", value="12 of 50"),
]
SETTINGS = WorkspaceSettings(approvers="named", named_approvers=["U012ABCDEF", "S012ABCDEF", "web:ann"], budget_usd=25)


def many_files(count: int) -> list[FileEntry]:
    return [FileEntry(path=f"src/part{n // 50}/module_{n:03}.py", size=n * 37, purpose=f"part {n}") for n in range(count)]


def cards() -> dict[str, Card]:
    """The cards by the names of their snapshots."""
    live = story(*LIVE_STORY)
    view = BuildView(
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
        "build-queued": build(*s.requested(), e.BuildQueued(build=s.BUILD, ahead=2)),
        "build-working": build(*s.requested(), *s.written(), *s.verified()),
        "build-review": build(*READY_STORY),
        "build-review-removes-data": build(
            *s.requested(), *s.written(), *s.ready(destructive=["ALTER TABLE todos DROP COLUMN priority"])
        ),
        "build-failed": build(*s.requested(), *s.failed()),
        "build-deployed": live[f"build:{s.BUILD}"],
        "build-many-files": build(*READY_STORY).model_copy(
            update={"children": [answers.files_card(view.model_copy(update={"files": many_files(240)})).children[0]]}
        ),
        "deploy-working": story(*READY_STORY, *s.deploying())[f"deploy:{s.DEPLOYMENT}"],
        "deploy-live": live[f"deploy:{s.DEPLOYMENT}"],
        "notice-crashed": story(*LIVE_STORY, e.AppCrashed(release=1, reason="It used too much memory", log_tail=["Killed"] * 14))[
            f"notice:{len(LIVE_STORY) + 1}"
        ],
        "answer-apps": answers.apps_card(APPS),
        "answer-app": answers.app_card(APPS[0], releases, view),
        "answer-logs": answers.logs_card("todo-list", fake_cards.LOG_LINES * 40, follow=True),
        "answer-files": answers.files_card(view),
        "answer-file": answers.file_card(view, "app/main.py", fake_cards.MAIN * 12),
        "answer-revealed": answers.revealed_card(
            "todo-list",
            RevealedDatabase.model_validate(
                {"url": "postgresql://t_9f3c_app:s*cr_t`x@127.0.0.1:5433/t_9f3c", "app_url": "postgresql://x"}
            ),
        ),
    }

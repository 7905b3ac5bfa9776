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
from pathlib import Path
from typing import Any

from adapters.slack.render.card import render
from adapters.slack.render.form import modal
from adapters.slack.render.home import Home, home
from adapters.slack.render.progress import chunks
from core.conversation import forms
from core.conversation.commands import Build
from core.words import events as e
from core.words.cards import Card
from core.words.views import SubscriptionView, WorkspaceSettings
from tests.support import shown_cards
from tests.support import stories as s
from tests.support.shown_cards import APPS, SETTINGS, USAGE

FOLDER = Path(__file__).with_name("snapshots")
RENEW = "If it is meant: PYTHONPATH=. .venv/bin/python -m tests.unit.slack.render.snapshots"
PICTURES = {
    f"/builds/{s.BUILD}/pictures/{'a' * 64}": "F0WIDE",
    f"/builds/{s.BUILD}/pictures/{'b' * 64}": "F0NARROW",
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
        usage=USAGE,
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
        new = shown_cards.build(*facts[:end])
        if made := chunks(old, new):
            told.append(made)
        old = new
    return {"stream-build": told}


def everything() -> Mapping[str, Any]:
    """Every snapshot by its name."""
    rendered = {name: render(card, pictures=PICTURES, in_thread=True) for name, card in shown_cards.cards().items()}
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

"""What Slack is shown of whole stories, kept in ``snapshots/``.

    PYTHONPATH=. .venv/bin/python -m tests.unit.slack.render.snapshots                      # after a change that is meant
    PYTHONPATH=. .venv/bin/python -m tests.unit.slack.render.snapshots --pictures FOLDER    # and look at them

The pictures are made by a page that resembles Slack (`tests.support.slack.preview`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters.slack.render.card import render
from adapters.slack.render.form import modal
from adapters.slack.render.home import Home, home
from adapters.slack.render.progress import chunks
from core.words import events as e
from core.words.cards import Card
from core.words.views import SubscriptionView, WorkspaceSettings
from tests.support import shown_cards
from tests.support import stories as s
from tests.support.shown_cards import APPS, SETTINGS, USAGE
from tests.support.slack.preview import page
from tests.support.snapshots import Snapshots, some_forms

FOLDER = Path(__file__).with_name("snapshots")
RENEW = "If it is meant: PYTHONPATH=. .venv/bin/python -m tests.unit.slack.render.snapshots"
PICTURES = {
    f"/builds/{s.BUILD}/pictures/{'a' * 64}": "F0WIDE",
    f"/builds/{s.BUILD}/pictures/{'b' * 64}": "F0NARROW",
}


def views() -> dict[str, dict[str, Any]]:
    """Modals and the Home tab."""
    found = some_forms(SETTINGS)
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


def _page(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    return page(value["blocks"], files=value.get("rest", ()), title=value.get("title", {}).get("text", ""))


if __name__ == "__main__":
    Snapshots(folder=FOLDER, everything=everything, page=_page, width=1360).main()

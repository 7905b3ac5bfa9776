"""What Discord is shown of whole stories, kept in ``snapshots/``.

    PYTHONPATH=. .venv/bin/python -m tests.unit.discord.render.snapshots                      # after a change that is meant
    PYTHONPATH=. .venv/bin/python -m tests.unit.discord.render.snapshots --pictures FOLDER    # and look at them

The pictures are made by a page that resembles Discord (`tests.support.discord.preview`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from discord import ui

from adapters.discord.render.card import render
from adapters.discord.render.form import modal
from adapters.discord.render.home import home
from adapters.discord.render.tail import over, tail
from adapters.discord.render.words import question, said, words
from core.conversation.presenter.overview import Overview
from core.conversation.tailing import Tail
from core.words.cards import Button, Confirm
from core.words.views import SubscriptionView, WorkspaceSettings
from tests.support import shown_cards
from tests.support import stories as s
from tests.support.discord.preview import page
from tests.support.shown_cards import APPS, SETTINGS, USAGE
from tests.support.snapshots import Snapshots, some_forms

FOLDER = Path(__file__).with_name("snapshots")
RENEW = "If it is meant: PYTHONPATH=. .venv/bin/python -m tests.unit.discord.render.snapshots"
PICTURES = {
    f"/builds/{s.BUILD}/pictures/{'a' * 64}": "picture-1.png",
    f"/builds/{s.BUILD}/pictures/{'b' * 64}": "picture-2.png",
}
PERSON, ROLE, CHANNEL = "123456789012345678", "223456789012345678", "323456789012345678"
NAMED = SETTINGS.model_copy(update={"named_approvers": [PERSON, ROLE, "web:ann"]})
ENDS = int(s.START.timestamp()) + 300


def modals() -> dict[str, ui.Modal]:
    """Forms."""
    found = some_forms(NAMED)
    return {f"form-{form.form}": modal(form, roles=[ROLE]) for form in found}


def views() -> dict[str, ui.LayoutView]:
    """What is no card: the workspace, sentences, a log that is followed."""
    shown = Overview(
        apps=APPS,
        settings=SETTINGS,
        may_change=True,
        approvers=["Ann", "@leads"],
        links={"todo-list": "https://discord.com/channels/1/423456789012345678"},
        subscriptions=[
            SubscriptionView(channel=CHANNEL, kinds=["live", "failed"], by="Ann"),
            SubscriptionView(channel="gone", app="shop", kinds=["crashed"], by="Ann", trouble="The channel was deleted"),
        ],
        usage=USAGE,
    )
    asks = Confirm(title="Discard this build?", text="It can be built again, from the same words.", yes="Discard")
    discard = Button(action="discard", value="ap_1", label="Discard", style="danger", confirm=asks)
    again = Button(action="open_form", value="kept_1", label="Open the form again", style="primary")
    return {
        "home": home(shown).view,
        "home-empty": home(Overview(apps=[], settings=WorkspaceSettings())).view,
        "words": words("Type `/nexus build`, or look at http://todo.localhost:8080. You may not do this, @everyone.", [again]),
        "said": said("Ann", "make it *blue*\n# and larger"),
        "question": question(asks, discard),
        "tail": tail(Tail(slug="todo-list", lines=["up", "GET / 200 ```"], ends_at=ENDS)),
        "tail-ended": tail(Tail(slug="todo-list", lines=[], ends_at=ENDS, ended="The time is up.")),
        "tail-over": over("This log is not followed any more."),
    }


def everything() -> Mapping[str, Any]:
    """Every snapshot by its name."""
    rendered = {name: render(card, pictures=PICTURES, in_thread=True) for name, card in shown_cards.cards().items()}
    messages = {
        name: {"text": made.text, "components": made.components, "rest": [list(file) for file in made.rest]}
        for name, made in rendered.items()
    }
    shown = {name: {"components": view.to_components()} for name, view in views().items()}  # type: ignore[no-untyped-call]
    return {**messages, **shown, **{name: made.to_dict() for name, made in modals().items()}}


def _page(value: Any) -> str:
    return page(value["components"], files=value.get("rest", ()), title=value.get("title", ""))


if __name__ == "__main__":
    Snapshots(folder=FOLDER, everything=everything, page=_page, width=1440).main()

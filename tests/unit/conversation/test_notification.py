"""News: one line about what happened, as a small card that every platform can show, and nothing about most events."""

from __future__ import annotations

import pytest

from core.conversation.fake_chat import check_card, strings
from core.conversation.presenter import AppFacts
from core.conversation.presenter.notification import kind_of, news_card
from core.operations.notifying import NEWS
from core.words import events as e
from core.words.cards import Tone
from core.words.notifications import NOTIFICATIONS
from tests.support import stories as s

APP = AppFacts(slug="todo", name="Todo list")
FACTS = [event.fact for event in s.whole_life()] + [
    *s.failed(),
    e.DeploymentFailed(deployment="d", stage="health", reason="It did not answer", still_live=1),
    e.DeploymentFailed(deployment="d", stage="health", reason="It did not answer"),
    e.AppCrashed(release=1, reason="It ended"),
    e.AppRecovered(release=1, url="http://x.localhost:1"),
    e.AppStopped(by="Ann"),
    e.AppDeleted(by="Ann"),
]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.kind)
def test_what_is_news_has_a_kind_and_a_card_and_what_is_none_has_neither(fact: e.Fact) -> None:
    kind, card = kind_of(fact), news_card(fact, APP, "https://chat.example/1")
    assert bool(kind) == (card is not None) == (fact.kind in NEWS)
    if card is not None:
        assert kind in NOTIFICATIONS
        check_card(card)
        assert card.title == "Todo list"
        assert card.status
        assert card.subtitle
        assert "https://chat.example/1" in [action.url for action in card.actions if hasattr(action, "url")]


def test_every_kind_that_can_be_asked_for_is_told_sometimes() -> None:
    assert {kind_of(fact) for fact in FACTS} == {"", *NOTIFICATIONS}


def test_what_is_live_can_be_opened_and_without_a_thread_there_is_no_link_to_one() -> None:
    (live,) = [fact for fact in s.live() if isinstance(fact, e.DeploymentLive)]
    card = news_card(live, APP)
    assert card is not None
    assert (card.tone, [action.label for action in card.actions]) == (Tone.GOOD, ["Open"])


def test_words_of_apps_and_of_people_are_one_plain_line() -> None:
    nasty = "a\x1b[31m\nb\u202e" + "x" * 9000
    for fact in (e.AppCrashed(release=1, reason=nasty), e.AppStopped(by=nasty), e.AppDeleted(by=nasty)):
        card = news_card(fact, AppFacts(slug="todo", name=nasty))
        assert card is not None
        check_card(card)
        assert not any(c in text for text in strings(card.model_dump(mode="json")) for c in "\x1b\n\u202e")
    unnamed = news_card(e.AppStopped(by=""), AppFacts(slug="todo"))
    assert unnamed is not None
    assert (unnamed.title, unnamed.subtitle) == ("todo", "Somebody stopped it.")

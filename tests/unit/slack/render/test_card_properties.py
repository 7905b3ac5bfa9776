"""Any card, any text, any length: Slack takes it, nobody is mentioned, and every character is in the message or in a file that it names."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.slack.render.blocks import weight
from adapters.slack.render.card import render
from adapters.slack.render.fitting import MAX_BYTES
from core.words.cards import Card
from tests.support.slack.validation import check_blocks, check_text
from tests.unit.slack.render.cards import bare, cards, shown, told, walk

PICTURES = {"/here.png": "F012ABC"}
_MENTION = re.compile(r"<[!@#]")
_BROADCAST = re.compile(r"@(channel|here|everyone)\b", re.IGNORECASE)
_KINDS = {"text", "link", "rich_text_section", "rich_text_preformatted", "rich_text_quote"}

quickly = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@quickly
@given(card=cards)
def test_slack_takes_any_card(card: Card) -> None:
    made = render(card, pictures=PICTURES)
    check_blocks(made.blocks)
    check_text(made.text)
    assert weight(made.blocks) <= MAX_BYTES
    assert made.text.strip()


@quickly
@given(card=cards)
def test_every_character_is_in_the_message_or_in_a_file_that_it_names(card: Card) -> None:
    made = render(card, pictures=PICTURES)
    message = shown(made.blocks)
    everything = bare(message) + "".join(bare(whole) for _, whole in made.rest)
    for text in told(card):
        assert bare(text) in everything
    files = [name for name, _ in made.rest]
    assert len(set(files)) == len(files)
    for name in files:
        assert name in message


@quickly
@given(card=cards)
def test_nobody_is_mentioned_and_no_link_leads_elsewhere_than_the_web(card: Card) -> None:
    made = render(card, pictures=PICTURES)
    assert not _MENTION.search(made.text)
    assert not _BROADCAST.search(made.text)
    for element in walk(made.blocks):
        text = element.get("text")
        if element.get("type") == "mrkdwn":
            assert element["verbatim"]
            assert not _MENTION.search(element["text"])
        if element.get("type") in {"mrkdwn", "plain_text"} and "<" not in element["text"]:
            assert not _BROADCAST.search(element["text"]) or "`" in element["text"]
        if "url" in element:
            assert re.match(r"https?://", element["url"], re.IGNORECASE)
        if element.get("type") == "rich_text":
            kinds = {inner["type"] for inner in walk(element["elements"]) if "type" in inner}
            assert kinds <= _KINDS
        del text


@quickly
@given(card=cards, again=st.booleans())
def test_the_same_card_is_the_same_message(card: Card, again: bool) -> None:
    assert render(card) == render(card.model_copy(deep=True) if again else card)

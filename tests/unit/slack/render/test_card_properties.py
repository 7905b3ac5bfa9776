"""Any card, any text, any length: Slack takes it, nobody is mentioned, and every character is in the message or in a file that it names."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, given, settings

from adapters.slack.render.blocks import weight
from adapters.slack.render.card import render
from adapters.slack.render.fitting import MAX_BYTES
from core.words.cards import Card
from tests.support.any_cards import bare, cards, told, walk
from tests.support.slack.validation import check_blocks, check_text
from tests.unit.slack.render.cards import shown

PICTURES = {"/here.png": "F012ABC"}
_MENTION = re.compile(r"<[!@#]")
_BROADCAST = re.compile(r"@(channel|here|everyone)\b", re.IGNORECASE)
_CODE = re.compile(r"`[^`]*`|<https?://[^>]*>")
_KINDS = {"text", "link", "rich_text_section", "rich_text_preformatted", "rich_text_quote"}

quickly = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


@quickly
@given(card=cards)
def test_slack_takes_any_card_and_nobody_is_mentioned_by_it(card: Card) -> None:
    made = render(card, pictures=PICTURES)
    check_blocks(made.blocks)
    check_text(made.text)
    assert weight(made.blocks) <= MAX_BYTES
    assert made.text.strip()
    assert not _MENTION.search(made.text)
    assert not _BROADCAST.search(made.text)
    for element in walk(made.blocks):
        kind, text = element.get("type"), element.get("text")
        if kind == "mrkdwn":
            assert element["verbatim"]
            assert not _MENTION.search(str(text))
            assert not _BROADCAST.search(_CODE.sub("", str(text)))
        if kind == "plain_text":
            assert not _MENTION.search(str(text))
            assert not _BROADCAST.search(str(text))
        if kind == "rich_text":
            assert {inner["type"] for inner in walk(element["elements"]) if "type" in inner} <= _KINDS
        if "url" in element:
            assert re.match(r"https?://", element["url"], re.IGNORECASE)


@quickly
@given(card=cards)
def test_every_character_is_in_the_message_or_in_a_file_that_it_names(card: Card) -> None:
    made = render(card, pictures=PICTURES)
    message = shown(made.blocks)
    everything = bare(message) + "".join(bare(whole) for _, whole in made.rest)
    for text in set(told(card)):
        assert bare(text) in everything
    files = [name for name, _ in made.rest]
    assert len(set(files)) == len(files)
    assert all(name in message for name in files)
    assert render(card.model_copy(deep=True), pictures=PICTURES) == made

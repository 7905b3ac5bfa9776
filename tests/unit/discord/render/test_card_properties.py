"""Any card, any text, any length: Discord takes it, nobody is mentioned, and every character is in the message or in a file it names."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from adapters.discord.render.card import render
from core.words.cards import Card
from tests.support.any_cards import bare, cards, told
from tests.unit.discord.render.limits import live, parsed, refused, shown, stored, wrong

PICTURES = {"/here.png": "picture-1.png"}

quickly = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


@quickly
@given(card=cards)
def test_discord_takes_any_card_and_nobody_is_mentioned_by_it(card: Card) -> None:
    made = render(card, pictures=PICTURES)
    assert wrong(made.components) == []
    assert refused(made.components) == []
    assert live(made.components) == []
    assert made.text.strip()


@quickly
@given(card=cards)
def test_every_character_is_in_the_message_or_in_a_file_that_it_names(card: Card) -> None:
    made = render(card, pictures=PICTURES)
    message = shown(made.components)
    everything = bare(message) + "".join(bare(whole) for _, whole in made.rest)
    for text in set(told(card, questions=False)):
        assert bare(text) in everything
    files = [name for name, _ in made.rest]
    assert len(set(files)) == len(files)
    assert all(name in message for name in files)


@quickly
@given(card=cards)
def test_equal_cards_are_equal_messages_and_nothing_of_them_is_remembered(card: Card) -> None:
    made = render(card, pictures=PICTURES)
    assert render(card.model_copy(deep=True), pictures=PICTURES) == made
    assert stored(made.view) == []
    again: object = parsed(made.view).to_components()  # type: ignore[no-untyped-call]
    assert again == made.components

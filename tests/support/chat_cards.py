"""Cards as they are posted into chats, and where their pictures are loaded from: for the tests of what goes out to any platform."""

from __future__ import annotations

from core.errors import NotFound
from core.words.cards import Button, Card, Image, Section
from tests.support import fake_cards

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


def review(*, number: int = 1) -> Card:
    """A card on which somebody must act. The page's link to the .zip leads nowhere from a chat."""
    card = fake_cards.review(number=number)
    return card.model_copy(update={"actions": [action for action in card.actions if isinstance(action, Button)]})


def pictured(*paths: str, title: str = "Todo app") -> Card:
    """A card with these pictures in a section."""
    section = Section(
        id="shots", title="What it looks like", children=[Image(path=path, alt=f"the page {path}") for path in paths]
    )
    return review().model_copy(update={"title": title, "children": [*review().children[:1], section]})


class Shelf:
    """Where pictures are loaded from."""

    def __init__(self, **pictures: bytes) -> None:
        self.pictures = {f"/{name}": content for name, content in pictures.items()}
        self.loaded: list[str] = []

    async def load(self, path: str) -> tuple[bytes, str]:
        self.loaded.append(path)
        if path not in self.pictures:
            raise NotFound("There is no such picture.")
        return self.pictures[path], "image/png"

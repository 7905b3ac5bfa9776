"""What a platform is shown, kept in files beside its tests: written anew after a change that is meant, and drawn to be looked at."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.conversation import forms
from core.conversation.commands import Build
from core.words.cards import Form
from core.words.views import WorkspaceSettings
from tests.support.shown_cards import SETTINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshots:
    """The files of one platform. ``page`` is the HTML that resembles it, None where one is not drawn."""

    folder: Path
    everything: Callable[[], Mapping[str, Any]]
    page: Callable[[Any], str | None]
    width: int  #: of the page, pixels

    def renew(self) -> None:
        """Write them anew."""
        self.folder.mkdir(exist_ok=True)
        for old in self.folder.glob("*.json"):
            old.unlink()
        for name, value in self.everything().items():
            (self.folder / f"{name}.json").write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")

    async def draw(self, folder: Path) -> None:
        """Pictures of them."""
        from tests.support.browser import chromium

        folder.mkdir(parents=True, exist_ok=True)
        async with chromium() as browser:
            tab = await browser.new_page(viewport={"width": self.width, "height": 300})
            for name, value in self.everything().items():
                if (html := self.page(value)) is not None:
                    await tab.set_content(html)
                    await tab.screenshot(path=folder / f"{name}.png", full_page=True)

    def main(self) -> None:
        """As a program: renew, and with ``--pictures FOLDER`` draw."""
        self.renew()
        if sys.argv[1:2] == ["--pictures"]:
            asyncio.run(self.draw(Path(sys.argv[2])))


def some_forms(settings: WorkspaceSettings) -> list[Form]:
    """One of each kind."""
    return [
        forms.build_form(Build(description="a todo app", framework="vue")),
        forms.env_form("todo-list", ["SMTP_URL"], {"SMTP_URL": "where reminders are sent from", "API_KEY": "of the weather"}),
        forms.workspace_form(settings),
        forms.models_form(SETTINGS),
        forms.delete_form("todo-list"),
    ]

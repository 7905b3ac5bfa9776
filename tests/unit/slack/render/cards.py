"""What a message of Slack's shows: for the properties of the renderers."""

from __future__ import annotations

import html
from typing import Any

from tests.support.any_cards import walk


def shown(blocks: list[dict[str, Any]]) -> str:
    """Every text in blocks, one after the other."""
    found: list[str] = []
    for element in walk(blocks):
        texts = [str(element[key]) for key in ("url", "text", "alt_text") if isinstance(element.get(key), str)]
        found += [html.unescape(text) for text in texts] if element.get("type") == "mrkdwn" else texts
    return "".join(found)

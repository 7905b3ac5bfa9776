"""The style sheets and modules keep what the rest relies on."""

from __future__ import annotations

import re
from importlib import resources

import pytest

_STATIC = resources.files("adapters.web") / "static"


def _read(name: str) -> str:
    return (_STATIC / name).read_text("utf-8")


def _variables(block: str) -> dict[str, str]:
    return dict(re.findall(r"(--[\w-]+):\s*([^;]+);", block))


@pytest.mark.parametrize("sheet", ["base.css", "source.css"])
def test_dark_by_choice_and_dark_by_system_are_the_same(sheet: str) -> None:
    css = _read(sheet)
    chosen = re.search(r':root\[data-theme="dark"\][^{]*\{([^}]*--[^}]*)\}', css)
    system = re.search(r":root:not\(\[data-theme\]\)[^{]*\{([^}]*--[^}]*)\}", css)
    assert chosen
    assert system
    assert _variables(chosen[1]) == _variables(system[1]) != {}


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_colour_can_be_read_on_every_ground(theme: str) -> None:
    selector = r":root \{" if theme == "light" else r':root\[data-theme="dark"\] \{'
    block = re.search(selector + r"([^}]*)\}", _read("base.css"))
    assert block
    colours = {name: value for name, value in _variables(block[1]).items() if re.fullmatch("#[0-9a-f]{6}", value)}
    for ink in ("--ink", "--ink-2", "--ink-3", "--accent", "--working", "--waiting", "--good", "--bad"):
        for ground in ("--ground", "--canvas", "--surface", "--code"):
            assert _contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    assert _contrast(colours["--accent-ink"], colours["--accent"]) >= 4.5


def test_nothing_is_fetched_from_elsewhere_and_markup_is_made_in_one_place() -> None:
    for entry in _STATIC.iterdir():
        text = entry.read_text("utf-8")
        assert not re.search(r"https?://(?!www\.w3\.org/)", text), entry.name
        assert not re.search(r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function)\b", text), (
            entry.name
        )
        if entry.name != "morph.js":
            assert "DOMParser" not in text, entry.name


def test_every_module_that_is_imported_is_there() -> None:
    names = {entry.name for entry in _STATIC.iterdir()}
    for name in names:
        if name.endswith(".js"):
            assert set(re.findall(r'from "\./([\w.]+)"', _read(name))) <= names

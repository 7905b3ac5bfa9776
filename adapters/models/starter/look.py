"""The look that a description asks for: an accent colour and light or dark. Nothing else is understood, and that is said."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

#: Hue (degrees) and chroma in OKLCH.
_COLOURS = {
    "red": (25, 0.19),
    "crimson": (18, 0.19),
    "rose": (8, 0.19),
    "orange": (52, 0.16),
    "amber": (70, 0.15),
    "gold": (85, 0.13),
    "yellow": (95, 0.13),
    "lime": (128, 0.17),
    "green": (150, 0.15),
    "emerald": (162, 0.14),
    "mint": (168, 0.12),
    "teal": (188, 0.11),
    "turquoise": (192, 0.11),
    "cyan": (210, 0.12),
    "blue": (258, 0.18),
    "navy": (264, 0.13),
    "indigo": (275, 0.19),
    "violet": (292, 0.2),
    "purple": (303, 0.2),
    "magenta": (330, 0.2),
    "pink": (355, 0.19),
    "brown": (52, 0.07),
    "grey": (265, 0.02),
    "gray": (265, 0.02),
    "black": (265, 0.01),
    "rot": (25, 0.19),
    "grün": (150, 0.15),
    "blau": (258, 0.18),
    "rojo": (25, 0.19),
    "verde": (150, 0.15),
    "azul": (258, 0.18),
    "rouge": (25, 0.19),
    "vert": (150, 0.15),
    "bleu": (258, 0.18),
}
_THING = r"(?:theme|header|colou?rs?|accent|look|style|styling|background|design|palette|buttons?)"
_ANY = "(" + "|".join(_COLOURS) + ")"
_COLOUR = re.compile(rf"\b{_ANY}\b", re.I)
_COLOURED = re.compile(
    rf"\b{_ANY}\s+(?:\w+\s+)?{_THING}\b|\b{_THING}\s+(?:\w+\s+){{0,3}}{_ANY}\b|\b(?:in|make (?:it|everything|the (?:app|"
    rf"page))|all)\s+{_ANY}(?=\s*(?:$|[,.;!]|and\b|with\b|please\b))",
    re.I,
)
_THEMED = (
    r"\b(?:{words})\b(?:\s+\w+)?\s+(?:theme|mode|look|design|style|background)\b"
    r"|\b(?:make it|in)\s+(?:{words})\b"
    r"|\b(?:theme|mode|background)\s+(?:to\s+|be\s+|is\s+)?(?:{words})\b"
)
_DARK = "dark|night|dunkel|dunkles|oscuro|sombre"
_LIGHT = "light|bright|hell|helles|claro|clair"


@dataclass(frozen=True, slots=True)
class Look:
    """What theme.css and the page's root say. ``theme`` is "light", "dark" or "" for the reader's own setting."""

    hue: float = 275
    chroma: float = 0.19
    theme: str = ""
    named: str = ""  #: the colour's word, for people

    def css(self) -> str:
        return (
            "/* The one place for the look: change --accent-hue (0 to 360) or --accent-chroma (0 is grey). */\n"
            f":root {{\n  --accent-hue: {self.hue:g};\n  --accent-chroma: {self.chroma:g};\n}}\n"
        )


def read_look(text: str, before: Look | None = None, *, styling: bool = False) -> Look:
    """The look after this text. Colours count where the text speaks of looks; ``styling`` says that it is about nothing else."""
    look = before or Look()
    for theme, words in (("dark", _DARK), ("light", _LIGHT)):
        if re.search(rf"\b(?:{words})\b" if styling else _THEMED.format(words=words), text, re.I):
            look = replace(look, theme=theme)
    colour = _COLOUR.search(text) if styling else _COLOURED.search(text)
    if colour:
        name = next(group for group in colour.groups() if group).lower()
        hue, chroma = _COLOURS[name]
        look = replace(look, hue=hue, chroma=chroma, named=name)
    return look


def look_of(css: str, index: str) -> Look:
    """The look that an app has now, from its theme.css and its page, or the schema where the page takes the theme from that."""
    hue = re.search(r"--accent-hue:\s*([\d.]{1,8})", css)
    chroma = re.search(r"--accent-chroma:\s*([\d.]{1,8})", css)
    theme = re.search(r"<html[^>]*\bdata-theme=\"(light|dark)\"|\"theme\": \"(?P<named>light|dark)\"", index)
    try:
        return Look(
            float(hue[1]) if hue else 275, float(chroma[1]) if chroma else 0.19, (theme[1] or theme["named"]) if theme else ""
        )
    except ValueError:
        return Look()

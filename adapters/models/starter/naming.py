"""Words and names: singular and plural, and names that are legal in SQL, Python, JavaScript and file systems at once.

Everything that a description says reaches the generated code through `field_name` and `resource_name`, so what these return is safe as an
identifier everywhere: lower-case ASCII letters, digits and underscores, at most 40 characters, no reserved word of file names or modules.
"""

from __future__ import annotations

import keyword
import re
import unicodedata

MAX_NAME = 40


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set; keeps long vocabularies readable."""
    return frozenset(text.split())


_PAIRS = """
people/person children/child men/man women/woman mice/mouse feet/foot teeth/tooth geese/goose criteria/criterion
analyses/analysis leaves/leaf shelves/shelf wolves/wolf knives/knife wives/wife lives/life halves/half movies/movie
cookies/cookie calories/calorie ties/tie pies/pie shoes/shoe heroes/hero potatoes/potato tomatoes/tomato quizzes/quiz
caches/cache buses/bus statuses/status bonuses/bonus viruses/virus todos/todo to-dos/to-do aliases/alias cases/case
purchases/purchase courses/course houses/house horses/horse nurses/nurse leases/lease releases/release
responses/response expenses/expense licenses/license phrases/phrase databases/database exercises/exercise vases/vase
roses/rose sizes/size axes/axe prizes/prize series/series species/species news/news menus/menu gurus/guru sheep/sheep
equipment/equipment stock/stock sneakers/sneaker chassis/chassis bookies/bookie zombies/zombie
"""
_IRREGULAR = {many: one for many, _, one in (pair.partition("/") for pair in _PAIRS.split())}
_PLURALS = {one: many for many, one in _IRREGULAR.items()}
_UNCHANGED = words(
    "status address bus class progress business process access boss glass gas gps diabetes canvas atlas christmas iris cactus "
    "campus focus bonus virus lens sms css mass"
)

_ABBREVIATIONS = words("url isbn vat sku gps id faq pdf api ip dob gpa rsvp hr crm iban vin")

_DEVICES = {"con", "prn", "aux", "nul"} | {f"{p}{n}" for p in ("com", "lpt") for n in range(1, 10)}
_SCRIPT_WORDS = words(
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends false "
    "finally for function if implements import in instanceof interface let new null package private protected public return "
    "static super switch this throw true try typeof var void while with yield undefined nan infinity async of get set"
)
_TAKEN = words("resources crud index router routers apirouter node_modules api constructor prototype")
_SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid", "oid"})
OWN_COLUMNS = frozenset({"id", "created_at", "updated_at"})  #: every table has these already


def singular(word: str) -> str:
    """One of them: "categories" gives "category". A word that is singular already stays."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in _UNCHANGED or len(word) < 3 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes")) or (word.endswith("oes") and len(word) > 4):
        return word[:-2]
    return word[:-1]


def plural(word: str) -> str:
    """Many of them: "category" gives "categories". A word that is plural already stays."""
    if word in _PLURALS:
        return _PLURALS[word]
    if word in _IRREGULAR or singular(word) != word:
        return word
    if word.endswith("y") and len(word) > 1 and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    return word + "s"


def ascii_words(text: str) -> list[str]:
    """The words of any text in lower-case ASCII; letters that have no ASCII form fall away."""
    folded = text.replace("ß", "ss").replace("ø", "o").replace("Ø", "O").replace("æ", "ae").replace("ł", "l")
    plain = unicodedata.normalize("NFKD", folded).encode("ascii", "ignore").decode().lower()
    return re.findall(r"[a-z0-9]+", plain.replace("'s", "").replace("'", ""))


def _identifier(words: list[str], prefix: str) -> str:
    name = "_".join(words)
    if name and not name[0].isalpha():
        name = prefix + name
    return name[:MAX_NAME].strip("_")


def field_name(text: str) -> str:
    """A column's name, or "" when the text has no usable letter. `OWN_COLUMNS` are returned as they are: the caller leaves them out."""
    name = _identifier(ascii_words(text), "n_")
    if name in _SYSTEM_COLUMNS:
        name += "_value"
    return name


def resource_name(text: str) -> str:
    """A table's, module's and path's name for a plural phrase, or ""."""
    name = _identifier(ascii_words(text), "n_")
    taken = name in _DEVICES or name in _SCRIPT_WORDS or name in _TAKEN or keyword.iskeyword(name) or keyword.issoftkeyword(name)
    if taken or name.startswith("pg_"):
        name = name[: MAX_NAME - 5].removeprefix("pg_") + "_list"
    return name


def plural_phrase(phrase: str) -> str:
    """The phrase with its last word in the plural."""
    *rest, last = phrase.split()
    return " ".join([*rest, plural(last)])


def singular_phrase(phrase: str) -> str:
    """The phrase with its last word in the singular."""
    *rest, last = phrase.split()
    return " ".join([*rest, singular(last)])


def label(text: str) -> str:
    """A name or phrase as people read it: "due_date" gives "Due date". Letters of every script stay; markup and quotes do not."""
    words = re.sub(r"[^\w\s&+/().-]", "", unicodedata.normalize("NFC", text.replace("_", " "))).split()
    shown = " ".join(word.upper() if word.lower() in _ABBREVIATIONS else word for word in words)[:60].strip()
    return shown[:1].upper() + shown[1:]


def distinct(name: str, taken: set[str]) -> str:
    """The name, with a number behind it when it is taken."""
    if name not in taken:
        return name
    number = 2
    while f"{name[: MAX_NAME - 4]}_{number}" in taken:
        number += 1
    return f"{name[: MAX_NAME - 4]}_{number}"

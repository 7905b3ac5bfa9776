"""What people write, put in the shapes that the reader knows: long sentences become short ones, choices go into parentheses.

Called by the readers of descriptions and of change requests, before anything is looked up. Pure text in, pure text out; each rule takes
one habit of writing, and a text without it comes out as it was.
"""

from __future__ import annotations

import re

from adapters.models.starter.fieldwords import field
from adapters.models.starter.naming import words
from core.words.plan import FieldType

_HAVE = r"(?:have|has|contains?|includes?|needs?|gets?|consists? of)"
_ONE_OF = re.compile(
    r"(?P<lead>(?:^|,|\bwith|\band|\badd|\ban?|\bthe|\bhas|\bhave|\btheir|\bits)\s+)"
    r"(?P<name>(?:[\w-]{1,40} )?(?:status|stage|priority|prio|state|type|kind|category|severity|size|level|mood|role|condition|difficulty|"
    r"importance|urgency|method|frequency|phase|colou?r|unit|gender|season))\s*(?::|=|\bis (?:either |one of )?|\bcan be (?:either )?|"
    r"\beither |\bone of )\s*(?P<choices>[^.;:\n()]+)",
    re.I,
)
_STARTS = words("start begin issue due arrival departure pickup check-in checkin opening from first open delivery order")
_NOT_SUBJECTS = words(
    "it they we i you he she this that these those which who each every one all everything and or but also there what must should can "
    "will does do not don't doesn't didn't app page site"
)
_IGNORED = re.compile(
    r"(?:^|(?<=[.!?;\n]))\s*(?:please\s+)?(?:ignore|disregard|forget)\b[^\n]*?(?=\n|$)|(?:^|(?<=[.!?;\n]))[^.!?;\n]*\b(?:must|should|may|shall|do|"
    r"does)(?:n['’]t| not|nt) (?:have|need|contain|include|be)\b[^.!?;\n]*",
    re.I,
)
_GERMAN = re.compile(
    r"\b(?P<what>[^\W\d_]{4,}?)(?P<joint>s?)(?P<app>verwaltung|tracker|planer|kartei|datenbank|übersicht|verzeichnis|tagebuch)\b",
    re.I,
)


def plain(text: str) -> str:
    """The text in the shapes that the reader knows."""
    text = text.replace("’", "'")
    text = _IGNORED.sub(" ", text)
    text = _GERMAN.sub(lambda match: f"{match['what']} {match['app']}", text)
    text = re.sub(r"\bwithout any (?:other )?fields,? (?:except|but|other than|apart from)\b", "with", text, flags=re.I)
    text = re.sub(
        r"\b([\w-]{1,40}) and ([\w-]{1,40}) (dates?|times?)\b",
        lambda match: f"{match[1]} {match[3]} and {match[2]} {match[3]}" if match[1].lower() in _STARTS else match[0],
        text,
        flags=re.I,
    )
    text = of_fields(text)
    text = re.sub(r",?\s*(?:\bplease\s*)+(?:make it|keep it|do it)\s+\w+", "", text, flags=re.I)
    text = re.sub(r"\b(?:what|how much) (?:it|they|that) costs?\b", "cost", text, flags=re.I)
    text = re.sub(r"\bhow often to (\w+)\b", r"\1 frequency", text, flags=re.I)
    text = re.sub(
        r"\bwho (?:attends?|attended|comes to|takes|joins|was at) (?:what|which|each|them|it)(?: class(?:es)?)?\b",
        "attendances",
        text,
        flags=re.I,
    )
    text = re.sub(
        r"\bwhen (?:it|they|he|she|we|i|somebody|someone)(?:'ll| will|'s| is| was| were| are| has| have)? "
        r"(?:be )?((?!due\b)[a-z]+) (?:it|them|this)( up| off| out| back)?\b",
        lambda match: f"{match[1]}{match[2] or ''} date",
        text,
        flags=re.I,
    )
    return _short_sentences(text)


def of_fields(text: str) -> str:
    """The text with choices and types of fields in parentheses behind their names."""
    text = re.sub(
        r"\b(rat(?:ing|ed)|stars?|score)s?,? ?(?:from |of )?\(?\d{1,2} ?(?:-|–|to|/) ?\d{1,3}\)?(?: stars?)?",
        "rating",
        text,
        flags=re.I,
    )
    text = re.sub(r"\brating (?:out of|up to) \d+\b", "rating", text, flags=re.I)
    text = re.sub(r"\s*\(?\b(?:yes or no|yes/no|y/n|true or false|true/false)\b\)?", " (yes/no)", text, flags=re.I)
    text = re.sub(
        r"\b(priority|prio|importance|urgency)[:\s]+(low[\s,/]+(?:or )?(?:medium|normal|mid|middle)[\s,/]+(?:and |or )?high)\b",
        lambda match: f"{match[1]} ({', '.join(re.findall(r'[a-z]{3,}', match[2].lower().replace('and ', '')))})",
        text,
        flags=re.I,
    )
    return one_of(text)


def added_choice(text: str) -> str:
    """ "add a source to deals: web, phone" and "add fields to deals: source, fair" with the list where it belongs."""
    match = re.fullmatch(
        r"(.*?\b(?:add|include)\s+(?:an?\s+|the\s+)?(?:new\s+)?)([\w -]{2,40}?)(\s+(?:to|on|for|in)\s+[\w -]{2,40}?)?\s*:\s*([^():]+)",
        text,
        re.I,
    )
    if match is None:
        return text
    lead, name, onto, said = match[1], match[2], match[3] or "", match[4].strip(" .")
    if re.fullmatch(r"(?:the )?(?:following )?(?:fields?|columns?)", name, re.I):
        return f"{lead}{said}{onto}"
    choices = [choice.strip() for choice in re.split(r",(?:\s*(?:and|or)\s)?|\s+(?:and|or)\s+|/", said)]
    return f"{lead}{name} ({', '.join(choices)}){onto}" if len(choices) > 1 and all(map(_is_choice, choices)) else text


def one_of(text: str) -> str:
    """ "status: open, waiting, closed" in a list is one field with three choices, not three fields."""

    def bracketed(match: re.Match[str]) -> str:
        items = re.split(r"(\s*,\s*(?:or\s+|and\s+)?|\s+or\s+|\s+and\s+|\s*/\s*)", match["choices"])
        taken = 0
        for n in range(0, len(items), 2):
            if not _is_choice(items[n]) or n > 16:
                break
            taken = n + 1
        choices = items[:taken:2]
        if len(choices) < 2:
            return match[0]
        rest = "".join(items[taken:])
        return f"{match['lead']}{match['name']} ({', '.join(choice.strip() for choice in choices)}){rest}"

    return _ONE_OF.sub(bracketed, text)


def _is_choice(item: str) -> bool:
    spoken = item.strip().split()
    if not spoken or len(spoken) > 3 or spoken[0].lower() in {"a", "an", "the", "their", "its", "and", "with", "my", "our"}:
        return False
    read = field(item)
    return read is None or read.type in {FieldType.TEXT, FieldType.BOOLEAN, FieldType.CHOICE, FieldType.NUMBER}


def _short_sentences(text: str) -> str:
    """One sentence per thing: "posts and comments, posts have a title" is two."""
    #: "stories have title, points and belong to a sprint"
    text = re.sub(
        rf"\b([\w-]{{1,40}}) ({_HAVE}) ([^.;:\n]*?),?\s+and\s+"
        r"(?:each |they |it )?belongs? to (?:an?|one|the|exactly one)?\s*([\w-]{1,40})",
        r"\1 \2 \3. a \1 belongs to a \4",
        text,
        flags=re.I,
    )
    #: "income and expenses, every one with amount and date"
    text = re.sub(
        r"\b([\w-]{1,40}) and ([\w-]{1,40}),? (?:every one|each one|each|both|all)(?: of them)? (?:with|has|have) ([^.;!?\n]+)",
        r"\1 with \3. \2 with \3",
        text,
        flags=re.I,
    )
    #: "loans of a book with borrower and return date"
    text = re.sub(
        r"(^|[.;:,]\s*|\band\s+)([\w-]{1,40}s) (?:of|for|about) (?:an?|each|every|one) ([\w-]{1,40}) (with|have|has) ([^.;:\n]+)",
        r"\1\2 \4 \5. a \2 belongs to a \3. ",
        text,
        flags=re.I,
    )
    #: "with deals that have a value and a stage"
    text = re.sub(
        rf"\b([\w-]{{1,40}}s) (?:that|which|who) (?:each |also |can )?{_HAVE} ([^.;:\n]+)", r"\1. \1 have \2", text, flags=re.I
    )

    def subject(match: re.Match[str]) -> str:
        noun = match["noun"].split()[-1].lower()
        return match[0] if noun in _NOT_SUBJECTS or noun.endswith("ly") else f". {match['noun']} {match['have']} "

    #: ", posts have a title"
    return re.sub(
        r"[,;]\s+(?:and\s+)?(?:(?:an?|each|every|the|all)\s+)?(?P<noun>[\w-]{1,40})\s+(?P<have>have|has)\s+",
        subject,
        text,
        flags=re.I,
    )

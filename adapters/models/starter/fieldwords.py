"""What a field is, read from the words for it: "due dates" is a date, "price" is money, "status (open, closed)" is a choice.

Called by the readers of descriptions and of change requests. Pure; it never fails: what it cannot read is no field (None).
"""

from __future__ import annotations

import re

from adapters.models.starter.naming import ascii_words, field_name, label, singular, words
from core.words.plan import FieldType, ResourceField

MAX_CHOICES = 20


_BOOLEAN = words(
    "done completed complete finished paid unpaid active inactive archived published available read unread watched favorite "
    "favourite starred pinned "
    "approved verified urgent important bought purchased packed checked sent delivered shipped returned visited confirmed "
    "enabled billable vaccinated attended "
    "attending vegetarian vegan resolved recurring featured sold visible hidden locked accepted subscribed graduated insured "
    "fragile "
    "public private refunded reimbursed cancelled canceled played owned neutered answered solved watered anonymous onboarded "
    "erledigt bezahlt fertig aktiv gelesen pagado hecho completado leido paye payee fait termine lu"
)
_DATE = words(
    "date day birthday birthdate deadline due dob anniversary until expiry expires expiration start end datum fecha jour "
    "geburtstag cumpleanos "
    "frist falligkeit faelligkeit vencimiento echeance arrival departure checkin checkout born released watered"
)
_MOMENT = words("when starts ends appointment timestamp termin datetime begins")
_MONEY = words(
    "price amount cost total fee salary rate budget balance wage rent tip tax deposit revenue value spent payment discount income "
    "expense subtotal "
    "betrag preis kosten summe gehalt importe precio coste costo monto montant prix cout salaire salario bid fare premium "
    "charge donation allowance"
)
_INTEGER = words(
    "quantity qty count stock age year pages servings guests seats capacity reps sets rating score points votes likes upvotes "
    "duration minutes order bottles vintage "
    "rank calories floor mileage attendees people copies episodes season chapter portions rooms bedrooms bathrooms stars level "
    "downloads "
    "views streak goals attempts menge anzahl jahr alter cantidad edad ano quantite annee nombres unidades odometer batch gate "
    "streaks population headcount"
)
_NUMBER = words(
    "weight height width length distance hours percentage percent temperature latitude longitude area ratio gpa rate volume km "
    "miles depth size_cm "
    "grams liters litres fat speed gewicht peso poids stunden horas heures humidity ph grade_points wingspan altitude magnitude"
)
_LONG = words(
    "description notes note body content comment comments details instructions ingredients bio summary message steps remarks "
    "review feedback "
    "abstract biography reason agenda lyrics story transcript directions answer entry thoughts reflection observations "
    "beschreibung notiz notizen inhalt "
    "zutaten anleitung descripcion contenido ingredientes notas mensaje contenu remarques symptoms diagnosis treatment "
    "prescription minutes_taken "
    "address adresse direccion excerpt explanation requirements responsibilities text care history"
)
_EMAIL = words("email mail correo courriel emails")
_URL = words(
    "url link website site homepage webpage photo picture image cover avatar thumbnail logo poster github linkedin portfolio "
    "lien enlace video foto"
)
_TEXT = words(
    "number name title phone reference code nummer numero nombre nom category type kind genre tags author customer location place"
)
KEPT_PLURALS = words(
    "days weeks notes tags ingredients steps instructions comments details hours minutes pages reps sets servings guests seats points "
    "likes upvotes votes calories directions needs bottles "
    "lyrics remarks attendees people copies episodes portions rooms bedrooms bathrooms stars views goals attempts thoughts "
    "observations symptoms "
    "requirements responsibilities miles grams liters litres downloads allergies skills participants members toppings starts "
    "ends expires materials "
    "begins players watchers colors colours notizen notas remarques zutaten ingredientes horas heures stunden unidades keywords "
    "labels topics streaks"
)
_CHOICES = {
    "priority": ("low", "medium", "high"),
    "prioritat": ("low", "medium", "high"),
    "prioridad": ("low", "medium", "high"),
    "priorite": ("low", "medium", "high"),
    "importance": ("low", "medium", "high"),
    "urgency": ("low", "medium", "high"),
    "severity": ("low", "medium", "high", "critical"),
    "difficulty": ("easy", "medium", "hard"),
    "status": ("open", "in progress", "done"),
    "state": ("open", "in progress", "done"),
    "estado": ("open", "in progress", "done"),
    "mood": ("great", "good", "okay", "bad"),
    "frequency": ("daily", "weekly", "monthly", "yearly"),
    "sentiment": ("positive", "neutral", "negative"),
}
_TYPE_WORDS = {
    "text": FieldType.TEXT,
    "string": FieldType.TEXT,
    "varchar": FieldType.TEXT,
    "long text": FieldType.LONG_TEXT,
    "textarea": FieldType.LONG_TEXT,
    "multiline": FieldType.LONG_TEXT,
    "markdown": FieldType.LONG_TEXT,
    "integer": FieldType.INTEGER,
    "int": FieldType.INTEGER,
    "whole number": FieldType.INTEGER,
    "number": FieldType.NUMBER,
    "numeric": FieldType.NUMBER,
    "decimal": FieldType.NUMBER,
    "float": FieldType.NUMBER,
    "money": FieldType.MONEY,
    "currency": FieldType.MONEY,
    "price": FieldType.MONEY,
    "boolean": FieldType.BOOLEAN,
    "bool": FieldType.BOOLEAN,
    "yes/no": FieldType.BOOLEAN,
    "yes or no": FieldType.BOOLEAN,
    "true/false": FieldType.BOOLEAN,
    "checkbox": FieldType.BOOLEAN,
    "toggle": FieldType.BOOLEAN,
    "flag": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "datetime": FieldType.DATETIME,
    "date and time": FieldType.DATETIME,
    "timestamp": FieldType.DATETIME,
    "time": FieldType.DATETIME,
    "email": FieldType.EMAIL,
    "e-mail": FieldType.EMAIL,
    "url": FieldType.URL,
    "link": FieldType.URL,
}
_FILLERS = words(
    "a an the its their his her my our your some each every also and plus new another any with multiple several many one as "
    "well of current own extra "
    "simple proper separate basic nice various single please optionally maybe perhaps und ein eine einen der die das y un una "
    "el la los las et le les des o"
)
_FLAGS = {"required": True, "mandatory": True, "compulsory": True, "optional": False}
_CUT = words(
    "for in on at by with from to that which who whom where so because using per via into than then if but when while without "
    "showing must should can will would could "
    "für fur mit para con por pour avec dans as like such should are is was were has have"
)
_UNITS = {
    **dict.fromkeys(
        ("hours", "kg", "km", "miles", "meters", "metres", "cm", "percent", "grams", "litres", "liters"), FieldType.NUMBER
    ),
    **dict.fromkeys(("minutes", "days", "weeks", "months", "years", "seconds", "pieces"), FieldType.INTEGER),
    **dict.fromkeys(("euro", "euros", "eur", "dollars", "usd", "pounds", "gbp", "francs", "chf"), FieldType.MONEY),
}
_TRAILING = words("at by on to in out from")
_STOP = words(
    "it them they i we you he she this that these those there here everything anything something stuff things thing more etc "
    "all able ability feature features way ways "
    "be do does make just like very really so not no yes ok"
)


def field(phrase: str) -> ResourceField | None:
    """The field that a phrase stands for; None when it stands for none."""
    text, inside = _without_parentheses(phrase)
    required: bool | None = None
    kind: FieldType | None = None
    choices: list[str] = []
    if inside:
        required, kind, choices = _annotation(inside)

    match = re.fullmatch(
        r"(?:whether|if)\s+(?:or not\s+)?(?:(?:it|they|he|she|this|the \w+)\s*(?:'s|is|are|was|were|has been|have been|has|"
        r"have)?\s+)?(?:been\s+)?(.+)",
        text,
        re.I,
    )
    if match:
        text, kind = match[1], kind or FieldType.BOOLEAN
    match = re.fullmatch(r"(.+?)\s+(?:as|of type|being)\s+(?:an?\s+)?([\w/ -]+)", text, re.I)
    if match and match[2].strip().lower() in _TYPE_WORDS:
        text, kind = match[1], kind or _TYPE_WORDS[match[2].strip().lower()]
    if (
        not choices
        and (match := re.fullmatch(r"(.+?)[\s:=]+([^\s/|]+(?:\s*[/|]\s*[^/|\s]+)+)", text))
        and match[2].lower() not in _TYPE_WORDS
    ):
        text, choices = match[1], _choices(re.split(r"[/|]", match[2]))
    match = re.fullmatch(r"(.+?)\s+(flag|checkbox|toggle|yes/no|true/false|boolean)", text, re.I)
    if match:
        text, kind = match[1], kind or FieldType.BOOLEAN

    spoken = re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text.replace("_", " "))
    counted = False
    kept: list[str] = []
    for position, word in enumerate(spoken):
        lower = word.lower()
        if lower in _FLAGS:
            required = _FLAGS[lower]
        elif lower in _CUT and kept and not (position == len(spoken) - 1 and lower in _TRAILING):
            break
        elif (
            not kept
            and lower in {"number", "count", "amount"}
            and [w.lower() for w in spoken[position + 1 : position + 2]] == ["of"]
        ):
            counted = lower != "amount" or counted
        elif lower not in _FILLERS or (kept and lower == "of"):
            kept.append(word)
    while len(kept) > 1 and kept[-1].lower() in {
        "field",
        "fields",
        "column",
        "columns",
        "dropdown",
        "select",
        "attribute",
        "property",
        "info",
        "information",
        "of",
    }:
        kept.pop()
    if not kept or len(kept) > 4 or all(word.lower() in _STOP for word in kept) or len("".join(kept)) > 60:
        return None

    ascii_form = ascii_words(" ".join(kept))
    shown = " ".join(kept)
    if ascii_form and kept[-1].isascii():
        last = kept[-1].lower()
        if last not in KEPT_PLURALS and not counted:
            kept[-1] = singular(last) if singular(last) != last else kept[-1]
        shown = " ".join(kept)
    name = field_name(shown)
    if not name or len(name) < 2:
        name = name or "field"
        shown = shown or "Field"
    if kind is None and not choices:
        kind, choices = _guess(name, ascii_words(shown))
    unit = re.search(r"\bin\s+(\w+)$", text, re.I)
    if unit and kind is FieldType.TEXT:
        kind = _UNITS.get(unit[1].lower(), kind)
    if counted and kind in {FieldType.TEXT, None}:
        kind = FieldType.INTEGER
    if choices:
        kind = FieldType.CHOICE
    return ResourceField(name=name, type=kind or FieldType.TEXT, required=bool(required), choices=choices, label=label(shown))


def guessed(one: ResourceField) -> bool:
    """Whether the choices are the usual ones for the name, and not those of the description."""
    return tuple(one.choices) in _CHOICES.values()


def fields(text: str) -> list[ResourceField]:
    """The fields of a list like "number, customer, amount and paid"."""
    found = [field(item) for item in split_list(text)]
    return [item for item in found if item is not None]


def split_list(text: str) -> list[str]:
    """The items of a list in prose: split at commas, semicolons and "and", but not inside parentheses."""
    items, depth, current = [], 0, ""
    for character in text:
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth = max(0, depth - 1)
        if depth == 0 and character in ",;，、\n":
            items.append(current)
            current = ""
        else:
            current += character
    items.append(current)
    split = [part for item in items for part in _split_and(item)]
    return [item.strip(" \t\r.-*•\"'“”‘’`:") for item in split if item.strip(" \t\r.-*•\"'“”‘’`:")]


def _split_and(item: str) -> list[str]:
    parts: list[str] = []
    words: list[str] = []
    depth = 0
    for word in item.split():
        if depth == 0 and word.lower() in {"and", "&", "+", "plus", "und", "y", "et", "e"}:
            parts.append(" ".join(words))
            words = []
            continue
        depth = max(0, depth + sum(map(word.count, "([{")) - sum(map(word.count, ")]}")))
        words.append(word)
    return [*parts, " ".join(words)]


def _without_parentheses(phrase: str) -> tuple[str, str]:
    opened = re.search(r"[(\[{]", phrase)
    if opened is None:
        return phrase.strip(), ""
    closed = re.search(r"[)\]}]", phrase[opened.end() :])
    end = opened.end() + closed.start() if closed else len(phrase)
    return phrase[: opened.start()].strip(), phrase[opened.end() : end].strip()


def _annotation(inside: str) -> tuple[bool | None, FieldType | None, list[str]]:
    """What stands in parentheses: a type, "required", or the choices."""
    required: bool | None = None
    kind = _TYPE_WORDS.get(inside.lower().strip())
    if kind is not None:
        return None, kind, []
    rest = []
    for part in re.split(r"[,/|;]|\bor\b|\boder\b|\bou\b", inside):
        word = part.strip(" \"'“”‘’`").lower()
        if word in _FLAGS:
            required = _FLAGS[word]
        elif word in _TYPE_WORDS and kind is None:
            kind = _TYPE_WORDS[word]
        elif word:
            rest.append(part)
    choices = _choices(rest)
    return required, kind, choices if kind is None and len(choices) > 1 else []


def _choices(parts: list[str]) -> list[str]:
    cleaned = (re.sub(r"[^\w\s&+/().'-]", "", part, flags=re.UNICODE).strip() for part in parts)
    kept = (
        " ".join(re.sub(r"^(?:e\.g\.|like|one of|and|or)\s+", "", choice, flags=re.I).split())[:40].strip() for choice in cleaned
    )
    return list(dict.fromkeys(choice for choice in kept if choice))[:MAX_CHOICES]


def _guess(name: str, words: list[str]) -> tuple[FieldType, list[str]]:
    """The type by the name's words: the whole name first, then its last word, then its first."""
    first, last = (words[0], words[-1]) if words else ("", "")
    if name in {"email_address", "e_mail_address", "e_mail", "mail_address"}:
        return FieldType.EMAIL, []
    one = singular(last)
    if first in {"is", "has", "was", "can", "needs", "wants"} and len(words) > 1:
        return FieldType.BOOLEAN, []
    if name.startswith("in_stock") or name in {"checked_in", "checked_out", "on_sale", "to_read", "read_it"}:
        return FieldType.BOOLEAN, []
    if name in {"party_size", "group_size", "team_size", "class_size"}:
        return FieldType.INTEGER, []
    if one in _CHOICES or last in _CHOICES:
        return FieldType.CHOICE, list(_CHOICES.get(one) or _CHOICES[last])
    if last == "at" and len(words) > 1:
        return FieldType.DATETIME, []
    if last in {"on", "by", "in", "out"} and first in {
        "due",
        "born",
        "bought",
        "paid",
        "check",
        "started",
        "finished",
        "expires",
        "watered",
        "sent",
        "completed",
        "read",
        "drink",
        "use",
        "sell",
        "best",
        "pick",
        "pickup",
    }:
        return FieldType.DATE, []
    if last in {"days", "weeks", "months"}:
        return FieldType.INTEGER, []
    if last == "on" and first.endswith(("ed", "es", "ts")):
        return FieldType.DATE, []
    if last == "time":
        return (
            FieldType.DATETIME
            if name in {"time", "start_time", "end_time", "date_time", "event_time", "appointment_time"}
            else FieldType.TEXT
        ), []
    if first == "last" and len(words) == 2 and (last in _BOOLEAN or last.endswith("ed")):
        return FieldType.DATE, []
    for kind, known in (
        (FieldType.EMAIL, _EMAIL),
        (FieldType.TEXT, _TEXT),
        (FieldType.BOOLEAN, _BOOLEAN - _DATE),
        (FieldType.DATE, _DATE),
        (FieldType.DATETIME, _MOMENT),
        (FieldType.MONEY, _MONEY),
        (FieldType.INTEGER, _INTEGER),
        (FieldType.NUMBER, _NUMBER),
        (FieldType.URL, _URL),
        (FieldType.LONG_TEXT, _LONG),
    ):
        if last in known or one in known:
            return kind, []
    if first == "date" or (first in {"due", "deadline"} and len(words) <= 2):
        return FieldType.DATE, []
    return FieldType.TEXT, []

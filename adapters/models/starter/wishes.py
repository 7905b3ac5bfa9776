"""What a description wishes for besides things and fields: accounts, a framework, and what the starter cannot make.

Called by the readers of descriptions and of change requests. What it understands here is taken out of the text, so that "users can sign
up" becomes accounts and not a table of users. It promises nothing: each thing that cannot be made is one sentence for the person.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from adapters.models.starter.grammar import UNSUPPORTED
from adapters.models.starter.naming import words
from core.words.plan import FRAMEWORK_LABELS, FRAMEWORK_NAMES, Feature, FrameworkName, Setting

ACCOUNTS: Feature = "authentication"
REGISTRATION = Setting(name="REGISTRATION", purpose="“closed”: after the first account nobody else can make one")
SHARED = "Everybody who signs in sees and changes the same records. The first account is the administrator’s."

_ACT = (
    r"(?:(?:sign|log)(?:s|ed|ged|ing|ging)?[- ]?(?:up|in|on|out)s?|registers?|"
    r"creat(?:e|ing) (?:an? |their |their own )?accounts?)"
)
_ACTS = rf"{_ACT}(?:(?:,? and |,? or |, | ?/ ?)(?:{_ACT}|(?:in|out|up)\b))*"
_WHO = (
    r"(?:(?:each |every |all )?users?|people|everyone|everybody|members?|visitors?|customers?|staff|"
    r"employees|they|i|we|you|one|my team|our team|the team)"
)
_MAY = r"(?:can|must|should|may|will|have to|has to|need to|needs to|to|could|are able to|be able to|first|also)"
#: How people ask for accounts; each is one item of a list, which is why "with" and "and" are not part of it.
_WAYS = (
    rf"(?:where |so that |and |let |allow )?{_WHO} (?:{_MAY} )*(?:{_ACTS})(?! (?:for|to|at|of)\b)"
    r"(?: with (?:an? |their )?(?:e-?mail|password)s?(?: address)?(?: and (?:an? )?password)?)?(?: first)?",
    rf"(?:that |which )?(?:requires?|requiring|needs?) (?:(?:users|people) to |to )?{_ACTS}(?! (?:for|to|at|of)\b)",
    r"(?:only )?(?:for )?(?:signed|logged)[- ]in (?:users?|people|members?)(?: only)?"
    r"(?: (?:may|can|should) (?:use|see|open|edit) (?:it|this|the app))?",
    r"(?:user |google |github |secure |simple |basic |e-?mail(?: and |/| )?password |e-?mail )*(?:log[- ]?ins?|sign[- ]?ins?|sign[- ]?ups?"
    r"(?! forms?)|authentication|auth)(?! (?:sheet|list|book|desk)s?)(?: and (?:log ?out|registration|sign[- ]?up|password))?"
    r"(?: (?:page|form|screen|system|support|(?:is )?required|first))?(?: with (?:e-?mail|user ?name) (?:address )?and password)?",
    r"(?:(?:each |every )?(?:user|member|person|one) )?(?:to have |have |has |gets? |with )?(?:their |his |her |an )own accounts?",
    r"(?:user|member|customer) (?:accounts?|registration|management)",
    r"accounts? (?:for|per) (?:each |every |all |the |my |our )?(?:users?|members?|persons?|people|customers?|team)",
    r"password[- ]protect(?:ed|ion)|protected (?:by|with) (?:an? )?passwords?|behind an? (?:password|log[- ]?in|sign[- ]?in)",
    r"(?:user|access) (?:roles|permissions)|roles and permissions|role[- ]based (?:access(?: control)?|permissions)",
    r"members[- ]only|oauth\d?|sso|single sign[- ]on",
    r"(?:einer |einem )?(?:anmeldung|passwortschutz|benutzerkonten|benutzerkonto)(?! (?:für|zu)\b)|passwortgeschützt\w*|"
    r"(?:wo |damit )?(?:man |nutzer |alle )?sich anmelden (?:können|kann|müssen|muss)|nur für angemeldete(?: \w+)?",
    r"(?:inicio de sesión|autenticación|registro de usuarios)|(?:une? )?(?:connexion|authentification|mot de passe|comptes? utilisateurs?)",
)
_WANTED = re.compile(rf"(?<![\w'’-])(?:{'|'.join(_WAYS)})(?![\w'’-])", re.I)
#: A word for signing in among the names of fields is one of them: "name, login, password".
_AS_FIELD = re.compile(
    r"\b(?:log ?in|user ?name)s?\s*(?:,|and|&|/)\s*(?:and\s+)?passwords?\b|\b(?:last|first|number of) log[- ]?ins?\b"
    r"|\bAnmeldungen\b|[:,]\s*log ?in\s*,(?=[^.\n]*\b(?:url|website|site|password)\b)",
    re.I,
)
_LOGIN = (
    r"(?:log(?:ging)?[- ]?ins?|sign(?:ing)?[- ]?(?:ins?|ups?)|auth(?:entication)?|accounts?|passwords?|registration|anmeldung|"
    r"registrierung)"
)
_UNWANTED = re.compile(
    r"\b(?:without|no(?: more)?|(?:no|not) need(?: for)?|(?:do|does|should)(?:n['’]t| not) (?:need|want|require|have)|skip|"
    r"kein(?:e|en)?|ohne|sin|sans)"
    rf"\s+(?:any\s+|an?\s+|the\s+|eine\s+|to\s+|user\s+)*{_LOGIN}(?:\s*(?:,|and|or|und|oder|/)\s*{_LOGIN})*(?:\s+(?:needed|required|"
    r"please|is needed|is required))?\b",
    re.I,
)
_ITEM = "\x01"  #: stands where a wish was
_OTHER_SERVICE = re.compile(
    r"\b(?:oauth\d?|sso|single sign[- ]on|(?:sign|log)[- ]?in (?:with|via) (?:google|github|facebook|apple)|"
    r"google (?:login|sign[- ]?in))\b",
    re.I,
)
_ROLES = re.compile(r"\b(?:user |access )?(?:roles|permissions)\b|\brole[- ]based\b", re.I)
_LEADS = words(
    "with and or plus including has have need needs require requires it only just for a an the mit und avec et con y want i we"
)


def accounts(text: str) -> tuple[str, bool | None]:
    """The text without what it says about accounts, and whether it wants them; None where it says nothing."""
    text = text.replace(_ITEM, " ")
    rest = _UNWANTED.sub(_ITEM, text)
    fields: list[str] = []

    def keep(match: re.Match[str]) -> str:
        fields.append(match[0])
        return f"\x02{len(fields) - 1}\x02"

    kept = _AS_FIELD.sub(keep, rest.replace("\x02", " "))
    cut = _WANTED.sub(_ITEM, kept)
    wanted = True if cut != kept else False if rest != text else None
    return re.sub("\x02(\\d+)\x02", lambda match: fields[int(match[1])], _closed_up(cut)), wanted


def _closed_up(text: str) -> str:
    """A list without the items that were taken out of it: "with X and notes" is "with notes", "notes with X" is "notes"."""
    text = re.sub(rf"{_ITEM}(?:\s*(?:,|and|or|und|et|y|&|/)*\s*{_ITEM})+", _ITEM, text)
    text = re.sub(rf"^\s*(?:with|mit|avec|con)\s+{_ITEM}\s*,", "", text)
    text = re.sub(
        rf"\b(with|has|have|needs|including|mit|avec|con)\s+{_ITEM}\s*(?:,\s*(?:and\s+)?|and\s+|und\s+|et\s+|y\s+)", r"\1 ", text
    )
    *parts, last = text.split(_ITEM)
    return " ".join([*map(_without_leads, parts), last])


def _without_leads(text: str) -> str:
    """The text without the small words at its end that led to what was taken out."""
    while True:
        text = text.rstrip(" \t,")
        word = text[max(text.rfind(" "), text.rfind("\n"), text.rfind("\t"), text.rfind(",")) + 1 :]
        if not word or word.lower() not in _LEADS:
            return text
        text = text[: -len(word)]


def about_accounts(text: str) -> list[str]:
    """What accounts will not do although the text speaks of it, and what they mean."""
    said = [SHARED]
    if _OTHER_SERVICE.search(text):
        said.append("People sign in with an address and a password: the built-in starter cannot use other services for it.")
    if _ROLES.search(text):
        said.append("There are no roles or permissions: the built-in starter cannot make them.")
    return said


_FRAMEWORK_WORDS: Sequence[tuple[FrameworkName, str]] = (
    ("nextjs", r"next ?\.? ?js|nextjs"),
    ("vue", r"vue(?:\.?js)?(?: ?[23])?"),
    ("react", r"react(?:\.?js)?(?! native)"),
    ("fastapi", r"fast ?api|python(?: ?3(?:\.\d+)?)?"),
    (
        "express",
        r"express\.?js|express (?=app\b|server\b|api\b|backend\b)|(?<=using )express|(?<=with )express|(?<=in )express|node(?:\.?js)?",
    ),
)
_ALL_WORDS = "|".join(known for _, known in _FRAMEWORK_WORDS)
_NAMING = re.compile(
    rf"(?:\b(?:written |built |made |developed )?(?:in|with|using|on|as)\s+(?:an?\s+)?)?\b(?:{_ALL_WORDS})(?:\s*(?:\+|and|/|with an?)\s*"
    rf"(?:{_ALL_WORDS}|typescript|javascript|postgres\w*))*(?:\s+(?:frontend|front[- ]end|backend|back[- ]end|framework))?(?![\w-])",
    re.I,
)
_API = re.compile(r"\b(?:rest(?:ful)?[- ]?api|api|json api|backend|endpoints?)\b", re.I)


def without_frameworks(text: str) -> str:
    """The text without the names of frameworks, which are no things to keep."""
    return _NAMING.sub(" ", text)


def framework_for(description: str) -> tuple[FrameworkName, str]:
    """The framework for a description, of which somebody said nothing else, and why."""
    for name, known in _FRAMEWORK_WORDS:
        found = re.search(rf"\b(?:{known})(?![\w-])", description, re.I)
        if found and name in FRAMEWORK_NAMES:
            asked = found[0] if found[0][:4].lower() in {"pyth", "node"} else FRAMEWORK_LABELS[name]
            return name, f"The description asks for {asked[:1].upper()}{asked[1:]}."
    if _API.search(description):
        return "fastapi", "The description asks for an API, which FastAPI checks and documents by itself."
    return (
        "fastapi",
        "No framework was named. FastAPI serves the API and the page without a build step, so the app is up soonest.",
    )


def left_out(text: str, made: Collection[str] = ()) -> list[str]:
    """A sentence for each thing that the text asks for and the starter cannot make; ``made`` are the words of what the app keeps, in
    which a "report" may be a thing like any other."""
    own = {word for phrase in made for word in re.findall(r"\w+", phrase.lower())}
    sentences = []
    for pattern, name in UNSUPPORTED:
        found = [match[0] for match in re.finditer(rf"\b(?:{pattern})\b", text, re.I)]
        if any(not set(re.findall(r"\w+", one.lower())) <= own for one in found):
            sentences.append(cannot(name))
    return sentences


def cannot(name: str) -> str:
    """The sentence for one thing that cannot be made."""
    return f"Left out, because the built-in starter cannot make it: {name}."

"""Reads a change request and applies it to a plan: fields and things are added, hidden, renamed; title and look change.

Data is kept. A field or thing that is removed is hidden (its column stays) unless the request says to drop the column or table. Every
change of the schema is a new migration; earlier ones are never touched. What is not understood changes nothing, and is said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from adapters.models.starter import sql
from adapters.models.starter.drafts import as_resources
from adapters.models.starter.fieldwords import fields, guessed, split_list
from adapters.models.starter.grammar import built_in
from adapters.models.starter.kinds import FIELD_FIRST, kind
from adapters.models.starter.look import Look, read_look
from adapters.models.starter.migrations import columns, tables
from adapters.models.starter.naming import OWN_COLUMNS, distinct, field_name, label, plural, singular_phrase, words
from adapters.models.starter.phrasing import added_choice, of_fields
from adapters.models.starter.reading import nouns_in
from adapters.models.starter.wishes import ACCOUNTS, REGISTRATION, about_accounts, accounts, left_out
from core.files import FileTree
from core.words.plan import FieldType, Plan, Resource, ResourceField

EXAMPLES = (
    "“add a due date to notes”, “also track projects with name and deadline”, “make the email required”, “remove the notes "
    "field”, “rename the app to Errands” or “make the header green”"
)
MAX_CHANGES = 12
MAX_READ = 4000  #: characters
_ADD = re.compile(
    r"^(?:please\s+|can you\s+|could you\s+|and\s+|also\s+|then\s+)*(?:add|include|insert|put in|we (?:also )?need|i "
    r"(?:also )?(?:need|want)|give (?:it|them))\s+(.+)$",
    re.I,
)
_TRACK = re.compile(
    r"^(?:please\s+|can you\s+|and\s+|also\s+|then\s+|it should\s+|i (?:also )?want to\s+|let me\s+)*(?:also\s+)?(?:track|"
    r"manage|store|keep(?: track of)?|record|log|list)\s+(.+)$",
    re.I,
)
_REMOVE = re.compile(r"\b(?:remove|hide|get rid of|take out|take away|leave out|delete|drop)\s+(.+)$", re.I)
_TITLE = re.compile(
    r"\b(?:(?:change|set|update|make)\s+(?:the\s+)?(?:(?:app|page|site)(?:'s|’s)?\s+)?(?:title|name|"
    r"heading)(?:\s+of\s+(?:the\s+)?(?:app|page|site))?\s+(?:to|into)"
    r"|rename\s+(?:the\s+|this\s+)?(?:app|it|page|site|application)\s+(?:to|into|as)?|call\s+(?:it|the app|this app))\s+(.+)$",
    re.I,
)
_RENAME = re.compile(
    r"\b(?:rename|change)\s+(?:the\s+)?(?:field\s+|column\s+)?[\"“']?([\w -]{1,40}?)[\"”']?\s+(?:field\s+|column\s+)?(?:to|"
    r"into|as)\s+[\"“']?([\w -]{1,40}?)[\"”']?(?:\s+(?:in|on|of|for)\s+(?:the\s+)?([\w -]{1,40}))?$",
    re.I,
)
_REQUIRED = re.compile(
    r"\b(?:make|mark|set)\s+(?:the\s+)?([\w -]{1,40}?)\s+(?:field\s+|column\s+)?(?:as\s+|to be\s+|be\s+)?(required|"
    r"mandatory|needed|optional)\b(?:\s+(?:in|on|of|for)\s+(?:the\s+)?([\w -]{1,40}))?",
    re.I,
)
_ONTO = re.compile(
    r"^(.+?)\s+(?:to|on|in|for|into|onto)\s+(?:the\s+|each\s+|every\s+|all\s+|my\s+|our\s+)?([\w -]{2,40}?)(?:\s+(?:list|"
    r"table|page|form|section|resource|tab))?$",
    re.I,
)
_EVERYTHING = frozenset(
    {"it", "this", "them", "app", "the app", "list", "form", "page", "everything", "each", "all", "that", "this app"}
)
#: What is left of "please make the app password protected" when that was understood.
_EMPTY = words(
    "please add include make it the a an app page site i we want need let us have can you could to be remove drop delete disable turn off "
    "get rid of take out away hide stop requiring require users people this that should must also and now only again for with there is "
    "no more any so first before they required needed"
)
_DROPS = re.compile(
    r"\b(?:drop|delete|erase|destroy|permanently)\b.*\b(?:column|table|data|for good|permanently)\b|\bpermanently\b", re.I
)


@dataclass(slots=True)
class Change:
    """A plan being changed, with what has to happen to the database."""

    plan: Plan
    look: Look
    tree: FileTree
    resources: list[Resource]
    statements: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    understood: bool = False
    destructive: bool = False

    def resource(self, words: str) -> Resource | None:
        """The resource that these words mean."""
        wanted = re.sub(r"^(?:the|each|every|all|my|our)\s+", "", words.strip().lower())
        for resource in self.resources:
            one = resource.singular.replace("_", " ")
            if (
                wanted in {one, resource.name, resource.name.replace("_", " "), resource.label.lower(), plural(one)}
                or singular_phrase(wanted or "x") == one
            ):
                return resource
        return None

    def having(self, column: str, where: str = "") -> Resource | None:
        """The resource that has this field, the one that is named first."""
        named = self.resource(where) if where else None
        candidates = [named] if named else self.resources
        return next((resource for resource in candidates if any(one.name == column for one in resource.fields)), None)

    def replace(self, resource: Resource) -> None:
        self.resources = [resource if other.name == resource.name else other for other in self.resources]

    def set_field(self, resource: Resource, old: str, new: ResourceField | None) -> None:
        kept = [one if one.name != old else new for one in resource.fields]
        self.replace(resource.model_copy(update={"fields": [one for one in kept if one is not None]}))


def change(request: str, plan: Plan, tree: FileTree, look: Look) -> Change:
    """Apply a request. ``understood`` is False when nothing of it was."""
    made = Change(plan=plan, look=look, tree=tree, resources=list(plan.resources))
    missed = []
    request = request[:MAX_READ]
    made.plan = _accounts(made, request)
    for part in map(added_choice, _parts(of_fields(accounts(request)[0]))):
        if not set(re.findall(r"\w+", part.lower())) - _EMPTY:
            continue
        if not any(step(made, part) for step in (_title, _looks, _required, _add_choice, _rename, _remove, _track, _add)):
            missed.append(part)
        else:
            made.understood = True
    if missed and made.understood:
        made.said.append(f"Not understood, and left out: {'; '.join(part[:80] for part in missed[:4])}.")
    made.plan = made.plan.model_copy(update={"resources": made.resources})
    return made


_OPENING = re.compile(
    r"\b(?:remove|drop|delete|disable|turn off|take (?:out|away)|get rid of|hide|no more|stop requiring)\b", re.I
)


def _accounts(made: Change, request: str) -> Plan:
    """The plan with accounts or without, as the request says. The tables stay in any case: people's accounts are theirs."""
    plan = made.plan
    _, wanted = accounts(request)
    if wanted is None:
        return plan
    there = ACCOUNTS in plan.features
    wanted = wanted and not any(_OPENING.search(sentence) and accounts(sentence)[1] for sentence in re.split(r"[.;!\n]", request))
    if wanted == there:
        made.said.append("The app asks people to sign in already." if there else "The app asks nobody to sign in.")
        return plan
    made.understood = True
    settings = [setting for setting in plan.settings if setting.name != REGISTRATION.name]
    if wanted:
        made.said += about_accounts(request)
        return plan.model_copy(update={"features": [ACCOUNTS, *plan.features], "settings": [*settings, REGISTRATION]})
    made.said.append(
        "Anybody who has the address can use the app, without signing in. The accounts stay in the database, unused."
    )
    features = [feature for feature in plan.features if feature != ACCOUNTS]
    return plan.model_copy(update={"features": features, "settings": settings})


def _parts(request: str) -> list[str]:
    text = " ".join(request.replace("\n", ". ").split())
    found = re.split(
        r"[;!?]+|\.(?=\s|$)|,?\s+(?:and|then|and then|and also)\s+(?=(?:please\s+)?(?:add|make|rename|remove|drop|hide|delete|"
        r"track|change|also|call|include|set)\b)",
        text,
    )
    return [part.strip(" ,.") for part in found if part and part.strip(" ,.")][:MAX_CHANGES]


def _clean_title(text: str) -> str:
    return " ".join(re.sub(r"[\x00-\x1f<>\"“”]", "", text).split()).strip(" '‘’.,")[:60]


def _title(made: Change, part: str) -> bool:
    match = _TITLE.search(part)
    title = _clean_title(match[1]) if match else ""
    if not title:
        return False
    made.plan = made.plan.model_copy(update={"name": title})
    made.said.append(f"The app is now called {title}; its address stays.")
    return True


def _looks(made: Change, part: str) -> bool:
    if _ADD.match(part) and not re.search(r"\b(?:theme|mode|accent)\b", part, re.I):
        return False
    after = read_look(part, made.look)
    if after == made.look and not re.search(r"\b(?:dark|light)\s+(?:theme|mode)\b", part, re.I):
        return False
    made.look = after
    made.said.append("The look follows the request: the accent colour, and light or dark, are all that the starter changes.")
    return True


def _required(made: Change, part: str) -> bool:
    match = _REQUIRED.search(part)
    if not match:
        return False
    column = _column(match[1])
    resource = made.having(column, match[3] or "")
    if resource is None:
        return False
    one = next(one for one in resource.fields if one.name == column)
    needed = match[2].lower() != "optional"
    if not needed and one.required:
        made.statements.append(f"ALTER TABLE {sql.name(resource.name)} ALTER COLUMN {sql.name(column)} DROP NOT NULL;")
    made.set_field(resource, column, one.model_copy(update={"required": needed}))
    if needed:
        made.said.append(
            f"{one.label or one.name} is needed from now on; {resource.label.lower()} that have none stay as they are."
        )
    return True


def _add_choice(made: Change, part: str) -> bool:
    match = _ADD.match(part)
    onto = _ONTO.match(match[1]) if match else None
    if onto is None:
        return False
    column = _column(onto[2])
    resource = made.having(column)
    one = next((one for one in resource.fields if one.name == column), None) if resource else None
    if resource is None or one is None or one.type is not FieldType.CHOICE or made.resource(onto[2]) is not None:
        return False
    cleaned = re.sub(r"\b(?:as\s+)?(?:an?\s+)?(?:new\s+)?(?:options?|choices?|values?|status(?:es)?)\b", "", onto[1], flags=re.I)
    found = [
        " ".join(re.sub(r"[^\w\s&+/().-]", "", item).split())[:40]
        for item in split_list(re.sub(r"^(?:an?|the)\s+", "", cleaned.strip(), flags=re.I))
    ]
    choices = list(dict.fromkeys([*one.choices, *(item for item in found if item)]))
    if choices == one.choices:
        return False
    _grow(made, resource, one, choices)
    return True


def _grow(made: Change, resource: Resource, one: ResourceField, choices: list[str]) -> None:
    """Let a choice be one of these too."""
    grown = one.model_copy(update={"choices": choices})
    table = sql.name(resource.name)
    made.statements.append(
        f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {sql.constraint(resource.name, one.name, 'choice')};\nALTER TABLE {table} "
        f"ADD {sql.choice_check(resource.name, grown)};"
    )
    made.set_field(resource, one.name, grown)


def _rename(made: Change, part: str) -> bool:
    match = _RENAME.search(part)
    if not match:
        return False
    resource = made.resource(match[1])
    if resource is not None:
        made.replace(resource.model_copy(update={"label": label(match[2])}))
        made.said.append(f"{resource.label} are called {label(match[2])} on the page; their address stays /api/{resource.name}.")
        return True
    column, wanted = _column(match[1]), field_name(match[2])
    resource = made.having(column, match[3] or "")
    if resource is None or not wanted or wanted in OWN_COLUMNS:
        return False
    one = next(one for one in resource.fields if one.name == column)
    new = distinct(wanted, {*columns(made.tree, resource.name), *(other.name for other in resource.fields)} - {column})
    if new != column:
        made.statements.append(f"ALTER TABLE {sql.name(resource.name)} RENAME COLUMN {sql.name(column)} TO {sql.name(new)};")
        if one.type is FieldType.CHOICE:
            old_rule, new_rule = sql.constraint(resource.name, column, "choice"), sql.constraint(resource.name, new, "choice")
            made.statements.append(f"ALTER TABLE {sql.name(resource.name)} RENAME CONSTRAINT {old_rule} TO {new_rule};")
    made.set_field(resource, column, one.model_copy(update={"name": new, "label": label(match[2])}))
    return True


def _remove(made: Change, part: str) -> bool:
    match = _REMOVE.search(part)
    if not match:
        return False
    for_good = bool(_DROPS.search(part))
    text = re.sub(
        r"\b(?:fields?|columns?|tables?|sections?|tabs?|completely|permanently|for good|and (?:its|their|all) data|with (?:its|"
        r"their) data)\b",
        "",
        match[1],
        flags=re.I,
    )
    where = re.match(r"^(.+?)\s+(?:from|in|on|of)\s+(?:the\s+|each\s+|every\s+)?([\w -]{2,40})$", text.strip(), re.I)
    named, place = (where[1], where[2]) if where and made.resource(where[2]) else (text, "")
    done = False
    for item in split_list(named):
        words = re.sub(r"^(?:the|a|an|its|their)\s+", "", item.strip(), flags=re.I).strip()
        column = _column(words)
        resource = made.having(column, place)
        if resource is not None and len(resource.fields) > 1:
            done = _remove_field(made, resource, column, for_good=for_good)
        elif (whole := made.resource(words)) is not None and len(made.resources) > 1:
            done = _remove_resource(made, whole, for_good=for_good)
        elif for_good and resource is None and (hiding := _hiding(made, column, place)) is not None:
            _drop_column(made, hiding, column, label(words))
            done = True
    return done


def _hiding(made: Change, column: str, where: str) -> Resource | None:
    """The resource whose table still has this column, of a field that was removed before."""
    named = made.resource(where) if where else None
    there = [named] if named else made.resources
    return next((one for one in there if column not in OWN_COLUMNS and column in columns(made.tree, one.name)), None)


def _drop_column(made: Change, resource: Resource, column: str, called: str) -> None:
    made.statements.append(
        f"-- destructive: the data of this column are gone afterwards\n"
        f"ALTER TABLE {sql.name(resource.name)} DROP COLUMN {sql.name(column)};"
    )
    made.destructive = True
    made.said.append(f"{called} is dropped from {resource.label.lower()}, with its data.")


def _remove_field(made: Change, resource: Resource, column: str, *, for_good: bool) -> bool:
    one = next(one for one in resource.fields if one.name == column)
    if for_good:
        _drop_column(made, resource, column, one.label or column)
    else:
        if one.required and one.type is not FieldType.BOOLEAN:
            made.statements.append(f"ALTER TABLE {sql.name(resource.name)} ALTER COLUMN {sql.name(column)} DROP NOT NULL;")
        made.said.append(
            f"{one.label or column} is gone from the page and the API; its data are kept. Say “drop the "
            f"{one.label.lower() or column} column” to delete them."
        )
    made.set_field(resource, column, None)
    return True


def _remove_resource(made: Change, resource: Resource, *, for_good: bool) -> bool:
    for other in made.resources:
        for one in [one for one in other.fields if one.references == resource.name]:
            if other.name == resource.name or len(other.fields) == 1:
                continue
            _remove_field(made, next(r for r in made.resources if r.name == other.name), one.name, for_good=for_good)
    made.resources = [other for other in made.resources if other.name != resource.name]
    if for_good:
        made.statements.append(
            f"-- destructive: the data of this table are gone afterwards\nDROP TABLE {sql.name(resource.name)} CASCADE;"
        )
        made.destructive = True
    made.said.append(f"{resource.label} are gone from the page and the API{'' if for_good else '; their data are kept'}.")
    return True


def _track(made: Change, part: str) -> bool:
    match = _TRACK.match(part)
    return match is not None and _add_resources(made, "track " + match[1])


def _add(made: Change, part: str) -> bool:
    match = _ADD.match(part)
    if match is None:
        return False
    text = match[1]
    whole = re.sub(r"^(?:an?\s+|the\s+)?(?:new\s+)?", "", text.strip(), flags=re.I)
    section = (
        None
        if re.search(r"\s(?:to|on|in|into|onto)\s", f" {whole} ".split(" with ")[0])
        else re.match(r"^([\w -]{2,40}?)\s+(?:table|section|page|tab|list|resource)\b(.*)$", whole, re.I)
        or re.match(
            r"^(?:table|section|page|tab|list|resource)\s+(?:for|of|called|named)\s+([\w -]{2,40}?)((?:\s+with\b.*)?)$",
            whole,
            re.I,
        )
    )
    if section and made.resource(section[1]) is None:
        return _add_resources(made, f"track {section[1]}{section[2]}")
    if built_in(whole):
        made.said.append(f"{label(whole)} is there already: every app of the starter has it.")
        return False
    if len(whole.split()) <= 4 and (impossible := left_out(whole)):
        made.said += impossible
        return False
    onto = _ONTO.match(text)
    target = made.resource(onto[2]) if onto else None
    if onto and target is None and re.search(r"\b(?:to|into|onto)\s+\S+(?:\s\S+)?$", text) and onto[2].lower() not in _EVERYTHING:
        made.said.append(f"There is nothing called {label(onto[2]).lower() or 'that'} in this app.")
        return False
    named = onto[1] if onto and target else text
    bare = re.sub(
        r"\s+with\s+.*$", "", whole if not (onto and target) else re.sub(r"^(?:an?\s+|the\s+)?(?:new\s+)?", "", named), flags=re.I
    ).strip()
    known = kind(bare)
    several = singular_phrase(bare.lower() or "x") != bare.lower()
    if (
        known is not None
        and several
        and singular_phrase(bare.lower()) not in FIELD_FIRST
        and made.resource(bare) is None
        and not re.search(r"\bfield|column\b", named, re.I)
    ):
        return _add_resources(made, "track " + re.sub(r"^(?:an?\s+|the\s+)?(?:new\s+)?", "", named), onto=target)
    if target is None and " with " in f" {whole} " and made.resource(bare) is None and several:
        return _add_resources(made, "track " + whole)
    return _add_fields(made, target, named)


def _add_fields(made: Change, target: Resource | None, text: str) -> bool:
    text = re.sub(r"\b(?:fields?|columns?|property|attribute)\s+(?:called|named|for|:)?\s*", " ", text + " ", flags=re.I)
    text = re.sub(
        r"^\s*(?:an?|the)?\s*(?:new|extra|another|optional|required|mandatory)?\s*(?:called|named|for)\s+", "", text, flags=re.I
    )
    added = [one for one in fields(text) if one.name not in OWN_COLUMNS]
    if not added or not made.resources or any(len(one.label.split()) > 3 for one in added):
        return False
    resource = target or made.resources[0]
    if target is None and len(made.resources) > 1:
        made.said.append(f"The request names no section, so {resource.label.lower()} got it.")
    there = columns(made.tree, resource.name)
    done = False
    for one in added[: 24 - len(resource.fields)]:
        there_already = next((other for other in resource.fields if other.name == one.name), None)
        if there_already is not None and there_already.choices and one.choices and not guessed(one):
            grown = list(dict.fromkeys([*there_already.choices, *one.choices]))
            if grown != there_already.choices:
                made.replace(resource)
                _grow(made, resource, there_already, grown)
                resource = next(other for other in made.resources if other.name == resource.name)
                made.said.append(f"{one.label} can be one of {', '.join(grown)}: the choices that were there stay.")
                done = True
                continue
        if there_already is not None:
            made.said.append(f"{resource.label} have {one.label.lower()} already.")
            continue
        names = {other.singular: other.name for other in made.resources}
        if one.type is FieldType.TEXT and one.name in names and one.name != resource.singular:
            one = one.model_copy(update={"type": FieldType.REFERENCE, "references": names[one.name]})
        if one.name in there and there[one.name] != sql.TYPES[one.type]:
            one = one.model_copy(update={"name": distinct(one.name, {*there, *(other.name for other in resource.fields)})})
        table = sql.name(resource.name)
        made.statements.append(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {sql.column(resource.name, one, added=True)};")
        made.statements += [] if one.name in there else sql.indexes(resource.name, [one])
        if one.required and one.type is not FieldType.BOOLEAN:
            made.said.append(f"{one.label} is needed from now on; {resource.label.lower()} that have none stay as they are.")
        resource = resource.model_copy(update={"fields": [*resource.fields, one]})
        done = True
    made.replace(resource)
    return done


def _add_resources(made: Change, text: str, onto: Resource | None = None) -> bool:
    drafts = [draft for draft in nouns_in(text) if made.resource(draft.one) is None]
    room = 12 - len(made.resources)
    if not drafts or room < 1:
        return False
    known = [onto, *(r for r in made.resources if r is not onto)] if onto else made.resources
    for draft in drafts:
        if onto is not None and not draft.links:
            draft.link(onto.singular.replace("_", " "), required=draft.child)
    added = as_resources(drafts[:room], known)
    there = tables(made.tree)
    hidden = {one.name for one in added if one.name in there}
    added = [one.model_copy(update={"name": distinct(one.name, {*there, *(r.name for r in made.resources)})}) for one in added]
    made.statements += sql.create_tables(added, [resource.name for resource in made.resources])
    made.resources += added
    if hidden:
        made.said.append("A removed section of the same name keeps its data; the new one starts empty.")
    for resource in added:
        made.said.append(
            f"{resource.label} have these fields: {', '.join((one.label or one.name).lower() for one in resource.fields)}."
        )
    return True


def _column(words: str) -> str:
    name = field_name(words.strip())
    return name or "-"

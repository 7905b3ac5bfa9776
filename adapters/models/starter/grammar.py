"""The small words of the reader's grammar, and what the starter cannot make or has built in.

Kept apart from `reading` because it is a vocabulary, not a rule: words are added here without touching the code.
"""

from __future__ import annotations

import re

from adapters.models.starter.naming import words

VERBS = words(
    "track tracks tracking manage manages managing store stores storing keep keeps keeping record records recording log logs "
    "logging collect collects collecting organise organize organises organizes organising organizing save saves saving "
    "catalog catalogue cataloguing cataloging monitor monitors monitoring register registers registering remember handle "
    "handles enter enters entering maintain maintains maintaining list lists listing plan planning schedule scheduling share sharing "
    "verwalten verwaltet erfassen gestionar registrar gérer suivre"
)
APP_WORDS = words(
    "app apps application tracker manager list log database db system catalog catalogue register tool website site webapp "
    "directory organizer organiser planner collection diary journal dashboard portal platform management tracking board "
    "tracking-app liste lista planer verwaltung gestor verwaltungsapp aplicación aplicacion"
)
CONNECTORS = words(
    "with has have having contains contain containing includes include including needs stores consists mit con avec"
)
STOPPERS = words(
    "for in on at by from to that which who whom where when while so because using per via into about within across during "
    "after before of if as without and/or für para por pour dans en bei i we you they it is are was should must can will "
    "would could"
)
DETERMINERS = words(
    "a an the my our your their his her its all some any every each new simple small basic nice beautiful modern easy "
    "personal little tiny cool good great quick web different various multiple many several own useful minimal minimalistic "
    "lightweight internal online digital shared private family daily weekly monthly complete full ein eine einen einfache "
    "meine meinen un una mi mis la el los las le les une mes mon des unsere bunch lot number set of track please favourite "
    "favorite which what working responsive fancy pretty clean proper awesome team's company office home full-stack fullstack fastapi "
    "express python node nodejs node.js react"
)
#: A phrase that ends in one of these names the app: "car maintenance log".
HEADWORDS = words(
    "tracker log planner manager organizer organiser list diary journal board directory catalog catalogue register registry cellar "
    "league club library collection box desk hunting cockpit hub"
)
NOT_NOUNS = words(
    "thing things stuff something everything anything it them data information info app web people's one ones they what which "
    "build create make want need like feature features page pages user users way ways track list lists time times day days "
    "week weeks life everyone somebody someone work kind sort lot lots etc example me us item items losing thanks thank nothing basically"
)
UNSUPPORTED = (
    (
        r"notifications?|notify|send (?:an? )?(?:e-?)?mails?|e?mail alerts?|sms|push messages?|remind me|"
        r"alerts?(?: (?:me|us))?(?: (?:when|if|on|about) [\w -]+)?",
        "notifications",
    ),
    (r"uploads?|uploading|attachments?|attach files?", "file uploads"),
    (r"stripe|paypal|checkout|online payments?|payment processing|shopping cart", "online payments"),
    (
        r"(?<!chore )(?<!seating )(?<!org )(?<!flow )charts?|graphs?|dashboards?|reports?|statistics|analytics|heat ?map",
        "charts and reports",
    ),
    (r"^admins?$|admin (?:area|panel|page|section|dashboard)s?|back ?office|moderation", "admin areas"),
    (r"calendar view|gantt|drag[ -]and[ -]drop|drag & drop", "calendar and drag-and-drop views"),
    (r"real[ -]?time|websockets?|live updates?|chat room", "live updates"),
    (r"ai|gpt|llm|machine learning|chat ?bots?|recommendations?", "AI features"),
    (r"maps?|geolocation|route planning", "maps"),
    (r"exports?|imports?|csv|excel|pdfs?", "import and export"),
    (r"native app|ios|android|offline mode", "native and offline apps"),
    (r"multi-?language|translations?|i18n", "several languages"),
    (r"scrap(?:e|ing)|crawl\w*|sync(?:s|ing|hroni[sz]\w+)? with|integrat\w+", "connections to other services"),
)
BUILT_IN = re.compile(
    r"\b(?:search\w*|filter\w*|sort\w*|crud|rest|api|responsive|mobile|delet\w+|edit\w*|dark mode|light mode|database|"
    r"postgres\w*|accessib\w+|validation|pagination)\b",
    re.I,
)
SKIMMED = words("person member team group user colleague idea thing friend job part issue plan goal hour instruction")
LOOKS = re.compile(
    r"\b(?:theme|(?:dark|light|night) mode|design|colou?r scheme|style|styling|look and feel|layout|ui|ux|interface|"
    r"background)\b",
    re.I,
)
BOOKED = re.compile(
    r"\b(?:book|reserve|rent|hire)\s+(?:an?\s+|the\s+|our\s+)?(?:\w+\s+)?(rooms?|tables?|seats?|desks?|courts?|cars?|bikes?|"
    r"tools?|equipment|boats?|lanes?|slots?)\b",
    re.I,
)


def built_in(text: str) -> bool:
    """Whether the text asks for something that every app of the starter has."""
    return BUILT_IN.fullmatch(text.strip()) is not None

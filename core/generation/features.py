"""Features: what people call them, and what a model is told to do for each.

Asked by the pipeline and the prompts. Wishes are mapped by rule, so that "login" is the authentication that the scaffold
brings, tested, and not a second one that a model invents. A wish that is none of these stays what it is: a part of the
description.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from core.frameworks.framework import Framework
from core.words.plan import FEATURES, Feature

FEATURE_LABELS: Mapping[Feature, str] = MappingProxyType(
    {
        "authentication": "authentication",
        "search": "search",
        "file_upload": "file upload",
        "charts": "charts",
        "realtime": "live updates",
        "admin": "an admin area",
    }
)

_NAMES: Mapping[Feature, str] = {
    "authentication": r"auth|authentication|log ?ins?|logging in|sign ?(?:in|up|on)s?|(?:user )?accounts?|users|passwords?|sessions?"
    r"|registration|register|oauth|member(?:s|ship)",
    "search": r"search(?:ing|able|es)?|full text|find(?:er|ing)?",
    "file_upload": r"(?:file|image|photo|picture|document)s? ?uploads?|uploads?|uploading|attachments?",
    "charts": r"charts?|graphs?|plots?|dashboards?|statistics|stats|visuali[sz]ations?|analytics|diagrams?",
    "realtime": r"real ?time|live(?: updates?)?|web ?sockets?|server sent events|sse|push(?: updates?)?|instant(?: updates?)?",
    "admin": r"admins?|admin (?:area|panel|page|dashboard)|administrat(?:ion|ors?)|back ?office|moderat(?:ion|ors?)",
}
_WORDS = {feature: re.compile(rf"\b(?:{words})\b") for feature, words in _NAMES.items()}


def named_in(text: str) -> list[Feature]:
    """The features that a text speaks of, by their usual names; in the order of `FEATURES`."""
    plain = re.sub(r"[^a-z0-9]+", " ", text.lower())
    return [feature for feature in FEATURES if _WORDS[feature].search(plain) or feature.replace("_", " ") in plain]


def known(wishes: Iterable[str]) -> list[Feature]:
    """The features among what somebody wished for."""
    return complete({feature for wish in wishes for feature in named_in(wish)})


def complete(features: Collection[Feature]) -> list[Feature]:
    """These, and what they cannot be without; in the order of `FEATURES`."""
    wanted = {*features, "authentication"} if "admin" in features else set(features)
    return [feature for feature in FEATURES if feature in wanted]


def has_tailwind(framework: Framework) -> bool:
    """Whether the framework's scaffold builds Tailwind's styles."""
    return "tailwindcss" in framework.dependencies(framework.scaffold())


def styling_assumption(styling: str, framework: Framework) -> str:
    """What to say to the person when the styling that was asked for is not to be had; empty when it is."""
    if "tailwind" not in styling.lower() or has_tailwind(framework):
        return ""
    return f"Tailwind needs a build step, which {framework.label} apps do not have here; the app has plain CSS in a look like it."


def styling_guidance(framework: Framework) -> str:
    """How an app of this framework is styled, as a model is told."""
    if has_tailwind(framework):
        return (
            "Styling: Tailwind is set up, use its classes; for a plain or a named look write CSS in the scaffold's style sheet."
        )
    return "Styling: plain CSS with the custom properties of the scaffold's style sheet. There is no Tailwind: no build step would make it."


def guidance(framework: Framework, features: Collection[Feature]) -> str:
    """What a model is told about these features: use what the scaffold brings, and how to write the others. Nexus's own text."""
    return "\n".join(f"- {_told(framework, feature)}" for feature in FEATURES if feature in features)


def guidance_for_all(frameworks: Sequence[Framework]) -> str:
    """What a plan needs to know of every feature, in whichever of these frameworks."""
    lines = []
    for feature in FEATURES:
        bring = [framework.label for framework in frameworks if feature in framework.features]
        brought = f" The scaffold of {', '.join(bring)} brings it, tested: plan no file for it." if bring else ""
        written = f" {_WRITTEN[feature]}" if len(bring) < len(frameworks) else ""
        lines.append(f"- {feature}:{brought}{written}")
    return "\n".join(lines)


def overlay(framework: Framework, features: Collection[Feature]) -> Sequence[str]:
    """The files that are in the scaffold only because of these features."""
    plain = framework.scaffold()
    return [path for path in framework.scaffold(features) if path not in plain]


def _told(framework: Framework, feature: Feature) -> str:
    if feature in framework.features:
        own = list(framework.feature_files(feature))
        files = f" Its files: {', '.join(own)}." if own else ""
        told = f"{feature}: the scaffold brings it, tested. Use it as it is, and never write another."
        return f"{told}{files} {_BROUGHT.get(feature, '')}".rstrip()
    return f"{feature}: {_WRITTEN[feature]}"


_BROUGHT: Mapping[Feature, str] = {
    "authentication": "Everything below /api but /api/auth needs a session already. What crud serves, it serves to whoever is "
    "signed in. A resource whose rows are one person's own has instead routes of its own, at the same addresses: its table has "
    "user_id bigint NOT NULL REFERENCES auth_users ON DELETE CASCADE, and each of its statements is limited to whoever is signed "
    "in. Do not touch passwords, cookies or sessions.",
    "search": "Lists take ?q=; name the columns that it looks into where the resource is declared.",
}

_WRITTEN: Mapping[Feature, str] = {
    "authentication": "sessions in a table of their own (the SHA-256 of a random token, an expiry), the token in a cookie "
    "that is HttpOnly, SameSite=Lax and Secure behind https; passwords hashed with scrypt, argon2 or bcrypt and compared in"
    " constant time; the same answer for an unknown address and a wrong password; a limit on tries per address; "
    "state-changing requests of other origins refused. GET /healthz stays open.",
    "search": "lists take ?q= and look with ILIKE, wildcards escaped, into the text columns; the page has one search box that"
    " waits until typing pauses, and says so when nothing is found.",
    "file_upload": "files are kept in Postgres (a table with name, media_type, size and content bytea), because the app's "
    "disk is read-only. At most 5 MB each and only types from a short list, told by the first bytes and not by the name; "
    "more is answered with 413, another type with 415. The content is sent in the request's body as it is, or as a form "
    "where the framework reads one. Lists never select the content. A file is served with its media type, Content-Length, "
    "X-Content-Type-Options: nosniff and Content-Disposition: attachment (inline only for PNG, JPEG, GIF and WebP; never "
    "SVG or HTML), its name encoded as RFC 5987 says.",
    "charts": "inline SVG that a small function of the page draws, without a library unless the list above has one that is "
    "worth it; the numbers come, summed in SQL, from a route of the API. A title and a description for screen readers, "
    "colours from the style sheet (light and dark), a sentence when there are no data, nothing that overflows on a phone.",
    "realtime": "server-sent events at GET /api/events (text/event-stream, Cache-Control: no-store, a comment every 15 "
    "seconds). One connection to the database for the whole process, outside of the pool, does LISTEN; writes do SELECT "
    "pg_notify(channel, payload) with the resource's name alone, and every client is sent it. The listening connection "
    "comes back after it was lost, and starting without it does not fail. The page uses EventSource, loads the list again "
    "on an event, and asks every 15 seconds instead while the stream is broken. A client that leaves is forgotten.",
    "admin": "a page /admin and routes /api/admin/… that only a signed-in user with is_admin (of the scaffold's users; the "
    "first account has it) may use; everybody else gets 403, checked on the server for each request. It lists the users and"
    " the records, and can remove records.",
}

"""Secrets: keys and passwords that stand in a file. A message says where and what kind, never the string.

Known by their vendor's own form, or because a name like ``api_key`` is given a long text without a pattern. Examples in READMEs and
``.env.example`` are for people to replace, and only a vendor's form counts there.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from core.generation.problem import Problem, ProblemKind
from core.generation.validation.prose import is_prose

_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("an API key", re.compile(r"\bsk-(?:proj-|ant-|svcacct-|or-)[\w-]{16,}|\bsk-[A-Za-z0-9]{20,}")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    (
        "a private key",
        re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s*+(?:\\n)?[A-Za-z0-9+/=]{16}|-----BEGIN RSA PRIVATE KEY-----"),
    ),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22,})")),
    ("a GitLab token", re.compile(r"\bglpat-[\w-]{20,}")),
    ("an npm token", re.compile(r"\bnpm_[A-Za-z0-9]{36}\b")),
    ("a Slack token", re.compile(r"\bxox[abeprs]-[\w-]{10,}")),
    ("a Slack webhook", re.compile(r"\bhooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{16,}")),
    ("a Stripe key", re.compile(r"\b[rs]k_live_[0-9A-Za-z]{20,}")),
    ("a Google API key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}")),
    ("a SendGrid key", re.compile(r"\bSG\.[\w-]{22}\.[\w-]{43}\b")),
)
_NAMED = re.compile(
    r"""(?i:api_?-?key|secret(?:_?-?key)?|access_?-?token|auth_?-?token|private_?-?key|password|passwd)["']?\s{0,4}[:=]\s{0,4}
        (["'`])(?P<value>[A-Za-z0-9+/=_-]{24,200})\1""",
    re.VERBOSE,
)
_ADDRESS = re.compile(
    r"\b(?:postgres(?:ql)?|mysql|mongodb(?:\+srv)?|rediss?|amqps?)://[^\s:@/\"'`]{1,80}:(?P<value>[^\s:@/\"'`]{12,200})@"
)
_PLACEHOLDER = re.compile(
    r"(?i)your|example|change|replace|placeholder|dummy|sample|xxx|test|demo|insert|todo|secret|password|123456|\$\{|<|%s"
)
_MIN_BITS = 3.5  #: a character, of a key's text; English and identifiers have less, hex digits up to 4, base64 up to 6


def check(path: str, text: str) -> Iterator[Problem]:
    """One problem per kind, at its first place."""
    found: dict[str, int] = {}
    for label, pattern in _FORMS:
        if match := pattern.search(text):
            found[label] = match.start()
    if not is_prose(path) and not path.rpartition("/")[2].startswith(".env"):
        for label, pattern in (("a key or password", _NAMED), ("a password in an address", _ADDRESS)):
            for match in pattern.finditer(text):
                if _random(match["value"]):
                    found[label] = match.start()
                    break
    for label, position in found.items():
        message = f"It holds what looks like {label}; read it from a setting of the app instead."
        yield Problem(path=path, line=text.count("\n", 0, position) + 1, message=message, kind=ProblemKind.KEY)


def _random(value: str) -> bool:
    """Whether somebody's machine made this text."""
    if _PLACEHOLDER.search(value) or not (re.search(r"\d", value) and re.search(r"[A-Za-z]", value)):
        return False
    counts = Counter(value)
    bits = -sum(count / len(value) * math.log2(count / len(value)) for count in counts.values())
    return bits >= _MIN_BITS and len(re.findall(r"\d", value)) >= 3

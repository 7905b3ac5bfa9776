"""What a model server says: scripted answers, and the errors that vendors give."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from core.generation import sentinels
from core.words.plan import Plan

StopName = Literal["end", "length", "refusal", "filter", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """A vendor's error, with each vendor's name for it."""

    status: int
    openai: str
    anthropic: str
    message: str = "The server says what is wrong."
    headers: Mapping[str, str] = field(default_factory=dict)


OVERLOADED = Error(status=529, openai="server_is_overloaded", anthropic="overloaded_error", message="Overloaded")
RATE_LIMITED = Error(status=429, openai="rate_limit_exceeded", anthropic="rate_limit_error", headers={"retry-after": "0"})
RATE_LIMITED_LONG = Error(status=429, openai="rate_limit_exceeded", anthropic="rate_limit_error", headers={"retry-after": "3600"})
NO_CREDIT = Error(status=429, openai="insufficient_quota", anthropic="billing_error", message="You exceeded your current quota.")
UNKNOWN_MODEL = Error(status=404, openai="model_not_found", anthropic="not_found_error", message="model: no-such-model")
SERVER_ERROR = Error(status=500, openai="server_error", anthropic="api_error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One scripted answer."""

    text: Callable[[str], str] = lambda nonce: ""  #: from the request's nonce to the whole text
    answer: Callable[[str, str], str] | None = None  #: instead: from the nonce and the request's text
    stop: StopName = "end"
    error: Error | None = None  #: instead of an answer, or inside the stream after ``error_after`` pieces
    error_after: int | None = None
    raw: tuple[int, str, str] | None = None  #: status, content type and body of something that is no vendor's answer
    cut_after: int | None = None  #: pieces after which the connection is dropped
    hang_after: int | None = None  #: pieces after which nothing more comes
    piece: int = 16  #: characters in a piece
    by_byte: bool = False  #: every byte of the stream in a write of its own
    pause: float = 0.0  #: seconds between pieces
    garbage: bool = False  #: an event that is not JSON
    thinking: str = ""  #: thought aloud before the answer

    def said(self, nonce: str, prompt: str) -> str:
        return self.answer(nonce, prompt) if self.answer is not None else self.text(nonce)


def planning(plan: Plan, **how: Any) -> Reply:
    """The plan, as JSON."""
    text = plan.model_dump_json()
    return Reply(text=lambda nonce: text, **how)


def writing(files: Mapping[str, str], **how: Any) -> Reply:
    """The files, in the asked format."""
    return Reply(text=lambda nonce: "".join(sentinels.emit(path, text, nonce) for path, text in files.items()), **how)


def writing_what_is_asked(files: Mapping[str, str], **how: Any) -> Reply:
    """Those of the files that the request names, all when it names none; the rest of a file when that is what it asks for."""

    def answer(nonce: str, prompt: str) -> str:
        if rest := _rest(files, nonce, prompt):
            return rest
        listed = re.search(r"Write these files.*?<data id=\"(\w+)\">\n(.*?)\n</data id=\"\1\">", prompt, re.DOTALL)
        named = re.findall(r'"path": "([^"]+)"', listed[2]) if listed else []
        chosen = {path: files[path] for path in named if path in files} or files
        return "".join(sentinels.emit(path, text, nonce) for path, text in chosen.items())

    return Reply(answer=answer, **how)


def _rest(files: Mapping[str, str], nonce: str, prompt: str) -> str:
    """The rest of a file from the last characters that the request repeats, when it asks for one."""
    blocks = re.findall(r"<data id=\"(\w+)\">\n(.*?)\n</data id=\"\1\">", prompt.partition("this file was cut off")[2], re.DOTALL)
    if len(blocks) < 3 or blocks[0][1] not in files:
        return ""
    whole, anchor = files[blocks[0][1]], blocks[-1][1]
    return f"{whole[whole.rindex(anchor) :]}\n{sentinels.closing(nonce)}\n" if anchor in whole else ""


def fenced(files: Mapping[str, str]) -> Reply:
    """Every file's content in a markdown fence."""
    return writing({path: f"```python\n{text}```" for path, text in files.items()})


def chatty(files: Mapping[str, str]) -> Reply:
    """Talk before, between and after the files."""
    write = writing(files).text
    return Reply(text=lambda nonce: f"Sure! Here is your app:\n\n{write(nonce)}\nLet me know what you think. `<<<file:x y>>>`\n")


def saying(text: str, **how: Any) -> Reply:
    """Only this text."""
    return Reply(text=lambda nonce: text, **how)


GIT_CLONE = saying("```bash\ngit clone https://example.com/todo.git && cd todo && npm install\n```\nThen open the page.")
PROXY_PAGE = Reply(raw=(502, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>"))
LOGIN_PAGE = Reply(raw=(200, "text/html", "<html><body>Please sign in to the guest network.</body></html>"))

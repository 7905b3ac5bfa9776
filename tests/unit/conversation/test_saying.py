"""What words mean that are said to Nexus: a slip in a command builds no app, and a request is no command."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from core.conversation.saying import Way, meaning
from core.ids import PrincipalId, WorkspaceId
from core.words.inbound import Command, Who

WHO = Who(principal=PrincipalId("p_ada"), workspace=WorkspaceId("w_1"), name="Ada")


@dataclass(frozen=True, kw_only=True)
class Said:
    text: str
    way: Way = "mention"
    key: str = "k"


def typed(text: str) -> str:
    """The command that is made of a mention."""
    asked = meaning(Said(text=text), WHO, place=None)
    assert isinstance(asked, Command)
    return asked.text


@pytest.mark.parametrize(
    "text", ["deplyo todos", "shwo todos", "bulid a shop with carts and a till", "rolback todos v2", "setings"]
)
def test_a_slip_in_a_command_is_answered_as_one_and_builds_nothing(text: str) -> None:
    assert typed(text) == text


@pytest.mark.parametrize(
    "text",
    ["lists of books", "helper for chores", "shop front", "logo maker", "start-up tracker", "a todo app", "lost and found"],
)
def test_words_that_resemble_a_command_are_requests(text: str) -> None:
    assert typed(text) == f"build {text}"

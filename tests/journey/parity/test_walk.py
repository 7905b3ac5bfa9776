"""The list of substitutes is held to: nothing differs that is not in it, and nothing is in it that does not differ."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tests.journey.parity.people import Cannot, Person
from tests.journey.parity.walk import Substitute, Walk

PLATFORM = "telegraph"


class Somebody:
    platform = PLATFORM


async def does(w: Walk, what: str) -> str:
    return f"did {what}"


async def cannot(w: Walk, what: str) -> str:
    raise Cannot("there is no such button")


async def instead(w: Walk, what: str) -> str:
    return f"did something like {what}"


LISTED = {("a dialog", PLATFORM): Substitute(why="it has none", instead="a message", way=instead)}


def walk(listed: dict[tuple[str, str], Substitute]) -> Walk:
    nothing: Any = None
    return Walk(person=cast(Person, Somebody()), nexus=nothing, scene=nothing, substitutes=listed)


async def test_what_is_the_same_is_done_and_what_is_listed_is_done_in_its_own_way() -> None:
    same, other = walk({}), walk(LISTED)
    assert "did it" == await same.do("a dialog", does, "it")
    assert "did something like it" == await other.do("a dialog", cannot, "it")
    assert (set(), []) == (same.listed, same.told)
    assert ({"a dialog"}, ["a dialog"]) == (other.listed, other.told)


async def test_a_difference_that_is_not_listed_fails() -> None:
    with pytest.raises(
        AssertionError, match="a dialog is not as elsewhere, and no substitute is listed: there is no such button"
    ):
        await walk({}).do("a dialog", cannot, "it")


async def test_a_listed_difference_that_is_none_any_more_fails() -> None:
    with pytest.raises(AssertionError, match="a dialog is as elsewhere: take it off the list"):
        await walk(LISTED).do("a dialog", does, "it")

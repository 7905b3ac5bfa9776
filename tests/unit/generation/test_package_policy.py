"""Which packages beyond the list an app gets, and why another is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.generation.fake_index import FakeIndex
from core.generation.index import IndexRelease, PackageFacts
from core.generation.lookalikes import distance, looks_like, well_known
from core.generation.packages import Registry, allowed, listed
from core.generation.policy import MAX_ASKED, PackagePolicy, judge
from core.words.plan import FrameworkName

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


def release(version: str, days: int, **more: bool) -> IndexRelease:
    return IndexRelease(version=version, published=ago(days), **more)


def used(name: str, *more: IndexRelease) -> PackageFacts:
    """A package with a history: its newest settled release is 1.4.0."""
    return PackageFacts(name=name, releases=(*(release(f"1.{n}.0", 400 - 50 * n) for n in range(5)), *more))


def policy(*packages: PackageFacts, **more: bool) -> tuple[PackagePolicy, FakeIndex]:
    index = FakeIndex(packages, **more)
    return PackagePolicy(index, clock=lambda: NOW), index


async def test_what_is_listed_needs_no_answer_of_the_index() -> None:
    decides, index = policy(unreachable=True)
    found = await decides.resolve("express", ["zod", "dayjs@^1"], {})
    assert ({"zod", "dayjs"}, {}, []) == (set(found.versions), found.refused, index.asked)


async def test_a_package_with_a_history_is_pinned_to_its_newest_settled_release() -> None:
    decides, _ = policy(
        used("tinyworth", release("1.9.0", 13), release("2.0.0-rc", 60, preview=True), release("1.8.0", 30, withdrawn=True))
    )
    found = await decides.resolve("express", ["tinyworth@^9.9.9"], {})
    assert ({"tinyworth": "1.4.0"}, {}) == (found.versions, found.refused)


@pytest.mark.parametrize(
    ("releases", "why"),
    [
        ([], "no release"),
        ([IndexRelease(version="1.0.0", published=None)], "no release"),
        ([release(f"1.{n}.0", 179 - n) for n in range(20)], "younger than 180 days"),
        ([release(f"1.{n}.0", 900 - n) for n in range(4)], "fewer than 5 releases"),
        ([release(f"1.{n}.0", 900 - n, withdrawn=True) for n in range(9)], "withdrawn"),
        ([release("0.1.0", 900, withdrawn=True), *(release(f"1.{n}.0", 13 - n) for n in range(9))], "14 days"),
        ([release(f"1.{n}.0", 900 - n, preview=True) for n in range(9)], "14 days"),
    ],
)
def test_a_package_that_is_not_old_or_used_enough_is_refused_with_the_reason(releases: list[IndexRelease], why: str) -> None:
    version, reason = judge(PackageFacts(name="thing", releases=releases), NOW)
    assert (None, True, True) == (version, why in reason, "'thing'" in reason)


async def test_a_package_that_does_not_exist_is_refused_and_said_not_to_exist() -> None:
    decides, _ = policy()
    found = await decides.resolve("fastapi", ["invented-thing"], {})
    assert found.refused == {
        "invented-thing": "There is no Python package 'invented-thing'; do it without, or with one on the list."
    }


async def test_an_index_that_cannot_be_reached_refuses_and_says_so_and_is_asked_again_later() -> None:
    decides, index = policy(used("tinyworth"), unreachable=True)
    [reason] = (await decides.resolve("vue", ["tinyworth"], {})).refused.values()
    assert "could not be asked" in reason
    index.unreachable = False
    assert {"tinyworth": "1.4.0"} == (await decides.resolve("vue", ["tinyworth"], {})).versions


@pytest.mark.parametrize(
    "entry",
    [
        "git+https://x/y",
        "github:a/b",
        "https://x/y.tgz",
        "file:../x",
        "npm:lodash@4",
        "../x",
        "a b",
        "",
        "x@git+ssh://y",
        "x" * 999,
        "@/x",
    ],
)
@pytest.mark.parametrize("framework", ["express", "fastapi"])
async def test_an_address_is_refused_and_never_looked_up(framework: FrameworkName, entry: str) -> None:
    decides, index = policy()
    found = await decides.resolve(framework, [entry], {})
    assert ([entry[:80]], []) == (list(found.refused), index.asked)


async def test_a_look_alike_is_refused_unseen_and_says_of_what() -> None:
    decides, index = policy(used("lodahs"))
    [reason] = (await decides.resolve("react", ["lodahs"], {})).refused.values()
    assert ("'lodash'" in reason, []) == (True, index.asked)


async def test_answers_count_for_a_day() -> None:
    at = [NOW]
    index = FakeIndex([used("tinyworth")])
    decides = PackagePolicy(index, clock=lambda: at[0])
    for hours, asked in ((0, 1), (23, 1), (25, 2)):
        at[0] = NOW + timedelta(hours=hours)
        await decides.resolve("express", ["tinyworth", "Tinyworth@1", "missing-one"], {})
        assert asked * 2 == len(index.asked)


async def test_an_app_may_have_a_dozen_looked_up() -> None:
    decides, index = policy()
    wanted = [f"obscurity-{chr(97 + n) * 4}" for n in range(MAX_ASKED + 3)]
    found = await decides.resolve("express", wanted, {})
    assert (MAX_ASKED, len(wanted)) == (len(index.asked), len(found.refused))
    assert "was not looked up" in found.refused[wanted[-1]]


async def test_without_an_index_only_the_list_counts() -> None:
    found = await PackagePolicy().resolve("express", ["tinyworth", "zod"], {})
    assert ({"zod"}, {"tinyworth"}) == (set(found.versions), set(found.refused))


async def test_what_the_app_has_already_is_not_asked_about() -> None:
    decides, index = policy()
    found = await decides.resolve("fastapi", ["Some_Thing>=1"], {"some-thing": "1.0"})
    assert ({}, {}, []) == (found.versions, found.refused, index.asked)


# -- names that look like another's -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("registry", "name", "other"),
    [
        ("npm", "lodahs", "lodash"),
        ("npm", "expresss", "express"),
        ("npm", "crossenv", "cross-env"),
        ("npm", "cross.env", "cross-env"),
        ("npm", "react-router-dmo", "react-router-dom"),
        ("npm", "tanstack-react-query", "@tanstack/react-query"),
        ("npm", "@tanstak/react-query", "@tanstack"),
        ("npm", "@evil/zod", "zod"),
        ("npm", "zod-js", "zod"),
        ("npm", "node-express", "express"),
        ("npm", "wss", None),
        ("npm", "@tanstack/anything", None),
        ("npm", "rrule", None),
        ("npm", "preact", None),
        ("pypi", "reqeusts", "requests"),
        ("pypi", "python-requests", "requests"),
        ("pypi", "pydantics", "pydantic"),
        ("pypi", "beautifulsoup", "beautifulsoup4"),
        ("pypi", "python-dateutil", None),
        ("pypi", "mistletoe", None),
    ],
)
def test_a_slip_a_stranger_s_scope_and_an_added_word_are_seen(registry: Registry, name: str, other: str | None) -> None:
    assert other == looks_like(registry, name, listed("react" if registry == "npm" else "fastapi"))


@pytest.mark.parametrize(("registry", "framework"), [("npm", "express"), ("npm", "react"), ("npm", "vue"), ("pypi", "fastapi")])
def test_no_well_known_and_no_listed_name_looks_like_another(registry: Registry, framework: FrameworkName) -> None:
    names = well_known(registry) | set(allowed(framework))
    assert [] == [name for name in names if looks_like(registry, name, allowed(framework))]


_WORDS = st.text(alphabet="abc", max_size=6)


@given(_WORDS, _WORDS, st.integers(0, 4))
def test_a_distance_is_the_same_both_ways_and_stops_counting_at_its_limit(one: str, two: str, most: int) -> None:
    exact = distance(one, two, 99)
    assert exact == distance(two, one, 99)
    assert (exact == 0) == (one == two)
    assert abs(len(one) - len(two)) <= exact <= max(len(one), len(two))
    assert min(exact, most + 1) == distance(one, two, most)


@pytest.mark.parametrize(
    ("one", "two", "slips"), [("ab", "ba", 1), ("abc", "ac", 1), ("abc", "abxc", 1), ("abc", "axc", 1), ("abcd", "badc", 2)]
)
def test_slips_are_counted(one: str, two: str, slips: int) -> None:
    assert slips == distance(one, two, 9)

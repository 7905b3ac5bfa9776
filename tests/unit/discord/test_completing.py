"""What is offered while a command is typed: what fits, best first, within Discord's limits, in time, and nothing on any error."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord.completing import Offered, choices, offered
from adapters.discord.inbound import Sought, Where
from core.errors import NotFound, TemporaryError
from core.ids import AppId, BuildId, PrincipalId, WorkspaceId
from core.words.cards import FileEntry
from core.words.inbound import Who
from core.words.plan import Plan
from core.words.views import AppState, AppView, BuildState, BuildView, ReleaseView

WHO = Who(principal=PrincipalId("p_ada"), workspace=WorkspaceId("w_1"), name="Ada")
NOW = datetime(2026, 11, 14, tzinfo=UTC)


def app(slug: str, state: AppState = AppState.LIVE, name: str = "") -> AppView:
    return AppView(
        app=AppId(f"app_{slug}"),
        slug=slug,
        name=name or slug,
        framework="vue",
        owner="Ada",
        state=state,
        created_at=NOW,
        updated_at=NOW,
    )


def release(number: int, summary: str = "a shop", *, live: bool = False, kept: bool = True) -> ReleaseView:
    return ReleaseView(
        number=number,
        build=BuildId("bld_1"),
        build_number=number,
        framework="vue",
        summary=summary,
        live=live,
        kept=kept,
        has_data=True,
        settings_version=1,
        by="Ada",
        at=NOW,
    )


class Apps:
    """The engine, with the apps todo, shop and books, of which one is gone."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.slow: asyncio.Event | None = None
        self.files = ["README.md", "src/App.vue", "src/main.ts", "src/shop/App.ts"]
        self.slugs = ["todo", "shop", "book-shop", "books"]

    async def _asked(self) -> None:
        if self.slow is not None:
            await self.slow.wait()
        if self.error is not None:
            raise self.error

    async def apps(self, who: Who) -> list[AppView]:
        await self._asked()
        return [
            *(app(slug, name="Shopping list" if slug == "todo" else "") for slug in self.slugs),
            app("gone", AppState.DELETED),
        ]

    async def releases(self, who: Who, slug: str) -> list[ReleaseView]:
        await self._asked()
        if slug != "todo":
            raise NotFound(f"There is no app {slug}.")
        return [
            release(12, "with due dates", live=True),
            release(11, "a\npriority"),
            release(2, "in blue"),
            release(1, kept=False),
        ]

    async def builds(self, who: Who, slug: str) -> list[BuildView]:
        await self._asked()
        plan = Plan.model_validate(
            {
                "name": "Todo",
                "summary": "a list",
                "framework": "vue",
                "settings": [{"name": "SMTP_URL", "purpose": "where mail is sent"}, {"name": "API_KEY", "purpose": "for maps"}],
            }
        )
        common: dict[str, Any] = {"app": AppId("a"), "slug": slug, "thread": None, "purpose": "new", "text": "", "model": ""}
        return [
            BuildView(build=BuildId("bld_2"), number=2, state=BuildState.FAILED, **common),
            BuildView(build=BuildId("bld_1"), number=1, state=BuildState.READY, plan=plan, **common),
        ]

    async def build_view(self, who: Who, build: BuildId) -> BuildView:
        assert build == "bld_1"  # the newest that is ready
        found = (await self.builds(who, "todo"))[1]
        gone = FileEntry(path="src/old.ts", size=0, change="removed")
        return found.model_copy(update={"files": [gone, *(FileEntry(path=path, size=1) for path in self.files)]})

    async def settings(self, who: Who, slug: str) -> tuple[int, list[str]]:
        await self._asked()
        return 3, ["API_KEY", "OLD_NAME"]


def sought(command: str, focused: str, text: str = "", **options: str) -> Sought:
    return Sought(where=Where(user="1"), command=command, focused=focused, text=text, options=options | {focused: text})


async def values(command: str, focused: str, text: str = "", *, here: str = "", **more: str) -> list[str | int]:
    return [one.value for one in await choices(Apps(), WHO, sought(command, focused, text, **more), here)]


async def look(where: Where) -> tuple[Who, str]:
    return WHO, "todo"


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", ["todo", "shop", "book-shop", "books"]),
        ("shop", ["shop", "todo", "book-shop"]),  # todo is called Shopping list
        ("BOOK", ["book-shop", "books"]),
        ("ok", ["book-shop", "books"]),
        ("bs", ["book-shop", "books"]),
        ("Shopping", ["todo"]),
        ("tood", ["todo"]),
        ("zzz", []),
        ("gone", []),
    ],
)
async def test_apps_that_fit_best_come_first(typed: str, found: list[str]) -> None:
    assert await values("show", "app", typed) == found


async def test_the_app_of_the_thread_comes_first() -> None:
    assert await values("show", "app", here="books") == ["books", "todo", "shop", "book-shop"]


async def test_releases_are_those_that_can_be_brought_back_with_what_they_were() -> None:
    found = await choices(Apps(), WHO, sought("rollback", "release", app="todo"))
    assert [(one.name, one.value) for one in found] == [("v11 · 14 Nov · a priority", 11), ("v2 · 14 Nov · in blue", 2)]


@pytest.mark.parametrize(("typed", "found"), [("2", [2]), ("v1", [11]), ("1", [11]), ("blue", [2]), ("prio", [11]), ("9", [])])
async def test_a_release_is_found_by_its_number_or_its_words(typed: str, found: list[int]) -> None:
    assert await values("rollback", "release", typed, app="Todo") == found


async def test_files_are_those_of_the_newest_build_that_is_ready() -> None:
    assert await values("files", "path", app="todo") == ["README.md", "src/App.vue", "src/main.ts", "src/shop/App.ts"]
    assert await values("files", "path", "app", app="todo") == ["src/App.vue", "src/shop/App.ts"]


async def test_a_path_that_is_too_long_for_a_choice_is_left_out_and_not_cut() -> None:
    engine = Apps()
    engine.files = ["a.ts", "src/" + "x" * 97]
    assert [one.value for one in await choices(engine, WHO, sought("files", "path", app="todo"))] == ["a.ts"]


async def test_settings_that_are_needed_and_missing_come_first() -> None:
    found = await choices(Apps(), WHO, sought("env set", "name", app="todo"))
    assert [(one.name, one.value) for one in found] == [
        ("SMTP_URL · where mail is sent", "SMTP_URL"),
        ("API_KEY · is set", "API_KEY"),
        ("OLD_NAME · is set", "OLD_NAME"),
    ]


async def test_only_settings_that_are_there_can_be_removed() -> None:
    assert await values("env unset", "name", app="todo") == ["API_KEY", "OLD_NAME"]
    assert await values("env unset", "name", "old", here="todo") == ["OLD_NAME"]


async def test_without_an_app_there_is_nothing_to_offer_of_it() -> None:
    for command, focused in [("rollback", "release"), ("files", "path"), ("env set", "name")]:
        assert await values(command, focused) == []
        assert await values(command, focused, here="todo") != []


async def test_what_is_not_known_has_no_choices() -> None:
    assert await values("build", "name", here="todo") == []


async def test_discord_takes_at_most_25_choices() -> None:
    engine = Apps()
    engine.slugs = [f"app-{number}" for number in range(60)]
    assert len(await choices(engine, WHO, sought("show", "app"))) == 25


@given(st.text(max_size=30), st.lists(st.text(min_size=1, max_size=150), max_size=40))
async def test_whatever_there_is_and_is_typed_discord_takes_the_choices(typed: str, files: list[str]) -> None:
    engine = Apps()
    engine.files = files
    found = await choices(engine, WHO, sought("files", "path", typed, app="todo"))
    assert len(found) <= 25
    for one in found:
        assert 1 <= len(one.name.encode("utf-16-le")) // 2 <= 100
        assert one.value in files


async def test_nothing_is_offered_of_what_somebody_may_not_see() -> None:
    assert await offered(Apps(), sought("rollback", "release", app="todo"), look) != []
    assert await offered(Apps(), sought("rollback", "release", app="secret"), look) == []


@pytest.mark.parametrize("error", [TemporaryError("busy"), ValueError("a defect")])
async def test_nothing_is_offered_after_any_error(error: Exception) -> None:
    engine = Apps()
    engine.error = error
    assert await offered(engine, sought("show", "app"), look) == []


async def test_nothing_is_offered_where_it_takes_too_long() -> None:
    engine = Apps()
    engine.slow = asyncio.Event()
    found: list[Offered] = await offered(engine, sought("show", "app"), look, seconds=0.01)
    assert found == []
    engine.slow.set()
    assert await offered(engine, sought("show", "app"), look, seconds=5) != []


async def test_who_types_is_found_out_in_that_time_too() -> None:
    async def nobody(where: Where) -> tuple[Who, str]:
        await asyncio.Event().wait()
        raise AssertionError

    assert await offered(Apps(), sought("show", "app"), nobody, seconds=0.01) == []

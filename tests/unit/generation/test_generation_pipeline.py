from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

import pytest

from core.errors import InvalidInput, TooLarge
from core.generation.fake_model import CALL, FakeModel, Script, files, planned
from core.generation.model import Brief, ChangeBrief, Failure
from core.generation.model import Ended as StreamEnded
from core.generation.pipeline import Done, Ended, Generated, Pipeline
from core.generation.progress import FileWriting, FileWritten, Note, Planned, Progress, Retrying
from core.generation.sentinels import emit, opening
from core.words.plan import PlannedFile
from tests.support.generation import CUT, OVERLOADED, REFUSED, WRONG_KEY, Watch, saying
from tests.support.tiny_framework import FILES, MIGRATION, ROUTES, SERVER, TinyFramework, tiny, todo_plan

BRIEF = Brief(description="a todo app")


def then(contents: Mapping[str, str], ended: StreamEnded, unclosed: str = "") -> Script:
    def pieces(nonce: str) -> Iterable[str | StreamEnded]:
        yield "".join(emit(path, text, nonce) for path, text in contents.items())
        if unclosed:
            yield f"{opening(nonce)}{unclosed}>>>\nhalf of a fi"
        yield ended

    return pieces


async def generate(model: FakeModel, watch: Watch | None = None, brief: Brief = BRIEF) -> Generated:
    return await Pipeline(tiny).generate(model, brief, watch or Watch())


def plans(**changes: object) -> list[Any]:
    return [planned(todo_plan(**changes))]


async def test_a_good_answer_is_an_app_on_the_scaffold_told_step_by_step() -> None:
    model, watch = FakeModel(plans(), [files(FILES)]), Watch()
    done = await generate(model, watch)
    assert isinstance(done, Done)
    assert dict(done.tree) == {**TinyFramework().scaffold(), "README.md": "# Todos\n\nKeeps todos.\n", **FILES}
    assert done.written == ("app/routes.py", "migrations/0001_init.sql")
    assert done.usage == CALL + CALL
    assert done.notes == ()
    assert watch.events == [
        Planned(todo_plan()),
        FileWriting("migrations/0001_init.sql"),
        FileWritten("migrations/0001_init.sql", len(MIGRATION)),
        FileWriting("app/routes.py"),
        FileWritten("app/routes.py", len(ROUTES)),
    ]


@pytest.mark.parametrize("description", ["", "  \n\t", "a\0b", "\ud800"])
async def test_an_empty_or_unreadable_description_asks_for_another(description: str) -> None:
    with pytest.raises(InvalidInput):
        await generate(FakeModel(plans()), brief=Brief(description=description))


async def test_a_description_of_20000_characters_is_answered_with_the_limit() -> None:
    with pytest.raises(TooLarge, match=r"20,000 characters; at most 10,000 are accepted"):
        await generate(FakeModel(plans()), brief=Brief(description="x" * 20_000))


async def test_too_many_or_too_long_wishes_are_refused() -> None:
    for brief in (Brief(description="x", features=["f"] * 21), Brief(description="x", styling="s" * 201)):
        with pytest.raises(TooLarge):
            await generate(FakeModel(plans()), brief=brief)


@pytest.mark.parametrize("description", ["待办事项应用", "تطبيق المهام", "🛒📝", "x" * 10_000])
async def test_a_description_in_any_script_is_accepted(description: str) -> None:
    assert isinstance(await generate(FakeModel(plans(), [files(FILES)]), brief=Brief(description=description)), Done)


@pytest.mark.parametrize(
    ("outcome", "kind"), [(CUT, "partial"), (REFUSED, "refused"), (OVERLOADED, "failed"), (WRONG_KEY, "failed")]
)
async def test_without_a_plan_the_reason_is_told(outcome: Any, kind: str) -> None:
    ended = await generate(FakeModel([outcome]))
    assert isinstance(ended, Ended)
    assert ended.kind == kind
    assert outcome.reason in ended.reason
    assert ended.usage == CALL


async def test_a_plan_for_another_framework_than_asked_is_not_built() -> None:
    ended = await generate(FakeModel(plans()), brief=Brief(description="x", framework="express"))
    assert isinstance(ended, Ended)
    assert "express was asked for" in ended.reason


async def test_a_plan_without_files_says_what_to_do() -> None:
    ended = await generate(FakeModel(plans(files=[])))
    assert isinstance(ended, Ended)
    assert "say more precisely" in ended.reason


async def test_planned_paths_that_are_hostile_or_the_platforms_are_left_out_with_a_note() -> None:
    extra = [PlannedFile(path="../../etc/passwd"), PlannedFile(path="server.py"), PlannedFile(path="./app/routes.py")]
    done = await generate(FakeModel(plans(files=[*todo_plan().files, *extra]), [files(FILES)]))
    assert isinstance(done, Done)
    assert [file.path for file in done.plan.files] == list(FILES)
    assert ["not accepted" in done.notes[0], "belongs to the platform" in done.notes[1]] == [True, True]


async def test_a_listed_package_is_pinned_and_an_invented_one_is_left_out_with_the_reason() -> None:
    model, watch = FakeModel(plans(dependencies=["qrcode", "totally-invented"]), [files(FILES)]), Watch()
    done = await generate(model, watch)
    assert isinstance(done, Done)
    assert '"qrcode": "8.2"' in done.tree["packages.json"]
    assert "totally-invented" not in done.tree["packages.json"]
    assert done.plan.dependencies == ["qrcode"]
    assert ["'totally-invented' is not on the list" in note.text for note in watch.of(Note)] == [True]


async def test_a_platform_file_that_the_model_writes_is_ignored_with_a_note() -> None:
    done = await generate(FakeModel(plans(), [files({**FILES, "server.py": "hacked"})]))
    assert isinstance(done, Done)
    assert done.tree["server.py"] == SERVER
    assert done.notes == ("The model wrote server.py, which belongs to the platform; it was ignored.",)


@pytest.mark.parametrize("path", [".env", ".env.local", "web/.env.production", ".ENV", ".envrc"])
async def test_a_file_of_secrets_is_ignored_and_says_where_they_belong(path: str) -> None:
    done = await generate(FakeModel(plans(), [files({**FILES, path: "SMTP_PASSWORD=hunter2\n"})]))
    assert isinstance(done, Done)
    assert path not in done.tree
    told = "Secrets and other values belong into the app's settings, and only their names into .env.example."
    assert done.notes == (f"The model wrote {path}, which was ignored. {told}",)


async def test_a_planned_file_of_secrets_is_left_out_and_never_asked_for() -> None:
    model = FakeModel(plans(files=[*todo_plan().files, PlannedFile(path=".env")]), [files(FILES)])
    done = await generate(model)
    assert isinstance(done, Done)
    assert [file.path for file in done.plan.files] == list(FILES)
    assert [note.startswith("The planned file .env was left out.") for note in done.notes] == [True]
    assert [verb for verb, _ in model.asked] == ["plan", "write"]


@pytest.mark.parametrize("path", [".env.example", "web/.env.example", "app/env.py", ".environment"])
async def test_a_file_that_names_settings_or_reads_them_is_no_file_of_secrets(path: str) -> None:
    done = await generate(FakeModel(plans(), [files({**FILES, path: "SMTP_HOST = ''\n"})]))
    assert isinstance(done, Done)
    assert done.tree[path] == "SMTP_HOST = ''\n"


async def test_a_manifest_that_the_model_writes_is_only_read_for_names_on_the_list() -> None:
    manifest = '{"asyncpg": "0.1", "qrcode": "1.0", "totally-invented": "6.6.6"}'
    planned_files = [*todo_plan().files, PlannedFile(path="packages.json")]
    done = await generate(FakeModel(plans(files=planned_files), [files({**FILES, "packages.json": manifest})]))
    assert isinstance(done, Done)
    assert done.tree["packages.json"] == '{"asyncpg": "0.32.0", "qrcode": "8.2"}\n'
    assert done.plan.dependencies == ["qrcode"]
    assert ["totally-invented" in note for note in done.notes] == [True]


@pytest.mark.parametrize("manifest", ["not json", '{"qrcode": "git+https://example.com/x"}'])
async def test_a_manifest_that_cannot_be_read_is_ignored_with_a_note(manifest: str) -> None:
    done = await generate(FakeModel(plans(), [files({**FILES, "packages.json": manifest})]))
    assert isinstance(done, Done)
    assert done.tree["packages.json"] == '{"asyncpg": "0.32.0"}\n'
    assert ["which was ignored" in note for note in done.notes] == [True]


async def test_a_hostile_path_never_reaches_the_tree() -> None:
    done = await generate(FakeModel(plans(), [files({**FILES, "../../evil.py": "x", ".git/hooks/pre-commit": "x"})]))
    assert isinstance(done, Done)
    assert set(done.tree) == {*TinyFramework().scaffold(), *FILES}
    assert len(done.notes) == 2


async def test_files_in_fences_and_talk_around_them_do_no_harm() -> None:
    fenced = {path: f"```\n{text}```" for path, text in FILES.items()}
    done = await generate(FakeModel(plans(), [lambda nonce: ["Sure!\n", *files(fenced)(nonce), "Enjoy!"]]))
    assert isinstance(done, Done)
    assert done.tree["app/routes.py"] == ROUTES


async def test_an_unplanned_file_is_kept_and_noted() -> None:
    done = await generate(FakeModel(plans(), [files({**FILES, "app/helper.py": "x = 1\n"})]))
    assert isinstance(done, Done)
    assert "app/helper.py" in done.tree
    assert done.notes == ("The model added app/helper.py, which was not planned.",)


async def test_a_truncated_answer_is_completed_by_asking_for_the_missing_files_alone() -> None:
    first = then({"migrations/0001_init.sql": MIGRATION}, CUT, unclosed="app/routes.py")
    model, watch = FakeModel(plans(), [first, files({"app/routes.py": ROUTES})]), Watch()
    done = await generate(model, watch)
    assert isinstance(done, Done)
    assert done.tree["app/routes.py"] == ROUTES
    asked = [arguments[0].files for verb, arguments in model.asked if verb == "write"]
    assert [[file.path for file in wanted] for wanted in asked] == [list(FILES), ["app/routes.py"]]
    assert watch.of(Retrying) == [Retrying(CUT.reason, 2)]
    assert model.asked[2][1][0].written["migrations/0001_init.sql"] == MIGRATION


async def test_an_answer_that_stays_truncated_ends_after_two_more_rounds_and_names_the_files() -> None:
    model = FakeModel(plans(), [then({}, CUT, unclosed="app/routes.py")])
    ended = await generate(model)
    assert isinstance(ended, Ended)
    assert ended.kind == "partial"
    assert "app/routes.py" in ended.reason
    assert len(model.asked) == 1 + 3
    assert ended.usage.calls == 4


async def test_commands_in_place_of_files_end_with_what_was_said() -> None:
    ended = await generate(FakeModel(plans(), [saying("```bash\ngit clone https://example.com/x\n```")]))
    assert isinstance(ended, Ended)
    assert ended.kind == "failed"
    assert "text instead of files" in ended.reason
    assert "git clone" in ended.reason


async def test_a_file_that_is_always_left_out_is_named() -> None:
    ended = await generate(FakeModel(plans(), [files({"app/routes.py": ROUTES})]))
    assert isinstance(ended, Ended)
    assert ended.kind == "partial"
    assert "migrations/0001_init.sql" in ended.reason


@pytest.mark.parametrize(
    ("outcome", "kind", "calls"), [(REFUSED, "refused", 2), (WRONG_KEY, "failed", 2), (OVERLOADED, "failed", 4)]
)
async def test_a_vendors_failure_while_writing_ends_with_its_reason(outcome: Any, kind: str, calls: int) -> None:
    model = FakeModel(plans(), [then({"app/routes.py": ROUTES}, outcome)])
    ended = await generate(model)
    assert isinstance(ended, Ended)
    assert (ended.kind, ended.reason) == (kind, outcome.reason)
    assert len(model.asked) == calls


async def test_a_stream_without_its_end_counts_as_cut() -> None:
    class Broken(FakeModel):
        async def _play(self, script: Script, nonce: str) -> AsyncIterator[str | StreamEnded]:
            for piece in script(nonce):
                yield piece

    ended = await generate(Broken(plans(), [lambda nonce: ["hm"]]))
    assert isinstance(ended, Ended)
    assert ended.kind == "partial"


async def test_what_does_not_validate_is_rewritten_with_the_reasons() -> None:
    elided = {**FILES, "app/routes.py": "# ... existing code ...\n"}
    model, watch = FakeModel(plans(), [files(elided), files({"app/routes.py": ROUTES})]), Watch()
    done = await generate(model, watch)
    assert isinstance(done, Done)
    assert done.tree["app/routes.py"] == ROUTES
    verb, (failure,) = model.asked[-1]
    assert verb == "repair"
    assert failure.suspects == ("app/routes.py",)
    assert "leaves code out" in failure.log_tail
    assert [event.attempt for event in watch.of(Retrying)] == [2]


async def test_what_never_validates_ends_after_two_corrections_with_the_reason() -> None:
    model = FakeModel(plans(), [files({**FILES, "app/routes.py": "def broken(:\n"})])
    ended = await generate(model)
    assert isinstance(ended, Ended)
    assert ended.kind == "failed"
    assert "not valid Python" in ended.reason
    assert len(model.asked) == 1 + 1 + 2


async def test_files_that_cannot_be_together_are_given_back() -> None:
    model = FakeModel(plans(), [files({**FILES, "APP/routes.py": "x = 1\n"}), saying("")])
    ended = await generate(model)
    assert isinstance(ended, Done)
    assert "APP/routes.py" not in ended.tree
    assert "the same name on some systems" in model.asked[-1][1][0].log_tail


async def test_cancelling_closes_the_stream_at_once() -> None:
    begun = asyncio.Event()
    closed = asyncio.Event()

    class Slow(FakeModel):
        async def _play(self, script: Script, nonce: str) -> AsyncIterator[str | StreamEnded]:
            try:
                yield "a"
                begun.set()
                await asyncio.Event().wait()
            finally:
                closed.set()

    task = asyncio.create_task(generate(Slow(plans(), [saying("")])))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed.is_set()


async def test_a_listener_that_fails_closes_the_stream() -> None:
    model = FakeModel(plans(), [files(FILES)])

    def listener(event: Progress) -> None:
        if isinstance(event, FileWriting):
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await Pipeline(tiny).generate(model, BRIEF, listener)
    assert model.closed == 1


# -- changes ------------------------------------------------------------------------------------------------------------------------

TREE = TinyFramework().scaffold().with_files({**FILES, "app/other.py": "y = 1\n"})
FROZEN = frozenset({"migrations/0001_init.sql"})
CHANGE = ChangeBrief(request="add priorities", plan=todo_plan(), tree=TREE, frozen=FROZEN)
NEW = {"migrations/0002_priority.sql": "ALTER TABLE todos ADD COLUMN priority text;\n", "app/routes.py": "z = 2\n"}
NEW_FILES = [PlannedFile(path=path) for path in NEW]


async def change(model: FakeModel, watch: Watch | None = None, brief: ChangeBrief = CHANGE) -> Generated:
    return await Pipeline(tiny).change(model, brief, watch or Watch())


async def test_a_change_touches_only_what_its_plan_names() -> None:
    done = await change(FakeModel(plans(files=NEW_FILES), [files({**NEW, "app/other.py": "hacked\n"})]))
    assert isinstance(done, Done)
    assert dict(done.tree) == {**TREE, **NEW}
    assert done.written == tuple(sorted(NEW))
    assert ["which the change does not name" in note for note in done.notes] == [True]


async def test_a_released_migration_that_is_rewritten_is_asked_again_and_never_applied() -> None:
    edited = {"migrations/0001_init.sql": "DROP TABLE todos;\n", "app/routes.py": "z = 2\n"}
    model = FakeModel(plans(files=[PlannedFile(path=path) for path in edited]), [files(edited), files(NEW)])
    done = await change(model)
    assert isinstance(done, Done)
    assert done.tree["migrations/0001_init.sql"] == MIGRATION
    assert "migrations/0002_priority.sql" in done.tree
    failure = model.asked[-1][1][0]
    assert "was released and may not change" in failure.log_tail
    assert failure.frozen == FROZEN


async def test_a_released_migration_that_is_rewritten_again_and_again_ends() -> None:
    edited = {"migrations/0001_init.sql": "DROP TABLE todos;\n", "app/routes.py": "z = 2\n"}
    ended = await change(FakeModel(plans(files=[PlannedFile(path="app/routes.py")]), [files(edited)]))
    assert isinstance(ended, Ended)
    assert "was released and may not change" in ended.reason


async def test_a_change_never_moves_the_framework_nor_takes_the_database_away() -> None:
    ended = await change(FakeModel(plans(framework="express")))
    assert isinstance(ended, Ended)
    assert "build a new app" in ended.reason
    done = await change(FakeModel(plans(files=NEW_FILES, requires_database=False), [files(NEW)]))
    assert isinstance(done, Done)
    assert done.plan.requires_database


@pytest.mark.parametrize(("text", "error"), [("  ", InvalidInput), ("x" * 10_001, TooLarge)])
async def test_a_change_request_has_the_same_limits(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await change(FakeModel(plans()), brief=ChangeBrief(request=text, plan=todo_plan(), tree=TREE))


# -- repairs ------------------------------------------------------------------------------------------------------------------------

FAILURE = Failure(plan=todo_plan(), tree=TREE, check="start", log_tail="NameError: x", suspects=["app/other.py"], frozen=FROZEN)


async def repair(streams: Sequence[Script], watch: Watch | None = None) -> Generated:
    return await Pipeline(tiny).repair(FakeModel([], streams), FAILURE, watch or Watch())


async def test_a_repair_replaces_what_the_model_sends_and_nothing_else() -> None:
    done = await repair([files({"app/other.py": "y = 2\n"})])
    assert isinstance(done, Done)
    assert dict(done.tree) == {**TREE, "app/other.py": "y = 2\n"}
    assert done.written == ("app/other.py",)
    assert done.usage == CALL


async def test_a_repair_that_is_cut_off_is_asked_again() -> None:
    watch = Watch()
    done = await repair([then({}, CUT, unclosed="app/other.py"), files({"app/other.py": "y = 2\n"})], watch)
    assert isinstance(done, Done)
    assert watch.of(Retrying) == [Retrying(CUT.reason, 2)]


async def test_a_repair_may_only_add_a_package() -> None:
    done = await repair([files({"packages.json": '{"asyncpg": "1", "qrcode": "2"}'})])
    assert isinstance(done, Done)
    assert done.tree["packages.json"] == '{"asyncpg": "0.32.0", "qrcode": "8.2"}\n'
    assert done.written == ()


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        (saying("It looks fine to me."), "failed", "looks fine to me"),
        (saying("", REFUSED), "refused", "will not"),
        (saying("", WRONG_KEY), "failed", "key is wrong"),
        (saying("", CUT), "partial", "length limit"),
        (files({"server.py": "x"}), "failed", "nothing to change"),
    ],
)
async def test_a_repair_without_a_file_ends_with_the_reason(script: Script, kind: str, words: str) -> None:
    ended = await repair([script])
    assert isinstance(ended, Ended)
    assert ended.kind == kind
    assert words in ended.reason


async def test_a_repair_never_edits_a_released_migration() -> None:
    edited = {"migrations/0001_init.sql": "DROP TABLE todos;\n"}
    done = await repair([files(edited), files({"migrations/0002_fix.sql": "SELECT 1;\n"})])
    assert isinstance(done, Done)
    assert done.tree["migrations/0001_init.sql"] == MIGRATION
    assert done.written == ("migrations/0002_fix.sql",)

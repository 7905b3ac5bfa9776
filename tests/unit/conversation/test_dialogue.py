"""The dialogue: what a person types, presses and fills in becomes calls of the engine and one private answer."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from core.builds.requests import BuildRequest
from core.conversation.dialogue import Dialogue
from core.conversation.fake_chat import MemoryInbox, check_card, check_form, strings
from core.conversation.form_opening import FORM_ACTIONS, command_opens, press_opens
from core.conversation.grammar import VERBS
from core.conversation.presenter import AppFacts, present
from core.errors import Conflict, Forbidden, NotFound, TemporaryError
from core.files import FileTree
from core.ids import AppId, ApprovalId, BuildId, DeploymentId, Digest, PrincipalId, ThreadId, WorkspaceId
from core.operations.engine import Engine
from core.words.attachment import Attachment, attachment
from core.words.cards import Button, Card, Facts, Files, Log, Table, Text
from core.words.events import DatabaseFacts
from core.words.inbound import Action, Answer, Command, FormSubmit, Reply, Who
from core.words.notifications import NOTIFICATIONS
from core.words.thread_ref import ThreadRef
from core.words.views import (
    ApprovalView,
    AppState,
    AppView,
    BuildState,
    BuildView,
    DeploymentState,
    DeploymentView,
    ReleaseView,
    RevealedDatabase,
    SubscriptionView,
    ThreadView,
    WorkspaceSettings,
    WorkspaceUsage,
)
from tests.support import stories as s

ANN = Who(principal=PrincipalId("p_ann"), workspace=WorkspaceId("w_1"), name="Ann")
THREAD, EMPTY = ThreadId("t_todo"), ThreadId("t_empty")
CHANNEL = ThreadRef(platform="fake", workspace="T1", channel="general", thread="", user="U1")
IN_A_THREAD = ThreadRef(platform="fake", workspace="T1", channel="general", thread="17", user="U1")
FILE = attachment("notes.txt", b"what it should do")
Call = tuple[Any, ...]


class RecordingEngine:
    """Answers from what it was given, and remembers the calls that change something."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.refuse: Exception | None = None
        self.apps_there = [app("todo", AppState.LIVE), app("tracker", AppState.STOPPED)]
        self.builds_there = [build(BuildState.READY, approval="pending")]
        self.releases_there = [release(3, live=True), release(2), release(1, has_data=False)]
        self.names = ["SMTP_URL"]
        self.decided = WorkspaceSettings()
        self.applied = True
        self.wants_a_second = False
        self.where: list[tuple[ThreadRef | None, bool]] = []  # place and seen, of each build and change
        self.told: list[SubscriptionView] = []
        self.shown_again: list[ThreadId] = []
        self.trusted = True  # they may do what nobody approves, and decide for the workspace

    def _do(self, *call: Any) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.calls.append(call)

    async def build(
        self,
        who: Who,
        request: BuildRequest,
        *,
        thread: ThreadId | None = None,
        place: ThreadRef | None = None,
        seen: bool = False,
        key: str,
    ) -> BuildView:
        self._do("build", request, thread, key)
        self.where.append((place, seen))
        return build(BuildState.QUEUED)

    async def change(
        self, who: Who, slug: str, text: str, *, attachments: Sequence[Attachment] = (), seen: bool = False, key: str
    ) -> BuildView:
        self._do("change", slug, text, key)
        self.where.append((None, seen))
        return build(BuildState.QUEUED, purpose="change")

    async def fix(self, who: Who, slug: str, *, key: str) -> BuildView:
        self._do("fix", slug, key)
        return build(BuildState.QUEUED, purpose="change")

    async def retry(self, who: Who, build_: BuildId, *, key: str) -> BuildView:
        self._do("retry", build_, key)
        return build(BuildState.QUEUED)

    async def cancel(self, who: Who, build_: BuildId) -> None:
        self._do("cancel", build_)

    async def build_view(self, who: Who, build_: BuildId) -> BuildView:
        for found in self.builds_there:
            if found.build == build_:
                return found.model_copy(update={"files": s.FILES})
        raise NotFound("That build is not known here.")

    async def files(self, who: Who, build_: BuildId) -> FileTree:
        return FileTree({file.path: f"content of {file.path}\n" for file in (await self.build_view(who, build_)).files})

    async def file(self, who: Who, build_: BuildId, path: str) -> str:
        if path != "README.md":
            raise NotFound(f"There is no file {path!r} in this build.")
        return "# Todo\n\x1b[31mred\x1b[0m"

    async def approve(self, who: Who, approval: ApprovalId, digest: Digest | None = None) -> DeploymentView | None:
        self._do("approve", approval, digest)
        return None if self.wants_a_second else deployment("deploy")

    async def discard(self, who: Who, approval: ApprovalId) -> None:
        self._do("discard", approval)

    async def rollback(self, who: Who, slug: str, number: int, *, with_data: bool, key: str) -> DeploymentView:
        self._do("rollback", slug, number, with_data, key)
        return deployment("rollback")

    async def stop(self, who: Who, slug: str) -> None:
        self._do("stop", slug)

    async def start(self, who: Who, slug: str, *, key: str) -> DeploymentView:
        self._do("start", slug, key)
        return deployment("start")

    async def restart(self, who: Who, slug: str, *, key: str) -> DeploymentView:
        self._do("restart", slug, key)
        return deployment("restart")

    async def delete(self, who: Who, slug: str) -> str:
        self._do("delete", slug)
        return "todo-last.dump"

    async def apps(self, who: Who) -> list[AppView]:
        return self.apps_there

    async def app(self, who: Who, slug: str) -> AppView:
        for found in self.apps_there:
            if found.slug == slug:
                return found
        raise NotFound(f"There is no app {slug!r} here.")

    async def releases(self, who: Who, slug: str) -> list[ReleaseView]:
        await self.app(who, slug)
        return self.releases_there

    async def builds(self, who: Who, slug: str) -> list[BuildView]:
        await self.app(who, slug)
        return self.builds_there

    async def logs(self, who: Who, slug: str, lines: int = 100) -> list[str]:
        await self.app(who, slug)
        return [f"line {n}" for n in range(lines)]

    async def database(self, who: Who, slug: str) -> DatabaseFacts | None:
        if slug != "todo":
            return None
        return DatabaseFacts(
            tenant="tn_1", host="127.0.0.1", port=5433, name="t_1", role="t_1_app", size_limit_mb=512, connections=20
        )

    async def reveal(self, who: Who, slug: str) -> RevealedDatabase:
        return RevealedDatabase(
            url=SecretStr("postgresql://t_1_app:hunter2@127.0.0.1:5433/t_1"),
            app_url=SecretStr("postgresql://t_1_app:hunter2@/t_1"),
        )

    async def usage(self, who: Who, slug: str) -> Mapping[str, object]:
        if slug != "todo":
            return {"builds": 1, "size_mb": None, "size_limit_mb": None, "connections": None, "tables": {}, "memory_mb": None}
        tables = {"todos": 5, "people": 2}
        models = {"tokens": 12_300, "cost_usd": 0.131, "unpriced_tokens": 0}
        return models | {"builds": 4, "size_mb": 8.3, "size_limit_mb": 512, "connections": 3, "tables": tables, "memory_mb": 61.2}

    async def settings(self, who: Who, slug: str) -> tuple[int, list[str]]:
        return 2, self.names

    async def set_settings(
        self, who: Who, slug: str, *, set: Mapping[str, str], unset: Sequence[str], key: str
    ) -> DeploymentView | None:
        self._do("set_settings", slug, dict(set), list(unset), key)
        return deployment("settings") if self.applied else None

    async def workspace_usage(self, who: Who) -> WorkspaceUsage:
        return WorkspaceUsage(plan="free", apps=1, live=1, builds=3, tokens=1200, cost_usd=0.5, unpriced_tokens=0)

    async def workspace(self, who: Who) -> WorkspaceSettings:
        return self.decided

    async def set_workspace(self, who: Who, settings: WorkspaceSettings) -> None:
        self._do("set_workspace", settings)

    async def check_deciding(self, who: Who) -> None:
        if not self.trusted:
            raise Forbidden("Only admins of this workspace may.")

    async def check_managing(self, who: Who, slug: str) -> None:
        await self.app(who, slug)
        if not self.trusted:
            raise Forbidden("That is for whoever asked for it, and for admins.")

    async def subscriptions(self, who: Who) -> list[SubscriptionView]:
        return self.told

    async def subscribe(self, who: Who, place: ThreadRef, slug: str | None, kinds: Sequence[str]) -> None:
        self._do("subscribe", place, slug, tuple(kinds))

    async def unsubscribe(self, who: Who, place: ThreadRef, slug: str | None) -> bool:
        self._do("unsubscribe", place, slug)
        return bool(self.told)

    async def show_again(self, who: Who, thread: ThreadId) -> None:
        self.shown_again.append(thread)

    async def thread(self, who: Who, thread: ThreadId) -> ThreadView:
        return ThreadView(thread=thread, title="", app="todo" if thread == THREAD else "", updated_at=s.START)


def app(slug: str, state: AppState) -> AppView:
    return AppView(
        app=AppId(f"app_{slug}"),
        slug=slug,
        name=slug.capitalize(),
        framework="fastapi",
        owner="Ann",
        state=state,
        url=f"http://{slug}.localhost:8080" if state is AppState.LIVE else "",
        release=3 if state is AppState.LIVE else None,
        thread=THREAD,
        created_at=s.START,
        updated_at=s.START,
    )


def build(state: BuildState, *, approval: str = "", purpose: str = "new", number: int = 1) -> BuildView:
    asked = ApprovalView.model_validate(
        {"approval": s.APPROVAL, "state": approval or "pending", "digest": s.DIGEST, "deadline": s.START}
    )
    return BuildView.model_validate(
        {
            "build": s.BUILD,
            "app": "app_todo",
            "slug": "todo",
            "thread": THREAD,
            "number": number,
            "state": state,
            "purpose": purpose,
            "text": "a todo app",
            "model": "starter",
            "plan": s.PLAN,
            "approval": asked if approval else None,
        }
    )


def deployment(purpose: str) -> DeploymentView:
    return DeploymentView.model_validate(
        {
            "deployment": DeploymentId(s.DEPLOYMENT),
            "app": "app_todo",
            "slug": "todo",
            "state": DeploymentState.QUEUED,
            "purpose": purpose,
            "release": 4,
        }
    )


def release(number: int, *, live: bool = False, kept: bool = True, has_data: bool = True) -> ReleaseView:
    return ReleaseView(
        number=number,
        build=BuildId(s.BUILD),
        build_number=number,
        framework="fastapi",
        summary="a todo app with due dates, priorities, people, tags and a calendar that shows every week of the year",
        live=live,
        kept=kept,
        has_data=has_data,
        settings_version=1,
        by="Ann",
        at=s.START,
    )


class Talk:
    """A person in front of the dialogue."""

    def __init__(self) -> None:
        self.engine = RecordingEngine()
        self.dialogue = Dialogue(self.engine, MemoryInbox())
        self._keys = 0

    def _key(self, key: str) -> str:
        self._keys += 1
        return key or f"k{self._keys}"

    async def types(
        self, text: str, thread: ThreadId | None = None, key: str = "", place: ThreadRef | None = None, files: int = 0
    ) -> Answer:
        command = Command(who=ANN, key=self._key(key), text=text, thread=thread, place=place, attachments=(FILE,) * files)
        return checked(await self.dialogue.handle(command))

    async def replies(self, text: str, thread: ThreadId = THREAD, key: str = "") -> Answer:
        return checked(await self.dialogue.handle(Reply(who=ANN, key=self._key(key), text=text, thread=thread)))

    async def presses(
        self,
        action: str,
        value: str = "todo",
        key: str = "",
        thread: ThreadId | None = THREAD,
        place: ThreadRef | None = None,
    ) -> Answer:
        pressed = Action(who=ANN, key=self._key(key), action=action, value=value, thread=thread, place=place)
        return checked(await self.dialogue.handle(pressed))

    async def fills(
        self,
        form: str,
        value: str = "todo",
        key: str = "",
        thread: ThreadId | None = None,
        place: ThreadRef | None = None,
        files: int = 0,
        **values: str,
    ) -> Answer:
        sent = FormSubmit(
            who=ANN,
            key=self._key(key),
            form=form,
            value=value,
            values=values,
            thread=thread,
            place=place,
            attachments=(FILE,) * files,
        )
        return checked(await self.dialogue.handle(sent))


def checked(answer: Answer) -> Answer:
    """Every answer can be shown on every platform, and a refusal is words."""
    if answer.card is not None:
        check_card(answer.card)
    if answer.form is not None:
        check_form(answer.form)
    if answer.error:
        assert answer.text
        assert answer.card is None
    return answer


def said(card: Card | None) -> str:
    assert card is not None
    return "\n".join(strings(card.model_dump(mode="json")))


def table(answer: Answer) -> Table:
    assert answer.card is not None
    return next(child for child in answer.card.children if isinstance(child, Table))


@pytest.fixture
def talk() -> Talk:
    return Talk()


def test_the_engine_has_the_face_that_the_dialogue_needs() -> None:
    missing = [name for name in vars(RecordingEngine) if not name.startswith("_") and not hasattr(Engine, name)]
    assert missing == []


# -- typed -----------------------------------------------------------------------------------------------------------------

REQUEST = BuildRequest(description="a todo app", framework="express", features=("a", "b"))

TYPED: list[tuple[str, list[Call], str]] = [
    ("build a todo app --framework express --features a,b", [("build", REQUEST, None, "k1")], "It is being built"),
    ("deploy todo", [("approve", s.APPROVAL, s.DIGEST)], "Approved. todo is being deployed as v4."),
    ("rollback todo v2", [("rollback", "todo", 2, False, "k1")], "back to v2, its code only; the data stay as they are"),
    ("rollback todo v2 --with-data", [("rollback", "todo", 2, True, "k1")], "with its data and settings. It becomes v4."),
    ("stop todo", [("stop", "todo")], "todo is stopped."),
    ("start todo", [("start", "todo", "k1")], "Starting v4 of todo."),
    ("restart todo", [("restart", "todo", "k1")], "Restarting v4 of todo."),
    ("env todo set A=1 B=2", [("set_settings", "todo", {"A": "1", "B": "2"}, [], "k1")], "Set A, B. v4 starts with that."),
    ("env todo unset A", [("set_settings", "todo", {}, ["A"], "k1")], "Removed A. v4 starts with that."),
    ("help build", [], "--framework"),
]


@pytest.mark.parametrize(("typed", "calls", "words"), TYPED)
async def test_a_typed_command_becomes_a_call_and_a_sentence(talk: Talk, typed: str, calls: list[Call], words: str) -> None:
    answer = await talk.types(typed)
    assert not answer.error
    assert talk.engine.calls == calls
    assert words in answer.text


@pytest.mark.parametrize(
    ("typed", "call"),
    [
        ("stop", ("stop", "todo")),
        ("env set A=1", ("set_settings", "todo", {"A": "1"}, [], "k1")),
        ("rollback v2", ("rollback", "todo", 2, False, "k1")),
        ("deploy", ("approve", s.APPROVAL, s.DIGEST)),
    ],
)
async def test_in_an_apps_thread_the_app_can_be_left_out(talk: Talk, typed: str, call: Call) -> None:
    await talk.types(typed, THREAD)
    assert talk.engine.calls == [call]


@pytest.mark.parametrize("thread", [None, EMPTY])
async def test_without_a_thread_of_an_app_it_asks_which(talk: Talk, thread: ThreadId | None) -> None:
    answer = await talk.types("logs", thread)
    assert answer.error
    assert "todo, tracker" in answer.text


async def test_without_any_app_it_says_how_to_make_one(talk: Talk) -> None:
    talk.engine.apps_there = []
    assert "build a todo app" in (await talk.types("logs")).text


async def test_an_unknown_app_gets_the_nearest(talk: Talk) -> None:
    answer = await talk.types("show todos")
    assert answer.error
    assert "Did you mean todo?" in answer.text


async def test_a_mistyped_command_is_refused_privately_with_its_usage(talk: Talk) -> None:
    answer = await talk.types("rolback todo")
    assert (answer.error, talk.engine.calls) == (True, [])
    assert "rollback [APP]" in answer.text


@pytest.mark.parametrize("typed", ["build", "build --framework express"])
async def test_a_bare_build_opens_the_form_with_what_was_typed(talk: Talk, typed: str) -> None:
    answer = await talk.types(typed)
    assert answer.form is not None
    assert answer.form.form == "build"
    framework = next(i for i in answer.form.inputs if i.name == "framework")
    assert framework.value == ("express" if "express" in typed else "")
    assert talk.engine.calls == []


async def test_a_build_in_a_thread_is_built_there_and_the_answer_leads_there(talk: Talk) -> None:
    answer = await talk.types("build a todo app", EMPTY)
    assert talk.engine.calls[0][2] == EMPTY
    assert answer.thread == THREAD


async def test_list_shows_the_apps_with_state_and_address(talk: Talk) -> None:
    rows = table(await talk.types("list")).rows
    assert [row[:4] for row in rows] == [
        ["todo", "live", "v3", "http://todo.localhost:8080"],
        ["tracker", "stopped", "–", "–"],
    ]


async def test_an_empty_list_says_how_to_begin(talk: Talk) -> None:
    talk.engine.apps_there = []
    assert "build a todo app" in said((await talk.types("list")).card)


async def test_show_has_the_facts_the_releases_and_the_buttons(talk: Talk) -> None:
    answer = await talk.types("show todo")
    assert answer.card is not None
    assert (answer.card.title, answer.card.status) == ("Todo", "Live")
    assert [row[:3] for row in table(answer).rows] == [["v3", "live", "yes"], ["v2", "kept", "yes"], ["v1", "kept", "no"]]
    labels = [action.label for action in answer.card.actions]
    assert labels == ["Open", "Logs", "Settings", "Rollback…", "Restart", "Stop", "Delete…"]


@pytest.mark.parametrize("state", list(AppState))
async def test_an_app_in_any_state_can_be_shown(talk: Talk, state: AppState) -> None:
    talk.engine.apps_there = [app("todo", state)]
    assert (await talk.types("show todo")).card is not None


async def test_logs_show_the_wanted_lines_and_follow_what_is_live(talk: Talk) -> None:
    answer = await talk.types("logs todo --lines 30")
    assert answer.card is not None
    log = answer.card.children[0]
    assert isinstance(log, Log)
    assert (len(log.lines), log.lines[-1], log.live_app) == (30, "line 29", "todo")


async def test_files_list_the_newest_build_and_show_one_file_without_escape_sequences(talk: Talk) -> None:
    answer = await talk.types("files todo")
    assert answer.card is not None
    assert isinstance(answer.card.children[0], Files)
    one = await talk.types("files todo README.md")
    assert one.card is not None
    assert one.card.children == [Text(text="# Todo\nred", style="code")]


async def test_a_mistyped_file_gets_the_nearest(talk: Talk) -> None:
    assert "Did you mean README.md?" in (await talk.types("files todo READ.md")).text


async def test_env_list_shows_names_and_what_is_needed_and_no_value(talk: Talk) -> None:
    talk.engine.names = ["OTHER"]
    assert table(await talk.types("env todo")).rows == [
        ["OTHER", "set", ""],
        ["SMTP_URL", "not set", "where reminders are sent from"],
    ]


async def test_settings_of_an_app_that_is_not_live_wait_for_the_next_release(talk: Talk) -> None:
    talk.engine.applied = False
    assert "The next release starts with that." in (await talk.types("env todo set A=1")).text


async def test_db_shows_facts_and_the_password_only_through_reveal(talk: Talk) -> None:
    answer = await talk.types("db todo")
    assert answer.card is not None
    assert "127.0.0.1:5433" in said(answer.card)
    assert [(a.action, a.value) for a in answer.card.actions if isinstance(a, Button)] == [("reveal", "todo")]
    assert "hunter2" not in said(answer.card)
    assert "hunter2" in said((await talk.presses("reveal")).card)


async def test_an_app_without_a_database_says_so(talk: Talk) -> None:
    assert "no database" in said((await talk.types("db tracker")).card)


async def test_usage_shows_a_row_for_each_app(talk: Talk) -> None:
    whole = (await talk.types("usage")).card
    assert whole is not None
    assert ("Plan", "Free") in [
        (fact.label, fact.value) for part in whole.children if isinstance(part, Facts) for fact in part.facts
    ]
    assert table(await talk.types("usage")).rows == [
        ["todo", "8.3 of 512 MB", "3", "2", "61.2 MB", "4", "12,300 tokens, about $0.13"],
        ["tracker", "–", "–", "–", "–", "1", "–"],
    ]
    assert len(table(await talk.types("usage todo")).rows) == 1


async def test_help_lists_the_commands(talk: Talk) -> None:
    assert table(await talk.types("")).rows[0][0].startswith("build")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (BuildState.RUNNING, "under way"),
        (BuildState.FAILED, "failed"),
        (BuildState.READY, "Nothing of todo waits for approval"),
    ],
)
async def test_deploy_without_a_pending_approval_says_why(talk: Talk, state: BuildState, words: str) -> None:
    talk.engine.builds_there = [build(state, approval="approved" if state is BuildState.READY else "")]
    answer = await talk.types("deploy todo")
    assert (answer.error, talk.engine.calls) == (True, [])
    assert words in answer.text


# -- replies ---------------------------------------------------------------------------------------------------------------


async def test_a_reply_in_an_apps_thread_is_a_change(talk: Talk) -> None:
    answer = await talk.replies(" make it blue ")
    assert talk.engine.calls == [("change", "todo", "make it blue", "k1")]
    assert not answer.error


async def test_a_reply_in_a_thread_without_an_app_is_what_to_build(talk: Talk) -> None:
    await talk.replies("a todo app", EMPTY)
    assert talk.engine.calls == [("build", BuildRequest(description="a todo app"), EMPTY, "k1")]


async def test_an_empty_reply_is_refused_with_an_example(talk: Talk) -> None:
    answer = await talk.replies("  ")
    assert (answer.error, talk.engine.calls) == (True, [])


# -- pressed ---------------------------------------------------------------------------------------------------------------

APPROVE = f"{s.APPROVAL} {s.BUILD} {s.DIGEST[:19]}"

PRESSED: list[tuple[str, str, Call, str]] = [
    ("approve", APPROVE, ("approve", s.APPROVAL, s.DIGEST), "Approved."),
    ("discard", s.APPROVAL, ("discard", s.APPROVAL), "discarded"),
    ("cancel", s.BUILD, ("cancel", s.BUILD), "being cancelled"),
    ("retry", s.BUILD, ("retry", s.BUILD, "k1"), "It is being built"),
    ("deploy", "todo", ("approve", s.APPROVAL, s.DIGEST), "Approved."),
    ("stop", "todo", ("stop", "todo"), "stopped"),
    ("start", "todo", ("start", "todo", "k1"), "Starting"),
    ("restart", "todo", ("restart", "todo", "k1"), "Restarting"),
]


@pytest.mark.parametrize(("action", "value", "call", "words"), PRESSED)
async def test_a_press_becomes_a_call_and_a_sentence(talk: Talk, action: str, value: str, call: Call, words: str) -> None:
    answer = await talk.presses(action, value)
    assert not answer.error
    assert talk.engine.calls == [call]
    assert words in answer.text


@pytest.mark.parametrize("action", ["approve", "discard", "cancel", "deploy", "stop"])
async def test_a_redelivered_press_has_no_second_effect_and_is_no_refusal(talk: Talk, action: str) -> None:
    value = {"approve": APPROVE, "discard": s.APPROVAL, "cancel": s.BUILD}.get(action, "todo")
    await talk.presses(action, value, key="same")
    talk.engine.refuse = Conflict("It is over already.")
    assert await talk.presses(action, value, key="same") == Answer()
    assert len(talk.engine.calls) == 1


async def test_approving_a_card_whose_artifact_has_changed_is_refused(talk: Talk) -> None:
    answer = await talk.presses("approve", f"{s.APPROVAL} {s.BUILD} sha256:ffffffffffff")
    assert (answer.error, talk.engine.calls) == (True, [])
    assert "newest card" in answer.text


@pytest.mark.parametrize(
    ("action", "form", "inputs"),
    [
        ("change", "change", ["text"]),
        ("settings", "env", ["set:SMTP_URL", "more", "unset"]),
        ("rollback", "rollback", ["release", "data"]),
        ("delete", "delete", ["confirm"]),
    ],
)
async def test_a_press_that_needs_words_opens_a_form(talk: Talk, action: str, form: str, inputs: list[str]) -> None:
    answer = await talk.presses(action)
    assert answer.form is not None
    assert (answer.form.form, answer.form.value) == (form, "todo")
    assert [i.name for i in answer.form.inputs] == inputs
    assert talk.engine.calls == []


async def test_logs_can_be_pressed(talk: Talk) -> None:
    assert (await talk.presses("logs")).card is not None


@pytest.mark.parametrize(("action", "value"), [("fly", "x"), ("approve", "ap_1"), ("approve", "a b  c"), ("approve", "")])
async def test_a_button_from_another_version_is_refused(talk: Talk, action: str, value: str) -> None:
    answer = await talk.presses(action, value)
    assert (answer.error, talk.engine.calls) == (True, [])


async def test_every_button_that_a_card_offers_is_understood(talk: Talk) -> None:
    events = s.whole_life()
    offered: set[tuple[str, str]] = set()
    for length in range(1, len(events) + 1):
        for message in present(events[:length], app=AppFacts(slug="todo"), now=s.START):
            if message.card is not None:
                offered |= {(a.action, a.value) for a in message.card.actions if isinstance(a, Button)}
    assert len({action for action, _ in offered}) >= 11
    for action, value in sorted(offered):
        answer = await talk.presses(action, value)
        assert "another version" not in answer.text


# -- filled in -------------------------------------------------------------------------------------------------------------


async def test_the_build_form_builds(talk: Talk) -> None:
    await talk.fills("build", "starter", description=" a todo app ", framework="express", features="a, b", styling="", name="")
    expected = BuildRequest(description="a todo app", framework="express", features=("a", "b"), provider="starter")
    assert talk.engine.calls == [("build", expected, None, "k1")]


@pytest.mark.parametrize(
    ("typed", "chosen", "taken"),
    [("auto", {"provider": "starter"}, "starter"), ("starter", {}, "starter"), ("starter", {"provider": "abacus"}, "auto")],
)
async def test_the_model_is_chosen_in_the_build_form_where_there_is_room_and_stays_as_typed_elsewhere(
    talk: Talk, typed: str, chosen: dict[str, str], taken: str
) -> None:
    answer = await talk.types("build --provider starter")
    assert answer.form is not None
    assert [(one.name, one.value) for one in answer.form.more] == [("provider", "starter")]
    await talk.fills("build", typed, description="a todo app", **chosen)
    assert talk.engine.calls[-1][1].provider == taken


async def test_the_change_form_changes(talk: Talk) -> None:
    await talk.fills("change", text="make it blue")
    assert talk.engine.calls == [("change", "todo", "make it blue", "k1")]


async def test_the_change_form_of_an_app_without_a_name_means_the_thread(talk: Talk) -> None:
    await talk.fills("change", "", thread=THREAD, text="make it blue")
    assert talk.engine.calls == [("change", "todo", "make it blue", "k1")]
    assert "Which app?" in (await talk.fills("change", "", thread=EMPTY, text="a blog instead")).text


async def test_the_settings_form_of_an_app_sets_and_removes(talk: Talk) -> None:
    await talk.fills("env", **{"set:SMTP_URL": "smtp://x", "set:KEPT": "", "more": "A=1\n B = 2=3 \n\n", "unset": "C, D"})
    assert talk.engine.calls == [("set_settings", "todo", {"SMTP_URL": "smtp://x", "A": "1", "B": "2=3"}, ["C", "D"], "k1")]


@pytest.mark.parametrize(
    "values", [{}, {"more": "hunter2"}, {"more": "pass word=hunter2"}, {"more": "A=1", "unset": "A"}, {"set:bad name": "hunter2"}]
)
async def test_settings_that_cannot_be_read_are_refused_without_repeating_them(talk: Talk, values: dict[str, str]) -> None:
    answer = await talk.fills("env", **values)
    assert (answer.error, talk.engine.calls) == (True, [])
    assert "hunter2" not in answer.text


async def test_the_rollback_form_offers_what_is_kept_and_rolls_back(talk: Talk) -> None:
    answer = await talk.types("rollback todo")
    assert answer.form is not None
    chooser = answer.form.inputs[0]
    assert [value for value, _ in chooser.options] == ["2", "1"]
    assert all(len(label) <= 75 for _, label in chooser.options)
    assert chooser.options[1][1].endswith("12 Nov 2026, code only")
    await talk.fills("rollback", release="2", data="all", key="k")
    assert talk.engine.calls == [("rollback", "todo", 2, True, "k")]


async def test_without_an_earlier_release_there_is_nothing_to_roll_back_to(talk: Talk) -> None:
    talk.engine.releases_there = [release(3, live=True), release(2, kept=False)]
    assert (await talk.presses("rollback")).error


async def test_delete_wants_the_name_typed(talk: Talk) -> None:
    refused = await talk.fills("delete", confirm="tod")
    assert (refused.error, talk.engine.calls) == (True, [])
    answer = await talk.fills("delete", confirm=" Todo ")
    assert talk.engine.calls == [("delete", "todo")]
    assert "todo-last.dump" in answer.text


async def test_the_workspace_settings_can_be_changed(talk: Talk) -> None:
    answer = await talk.types("settings")
    assert answer.form is not None
    assert {i.name: i.value for i in answer.form.inputs} == {
        "approvers": "anyone",
        "named_approvers": "",
        "self_approval": "true",
        "second_person": "false",
        "approval_hours": "72",
    }
    typed = {"named_approvers": "ann, ben", "self_approval": "false", "second_person": "on", "approval_hours": "1,5"}
    await talk.fills("settings", "", approvers="named", **typed)
    wanted = WorkspaceSettings(
        approvers="named", named_approvers=["ann", "ben"], self_approval=False, second_person=True, approval_hours=1.5
    )
    assert talk.engine.calls == [("set_workspace", wanted)]


async def test_the_model_and_its_budget_can_be_chosen(talk: Talk) -> None:
    answer = await talk.types("settings models")
    assert answer.form is not None
    assert {i.name: i.value for i in answer.form.inputs} == {
        "provider": "auto",
        "model": "",
        "budget_usd": "",
        "budget_tokens": "",
    }
    await talk.fills("models", "", provider="openai", model="gpt-x.1", budget_usd="$1,000.50", budget_tokens="2_000_000")
    wanted = WorkspaceSettings(provider="openai", model="gpt-x.1", budget_usd=1000.5, budget_tokens=2_000_000)
    assert talk.engine.calls == [("set_workspace", wanted)]


@pytest.mark.parametrize("values", [{"budget_usd": "-1"}, {"budget_tokens": "1.5"}, {"budget_usd": "lots"}, {"model": "a b"}])
async def test_a_budget_or_model_that_cannot_be_is_refused(talk: Talk, values: dict[str, str]) -> None:
    assert (await talk.fills("models", "", **values)).error
    assert talk.engine.calls == []


@pytest.mark.parametrize(
    "values",
    [
        {"approval_hours": "soon"},
        {"approval_hours": "0"},
        {"approval_hours": "nan"},
        {"approvers": "nobody"},
        {"approvers": "named", "named_approvers": ""},
        {"provider": "abacus"},
    ],
)
async def test_workspace_settings_outside_the_choices_are_refused(talk: Talk, values: dict[str, str]) -> None:
    answer = await talk.fills("settings", "", **values)
    assert (answer.error, talk.engine.calls) == (True, [])


async def test_a_form_from_another_version_is_refused(talk: Talk) -> None:
    assert (await talk.fills("flight")).error


# -- in a chat platform -----------------------------------------------------------------------------------------------------


async def test_a_build_belongs_where_it_was_typed_and_its_words_are_seen_in_a_thread_alone(talk: Talk) -> None:
    await talk.types("build a todo app", place=CHANNEL, files=1)
    await talk.types("build a todo app", place=IN_A_THREAD)
    await talk.types("build a todo app")
    await talk.fills("build", "starter", description="a todo app", place=CHANNEL, files=1)
    await talk.replies("make it blue")
    await talk.fills("change", text="make it blue")
    assert [
        (CHANNEL, False),
        (IN_A_THREAD, True),
        (None, False),
        (CHANNEL, False),
        (None, True),
        (None, False),
    ] == talk.engine.where
    assert [1, 0, 0, 1] == [len(call[1].attachments) for call in talk.engine.calls if call[0] == "build"]


async def test_the_first_yes_of_two_is_no_deployment_yet(talk: Talk) -> None:
    talk.engine.wants_a_second = True
    for answer in (await talk.presses("approve", APPROVE), await talk.types("deploy todo")):
        assert not answer.error
        assert "a second person must say yes too" in answer.text


@pytest.mark.parametrize(
    ("typed", "call", "words"),
    [
        (
            "notify todo live failed",
            ("subscribe", CHANNEL, "todo", ("live", "failed")),
            "told of todo from now on: live, failed.",
        ),
        ("notify todo", ("subscribe", CHANNEL, "todo", tuple(NOTIFICATIONS)), "told of todo from now on: review, live"),
        ("notify crashed", ("subscribe", CHANNEL, None, ("crashed",)), "told of every app from now on: crashed."),
        ("notify off todo", ("unsubscribe", CHANNEL, "todo"), "told of todo no more."),
        ("notify off", ("unsubscribe", CHANNEL, None), "told of any app no more."),
    ],
)
async def test_a_channel_is_told_what_was_typed_there(talk: Talk, typed: str, call: Call, words: str) -> None:
    talk.engine.told = [SubscriptionView(channel="general", kinds=["live"], by="Ann")]
    answer = await talk.types(typed, place=IN_A_THREAD)  # a thread is in a channel
    assert not answer.error
    assert talk.engine.calls == [call]
    assert words in answer.text


async def test_a_channel_that_is_told_nothing_cannot_be_told_less(talk: Talk) -> None:
    answer = await talk.types("notify off todo", place=CHANNEL)
    assert answer.error
    assert "`notify list`" in answer.text


@pytest.mark.parametrize(
    ("typed", "words"),
    [("notify livee", "Did you mean the news live?"), ("notify toodo", "Did you mean todo?"), ("notify xyz", "")],
)
async def test_a_mistyped_kind_or_app_gets_the_nearest(talk: Talk, typed: str, words: str) -> None:
    talk.engine.refuse = NotFound("There is no such app here.")
    answer = await talk.types(typed, place=CHANNEL)
    assert answer.error
    assert answer.text == f"There is no such app here. {words}".strip()


async def test_which_channels_are_told_of_what_is_a_table_and_trouble_is_in_it(talk: Talk) -> None:
    assert "No channel is told of anything yet." in said((await talk.types("notify list", place=CHANNEL)).card)
    one = SubscriptionView(channel="C1", kinds=["live", "failed"], by="Ann")
    talk.engine.told = [one]
    assert table(await talk.types("notify list", place=CHANNEL)).rows == [["C1", "every app", "live, failed", "Ann"]]
    talk.engine.told = [one, one.model_copy(update={"channel": "C2", "app": "todo", "trouble": "The channel is archived."})]
    shown = table(await talk.types("notify list", place=CHANNEL))
    assert shown.columns[-1] == "Trouble"
    assert [row[-1] for row in shown.rows] == ["", "The channel is archived."]


async def test_the_form_of_notifications_begins_with_this_channel_and_tells_the_one_that_was_chosen(talk: Talk) -> None:
    for answer in (await talk.types("notify", place=IN_A_THREAD), await talk.presses("notify", "", place=CHANNEL)):
        assert answer.form is not None
        channel, of, kinds = answer.form.inputs
        assert (answer.form.form, channel.kind, channel.value) == ("notify", "channel", "general")
        assert [value for value, _ in of.options] == ["*", "todo", "tracker"]
    for chosen, _ in kinds.options:
        talk.engine.told = [SubscriptionView(channel="news", kinds=["live"], by="Ann")]
        answer = await talk.fills("notify", "", place=CHANNEL, channel="news", app="todo", kinds=chosen)
        assert not answer.error
    there = replace(CHANNEL, channel="news")
    assert talk.engine.calls == [
        ("subscribe", there, "todo", tuple(NOTIFICATIONS)),
        ("subscribe", there, "todo", ("review", "failed", "crashed")),
        ("subscribe", there, "todo", ("live",)),
        ("subscribe", there, "todo", ("crashed", "recovered")),
        ("unsubscribe", there, "todo"),
    ]
    await talk.fills("notify", "", place=CHANNEL, channel="news", app="*", kinds="live")
    assert talk.engine.calls[-1] == ("subscribe", there, None, ("live",))


async def test_a_subscription_that_is_delivered_again_does_not_come_back_after_somebody_ended_it(talk: Talk) -> None:
    for again in (False, True):
        answer = await talk.fills("notify", "", place=CHANNEL, key="form", channel="news", app="todo", kinds="live")
        assert bool(answer.text) != again
        await talk.types("notify off todo", place=CHANNEL, key="off")
    assert [call[0] for call in talk.engine.calls] == ["subscribe", "unsubscribe"]


async def test_settings_of_the_workspace_that_are_delivered_again_undo_nothing(talk: Talk) -> None:
    await talk.fills("settings", "", key="form", approvers="anyone")
    await talk.fills("settings", "", approvers="requester")
    again = await talk.fills("settings", "", key="form", approvers="anyone")
    assert (again.text, again.error) == ("", False)
    assert [call[1].approvers for call in talk.engine.calls] == ["anyone", "requester"]


@pytest.mark.parametrize(
    "values", [{}, {"channel": "news"}, {"channel": " ", "kinds": "all"}, {"channel": "news", "kinds": "rain"}]
)
async def test_a_form_of_notifications_that_says_nothing_is_refused(talk: Talk, values: dict[str, str]) -> None:
    assert (await talk.fills("notify", "", place=CHANNEL, **values)).error
    assert talk.engine.calls == []


async def test_more_apps_than_a_form_can_offer_are_named_by_typing(talk: Talk) -> None:
    talk.engine.apps_there = [app(f"app-{n}", AppState.LIVE) for n in range(40)] + [app("gone", AppState.DELETED)]
    answer = await talk.types("notify", place=CHANNEL)
    assert answer.form is not None
    assert len(answer.form.inputs[1].options) == 25
    assert "notify APP" in answer.form.inputs[1].hint


@pytest.mark.parametrize("typed", ["notify", "notify list", "notify todo live", "notify off"])
async def test_the_page_has_no_channels_to_tell(talk: Talk, typed: str) -> None:
    answer = await talk.types(typed)
    assert (answer.error, talk.engine.calls) == (True, [])
    assert "Slack and Discord" in answer.text


@pytest.mark.parametrize(
    ("action", "value", "form"),
    [("build", "", "build"), ("workspace", "approvals", "settings"), ("workspace", "models", "models")],
)
async def test_forms_can_be_opened_by_a_press(talk: Talk, action: str, value: str, form: str) -> None:
    answer = await talk.presses(action, value, thread=None, place=CHANNEL)
    assert answer.form is not None
    assert answer.form.form == form


async def test_a_crash_can_be_mended_by_a_press(talk: Talk) -> None:
    answer = await talk.presses("fix")
    assert talk.engine.calls == [("fix", "todo", "k1")]
    assert "The change is being built" in answer.text


async def test_what_a_card_cannot_hold_is_had_by_a_press(talk: Talk) -> None:
    paths = sorted(file.path for file in s.FILES)
    shown = await talk.presses("file", f"{s.BUILD} {paths.index('README.md')}")
    assert shown.card is not None
    assert shown.card.title == "README.md"
    packed = (await talk.presses("zip", s.BUILD)).file
    assert packed is not None
    assert packed.name == "todo-1.zip"
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert sorted(archive.namelist()) == [f"todo/{path}" for path in paths]
    whole = (await talk.presses("logfile")).file
    assert whole is not None
    assert whole.name == "todo.log"
    assert whole.content.startswith(b"line 0\nline 1\n")
    assert (await talk.presses("follow")).follow == "todo"
    assert (await talk.presses("follow", "tracker")).error  # it is stopped
    assert table(await talk.presses("setup", s.BUILD)).rows == [["SMTP_URL", "where reminders are sent from", "yes"]]


@pytest.mark.parametrize(
    "typed", ["build", *VERBS, *(verb.example for verb in VERBS.values()), "rollback todo", "notify", "frobnicate"]
)
async def test_it_is_known_before_whether_a_command_is_answered_with_a_form(talk: Talk, typed: str) -> None:
    answer = await talk.types(typed, THREAD, place=CHANNEL)
    assert command_opens(typed) == (answer.form is not None)


@pytest.mark.parametrize("action", ["approve", "logs", "stop", *sorted(FORM_ACTIONS)])
async def test_it_is_known_before_whether_a_press_is_answered_with_a_form(talk: Talk, action: str) -> None:
    answer = await talk.presses(action, APPROVE if action == "approve" else "todo", place=CHANNEL)
    assert press_opens(action) == (answer.form is not None)


# -- refusals --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [Forbidden("Only Ben may approve here."), TemporaryError("The database is away; try again.")])
async def test_what_the_engine_refuses_is_said_to_the_one_who_asked(talk: Talk, error: Exception) -> None:
    talk.engine.refuse = error
    assert await talk.presses("approve", APPROVE) == Answer(text=str(error), error=True)


async def test_a_press_that_is_refused_has_its_thread_shown_again_since_its_card_may_be_an_old_one(talk: Talk) -> None:
    await talk.presses("logs")
    assert talk.engine.shown_again == []
    talk.engine.refuse = Conflict("That build is over already.")
    await talk.presses("cancel", s.BUILD)
    assert talk.engine.shown_again == [THREAD]


async def test_a_defect_is_not_hidden(talk: Talk) -> None:
    talk.engine.refuse = RuntimeError("a defect")
    with pytest.raises(RuntimeError):
        await talk.types("build a todo app")


@pytest.mark.parametrize("typed", ["settings", "settings models", "rollback todo", "delete todo"])
async def test_who_may_not_is_told_so_before_they_fill_in_a_form(talk: Talk, typed: str) -> None:
    talk.engine.trusted = False
    answer = await talk.types(typed)
    assert (answer.form, answer.error) == (None, True)


@pytest.mark.parametrize("action", ["settings", "rollback", "delete", "workspace"])
async def test_a_press_on_a_button_that_is_not_for_them_opens_no_form(talk: Talk, action: str) -> None:
    talk.engine.trusted = False
    answer = await talk.presses(action, "todo" if action != "workspace" else "models")
    assert (answer.form, answer.error) == (None, True)

"""The presenter: events become the messages of a thread, the same everywhere, valid at every moment, and without a secret."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.conversation.fake_chat import check_card, strings
from core.conversation.presenter import AppFacts, Message, present
from core.words import events as e
from core.words.cards import Button, Card, Facts, Files, Image, Link, Log, Section, Step, Steps, StepState, Table, Text, Tone
from tests.support import stories as s

APP = AppFacts(slug="a-todo-app", name="a todo app with due dates")


def cards(*facts: e.Fact, now: timedelta = timedelta()) -> dict[str, Card]:
    """The cards, by their keys."""
    messages = present(s.told(*facts), app=APP, now=s.START + now)
    return {message.key: message.card for message in messages if message.card is not None}


def build_card(*facts: e.Fact, build: str = s.BUILD, now: timedelta = timedelta()) -> Card:
    return cards(*facts, now=now)[f"build:{build}"]


def deploy_card(*facts: e.Fact, deployment: str = s.DEPLOYMENT) -> Card:
    return cards(*facts)[f"deploy:{deployment}"]


def steps(card: Card) -> list[Step]:
    return next(child for child in card.children if isinstance(child, Steps)).steps


def section(card: Card, name: str) -> Section:
    return next(child for child in card.children if isinstance(child, Section) and child.id == name)


def actions(card: Card) -> list[str]:
    return [action.label for action in card.actions]


def button(card: Card, action: str) -> Button:
    return next(a for a in card.actions if isinstance(a, Button) and a.action == action)


def said(card: Card) -> str:
    return "\n".join(strings(card.model_dump(mode="json")))


def facts_of(children: Sequence[object]) -> dict[str, str]:
    return {fact.label: fact.value for child in children if isinstance(child, Facts) for fact in child.facts}


# -- the thread ------------------------------------------------------------------------------------------------------------


def test_a_thread_has_a_message_for_everything_that_happened_in_the_order_of_its_first_event() -> None:
    keys = [message.key for message in present(s.whole_life(), app=APP, now=s.START)]
    kinds = [key.partition(":")[0] for key in keys]
    assert kinds == [
        *("said", "build", "deploy"),
        *("said", "build", "said", "build"),
        *("notice", "notice", "notice", "deploy", "deploy", "notice", "notice"),
    ]
    assert len(set(keys)) == len(keys)


def test_words_of_people_are_shown_with_their_name() -> None:
    assert present(s.told(e.Said(by="Ann", text="a todo app")), app=APP, now=s.START) == [
        Message(key="said:1", author="Ann", text="a todo app")
    ]


def test_no_events_make_no_messages() -> None:
    assert present([], app=APP, now=s.START) == []


# -- pictures ---------------------------------------------------------------------------------------------------------------


def pictures(card: Card) -> list[Image]:
    return [child for child in card.children if isinstance(child, Image)]


def test_a_card_to_decide_on_shows_what_the_app_looks_like_on_a_screen_and_on_a_phone() -> None:
    card = build_card(*s.requested(), *s.written(), *s.verified(), *s.ready())
    assert pictures(card) == [
        Image(
            path=f"/builds/{s.BUILD}/pictures/{'a' * 64}",
            alt="The first page of Todo list, as a browser shows it",
            width=1280,
            height=800,
        ),
        Image(path=f"/builds/{s.BUILD}/pictures/{'b' * 64}", alt="The same page of Todo list on a phone", width=390, height=844),
    ]


def test_the_picture_stays_while_it_goes_live_and_while_it_is_live() -> None:
    before = [*s.requested(), *s.written(), *s.verified(), *s.ready(), *s.deploying()]
    assert len(pictures(build_card(*before))) == 2
    assert len(pictures(build_card(*before, *s.live()))) == 2
    restart = e.DeploymentRequested(deployment="dep_9", build=s.BUILD, purpose="restart", release=1, by="Ann")
    assert len(pictures(build_card(*before, *s.live(), restart, *s.live("dep_9")))) == 2


def test_what_is_over_shows_no_picture_which_may_not_be_kept_any_more() -> None:
    ready = [*s.requested(), *s.written(), *s.verified(), *s.ready()]
    for outcome in ("discarded", "superseded", "expired"):
        ended = e.ApprovalEnded(approval=s.APPROVAL, build=s.BUILD, outcome=outcome, by="Ann")
        assert pictures(build_card(*ready, ended)) == []
    assert pictures(build_card(*ready, e.AppDeleted(by="Ann"))) == []
    second = [
        e.DeploymentRequested(deployment="dep_9", build="bld_9", purpose="deploy", release=2, by="Ann"),
        *s.live("dep_9", release=2),
    ]
    replaced = [*ready, *s.deploying(), *s.live(), *second]
    assert pictures(build_card(*replaced)) == []


def test_a_build_that_no_browser_has_seen_has_no_picture() -> None:
    facts = [f.model_copy(update={"picture": None, "phone": None}) if isinstance(f, e.BuildReady) else f for f in s.ready()]
    assert pictures(build_card(*s.requested(), *facts)) == []


# -- a build that works ----------------------------------------------------------------------------------------------------


def test_a_build_that_waits_says_how_many_are_ahead_and_can_be_cancelled() -> None:
    card = build_card(*s.requested(), e.BuildQueued(build=s.BUILD, ahead=1))
    assert (card.title, card.status, card.tone) == ("New app", "Queued", Tone.WORKING)
    assert "1 build is ahead of it." in said(card)
    assert (button(card, "cancel").value, actions(card)) == (s.BUILD, ["Cancel"])


def test_a_working_build_shows_its_steps_and_counts_the_files() -> None:
    begun = [*s.requested(), *s.written()[:7]]
    card = build_card(*begun)
    assert (card.title, card.subtitle, card.status) == ("Todo list", "Keeps todos with due dates and priorities.", "Building")
    assert [(step.name, step.state.value, step.detail) for step in steps(card)] == [
        ("Plan", "done", "fastapi, 2 tables, 4 files"),
        ("Write the files", "running", "2 of 4 files"),
        ("Install dependencies", "waiting", ""),
        ("Build", "waiting", ""),
        ("Try it out", "waiting", ""),
    ]
    assert steps(card)[0].seconds == 0.4


def test_steps_keep_their_order_when_the_model_mends_and_they_run_again() -> None:
    again = [e.BuildStep(build=s.BUILD, step=s.step("write", StepState.RUNNING)), e.BuildNote(build=s.BUILD, text="It mends it.")]
    card = build_card(*s.requested(), *s.written(), *s.verified(), *again)
    assert [step.name for step in steps(card)][:3] == ["Plan", "Write the files", "Install dependencies"]
    assert "It mends it." in said(card)


def test_a_push_shows_no_plan_and_no_writing() -> None:
    pushed = e.BuildRequested(build=s.BUILD, number=1, purpose="push", text="3 files sent", by="Ann", model="none")
    card = build_card(pushed, e.BuildStep(build=s.BUILD, step=s.step("install", StepState.RUNNING)))
    assert [step.name for step in steps(card)] == ["Install dependencies", "Build", "Try it out"]
    assert card.title == APP.name


def test_a_change_is_told_by_what_was_asked_for() -> None:
    card = build_card(*s.requested(text="make it blue", change=True), *s.written())
    assert card.subtitle == "make it blue"


# -- the review card -------------------------------------------------------------------------------------------------------

READY = [*s.requested(), *s.written(), *s.verified(), *s.ready()]


def test_the_review_card_shows_all_that_a_decision_needs() -> None:
    card = build_card(*READY)
    assert (card.title, card.status, card.tone) == ("Todo list", "Ready for review", Tone.WAITING)
    assert [child.id for child in card.children if isinstance(child, Section)] == ["files", "setup", "deploy"]
    files = section(card, "files").children
    assert isinstance(files[0], Files)
    assert next((f.path, f.size, f.purpose) for f in files[0].files) == ("app/main.py", 4120, "routes")
    tables = [child for child in files if isinstance(child, Table)]
    assert ["fastapi", "0.139.0"] in tables[0].rows
    assert tables[1].rows[0] == ["todos", "title (text), due_date (date), person (→ people)"]
    setup = section(card, "setup").children
    assert setup[1] == Table(
        columns=["Setting", "What it is for", "Needed"], rows=[["SMTP_URL", "where reminders are sent from", "yes"]]
    )
    deploy = section(card, "deploy").children
    assert isinstance(deploy[0], Steps)
    assert [step.name for step in deploy[0].steps][:5] == ["Install", "Build", "Start", "Database", "/api/todos"]
    assert facts_of(deploy)["May approve"] == "anyone here"
    assert facts_of(deploy)["Until"] == "15 Nov 2026, 14:05 UTC"
    assert facts_of(card.children) == {
        "Framework": "FastAPI",
        "Written by": "openai gpt-x",
        "Took": "9.4 s",
        "Tokens": "11,310, about $0.13",
    }
    assert "A todo belongs to at most one person." in said(card)


def test_the_review_card_offers_approve_change_download_and_discard() -> None:
    card = build_card(*READY)
    assert actions(card) == ["Approve & deploy", "Change…", "Download .zip", "Discard"]
    assert button(card, "approve").value == f"{s.APPROVAL} {s.BUILD} sha256:ab12cd34ab12"
    assert button(card, "approve").confirm is None
    assert button(card, "change").value == "todo-list"
    assert button(card, "discard").value == s.APPROVAL
    assert button(card, "discard").confirm is not None
    assert [a.url for a in card.actions if isinstance(a, Link)] == [f"/builds/{s.BUILD}.zip"]


def test_destructive_statements_are_a_warning_and_ask_again() -> None:
    card = build_card(*s.requested(), *s.written(), *s.ready(destructive=["DROP TABLE todos"] * 30))
    warning = next(child for child in card.children if isinstance(child, Text) and child.style == "warning")
    assert "DROP TABLE todos" in warning.text
    confirm = button(card, "approve").confirm
    assert confirm is not None
    assert "DROP TABLE todos" in confirm.text
    assert len(confirm.text) <= 300


def test_a_first_yes_of_two_is_told_and_the_question_stays_open() -> None:
    given = e.ApprovalGiven(approval=s.APPROVAL, build=s.BUILD, by="Ann")
    destructive = [*s.requested(), *s.written(), *s.ready(destructive=["DROP TABLE todos"])]
    card = build_card(*destructive, given)
    assert (card.status, card.tone) == ("One more yes", Tone.WAITING)
    assert "Ann has said yes. It removes data, so a second person must say yes too." in said(card)
    assert "Approve & deploy" in actions(card)
    assert "Discard" in actions(card)
    ended = e.ApprovalEnded(approval=s.APPROVAL, build=s.BUILD, outcome="approved", by="Ann and Ben")
    assert "Ann and Ben" in said(build_card(*destructive, given, ended))
    assert build_card(*destructive, given, now=timedelta(hours=72)).status == "Expired"
    over = e.ApprovalEnded(approval=s.APPROVAL, build=s.BUILD, outcome="discarded", by="Ben")
    assert build_card(*destructive, given, over).status == "Discarded"


def test_words_that_were_typed_in_the_thread_say_so() -> None:
    messages = present(s.told(e.Said(by="Ann", text="a", seen=True), e.Said(by="Ann", text="b")), app=APP, now=s.START)
    assert [True, False] == [message.seen for message in messages]


def test_all_files_can_be_had_where_the_page_is_not_at_hand() -> None:
    (link,) = [action for action in build_card(*READY).actions if isinstance(action, Link)]
    assert (link.url, link.action, link.value) == (f"/builds/{s.BUILD}.zip", "zip", s.BUILD)


def test_nothing_can_be_approved_before_the_question_is_asked() -> None:
    assert actions(build_card(*READY[:-1])) == []


def test_nothing_can_be_approved_after_the_deadline() -> None:
    card = build_card(*READY, now=timedelta(hours=72))
    assert (card.status, card.tone) == ("Expired", Tone.QUIET)
    assert actions(card) == ["Change…"]


@pytest.mark.parametrize(
    ("outcome", "status", "words"),
    [
        ("discarded", "Discarded", "Discarded by Ben. Nothing was deployed."),
        ("expired", "Expired", "Nobody approved it in time."),
        ("superseded", "Over", "It cannot be deployed any more."),
    ],
)
def test_a_decided_question_has_no_approve_button_and_says_why(outcome: str, status: str, words: str) -> None:
    ended = e.ApprovalEnded.model_validate({"approval": s.APPROVAL, "build": s.BUILD, "outcome": outcome, "by": "Ben"})
    card = build_card(*READY, ended)
    assert (card.status, card.tone) == (status, Tone.QUIET)
    assert words in said(card)
    assert "Approve & deploy" not in actions(card)
    assert "Discard" not in actions(card)


def test_a_superseded_card_points_to_the_newest_one_and_has_no_buttons() -> None:
    ended = e.ApprovalEnded(approval=s.APPROVAL, build=s.BUILD, outcome="superseded")
    card = build_card(*READY, *s.requested("b_2", number=2, change=True), ended)
    assert (card.status, actions(card)) == ("Superseded", [])
    assert "Look at the newest card." in said(card)


def test_an_approved_card_says_by_whom_and_follows_the_deployment() -> None:
    card = build_card(*READY, *s.deploying())
    assert (card.status, card.tone, actions(card)) == ("Deploying", Tone.WORKING, ["Download .zip"])
    assert "Approved by Ben." in said(card)
    progress = section(card, "deploy").children[-1]
    assert isinstance(progress, Steps)
    assert [step.name for step in progress.steps] == ["Database", "Migrations", "Start"]


def test_an_approved_card_ends_with_the_address_the_database_and_the_live_log() -> None:
    card = build_card(*READY, *s.deploying(), *s.live())
    deploy = section(card, "deploy").children
    assert (card.status, card.tone) == ("Deployed as v1", Tone.GOOD)
    assert facts_of(deploy)["Address"] == "http://todo-list.localhost:8080"
    assert facts_of(deploy)["Database"] == "t_9f3c"
    assert facts_of(deploy)["Settings"] == "SMTP_URL"
    assert isinstance(deploy[-1], Log)
    assert deploy[-1].live_app == "todo-list"


def test_an_approved_card_tells_of_a_deployment_that_failed() -> None:
    broken = e.DeploymentFailed(deployment=s.DEPLOYMENT, stage="health", reason="It did not answer", log_tail="boom")
    card = build_card(*READY, *s.deploying(), broken)
    assert (card.status, card.tone) == ("Not deployed", Tone.BAD)
    assert "boom" in said(card)
    assert actions(card) == ["Change…", "Download .zip"]


# -- builds that come to nothing -------------------------------------------------------------------------------------------


def test_a_failed_build_shows_why_with_the_log_and_can_be_tried_again() -> None:
    card = build_card(*s.requested(), *s.written(), *s.verified(), *s.failed())
    assert (card.status, card.tone) == ("Failed", Tone.BAD)
    assert "The app ended while it started (exit code 1)." in said(card)
    assert "It failed at: Try it out" in said(card)
    assert "KeyError: 'SMTP_URL'" in said(card)
    assert actions(card) == ["Try again", "Change…"]
    assert button(card, "retry").value == s.BUILD


def test_a_build_that_failed_before_its_plan_has_a_card_too() -> None:
    card = build_card(*s.requested(), e.BuildFailed(build=s.BUILD, stage="write", reason="The model refused"))
    assert (card.title, card.subtitle) == ("New app", "a todo app with due dates")
    assert "The model refused." in said(card)


def test_why_it_failed_is_said_once_and_at_which_step() -> None:
    reason = "The built-in starter did not understand that change. It can do things like “add a due date to notes”"
    refused = e.BuildStep(build=s.BUILD, step=s.step("plan", StepState.FAILED, detail=reason[:90]))
    card = build_card(*s.requested(), refused, e.BuildFailed(build=s.BUILD, stage="write", reason=reason))
    (steps,) = [child for child in card.children if isinstance(child, Steps)]
    assert ("It failed at: Plan", [("Plan", "")]) == (steps.title, [(step.name, step.detail) for step in steps.steps])
    assert 1 == str(card).count("did not understand that change")


def test_only_the_newest_build_can_be_tried_again() -> None:
    card = build_card(*s.requested(), *s.failed(), *s.requested("b_2", number=2))
    assert actions(card) == []


def test_a_cancelled_build_says_by_whom() -> None:
    card = build_card(*s.requested(), *s.written(), e.BuildCancelled(build=s.BUILD, by="Ann"))
    assert (card.status, card.tone) == ("Cancelled", Tone.QUIET)
    assert "Cancelled by Ann." in said(card)
    assert actions(card) == ["Try again", "Change…"]


def test_a_deleted_app_leaves_nothing_that_works_or_can_be_pressed() -> None:
    end = e.AppDeleted(by="Ann", snapshot="last.dump")
    unfinished = e.DeploymentRequested(deployment="d_9", build=s.BUILD, purpose="restart", release=1, by="Ann")
    everything = cards(*READY, *s.deploying(), *s.live(), *s.requested("b_2", number=2), unfinished, end)
    for card in everything.values():
        assert card.tone is Tone.QUIET
        assert not any(isinstance(action, Button) for action in card.actions)
    assert "last.dump" in said(list(everything.values())[-1])


# -- deployments -----------------------------------------------------------------------------------------------------------

DEPLOYED = [*READY, *s.deploying(), *s.live()]


def test_a_running_deployment_shows_the_steps_that_are_done_and_those_to_come() -> None:
    card = deploy_card(*READY, *s.deploying())
    assert (card.status, card.tone, card.subtitle) == ("Deploying", Tone.WORKING, "Deploying v1, approved by Ben.")
    assert [(step.name, step.state.value) for step in steps(card)] == [
        ("Database", "done"),
        ("Migrations", "done"),
        ("Start", "running"),
        ("Health check", "waiting"),
        ("Route", "waiting"),
        ("Ask through the proxy", "waiting"),
    ]
    assert actions(card) == []


def test_a_rollback_with_data_expects_a_pause_a_snapshot_and_a_restore() -> None:
    back = e.DeploymentRequested(
        deployment="d_2", build=s.BUILD, purpose="rollback", release=2, by="Ann", from_release=1, with_data=True
    )
    card = deploy_card(*DEPLOYED, back, deployment="d_2")
    assert card.subtitle == "Rolling back to v1 as v2: code, data and settings. Ann asked for it."
    names = [step.name for step in steps(card)]
    assert names[:5] == ["Pause the app", "Snapshot the data", "Database", "Restore the data", "Migrations"]


def test_an_app_without_a_database_waits_for_none() -> None:
    plan = s.PLAN.model_copy(update={"requires_database": False})
    card = deploy_card(*s.requested(), e.BuildPlanned(build=s.BUILD, plan=plan), *s.deploying()[:2])
    assert [step.name for step in steps(card)] == ["Start", "Health check", "Route", "Ask through the proxy"]


def test_the_live_card_has_the_address_the_facts_the_log_and_the_buttons() -> None:
    card = deploy_card(*DEPLOYED)
    assert (card.title, card.status, card.tone) == ("Todo list", "Live", Tone.GOOD)
    assert facts_of(card.children) == {
        "Address": "http://todo-list.localhost:8080",
        "Release": "v1, live after 1.4 s",
        "Database": "t_9f3c",
        "Database host": "127.0.0.1:5433",
        "Role": "t_9f3c_app",
        "Limits": "512 MB, 20 connections",
        "Service": "i_0123456789bcdfgh",
        "Runtime": "Python 3.11",
        "Host": "process",
        "Isolation": "namespaces of its own",
        "Resources": "512 MB memory, 1 CPU",
        "Domain": "todo-list.localhost",
        "Settings": "SMTP_URL",
    }
    log = card.children[-1]
    assert isinstance(log, Log)
    assert (log.lines[-1], log.live_app) == ("GET /healthz 200", "todo-list")
    assert actions(card) == ["Open", "Logs", "Settings", "Reveal", "Rollback…", "Restart", "Stop"]
    assert {a.value for a in card.actions if isinstance(a, Button)} == {"todo-list"}


def test_only_the_newest_live_card_keeps_its_buttons() -> None:
    again = e.DeploymentRequested(deployment="d_2", build=s.BUILD, purpose="settings", release=2, by="Ann")
    running = cards(*DEPLOYED, again)
    assert "Open" in actions(running[f"deploy:{s.DEPLOYMENT}"])
    done = cards(*DEPLOYED, again, *s.live("d_2", release=2))
    old, new = done[f"deploy:{s.DEPLOYMENT}"], done["deploy:d_2"]
    assert (old.status, old.tone, actions(old)) == ("Replaced by v2", Tone.QUIET, [])
    assert "Open" in actions(new)
    assert new.subtitle == "v2, settings changed by Ann."


def test_a_restart_of_the_same_release_does_not_say_that_it_replaced_itself() -> None:
    again = e.DeploymentRequested(deployment="d_2", build=s.BUILD, purpose="restart", release=1, by="Ann")
    assert deploy_card(*DEPLOYED, again, *s.live("d_2", release=1)).status == "Started anew since"


def test_a_stopped_app_can_be_started_or_deleted_until_it_starts() -> None:
    stopped = [*DEPLOYED, e.AppStopped(by="Ann")]
    card = deploy_card(*stopped)
    assert (card.status, card.tone, actions(card)) == ("Stopped", Tone.QUIET, ["Start", "Delete…"])
    starting = e.DeploymentRequested(deployment="d_2", build=s.BUILD, purpose="start", release=1, by="Ann")
    assert actions(deploy_card(*stopped, starting)) == ["Delete…"]


def test_a_failed_deployment_says_why_and_what_is_live_still() -> None:
    failed = e.DeploymentFailed(deployment="d_2", stage="health", reason="It did not answer", log_tail="boom\nbang", still_live=1)
    asked = e.DeploymentRequested(deployment="d_2", build=s.BUILD, purpose="deploy", release=2, by="Ben")
    card = deploy_card(*DEPLOYED, asked, failed, deployment="d_2")
    assert (card.status, card.tone, card.subtitle) == ("Failed", Tone.BAD, "v2 did not go live.")
    assert "It failed at “Health check”. It did not answer." in said(card)
    assert "v1 is still live." in said(card)
    assert [child.lines for child in card.children if isinstance(child, Log)] == [["boom", "bang"]]
    assert actions(card) == ["Change…"]
    assert "Open" in actions(deploy_card(*DEPLOYED, asked, failed))


def test_a_crash_is_told_and_passes() -> None:
    crash = e.AppCrashed(release=1, reason="It used more memory than it may", log_tail=["Killed"])
    during = cards(*DEPLOYED, crash)
    notice = list(during.values())[-1]
    assert (notice.status, notice.tone) == ("Crashed", Tone.BAD)
    assert "Killed" in said(notice)
    assert actions(notice) == ["Propose a fix", "Logs"]
    assert during[f"deploy:{s.DEPLOYMENT}"].status == "Crashed"
    after = list(cards(*DEPLOYED, crash, e.AppRecovered(release=1, url="http://x.localhost:1")).values())
    assert [card.status for card in after[-2:]] == ["Crashed earlier", "Recovered"]
    assert after[-3].status == "Live"


def test_a_fix_is_offered_of_the_newest_crash_of_what_is_live() -> None:
    crash = e.AppCrashed(release=1, reason="It used more memory than it may", log_tail=["Killed"])
    again = [crash, e.AppRecovered(release=1, url="http://x.localhost:1")]

    def offered(*facts: e.Fact) -> list[list[str]]:
        return [actions(card) for card in cards(*DEPLOYED, *facts).values() if card.status.startswith("Crashed earlier")]

    assert offered(*again) == [["Propose a fix"]], "it answers again, and what made it end is not mended by that"
    assert offered(*again, *again) == [[], ["Propose a fix"]]
    assert offered(*again, e.AppStopped(by="Ann")) == [[]]
    assert offered(*again, *s.deploying(deployment="d_2", release=2), *s.live("d_2", release=2)) == [[]]


def test_changed_settings_are_told_by_name() -> None:
    notice = next(iter(cards(e.SettingsChanged(by="Ann", set=["A", "B"], unset=["C"], version=3)).values()))
    assert notice.subtitle == "Ann set A, B and removed C."


# -- for every story -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", range(len(s.whole_life()) + 1))
def test_every_prefix_of_a_whole_life_gives_valid_cards(length: int) -> None:
    check(present(s.whole_life()[:length], app=APP, now=s.START))


def test_the_same_events_give_the_same_messages_also_when_they_come_twice() -> None:
    events = s.whole_life()
    once = present(events, app=APP, now=s.START)
    assert present(events, app=APP, now=s.START) == once
    assert present([*events, *reversed(events)], app=APP, now=s.START) == once


def check(messages: list[Message]) -> None:
    keys = [message.key for message in messages]
    assert len(keys) == len(set(keys))
    for message in messages:
        assert (message.card is None) == bool(message.author)
        if message.card is not None:
            check_card(message.card)


SECRETS = [
    "postgresql://t_1_app:hunter2hunter2@127.0.0.1:5433/t_1",
    "sk-proj-abcdefghijklmnop0123456789",
    "xoxb-1234567890-abcdefghij",
    "DB_PASSWORD=hunter2hunter2",
    "ghp_abcdefghijklmnopqrstuvwxyz012345",
]
NEEDLES = ["hunter2", "sk-proj", "xoxb-1", "ghp_a"]

_secret = st.sampled_from(SECRETS).map(lambda secret: f"error: {secret} was refused")
_text = st.one_of(
    _secret, st.text(max_size=40), st.sampled_from(["", "\x1b[31mred\x1b[0m\x00\u202e", "a\nb", "<@U1> *x* [b]x[/b]"])
)
_name = st.sampled_from([s.BUILD, "b_2", "b_3"])
_deployment = st.sampled_from([s.DEPLOYMENT, "d_2"])
_approval = st.sampled_from([s.APPROVAL, "ap_2"])
_step = st.builds(
    Step,
    name=st.one_of(st.sampled_from(["plan", "write", "try", "health", "todos"]), _text),
    state=st.sampled_from(StepState),
    detail=_text,
    seconds=st.one_of(st.none(), st.floats(0, 10_000)),
)
_plan = st.builds(
    lambda summary, name, assumed: s.PLAN.model_copy(update={"summary": summary, "name": name, "assumptions": assumed}),
    _text,
    st.text(max_size=60),
    st.lists(_text, max_size=2),
)
_files = st.lists(st.builds(e.FileEntry, path=_text, size=st.integers(0, 10**10), purpose=_text), max_size=3)
_when = st.integers(-100, 100).map(lambda hours: s.START + timedelta(hours=hours))
_number = st.integers(0, 99)
_facts_strategy: st.SearchStrategy[e.Fact] = st.one_of(
    st.builds(e.AppNamed, slug=st.sampled_from(["todo", "a" * 90]), name=_text, framework=st.just("express")),
    st.builds(e.Said, by=_text, text=_text),
    st.builds(
        e.BuildRequested,
        build=_name,
        number=_number,
        purpose=st.sampled_from(["new", "change", "push"]),
        text=_text,
        by=_text,
        model=_text,
    ),
    st.builds(e.BuildQueued, build=_name, ahead=_number),
    st.builds(e.BuildStep, build=_name, step=_step),
    st.builds(e.BuildPlanned, build=_name, plan=_plan),
    st.builds(e.FileWritten, build=_name, path=_text, size=_number),
    st.builds(e.BuildNote, build=_name, text=_text),
    st.builds(
        e.BuildReady,
        build=_name,
        artifact=st.just(s.DIGEST),
        plan=_plan,
        files=_files,
        dependencies=st.dictionaries(_text, _text, max_size=2),
        evidence=st.lists(_step, max_size=3),
        isolation=_text,
        instructions=_text,
        input_tokens=_number,
        cost_usd=st.one_of(st.none(), st.floats(0, 100)),
        destructive=st.lists(_text, max_size=3),
        seconds=st.floats(0, 1000),
    ),
    st.builds(
        e.BuildFailed, build=_name, stage=_text, reason=_text, log_tail=_text, evidence=st.lists(_step, max_size=3), files=_files
    ),
    st.builds(e.BuildCancelled, build=_name, by=_text),
    st.builds(e.ApprovalRequested, approval=_approval, build=_name, digest=st.just(s.DIGEST), who=_text, deadline=_when),
    st.builds(e.ApprovalGiven, approval=_approval, build=_name, by=_text),
    st.builds(
        e.ApprovalEnded,
        approval=_approval,
        build=_name,
        outcome=st.sampled_from(["approved", "discarded", "superseded", "expired"]),
        by=_text,
    ),
    st.builds(
        e.DeploymentRequested,
        deployment=_deployment,
        build=_name,
        purpose=st.sampled_from(["deploy", "rollback", "settings", "start", "restart"]),
        release=_number,
        by=_text,
        from_release=st.one_of(st.none(), _number),
        with_data=st.booleans(),
    ),
    st.builds(e.DeploymentStep, deployment=_deployment, step=_step),
    st.builds(
        e.DeploymentLive,
        deployment=_deployment,
        release=_number,
        url=st.one_of(_text, st.just("http://x.localhost:1")),
        database=st.one_of(
            st.none(),
            st.builds(
                e.DatabaseFacts,
                tenant=_text,
                host=_text,
                port=_number,
                name=_text,
                role=_text,
                size_limit_mb=_number,
                connections=_number,
            ),
        ),
        hosting=st.builds(
            e.HostingFacts,
            service=_text,
            runtime=_text,
            host=_text,
            isolation=_text,
            memory_mb=_number,
            cpus=st.floats(0, 64),
            domain=_text,
        ),
        settings=st.lists(_text, max_size=2),
        log_tail=st.lists(_text, max_size=3),
        seconds=st.floats(0, 100),
    ),
    st.builds(
        e.DeploymentFailed,
        deployment=_deployment,
        stage=_text,
        reason=_text,
        log_tail=_text,
        still_live=st.one_of(st.none(), _number),
    ),
    st.builds(e.AppStopped, by=_text),
    st.builds(e.AppDeleted, by=_text, snapshot=_text),
    st.builds(e.AppCrashed, release=_number, reason=_text, log_tail=st.lists(_text, max_size=3)),
    st.builds(e.AppRecovered, release=_number, url=_text),
    st.builds(e.SettingsChanged, by=_text, set=st.lists(_text, max_size=2), unset=st.lists(_text, max_size=2), version=_number),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(_facts_strategy, max_size=15), st.integers(-100, 100))
def test_any_events_in_any_order_give_valid_cards_without_a_secret(facts: list[e.Fact], hours: int) -> None:
    messages = present(s.told(*facts), app=APP, now=s.START + timedelta(hours=hours))
    check(messages)
    shown = "\n".join(said(m.card) if m.card is not None else f"{m.author} {m.text}" for m in messages)
    for needle in NEEDLES:
        assert needle not in shown
    assert "\x1b" not in shown
    assert "\x00" not in shown

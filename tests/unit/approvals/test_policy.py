"""Who may approve: the whole table."""

from __future__ import annotations

import pytest

from core.approvals.policy import Decider, describe, needs_two, refusal
from core.words.views import WorkspaceSettings

ANYONE = WorkspaceSettings(approvers="anyone")
REQUESTER = WorkspaceSettings(approvers="requester")
NAMED = WorkspaceSettings(approvers="named", named_approvers=["ada", "bob"])
GROUP = WorkspaceSettings(approvers="named", named_approvers=["bob", "ops"])
NAMES = {"ada": "Ada L.", "ops": "@operations"}


def decider(who: str) -> Decider:
    return Decider(
        external_id="ada" if "named" in who else "eve",
        groups={"ops"} if "group" in who else (),
        is_requester="requester" in who,
        is_owner="owner" in who,
    )


@pytest.mark.parametrize(
    ("settings", "who", "may"),
    [
        (ANYONE, "somebody", True),
        (ANYONE, "requester", True),
        (ANYONE, "owner", True),
        (REQUESTER, "somebody", False),
        (REQUESTER, "requester", True),
        (REQUESTER, "owner", True),
        (NAMED, "somebody", False),
        (NAMED, "requester", False),
        (NAMED, "named", True),
        (NAMED, "named requester", True),
        (NAMED, "owner", True),
        (NAMED, "group", False),
        (GROUP, "named", False),
        (GROUP, "group", True),
        (GROUP, "group requester", True),
        (REQUESTER, "group", False),
    ],
)
@pytest.mark.parametrize("self_approval", [True, False])
def test_the_settings_decide_who_may_and_every_refusal_has_a_reason(
    settings: WorkspaceSettings, who: str, may: bool, self_approval: bool
) -> None:
    said = refusal(settings.model_copy(update={"self_approval": self_approval}), decider(who), {})
    if not self_approval and "requester" in who:
        assert "somebody else than the requester" in said
    else:
        assert may == (said == "")


def test_not_even_the_owner_approves_their_own_request_where_that_is_not_allowed() -> None:
    assert refusal(ANYONE.model_copy(update={"self_approval": False}), decider("requester owner"), {})


def test_a_refusal_names_those_who_may() -> None:
    assert "ada, bob" in refusal(NAMED, decider("somebody"), {})
    assert "bob, @operations" in refusal(GROUP, decider("somebody"), NAMES)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (ANYONE, "anyone here"),
        (REQUESTER, "Ada"),
        (NAMED, "ada, bob"),
        (ANYONE.model_copy(update={"self_approval": False}), "anyone here, but not Ada, who asked for it"),
    ],
)
def test_the_card_says_who_may(settings: WorkspaceSettings, words: str) -> None:
    assert words == describe(settings, "Ada", {}, destructive=False)
    assert words == describe(settings, "Ada", {}, destructive=True)  # here one person is enough
    two = settings.model_copy(update={"second_person": True})
    assert words == describe(two, "Ada", {}, destructive=False)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (ANYONE, "two people here"),
        (REQUESTER, "Ada and an admin"),
        (NAMED, "two of Ada L., bob and the admins"),
        (ANYONE.model_copy(update={"self_approval": False}), "two people here, but not Ada, who asked for it"),
    ],
)
def test_the_card_says_which_two_may_where_two_must(settings: WorkspaceSettings, words: str) -> None:
    two = settings.model_copy(update={"second_person": True})
    assert words == describe(two, "Ada", NAMES, destructive=True)


def test_the_card_says_what_approvers_are_called() -> None:
    assert "bob, @operations" == describe(GROUP, "Ada", NAMES, destructive=False)


@pytest.mark.parametrize("second_person", [True, False])
@pytest.mark.parametrize("destructive", [True, False])
def test_two_must_say_yes_to_what_removes_data_where_the_workspace_wants_it(second_person: bool, destructive: bool) -> None:
    settings = WorkspaceSettings(second_person=second_person)
    assert needs_two(settings, destructive=destructive) == (second_person and destructive)

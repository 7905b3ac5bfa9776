"""Who may approve is the workspace's decision: each refusal has its reason, is said to who pressed alone, and changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.nexus import Nexus, User

DEPLOY = "/api/ai/deploy/app"
OPEN = {"approvers": "anyone", "named_approvers": "", "self_approval": "true", "approval_hours": "72"}


@pytest.fixture(autouse=True)
async def open_again(owner: User) -> AsyncIterator[None]:
    """Afterwards anyone may approve, as at the beginning."""
    yield
    assert not (await owner.submit("settings", "", OPEN))["error"]


@pytest.fixture(scope="module")
def carol(nexus: Nexus) -> User:
    return nexus.user("carol")


async def decide(owner: User, **settings: str) -> None:
    said = await owner.submit("settings", "", settings)
    assert not said["error"], said


async def refused(user: User, generated: dict[str, Any], reason: str, *, status: int = 403) -> None:
    """Over the API and by a press alike, and nothing of it is in the thread."""
    problem = (await user.post(DEPLOY, {"build_id": generated["build_id"]})).problem(status)
    assert reason in problem["detail"]
    card = await user.nexus.user("you").card(generated["app"], "build", tone="waiting")
    value = next(action["value"] for action in card["actions"] if action.get("action") == "approve")
    pressed = await user.press("approve", value)
    assert pressed["error"]
    assert reason in pressed["text"]
    assert reason not in str(await user.nexus.user("you").messages(generated["app"]))
    assert "pending" == (await user.nexus.user("you").get(f"/api/v1/builds/{generated['build_id']}")).ok()["approval_state"]


async def test_at_first_the_requester_and_the_owner_may_approve(warm: Nexus, alice: User, owner: User) -> None:
    assert "deployed" == (await alice.deploy(await alice.generate("a list of oaks")))["status"]
    assert "deployed" == (await owner.deploy(await alice.generate("a list of elms")))["status"]
    assert "deployed" == (await owner.deploy(await owner.generate("a list of firs")))["status"]


async def test_named_people_alone_may_approve_and_see_what_they_approve(
    warm: Nexus, alice: User, bob: User, carol: User, owner: User
) -> None:
    await decide(owner, approvers="named", named_approvers="carol, dora")
    generated = await alice.generate("a list of ants")
    await refused(alice, generated, "Only named people may approve here: carol, dora.")
    await refused(bob, generated, "not yours to see", status=404)
    assert "carol, dora" in str(await alice.card(generated["app"], "build", tone="waiting")), "the card says who may"
    assert generated["app"] in (await carol.get("/api/v1/apps")).text
    (await carol.post(f"/api/v1/apps/{generated['app']}/changes", {"text": "x"})).problem(403, "forbidden")
    assert "deployed" == (await carol.deploy(generated))["status"]
    assert "carol" == (await warm.event(generated["app"], "approval.ended"))["by"]


async def test_an_approver_who_is_not_the_owner_gets_no_password_of_the_apps_database(
    warm: Nexus, alice: User, carol: User, owner: User
) -> None:
    await decide(owner, approvers="named", named_approvers="carol")
    generated = await alice.generate("a list of bees")
    answer = await carol.post(DEPLOY, {"build_id": generated["build_id"]})
    database = answer.ok()["database"]
    assert database["role"] in database["connection_string"]
    secret = (await alice.get("/api/v1/tenants/me")).ok()["tenants"]
    password = next(t for t in secret if t["app"] == generated["app"])["connection_string"].split(":")[2].split("@")[0]
    assert password not in answer.text
    assert password not in (await carol.get("/api/v1/tenants/me")).text
    assert (await carol.press("reveal", generated["app"]))["error"]
    assert not (await alice.press("reveal", generated["app"]))["error"]


async def test_without_self_approval_somebody_else_is_asked(warm: Nexus, alice: User, carol: User, owner: User) -> None:
    await decide(owner, self_approval="false", approvers="named", named_approvers="carol, alice")
    generated = await alice.generate("a list of cows")
    await refused(alice, generated, "somebody else than the requester")
    (await carol.post(f"/api/v1/approvals/{generated['approval_id']}/discard")).ok()
    own = await owner.generate("a list of pigs")
    await refused(owner, own, "somebody else than the requester")
    assert "deployed" == (await carol.deploy(own))["status"]


async def test_the_policy_is_the_one_of_the_moment_of_the_click(warm: Nexus, alice: User, owner: User) -> None:
    generated = await alice.generate("a list of hens")
    await decide(owner, approvers="named", named_approvers="carol")
    await refused(alice, generated, "Only named people may approve here: carol.")
    await decide(owner, approvers="requester")
    assert "deployed" == (await alice.deploy(generated))["status"]


async def test_the_hours_until_the_deadline_are_the_workspaces(warm: Nexus, alice: User, owner: User) -> None:
    await decide(owner, approval_hours="2")
    generated = await alice.generate("a list of owls")
    rows = await warm.sql(
        "SELECT extract(epoch FROM a.deadline - b.created_at) / 3600 AS hours FROM approvals a JOIN builds b ON b.id = a.build_id "
        "WHERE a.id = $1",
        generated["approval_id"],
    )
    assert 1.9 < float(rows[0]["hours"]) < 2.2


async def test_nobody_but_the_owner_decides_for_the_workspace(alice: User, owner: User) -> None:
    said = await alice.submit("settings", "", {"approvers": "requester"})
    assert said["error"]
    assert "owner" in said["text"]
    for values in (
        {"approvers": "nobody"},
        {"approvers": "named", "named_approvers": " , "},
        {"approval_hours": "never"},
        {"approval_hours": "0"},
        {"provider": "llama"},
    ):
        assert (await owner.submit("settings", "", values))["error"], values

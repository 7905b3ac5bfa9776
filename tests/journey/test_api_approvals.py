"""Approving over the API: twice, many at once, late, superseded, discarded; each is decided once and deployed at most once."""

from __future__ import annotations

import asyncio

from tests.support.nexus import Nexus, User, until

DEPLOY = "/api/ai/deploy/app"


async def deployments(nexus: Nexus, slug: str) -> int:
    rows = await nexus.sql("SELECT count(*) FROM deployments d JOIN apps a ON a.id = d.app_id WHERE a.slug = $1", slug)
    return int(rows[0]["count"])


async def test_many_deploys_at_once_are_one_deployment_and_all_get_its_answer(warm: Nexus, alice: User) -> None:
    generated = await alice.generate("a list of chairs")
    answers = await asyncio.gather(*(alice.post(DEPLOY, {"build_id": generated["build_id"]}) for _ in range(8)))
    good = [answer.json for answer in answers if answer.status == 200]
    assert good
    assert 1 == len({answer["deployment_id"] for answer in good})
    for answer in answers:
        if answer.status != 200:
            answer.problem(409, "conflict")
    assert 1 == await deployments(warm, generated["app"])
    assert 1 == len((await alice.get(f"/api/v1/apps/{generated['app']}/releases")).ok()["releases"])
    kinds = [fact["kind"] for fact in await warm.events(generated["app"])]
    assert (1, 1, 1) == tuple(kinds.count(kind) for kind in ("approval.ended", "deployment.requested", "deployment.live"))


async def test_clicks_of_two_people_and_calls_at_once_are_one_deployment(warm: Nexus, alice: User, owner: User) -> None:
    generated = await alice.generate("a list of tables")
    value = f"{generated['approval_id']} {generated['build_id']} {generated['artifact'].removeprefix('sha256:')[:12]}"
    card = await alice.card(generated["app"], "build", tone="waiting")
    button = next(a for a in card["actions"] if a.get("action") == "approve")
    assert button["value"].split(" ")[:2] == value.split(" ")[:2]
    said = await asyncio.gather(*(user.press("approve", button["value"]) for user in (alice, owner) * 4))
    assert 1 == sum(not answer["error"] for answer in said), said
    assert all("nothing was deployed twice" in answer["text"] for answer in said if answer["error"])
    await warm.event(generated["app"], "deployment.live")
    assert 1 == await deployments(warm, generated["app"])


async def test_deploying_what_is_live_again_answers_with_the_same_release(alice: User, warm: Nexus) -> None:
    generated = await alice.generate("a list of lamps")
    first = await alice.deploy(generated)
    again = await alice.deploy(generated)
    assert first == again
    assert 1 == await deployments(warm, generated["app"])


async def test_an_approval_past_its_deadline_approves_nothing(warm: Nexus, alice: User) -> None:
    generated = await alice.generate("a list of rugs")
    card = await alice.card(generated["app"], "build", tone="waiting")
    value = next(a for a in card["actions"] if a.get("action") == "approve")["value"]
    await warm.sql("UPDATE approvals SET deadline = now() - interval '1 second' WHERE id = $1", generated["approval_id"])
    assert "deadline" in (await alice.post(DEPLOY, {"build_id": generated["build_id"]})).problem(409, "conflict")["detail"]
    late = await alice.press("approve", value)
    assert late["error"]
    assert "deadline" in late["text"]
    assert 0 == await deployments(warm, generated["app"])

    await warm.event(generated["app"], "approval.ended", outcome="expired")

    async def without_buttons() -> bool:
        shown = next(c for c in await alice.cards(generated["app"]) if c["kind"] == "build")
        return "approve" not in [a.get("action") for a in shown["actions"]]

    await until(without_buttons, what="the card has lost its button")
    assert "deadline" in (await alice.post(DEPLOY, {"build_id": generated["build_id"]})).problem(409, "conflict")["detail"]
    assert "ready" == (await alice.change(generated["app"], "add a colour field"))["state"], "a change gives a new card"


async def test_a_change_supersedes_the_older_question(warm: Nexus, alice: User) -> None:
    generated = await alice.generate("a list of mugs")
    changed = await alice.change(generated["app"], "add a colour field")
    assert "newer" in (await alice.post(DEPLOY, {"build_id": generated["build_id"]})).problem(409, "conflict")["detail"]
    await alice.card(generated["app"], "build", tone="waiting")
    old, new = [card for card in await alice.cards(generated["app"]) if card["kind"] == "build"]
    assert "approve" not in [a.get("action") for a in old["actions"]]
    assert "approve" in [a.get("action") for a in new["actions"]]
    assert 1 == (await alice.post(DEPLOY, {"build_id": changed["build_id"]})).ok()["release"]


async def test_a_click_on_a_card_that_shows_another_artifact_approves_nothing(warm: Nexus, alice: User) -> None:
    generated = await alice.generate("a list of bowls")
    value = f"{generated['approval_id']} {generated['build_id']} {'0' * 24}"
    said = await alice.press("approve", value)
    assert said["error"]
    assert "newest card" in said["text"]
    assert 0 == await deployments(warm, generated["app"])


async def test_a_discarded_build_is_not_deployed(warm: Nexus, alice: User) -> None:
    generated = await alice.generate("a list of forks")
    (await alice.post(f"/api/v1/approvals/{generated['approval_id']}/discard")).ok()
    assert "Discarded" in (await alice.post(DEPLOY, {"build_id": generated["build_id"]})).problem(409, "conflict")["detail"]
    (await alice.post(f"/api/v1/approvals/{generated['approval_id']}/discard")).problem(409, "conflict")
    assert 0 == await deployments(warm, generated["app"])


async def test_a_deleted_apps_approval_is_gone_with_it(warm: Nexus, alice: User) -> None:
    generated = await alice.generate("a list of pans")
    (await alice.delete(f"/api/v1/apps/{generated['app']}")).ok()
    assert (await alice.post(DEPLOY, {"build_id": generated["build_id"]})).status in {404, 409}
    assert 0 == await deployments(warm, generated["app"])


async def test_a_cancelled_build_ends_at_once_and_leaves_nothing_to_approve(warm: Nexus, alice: User) -> None:
    building = asyncio.create_task(
        alice.post("/api/ai/generate/app", {"description": "a list of pots", "framework": "fastapi", "app_name": "pots"})
    )
    asked = await warm.event("pots", "build.requested")
    (await alice.post(f"/api/v1/builds/{asked['build']}/cancel")).ok()
    assert "cancelled" in (await building).problem(409, "conflict")["detail"]
    assert "cancelled" == (await alice.get(f"/api/v1/builds/{asked['build']}")).ok()["state"]
    (await alice.post(f"/api/v1/builds/{asked['build']}/cancel")).problem(409, "conflict")
    assert not await warm.sql("SELECT 1 FROM approvals WHERE build_id = $1", asked["build"])

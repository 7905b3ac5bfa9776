"""views.*: modals, at most three on a stack, and the Home tab."""

from __future__ import annotations

import secrets

from tests.support.slack.api import Refused, Request, method
from tests.support.slack.content import check_view
from tests.support.slack.payloads import shown_view
from tests.support.slack.state import Json, View, Workspace, new_id

MAX_STACK = 3


def new_view(team: Workspace, user: str, body: Json, *, below: View | None = None) -> View:
    """A view that nobody sees yet; ``below`` is the one it is pushed on."""
    external = body.get("external_id")
    if external and any(view.body.get("external_id") == external for view in team.views()):
        raise Refused("duplicate_external_id")
    view_id = new_id("V")
    return View(
        id=view_id,
        team=team.id,
        user=user,
        body=body,
        hash=new_hash(),
        root=below.root if below else view_id,
        previous=below.id if below else None,
    )


def new_hash() -> str:
    return f"{secrets.randbelow(10**10)}.{secrets.token_hex(4)}"


def change(view: View, body: Json) -> None:
    """Show something else in this view; what was typed stays where the block and the action stay."""
    view.body, view.hash = body, new_hash()
    kept = {block["block_id"] for block in view.blocks}
    view.state = {block_id: values for block_id, values in view.state.items() if block_id in kept}


def _trigger(request: Request) -> tuple[Workspace, str]:
    return request.team, request.text("trigger_id") or request.required("interactivity_pointer")


@method("views.open")
def open_view(request: Request) -> Json:
    team, trigger_id = _trigger(request)
    body = check_view(team, request.args.get("view"), kind="modal")
    trigger = request.slack.triggers.look(team.id, trigger_id)
    view = new_view(team, trigger.user, body)
    trigger.used = True
    team.modals[trigger.user] = [view]
    request.slack.poke()
    return {"view": shown_view(team, view)}


@method("views.push")
def push_view(request: Request) -> Json:
    team, trigger_id = _trigger(request)
    body = check_view(team, request.args.get("view"), kind="modal")
    trigger = request.slack.triggers.look(team.id, trigger_id)
    stack = team.modals.get(trigger.user, [])
    if trigger.view is None or trigger.view not in stack:
        raise Refused("invalid_trigger_id", "views.push needs a trigger from within a modal")
    if len(stack) >= MAX_STACK:
        raise Refused("push_limit_reached")
    view = new_view(team, trigger.user, body, below=stack[-1])
    trigger.used = True
    stack.append(view)
    request.slack.poke()
    return {"view": shown_view(team, view)}


@method("views.update")
def update_view(request: Request) -> Json:
    team = request.team
    wanted, external = request.text("view_id"), request.text("external_id")
    view = next(
        (one for one in team.views() if one.id == wanted or (external and one.body.get("external_id") == external)),
        None,
    )
    if view is None:
        raise Refused("not_found")
    body = check_view(team, request.args.get("view"), kind=view.body["type"])
    if request.text("hash") and request.text("hash") != view.hash:
        raise Refused("hash_conflict")
    change(view, body)
    request.slack.poke()
    return {"view": shown_view(team, view)}


@method("views.publish")
def publish_view(request: Request) -> Json:
    team, user = request.team, request.required("user_id")
    if user not in team.people or team.people[user].deleted:
        raise Refused("user_not_found")
    body = check_view(team, request.args.get("view"), kind="home")
    before = team.homes.get(user)
    if request.text("hash") and before is not None and request.text("hash") != before.hash:
        raise Refused("hash_conflict")
    if before is None:
        before = team.homes[user] = new_view(team, user, body)
    else:
        change(before, body)
    request.slack.poke()
    return {"view": shown_view(team, before)}

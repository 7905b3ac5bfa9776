"""What the acknowledgement of a submitted modal does to it: errors, another view, one more on the stack, or the end of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.slack.api import Refused
from tests.support.slack.api_views import MAX_STACK, change, new_view
from tests.support.slack.content import check_view
from tests.support.slack.receipts import Receipt
from tests.support.slack.rendering import text_of
from tests.support.slack.state import View, Workspace

if TYPE_CHECKING:
    from tests.support.slack.server import LocalSlack

_TROUBLE = "We had some trouble connecting. Try again?"


def apply(slack: LocalSlack, team: Workspace, user: str, view: View, receipt: Receipt) -> None:
    """Do what the answer says; an answer that Slack does not understand is trouble for the person."""
    stack = team.modals[user]
    answer = receipt.answer
    if not answer:
        if view in stack:  # another one may have been opened in its place, by the trigger of this very submission
            stack.remove(view)
        return
    try:
        if not isinstance(answer, dict):
            raise Refused("invalid_arguments", "the answer must be an object")
        match answer.get("response_action"):
            case "errors":
                receipt.errors = _errors(view, answer.get("errors"))
            case "update":
                change(view, check_view(team, answer.get("view"), kind="modal"))
            case "push":
                if len(stack) >= MAX_STACK:
                    raise Refused("push_limit_reached")
                stack.append(new_view(team, user, check_view(team, answer.get("view"), kind="modal"), below=view))
            case "clear":
                stack.clear()
            case other:
                raise Refused("invalid_arguments", f"response_action: {other!r}")
    except Refused as why:
        reasons = why.answer.get("response_metadata", {}).get("messages", [])
        receipt.error = "; ".join([_TROUBLE, str(why), *reasons])


def _errors(view: View, errors: object) -> dict[str, str]:
    """By label. Slack shows errors only beside inputs that are there."""
    if not isinstance(errors, dict) or not errors:
        raise Refused("invalid_arguments", "errors: must be an object with at least one error")
    labels = {block["block_id"]: text_of(block["label"]) for block in view.blocks if block["type"] == "input"}
    for block_id in errors:
        if block_id not in labels:
            raise Refused("invalid_arguments", f"errors: there is no input block {block_id}")
    return {labels[block_id]: str(message) for block_id, message in errors.items()}

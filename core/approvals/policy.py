"""Who may approve: a pure decision from the workspace's settings, so that every refusal has a reason.

Called by `core.approvals.approvals` for every click and every API call, at that moment.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.words.views import WorkspaceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """The person who wants to decide."""

    external_id: str
    is_requester: bool  #: of the build in question
    is_owner: bool  #: of the workspace


def refusal(settings: WorkspaceSettings, decider: Decider) -> str:
    """Why this person may not approve; empty when they may. The workspace's owner may whenever self-approval is not the
    obstacle: they could change the settings anyway."""
    if decider.is_requester and not settings.self_approval:
        return "This workspace asks somebody else than the requester to approve; ask a colleague to press the button."
    if decider.is_owner:
        return ""
    if settings.approvers == "requester" and not decider.is_requester:
        return "Only the person who asked for this app may approve it."
    if settings.approvers == "named" and decider.external_id not in settings.named_approvers:
        return "Only named people may approve here: " + ", ".join(settings.named_approvers) + "."
    return ""


def describe(settings: WorkspaceSettings, requester: str) -> str:
    """Who may approve, for the card."""
    who = {
        "anyone": "anyone here",
        "requester": requester,
        "named": ", ".join(settings.named_approvers),
    }[settings.approvers]
    return who if settings.self_approval else f"{who}, but not {requester}, who asked for it"

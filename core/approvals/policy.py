"""Who may approve: a pure decision from the workspace's settings, so that every refusal has a reason.

Called by `core.approvals.approvals` for every click and every API call, at that moment.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from core.words.views import WorkspaceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """The person who wants to decide."""

    external_id: str
    groups: Collection[str] = ()  #: external ids of the groups that they are in now
    is_requester: bool  #: of the build in question
    is_owner: bool  #: of the workspace


def refusal(settings: WorkspaceSettings, decider: Decider, names: Mapping[str, str]) -> str:
    """Why this person may not approve; empty when they may. The workspace's owner may whenever self-approval is not the
    obstacle: they could change the settings anyway. ``names`` says what the named approvers are called, by external id."""
    if decider.is_requester and not settings.self_approval:
        return "This workspace asks somebody else than the requester to approve; ask a colleague to press the button."
    if decider.is_owner:
        return ""
    if settings.approvers == "requester" and not decider.is_requester:
        return "Only the person who asked for this app may approve it."
    if settings.approvers == "named" and {decider.external_id, *decider.groups}.isdisjoint(settings.named_approvers):
        return f"Only named people may approve here: {_named(settings, names)}."
    return ""


def needs_two(settings: WorkspaceSettings, *, destructive: bool) -> bool:
    """Whether two different people must say yes."""
    return destructive and settings.second_person


def describe(settings: WorkspaceSettings, requester: str, names: Mapping[str, str], *, destructive: bool) -> str:
    """Who may approve, for the card."""
    named = _named(settings, names)
    one = {"anyone": "anyone here", "requester": requester, "named": named}
    # Admins are always among them, see `refusal`; without one, a workspace with one approver could never have two.
    two = {"anyone": "two people here", "requester": f"{requester} and an admin", "named": f"two of {named} and the admins"}
    who = (two if needs_two(settings, destructive=destructive) else one)[settings.approvers]
    return who if settings.self_approval else f"{who}, but not {requester}, who asked for it"


def _named(settings: WorkspaceSettings, names: Mapping[str, str]) -> str:
    return ", ".join(names.get(one, one) for one in settings.named_approvers)

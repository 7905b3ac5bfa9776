"""Who acts: a Slack user as a principal of the workspace.

Asked by `adapters.slack.desk` for everything that somebody does, before it is done. Slack is asked for a person and for the user
groups every minute, once for all who wait; so who is an admin, or in a group that may approve, is at most a minute old when they press.
It refuses, with the reason, who is no full member of this workspace: guests, members of another one (Slack Connect), closed accounts.
Of bots it knows nothing: they get no answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from adapters.slack.calls import Calls
from adapters.slack.inbound import PLATFORM
from core.conversation.desk import Bot
from core.conversation.ports import Members
from core.conversation.remembered import Remembered
from core.errors import Forbidden, NexusError, TemporaryError
from core.words.inbound import Who

log = structlog.get_logger(__name__)

PERSON_LIFE = 60.0  #: seconds
GROUPS_LIFE = 60.0  #: seconds
NAME_LIFE = 3600.0  #: seconds; of a workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A user group."""

    id: str
    name: str
    members: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    name: str
    admin: bool = False
    refusal: str = ""
    bot: bool = False


class SlackPeople:
    """The people of every workspace."""

    def __init__(self, calls: Calls, members: Members, *, now: Callable[[], float] = time.monotonic) -> None:
        self._calls = calls
        self._members = members
        self._people = Remembered(self._person, PERSON_LIFE, now=now)
        self._groups = Remembered(self._user_groups, GROUPS_LIFE, now=now)
        self._names = Remembered(self._team_name, NAME_LIFE, now=now)

    async def who(self, workspace: str, user: str) -> Who:
        """The principal.

        Raises:
            Bot: it is no person.
            Forbidden: a guest, somebody of another workspace, or a closed account.
            TemporaryError: Slack does not say just now.
        """
        person, groups, name = await asyncio.gather(
            self._people.get((workspace, user)), self._groups.get(workspace), self._names.get(workspace)
        )
        if person.bot:
            raise Bot(user)
        if person.refusal:
            raise Forbidden(person.refusal)
        mine = [group.id for group in groups if user in group.members]
        return await self._members.member(
            PLATFORM, workspace, workspace_name=name, user=user, name=person.name, admin=person.admin, groups=mine
        )

    async def keep_names(self, who: Who, workspace: str, chosen: Sequence[str]) -> None:
        """Remember what those who were chosen as approvers are called, so that cards can say it.

        Raises:
            Forbidden: one of them is no full member of this workspace.
        """
        groups = {group.id: group for group in await self._groups.get(workspace)}
        for chosen_id in chosen:
            if (group := groups.get(chosen_id)) is not None:
                await self._members.name(who, chosen_id, group.name, group=True)
            elif chosen_id.startswith(("U", "W")):
                person = await self._people.get((workspace, chosen_id))
                if person.bot or person.refusal:
                    raise Forbidden(f"{person.name} is no full member of this workspace, so they cannot be named. Choose others.")
                await self._members.name(who, chosen_id, person.name)

    async def is_admin(self, workspace: str, user: str) -> bool:
        """Whether they may decide for the workspace."""
        return (await self._people.get((workspace, user))).admin

    async def groups(self, workspace: str) -> list[tuple[str, str]]:
        """The ids and names of the user groups; none where Nexus may not see them."""
        return [(group.id, group.name) for group in await self._groups.get(workspace)]

    async def close(self) -> None:
        """Stop asking."""
        for kept in (self._people, self._groups, self._names):
            await kept.close()

    async def _person(self, key: tuple[str, str]) -> _Person:
        workspace, user = key
        answer = await self._calls.call(workspace, "users.info", user=user)
        return _read(answer.get("user") or {}, workspace, user)

    async def _user_groups(self, workspace: str) -> tuple[Group, ...]:
        try:
            answer = await self._calls.call(workspace, "usergroups.list", include_users=True)
        except TemporaryError:
            raise
        except NexusError as error:  # without the scope, or on a plan without groups, nobody is in one
            log.info("user groups cannot be seen", workspace=workspace, reason=error.message)
            return ()
        return tuple(
            Group(id=group["id"], name=_group_name(group), members=frozenset(group.get("users") or ()))
            for group in answer.get("usergroups") or ()
            if not group.get("date_delete")
        )

    async def _team_name(self, workspace: str) -> str:
        try:
            answer = await self._calls.call(workspace, "auth.test")
        except TemporaryError:
            raise
        except NexusError:
            return workspace
        return str(answer.get("team") or workspace)


def _group_name(group: Mapping[str, Any]) -> str:
    handle = str(group.get("handle") or "")
    return f"@{handle}" if handle else str(group.get("name") or group["id"])


def _read(user: Mapping[str, Any], workspace: str, user_id: str) -> _Person:
    profile = user.get("profile") or {}
    name = profile.get("display_name") or profile.get("real_name") or user.get("real_name") or user.get("name") or user_id
    enterprise = user.get("enterprise_user") or {}
    foreign = user.get("is_stranger") or (
        user.get("team_id") not in {None, "", workspace} and workspace not in (enterprise.get("teams") or ())
    )
    refusal = ""
    if user.get("deleted"):
        refusal = "This account is closed, so it cannot use Nexus."
    elif foreign:
        refusal = "You are a member of another workspace, and Nexus here works for this one's members. Ask one of them to do it."
    elif user.get("is_restricted") or user.get("is_ultra_restricted"):
        refusal = "Guests cannot use Nexus, because it shows all apps of the workspace. Ask a full member to do it."
    return _Person(
        name=str(name),
        admin=any(user.get(flag) is True for flag in ("is_admin", "is_owner", "is_primary_owner")) and not foreign,
        refusal=refusal,
        bot=bool(user.get("is_bot")) or user_id == "USLACKBOT",
    )

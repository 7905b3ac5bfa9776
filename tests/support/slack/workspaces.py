"""A workspace as a test sets it up: people, channels and groups are added here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tests.support.slack.state import Channel, Group, Person, Workspace, new_id
from tests.support.slack.users import SlackUser

if TYPE_CHECKING:
    from tests.support.slack.server import LocalSlack


class Team(Workspace):
    """A `Workspace` that can be furnished."""

    slack: LocalSlack

    def add_user(
        self,
        name: str,
        *,
        is_admin: bool = False,
        is_owner: bool = False,
        restricted: bool = False,
        channels: Iterable[str] = ("#general",),
    ) -> SlackUser:
        """Somebody new, who is in these channels."""
        person = Person(
            id=new_id("U"),
            team=self.id,
            name=name,
            email=f"{name.lower().replace(' ', '.')}@{self.domain}.example",
            is_admin=is_admin,
            is_owner=is_owner,
            restricted=restricted,
        )
        self.people[person.id] = person
        for channel in channels:
            self.channels[self.channel_id(channel)].members.add(person.id)
        return SlackUser(self.slack, self, person)

    def add_channel(self, name: str, *, private: bool = False, members: Iterable[SlackUser] = (), bot: bool = True) -> Channel:
        """A channel; ``bot`` says whether the app was invited."""
        channel = Channel(
            id=new_id("C"),
            team=self.id,
            name=name.lstrip("#"),
            kind="group" if private else "channel",
            members={one.id for one in members} | ({self.bot.id} if bot else set()),
        )
        self.channels[channel.id] = channel
        return channel

    def add_group(self, handle: str, users: Iterable[SlackUser]) -> Group:
        """A user group, ``@handle``."""
        group = Group(id=new_id("S"), handle=handle, name=handle.title(), users=[one.id for one in users])
        self.groups[group.id] = group
        return group

    def channel_id(self, channel: str) -> str:
        """The id of ``#name``; ids are given back."""
        if channel in self.channels:
            return channel
        for one in self.channels.values():
            if one.kind != "im" and one.name == channel.lstrip("#"):
                return one.id
        raise AssertionError(f"there is no channel {channel!r} in {self.name}")


def new_workspace(slack: LocalSlack, name: str, scopes: set[str]) -> Team:
    """A workspace with the bot and #general; not installed yet."""
    team_id, bot_id = new_id("T"), new_id("B")
    bot = Person(id=new_id("U"), team=team_id, name="nexus", email="", is_bot=True)
    team = Team(
        id=team_id,
        name=name,
        domain=name.lower().replace(" ", "-"),
        app_id=slack.app_id,
        bot=bot,
        bot_id=bot_id,
        scopes=scopes,
        token="",
        people={bot.id: bot},
    )
    team.slack = slack
    team.add_channel("general")
    return team

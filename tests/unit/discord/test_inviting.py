"""The links that bring Nexus into a server, and to one person, and what is said of what they ask for."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import discord
import pytest

from adapters.discord.inviting import invitation, personal_link, server_link
from adapters.discord.manifest import PERMISSIONS, SCOPES
from adapters.discord.permissions import label, missing
from core.errors import InvalidInput

APPLICATION, GUILD = "1187654321098765432", "81384788765712384"


def asked(link: str) -> dict[str, str]:
    assert link.startswith("https://discord.com/oauth2/authorize?")
    return {name: value for name, (value,) in parse_qs(urlsplit(link).query).items()}


def test_a_server_is_asked_for_the_permissions_that_are_needed_and_no_others() -> None:
    link = asked(server_link(APPLICATION))
    granted = discord.Permissions(int(link.pop("permissions")))

    assert {"client_id": APPLICATION, "integration_type": "0", "scope": " ".join(SCOPES)} == link
    assert [] == missing(granted.value, PERMISSIONS)
    assert len(PERMISSIONS) == granted.value.bit_count()
    assert not granted.administrator


def test_one_server_can_be_named_and_is_then_the_only_choice() -> None:
    link = asked(server_link(APPLICATION, guild=GUILD))
    assert (GUILD, "true") == (link["guild_id"], link["disable_guild_select"])


def test_a_person_is_asked_for_nothing_but_the_commands() -> None:
    assert {"client_id": APPLICATION, "integration_type": "1", "scope": "applications.commands"} == asked(
        personal_link(APPLICATION)
    )


def test_the_invitation_begins_with_the_link_and_says_what_each_permission_is_for() -> None:
    first, *more = invitation(APPLICATION).splitlines()

    assert server_link(APPLICATION) == first
    assert personal_link(APPLICATION) in "\n".join(more)
    assert all(any(label(name) in line and why in line for line in more) for name, why in PERMISSIONS.items())
    assert "integration_type=1" not in invitation(APPLICATION, guild=GUILD)


@pytest.mark.parametrize(("application", "guild"), [("nexus", ""), ("", ""), (APPLICATION, "my server"), ("1" * 64, "")])
def test_what_is_no_id_is_refused_with_where_ids_are(application: str, guild: str) -> None:
    with pytest.raises(InvalidInput, match="Copy ID"):
        invitation(application, guild=guild)


def test_whoever_administers_a_server_lacks_nothing() -> None:
    everything, nothing = discord.Permissions(administrator=True).value, 0
    assert [] == missing(everything, PERMISSIONS)
    assert list(PERMISSIONS) == missing(nothing, PERMISSIONS)


def test_permissions_are_called_as_discord_calls_them() -> None:
    assert ["View Channels", "Send Messages in Threads", "Create Public Threads", "Attach Files"] == [
        label(name) for name in ("view_channel", "send_messages_in_threads", "create_public_threads", "attach_files")
    ]

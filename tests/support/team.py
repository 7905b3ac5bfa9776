"""A workspace of a chat platform, and the people in it, for tests of what they may do."""

from __future__ import annotations

from collections.abc import Collection

from core.conversation.chat import Capability
from core.conversation.fake_chat import FakeChat
from core.words.inbound import Who
from core.words.thread_ref import ThreadRef
from core.words.views import BuildView
from tests.support.engine_house import House, version

CHAT = "fake"  #: the platform
DROP = {"migrations/0009_drop.sql": "DROP TABLE things_2;\n"}


class TalkingChat(FakeChat):
    """A platform that shows what people type in its threads."""

    capabilities = frozenset({Capability.THREAD_REPLIES, Capability.OWN_WORDS})

    async def link(self, thread: ThreadRef) -> str:
        return f"https://chat.example/{thread.channel}/{thread.thread}"


async def mate(house: House, name: str, *, admin: bool = False, groups: Collection[str] = (), workspace: str = "T1") -> Who:
    """A member; their id is their name in capitals."""
    return await house.people.member(
        CHAT, workspace, workspace_name=f"Team {workspace}", user=name.upper(), name=name, admin=admin, groups=groups
    )


def channel(name: str = "general", *, thread: str = "", workspace: str = "T1", user: str = "") -> ThreadRef:
    return ThreadRef(platform=CHAT, workspace=workspace, channel=name, thread=thread, user=user)


async def dropping(house: House, who: Who, slug: str = "shop") -> BuildView:
    """A ready build that removes data of an app that is live."""
    await house.live(who, slug, tree=version(2))
    return await house.built(who, slug, version(2, **DROP))

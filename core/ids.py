"""The identifiers, as distinct types over ``str``; made here and nowhere else.

An id is a short prefix and 16 characters of base32 without vowels: url-safe, host-name-safe, at most 20 characters, so that
a prefixed id and a digest still fit Discord's 100-character ``custom_id``.
"""

from __future__ import annotations

import secrets
from typing import NewType

WorkspaceId = NewType("WorkspaceId", str)
PrincipalId = NewType("PrincipalId", str)
AppId = NewType("AppId", str)
ThreadId = NewType("ThreadId", str)
BuildId = NewType("BuildId", str)
ApprovalId = NewType("ApprovalId", str)
DeploymentId = NewType("DeploymentId", str)
ReleaseId = NewType("ReleaseId", str)
TenantId = NewType("TenantId", str)
InstanceId = NewType("InstanceId", str)
Digest = NewType("Digest", str)  #: ``sha256:`` and 64 hex digits

LOCAL_PLATFORM = "local"  #: the platform of the workspace that needs no chat account
LOCAL_USER = "you"  #: external id of the person who runs a local Nexus; owner of the local workspace

_ALPHABET = "0123456789bcdfghjkmnpqrstvwxyz"


def new_id(prefix: str) -> str:
    """Return ``prefix_`` and 16 random characters (78 bits)."""
    return prefix + "_" + "".join(secrets.choice(_ALPHABET) for _ in range(16))

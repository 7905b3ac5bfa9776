"""The models that are used when no setting names one.

Read by the wiring. The vendors' are current names in their own SDKs; a test compares them with the SDKs' literals, so that an update
of an SDK that drops one is noticed. What a server of one's own serves only it knows: it is asked.
"""

from __future__ import annotations

OPENAI_MODEL = "gpt-6.2-sol"
ANTHROPIC_MODEL = "claude-sonnet-5-5"
COMPATIBLE_MODEL = ""

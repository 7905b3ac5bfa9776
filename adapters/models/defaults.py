"""The models that are used when no setting names one.

Read by the wiring. Both are current names in the vendors' own SDKs; a test compares them with the SDKs' literals, so that an update
of an SDK that drops one is noticed.
"""

from __future__ import annotations

OPENAI_MODEL = "gpt-6.2-sol"
ANTHROPIC_MODEL = "claude-sonnet-5-5"

"""The kinds of news that a channel can be told of, by the word that people type.

Read by the grammar, the forms and whoever tells channels; what each kind is in events is the business of
`core.conversation.presenter.notification`.
"""

from __future__ import annotations

from collections.abc import Mapping

NOTIFICATIONS: Mapping[str, str] = {
    "review": "a build is ready for review",
    "live": "a release is live",
    "failed": "a build or a deployment failed",
    "crashed": "an app stopped answering",
    "recovered": "it answers again",
    "stopped": "somebody stopped or deleted an app",
}

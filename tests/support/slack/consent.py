"""Installing the app: what somebody does with an authorize URL."""

from __future__ import annotations

import urllib.parse
from typing import TYPE_CHECKING

from tests.support.slack.api_apps import new_code

if TYPE_CHECKING:
    from tests.support.slack.server import LocalSlack
    from tests.support.slack.state import Person
    from tests.support.slack.workspaces import Team


class Consent:
    """The part of a `SlackUser` that says yes or no to an app."""

    slack: LocalSlack
    team: Team
    person: Person

    def consent(self, authorize_url: str, *, allow: bool = True) -> str:
        """Press Allow (or Cancel) on the page of this URL; returns where Slack sends the browser.

        Raises:
            AssertionError: Slack would not show the page.
        """
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(authorize_url).query))
        assert query.get("client_id") == self.slack.client_id, f"invalid_client_id: {query.get('client_id')}"
        scopes = frozenset(one for one in query.get("scope", "").replace(" ", ",").split(",") if one)
        assert scopes, "invalid_scope: no scopes requested"
        state = {"state": query["state"]} if "state" in query else {}
        redirect = query.get("redirect_uri", "")
        if not allow:
            return f"{redirect}?{urllib.parse.urlencode({'error': 'access_denied', **state})}"
        from tests.support.slack.server import Grant

        code = new_code()
        self.slack.grants[code] = Grant(
            team=self.team.id,
            user=self.person.id,
            scopes=scopes,
            redirect_uri=redirect,
            expires=self.slack.clock.now() + self.slack.timings.code,
        )
        return f"{redirect}?{urllib.parse.urlencode({'code': code, **state})}"

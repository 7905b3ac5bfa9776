"""auth.*, users.*, usergroups.*, team.info and bots.info: who there is."""

from __future__ import annotations

from tests.support.slack.api import Refused, Request, method
from tests.support.slack.payloads import shown_person
from tests.support.slack.state import Group, Json


@method("auth.test")
def auth_test(request: Request) -> Json:
    team = request.team
    return {
        "url": f"https://{team.domain}.slack.com/",
        "team": team.name,
        "user": team.bot.name,
        "team_id": team.id,
        "user_id": team.bot.id,
        "bot_id": team.bot_id,
        "is_enterprise_install": False,
    }


@method("auth.revoke")
def auth_revoke(request: Request) -> Json:
    if request.flag("test"):
        return {"revoked": False}
    request.slack.tokens[request.token].state = "token_revoked"
    return {"revoked": True}


@method("users.info")
def user_info(request: Request) -> Json:
    person = request.team.people.get(request.required("user"))
    if person is None:
        raise Refused("user_not_found")
    return {"user": shown_person(request.team, person)}


@method("users.list")
def user_list(request: Request) -> Json:
    people, more = request.page(list(request.team.people.values()))
    return {"members": [shown_person(request.team, one) for one in people], "response_metadata": more}


@method("users.lookupByEmail")
def user_by_email(request: Request) -> Json:
    email = request.required("email").lower()
    for person in request.team.people.values():
        if person.email.lower() == email and not person.deleted:
            return {"user": shown_person(request.team, person)}
    raise Refused("users_not_found")


@method("team.info")
def team_info(request: Request) -> Json:
    team = request.team
    return {
        "team": {"id": team.id, "name": team.name, "domain": team.domain, "url": f"https://{team.domain}.slack.com/", "icon": {}}
    }


@method("bots.info")
def bot_info(request: Request) -> Json:
    team = request.team
    if request.text("bot") not in ("", team.bot_id):
        raise Refused("bot_not_found")
    return {"bot": {"id": team.bot_id, "deleted": False, "name": team.bot.name, "app_id": team.app_id, "user_id": team.bot.id}}


def _shown_group(team: str, group: Group) -> Json:
    return {
        "id": group.id,
        "team_id": team,
        "is_usergroup": True,
        "name": group.name,
        "handle": group.handle,
        "date_delete": 1 if group.disabled else 0,
        "user_count": len(group.users),
        "users": group.users,
    }


@method("usergroups.list")
def group_list(request: Request) -> Json:
    groups = [one for one in request.team.groups.values() if not one.disabled or request.flag("include_disabled")]
    shown = [_shown_group(request.team.id, group) for group in groups]
    if not request.flag("include_users"):
        shown = [{key: value for key, value in one.items() if key != "users"} for one in shown]
    return {"usergroups": shown}


@method("usergroups.users.list")
def group_users(request: Request) -> Json:
    group = request.team.groups.get(request.required("usergroup"))
    if group is None or (group.disabled and not request.flag("include_disabled")):
        raise Refused("no_such_subteam")
    return {"users": group.users}

"""Caddy's JSON for Nexus: the edge server, one route per app, and the small pages.

Used by `adapters.routers.caddy`, which changes the routes of a running Caddy, and by whoever starts one (`bot.platform.caddy`).
The round trip from a Route to JSON and back is exact.

Where an app's requests go may stand in a small file of its own that Caddy reads at every request (``{file./…}``), instead of in
the configuration. Any change of configuration makes Caddy swap its whole server; under a full load of keep-alive connections that
cost a few requests per change, of every app. Rewriting the file costs none (measured: 200 switches, 38,000 requests).

Caddy expands placeholders such as ``{env.HOME}`` in a page's body and in most other strings. So every brace of text that is not
ours is written as an HTML entity or refused.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from core.errors import InvalidInput
from core.hosting.host import Address, TcpAddress, UnixAddress
from core.hosting.router import Notice, Route

Json = dict[str, Any]

APPS: Final = "nexus-apps"  #: the @id of the group that holds one route per app
SERVER: Final = "edge"
#: Chat platforms reach Nexus by a name of the operator's, through whatever leads here; what they send is signed. No app has that name.
ANY_HOST: Final = ("/slack",)

_PREFIX = "app:"
_FROM_FILE = "{file."
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?", re.IGNORECASE)

#: A change of configuration makes a new server inside Caddy and ends the old one's streams; this long they may go on.
_STREAM_SECONDS = 24 * 3600


def edge(
    *,
    admin_socket: Path,
    storage: Path,
    listen: Sequence[str],
    hosts: Sequence[str],
    nexus: Address,
    apps: Iterable[Json] = (),
) -> Json:
    """The whole configuration: ``hosts`` lead to Nexus itself, then the apps' routes, what any other host is sent by chat platforms, then
    the 404 page.

    ``listen`` has Caddy addresses (``:8080``, ``fd/5`` for an inherited socket); ``apps`` are routes as `route_json` makes them.
    """
    server: Json = {
        "listen": list(listen),
        "protocols": ["h1"],  # the others need TLS
        "automatic_https": {"disable": True},
        "routes": [
            {"match": [{"host": list(hosts)}], "handle": [_proxy(dial(nexus))], "terminal": True},
            {"handle": [{"handler": "subroute", "@id": APPS, "routes": list(apps)}]},
            {"match": [{"path": [f"{path}/*" for path in ANY_HOST]}], "handle": [_proxy(dial(nexus))], "terminal": True},
            {"handle": _page(404, "There is no app here", "Nothing is deployed at this address, or it has been deleted.")},
        ],
        "errors": {
            "routes": [
                {
                    "match": [{"expression": "{http.error.status_code} >= 500"}],
                    "handle": _page(
                        "{http.error.status_code}",
                        "This app does not answer just now",
                        "It may be starting again. Try once more in a moment.",
                    ),
                },
            ]
        },
    }
    return {
        "admin": {"listen": f"unix/{admin_socket}|0600", "config": {"persist": True}},
        "logging": {"logs": {"default": {"level": "WARN", "exclude": ["admin"]}}},
        "storage": {"module": "file_system", "root": str(storage)},
        "apps": {"http": {"servers": {SERVER: server}}},
    }


def route_json(route: Route, *, target_file: Path | None = None) -> Json:
    """One app's route. With ``target_file``, an address is looked up there, in the form of `dial`.

    Raises:
        InvalidInput: a host is not a host name, or a socket path has a brace in it.
    """
    for host in route.hosts:
        if not _HOST.fullmatch(host):
            raise InvalidInput(f"{host!r} is not a host name that can be routed.")
    if isinstance(route.target, Notice):
        kept = json.dumps([route.target.status, route.target.title, route.target.text]).encode()
        handle = [
            {"handler": "vars", "nexus_notice": base64.b64encode(kept).decode()},
            *_page(route.target.status, route.target.title, route.target.text),
        ]
    elif target_file is not None:
        handle = [_proxy(f"{_FROM_FILE}{target_file}}}")]
    else:
        handle = [_proxy(dial(route.target))]
    return {"@id": route_id(route.name), "match": [{"host": list(route.hosts)}], "handle": handle, "terminal": True}


def route_of(value: Json) -> Route | None:
    """What `route_json` made, with the address that is in force now; None for a route that is not ours or is broken."""
    name = str(value.get("@id", ""))
    if not name.startswith(_PREFIX):
        return None
    try:
        hosts = tuple(value["match"][0]["host"])
        first = value["handle"][0]
        target: Address | Notice
        if first["handler"] == "vars":
            status, title, text = json.loads(base64.b64decode(first["nexus_notice"]))
            target = Notice(status=status, title=title, text=text)
        else:
            file = target_file_of(value)
            target = _address(file.read_text() if file else first["upstreams"][0]["dial"])
    except (KeyError, IndexError, TypeError, ValueError, OSError):
        return None
    return Route(name=unquote(name.removeprefix(_PREFIX).replace("~", "%")), hosts=hosts, target=target)


def target_file_of(value: Json) -> Path | None:
    """The file that the route looks its address up in, if it does."""
    try:
        dialled = str(value["handle"][0]["upstreams"][0]["dial"])
    except (KeyError, IndexError, TypeError):
        return None
    return Path(dialled[len(_FROM_FILE) : -1]) if dialled.startswith(_FROM_FILE) else None


def route_id(name: str) -> str:
    """The @id of a route: usable in a URL's path whatever the name is."""
    return _PREFIX + quote(name, safe="").replace("~", "%7E").replace("%", "~")


def app_routes(config: Mapping[str, Any]) -> list[Json]:
    """The apps' routes in a whole configuration; empty when there are none or it is something else."""
    try:
        routes = config["apps"]["http"]["servers"][SERVER]["routes"]
        group = next(h for r in routes for h in r["handle"] if h.get("@id") == APPS)
        return [r for r in group["routes"] if str(r.get("@id", "")).startswith(_PREFIX)]
    except (KeyError, TypeError, StopIteration, AttributeError):
        return []


def dial(address: Address) -> str:
    """The address as Caddy writes it."""
    if isinstance(address, TcpAddress):
        said = f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host}:{address.port}"
    else:
        said = f"unix/{address.path}"
    if "{" in said or "}" in said:
        raise InvalidInput(f"{said!r} cannot be routed to: it has a brace in it.")
    return said


def _proxy(dialled: str) -> Json:
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": dialled}],
        "flush_interval": -1,  # server-sent events
        "stream_close_delay": _STREAM_SECONDS * 1_000_000_000,
        # An instance that is just being restarted: wait a little for its socket rather than fail.
        "load_balancing": {"try_duration": 1_000_000_000, "try_interval": 50_000_000},
    }


def _address(dial: str) -> Address:
    if dial.startswith("unix/"):
        return UnixAddress(path=Path(dial.removeprefix("unix/")))
    host, _, port = dial.rpartition(":")
    return TcpAddress(host=host.strip("[]"), port=int(port))


def _page(status: int | str, title: str, text: str) -> list[Json]:
    """A page in the colours of the reader's system, without braces (see the module's docstring)."""
    column = "max-width:34rem;margin:18vh auto 0;padding:0 1.5rem;font:1.05rem/1.6 system-ui,sans-serif"
    body = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{_plain(title)}</title></head>'
        f'<body style="{column}"><p style="margin:0;opacity:.6;letter-spacing:.08em">{status}</p>'
        f'<h1 style="margin:.2rem 0 .6rem;font-size:1.7rem;line-height:1.25">{_plain(title)}</h1>'
        f'<p style="margin:0;opacity:.85;white-space:pre-line">{_plain(text)}</p></body></html>'
    )
    headers = {"Content-Type": ["text/html; charset=utf-8"], "Cache-Control": ["no-store"]}
    return [{"handler": "static_response", "status_code": status, "headers": headers, "body": body}]


def _plain(text: str) -> str:
    escaped = html.escape(text).replace("{", "&#123;").replace("}", "&#125;").replace("\\", "&#92;")
    return "".join(c for c in escaped if c >= " " or c in "\n\t")

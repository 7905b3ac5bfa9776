"""Asks an app over HTTP, on a TCP port or a unix socket. The one implementation of `core.verification.prober.Prober`.

A fresh session per request: a kept connection could hide that an app stopped listening, and cookies would tie one check to another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from core.errors import NotHealthy
from core.hosting.host import Address, TcpAddress, UnixAddress
from core.verification.prober import MAX_BODY, ProbeAnswer, Prober


class HttpProber(Prober):
    """aiohttp's client; keeps nothing between requests."""

    async def request(
        self,
        address: Address,
        method: str,
        path: str,
        *,
        host_header: str,
        json: Any = None,
        cookies: Mapping[str, str] | None = None,
        timeout: float = 10.0,
    ) -> ProbeAnswer:
        body: Mapping[str, Any] = {} if json is None else {"json": json}
        headers = {"Host": host_header}
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        try:
            async with (
                aiohttp.ClientSession(
                    connector=_connector(address),
                    timeout=aiohttp.ClientTimeout(total=timeout),
                    cookie_jar=aiohttp.DummyCookieJar(),
                ) as session,
                session.request(method, _url(address, path), headers=headers, allow_redirects=False, **body) as response,
            ):
                return ProbeAnswer(
                    status=response.status,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    cookies={name: morsel.value for name, morsel in response.cookies.items()},
                    body=await _start_of(response),
                )
        except TimeoutError as error:
            raise NotHealthy(f"no answer within {timeout:.1f} s") from error
        except (aiohttp.ClientConnectorError, ConnectionError, FileNotFoundError) as error:
            raise NotHealthy("nothing listens there, or the connection was cut") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotHealthy(f"the answer was not proper HTTP ({type(error).__name__})") from error


def _connector(address: Address) -> aiohttp.BaseConnector:
    match address:
        case UnixAddress(path=path):
            return aiohttp.UnixConnector(path=str(path), force_close=True)
        case TcpAddress():
            return aiohttp.TCPConnector(force_close=True)


def _url(address: Address, path: str) -> URL:
    match address:
        case UnixAddress():
            return URL(f"http://app{path}", encoded=True)
        case TcpAddress(host=host, port=port):
            named = f"[{host}]" if ":" in host else host
            return URL(f"http://{named}:{port}{path}", encoded=True)


async def _start_of(response: aiohttp.ClientResponse) -> bytes:
    read = bytearray()
    while len(read) < MAX_BODY:
        chunk = await response.content.read(MAX_BODY - len(read))
        if not chunk:
            break
        read += chunk
    return bytes(read)

"""The edge: under which address this Nexus and its apps are reached.

Made by the wiring from the settings, used by deployments (hosts, probe, URL) and by everything that shows an address.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.hosting.host import TcpAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Where the proxy listens. On a laptop ``domain`` is "localhost", whose subdomains browsers resolve to the machine itself."""

    scheme: str = "http"
    domain: str = "localhost"
    port: int = 8080
    probe: TcpAddress  #: where the proxy is reached from this machine

    @property
    def base_url(self) -> str:
        """Nexus's own address, without a slash at the end."""
        return self._url(self.domain)

    @property
    def platform_api_url(self) -> str:
        """What apps get as PLATFORM_API_URL."""
        return self.base_url + "/api"

    def host(self, slug: str) -> str:
        """An app's host name."""
        return f"{slug}.{self.domain}"

    def url(self, slug: str) -> str:
        """An app's address, without a slash at the end."""
        return self._url(self.host(slug))

    def host_header(self, host: str) -> str:
        """What a browser sends as Host."""
        return host if self.port in (80, 443) else f"{host}:{self.port}"

    def _url(self, host: str) -> str:
        return f"{self.scheme}://{self.host_header(host)}"

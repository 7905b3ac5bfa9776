"""What an install step needs of the operator's machine to reach the package registries, and nothing more.

Read once by wiring, given to confinements. Proxy settings, certificate bundles, and the index settings of uv, pip and npm
go through; every other variable, and every token in ``~/.npmrc``, stays outside.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_NAMES = frozenset(
    {
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        *("PIP_CERT", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT"),
        *("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INSECURE_HOST"),
        *("UV_INDEX_STRATEGY", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_HTTP_TIMEOUT"),
    }
)
_FILES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
_NPM = frozenset(
    {
        *("registry", "ca", "ca[]", "cafile", "strict-ssl", "proxy", "http-proxy", "https-proxy", "noproxy"),
        *("fetch-retries", "fetch-timeout", "maxsockets"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registries:
    """How the registries are reached from here."""

    env: Mapping[str, str] = field(default_factory=dict)
    home: Mapping[str, str] = field(default_factory=dict)  #: files for the private home, by relative path
    files: frozenset[Path] = frozenset()  #: certificate bundles, readable inside at their own paths

    @classmethod
    def of_this_machine(cls, environ: Mapping[str, str] | None = None, home: Path | None = None) -> Registries:
        """Read the environment and the home folder of whoever runs Nexus."""
        environ = os.environ if environ is None else environ
        home = Path.home() if home is None else home
        env = {name: value for name, value in environ.items() if _wanted(name)}
        files = {Path(env[name]) for name in _FILES if env.get(name, "").startswith("/")}
        copies = {}
        npmrc = _text(home / ".npmrc")
        kept = [line for line in npmrc.splitlines() if _npm_key(line) in _NPM or _npm_key(line).endswith(":registry")]
        if kept:
            copies[".npmrc"] = "\n".join(kept) + "\n"
            cafiles = [line.partition("=")[2].strip() for line in kept if _npm_key(line) == "cafile"]
            files |= {Path(name) for name in cafiles if name.startswith("/")}
        uv = _text(home / ".config" / "uv" / "uv.toml")
        if uv:
            copies[".config/uv/uv.toml"] = uv
        return cls(env=env, home=copies, files=frozenset(path for path in files if path.exists()))


def _wanted(name: str) -> bool:
    if name in _NAMES:
        return True
    key = name.lower()
    return key.startswith("npm_config_") and key.removeprefix("npm_config_").replace("_", "-") in _NPM


def _npm_key(line: str) -> str:
    return line.partition("=")[0].strip().lower()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""

"""The page's own files: style sheets, ES modules, pictures, held in memory and served under an address that names their content.

Made once by the routes. The digest in the address lets a browser keep them for good and tells a page that Nexus was updated.
"""

from __future__ import annotations

import hashlib
from importlib import resources

from aiohttp import web

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}


class Assets:
    """All files of ``static/``."""

    def __init__(self) -> None:
        folder = resources.files("adapters.web") / "static"
        self._files = {
            entry.name: entry.read_bytes()
            for entry in sorted(folder.iterdir(), key=lambda e: e.name)
            if entry.is_file() and "." + entry.name.rsplit(".", 1)[-1] in _TYPES
        }
        total = hashlib.sha256()
        for name, content in self._files.items():
            total.update(f"{name}\0{len(content)}\0".encode() + content)
        self.digest = total.hexdigest()[:12]

    def url(self, name: str) -> str:
        """Where a file is; it must exist."""
        if name not in self._files:
            raise KeyError(name)
        return f"/static/{self.digest}/{name}"

    def response(self, digest: str, name: str) -> web.Response:
        """A file, kept by the browser for a year when the address names this content."""
        content = self._files.get(name)
        if content is None:
            raise web.HTTPNotFound
        keep = "public, max-age=31536000, immutable" if digest == self.digest else "no-cache"
        kind = _TYPES["." + name.rsplit(".", 1)[-1]]
        return web.Response(
            body=content, content_type=kind, charset="utf-8" if kind != "image/png" else None, headers={"Cache-Control": keep}
        )

"""The few pictures of the page, drawn here as inline SVG on a 16-unit grid; all decorative, named by the words beside them."""

from __future__ import annotations

_PATHS = {
    "check": '<path d="m3.5 8.5 3 3 6-7"/>',
    "cross": '<path d="m4.5 4.5 7 7m0-7-7 7"/>',
    "dash": '<path d="M4.5 8h7"/>',
    "dot": '<circle cx="8" cy="8" r="2"/>',
    "ring": '<circle cx="8" cy="8" r="5.5" opacity=".25"/><path d="M8 2.5A5.5 5.5 0 0 1 13.5 8"/>',
    "chevron": '<path d="m6 4 4 4-4 4"/>',
    "folder": '<path d="M2 4.5A1.5 1.5 0 0 1 3.5 3h2.7l1.6 1.8h4.7A1.5 1.5 0 0 1 14 6.3v5.2a1.5 1.5 0 0 1-1.5'
    ' 1.5h-9A1.5 1.5 0 0 1 2 11.5z"/>',
    "file": '<path d="M9 2H4.5A1.5 1.5 0 0 0 3 3.5v9A1.5 1.5 0 0 0 4.5 14h7a1.5 1.5 0 0 0 1.5-1.5V6z"/><path d="M9 2v4h4"/>',
    "copy": '<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/><path d="M10.5 5.5V4A1.5 1.5 0 0 0 9 2.5H4A1.5 1.5 0 0 0 2.5 4v5A1.5'
    ' 1.5 0 0 0 4 10.5h1.5"/>',
    "out": '<path d="M6.5 3.5h-3v9h9v-3M9 2.5h4.5V7M13.5 2.5 7.5 8.5"/>',
    "warn": '<path d="M8 2.5 14.5 13.5h-13zM8 6.5v3.2M8 11.5v.3"/>',
    "lock": '<rect x="3.5" y="7" width="9" height="6.5" rx="1.5"/><path d="M5.5 7V5a2.5 2.5 0 0 1 5 0v2"/>',
    "menu": '<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11"/>',
    "clip": '<path d="M12.8 7.4 8 12.2a3 3 0 0 1-4.3-4.3l5-5a2 2 0 0 1 2.9 2.9l-5 4.9a1 1 0 0 1-1.4-1.4l4.4-4.4"/>',
    "plus": '<path d="M8 3v10M3 8h10"/>',
    "send": '<path d="M8 13V3.5M3.8 7.5 8 3.3l4.2 4.2"/>',
    "down": '<path d="M8 3v9.5M3.8 8.5 8 12.7l4.2-4.2"/>',
    "sun": '<circle cx="8" cy="8" r="2.8"/><path d="M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4'
    ' 12.6l.9-.9M11.7 4.3l.9-.9"/>',
    "moon": '<path d="M13.5 9.6A5.8 5.8 0 0 1 6.4 2.5a5.8 5.8 0 1 0 7.1 7.1z"/>',
    "leave": '<path d="M6.5 2.5h-3v11h3M6.5 8h7M10.5 5l3 3-3 3"/>',
    "wrap": '<path d="M2.5 4h11M2.5 8h8.5a2 2 0 0 1 0 4H8M2.5 12H5M9.5 10.3 7.8 12l1.7 1.7"/>',
}

MARK = (
    '<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><rect class="mark-ground" width="32" height="32" rx="9"/>'
    '<path class="mark-line" d="M9.5 23V9.5l13 13V9"/><circle class="mark-node" cx="9.5" cy="23" r="2.7"/>'
    '<circle class="mark-node" cx="22.5" cy="9" r="2.7"/></svg>'
)


def icon(name: str, css: str = "") -> str:
    """One picture."""
    return f'<svg class="i{" " + css if css else ""}" viewBox="0 0 16 16" aria-hidden="true">{_PATHS[name]}</svg>'

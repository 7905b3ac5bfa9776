"""React with TypeScript, built by Vite; Tailwind is always there. Its API is the Express scaffold's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from core.frameworks.react_ui import react_ui
from core.frameworks.vite import ViteFramework
from core.words.plan import Feature

#: what an app uses of the components; how the others are made needs no telling
_USED = frozenset({"src/ui/schema.ts", "src/ui/api.ts"})


class React(ViteFramework):
    """React, `src/App.tsx`, and `server/server.js`."""

    name = "react"
    label = "React"
    home = Path(__file__).parent
    checker = ("node_modules/typescript/bin/tsc", "--noEmit")

    def is_fixture(self, path: str) -> bool:
        return super().is_fixture(path) or (path.startswith("src/ui/") and path not in _USED)

    def components(self, features: Collection[Feature]) -> Mapping[str, str]:
        return react_ui("src/ui", features)

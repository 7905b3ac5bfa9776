"""Vue with TypeScript, built by Vite; Tailwind is always there. Its API is the Express scaffold's.

Types are checked by vue-tsc, also those of templates. It runs on the compiler's own API, which TypeScript has up to version 6.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from core.frameworks.typescript_page import formats
from core.frameworks.vite import ViteFramework
from core.words.plan import Feature

_PARTS = ("src/components/", "src/composables/", "src/format.ts")  #: used by the page, and not read by whoever writes an app


class Vue(ViteFramework):
    """Vue, `src/App.vue`, and `server/server.js`."""

    name = "vue"
    label = "Vue"
    home = Path(__file__).parent
    checker = ("node_modules/vue-tsc/bin/vue-tsc.js", "--noEmit")

    def is_fixture(self, path: str) -> bool:
        return super().is_fixture(path) or path.startswith(_PARTS)

    def components(self, features: Collection[Feature]) -> Mapping[str, str]:
        return formats("src")

"""Where the starter's files of each framework go, and what their README says of it.

Read by `app_files`. A framework is one entry here and one module that writes its resources' code; everything else follows from the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from adapters.models.starter import js_code, python_code, ts_code
from core.words.plan import FrameworkName, Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One framework's places. Paths are of the scaffold, whose files they replace."""

    schema: str  #: the JSON file that says what the page shows
    theme: str  #: the CSS file with the accent colour
    index: str | None  #: the HTML page with the title and the theme; None where the page takes both from the schema
    code: Callable[[Sequence[Resource]], Mapping[str, str]]  #: path to content of the resources' code
    code_folder: str
    page_line: str  #: for the README: where the page is
    by_hand: str  #: for the README: the commands that run it
    port: int


LAYOUTS: Mapping[FrameworkName, Layout] = MappingProxyType(
    {
        "fastapi": Layout(
            schema="static/schema.json",
            theme="static/theme.css",
            index="static/index.html",
            code=python_code.files,
            code_folder="app/resources/",
            page_line="`static/`: the page, without a build step; `schema.json` says what it shows, `theme.css` has its colour",
            by_hand="pip install -r requirements.txt\nuvicorn app.main:app --port 8000",
            port=8000,
        ),
        "express": Layout(
            schema="public/schema.json",
            theme="public/theme.css",
            index="public/index.html",
            code=partial(js_code.files, folder="src/resources"),
            code_folder="src/resources/",
            page_line="`public/`: the page, without a build step; `schema.json` says what it shows, `theme.css` has its colour",
            by_hand="npm install\nPORT=3000 npm start",
            port=3000,
        ),
        "react": Layout(
            schema="src/schema.json",
            theme="src/theme.css",
            index="index.html",
            code=partial(js_code.files, folder="server/resources"),
            code_folder="server/resources/",
            page_line="`src/`: the page, in React and TypeScript; `schema.json` says what it shows, `theme.css` has its colour",
            by_hand="npm install\nnpm run build\nPORT=3000 npm start",
            port=3000,
        ),
        "vue": Layout(
            schema="src/schema.json",
            theme="src/theme.css",
            index="index.html",
            code=partial(js_code.files, folder="server/resources"),
            code_folder="server/resources/",
            page_line="`src/`: the page, in Vue and TypeScript; `schema.json` says what it shows, `theme.css` has its colour",
            by_hand="npm install\nnpm run build\nPORT=3000 npm start",
            port=3000,
        ),
        "nextjs": Layout(
            schema="lib/schema.json",
            theme="app/theme.css",
            index=None,
            code=ts_code.files,
            code_folder="lib/resources/",
            page_line="`app/`: the page and the routes; `lib/schema.json` says what the page shows, `app/theme.css` has its colour",
            by_hand="npm install\nnpm run build\nnpm start",
            port=3000,
        ),
    }
)

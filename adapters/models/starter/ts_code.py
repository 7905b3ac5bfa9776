"""The TypeScript of a Next.js app: the modules of `js_code`, whose types are all inferred but one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from adapters.models.starter import js_code
from core.words.plan import Resource

_FOLDER = "lib/resources"
_IMPORT = re.compile(r"^(import .* from '\.\.?/\w+)\.js';$", re.MULTILINE)
_HEADING = "// What the app keeps: one module per resource, listed here.\n\n"


def files(resources: Sequence[Resource]) -> dict[str, str]:
    """Path to content."""
    made = {
        path.removesuffix(".js") + ".ts": _IMPORT.sub(r"\1';", content)
        for path, content in js_code.files(resources, folder=_FOLDER).items()
    }
    index = f"{_FOLDER}/index.ts"
    typed = made[index].replace("export const resources = [", "export const resources: Resource[] = [")
    made[index] = typed.replace(_HEADING, f"{_HEADING}import type {{ Resource }} from '../crud';\n")
    return made

"""What is special about Next.js on paper; `tests/contract` builds and runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters.models.starter import ts_code
from core.errors import InvalidInput
from core.files import FileTree
from core.frameworks.express.framework import server
from core.frameworks.framework import Toolchain
from core.frameworks.registry import FRAMEWORKS
from core.words.plan import FieldType, Resource, ResourceField
from core.words.walls import Network

NEXTJS = FRAMEWORKS["nextjs"]
TOOLS = Toolchain(**{name: Path("/t") / name for name in ("python", "uv", "uv_cache", "node", "pnpm", "pnpm_store", "launchers")})


def build_key(tree: FileTree) -> str:
    (recipe,) = NEXTJS.build(tree, TOOLS)
    return recipe.env["NEXUS_BUILD_KEY"]


def test_the_keys_of_a_build_follow_from_its_files_and_are_not_those_of_another_app() -> None:
    tree = NEXTJS.scaffold()
    assert build_key(tree) == build_key(NEXTJS.scaffold())
    assert len(bytes.fromhex(build_key(tree))) == 32
    assert build_key(tree) != build_key(tree.with_files({"app/more/page.tsx": "export default () => null;\n"}))


def test_a_build_reaches_no_network() -> None:
    assert {recipe.network for recipe in NEXTJS.build(NEXTJS.scaffold(), TOOLS)} == {Network.NONE}
    install, *after = NEXTJS.install(TOOLS)
    assert install.network is Network.REGISTRIES
    assert {recipe.network for recipe in after} == {Network.NONE}


def test_the_lock_brings_the_compiler_for_both_architectures_and_nothing_that_makes_pictures_smaller() -> None:
    lock = NEXTJS.dependency_files(NEXTJS.scaffold())["pnpm-lock.yaml"]
    for package in ("@next/swc-linux", "@tailwindcss/oxide-linux", "lightningcss-linux"):
        assert {f"{package}-x64-gnu@" in lock, f"{package}-arm64-gnu@" in lock} == {True}, package
    assert "@img/" not in lock


def test_an_app_without_a_page_is_refused_with_what_to_add() -> None:
    with pytest.raises(InvalidInput, match=r"Add app/layout\.tsx and app/page\.tsx"):
        NEXTJS.build(FileTree({"package.json": "{}", "lib/x.ts": ""}), TOOLS)


@pytest.mark.parametrize("path", ["app/page.tsx", "src/app/page.jsx", "pages/index.js", "src/pages/index.js"])
def test_the_usual_folders_of_pages_are_compiled_and_launched(path: str) -> None:
    tree = FileTree({path: "", "package.json": "{}"})
    assert [recipe.name for recipe in NEXTJS.build(tree, TOOLS)] == ["compile"]
    assert "/t/launchers/launch_next.cjs" in NEXTJS.start(tree, TOOLS).argv


def test_a_server_of_somebodys_own_is_started_as_it_is() -> None:
    tree = FileTree({"index.js": "", "package.json": "{}"})
    assert [recipe.name for recipe in NEXTJS.build(tree, TOOLS)] == ["syntax"]
    assert NEXTJS.start(tree, TOOLS).argv[-1] == "index.js"


def test_accounts_have_the_tables_and_the_settings_of_every_other_framework() -> None:
    with_accounts, express = NEXTJS.scaffold(["authentication"]), server("server", ["authentication"])
    shared = [path for path in express if not path.startswith("server/")]
    assert {path: with_accounts[path] for path in shared} == {path: express[path] for path in shared}
    assert "proxy.ts" in with_accounts
    assert "proxy.ts" not in NEXTJS.scaffold()


def test_the_starter_writes_typed_modules_and_leaves_texts_alone() -> None:
    text = "import x from './y.js';"
    kind = ResourceField(name="kind", type=FieldType.CHOICE, choices=[text, "it's"])
    made = ts_code.files([Resource(name="parts", singular="part", fields=[kind])])
    assert set(made) == {"lib/resources/index.ts", "lib/resources/parts.ts"}
    assert "import parts from './parts';" in made["lib/resources/index.ts"]
    assert "export const resources: Resource[] = [parts];" in made["lib/resources/index.ts"]
    assert "import { crud } from '../crud';" in made["lib/resources/parts.ts"]
    assert json.dumps(text)[1:-1].replace("'", "\\'") in made["lib/resources/parts.ts"]

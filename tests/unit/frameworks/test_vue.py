"""What is special to Vue: its type checker, and that its components stay beside the plain page in words, icons and classes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from core.files import FileTree
from core.frameworks.framework import Toolchain
from core.frameworks.page import page
from core.frameworks.vue.framework import Vue

VUE = Vue()
PAGE = page("page")
TOOLS = Toolchain(**{name: Path("/tools") / name for name in Toolchain.__dataclass_fields__})


@pytest.fixture
def tree() -> FileTree:
    return VUE.scaffold(VUE.features)


def components(tree: FileTree) -> Mapping[str, str]:
    return {path: text for path, text in tree.items() if path.endswith(".vue")}


def test_templates_are_checked_for_their_types_before_anything_is_bundled(tree: FileTree) -> None:
    recipes = VUE.build(tree, TOOLS)
    assert [recipe.name for recipe in recipes] == ["syntax", "types", "bundle"]
    assert "vue-tsc" in " ".join(recipes[1].argv)


def test_the_pinned_typescript_has_the_programming_interface_that_vue_tsc_needs(tree: FileTree) -> None:
    assert int(VUE.dependencies(tree)["typescript"].split(".")[0]) < 7


def test_the_lock_is_of_the_scaffolds_own_packages(tree: FileTree) -> None:
    importers = (VUE.home / "pnpm-lock.yaml").read_text(encoding="utf-8").split("\npackages:\n")[0]
    locked = re.findall(r"^ {6}'?([^'\s]+?)'?:\n {8}specifier: (\S+)$", importers, re.MULTILINE)
    assert dict(locked) == VUE.dependencies(tree)


def test_accounts_are_only_in_apps_that_ask_for_them() -> None:
    added = VUE.feature_files("authentication")
    assert {"src/App.vue", "src/components/SignIn.vue", "src/composables/useSession.ts"} <= set(added)
    assert not [path for path, text in VUE.scaffold().items() if "auth/me" in text]


def test_components_put_text_in_as_text(tree: FileTree) -> None:
    assert not [path for path, text in components(tree).items() if re.search(r"v-html|innerHTML|insertAdjacentHTML", text)]


def test_every_class_that_a_component_uses_is_one_of_the_style_sheet(tree: FileTree) -> None:
    bare = {"rows", "skeletons"}  # names to hang on to, as on the plain page; they look like nothing by themselves
    styled = set(re.findall(r"\.([a-z][\w-]*)", PAGE["page/app.css"])) | bare
    for path, text in components(tree).items():
        template = text[text.index("<template>") :]
        plain = " ".join(re.findall(r'\sclass="([^"]*)"', template)).split()
        bound = " ".join(re.findall(r"'([a-z][a-z -]*)'", " ".join(re.findall(r':class="([^"]*)"', template)))).split()
        assert set(plain + bound) - styled == set(), path


def words(text: str, name: str) -> str:
    found = re.search(rf"const {name} = (/.+/i?);", text)
    assert found, name
    return found[1]


@pytest.mark.parametrize("name", ["FINISHED", "ENDED", "DEADLINE", "GOOD", "BAD", "WARM"])
def test_the_same_words_mean_the_same_as_on_the_plain_page(name: str, tree: FileTree) -> None:
    assert words(tree["src/format.ts"], name) == words(PAGE["page/format.js"], name)


def test_the_icons_are_those_of_the_plain_page(tree: FileTree) -> None:
    def drawn(text: str) -> dict[str, str]:
        return dict(re.findall(r"^\s+(\w+): '(M[^']+)',$", text, re.MULTILINE))

    mine, others = drawn(tree["src/components/AppIcon.vue"]), drawn(PAGE["page/dom.js"])
    assert mine
    assert mine.items() <= others.items()

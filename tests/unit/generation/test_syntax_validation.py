"""What validation says of the syntax of scripts, components, pages and styles."""

from __future__ import annotations

import pytest

from core.files import FileTree
from core.frameworks.registry import FRAMEWORKS
from core.generation.problem import ProblemKind
from core.generation.validation import syntax
from core.generation.validation.scripts import Scripts


def found(path: str, text: str) -> list[tuple[int | None, str]]:
    problems = list(syntax.check(path, text, Scripts(FileTree({path: text}))))
    assert all((ProblemKind.SYNTAX, path) == (problem.kind, problem.path) for problem in problems)
    return [(problem.line, problem.message) for problem in problems]


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("a.js", "const a = 1;\nconst = 2;\n", 2),
        ("a.js", "a();\nfunction f() {\n  if (a) {\n}\n", 2),
        ("a.mjs", "a(\n[1, 2);\n", 2),
        ("a.cjs", "a();\n}\n", 2),
        ("a.jsx", "const a = () => {\n  return <p>hi</p>;\n", 1),
        ("a.js", "a();\nHere is the rest of the code for you:\n", 2),
        ("a.js", "const a = `never closed;\n", 1),
        ("a.ts", "const a: number = 1;\nconst = 2;\n", 2),
        ("a.ts", "interface A {\n  b: string;\n", 1),
        ("a.tsx", "export function A() {\n  return (<p>hi</p>;\n}\n", 2),
        ("a.ts", "type A = { b: string };\nThe rest of the code stays here.\n", 2),
        ("a.vue", '<script setup lang="ts">\nconst a = 1\nconst = 2\n</script>\n<template><p>{{ a }}</p></template>\n', 3),
        ("a.vue", "<template>\n<div>\n<p>{{ a < 1 }}\n</div>\n</template>\n", 3),
        ("a.vue", "<template>\n<div>\n</template>\n", 2),
        ("a.vue", "<template>\n</div>\n</template>\n", 2),
        ("a.vue", "<template><p/></template>\n<script setup>\nconst a = 1\n", 2),
        ("a.vue", "<template><p/></template>\n<style>\n.a { color: red;\n</style>\n", 3),
        ("a.vue", "\nHere is the component you asked for.\n", None),
        ("a.css", "a { color: red }\nb { color: blue;\n", 2),
        ("a.css", "a { }\n}\n", 2),
        ("a.css", "a { }\n/* never closed\n", 2),
        ("a.css", "a { }\nb { content: 'x;\n }\n", 2),
        ("a.html", "<html>\n<script>\nconst = 1;\n</script></html>\n", 3),
        ("a.html", "<html>\n<script>\nlet a = 1;\n", 2),
        ("a.html", "<html>\n<!-- never closed\n", 2),
        ("a.json", '{"a": 1,\n}', 2),
    ],
)
def test_an_error_is_told_once_with_its_line(path: str, text: str, line: int | None) -> None:
    assert [line] == [at for at, _ in found(path, text)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.js", "#!/usr/bin/env node\nimport a from './a.js' with { type: 'json' };\nawait a?.b ?? /[/}]/.test(`${1}`);\n"),
        ("a.jsx", "export default () => <><A {...rest}>{/* ... */ x && <B/>} it's {'}'}</A></>;\n"),
        ("a.cjs", "with_ = 1; label: for (;;) { break label }\nmodule.exports = { async *[x]() { yield* y } }\n"),
        ("a.ts", "export type * from './a';\nlet a: import('vue').Ref<number>;\n"),
        ("a.ts", "export const b = <const T,>(x: T) => x satisfies unknown;\n"),
        ("a.ts", "interface A<in out T extends B> { c: T }\nabstract class D<out E> { declare f: E; accessor g = 1 }\n"),
        ("a.ts", "export default function (): { a: string };\n"),
        ("a.d.ts", "this is not looked into ((("),
        ("a.tsx", "const A = <T,>({ a }: { a: T }) => <p key={a as string}>{a!}</p>;\nenum B { C = 1 << 2 }\n"),
        (
            "a.vue",
            "<script>\nexport default { data: () => ({ a: '</p>' }) }\n</script>\n<template>\n"
            "<p v-if=\"a > 1 && '<div>'\">{{ a < 1 ? '<b>' : \"}\" }}<br><img src=\"x\"></p>\n<!-- <div> -->\n"
            "<template #x=\"{ y }\"><My-Input v-model.trim='y' /></template>\n</template>\n",
        ),
        (
            "a.vue",
            "<template lang=\"pug\">\ndiv\n  p <open\n</template>\n<i18n>{</i18n>\n"
            "<style lang=\"scss\">\na { &:hover { @include x; } // }\n</style>\n",
        ),
        (
            "a.css",
            "@import url(data:image/svg+xml;{);\n@layer a { .b\\{ { content: '\\'}' } } /* } */\n"
            "@media (width > 1px) { a { background: url( 'x)}' ) } }\n",
        ),
        (
            "a.html",
            "<p>a < b & c <br>unclosed <p>fine\n<script type=\"text/x-template\">{{#if}}</script>"
            "<script type=\"application/ld+json\">{\"a\": 1}</script>\n",
        ),
        ("tsconfig.json", '{ // comments are fine here\n "a": 1, }'),
        ("a.txt", "((("),
        ("a.svelte", "((("),
        ("empty.ts", ""),
    ],
)  # fmt: skip
def test_valid_code_raises_no_alarm(path: str, text: str) -> None:
    assert found(path, text) == []


@pytest.mark.parametrize("name", sorted(FRAMEWORKS))
def test_no_scaffold_raises_an_alarm(name: str) -> None:
    framework = FRAMEWORKS[name]
    tree = framework.scaffold(("authentication",))
    scripts = Scripts(tree)
    assert [] == [problem for path in tree for problem in syntax.check(path, tree[path], scripts)]


_HOSTILE = [
    *("(", "{", "`${", "<a>", "<", "1+", "a=>", "a<", "/(", "(a,", "({a:", "<div", "{a{", "a:not("),
    *("<!--", "{{", "'", '"', "<script>", "<template>", "/*", "\\", "url("),
]


@pytest.mark.parametrize("piece", _HOSTILE)
def test_hostile_text_is_read_to_its_end_or_given_up(piece: str) -> None:
    text = (piece * 20_000)[:20_000]
    for path in ("a.js", "a.tsx", "a.vue", "a.css", "a.html"):
        assert len(found(path, text)) <= 1

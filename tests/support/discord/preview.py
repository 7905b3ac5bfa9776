"""Components as a page that resembles Discord, dark and light, to be looked at in a browser; no test asserts it.

    python -m tests.unit.discord.render.snapshots --pictures FOLDER

writes the page of every snapshot, and its picture. The colours, the sizes and the gaps are those of Discord's desktop client, as far as
they are known; a window of it leaves a message about 600 pixels.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.support.discord.markdown import Node, read, visible

_STYLE = """
* { box-sizing: border-box } body { margin: 0; display: flex; font: 16px/1.375 "gg sans", "Noto Sans", "Helvetica Neue",
sans-serif } main { flex: 1; min-width: 0; padding: 16px 24px 24px 72px; position: relative; min-height: 100vh; background: #fff;
color: #2e3035; --muted: #5c5e66; --box: #f2f3f5; --line: #d9dadd; --link: #0068e0; --plain: #e3e5e8; --field: #ebedef }
main.dark { background: #313338; color: #dbdee1; --muted: #a5a8ae; --box: #2b2d31; --line: #43454b; --link: #48a9fb;
--plain: #4e5058; --field: #1e1f22 } main::before { content: "N"; position: absolute; left: 16px; top: 18px; width: 40px; height:
40px; border-radius: 50%; background: #5865f2; color: #fff; font-weight: 700; text-align: center; line-height: 40px } .who {
font-weight: 600; margin-bottom: 4px } .who small { font-weight: 400; color: var(--muted); font-size: 12px; margin-left: 6px }
.app { font-size: 10px; font-weight: 600; background: #5865f2; color: #fff; border-radius: 3px; padding: 1px 4px; margin-left: 5px;
vertical-align: 2px } .container { max-width: 600px; background: var(--box); border: 1px solid var(--line); border-left: 4px solid
var(--accent, var(--line)); border-radius: 8px; padding: 16px; display: flex; flex-direction: column; gap: 8px } .text { white-space:
break-spaces; overflow-wrap: anywhere } h2, h3 { margin: 0; line-height: 1.375 } h2 { font-size: 20px; margin-top: 4px } h3 {
font-size: 16px; margin-top: 4px } .small { font-size: 13px; color: var(--muted) } hr { border: 0; border-top: 1px solid
var(--line); margin: 4px 0; width: 100% } .row { display: flex; flex-wrap: wrap; gap: 8px } .button { border-radius: 8px; padding: 4px
16px; min-height: 32px; font-size: 14px; font-weight: 500; background: var(--plain); white-space: nowrap; display: inline-block }
.s1 { background: #5865f2; color: #fff } .s3 { background: #248046; color: #fff } .s4 { background: #da373c; color: #fff }
.s5::after { content: " ↗" } .select { display: block; width: 100%;
margin-top: 6px; background: var(--field); border: 1px solid var(--line); border-radius: 8px;
padding: 7px 12px; color: var(--muted) } .select::after { content: "⌄"; float: right } pre { margin: 4px 0; background: var(--field);
border: 1px solid var(--line); border-radius: 4px; padding: 8px; font: 14px/1.3 "DejaVu Sans Mono", Consolas, monospace; white-space:
pre-wrap; overflow-wrap: anywhere } code { background: var(--field); border-radius: 4px; padding: 0 4px; font: 85% "DejaVu Sans Mono",
monospace } a { color: var(--link); text-decoration: none } blockquote { margin: 0; padding-left: 12px; border-left: 4px solid
var(--line); border-radius: 3px } .section { display: flex; gap: 12px; justify-content: space-between } .section > :last-child {
flex: none; align-self: flex-start } .gallery { display: grid; grid-template-columns: 1fr 1fr; gap: 4px } .picture { height: 180px;
border-radius: 8px; background: var(--plain); display: grid; place-items: center; font-size: 12px; padding: 8px; text-align: center }
.at { background: #5865f233; border-radius: 3px; padding: 0 2px; color: var(--link) } .time { background: var(--plain); border-radius:
3px; padding: 0 2px } .modal { max-width: 440px; background: var(--box); border: 1px solid var(--line); border-radius: 12px; padding:
20px; display: flex; flex-direction: column; gap: 14px } label { font-weight: 600; display: block } .field { background: var(--field);
border: 1px solid var(--line); border-radius: 8px; padding: 8px 12px; margin-top: 6px; min-height: 42px; white-space: pre-wrap }
.tall { min-height: 104px } .empty { color: var(--muted) } .file { max-width: 420px; border: 1px solid var(--line); background:
var(--box); border-radius: 8px; padding: 12px; margin-top: 6px; font-size: 14px } .must { color: #da373c } .end { display: flex; gap:
8px; justify-content: flex-end } .box { float: right; width: 24px; height: 24px; border: 1px solid var(--muted); border-radius: 6px;
text-align: center; line-height: 22px } .set { background: #5865f2; color: #fff }
"""


def page(components: Sequence[Mapping[str, Any]], *, files: Sequence[Sequence[str]] = (), title: str = "") -> str:
    """Dark and light, side by side; with a title it is a modal."""
    inner = "".join(map(_component, components))
    if title:
        end = '<div class="end"><span class="button">Cancel</span><span class="button s1">Submit</span></div>'
        inner = f'<div class="modal"><h2>{_e(title)}</h2>{inner}{end}</div>'
    inner += "".join(f'<div class="file">📄 <b>{_e(name)}</b><br>{len(text):,} characters</div>' for name, text in files)
    who = '<div class="who">Nexus<span class="app">APP</span><small>Today at 14:05</small></div>'
    sides = "".join(f'<main class="{side}">{who}{inner}</main>' for side in ("dark", "light"))
    return f'<!doctype html><meta charset="utf-8"><style>{_STYLE}</style>{sides}'


def _e(text: str) -> str:
    return html.escape(text)


def _marked(text: str) -> str:
    return f'<div class="text">{_nodes(read(text))}</div>'


def _nodes(nodes: Sequence[Node]) -> str:
    return "".join(map(_node, nodes))


_TAGS = {"bold": "b", "italic": "i", "underline": "u", "struck": "s", "quote": "blockquote"}


def _node(node: Node) -> str:
    inner = _nodes(node.inner)
    match node.kind:
        case "text":
            return _e(node.text)
        case "code":
            return f"<code>{_e(node.text)}</code>"
        case "block":
            return f"<pre>{_e(node.text)}</pre>"
        case "link" | "masked":
            return f'<a href="#">{_e(node.text) or inner}</a>'
        case "heading":
            level = len(node.more)
            return f"<h{level}>{_nodes(node.inner[:-1])}</h{level}>"
        case "small":
            return f'<div class="small">{_nodes(node.inner[:-1])}</div>'
        case "timestamp":
            return f'<span class="time">{datetime.fromtimestamp(int(node.more), UTC):%d %b %Y, %H:%M}</span>'
        case "channel":
            return '<span class="at"># channel</span>'
        case "bold" | "italic" | "underline" | "struck" | "quote":
            return f"<{_TAGS[node.kind]}>{inner}</{_TAGS[node.kind]}>"
        case other:
            return f'<span class="at">{_e(other)} {_e(visible([node]))}</span>'


def _component(one: Mapping[str, Any]) -> str:
    match one["type"]:
        case 1:
            return f'<div class="row">{"".join(map(_component, one["components"]))}</div>'
        case 2:
            return f'<span class="button s{one["style"]}">{_e(one["label"])}</span>'
        case 3 | 5 | 6 | 7 | 8:
            chosen = [option["label"] for option in one.get("options", []) if option.get("default")]
            chosen += [f"@{value['id']}" for value in one.get("default_values", [])]
            return f'<span class="select">{_e(", ".join(chosen) or one.get("placeholder") or "")}</span>'
        case 4:
            tall = " tall" if one["style"] == 2 else ""
            if one.get("value"):
                return f'<div class="field{tall}">{_e(one["value"])}</div>'
            return f'<div class="field empty{tall}">{_e(one.get("placeholder") or "")}</div>'
        case 9:
            inner = "".join(map(_component, one["components"]))
            return f'<div class="section"><div>{inner}</div>{_component(one["accessory"])}</div>'
        case 10:
            return _marked(one["content"])
        case 12:
            items = "".join(f'<div class="picture">{_e(item.get("description") or "")}</div>' for item in one["items"])
            return f'<div class="gallery">{items}</div>'
        case 14:
            return "<hr>"
        case 17:
            colour = one.get("accent_color")
            style = f' style="--accent: #{colour:06x}"' if colour is not None else ""
            return f'<div class="container"{style}>{"".join(map(_component, one["components"]))}</div>'
        case 18:
            return _label(one)
        case 19:
            return '<div class="field empty">Drop a file here, or browse</div>'
        case other:
            return f"<div>[{other}]</div>"


def _label(one: Mapping[str, Any]) -> str:
    inner = one["component"]
    must = '<span class="must"> *</span>' if inner.get("required") else ""
    hint = f'<div class="small">{_e(one["description"])}</div>' if one.get("description") else ""
    if inner["type"] == 23:
        box = '<span class="box set">✓</span>' if inner.get("default") else '<span class="box"></span>'
        return f"<div>{box}<label>{_e(one['label'])}</label>{hint}</div>"
    return f"<div><label>{_e(one['label'])}{must}</label>{hint}{_component(inner)}</div>"

"""Blocks as a page that resembles Slack, light and dark, to be looked at in a browser; no test asserts it.

    python -m tests.unit.slack.render.snapshots --pictures FOLDER

writes the page of every snapshot, and its picture.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

_STYLE = """
* { box-sizing: border-box } body { margin: 0; display: flex; font: 15px/1.46668 Lato, "Noto Sans", "Segoe UI",
sans-serif } main { flex: 1; padding: 18px 20px 22px 64px; position: relative; min-height: 100vh; background: #fff;
color: #1d1c1d; min-width: 0 } main.dark { background: #1a1d21; color: #d1d2d3 } main::before { content: "N";
position: absolute; left: 20px; top: 20px; width: 36px; height: 36px; border-radius: 8px; background: #3a46d4; color:
#fff; font-weight: 900; text-align: center; line-height: 36px } .who { font-weight: 900 } .who small { font-weight:
400; opacity: .6; font-size: 12px; margin-left: 6px } .app { font-size: 10px; background: #8883; border-radius: 2px;
padding: 1px 3px; margin-left: 5px; vertical-align: 2px } h2 { font-size: 18px; line-height: 1.33; margin: 8px 0;
font-weight: 900 } .b { margin: 6px 0; max-width: 640px; overflow-wrap: anywhere } .context { font-size: 13px;
opacity: .75; display: flex; flex-wrap: wrap; gap: 2px 8px } .context span { white-space: pre-wrap } .fields {
display: grid; grid-template-columns: 1fr 1fr; gap: 8px 16px } hr { border: 0; border-top: 1px solid #8884; margin:
14px 0 } .rich, .text { white-space: pre-wrap } pre { font: 12px/1.5 ui-monospace, Menlo, "DejaVu Sans Mono",
monospace; background: #8881; margin: 4px 0; border: 1px solid #8884; border-radius: 4px; padding: 8px; overflow-x:
auto; white-space: pre-wrap } code { font: 12px ui-monospace, "DejaVu Sans Mono", monospace; color: #c01343;
background: #8881; border: 1px solid #8883; border-radius: 3px; padding: 1px 3px } .dark code { color: #e8912d } a {
color: #1264a3 } .dark a { color: #1d9bd1 } blockquote { margin: 4px 0; padding-left: 12px; border-left: 4px solid
#8886; white-space: pre-wrap } .actions { display: flex; flex-wrap: wrap; gap: 8px } .button, .select { border: 1px
solid #8888; border-radius: 8px; padding: 4px 12px; font-weight: 700; font-size: 13px } .primary { background:
#007a5a; color: #fff; border-color: #007a5a } .danger { color: #e01e5a; border-color: #e01e5a } .select { font-weight:
400 } .select::after { content: " ▾" } table { border-collapse: collapse; font-size: 13px; overflow-wrap: normal } td
{ border: 1px solid #8884; padding: 4px 8px; vertical-align: top } tr:first-child td { font-weight: 700; background:
#8881 } .image { width: 340px; height: 212px; border-radius: 8px; background: #8883; display: grid; place-items:
center; font-size: 12px } label { font-weight: 700; display: block; margin-top: 10px } .input { border: 1px solid
#8888; border-radius: 4px; padding: 6px 10px; min-height: 34px; white-space: pre-wrap } .hint { font-size: 13px;
opacity: .75 } .task { padding: 3px 0 } .file { border: 1px solid #8884; border-radius: 8px; padding: 8px 12px;
margin: 4px 0; width: 320px; font-size: 13px }
"""


def page(blocks: Sequence[Mapping[str, Any]], *, files: Sequence[tuple[str, str]] = (), title: str = "") -> str:
    """Light and dark, side by side."""
    inner = "".join(_block(block) for block in blocks)
    inner += "".join(f'<div class="file">📄 <b>{_e(name)}</b><br>{len(text):,} characters</div>' for name, text in files)
    who = f'<div class="who">{_e(title or "Nexus")}<span class="app">APP</span><small>14:05</small></div>'
    sides = "".join(f'<main class="{side}">{who}{inner}</main>' for side in ("light", "dark"))
    return f'<!doctype html><meta charset="utf-8"><style>{_STYLE}</style>{sides}'


def _e(text: str) -> str:
    return html.escape(text)


def _text(value: Mapping[str, Any] | None) -> str:
    """A text object; mrkdwn as far as it is used here."""
    if value is None:
        return ""
    if value["type"] == "plain_text":
        return _e(value["text"])
    text = value["text"].replace('"', "&quot;")
    text = re.sub(
        r"&lt;|<(https?:[^|>]*)(?:\|([^>]*))?>", lambda m: f'<a href="{m[1]}">{m[2] or m[1]}</a>' if m[1] else m[0], text
    )
    text = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", text)
    return re.sub(r"(?<![\w⁠])\*([^*\n]+)\*(?![\w⁠])", r"<b>\1</b>", text)


def _rich(element: Mapping[str, Any]) -> str:
    match element["type"]:
        case "text":
            text = _e(element["text"])
            for style, tag in (("bold", "b"), ("italic", "i"), ("code", "code")):
                text = f"<{tag}>{text}</{tag}>" if element.get("style", {}).get(style) else text
            return text
        case "link":
            return f'<a href="{_e(element["url"])}">{_e(element.get("text") or element["url"])}</a>'
        case "date":
            return _e(element["fallback"])
        case "channel":
            return '<a href="#">#channel</a>'
        case "rich_text_section":
            return f'<div class="rich">{_riches(element)}</div>'
        case "rich_text_preformatted":
            return f"<pre>{_riches(element)}</pre>"
        case "rich_text_quote":
            return f"<blockquote>{_riches(element)}</blockquote>"
        case "rich_text_list":
            return "<ul>" + "".join(f"<li>{_riches(item)}</li>" for item in element["elements"]) + "</ul>"
        case other:
            return f"[{_e(other)}]"


def _riches(element: Mapping[str, Any]) -> str:
    return "".join(_rich(inner) for inner in element["elements"])


def _element(element: Mapping[str, Any]) -> str:
    match element["type"]:
        case "button":
            return f'<span class="button {element.get("style", "")}">{_text(element["text"])}</span>'
        case "overflow":
            return '<span class="button">⋯</span>'
        case "plain_text_input":
            tall = ' style="min-height:90px"' if element.get("multiline") else ""
            return f'<div class="input"{tall}>{_e(element.get("initial_value", "")) or _text(element.get("placeholder"))}</div>'
        case "radio_buttons":
            chosen = element.get("initial_option")
            return "".join(
                f"<div>{'◉' if option == chosen else '○'} {_text(option['text'])}</div>" for option in element["options"]
            )
        case _:
            chosen = element.get("initial_option") or {}
            users = ", ".join(element.get("initial_users", []) or [_text(o["text"]) for o in element.get("initial_options", [])])
            shown = _text(chosen.get("text")) or users or _text(element.get("placeholder")) or element["type"]
            return f'<span class="select">{shown}</span>'


def _block(block: Mapping[str, Any]) -> str:
    match block["type"]:
        case "header":
            return f"<h2>{_text(block['text'])}</h2>"
        case "divider":
            return "<hr>"
        case "context":
            return f'<div class="b context">{"".join(f"<span>{_text(element)}</span>" for element in block["elements"])}</div>'
        case "section":
            text = f'<div class="text">{_text(block.get("text"))}</div>' if "text" in block else ""
            fields = "".join(f'<div class="text">{_text(field)}</div>' for field in block.get("fields", []))
            side = _element(block["accessory"]) if "accessory" in block else ""
            return f'<div class="b">{text}<div class="fields">{fields}</div>{side}</div>'
        case "rich_text":
            return f'<div class="b">{_riches(block)}</div>'
        case "actions":
            return f'<div class="b actions">{"".join(_element(element) for element in block["elements"])}</div>'
        case "image":
            return f'<div class="b">{_text(block.get("title"))}<div class="image">{_e(block["alt_text"])}</div></div>'
        case "table":
            rows = "".join(
                "<tr>" + "".join(f"<td>{_e(c['text']) if c['type'] == 'raw_text' else _riches(c)}</td>" for c in row) + "</tr>"
                for row in block["rows"]
            )
            return f'<table class="b">{rows}</table>'
        case "input":
            hint = f'<div class="hint">{_text(block["hint"])}</div>' if "hint" in block else ""
            optional = " <small>(optional)</small>" if block.get("optional") else ""
            return f'<div class="b"><label>{_text(block["label"])}{optional}</label>{_element(block["element"])}{hint}</div>'
        case "plan":
            tasks = "".join(
                f'<div class="task">{_e(task["status"])}: {_e(task["title"])}</div>' for task in block.get("tasks", [])
            )
            return f'<div class="b"><b>{_e(block["title"])}</b>{tasks}</div>'
        case other:
            return f'<div class="b">[{_e(other)}]</div>'

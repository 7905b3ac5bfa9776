"""Cards as HTML: everything is escaped, keyed and reachable."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from adapters.web import render
from core.ids import ThreadId
from core.words import cards as c
from core.words.inbound import Answer
from core.words.views import MessageView
from tests.support import fake_cards

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u202e`</code><b>`"
_VOID = {"img", "input", "path", "circle", "rect"}


class _Strict(HTMLParser):
    """Knows whether tags are balanced, and what ids and handlers there are."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.refers: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.names.add(name)
            if name == "id":
                self.ids.append(value or "")
            if name in {"aria-controls", "aria-labelledby", "aria-describedby", "for"}:
                self.refers.append(value or "")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag


def _checked(html: str) -> _Strict:
    parser = _Strict()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    assert len(set(parser.ids)) == len(parser.ids)
    assert set(parser.refers) <= set(parser.ids)
    assert "script" not in parser.tags
    assert not [name for name in parser.names if name.startswith("on") or name == "style"]
    return parser


def _hostile_card() -> c.Card:
    h = HOSTILE
    children: list[c.Child] = [
        c.Text(text=h),
        c.Text(text=h, style="code"),
        c.Text(text=h, style="warning"),
        c.Facts(facts=[c.Fact(label=h, value=h), c.Fact(label=h, value=h, style="code"), c.Fact(label=h, value=h, style="link")]),
        c.Steps(title=h, steps=[c.Step(name=h, state=state, detail=h, seconds=1) for state in c.StepState]),
        c.Log(title=h, lines=[h, "x" * 100_000], live_app=h),
        c.Table(columns=[h], rows=[[h]]),
        c.Image(path=h, alt=h),
        c.Section(
            id=h, title=h, children=[c.Files(build=h, files=[c.FileEntry(path=f"{h}/{h}", size=1, purpose=h, change="added")])]
        ),
        c.Section(id="two", title=h, children=[c.Text(text=h)]),
    ]
    actions: list[c.Button | c.Link] = [
        c.Button(action="a" * 30, value="<>\"'&" * 10, label=h, confirm=c.Confirm(title=h, text=h, yes=h)),
        c.Link(label=h, url="javascript:alert(1)"),
        c.Link(label=h, url="https://ok.example/?<>"),
    ]
    return c.Card(kind="build", title=h, subtitle=h, status=h, children=children, actions=actions)


def test_nothing_that_a_card_says_becomes_markup() -> None:
    html = render.card(_hostile_card(), HOSTILE)
    _checked(html)
    assert "alert(1)&lt;/script&gt;" in html
    assert "javascript:" not in html


@pytest.mark.parametrize(
    "card",
    [
        *(fake_cards.working(stage) for stage in range(6)),
        fake_cards.review(),
        fake_cards.deploying(2),
        fake_cards.live(),
        fake_cards.superseded(),
        fake_cards.failed(),
    ],
)
def test_every_card_is_well_formed_and_its_references_lead_somewhere(card: c.Card) -> None:
    assert _checked(render.card(card, "m-1")).tags


def test_two_cards_share_no_id() -> None:
    first, second = (_checked(render.card(fake_cards.review(), key)).ids for key in ("m-1", "m-2"))
    assert first
    assert set(first).isdisjoint(second)


def _selected(card: c.Card) -> list[str]:
    return re.findall(r'role="tab" id="k-tab-(\w+)"[^>]*aria-selected="true"', render.card(card, "k"))


def test_a_review_opens_at_its_files_and_a_deployment_at_deploy() -> None:
    assert _selected(fake_cards.review()) == ["files"]
    assert _selected(fake_cards.deploying(1)) == ["deploy"]
    assert _selected(fake_cards.live()) == ["deploy"]


def test_one_section_alone_makes_no_tabs() -> None:
    card = c.Card(kind="notice", title="x", children=[c.Section(id="a", title="A", children=[c.Text(text="t")])])
    assert "tablist" not in render.card(card, "k")


def test_what_is_over_is_folded_until_somebody_looks() -> None:
    assert "data-folded" in render.card(fake_cards.superseded(), "k")
    assert "data-folded" not in render.card(fake_cards.review(), "k")


def test_the_tree_shows_folders_once_and_before_files() -> None:
    files = [c.FileEntry(path=p, size=1) for p in ("z.py", "a/b/c.py", "a/d.py", "a.py")]
    html = render.card(c.Card(kind="build", title="x", children=[c.Files(build="b", files=files)]), "k")
    assert re.findall(r'data-(?:folder|path)="([^"]+)" aria-level="(\d)"', html) == [
        ("a", "1"),
        ("a/b", "2"),
        ("a/b/c.py", "3"),
        ("a/d.py", "2"),
        ("a.py", "1"),
        ("z.py", "1"),
    ]


def test_a_changed_file_is_the_first_to_be_seen() -> None:
    html = render.card(fake_cards.review(changed=("static/app.js",)), "k")
    assert re.findall(r'data-path="([^"]+)" aria-level="\d" aria-selected="true"', html) == ["static/app.js"]


def test_a_removed_file_cannot_be_opened() -> None:
    files = [c.FileEntry(path="gone.py", size=1, change="removed"), c.FileEntry(path="here.py", size=1)]
    html = render.card(c.Card(kind="build", title="x", children=[c.Files(build="b", files=files)]), "k")
    assert re.search(r'data-path="gone.py"[^>]*aria-disabled="true"', html)
    assert re.search(r'data-path="here.py"[^>]*aria-selected="true"', html)


def test_a_log_is_cut_to_what_can_be_read() -> None:
    card = c.Card(kind="notice", title="x", children=[c.Log(lines=["y" * 100_000] * 2_000)])
    html = render.card(card, "k")
    assert html.count('class="line"') == render.MAX_LOG_LINES
    assert "98,000 more characters" in html


def test_words_of_a_person_keep_their_breaks_and_their_name() -> None:
    view = MessageView(
        message="msg_1", thread=ThreadId("t"), order=1, version=1, author="Zoë <b>", text="one\ntwo 👋🏽", at=datetime.now(UTC)
    )
    html = render.message(view)
    _checked(html)
    assert "one\ntwo 👋🏽" in html
    assert "Zoë &lt;b&gt;" in html


def test_a_form_has_a_control_for_every_input() -> None:
    inputs = [
        c.Input(name="a", label="A", required=True, value='"', hint="h"),
        c.Input(name="b", label="B", kind="multiline", value="</textarea><script>"),
        c.Input(name="c", label="C", kind="select", options=[("1", "One"), ("2", "<Two>")], value="2"),
        c.Input(name="d", label="D", kind="checkbox", value="true"),
        c.Input(name="e", label="E", kind="secret"),
    ]
    html = render.form(c.Form(form="f", title="T", inputs=inputs), "k")
    _checked(html)
    assert '<option value="2" selected>&lt;Two&gt;</option>' in html
    assert 'type="checkbox" id="k-3" name="d" checked' in html
    assert 'type="password"' in html


def test_an_answer_carries_all_its_parts() -> None:
    form = c.Form(form="f", title="T", inputs=[])
    html = render.answer(Answer(text="No <b>", form=form, card=fake_cards.failed(), thread=ThreadId("thr_1"), error=True), "k")
    _checked(html)
    assert 'data-thread="thr_1" data-error' in html
    assert "No &lt;b&gt;" in html
    assert 'class="modal"' in html
    assert 'class="drawer"' in html


def test_pictures_in_a_row_stand_side_by_side_and_keep_their_place_before_they_are_there() -> None:
    wide = c.Image(path="/builds/b/pictures/1", alt="A page", width=1280, height=800)
    narrow = c.Image(path="/builds/b/pictures/2", alt="A phone", width=390, height=844)
    html = render.card(c.Card(kind="build", title="T", children=[c.Text(text="before"), wide, narrow, c.Text(text="after")]), "k")
    assert html.count('<div class="shots">') == 1
    assert html.index("before") < html.index('class="shots"') < html.index('width="1280" height="800"') < html.index("after")
    assert html.index('width="390" height="844"') < html.index("</div>", html.index('class="shots"'))

"""Cards in Discord: whole stories as they are shown, and what a person needs from a card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from adapters.discord.notes import set_mark
from adapters.discord.render.card import COLOURS, Rendered, render
from adapters.discord.render.mark import mark
from core.conversation import answers
from core.conversation.measuring import units
from core.words.cards import (
    Button,
    Card,
    Confirm,
    Fact,
    Facts,
    FileEntry,
    Files,
    Image,
    Link,
    Log,
    Section,
    Step,
    Steps,
    StepState,
    Table,
    Text,
    Tone,
)
from tests.support import shown_cards
from tests.support import stories as s
from tests.support.shown_cards import story
from tests.unit.discord.render import snapshots
from tests.unit.discord.render.limits import components, contents, live, refused, refused_form, shown, stored, wrong

KEPT = {path.stem: path for path in snapshots.FOLDER.glob("*.json")}


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return dict(snapshots.everything())


def test_every_story_has_its_snapshot_and_no_other(made: dict[str, Any]) -> None:
    assert set(made) == set(KEPT), snapshots.RENEW


@pytest.mark.parametrize("name", sorted(KEPT))
def test_it_is_shown_as_before(name: str, made: dict[str, Any]) -> None:
    assert json.loads(KEPT[name].read_text()) == made[name], snapshots.RENEW


def test_discord_takes_every_snapshot(made: dict[str, Any]) -> None:
    for name, value in made.items():
        if "custom_id" not in value:
            assert (name, wrong(value["components"]), refused(value["components"])) == (name, [], [])
    for name, form in snapshots.modals().items():
        assert (name, refused_form(form)) == (name, [])


def test_discord_takes_every_card_at_every_moment_of_a_life() -> None:
    facts = [event.fact for event in s.whole_life()]
    moments = [card for end in range(1, len(facts) + 1) for card in story(*facts[:end]).values()]
    for card in {card.model_dump_json(): card for card in moments}.values():
        shown_card = render(card, pictures=snapshots.PICTURES, in_thread=True)
        assert wrong(shown_card.components) == []
        assert live(shown_card.components) == []
        assert shown_card.rest == []


# -- parts -----------------------------------------------------------------------------------------------------------------


def card(*children: Any, actions: Sequence[Button | Link] = (), **more: Any) -> Rendered:
    return render(Card(**{"kind": "build", "title": "Todo", "children": list(children), "actions": list(actions), **more}))


def pressable(made: Rendered) -> dict[str, Any]:
    found = [one for one in components(made.components) if one["type"] in (2, 3)]
    return {one.get("custom_id") or one["url"]: one for one in found}


def text_of(made: Rendered) -> str:
    return shown(made.components)


def many(count: int) -> list[FileEntry]:
    return [FileEntry(path=f"src/part{n // 120}/m{n:03}.py", size=n) for n in range(count)]


def test_the_status_and_what_it_is_about_stand_below_the_title() -> None:
    made = card(status="Live", tone=Tone.GOOD, subtitle="v1, approved by *Ben* @here")
    assert contents(made.components)[0].split("\n") == ["## Todo", "🟢 **Live**", "-# v1, approved by \\*Ben\\* @\u2060here"]


@pytest.mark.parametrize("tone", list(Tone))
def test_the_edge_has_the_colour_of_the_tone(tone: Tone) -> None:
    made = card(tone=tone)
    assert made.components[0].get("accent_color") == COLOURS[tone]
    colours = [colour for colour in COLOURS.values() if colour is not None]
    assert len(set(colours)) == len(COLOURS) - 1


def test_the_message_is_found_again_by_the_mark_of_its_key() -> None:
    view = render(Card(kind="build", title="T")).view
    set_mark(view, mark("build:b_1"))
    assert view.to_components()[0]["id"] == mark("build:b_1") == 1_725_195_337  # type: ignore[no-untyped-call]
    assert 1000 <= mark("") < 2**31
    assert mark("build:b_2") != mark("build:b_1")


def test_a_notification_says_what_it_is_about_and_where_to_look() -> None:
    facts = Facts(facts=[Fact(label="Address", value="http://todo.localhost:8080", style="link")])
    made = card(facts, Text(text="Gone: data\nDROP TABLE x", style="warning"), status="Live", subtitle="v1 @everyone")
    assert made.text.startswith("Todo: Live · v1 @\u2060everyone")
    assert made.text.endswith("Gone: data · http://todo.localhost:8080")


def test_steps_are_lines_with_a_mark_and_how_long_they_took() -> None:
    steps = [
        Step(name="Build", state=StepState.DONE, detail="compile", seconds=0.3),
        Step(name="Start", state=StepState.FAILED, detail="exit code 1"),
        Step(name="Picture", state=StepState.SKIPPED),
        Step(name="Route", state=StepState.WAITING),
        Step(name="Try", state=StepState.RUNNING),
    ]
    lines = contents(card(Steps(title="Tried", steps=steps)).components)[1].split("\n")
    assert lines == ["**Tried**", "✓ **Build**  compile · 0.3 s", "✕ **Start**  exit code 1", "– Picture", "○ Route", "● **Try**"]


def test_of_very_many_steps_those_that_failed_are_shown_first_and_all_are_in_a_file() -> None:
    steps = [Step(name=f"check {n}", state=StepState.DONE, detail="fine " * 10) for n in range(400)]
    steps.append(Step(name="the last", state=StepState.FAILED, detail="broken"))
    made = card(Steps(steps=steps))
    assert "✕ the last" in text_of(made)
    assert dict(made.rest)["steps.txt"].count("\n") == 400


@pytest.mark.parametrize("secret", ["postgresql://app:s*cr_t`@here<!x>@127.0.0.1:5433/db", "a" * 400, "one\ntwo ```", "``"])
def test_a_value_to_be_copied_is_exactly_what_it_was(secret: str) -> None:
    made = card(Facts(facts=[Fact(label="URL", value=secret, style="code")]))
    assert secret in text_of(made).replace("\u2060", "")
    assert live(made.components) == []


def test_facts_are_lines_with_links_and_code() -> None:
    made = card(
        Facts(
            facts=[
                Fact(label="Address", value="http://todo.localhost:8080/", style="link"),
                Fact(label="Role", value="t_9f3c_app", style="code"),
                Fact(label="Took", value="9.4 s"),
                Fact(label="Odd", value="javascript:alert(1)", style="link"),
                Fact(label="Empty", value=""),
            ]
        )
    )
    assert contents(made.components)[1].split("\n") == [
        "**Address**  <http://todo.localhost:8080/>",
        "**Role**  `t_9f3c_app`",
        "**Took**  9.4 s",
        "**Odd**  javascript:alert(1)",
        "**Empty**  –",
    ]


def test_a_short_log_is_shown_whole_and_of_a_long_one_ten_lines_with_the_rest_in_a_file() -> None:
    short = card(Log(lines=[f"line {n}" for n in range(12)]))
    assert not short.rest
    made = card(Log(title="Last lines", lines=[f"line {n}" for n in range(40)]))
    assert "line 30" in text_of(made)
    assert "line 29" not in text_of(made)
    assert "30 earlier lines, in log.txt" in text_of(made)
    assert dict(made.rest)["log.txt"].endswith("line 38\nline 39")


def test_an_answer_with_a_log_offers_to_follow_it_and_a_card_in_a_thread_does_not() -> None:
    answered = render(answers.logs_card("todo", ["up"], follow=True))
    assert set(pressable(answered)) == {"follow:todo", "logfile:todo"}
    assert not pressable(card(Log(lines=["up"], live_app="todo"), kind="deploy"))


def test_a_file_is_chosen_by_its_place_among_the_sorted_paths() -> None:
    files = [FileEntry(path=path, size=1) for path in ("z.py", "a/b.py", "README.md")]
    files.append(FileEntry(path="b.py", size=0, change="removed"))
    menu = pressable(card(Files(build="b_1", files=files)))["file:b_1"]
    assert {option["label"]: option["value"] for option in menu["options"]} == {"README.md": "0", "a/b.py": "1", "z.py": "2"}


def test_of_many_files_fifty_are_in_two_menus_and_it_says_how_to_reach_the_others() -> None:
    made = card(Files(build="b_1", files=many(60)))
    menus = {key: one for key, one in pressable(made).items() if one["type"] == 3}
    assert {key: [menu["options"][at]["value"] for at in (0, -1)] for key, menu in menus.items()} == {
        "file:b_1": ["0", "24"],
        "file~2:b_1": ["25", "49"],
    }
    assert "and 10 more files: /nexus files" in text_of(made)


def test_the_tree_says_what_changed_how_large_it_is_and_what_for() -> None:
    files = [
        FileEntry(path="app/main.py", size=4120, purpose="routes ```", change="changed"),
        FileEntry(path="app/new.py", size=10, change="added"),
        FileEntry(path="old.py", size=0, change="removed"),
    ]
    tree = contents(card(Files(build="b_1", files=files)).components)[1]
    assert tree.replace("\u2060", "").split("\n") == [
        "```",
        "  app/",
        "~   main.py   4.1 kB  routes ```",
        "+   new.py      10 B",
        "− old.py",
        "```",
    ]


def test_a_narrow_table_is_in_columns_and_a_wide_one_names_every_cell() -> None:
    narrow = card(Table(columns=["A", "Name"], rows=[["1", "日本"], ["22", "x"]]))
    assert contents(narrow.components)[1].split("\n") == ["```", "A   Name", "1   日本", "22  x", "```"]
    wide = card(Table(columns=["App", "Address", "Gone", "State"], rows=[["a*b", "http://x.example/" + "y" * 60, "–", "live"]]))
    assert contents(wide.components)[1].split("\n") == [
        "-# App",
        "**a\\*b**",
        f"-# Address: <http://x.example/{'y' * 60}> · State: live",
    ]


@pytest.mark.parametrize(("number", "says"), [(25, ["(25 files)"]), (26, ["(1–25 of 26)", "(26 of 26)"])])
def test_a_menu_says_which_files_it_has(number: int, says: list[str]) -> None:
    files = [FileEntry(path=f"{at:03}.py", size=1) for at in range(number)]
    menus = [one for one in pressable(card(Files(build="b_1", files=files))).values() if one["type"] == 3]
    assert [one["placeholder"] for one in menus] == [f"See a file… {said}" for said in says]


def test_a_wide_table_of_two_columns_names_both_once_above() -> None:
    words = "who may approve and for how long; which model writes, and its budget"
    wide = card(Table(columns=["Command", "What it does"], rows=[["settings", words], ["list", "your apps"]]))
    assert contents(wide.components)[1].split("\n") == [
        "-# Command · What it does",
        "**settings**",
        f"-# {words}",
        "**list**",
        "-# your apps",
    ]


def test_pictures_that_stand_together_are_one_gallery_and_others_are_a_line_that_says_where_they_are() -> None:
    images = [Image(path=f"/{name}.png", alt=f"Page {name}") for name in "abc"]
    there = render(Card(kind="build", title="T", children=images), pictures={"/a.png": "1.png", "/b.png": "2.png"})
    gallery = next(one for one in components(there.components) if one["type"] == 12)
    assert [(item["media"]["url"], item["description"]) for item in gallery["items"]] == [
        ("attachment://1.png", "Page a"),
        ("attachment://2.png", "Page b"),
    ]
    assert there.pictures == ("1.png", "2.png")
    assert "On the page of Nexus: Page c" in text_of(there)


def test_the_evidence_stands_before_the_files_and_the_setup_is_behind_a_button() -> None:
    made = render(shown_cards.cards()["build-review"], in_thread=True)
    text = text_of(made)
    assert text.index("Tried before asking") < text.index("main.py")
    assert "Reminders are sent at eight" not in text
    buttons = [one for one in components(made.components) if one["type"] == 2]
    assert [one["label"] for one in buttons] == ["Approve & deploy", "Change…", "Download .zip", "Setup", "Discard"]
    assert buttons[3]["custom_id"] == f"setup:{s.BUILD}"


def test_a_setup_of_no_known_build_is_shown_where_it_is() -> None:
    made = card(Section(id="setup", title="Setup", children=[Text(text="Set a mail address.")]))
    assert "Set a mail address." in text_of(made)
    assert not pressable(made)


def test_in_a_thread_what_is_live_is_told_by_its_own_card() -> None:
    build = shown_cards.cards()["build-deployed"]
    assert "Started server process" in text_of(render(build))
    assert "Started server process" not in text_of(render(build, in_thread=True))


# -- buttons ---------------------------------------------------------------------------------------------------------------


def test_buttons_carry_their_action_value_and_style_and_a_sign_where_it_is_asked_first() -> None:
    asks = Confirm(title="Discard?", text="It is gone then.", yes="Discard")
    made = card(
        actions=[
            Button(action="approve", value="ap_1 b_1", label="Approve", style="primary"),
            Button(action="discard", value="ap_1", label="Discard", style="danger", confirm=asks),
        ]
    )
    assert {key: one["style"] for key, one in pressable(made).items()} == {"approve:ap_1 b_1": 3, "?discard:ap_1": 4}
    assert stored(made.view) == []


def test_a_path_of_the_page_is_sent_back_as_an_action_and_a_web_address_is_opened() -> None:
    links = [Link(label="Zip", url="/builds/b_1.zip", action="zip", value="b_1"), Link(label="Open", url="https://x.example")]
    assert list(pressable(card(actions=links))) == ["zip:b_1", "https://x.example"]


def test_an_address_that_discord_calls_malformed_is_a_line_unless_it_is_shown_already() -> None:
    link = Link(label="Open", url="http://todo.localhost:8080")
    made = card(actions=[link, Button(action="logs", value="a", label="Logs")])
    assert list(pressable(made)) == ["logs:a"]
    assert "Open http://todo.localhost:8080" in text_of(made)
    assert not made.rest
    told = card(Facts(facts=[Fact(label="Address", value=link.url, style="link")]), actions=[link])
    assert text_of(told).count("todo.localhost") == 1


def test_a_link_that_leads_nowhere_is_no_button_and_is_not_lost() -> None:
    made = card(actions=[Link(label="Odd", url="javascript:alert(1)"), Button(action="logs", value="a", label="Logs")])
    assert list(pressable(made)) == ["logs:a"]
    assert "javascript:alert(1)" in dict(made.rest)["buttons.txt"]


def test_equal_buttons_get_ids_of_their_own() -> None:
    made = card(actions=[Button(action="logs", value="a", label="Logs")] * 3)
    assert list(pressable(made)) == ["logs:a", "logs~2:a", "logs~3:a"]


def test_rows_of_buttons_are_equally_long_and_what_is_more_than_twenty_five_is_in_a_file() -> None:
    six = card(actions=[Button(action="logs", value=f"a{n}", label=f"L{n}") for n in range(6)])
    assert [len(one["components"]) for one in components(six.components) if one["type"] == 1] == [3, 3]
    made = card(actions=[Button(action="logs", value=f"a{n}", label=f"L{n}") for n in range(32)])
    assert len(pressable(made)) == 25
    assert "7 more buttons, in buttons.txt" in text_of(made)
    assert "L31" in dict(made.rest)["buttons.txt"]


# -- what does not fit -----------------------------------------------------------------------------------------------------


def test_of_a_card_that_is_too_large_the_title_warnings_evidence_and_buttons_stay() -> None:
    filler = [Text(text="words " * 400) for _ in range(60)]
    made = card(
        *filler,
        Steps(title="Tried", steps=[Step(name="Build", state=StepState.DONE)]),
        Text(text="It removes data", style="warning"),
        actions=[Button(action="approve", value="x", label="Approve")],
    )
    text = text_of(made)
    assert all(word in text for word in ("Todo", "It removes data", "✓ Build", "Approve"))
    assert made.components[0]["components"][-1]["type"] == 1
    assert "more parts of this card, in more.txt" in text
    everything = text + "".join(whole for _, whole in made.rest)
    assert everything.count("words") >= 60 * 400
    assert 3000 < sum(map(units, contents(made.components))) <= 4000


def test_the_text_of_a_file_that_does_not_fit_is_attached_under_its_name() -> None:
    source = "\n".join(f"line = {n}" for n in range(2000))
    made = render(Card(kind="notice", title="app/main.py", children=[Text(text=source, style="code")]))
    assert made.rest == [("main.py", source)]
    assert "more lines, in main.py" in text_of(made)
    assert contents(made.components)[1].startswith("```py\nline = 0\n")


def test_files_with_what_does_not_fit_have_names_of_their_own() -> None:
    made = card(*[Log(lines=[f"{at} {n}" for n in range(30)]) for at in "abc"])
    assert [name for name, _ in made.rest] == ["log.txt", "log-2.txt", "log-3.txt"]


def test_more_files_than_a_message_takes_are_one() -> None:
    made = card(*[Log(lines=[f"{at} {n}" for n in range(30)]) for at in range(14)])
    assert [name for name, _ in made.rest] == ["log.txt", *(f"log-{n}.txt" for n in range(2, 10)), "more.txt"]
    assert text_of(made).count("20 earlier lines, in more.txt") == 5
    assert all(f"{at} 0" in dict(made.rest)["more.txt"] for at in range(9, 14))


def test_no_more_pictures_are_shown_than_a_message_takes_files() -> None:
    images = [Image(path=f"/{n}.png", alt=f"Page {n}") for n in range(12)]
    made = render(Card(kind="build", title="T", children=images), pictures={image.path: image.path[1:] for image in images})
    assert made.pictures == tuple(f"{n}.png" for n in range(10))
    assert "2 pictures (Page 10; Page 11)" in text_of(made)


def test_a_long_title_is_cut_in_sight_and_said_whole_below() -> None:
    title = ("Todo " * 60).strip()
    first, second = contents(card(title=title).components)
    assert first.endswith("…")
    assert second == title


def test_instructions_are_shown_as_what_they_are() -> None:
    text = "# Todos\n\nA web app.\n\n## By hand\n\n- set `PORT`, then:\n\n```sh\nnpm install\n# not a heading\n```\nThat is all."
    made = render(Card(kind="notice", title="Setup", children=[Text(text=text)]))
    assert contents(made.components)[1].split("\n") == [
        "**Todos**",
        "",
        "A web app.",
        "",
        "**By hand**",
        "",
        "\\- set `PORT`, then:",
        "",
        "```",
        "npm install",
        "# not a heading",
        "```",
        "That is all.",
    ]

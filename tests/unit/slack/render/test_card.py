"""Cards in Slack: whole stories as they are shown, and what a person needs from a card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from adapters.slack.render.blocks import weight
from adapters.slack.render.buttons import Ids, action_of
from adapters.slack.render.card import Rendered, render
from adapters.slack.render.files import build_of, suggestions
from core.conversation import answers
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
from tests.support.any_cards import walk
from tests.support.shown_cards import story
from tests.support.slack.validation import check_blocks, check_chunks, check_text, check_view
from tests.unit.slack.render import snapshots
from tests.unit.slack.render.cards import shown

KEPT = {path.stem: path for path in snapshots.FOLDER.glob("*.json")}


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return dict(snapshots.everything())


def test_every_story_has_its_snapshot_and_no_other(made: dict[str, Any]) -> None:
    assert set(made) == set(KEPT), snapshots.RENEW


@pytest.mark.parametrize("name", sorted(KEPT))
def test_it_is_shown_as_before(name: str, made: dict[str, Any]) -> None:
    assert json.loads(KEPT[name].read_text()) == made[name], snapshots.RENEW


def test_slack_takes_every_snapshot(made: dict[str, Any]) -> None:
    for name, value in made.items():
        if name.startswith("stream"):
            for told in value:
                check_chunks(told)
        elif value.get("type") in {"modal", "home"}:
            check_view(value)
        else:
            check_blocks(value["blocks"])
            check_text(value["text"])


def test_slack_takes_every_card_at_every_moment_of_a_life() -> None:
    facts = [event.fact for event in s.whole_life()]
    moments = [card for end in range(1, len(facts) + 1) for card in story(*facts[:end]).values()]
    for card in {card.model_dump_json(): card for card in moments}.values():
        check_blocks(render(card, pictures=snapshots.PICTURES).blocks)


# -- parts -----------------------------------------------------------------------------------------------------------------


def card(*children: Any, actions: Sequence[Button | Link] = (), **more: Any) -> Rendered:
    return render(Card(**{"kind": "build", "title": "Todo", "children": list(children), "actions": list(actions), **more}))


def kinds(made: Rendered) -> list[str]:
    return [block["type"] for block in made.blocks]


def pressable(made: Rendered) -> dict[str, Any]:
    return {element["action_id"]: element for element in walk(made.blocks) if "action_id" in element}


def many(count: int) -> list[FileEntry]:
    return [FileEntry(path=f"src/part{n // 120}/m{n:03}.py", size=n) for n in range(count)]


def test_the_status_and_what_it_is_about_stand_below_the_title() -> None:
    made = card(status="Live", tone=Tone.GOOD, subtitle="v1, approved by Ben <!here>")
    assert made.blocks[0]["text"]["text"] == "Todo"
    status, subtitle = made.blocks[1]["elements"]
    assert status["text"] == "🟢 *Live*"
    assert subtitle["type"] == "plain_text"


def test_a_notification_says_what_it_is_about_and_where_to_look() -> None:
    facts = Facts(facts=[Fact(label="Address", value="http://todo.localhost:8080", style="link")])
    made = card(facts, Text(text="Gone: data\nDROP TABLE x", style="warning"), status="Live", subtitle="v1 <!channel>")
    assert made.text.startswith("Todo: Live · v1 &lt;")
    assert "Gone: data" in made.text
    assert made.text.endswith("http://todo.localhost:8080")


def test_steps_are_lines_with_a_mark_and_how_long_they_took() -> None:
    steps = [
        Step(name="Build", state=StepState.DONE, detail="compile", seconds=0.3),
        Step(name="Start", state=StepState.FAILED, detail="exit code 1"),
        Step(name="Picture", state=StepState.SKIPPED),
        Step(name="Route", state=StepState.WAITING),
        Step(name="Try", state=StepState.RUNNING),
    ]
    lines = "".join(e["text"] for e in walk(card(Steps(title="Tried", steps=steps)).blocks) if e.get("type") == "text").split(
        "\n"
    )
    assert lines == ["Tried", "✓ Build  compile · 0.3 s", "✕ Start  exit code 1", "– Picture", "○ Route", "● Try"]


def test_of_very_many_steps_those_that_failed_are_shown_first_and_all_are_in_a_file() -> None:
    steps = [Step(name=f"check {n}", state=StepState.DONE, detail="fine " * 10) for n in range(400)]
    steps.append(Step(name="the last", state=StepState.FAILED, detail="broken"))
    made = card(Steps(steps=steps))
    assert "✕ the last" in shown(made.blocks)
    assert dict(made.rest)["steps.txt"].count("\n") == 400


def test_a_value_to_be_copied_is_exactly_what_it_was() -> None:
    secret = "postgresql://app:s*cr_t`@here<!x>@127.0.0.1:5433/db"
    made = card(Facts(facts=[Fact(label="URL", value=secret, style="code")]))
    assert secret in [element.get("text") for element in walk(made.blocks)]


def test_facts_stand_in_two_columns_with_links_and_code() -> None:
    made = card(
        Facts(
            facts=[
                Fact(label="Address", value="http://todo.localhost:8080/", style="link"),
                Fact(label="Role", value="t_9f3c_app", style="code"),
                Fact(label="Took", value="9.4 s"),
            ]
        )
    )
    assert [field["text"] for field in made.blocks[1]["fields"]] == [
        "*Address*\n<http://todo.localhost:8080/|todo.localhost:8080>",
        "*Role*\n`t_9f3c_app`",
        "*Took*\n9.4 s",
    ]


def test_more_than_ten_facts_go_on_in_another_section() -> None:
    made = card(Facts(facts=[Fact(label=f"L{n}", value="v") for n in range(23)]))
    assert [len(block["fields"]) for block in made.blocks[1:]] == [10, 10, 3]


def test_a_short_log_is_shown_whole_and_of_a_long_one_ten_lines_with_the_rest_in_a_file() -> None:
    short = card(Log(lines=[f"line {n}" for n in range(12)]))
    assert not short.rest
    made = card(Log(title="Last lines", lines=[f"line {n}" for n in range(40)]))
    text = shown(made.blocks)
    assert "line 30" in text
    assert "line 29" not in text
    assert "30 earlier lines, in log.txt" in text
    assert dict(made.rest)["log.txt"].endswith("line 38\nline 39")


def test_an_answer_with_a_log_offers_to_follow_it_and_a_card_in_a_thread_does_not() -> None:
    answered = render(answers.logs_card("todo", ["up"], follow=True))
    assert {name: element["value"] for name, element in pressable(answered).items()} == {"follow": "todo", "logfile": "todo"}
    assert not pressable(card(Log(lines=["up"], live_app="todo"), kind="deploy"))


def test_a_file_is_chosen_by_its_place_among_the_sorted_paths() -> None:
    files = [FileEntry(path=path, size=1) for path in ("z.py", "a/b.py", "README.md")]
    files.append(FileEntry(path="b.py", size=0, change="removed"))
    menu = pressable(card(Files(build="b_1", files=files)))["file"]
    assert {option["text"]["text"]: option["value"] for option in menu["options"]} == {
        "README.md": "b_1 0",
        "a/b.py": "b_1 1",
        "z.py": "b_1 2",
    }


def test_the_tree_says_what_changed_how_large_it_is_and_what_for() -> None:
    files = [
        FileEntry(path="app/main.py", size=4120, purpose="routes", change="changed"),
        FileEntry(path="app/new.py", size=10, change="added"),
        FileEntry(path="old.py", size=0, change="removed"),
    ]
    tree = next(e["text"] for e in walk(card(Files(build="b_1", files=files)).blocks) if e.get("type") == "text")
    assert tree.split("\n") == ["  app/", "~   main.py   4.1 kB  routes", "+   new.py      10 B", "− old.py"]


def test_a_menu_of_many_files_asks_for_its_options_and_gets_those_that_are_typed() -> None:
    files = many(300)
    made = card(Files(build="b_1", files=files))
    menu = pressable(made)["file"]
    assert menu["type"] == "external_select"
    assert build_of(next(block["block_id"] for block in made.blocks if "block_id" in block)) == "b_1"
    there = sorted(file.path for file in files)
    found = suggestions("b_1", there, "M29")
    assert [option["value"] for option in found["options"]] == [f"b_1 {n}" for n in range(290, 300)]
    everything = suggestions("b_1", there, "")["option_groups"]
    assert [group["label"]["text"] for group in everything] == ["src/part0", "src/part0", "src/part1", "src/part1", "src/part2"]
    assert max(len(group["options"]) for group in everything) == 100
    check_blocks(
        [{"type": "actions", "elements": [{"type": "static_select", "action_id": "a", "option_groups": everything[:1]}]}]
    )


def test_one_table_is_slacks_own_and_the_others_are_text() -> None:
    small, large = (
        Table(columns=["A", "B"], rows=[["1", "2"]]),
        Table(columns=["A", "B"], rows=[["1" * 40, "http://x.example"]] * 5),
    )
    made = card(small, large, small)
    assert kinds(made) == ["header", "rich_text", "table", "rich_text"]
    assert made.blocks[2]["rows"][1][1]["elements"][0]["elements"][0]["url"] == "http://x.example"


def test_a_table_that_is_too_large_is_text() -> None:
    made = card(Table(columns=["A"], rows=[["x"]] * 200))
    assert "table" not in kinds(made)
    assert shown(made.blocks).count("x") == 200


def test_a_picture_is_slacks_file_or_a_line_that_says_where_it_is() -> None:
    image = Image(path="/a.png", alt="The first page")
    there = render(Card(kind="build", title="T", children=[image]), pictures={"/a.png": "F1"})
    assert there.blocks[1]["slack_file"] == {"id": "F1"}
    missing = card(image)
    assert kinds(missing) == ["header", "context"]
    assert "On the page of Nexus: The first page" in shown(missing.blocks)


def test_the_evidence_stands_before_the_files_and_the_setup_is_behind_a_button() -> None:
    made = render(shown_cards.cards()["build-review"])
    text = shown(made.blocks)
    assert text.index("Tried before asking") < text.index("main.py")
    assert "Reminders are sent at eight" not in text
    assert pressable(made)["setup"]["value"] == s.BUILD
    assert [e["text"]["text"] for e in made.blocks[-1]["elements"]] == [
        "Approve & deploy",
        "Change…",
        "Download .zip",
        "Setup",
        "Discard",
    ]


def test_a_setup_of_no_known_build_is_shown_where_it_is() -> None:
    made = card(Section(id="setup", title="Setup", children=[Text(text="Set a mail address.")]))
    assert "Set a mail address." in shown(made.blocks)
    assert not pressable(made)


# -- buttons ---------------------------------------------------------------------------------------------------------------


def test_buttons_carry_their_action_value_style_and_question() -> None:
    asks = Confirm(title="Discard?", text="It is gone then.", yes="Discard")
    made = card(actions=[Button(action="discard", value="ap_1", label="Discard", style="danger", confirm=asks)])
    button = pressable(made)["discard"]
    assert (button["value"], button["style"]) == ("ap_1", "danger")
    assert {name: part["text"] for name, part in button["confirm"].items() if name != "style"} == {
        "title": "Discard?",
        "text": "It is gone then.",
        "confirm": "Discard",
        "deny": "Cancel",
    }


def test_a_path_of_the_page_is_sent_back_as_an_action_and_a_web_address_is_opened() -> None:
    links = [Link(label="Zip", url="/builds/b_1.zip", action="zip", value="b_1"), Link(label="Open", url="http://x.example")]
    found = pressable(card(actions=links))
    assert found["zip"]["value"] == "b_1"
    assert found["link"]["url"] == "http://x.example"


def test_a_link_that_leads_nowhere_is_no_button_and_is_not_lost() -> None:
    made = card(actions=[Link(label="Odd", url="javascript:alert(1)"), Button(action="logs", value="a", label="Logs")])
    assert list(pressable(made)) == ["logs"]
    assert "javascript:alert(1)" in dict(made.rest)["buttons.txt"]


def test_equal_actions_get_ids_of_their_own_from_which_the_action_is_found() -> None:
    ids = Ids()
    found = [ids.of(action) for action in ("logs", "logs", "logs:2", "logs", "approve")]
    assert found == ["logs", "logs:2", "logs:2:2", "logs:3", "approve"]
    assert [action_of(one) for one in found] == ["logs", "logs", "logs:2", "logs", "approve"]


def test_more_buttons_than_a_row_takes_go_on_in_further_rows() -> None:
    made = card(actions=[Button(action="logs", value=f"a{n}", label="Logs") for n in range(32)])
    rows = [block["elements"] for block in made.blocks if block["type"] == "actions"]
    assert [element["value"] for row in rows for element in row] == [f"a{n}" for n in range(32)]


# -- what does not fit -----------------------------------------------------------------------------------------------------


def test_of_a_card_that_is_too_large_the_title_warnings_evidence_and_buttons_stay() -> None:
    filler = [Text(text="words " * 400) for _ in range(60)]
    made = card(
        *filler,
        Steps(title="Tried", steps=[Step(name="Build", state=StepState.DONE)]),
        Text(text="It removes data", style="warning"),
        actions=[Button(action="approve", value="x", label="Approve")],
    )
    text = shown(made.blocks)
    assert all(word in text for word in ("Todo", "It removes data", "✓ Build", "Approve"))
    assert made.blocks[-1]["type"] == "actions"
    assert "more parts of this card, in more.txt" in text
    assert dict(made.rest)["more.txt"].count("words") + text.count("words") >= 60 * 400
    check_blocks(made.blocks)
    assert weight(made.blocks) <= 12_000


def test_the_text_of_a_file_that_does_not_fit_is_attached_under_its_name() -> None:
    source = "\n".join(f"line = {n}" for n in range(2000))
    made = render(Card(kind="notice", title="app/main.py", children=[Text(text=source, style="code")]))
    assert made.rest == [("main.py", source)]
    assert "more lines, in main.py" in shown(made.blocks)


def test_files_with_what_does_not_fit_have_names_of_their_own() -> None:
    made = card(*[Log(lines=[f"{at} {n}" for n in range(30)]) for at in "abc"])
    assert [name for name, _ in made.rest] == ["log.txt", "log-2.txt", "log-3.txt"]


def test_a_long_title_is_cut_in_sight_and_said_whole_below() -> None:
    title = "Todo " * 60
    made = card(title=title)
    assert made.blocks[0]["text"]["text"].endswith("…")
    assert title.strip() in shown(made.blocks[1:])


@pytest.mark.parametrize("style", ["muted", "body", "warning"])
def test_what_grows_because_its_mentions_are_broken_is_not_cut(style: str) -> None:
    made = render(Card(kind="build", title="Todo", children=[Text.model_validate({"text": "<!here> " * 300, "style": style})]))
    assert shown(made.blocks).count("!here>") == 300
    assert not made.rest


def test_instructions_are_shown_as_what_they_are() -> None:
    text = "# Todos\n\nA web app.\n\n## By hand\n\n- set `PORT`, then:\n\n```sh\nnpm install\n# not a heading\n```\nThat is all."
    made = render(Card(kind="notice", title="Setup", children=[Text(text=text)]))
    before, code, after = [block["elements"][0] for block in made.blocks if block["type"] == "rich_text"]
    bold = [element["text"] for element in before["elements"] if element.get("style") == {"bold": True}]
    assert ["Todos", "By hand"] == bold
    assert ("rich_text_preformatted", "npm install\n# not a heading") == (code["type"], code["elements"][0]["text"])
    assert "That is all." in str(after)
    check_blocks(made.blocks)


def test_code_without_an_end_is_code_to_the_end() -> None:
    made = render(Card(kind="notice", title="Setup", children=[Text(text="Then:\n```\nnpm start")]))
    assert ["rich_text_section", "rich_text_preformatted"] == [
        block["elements"][0]["type"] for block in made.blocks if block["type"] == "rich_text"
    ]


def test_what_is_live_is_told_by_its_own_card_of_the_thread() -> None:
    card = shown_cards.cards()["build-deployed"]
    alone, among = (shown(render(card, in_thread=in_thread).blocks) for in_thread in (False, True))
    assert all(word in alone for word in ("Database host", "Isolation", "live after", "Artifact"))
    assert [False, False, True, True] == [word in among for word in ("Database host", "Isolation", "live after", "Artifact")]

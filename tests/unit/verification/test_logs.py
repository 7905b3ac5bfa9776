"""Log tails are short, plain and keep secrets; suspects are the app's own files."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.verification.logs import Masks, clean, suspects, tail

NONE = Masks({})


def test_a_tail_is_the_last_forty_lines() -> None:
    assert tail("\n".join(map(str, range(100))) + "\n\n", NONE) == "\n".join(map(str, range(60, 100)))


def test_escapes_and_control_characters_are_gone() -> None:
    text = "\x1b[31mred\x1b[0m \x1b]0;title\x07bell\x07 \x9b2Jclear \u202eevil\u200b\x00 tab\there"
    assert tail(text, NONE) == "red bell clear evil tab    here"


def test_a_line_that_overwrites_itself_shows_its_last_state() -> None:
    assert tail("1%\r50%\r100%\r\nnext", NONE) == "100%\nnext"


def test_very_long_lines_are_cut() -> None:
    (line,) = clean("x" * 10_000, NONE)
    assert len(line) == 500


def test_secrets_and_host_paths_are_masked() -> None:
    masks = Masks.of(secrets=["pass-word", ""], paths={"/data/work/w1/app": "/app", "/data": "<store>", "": "never"})
    assert tail("postgresql://u:pass-word@h at /data/work/w1/app/main.py and /data/x", masks) == (
        "postgresql://u:•••@h at /app/main.py and <store>/x"
    )


def test_a_secret_split_by_an_escape_is_masked_all_the_same() -> None:
    assert "pass" not in tail("pass\x1b[0m-word", Masks.of(secrets=["pass-word"]))


@given(st.text(), st.text(min_size=4))
def test_no_text_brings_a_secret_through(text: str, secret: str) -> None:
    shown = tail(f"{text}{secret}{text}", Masks.of(secrets=[secret]))
    assert secret not in shown.replace("•••", "")


PATHS = ["main.py", "app/main.py", "src/a.js", "src/a.json", "static/x.css", "README.md"]


def test_suspects_come_in_the_order_in_which_they_are_named() -> None:
    log = """
    File "/app/app/main.py", line 3, in <module>
    at file:///app/src/a.js:12:5
    ./static/x.css: unclosed block
    """
    assert suspects(log, PATHS, NONE) == ["app/main.py", "src/a.js", "static/x.css"]


def test_files_of_packages_are_no_suspects() -> None:
    log = """
    File "/app/.venv/lib/python3.11/site-packages/fastapi/main.py", line 3
    at /app/node_modules/express/src/a.js:1:1 and other-README.md, src/a.jsx, src/a.json.bak
    """
    assert suspects(log, PATHS, NONE) == []


def test_host_paths_are_translated_before_suspects_are_sought() -> None:
    masks = Masks.of(paths={"/data/artifacts/abc": "/app"})
    assert suspects('File "/data/artifacts/abc/main.py", line 3', PATHS, masks) == ["main.py"]


def test_a_name_at_the_end_of_a_sentence_is_found() -> None:
    assert suspects("something is wrong in src/a.json.", PATHS, NONE) == ["src/a.json"]

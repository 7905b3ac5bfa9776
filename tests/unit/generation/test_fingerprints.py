"""The same failure has the same fingerprint, whenever and wherever it ran; another one has another."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.generation.fingerprints import fingerprint, first_error, normalised


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("\x1b[31mError\x1b[0m: no", "Error: no"),
        ("2026-11-23T04:35:10.123Z started", "<time> started"),
        ("04:35:10 GET /", "<time> GET /"),
        ("done in 1.23s, 45 ms", "done in <duration>, <duration>"),
        ("connect ECONNREFUSED 127.0.0.1:43211", "connect ECONNREFUSED <host>"),
        ("Listening on port 8123", "Listening on port <port>"),
        ("<app.X object at 0x7f3a>", "<app.X object at <address>>"),
        ("request 3f2b9c4e-1a2b-4c3d-8e9f-001122334455", "request <id>"),
        ('File "/tmp/nexus-1/there/main.py", line 3', 'File "<path>/main.py", line 3'),
        ("at file:///app/src/db.js:10:5", "at src/db.js:10:5"),
        ("process 4711 ended", "process <pid> ended"),
    ],
)
def test_what_changes_from_run_to_run_is_taken_out(line: str, expected: str) -> None:
    assert expected == normalised(line)


@pytest.mark.parametrize(
    "line",
    [
        "app/routes.py:12: NameError: name 'x' is not defined",
        "GET /api/todos answered 500",
        "error TS2304: Cannot find name 'x'.",
    ],
)
def test_what_a_model_needs_stays(line: str) -> None:
    assert line == normalised(line)


@settings(deadline=None)
@given(st.text())
def test_normalising_never_fails_and_leaves_no_escape(text: str) -> None:
    assert "\x1b[31m" not in normalised(f"\x1b[31m{text}")


PYTHON = """Traceback (most recent call last):
  File "/app/app/main.py", line {line}, in <module>
    from app.routes import router
ModuleNotFoundError: No module named 'app.routes'
{time} ended after {seconds}s on 127.0.0.1:{port}"""


def test_the_same_failure_at_another_time_place_and_port_is_the_same() -> None:
    one = PYTHON.format(line=3, time="2026-01-01 10:00:00", seconds=1.5, port=4000)
    two = PYTHON.format(line=33, time="2026-01-02 11:11:11", seconds=2.25, port=50123)
    assert fingerprint("build", "The app does not build.", one) == fingerprint("build", "The app does not build.", two)


@pytest.mark.parametrize(
    ("stage", "check", "log"),
    [
        ("try", "The app does not build.", PYTHON),
        ("build", "It is not healthy.", PYTHON),
        ("build", "The app does not build.", PYTHON.replace("app.routes'", "app.other'")),
        ("build", "The app does not build.", PYTHON.replace("ModuleNotFoundError: No module named", "NameError:")),
    ],
)
def test_another_failure_is_another(stage: str, check: str, log: str) -> None:
    assert fingerprint("build", "The app does not build.", PYTHON) != fingerprint(stage, check, log)


@pytest.mark.parametrize(
    ("log", "error"),
    [
        (PYTHON, "ModuleNotFoundError: No module named 'app.routes'"),
        (
            "src/a.js:3\nlet = ;\n    ^\n\nSyntaxError: Unexpected token\n    at x (a.js:1:2)\nNode.js v24",
            "SyntaxError: Unexpected token",
        ),
        ("one\ntwo\n", "two"),
        ("", ""),
    ],
)
def test_the_first_error_is_the_line_that_says_what_is_wrong(log: str, error: str) -> None:
    assert error == first_error(log)

"""A claim is held exactly as long as its holder lives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.verification.claims import Claims

HOLDER = """
import sys
from pathlib import Path
from core.verification.claims import Claims
claim = Claims(Path(sys.argv[1])).claim("try-1", {"database": "t_1"})
print("held", flush=True)
sys.stdin.read()
"""


def test_a_held_claim_is_not_abandoned(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    claim = claims.claim("try-1")
    assert claims.held("try-1")
    assert list(Claims(tmp_path).abandoned("try-")) == []
    claim.release()
    claim.release()
    assert not claims.held("try-1")
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_claimed_once(tmp_path: Path) -> None:
    claim = Claims(tmp_path).claim("try-1")
    with pytest.raises(FileExistsError):
        Claims(tmp_path).claim("try-1")
    claim.release()


@pytest.mark.parametrize("name", ["", "../out", "a/b", ".hidden", "x" * 100])
def test_a_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        Claims(tmp_path).claim(name)


def test_the_claim_of_a_killed_process_is_taken_over_with_its_note(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert claims.held("try-1")
        process.kill()
        process.wait()
    (claim,) = claims.abandoned("try-")
    assert (claim.name, claim.note) == ("try-1", {"database": "t_1"})
    assert list(Claims(tmp_path).abandoned("try-")) == [], "it is ours now"
    claim.let_go()
    (again,) = claims.abandoned("try-")
    again.release()
    assert list(tmp_path.iterdir()) == []


def test_only_claims_of_the_asked_kind_are_taken_over(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    for name in ("try-1", "work-1"):
        claims.claim(name).let_go()
    taken = list(claims.abandoned("work-"))
    assert [claim.name for claim in taken] == ["work-1"]
    for claim in taken:
        claim.release()


def test_a_claim_that_was_never_completed_goes_away_after_a_while(tmp_path: Path) -> None:
    half = tmp_path / ".try-1"
    half.touch()
    assert list(Claims(tmp_path).abandoned("try-")) == []
    assert half.exists()
    os.utime(half, (0, 0))
    assert list(Claims(tmp_path).abandoned("try-")) == []
    assert not half.exists()

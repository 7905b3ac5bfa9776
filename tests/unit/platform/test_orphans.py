"""Orphans: what outlived its parent is adopted, and buried when it has ended, but nobody who is waited for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
BEGINNING = """
import os, subprocess, sys, time
from bot.platform.orphans import Orphans

orphans = Orphans()
orphans.adopt()

def orphan():
    '''A process whose parent has ended; returns when it has ended too.'''
    said = subprocess.run(["/bin/sh", "-c", "sh -c 'echo $$; exec sleep 0.2' &"], stdout=subprocess.PIPE).stdout
    until(lambda: dead(int(said)))
    return int(said)

def dead(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "Z"

def until(look):
    deadline = time.monotonic() + 10
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.005)

def there(pid):
    return os.path.exists(f"/proc/{pid}")

look = orphans.look
"""


def trouble(code: str) -> str:
    """What goes wrong in a process of its own, because adoption is for good; empty when its assertions hold."""
    done = subprocess.run([sys.executable, "-c", BEGINNING + code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    return done.stderr or f"it ended with {done.returncode}" if done.returncode else ""


def test_one_that_has_ended_is_buried_at_the_second_look() -> None:
    assert trouble("pid = orphan(); look(); assert there(pid); look(); assert not there(pid)") == ""


def test_all_are_buried_at_the_end() -> None:
    assert trouble("pids = [orphan(), orphan()]; orphans.bury(); assert not any(map(there, pids))") == ""


def test_a_child_whose_end_somebody_takes_at_once_is_left_alone() -> None:
    code = "child = subprocess.Popen(['/bin/sh', '-c', 'exit 7']); until(lambda: dead(child.pid)); look(); assert child.wait() == 7; look()"
    assert trouble(code) == ""


def test_one_that_runs_is_left_alone() -> None:
    code = (
        "said = subprocess.run(['/bin/sh', '-c', 'sleep 600 >/dev/null & echo $!'], stdout=subprocess.PIPE).stdout\n"
        "for _ in range(3): look()\n"
        "orphans.bury()\n"
        "os.kill(int(said), 9)"
    )
    assert trouble(code) == ""

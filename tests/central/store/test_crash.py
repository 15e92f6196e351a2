"""The store under kill -9 and failed fsyncs at exact system calls: what was answered is there, whole, once."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from central.store.sqlite import FILE, SqliteStore
from tests.central.process import ROOT
from tests.central.records import NOW

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

BATCHES = 6


def run(folder: Path, *, inject: str = "") -> dict[str, list[int]]:
    """What the child printed: word -> first seqs."""
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={inject}"] if inject else []
    child = [sys.executable, "-m", "tests.central.store.writer_child", str(folder), str(BATCHES)]
    done = subprocess.run([*strace, *child], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    said: dict[str, list[int]] = {}
    for line in done.stdout.splitlines():
        word, *rest = line.split()
        said.setdefault(word, []).extend(map(int, rest))
    return said


def stored(folder: Path) -> list[int]:
    with contextlib.closing(sqlite3.connect(folder / FILE)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [row[0] for row in db.execute("SELECT seq FROM events ORDER BY seq")]


def check(folder: Path, said: dict[str, list[int]]) -> None:
    """After the fault: all that was answered, no batch in part; then sent again, each event once."""
    seqs = stored(folder)
    firsts = seqs[::3]
    assert seqs == [first + step for first in firsts for step in range(3)]
    answered = said.get("ack", []) + said.get("again", [])
    assert set(answered) <= set(firsts)
    again = run(folder)
    assert sorted(again.get("ack", []) + again.get("again", [])) == list(range(1, 3 * BATCHES, 3))
    assert set(again.get("again", [])) == set(firsts)
    assert stored(folder) == list(range(1, 3 * BATCHES + 1))


def test_unhurt(tmp_path: Path) -> None:
    said = run(tmp_path)
    assert (len(said["ack"]), "closed" in said) == (BATCHES, True)
    check(tmp_path, said)


# strace counts a thread at a time: opening is the main thread's, the commits are the writer's.
@needs_strace
@pytest.mark.parametrize("point", ["fdatasync:when=3", "fdatasync:when=5", "pwrite64:when=40"])
def test_killed_at_a_commit(tmp_path: Path, point: str) -> None:
    SqliteStore(tmp_path, NOW).close()
    call, when = point.split(":")
    said = run(tmp_path, inject=f"{call}:signal=KILL:{when}")
    assert "ready" in said
    assert "closed" not in said
    check(tmp_path, said)


@needs_strace
def test_killed_while_the_store_is_made(tmp_path: Path) -> None:
    said = run(tmp_path, inject="fdatasync:signal=KILL:when=3")
    assert said == {}
    assert len(run(tmp_path)["ack"]) == BATCHES


@needs_strace
@pytest.mark.parametrize("when", ["when=3", "when=3+2"], ids=["once", "every-other"])
def test_an_fsync_that_fails_is_answered_as_a_failure(tmp_path: Path, when: str) -> None:
    SqliteStore(tmp_path, NOW).close()
    said = run(tmp_path, inject=f"fdatasync:error=EIO:{when}")
    assert said["fail"]
    assert said["ack"], "the store goes on once the disk does"
    assert "closed" in said
    check(tmp_path, said)

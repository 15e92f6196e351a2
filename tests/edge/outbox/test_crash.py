"""Real processes, killed for real. What was acknowledged is there afterwards, and no number is given twice."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.outbox import Outbox
from tests.edge.records import draft

Key = tuple[int, int]
NOW = 1_700_000_000_000  # long before the children's clock

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@dataclass
class Diary:
    """What the child said before its end."""

    acked: dict[Key, str] = field(default_factory=dict)
    settled: set[Key] = field(default_factory=set)
    failed: int = 0
    closed: bool = False

    def read(self, line: str) -> None:
        match line.split():
            case ["ack", epoch, seq, event_id]:
                key = (int(epoch), int(seq))
                assert key not in self.acked, "a number was given twice"
                self.acked[key] = event_id
            case ["gone", epoch, seq]:
                self.settled.add((int(epoch), int(seq)))
            case ["fail", *_]:
                self.failed += 1
            case ["closed"]:
                self.closed = True


def command(path: Path, count: int, settle_every: int) -> list[str]:
    return [sys.executable, "-m", "tests.edge.outbox.writer_child", str(path), str(count), str(settle_every)]


def check(path: Path, diary: Diary, lives: int = 1) -> None:
    with Outbox(path, "edge-1", now_ms=lambda: NOW) as outbox:
        found: dict[Key, str] = {}
        while records := outbox.pending():
            found |= {(r.epoch, r.seq): str(r.event_id) for r in records}
            outbox.settle(records[0].epoch, [r.seq for r in records]).result(5)
        assert {key: diary.acked[key] for key in diary.acked.keys() - diary.settled}.items() <= found.items()
        assert len(found.keys() - diary.acked.keys()) <= lives  # committed, and killed before it could say so
        fresh = outbox.append(draft()).result(5)
        assert (fresh.epoch, fresh.seq) not in diary.acked.keys() | found.keys()
        assert (fresh.epoch, fresh.seq) > max(diary.acked, default=(0, 0))
        status = outbox.status()
        assert (status.damaged, status.quarantined, status.parked) == (0, 0, 0)


def run_under_strace(path: Path, syscall: str, fault: str, when: int, count: int, settle_every: int) -> Diary:
    inject = ["-e", f"trace={syscall}", "-e", f"inject={syscall}:{fault}:when={when}"]
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", *inject, *command(path, count, settle_every)]
    done = subprocess.run(strace, capture_output=True, text=True, timeout=60, check=False)
    diary = Diary()
    for line in done.stdout.splitlines():
        diary.read(line)
    assert diary.closed or fault == "signal=KILL", done.stderr
    return diary


# strace counts a thread at a time: opening and closing are the main thread's, commits are the writer's.
KILL_POINTS = [
    *(("fdatasync", when) for when in range(1, 13)),
    *(("pwrite64", when) for when in range(1, 31, 3)),
    *(("ftruncate", when) for when in (2, 3, 4)),
    *(("unlink", when) for when in (1, 2, 3)),
    ("fallocate", 1),
    ("fsync", 1),
]


@needs_strace
def test_killed_at_exact_syscalls(tmp_path: Path) -> None:
    def case(point: tuple[str, int]) -> bool:
        path = tmp_path / f"{point[0]}-{point[1]}" / "outbox.db"
        diary = run_under_strace(path, point[0], "signal=KILL", point[1], count=6, settle_every=2)
        check(path, diary)
        return not diary.closed

    with ThreadPoolExecutor(2) as two:
        killed = sum(two.map(case, KILL_POINTS))
    assert killed >= len(KILL_POINTS) - 3  # a write more or less moves the last points past the end


@needs_strace
@pytest.mark.parametrize("when", [10, 15, 20])
def test_failed_fsync_is_never_acknowledged_and_starts_a_new_epoch(tmp_path: Path, when: int) -> None:
    path = tmp_path / "outbox.db"
    with Outbox(path, "edge-1", now_ms=lambda: NOW):
        pass  # opening it again takes the main thread less than 10 syncs, so the failed one is the writer's
    diary = run_under_strace(path, "fdatasync", "error=EIO", when, count=24, settle_every=0)
    assert diary.failed == 1
    assert len(diary.acked) == 23
    assert len({epoch for epoch, _ in diary.acked}) == 2
    check(path, diary)


@pytest.mark.parametrize("seed", range(4))
def test_killed_at_random(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "outbox.db"
    diary = Diary()
    for life in range(2):  # the second life starts from a file that was not closed
        lines = random.Random(seed * 10 + life).randrange(1, 300)
        child = subprocess.Popen(command(path, 100_000, 3), stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        with child.stdout:
            for _ in range(lines):
                diary.read(child.stdout.readline())
            child.kill()
            for line in child.stdout:
                if line.endswith("\n"):
                    diary.read(line)
        child.wait(10)
    check(path, diary, lives=2)

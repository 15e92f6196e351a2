"""What became of the events: the driver's log against central's database.

lost        the edge acknowledged it; central does not have it under that very number
dup         central has it under more than one number
invented    central has what nobody offered
undeclared  a number that central misses below the highest of its epoch, while the outbox is empty
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from central.store.sqlite import FILE
from tests.faults.table import TESTS

Key = tuple[int, int]  # epoch, seq
LOG = "VEDETTE_FAULTS_LOG"


@dataclass(frozen=True)
class Diary:
    """The driver's log, over all its lives."""

    offered: frozenset[str]
    acked: dict[Key, str]
    failed: Counter[str]
    epochs_before: frozenset[int]  # of what was acknowledged before the first refusal
    epochs_after: frozenset[int]
    ended: float | None  # when the last life had brought all to central; None where it did not
    parked: int

    @classmethod
    def read(cls, path: Path, unsure: Sequence[tuple[int, int]] = ()) -> Diary:
        """`unsure`: ranges of bytes in which an acknowledgement binds nobody, as the power was being cut."""
        offered: set[str] = set()
        acked: dict[Key, str] = {}
        failed: Counter[str] = Counter()
        before: set[int] = set()
        after: set[int] = set()
        ended: float | None = None
        parked = 0
        given: set[Key] = set()
        at = 0
        for line in path.read_text(encoding="ascii").splitlines(keepends=True) if path.exists() else []:
            begun, at = at, at + len(line)
            match line.split():
                case ["offer", event]:
                    offered.add(event)
                    ended = None
                case ["ack", epoch, seq, event]:
                    key = (int(epoch), int(seq))
                    assert key not in given, "the outbox gave a number twice"
                    given.add(key)
                    if any(low <= begun < high for low, high in unsure):
                        continue
                    acked[key] = event
                    (after if failed else before).add(key[0])
                case ["fail", reason]:
                    failed[reason] += 1
                case ["end", seconds, count]:
                    ended, parked = float(seconds), int(count)
                case _:
                    raise AssertionError(f"{path}: {line!r}")
        return cls(frozenset(offered), acked, failed, frozenset(before), frozenset(after), ended, parked)


@dataclass(frozen=True)
class Verdict:
    """Counts over `n` cases; `recovered` holds the seconds that each took from healing to all at central."""

    n: int = 0
    events: int = 0
    lost: int = 0
    dup: int = 0
    invented: int = 0
    undeclared: int = 0
    recovered: tuple[float, ...] = field(default=())

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(
            self.n + other.n,
            self.events + other.events,
            self.lost + other.lost,
            self.dup + other.dup,
            self.invented + other.invented,
            self.undeclared + other.undeclared,
            self.recovered + other.recovered,
        )

    @property
    def clean(self) -> bool:
        return (self.lost, self.dup, self.invented, self.undeclared) == (0, 0, 0, 0)


def judge(diary: Diary, stored: Iterable[tuple[Key, str]], healed: float | None = None) -> Verdict:
    """One case, after the outbox was emptied. `stored`: what central has of the edge's; `healed`: monotonic seconds."""
    assert diary.ended is not None, "the outbox was not emptied"
    assert diary.parked == 0, "the outbox parked sound records"
    at = dict(stored)
    times = Counter(at.values())
    highest: dict[int, int] = {}
    for epoch, seq in at:
        highest[epoch] = max(highest.get(epoch, 0), seq)
    return Verdict(
        n=1,
        events=len(diary.acked),
        lost=sum(at.get(key) != event for key, event in diary.acked.items()),
        dup=sum(count - 1 for count in times.values()),
        invented=len(times.keys() - diary.offered),
        undeclared=sum(highest.values()) - len(at),
        recovered=() if healed is None else (max(0.0, diary.ended - healed),),
    )


def stored_at(central: Path, edge_id: str, since: int = 0) -> list[tuple[Key, str]]:
    """What central's database has of an edge, from epoch `since` on. Central may be running."""
    with contextlib.closing(sqlite3.connect(f"{(central / FILE).as_uri()}?mode=ro", uri=True)) as db:
        rows = db.execute(
            "SELECT r.epoch, r.seq, hex(e.event_id) FROM records r JOIN events e ON e.id = r.event"
            " WHERE r.edge_id = ? AND r.epoch >= ?",
            (edge_id, since),
        ).fetchall()
    return [((epoch, seq), _dashed(event)) for epoch, seq, event in rows]


def p99(values: Sequence[float]) -> float | None:
    """The nearest rank; the highest where there are less than a hundred."""
    return sorted(values)[math.ceil(len(values) * 0.99) - 1] if values else None


def report(test: str, seed: int, verdict: Verdict, **more: object) -> str:
    """One JSON line, printed, and appended to the file that the environment names."""
    assert test in TESTS, f"{test} has no row in tests/faults/table.py"
    recovered = p99(verdict.recovered)
    counts = {name: value for name, value in vars(replace(verdict, recovered=())).items() if name != "recovered"}
    line = json.dumps(
        {"test": test, "seed": seed}
        | counts
        | {"t_recover_p99": None if recovered is None else round(recovered, 3)}
        | more
    )
    print(line)
    if name := os.environ.get(LOG):
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    return line


def _dashed(text: str) -> str:
    text = text.lower()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

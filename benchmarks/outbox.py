"""What the outbox's promises cost: records committed per second, beside bare SQLite with the same pragmas.

    python -m benchmarks outbox [--records N] [--directory DIR]

Prints one JSON line. `waiting`: one thread that waits for each record's commit before it hands in the next (500 are
enough); `waiting_2_ms` the same where a commit waits so long for company. `grouped`: one thread that hands in record
after record. `one_by_one_100`: 100, then a wait. `batches_of_100`: 100 at once by `append_all`, then a wait; those of
events that are over (`closed`), and of such as stand as well (`open`), two rows each. `two_in_hand`: as those,
but the next batch is handed in while the last is written.

Bare SQLite writes the same bytes, one and 100 rows a commit, that were made and checked before; `ratio` is ours to its.
`cpu_us` is what a record costs of the processor, all threads and the kernel: it is much the same on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import platform
import sqlite3
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from contract.event import EventRecord
from edge.outbox import Limits, Outbox, database


def run(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks outbox")
    parser.add_argument("--records", type=int, default=5000)
    parser.add_argument("--directory", type=Path, help="a directory on the disk to be measured")
    options = parser.parse_args(argv)
    few = min(500, options.records)
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        home = Path(name)
        bare_1 = measured(few, partial(_bare, home / "bare-1.db", few, 1))
        bare_100 = measured(options.records, partial(_bare, home / "bare-100.db", options.records, 100))
        waiting = measured(few, partial(_ours, home / "waiting", few, 1, Limits()))
        delayed = measured(few, partial(_ours, home / "delayed", few, 1, Limits(delay=0.002)))
        ours = {
            name: measured(options.records, partial(run, home / name, options.records))
            for name, run in {
                "grouped": partial(_ours, batch=options.records, limits=Limits()),
                "one_by_one_100": partial(_ours, batch=100, limits=Limits()),
                "batches_of_100_open": partial(_batches, ahead=0, over=False),
                "batches_of_100_closed": partial(_batches, ahead=0, over=True),
                "two_in_hand_open": partial(_batches, ahead=1, over=False),
                "two_in_hand_closed": partial(_batches, ahead=1, over=True),
            }.items()
        }
    every = {
        "waiting": waiting, "waiting_2_ms": delayed, **ours, "bare_sqlite_1": bare_1, "bare_sqlite_100": bare_100
    }  # fmt: skip
    figures = {
        "benchmark": "outbox",
        "machine": platform.machine(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "records": options.records,
        "records_per_s": {name: round(figure.rate) for name, figure in every.items()},
        "cpu_us": {name: round(figure.cpu_us, 1) for name, figure in every.items()},
        "ratio": {
            "waiting": round(waiting.rate / bare_1.rate, 2),
            **{name: round(figure.rate / bare_100.rate, 2) for name, figure in ours.items()},
        },
    }
    print(json.dumps(figures))
    return 0


class Cost(NamedTuple):
    rate: float  # records a second
    cpu_us: float  # a record


def measured(records: int, work: Callable[[], tuple[float, float]]) -> Cost:
    """`work` returns the seconds that count, of the clock and of the processor."""
    seconds, cpu = work()
    return Cost(records / seconds, cpu / records * 1e6)


def _draft(number: int) -> partial[EventRecord]:
    at = 1_700_000_000_000 + number * 137
    return partial(
        EventRecord,
        event_id=UUID(int=(at << 80) | (7 << 76) | (2 << 62) | number),
        camera_id="gate-1",
        tier=1,
        pilot="school",
        site="school-7",
        rule="after-hours",
        kind="intrusion",
        zone="yard",
        state="open",
        opened_at=at,
        at=at,
        closed_at=None,
        label="person",
        count=1,
        confidence=0.87,
        box=(0.1, 0.2, 0.3, 0.4),
        track=number,
        model="yolov8n",
    )


def _over(draft: partial[EventRecord]) -> partial[EventRecord]:
    return partial(draft, state="closed", closed_at=draft.keywords["at"])


def _outbox(home: Path, limits: Limits) -> Outbox:
    return Outbox(home / "outbox.db", "edge-1", now_ms=lambda: 1_700_000_000_000, limits=limits)


def _ours(home: Path, records: int, batch: int, limits: Limits) -> tuple[float, float]:
    drafts = [_draft(number) for number in range(records)]
    with _outbox(home, limits) as outbox, _timed() as spent:
        for first in range(0, records, batch):
            wait([outbox.append(draft) for draft in drafts[first : first + batch]])
    return spent[0], spent[1]


def _batches(home: Path, records: int, ahead: int, over: bool) -> tuple[float, float]:
    """100 a commit; `ahead` batches are handed in before the oldest is waited for."""
    drafts = [_over(_draft(number)) if over else _draft(number) for number in range(records)]
    with _outbox(home, Limits(group=100)) as outbox, _timed() as spent:
        waiting: deque[Future[list[EventRecord]]] = deque()
        for first in range(0, records, 100):
            waiting.append(outbox.append_all(drafts[first : first + 100]))
            if len(waiting) > ahead:
                waiting.popleft().result()
        wait(waiting)
    return spent[0], spent[1]


def _bare(path: Path, records: int, batch: int) -> tuple[float, float]:
    rows = []
    for number in range(records):
        body, sha256 = database.pack(_draft(number)(edge_id="edge-1", epoch=1, seq=number + 1, clock_offset=None))
        rows.append((1, number + 1, 0, body, sha256))
    db, _ = database.open_writer(path, "edge-1", 1)
    insert = "INSERT INTO pending (epoch, seq, kept_at, body, sha256) VALUES (?, ?, ?, ?, ?)"
    with closing(db), _timed() as spent:
        for first in range(0, records, batch):
            with database.transaction(db):
                db.executemany(insert, rows[first : first + batch])
    return spent[0], spent[1]


@contextmanager
def _timed() -> Iterator[list[float]]:
    spent: list[float] = []
    clock, cpu = time.perf_counter(), time.process_time()
    yield spent
    spent += (time.perf_counter() - clock, time.process_time() - cpu)

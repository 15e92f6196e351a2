"""What the outbox's promises cost: records committed per second, beside bare SQLite with the same pragmas.

    python -m benchmarks outbox [--records N] [--directory DIR]

Prints one JSON line. `waiting`: one thread that waits for each record's commit before it hands in the next (500 are
enough). `grouped`: one thread that hands in record after record. `batches_of_100`: 100, then a wait.
Bare SQLite writes the same bytes, one and 100 rows a commit; `ratio` is ours to its.
"""

from __future__ import annotations

import argparse
import json
import platform
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from contextlib import closing
from functools import partial
from pathlib import Path
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
        bare_1 = rate(few, partial(_bare, home / "bare-1.db", few, 1))
        bare_100 = rate(options.records, partial(_bare, home / "bare-100.db", options.records, 100))
        waiting = rate(few, partial(_ours, home / "waiting", few, 1, Limits(delay=0)))
        delayed = rate(few, partial(_ours, home / "delayed", few, 1, Limits()))
        grouped = rate(options.records, partial(_ours, home / "grouped", options.records, options.records, Limits()))
        by_100 = rate(options.records, partial(_ours, home / "by-100", options.records, 100, Limits(delay=0)))
    figures = {
        "benchmark": "outbox",
        "machine": platform.machine(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "records": options.records,
        "records_per_s": {
            "waiting": round(waiting),
            "waiting_with_default_delay": round(delayed),
            "grouped": round(grouped),
            "batches_of_100": round(by_100),
            "bare_sqlite_1": round(bare_1),
            "bare_sqlite_100": round(bare_100),
        },
        "ratio": {"waiting": round(waiting / bare_1, 2), "batches_of_100": round(by_100 / bare_100, 2)},
    }
    print(json.dumps(figures))
    return 0


def rate(records: int, work: Callable[[], float]) -> float:
    """Records a second; `work` returns the seconds that count."""
    return records / work()


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


def _ours(home: Path, records: int, batch: int, limits: Limits) -> float:
    drafts = [_draft(number) for number in range(records)]
    with Outbox(home / "outbox.db", "edge-1", now_ms=lambda: 1_700_000_000_000, limits=limits) as outbox:
        begun = time.perf_counter()
        for first in range(0, records, batch):
            wait([outbox.append(draft) for draft in drafts[first : first + batch]])
        return time.perf_counter() - begun


def _bare(path: Path, records: int, batch: int) -> float:
    rows = []
    for number in range(records):
        body, sha256 = database.pack(_draft(number)(edge_id="edge-1", epoch=1, seq=number + 1, clock_offset=None))
        rows.append((1, number + 1, 0, body, sha256))
    db, _ = database.open_writer(path, "edge-1", 1)
    insert = "INSERT INTO pending (epoch, seq, kept_at, body, sha256) VALUES (?, ?, ?, ?, ?)"
    with closing(db):
        begun = time.perf_counter()
        for first in range(0, records, batch):
            with database.transaction(db):
                db.executemany(insert, rows[first : first + batch])
        return time.perf_counter() - begun

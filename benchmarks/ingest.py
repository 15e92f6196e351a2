"""What a stored event costs central: events per second over real HTTP and in process, beside bare SQLite.

    python -m benchmarks ingest [--seconds S] [--directory DIR]

Prints one JSON line. Bare SQLite writes the same rows into the same table, with the same pragmas, one transaction a
batch, and does nothing else: no dedup, no HTTP, no decoding. `ratio` is ours to its, at the same batch size.
`senders` sends batches from that many connections at once, so that central can commit several together.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import queue
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from uuid import UUID

import httpx
from sqlite_utils import Database

from central import credentials
from central.app import create_app, open_store
from central.ingest import ingest
from central.server import make_server
from central.settings import Settings
from central.store import schema
from central.store.sqlite import SqliteStore
from central.store.sqlite_feed import RECORD_COLUMNS, values_of
from contract import wire
from contract.event import EventRecord

EDGE = "edge-1"
AT = 1_750_000_000_000
SIZES = (1, 50, 500)
SENDERS = 8


def run(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks ingest")
    parser.add_argument("--seconds", type=float, default=0.15, help="for each figure of a round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--directory", type=Path, help="a directory on the disk to be measured")
    options = parser.parse_args(argv)
    bare, inside, http, many = (dict.fromkeys(SIZES, 0) for _ in range(4))
    # The rounds of all are interleaved and the best of each counts: a machine's other work slows some rounds down.
    for size in SIZES * options.rounds:
        with tempfile.TemporaryDirectory(dir=options.directory) as name:
            home = Path(name)
            bare[size] = max(bare[size], _bare(home / "bare", size, options.seconds))
            inside[size] = max(inside[size], asyncio.run(_in_process(home / "inside", size, options.seconds)))
            http[size] = max(http[size], _over_http(home / "http", size, options.seconds, 1))
            many[size] = max(many[size], _over_http(home / "many", size, options.seconds, SENDERS))
    figures = {
        "benchmark": "ingest",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "events_per_s": {"bare_sqlite": bare, "in_process": inside, "http": http, f"http_{SENDERS}_senders": many},
        "ratio": {
            "in_process": {n: round(inside[n] / bare[n], 2) for n in SIZES},
            "http": {n: round(http[n] / bare[n], 2) for n in SIZES},
        },
    }
    print(json.dumps(figures))
    return 0


class _Source:
    """Batches of records that were never sent before; open to several threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._seq = 0
        self._lock = threading.Lock()

    def records(self) -> list[EventRecord]:
        with self._lock:
            first, self._seq = self._seq + 1, self._seq + self._size
        return [_record(seq) for seq in range(first, first + self._size)]


def _record(seq: int) -> EventRecord:
    return EventRecord(
        edge_id=EDGE,
        epoch=AT,
        seq=seq,
        event_id=UUID(int=(AT + seq << 80) | (7 << 76) | (2 << 62) | seq),
        camera_id=f"camera-{seq % 16}",
        tier=1,
        pilot="school",
        site="north-gate",
        rule="after-hours",
        kind="intrusion",
        zone="yard",
        state="closed",
        opened_at=AT + seq,
        at=AT + seq,
        closed_at=AT + seq,
        label="person",
        count=None,
        confidence=0.87,
        box=(0.1, 0.2, 0.3, 0.4),
        track=7,
        model="yolov8n",
        clock_offset=0,
    )


def _rate(size: int, seconds: float, once: Callable[[], float]) -> int:
    """Events a second; `once` returns the seconds that count of one batch."""
    took, batches = 0.0, 0
    while took < seconds:
        took += once()
        batches += 1
    return round(batches * size / took)


def _bare(data: Path, size: int, seconds: float) -> int:
    data.mkdir()
    source = _Source(size)
    columns = [*RECORD_COLUMNS, "received_at", "change"]
    quoted = [f'"{column}"' for column in columns]
    insert = f"INSERT INTO events ({', '.join(quoted)}) VALUES ({', '.join('?' * len(columns))})"
    with closing(sqlite3.connect(data / "bare.sqlite", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        schema.prepare(Database(db), AT)

        def once() -> float:
            rows = [[*values_of(record), AT, record.seq] for record in source.records()]
            begun = time.perf_counter()
            db.execute("BEGIN")
            db.executemany(insert, rows)
            db.execute("COMMIT")
            return time.perf_counter() - begun

        return _rate(size, seconds, once)


async def _in_process(data: Path, size: int, seconds: float) -> int:
    """Decoding, storing, answering; no HTTP."""
    source = _Source(size)
    with closing(SqliteStore(data, AT)) as store:
        took, batches = 0.0, 0
        while took < seconds:
            body = wire.encode(source.records())
            begun = time.perf_counter()
            wire.encode_answer(await ingest(store, EDGE, wire.decode(body), AT))
            took += time.perf_counter() - begun
            batches += 1
    return round(batches * size / took)


def _over_http(data: Path, size: int, seconds: float, senders: int) -> int:
    settings = Settings(data=data, port=0)
    token = credentials.edge_token(EDGE)
    headers = {"authorization": f"Bearer {token}", "content-type": wire.MSGPACK, "content-encoding": wire.ZSTD}
    with closing(open_store(settings, AT)) as store:
        asyncio.run(store.add_edge(EDGE, credentials.token_hash(token), AT))
        app = create_app(settings, store)
        addresses: queue.Queue[str] = queue.Queue()
        server = make_server(settings, app.state.central, app, addresses.put)
        thread = threading.Thread(target=server.run)
        thread.start()
        address = addresses.get(timeout=10)
        source = _Source(size)
        rates: list[int] = []

        def send() -> None:
            with httpx.Client(base_url=address, headers=headers) as client:

                def once() -> float:
                    body = wire.encode(source.records())
                    begun = time.perf_counter()
                    answer = client.post("/api/ingest", content=body)
                    took = time.perf_counter() - begun
                    if answer.status_code != 200:
                        raise RuntimeError(answer.text)
                    return took

                rates.append(_rate(size, seconds, once))

        sending = [threading.Thread(target=send) for _ in range(senders)]
        for one in sending:
            one.start()
        for one in sending:
            one.join()
        server.should_exit = True
        thread.join()
    return sum(rates)

"""After an outage: much waits, and a new alarm must not."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import httpx

from central.store.sqlite import FILE
from edge.clock import SystemClock
from edge.outbox import Outbox
from edge.uplink import Client, Uplink
from tests.e2e.line import Line
from tests.edge.records import draft
from tests.waiting import wait_until

WAITING = 20_000


def test_an_alarm_overtakes_20_000_records_and_all_of_them_come_once(tmp_path: Path) -> None:
    clock = SystemClock()
    with Line(tmp_path) as line:
        line.start_central()
        token, desk = line.add_edge(), line.desk()
        outbox = Outbox(tmp_path / "edge" / "outbox.db", "edge-1", now_ms=lambda: clock.utc_ms(clock.now()))
        with outbox:
            for future in [outbox.append(draft(severity="info")) for _ in range(WAITING)]:
                future.result(30)
            seen: list[float] = []

            def watch() -> None:
                with suppress(httpx.HTTPError):  # the end of the test closes central
                    seen.append(next(at for at, event in desk.feed(20) if event["severity"] == "alarm"))

            watching = threading.Thread(target=watch, daemon=True)
            uplink = Uplink(outbox, Client(line.address, token, clock), clock)
            uplink.start()
            watching.start()
            wait_until(lambda: outbox.status().settled >= 1000, 20)
            handed_in = time.time()
            alarm = outbox.append(draft(severity="alarm")).result(5)
            settled = outbox.status().settled
            assert settled < WAITING // 2, "else it overtakes nothing"
            wait_until(lambda: outbox.waiting == 0, 60)
            wait_until(lambda: seen, 20)
            assert uplink.status().outcomes == {"stored": WAITING + 1, "duplicate": 0, "refused": 0}
            assert uplink.stop()
        with closing(sqlite3.connect(f"{(tmp_path / 'central' / FILE).as_uri()}?mode=ro", uri=True)) as db:
            count = "SELECT count(*), count(DISTINCT seq) FROM records"
            assert db.execute(count).fetchone() == (WAITING + 1, WAITING + 1)
            (before,) = db.execute(
                "SELECT count(*) FROM events WHERE change < (SELECT change FROM events WHERE event_id = ?)",
                (alarm.event_id.bytes,),
            ).fetchone()
            assert db.execute("SELECT count(*) FROM gaps").fetchone() == (0,), "nothing is late or lost at the end"
        print(f"the alarm came {before - settled} records later, on the desk after {seen[0] - handed_in:.2f} s")
        assert before <= settled + 1500, "two batches, and what was settled while this test looked"
        assert seen[0] - handed_in < 5

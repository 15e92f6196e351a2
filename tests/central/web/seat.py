"""A real central in a thread, with events sent to it as an edge sends them."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from argon2 import PasswordHasher

from central import credentials
from central.app import create_app, open_store, utc_ms
from central.server import make_server
from central.settings import Settings
from central.store.base import UserRow
from contract import wire
from contract.event import EventRecord
from contract.heartbeat import Heartbeat, Lost, Numbers
from contract.wire import Received

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # the tests are not about argon2
EDGE = "edge-1"
ONE_TIME = "one-time-word-4711"
_sequence = itertools.count(1)


class RunningCentral:
    """Start, stop and start again on the same folder and port."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = 0
        self.token = credentials.edge_token(EDGE)
        self._new = True
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        listening = threading.Event()

        def heard(address: str) -> None:
            self.port = int(address.rpartition(":")[2])
            listening.set()

        async def main() -> None:
            settings = Settings(data=self.data, port=self.port)
            store = open_store(settings, utc_ms())
            try:
                if self._new:
                    await store.add_edge(EDGE, credentials.token_hash(self.token), utc_ms())
                    self._new = False
                app = create_app(settings, store, hasher=QUICK)
                self._server = make_server(settings, app.state.central, app, heard)
                self._loop, self._store = asyncio.get_running_loop(), store
                await self._server.serve()
            finally:
                store.close()

        self._thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
        self._thread.start()
        assert listening.wait(10), "central did not start"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(setattr, self._server, "should_exit", True)
        self._thread.join(10)
        assert not self._thread.is_alive(), "central did not stop"

    def call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def add_user(self, name: str, password: str, *, one_time: bool = False) -> None:
        void = utc_ms() + 3_600_000 if one_time else None
        assert self.call(self._store.add_user(UserRow(name, QUICK.hash(password), void)))

    def end_sessions(self, name: str, password: str) -> None:
        assert self.call(self._store.set_password(UserRow(name, QUICK.hash(password), None)))

    def post(self, records: Sequence[EventRecord]) -> None:
        for start in range(0, len(records), wire.MAX_RECORDS):
            answer = httpx.post(
                f"{self.address}/api/ingest",
                content=wire.encode(records[start : start + wire.MAX_RECORDS]),
                headers={
                    "Authorization": f"Bearer {self.token}",
                    "Content-Type": wire.MSGPACK,
                    "Content-Encoding": wire.ZSTD,
                },
                timeout=30,
            )
            answer.raise_for_status()
            outcomes = {one.outcome for one in wire.decode_answer(answer.content).answers}
            assert outcomes == {"stored"}, outcomes

    def missed(
        self, edge: str, last: int, *, came: Sequence[tuple[int, int]] = (), ago: float = 90, **told: Any
    ) -> None:
        """What an edge sent `ago` seconds since: records (seq, at), then a heartbeat. `told`: `lost`, `epoch`."""
        at = utc_ms() - round(ago * 1000)
        epoch, lost = told.get("epoch", 7), told.get("lost")
        if edge not in {row.edge_id for row in self.call(self._store.edges())}:
            self.call(self._store.add_edge(edge, credentials.token_hash(edge), at))
        records = [Received(record(edge_id=edge, epoch=epoch, seq=seq, opened_at=made, at=made)) for seq, made in came]
        self.call(self._store.put(records, at))
        gone = [Lost(epoch=epoch, first=lost[0], last=lost[1], reason="damaged")] if lost else []
        numbers = [Numbers(epoch=epoch, last=last)]
        self.call(self._store.beat(Heartbeat(edge_id=edge, epochs=numbers, waiting=0, lost=gone), at))


def uuid7(millis: int) -> UUID:
    return UUID(int=(millis << 80) | (7 << 76) | (random.getrandbits(12) << 64) | (2 << 62) | random.getrandbits(62))


def record(**given: Any) -> EventRecord:
    """A closed intrusion one second ago, unless told otherwise."""
    now = int(time.time() * 1000)
    opened = given.pop("opened_at", now - 1000)
    state = given.pop("state", "closed")
    values: dict[str, Any] = {
        "edge_id": EDGE,
        "epoch": 1,
        "seq": next(_sequence),
        "event_id": given.pop("event_id", None) or uuid7(opened),
        "camera_id": "gate-1",
        "tier": 1,
        "pilot": "school",
        "site": "no3-middle-school",
        "rule": "after-hours",
        "kind": "intrusion",
        "zone": "yard",
        "state": state,
        "opened_at": opened,
        "at": max(opened, now),
        "closed_at": opened + 700 if state == "closed" else None,
        "label": "person",
        "count": 1,
        "confidence": 0.87,
        "box": (0.4, 0.35, 0.5, 0.8),
        "track": 12,
        "model": "yolov8n",
        "clock_offset": 0,
    }
    return EventRecord(**(values | given))

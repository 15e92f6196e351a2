"""A whole central in the test's process: real app, real store, a clock that the test moves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
from argon2 import PasswordHasher

from central import credentials
from central.app import create_app, open_store
from central.settings import Settings
from central.store.base import UserRow
from contract import wire
from contract.event import EventRecord
from tests.central.records import NOW

ORIGIN = "http://127.0.0.1"
PASSWORD = "long enough to be right"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
MSGPACK_ZSTD = {"content-type": wire.MSGPACK, "content-encoding": "zstd"}
JSON = {"content-type": wire.JSON}


class Clock:
    def __init__(self) -> None:
        self.ms = NOW

    def now(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    def forward(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


class Harness:
    """Closed at the end of its context."""

    def __init__(self, data: Path, **settings: Any) -> None:
        self.clock = Clock()
        self.settings = Settings(data=data, port=0, **settings)
        self.store = open_store(self.settings, NOW)
        self.app = create_app(
            self.settings, self.store, now=self.clock.now, monotonic=self.clock.monotonic, hasher=QUICK
        )
        self.central = self.app.state.central

    def __enter__(self) -> Harness:
        return self

    def __exit__(self, _k: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self.central.access.close()
        self.store.close()

    def client(self, address: str = "10.0.0.1") -> httpx.AsyncClient:
        """Sends what a page of our own sends."""
        transport = httpx.ASGITransport(self.app, client=(address, 1000))
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"origin": ORIGIN})

    async def add_user(self, name: str = "li", *, one_time_until: int | None = None) -> None:
        assert await self.store.add_user(UserRow(name, QUICK.hash(PASSWORD), one_time_until))

    async def signed_in(self, name: str = "li") -> httpx.AsyncClient:
        if await self.store.user(name) is None:
            await self.add_user(name)
        client = self.client()
        answer = await client.post("/api/session", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return client

    async def add_edge(self, edge_id: str = "edge-1") -> dict[str, str]:
        """The header that the edge sends."""
        token = credentials.edge_token(edge_id)
        assert await self.store.add_edge(edge_id, credentials.token_hash(token), NOW)
        return {"authorization": f"Bearer {token}"}

    async def send(
        self, client: httpx.AsyncClient, edge: dict[str, str], records: Sequence[EventRecord]
    ) -> wire.BatchAnswer:
        answer = await client.post("/api/ingest", content=wire.encode(records), headers=edge | MSGPACK_ZSTD)
        assert answer.status_code == 200, answer.text
        return wire.decode_answer(answer.content, answer.headers["content-type"])


def error_of(answer: httpx.Response) -> dict[str, Any]:
    """The error of an answer, which must have the one shape."""
    assert answer.headers["content-type"] == "application/json", answer.text
    body = answer.json()
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert set(error) - {"details"} == {"code", "message", "hint", "retryable"}
    assert isinstance(error["retryable"], bool)
    assert error["code"]
    assert error["message"]
    return error

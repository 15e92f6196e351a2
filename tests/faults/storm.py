"""Many edges that reconnect at once: asyncio clients, each with real batches and the uplink's own back-off."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit
from uuid import UUID

from contract import wire
from edge.retry import Backoff
from edge.uplink.client import PATH
from tests.edge.records import draft
from tests.faults.driver import event_id
from tests.faults.proxy import FAULTS, HEAD_END, message

TRIES = 1000


class StormyEdge:
    def __init__(self, edge_id: str, token: str, seed: int, *, batches: int, size: int) -> None:
        self.edge_id = edge_id
        self._token = token
        self._chance = random.Random(seed)
        self._backoff = Backoff(1.0, 60.0)
        self.events: dict[tuple[int, int], UUID] = {}
        self._requests = [self._request(batch * size, size) for batch in range(batches)]

    async def drain(self, central: str, seen: Counter[str]) -> None:
        """Bring away all batches; `seen` counts answers by status, and broken connections."""
        to = urlsplit(central)
        left = list(reversed(self._requests))
        for _ in range(TRIES):
            with suppress(*FAULTS, OSError):
                reader, writer = await asyncio.open_connection(to.hostname, to.port)
                try:
                    while left and await self._send(left[-1], reader, writer, seen):
                        left.pop()
                        self._backoff.reset()
                finally:
                    writer.transport.abort()
            if not left:
                return
            seen["again"] += 1
            await asyncio.sleep(self._backoff.next(self._chance.random()))
        raise AssertionError(f"{self.edge_id}: not drained after {TRIES} tries")

    @staticmethod
    async def _send(
        request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Counter[str]
    ) -> bool:
        writer.write(request)
        await writer.drain()
        answer = await asyncio.wait_for(message(reader), 10)
        status = re.match(rb"HTTP/1.1 (\d)", answer)
        if status is None:
            return False
        seen[f"{status[1].decode()}xx"] += 1
        if status[1] != b"2":
            return False
        outcomes = wire.decode_answer(answer.partition(HEAD_END)[2], wire.MSGPACK).answers
        assert {each.outcome for each in outcomes} <= {"stored", "duplicate"}
        return True

    def _request(self, first: int, size: int) -> bytes:
        records = []
        for seq in range(first + 1, first + size + 1):
            self.events[1, seq] = event_id(self._chance)
            records.append(draft(event_id=self.events[1, seq])(edge_id=self.edge_id, epoch=1, seq=seq, clock_offset=0))
        body = wire.encode(records)
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: central\r\nAuthorization: Bearer {self._token}\r\n"
            f"Content-Type: {wire.MSGPACK}\r\nContent-Encoding: {wire.ZSTD}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def drain_all(edges: Sequence[StormyEdge], central: str) -> Counter[str]:
    seen: Counter[str] = Counter({"5xx": 0, "again": 0})
    await asyncio.gather(*(edge.drain(central, seen) for edge in edges))
    return seen

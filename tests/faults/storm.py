"""Many edges that reconnect at once: asyncio clients, each with real batches and the uplink's own back-off."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias
from urllib.parse import urlsplit
from uuid import UUID

from contract import wire
from edge.retry import Backoff
from edge.uplink.client import PATH
from tests.edge.records import draft
from tests.faults.driver import event_id
from tests.faults.proxy import FAULTS, HEAD_END, message

TRIES = 1000
STORED = -1.0
Line: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class StormyEdge:
    def __init__(self, edge_id: str, token: str, seed: int, *, batches: int, size: int) -> None:
        self.edge_id = edge_id
        self._token = token
        self._chance = random.Random(seed)
        self._backoff = Backoff(1.0, 60.0)
        self.events: dict[tuple[int, int], UUID] = {}
        self._requests = [self._request(batch * size, size) for batch in range(batches)]

    async def drain(self, central: str, seen: Counter[str]) -> None:
        """Bring away all batches; `seen` counts answers by status, and waits. As the uplink does, it keeps its
        connection over a refusal and waits at least as long as central says."""
        to = urlsplit(central)
        left = list(reversed(self._requests))
        line: Line | None = None
        for _ in range(TRIES):
            at_least = 0.0
            try:
                if line and line[0].at_eof():  # central ends what was silent for some seconds
                    line[1].close()
                    line = None
                line = line or await asyncio.open_connection(to.hostname, to.port)
                while left and (at_least := await self._send(left[-1], line, seen)) == STORED:
                    left.pop()
                    self._backoff.reset()
            except (*FAULTS, OSError):
                seen["broken"] += 1
                if line:
                    line[1].transport.abort()
                line = None
            if not left:
                break
            seen["waits"] += 1
            await asyncio.sleep(self._backoff.next(self._chance.random(), at_least))
        if line:
            line[1].transport.abort()
        assert not left, f"{self.edge_id}: not drained after {TRIES} tries"

    @staticmethod
    async def _send(request: bytes, line: Line, seen: Counter[str]) -> float:
        """STORED, or the seconds that central asks to wait. Raises ConnectionError, TimeoutError."""
        reader, writer = line
        writer.write(request)
        await writer.drain()
        head, _, body = (await asyncio.wait_for(message(reader), 10)).partition(HEAD_END)
        if not head:
            raise ConnectionResetError
        status = head.split()[1].decode()
        seen[f"{status[0]}xx"] += 1
        if status == "200":
            outcomes = {each.outcome for each in wire.decode_answer(body, wire.MSGPACK).answers}
            assert outcomes <= {"stored", "duplicate"}
            return STORED
        wish = re.search(rb"retry-after: *(\d+)", head, re.IGNORECASE)
        return float(wish[1]) if wish else 0.0

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
    seen: Counter[str] = Counter({"5xx": 0, "broken": 0})
    await asyncio.gather(*(edge.drain(central, seen) for edge in edges))
    return seen

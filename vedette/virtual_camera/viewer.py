"""The way to one client: a bounded queue and the task that empties it.

Full-policy: when more than `limit` bytes wait (a client that reads too slowly), all that waits is dropped and
nothing is queued until the next key frame. Each access unit that is not sent is counted in the stream's
`dropped`, as "slow-client"; a datagram the system does not take, as "datagram".
"""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from typing import Any

from vedette.virtual_camera.rtp import interleaved
from vedette.virtual_camera.stream import Burst, Stream

QUEUE_BYTES = 4 << 20
DATAGRAM_RATE = 6e6  # bytes/s: above it a new viewer's first group would overrun its socket (208 KiB on Linux)


class _Viewer(ABC):
    def __init__(self, stream: Stream, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._queue: deque[Burst] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._skip = "join" if stream.mount.join == "key-frame" else ""  # why nothing is sent before a key frame
        first = stream.join(self)
        self._limit = max(limit, 2 * sum(burst.size for burst in first))
        self._push(first)

    @property
    def first_packet(self) -> bytes | None:
        """The first RTP packet that waits; None where none was sent yet."""
        return next((packet for burst in self._queue for packet in burst.packets), None)

    def offer(self, burst: Burst) -> None:
        if self._bytes > self._limit:
            self._stream.dropped["slow-client"] += len(self._queue)
            self._queue.clear()
            self._bytes = 0
            self._skip = "slow-client"
        if burst.key:
            self._skip = ""
        if not self._skip:
            self._push([burst])
        elif self._skip != "join":
            self._stream.dropped[self._skip] += 1

    def _push(self, bursts: Iterable[Burst]) -> None:
        for burst in bursts:
            self._queue.append(burst)
            self._bytes += burst.size
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled, or until the connection is gone."""
        try:
            while True:
                while self._queue:
                    burst = self._queue.popleft()
                    self._bytes -= burst.size
                    await self._send(burst)
                self._wake.clear()
                await self._wake.wait()
        except OSError:
            self.leave()  # the connection's own loop sees the end too, and cleans up

    def leave(self) -> None:
        self._stream.viewers.discard(self)

    @abstractmethod
    async def _send(self, burst: Burst) -> None:
        """Raises OSError where the connection is gone."""


class TcpViewer(_Viewer):
    """Packets inside the RTSP connection. Whole access units are written, so answers never cut into one."""

    def __init__(self, stream: Stream, limit: int, writer: asyncio.StreamWriter, channels: tuple[int, int]) -> None:
        self._writer = writer
        self._rtp, self._rtcp = channels
        super().__init__(stream, limit)

    async def _send(self, burst: Burst) -> None:
        parts = [interleaved(self._rtcp, burst.report)] if burst.report else []
        parts += [interleaved(self._rtp, packet) for packet in burst.packets]
        data = b"".join(parts)
        self._writer.write(self._stream.noise(len(data)) or data)
        await self._writer.drain()


class UdpViewer(_Viewer):
    def __init__(
        self,
        stream: Stream,
        limit: int,
        sockets: tuple[socket.socket, socket.socket],
        addresses: tuple[Any, Any],
    ) -> None:
        self._sockets = sockets
        self._addresses = addresses
        super().__init__(stream, limit)

    async def _send(self, burst: Burst) -> None:
        if burst.report:
            self._datagram(1, burst.report)
        for packet in burst.packets:
            self._datagram(0, packet)
        if self._queue:
            await asyncio.sleep(burst.size / DATAGRAM_RATE)

    def _datagram(self, which: int, data: bytes) -> None:
        try:
            self._sockets[which].sendto(self._stream.noise(len(data)) or data, self._addresses[which])
        except OSError:
            self._stream.dropped["datagram"] += 1

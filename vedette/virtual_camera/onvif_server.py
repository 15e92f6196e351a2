"""The ONVIF device's HTTP: one request a connection, bounded in size and time."""

from __future__ import annotations

import asyncio
import contextlib
import time

from vedette.virtual_camera.clip import Clip
from vedette.virtual_camera.errors import cannot_listen
from vedette.virtual_camera.faults import ClockSkew
from vedette.virtual_camera.onvif import MAX_BODY, Device, Profile
from vedette.virtual_camera.server import Server

_PATIENCE_S = 5.0
_MAX_HEADER = 16 << 10
_CAMERA = "VideoSource_1"  # of mounts whose name says none


class OnvifServer:
    """The device in front of a running RTSP server: its mounts are the profiles, its user and password hold. What comes
    before the last slash of a mount's name is the camera that it shows: ch1/main, ch1/sub, ch2/main are a recorder's.

    `async with OnvifServer(...)` listens on entry; on exit its listener and connections are gone. The device's clock
    is as wrong as the ClockSkew fault of any mount says.
    """

    def __init__(self, streams: Server, port: int) -> None:
        self.host = streams.host
        self.port = port  # the real one once it listens
        self._streams = streams

    @property
    def address(self) -> str:
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    async def __aenter__(self) -> OnvifServer:
        """Raises ServeError where the address cannot be listened on."""
        self._tasks: set[asyncio.Task[None]] = set()
        try:
            self._server = await asyncio.start_server(self._serve, self.host, self.port, limit=_MAX_HEADER)
        except OSError as error:
            raise cannot_listen(self.host, self.port, error) from error
        self.port = self._server.sockets[0].getsockname()[1]
        profiles = {
            name: _profile(name, self._streams.url(name), stream.clip) for name, stream in self._streams.streams.items()
        }
        self._device = Device(self.address, profiles, self._streams.auth, self._now)
        return self

    def _now(self) -> float:
        skews = (stream.fault(ClockSkew) for stream in self._streams.streams.values())
        return time.time() + next((skew.seconds for skew in skews if skew), 0.0)

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, ValueError, EOFError, asyncio.LimitOverrunError):  # a peer's own fault
                async with asyncio.timeout(_PATIENCE_S):
                    await self._answer(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        lengths = [line.partition(":")[2] for line in head.split("\r\n") if line.startswith("content-length:")]
        length = int(lengths[0]) if lengths else 0
        if not head.startswith("post ") or not 0 < length <= MAX_BODY:
            status, body = 400, b""
        else:
            status, body = self._device.answer(await reader.readexactly(length))
        writer.write(
            f"HTTP/1.1 {status} {'OK' if status == 200 else 'Bad Request'}\r\nContent-Type: application/soap+xml; "
            f"charset=utf-8\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()


def _profile(name: str, url: str, clip: Clip) -> Profile:
    return Profile(name, name.rpartition("/")[0] or _CAMERA, url, clip.codec, clip.width, clip.height)

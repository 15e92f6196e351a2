"""One client's RTSP dialogue.

States: fresh -> SETUP -> ready -> PLAY -> playing; TEARDOWN goes back to fresh. A session lives no longer
than its connection, also over UDP. A client that sends nothing (request, receiver report) for the session
timeout is dropped.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from vedette.virtual_camera import auth, sdp
from vedette.virtual_camera.errors import RtspError
from vedette.virtual_camera.faults import Mute, Status
from vedette.virtual_camera.rtsp import Parser, Request, Transport, parse_transport, response
from vedette.virtual_camera.stream import Stream
from vedette.virtual_camera.udp import UdpPair
from vedette.virtual_camera.viewer import TcpViewer, UdpViewer

_METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER", "SET_PARAMETER", "TEARDOWN")
_Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True, slots=True)
class Context:
    """What all connections of a server share."""

    streams: Mapping[str, Stream]
    auth: auth.Auth
    udp: UdpPair
    session_timeout: float  # seconds
    queue_bytes: int


class Connection:
    def __init__(self, context: Context, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.stream: Stream | None = None  # the mount it asks for; fixed by SETUP
        self._context = context
        self._reader = reader
        self._writer = writer
        self._nonce = secrets.token_hex(16)
        self._session = ""
        self._transport: Transport | None = None
        self._sending: asyncio.Task[None] | None = None
        self._viewer: TcpViewer | UdpViewer | None = None
        self._heard = time.monotonic()

    def reset(self) -> None:
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def close(self) -> None:
        if self._writer.transport.get_write_buffer_size():
            self._writer.transport.abort()  # a client that does not read must not hold us up
        else:
            self._writer.close()

    def heard(self) -> None:
        self._heard = time.monotonic()

    async def run(self) -> None:
        parser = Parser()
        try:
            while data := await self._read():
                self.heard()
                for message in parser.feed(data):
                    if isinstance(message, Request):
                        await self._handle(message)
        except RtspError as error:
            self._writer.write(response(error.status))
        except OSError:
            pass  # the client is gone: nothing is left to tell it
        finally:
            self._stop()
            self.close()
            with suppress(OSError):
                await self._writer.wait_closed()

    async def _read(self) -> bytes:
        """b"" at the end of the connection, or when the client was silent for too long."""
        while (left := self._heard + self._context.session_timeout - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left):
                    return await self._reader.read(65536)
            except TimeoutError:
                continue  # a receiver report may have come by UDP meanwhile
        return b""

    async def _handle(self, request: Request) -> None:
        stream = self._find(request)
        if stream and stream is not self.stream and not self._session:
            self.stream = stream
            stream.connects += 1
        if stream and stream.fault(Mute):
            return
        try:
            status, headers, body = self._answer(request, stream)
        except RtspError as error:
            status, headers, body = error.status, {}, b""
        if stream and status == 401:
            stream.refused += 1
        self._writer.write(response(status, request.cseq, headers, body))
        if self._viewer and not self._sending:  # the answer to PLAY goes first
            self._sending = asyncio.create_task(self._viewer.run())
        await self._writer.drain()

    def _find(self, request: Request) -> Stream | None:
        return self._context.streams.get(request.path.removesuffix(f"/{sdp.TRACK}"))

    def _answer(self, request: Request, stream: Stream | None) -> _Answer:
        if request.method not in _METHODS:
            return 405, {"Allow": ", ".join(_METHODS)}, b""
        if request.method == "OPTIONS":
            return 200, {"Public": ", ".join(_METHODS)}, b""
        if "require" in request.headers:
            return 551, {"Unsupported": request.headers["require"]}, b""
        fault = stream.fault(Status) if stream else None
        given = request.headers.get("authorization", "")
        if (fault and fault.code == 401) or not auth.verify(self._context.auth, given, request.method, self._nonce):
            stale = auth.is_stale(given, self._nonce)
            return 401, {"WWW-Authenticate": auth.challenge(self._context.auth, self._nonce, stale=stale)}, b""
        if fault:
            return fault.code, {}, b""
        if stream is None:
            return 404, {}, b""
        if "session" in request.headers and request.headers["session"].split(";")[0] != self._session:
            return 454, {}, b""
        if self._session and stream is not self.stream:
            return 455, {}, b""  # one mount a session
        match request.method:
            case "DESCRIBE":
                return self._describe(request, stream)
            case "SETUP":
                return self._setup(request, stream)
            case "PLAY":
                return self._play(request, stream)
            case "TEARDOWN":
                self._stop()
                self._session, self._transport = "", None
        return 200, self._session_header(), b""  # also GET_PARAMETER and SET_PARAMETER: keep-alive

    def _describe(self, request: Request, stream: Stream) -> _Answer:
        base = request.url.partition("?")[0].rstrip("/") + "/"
        body = sdp.describe(stream.showing, stream.mount.name, self._address("sockname"))
        return 200, {"Content-Base": base, "Content-Type": "application/sdp"}, body

    def _setup(self, request: Request, stream: Stream) -> _Answer:
        if self._viewer:
            return 455, {}, b""
        self._transport = parse_transport(request.headers.get("transport", ""))
        self._session = self._session or secrets.token_hex(8)
        line = f"{self._transport};ssrc={stream.ssrc:08X}"
        if not self._transport.tcp:
            line += ";server_port={}-{}".format(*self._context.udp.ports)
        return 200, {"Transport": line} | self._session_header(), b""

    def _play(self, request: Request, stream: Stream) -> _Answer:
        if self._transport is None:
            return 455, {}, b""
        headers = {"Range": "npt=now-"} | self._session_header()
        if self._viewer is None:
            self._viewer = viewer = self._make_viewer(stream, self._transport)
            if first := viewer.first_packet:
                sequence = int.from_bytes(first[2:4], "big")
                timestamp = int.from_bytes(first[4:8], "big")
                url = request.url.partition("?")[0].rstrip("/")
                headers["RTP-Info"] = f"url={url}/{sdp.TRACK};seq={sequence};rtptime={timestamp}"
        return 200, headers, b""

    def _make_viewer(self, stream: Stream, transport: Transport) -> TcpViewer | UdpViewer:
        limit = self._context.queue_bytes
        if transport.tcp:
            return TcpViewer(stream, limit, self._writer, (transport.rtp, transport.rtcp))
        peer = self._writer.get_extra_info("peername")  # never another address: no reflector for others
        addresses = tuple((peer[0], port, *peer[2:]) for port in (transport.rtp, transport.rtcp))
        self._context.udp.listeners[addresses[1][:2]] = self.heard
        return UdpViewer(stream, limit, self._context.udp.sockets, (addresses[0], addresses[1]))

    def _session_header(self) -> dict[str, str]:
        if not self._session:
            return {}
        return {"Session": f"{self._session};timeout={max(1, int(self._context.session_timeout))}"}

    def _stop(self) -> None:
        if self._sending:
            self._sending.cancel()
        if self._viewer:
            self._viewer.leave()
        if self._transport and not self._transport.tcp:
            self._context.udp.listeners.pop((self._address("peername"), self._transport.rtcp), None)
        self._sending = self._viewer = None

    def _address(self, which: str) -> str:
        name: Any = self._writer.get_extra_info(which)
        return str(name[0]) if name else ""

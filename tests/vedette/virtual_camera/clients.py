"""Real clients for the tests: PyAV with time limits, and a bare socket that speaks RTSP."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import av


def open_camera(url: str, transport: str = "tcp", read: float = 2.0, open_s: float = 4.0) -> Any:
    options = {"rtsp_transport": transport, "fpsprobesize": "0"}
    return av.open(url, options=options, timeout=(open_s, read))


class Dialogue:
    """Requests by hand, answers by hand."""

    def __init__(self, port: int, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(5)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", port))
        self.port = port
        self._buffer = b""
        self._cseq = 0

    def ask(self, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        self._cseq += 1
        lines = [f"{method} rtsp://127.0.0.1:{self.port}/{path} RTSP/1.0", f"CSeq: {self._cseq}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        return self.answer()

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next answer; interleaved packets before it are skipped."""
        while True:
            if self._buffer[:1] == b"$" and len(self._buffer) >= 4:
                end = 4 + int.from_bytes(self._buffer[2:4], "big")
                if len(self._buffer) >= end:
                    self._buffer = self._buffer[end:]
                    continue
            elif b"\r\n\r\n" in self._buffer:
                head, _, rest = self._buffer.partition(b"\r\n\r\n")
                first, *lines = head.decode().split("\r\n")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
                length = int(headers.get("content-length", 0))
                if len(rest) >= length:
                    self._buffer = rest[length:]
                    match = re.fullmatch(r"RTSP/1\.0 (\d{3}) .+", first)
                    assert match, first
                    return int(match[1]), headers, rest[:length]
            self._receive()

    def packet(self) -> tuple[int, bytes]:
        """(channel, data) of the next interleaved packet."""
        while True:
            end = 4 + int.from_bytes(self._buffer[2:4], "big")
            if len(self._buffer) >= 4 and len(self._buffer) >= end:
                assert self._buffer[:1] == b"$"
                channel, data = self._buffer[1], self._buffer[4:end]
                self._buffer = self._buffer[end:]
                return channel, data
            self._receive()

    def at_end(self) -> bool:
        """Whether the server has closed; what it still sent is thrown away."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True

    def _receive(self) -> None:
        data = self.socket.recv(65536)
        assert data, "the server closed the connection"
        self._buffer += data


@contextmanager
def dialogue(port: int, receive_buffer: int = 0) -> Iterator[Dialogue]:
    talk = Dialogue(port, receive_buffer)
    try:
        yield talk
    finally:
        talk.socket.close()

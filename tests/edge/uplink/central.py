"""A small central over real HTTP that does as its script says, then as it should."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

from contract import heartbeat, wire
from contract.heartbeat import Heartbeat, HeartbeatAnswer, Span

Act = Callable[["Handler"], None]


class FakeCentral(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.script: deque[Act] = deque()
        self.rows: dict[tuple[int, int], UUID] = {}
        self.batches: list[list[int]] = []  # seqs as they came, readable or not
        self.headers: list[dict[str, str]] = []
        self.outcomes: list[str] = []
        self.now = 1_700_000_000_000
        self.closing = threading.Event()
        self.poison: set[int] = set()  # seqs that make a whole batch unreadable
        self.poison_status = 400
        self.refuse: set[int] = set()  # seqs refused one by one
        self.connections: set[socket.socket] = set()
        self.beats: list[Heartbeat] = []
        self.missing: list[Span] = []  # answered to heartbeats, until it comes or is declared lost
        self.beat_status = 200
        self.arrived: list[tuple[float, int]] = []  # s, bytes of each request with its head

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.connections.add(connection)
        return connection, address

    def handle_error(self, *_: object) -> None:
        """Clients that leave are part of the tests."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeCentral

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers["Content-Length"]))
        head = len(self.raw_requestline) + len(self.headers.as_bytes())
        self.server.arrived.append((time.monotonic(), head + len(self.body)))
        if self.path == heartbeat.PATH:
            self.beat()
            return
        self.batch = wire.decode(self.body, self.headers["Content-Type"], self.headers["Content-Encoding"])
        self.server.headers.append(dict(self.headers.items()))
        self.server.batches.append([r.record.seq for r in self.batch.records if isinstance(r, wire.Received)])
        act = self.server.script.popleft() if self.server.script else ok
        act(self)

    def beat(self) -> None:
        beat = heartbeat.decode(self.body)
        self.server.beats.append(beat)
        declared = {(lost.epoch, lost.first, lost.last) for lost in beat.lost}
        missing = [
            span
            for span in self.server.missing
            if (span.epoch, span.first, span.last) not in declared
            and any((span.epoch, seq) not in self.server.rows for seq in range(span.first, span.last + 1))
        ]
        self.server.missing = missing
        answer = HeartbeatAnswer(central_epoch=1, now=self.server.now, missing=missing)
        self.reply(self.server.beat_status, heartbeat.encode(answer), Content_Type=wire.JSON)

    def log_message(self, *_: object) -> None:
        pass

    def store(self) -> list[wire.RecordAnswer]:
        answers = []
        for received in self.batch.records:
            assert isinstance(received, wire.Received)
            record = received.record
            key = (record.epoch, record.seq)
            if record.seq in self.server.refuse:
                answers.append(wire.RecordAnswer(None, "refused", "invalid", "no such camera"))
            elif key in self.server.rows:
                answers.append(wire.RecordAnswer(record.seq, "duplicate"))
            else:
                self.server.rows[key] = record.event_id
                answers.append(wire.RecordAnswer(record.seq, "stored"))
        self.server.outcomes += [answer.outcome for answer in answers]
        return answers

    def reply(self, code: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, answers: list[wire.RecordAnswer], epoch: int | None = None) -> None:
        """`epoch`: as if it were the answer to a batch of that epoch."""
        body = wire.encode_answer(wire.BatchAnswer(1, self.server.now, answers, epoch or self.batch.epoch))
        self.reply(200, body, Content_Type=wire.MSGPACK)


def ok(handler: Handler) -> None:
    seqs = {r.record.seq for r in handler.batch.records if isinstance(r, wire.Received)}
    if seqs & handler.server.poison:
        handler.reply(handler.server.poison_status)
    else:
        handler.answer(handler.store())


def status(code: int, **headers: str) -> Act:
    return lambda handler: handler.reply(code, b"no", **headers)


def hang(handler: Handler) -> None:
    handler.close_connection = True
    handler.server.closing.wait(30)


def cut(handler: Handler) -> None:
    """Half an answer to a batch that is not stored."""
    handler.send_response(200)
    handler.send_header("Content-Type", wire.MSGPACK)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"\x93")
    handler.close_connection = True


def swallow(handler: Handler) -> None:
    """Stored, and the answer never arrives."""
    handler.store()
    handler.close_connection = True


def garbage(handler: Handler) -> None:
    handler.reply(200, b"<html>Please log in to the hotel", Content_Type="text/html")


def endless(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.close_connection = True
    while not handler.server.closing.is_set():
        handler.wfile.write(b"x" * 65536)


def trickle(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.close_connection = True
    while not handler.server.closing.wait(0.02):
        handler.wfile.write(b"x")


def too_few(handler: Handler) -> None:
    handler.answer(handler.store()[:-1])


def another_epoch(handler: Handler) -> None:
    """The answer to a batch with the same numbers, of an epoch before."""
    handler.answer(
        [wire.RecordAnswer(r.record.seq, "stored") for r in handler.batch.records if isinstance(r, wire.Received)],
        epoch=1,
    )


def wrong_order(handler: Handler) -> None:
    handler.answer(handler.store()[::-1])


@contextmanager
def running() -> Iterator[FakeCentral]:
    server = FakeCentral()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        for connection in server.connections:  # kept-alive ones would hold server_close for ever
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        server.server_close()
        thread.join()

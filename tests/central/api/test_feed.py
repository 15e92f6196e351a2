"""Server-Sent Events from a real server over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.central.harness import PASSWORD, Harness, error_of
from tests.central.live import Live
from tests.central.records import NOW, life, received

pytestmark = pytest.mark.anyio


class Stream:
    """One open feed, read frame by frame."""

    def __init__(self, client: httpx.Client, query: str = "", headers: dict[str, str] | None = None) -> None:
        self._context = client.stream("GET", f"/api/feed{query}", headers=headers)
        self.response = self._context.__enter__()
        assert self.response.status_code == 200
        self._lines = self.response.iter_lines()

    def frame(self) -> dict[str, Any]:
        """The next frame; a comment as {"comment": ...}."""
        frame: dict[str, Any] = {}
        for line in self._lines:
            if not line:
                return frame
            name, _, text = line.partition(": ")
            frame[name or "comment"] = json.loads(text) if name == "data" else text
        raise EOFError

    def frames(self, n: int) -> list[dict[str, Any]]:
        return [self.frame() for _ in range(n)]

    def close(self) -> None:
        self._lines.close()  # type: ignore[attr-defined]
        self._context.__exit__(None, None, None)

    def to_the_end(self) -> None:
        """Raises EOFError, or httpx's error where the server cut a frame short."""
        while True:
            self.frame()


@pytest.fixture
def live(harness: Harness) -> Iterator[Live]:
    with Live(harness) as running:
        yield running


@contextlib.contextmanager
def signed_in(live: Live, harness: Harness) -> Iterator[httpx.Client]:
    asyncio.run(harness.add_user())
    with httpx.Client(base_url=live.url, timeout=10, headers={"origin": live.url}) as client:
        assert client.post("/api/session", json={"name": "li", "password": PASSWORD}).status_code == 200
        yield client


def put(harness: Harness, *records: Any) -> None:
    asyncio.run(harness.store.put(records, NOW))


def test_from_hello_to_an_event_and_a_decision(harness: Harness, live: Live) -> None:
    with signed_in(live, harness) as client:
        stream = Stream(client)
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        assert stream.response.headers["cache-control"] == "no-store"
        assert stream.frame() == {"event": "hello", "id": "0", "data": {"change": 0, "now": NOW}}
        one = received(1)
        put(harness, one)
        frame = stream.frame()
        assert (frame["event"], frame["id"]) == ("event", "1")
        event_id = str(one.record.event_id)
        assert frame["data"] == client.get(f"/api/events/{event_id}").json()["event"]
        client.post(f"/api/events/{event_id}/decision", json={"decision": "true"})
        assert stream.frame()["data"]["decision"]["by"] == "li"
        stream.close()


@pytest.mark.parametrize("by", ["header", "query"])
def test_a_desk_that_comes_back_loses_nothing(harness: Harness, live: Live, by: str) -> None:
    with signed_in(live, harness) as client:
        stream = Stream(client)
        stream.frame()
        put(harness, received(1))
        last = stream.frame()["id"]
        stream.close()
        put(harness, received(2), received(3))
        stream = Stream(client, headers={"last-event-id": last}) if by == "header" else Stream(client, f"?after={last}")
        assert stream.frame()["data"]["change"] == 3
        put(harness, received(4))
        assert [frame["id"] for frame in stream.frames(3)] == ["2", "3", "4"]
        stream.close()


def test_what_leaves_the_filter_is_told(harness: Harness, live: Live) -> None:
    with signed_in(live, harness) as client:
        stream = Stream(client, "?state=open&tier=1")
        stream.frame()
        [opened, closed] = life(1, "oc")
        put(harness, opened, received(8, tier=2))
        assert stream.frame()["event"] == "event"  # before it closes: two changes that are read at once are one
        put(harness, closed)
        assert stream.frame() == {
            "event": "left",
            "id": "3",
            "data": {"event_id": str(opened.record.event_id), "change": 3},
        }
        stream.close()


def test_what_is_left_out_by_severity_is_never_sent(harness: Harness, live: Live) -> None:
    with signed_in(live, harness) as client:
        stream = Stream(client, "?severity=alarm&severity=warning")
        stream.frame()
        put(harness, received(1, severity="info"), received(2, severity="alarm"), received(3))
        assert [frame["data"]["severity"] for frame in stream.frames(2)] == ["alarm", "warning"]
        stream.close()


@pytest.mark.parametrize("bad", ["x", "-1", "9" * 19, "1.5"])
def test_an_odd_last_event_id(harness: Harness, live: Live, bad: str) -> None:
    with signed_in(live, harness) as client:
        answer = client.get("/api/feed", headers={"last-event-id": bad})
        assert (answer.status_code, error_of(answer)["code"]) == (400, "last-event-id")


def test_a_reader_that_stops_reading_holds_up_nobody(tmp_path: Path) -> None:
    """A desk that never reads, with the kernel's buffers full, beside one that does; then the slow one catches up."""
    many = 3000
    with (
        Harness(tmp_path, desk_queue=5, keep_alive=0.2) as harness,
        Live(harness) as live,
        signed_in(live, harness) as client,
        contextlib.closing(_raw_feed(live, client.cookies["vedette"])) as stuck,
        contextlib.closing(Stream(client)) as quick,
    ):
        quick.frame()
        for start in range(0, many, 500):
            put(harness, *(received(start + n) for n in range(1, 501)))
        seen: list[int] = []
        while len(seen) < many:
            frame = quick.frame()
            if frame.get("event") == "event":
                seen.append(int(frame["id"]))
        assert seen == list(range(1, many + 1))
        assert harness.central.feed.desks == 2
        text = b""
        while text.count(b"event: event\n") < many:
            text += stuck.recv(1 << 16)
        assert text.count(b"event: gap\n") >= 1
        ids = [int(line[4:]) for line in text.splitlines() if line.startswith(b"id: ")]
        assert ids == sorted(ids)


def _raw_feed(live: Live, cookie: str) -> socket.socket:
    """A feed whose bytes nobody reads yet."""
    address = urlsplit(live.url)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.settimeout(10)
    raw.connect((address.hostname, address.port))
    raw.sendall(f"GET /api/feed HTTP/1.1\r\nHost: {address.netloc}\r\nCookie: vedette={cookie}\r\n\r\n".encode())
    text = b""
    while b"event: hello" not in text:
        text += raw.recv(256)
    return raw


def test_a_stream_ends_with_its_session(tmp_path: Path) -> None:
    with (
        Harness(tmp_path, keep_alive=0.05) as harness,
        Live(harness) as live,
        signed_in(live, harness) as client,
        contextlib.closing(Stream(client)) as stream,
    ):
        stream.frame()
        assert client.delete("/api/session").status_code == 204
        harness.clock.forward(1)
        with pytest.raises(EOFError):
            stream.to_the_end()
        asyncio.run(_no_desks(harness))


def test_a_desk_that_goes_away_is_forgotten(tmp_path: Path) -> None:
    with Harness(tmp_path, keep_alive=0.05) as harness, Live(harness) as live, signed_in(live, harness) as client:
        stream = Stream(client)
        stream.frame()
        assert harness.central.feed.desks == 1
        stream.close()
        asyncio.run(_no_desks(harness))


async def _no_desks(harness: Harness) -> None:
    async with asyncio.timeout(5):
        while harness.central.feed.desks:
            await asyncio.sleep(0.01)


def test_the_server_ends_every_stream_when_it_stops(harness: Harness, live: Live) -> None:
    with signed_in(live, harness) as client, contextlib.closing(Stream(client)) as stream:
        stream.frame()
        assert live.stop() < 3
        with pytest.raises(EOFError):  # a sound end, not a connection that broke
            stream.to_the_end()


def test_the_server_stops_in_time_with_a_desk_that_does_not_read(tmp_path: Path) -> None:
    """Its answer has to be cut off."""
    with (
        Harness(tmp_path) as harness,
        Live(harness) as live,
        signed_in(live, harness) as client,
        contextlib.closing(_raw_feed(live, client.cookies["vedette"])),
        contextlib.closing(Stream(client)) as stream,
    ):
        for start in range(0, 10_000, 2500):  # more than the kernel's buffers take
            put(harness, *(received(start + n) for n in range(1, 2501)))
        while stream.frame().get("id") != "10000":
            pass
        assert 0.5 < live.stop() < 3
        with pytest.raises((EOFError, httpx.RemoteProtocolError)):
            stream.to_the_end()

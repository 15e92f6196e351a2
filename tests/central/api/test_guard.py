"""What every answer has in common: the error body, the headers."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from central.api.guard import CSP
from tests.central.harness import Harness, error_of
from tests.central.live import Live
from tests.central.records import uuid7

pytestmark = pytest.mark.anyio

ERRORS = [
    ("GET", "/nothing", None, 404, "not-found"),
    ("GET", "/api/nothing", None, 404, "not-found"),
    ("DELETE", "/api/events", None, 405, "method"),
    ("TRACE", "/api/health", None, 405, "method"),
    ("GET", "/api/ingest", None, 405, "method"),
    ("GET", "/api/events", None, 401, "not-signed-in"),
    ("GET", f"/api/events/{uuid7()}", None, 401, "not-signed-in"),
    ("POST", f"/api/events/{uuid7()}/decision", b"{}", 401, "not-signed-in"),
    ("GET", "/api/count", None, 401, "not-signed-in"),
    ("GET", "/api/changes?after=0", None, 401, "not-signed-in"),
    ("GET", "/api/feed", None, 401, "not-signed-in"),
    ("GET", "/api/facets", None, 401, "not-signed-in"),
    ("GET", "/api/edges", None, 401, "not-signed-in"),
    ("GET", "/api/gaps", None, 401, "not-signed-in"),
    ("GET", "/api/gaps/edge-1", None, 401, "not-signed-in"),
    ("POST", "/api/gaps/edge-1/note", b"{}", 401, "not-signed-in"),
    ("GET", "/api/session", None, 401, "not-signed-in"),
    ("DELETE", "/api/session", None, 401, "not-signed-in"),
    ("PUT", "/api/session/password", b"{}", 401, "not-signed-in"),
    ("POST", "/api/session", b"{", 422, "invalid"),
    ("POST", "/api/session", b"\xff\xfe", 422, "invalid"),
    ("POST", "/api/session", b"[" * 50_000, 400, "bad-request"),
    ("POST", "/api/session", b"x" * (2 << 20), 413, "too-large"),
    ("POST", "/api/ingest", b"", 401, "edge-token"),
    ("POST", "/api/heartbeat", b"", 401, "edge-token"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), ERRORS, ids=lambda value: str(value)[:40])
async def test_every_error_has_the_one_body_and_all_headers(
    harness: Harness, method: str, path: str, body: bytes | None, status: int, code: str
) -> None:
    async with harness.client() as client:
        answer = await client.request(method, path, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, error_of(answer)["code"]) == (status, code)
    assert answer.headers["content-security-policy"] == CSP
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"


async def test_every_signed_in_route_is_in_the_table(harness: Harness) -> None:
    """A new route without a line above has nobody who checks that strangers are kept out."""
    async with harness.client() as client:
        paths = (await client.get("/api/openapi.json")).json()["paths"]
    open_to_all = {("GET", "/api/health")}
    tried = {(method, path.partition("?")[0]) for method, path, _, status, _ in ERRORS if status in (401, 422, 413)}
    for path, operations in paths.items():
        for method in operations:
            route = (method.upper(), path)
            known = any(m == route[0] and _fits(path, p) for m, p in tried)
            assert known or route in open_to_all, route


def _fits(template: str, path: str) -> bool:
    parts, given = template.split("/"), path.split("/")
    return len(parts) == len(given) and all(a == b or a.startswith("{") for a, b in zip(parts, given, strict=True))


async def test_a_failure_of_ours_tells_strangers_nothing(harness: Harness) -> None:
    async def broken() -> None:
        raise RuntimeError("inner detail")

    harness.app.add_api_route("/broken", broken)
    with capture_logs() as logs:
        async with harness.client() as client:
            answer = await client.get("/broken")
    assert (answer.status_code, error_of(answer)["code"]) == (500, "internal")
    assert "inner detail" not in answer.text
    assert answer.headers["content-security-policy"] == CSP
    assert [(entry["event"], entry["path"]) for entry in logs] == [("request failed", "/broken")]


async def test_a_closed_store_is_an_error_like_any_other(harness: Harness) -> None:
    harness.store.close()
    async with harness.client() as client:
        answer = await client.get("/api/health")
    assert (answer.status_code, error_of(answer)["code"]) == (503, "store-closed")


async def test_health_tells_strangers_nothing_more(harness: Harness) -> None:
    async with harness.client() as client:
        answer = await client.get("/api/health")
    assert answer.json() == {"status": "ok", "version": harness.central.version}
    assert json.dumps(answer.json()).count(":") == 2


def test_a_body_without_an_end_is_not_read_for_ever(harness: Harness) -> None:
    """Of a stranger, who was answered at once: the connection is closed."""
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with Live(harness) as live, socket.create_connection(_address(live.url), timeout=10) as peer:
        peer.sendall(b"POST /api/ingest HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(ConnectionError):
            peer.sendall(chunk * 4096)  # 256 MiB


def test_a_peer_that_leaves_in_the_middle_is_no_failure_of_ours(harness: Harness) -> None:
    edge = asyncio.run(harness.add_edge())["authorization"]
    head = f"POST /api/ingest HTTP/1.1\r\nHost: x\r\nAuthorization: {edge}\r\nContent-Length: 9999\r\n\r\nhalf"
    with (
        capture_logs() as logs,
        Live(harness) as live,
        socket.create_connection(_address(live.url), timeout=10) as peer,
    ):
        peer.sendall(head.encode())
        peer.shutdown(socket.SHUT_WR)
        assert peer.recv(1) == b""
    assert logs == []


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


async def test_a_body_that_grows_too_large_on_any_route(harness: Harness) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65536

    async with harness.client() as client:
        answer = await client.post("/api/session", content=body(), headers={"content-type": "application/json"})
    assert (answer.status_code, error_of(answer)["code"]) == (413, "too-large")

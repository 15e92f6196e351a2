from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import zstandard

from contract import wire
from contract.event import SCHEMA
from tests.central.harness import JSON, MSGPACK_ZSTD, Harness, error_of
from tests.central.records import NOW, life, record

pytestmark = pytest.mark.anyio


def rows(*records: Any, schema: int = SCHEMA, **extra: Any) -> bytes:
    """A JSON batch, with whatever it should not hold."""
    batch = msgspec.json.decode(wire.encode_json(records))
    batch["schema"] = schema
    batch["events"][0] |= extra
    return msgspec.json.encode(batch)


@pytest.mark.parametrize(
    ("sent", "accept", "form"),
    [
        ("msgpack", None, wire.MSGPACK),
        ("json", None, wire.JSON),
        ("msgpack", "application/json", wire.JSON),
        ("json", "application/msgpack", wire.MSGPACK),
        ("json", "*/*", wire.JSON),
    ],
)
async def test_the_answer_has_the_form_of_the_batch(harness: Harness, sent: str, accept: str | None, form: str) -> None:
    edge = await harness.add_edge()
    records = [record(1), record(2)]
    body, headers = (wire.encode(records), MSGPACK_ZSTD) if sent == "msgpack" else (wire.encode_json(records), JSON)
    async with harness.client() as client:
        answer = await client.post(
            "/api/ingest", content=body, headers=edge | headers | ({"accept": accept} if accept else {})
        )
    assert (answer.status_code, answer.headers["content-type"]) == (200, form)
    told = wire.decode_answer(answer.content, form)
    assert told == wire.BatchAnswer(
        harness.store.central_epoch, NOW, [wire.RecordAnswer(1, "stored"), wire.RecordAnswer(2, "stored")], NOW - 1000
    )


@pytest.mark.parametrize(("schema", "lacks"), [(1, ("severity", "of")), (2, ("of",))])
async def test_an_edge_with_an_older_schema_is_still_heard(
    harness: Harness, schema: int, lacks: tuple[str, ...]
) -> None:
    """In no form it sends what it does not know: without a severity, what it tells counts as a warning."""
    edge, desk = await harness.add_edge(), await harness.signed_in()
    packed = msgspec.msgpack.decode(zstandard.decompress(wire.encode([record(1), record(2)])))
    packed[0], _ = schema, [packed.pop() for _ in lacks]
    batch = msgspec.json.decode(wire.encode_json([record(3)]))
    batch["schema"] = schema
    for name in lacks:
        del batch["events"][0][name]
    for body, headers in (
        (zstandard.compress(msgspec.msgpack.encode(packed)), MSGPACK_ZSTD),
        (msgspec.json.encode(batch), JSON),
    ):
        answer = await desk.post("/api/ingest", content=body, headers=edge | headers)
        told = wire.decode_answer(answer.content, answer.headers["content-type"])
        assert {one.outcome for one in told.answers} == {"stored"}, told
    assert (await desk.get("/api/count?severity=warning")).json()["count"] == 3


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer vde_wrong"},
        {"authorization": "Bearer  vde_'; DROP TABLE edges"},
        {"authorization": "Basic dmRlXw=="},
    ],
    ids=["none", "empty", "no-token", "wrong", "odd", "basic"],
)
async def test_a_wrong_token_is_refused_before_the_body_is_read(harness: Harness, header: dict[str, str]) -> None:
    await harness.add_edge()
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield wire.encode([record(1)])

    async with harness.client() as client:
        answer = await client.post("/api/ingest", content=body(), headers=MSGPACK_ZSTD | header)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "add-edge" in error_of(answer)["hint"]
    assert read == 0
    assert await harness.store.last_change() == 0


async def test_a_replaced_token_ends_at_once(harness: Harness) -> None:
    old = await harness.add_edge()
    await harness.store.add_edge("edge-1", b"another", NOW, replace=True)
    async with harness.client() as client:
        answer = await client.post("/api/ingest", content=wire.encode([record(1)]), headers=old | MSGPACK_ZSTD)
    assert answer.status_code == 401


async def test_an_edge_speaks_for_itself_only(harness: Harness) -> None:
    edge = await harness.add_edge("edge-2")
    async with harness.client() as client:
        answer = await client.post("/api/ingest", content=wire.encode([record(1)]), headers=edge | MSGPACK_ZSTD)
    assert (answer.status_code, error_of(answer)["code"]) == (403, "wrong-edge")
    assert await harness.store.last_change() == 0


async def test_a_body_that_says_it_is_too_large(harness: Harness) -> None:
    edge = await harness.add_edge()
    async with harness.client() as client:
        answer = await client.post("/api/ingest", content=b"x" * (wire.MAX_BODY + 1), headers=edge | MSGPACK_ZSTD)
    assert (answer.status_code, error_of(answer)["code"]) == (413, "too-large")


async def test_a_body_that_grows_too_large_is_not_read_to_its_end(harness: Harness) -> None:
    edge = await harness.add_edge()
    chunk, read = b"x" * 65536, 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += len(chunk)
            yield chunk

    async with harness.client() as client:
        answer = await client.post("/api/ingest", content=endless(), headers=edge | MSGPACK_ZSTD)
    assert (answer.status_code, error_of(answer)["code"]) == (413, "too-large")
    assert read <= wire.MAX_BODY + 2 * len(chunk)


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (zstandard.compress(b"\x00" * (wire.MAX_PLAIN + 1)), MSGPACK_ZSTD, 413, "too-large"),
        (b"", MSGPACK_ZSTD, 400, "framing"),
        (b"no zstd", MSGPACK_ZSTD, 415, "encoding"),
        (b"\xc1", {"content-type": wire.MSGPACK}, 400, "framing"),
        (b"{}", JSON, 400, "framing"),
        (b"[" * 100_000, JSON, 400, "framing"),
        (b"<xml/>", {"content-type": "text/xml"}, 415, "content-type"),
        (wire.encode([record(1)]), MSGPACK_ZSTD | {"content-encoding": "br"}, 415, "encoding"),
        (b'{"schema":1,"edge_id":"edge-1","epoch":1,"events":[]}', JSON, 400, "too-many"),
    ],
    ids=["bomb", "empty", "no-zstd", "no-msgpack", "no-batch", "deep", "xml", "brotli", "no-records"],
)
async def test_what_is_no_batch(harness: Harness, body: bytes, headers: dict[str, str], status: int, code: str) -> None:
    edge = await harness.add_edge()
    async with harness.client() as client:
        answer = await client.post("/api/ingest", content=body, headers=edge | headers)
        assert (answer.status_code, error_of(answer)["code"]) == (status, code)
        assert not error_of(answer)["retryable"]
        assert (await harness.send(client, edge, [record(1)])).answers[0].outcome == "stored"


async def test_one_broken_record_among_good_ones(harness: Harness) -> None:
    edge = await harness.add_edge()
    body = msgspec.json.decode(wire.encode_json([record(n) for n in range(1, 6)]))
    body["events"][2]["tier"] = 9
    body["events"][3]["seq"] = "four"
    async with harness.client() as client:
        answer = await client.post("/api/ingest", content=msgspec.json.encode(body), headers=edge | JSON)
    told = wire.decode_answer(answer.content, wire.JSON).answers
    assert [(one.seq, one.outcome) for one in told] == [
        (1, "stored"),
        (2, "stored"),
        (3, "refused"),
        (None, "refused"),
        (5, "stored"),
    ]
    assert told[2].code == "invalid"
    assert "tier" in told[2].reason
    assert await harness.store.last_change() == 3


async def test_sent_again_and_in_any_order_it_is_one_event(harness: Harness) -> None:
    edge = await harness.add_edge()
    opened, updated, closed = [entry.record for entry in life(1)]
    async with harness.client() as client:
        for records in ([closed], [updated, opened], [opened, updated, closed]):
            told = await harness.send(client, edge, records)
        assert [one.outcome for one in told.answers] == ["duplicate"] * 3
    desk = await harness.signed_in()
    [event] = (await desk.get("/api/events")).json()["events"]
    assert (event["state"], event["closed_at"]) == ("closed", closed.closed_at)
    assert event["change"] == 1


async def test_conflicts_are_refused_and_change_nothing(harness: Harness) -> None:
    edge, other = await harness.add_edge(), await harness.add_edge("edge-2")
    mine = record(1)
    async with harness.client() as client:
        await harness.send(client, edge, [mine])
        [clone] = (await harness.send(client, edge, [record(1)])).answers
        [theirs] = (await harness.send(client, other, [record(1, edge_id="edge-2", event_id=mine.event_id)])).answers
    for refused in (clone, theirs):
        assert (refused.outcome, refused.code) == ("refused", "conflict")
        assert refused.reason
    stored = await harness.store.event(mine.event_id)
    assert stored is not None
    assert stored.record == mine


async def test_a_kind_that_central_does_not_know_is_stored_and_flagged(harness: Harness) -> None:
    edge, desk = await harness.add_edge(), await harness.signed_in()
    await harness.send(desk, edge, [record(1, kind="levitation"), record(2)])
    flags = {event["kind"]: event["newer_kind"] for event in (await desk.get("/api/events")).json()["events"]}
    assert flags == {"levitation": True, "intrusion": False}


async def test_fields_of_a_newer_schema_are_kept(harness: Harness) -> None:
    edge = await harness.add_edge()
    one = record(1)
    async with harness.client() as client:
        answer = await client.post("/api/ingest", content=rows(one, schema=SCHEMA + 1, speed=3.5), headers=edge | JSON)
        assert wire.decode_answer(answer.content, wire.JSON).answers[0].outcome == "stored"
        answer = await client.post("/api/ingest", content=rows(record(2), speed=3.5), headers=edge | JSON)
        assert wire.decode_answer(answer.content, wire.JSON).answers[0].outcome == "refused"
    stored = await harness.store.event(one.event_id)
    assert stored is not None
    assert stored.newer == '{"speed":3.5}'


async def test_a_full_disk_says_later(harness: Harness) -> None:
    edge = await harness.add_edge()
    await harness.store._write(
        lambda db, _: db.execute("PRAGMA max_page_count = 1").fetchone()
    )  # no smaller than it is
    async with harness.client() as client:
        records = [record(n) for n in range(1, 1001)]
        for _ in range(20):
            answer = await client.post("/api/ingest", content=wire.encode(records), headers=edge | MSGPACK_ZSTD)
            if answer.status_code != 200:
                break
            records = [record(one.seq + 1000) for one in records]
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert error_of(answer) | {"message": "", "hint": ""} == {
        "code": "disk-full",
        "message": "",
        "hint": "",
        "retryable": True,
    }

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from contract import heartbeat
from contract.heartbeat import Heartbeat, HeartbeatAnswer, Lost, Numbers, Span
from tests.central.harness import Harness, error_of
from tests.central.records import NOW, record

pytestmark = pytest.mark.anyio

EPOCH = NOW - 1000  # the records'
HOUR = 3600


def told(last: int = 9, edge_id: str = "edge-1", lost: tuple[int, int] | None = None, **fields: Any) -> bytes:
    gone = [Lost(epoch=EPOCH, first=lost[0], last=lost[1], reason="damaged")] if lost else []
    given: dict[str, Any] = {"epochs": [Numbers(epoch=EPOCH, last=last)], "waiting": 3} | fields
    return heartbeat.encode(Heartbeat(edge_id=edge_id, lost=gone, **given))


async def test_a_heartbeat_is_answered_with_what_is_missing(harness: Harness) -> None:
    edge, desk = await harness.add_edge(), await harness.signed_in()
    await harness.send(desk, edge, [record(1), record(2), record(5)])
    answer = await desk.post("/api/heartbeat", content=told(lost=(8, 9)), headers=edge)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert heartbeat.decode_answer(answer.content) == HeartbeatAnswer(
        central_epoch=harness.store.central_epoch,
        now=NOW,
        missing=[Span(epoch=EPOCH, first=3, last=4), Span(epoch=EPOCH, first=6, last=7)],
    )
    [row] = (await desk.get("/api/edges")).json()["edges"]
    assert (row["waiting"], row["last_seen"]) == (3, NOW)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(told(edge_id="edge-2"), 403, "wrong-edge", id="another edge's"),
        pytest.param(b"{", 400, "heartbeat", id="no JSON"),
        pytest.param(b"{}", 400, "heartbeat", id="nothing in it"),
        pytest.param(told().replace(b'"last":9', b'"last":-1'), 400, "heartbeat", id="no number"),
        pytest.param(told(lost=(3, 4)).replace(b'"first":3', b'"first":5'), 400, "heartbeat", id="the wrong way round"),
        pytest.param(told() + b" " * heartbeat.MAX_HEARTBEAT, 413, "too-large", id="too long"),
    ],
)
async def test_a_heartbeat_that_is_none(harness: Harness, body: bytes, status: int, code: str) -> None:
    edge = await harness.add_edge()
    async with harness.client() as client:
        answer = await client.post("/api/heartbeat", content=body, headers=edge)
    assert (answer.status_code, error_of(answer)["code"]) == (status, code)
    assert await harness.store.gaps("edge-1", 9) == []


async def test_a_heartbeat_needs_the_edges_token(harness: Harness) -> None:
    await harness.add_edge()
    client = await harness.signed_in()
    for headers in ({}, {"authorization": "Bearer vde_wrong"}):
        answer = await client.post("/api/heartbeat", content=told(), headers=headers)
        assert (answer.status_code, error_of(answer)["code"]) == (401, "edge-token")


async def test_a_newer_edge_may_say_more(harness: Harness) -> None:
    edge = await harness.add_edge()
    body = msgspec.json.encode(msgspec.json.decode(told()) | {"mood": "fine"})
    async with harness.client() as client:
        assert (await client.post("/api/heartbeat", content=body, headers=edge)).status_code == 200


async def test_the_line_of_an_edge(harness: Harness) -> None:
    """On its way for a minute, then late, then here; or lost, for a week or until noted."""
    edge, desk = await harness.add_edge(), await harness.signed_in()
    await harness.send(desk, edge, [record(1, at=NOW), record(5, at=NOW + 9)])
    nothing = {"edges": [], "more": 0}
    assert (await desk.get("/api/gaps")).json() == nothing
    harness.clock.forward(60)
    line = {
        "edge_id": "edge-1",
        "late": 3,
        "lost": 0,
        "since": NOW,
        "until": NOW + 9,
        "lost_at": None,
        "forked_at": None,
    }
    assert (await desk.get("/api/gaps")).json() == {"edges": [line], "more": 0}
    await harness.send(desk, edge, [record(3)])
    lost_at = harness.clock.now()
    await desk.post("/api/heartbeat", content=told(5, lost=(4, 4)), headers=edge)
    [line] = (await desk.get("/api/gaps")).json()["edges"]
    assert (line["late"], line["lost"], line["lost_at"]) == (1, 1, lost_at)
    await harness.send(desk, edge, [record(2)])
    [line] = (await desk.get("/api/gaps")).json()["edges"]
    assert (line["late"], line["lost"]) == (0, 1)

    answer = await desk.post("/api/gaps/edge-1/note", json={"until": lost_at})
    assert answer.status_code == 204
    assert (await desk.get("/api/gaps")).json() == nothing
    [gap] = (await desk.get("/api/gaps/edge-1")).json()["gaps"]
    assert (gap["epoch"], gap["first"], gap["last"], gap["reason"]) == (EPOCH, 4, 4, "damaged")

    harness.clock.forward(-1)  # set back; what is declared after the note is told all the same
    await desk.post("/api/heartbeat", content=told(6, lost=(6, 6)), headers=edge)
    [line] = (await desk.get("/api/gaps")).json()["edges"]
    assert (line["late"], line["lost"]) == (0, 1)
    harness.clock.forward(7 * 24 * HOUR + 2)
    desk = await harness.signed_in()
    assert (await desk.get("/api/gaps")).json() == nothing


async def test_who_noted_it_is_kept(harness: Harness) -> None:
    await harness.add_edge()
    desk = await harness.signed_in("li")
    await desk.post("/api/gaps/edge-1/note", json={"until": NOW - 5})
    await desk.post("/api/gaps/edge-1/note", json={"until": NOW + 5})  # nobody has seen what is still to come
    sql = 'SELECT edge_id, until, "by", at FROM gap_notes'
    assert await harness.store._read(lambda db: db.execute(sql).fetchall()) == [
        ("edge-1", NOW - 5, "li", NOW),
        ("edge-1", NOW, "li", NOW),
    ]


async def test_noting_needs_an_edge_and_a_session(harness: Harness) -> None:
    await harness.add_edge()
    desk = await harness.signed_in()
    answer = await desk.post("/api/gaps/edge-2/note", json={"until": NOW})
    assert (answer.status_code, error_of(answer)["code"]) == (404, "no-edge")
    async with harness.client() as stranger:
        for method, path in (("GET", "/api/gaps"), ("GET", "/api/gaps/edge-1"), ("POST", "/api/gaps/edge-1/note")):
            answer = await stranger.request(method, path, json={"until": NOW} if method == "POST" else None)
            assert (answer.status_code, error_of(answer)["code"]) == (401, "not-signed-in")


async def test_more_edges_than_lines(harness: Harness) -> None:
    desk = await harness.signed_in()
    for n in range(4):
        edge = await harness.add_edge(f"edge-{n}")
        await desk.post("/api/heartbeat", content=told(edge_id=f"edge-{n}"), headers=edge)
    harness.clock.forward(60)
    answer = (await desk.get("/api/gaps?limit=3")).json()
    assert ([line["edge_id"] for line in answer["edges"]], answer["more"]) == (["edge-0", "edge-1", "edge-2"], 1)
    answer = (await desk.get("/api/gaps/edge-1?limit=1")).json()
    assert (len(answer["gaps"]), answer["more"]) == (1, False)


async def test_two_copies_under_one_name_make_a_line_for_an_hour(harness: Harness) -> None:
    edge, desk = await harness.add_edge(), await harness.signed_in()
    for epoch in (5, 6, 5):
        body = told(epochs=[Numbers(epoch=epoch, last=0)])
        await desk.post("/api/heartbeat", content=body, headers=edge)
    [line] = (await desk.get("/api/gaps")).json()["edges"]
    assert (line["late"], line["lost"], line["forked_at"]) == (0, 0, NOW)
    harness.clock.forward(HOUR)
    desk = await harness.signed_in()
    assert (await desk.get("/api/gaps")).json()["edges"] == []


async def test_asking_keeps_no_session_alive(harness: Harness) -> None:
    desk = await harness.signed_in()
    harness.clock.forward(HOUR / 2 - 60)
    assert (await desk.get("/api/gaps")).status_code == 200
    harness.clock.forward(60)
    assert (await desk.get("/api/gaps")).status_code == 401

from __future__ import annotations

import pytest

from central.clocks import LATEST as MAX_MS
from central.store.sqlite import FILE
from tests.central.harness import Harness, error_of
from tests.central.records import NOW, life, received, record, uuid7

pytestmark = pytest.mark.anyio


async def test_pages_by_cursor(harness: Harness) -> None:
    desk = await harness.signed_in()
    sent = [received(n, opened_at=NOW + n // 3) for n in range(1, 12)]
    await harness.store.put(sent, NOW)
    found, cursor, pages = [], None, 0
    while True:
        params = {"limit": 4} | ({"cursor": cursor} if cursor else {})
        page = (await desk.get("/api/events", params=params)).json()
        found += [event["event_id"] for event in page["events"]]
        cursor, pages = page["next"], pages + 1
        if cursor is None:
            break
    newest_first = sorted(sent, key=lambda e: (e.record.opened_at, e.record.event_id.bytes), reverse=True)
    assert found == [str(entry.record.event_id) for entry in newest_first]
    assert pages == 3


async def test_a_page_that_is_just_full_is_the_last(harness: Harness) -> None:
    desk = await harness.signed_in()
    await harness.store.put([received(1), received(2)], NOW)
    assert (await desk.get("/api/events?limit=2")).json()["next"] is None


@pytest.mark.parametrize(
    ("query", "seqs"),
    [
        ("", [1, 2, 3, 4]),
        ("tier=1&tier=2", [1, 2, 3]),
        ("site=a&tier=1", [1]),
        ("pilot=kitchen", [4]),
        ("camera=cam-2", [2]),
        ("rule=queue", [3]),
        ("kind=dwell", [3]),
        ("severity=alarm", [2]),
        ("severity=alarm&severity=warning", [1, 2, 3]),
        ("severity=info&site=b", []),
        ("state=open", [1, 2, 3]),
        ("state=closed", [4]),
        ("state=open&state=closed", [1, 2, 3, 4]),
        ("decision=none", [2, 3, 4]),
        ("decision=true", [1]),
        ("decision=none&decision=true", [1, 2, 3, 4]),
        (f"since={NOW + 2}", [3, 4]),
        (f"until={NOW + 2}", [1, 2]),
        ("site=nowhere", []),
    ],
)
async def test_filters(harness: Harness, query: str, seqs: list[int]) -> None:
    desk = await harness.signed_in()
    one = received(1, tier=1, site="a", opened_at=NOW)
    await harness.store.put(
        [
            one,
            received(2, tier=1, site="b", camera_id="cam-2", severity="alarm", opened_at=NOW + 1),
            received(3, tier=2, site="a", rule="queue", kind="dwell", opened_at=NOW + 2, state="update"),
            received(4, tier=3, pilot="kitchen", severity="info", opened_at=NOW + 3, state="closed", closed_at=NOW + 3),
        ],
        NOW,
    )
    await desk.post(f"/api/events/{one.record.event_id}/decision", json={"decision": "true"})
    page = (await desk.get(f"/api/events?{query}")).json()
    assert sorted(event["opened_at"] - NOW + 1 for event in page["events"]) == seqs
    assert (await desk.get(f"/api/count?{query}")).json() == {"count": len(seqs), "more": False}


async def test_counting_stops(harness: Harness) -> None:
    desk = await harness.signed_in()
    await harness.store.put([received(n, severity="info") for n in range(1, 1001)], NOW)
    assert (await desk.get("/api/count?severity=info")).json() == {"count": 1000, "more": False}
    await harness.store.put([received(1001, severity="info")], NOW)
    assert (await desk.get("/api/count?severity=info")).json() == {"count": 1000, "more": True}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/events?cursor=garbage", 400, "cursor"),
        ("/api/events?cursor=AAAA", 400, "cursor"),
        ("/api/events?limit=0", 422, "invalid"),
        ("/api/events?limit=201", 422, "invalid"),
        ("/api/events?teir=1", 422, "invalid"),
        ("/api/events?tier=4", 422, "invalid"),
        ("/api/events?site=%00", 422, "invalid"),
        ("/api/events?since=-1", 422, "invalid"),
        ("/api/events?since=99999999999999999999", 422, "invalid"),
        ("/api/events?state=half", 422, "invalid"),
        ("/api/events?severity=fatal", 422, "invalid"),
        ("/api/count?limit=5", 422, "invalid"),
        ("/api/events/no-uuid", 422, "invalid"),
        ("/api/changes", 422, "invalid"),
        (f"/api/events/{uuid7()}", 404, "no-event"),
    ],
)
async def test_bad_requests(harness: Harness, path: str, status: int, code: str) -> None:
    desk = await harness.signed_in()
    answer = await desk.get(path)
    assert (answer.status_code, error_of(answer)["code"]) == (status, code)
    if status == 422:
        assert error_of(answer)["details"][0]["message"]


async def test_an_event_tells_what_and_where(harness: Harness) -> None:
    desk = await harness.signed_in()
    one = received(1, clock_offset=-500)
    await harness.store.put([one], NOW + 100)
    event = (await desk.get("/api/events")).json()["events"][0]
    assert event == {
        "event_id": str(one.record.event_id),
        "change": 1,
        "edge_id": "edge-1",
        "epoch": NOW - 1000,
        "camera_id": "cam-1",
        "tier": 1,
        "pilot": "school",
        "site": "north-gate",
        "rule": "after-hours",
        "kind": "intrusion",
        "newer_kind": False,
        "severity": "warning",
        "zone": "yard",
        "state": "open",
        "opened_at": NOW,
        "at": NOW,
        "closed_at": None,
        "clock_offset": -500,
        "corrected": None,
        "received_at": NOW + 100,
        "delay": 600,
        "late": False,
        "label": "person",
        "count": None,
        "of": None,
        "confidence": 0.87,
        "box": [0.1, 0.2, 0.3, 0.4],
        "track": 7,
        "model": "yolov8n",
        "decision": None,
    }


@pytest.mark.parametrize(
    ("offset", "arrival", "delay", "late"),
    [
        (None, 60_000, 60_000, False),
        (None, 60_001, 60_001, True),
        (50_000, 100_000, 50_000, False),
        (-50_000, 20_000, 70_000, True),
        (50_000, 49_000, 0, False),
    ],
    ids=["just", "late", "slow-edge-clock", "fast-edge-clock", "offset-not-exact"],
)
async def test_late_is_told_by_centrals_clock(
    harness: Harness, offset: int | None, arrival: int, delay: int, late: bool
) -> None:
    desk = await harness.signed_in()
    await harness.store.put([received(1, clock_offset=offset)], NOW + arrival)
    event = (await desk.get("/api/events")).json()["events"][0]
    assert (event["delay"], event["late"]) == (delay, late)


@pytest.mark.parametrize(
    ("offset", "opened_at", "shown"),
    [
        (None, NOW, None),
        (1000, NOW, None),
        (-1000, NOW, None),
        (1001, NOW, (NOW + 1001, NOW + 2001, NOW + 3001)),
        (-90_000, NOW, (NOW - 90_000, NOW - 89_000, NOW - 88_000)),
        (-(2**53), 5, (0, 0, 0)),
        (2**53, NOW, (MAX_MS, MAX_MS, MAX_MS)),
    ],
    ids=["not-measured", "a-second", "a-second-ahead", "behind", "ahead", "before-1970", "after-9999"],
)
async def test_times_of_a_wrong_clock_are_given_both_ways(
    harness: Harness, offset: int | None, opened_at: int, shown: tuple[int, int, int] | None
) -> None:
    desk = await harness.signed_in()
    times = {"opened_at": opened_at, "at": opened_at + 1000, "closed_at": opened_at + 2000}
    await harness.store.put([received(1, state="closed", clock_offset=offset, **times)], NOW)
    event = (await desk.get("/api/events")).json()["events"][0]
    assert {name: event[name] for name in times} == times
    assert event["clock_offset"] == offset
    assert event["corrected"] == (None if shown is None else dict(zip(times, shown, strict=True)))


async def test_order_is_by_the_edges_own_times(harness: Harness) -> None:
    desk = await harness.signed_in()
    await harness.store.put([received(1, clock_offset=3_600_000), received(2, opened_at=NOW + 1, clock_offset=0)], NOW)
    events = (await desk.get("/api/events")).json()["events"]
    assert [event["opened_at"] for event in events] == [NOW + 1, NOW]


async def test_a_look_is_kept(harness: Harness) -> None:
    desk = await harness.signed_in("wang")
    one = received(1)
    await harness.store.put([one], NOW)
    harness.clock.forward(5)
    await desk.get("/api/events")  # a list is no look at an event
    detail = await desk.get(f"/api/events/{one.record.event_id}")
    assert detail.json()["decisions"] == []
    looks = await harness.store._read(lambda db: db.execute('SELECT event_id, "by", at FROM looks').fetchall())
    assert looks == [(one.record.event_id.bytes, "wang", NOW + 5000)]


async def test_decide_and_take_back(harness: Harness) -> None:
    desk = await harness.signed_in("wang")
    one = received(1)
    await harness.store.put([one], NOW)
    path = f"/api/events/{one.record.event_id}"
    answer = await desk.post(f"{path}/decision", json={"decision": "false_alarm", "note": "一只猫"})
    taken = {"decision": "false_alarm", "by": "wang", "at": NOW, "note": "一只猫"}
    assert answer.json()["event"]["decision"] == taken
    answer = await desk.post(f"{path}/decision", json={"decision": "none"})
    assert answer.json()["event"]["decision"] is None
    history = (await desk.get(path)).json()["decisions"]
    assert history == [{"decision": None, "by": "wang", "at": NOW, "note": ""}, taken]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"decision": "maybe"},
        {"decision": "true", "by": "boss"},
        {"decision": "true", "note": "a\x00b"},
        {"decision": "true", "note": "\x1b[2J"},
        [],
    ],
    ids=str,
)
async def test_no_decision(harness: Harness, body: object) -> None:
    desk = await harness.signed_in()
    one = received(1)
    await harness.store.put([one], NOW)
    answer = await desk.post(f"/api/events/{one.record.event_id}/decision", json=body)
    assert (answer.status_code, error_of(answer)["code"]) == (422, "invalid")
    assert (await desk.post(f"/api/events/{uuid7()}/decision", json={"decision": "true"})).status_code == 404


async def test_changes_also_tell_what_left_the_list(harness: Harness) -> None:
    desk = await harness.signed_in()
    [opened, closed] = life(1, "oc")
    stays = received(5)
    await harness.store.put([opened, stays], NOW)
    await harness.store.put([closed], NOW)
    page = (await desk.get("/api/changes?after=0&state=open")).json()
    assert [event["event_id"] for event in page["events"]] == [str(stays.record.event_id)]
    assert page["left"] == [str(opened.record.event_id)]
    assert (page["change"], page["more"]) == (3, False)
    first = (await desk.get("/api/changes?after=0&limit=1")).json()
    assert (first["change"], first["more"]) == (2, True)


async def test_facets_and_edges(harness: Harness) -> None:
    edge, desk = await harness.add_edge(), await harness.signed_in()
    await harness.send(desk, edge, [record(4, tier=3, clock_offset=7)])
    assert (await desk.get("/api/facets")).json() == {
        "tiers": [3],
        "sites": ["north-gate"],
        "pilots": ["school"],
        "cameras": ["cam-1"],
        "rules": ["after-hours"],
        "kinds": ["intrusion"],
    }
    assert (await desk.get("/api/edges")).json() == {
        "edges": [
            {
                "edge_id": "edge-1",
                "last_seen": NOW,
                "epoch": NOW - 1000,
                "last_seq": 4,
                "records": 1,
                "clock_offset": 7,
                "waiting": None,
            }
        ]
    }


async def test_nothing_secret_stands_in_the_files(harness: Harness) -> None:
    edge = await harness.add_edge()
    desk = await harness.signed_in()
    first = await harness.central.access.first_login()
    assert first is None  # there is a user
    await harness.send(desk, edge, [record(1)])
    cookie = desk.cookies["vedette"]
    token = edge["authorization"].removeprefix("Bearer ")
    harness.store.close()
    kept = b"".join(file.read_bytes() for file in harness.settings.data.iterdir() if file.is_file())
    assert b"north-gate" in kept
    for secret in (cookie, token, "long enough to be right"):
        assert secret.encode() not in kept
    assert (harness.settings.data / FILE).exists()

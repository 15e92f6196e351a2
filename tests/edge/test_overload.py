from __future__ import annotations

from itertools import pairwise

import pytest

from edge.ids import uuid7
from edge.load import LoadStatus
from edge.overload import UPDATE_S, Looks, Overload, rounded
from edge.records import left_open, of_edge
from tests.edge.drafts import CAMERA

START = 1_795_000_000_000
WELL = None
LONG = [(0, (37, 60)), (20, (37, 60))]  # so that it is told


def utc_ms(at):
    return START + round(1000 * at)


def played(steps):
    """What was told, each at its second; `steps`: (at, (made, wanted) while degraded, or WELL)."""
    chance = iter(range(1000))
    overload = Overload(utc_ms, lambda ms: uuid7(ms, next(chance)))
    told = []
    for at, looks in steps:
        load = LoadStatus(60.0, 60.0) if looks is WELL else LoadStatus(*looks, 0.4, degraded=True)
        if (draft := overload.step(at, load)) is not None:
            told.append((at, draft))
    return overload, told


def said(told):
    return [(at, draft.state, draft.count, draft.of) for at, draft in told]


@pytest.mark.parametrize(
    ("steps", "want"),
    [
        pytest.param([(0, WELL), (1, WELL)], [], id="never"),
        pytest.param([(0, (37, 60)), (19, (37, 60)), (20, WELL)], [], id="for a moment"),
        pytest.param([(0, (37, 60)), (9, WELL), (20, (37, 60)), (30, WELL), (60, WELL)], [], id="for two moments"),
        pytest.param(
            [(0, (37, 60)), (14, WELL), (25, (30, 60)), (31, (37, 60)), (39, WELL), (50, (37, 60))],
            [(31, "open", 30, 60)],
            id="in surges, each of them short",
        ),
        pytest.param(
            [(0, (37, 60)), (19, WELL), (49, WELL), (50, (37, 60)), (69, (37, 60))], [], id="twice, well in between"
        ),
        pytest.param([*LONG, (21, (37, 60))], [(20, "open", 37, 60)], id="told once"),
        pytest.param([*LONG, (50, WELL), (79, WELL)], [(20, "open", 37, 60)], id="its end must last, too"),
        pytest.param(
            [*LONG, (50, WELL), (80, WELL), (81, WELL)],
            [(20, "open", 37, 60), (80, "closed", 37, 60)],
            id="and its end",
        ),
        pytest.param(
            [*LONG, (30, WELL), (50, (36, 60)), (70, WELL), (99, WELL), (100, WELL)],
            [(20, "open", 37, 60), (50, "update", 36, 60), (100, "closed", 36, 60)],
            id="to and fro is one",
        ),
        pytest.param([(0, (20, 60)), (20, (37, 60))], [(20, "open", 20, 60)], id="opened with the worst until then"),
        pytest.param(
            [*LONG, (30, (20, 60)), (35, (40, 60)), (36, WELL), (66, WELL)],
            [(20, "open", 37, 60), (66, "closed", 20, 60)],
            id="closed with the worst of it",
        ),
        pytest.param(
            [*LONG, (30, (36, 40)), (32, WELL), (62, WELL)],
            [(20, "open", 37, 60), (62, "closed", 37, 60)],
            id="fewer of fewer is not worse",
        ),
        pytest.param(
            [*LONG, (39, (20, 60)), (40, (40, 60)), (45, (30, 60)), (80, (30, 60))],
            [(20, "open", 37, 60), (40, "update", 20, 60)],
            id="an update where it got worse",
        ),
        pytest.param(
            [(at, (50 + at % 2, 60)) for at in range(1000)], [(20, "open", 50, 60)], id="none where it did not"
        ),
        pytest.param(
            [*LONG, (30, WELL), (60, WELL), (70, (50, 60)), (90, (50, 60)), (91, WELL), (121, WELL)],
            [(20, "open", 37, 60), (60, "closed", 37, 60), (90, "open", 50, 60), (121, "closed", 50, 60)],
            id="again: another event",
        ),
    ],
)
def test_what_is_told(steps, want):
    _, told = played(steps)
    assert said(told) == want
    ids = [draft.event_id for _, draft in told if draft.state == "open"]
    assert len(set(ids)) == len(ids)
    assert all(one.event_id == next_.event_id for (_, one), (_, next_) in pairwise(told) if next_.state != "open")


def test_it_gets_worse_all_day_and_is_told_a_few_times_an_hour():
    _, told = played([(at, (900 - at / 4, 1000)) for at in range(3600)])
    assert [draft.state for _, draft in told] == ["open"] + ["update"] * 178
    assert all(after - before >= UPDATE_S for (before, _), (after, _) in pairwise(told))


def test_it_began_and_ended_when_it_did():
    _, ((_, opened), (_, closed)) = played([*LONG, (50, WELL), (80, WELL)])
    assert (opened.opened_at, opened.at) == (START, START + 20_000)
    assert (closed.opened_at, closed.closed_at, closed.at) == (START, START + 50_000, START + 80_000)


@pytest.mark.parametrize(
    ("steps", "at", "closed_at"),
    [
        pytest.param(LONG, 25.0, 25_000, id="amid it"),
        pytest.param([*LONG, (30, WELL)], 35.0, 30_000, id="when it had kept up for a while"),
    ],
)
def test_the_end_of_the_edge_is_the_end_of_it(steps, at, closed_at):
    overload, ((_, opened),) = played(steps)
    closed = overload.end(at)
    assert (closed.event_id, closed.state, closed.closed_at) == (opened.event_id, "closed", START + closed_at)
    assert overload.end(at + 1) is None


def test_the_end_of_the_edge_tells_nothing_of_what_was_not_told():
    overload, told = played([(0, (37, 60))])
    assert (overload.end(5.0), told) == (None, [])


def test_a_wall_clock_that_is_set_back_ends_nothing_before_it_began():
    clock = {0: 100_000, 20: 30_000, 25: 10_000}
    overload = Overload(lambda at: START + clock[at], lambda ms: uuid7(ms, 0))
    (opened,) = [draft for at, _ in LONG if (draft := overload.step(at, LoadStatus(37, 60, 0.4, degraded=True)))]
    closed = overload.end(25)
    assert opened.opened_at == opened.at == closed.at == closed.closed_at == START + 30_000


@pytest.mark.parametrize(
    ("made", "wanted", "looks"),
    [
        (36.6, 60.2, Looks(37, 60)),
        (0.0, 0.3, Looks(0, 1)),
        (0.8, 1.0, Looks(0, 1)),
        (1.6, 2.4, Looks(1, 2)),
        (8.9, 10.0, Looks(9, 10)),
        (9.6, 10.0, Looks(9, 10)),
        (0.2, 400.0, Looks(0, 400)),
    ],
)
def test_whole_looks_are_fewer_than_were_wanted(made, wanted, looks):
    assert rounded(made, wanted) == looks


def test_a_record_about_the_edge_stands_under_its_own_id_and_its_most_important_camera():
    others = ({"id": "a", "tier": 3, "site": "s3"}, {"id": "c"}, {"id": "b", "site": "s2", "pilot": "traffic"})
    cameras = [CAMERA.model_copy(update=other) for other in others]
    _, ((_, draft),) = played(LONG)
    record = of_edge(draft, cameras)(edge_id="edge-7", epoch=1, seq=1, clock_offset=None)
    assert (record.edge_id, record.camera_id) == ("edge-7", "edge-7")
    assert (record.tier, record.pilot, record.site, record.model) == (1, "traffic", "s2", "yolov8n")
    assert (record.rule, record.kind, record.severity) == ("load", "degraded", "warning")
    assert (record.count, record.of) == (37, 60)
    assert (record.zone, record.label, record.confidence, record.box, record.track) == (None,) * 5


def test_what_a_crash_left_open_is_closed_with_all_that_it_said():
    _, ((_, draft),) = played(LONG)
    identity = {"edge_id": "edge-7", "epoch": 1, "clock_offset": None}
    record = of_edge(draft, [CAMERA])(seq=1, **identity)
    closed = left_open(record, START + 99_000)(seq=2, **identity)
    assert (closed.event_id, closed.state, closed.closed_at) == (record.event_id, "closed", record.at)
    assert (closed.camera_id, closed.count, closed.of) == ("edge-7", 37, 60)

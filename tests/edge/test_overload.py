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
        pytest.param([(0, (37, 60)), (1, (37, 60))], [(0, "open", 37, 60)], id="told once"),
        pytest.param(
            [(0, (37, 60)), (30, WELL), (31, WELL)], [(0, "open", 37, 60), (30, "closed", 37, 60)], id="and its end"
        ),
        pytest.param(
            [(0, (50, 60)), (10, (20, 60)), (20, (40, 60)), (30, WELL)],
            [(0, "open", 50, 60), (30, "closed", 20, 60)],
            id="closed with the worst of it",
        ),
        pytest.param(
            [(0, (30, 60)), (10, (28, 40)), (20, WELL)],
            [(0, "open", 30, 60), (20, "closed", 30, 60)],
            id="fewer of fewer is not worse",
        ),
        pytest.param(
            [(0, (50, 60)), (59, (20, 60)), (60, (40, 60)), (100, (30, 60)), (180, (30, 60))],
            [(0, "open", 50, 60), (60, "update", 20, 60)],
            id="an update where it got worse",
        ),
        pytest.param(
            [(at, (50 + at % 2, 60)) for at in range(1000)], [(0, "open", 50, 60)], id="none where it did not"
        ),
        pytest.param(
            [(0, (37, 60)), (30, WELL), (60, (50, 60)), (90, WELL)],
            [(0, "open", 37, 60), (30, "closed", 37, 60), (60, "open", 50, 60), (90, "closed", 50, 60)],
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
    assert [draft.state for _, draft in told] == ["open"] + ["update"] * 59
    assert all(after - before >= UPDATE_S for (before, _), (after, _) in pairwise(told))


def test_the_end_of_the_edge_is_the_end_of_it():
    overload, ((_, opened),) = played([(0, (37, 60))])
    closed = overload.end(5.0)
    assert (closed.event_id, closed.state, closed.closed_at) == (opened.event_id, "closed", START + 5000)
    assert overload.end(6.0) is None


def test_a_wall_clock_that_is_set_back_ends_nothing_before_it_began():
    overload, ((_, opened),) = played([(10, (37, 60))])
    closed = overload.end(2.0)
    assert opened.opened_at == closed.at == closed.closed_at


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
    _, ((_, draft),) = played([(0, (37, 60))])
    record = of_edge(draft, cameras)(edge_id="edge-7", epoch=1, seq=1, clock_offset=None)
    assert (record.edge_id, record.camera_id) == ("edge-7", "edge-7")
    assert (record.tier, record.pilot, record.site, record.model) == (1, "traffic", "s2", "yolov8n")
    assert (record.rule, record.kind, record.severity) == ("load", "degraded", "warning")
    assert (record.count, record.of) == (37, 60)
    assert (record.zone, record.label, record.confidence, record.box, record.track) == (None,) * 5


def test_what_a_crash_left_open_is_closed_with_all_that_it_said():
    _, ((_, draft),) = played([(0, (37, 60))])
    identity = {"edge_id": "edge-7", "epoch": 1, "clock_offset": None}
    record = of_edge(draft, [CAMERA])(seq=1, **identity)
    closed = left_open(record, START + 99_000)(seq=2, **identity)
    assert (closed.event_id, closed.state, closed.closed_at) == (record.event_id, "closed", record.at)
    assert (closed.camera_id, closed.count, closed.of) == ("edge-7", 37, 60)

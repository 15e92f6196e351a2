from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.edge.cli import _due, _figures, quiet
from benchmarks.edge.scenes import Scene
from benchmarks.edge.site import Kept, Shown, Watched
from edge.records import complete
from tests.edge.drafts import CAMERA, draft

SCENE = Scene("rest", Path("rest.mp4"), 100.0, (("visitor", 30.0),))
SHOWN = Shown(SCENE, 0, 20.0)  # started at 1000, so a visit is due at 1010, 1110, 1210, ...
STARTED = 1000.0


@pytest.mark.parametrize(
    ("since", "until", "due"),
    [
        (1005, 1065, [(1010, True)]),
        (1005, 1165, [(1010, True), (1110, True)]),
        (1020, 1060, []),
        (1009, 1069, [(1010, False)]),
        (1050, 1111, [(1110, False)]),
        (1110.5, 1170, [(1110, False)]),
    ],
    ids=["one", "two rounds", "none", "just after the begin", "just before the end", "just before the begin"],
)
def test_what_is_due_in_the_window(since, until, due):
    found = _due(SHOWN, [("visitor", 30.0, 2.0)], STARTED, since, until)
    assert found == [("visitor", at, 2.0, counts) for at, counts in due]


def kept(number: int, at: float, *, rule: str = "visitor", camera_id: str = "rest-000") -> Kept:
    opened = replace(draft(number, at=round(at * 1000)), rule=rule)
    make = complete(opened, CAMERA.model_copy(update={"id": camera_id}), "yolov8n")
    return Kept(make(edge_id="bench", epoch=1, seq=number, clock_offset=None), at + 0.3)


@pytest.mark.parametrize(
    ("events", "found", "extra"),
    [
        ([kept(1, 1010.2)], 1, 0),
        ([kept(1, 1010.2), kept(2, 1010.4)], 1, 1),
        ([kept(1, 1013)], 0, 1),
        ([kept(1, 1010.2, rule="another")], 0, 1),
        ([kept(1, 1010.2, camera_id="rest-001")], 0, 0),
        ([], 0, 0),
    ],
    ids=["found", "told twice", "too late", "another rule", "another camera", "missed"],
)
def test_what_was_found_is_held_against_what_was_due(events, found, extra):
    watched = Watched(1005.0, 1065.0, 12.0, 100.0, {"rest-000": STARTED}, {"rest-000": 300}, events)
    figures = _figures([SHOWN], watched, 1)
    assert (figures["events_expected"], figures["events_found"], figures["events_extra"]) == (1, found, extra)
    assert figures["cpu_ms_per_camera_second"] == 200
    assert figures["cameras_per_core"] == figures["looks_per_s"] == 5
    assert figures["f1"] == pytest.approx(2 * found / (1 + found + extra), abs=1e-3)
    if found:
        assert figures["p50_onset_ms"] == 500
    assert figures["checked_f1"] is None


MISTAKES = {
    "no cameras": (["--cameras", "0"], "--cameras 0: at least 1"),
    "no time": (["--seconds", "-5"], "--seconds -5: at least 1"),
    "more cores than there are": (["--cores", "4096"], "--cores 4096: there are "),
    "no footage": (["--footage", "nowhere"], "nowhere: no footage there"),
    "half a name": (["--foo", "x"], "unrecognized arguments: --foo x"),
}


@pytest.mark.parametrize(("argv", "says"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_told_before_anything_runs(argv, says, capsys):
    with pytest.raises(SystemExit, match="2"):
        quiet(argv)
    assert says in capsys.readouterr().err


def test_a_name_that_is_none(capsys):
    assert main(["edge-quit"]) == 2
    assert "no benchmark is named edge-quit" in capsys.readouterr().err


def test_where_nothing_was_due_there_is_no_score():
    watched = Watched(1020.0, 1060.0, 12.0, 100.0, {"rest-000": STARTED}, {"rest-000": 300}, [])
    assert _figures([SHOWN], watched, 1)["f1"] is None


def test_what_was_written_down_by_hand_has_figures_of_its_own():
    scene = replace(SCENE, checked=(("visitor", 30.0, 0.5), ("visitor", 34.0, 5.0)))
    events = [kept(1, 1010.9), kept(2, 1017)]
    watched = Watched(1005.0, 1065.0, 12.0, 100.0, {"rest-000": STARTED}, {"rest-000": 300}, events)
    figures = _figures([SHOWN._replace(scene=scene)], watched, 1)
    assert (figures["events_expected"], figures["events_found"], figures["events_extra"]) == (1, 1, 1)
    assert (figures["checked_expected"], figures["checked_found"], figures["checked_extra"]) == (2, 1, 1)
    assert figures["checked_f1"] == 0.5

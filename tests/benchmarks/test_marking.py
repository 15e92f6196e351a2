from __future__ import annotations

import json

import pytest

from benchmarks.footage import FOLDER, Fired, Watched
from benchmarks.score.marking import Mark, mark, near

TRUTH = [{"at": 10.0, "tol": 1.0}, {"at": 11.5, "tol": 1.0}, {"at": 30.0, "tol": 2.0}]


@pytest.mark.parametrize(
    ("fired", "matched", "twice"),
    [
        pytest.param([10.0, 11.5, 30.0], 3, 0, id="each once"),
        pytest.param([], 0, 0, id="nothing"),
        pytest.param([10.0, 10.4, 11.5], 2, 1, id="a second firing beside two that are matched"),
        pytest.param([30.0, 31.9, 28.1], 1, 2, id="three times"),
        pytest.param([30.0, 32.1], 1, 0, id="wrong, but beyond the tolerance: another thing"),
        pytest.param([10.75, 10.75], 2, 0, id="two firings for two happenings whose tolerances overlap"),
        pytest.param([11.0], 1, 0, id="one firing within reach of two happenings"),
        pytest.param([20.0], 0, 0, id="out of nothing"),
    ],
)
def test_a_happening_told_twice(fired, matched, twice):
    assert near(TRUTH, [Fired("rule", at) for at in fired]) - matched == twice


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the hand-checked footage lies in ../shared, not here")
def test_marks_are_those_of_the_footage_s_own_script():
    truth = json.loads((FOLDER / "events.json").read_text())
    right = {
        name: [Fired(event["rule"], event["at"]) for event in truth[name]["expected"]]
        for name in ("plaza", "forecourt")
    }
    right["plaza"].pop()  # lingering
    right["forecourt"] += [Fired("in", 6.9), Fired("in", 12.0), Fired("frozen", 3.0)]
    score = mark(FOLDER, {name: Watched(tuple(fired), 60.0, 300, 9) for name, fired in right.items()})
    assert set(score.marks) == {
        Mark("plaza", "keep-off-lawn", 2, 0, 0, 0),
        Mark("plaza", "two-on-lawn", 1, 0, 0, 0),
        Mark("plaza", "lingering", 0, 0, 1, 0),
        Mark("forecourt", "in", 2, 2, 0, 1),
        Mark("forecourt", "wrong-way", 2, 0, 0, 0),
    }
    assert (score.precision, score.recall) == (0.778, 0.875)
    assert score.unknown == {"forecourt/frozen": 1}
    assert score.total("twice") == 1

"""Real clips with hand-checked events: what is fired is scored against what happened."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from benchmarks import footage
from benchmarks.footage import FOLDER, NAMES
from benchmarks.score.marking import mark
from edge.sources.file import FileSource
from vedette.demo.run import CLIP

EXCERPT_START_S = 46.0  # of the demo's clip within plaza

needs_footage = pytest.mark.skipif(not FOLDER.is_dir(), reason="the hand-checked footage lies in ../shared, not here")


@pytest.fixture(scope="module")
def detector():
    with closing(footage.detector()) as one:
        yield one


def watched(clip, name, rate, detector):
    seen = footage.watch(FileSource(clip), footage.camera(name, rate), detector)
    assert seen.looks <= rate * seen.seconds + 2
    return seen


def test_the_demo_s_clip_fires_what_happens_in_it_and_nothing_else(detector):
    fired = [(each.rule, each.at + EXCERPT_START_S) for each in watched(CLIP, "plaza", 5, detector).fired]
    expected = [("keep-off-lawn", 50.3), ("keep-off-lawn", 50.8), ("two-on-lawn", 55.0), ("lingering", 70.6)]
    assert [rule for rule, _ in fired] == [rule for rule, _ in expected]
    assert [at for _, at in fired] == pytest.approx([at for _, at in expected], abs=2.0)


@needs_footage
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("rate", "f1"), [(5, 0.97), (2, 0.90)])
def test_score_over_the_four_clips(detector, rate, f1):
    score = mark(FOLDER, {name: watched(FOLDER / f"{name}.mp4", name, rate, detector) for name in NAMES})
    print(*score.marks, sep="\n")
    assert score.f1 >= f1
    assert not score.unknown


@needs_footage
@pytest.mark.parametrize("name", NAMES)
def test_our_camera_files_say_what_the_hand_checked_truth_says(name):
    truth = json.loads((FOLDER / "events.json").read_text())[name]
    camera = footage.camera(name, 5)
    assert {key: [list(p) for p in shape] for key, shape in (camera.zones | camera.lines).items()} == (
        truth.get("zones", {}) | truth.get("lines", {})
    )
    assert camera.pilot == truth["pilot"]
    for rule_id, wanted in truth["rules"].items():
        ours = camera.rules[rule_id].model_dump(mode="json")
        assert {key: ours[key] for key in wanted} == wanted

"""Real clips with hand-checked events: what is fired is scored against what happened."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from contract import parse
from edge.detect.card import load_card
from edge.detect.openvino import OpenVinoDetector
from edge.detect.shipped import models_dir
from edge.replay import ReplayStats, replay
from edge.sources.file import FileSource
from vedette.demo.run import CLIP

HERE = Path(__file__).parent
SHARED = Path(__file__).parents[3] / "shared" / "footage"
NAMES = ("plaza", "junction", "reception", "forecourt")
EXCERPT_START_S = 46.0  # of the demo's clip within plaza

needs_footage = pytest.mark.skipif(not SHARED.is_dir(), reason="the hand-checked footage lies in ../shared, not here")


@pytest.fixture(scope="module")
def detector():
    one = OpenVinoDetector(load_card(models_dir() / "yolov8n" / "card.yaml"), threads=2)
    yield one
    one.close()


def fired(clip: Path, name: str, detector) -> list[dict]:
    """One entry an event: its rule and when it opened."""
    camera = parse.camera((HERE / f"{name}.yaml").read_bytes(), name)
    assert camera.detect.rate <= 5
    events = {}
    stats = ReplayStats()
    for clip_s, record in replay(FileSource(clip), camera, detector, start_ms=1_795_000_000_000, stats=stats):
        events.setdefault(record.event_id, {"rule": record.rule, "clip_s": clip_s})
    assert stats.counts.looks <= 5 * stats.seconds + 2
    return list(events.values())


def test_the_demo_s_clip_fires_what_happens_in_it_and_nothing_else(detector):
    events = [(event["rule"], event["clip_s"] + EXCERPT_START_S) for event in fired(CLIP, "plaza", detector)]
    expected = [("keep-off-lawn", 50.3), ("keep-off-lawn", 50.8), ("two-on-lawn", 55.0), ("lingering", 70.6)]
    assert [rule for rule, _ in events] == [rule for rule, _ in expected]
    assert [at for _, at in events] == pytest.approx([at for _, at in expected], abs=2.0)


@needs_footage
@pytest.mark.timeout(300)
def test_score_over_the_four_clips(detector, tmp_path):
    files = []
    for name in NAMES:
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(event) + "\n" for event in fired(SHARED / f"{name}.mp4", name, detector)))
        files.append(f"{name}={path}")
    done = subprocess.run(
        [sys.executable, str(SHARED / "score.py"), str(SHARED / "events.json"), *files],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    print(done.stdout)
    assert float(done.stdout.split()[-1]) >= 0.80


@needs_footage
@pytest.mark.parametrize("name", NAMES)
def test_our_camera_files_say_what_the_hand_checked_truth_says(name):
    truth = json.loads((SHARED / "events.json").read_text())[name]
    camera = parse.camera((HERE / f"{name}.yaml").read_bytes(), name)
    assert {key: [list(p) for p in shape] for key, shape in (camera.zones | camera.lines).items()} == (
        truth.get("zones", {}) | truth.get("lines", {})
    )
    assert camera.pilot == truth["pilot"]
    for rule_id, wanted in truth["rules"].items():
        ours = camera.rules[rule_id].model_dump(mode="json")
        assert {key: ours[key] for key in wanted} == wanted

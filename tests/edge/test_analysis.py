"""The analysis thread with detectors that do as they are told and a real outbox."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from contract import parse
from edge import analysis as module
from edge.analysis import Analysis
from edge.clock import SystemClock
from edge.errors import BackendError
from edge.ids import uuid7
from edge.looks import LookQueue
from edge.outbox import Limits, Outbox
from edge.pace import Pace
from edge.pipeline import Analyst
from edge.types import Detections
from edge.view import ViewSignal
from tests.edge.frames import frame
from tests.waiting import wait_until

CLOCK = SystemClock()
IMAGE = np.zeros((36, 64, 3), np.uint8)


def camera(name, view=""):
    return parse.camera(
        f"""
id: {name}
tier: 1
pilot: school
site: s1
purpose: a test of the analysis
source: {{url: "rtsp://192.0.2.1/"}}
zones: {{all: [[0, 0], [1, 0], [1, 1], [0, 1]]}}
rules: {{inside: {{kind: intrusion, zone: all, for_s: 0}}}}
{view}
"""
    )


class Always:
    """Sees a person in every picture, or breaks on those of one brightness."""

    side = 640
    model_id, class_names, confidence, drops = "yolov8n", ("person",), 0.3, {}

    def detect(self, images):
        if images[0][0, 0, 0] == 255:
            raise BackendError("broken")
        box = np.array([[0.4, 0.4, 0.6, 0.8]], np.float32)
        return [Detections(box, np.array([0.9], np.float32), np.zeros(1, np.int32))]

    def close(self):
        pass


class Box:
    def __init__(self, tmp_path, limits=None, view="", keep_stills=lambda *_: None):
        self.cameras = {name: camera(name, view) for name in ("a", "b")}
        self.looks = LookQueue()
        self.outbox = Outbox(
            tmp_path / "outbox.db", "edge-1", now_ms=lambda: CLOCK.utc_ms(CLOCK.now()), limits=limits or Limits()
        )
        chance = iter(range(10_000))
        self.analysts = {
            name: Analyst(each, Pace(5), ("person",), 0.3, CLOCK.utc_ms, lambda ms: uuid7(ms, next(chance)))
            for name, each in self.cameras.items()
        }
        self.analysis = Analysis(
            self.cameras, self.analysts, {"yolov8n": Always()}, self.looks, self.outbox, CLOCK, keep_stills
        )
        self.analysis.start()

    def see(self, name, times=6, brightness=0, at=None):
        """Offer frames one after the other, a fifth of a second apart on the pipeline's clock."""
        start = CLOCK.now() if at is None else at
        for look in range(times):
            self.looks.offer(name, frame(start + look * 0.2 - 0.5, IMAGE + np.uint8(brightness)))
            wait_until(lambda: name not in self.looks._waiting)


@pytest.fixture
def box(tmp_path):
    one = Box(tmp_path)
    yield one
    one.analysis.stop(5)
    one.outbox.close()


def records(box):
    return [(record.camera_id, record.state) for record in box.outbox.pending(100)]


def test_what_is_seen_is_committed(box):
    box.see("a")
    wait_until(lambda: records(box) == [("a", "open")])
    assert box.analysis.events == {"a": 1}


def test_where_nothing_moves_time_goes_on_without_the_model(box):
    box.see("a")
    later = CLOCK.now() + 3
    looked = box.analysis.looks["a"]
    box.looks.offer("a", replace(frame(later, IMAGE), still=True))
    wait_until(lambda: [track.at for track in box.analysts["a"].tracks] == [later])
    assert box.analysis.looks["a"] == looked


def test_the_end_closes_what_is_open(box):
    box.see("a")
    box.see("b")
    wait_until(lambda: len(records(box)) == 2)
    box.analysis.stop(5)
    wait_until(lambda: sorted(records(box)) == [("a", "closed"), ("a", "open"), ("b", "closed"), ("b", "open")])


def test_a_model_that_breaks_on_one_camera_s_pictures_harms_no_other(box):
    box.see("a", brightness=255)
    box.see("b")
    wait_until(lambda: records(box) == [("b", "open")])
    assert box.analysis.dropped["a"] == {"model fault": 6}
    assert box.analysis.dropped["b"] == {}


def test_a_blind_camera_forgets_and_closes(box):
    box.see("a")
    wait_until(lambda: len(records(box)) == 1)
    box.analysis.note("a", [ViewSignal("blinded", "covered", CLOCK.now() - 0.01)])
    wait_until(lambda: records(box) == [("a", "open"), ("a", "closed")])


def test_what_was_seen_before_the_camera_went_blind_does_not_count(box):
    box.analysis.note("a", [ViewSignal("blinded", "covered", CLOCK.now())])
    wait_until(lambda: not box.analysis._notes)
    box.see("a", at=CLOCK.now() - 0.6)
    wait_until(lambda: box.analysis.dropped["a"]["blind"] > 0)


def test_what_is_said_of_the_sight_is_an_event_and_the_end_closes_it(box):
    box.analysis.note("a", [ViewSignal("opened", "covered", CLOCK.now())])
    box.analysis.note("b", [ViewSignal("opened", "frozen", CLOCK.now()), ViewSignal("closed", "frozen", CLOCK.now())])
    wait_until(lambda: len(records(box)) == 3)
    box.analysis.stop(5)
    wait_until(lambda: len(records(box)) == 4)
    told = [(record.camera_id, record.rule, record.kind, record.state) for record in box.outbox.pending(100)]
    assert told == [
        ("a", "view", "covered", "open"),
        ("b", "view", "frozen", "open"),
        ("b", "view", "frozen", "closed"),
        ("a", "view", "covered", "closed"),
    ]


def test_too_much_said_is_dropped_and_counted_but_no_closing(box, monkeypatch):
    monkeypatch.setattr(module, "NOTES", 0)
    box.analysis.note("a", [ViewSignal("opened", "dark", 0.0), ViewSignal("closed", "dark", 1.0)])
    wait_until(lambda: not box.analysis._notes)
    assert box.analysis.dropped["a"] == {"view": 1}
    assert records(box) == []


def test_a_camera_that_never_sends_a_picture_is_offline_and_one_that_does_is_not(tmp_path):
    one = Box(tmp_path, view="view: {offline: {for_s: 2, recover_s: 0}}")
    try:

        def sent():
            one.analysis.heard("b", CLOCK.now())
            return [(record.camera_id, record.kind, record.state) for record in one.outbox.pending(100)]

        wait_until(lambda: sent() == [("a", "offline", "open")])
        one.analysis.heard("a", CLOCK.now())
        wait_until(lambda: sent() == [("a", "offline", "open"), ("a", "offline", "closed")])
    finally:
        one.analysis.stop(5)
        one.outbox.close()


def test_the_look_of_an_event_goes_to_the_stills_with_everybody_in_it(tmp_path):
    kept = []
    one = Box(tmp_path, keep_stills=lambda *look: kept.append(look))
    try:
        one.see("a")
        wait_until(lambda: len(records(one)) == 1)
        assert one.analysis.looks["a"] > 0
        ((camera, look, people, drafts),) = kept
        assert (camera.id, look.image(640).shape) == ("a", IMAGE.shape)
        assert people[0] == pytest.approx((0.4, 0.4, 0.6, 0.8))
        assert [draft.event_id for draft in drafts] == [record.event_id for record in one.outbox.pending(9)]
    finally:
        one.analysis.stop(5)
        one.outbox.close()


def test_a_frame_that_waited_too_long_is_not_looked_at(box):
    box.see("a", at=CLOCK.now() - 10)
    wait_until(lambda: box.analysis.dropped["a"] == {"stale": 6})
    assert records(box) == []


def test_an_event_that_the_outbox_cannot_take_is_counted(tmp_path):
    one = Box(tmp_path, Limits(max_bytes=0))
    try:
        one.see("a")
        wait_until(lambda: one.analysis.dropped["a"]["event not kept"] == 1)
        assert one.analysis.events["a"] == 0
    finally:
        one.analysis.stop(5)
        one.outbox.close()

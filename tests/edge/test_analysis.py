"""The analysis thread with detectors that do as they are told and a real outbox."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from contract import parse
from edge import analysis as module
from edge import load, overload
from edge.analysis import Analysis
from edge.clock import SystemClock
from edge.errors import BackendError
from edge.ids import uuid7
from edge.looks import LookQueue
from edge.outbox import Limits, Outbox
from edge.pace import Pace
from edge.pipeline import Analyst
from edge.types import Frame
from edge.view import Silence, ViewSignal
from tests.edge.detectors import FakeDetector
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


class Always(FakeDetector):
    """Sees a person in every picture, or breaks on those of one brightness."""

    model_id = "yolov8n"

    def boxes(self, image):
        if image[0, 0, 0] == 255:
            raise BackendError("broken")
        return [(0.4, 0.4, 0.6, 0.8)]


class Box:
    def __init__(self, tmp_path, limits=None, view="", keep_stills=lambda *_: None, detector=None, start=True):
        self.cameras = {name: camera(name, view) for name in ("a", "b")}
        self.paces = {name: Pace(5) for name in self.cameras}
        self.looks = LookQueue()
        self.outbox = Outbox(
            tmp_path / "outbox.db", "edge-1", now_ms=lambda: CLOCK.utc_ms(CLOCK.now()), limits=limits or Limits()
        )
        chance = iter(range(10_000))

        def new_id(ms):
            return uuid7(ms, next(chance))

        self.analysts = {
            name: Analyst(each, self.paces[name], ("person",), 0.3, CLOCK.utc_ms, new_id)
            for name, each in self.cameras.items()
        }
        detectors = {"yolov8n": detector or Always()}
        self.analysis = Analysis(
            self.cameras, self.analysts, detectors, self.looks, self.outbox, CLOCK, new_id, keep_stills
        )
        if start:
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
    looked = box.analysts["a"].counts.looks
    box.looks.offer("a", replace(frame(later, IMAGE), still=True))
    wait_until(lambda: [track.at for track in box.analysts["a"].tracks] == [later])
    assert box.analysts["a"].counts.looks == looked


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
        assert one.analysts["a"].counts.looks > 0
        ((camera, look, people, drafts),) = kept
        assert (camera.id, look.image(640).shape) == ("a", IMAGE.shape)
        assert people()[0] == pytest.approx((0.4, 0.4, 0.6, 0.8))
        assert [draft.event_id for draft in drafts] == [record.event_id for record in one.outbox.pending(9)]
    finally:
        one.analysis.stop(5)
        one.outbox.close()


def test_a_frame_that_waited_too_long_is_not_looked_at(box):
    box.paces["a"].settled = True
    box.see("a", at=CLOCK.now() - 10)
    wait_until(lambda: box.analysis.dropped["a"] == {"stale": 6})
    assert records(box) == []
    wait_until(lambda: not box.paces["a"].settled)  # so that a look is made soon, even where nothing moves


@pytest.mark.parametrize(("age", "looks"), [(3, 1), (10, 0)])
def test_a_scene_where_nothing_moves_may_wait_longer(box, age, looks):
    box.looks.offer("a", replace(frame(CLOCK.now() - age, IMAGE), calm=True))
    wait_until(lambda: box.analysts["a"].counts.looks + box.analysis.dropped["a"]["stale"] == 1)
    assert box.analysts["a"].counts.looks == looks
    assert box.analysis.load().lag_p95 is None, "how old it is matters to nobody"


class Slow(FakeDetector):
    """Finds nothing, and takes its time over it."""

    model_id = "yolov8n"
    done = threading.Event()

    def boxes(self, image):
        self.done.wait(0.3)
        return []


@pytest.mark.parametrize("end", ["of the load", "of the edge"])
def test_an_edge_that_cannot_keep_up_says_so_until_it_can_or_ends(tmp_path, monkeypatch, end):
    monkeypatch.setattr(load, "WINDOW_S", 1.0)
    monkeypatch.setattr(load, "SAMPLE_S", 0.1)
    monkeypatch.setattr(overload, "LASTS_S", 0.5)
    monkeypatch.setattr(overload, "ENDS_S", 0.5)
    one = Box(tmp_path, detector=Slow())

    def told(busy):
        for name in one.cameras if busy else ():
            one.looks.offer(name, frame(CLOCK.now(), IMAGE))
        return [record.state for record in one.outbox.pending(100)]

    try:
        wait_until(lambda: told(busy=True) == ["open"])
        if end == "of the edge":
            one.analysis.stop(5)
        wait_until(lambda: told(busy=False) == ["open", "closed"])
        opened, closed = one.outbox.pending(100)
        assert (opened.camera_id, opened.kind, opened.site) == ("edge-1", "degraded", "s1")
        assert 0 <= opened.count < 0.9 * opened.of <= 0.9 * 10
        assert (closed.event_id, closed.camera_id) == (opened.event_id, "edge-1")
        assert closed.count / closed.of <= opened.count / opened.of
        assert one.outbox.standing() == []
        assert one.analysis.events == {}  # of the cameras
    finally:
        one.analysis.stop(5)
        one.outbox.close()


def test_an_event_that_the_outbox_cannot_take_is_counted(tmp_path):
    one = Box(tmp_path, Limits(max_bytes=0))
    try:
        one.see("a")
        wait_until(lambda: one.analysis.dropped["a"]["event not kept"] == 1)
        assert one.analysis.events["a"] == 0
    finally:
        one.analysis.stop(5)
        one.outbox.close()


class Counting(Always):
    """Keeps the size of every picture and canvas that it saw."""

    def __init__(self):
        self.pictures, self.canvases = [], []

    def detect(self, images, canvases=()):
        self.pictures += [image.shape[:2] for image in images]
        self.canvases += [canvas.shape[:2] for canvas in canvases]
        return super().detect(images, canvases)


@pytest.fixture
def still(tmp_path):
    """One whose thread does not run: what waits is taken by `batch`."""
    one = Box(tmp_path, detector=Counting(), start=False)
    yield one
    one.analysis.stop(5)
    one.outbox.close()


@pytest.mark.parametrize("fault", [None, BackendError("no such shape")], ids=["as it should", "with a fault"])
def test_while_nobody_waits_canvases_are_made_ready_and_a_fault_in_it_ends_nothing(tmp_path, monkeypatch, fault):
    shown = []

    detect = Always.detect

    def shown_first(self, images, canvases=()):
        shown.extend(canvas.shape for canvas in canvases)
        if canvases and fault:
            raise fault
        return detect(self, images, canvases)

    monkeypatch.setattr(Always, "detect", shown_first)
    one = Box(tmp_path)
    try:
        wait_until(lambda: not one.analysis._cold)
        assert len(set(shown)) == len(shown) == 10
        one.see("a", times=1)
        wait_until(lambda: one.analysts["a"].counts.looks == 1)
    finally:
        one.analysis.stop(5)
        one.outbox.close()


PICTURE = np.zeros((360, 640, 3), np.uint8)
STILL = np.zeros((108, 192), np.uint8)


def waits(box, name, at, moving=None, brightness=0):
    box.looks.offer(name, replace(frame(at, PICTURE + np.uint8(brightness)), moving=moving))


def batch(box):
    looks = box.analysis._gather()
    box.analysis._make(box.analysis.mosaics["yolov8n"], looks)
    return [look.camera for look in looks]


def test_parts_of_all_that_waits_go_through_the_network_together(still):
    moving = STILL.copy()
    moving[50:56, 90:96] = 1
    start = CLOCK.now()
    for at, mask in ((start - 0.4, None), (start - 0.2, moving)):
        for name in still.cameras:
            waits(still, name, at, mask)
        assert batch(still) == ["a", "b"]
    detector = still.analysis.mosaics["yolov8n"].detector
    assert len(detector.pictures) == 2  # the first looks of both, whole
    assert len(detector.canvases) == 1
    assert [analyst.counts.looks for analyst in still.analysts.values()] == [2, 2]


@pytest.mark.parametrize(("age", "hurried"), [(0.0, False), (0.3, True)])
def test_what_can_wait_does_where_a_frame_has_waited(still, monkeypatch, age, hurried):
    one, asked = still.analysts["a"], []
    plan = one.plan
    monkeypatch.setattr(one, "plan", lambda *given, **how: asked.append(how["hurried"]) or plan(*given, **how))
    waits(still, "a", CLOCK.now() - age)
    assert batch(still) == ["a"]
    assert asked == [hurried]


@pytest.mark.parametrize(("stood", "offline"), [(25.0, False), (0.1, True)])
def test_an_edge_that_stood_still_itself_calls_no_camera_silent(tmp_path, stood, offline):
    one = Box(tmp_path, view="view: {offline: {for_s: 2, recover_s: 0}}", start=False)
    long_ago = CLOCK.now() - 100
    one.analysis._silences = {name: Silence(each.view.offline, long_ago) for name, each in one.cameras.items()}
    one.analysis._heard = dict.fromkeys("ab", CLOCK.now() - 25.1)
    one.analysis._silences_due = CLOCK.now() - stood
    one.analysis._see_to_views()
    assert one.analysis.offline("a") == offline
    one.outbox.close()


def test_batches_are_smaller_where_they_take_long(still):
    analysis = still.analysis
    for _ in range(30):
        analysis._fit(400_000, 6 * module.BATCH_S)
    assert analysis._most == pytest.approx(400_000 / 6, rel=0.05)
    for _ in range(30):
        analysis._fit(100_000, 0.005)
    assert analysis._most == module.MOST_PIXELS


def test_what_concerns_all_cameras_is_not_done_for_every_frame(still, monkeypatch):
    """With hundreds of them, it would be most of the work."""
    asked = Counter()

    class Asked(Silence):
        def step(self, at, heard):
            asked["silence"] += 1
            return super().step(at, heard)

    monkeypatch.setattr(module, "Silence", Asked)
    monkeypatch.setattr(module, "Counts", lambda *counts: asked.update(["counts"]) or load.Counts(*counts))
    still.analysis._thread.start = lambda: None
    still.analysis.start()
    began = CLOCK.now()
    for _ in range(200):
        still.looks.offer("a", replace(frame(CLOCK.now(), IMAGE), still=True))
        still.analysis._gather()
        still.analysis._weigh()
    seconds = CLOCK.now() - began
    assert 1 <= asked["silence"] / 2 <= seconds / module.SILENCES_S + 1
    assert 1 <= asked["counts"] / 2 <= seconds / load.SAMPLE_S + 1


def test_where_nothing_is_to_be_seen_the_network_does_not_run_but_time_goes_on(still, monkeypatch):
    start = CLOCK.now()
    monkeypatch.setattr(Always, "boxes", lambda *_: [])
    for at, mask in ((start - 0.4, None), (start - 0.2, STILL)):
        waits(still, "a", at, mask)
        assert batch(still) == ["a"]
    detector = still.analysis.mosaics["yolov8n"].detector
    assert (len(detector.pictures), detector.canvases) == (1, [])
    assert still.analysts["a"].counts.looks == 2
    assert still.analysts["a"].counts.shown == 1


def test_a_batch_has_a_bound_and_the_rest_waits_its_turn(still):
    still.analysis._most = 1
    for name in still.cameras:
        waits(still, name, CLOCK.now())
    assert [batch(still), batch(still)] == [["a"], ["b"]]


def test_one_camera_s_fault_does_not_spoil_the_batch_of_others(still):
    waits(still, "a", CLOCK.now(), brightness=255)
    waits(still, "b", CLOCK.now())
    assert batch(still) == ["a", "b"]
    assert still.analysis.dropped == {"a": {"model fault": 1}, "b": {}}
    assert [analyst.counts.looks for analyst in still.analysts.values()] == [0, 1]
    assert still.analysis.faults == {"a": "broken"}
    waits(still, "a", CLOCK.now())
    batch(still)
    assert still.analysis.faults == {}


def test_pixels_that_cannot_be_made_are_one_camera_s_fault(still):
    def broken(_):
        raise ValueError("no such colours")

    still.looks.offer("a", Frame(CLOCK.now(), broken))
    waits(still, "b", CLOCK.now())
    assert batch(still) == ["b"]
    assert still.analysis.faults == {"a": "no such colours"}


def test_everybody_is_hidden_in_a_still_though_the_look_was_at_a_part(tmp_path):
    kept = []
    one = Box(tmp_path, detector=Counting(), start=False, keep_stills=lambda *look: kept.append(look))
    try:
        start = CLOCK.now() - 0.9
        for i in range(4):
            waits(one, "a", start + i * 0.2, STILL if i else None)
            batch(one)
        ((_, _, people, _),) = kept
        pictures = one.analysis.mosaics["yolov8n"].detector.pictures
        assert len(pictures) == 1, "the first look"
        assert sum(box == pytest.approx((0.4, 0.4, 0.6, 0.8)) for box in people()) >= 1
        assert len(pictures) == 2, "and the one of the still"
    finally:
        one.analysis.stop(5)
        one.outbox.close()


def test_a_batch_holds_one_frame_of_a_camera(still, monkeypatch):
    take = still.looks.take

    def meanwhile(timeout_s, but_of=()):
        taken = take(timeout_s, but_of)
        waits(still, "a", CLOCK.now())  # its thread does not wait for the batch
        return taken

    waits(still, "a", CLOCK.now())
    monkeypatch.setattr(still.looks, "take", meanwhile)
    assert [batch(still), batch(still)] == [["a"], ["a"]]

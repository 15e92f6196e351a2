from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest

from contract import parse
from edge.detect.mosaic import Sight
from edge.ids import uuid7
from edge.pace import Pace
from edge.pipeline import HIDES_S, Analyst, Watcher
from edge.regions import Plan
from edge.sources.base import Packet, Picture
from edge.sources.decoder import Decoder
from edge.types import WHOLE, Detections
from edge.view import ViewSignal
from tests.clips import make_clip
from tests.edge.frames import frame

TEXT = """
id: yard
tier: 2
pilot: school
site: s1
purpose: a test of the pipeline
source: {url: "rtsp://192.0.2.1/"}
masks: {left: [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}
zones: {yard: [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]}
rules: {inside: {kind: intrusion, zone: yard}}
"""


class Painted(Picture):
    """A picture that counts how often its pixels are made."""

    made = 0

    def __init__(self, at, image):
        super().__init__(at, av.VideoFrame.from_ndarray(image, format="bgr24"))

    def grey(self, width, height):
        Painted.made += 1
        return super().grey(width, height)


@pytest.fixture
def camera():
    Painted.made = 0
    return parse.camera(TEXT)


def watching(camera, tell=lambda signals: None):
    return Watcher(camera, Pace(camera.detect.rate), tell)


def grey(moving_at=None):
    image = np.full((360, 640, 3), 90, np.uint8)
    if moving_at is not None:
        image[100:200, moving_at : moving_at + 40] = 230
    return image


def test_looks_keep_to_the_rate_whatever_the_frame_rate(camera):
    watcher = watching(camera)
    frames = [watcher.consider(Painted(i / 24, grey(330 + 3 * i % 250))) for i in range(24 * 20)]
    looks = [frame for frame in frames if frame]
    assert len(looks) == pytest.approx(100, abs=1)
    assert Painted.made == len(looks)


def test_a_gap_is_not_caught_up(camera):
    watcher = watching(camera)
    times = [i * 0.05 for i in range(20)] + [100 + i * 0.05 for i in range(20)]
    looks = [
        frame.at for frame in (watcher.consider(Painted(at, grey(330 + int(at * 100) % 250))) for at in times) if frame
    ]
    assert min(b - a for a, b in pairwise(looks)) > 0.14


def test_a_quiet_scene_is_looked_at_seldom(camera):
    watcher = watching(camera)
    watcher.pace.follow(0, settled=True)
    frames = [frame for frame in (watcher.consider(Painted(i * 0.1, grey())) for i in range(2000)) if frame]
    looks = [frame.at for frame in frames if not frame.still]
    after = [at for at in looks if at > camera.gate.stay_awake_s + 0.5]
    assert [b - a for a, b in pairwise(after)] == pytest.approx([60, 60], abs=0.5)
    still = [frame.at for frame in frames if frame.still]
    assert len(still) == watcher.counts.still > 200
    assert max(b - a for a, b in pairwise(still)) < 1, "for the rules time goes on"


def test_whether_anything_moved_of_late_is_said(camera):
    watcher = watching(camera)
    frames = [frame for frame in (watcher.consider(Painted(i * 0.2, grey())) for i in range(100)) if frame]
    calm = [frame.calm for frame in frames if not frame.still]
    assert not calm[0]
    assert calm[-1]
    moved = watcher.consider(Painted(20.2, grey(300)))
    assert moved is not None
    assert not moved.calm


def test_while_reading_is_behind_all_is_passed_over_up_to_the_next_key_frame(camera, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", seconds=4, gop_s=1)
    watcher, decoder, given = watching(camera), Decoder(), []
    with av.open(str(clip)) as container:
        for n, raw in enumerate(packet for packet in container.demux(video=0) if packet.size):
            pictures = list(watcher.pictures(Packet(n / 25, raw, hurried=30 <= n < 60), decoder))
            given += [round(picture.at * 25) for picture in pictures]
            assert watcher.passing == (30 <= n < 75)
    assert given == [*range(30), *range(75, 100)]
    assert watcher.counts.passed == 45


def test_while_packets_wait_time_goes_on_for_the_rules(camera):
    watcher = watching(camera)
    watcher.pace.follow(0, settled=True)
    assert watcher.rest(0.0) is None, "awake"
    for i in range(100):
        watcher.consider(Painted(i * 0.2, grey()))
    watcher.sleep.state = "asleep"
    told = [frame for frame in (watcher.rest(20 + i * 0.04) for i in range(250)) if frame]
    assert [b.at - a.at for a, b in pairwise(told)] == pytest.approx([1.0] * (len(told) - 1), abs=0.05)
    assert len(told) == pytest.approx(10, abs=1)
    assert all(frame.still for frame in told)


def test_while_somebody_is_missed_in_his_place_looks_go_on(camera):
    watcher = watching(camera)
    watcher.pace.follow(0, settled=False)
    frames = [frame for frame in (watcher.consider(Painted(i * 0.1, grey())) for i in range(300)) if frame]
    looks = [frame.at for frame in frames if not frame.still and frame.at > camera.gate.stay_awake_s + 0.5]
    assert max(b - a for a, b in pairwise(looks)) == pytest.approx(2, abs=0.5)


def test_while_what_never_rests_may_hide_somebody_looks_go_on(camera):
    watcher = watching(camera)
    watcher.pace.follow(0, settled=True)
    frames = [watcher.consider(Painted(i * 0.2, grey(moving_at=400 + 10 * (i * i % 5)))) for i in range(600)]
    looks = [frame.at for frame in frames if frame and not frame.still and frame.at > 60]
    assert [b - a for a, b in pairwise(looks)] == pytest.approx([HIDES_S] * (len(looks) - 1), abs=0.5)
    assert len(looks) > 5


def test_a_frame_says_whether_the_scene_slept_since_the_one_before(camera):
    watcher = watching(camera)
    moving = [watcher.consider(Painted(i * 0.2, grey(330 + 7 * i))) for i in range(20)]
    late = watcher.consider(Painted(6.0, grey(500)))  # the stream stalled: nobody knows that nothing moved
    quiet = [watcher.consider(Painted(6.0 + i * 0.2, grey(500))) for i in range(1, 50)]
    woken = watcher.consider(Painted(16.0, grey(360)))
    after = watcher.consider(Painted(16.2, grey(380)))
    assert not any(frame.slept for frame in [*moving, late, after] if frame)
    assert [frame.slept for frame in quiet if frame][-1]
    (last,) = (frame for frame in quiet if frame and frame.slept and not frame.still and frame.at < 10)
    assert last.at == pytest.approx(9.2, abs=0.3), "the first quiet one shows where all came to rest"
    assert late is not None
    assert woken is not None
    assert woken.slept


def test_motion_wakes_at_once(camera):
    watcher = watching(camera)
    for i in range(100):
        watcher.consider(Painted(i * 0.2, grey()))
    assert watcher.consider(Painted(20.0, grey(moving_at=400))) is not None


def test_masked_pixels_are_black_before_anybody_sees_them(camera):
    frame = watching(camera).consider(Painted(0.0, np.full((360, 640, 3), 255, np.uint8)))
    assert frame is not None
    image = frame.image(640)
    assert not image[:, :320].any()
    assert image[:, 325:].all()


def test_motion_under_a_mask_wakes_nobody(camera):
    watcher = watching(camera)
    looks = [watcher.consider(Painted(i * 0.2, grey(moving_at=(i * 9) % 250))) for i in range(100)]
    assert sum(frame is not None and not frame.still for frame in looks[30:]) <= 8


def test_while_blind_nothing_is_looked_at(camera):
    said = []
    watcher = watching(camera, said.extend)
    black = np.zeros((360, 640, 3), np.uint8)
    pictures = [(i * 0.2, black if 10 <= i * 0.2 < 30 else grey(moving_at=330 + 3 * i % 250)) for i in range(200)]
    looks = [frame.at for at, image in pictures if (frame := watcher.consider(Painted(at, image)))]
    assert not [at for at in looks if 11.2 < at < 30.8]
    assert [at for at in looks if at > 31.2]
    assert watcher.counts.blind == pytest.approx(5 * 20, abs=3)
    assert [(signal.what, signal.kind) for signal in said] == [
        ("blinded", "dark"),
        ("opened", "dark"),
        ("closed", "dark"),
    ]


def analyst(camera, **more):
    if more:
        camera = camera.model_copy(update={"detect": camera.detect.model_copy(update=more)})
    return Analyst(camera, Pace(5), ("person",), 0.3, lambda at: round(at * 1000), lambda ms: uuid7(ms, 0))


def see(one, at, detections):
    return one.look(frame(at, grey()), Plan((WHOLE,), "due"), Sight(detections))


def person(score=0.8, box=(0.4, 0.4, 0.5, 0.7)):
    return Detections(np.array([box], np.float32), np.array([score], np.float32), np.zeros(1, np.int32))


def test_detections_become_drafts(camera):
    one = analyst(camera)
    drafts = [draft for i in range(6) for draft in see(one, i * 0.2, person())]
    assert [(draft.rule, draft.state, draft.opened_at) for draft in drafts] == [("inside", "open", 400)]


def test_blind_closes_and_forgets(camera):
    one = analyst(camera)
    for i in range(6):
        see(one, i * 0.2, person())
    assert [draft.state for draft in one.blind()] == ["closed"]
    assert one.tracks == ()
    assert one.blind() == []


def test_what_is_said_of_the_sight_becomes_an_event_and_blindness_forgets(camera):
    one = analyst(camera)
    for i in range(6):
        see(one, i * 0.2, person())
    assert [draft.rule for draft in one.note(2.0, ViewSignal("blinded", "dark", 2.0))] == ["inside"]
    (opened,) = one.note(11.0, ViewSignal("opened", "dark", 11.0))
    (closed,) = one.end(20.0)
    assert (opened.rule, opened.kind, opened.severity) == ("view", "dark", "warning")
    assert (closed.event_id, closed.state, closed.closed_at) == (opened.event_id, "closed", 20_000)


def test_a_camera_may_ask_for_more_confidence(camera):
    one = analyst(camera, min_confidence=0.7)
    assert [draft for i in range(6) for draft in see(one, i * 0.2, person(0.5))] == []


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (17, 13), (1000, 3), (2000, 20), (3, 500), (1, 4000)], ids=str)
def test_pictures_of_any_size_are_watched(camera, size):
    watcher = watching(camera)
    looks = [watcher.consider(Painted(i / 5, np.full((*size[::-1], 3), 40 + i, np.uint8))) for i in range(12)]
    assert any(looks[1:])


def test_a_camera_that_changes_its_resolution_is_watched_on(camera):
    watcher = watching(camera)
    scene = np.random.default_rng(1).integers(40, 200, (480, 640, 3), dtype=np.uint8)
    sizes = [(640, 480), (320, 240), (240, 426), (1280, 100), (640, 480)]
    assert all(watcher.consider(Painted(i / 5, cv2.resize(scene, sizes[i // 10]))) for i in range(0, 50, 10))


STILL = np.zeros((108, 192), np.uint8)


def planned(one, at, moving=STILL, slept=False, hurried=False):
    """What is planned for a frame, and then seen: a person who stands still, as far as they are looked at."""
    given = replace(frame(at, grey()), moving=moving, slept=slept)
    plan = one.plan(given, (640.0, 360.0), hurried=hurried)
    here = any(
        left <= 0.4 and top <= 0.4 and right >= 0.5 and bottom >= 0.7 for left, top, right, bottom in boxes(plan)
    )
    one.look(given, plan, Sight(person() if here else Detections()))
    return plan


def boxes(plan):
    return [region.box for region in plan.regions]


def test_what_rests_is_seen_to_by_a_look_at_the_whole_at_times(camera):
    one = analyst(camera)
    plans = [planned(one, i * 0.2, None if i == 0 else STILL) for i in range(60)]
    assert [(i / 5, plan.why_whole) for i, plan in enumerate(plans) if plan.why_whole] == [
        (0, "unknown"),
        (3, "due"),
        (6, "due"),
        (9, "due"),
    ]
    assert all(len(plan.regions) == 1 for plan in plans[1:10]), "new: it is followed"
    assert all(plan.regions == [] for plan in plans[16:30]), "at rest: not looked at again and again"
    assert [track.at for track in one.tracks] == [pytest.approx(59 * 0.2)]
    assert one.counts.looks == 60
    assert one.counts.whole == {"asked": 0, "seldom": 0, "unknown": 1, "slept": 0, "late": 0, "due": 3, "much": 0}
    assert 4 < one.counts.shown < 6


def test_while_looks_wait_the_whole_is_put_off_but_not_for_good(camera):
    one = analyst(camera)
    plans = [planned(one, i * 0.2, None if i == 0 else STILL, hurried=5 < i < 110) for i in range(130)]
    assert [i / 5 for i, plan in enumerate(plans) if plan.why_whole == "due"] == [12, 22, 25]


@pytest.mark.parametrize(
    ("at", "moving", "slept", "why"),
    [
        pytest.param(0.4, STILL, False, "", id="as ever"),
        pytest.param(0.4, None, False, "unknown", id="the gate knows nothing"),
        pytest.param(0.4, STILL, True, "slept", id="after sleep"),
        pytest.param(1.3, STILL, False, "late", id="long after the last look"),
        pytest.param(-5.0, STILL, False, "late", id="a clock that goes back"),
        pytest.param(0.4, np.ones_like(STILL), False, "much", id="all moves"),
    ],
)
def test_why_a_look_is_at_the_whole(camera, at, moving, slept, why):
    one = analyst(camera)
    for i in range(2):
        planned(one, i * 0.2)
    plan = planned(one, at, moving, slept)
    assert plan.why_whole == why
    assert (boxes(plan) == [WHOLE.box]) == bool(why)


def test_a_camera_that_is_looked_at_seldom_is_looked_at_whole(camera):
    one = analyst(camera, rate=2.0)
    assert [planned(one, i * 0.5).why_whole for i in range(4)] == ["seldom"] * 4


def test_after_blindness_nothing_is_known(camera):
    one = analyst(camera)
    for i in range(3):
        planned(one, i * 0.2)
    one.blind()
    assert planned(one, 0.6).why_whole == "late"


@pytest.mark.parametrize(
    ("top", "looks"),
    [
        pytest.param(0.05, [0, 3, 6, 9, 12, 15], id="far from the zone"),
        pytest.param(0.55, list(range(16)), id="in it"),
    ],
)
def test_who_is_far_from_all_zones_is_looked_at_with_the_rest_only(camera, top, looks):
    """Someone who walks to and fro, a third of a picture from the zone, and another in it."""
    one, seen = analyst(camera), []
    for i in range(16):
        left = 0.5 + 0.01 * abs(i % 10 - 5)
        box = (left, top, left + 0.02, top + 0.1)
        moving = STILL.copy()
        moving[round(top * 108) : round((top + 0.1) * 108), round(left * 192) : round((left + 0.02) * 192)] = 1
        given = replace(frame(i * 0.2, grey()), moving=None if i == 0 else moving)
        plan = one.plan(given, (640.0, 360.0))
        there = any(part[1] <= top + 0.01 and part[3] >= top + 0.1 for part in boxes(plan))
        seen += [i] * there
        one.look(given, plan, Sight(person(box=box) if there else Detections()))
    assert seen == looks
    assert [track.id for track in one.tracks] == [1]


@pytest.mark.parametrize("start", [25, 26, 27])
def test_who_sets_out_from_rest_far_from_all_zones_keeps_the_number(camera, start):
    """Without, somebody who waits beside a zone and comes back would open a second event within `cooldown_s`."""
    one, numbers = analyst(camera), set()
    for i in range(40):
        left = 0.5 + 0.016 * max(0, i - start)  # 1.4 of its height a second
        box = (left, 0.05, left + 0.02, 0.15)
        moving = STILL.copy()
        if i > start:
            moving[5:17, round(left * 192) : round((left + 0.02) * 192)] = 1
        given = replace(frame(i * 0.2, grey()), moving=None if i == 0 else moving)
        plan = one.plan(given, (640.0, 360.0))
        there = any(part[0] <= box[0] and box[2] <= part[2] and part[1] <= 0.05 for part in boxes(plan))
        one.look(given, plan, Sight(person(box=box) if there else Detections()))
        numbers |= {track.id for track in one.tracks}
    assert numbers == {1}


def test_where_nothing_moves_any_more_the_last_look_is_at_all(camera):
    far = STILL.copy()
    far[10:15, 100:102] = 1
    for calm, parts in ((False, 0), (True, 1)):
        one = analyst(camera)
        first = replace(frame(0.0, grey()), moving=None)
        one.look(first, one.plan(first, (640.0, 360.0)), Sight(Detections()))
        given = replace(frame(0.2, grey()), moving=far, calm=calm)
        assert len(boxes(one.plan(given, (640.0, 360.0)))) == parts


def test_what_was_seen_in_part_is_looked_at_next(camera):
    one = analyst(camera)
    planned(one, 0.0)
    given = replace(frame(0.2, grey()), moving=STILL)
    one.look(given, one.plan(given, (640.0, 360.0)), Sight(Detections(), [(0.8, 0.8, 0.85, 0.9)]))
    left, top, right, bottom = boxes(one.plan(replace(given, at=0.4), (640.0, 360.0)))[-1]
    assert (left, top) < (0.8, 0.8) < (0.85, 0.9) < (right, bottom)


def test_a_frame_knows_where_something_moves(camera):
    watcher = watching(camera)
    frames = [watcher.consider(Painted(i * 0.2, grey(330 + 10 * i))) for i in range(10)]
    assert frames[0].moving is None
    columns = np.flatnonzero(frames[-1].moving.any(axis=0)) / 192 * 640
    assert (columns.min(), columns.max()) == pytest.approx((400, 460), abs=15)

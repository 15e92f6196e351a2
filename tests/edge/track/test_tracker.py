from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from edge.track.tracker import PATH_S, PATH_STEPS, Tracker, TrackerSettings
from edge.types import WHOLE, Detections

NAMES = ("person", "car", "truck", "dog")


def look(*objects):
    """Each object: (x, y, width, height, score, class)."""
    if not objects:
        return Detections()
    rows = np.array(objects, np.float32)
    centre, half = rows[:, :2], rows[:, 2:4] / 2
    return Detections(np.hstack([centre - half, centre + half]), rows[:, 4], rows[:, 5].astype(np.int32))


def run(looks, dt=0.2, settings=None):
    tracker = Tracker(NAMES, settings)
    return tracker, [tracker.step(i * dt, look(*objects)) for i, objects in enumerate(looks)]


def ids(steps):
    return {track.id for step in steps for track in step if track.confirmed}


def person(x, y=0.5, score=0.8):
    return (x, y, 0.05, 0.15, score, 0)


def car(x, y=0.5, score=0.8, kind=1):
    return (x, y, 0.12, 0.08, score, kind)


def test_one_who_walks_is_one_track():
    _, steps = run([[person(0.1 + 0.02 * i)] for i in range(30)])
    assert ids(steps) == {1}


def test_a_fast_car_whose_boxes_never_overlap_is_one_track():
    _, steps = run([[car(0.02 + 0.16 * i)] for i in range(6)])
    assert ids(steps) == {1}


@pytest.mark.parametrize("dt", [0.1, 0.2, 0.5], ids=["10/s", "5/s", "2/s"])
def test_the_rate_of_looks_does_not_matter(dt):
    count = round(4 / dt)
    _, steps = run([[person(0.1 + 0.15 * i * dt)] for i in range(count)], dt)
    assert ids(steps) == {1}


def test_two_who_meet_and_pass_stay_two():
    looks = [[person(0.3 + 0.02 * i, 0.5), person(0.7 - 0.02 * i, 0.53)] for i in range(20)]
    _, steps = run(looks)
    assert ids(steps) == {1, 2}
    first, last = ({t.id: t.box[0] for t in steps[i]} for i in (0, -1))
    assert first[1] < first[2]
    assert last[1] > last[2], "each went on in its own direction"


def test_hidden_for_a_second_is_the_same():
    looks = [[person(0.1 + 0.02 * i)] if not 10 <= i < 15 else [] for i in range(25)]
    _, steps = run(looks)
    assert ids(steps) == {1}


def test_gone_for_long_is_another():
    looks = [[person(0.3)]] * 6 + [[]] * 12 + [[person(0.3)]] * 6
    _, steps = run(looks)
    assert ids(steps) == {1, 2}


def test_an_unseen_track_keeps_its_last_box_and_says_when_it_was_seen():
    _, steps = run([[person(0.3)]] * 6 + [[]] * 2)
    (track,) = steps[-1]
    assert track.at == pytest.approx(1.0)
    assert track.box == steps[5][0].box


def test_standing_still_in_a_scene_seldom_looked_at_survives_a_miss():
    looks = [[person(0.3)]] * 4 + [[]] + [[person(0.3)]] * 3
    _, steps = run(looks, dt=2.0)
    assert ids(steps) == {1}


def test_a_label_that_flickers_is_voted_on():
    looks = [[car(0.1 + 0.03 * i, kind=2 if i % 4 == 3 else 1)] for i in range(20)]
    _, steps = run(looks)
    assert ids(steps) == {1}
    assert {track.label for track in steps[-1]} == {"car"}


def test_one_look_is_not_enough_to_be_confirmed():
    _, steps = run([[person(0.3)], [], [], [], [], []])
    assert ids(steps) == set()
    assert steps[-1] == []


def test_weak_detections_begin_nothing():
    _, steps = run([[person(0.3, score=0.2)]] * 10)
    assert all(step == [] for step in steps)


def test_weak_detections_keep_a_track_alive():
    _, steps = run([[person(0.3)]] * 4 + [[person(0.3, score=0.15)]] * 15)
    assert ids(steps) == {1}
    assert steps[-1][0].at == pytest.approx(18 * 0.2)


def test_a_weak_detection_does_not_revive_what_has_long_been_unseen():
    _, steps = run([[person(0.3)]] * 4 + [[]] * 5 + [[person(0.36, score=0.15)]])
    assert steps[-1][0].at == pytest.approx(0.6)


def test_who_leaves_the_picture_is_gone_at_once():
    _, steps = run([[car(0.5 + 0.1 * i)] for i in range(5)] + [[]] * 3)
    assert steps[-1] == []


def test_numbers_are_never_given_again():
    tracker, _ = run([[person(0.3)]] * 4)
    tracker.clear()
    after = [tracker.step(10 + i * 0.2, look(person(0.3))) for i in range(4)]
    assert ids(after) == {2}


def test_a_parked_car_keeps_its_number_for_hours():
    tracker = Tracker(NAMES)
    noise = np.random.default_rng(7)
    seen = set()
    for i in range(3600):
        x, y = 0.5 + noise.normal(0, 0.002), 0.5 + noise.normal(0, 0.002)
        objects = [] if noise.random() < 0.05 else [car(x, y, score=float(noise.uniform(0.35, 0.9)))]
        seen |= {track.id for track in tracker.step(i * 2.0, look(*objects))}
    assert seen == {1}


def test_the_cap_holds_and_what_it_drops_is_counted():
    crowd = [person(0.05 + 0.09 * (i % 10), 0.1 + 0.15 * (i // 10)) for i in range(50)]
    tracker, steps = run([crowd] * 3, settings=TrackerSettings(max_tracks=20))
    assert len(steps[-1]) == 20
    assert tracker.dropped == {"tracks-cap": 90}


def test_time_that_goes_back_is_no_crash():
    tracker, _ = run([[person(0.3)]] * 4)
    assert [(track.id, track.at) for track in tracker.step(0.1, look(person(0.3)))] == [(1, pytest.approx(0.6))]


def test_time_that_goes_back_far_begins_anew():
    tracker, _ = run([[person(0.3)]] * 400)
    after = [tracker.step(i * 0.2, look(person(0.3))) for i in range(3)]
    assert [(track.id, track.at, track.confirmed) for track in after[-1]] == [(2, pytest.approx(0.4), True)]


def test_thousands_at_once_are_bounded():
    rng = np.random.default_rng(1)
    many = [(float(x), float(y), 0.01, 0.02, 0.9, 0) for x, y in rng.uniform(0.02, 0.98, (3000, 2))]
    tracker, steps = run([many, many])
    assert len(steps[-1]) == TrackerSettings().max_tracks
    assert tracker.dropped["detections-cap"] == 2 * (3000 - TrackerSettings().max_detections)
    assert tracker.dropped["tracks-cap"] > 0


@pytest.mark.parametrize(
    "box",
    [(0.5, 0.5, 0.0, 0.1), (0.5, 0.5, 0.1, 0.0), (0.5, 0.5, 0.0, 0.0), (1.5, 0.5, 0.2, 0.2), (-3.0, -3.0, 0.2, 0.2)],
    ids=["no width", "no height", "a point", "right of the picture", "far outside"],
)
def test_what_has_no_area_in_the_picture_is_dropped_and_counted(box):
    tracker, steps = run([[(*box, 0.9, 0)]] * 3)
    assert steps == [[], [], []]
    assert tracker.dropped == {"empty-box": 3}


def test_a_box_that_reaches_out_of_the_picture_is_cut():
    _, steps = run([[(0.98, 0.5, 0.1, 0.2, 0.9, 0)]] * 2)
    assert steps[-1][0].box == pytest.approx((0.93, 0.4, 1.0, 0.6), abs=1e-6)


def test_labels_of_a_track_are_capped_and_counted():
    names = tuple(f"thing {i}" for i in range(20))
    tracker = Tracker(names)
    for i in range(20):
        tracks = tracker.step(i * 0.2, look((0.5, 0.5, 0.1, 0.1, 0.9, i)))
    assert [track.id for track in tracks] == [1]
    assert tracker.dropped == {"labels-cap": 20 - TrackerSettings().max_labels}


def test_after_minutes_without_a_look_what_rests_is_still_the_same():
    tracker, _ = run([[car(0.5)]] * 20)
    assert [track.id for track in tracker.step(300, look(car(0.5)))] == [1]


def test_after_minutes_without_a_look_another_elsewhere_is_another():
    tracker, _ = run([[car(0.2)]] * 20)
    assert {track.id for track in tracker.step(300, look(car(0.8))) if track.at == 300} == {2}


def test_hidden_behind_a_bus_is_the_same():
    """Standing at 0.5 while a bus, wide as a third of the picture, drives by in front for 4 s."""

    def bus(i):
        return (-0.1 + 0.06 * i, 0.5, 0.35, 0.4, 0.9, 2)

    def is_covered(i):
        return abs(bus(i)[0] - 0.5) < 0.2

    looks = [[person(0.5)] for _ in range(10)]
    looks += [[bus(i)] if is_covered(i) else [bus(i), person(0.5)] for i in range(22)]
    looks += [[bus(12)]] * 20 + [[person(0.5)]] * 5
    _, steps = run(looks)
    assert {track.id for track in steps[-1]} & {1}


def test_two_who_walk_as_one_shape_for_a_while_stay_two():
    def apart(i):
        return [person(0.1 + 0.02 * i, 0.5), person(0.18 + 0.02 * i, 0.5)]

    def as_one(i):
        return [(0.14 + 0.02 * i, 0.5, 0.13, 0.155, 0.8, 0)]

    _, steps = run([as_one(i) if 8 <= i < 20 else apart(i) for i in range(30)])
    assert ids(steps) == {1, 2}
    assert {track.id for track in steps[-1] if track.at == 29 * 0.2} == {1, 2}


def test_one_who_comes_where_a_thing_lay_is_another():
    """A person is no suitcase that was here for long, though it is the only object near."""
    names = ("person", "suitcase")
    tracker = Tracker(names)
    for i in range(60):
        tracker.step(i * 0.5, look((0.5, 0.6, 0.1, 0.15, 0.8, 1)))
    for i in range(60, 64):
        tracker.step(i * 0.5, look())
    after = tracker.step(32, look((0.4, 0.7, 0.2, 0.5, 0.8, 0)))
    assert [track.label for track in after if track.at == 32] == ["person"]


def test_a_thing_that_is_called_something_else_in_the_same_place_is_the_same():
    looks = [[car(0.5)]] * 100 + [[car(0.5, kind=3)]] * 3 + [[car(0.5)]] * 5
    _, steps = run(looks)
    assert ids(steps) == {1}
    assert {track.label for track in steps[-1]} == {"car"}


def test_what_comes_into_the_picture_may_grow():
    """A car enters from above, cut by the border at first; another starts at the same moment elsewhere."""

    def entering(i):
        bottom = 0.15 + 0.3 * i
        return (0.25, bottom / 2, 0.2, bottom, 0.8, 1)

    _, steps = run([[entering(0)], [entering(1), (0.55, 0.75, 0.2, 0.45, 0.8, 1)], [entering(2)]], dt=0.5)
    first = {track.id: track.box for track in steps[-1]}
    assert first[1][0] == pytest.approx(0.15)


def test_a_path_tells_where_it_stood_and_is_bounded():
    _, steps = run([[person(0.1 + 0.001 * i)] for i in range(600)])
    path = steps[-1][0].path
    assert len(path) == PATH_STEPS
    assert path[-1].at == pytest.approx(599 * 0.2)
    assert path[-1].x == pytest.approx(0.699, abs=1e-3)
    assert path[-1].y == pytest.approx(0.575, abs=1e-3)
    assert all(after.at - before.at >= PATH_S - 1e-6 for before, after in pairwise(path[:-1]))


def test_the_fastest_is_in_its_own_sizes_a_second():
    tracker, _ = run([[person(0.1 + 0.02 * i)] for i in range(20)])
    assert tracker.fastest() == pytest.approx(0.1 / (0.05 * 0.15) ** 0.5, rel=0.1)


def test_what_is_new_may_be_as_fast_as_anything():
    tracker, _ = run([[person(0.1)]])
    assert tracker.fastest() == float("inf")


def test_an_empty_scene_has_no_speed():
    tracker, _ = run([[]])
    assert tracker.fastest() == 0


@pytest.mark.parametrize("dt", [0.2, 0.5, 2.0], ids=["5/s", "2/s", "asleep"])
def test_a_standing_queue_keeps_its_numbers_though_many_looks_miss_one(dt):
    chance = np.random.default_rng(3)
    places = [(0.2 + 0.15 * column, 0.3 + 0.11 * row) for row in range(3) for column in range(4)]
    tracker = Tracker(NAMES)
    owners: dict[int, set[int]] = {}
    for i in range(200):
        shown = [n for n in range(len(places)) if i < 3 or chance.random() > 0.1]
        objects = [
            car(places[n][0] + chance.normal(0, 0.003), places[n][1] + chance.normal(0, 0.002),
                score=0.8 if i < 3 else float(chance.uniform(0.15, 0.9)))
            for n in shown
        ]  # fmt: skip
        for track in tracker.step(i * dt, look(*objects), slept=dt > 1):
            if track.confirmed and track.at == i * dt:
                x, y = (track.box[0] + track.box[2]) / 2, (track.box[1] + track.box[3]) / 2
                nearest = min(range(len(places)), key=lambda n: abs(places[n][0] - x) + abs(places[n][1] - y))
                owners.setdefault(track.id, set()).add(nearest)
    assert {len(standing) for standing in owners.values()} == {1}
    assert len(owners) <= len(places) + 2  # one that is missed for seconds on end begins anew


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0], ids=lambda speed: f"{speed} sizes/s")
@pytest.mark.parametrize("dt", [1.02, 1.5], ids=lambda dt: f"every {dt} s")
def test_who_walks_is_one_track_though_looks_are_more_than_a_second_apart(dt, speed):
    """detect.rate 1 and a picture that comes 20 ms late; below, nobody who walks was ever confirmed."""
    step = 0.1 * speed * dt
    _, steps = run([[(0.1 + step * i, 0.5, 0.1, 0.1, 0.8, 0)] for i in range(int(0.8 / step))], dt)
    assert ids(steps) == {1}


@pytest.mark.parametrize("stall", [1.1, 1.5, 2.0], ids=lambda stall: f"{stall} s")
def test_who_walks_while_the_stream_stalls_is_the_same_after_it(stall):
    tracker = Tracker(NAMES)
    times = [i * 0.2 for i in range(8)]
    times += [times[-1] + stall + i * 0.2 for i in range(8)]
    steps = [tracker.step(at, look(person(0.1 + 0.15 * at))) for at in times]
    assert ids(steps) == {1}


def test_where_nothing_moves_objects_are_taken_to_be_where_they_were():
    tracker, _ = run([[person(0.3)]] * 10)
    assert tracker.settled()
    steps = [tracker.rest(2 + 2 * i) for i in range(1000)]
    assert ids(steps) == {1}
    assert [track.at for track in steps[-1]] == [2000.0]
    (track,) = tracker.step(2001, look(person(0.3)), slept=True)
    assert track.id == 1


def test_who_was_missed_by_the_last_look_is_not_taken_to_be_there():
    tracker, _ = run([[person(0.3)]] * 10 + [[]])
    assert not tracker.settled()
    (track,) = tracker.rest(4)
    assert track.at == pytest.approx(1.8)
    for second in range(6, 30, 2):
        tracker.step(second, look(), slept=True)
    assert tracker.settled()
    assert tracker.rest(32) == []


def partly(tracker, at, objects, *parts):
    return tracker.step(at, look(*objects), looked=parts)


HERE, ELSEWHERE = (0.3, 0.3, 0.7, 0.8), (0.8, 0.0, 1.0, 0.2)


def at_rest(seconds=4.0):
    """A tracker that knows one who stands at (0.5, 0.5), and the time of its last look."""
    tracker, steps = run([[person(0.5)]] * round(seconds / 0.2 + 1))
    return tracker, seconds, steps[-1][0].id


def test_one_at_rest_who_is_not_looked_at_counts_as_seen():
    tracker, at, one = at_rest()
    for i in range(1, 60):
        (track,) = partly(tracker, at + 0.2 * i, [], ELSEWHERE)
        assert (track.id, track.at) == (one, at + 0.2 * i)
    (back,) = partly(tracker, at + 12.0, [person(0.5)], HERE)
    assert back.id == one


def test_one_who_moves_is_carried_on_while_not_looked_at():
    tracker, steps = run([[person(0.1 + 0.02 * i)] for i in range(10)])
    for i in range(10, 20):
        (track,) = partly(tracker, 0.2 * i, [], ELSEWHERE)
        assert track.at == pytest.approx(1.8), "nobody has seen them"
    (back,) = partly(tracker, 4.0, [person(0.5)], HERE)
    assert back.id == steps[-1][0].id


def test_who_is_looked_at_and_not_there_goes():
    tracker, at, _ = at_rest()
    assert all(partly(tracker, at + 0.2 * i, [], HERE) for i in range(1, 6))
    assert not [partly(tracker, at + 0.2 * i, [], HERE) for i in range(6, 30)][-1]


def test_one_of_whom_only_a_part_was_looked_at_was_not_missed():
    tracker, at, _ = at_rest()
    (track,) = partly(tracker, at + 0.2, [], (0.5, 0.3, 0.7, 0.8))
    assert track.at == at + 0.2


def test_what_of_one_is_beyond_the_picture_cannot_be_looked_at():
    tracker, steps = run([[person(0.9 + 0.015 * i)] for i in range(6)])
    assert steps[-1]
    assert not [partly(tracker, 1.0 + 0.2 * i, [], (0.7, 0.3, 1.0, 0.8)) for i in range(1, 16)][-1]


def test_a_long_time_unlooked_at_rest_does_not_make_one_s_place_uncertain():
    tracker, at, one = at_rest()
    for i in range(1, 15):
        partly(tracker, at + 0.2 * i, [], ELSEWHERE)
    steps = partly(tracker, at + 3.0, [person(0.5), person(0.56)], HERE)
    assert {track.id: track.box[0] for track in steps}[one] == pytest.approx(0.475)


def test_the_outlook_is_where_things_should_be():
    tracker, _ = run([[person(0.1 + 0.02 * i), car(0.8)] for i in range(20)])
    outlook = tracker.outlook(4.0, 0.6)
    assert outlook.settled == [pytest.approx((0.74, 0.46, 0.86, 0.54))]
    (one,) = outlook.sought
    assert one.box == pytest.approx((0.475, 0.425, 0.525, 0.575), abs=0.01)
    assert 0 < one.spread < tracker.outlook(4.5, 0.6).sought[0].spread


@pytest.mark.parametrize(
    ("looks", "searched"),
    [
        pytest.param([[person(0.5)]], True, id="new"),
        pytest.param([[person(0.5)], []], False, id="new, missed"),
        pytest.param([[person(0.1 + 0.02 * i)] for i in range(20)], True, id="walks"),
        pytest.param([*([person(0.1 + 0.02 * i)] for i in range(20)), []], False, id="walks, missed"),
        pytest.param([*([person(0.5)] for _ in range(20)), []], True, id="at rest, missed"),
    ],
)
def test_who_moves_and_was_missed_is_looked_for_where_expected_only(looks, searched):
    tracker, _ = run(looks)
    (one,) = tracker.outlook(0.2 * len(looks), 0.6).sought
    assert (one.spread > 0) == searched


def test_the_outlook_tells_where_one_will_stay_until_later():
    tracker, _ = run([[person(0.1 + 0.02 * i)] for i in range(20)])
    (one,) = tracker.outlook(4.0, 0.6).sought
    left, top, right, bottom = one.soon
    assert left < 0.475 < 0.535 + 0.05 < right < 0.8, "from here to where it goes"
    assert top < 0.425 < 0.575 < bottom, "it may turn"
    assert tracker.outlook(4.0, 0.3).sought[0].soon[2] < right, "the less time, the nearer"
    new, _ = run([[person(0.5)]])
    (one,) = new.outlook(0.2, 0.6).sought
    assert one.soon[2] - one.soon[0] > 0.4, "nothing is known of its speed"


def test_one_who_is_not_looked_at_was_not_missed_and_moves_on_as_fast():
    tracker, _ = run([[person(0.1 + 0.02 * i)] for i in range(10)])
    fastest = tracker.fastest()
    assert fastest > 0
    partly(tracker, 2.0, [], ELSEWHERE)
    assert tracker.settled()
    assert tracker.fastest() == fastest
    partly(tracker, 2.2, [], WHOLE.box)
    assert not tracker.settled()
    assert tracker.fastest() == 0


def test_who_is_not_looked_at_gains_no_time_by_being_covered():
    def looks_until_gone(unshown):
        tracker, _ = run([[person(0.5), bus]] * 4)
        for i in range(4, 4 + unshown):
            partly(tracker, 0.2 * i, [bus], ELSEWHERE)
        left = [len(partly(tracker, 0.2 * i, [], WHOLE.box)) for i in range(4 + unshown, 60)]
        return left.index(0)

    bus = (0.5, 0.5, 0.3, 0.4, 0.8, 3)
    assert looks_until_gone(unshown=4) == looks_until_gone(unshown=0)


def test_one_at_rest_who_was_missed_is_looked_for():
    tracker, at, _ = at_rest()
    assert tracker.outlook(at + 0.2, 0.6).sought == []
    partly(tracker, at + 0.2, [], HERE)
    assert len(tracker.outlook(at + 0.4, 0.6).sought) == 1


def test_what_the_border_cuts_may_grow_into_the_picture_but_not_shrink_into_it():
    """A phantom in the corner, seen once, and then a small car in the middle: no car that came by its line."""
    phantom = (0.17, 0.78, 0.34, 0.44, 0.31, 3)
    small = (0.51, 0.38, 0.07, 0.07, 0.5, 1)
    _, steps = run([[phantom], [], [small], [small]])
    assert {track.id: len(track.path) for track in steps[-1]}[2] >= 1
    assert all(len(track.path) == 1 for track in steps[-1] if track.id == 1)
    comes = [(0.99 - 0.02 * i, 0.5, 0.02 + 0.02 * i, 0.2, 0.8, 1) for i in range(6)]
    _, steps = run([[box] for box in comes])
    assert ids(steps) == {1}


@pytest.mark.parametrize("rate", [5, 10, 25])
def test_who_is_gone_where_looks_are_seldom_is_kept_no_longer(rate):
    """Looks elsewhere, however many, are no time in which he is let live on."""
    tracker, gone_at, all_at = Tracker(NAMES), 2.0, 0.0
    for n in range(rate * 20):
        at = n / rate
        if at < gone_at:
            tracks = tracker.step(at, look(person(0.2 + 0.03 * at)))
        elif at - all_at >= 0.5:
            all_at = at
            tracks = tracker.step(at, look())
        else:
            tracks = tracker.step(at, look(), looked=[(0.8, 0.8, 1.0, 1.0)])
        if not tracks:
            break
    keep_s = TrackerSettings().keep_s
    assert keep_s <= at - gone_at < keep_s + 1.0


def test_what_shows_of_one_behind_another_does_not_change_the_size():
    def behind(score):  # the head and shoulders of one of two who walk side by side, and then both again
        looks = [[person(0.1 + 0.01 * i), person(0.14 + 0.01 * i)] for i in range(10)]
        looks.append([person(0.2), (0.24, 0.45, 0.04, 0.05, score, 0)])
        return run(looks)[1][-1][1].box

    left, top, right, bottom = behind(score=0.2)
    assert (right - left, bottom - top) == pytest.approx((0.05, 0.15))
    left, top, right, bottom = behind(score=0.6)
    assert (right - left, bottom - top) == pytest.approx((0.04, 0.05)), "what is strong is believed"


def test_what_shows_where_one_sat_is_not_taken_for_a_part_of_him():
    chair = (0.5, 0.49, 0.05, 0.09, 0.2, 0)
    looks = [[person(0.5), person(0.28 + 0.01 * i)] for i in range(20)]  # one sits, the next comes
    _, steps = run([*looks, [person(0.48), chair]])
    left, top, right, bottom = steps[-1][0].box
    assert (right - left, bottom - top) == pytest.approx((0.05, 0.09))

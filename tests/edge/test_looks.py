from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace

import numpy as np

from edge.looks import LookQueue
from tests.edge import frames


def frame(at):
    return frames.frame(at, np.zeros((2, 2, 3), np.uint8))


def test_the_newest_frame_of_a_camera_wins_and_the_other_is_counted():
    looks = LookQueue()
    looks.offer("a", frame(1.0))
    looks.offer("a", frame(2.0))
    taken = looks.take(0)
    assert taken is not None
    assert (taken[0], taken[1].at) == ("a", 2.0)
    assert looks.take(0) is None
    assert looks.overwritten == {"a": 1}


def test_how_long_the_longest_waits_though_overwritten():
    looks = LookQueue()
    assert looks.lag(10.0) == 0
    looks.offer("a", frame(1.0))
    looks.offer("b", frame(2.0))
    looks.offer("a", frame(3.0))
    looks.offer("c", replace(frame(0.0), still=True))
    assert looks.lag(10.0) == 9
    assert looks.take(0)[0] == "c"
    assert looks.take(0)[0] == "a"
    assert looks.lag(10.0) == 8
    looks.offer("a", frame(9.0))
    assert looks.take(0)[0] == "b"
    assert looks.lag(10.0) == 1


def test_that_the_scene_slept_is_not_lost_with_the_older_frame():
    looks = LookQueue()
    looks.offer("a", replace(frame(1.0), slept=True))
    looks.offer("a", frame(2.0))
    taken = looks.take(0)
    assert taken is not None
    assert taken[1].slept


def test_who_waits_longest_goes_first_though_overwritten():
    looks = LookQueue()
    for name, at in (("a", 1.0), ("b", 1.1), ("a", 1.2)):
        looks.offer(name, frame(at))
    order = [looks.take(0)[0] for _ in range(2)]
    assert order == ["a", "b"]


def test_a_busy_camera_does_not_starve_the_others():
    looks = LookQueue()
    served = []
    for at in range(30):
        looks.offer("busy", frame(float(at)))
        if at == 5:
            looks.offer("quiet", frame(float(at)))
        served.append(looks.take(0)[0])
    assert "quiet" in served[5:8]


def test_close_wakes_who_waits_and_takes_no_more():
    looks = LookQueue()
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(looks.take(30)))
    waiting.start()
    looks.close()
    waiting.join(5)
    assert answers == [None]
    looks.offer("a", frame(1.0))
    assert looks.take(0) is None


def test_one_that_needs_no_look_never_replaces_one_that_does():
    looks = LookQueue()
    looks.offer("a", frame(1.0))
    looks.offer("a", replace(frame(2.0), still=True))
    looks.offer("b", replace(frame(1.0), still=True))
    looks.offer("b", frame(2.0))
    assert [looks.take(0)[1].at for _ in range(2)] == [1.0, 2.0]
    assert looks.overwritten == {}


def test_one_that_needs_no_look_goes_first():
    looks = LookQueue()
    looks.offer("a", frame(1.0))
    looks.offer("b", replace(frame(2.0), still=True))
    assert [looks.take(0)[0] for _ in range(2)] == ["b", "a"]


def served(looks, rounds, asking):
    """How many looks each gets when all of them ask all the time."""
    got = Counter()
    for at in range(rounds):
        for name in asking:
            looks.offer(name, frame(float(at)))
        got[looks.take(0)[0]] += 1
    return got


def test_where_there_are_too_many_each_gets_its_share_by_weight():
    looks = LookQueue({"a": 4.0, "b": 2.0})
    assert served(looks, 700, "abc") == {"a": 400, "b": 200, "c": 100}


def test_what_one_does_not_use_goes_to_the_others():
    looks = LookQueue({"seldom": 4.0})
    got = Counter()
    for at in range(300):
        looks.offer("b", frame(float(at)))
        looks.offer("c", frame(float(at)))
        if at % 30 == 0:
            looks.offer("seldom", frame(float(at)))
        got[looks.take(0)[0]] += 1
    assert got == {"seldom": 10, "b": 145, "c": 145}


def test_who_comes_now_and_then_does_not_queue_behind_those_who_always_wait():
    looks = LookQueue({"important": 4.0})
    names = ["important", *"bcdefgh"]
    served(looks, 100, names)
    for name in names:
        looks.offer(name, frame(100.0))
    looks.offer("seldom", frame(100.0))
    assert "seldom" in [looks.take(0)[0] for _ in range(4)]


def test_having_been_away_saves_up_nothing():
    looks = LookQueue()
    served(looks, 100, "b")
    assert served(looks, 100, "ab") == {"a": 50, "b": 50}


def test_offer_says_whether_it_overtook():
    looks = LookQueue()
    assert [looks.offer("a", frame(float(at))) for at in range(2)] == [False, True]
    looks.take(0)
    assert not looks.offer("a", frame(2.0))


def test_of_cameras_that_are_named_nothing_is_taken():
    looks = LookQueue()
    looks.offer("a", frame(1.0))
    assert looks.take(0, but_of={"a"}) is None
    looks.offer("b", frame(2.0))
    assert [looks.take(0, but_of={"a"})[0], looks.take(0)[0]] == ["b", "a"]


def test_one_that_needs_no_look_takes_nobody_s_turn():
    looks = LookQueue()
    for at in range(10):
        looks.offer("a", replace(frame(float(at)), still=True))
        looks.take(0)
    looks.offer("a", frame(10.0))
    looks.offer("b", frame(10.0))
    assert [looks.take(0)[0] for _ in range(2)] == ["a", "b"], "as they came"
    assert served(looks, 100, "ab") == {"a": 50, "b": 50}

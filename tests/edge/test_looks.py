from __future__ import annotations

import threading
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

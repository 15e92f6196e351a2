"""Sizes of packets and what the gate sees, second by second."""

from __future__ import annotations

import random

import pytest

from edge.sleep import CONFIRM_S, NOTICE_S, START_S, STEADY_S, UNTRUSTED_S, Sizes, Sleep

FPS, GOP = 25, 50
SETTLE_S = 3.0
KEY = 9000


class Stream:
    """A camera that sends `rest` bytes a picture, more or less; `decoded` holds what was not left to wait."""

    def __init__(self, rest=100, spread=10, sleep=None, fps=FPS):
        self.sleep = sleep or Sleep(SETTLE_S)
        self.fps = fps
        self.rest, self.spread = rest, spread
        self.n = 0
        self.decoded = []
        self.states = []
        self._chance = random.Random(1)

    @property
    def at(self):
        return self.n / self.fps

    def run(self, seconds, extra=0, motion=None):
        """`extra` bytes a picture, `motion` as the gate sees it in what is decoded; None: the gate sees none."""
        until = self.at + seconds
        while self.at < until:
            key = self.n % GOP == 0
            size = KEY if key else max(30, round(self._chance.gauss(self.rest, self.spread)) + extra)
            if self.sleep.packet(self.at, size, key=key):
                self.decoded.append(self.at)
                self.sleep.saw(self.at, motion=bool(motion))
            self.states.append(self.sleep.state)
            self.n += 1
        return self

    def decoded_since(self, at):
        return [each for each in self.decoded if each >= at]


def test_awake_at_first_then_only_every_second_key_frame_is_decoded():
    stream = Stream().run(60)
    assert all(b - a < 0.05 for a, b in zip(stream.decoded, stream.decoded[1:], strict=False) if b < START_S)
    assert stream.decoded_since(START_S + 1) == list(range(14, 60, 4))
    assert stream.sleep.wakes == {}


def test_all_key_frames_are_decoded_where_that_is_asked_for():
    sleep = Sleep(SETTLE_S)
    keys = range(12 * FPS, 60 * FPS, GOP)
    decoded = [
        n for n in range(60 * FPS) if sleep.packet(n / FPS, KEY if n % GOP == 0 else 100, key=n % GOP == 0, glance_s=0)
    ]
    assert [n for n in decoded if n >= keys[0]] == list(keys)


def test_what_is_passed_over_teaches_nothing_and_the_next_key_frame_is_looked_at():
    stream = Stream().run(61)
    for _ in range(8 * FPS):  # somebody comes, and goes again
        stream.sleep.passed(stream.at)
        stream.n += 1
    assert stream.sleep.state == "asleep", "it does not begin anew"
    at = stream.at
    stream.run(5)
    assert stream.decoded_since(at)[0] - at < GOP / FPS
    assert stream.sleep.wakes == {}


def test_a_wake_that_is_passed_over_is_not_called_wrong():
    stream = Stream().run(61).run(0.3, extra=300)
    assert stream.sleep.state == "awake"
    for _ in range(3 * FPS):
        stream.sleep.passed(stream.at)
        stream.n += 1
    stream.run(0.5, extra=300, motion=True)
    assert stream.sleep.wakes == {"sizes": 1}


def test_growing_packets_wake_and_the_picture_confirms():
    stream = Stream().run(61)
    stream.run(0.9, extra=60, motion=True)
    assert 0 < stream.decoded_since(61)[0] - 61 < 0.5
    assert stream.sleep.wakes == {"sizes": 1}
    stream.run(10, extra=60, motion=True).run(SETTLE_S - 0.2)
    assert stream.sleep.state == "awake"
    stream.run(0.5)
    assert stream.sleep.state == "asleep"
    assert stream.sleep.wakes == {"sizes": 1}


def test_one_large_packet_wakes_nobody():
    stream = Stream().run(61)
    assert stream.n % GOP, "else it would be a key frame"
    stream.run(1 / FPS, extra=100_000).run(30)
    assert set(stream.states[-30 * FPS :]) == {"asleep"}
    stream.run(0.6, extra=60)
    assert stream.sleep.state == "awake", "nor makes it deaf"


def test_a_wrong_alarm_is_short_counted_and_makes_less_excitable():
    stream = Stream().run(60)
    stream.run(0.6, extra=60).run(2)
    assert stream.sleep.wakes == {"false": 1}
    assert len(stream.decoded_since(60.1)) == pytest.approx(CONFIRM_S * FPS, abs=5)
    assert 0 < stream.decoded_since(60.1)[0] - 60 < 0.5
    assert stream.sleep.state == "asleep"


def test_a_lasting_change_of_level_is_learned():
    """Dusk: the sensor's noise grows, and with it every packet."""
    stream = Stream().run(60)
    stream.run(60, extra=80)
    assert 0 < stream.sleep.wakes["false"] < 15
    assert all(second % 2 == 0 for second in stream.decoded_since(90)), "key frames"
    assert 6 <= len(stream.decoded_since(90)) <= 8


def test_motion_that_sizes_do_not_tell_is_seen_at_the_next_key_frame_and_sizes_are_not_trusted():
    stream = Stream().run(61)
    stream.run(10, motion=True).run(20)
    assert stream.sleep.wakes == {"picture": 1}
    assert stream.decoded_since(61.1)[0] == 62
    assert stream.sleep.state == "steady"
    stream.run(2 * STEADY_S, motion=True)
    assert stream.sleep.wakes == {"picture": 1, "steady": 1}


def test_sizes_are_trusted_again_after_a_while():
    stream = Stream().run(61).run(NOTICE_S + 2, motion=True).run(30)
    assert stream.sleep.state == "steady"
    stream.run(UNTRUSTED_S)
    assert stream.sleep.state == "asleep"


def test_motion_that_begins_at_a_key_frame_does_not_cost_sizes_their_trust():
    stream = Stream().run(62).run(5, extra=60, motion=True).run(20)
    assert stream.sleep.wakes == {"picture": 1}
    assert stream.sleep.state == "asleep"


@pytest.mark.parametrize(
    ("rest", "spread"), [(2300, 250), (400, 80)], ids=["constant bit rate", "noise that drowns motion"]
)
def test_sizes_too_uneven_to_tell_are_not_asked(rest, spread):
    stream = Stream(rest, spread).run(60)
    assert stream.sleep.state == "steady"
    assert stream.decoded[-1] == pytest.approx(stream.at, abs=0.05), "every packet is decoded"
    assert stream.sleep.wakes == {}


def test_alarms_that_were_wrong_are_forgotten():
    sizes = Sizes()
    sizes.take(KEY, key=True)
    for n in range(500):
        sizes.learn(90 + n % 20)

    def packets_to_alarm(at):
        for n in range(100):
            if sizes.alarm(at):
                sizes.reset()
                return n
            sizes.take(125, key=False)
        return 100

    at_first = packets_to_alarm(0)
    for _ in range(5):
        sizes.wrong(0.0)
    assert packets_to_alarm(0) > 2 * at_first
    assert packets_to_alarm(1000.0) == at_first


@pytest.mark.parametrize("fps", [25, 5])
def test_what_motion_summed_up_wakes_nobody_once_it_is_over(fps):
    stream = Stream(fps=fps).run(300)
    stream.run(21, extra=60, motion=True).run(30)
    assert stream.sleep.state == "asleep"
    assert stream.sleep.wakes["false"] == 0


def test_another_encoder_is_learned_anew():
    stream = Stream(spread=2).run(60)
    stream.n += 20 * FPS
    stream.rest = 400
    stream.run(60)
    assert stream.sleep.wakes == {}
    assert stream.sleep.state == "asleep"


def test_a_new_connection_begins_awake():
    stream = Stream().run(60)
    stream.n += 20 * FPS
    stream.run(START_S - 1)
    assert set(stream.states[-8 * FPS :]) == {"awake"}


def test_a_clock_that_begins_anew_begins_awake():
    stream = Stream().run(60)
    stream.n = 0
    assert set(stream.run(START_S - 1).states[-8 * FPS :]) == {"awake"}


def test_pictures_coded_out_of_order_do_not_disturb():
    sleep = Sleep(SETTLE_S)
    for n in range(0, 60 * FPS, 2):
        for at in ((n + 1) / FPS, n / FPS):
            sleep.packet(at, KEY if n % GOP == 0 and at == n / FPS else 100, key=n % GOP == 0 and at == n / FPS)
    assert sleep.state == "asleep"


def test_a_camera_may_be_kept_from_sleeping():
    stream = Stream(sleep=Sleep(SETTLE_S, allowed=False)).run(60)
    assert set(stream.states) == {"awake"}
    assert len(stream.decoded) == 60 * FPS


def test_without_key_frames_nothing_can_be_told():
    sizes = Sizes()
    for _ in range(500):
        sizes.learn(100)
    assert not sizes.tell


def test_sizes_that_never_change_are_no_division_by_nothing():
    sizes = Sizes()
    sizes.take(KEY, key=True)
    for at in range(500):
        sizes.take(0, key=False)
        assert not sizes.alarm(at / FPS)
        sizes.learn(0)
    for _ in range(20):
        sizes.take(500, key=False)
    assert sizes.alarm(20)

"""When packets came, and how far reading is behind, by when they were read and by the stream's own times."""

from __future__ import annotations

import pytest

from edge.sources.moments import AT_ONCE_S, BEHIND_S, LATE_S, PROBE_S, VAIN_S, Moments

WAIT = 10 * AT_ONCE_S


@pytest.mark.parametrize(
    ("reads", "want"),
    [
        pytest.param([(100, 7), (100.06, 7.04), (100.08, 7.08)], [100, 100.04, 100.08], id="late by a little"),
        pytest.param([(100, 7), (100.03, 7.04), (100.08, 7.08)], [100, 100.03, 100.07], id="the promptest tells"),
        pytest.param(
            [(100, 7), (100.2, 7.04), (100.2, 7.08), (100.2, 7.12)],
            [100, 100.04, 100.08, 100.12],
            id="many read at once: their distances",
        ),
        pytest.param([(100, 7), (100, 7.04), (100, 7.08)], [100, 100, 100], id="a burst at the start: not ahead"),
        pytest.param(
            [(100, 7), (100.2, 7.08), (100.2, 7.04), (100.2, 7.12)],
            [100, 100.08, 100.04, 100.12],
            id="coded out of order",
        ),
        pytest.param([(100, 7), (100.2, None), (100.2, 7.08)], [100, 100.2, 100.08], id="one without a time"),
        pytest.param([(100, 7), (100.2, 3e4), (100.3, 3e4 + 0.04)], [100, 100.2, 100.24], id="a leap ahead"),
        pytest.param([(100, 7), (100.2, -3e4), (100.3, 0.04 - 3e4)], [100, 100.2, 100.24], id="a leap back"),
        pytest.param(
            [(100, 7), (100.3, 7), (100.1 + LATE_S, 7)], [100, 100, 100.1 + LATE_S], id="times that stand still"
        ),
    ],
)
def test_came(reads, want):
    moments = Moments()
    assert [moments.came(now, now, own) for now, own in reads] == pytest.approx(want, abs=2e-4)


def fed(moments: Moments, ours: float, own: float, count: int, *, late: float = 0.0, rate: float = 25.0) -> None:
    """`count` packets, each read `late` after it came; the first at `ours` and `own`."""
    for n in range(count):
        at = ours + n / rate
        moments.came(at + late, at + late, own + n / rate)


@pytest.mark.parametrize(
    ("now", "all_read"),
    [
        pytest.param(104.0, True, id="just read"),
        pytest.param(104.03, True, id="the next is not due"),
        pytest.param(104.05, False, id="the next is due"),
        pytest.param(104.5, False, id="many are"),
    ],
)
def test_whether_all_was_read(now, all_read):
    moments = Moments()
    fed(moments, 100, 7, 101)
    assert not moments.all_read(104.0)  # that it is, was never seen
    moments.came(104.0 - WAIT, 104.0, 11.0)
    assert moments.all_read(now) is all_read


def test_a_thread_that_waits_for_its_turn_does_not_take_that_for_an_empty_stream():
    moments = Moments()
    fed(moments, 100, 7, 100)
    for n in range(20):  # each read takes as if it had to wait, but there is more and more
        now = 104 + 0.1 * n
        moments.came(now - WAIT, now, 11 + 0.04 * n)
    assert not moments.all_read(106)


def test_a_fast_clock_is_found_by_reading_until_nothing_is_there():
    moments, ahead, probes = Moments(), 1 + 5e-4, 0
    fed(moments, 0, 0, 100)
    sent = 99
    for tick in range(1, 1200):  # bursts, half a second apart; packets come 5 in 10,000 sooner than their times say
        now = 4 + tick / 2
        while not moments.all_read(now):
            sent += 1
            asked, now = now, max(now, sent / 25 / ahead)
            probes += now > asked
            moments.came(asked, now, sent / 25)
    assert sent / 25 / ahead == pytest.approx(now, abs=0.1)
    assert probes < 2 * 600 / PROBE_S  # it hardly ever waits


def test_who_is_far_behind_hurries_until_nearly_there():
    moments = Moments()
    fed(moments, 100, 7, 100)
    found = []
    for late in (0.5, BEHIND_S + 0.1, 0.8, 0.5, 0.2, 0.8):
        now = 110 + len(found)
        moments.came(now, now, 7 + now - 100 - late)
        found.append(moments.hurries)
    assert found == [False, True, True, True, False, False]


@pytest.mark.parametrize("late", [BEHIND_S + 0.5, 3.5])
def test_a_stream_that_is_late_itself_is_believed(late):
    """A camera that stood still for a while, or whose network got slower: there is nothing to catch up with."""
    moments = Moments()
    fed(moments, 100, 7, 100)
    fed(moments, 104, 11, 1, late=late)
    assert moments.hurries
    fed(moments, 104.04, 11.04, int(25 * VAIN_S) + 25, late=late)
    assert not moments.hurries
    assert moments.came(110 + late, 110 + late, 17) == pytest.approx(110 + late, abs=0.01)


def test_catching_up_in_vain_again_and_again_becomes_rare():
    moments = Moments()
    hurried = 0
    for n in range(25 * 60):  # a clock that runs at nine tenths
        moments.came(100 + n / 25, 100 + n / 25, n / 25 * 0.9)
        hurried += moments.hurries
    assert hurried < 25 * 60 * 0.2


def test_who_catches_up_slowly_is_still_behind():
    """A core that is full: the stream was on time until three seconds were missed."""
    moments = Moments()
    fed(moments, 0, 0, 250)
    own = 249 / 25
    now = own + 3
    while now - own > BEHIND_S:
        own, now = own + 0.04, now + 0.04 / 1.1
        moments.came(now, now, own)
        assert moments.hurries


def test_after_a_while_without_vain_tries_it_is_as_watchful_as_before():
    moments, own, now = Moments(), 0.0, 0.0
    for _ in range(3):  # the camera stands still for 20 s, three times
        fed(moments, now, own, 25 * 10)
        own, now = own + 10, now + 30
    fed(moments, now, own, 25 * 300)
    own, now = own + 300, now + 300
    moments.came(now + 2, now + 2, own)
    assert moments.hurries

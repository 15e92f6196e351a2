"""When packets came, by when they were read and by the stream's own times."""

from __future__ import annotations

import pytest

from edge.sources.moments import AT_ONCE_S, LATE_S, Moments

WAIT = 10 * AT_ONCE_S


def came(*reads: tuple[float, float, float | None]) -> list[float]:
    """Each read: when it ended, how long it took, the stream's own time."""
    moments = Moments()
    return [moments.came(now - took, now, own) for now, took, own in reads]


@pytest.mark.parametrize(
    ("reads", "want"),
    [
        pytest.param([(100, WAIT, 7), (100.05, WAIT, 7.04)], [100, 100.05], id="waited for: when they were read"),
        pytest.param(
            [(100, WAIT, 7), (100.2, 0, 7.04), (100.2, 0, 7.08), (100.2, 0, 7.12)],
            [100, 100.04, 100.08, 100.12],
            id="there already: their distances",
        ),
        pytest.param(
            [(100, 0, 7), (100, 0, 7.04), (100, 0, 7.08)], [100, 100, 100], id="a burst at the start: not ahead"
        ),
        pytest.param(
            [(100, WAIT, 7), (100.2, 0, 7.08), (100.2, 0, 7.04), (100.2, 0, 7.12)],
            [100, 100.08, 100.04, 100.12],
            id="coded out of order",
        ),
        pytest.param(
            [(100, WAIT, 7), (100.2, 0, None), (100.2, 0, 7.08)], [100, 100.2, 100.08], id="one without a time"
        ),
        pytest.param(
            [(100, WAIT, 7), (100.2, 0, 3e4), (100.3, 0, 3e4 + 0.04)], [100, 100.2, 100.24], id="a leap ahead"
        ),
        pytest.param(
            [(100, WAIT, 7), (100.2, 0, -3e4), (100.3, 0, 0.04 - 3e4)], [100, 100.2, 100.24], id="a leap back"
        ),
        pytest.param(
            [(100, WAIT, 7), (100.3, 0, 7), (100.1 + LATE_S, 0, 7)],
            [100, 100, 100.1 + LATE_S],
            id="times that stand still",
        ),
    ],
)
def test_came(reads, want):
    assert came(*reads) == pytest.approx(want)


@pytest.mark.parametrize(
    ("reads", "want"),
    [
        pytest.param([(0.20, 0, 0.04), (0.20, 0, 0.08)], [False, False], id="at once: there may be more"),
        pytest.param([(0.04, WAIT, 0.04), (0.08, WAIT, 0.08)], [True, True], id="waited for"),
        pytest.param(
            [(0.20, WAIT, 0.04), (0.24, WAIT, 0.08), (0.28, WAIT, 0.12), (0.28, WAIT, 0.20)],
            [False, False, False, True],
            id="it was the thread that waited",
        ),
        pytest.param([(1.0, WAIT, 0), (2.0, WAIT, 0)], [False, False], id="a clock that stands still"),
        pytest.param(
            [(0.2, WAIT, 3600), (0.4, WAIT, 3600.04), (0.6, WAIT, 3600.4)], [True, False, True], id="one that was set"
        ),
        pytest.param([(1000, WAIT, 999.7), (2000, WAIT, 1999.4)], [True, True], id="one that is a little slow"),
    ],
)
def test_whether_all_was_read(reads, want):
    moments = Moments()
    moments.came(100 - WAIT, 100, 7)
    assert moments.all_read(100)
    found = []
    for at, took, own in reads:
        moments.came(100 + at - took, 100 + at, 7 + own)
        found.append(moments.all_read(100 + at))
    assert found == want
    moments.read_on()
    assert moments.all_read(1e6) == (reads[-1][1] > 0)

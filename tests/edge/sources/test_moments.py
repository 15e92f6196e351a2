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
            [(100, WAIT, 7), (103, 0, 7), (100.1 + LATE_S, 0, 7)],
            [100, 100, 100.1 + LATE_S],
            id="times that stand still",
        ),
    ],
)
def test_came(reads, want):
    assert came(*reads) == pytest.approx(want)


def test_whether_the_last_one_had_to_be_waited_for():
    moments = Moments()
    assert moments.waited
    moments.came(100, 100, 7)
    assert not moments.waited
    moments.came(100, 100 + WAIT, 7.04)
    assert moments.waited

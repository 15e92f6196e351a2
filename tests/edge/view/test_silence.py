from __future__ import annotations

import pytest

from contract.camera import FaultTimes
from edge.view.silence import Silence

LASTING = FaultTimes(for_s=15.0, recover_s=3.0)


def run(pictures, until=60.0, lasting=LASTING):
    """`pictures`: spans in which pictures come all the time; asked every half second, from 0 s on."""
    silence, said = Silence(lasting, 0.0), []
    for at in (step / 2 for step in range(round(2 * until))):
        heard = max((min(at, end) for start, end in pictures if start <= at), default=None)
        said += [(signal.what, signal.at) for signal in silence.step(at, heard)]
    return said


TABLE = {
    "all well": ([(0, 99)], []),
    "never connected": ([], [("blinded", 10), ("opened", 15)]),
    "away for a moment": ([(0, 20), (25, 99)], []),
    "away for twelve seconds": ([(0, 20), (32, 99)], [("blinded", 30)]),
    "away for long": ([(0, 20), (40, 99)], [("blinded", 30), ("opened", 35), ("closed", 40)]),
    "back for a moment only": ([(0, 20), (40, 41), (47, 99)], [("blinded", 30), ("opened", 35), ("closed", 47)]),
}


@pytest.mark.parametrize(("pictures", "expected"), TABLE.values(), ids=TABLE)
def test_offline(pictures, expected):
    assert [entry for entry in run(pictures) if entry[0] != "blinded" or entry[1] < 40] == expected


@pytest.mark.parametrize("apart", [0.04, 1.0, 1.1, 1.5, 2.0, 4.5])
@pytest.mark.parametrize("asked", [0.05, 0.3, 0.5])
def test_a_slow_camera_is_not_away_and_comes_back_from_being_away(apart, asked):
    silence, said, heard = Silence(LASTING, 0.0), [], 0.0
    for at in (step * asked for step in range(round(120 / asked))):
        if not 40 <= at < 70:
            heard = at // apart * apart
        said += [(signal.what, signal.at) for signal in silence.step(at, heard)]
    assert [what for what, _ in said] == ["blinded", "opened", "closed"]
    assert 70 - apart <= said[-1][1] <= 70 + apart + asked


def test_not_told_where_it_is_null_but_blind_all_the_same():
    assert run([(0, 20)], lasting=None) == [("blinded", 30)]

from __future__ import annotations

import pytest

from edge.rules.lasting import Lasting

# What holds in each second, for_s 3, recover_s 2 -> what is told, and of when.
ROWS = {
    "too short": ("--xxx---", []),
    "long enough": ("--xxxx", [("opened", 5)]),
    "an interruption begins it anew": ("xxx-xxxx", [("opened", 7)]),
    "over": ("xxxx---", [("opened", 3), ("closed", 4)]),
    "over for too short": ("xxxx--xxx", [("opened", 3)]),
    "over for too short, and then over": ("xxxx--x---", [("opened", 3), ("closed", 7)]),
    "opens again": ("xxxx---xxxx", [("opened", 3), ("closed", 4), ("opened", 10)]),
    "never": ("------", []),
}


@pytest.mark.parametrize(("states", "expected"), ROWS.values(), ids=ROWS)
def test_lasting(states, expected):
    lasting = Lasting(3.0, 2.0)
    said = [signal for at, state in enumerate(states) for signal in lasting.step(float(at), state == "x")]
    assert [(signal.what, signal.at) for signal in said] == expected


def test_opens_and_closes_only_when_sure():
    lasting = Lasting(1.0, 1.0)
    sure = [False, False, False, True, False, False, True]
    states = [True] * 4 + [False] * 3
    said = [
        (signal.what, signal.at)
        for at, (holds, certain) in enumerate(zip(states, sure, strict=True))
        for signal in lasting.step(float(at), holds, sure=certain)
    ]
    assert said == [("opened", 3), ("closed", 4)]


def test_counts_from_when_it_is_said_to_have_turned():
    lasting = Lasting(3.0, 0.0)
    assert lasting.step(10.0, True, since=8.0) == []
    (opened,) = lasting.step(11.0, True, since=11.0)
    (closed,) = lasting.step(12.0, False, since=11.5)
    assert (opened.at, closed.at) == (11.0, 11.5)


@pytest.mark.parametrize(("over", "at"), [([], 9.0), ([4.0], 4.0)], ids=["holds", "is over, not for long enough"])
def test_clear_closes_when_it_ended(over, at):
    lasting = Lasting(1.0, 5.0)
    for second in (0.0, 1.0, 2.0):
        lasting.step(second, True)
    for second in over:
        lasting.step(second, False)
    assert [(signal.what, signal.at) for signal in lasting.clear(9.0)] == [("closed", at)]
    assert lasting.clear(9.0) == []


def test_waiting():
    lasting = Lasting(4.0, 1.0)
    told = []
    for at in range(8):
        lasting.step(float(at), at < 6)
        told.append(lasting.waiting(float(at)))
    assert told == [0.0, 0.25, 0.5, 0.75, 0.0, 0.0, 0.0, 0.0]

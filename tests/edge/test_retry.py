from __future__ import annotations

import pytest

from edge.retry import Backoff, FaultDigest, Recovered, Repeated


def test_doubles_to_the_cap_and_starts_anew() -> None:
    backoff = Backoff(first=1, cap=5)
    assert [backoff.next(1.0) for _ in range(5)] == [1, 2, 4, 5, 5]
    backoff.reset()
    assert backoff.next(1.0) == 1


def test_a_wait_that_is_not_to_grow_does_not() -> None:
    backoff = Backoff(first=1, cap=5)
    assert [backoff.next(1.0, grow=False) for _ in range(3)] == [1, 1, 1]
    assert [backoff.next(1.0) for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("chance", [0.0, 0.25, 0.999])
def test_full_jitter(chance: float) -> None:
    assert Backoff(first=8, cap=8).next(chance) == 8 * chance


def test_wish_of_central_is_spread_never_undercut() -> None:
    assert Backoff(first=2, cap=2).next(0.0, at_least=30) == 30
    assert Backoff(first=2, cap=2).next(0.5, at_least=30) == 31


def test_one_line_per_kind_and_interval() -> None:
    digest = FaultDigest(interval=60)
    assert digest.fault("timeout", 0) == Repeated(1)
    assert [digest.fault("timeout", at) for at in range(1, 60)] == [None] * 59
    assert digest.fault("busy", 30) == Repeated(1)
    assert digest.fault("timeout", 60) == Repeated(60)
    assert digest.fault("timeout", 61) is None


def test_one_line_of_recovery_with_count_and_length() -> None:
    digest = FaultDigest(interval=60)
    assert digest.success(0) is None
    digest.fault("timeout", 10)
    digest.fault("busy", 20)
    assert digest.success(25) == Recovered(faults=2, seconds=15)
    assert digest.success(26) is None
    assert digest.fault("timeout", 27) == Repeated(1)

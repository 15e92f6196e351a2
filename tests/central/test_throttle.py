from __future__ import annotations

import pytest

from central.throttle import FORGET, FREE, KEYS, LONGEST, Throttle


@pytest.mark.parametrize(
    ("failures", "wait"), [(0, 0), (2, 0), (3, 1), (4, 2), (5, 4), (7, 16), (8, LONGEST), (500, LONGEST)]
)
def test_each_wrong_attempt_doubles_the_wait_up_to_a_bound(failures: int, wait: float) -> None:
    throttle = Throttle()
    for _ in range(failures):
        throttle.failed(["li"], 100.0)
    assert throttle.wait(["li"], 100.0) == wait
    assert throttle.wait(["li"], 100.0 + wait) == 0


def test_the_longest_wait_of_all_keys_counts() -> None:
    throttle = Throttle()
    for n in range(FREE + 2):
        throttle.failed(["address"] + (["li"] if n < FREE else []), 0.0)
    assert throttle.wait(["li", "address"], 0.0) == 4
    assert throttle.wait(["li"], 0.0) == 1
    assert throttle.wait(["wang"], 0.0) == 0


def test_a_right_attempt_forgives() -> None:
    throttle = Throttle()
    for _ in range(FREE):
        throttle.failed(["li"], 0.0)
    throttle.passed(["li"])
    assert throttle.wait(["li"], 0.0) == 0


def test_old_failures_are_forgotten() -> None:
    throttle = Throttle()
    for _ in range(FREE + 5):
        throttle.failed(["li"], 0.0)
    throttle.failed(["li"], FORGET)
    assert throttle.wait(["li"], FORGET) == 0


def test_memory_is_bounded() -> None:
    throttle = Throttle()
    for n in range(KEYS + 500):
        for _ in range(FREE):
            throttle.failed([n], 0.0)
    assert throttle.wait([0], 0.0) == 0
    assert throttle.wait([KEYS + 499], 0.0) > 0
    assert len(throttle._wrong) == KEYS

from __future__ import annotations

import random

from edge.uplink.cap import Cap


def test_no_cap() -> None:
    cap = Cap()
    cap.spend(10**9, 1.0)
    assert cap.wait(1.0) == 0.0


def test_what_was_sent_is_paid_for_afterwards() -> None:
    cap = Cap(1000)
    assert cap.wait(5.0) == 0.0
    cap.spend(3000, 5.0)
    assert cap.wait(5.0) == 2.0
    assert cap.wait(6.5) == 0.5
    assert cap.wait(7.0) == 0.0


def test_silence_saves_up_a_second_and_no_more() -> None:
    cap = Cap(1000)
    cap.spend(1000, 0.0)
    cap.spend(1500, 3600.0)
    assert cap.wait(3600.0) == 0.5


def test_over_any_time_it_is_the_rate() -> None:
    chance = random.Random(3)
    cap, now = Cap(1000), 0.0
    sent: list[tuple[float, int]] = []
    for _ in range(500):
        now += cap.wait(now) + chance.choice((0.0, 0.0, 0.3, 2.0))
        assert cap.wait(now) == 0.0 or cap.wait(now) < 1e-9
        size = chance.randrange(1, 4000)
        cap.spend(size, now)
        sent.append((now, size))
    for first in range(500):
        begun, total = sent[first][0], 0
        for at, size in sent[first:]:
            total += size
            assert total <= 1000 * (at - begun) + 1000 + 4000

from __future__ import annotations

from edge.ids import uuid7


def test_is_a_uuid_of_version_7_with_the_time_in_front():
    made = uuid7(1_795_000_000_123, 2**74 - 1)
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.int >> 80 == 1_795_000_000_123


def test_later_ids_sort_later():
    assert str(uuid7(1000, 2**74 - 1)) < str(uuid7(1001, 0))


def test_all_of_the_chance_is_used():
    assert len({uuid7(1, 1 << bit) for bit in range(74)}) == 74

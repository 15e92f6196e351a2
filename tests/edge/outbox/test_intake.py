from __future__ import annotations

import threading

import pytest

from edge.errors import OutboxError, OutboxFull
from edge.outbox.intake import Intake


def test_takes_in_order_and_no_more_than_asked() -> None:
    intake: Intake[int] = Intake(10)
    for item in range(5):
        intake.put(item, 0)
    assert intake.take(3, 0) == [0, 1, 2]
    assert intake.take(3, 0) == [3, 4]


def test_what_is_taken_counts_until_the_next_is_asked_for():
    intake: Intake[int] = Intake(10)
    intake.put(1, 0)
    intake.put(2, 0)
    intake.take(1, 0)
    assert len(intake) == 2, "one waits, one is in work"
    intake.take(1, 0)
    assert len(intake) == 1
    intake.close()
    assert intake.take(1, 0) == []
    assert len(intake) == 0


def test_the_bound_counts_records() -> None:
    intake: Intake[str] = Intake(10)
    intake.put("first", 0, 6)
    intake.put("second", 0, 6)
    assert len(intake) == 12
    with pytest.raises(OutboxFull):
        intake.put("third", 0, 3)
    assert intake.refused == 3
    assert intake.take(9, 0) == ["first"], "a commit has no more than it may"
    assert intake.take(1, 0) == ["second"], "but one item at least"


def test_full_refuses_the_newcomer_but_not_what_makes_room() -> None:
    intake: Intake[int] = Intake(2)
    intake.put(1, 0)
    intake.put(2, 0)
    with pytest.raises(OutboxFull):
        intake.put(3, 0.01)
    intake.put(4, None)
    assert intake.take(9, 0) == [1, 2, 4]


def test_a_waiting_put_goes_on_when_there_is_room() -> None:
    intake: Intake[int] = Intake(1)
    intake.put(1, 0)
    thread = threading.Thread(target=intake.put, args=(2, 10.0))
    thread.start()
    assert intake.take(1, 0) == [1]
    thread.join(5)
    assert intake.take(1, 0) == [2]


def test_close_wakes_everybody_and_leaves_what_is_in() -> None:
    intake: Intake[int] = Intake(1)
    intake.put(1, 0)
    failed = threading.Event()

    def put() -> None:
        try:
            intake.put(2, 60)
        except OutboxError:
            failed.set()

    thread = threading.Thread(target=put)
    thread.start()
    intake.close()
    thread.join(5)
    assert failed.is_set()
    assert intake.take(9, 60) == [1]
    assert intake.take(9, 60) == []

"""One camera at a time, but nobody waits for long."""

from __future__ import annotations

import threading

import pytest

from edge.sources import turn
from edge.sources.turn import Turn


@pytest.fixture
def lock():
    return threading.Lock()


def test_one_at_a_time(lock):
    first, second = Turn(lock), Turn(lock)
    first.take()
    waiting = threading.Thread(target=second.take)
    waiting.start()
    first.give()
    waiting.join(5)
    assert lock.locked()
    second.give()
    assert not lock.locked()


def test_who_holds_it_for_long_holds_nobody_up(lock, monkeypatch):
    monkeypatch.setattr(turn, "LONGEST_S", 0.01)
    hung, other = Turn(lock), Turn(lock)
    hung.take()
    other.take()
    other.give()
    assert lock.locked(), "it was not the other's to give"


def test_to_take_or_give_twice_is_once(lock):
    one = Turn(lock)
    one.take()
    one.take()
    one.give()
    one.give()
    assert not lock.locked()

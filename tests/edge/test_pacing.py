"""Who may connect now."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import pytest

from edge import pacing
from edge.pacing import SLOW_S
from tests.waiting import wait_until

Pacer = partial(pacing.Pacer, spaced_s=0.0)


class Clock:
    def __init__(self):
        self.at = 0.0

    def now(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(8) as threads:
        yield threads


def connect(pacer, host="nvr", failures=0, stop=None, then=lambda: None):
    with pacer.turn(host, failures, stop or threading.Event()) as granted:
        then()
        return granted


def test_a_host_gets_no_more_connects_at_once_than_it_bears(clock, pool):
    pacer, never, stop = Pacer(clock, at_once=2), threading.Event(), threading.Event()
    with pacer.turn("nvr", 0, never), pacer.turn("nvr", 0, never):
        third = pool.submit(connect, pacer, stop=stop)
        assert connect(pacer, host="another")
        assert not third.done()
    assert third.result(5)


def test_a_connect_that_hangs_holds_nobody_up_for_long(clock, pool):
    pacer, never = Pacer(clock, at_once=1, hold_s=0.5), threading.Event()
    with pacer.turn("nvr", 0, never):
        second = pool.submit(connect, pacer)
        with pytest.raises(TimeoutError):
            second.result(0.5)
        clock.at = 0.6
        assert second.result(5)


def test_who_failed_least_goes_first(clock, pool):
    pacer, never, order = Pacer(clock, at_once=1), threading.Event(), []
    with pacer.turn("nvr", 0, never):
        waiting = []
        for failures in (9, 300, 0):
            waiting.append(pool.submit(connect, pacer, failures=failures, then=lambda n=failures: order.append(n)))
            wait_until(lambda: len(pacer._waiting) == len(waiting))
    assert all(each.result(5) for each in waiting)
    assert order == [0, 9, 300]


def test_who_stops_while_waiting_leaves_its_place_to_others(clock, pool):
    pacer, never, stop = Pacer(clock, at_once=1), threading.Event(), threading.Event()
    with ExitStack() as holds:
        holds.enter_context(pacer.turn("nvr", 0, never))
        stopped = pool.submit(connect, pacer, stop=stop)
        wait_until(lambda: pacer._waiting)
        stop.set()
        assert stopped.result(5) is False
        other = pool.submit(connect, pacer, failures=1)
    assert other.result(5)


def test_questions_do_not_wait_for_an_edge_that_does_not_keep_up(clock, pool):
    pacer, never = Pacer(clock, lambda: False), threading.Event()
    assert connect(pacer)
    with pacer.turn("nvr", 0, never, connects=False) as granted:
        assert granted
    second = pool.submit(connect, pacer)
    with pytest.raises(TimeoutError):
        second.result(0.3)
    with pacer.turn("another", 0, never, connects=False) as granted:
        assert granted
    clock.at = SLOW_S
    assert second.result(5)


def test_connects_begin_apart_whatever_the_host(clock, pool):
    pacer = pacing.Pacer(clock, spaced_s=0.1)
    assert connect(pacer)
    second = pool.submit(connect, pacer, host="another")
    with pytest.raises(TimeoutError):
        second.result(0.3)
    clock.at = 0.1
    assert second.result(5)


def test_who_failed_least_goes_first_whatever_the_host(clock, pool):
    pacer, order = pacing.Pacer(clock, spaced_s=0.1), []
    assert connect(pacer)
    waiting = [
        pool.submit(connect, pacer, host=f"host-{n}", failures=n, then=lambda n=n: order.append(n))
        for n in (5, 9, 0, 7)
    ]
    wait_until(lambda: len(pacer._waiting) == 4)
    for count in range(1, 5):
        clock.at += 0.15
        wait_until(lambda count=count: len(order) == count)
    assert all(each.result(5) for each in waiting)
    assert order == [0, 5, 7, 9]


def test_questions_pass_connects_that_wait_for_the_same_host(clock, pool):
    pacer, never, stop = Pacer(clock, lambda: False), threading.Event(), threading.Event()
    assert connect(pacer)
    second = pool.submit(connect, pacer, stop=stop)
    wait_until(lambda: pacer._waiting)
    with pacer.turn("nvr", 3, never, connects=False) as granted:
        assert granted
        assert not second.done()
    stop.set()
    assert second.result(5) is False

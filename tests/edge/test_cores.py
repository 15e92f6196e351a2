"""Threads of cameras share a core or a few."""

from __future__ import annotations

import os
import threading

import pytest

from edge import cores


@pytest.mark.parametrize(
    ("ours", "want"), [({3}, {3}), ({2, 5}, {2}), (set(range(7)), {0}), (set(range(16)), {0, 1, 2, 3})]
)
def test_one_core_in_four_is_the_cameras(monkeypatch, ours, want):
    asked = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: ours)
    monkeypatch.setattr(os, "sched_setaffinity", lambda _, cores: asked.append(set(cores)))
    cores.share()
    assert asked == [want]


def test_only_the_thread_that_asks(monkeypatch):
    before, found = os.sched_getaffinity(0), []

    def camera():
        cores.share()
        found.append(os.sched_getaffinity(0))

    thread = threading.Thread(target=camera)
    thread.start()
    thread.join()
    assert os.sched_getaffinity(0) == before
    assert len(found[0]) == max(1, len(before) // cores.SHARE)


def test_where_it_is_refused_nothing_happens(monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    cores.share()

"""One camera's thread, with sources that do as they are told."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import av
import numpy as np
import pytest

from contract import parse
from edge import supervisor as module
from edge.clock import SystemClock
from edge.errors import SourceEnded, SourceRefused, SourceTimeout
from edge.pace import Pace
from edge.pacing import Pacer
from edge.sources.base import Packet
from edge.supervisor import Supervisor
from tests.waiting import wait_until

CAMERA = parse.camera(
    """
id: gate
tier: 1
pilot: school
site: s1
purpose: a test of supervision
source: {url: "rtsp://192.0.2.1/"}
detect: {rate: 30}
"""
)
CLOCK = SystemClock()


@pytest.fixture(scope="module", autouse=True)
def coded(tmp_path_factory):
    """Packets that each give a black picture."""
    clip = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(clip), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"g": "1", "tune": "zerolatency"})
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        for _ in range(3):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((36, 64, 3), np.uint8), format="bgr24")))
        out.mux(stream.encode(None))
    with av.open(str(clip)) as container:
        Scripted.coded = [packet for packet in container.demux(video=0) if packet.size]
        yield


class Scripted:
    """Gives `count` packets, then raises; None: goes on until closed."""

    broken = 0
    patience_s = 0.0
    coded: list

    def __init__(self, count, error=None, hurried=False):
        self.count, self.error, self.hurried, self.closed = count, error, hurried, threading.Event()

    def packets(self):
        given = 0
        while self.count is None or given < self.count:
            given += 1
            yield Packet(CLOCK.now(), self.coded[given % len(self.coded)], self.hurried)
            if self.closed.wait(0.005):
                raise SourceEnded("closed")
        raise self.error

    def close(self):
        self.closed.set()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(module, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(module, "LONGEST_WAIT_S", 0.02)
    monkeypatch.setattr(module, "CREDENTIALS_WAIT_S", 30.0)


class Run:
    """A supervisor over a script: sources to open, or errors of opening."""

    def __init__(self, *script, pacer=None, prepare=None, knock=None):
        self.script, self.opened, self.frames, self.said, self.heard = list(script), [], [], [], []
        self.missed, self.tries = [], 0
        pacer = pacer or Pacer(CLOCK, spaced_s=0)
        told = (self.frames.append, self.said.extend, self.heard.append, lambda: self.missed.append(1))
        self.supervisor = Supervisor(CAMERA, Pace(5), self.connect, *told, pacer, CLOCK, prepare, knock)

    def connect(self):
        self.tries += 1
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Exception):
            raise step
        self.opened.append(step)
        return step

    def __enter__(self):
        self.supervisor.start()
        return self

    def __exit__(self, *_):
        self.supervisor.stop()
        for source in self.opened:
            source.close()
        assert self.supervisor.join(5)

    @property
    def status(self):
        return self.supervisor.status


def test_frames_are_offered_and_the_source_is_closed_at_the_end(quick):
    with Run(Scripted(None)) as run:
        wait_until(lambda: len(run.frames) > 3)
        assert run.status.state == "live"
    assert run.opened[0].closed.is_set()
    assert run.status.state == "stopped"


def test_connects_again_after_every_fault_and_closes_every_source(quick):
    faults = [SourceEnded("gone"), SourceTimeout("frozen"), RuntimeError("a bug")]
    with Run(*(Scripted(2, fault) for fault in faults), Scripted(None)) as run:
        wait_until(lambda: run.status.connects == 4 and run.status.state == "live")
        assert run.status.faults == {"SourceEnded": 1, "SourceTimeout": 1, "SourceError": 1}
        assert run.status.last_fault == ""
    assert all(source.closed.is_set() for source in run.opened)


def test_a_camera_that_refuses_is_tried_again(quick):
    with Run(SourceRefused("no", code="busy"), SourceTimeout("late"), Scripted(None)) as run:
        wait_until(lambda: run.status.state == "live")
        assert run.status.faults == {"busy": 1, "SourceTimeout": 1}


def test_refused_credentials_are_not_hammered(quick):
    with Run(SourceRefused("no", code="credentials", hint="check them")) as run:
        wait_until(lambda: run.status.faults["credentials"] == 2)  # once more at once: it may just be starting
        threading.Event().wait(0.2)  # long enough for dozens of tries at the other waits
        assert run.status.faults == {"credentials": 2}
        assert run.status.hint == "check them"


def test_a_camera_that_was_lost_a_moment_ago_is_not_kept_waiting(quick, monkeypatch):
    monkeypatch.setattr(module, "LONGEST_WAIT_S", 60.0)
    with Run(*[SourceTimeout("late")] * 15, Scripted(None)) as run:
        wait_until(lambda: run.status.state == "live")  # doubled each time, the 15th wait would be of minutes


@pytest.mark.parametrize(("error", "quick_s"), [(SourceTimeout("late"), 0.0), (SourceRefused("no", code="busy"), 60.0)])
def test_one_that_is_away_for_long_or_says_no_is_spared(quick, monkeypatch, error, quick_s):
    monkeypatch.setattr(module, "QUICK_S", quick_s)
    monkeypatch.setattr(module.random, "random", lambda: 0.5)
    supervisor = Run(error).supervisor
    assert [supervisor._note(error) for _ in range(3)] == [0.005, 0.01, 0.01]


def test_who_was_lost_is_knocked_at_first(quick):
    knocks = []
    script = [SourceEnded("gone"), SourceTimeout("late"), SourceEnded("gone"), Scripted(None)]
    with Run(*script, knock=lambda: knocks.append(len(script))) as run:
        wait_until(lambda: run.status.state == "live")
        assert len(knocks) == 3


def test_no_connect_where_nobody_answers_the_knock(quick):
    def nobody():
        raise SourceTimeout("late")

    with Run(SourceTimeout("late"), knock=nobody) as run:
        wait_until(lambda: run.status.faults["SourceTimeout"] > 5)
        assert run.tries == 1


def test_every_picture_is_heard_of(quick):
    with Run(Scripted(3, SourceEnded("gone")), Scripted(None)) as run:
        wait_until(lambda: len(run.heard) > 6)
        assert run.heard == sorted(run.heard)


def test_asleep_packets_are_read_in_bursts(quick):
    with Run(Scripted(None)) as run:

        def patience(state):
            run.supervisor.watcher.sleep.state = state
            return run.opened[0].patience_s if run.opened else None

        wait_until(lambda: patience("asleep") == module.BURST_S)
        wait_until(lambda: patience("awake") == 0)


def test_while_reading_is_behind_nobody_looks_and_the_stream_is_kept(quick, monkeypatch):
    monkeypatch.setattr(module, "GARBAGE_S", 0.02)
    with Run(Scripted(None, hurried=True)) as run:
        wait_until(lambda: run.supervisor.watcher.counts.passed > 50)
        assert not run.status.faults
        assert len(run.heard) >= 50
        assert not run.frames
        assert run.missed, "an awake camera asked for looks"


def test_what_is_wrong_with_the_pictures_is_said(quick):
    with Run(Scripted(None)) as run:  # black ones
        wait_until(lambda: run.said)
        assert (run.said[0].what, run.said[0].kind) == ("blinded", "dark")
        assert run.supervisor.watcher.view.blind


def test_connects_wait_for_their_turn(quick):
    pacer = Pacer(CLOCK, at_once=1, hold_s=60)
    with ExitStack() as held:
        held.enter_context(pacer.turn("192.0.2.1", 0, threading.Event()))
        with Run(Scripted(None), pacer=pacer) as run:
            threading.Event().wait(0.1)
            assert run.opened == []
            held.close()
            wait_until(lambda: run.status.state == "live")


class HandClock:
    at = 0.0

    def now(self):
        return self.at


def test_who_waited_for_the_same_answer_connects_in_turn(quick):
    """An answer that takes longer than a connect may hold others up."""
    clock = HandClock()
    pacer = Pacer(clock, at_once=1, hold_s=0.5, spaced_s=0)
    answer, asking, connecting, most = threading.Event(), [], [], []

    class Slow(Run):
        def connect(self):
            connecting.append(self)
            most.append(len(connecting))
            threading.Event().wait(0.05)
            connecting.remove(self)
            return super().connect()

    def prepare():
        asking.append(1)
        answer.wait()

    with ExitStack() as running:
        for number in range(1, 5):
            running.enter_context(Slow(SourceEnded("gone"), pacer=pacer, prepare=prepare))
            wait_until(lambda number=number: len(asking) == number)
            clock.at += 1
        answer.set()
        wait_until(lambda: len(most) >= 8)
    assert set(most) == {1}


def test_stops_while_waiting_for_its_turn(quick):
    pacer = Pacer(CLOCK, at_once=1, hold_s=60)
    with pacer.turn("192.0.2.1", 0, threading.Event()), Run(Scripted(None), pacer=pacer) as run:
        pass
    assert run.opened == []

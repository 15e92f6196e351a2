"""Keeps one camera's stream alive: connect, read, and after any fault connect again.

    connecting -> live -> (fault) -> waiting -> connecting -> ...

A fault never ends the thread and never touches another camera. Waits have full jitter: at most FIRST_WAIT_S for the
first QUICK_S after a loss, then exponential up to LONGEST_WAIT_S; a camera that says no is spared from the beginning.
Refused credentials are retried slowly, because cameras lock out those who hammer. Connects are paced (pacing.py).
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import structlog

from contract.camera import Camera
from edge import cores
from edge.clock import Clock
from edge.errors import SourceError, SourceRefused
from edge.pace import FASTER, Pace
from edge.pacing import Pacer
from edge.pipeline import Watcher
from edge.retry import Backoff, FaultDigest
from edge.sleep import GLANCE_S
from edge.sources.base import GARBAGE_S, Source, garbage
from edge.sources.decoder import Decoder
from edge.types import Frame
from edge.view import ViewSignal

log = structlog.get_logger(__name__)

StreamState: TypeAlias = Literal["connecting", "live", "waiting", "stopped"]

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 15.0
QUICK_S = 60.0  # a camera or a switch that starts again is back by then, and is not kept waiting
CREDENTIALS_WAIT_S = 60.0
IN_VAIN = 3  # packets that could not be decoded: no accident, so that a camera that seems to sleep is not trusted
BURST_S = 0.5  # asleep, packets are read so seldom: hundreds of threads then take turns less often


@dataclass(slots=True)
class StreamStatus:
    """What health shows of one camera."""

    state: StreamState = "connecting"
    connects: int = 0
    faults: Counter[str] = field(default_factory=Counter)  # by kind
    last_fault: str = ""
    hint: str = ""
    undecodable: int = 0  # packets
    last_picture: float | None = None  # seconds, pipeline clock


class Supervisor:
    """One camera's thread."""

    def __init__(
        self,
        camera: Camera,
        pace: Pace,
        connect: Callable[[], Source],
        offer: Callable[[Frame], None],
        tell: Callable[[list[ViewSignal]], None],
        heard: Callable[[float], None],
        missed: Callable[[], None],
        pacer: Pacer,
        clock: Clock,
        prepare: Callable[[], None] | None = None,
        knock: Callable[[], None] | None = None,
    ) -> None:
        """`offer` takes a frame worth a look, `tell` what is to be said of the camera's sight, `heard` the time of
        every picture; `missed` is called for each look that came to nothing, for reading was behind. `prepare`, where
        there is one, comes before each connect; `knock` before one to a camera that was lost."""
        self.watcher = Watcher(camera, pace, tell)
        self.status = StreamStatus()
        self._camera = camera
        self._connect = connect
        self._prepare = prepare
        self._knock = knock
        self._offer = offer
        self._heard = heard
        self._missed = missed
        self._pacer = pacer
        self._clock = clock
        self._stop = threading.Event()
        self._backoff = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S)
        self._digest = FaultDigest()
        self._host = urlsplit(camera.source.url).hostname or ""
        self._failures = 0  # in a row
        self._lost = 0.0  # when the first of them was
        self._last_kind = ""
        self._thread = threading.Thread(target=self._run, name=f"camera {camera.id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; `join` waits for it."""
        self._stop.set()

    def join(self, timeout_s: float) -> bool:
        """Whether the thread has ended. One that hangs in a dead network read ends with its read timeout."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        cores.share()
        while not self._stop.is_set():
            try:
                self._watch()
            except SourceError as error:
                wait = self._note(error)
            except Exception as error:  # the one place that owns retry: no fault may cost the camera its thread
                log.exception("camera pipeline failed", camera=self._camera.id)
                wait = self._note(SourceError(f"{type(error).__name__}: {error}", hint="please report this"))
            else:
                break
            self.status.state = "waiting"
            self._stop.wait(wait)
        self.status.state = "stopped"

    def _watch(self) -> None:
        """One connection from its beginning to its end. Returns only when stopped."""
        self.status.state = "connecting"
        if self._knock is not None and self._failures:
            self._knock()
        # A turn of its own: cameras that had to wait for the same answer would else connect all at once.
        if self._prepare is not None:
            with self._turn(connects=False) as granted:
                if granted:
                    self._prepare()
        with self._turn() as granted:
            if not granted:
                return
            source = self._connect()
        try:
            self.status.connects += 1
            before = self.status.undecodable
            decoder = Decoder(FASTER * self._camera.detect.rate)
            last_picture, sound = self._clock.now(), 0  # `sound`: packets that had been broken by then
            for packet in source.packets():
                seen = False
                for picture in self.watcher.pictures(packet, decoder):
                    if not seen and picture.sound:
                        seen, last_picture, sound = True, packet.at, decoder.broken
                        self._seen(packet.at)
                    if (frame := self.watcher.consider(picture)) is not None:
                        self._offer(frame)
                if passed := self.watcher.passing:
                    last_picture = packet.at
                    if self.watcher.wants(packet.at):
                        self._missed()
                awake = self.watcher.sleep.state != "asleep"
                source.patience_s = 0.0 if awake else BURST_S
                self.status.undecodable = before + source.broken + decoder.broken
                trusted = not awake and decoder.broken - sound < IN_VAIN
                if packet.at - last_picture > (GARBAGE_S + GLANCE_S if trusted else GARBAGE_S):
                    raise garbage(self._camera.source.url)
                if not seen and (passed or not awake):
                    self._heard(packet.at)
                    if (frame := self.watcher.rest(packet.at)) is not None:
                        self._offer(frame)
                if self._stop.is_set():
                    return
        finally:
            source.close()

    def _turn(self, *, connects: bool = True) -> AbstractContextManager[bool]:
        return self._pacer.turn(self._host, self._failures, self._stop, connects=connects)

    def _seen(self, at: float) -> None:
        self.status.last_picture = at
        self._heard(at)
        if self.status.state == "live":
            return
        self.status.state, self.status.last_fault, self.status.hint = "live", "", ""
        self._failures, self._last_kind = 0, ""
        self._backoff.reset()
        recovered = self._digest.success(at)
        log.info(
            "camera live", camera=self._camera.id, **({"after_s": round(recovered.seconds, 1)} if recovered else {})
        )

    def _note(self, error: SourceError) -> float:
        """Count a fault; returns how long to wait."""
        now = self._clock.now()
        self._lost = self._lost if self._failures else now
        self._failures += 1
        kind = error.code if isinstance(error, SourceRefused) else type(error).__name__
        self.status.faults[kind] += 1
        self.status.last_fault, self.status.hint = str(error), error.hint
        if (line := self._digest.fault(kind, now)) is not None:
            log.warning("camera lost", camera=self._camera.id, fault=str(error), hint=error.hint, times=line.count)
        says_no = isinstance(error, SourceRefused) and error.code != "refused"
        wait = self._backoff.next(random.random(), grow=says_no or now - self._lost >= QUICK_S)
        # Once may be a camera that just starts; those who go on knocking are locked out.
        again = kind == "credentials" == self._last_kind
        self._last_kind = kind
        return CREDENTIALS_WAIT_S + wait if again else wait

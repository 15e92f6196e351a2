"""Keeps a still of each event that opens, in a thread of its own.

Nothing waits for it: a picture that finds the queue full, or a disk that fails, is dropped and counted, and the event
goes its way. The picture is made small before it is queued, so that the queue is bounded in bytes as well; people are
hidden before anything is written.
"""

from __future__ import annotations

import errno
import queue
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import cv2
import structlog

from contract.camera import Camera
from edge import why
from edge.retry import FaultDigest
from edge.rules.engine import Draft
from edge.shelf import DELETED, Shelf
from edge.types import Box, Frame

log = structlog.get_logger(__name__)

LONGEST = 960  # pixels of a still's longer side
QUALITY = 85  # of the JPEG
QUEUE = 16  # looks with events, of at most 2.7 MB each
SWEEP_S = 60.0
DROPPED = ("queue", "disk-full", "disk", "budget", "fault")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_MAX_OPEN = 4096  # events that are known to be open


@dataclass(frozen=True, slots=True)
class StillsStatus:
    """`written`, `deleted` and `dropped` count since start; `fault` is "" while all is well."""

    kept: int = 0
    bytes: int = 0
    max_bytes: int = 0
    written: int = 0
    deleted: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(DELETED, 0))  # by reason
    dropped: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(DROPPED, 0))  # by reason
    fault: str = ""


class _Job(NamedTuple):
    camera: Camera
    frame: Frame
    people: Sequence[Box]
    drafts: Sequence[Draft]


class Stills:
    """`offer` from one thread, `shed` and `status` from any."""

    def __init__(
        self,
        folder: Path,
        cameras: Mapping[str, Camera],
        now_ms: Callable[[], int],
        *,
        max_bytes: int,
        sweep_s: float = SWEEP_S,
    ) -> None:
        """Touches no disk yet. `now_ms` is UTC ms."""
        self._shelf = Shelf(folder, max_bytes)
        self._days = {name: each.still.days if each.still.keep else 0.0 for name, each in cameras.items()}
        self._now_ms = now_ms
        self._sweep_s = sweep_s
        self._open: OrderedDict[UUID, None] = OrderedDict()
        self._queue: queue.Queue[_Job | None] = queue.Queue(QUEUE)
        self._dropped: Counter[str] = Counter(dict.fromkeys(DROPPED, 0))
        self._counting = threading.Lock()
        self._shelving = threading.Lock()
        self._written = 0
        self._fault = ""
        self._digest = FaultDigest()
        self._thread = threading.Thread(target=self._run, name="stills", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def offer(self, camera: Camera, frame: Frame, people: Callable[[], Sequence[Box]], drafts: Sequence[Draft]) -> None:
        """The look that gave `drafts`: those of events that open here get a still. Never waits in the queue.

        `people` looks for everybody in the picture, which costs a look: it is asked where there is a still to hide
        them in. Raises what it raises.
        """
        opening = [draft for draft in drafts if self._opens(draft)]
        if not opening or not camera.still.keep:
            return
        try:
            if self._queue.full():
                raise queue.Full
            self._queue.put_nowait(_Job(camera, frame, people(), opening))
        except queue.Full:
            self._drop("queue", len(opening))

    def shed(self, wanted: int) -> int:
        """Free so many bytes of a full disk, if there are so many; returns how many."""
        with self._shelving, suppress(OSError):
            return self._shelf.shed(wanted)
        return 0

    def stop(self, timeout_s: float) -> None:
        """Write what is queued, as far as the time allows, and end. Idempotent."""
        try:
            self._queue.put(None, timeout=timeout_s)
        except queue.Full:
            return
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def status(self) -> StillsStatus:
        shelf = self._shelf
        return StillsStatus(
            kept=len(shelf.entries),
            bytes=shelf.bytes,
            max_bytes=shelf.max_bytes,
            written=self._written,
            deleted={reason: shelf.deleted[reason] for reason in DELETED},
            dropped={reason: self._dropped[reason] for reason in DROPPED},
            fault=self._fault,
        )

    def _opens(self, draft: Draft) -> bool:
        """Whether this is the first of its event. An event over at once has only a closing."""
        if draft.state == "open":
            self._open[draft.event_id] = None
            if len(self._open) > _MAX_OPEN:  # those that closed when the camera went blind are not told here
                self._open.popitem(last=False)
            return True
        if draft.state == "closed" and draft.event_id in self._open:
            del self._open[draft.event_id]
            return False
        return draft.state == "closed"

    def _run(self) -> None:
        opened = False
        swept: int | None = None
        while True:
            with self._guarded(lost=0), self._shelving:
                if not opened:
                    self._shelf.open()
                    opened = True
                now = self._now_ms()
                if swept is None or abs(now - swept) >= self._sweep_s * 1000:  # the clock may also be set back
                    self._shelf.sweep(now, self._days)
                    swept = now
            try:
                job = self._queue.get(timeout=self._sweep_s)
            except queue.Empty:
                continue
            if job is None:
                return
            for draft in job.drafts:
                with self._guarded(lost=1):
                    self._keep(job, draft)

    def _keep(self, job: _Job, draft: Draft) -> None:
        facts = why.of(draft, job.camera, job.camera.detect.model)
        image = job.frame.image(LONGEST)
        why.hide(image, facts, job.people)
        _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        with self._shelving:
            kept = self._shelf.keep(facts, jpeg.tobytes())
        if not kept:
            self._drop("budget", 1)
            return
        self._written += 1
        self._fault = ""
        self._digest.success(self._now_ms() / 1000)

    @contextmanager
    def _guarded(self, lost: int) -> Iterator[None]:
        """What goes wrong costs the still in hand, never the thread."""
        try:
            yield
        except Exception as error:
            reason = "fault"
            if isinstance(error, OSError):
                reason = "disk-full" if error.errno in _FULL else "disk"
            self._drop(reason, lost)
            self._fault = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
            if (line := self._digest.fault(reason, self._now_ms() / 1000)) is not None:
                trace = None if isinstance(error, OSError) else error
                hint = "look at the disk of the data folder"
                log.error("still not kept", fault=str(error), hint=hint, times=line.count, exc_info=trace)

    def _drop(self, reason: str, count: int) -> None:
        with self._counting:
            self._dropped[reason] += count

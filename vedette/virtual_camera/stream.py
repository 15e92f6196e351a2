"""One mount: a clip on one live clock, packetised once for all its viewers.

All viewers share SSRC, sequence numbers and timestamps, so all see the same moment. `group` holds what was
sent since the last key frame; a new viewer gets it at once, so its first picture does not wait for the next
key frame. It belongs to one event loop; only stats() may be called from another thread.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from vedette.virtual_camera import rtp
from vedette.virtual_camera.clip import TICKS, AccessUnit, Clip, Due, Timeline
from vedette.virtual_camera.errors import FaultError
from vedette.virtual_camera.faults import ClockSkew, Fault, Freeze, Garbage, Loss, Noise, Resolution

REPORT_EVERY = 2.0  # seconds between sender reports
_F = TypeVar("_F", bound=Fault)


@dataclass(frozen=True, slots=True)
class Mount:
    """What to serve under rtsp://HOST:PORT/NAME."""

    name: str
    clip: Path | Clip
    start: Literal["serve", "first-play"] = "serve"  # when the clip's clock begins
    offset: float = 0.0  # seconds into the clip; the key frame at or before it comes first
    join: Literal["now", "key-frame"] = "now"  # a new viewer: what was sent since the last key frame, or wait
    timestamp: int | None = None  # first RTP timestamp; None: random


@dataclass(frozen=True, slots=True)
class Burst:
    """RTP packets of one access unit, after a sender report where one is due."""

    packets: tuple[bytes, ...]
    key: bool
    report: bytes = b""

    @property
    def size(self) -> int:
        return sum(map(len, self.packets)) + len(self.report)


@dataclass(frozen=True, slots=True)
class Stats:
    playing: int  # viewers now
    connects: int  # connections that asked for this mount, in all
    refused: int  # requests answered with 401, in all
    packets: int  # RTP packets, in all, counted once however many viewers
    dropped: dict[str, int]  # access units or packets not sent, by reason
    started: float | None  # UTC, seconds since 1970: when the clip's first picture was due


class Viewer(Protocol):
    def offer(self, burst: Burst) -> None: ...


class Stream:
    def __init__(self, mount: Mount, clip: Clip, clock: Callable[[], float] = time.monotonic) -> None:
        self.mount = mount
        self.clip = clip
        self.viewers: set[Viewer] = set()
        self.faults: dict[type[object], Fault] = {}
        self.connects = self.refused = 0
        self.dropped: Counter[str] = Counter()
        self.group: list[Burst] = []
        self.ssrc = random.getrandbits(32)
        self._clock = clock
        self._timeline = Timeline(clip, mount.offset)
        self._sequence = random.getrandbits(16)
        self._base = random.getrandbits(32) if mount.timestamp is None else mount.timestamp
        self._packets = self._octets = 0
        self._begun = asyncio.Event()
        self._began: tuple[float, float] | None = None  # (clock, UTC) of tick 0
        self._need_key = True
        self._noise = random.Random()
        self._report_due = 0.0
        if mount.start == "serve":
            self.begin()

    def begin(self) -> None:
        """Start the clip's clock, if it does not run yet."""
        if self._began is None:
            self._began = self._clock(), time.time()
            self._begun.set()

    def stats(self) -> Stats:
        started = self._began[1] if self._began else None
        return Stats(len(self.viewers), self.connects, self.refused, self._packets, dict(self.dropped), started)

    @property
    def showing(self) -> Clip:
        """The clip that is sent now: the mount's, or that of a Resolution fault."""
        return self._timeline.clip

    def fault(self, kind: type[_F]) -> _F | None:
        fault = self.faults.get(kind)
        return fault if isinstance(fault, kind) else None

    def check_fault(self, fault: Fault) -> None:
        """Raises FaultError where the fault does not fit this mount."""
        if isinstance(fault, Resolution) and fault.clip.codec != self.clip.codec:
            raise FaultError(
                f"{self.mount.name} sends {self.clip.codec}, the fault's clip is {fault.clip.codec}",
                hint="the codec of a running session cannot change",
            )

    def set_fault(self, fault: Fault) -> None:
        self.check_fault(fault)
        if isinstance(fault, Resolution):
            self._timeline.switch(fault.clip)
        if isinstance(fault, Garbage | Noise):
            self._noise.seed(fault.seed)
        if isinstance(fault, Freeze):
            self.group.clear()
            self._need_key = True
        self.faults[type(fault)] = fault
        self._report_due = 0.0  # a skewed clock shows at once

    def clear_fault(self, kind: type[object]) -> None:
        if self.faults.pop(kind, None) and kind is Resolution:
            self._timeline.switch(self.clip)
        self._report_due = 0.0

    def join(self, viewer: Viewer) -> list[Burst]:
        """Add a viewer; what it must be sent first."""
        self.begin()
        self.viewers.add(viewer)
        if self.fault(Freeze):
            return []
        return [Burst((), False, self._report()), *(self.group if self.mount.join == "now" else ())]

    async def run(self) -> None:
        await self._begun.wait()
        assert self._began is not None
        while True:
            due = self._timeline.next()
            await asyncio.sleep(max(0.0, self._began[0] + due.send / TICKS - self._clock()))
            burst = self._burst(due)
            if burst is not None:
                for viewer in tuple(self.viewers):
                    viewer.offer(burst)

    def _burst(self, due: Due) -> Burst | None:
        if freeze := self.fault(Freeze):
            return Burst((), False, self._report_if_due()) if freeze.reports else None
        if due.unit.key:
            self.group.clear()
            self._need_key = False
        elif self._need_key:
            return None
        report = self._report_if_due()
        self.group.append(Burst(self._packetise(due), due.unit.key))
        return Burst(self.group[-1].packets, due.unit.key, report)

    def noise(self, size: int) -> bytes | None:
        """What is sent in place of `size` bytes; None: they are sent."""
        return self._noise.randbytes(size) if self.fault(Noise) else None

    def _packetise(self, due: Due) -> tuple[bytes, ...]:
        parts = rtp.payloads(self.clip.codec, self._nals(due.unit))
        loss = self.fault(Loss)
        packets = []
        for number, payload in enumerate(parts, 1):
            self._sequence += 1
            if loss and self._sequence % loss.every == 0:
                self.dropped["loss"] += 1
                continue
            self._packets += 1
            self._octets += len(payload)
            packets.append(
                rtp.packet(
                    payload,
                    sequence=self._sequence,
                    timestamp=self._base + due.captured,
                    ssrc=self.ssrc,
                    marker=number == len(parts),
                )
            )
        return tuple(packets)

    def _nals(self, unit: AccessUnit) -> tuple[bytes, ...]:
        if self.fault(Garbage) is None:
            return unit.nals
        head = 1 if self.clip.codec == "h264" else 2
        return tuple(nal[:head] + self._noise.randbytes(len(nal) - head) for nal in unit.nals)

    def _report_if_due(self) -> bytes:
        """b"" where none is."""
        if (now := self._clock()) < self._report_due:
            return b""
        self._report_due = now + REPORT_EVERY
        return self._report()

    def _report(self) -> bytes:
        assert self._began is not None
        skew = self.fault(ClockSkew)
        return rtp.sender_report(
            ssrc=self.ssrc,
            wall=time.time() + (skew.seconds if skew else 0.0),
            timestamp=self._base + round((self._clock() - self._began[0]) * TICKS),
            packets=self._packets,
            octets=self._octets,
            name=self.mount.name,
        )

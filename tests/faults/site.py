"""The edge itself with cameras that are to be hurt and a healthy neighbour; who watches its health sees each change.

There is no central: what the edge keeps stays in its outbox, and is read there.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import av

from benchmarks.edge.site import NOBODY, kept, rss_mb
from tests.clips import make_clip
from tests.e2e.line import Process
from tests.waiting import wait_until
from vedette.demo.run import CLIP

NEIGHBOUR = "neighbour"
LOOK_S = 0.05  # between two answers of the edge's health
ROUND_S = 12.0  # of the neighbour's clip: the demo's up to then
EVENT_S = 4.8, 2.5  # into each round somebody enters the lawn, give or take
GAP_S = 1.0  # without a picture, at ten a second, is a gap
LIVE_S = 60.0  # within which all cameras must be live at first
# Of a camera that sends. Where only the beginnings of a clip were to be seen for long, what follows looks like a cover.
STATES = ("live", "blind")

_HURT = """
id: {name}
tier: 1
pilot: school
site: s1
purpose: a test of camera faults
source: {{url: "{url}", transport: {transport}}}
detect: {{rate: {rate}}}
"""
_NEIGHBOUR = """
id: neighbour
tier: 1
pilot: school
site: s1
purpose: a healthy camera beside others
source: {{url: "{url}"}}
detect: {{rate: 3}}
zones: {{lawn: [[0, 0.50], [0.43, 0.645], [1, 0.92], [1, 1], [0, 1]]}}
rules: {{keep-off: {{kind: intrusion, zone: lawn, labels: [person]}}}}
"""


def hurt_camera(name: str, url: str, *, transport: str = "tcp", rate: float = 0.5) -> str:
    """Its file. The model has little to do with it, and time for the neighbour."""
    return _HURT.format(name=name, url=url, transport=transport, rate=rate)


class Clips(NamedTuple):
    """What hurt cameras show, and the neighbour."""

    plain: Path
    large: Path  # another resolution
    h265: Path
    still: Path  # the same picture, key frames included
    neighbour: Path

    @classmethod
    def make(cls, folder: Path) -> Clips:
        return cls(
            make_clip(folder / "plain.mp4", 4, 15),
            make_clip(folder / "large.mp4", 4, 15, (640, 360)),
            make_clip(folder / "h265.mp4", 4, 15, codec="h265"),
            make_clip(folder / "still.mp4", 1, 15, still=True, options={"qp": "20"}),
            neighbour_clip(folder / "neighbour.mp4"),
        )


def neighbour_clip(to: Path) -> Path:
    """The first ROUND_S of the demo's, as they are."""
    with av.open(str(CLIP)) as source, av.open(str(to), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size and packet.pts * packet.time_base < ROUND_S:
                packet.stream = stream
                out.mux(packet)
    return to


@dataclass(frozen=True)
class Seen:
    at: float  # monotonic seconds, when the answer was there
    cameras: Mapping[str, Any]


class Watch:
    """Asks the edge's health all the time, in a thread of its own; `enter` puts that into the edge's network."""

    def __init__(self, address: str, enter: Callable[[], None] | None = None) -> None:
        self.seen: list[Seen] = []
        self._address, self._enter = address, enter
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        if self._enter:
            self._enter()
        while not self._stop.wait(LOOK_S):
            try:
                with urllib.request.urlopen(self._address, timeout=5) as answer:
                    self.seen.append(Seen(time.monotonic(), json.load(answer)["cameras"]))
            except OSError:
                continue  # not there yet, or no longer: whoever waits for an answer says so

    def when(self, camera: str, since: float, *, live: bool, within: float, sees: bool = False) -> float:
        """When it was first seen to send, or not to, after `since`; `sees`: and to see. Raises AssertionError."""
        states = STATES[:1] if sees else STATES

        def first() -> float | None:
            for seen in reversed(self.seen):
                if seen.at <= since:
                    break
                if (seen.cameras[camera]["state"] in states) == live:
                    found.append(seen.at)
            return min(found, default=None)

        found: list[float] = []
        wait_until(lambda: first() is not None, within)
        return min(found)

    def answers(self, count: int) -> None:
        """Wait for so many more."""
        until = len(self.seen) + count
        wait_until(lambda: len(self.seen) >= until, 60)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)


class Held(NamedTuple):
    """What a process holds."""

    descriptors: int
    threads: int
    rss_mb: float

    @classmethod
    def of(cls, pid: int) -> Held:
        return cls(
            len(list(Path(f"/proc/{pid}/fd").iterdir())),
            len(list(Path(f"/proc/{pid}/task").iterdir())),
            rss_mb(pid),
        )


@dataclass
class Beside:
    """What became of the neighbour."""

    events: int  # that had to be there
    lost: int
    gap_s: float
    looks: int
    dropped: dict[str, int]
    not_live: int  # answers in which it was not live


@dataclass
class Site:
    """A running edge; use as a context. `cameras` are texts of camera files, `neighbour` is an address."""

    root: Path
    cameras: Sequence[str]
    neighbour: str
    more: Sequence[str] = ()
    prefix: Sequence[str] = ()
    enter: Callable[[], None] | None = None
    since: float = field(init=False)  # monotonic seconds: all were live

    def __enter__(self) -> Site:
        folder = self.root / "cameras"
        folder.mkdir()
        for number, text in enumerate([*self.cameras, _NEIGHBOUR.format(url=self.neighbour)]):
            (folder / f"{number}.yaml").write_text(text, encoding="utf-8")
        self.edge = Process(
            self.root / "edge.log",
            "edge", "run", "--configs", str(folder), "--central", NOBODY, "--data", str(self.root / "edge"), *self.more,
            env={"VEDETTE_EDGE_TOKEN": "vde_edge-1." + "x" * 32}, prefix=self.prefix,
        )  # fmt: skip
        self.watch = Watch(self.edge.said(r"health: (http://\S+)", 60), self.enter)
        self.wait_until_live()
        self.since = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self.watch.close()
        self.status = self.edge.end()

    def wait_until_live(self, within: float = LIVE_S) -> None:
        wait_until(
            lambda: self.watch.seen and all(each["state"] in STATES for each in self.watch.seen[-1].cameras.values()),
            within,
        )

    def holds(self) -> Held:
        """The least of several looks: a thread and a socket answer each question for the edge's health."""
        looks = []
        for _ in range(10):
            self.watch.answers(1)
            looks.append(Held.of(self.edge.pid))
        return Held(*map(min, zip(*looks, strict=True)))

    def beside(self, began_utc: float) -> Beside:
        """The neighbour since all were live. `began_utc`: when its clip began, seconds."""
        seen = [each for each in self.watch.seen if each.at >= self.since]
        cameras = [each.cameras[NEIGHBOUR] for each in seen]
        offset = time.time() - time.monotonic()
        into, tolerance = EVENT_S
        due = [
            at
            for number in range(int((seen[-1].at + offset - began_utc) / ROUND_S) + 1)
            if self.since + offset + tolerance < (at := began_utc + number * ROUND_S + into)
            and at < seen[-1].at + offset - tolerance
        ]
        opened = [
            each.record.opened_at / 1000
            for each in kept(self.root / "edge")
            if (each.record.camera_id, each.record.rule, each.record.state) == (NEIGHBOUR, "keep-off", "open")
        ]
        return Beside(
            events=len(due),
            lost=sum(all(abs(at - other) > tolerance for other in opened) for at in due),
            gap_s=max(each["last_frame_age"] for each in cameras),
            looks=cameras[-1]["looks"] - cameras[0]["looks"],
            dropped={
                reason: more
                for reason, count in cameras[-1]["dropped"].items()
                if (more := count - cameras[0]["dropped"].get(reason, 0))
            },
            not_live=sum(each["state"] != "live" for each in cameras),
        )

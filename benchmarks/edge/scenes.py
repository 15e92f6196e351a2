"""The scenes that cameras of the edge benchmarks show, made once from the hand-checked footage and kept.

`rest`   ten minutes of a reception at rest with sensor noise, and one visit of 20 s in them
`plaza`, `junction`   people and vehicles all the time

25 pictures a second, H.264 without B-frames, a key frame every 2 s, 360 or 720 lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from benchmarks import footage
from benchmarks.loop import joined
from contract.camera import Camera
from edge.replay import ReplayStats, replay
from edge.types import Image

FPS = 25
KEY_S = 2
NOISE = 2.0  # standard deviation, of 255
REST_S = 600.0
VISIT = (70.0, 90.0)  # of reception: nobody, one visitor, nobody
VISIT_AT = 300.0
CLIP_OF = {"rest": "reception", "plaza": "plaza", "junction": "junction"}
RULES = {"rest": ("visitor",)}  # the others: all of the clip's camera file


@dataclass(frozen=True, slots=True)
class Scene:
    """A clip, and when in each of its rounds a replay finds an event, which has all the time and looks at all of every
    picture."""

    name: str
    clip: Path
    seconds: float
    truth: tuple[tuple[str, float], ...]  # (rule, seconds into the clip)
    checked: tuple[tuple[str, float, float], ...] = ()  # what happens, by hand, where known: and how exactly, seconds

    def camera(self, number: int, url: str, rate: float) -> Camera:
        camera = _camera(self.name, rate)
        source = camera.source.model_copy(update={"url": url})
        return camera.model_copy(update={"id": f"{self.name}-{number:03d}", "source": source})


def scene(name: str, lines: int, rate: float, cache: Path, clips: Path) -> Scene:
    """Made if it is not in `cache`. `lines`: of the picture; `rate`: the reference's looks a second."""
    cache.mkdir(parents=True, exist_ok=True)
    clip = cache / f"{name}-{lines}.mp4"
    if not clip.exists():
        making = clip.with_suffix(".part.mp4")
        _encode(making, _rest(clips, lines) if name == "rest" else _busy(clips / f"{name}.mp4", lines), name)
        making.rename(clip)
    with av.open(str(clip)) as container:
        seconds = container.streams.video[0].frames / FPS
    events = clip.with_suffix(f".{rate:g}.whole.json")
    if not events.exists():
        events.write_text(json.dumps(_truth(name, clip, seconds, rate)), encoding="utf-8")
    truth = tuple((rule, at) for rule, at in json.loads(events.read_text(encoding="utf-8")))
    return Scene(name, clip, seconds, truth, () if name == "rest" else _checked(clips, name))


def _camera(name: str, rate: float) -> Camera:
    camera = footage.camera(CLIP_OF[name], rate)
    rules = {key: rule for key, rule in camera.rules.items() if key in RULES.get(name, camera.rules)}
    return camera.model_copy(update={"rules": rules})


def _checked(clips: Path, name: str) -> tuple[tuple[str, float, float], ...]:
    known = json.loads((clips / "events.json").read_text(encoding="utf-8"))[CLIP_OF[name]]["expected"]
    return tuple((event["rule"], event["at"], event["tol"]) for event in known)


def _truth(name: str, clip: Path, seconds: float, rate: float) -> list[tuple[str, float]]:
    """Of the second round: what the join does to it happens in every further one, too."""
    Console(stderr=True).print(f"looking at {clip.name} without haste, for the reference")
    detector = footage.detector()
    opened: dict[object, tuple[str, float]] = {}
    with joined(clip, 2) as source:
        for at, record in replay(
            source, _camera(name, rate), detector,
            start_ms=footage.START_MS, stats=ReplayStats(), whole=True,
        ):  # fmt: skip
            opened.setdefault(record.event_id, (record.rule, at))
    detector.close()
    return sorted((rule, round(at - seconds, 3)) for rule, at in opened.values() if seconds <= at < 2 * seconds)


def _scaled(image: Image, lines: int) -> Image:
    height, width = image.shape[:2]
    size = (round(width * lines / height / 2) * 2, lines)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _pictures(clip: Path, lines: int) -> Iterator[tuple[float, Image]]:
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            yield float(frame.time or 0.0), _scaled(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8), lines)


def _at_fps(film: Iterator[tuple[float, Image]], since: float, until: float) -> Iterator[Image]:
    """The newest picture at each tick."""
    tick = 0
    last: Image | None = None
    for at, image in film:
        while last is not None and since + tick / FPS < min(at, until):
            yield last
            tick += 1
        if at >= until:
            return
        last = image


def _busy(clip: Path, lines: int) -> Iterator[Image]:
    return _at_fps(_pictures(clip, lines), 0.0, 1e9)


def _rest(clips: Path, lines: int) -> Iterator[Image]:
    """Rest, the visit, rest; the light goes back slowly to what it was before the visit."""
    visit = list(_at_fps(_pictures(clips / "reception.mp4", lines), *VISIT))
    noise = _Noise(visit[0].shape)
    before, after = visit[0].astype(np.float32), visit[-1].astype(np.float32)
    for _ in range(round(VISIT_AT * FPS)):
        yield noise.on(before)
    for image in visit:
        yield noise.on(image.astype(np.float32))
    left = round(REST_S * FPS) - round(VISIT_AT * FPS) - len(visit)
    for tick in range(left):
        share = tick / left
        yield noise.on(after * (1 - share) + before * share)


class _Noise:
    def __init__(self, shape: tuple[int, ...]) -> None:
        self._chance = np.random.default_rng(1)
        self._field: NDArray[np.float32] = self._chance.normal(0, NOISE, (3, *shape)).astype(np.float32)

    def on(self, image: NDArray[np.float32]) -> Image:
        field = self._field[self._chance.integers(3)]
        shift = self._chance.integers(0, field.shape[:2])
        return np.asarray((image + np.roll(field, shift, (0, 1))).clip(0, 255), np.uint8)


def _encode(path: Path, pictures: Iterator[Image], name: str) -> None:
    options = {"preset": "veryfast", "crf": "26", "bf": "0", "g": str(FPS * KEY_S), "sc_threshold": "0"}
    with (
        Progress(console=Console(stderr=True), transient=True) as progress,
        av.open(str(path), "w") as out,
    ):
        task = progress.add_task(f"making the scene {name}", total=REST_S * FPS if name == "rest" else None)
        stream = out.add_stream("libx264", rate=FPS, options=options)
        stream.pix_fmt = "yuv420p"
        for index, image in enumerate(pictures):
            if index == 0:
                stream.height, stream.width = image.shape[:2]
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            out.mux(stream.encode(frame))
            progress.advance(task)
        out.mux(stream.encode(None))

"""Real pictures, and what can go wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np

from contract.camera import FaultTimes, View
from contract.section import Polygon
from edge.types import Image
from edge.view import KINDS, CameraView
from edge.view.camera import PERIOD_S
from tests.edge.frames import sample, small

QUICK = View(**{kind: FaultTimes(for_s=5.0, recover_s=2.0) for kind in KINDS})


class Shot(NamedTuple):
    at: float
    image: Image
    fresh: bool


@cache
def shots(clip: Path, seconds: float = 1e9, width: int = 384) -> tuple[Shot, ...]:
    """Five pictures a second, small ones: spoiling them takes longer than looking at them."""
    found: list[Shot] = []
    fresh = False
    with av.open(str(clip)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            fresh |= bool(frame.key_frame)
            if frame.time > seconds:
                break
            if frame.time >= len(found) * PERIOD_S:
                height = round(width * frame.height / frame.width / 2) * 2
                image = cv2.resize(frame.to_ndarray(format="bgr24"), (width, height), interpolation=cv2.INTER_AREA)
                found.append(Shot(frame.time, image, fresh))
                fresh = False
    return tuple(found)


def encoded(pictures: Iterable[Image], path: Path, fps: int = 5, **options: str) -> Path:
    """As H.264 with x264's `options`."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=fps, options={"preset": "veryfast", "bf": "0", **options})
        stream.pix_fmt = "yuv420p"
        for index, image in enumerate(pictures):
            if index == 0:
                stream.height, stream.width = image.shape[:2]
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def spoilt(film: Iterable[Shot], how: Callable[[Image], Image], since: float, until: float = 1e9) -> Iterator[Shot]:
    for shot in film:
        yield shot._replace(image=how(shot.image)) if since <= shot.at < until else shot


def said(film: Iterable[Shot], config: View = QUICK, masks: tuple[Polygon, ...] = ()) -> list[tuple[str, str, float]]:
    """What a camera with these pictures tells: (what, kind, at)."""
    view = CameraView(config, masks)
    signals = []
    for shot in film:
        signals += view.step(shot.at, sample(shot.image), small(shot.image), shot.fresh)
    return [(signal.what, signal.kind, signal.at) for signal in signals]


# --- what goes wrong


def dimmed(gain: float, noise: float = 2.0) -> Callable[[Image], Image]:
    return lambda image: noisy(noise)(cv2.convertScaleAbs(image, alpha=gain))


@cache
def _grain(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(5).normal(0, 1, shape).astype(np.float32)


def noisy(sigma: float) -> Callable[[Image], Image]:
    turn = iter(range(10**9))

    def how(image: Image) -> Image:
        grain = np.roll(_grain(image.shape), (next(turn) * 7919) % image.shape[1], axis=1)
        return np.clip(image + sigma * grain, 0, 255).astype(np.uint8)

    return how


def blurred(share: float) -> Callable[[Image], Image]:
    """`share` of the picture's width is the blur's standard deviation."""
    return lambda image: cv2.GaussianBlur(image, (0, 0), image.shape[1] * share)


def shifted(share: float) -> Callable[[Image], Image]:
    return lambda image: _warped(image, np.array([[1, 0, share * image.shape[1]], [0, 1, 0]], np.float32))


def turned(degrees: float, zoom: float = 1.0) -> Callable[[Image], Image]:
    def how(image: Image) -> Image:
        height, width = image.shape[:2]
        return _warped(image, cv2.getRotationMatrix2D((width / 2, height / 2), degrees, zoom))

    return how


def _warped(image: Image, matrix: np.ndarray) -> Image:
    height, width = image.shape[:2]
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)


@cache
def _close_up(height: int, width: int, share: float, brightness: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / width
    shade = brightness + 20 * np.sin(3 * x) + 15 * np.cos(4 * y)
    edge = (1 / (1 + np.exp((x - share) / 0.02)))[:, :, None]
    return shade[:, :, None] * edge, 1 - edge


def covered(share: float, brightness: int) -> Callable[[Image], Image]:
    """Something close to the lens, out of focus, from the left to `share` of the width."""

    def how(image: Image) -> Image:
        thing, rest = _close_up(*image.shape[:2], share, brightness)
        return np.clip(image * rest + thing, 0, 255).astype(np.uint8)

    return how


def lamps(gain: float) -> Callable[[Image], Image]:
    """Another gamma: the shadows move, what is there stays."""
    table = (255 * (np.arange(256) / 255) ** gain).astype(np.uint8)
    return lambda image: cv2.LUT(image, table)


def passing(film: Iterable[Shot], since: float, seconds: float) -> Iterator[Shot]:
    """A van close to the lens, as large as the picture."""
    for shot in film:
        share = (shot.at - since) / seconds
        if 0 <= share < 1:
            image = shot.image.copy()
            height, width = image.shape[:2]
            left = round((2 * share - 1) * width)
            image[:, max(0, left) : left + width] = 70
            image[height // 4 : height // 2, max(0, left + width // 8) : max(0, left + width // 3)] = 150
            shot = shot._replace(image=image)
        yield shot

"""A clip of somebody who walks to and fro, finely patterned on a plain ground, and a detector that sees them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from edge.types import Box, Image
from tests.edge.detectors import FakeDetector, bright

FPS, SECONDS, SIZE = 10, 6, (640, 360)
CAMERA = """
id: walk
name: "<script>alert('x')</script> 东门 \\" onload='1'"
tier: 1
pilot: school
site: s1
purpose: "somebody walks to and fro <img src=x onerror=alert(1)>"
source: {url: "rtsp://192.0.2.1/"}
detect: {rate: 2.5}
masks: {window: [[0.8, 0.02], [0.98, 0.02], [0.98, 0.2], [0.8, 0.2]]}
zones: {right: [[0.5, 0.3], [0.95, 0.3], [0.95, 0.95], [0.5, 0.95]]}
lines: {middle: [[0.5, 0.2], [0.5, 0.98]]}
schedules: {never: {time_zone: UTC, windows: [{start: "00:00", end: "00:01"}]}}
rules:
  over: {kind: line_crossing, line: middle, direction: right, cooldown_s: 0}
  inside: {kind: intrusion, zone: right, cooldown_s: 0}
  asleep: {kind: dwell, zone: right, for_s: 1, schedule: never}
"""


def place(at: float) -> tuple[float, float, float, float]:
    """Where they are at `at` seconds: left, top, right, bottom, relative."""
    x = 0.5 - 0.25 * np.cos(at / SECONDS * 2 * np.pi)
    return float(x) - 0.06, 0.4, float(x) + 0.06, 0.85


def picture(at: float) -> Image:
    width, height = SIZE
    image = np.full((height, width, 3), 90, np.uint8)
    left, top, right, bottom = (round(v * n) for v, n in zip(place(at), (width, height) * 2, strict=True))
    y, x = np.mgrid[0 : bottom - top, 0 : right - left]
    image[top:bottom, left:right] = np.where(((x // 4 + y // 4) % 2)[:, :, None], 255, 150)
    return image


def clip(path: Path, seconds: float = SECONDS) -> Path:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "crf": "10"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for index in range(round(seconds * FPS)):
            frame = av.VideoFrame.from_ndarray(picture(index / FPS), format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


class Walker(FakeDetector):
    """Sees whatever is brighter than the ground."""

    model_id, class_names, drops = "walker", ("person", "car"), {"capped": 2}

    def boxes(self, image: Image) -> Sequence[Box]:
        return bright(image, 130)


def detail(image: Image, box: tuple[float, float, float, float]) -> float:
    """How much fine structure is in the upper middle of `box`, away from lines and words around it."""
    height, width = image.shape[:2]
    left, top, right, bottom = box
    x0, x1 = (round((left + share * (right - left)) * width) for share in (0.3, 0.7))
    y0, y1 = (round((top + share * (bottom - top)) * height) for share in (0.2, 0.7))
    return float(np.abs(cv2.Laplacian(cv2.cvtColor(image[y0:y1, x0:x1], cv2.COLOR_BGR2GRAY), cv2.CV_64F)).mean())

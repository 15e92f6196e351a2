"""From a decoder's own form to pixels, in the size and form that somebody needs.

Colour pictures are scaled by OpenCV, linearly, as those were that the network learned from: libswscale's one pass to
BGR and to size at once takes longer (768x576 to 640: 0.5 ms against 0.35) and costs score (docs/accuracy.md's clips at
1080p: f1 0.95 to 0.98 against 1.00, bicubic, bilinear or area).
"""

from __future__ import annotations

import threading

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from edge.types import Grey, Image, Sample

SAMPLE_ROWS, SAMPLE_COLUMNS = 8, 4  # a sample has every so many
FORMS = 8  # sizes and forms whose tables are kept; a stream needs three
_PLANAR = ("yuv4", "yuvj4", "nv12", "nv21", "gray")  # begin the names of forms whose first plane is brightness


class Pixels:
    """Of one stream: libswscale's tables are kept from picture to picture, making them takes longer than a picture.

    Thread-safe. Every answer is a new array that the caller owns.
    """

    def __init__(self) -> None:
        self._passes: dict[tuple[str, int, int], tuple[threading.Lock, VideoReformatter]] = {}

    def image(self, frame: av.VideoFrame, most: int | None = None) -> Image:
        """(height, width, 3) BGR, the longer side at most `most` pixels."""
        image = self._as(frame, "bgr24", frame.width, frame.height)
        scale = most / max(frame.width, frame.height) if most else 1.0
        if scale >= 1:
            return image
        size = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)

    def grey(self, frame: av.VideoFrame, width: int, height: int) -> Grey:
        """(height, width), 0 to 255 whatever range the stream is coded in."""
        return self._as(frame, "gray", width, height).astype(np.float32)

    def sample(self, frame: av.VideoFrame) -> Sample:
        """Single pixels' brightness, as coded, none averaged: every SAMPLE_ROWS'th row, SAMPLE_COLUMNS'th column."""
        if frame.format.name.startswith(_PLANAR) and frame.format.components[0].bits == 8:
            plane = frame.planes[0]
            lines: Sample = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
            luma = lines[: frame.height, : frame.width]
        else:
            luma = self._as(frame, "gray", frame.width, frame.height)
        return luma[::SAMPLE_ROWS, ::SAMPLE_COLUMNS].copy()

    def _as(self, frame: av.VideoFrame, form: str, width: int, height: int) -> NDArray[np.uint8]:
        key = (form, width, height)
        if key not in self._passes and len(self._passes) >= FORMS:
            self._passes.clear()
        lock, reformatter = self._passes.setdefault(key, (threading.Lock(), VideoReformatter()))
        with lock:
            made = reformatter.reformat(frame, width, height, form, interpolation="AREA", threads=1)
        return np.asarray(made.to_ndarray(), np.uint8)

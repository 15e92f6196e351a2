"""Pictures -> the network's input, in memory that is kept from picture to picture.

Why kept: blocks of megabytes that come and go leave holes in the heap. 640x480 takes 0.24 ms so, and with OpenCV's
blobFromImage 0.45 at the best (one core of an AMD EPYC).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detect.card import Input
from edge.detect.yolo import Floats, Letterbox
from edge.types import Image

GREY = 114  # the padding that the network saw in training
KEPT = 24  # ways of lying in the input whose memory is kept; 6 MB each at most, at 640 pixels


class Inputs:
    """Of one network. Not thread-safe: an answer holds until the next."""

    def __init__(self, spec: Input) -> None:
        self._scale = np.float32(spec.scale)
        self._order = -1 if spec.colour == "RGB" else 1
        self._padded: dict[Letterbox, Image] = {}
        self._blobs: dict[tuple[int, int], tuple[NDArray[np.uint8], Floats]] = {}  # by colour: as they come, and scaled

    def of(self, image: Image, box: Letterbox) -> Floats:
        """(height, width, 3) of `box.source` -> (1, 3, height, width) float32 of its target, in the card's colour order
        and scale."""
        width, height = box.target
        if box.target not in self._blobs:
            if len(self._blobs) >= KEPT:
                self._blobs.clear()
            self._blobs[box.target] = (
                np.empty((3, height, width), np.uint8),
                np.empty((1, 3, height, width), np.float32),
            )
        colours, blob = self._blobs[box.target]
        cv2.split(self.letterboxed(image, box), list(colours[:: self._order]))
        blob[0] = colours
        blob *= self._scale
        return blob

    def letterboxed(self, image: Image, box: Letterbox) -> Image:
        """`image` scaled and padded to the target's size."""
        inner_w, inner_h = box.inner
        if box.inner == box.target == box.source:
            return image
        if box not in self._padded:
            if len(self._padded) >= KEPT:
                self._padded.clear()
            self._padded[box] = np.full((box.target[1], box.target[0], 3), GREY, np.uint8)
        canvas = self._padded[box]
        window = canvas[box.top : box.top + inner_h, box.left : box.left + inner_w]
        cv2.resize(image, box.inner, dst=window, interpolation=cv2.INTER_LINEAR)
        return canvas

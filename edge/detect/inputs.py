"""Pictures -> the network's input, in memory that is kept from picture to picture.

Why kept: OpenCV fills 640x384 in 0.4 ms where it is given the memory and in 3.5 ms where it makes its own (160x160:
0.05 and 0.28; 5.0, one core of an AMD EPYC), and blocks of megabytes that come and go leave holes in the heap.
"""

from __future__ import annotations

import cv2
import numpy as np

from edge.detect.card import Input
from edge.detect.yolo import Floats, Letterbox
from edge.types import Image

GREY = 114  # the padding that the network saw in training
KEPT = 24  # ways of lying in the input whose memory is kept; 4 MB each at most, at 640 pixels


class Inputs:
    """Of one network. Not thread-safe: an answer holds until the next."""

    def __init__(self, spec: Input) -> None:
        self._form = cv2.dnn.Image2BlobParams()  # one pass does swap, scale and transposition
        self._form.scalefactor = (spec.scale,) * 4
        self._form.swapRB = spec.colour == "RGB"
        self._padded: dict[Letterbox, Image] = {}
        self._blobs: dict[tuple[int, int], Floats] = {}

    def of(self, image: Image, box: Letterbox) -> Floats:
        """(height, width, 3) of `box.source` -> (1, 3, height, width) float32 of its target, in the card's colour order
        and scale."""
        width, height = box.target
        if box.target not in self._blobs:
            if len(self._blobs) >= KEPT:
                self._blobs.clear()
            self._blobs[box.target] = np.empty((1, 3, height, width), np.float32)
        blob = self._blobs[box.target]
        cv2.dnn.blobFromImageWithParams(self.letterboxed(image, box), blob, self._form)
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

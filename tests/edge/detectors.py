"""Detectors that need no network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from edge.detect.card import Thresholds
from edge.types import Box, Detections, Image


class FakeDetector(ABC):
    """Sees what `boxes` finds in a picture or canvas (relative), as the first of its classes."""

    side, stride = 640, 32
    model_id: str = "fake"
    class_names: tuple[str, ...] = ("person",)
    thresholds = Thresholds(weak=0.1, confidence=0.3, iou=0.6)
    confidence = 0.3
    drops: Mapping[str, int] = {}

    @abstractmethod
    def boxes(self, image: Image) -> Sequence[Box]:
        """Of what is in it, relative."""

    def detect(self, images: Sequence[Image], canvases: Sequence[Image] = ()) -> list[Detections]:
        return [self._one(self.boxes(image)) for image in (*images, *canvases)]

    def _one(self, boxes: Sequence[Box]) -> Detections:
        count = len(boxes)
        return Detections(
            np.array(boxes, np.float32).reshape(count, 4), np.full(count, 0.9, np.float32), np.zeros(count, np.int32)
        )

    def close(self) -> None:
        """Nothing to let go of."""
        return


def bright(image: Image, least: int, channel: int = 1) -> list[Box]:
    """The box around all that is brighter, if anything is."""
    height, width = image.shape[:2]
    ys, xs = np.nonzero(image[:, :, channel] > least)
    if not len(xs):
        return []
    return [(xs.min() / width, ys.min() / height, (xs.max() + 1) / width, (ys.max() + 1) / height)]

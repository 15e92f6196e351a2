"""Pictures of numpy as the pipeline has them."""

from __future__ import annotations

import cv2
import numpy as np

from edge.gate import small_size
from edge.sources.pixels import SAMPLE_COLUMNS, SAMPLE_ROWS
from edge.types import Frame, Grey, Image, Sample


def frame(at: float, image: Image) -> Frame:
    def scaled(most: int) -> Image:
        height, width = image.shape[:2]
        scale = min(1.0, most / max(width, height))
        return cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)

    return Frame(at, scaled)


def small(image: Image) -> Grey:
    height, width = image.shape[:2]
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return cv2.resize(grey, small_size(width, height), interpolation=cv2.INTER_AREA).astype(np.float32)


def sample(image: Image) -> Sample:
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[::SAMPLE_ROWS, ::SAMPLE_COLUMNS].copy()

"""Pictures of numpy as the pipeline has them."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from edge.gate import small_size
from edge.sources.base import Picture, Source
from edge.sources.decoder import Decoder
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


def pictures(source: Source, decoder: Decoder | None = None) -> Iterator[Picture]:
    """All of a source's, as they would come without sleep."""
    decoder = decoder or Decoder()
    for packet in source.packets():
        yield from decoder.decode(packet)

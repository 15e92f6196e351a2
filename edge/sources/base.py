"""What the pipeline asks of any source of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import av
import numpy as np

from edge.types import Image


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded frame that is still in the decoder's own form; pixels are made only where somebody looks."""

    at: float  # seconds, pipeline clock
    raw: av.VideoFrame

    @property
    def fresh(self) -> bool:
        """A key frame: coded anew, owing nothing to the pictures before it."""
        return bool(self.raw.key_frame)

    def image(self) -> Image:
        """(height, width, 3) BGR; a new array that the caller owns."""
        return np.asarray(self.raw.to_ndarray(format="bgr24"), np.uint8)


class Source(Protocol):
    """An open stream. Iterating ends only by an exception or by `close`."""

    @property
    def broken(self) -> int:
        """Packets so far that could not be decoded."""

    def pictures(self) -> Iterator[Picture]:
        """Pictures in order of time. Raises SourceError; SourceEnded when the other side stops."""

    def close(self) -> None:
        """Idempotent; never leaves the container open."""

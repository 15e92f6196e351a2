"""What the pipeline asks of any source of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import av

from edge.sources.pixels import Pixels
from edge.types import Grey, Image, Sample


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded frame that is still in the decoder's own form; pixels are made only where somebody looks."""

    at: float  # seconds, pipeline clock
    raw: av.VideoFrame
    pixels: Pixels = field(default_factory=Pixels)  # its stream's

    @property
    def fresh(self) -> bool:
        """A key frame: coded anew, owing nothing to the pictures before it."""
        return bool(self.raw.key_frame)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), pixels."""
        return self.raw.width, self.raw.height

    def image(self, most: int | None = None) -> Image:
        """(height, width, 3) BGR, the longer side at most `most` pixels; a new array that the caller owns."""
        return self.pixels.image(self.raw, most)

    def grey(self, width: int, height: int) -> Grey:
        return self.pixels.grey(self.raw, width, height)

    def sample(self) -> Sample:
        return self.pixels.sample(self.raw)


class Source(Protocol):
    """An open stream. Iterating ends only by an exception or by `close`."""

    @property
    def broken(self) -> int:
        """Packets so far that could not be decoded."""

    def pictures(self) -> Iterator[Picture]:
        """Pictures in order of time. Raises SourceError; SourceEnded when the other side stops."""

    def close(self) -> None:
        """Idempotent; never leaves the container open."""

"""What the pipeline asks of any source of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import av

from edge.errors import SourceTimeout
from edge.sources.pixels import Pixels
from edge.types import Grey, Image, Sample

GARBAGE_S = 4.0  # a stream that sends packets but no picture for this long is as good as dead


@dataclass(frozen=True, slots=True)
class Packet:
    """A coded picture as it came."""

    at: float  # seconds, pipeline clock: when it came, or its own time in a clip
    raw: av.Packet[av.VideoStream]
    hurried: bool = False  # reading is behind: no time is to be spent on this one

    @property
    def key(self) -> bool:
        """A key frame: coded anew, owing nothing to the pictures before it."""
        return bool(self.raw.is_keyframe)

    @property
    def size(self) -> int:
        """Bytes."""
        return self.raw.size


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded frame that is still in the decoder's own form; pixels are made only where somebody looks."""

    at: float  # seconds, pipeline clock
    raw: av.VideoFrame
    pixels: Pixels = field(default_factory=Pixels)  # its stream's

    @property
    def fresh(self) -> bool:
        """Of a key frame."""
        return bool(self.raw.key_frame)

    @property
    def sound(self) -> bool:
        """The decoder had to guess nothing: of garbage, it makes up a picture now and then."""
        return not self.raw.is_corrupt

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


def garbage(url: str) -> SourceTimeout:
    """What is wrong with a stream whose packets give no picture. `url` must be fit to be shown."""
    return SourceTimeout(f"{url}: sends packets but no picture", hint="restart the camera's encoder")


class Source(Protocol):
    """An open stream. Iterating ends only by an exception or by `close`."""

    @property
    def broken(self) -> int:
        """Packets so far that could not be read."""

    patience_s: float  # packets may lie so long where they came in before they are read; may be set at any time

    def packets(self) -> Iterator[Packet]:
        """Packets in the order in which they are decoded. Raises SourceError; SourceEnded when the other side stops."""

    def close(self) -> None:
        """Idempotent; never leaves the container open."""

"""A clip from disk, in its own time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av

from edge.errors import SourceEnded, SourceError
from edge.sources.base import Picture
from edge.sources.pixels import Pixels


class FileSource:
    """Pictures of a clip; `at` counts from the clip's first picture. Raises SourceError if it is no video."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pixels = Pixels()
        self.broken = 0
        try:
            self._container = av.open(str(path))
        except (av.error.FFmpegError, OSError) as error:
            raise SourceError(f"{path}: {error.strerror or error}", hint="give a video file that exists") from error
        if not self._container.streams.video:
            self._container.close()
            raise SourceError(f"{path}: no video in it", hint="give a video file")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"

    @property
    def duration_s(self) -> float | None:
        """Seconds, where the container says."""
        duration = self._container.duration
        return duration / av.time_base if duration else None

    def pictures(self) -> Iterator[Picture]:
        start: float | None = None
        at = 0.0
        for frame in self._frames():
            if frame.time is None:
                continue
            if start is None or frame.time - start < at:
                start = frame.time - at  # also where a recording was joined and its clock begins anew
            at = frame.time - start
            yield Picture(at, frame, self._pixels)
        if start is None and self.broken:
            raise SourceError(f"{self._path}: none of its pictures can be decoded", hint="is it whole?")
        if start is None:
            raise SourceError(
                f"{self._path}: no picture in it has a time", hint="a bare stream? ffmpeg -r 25 -i IT -c copy clip.mp4"
            )
        raise SourceEnded(f"{self._path}: end of the clip")

    def _frames(self) -> Iterator[av.VideoFrame]:
        """What can be decoded; a recording with a damaged part goes on after it, as a camera's stream does."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                frames = packet.decode() if packet is not None else []
            except av.error.InvalidDataError:
                self.broken += 1
                continue
            except av.error.FFmpegError as error:
                raise SourceError(f"{self._path}: cannot be read on: {error.strerror}", hint="is it whole?") from error
            if packet is None:
                return
            yield from frames

    def close(self) -> None:
        self._container.close()

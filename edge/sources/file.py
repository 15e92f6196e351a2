"""A clip from disk, in its own time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av

from edge.errors import SourceEnded, SourceError
from edge.sources.base import Packet


class FileSource:
    """A clip's packets; `at` counts from the clip's first picture. Raises SourceError if it is no video."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.broken = 0
        self.patience_s = 0.0  # a file does not make anybody wait
        try:
            self._container = av.open(str(path))
        except (av.error.FFmpegError, OSError) as error:
            raise SourceError(f"{path}: {error.strerror or error}", hint="give a video file that exists") from error
        if not self._container.streams.video:
            self._container.close()
            raise SourceError(f"{path}: no video in it", hint="give a video file")
        self._stream = self._container.streams.video[0]
        self._stream.codec_context.thread_count = 1  # as a camera's: more would hold pictures back

    @property
    def duration_s(self) -> float | None:
        """Seconds, where the container says."""
        duration = self._container.duration
        return duration / av.time_base if duration else None

    def packets(self) -> Iterator[Packet]:
        start: float | None = None
        at = 0.0
        decoded = float("-inf")
        for packet in self._packets():
            shown = packet.pts if packet.pts is not None else packet.dts
            if shown is None:
                continue
            order = packet.dts if packet.dts is not None else shown  # unlike pts it never falls back
            if start is None or order < decoded:
                start = float(shown * packet.time_base) - at  # also where a recording was joined: its clock begins anew
            decoded = order
            yield Packet(float(shown * packet.time_base) - start, packet)
            at = max(at, float(shown * packet.time_base) - start)
        if start is None:
            raise SourceError(
                f"{self._path}: no picture in it has a time", hint="a bare stream? ffmpeg -r 25 -i IT -c copy clip.mp4"
            )
        raise SourceEnded(f"{self._path}: end of the clip")

    def _packets(self) -> Iterator[av.Packet[av.VideoStream]]:
        """What can be read; a recording with a damaged part goes on after it, as a camera's stream does."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.InvalidDataError:
                self.broken += 1
                continue
            except av.error.FFmpegError as error:
                raise SourceError(f"{self._path}: cannot be read on: {error.strerror}", hint="is it whole?") from error
            if packet is None or packet.size == 0:
                return
            yield packet

    def close(self) -> None:
        self._container.close()

"""From packets to pictures; what nobody needs yet waits undecoded.

What waits follows what the decoder has seen last: on waking it is decoded in order, with the times of its own, so that
the onset of motion is not lost. A key frame owes nothing to what came before it, and makes that worthless. Bound: what
waits spans at most KEEP_S and KEEP_BYTES; beyond, it is decoded all the same, for what follows needs it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import av

from edge.sources.base import Packet, Picture
from edge.sources.pixels import Pixels
from edge.sources.spare import Spare

KEEP_S = 3.0
KEEP_BYTES = 4 << 20
HELD_BACK = 64  # packets whose time is remembered: more than a decoder holds back to put pictures in order


class Decoder:
    """One stream's at a time; a new connection needs a new one. Not thread-safe.

    Pictures are decoded as they are asked for: of many that waited, the decoder holds no more than of one, and what it
    holds, it keeps. Whoever asks must ask to the end.
    """

    def __init__(self, enough: float = math.inf) -> None:
        """`enough`: pictures a second; where more come, those that no other needs may be skipped (spare.py)."""
        self._spare = Spare(enough)
        self.broken = 0  # packets that could not be decoded
        self._pixels = Pixels()
        self._waiting: list[Packet] = []
        self._bytes = 0
        self._given: int | None = None  # first of those that wait: a key frame whose picture was given already
        self._times: dict[int | None, float] = {}  # by pts
        self._last = float("-inf")
        self._codec: av.VideoCodecContext | None = None

    def keep(self, packet: Packet) -> Iterator[Picture]:
        """Let `packet` wait; what waits before a key frame need not. Gives pictures only where too much does."""
        if packet.key:
            self._begin_with(packet)
            return
        self._waiting.append(packet)
        self._bytes += packet.size
        if packet.at - self._waiting[0].at > KEEP_S or self._bytes > KEEP_BYTES:
            yield from self._all(self._taken())

    def forget(self) -> None:
        """What waits, and what is to come before the next key frame, is not wanted."""
        self._waiting, self._bytes, self._given = [], 0, None

    def decode(self, packet: Packet) -> Iterator[Picture]:
        """The pictures of what waits and of `packet`; of a key frame, only its own."""
        waiting = self._taken()
        if packet.key and not waiting:
            self._spare.key(packet.at)
            packet.raw.stream.codec_context.skip_frame = "NONREF" if self._spare.skip else "DEFAULT"
        elif waiting:
            self._spare.pause()
        if not (packet.key and waiting):
            yield from self._all([*waiting, packet])
            return
        codec = packet.raw.stream.codec_context
        codec.flush_buffers()
        given = False
        for picture in self._all([packet]):
            given = True
            yield picture
        if given:
            return
        # It holds pictures back, to put them in order: it gives this one only at the end of a stream. So this is one,
        # and the key frame begins another, should what follows it be wanted.
        for frame in self._frames(codec, None):
            given = True
            yield self._picture(frame)
        self._begin_with(packet)
        self._given = packet.raw.pts if given else None

    def end(self) -> Iterator[Picture]:
        """The stream is over: what is left."""
        yield from self._all(self._taken())
        if self._codec is not None:
            for frame in self._frames(self._codec, None):
                yield self._picture(frame)

    def _begin_with(self, key: Packet) -> None:
        """What the decoder still holds back is over."""
        key.raw.stream.codec_context.flush_buffers()
        self._waiting, self._bytes, self._given = [key], key.size, None

    def _taken(self) -> list[Packet]:
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        return waiting

    def _all(self, packets: Sequence[Packet]) -> Iterator[Picture]:
        for packet in packets:
            while len(self._times) >= HELD_BACK:
                del self._times[next(iter(self._times))]
            self._times[packet.raw.pts] = packet.at
            self._codec = packet.raw.stream.codec_context
            pictures = 0
            for frame in self._frames(self._codec, packet.raw):
                again = self._given is not None and frame.pts == self._given
                self._given = None
                if not again:
                    pictures += 1
                    yield self._picture(frame, packet.at)
            self._spare.took(pictures)

    def _frames(self, codec: av.VideoCodecContext, packet: av.Packet[av.VideoStream] | None) -> Iterator[av.VideoFrame]:
        try:
            yield from codec.decode(packet)
        except av.error.FFmpegError:  # invalid data; of H.265 also what a decoder never learned, out of garbage
            self.broken += 1

    def _picture(self, frame: av.VideoFrame, at: float | None = None) -> Picture:
        at = self._times.pop(frame.pts, self._last if at is None else at)
        self._last = max(at, self._last)
        return Picture(self._last, frame, self._pixels)

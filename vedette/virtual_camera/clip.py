"""A clip as a camera would send it: access units with their times, taken from the file without decoding.

Times are integer ticks of RTP's 90 kHz video clock, counted from the clip's start. `captured` is what the
RTP timestamp says, `send` is when a camera would send it; with B-frames `send` lags, so that nothing is sent
before it was captured.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, NamedTuple

import av

from vedette.virtual_camera.errors import ClipError

Codec = Literal["h264", "h265"]

TICKS = 90_000  # a second
MAX_BYTES = 1 << 30  # the whole clip is kept in memory
_CODECS: dict[str, Codec] = {"h264": "h264", "hevc": "h265"}
_PARAMETER_TYPES = {"h264": (7, 8), "h265": (32, 33, 34)}  # SPS PPS; VPS SPS PPS
_START_CODE = b"\x00\x00\x01"


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One coded picture."""

    nals: tuple[bytes, ...]  # without start codes; a key frame begins with the parameter sets it needs
    captured: int  # ticks
    send: int  # ticks, >= captured
    key: bool


@dataclass(frozen=True, slots=True)
class Clip:
    codec: Codec
    width: int
    height: int
    parameter_sets: tuple[bytes, ...]
    units: tuple[AccessUnit, ...] = field(repr=False)  # decode order; the first is a key frame
    span: int  # ticks from the first picture to the first picture of the next round

    @property
    def seconds(self) -> float:
        return self.span / TICKS

    @property
    def rate(self) -> float:
        """Mean pictures a second."""
        return len(self.units) / self.seconds

    def key_index(self, offset: float) -> int:
        """Index of the last key frame captured at or before `offset` seconds (taken modulo the clip)."""
        keys = [i for i, unit in enumerate(self.units) if unit.key]
        at = round(offset % self.seconds * TICKS)
        return keys[max(0, bisect_right([self.units[i].captured for i in keys], at) - 1)]


@dataclass(frozen=True, slots=True)
class Due:
    """An access unit on a mount's endless clock; ticks from that clock's start."""

    unit: AccessUnit
    captured: int
    send: int


class Timeline:
    """A clip played for ever: ticks go on rising over the loop, and over a switch to another clip."""

    def __init__(self, clip: Clip, offset: float = 0.0) -> None:
        self.clip = clip
        self._index = clip.key_index(offset)
        self._base = -clip.units[self._index].send
        self._end = 0  # where a clip put in now would begin

    def next(self) -> Due:
        unit = self.clip.units[self._index]
        due = Due(unit, self._base + unit.captured, self._base + unit.send)
        self._index += 1
        if self._index == len(self.clip.units):
            self._index, self._base = 0, self._base + self.clip.span
        self._end = self._base + self.clip.units[self._index].send
        return due

    def switch(self, clip: Clip) -> None:
        """Go on with `clip` from its first picture, in place of the unit that would come next."""
        self.clip, self._index = clip, 0
        self._base = self._end - clip.units[0].send


def load_clip(path: Path) -> Clip:
    """Read the first video stream of a file; all else in it is left out.

    Raises ClipError on a file that cannot be read, a codec that is neither H.264 nor H.265, missing times, or
    a size above MAX_BYTES.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ClipError(f"{path}: larger than {MAX_BYTES >> 20} MiB", hint="cut the clip; it loops anyway")
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ClipError(f"{path}: no video in it")
            stream = container.streams.video[0]
            name = stream.codec_context.name
            if name not in _CODECS:
                raise ClipError(
                    f"{path}: the codec is {name}",
                    hint="convert it to H.264 or H.265: packets go as they are",
                )
            extradata = bytes(stream.codec_context.extradata or b"")
            size = stream.codec_context.width, stream.codec_context.height
            packets = [p for p in container.demux(stream) if p.size]
            time_base = stream.time_base
    except (OSError, av.FFmpegError) as error:
        raise ClipError(f"{path}: cannot be read ({error})", hint="is it a whole video file?") from error
    coded = [
        _Coded(bytes(p), p.pts, p.dts, p.duration or 0, p.is_keyframe)
        for p in packets
        if p.pts is not None and p.dts is not None
    ]
    if len(coded) != len(packets) or time_base is None:
        raise ClipError(f"{path}: pictures without times", hint="put the stream into an MP4 file")
    while coded and not coded[0].key:
        coded.pop(0)  # nothing before the first key frame can be decoded
    if not coded:
        raise ClipError(f"{path}: no key frame in it")
    return _clip(_CODECS[name], size, extradata, coded, time_base * TICKS)


class _Coded(NamedTuple):
    data: bytes
    pts: int
    dts: int
    duration: int  # 0: unknown
    key: bool


def _clip(
    codec: Codec,
    size: tuple[int, int],
    extradata: bytes,
    packets: list[_Coded],
    ticks: Fraction,
) -> Clip:
    length_size, parameter_sets = read_extradata(codec, extradata)
    first = min(p.pts for p in packets)
    lag = max(p.pts - p.dts for p in packets)
    units = []
    for data, pts, dts, _, key in packets:
        nals = split_length_prefixed(data, length_size) if length_size else split_annexb(data)
        if not parameter_sets:  # Annex B without extradata: they are in the first key frame
            parameter_sets = tuple(n for n in nals if is_parameter_set(codec, n))
        if key and not any(is_parameter_set(codec, n) for n in nals):
            nals = (*parameter_sets, *nals)
        units.append(AccessUnit(nals, round((pts - first) * ticks), round((dts + lag - first) * ticks), key))
    span = max(p.pts for p in packets) - first
    last = packets[-1].duration or Fraction(span, max(1, len(packets) - 1))
    return Clip(codec, *size, parameter_sets, tuple(units), max(1, round((span + last) * ticks)))


def is_parameter_set(codec: Codec, nal: bytes) -> bool:
    return nal_type(codec, nal) in _PARAMETER_TYPES[codec]


def nal_type(codec: Codec, nal: bytes) -> int:
    return nal[0] & 0x1F if codec == "h264" else nal[0] >> 1 & 0x3F


def read_extradata(codec: Codec, data: bytes) -> tuple[int, tuple[bytes, ...]]:
    """(bytes of a NAL's length prefix, parameter sets) of avcC or hvcC (ISO/IEC 14496-15); 0: Annex B."""
    if not data or data[:3] == _START_CODE or data[:4] == b"\x00" + _START_CODE:
        return 0, tuple(n for n in split_annexb(data) if is_parameter_set(codec, n))
    try:
        return _read_avcc(data) if codec == "h264" else _read_hvcc(data)
    except IndexError as error:
        raise ClipError("the file's codec header is cut short") from error


def _read_avcc(data: bytes) -> tuple[int, tuple[bytes, ...]]:
    sets, at = [], 5
    for mask in (0x1F, 0xFF):  # SPS count has three reserved bits, PPS count none
        count, at = data[at] & mask, at + 1
        for _ in range(count):
            nal, at = _counted(data, at)
            sets.append(nal)
    return (data[4] & 3) + 1, tuple(sets)


def _read_hvcc(data: bytes) -> tuple[int, tuple[bytes, ...]]:
    sets, at = [], 23
    for _ in range(data[22]):
        count, at = data[at + 1] << 8 | data[at + 2], at + 3
        for _ in range(count):
            nal, at = _counted(data, at)
            if is_parameter_set("h265", nal):  # the box may also hold SEI
                sets.append(nal)
    return (data[21] & 3) + 1, tuple(sets)


def _counted(data: bytes, at: int) -> tuple[bytes, int]:
    end = at + 2 + (data[at] << 8 | data[at + 1])
    if end > len(data) or end == at + 2:
        raise IndexError
    return data[at + 2 : end], end


def split_length_prefixed(data: bytes, size: int) -> tuple[bytes, ...]:
    """NALs of an MP4 sample whose lengths take `size` bytes. Raises ClipError when they do not add up."""
    nals, at = [], 0
    while at < len(data):
        end = at + size + int.from_bytes(data[at : at + size], "big")
        if end > len(data):
            raise ClipError("a picture in the file is cut short")
        if end > at + size:
            nals.append(data[at + size : end])
        at = end
    return tuple(nals)


def split_annexb(data: bytes) -> tuple[bytes, ...]:
    """NALs of a byte stream with start codes (H.264 and H.265, Annex B)."""
    return tuple(n for part in data.split(_START_CODE)[1:] if (n := part.rstrip(b"\x00")))

"""Writes the annotated clip of a replay: every picture, with what the pipeline knew at that moment.

A picture between two looks shows the tracks of the look before it, because that is all the rules had. People move on
between looks, though; so pictures wait for the next look, and everybody is hidden where they were, where they will be,
and on the way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

import av
import cv2
import numpy as np

from contract.camera import Camera
from edge import blur, draw, mask, strip
from edge.draw import Canvas, Tone
from edge.errors import SettingsError
from edge.replay import Look, Moment
from edge.rules.base import RuleState
from edge.rules.engine import Draft
from edge.strip import Cell
from edge.types import Box, Image
from edge.why import fires_towards, said

LONGEST = 1280  # pixels of the clip's longer side
MAX_WAITING = 64  # pictures that wait for the next look: under 250 MB
BETWEEN = 0.15  # by how much a person's box grows on a picture that nobody looked at
STRIDE = 4.0  # sizes of their own box that somebody may go between two looks
TICKS = 90_000  # of the clip's clock, a second
LONGEST_GAP_S = 60.0  # where no pictures came for longer, nobody waits, nor can every player
NOTE_S = 2.5  # that an event's line stands
FLASH_S = 1.0
NOTES = 4  # lines at once
CELLS = 16  # rules in the strip
RATE_S = 2.0  # over which looks a second are counted
_TONES: dict[str, Tone] = {"info": "armed", "warning": "waiting", "alarm": "open"}


@dataclass(frozen=True, slots=True)
class _Waiting:
    at: float
    image: Image
    look: Look | None  # the last one
    former: Look | None  # the one before
    looked_at: bool  # in this very picture
    awake: bool
    rate: float
    fired: Sequence[tuple[float, Draft]]


class ExplainedClip:
    """An `Observer` of a replay; a context manager that leaves a whole clip, or none.

    Raises SettingsError where it cannot be written.
    """

    def __init__(self, path: Path, camera: Camera, *, hide_people: bool = True) -> None:
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._camera = camera
        self._hide_people = hide_people
        self._waiting: deque[_Waiting] = deque()
        self._looks: deque[float] = deque()
        self._fired: deque[tuple[float, Draft]] = deque(maxlen=NOTES)
        self._told: set[UUID] = set()
        self._look: Look | None = None
        self._former: Look | None = None
        self._size = (0, 0)  # of the picture in the clip, without the strip
        self._stream: av.VideoStream | None = None
        self._ticks = -1
        self._encoded_at = 0.0
        self._cut_s = 0.0
        with _writing(path):
            self._part.open("wb").close()  # the library opens it only when it has something to write
            self._container = av.open(str(self._part), "w", format="mp4", container_options={"movflags": "+faststart"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        try:
            with _writing(self._path):
                self._finish(whole=kind is None)
        finally:
            with suppress(OSError):
                self._part.unlink(missing_ok=True)

    def __call__(self, moment: Moment) -> None:
        with _writing(self._path):
            if moment.look is not None:
                self._flush(moment.look)
                self._former, self._look = self._look, moment.look
                self._looks.append(moment.at)
            self._note(moment)
            if moment.picture is None:
                return
            while self._looks and self._looks[0] <= moment.at - RATE_S:
                self._looks.popleft()
            image = (moment.look.frame if moment.look else moment.picture).image(LONGEST)
            if moment.look is None:
                mask.paint(image, self._camera.masks.values())
            rate = len(self._looks) / min(RATE_S, max(moment.at, 1.0))
            self._waiting.append(
                _Waiting(
                    moment.at, self._fitted(image), self._look, self._former, moment.look is not None,
                    moment.awake, rate, tuple(self._fired),
                )
            )  # fmt: skip
            if len(self._waiting) > MAX_WAITING:
                self._write(self._waiting.popleft(), None)

    def _note(self, moment: Moment) -> None:
        for draft in moment.drafts:
            if draft.event_id not in self._told:
                self._fired.append((moment.at, draft))
            if draft.state == "closed":
                self._told.discard(draft.event_id)
            else:
                self._told.add(draft.event_id)

    def _fitted(self, image: Image) -> Image:
        """At the clip's size, which is that of the first picture: even, and with its strip within LONGEST."""
        if self._size == (0, 0):
            height, width = image.shape[:2]
            below = strip.height(min(width, LONGEST), min(len(self._camera.rules), CELLS))
            scale = min(1.0, LONGEST / width, (LONGEST - below) / height)
            self._size = (max(64, round(width * scale) // 2 * 2), max(64, round(height * scale) // 2 * 2))
        if image.shape[1::-1] == self._size:
            return image
        return np.asarray(cv2.resize(image, self._size, interpolation=cv2.INTER_AREA), np.uint8)

    def _flush(self, next_look: Look | None) -> None:
        while self._waiting:
            self._write(self._waiting.popleft(), next_look)

    def _write(self, waiting: _Waiting, next_look: Look | None) -> None:
        if self._hide_people:
            self._hide(waiting, next_look)
        self._draw(waiting)
        facts = f"{_clock(waiting.at)}   {self._camera.id}"
        gate = "awake" if waiting.awake else "asleep"
        cells = [self._cell(state, waiting) for state in (waiting.look.states if waiting.look else ())][:CELLS]
        cells += [Cell("off", name, "", 0.0) for name in list(self._camera.rules)[len(cells) : CELLS]]
        below = strip.draw(self._size[0], facts, f"{waiting.rate:.1f} looks/s   gate {gate}", cells)
        self._encode(np.vstack([waiting.image, below]), waiting.at)

    def _hide(self, waiting: _Waiting, next_look: Look | None) -> None:
        if waiting.look is not None:
            blur.hide(waiting.image, waiting.look.people())
        if waiting.looked_at:
            return
        before = waiting.look.people() if waiting.look else ()
        if next_look is not None:
            after = next_look.people()
        else:  # the clip's end, or a long time between looks: on they go as they came
            after = _onwards(waiting.former.people() if waiting.former else (), before)
        blur.hide(waiting.image, [*before, *after, *_ways(before, after), *_ways(after, before)], BETWEEN)

    def _draw(self, waiting: _Waiting) -> None:
        canvas = Canvas(waiting.image)
        look, at = waiting.look, waiting.at
        flashing = {draft.zone for fired_at, draft in waiting.fired if at - fired_at < FLASH_S}
        tones = self._tones(look)
        for name, polygon in self._camera.masks.items():
            canvas.mask(name, polygon)
        for name, polygon in self._camera.zones.items():
            canvas.zone(name, polygon, tones.get(name, "off"), flash=name in flashing)
        for name, ends in self._camera.lines.items():
            flash = name in flashing
            tone = "open" if flash else tones.get(name, "off")
            canvas.line(name, ends, tone, directions=self._ways(name), flash=flash)
        if look is not None:
            canvas.regions(look.regions, bright=waiting.looked_at)
            involved = {key for state in look.states for key in state.open}
            involved |= {draft.track for fired_at, draft in waiting.fired if at - fired_at < FLASH_S}
            for track in sorted(look.tracks, key=lambda track: track.id in involved):
                canvas.track(track, look.frame.at, fired=track.id in involved)
        canvas.notes(
            [
                (said(d.rule, d.kind, d.label, d.track, d.count, d.zone), _TONES[d.severity])
                for fired_at, d in waiting.fired
                if at - fired_at < NOTE_S
            ]
        )
        canvas.labels()

    def _tones(self, look: Look | None) -> dict[str, Tone]:
        """By zone or line: the most urgent of the rules that look at it."""
        order: tuple[Tone, ...] = ("off", "armed", "waiting", "open")
        tones: dict[str, Tone] = {}
        for state in look.states if look else ():
            rule = self._camera.rules.get(state.name)
            name: str = getattr(rule, "zone", None) or getattr(rule, "line", None) or ""
            tones[name] = max(tones.get(name, "off"), draw.tone_of(state), key=order.index)
        return tones

    def _ways(self, line: str) -> set[str | None]:
        """In which directions the rules of a line fire. What merely counts is asked only where nothing else is."""
        rules = [rule for rule in self._camera.rules.values() if getattr(rule, "line", None) == line]
        firing = [rule for rule in rules if rule.kind != "flow"] or rules
        return {fires_towards(rule) for rule in firing}

    def _cell(self, state: RuleState, waiting: _Waiting) -> Cell:
        if any(draft.rule == state.name and waiting.at - fired_at < FLASH_S for fired_at, draft in waiting.fired):
            return Cell("open", state.name, "fired", 1.0)
        tone = draw.tone_of(state)
        number = f"open x{len(state.open)}" if len(state.open) > 1 else "open"
        return Cell(tone, state.name, {"open": number, "off": "off"}.get(tone, "armed"), state.waiting)

    def _encode(self, image: Image, at: float) -> None:
        frame = av.VideoFrame.from_ndarray(image, format="bgr24")
        if self._stream is None:
            self._stream = self._container.add_stream("libx264", rate=25, options={"preset": "veryfast", "crf": "21"})
            self._stream.width, self._stream.height = frame.width, frame.height
            self._stream.pix_fmt = "yuv420p"
            self._stream.codec_context.time_base = Fraction(1, TICKS)
        self._cut_s += max(0.0, at - self._encoded_at - LONGEST_GAP_S)
        self._encoded_at = at
        self._ticks = max(self._ticks + 1, round((at - self._cut_s) * TICKS))  # each picture has a time of its own
        frame.pts, frame.time_base = self._ticks, Fraction(1, TICKS)
        self._container.mux(self._stream.encode(frame))

    def _finish(self, *, whole: bool) -> None:
        try:
            if whole:
                self._flush(None)
                if self._stream is not None:
                    self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()
        if whole:
            self._part.replace(self._path)


def _ways(here: Sequence[Box], there: Sequence[Box]) -> list[Box]:
    """What lies between each box and the nearest of the other look, where that may be the same person."""
    return [_around(box, other) for box, other in _pairs(here, there)]


def _onwards(former: Sequence[Box], boxes: Sequence[Box]) -> list[Box]:
    """Where each box will be if it moves on as it did since the former look."""
    ahead = []
    for box, came_from in _pairs(boxes, former):
        left, top, right, bottom = (2 * now - then for now, then in zip(box, came_from, strict=True))
        ahead.append((min(left, right), min(top, bottom), max(left, right), max(top, bottom)))
    return ahead


def _pairs(here: Sequence[Box], there: Sequence[Box]) -> list[tuple[Box, Box]]:
    """Each box with the nearest of the other look, if it is within STRIDE.

    By place, not by track: a track that was lost on the way is no reason to show anybody.
    """
    nearest = [(box, min(there, key=partial(_steps, box))) for box in here if there]
    return [(box, other) for box, other in nearest if _steps(box, other) <= STRIDE]


def _steps(one: Box, other: Box) -> float:
    """How far apart the middles of two boxes are, in sizes of the first."""
    width, height = max(one[2] - one[0], 1e-4), max(one[3] - one[1], 1e-4)
    across, down = one[0] + one[2] - other[0] - other[2], one[1] + one[3] - other[1] - other[3]
    return max(abs(across) / width, abs(down) / height) / 2


def _around(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _clock(at: float) -> str:
    minutes, seconds = divmod(round(at, 1), 60)
    return f"{int(minutes):02d}:{seconds:04.1f}"


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except (av.error.FFmpegError, OSError) as error:
        why = error.strerror or str(error)
        raise SettingsError(f"{path}: {why}", hint="give a file that can be written, on a disk with room") from error

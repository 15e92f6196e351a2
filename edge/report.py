"""The page that tells a replay: when each rule was armed and open, a picture an event, what was followed and dropped.

One file that needs no other, from any disk: styles, pictures and the few lines of script are in it, and its own
Content-Security-Policy forbids everything else. In English and Chinese (pages/report.*.json).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import cv2
import jinja2
from markupsafe import Markup, escape

from contract.camera import Camera
from edge import why
from edge.errors import SettingsError
from edge.replay import Look, Moment, ReplayStats
from edge.rules.engine import Draft

PAGES = Path(__file__).parent / "pages"
LANGUAGES = ("en", "zh-CN")
PICTURES = 200  # events that get one; the page says so where there are more
LONGEST = 480  # pixels of a picture's longer side
QUALITY = 82
SCALE = 1.4  # of what is drawn: cards show pictures smaller than they are
ROWS = 4  # of events of one rule that are open at once; more share the last
BUCKETS = 240  # columns of the lane of looks
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 86_400)


@dataclass(slots=True)
class Event:
    """One event: its first draft, and when it closed. Seconds of the clip."""

    number: int
    draft: Draft
    opened_s: float
    closed_s: float
    at_once: bool
    row: int = 0  # in its lane, so that events open at once lie below one another
    picture: str = ""  # data: address of a JPEG, or nothing


@dataclass(slots=True)
class Lane:
    """One rule along the clip."""

    kind: str
    place: str
    armed: list[tuple[float, float]] = field(default_factory=list)  # seconds, begin and end
    events: list[Event] = field(default_factory=list)
    rows: int = 1

    def arrange(self) -> None:
        ends: list[float] = []
        for event in self.events:
            free = next((row for row, end in enumerate(ends) if end <= event.opened_s), len(ends))
            event.row = min(free, ROWS - 1)
            ends[event.row : event.row + 1] = [event.closed_s]
        self.rows = max(1, len(ends))


class Bucket(NamedTuple):
    at: float  # share of the clip, 0..1
    share: float  # looks, of the most there can be


class Report:
    """An `Observer` of a replay; `write` makes the page when it is over."""

    def __init__(self, camera: Camera, model_id: str, weights_sha256: str, start_ms: int) -> None:
        self._camera = camera
        self._model_id = model_id
        self._weights_sha256 = weights_sha256
        self._start_ms = start_ms
        self._lanes = {
            name: Lane(rule.kind, getattr(rule, "zone", None) or getattr(rule, "line", None) or "")
            for name, rule in camera.rules.items()
        }
        self._events: dict[UUID, Event] = {}
        self._looks: list[float] = []
        self._awake: list[tuple[float, float]] = []
        self._labels: dict[int, tuple[str, bool]] = {}  # by track: its last label, and whether it was ever confirmed

    def __call__(self, moment: Moment) -> None:
        if moment.picture is not None:
            _extend(self._awake, moment.at, moment.awake)
        if moment.look is not None:
            self._looks.append(moment.at)
            for state in moment.look.states:
                if state.name in self._lanes:
                    _extend(self._lanes[state.name].armed, moment.at, state.armed)
            self._labels |= {track.id: (track.label, track.confirmed) for track in moment.look.tracks}
        for draft in moment.drafts:
            self._take(draft, moment.look)

    def write(self, path: Path, clip: str, stats: ReplayStats, dropped: Mapping[str, int]) -> None:
        """`dropped` are boxes of the model, by reason. Raises SettingsError where `path` cannot be written."""
        length = max(stats.seconds, 0.001)
        _close(self._awake, length)
        for lane in self._lanes.values():
            _close(lane.armed, length)
            lane.arrange()
        events = list(self._events.values())
        text = _environment().get_template("report.html").render(
            camera=self._camera,
            clip=clip,
            length=length,
            stats=stats,
            model=self._model_id,
            weights=self._weights_sha256,
            begins=self._begins(),
            machine=f"{platform.machine()}, {os.cpu_count()}",
            lanes=self._lanes,
            events=events,
            pictured=[event for event in events if event.picture],
            rest=[event for event in events if not event.picture],
            most=PICTURES,
            buckets=self._buckets(length),
            column=_column(length),
            awake=self._awake,
            axis=axis(length),
            tracks=self._tracks(events),
            dropped={reason: count for reason, count in dropped.items() if count},
        )  # fmt: skip
        aside = path.with_name(f"{path.name}.part")
        try:
            aside.write_text(text, encoding="utf-8")
            aside.replace(path)
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise SettingsError(f"{path}: {error.strerror}", hint="free space, or give another file") from error

    def _take(self, draft: Draft, look: Look | None) -> None:
        closed_s = ((draft.closed_at or draft.at) - self._start_ms) / 1000
        if (known := self._events.get(draft.event_id)) is not None:
            known.closed_s = closed_s
            return
        at_once = draft.closed_at == draft.opened_at
        event = Event(len(self._events) + 1, draft, (draft.opened_at - self._start_ms) / 1000, closed_s, at_once)
        if look is not None and event.number <= PICTURES:
            event.picture = self._picture(draft, look)
        self._events[draft.event_id] = event
        # Faults of the camera are no rules of its file, and get one lane, whatever their kinds, when they happen.
        self._lanes.setdefault(draft.rule, Lane("", "")).events.append(event)

    def _picture(self, draft: Draft, look: Look) -> str:
        image = look.frame.image(LONGEST)
        facts = why.of(draft, self._camera, self._model_id)
        why.hide(image, facts, look.people())
        why.draw(image, facts, scale=SCALE, words=False)
        _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()

    def _begins(self) -> str:
        """The clip's begin in UTC, and in the zones that its rules' schedules go by."""
        zones = dict.fromkeys(schedule.time_zone for schedule in self._camera.schedules.values())
        began = datetime.fromtimestamp(self._start_ms / 1000, UTC)
        times = {"UTC": began} | {zone: began.astimezone(ZoneInfo(zone)) for zone in zones}
        return " · ".join(f"{at:%Y-%m-%d %H:%M:%S} {zone}" for zone, at in times.items())

    def _buckets(self, length: float) -> list[Bucket]:
        width = _column(length)
        most = max(1.0, width * self._camera.detect.rate)
        counts = Counter(int(at / width) for at in self._looks)
        return [Bucket(place * width / length, min(1.0, count / most)) for place, count in sorted(counts.items())]

    def _tracks(self, events: Sequence[Event]) -> list[tuple[str, int, int, int]]:
        """Label, followed, given up before they were confirmed, events about it."""
        followed = Counter(label for label, confirmed in self._labels.values() if confirmed)
        given_up = Counter(label for label, confirmed in self._labels.values() if not confirmed)
        about = Counter(event.draft.label for event in events)
        labels = sorted(followed | given_up, key=lambda label: (-followed[label], -given_up[label], label))
        return [(label, followed[label], given_up[label], about[label]) for label in labels]


def _column(length: float) -> float:
    """Seconds of the clip that a column of the lane of looks stands for."""
    return max(length / BUCKETS, 1.0)


def axis(length: float) -> list[tuple[float, str]]:
    """Where the time axis has marks, as a share of its length, and what stands there."""
    step = next((step for step in _STEPS_S if length / step <= 10), _STEPS_S[-1])
    return [(at / length, clock(at, 0)) for at in range(0, int(length) + 1, step)]


def clock(seconds: float, digits: int = 1) -> str:
    """1:02:03.4"""
    minutes, rest = divmod(round(seconds, digits), 60)
    hours, minutes = divmod(int(minutes), 60)
    width = 3 + digits if digits else 2
    tail = f"{minutes:02d}" if hours else f"{minutes}"
    return (f"{hours}:" if hours else "") + f"{tail}:{rest:0{width}.{digits}f}"


def _extend(spans: list[tuple[float, float]], at: float, on: bool) -> None:
    """Spans grow while it is on; an open one ends with inf."""
    running = bool(spans) and spans[-1][1] == float("inf")
    if on and not running:
        spans.append((at, float("inf")))
    elif running and not on:
        spans[-1] = (spans[-1][0], at)


def _close(spans: list[tuple[float, float]], at: float) -> None:
    if spans:
        spans[-1] = (spans[-1][0], min(spans[-1][1], at))


@cache
def texts(language: str) -> Mapping[str, str]:
    return dict(json.loads((PAGES / f"report.{language}.json").read_text("utf-8")))


def text(key: str, **values: object) -> Markup:
    """In all languages; the page shows one. Raises KeyError."""
    return Markup("").join(
        Markup('<span lang="{}">{}</span>').format(language, texts(language)[key].format_map(values))
        for language in LANGUAGES
    )


def name(family: str, raw: str | None) -> Markup:
    """What a kind or a label is called; an unknown one as it is."""
    if raw is None:
        return Markup("")
    return text(f"{family}.{raw}") if f"{family}.{raw}" in texts("en") else escape(raw)


def word(family: str, raw: str | None, language: str) -> str:
    """The same in one language, for where the page cannot hide the other."""
    return "" if raw is None else texts(language).get(f"{family}.{raw}", raw)


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script, style = ((PAGES / f"report.{kind}").read_text("utf-8") for kind in ("js", "css"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    made.globals |= {
        "t": text, "name": name, "word": word, "clock": clock, "script": Markup(script), "style": Markup(style),  # noqa: S704
        "script_hash": digest,
    }  # fmt: skip
    return made

"""Faults on demand: small values that say what a camera does wrong. stream.py and connection.py act on them.

A mount holds at most one fault of each class at a time; different ones add up (a skewed clock and loss).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from vedette.virtual_camera.clip import Clip, load_clip
from vedette.virtual_camera.errors import FaultError, VirtualCameraError


@dataclass(frozen=True, slots=True)
class Freeze:
    """Requests are answered, connections stay open, no picture is sent. Afterwards: on from a key frame."""

    reports: bool = False  # RTCP sender reports go on


@dataclass(frozen=True, slots=True)
class Garbage:
    """Every NAL keeps its header; the rest is random bytes. The same seed gives the same bytes."""

    seed: int = 0


@dataclass(frozen=True, slots=True)
class Noise:
    """In place of all that is sent to viewers, random bytes as long: neither RTP nor RTSP any more."""

    seed: int = 0


@dataclass(frozen=True, slots=True)
class Kick:
    """The mount's connections are closed once; new ones are welcome."""

    reset: bool = False  # not closed in order: RST in place of FIN


@dataclass(frozen=True, slots=True)
class Mute:
    """Connections are accepted, requests never answered; who plays already, plays on."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The mount's connections are closed and so is the listener: as the mounts of a server share its port,
    nobody can connect to any of them."""


@dataclass(frozen=True, slots=True)
class Status:
    """Every request but OPTIONS gets this status: 401 (credentials are never right), 404, 503."""

    code: int

    def __post_init__(self) -> None:
        if self.code not in (401, 404, 503):
            raise FaultError(f"status {self.code} is not served as a fault", hint="use 401, 404 or 503")


@dataclass(frozen=True, slots=True)
class Loss:
    """Every `every`-th RTP packet is not sent, on UDP and on TCP."""

    every: int = 10

    def __post_init__(self) -> None:
        if self.every < 1:
            raise FaultError("loss counts packets: every >= 1")


@dataclass(frozen=True, slots=True)
class ClockSkew:
    """RTCP sender reports show a wall clock that is `seconds` ahead (or behind, if negative)."""

    seconds: float = 3600.0


@dataclass(frozen=True, slots=True)
class Resolution:
    """The pictures of another clip, of the same codec, are sent in the running session."""

    clip: Clip


Fault: TypeAlias = Freeze | Garbage | Noise | Kick | Mute | Refuse | Status | Loss | ClockSkew | Resolution


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault for later."""

    fault: Fault
    at: float  # seconds after the server began to listen
    seconds: float | None = None  # how long; None: until it is cleared
    mount: str | None = None  # None: all mounts


_PLAN = re.compile(
    r"(?:(?P<mount>[^=@]+)/)?(?P<name>[a-z0-9-]+)(?:=(?P<value>.+))?@(?P<at>\d+(?:\.\d+)?)(?::(?P<for>\d+(?:\.\d+)?))?"
)


def _word(value: str, known: str) -> bool:
    """Whether the value is the one word that may stand there; False without a value. Raises FaultError."""
    if value not in ("", known):
        raise FaultError(f"{value!r} means nothing here", hint=f"write {known}, or nothing")
    return value == known


NAMES: dict[str, Callable[[str], Fault]] = {
    "freeze": lambda value: Freeze(reports=_word(value, "reports")),
    "garbage": lambda value: Garbage(int(value or 0)),
    "noise": lambda value: Noise(int(value or 0)),
    "kick": lambda value: Kick(reset=_word(value, "reset")),
    "mute": lambda _: Mute(),
    "refuse": lambda _: Refuse(),
    "401": lambda _: Status(401),
    "404": lambda _: Status(404),
    "503": lambda _: Status(503),
    "loss": lambda value: Loss(int(value or 10)),
    "clock-skew": lambda value: ClockSkew(float(value or 3600)),
    "resolution": lambda value: Resolution(load_clip(Path(value))),
}


def parse_plan(text: str) -> Planned:
    """[MOUNT/]NAME[=VALUE]@SECONDS[:DURATION], e.g. `freeze@20:5`, `gate/loss=50@0`. Raises FaultError."""
    match = _PLAN.fullmatch(text)
    if match is None or match["name"] not in NAMES:
        raise FaultError(
            f"{text!r} is no fault",
            hint=f"write [MOUNT/]NAME[=VALUE]@SECONDS[:DURATION]; names: {', '.join(NAMES)}",
        )
    try:
        fault = NAMES[match["name"]](match["value"] or "")
    except ValueError as error:
        raise FaultError(f"{text!r}: the value is no number") from error
    except VirtualCameraError as error:
        raise FaultError(f"{text!r}: {error}", hint=error.hint) from error
    if isinstance(fault, Kick) and match["for"]:
        raise FaultError(f"{text!r}: a kick has no duration")
    return Planned(fault, float(match["at"]), float(match["for"]) if match["for"] else None, match["mount"])

"""What an edge says of its own numbers, and what central misses of them.

Records are numbered without a gap within an epoch. So central knows by the numbers alone what it lacks, but for the
last ones, which the heartbeat tells; and the edge says of each number that central lacks whether it will still come:
it sends what it holds (waiting, or sent before and kept), and declares the rest lost. A number once declared may come
all the same, e.g. salvaged from a damaged file: then it is not lost.

Sent every half minute and when the edge starts, as JSON; that also shows that the way and the token work.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from contract.errors import WireError
from contract.event import MAX_SEQ, Count, Millis, Name
from contract.wire import short

PATH = "/api/heartbeat"
MAX_EPOCHS = 16  # an edge tells of its newest
MAX_LOST = 200  # spans a heartbeat; more come with the next ones
MAX_MISSING = 200  # spans an answer
MAX_HEARTBEAT = 64 << 10  # bytes

T = TypeVar("T")
Seq = Annotated[int, Meta(ge=1, le=MAX_SEQ)]
Last = Annotated[int, Meta(ge=0, le=MAX_SEQ)]  # 0: none yet


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """All numbers given in an epoch: 1 to `last`."""

    epoch: Millis
    last: Last


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of an epoch, both ends among them. Raises ValueError where they are the wrong way round."""

    epoch: Millis
    first: Seq
    last: Seq

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("last must not lie before first")


class Lost(Span, frozen=True, kw_only=True):
    """Numbers whose records the edge does not have any more, nor ever will as far as it knows."""

    reason: Name  # why, e.g. "damaged", "sacrificed", "parked"; an open set


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    edge_id: Name
    epochs: Annotated[list[Numbers], Meta(min_length=1, max_length=MAX_EPOCHS)]  # the current one last
    waiting: Count  # records that central has not confirmed
    lost: Annotated[list[Lost], Meta(max_length=MAX_LOST)] = []


class HeartbeatAnswer(msgspec.Struct, frozen=True, kw_only=True):
    central_epoch: int
    now: int  # central's clock, UTC ms
    missing: list[Span]  # what was given and has neither come nor been declared lost; oldest first, at most MAX_MISSING


def encode(heartbeat: Heartbeat | HeartbeatAnswer) -> bytes:
    return msgspec.json.encode(heartbeat)


def decode(body: bytes) -> Heartbeat:
    """Raises WireError."""
    return _decoded(body, Heartbeat, "the heartbeat")


def decode_answer(body: bytes) -> HeartbeatAnswer:
    """Raises WireError."""
    return _decoded(body, HeartbeatAnswer, "central's answer")


def _decoded(body: bytes, form: type[T], what: str) -> T:
    if len(body) > MAX_HEARTBEAT:
        raise WireError("too-large", f"{what} has {len(body)} bytes, at most {MAX_HEARTBEAT} are taken")
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError("heartbeat", f"{what} cannot be read: {short(error)}") from error

"""The event record: what happened where, in a closed set of fields. It never says who.

Identity is `(edge_id, epoch, seq)`, given once by the edge's outbox to every record, and `event_id`, given once
to every event. An event is one record if it is over at once (a line crossed), else a record when it opens and
another when it closes; both carry the same `event_id`. One about the edge itself has the edge's id for its camera.

Changes to this schema are additive: new fields go to the end of `EventRecord` and SCHEMA is counted up.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta

SCHEMA = 3

BOX_STEP = 10_000  # boxes are kept to 1/10 000 of the picture: under half a pixel in 4K
CONFIDENCE_STEP = 100
MAX_SEQ = 2**53

State: TypeAlias = Literal["open", "update", "closed"]
Severity: TypeAlias = Literal["info", "warning", "alarm"]

Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z")]
"""An id that people type: letters, digits, dot, dash, underscore."""

# No control characters, and none that turn the direction of writing: labels are shown to people.
Label: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069<>]+\Z")
]
Millis: TypeAlias = Annotated[int, Meta(ge=0, le=253_402_300_799_999)]  # UTC ms since 1970, to the year 9999
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class _Fields(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each field for itself: its type, range and pattern."""

    edge_id: Name
    epoch: Millis  # when the numbers began: with each start of the edge, and after a fault of its disk
    seq: Annotated[int, Meta(ge=1, le=MAX_SEQ)]
    event_id: UUID  # version 7
    camera_id: Name  # edge_id where the event is about the edge itself, of no one camera
    tier: Annotated[int, Meta(ge=1, le=3)]
    pilot: Name
    site: Name
    rule: Name
    kind: Name  # an open set: a central older than its edges stores and shows kinds that it does not know
    zone: Name | None  # the zone or line that the rule looks at
    state: State
    opened_at: Millis
    at: Millis  # when this record was made
    closed_at: Millis | None
    label: Label | None  # what the model calls the object; None where the event is about no object
    count: Count | None
    confidence: Share | None
    box: tuple[Share, Share, Share, Share] | None  # relative left, top, right, bottom
    track: Count | None  # local to the camera; dies with the track
    model: Label
    clock_offset: Annotated[int, Meta(ge=-(2**53), le=2**53)] | None  # ms, central's clock minus the edge's
    severity: Severity = "warning"  # since schema 2
    of: Count | None = None  # since schema 3: `count` is out of so many


class EventRecord(_Fields, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One record. Raises ValueError where fields contradict each other.

    Boxes and confidences are rounded at construction, so that every form of a record holds the same value.
    """

    def __post_init__(self) -> None:
        if self.event_id.version != 7:
            raise ValueError("event_id must be a UUID of version 7")
        if (self.closed_at is not None) != (self.state == "closed"):
            raise ValueError("closed_at belongs to state closed, and to no other")
        if self.at < self.opened_at or (self.closed_at is not None and self.closed_at < self.opened_at):
            raise ValueError("at and closed_at must not lie before opened_at")
        if self.of is not None and (self.count is None or self.count > self.of):
            raise ValueError("of belongs to a count, and is not below it")
        if self.box is not None:
            if self.box[2] < self.box[0] or self.box[3] < self.box[1]:
                raise ValueError("box must be left, top, right, bottom")
            left, top, right, bottom = self.box
            box = (
                _rounded(left, BOX_STEP),
                _rounded(top, BOX_STEP),
                _rounded(right, BOX_STEP),
                _rounded(bottom, BOX_STEP),
            )
            msgspec.structs.force_setattr(self, "box", box)
        if self.confidence is not None:
            msgspec.structs.force_setattr(self, "confidence", _rounded(self.confidence, CONFIDENCE_STEP))


_FIELDS = msgspec.msgpack.Decoder(_Fields)
_ENCODER = msgspec.msgpack.Encoder()


def check(record: EventRecord) -> None:
    """Raises ValueError where a field is out of its range: a struct's constructor looks at none of them. What fields
    say together was looked at then."""
    _FIELDS.decode(_ENCODER.encode(record))


def _rounded(value: float, step: int) -> float:
    if not math.isfinite(value):
        raise ValueError("box and confidence must be finite")
    return round(value * step) / step

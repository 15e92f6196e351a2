"""What a camera is watched for: the kinds of rules and their keys."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag, field_validator

from contract.event import Severity
from contract.geometry import Direction
from contract.section import Id, LongSeconds, Number, Seconds, Section, Whole

LABEL_GROUPS: dict[str, frozenset[str]] = {
    "vehicle": frozenset({"car", "truck", "bus", "motorcycle"}),
    "animal": frozenset({"bird", "cat", "dog", "horse", "sheep", "cow", "bear"}),
    "bag": frozenset({"backpack", "handbag", "suitcase"}),
}
"""Names that stand for several labels of a COCO model."""


def _word_or_list(labels: object) -> str:
    return "word" if isinstance(labels, str) else "list"


Label: TypeAlias = Annotated[str, Field(min_length=1, max_length=64)]
Labels: TypeAlias = Annotated[
    Annotated[Literal["any"], Tag("word")] | Annotated[tuple[Label, ...], Field(min_length=1), Tag("list")],
    Discriminator(_word_or_list),
]
Way: TypeAlias = Literal["up", "down", "left", "right", "any"]
Many: TypeAlias = Annotated[Whole, Field(ge=1, le=200)]  # an edge follows no more objects at once
Leave: TypeAlias = Annotated[Number, Field(ge=0, le=600)]
Multiple: TypeAlias = Annotated[Number, Field(gt=0, le=100)]


class RuleSection(Section):
    """What all rules share."""

    labels: Labels = Field(("person",), description="model labels, groups (vehicle, animal, bag), or the word any")
    severity: Severity = Field("warning", description="how much it matters: info, warning, alarm")
    schedule: Id | None = Field(None, description="armed only in this schedule's windows; without it always")
    anchor: Literal["bottom", "centre"] = Field("bottom", description="the point of the box that is asked where it is")


class ZoneRule(RuleSection):
    zone: Id = Field(description="one of zones")
    leave_s: Leave = Field(1.5, description="out of the zone or unseen this long before it counts as gone")


class _ObjectRule(ZoneRule):
    cooldown_s: Seconds = Field(5.0, description="the same object opens no new event for this long after its last")


class _PlaceRule(ZoneRule):
    recover_s: Seconds = Field(2.0, description="over for this long before the event closes")


class Intrusion(_ObjectRule):
    """Something enters a zone: one event an object."""

    kind: Literal["intrusion"]
    for_s: Seconds = Field(0.3, description="inside this long before it counts")


class Dwell(_ObjectRule):
    """Something stays in a zone: one event an object."""

    kind: Literal["dwell"]
    for_s: LongSeconds = Field(description="inside this long before it counts")


class Occupancy(_PlaceRule):
    """At least so many in a zone at once: one event until they are fewer again."""

    kind: Literal["occupancy"]
    at_least: Many = Field(description="as many at once")
    for_s: Seconds = Field(3.0, description="as many for this long before it counts")


class Absence(_PlaceRule):
    """Fewer than so many in a zone: one event until they are enough again."""

    kind: Literal["absence"]
    fewer_than: Many = Field(1, description="1: nobody is there")
    for_s: LongSeconds = Field(description="fewer for this long before it counts")


class Congestion(_PlaceRule):
    """At least so many in a zone, and they hardly move: one event until it flows again."""

    kind: Literal["congestion"]
    labels: Labels = Field(("vehicle",), description="model labels, groups (vehicle, animal, bag), or the word any")
    at_least: Many = Field(description="as many at once")
    slower_than: Multiple = Field(0.25, description="their median speed, in lengths of their own box a second")
    for_s: LongSeconds = Field(20.0, description="so full and slow for this long before it counts")
    recover_s: Seconds = Field(10.0, description="over for this long before the event closes")


class Abandoned(_ObjectRule):
    """A thing lies in a zone and nobody is near: one event a thing."""

    kind: Literal["abandoned"]
    labels: Labels = Field(("bag",), description="model labels, groups (vehicle, animal, bag), or the word any")
    near: Multiple = Field(1.0, description="a person this near looks after it, in heights of that person")
    for_s: LongSeconds = Field(60.0, description="at rest and alone for this long before it counts")
    leave_s: Leave = Field(10.0, description="out of the zone or unseen this long before it counts as gone")

    @field_validator("labels")
    @classmethod
    def _things(cls, labels: Labels) -> Labels:
        if labels != "any" and "person" in labels:
            raise ValueError("a person is nobody's thing; for people who stay there is the rule dwell")
        return labels


class LineRule(RuleSection):
    line: Id = Field(description="one of lines")


class LineCrossing(LineRule):
    """Something crosses a line: one event an object and crossing."""

    kind: Literal["line_crossing"]
    direction: Way = Field("any", description="where the object goes in the picture")
    cooldown_s: Seconds = Field(2.0, description="the same object counts once in this time in the same direction")


class WrongWay(LineRule):
    """Something crosses a line against the only allowed direction."""

    kind: Literal["wrong_way"]
    allowed: Direction = Field(description="where traffic may go in the picture; the opposite is reported")
    cooldown_s: Seconds = Field(2.0, description="the same object counts once in this time")


class Flow(LineRule):
    """How many crossed a line: one record a label in each interval."""

    kind: Literal["flow"]
    labels: Labels = Field(("vehicle",), description="model labels, groups (vehicle, animal, bag), or the word any")
    severity: Severity = Field("info", description="how much it matters: info, warning, alarm")
    direction: Way = Field("any", description="where the object goes in the picture")
    every_s: Annotated[Number, Field(ge=10, le=86_400)] = Field(300.0, description="length of an interval")


RULES: dict[str, type[RuleSection]] = {
    "intrusion": Intrusion,
    "dwell": Dwell,
    "occupancy": Occupancy,
    "absence": Absence,
    "congestion": Congestion,
    "abandoned": Abandoned,
    "line_crossing": LineCrossing,
    "wrong_way": WrongWay,
    "flow": Flow,
}
Rule: TypeAlias = Annotated[
    Intrusion | Dwell | Occupancy | Absence | Congestion | Abandoned | LineCrossing | WrongWay | Flow,
    Field(discriminator="kind"),
]


def expand(labels: Labels) -> frozenset[str] | None:
    """The model labels that a rule's `labels` stand for; None for any."""
    if labels == "any":
        return None
    found: set[str] = set()
    for label in labels:
        found |= LABEL_GROUPS.get(label, frozenset({label}))
    return frozenset(found)

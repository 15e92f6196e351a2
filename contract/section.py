"""What every part of a camera file is made of: strict numbers, names, shapes, and a section that refuses unknown keys.

Thresholds are in seconds and relative units, never in frames or pixels.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, StringConstraints

from contract import geometry
from contract.geometry import MAX_CORNERS, Point

Number: TypeAlias = Annotated[float, Strict(), Field(allow_inf_nan=False)]  # strict: neither "5" nor true is a number
Whole: TypeAlias = Annotated[int, Strict()]
Id: TypeAlias = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
# No control characters and none that turn the direction of writing: what stands here is shown to people.
Text: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"),
]
Seconds: TypeAlias = Annotated[Number, Field(ge=0, le=86_400)]
LongSeconds: TypeAlias = Annotated[Number, Field(gt=0, le=86_400)]


def _zone(points: tuple[Point, ...]) -> tuple[Point, ...]:
    if fault := geometry.polygon_fault(points):
        raise ValueError(fault)
    return points


def _line(points: tuple[Point, Point]) -> tuple[Point, Point]:
    if fault := geometry.line_fault(points):
        raise ValueError(fault)
    return points


_Corner: TypeAlias = tuple[Number, Number]
Polygon: TypeAlias = Annotated[tuple[_Corner, ...], Field(min_length=3, max_length=MAX_CORNERS), AfterValidator(_zone)]
Line: TypeAlias = Annotated[tuple[_Corner, _Corner], AfterValidator(_line)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

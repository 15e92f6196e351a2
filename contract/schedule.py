"""When rules are armed: windows of the week in the site's own time, and days that are not like others."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, time
from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from contract.section import Section

Day: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _time_of_day(text: object) -> time:
    if isinstance(text, time):
        return text
    if not isinstance(text, str) or not re.fullmatch(TIME_OF_DAY, text):
        raise ValueError("not a time of day")
    return time.fromisoformat(text if text[2] == ":" else f"0{text}")


def _end_of_day(text: object) -> time:
    return time() if text == "24:00" else _time_of_day(text)


def _date(text: object) -> date:
    """Only YYYY-MM-DD: a bare number is no day of 1970."""
    if isinstance(text, date):
        return text
    if isinstance(text, str) and re.fullmatch(DATE, text):
        with suppress(ValueError):  # the 30th of February
            return date.fromisoformat(text)
    raise ValueError("not a date")


DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
TIME_OF_DAY = r"([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"
Start: TypeAlias = Annotated[
    time, BeforeValidator(_time_of_day), WithJsonSchema({"type": "string", "pattern": f"^{TIME_OF_DAY}$"})
]
End: TypeAlias = Annotated[
    time, BeforeValidator(_end_of_day), WithJsonSchema({"type": "string", "pattern": f"^({TIME_OF_DAY}|24:00)$"})
]
Date: TypeAlias = Annotated[
    date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date", "pattern": f"^{DATE}$"})
]


class Window(Section):
    """A span of the day; one that ends before it begins runs past midnight and belongs to the day it began.

    A whole day is 00:00 to 24:00, which time() holds as 00:00 to 00:00.
    """

    days: tuple[Day, ...] = Field(DAYS, min_length=1, description="on which it begins")
    start: Start = Field(description="HH:MM or HH:MM:SS, from then on")
    end: End = Field(description="HH:MM or HH:MM:SS, until just before; 24:00 is midnight")

    @model_validator(mode="after")
    def _has_length(self) -> Window:
        if self.start == self.end != time():
            raise ValueError("start and end are the same; a whole day is 00:00 to 24:00")
        return self


class Holiday(Section):
    """Days that go like another day of the week: a holiday like a Sunday, a Saturday worked instead like a Monday."""

    first: Date = Field(description="YYYY-MM-DD")
    last: Date | None = Field(None, description="YYYY-MM-DD, included; without it only the first day")
    like: Day = Field("sun", description="the day of the week whose windows hold")

    @model_validator(mode="after")
    def _in_order(self) -> Holiday:
        if self.last is not None and self.last < self.first:
            raise ValueError("last lies before first")
        return self


class Schedule(Section):
    """When a rule is armed, in the site's own time."""

    time_zone: str = Field(description="IANA name, e.g. Asia/Shanghai")
    windows: tuple[Window, ...] = Field(min_length=1, description="armed in any of them")
    holidays: tuple[Holiday, ...] = Field((), max_length=400, description="days that go like another; the first counts")

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no such time zone; want an IANA name such as Asia/Shanghai") from None
        return name

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from contract.schedule import Schedule
from edge.rules.schedule import is_open

SHANGHAI, BERLIN = "Asia/Shanghai", "Europe/Berlin"
DAY = [{"start": "08:00", "end": "17:00"}]
NIGHT = [{"start": "19:00", "end": "06:00"}]
WEEKDAY_NIGHT = [{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "19:00", "end": "06:00"}]
SATURDAY = [{"days": ["sat"], "start": "00:00", "end": "24:00"}]

# 2026-11-16 is a Monday.
ROWS = {
    "day: inside": (SHANGHAI, DAY, "2026-11-16 12:00", True),
    "day: first moment": (SHANGHAI, DAY, "2026-11-16 08:00", True),
    "day: last moment": (SHANGHAI, DAY, "2026-11-16 16:59", True),
    "day: the end is outside": (SHANGHAI, DAY, "2026-11-16 17:00", False),
    "night: before midnight": (SHANGHAI, NIGHT, "2026-11-16 23:00", True),
    "night: after midnight": (SHANGHAI, NIGHT, "2026-11-17 05:59", True),
    "night: morning": (SHANGHAI, NIGHT, "2026-11-17 06:00", False),
    "friday's night runs into saturday": (SHANGHAI, WEEKDAY_NIGHT, "2026-11-21 03:00", True),
    "saturday's night is not armed": (SHANGHAI, WEEKDAY_NIGHT, "2026-11-21 23:00", False),
    "sunday's early hours belong to saturday": (SHANGHAI, WEEKDAY_NIGHT, "2026-11-22 03:00", False),
    "monday's early hours belong to sunday": (SHANGHAI, WEEKDAY_NIGHT, "2026-11-16 03:00", False),
    "whole day: first moment": (SHANGHAI, SATURDAY, "2026-11-21 00:00:00", True),
    "whole day: last moment": (SHANGHAI, SATURDAY, "2026-11-21 23:59:59.999", True),
    "whole day: the day after": (SHANGHAI, SATURDAY, "2026-11-22 00:00:00", False),
    "summer time": (BERLIN, DAY, "2026-07-01 08:30", True),
    "winter time": (BERLIN, DAY, "2026-12-01 08:30", True),
}


@pytest.mark.parametrize(("zone", "windows", "local", "expected"), ROWS.values(), ids=ROWS)
def test_is_open(zone, windows, local, expected):
    schedule = Schedule.model_validate({"time_zone": zone, "windows": windows})
    moment = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone))
    assert is_open(schedule, int(moment.timestamp() * 1000)) is expected


WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]
LESSONS = [{"days": WEEKDAYS, "start": "08:00", "end": "17:00"}]
SUNDAY_NIGHT = [{"days": ["sun"], "start": "19:00", "end": "06:00"}]
MONDAY = {"first": "2026-11-16"}
AUTUMN = {"first": "2026-11-16", "last": "2026-11-18"}

HOLIDAY_ROWS = {
    "a Monday that goes like a Sunday": (LESSONS, [MONDAY], "2026-11-16 12:00", False),
    "the day after": (LESSONS, [MONDAY], "2026-11-17 12:00", True),
    "the first of three": (LESSONS, [AUTUMN], "2026-11-16 12:00", False),
    "the last of three": (LESSONS, [AUTUMN], "2026-11-18 16:59", False),
    "after the last of three": (LESSONS, [AUTUMN], "2026-11-19 12:00", True),
    "a Saturday worked instead": (LESSONS, [{"first": "2026-11-21", "like": "mon"}], "2026-11-21 12:00", True),
    "of two entries the first counts": (
        LESSONS, [{"first": "2026-11-17", "like": "tue"}, AUTUMN], "2026-11-17 12:00", True,
    ),
    "the night before a holiday is its own day's": (WEEKDAY_NIGHT, [MONDAY], "2026-11-16 03:00", False),
    "friday's night runs into a holiday": (WEEKDAY_NIGHT, [{"first": "2026-11-21"}], "2026-11-21 03:00", True),
    "the night that begins on a holiday": (WEEKDAY_NIGHT, [MONDAY], "2026-11-16 23:00", False),
    "the night that began on a holiday runs into a weekday": (WEEKDAY_NIGHT, [MONDAY], "2026-11-17 03:00", False),
    "a holiday has a Sunday's night": (SUNDAY_NIGHT, [MONDAY], "2026-11-16 23:00", True),
    "and it runs past midnight": (SUNDAY_NIGHT, [MONDAY], "2026-11-17 05:59", True),
    "and ends": (SUNDAY_NIGHT, [MONDAY], "2026-11-17 06:00", False),
    "a holiday is a day of the site, first moment": (
        [{"days": ["mon"], "start": "00:00", "end": "24:00"}], [MONDAY], "2026-11-16 00:00", False,
    ),
    "a holiday is a day of the site, moment before": (
        [{"days": ["sun"], "start": "00:00", "end": "24:00"}], [MONDAY], "2026-11-15 23:59:59", True,
    ),
    "not supported: a holiday's windows of its own": (LESSONS, [MONDAY], "2026-11-16 09:00", False),
}  # fmt: skip


@pytest.mark.parametrize(("windows", "holidays", "local", "expected"), HOLIDAY_ROWS.values(), ids=HOLIDAY_ROWS)
def test_holidays(windows, holidays, local, expected):
    schedule = Schedule.model_validate({"time_zone": SHANGHAI, "windows": windows, "holidays": holidays})
    moment = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(SHANGHAI))
    assert is_open(schedule, int(moment.timestamp() * 1000)) is expected


@pytest.mark.parametrize("fold", [0, 1], ids=["first", "second"])
def test_the_hour_that_comes_twice_counts_twice(fold):
    schedule = Schedule.model_validate({"time_zone": BERLIN, "windows": [{"start": "02:00", "end": "03:00"}]})
    moment = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo(BERLIN), fold=fold)
    assert is_open(schedule, int(moment.timestamp() * 1000))

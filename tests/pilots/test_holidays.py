"""The days in the examples are those of the State Council's notice on 2026, wherever a schedule has any."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from contract.schedule import DAYS, Schedule
from edge.rules.schedule import day_of
from tests.pilots.test_scenarios import CAMERAS

OFF = {"01-01": 3, "02-15": 9, "04-04": 3, "05-01": 5, "06-19": 3, "09-25": 3, "10-01": 7}  # first day, how many
WORKED = {date.fromisoformat(f"2026-{day}") for day in ("01-04", "02-14", "02-28", "05-09", "09-20", "10-10")}
FREE = {date.fromisoformat(f"2026-{first}") + timedelta(n) for first, days in OFF.items() for n in range(days)}
VACATION = [(date(2026, 1, 31), date(2026, 3, 1)), (date(2026, 7, 11), date(2026, 8, 31))]  # of the school; an example
YEAR = [date(2026, 1, 1) + timedelta(n) for n in range(365)]
SCHEDULES = [(f"{name}: {key}", camera.schedules[key]) for name, camera in CAMERAS.items() for key in camera.schedules]


def expected(day: date, school: bool) -> str:
    if day in FREE or (school and any(first <= day <= last for first, last in VACATION)):
        return "sun"
    return "mon" if day in WORKED else DAYS[day.weekday()]


@pytest.mark.parametrize(("name", "schedule"), SCHEDULES, ids=[name for name, _ in SCHEDULES])
def test_every_day_of_2026(name: str, schedule: Schedule) -> None:
    school = name.startswith("school")
    assert {day: day_of(schedule, day) for day in YEAR} == {day: expected(day, school) for day in YEAR}

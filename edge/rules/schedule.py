"""Is a schedule's window open? Pure: the moment is an argument."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from contract.schedule import DAYS, Day, Schedule


def is_open(schedule: Schedule, utc_ms: int) -> bool:
    """Whether any window holds at this moment, in the schedule's own time zone.

    A window past midnight belongs to the day on which it begins, and a holiday goes like another day from midnight
    to midnight: the night that begins before it is still its own. Where clocks are set back, both of the repeated
    hours count; where they are set forward, the missing hour does not exist.
    """
    local = datetime.fromtimestamp(utc_ms / 1000, UTC).astimezone(ZoneInfo(schedule.time_zone))
    today, yesterday = day_of(schedule, local.date()), day_of(schedule, local.date() - timedelta(days=1))
    now = local.time()
    for window in schedule.windows:
        if window.start < window.end:
            if today in window.days and window.start <= now < window.end:
                return True
        elif (today in window.days and now >= window.start) or (yesterday in window.days and now < window.end):
            return True
    return False


def day_of(schedule: Schedule, day: date) -> Day:
    """The day of the week whose windows hold on a date: of the holidays that it is one of, the first says."""
    for holiday in schedule.holidays:
        if holiday.first <= day <= (holiday.last or holiday.first):
            return holiday.like
    return DAYS[day.weekday()]

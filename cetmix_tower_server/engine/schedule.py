"""When a repeating schedule is due next. Moments are naive UTC datetimes, as the database stores them.

Minutes and hours are lengths of time. Days, weekdays, weeks and months follow the clock and calendar of a time zone:
eight o'clock stays eight o'clock across daylight-saving changes.

* A time skipped because clocks go forward is shifted by the same amount: 02:30 becomes 03:30.
* A time that occurs twice because clocks go back counts once, the first time.
* Every moment is counted from the anchor, never from the previous moment, so a shifted time or a short month does not
  affect later ones. That is also why ``dateutil.rrule`` is not used: it skips months without the anchor's day, and
  walks through every occurrence since the anchor.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import count, islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytz
from dateutil.relativedelta import relativedelta

MINUTES, HOURS, DAYS, WEEKDAYS, WEEKS, MONTHS = INTERVAL_TYPES = (
    "minutes",
    "hours",
    "days",
    "dow",
    "weeks",
    "months",
)


def zone(name: str | None) -> tzinfo:
    """Return the time zone with this name; UTC if there is none.

    Old names (``US/Eastern``) and systems without a time zone database are served from the one in pytz.
    """
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    try:
        with pytz.open_resource(name) as data:
            return ZoneInfo.from_file(data, key=name)
    except (ValueError, OSError):
        return UTC


def next_call(
    anchor: datetime,
    interval_number: int,
    interval_type: str,
    weekdays: Collection[int],
    timezone: tzinfo,
    after: datetime,
) -> datetime | None:
    """Return the first moment of a schedule later than ``after``.

    :param anchor: the schedule's first moment (UTC); sets the time of day, the day of the month and the phase
    :param interval_number: number of minutes, hours, days, weeks or months between moments, at least 1;
        for weekdays: the chosen days of every N-th week
    :param interval_type: one of :data:`INTERVAL_TYPES`
    :param weekdays: days of the week for ``dow``, Monday is 0
    :param timezone: time zone whose clock and calendar apply
    :param after: moment (UTC)
    :return: moment (UTC), never before the anchor; None past the end of the calendar (year 9999)
    :raise ValueError: interval below 1, unknown type, or no weekday chosen
    """
    if interval_number < 1:
        raise ValueError("The interval must be at least 1.")
    if interval_type not in INTERVAL_TYPES:
        raise ValueError(f"There is no interval type {interval_type!r}.")
    if interval_type == WEEKDAYS and not weekdays:
        raise ValueError("At least one day of the week must be chosen.")
    try:
        if interval_type in (MINUTES, HOURS):
            return _next_length(anchor, timedelta(**{interval_type: interval_number}), after)
        moments = _moments(anchor, interval_number, interval_type, weekdays, timezone, max(after, anchor))
        return next(moment for moment in moments if moment > after and moment >= anchor)
    except (OverflowError, ValueError):
        return None  # dates have no year 10000


def next_calls(anchor, interval_number, interval_type, weekdays, timezone, after, limit) -> list[datetime]:
    """Return the next ``limit`` moments, see :func:`next_call`; fewer at the end of the calendar."""

    def walk() -> Iterator[datetime]:
        moment = after
        while moment := next_call(anchor, interval_number, interval_type, weekdays, timezone, moment):
            yield moment

    return list(islice(walk(), limit))


def is_moment(anchor, interval_number, interval_type, weekdays, timezone, moment) -> bool:
    """Return whether a moment belongs to the schedule, see :func:`next_call`."""
    before = moment - timedelta(microseconds=1)
    return next_call(anchor, interval_number, interval_type, weekdays, timezone, before) == moment


def _next_length(anchor: datetime, length: timedelta, after: datetime) -> datetime:
    if after < anchor:
        return anchor
    return anchor + ((after - anchor) // length + 1) * length


def _moments(
    anchor, interval_number, interval_type, weekdays, timezone, around: datetime
) -> Iterator[datetime]:
    """Yield the moments of a calendar schedule in order, from at least one before ``around`` to the calendar's end."""
    local, until = (moment.replace(tzinfo=UTC).astimezone(timezone) for moment in (anchor, around))
    clock = local.time().replace(fold=0)  # the first of two equal times
    for day in _days(local.date(), interval_number, interval_type, weekdays, until.date()):
        if day == local.date():
            yield anchor  # also when it is the second of two equal times
        else:
            yield datetime.combine(day, clock, timezone).astimezone(UTC).replace(tzinfo=None)


def _days(start: date, interval_number, interval_type, weekdays, until: date) -> Iterator[date]:
    """Yield the days of a calendar schedule in order, beginning one interval early: zones have skipped a whole day."""
    unit, offsets = interval_type, [0]
    if interval_type == WEEKDAYS:
        start -= timedelta(days=start.weekday())
        unit, offsets = WEEKS, sorted(set(weekdays))
    if unit == MONTHS:
        passed = (until.year - start.year) * 12 + until.month - start.month
    else:
        passed = (until - start) // timedelta(**{unit: 1})
    for index in count(max(0, passed // interval_number - 1)):
        first = start + relativedelta(**{unit: index * interval_number})  # at most the last day of a month
        yield from [first + timedelta(days=offset) for offset in offsets]

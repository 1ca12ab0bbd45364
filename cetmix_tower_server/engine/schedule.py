"""When something that repeats is due next. Moments are in UTC, without time zone, as the database has them.

Minutes and hours are lengths of time. Days, weekdays, weeks and months are counted on the clock and calendar of a
time zone: eight o'clock stays eight o'clock, whatever daylight-saving time does.

* A time that does not exist (clocks are put forward) is taken as late as it would have been without that: 02:30 becomes 03:30.
* A time that exists twice (clocks are put back) is taken the first time only.
* Every moment is counted from the anchor, never from the one before: such a day, or a month that is too short, shifts nothing after it.
"""

from __future__ import annotations

import calendar
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytz

MINUTES, HOURS, DAYS, WEEKDAYS, WEEKS, MONTHS = INTERVAL_TYPES = (
    "minutes",
    "hours",
    "days",
    "dow",
    "weeks",
    "months",
)
WEEK = 7  # days
# Looked at, around the first guess, before the next moment is found: a zone may skip a day, not more.
TRIES = 4


def zone(name: str | None) -> tzinfo:
    """Return the time zone of this name; UTC when there is none.

    Old names (``US/Eastern``), and systems without a data base of zones, are served from that of pytz.
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
    """Return the first moment of a schedule that is later than ``after``.

    :param anchor: the schedule's first moment (UTC); gives the time of day, the day of the month and the phase
    :param interval_number: every how many of them, at least 1; for weekdays: on those days of every N-th week
    :param interval_type: one of :data:`INTERVAL_TYPES`
    :param weekdays: days of the week for ``dow``, Monday is 0
    :param timezone: whose clock and calendar count
    :param after: moment (UTC)
    :return: moment (UTC), never before the anchor; None when it lies behind the end of the calendar
    :raise ValueError: an interval below 1, an unknown type, weekdays without a day
    """
    if interval_number < 1:
        raise ValueError("The interval must be at least 1.")
    if interval_type == WEEKDAYS and not weekdays:
        raise ValueError("At least one day of the week must be chosen.")
    try:
        if interval_type in (MINUTES, HOURS):
            return _next_length(anchor, timedelta(**{interval_type: interval_number}), after)
        moments = _Calendar(anchor, interval_number, interval_type, weekdays, timezone)
        return next(moment for moment in moments.around(after) if moment > after and moment >= anchor)
    except OverflowError:
        return None


def next_calls(anchor, interval_number, interval_type, weekdays, timezone, after, count) -> list[datetime]:
    """Return the next ``count`` moments, see :func:`next_call`; fewer at the end of the calendar."""

    def walk() -> Iterator[datetime]:
        moment = after
        while moment := next_call(anchor, interval_number, interval_type, weekdays, timezone, moment):
            yield moment

    return list(islice(walk(), count))


def is_moment(anchor, interval_number, interval_type, weekdays, timezone, moment) -> bool:
    """Return whether a moment is one of the schedule's."""
    before = moment - timedelta(microseconds=1)
    return next_call(anchor, interval_number, interval_type, weekdays, timezone, before) == moment


def _next_length(anchor: datetime, length: timedelta, after: datetime) -> datetime:
    if after < anchor:
        return anchor
    return anchor + ((after - anchor) // length + 1) * length


class _Calendar:
    """A schedule by the clock of a time zone: a list of days, numbered from 0, which is the anchor's."""

    def __init__(self, anchor, interval_number, interval_type, weekdays, timezone):
        self._anchor = anchor
        self._local = anchor.replace(tzinfo=UTC).astimezone(timezone)
        self._zone = timezone
        self._number = interval_number
        self._type = interval_type
        self._days = sorted(set(weekdays))
        if interval_type not in (DAYS, WEEKDAYS, WEEKS, MONTHS):
            raise ValueError(f"There is no interval {interval_type!r}.")

    def around(self, after: datetime) -> Iterator[datetime]:
        """Yield moments in order, beginning early enough for the first one later than ``after``.

        There is one among them, unless the calendar ends.
        """
        later = max(after, self._anchor).replace(tzinfo=UTC).astimezone(self._zone).date()
        # A day early: the clock's date may lag behind where a zone skipped a day.
        first = max(0, self._index_of(later - timedelta(days=2)))
        per_index = len(self._days) if self._type == WEEKDAYS else 1
        for index in range(first, first + TRIES + 2 * WEEK // max(1, per_index)):
            for day in self._days_of(index):
                yield self._moment(day)
        raise OverflowError("The schedule has no next moment.")

    def _index_of(self, day: date) -> int:
        """Return the number of the last interval that begins on or before a day."""
        start = self._local.date()
        if self._type == MONTHS:
            months = (day.year - start.year) * 12 + day.month - start.month
            return months // self._number - 1
        if self._type == WEEKDAYS:
            return (day - _monday(start)).days // (WEEK * self._number)
        return (day - start).days // (self._number * (WEEK if self._type == WEEKS else 1))

    def _days_of(self, index: int) -> list[date]:
        """Return the days of an interval, in order."""
        start = self._local.date()
        if self._type == MONTHS:
            year, month = divmod(start.year * 12 + start.month - 1 + index * self._number, 12)
            if year > date.max.year:
                raise OverflowError("behind the end of the calendar")
            last = calendar.monthrange(year, month + 1)[1]
            return [date(year, month + 1, min(start.day, last))]
        if self._type == WEEKDAYS:
            monday = _monday(start) + timedelta(days=index * WEEK * self._number)
            return [monday + timedelta(days=day) for day in self._days]
        length = self._number * (WEEK if self._type == WEEKS else 1)
        return [start + timedelta(days=index * length)]

    def _moment(self, day: date) -> datetime:
        """Return when the schedule's time of day comes on a day."""
        if day == self._local.date():
            return self._anchor  # whichever of two equal times it was
        wanted = datetime.combine(day, self._local.time(), tzinfo=self._zone)
        return wanted.replace(fold=0).astimezone(UTC).replace(tzinfo=None)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())

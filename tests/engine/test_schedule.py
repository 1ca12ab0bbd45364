"""Schedules: known days around daylight-saving changes, and laws that hold for every schedule in every zone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tower_engine.schedule import INTERVAL_TYPES, is_moment, next_call, next_calls, zone

ZONES = {
    name: zone(name)
    for name in (
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",  # clocks are moved by 30 minutes
        "Asia/Kathmandu",  # 5:45 hours
        "UTC",
        "Pacific/Apia",  # skipped 30 December 2011
        "America/Sao_Paulo",  # clocks were moved at midnight
    )
}
BERLIN = ZONES["Europe/Berlin"]
EVERY_DAY = range(7)


def at(text, name="UTC"):
    """Return a moment in UTC from the clock of a zone."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZONES[name])
    return local.astimezone(UTC).replace(tzinfo=None)


def clock(moment, name):
    """Return what the clock of a zone shows."""
    return moment.replace(tzinfo=UTC).astimezone(ZONES[name]).strftime("%Y-%m-%d %H:%M")


def run(start, number, kind, name="UTC", days=(), count=4, after=None):
    """Return the clock's times of the next ``count`` moments; ``after``: default is the start."""
    anchor = at(start, name)
    moments = next_calls(anchor, number, kind, days, ZONES[name], at(after, name) if after else anchor, count)
    return [clock(moment, name) for moment in moments]


# ---------------------------------------------------------------------- known days


@pytest.mark.parametrize(
    ("name", "start", "wanted"),
    [
        # clocks go from 2:00 to 3:00 on 29 March 2026
        ("Europe/Berlin", "2026-03-27 02:30", ["03-28 02:30", "03-29 03:30", "03-30 02:30", "03-31 02:30"]),
        ("Europe/Berlin", "2026-03-28 08:00", ["03-29 08:00", "03-30 08:00", "03-31 08:00", "04-01 08:00"]),
        # and back from 3:00 to 2:00 on 25 October 2026
        ("Europe/Berlin", "2026-10-24 02:30", ["10-25 02:30", "10-26 02:30", "10-27 02:30", "10-28 02:30"]),
        (
            "America/New_York",
            "2026-03-07 02:15",
            ["03-08 03:15", "03-09 02:15", "03-10 02:15", "03-11 02:15"],
        ),
        (
            "America/New_York",
            "2026-10-31 01:30",
            ["11-01 01:30", "11-02 01:30", "11-03 01:30", "11-04 01:30"],
        ),
        # by 30 minutes: from 2:00 to 2:30 on 4 October 2026, back from 2:00 to 1:30 on 5 April
        (
            "Australia/Lord_Howe",
            "2026-10-03 02:15",
            ["10-04 02:45", "10-05 02:15", "10-06 02:15", "10-07 02:15"],
        ),
        (
            "Australia/Lord_Howe",
            "2026-04-04 01:45",
            ["04-05 01:45", "04-06 01:45", "04-07 01:45", "04-08 01:45"],
        ),
        ("Asia/Kathmandu", "2026-03-28 02:30", ["03-29 02:30", "03-30 02:30", "03-31 02:30", "04-01 02:30"]),
        # midnight does not exist on 4 November 2018
        (
            "America/Sao_Paulo",
            "2018-11-03 00:00",
            ["11-04 01:00", "11-05 00:00", "11-06 00:00", "11-07 00:00"],
        ),
    ],
)
def test_days_keep_the_time_of_the_clock(name, start, wanted):
    assert run(start, 1, "days", name) == [f"{start[:4]}-{text}" for text in wanted]


def test_a_time_that_exists_twice_is_taken_once():
    moments = next_calls(
        at("2026-10-24 02:30", "Europe/Berlin"), 1, "days", (), BERLIN, at("2026-10-24 12:00"), 2
    )
    assert moments == [datetime(2026, 10, 25, 0, 30), datetime(2026, 10, 26, 1, 30)]


def test_between_the_two_the_next_one_is_tomorrow():
    anchor = at("2026-10-24 02:30", "Europe/Berlin")
    for hour, minute in ((0, 30), (1, 0), (1, 29), (1, 30), (1, 31)):
        found = next_call(anchor, 1, "days", (), BERLIN, datetime(2026, 10, 25, hour, minute))
        assert found == datetime(2026, 10, 26, 1, 30)


def test_an_anchor_at_the_second_of_two_equal_times_counts_as_it_is():
    second = datetime(2026, 10, 25, 1, 30)  # 2:30 for the second time
    assert next_call(second, 1, "days", (), BERLIN, second - timedelta(hours=2)) == second
    assert next_call(second, 1, "days", (), BERLIN, second) == datetime(2026, 10, 26, 1, 30)


def test_hours_are_lengths_of_time():
    """Every six hours stays six hours, whatever the clock shows."""
    assert run("2026-03-28 20:00", 6, "hours", "Europe/Berlin") == [
        "2026-03-29 03:00",
        "2026-03-29 09:00",
        "2026-03-29 15:00",
        "2026-03-29 21:00",
    ]


@pytest.mark.parametrize(
    ("start", "number", "wanted"),
    [
        ("2026-01-31 09:00", 1, ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        ("2024-01-30 09:00", 1, ["2024-02-29", "2024-03-30", "2024-04-30", "2024-05-30"]),
        ("2024-02-29 09:00", 12, ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        ("2026-10-31 09:00", 4, ["2027-02-28", "2027-06-30", "2027-10-31", "2028-02-29"]),
        ("2026-11-15 09:00", 1, ["2026-12-15", "2027-01-15", "2027-02-15", "2027-03-15"]),
    ],
)
def test_short_months_shift_nothing_after_them(start, number, wanted):
    assert run(start, number, "months", "Europe/Berlin") == [f"{day} 09:00" for day in wanted]


def test_weekdays_are_those_of_the_zone():
    """Half past midnight on Monday in Berlin is Sunday in UTC."""
    assert run("2026-11-23 00:30", 1, "dow", "Europe/Berlin", days=[0]) == [
        "2026-11-30 00:30",
        "2026-12-07 00:30",
        "2026-12-14 00:30",
        "2026-12-21 00:30",
    ]


def test_weekdays_of_every_second_week():
    """Counted from the week of the anchor, a Wednesday; its Monday is over."""
    assert run("2026-11-18 07:00", 2, "dow", days=[0, 4], after="2026-11-01 00:00") == [
        "2026-11-20 07:00",
        "2026-11-30 07:00",
        "2026-12-04 07:00",
        "2026-12-14 07:00",
    ]


def test_every_third_week_over_a_change_of_the_clock():
    assert run("2026-03-16 06:45", 3, "weeks", "America/New_York", count=2) == [
        "2026-04-06 06:45",
        "2026-04-27 06:45",
    ]


def test_what_was_missed_is_not_made_up_for():
    anchor = at("2026-01-01 00:00")
    assert next_call(anchor, 5, "minutes", (), UTC, at("2026-11-21 12:03")) == at("2026-11-21 12:05")
    assert next_call(anchor, 1, "days", (), UTC, at("2026-11-21 12:03")) == at("2026-11-22 00:00")


def test_a_day_that_a_zone_skipped():
    """Its time falls on the next day, once."""
    assert run("2011-12-28 10:00", 1, "days", "Pacific/Apia") == [
        "2011-12-29 10:00",
        "2011-12-31 10:00",
        "2012-01-01 10:00",
        "2012-01-02 10:00",
    ]


def test_the_end_of_the_calendar():
    late = datetime(9999, 12, 30, 12)
    for kind in INTERVAL_TYPES:
        assert next_call(late, 9999, kind, EVERY_DAY, BERLIN, late) is None, kind
    assert next_calls(late, 1, "days", (), UTC, late, 5) == [datetime(9999, 12, 31, 12)]


@pytest.mark.parametrize(
    "wrong", [{"number": 0}, {"number": -1}, {"kind": "dow"}, {"kind": "years"}, {"kind": ""}]
)
def test_what_is_no_schedule(wrong):
    with pytest.raises(ValueError):
        run("2026-01-01 00:00", **{"number": 1, "kind": "days", **wrong})


def test_zones_by_name():
    assert zone(False) is UTC
    assert zone("No/Such_Zone") is UTC
    assert zone("../../etc/passwd") is UTC
    winter = datetime(2026, 1, 1, tzinfo=zone("US/Eastern"))  # an old name
    assert winter.utcoffset() == timedelta(hours=-5)


# ---------------------------------------------------------------------- laws


MOMENTS = st.datetimes(datetime(2005, 1, 1), datetime(2045, 1, 1)).map(lambda m: m.replace(microsecond=0))
# Days around which clocks are moved somewhere.
CHANGES = st.builds(
    lambda day, minutes: datetime.fromisoformat(day) + timedelta(minutes=minutes),
    st.sampled_from(
        ["2026-03-28", "2026-10-24", "2026-03-07", "2026-10-31", "2026-10-03", "2026-04-04", "2011-12-29"]
    ),
    st.integers(0, 3 * 24 * 60),
)
SCHEDULES = st.fixed_dictionaries(
    {
        "anchor": MOMENTS | CHANGES,
        "interval_number": st.integers(1, 70) | st.integers(1, 9999),
        "interval_type": st.sampled_from(INTERVAL_TYPES),
        "weekdays": st.sets(st.integers(0, 6), min_size=1),
        "timezone": st.sampled_from(list(ZONES.values())),
    }
)
DAY_S = 24 * 60 * 60
# Schedules by the calendar that repeat soon.
NEAR = st.fixed_dictionaries(
    {
        "anchor": MOMENTS | CHANGES,
        "interval_number": st.integers(1, 6),
        "interval_type": st.sampled_from(["days", "dow", "weeks", "months"]),
        "weekdays": st.sets(st.integers(0, 6), min_size=1),
        "timezone": st.sampled_from(list(ZONES.values())),
    }
)


@given(SCHEDULES, MOMENTS | CHANGES)
@example(
    dict(
        anchor=datetime(2026, 1, 31, 9),
        interval_number=1,
        interval_type="months",
        weekdays=set(),
        timezone=UTC,
    ),
    datetime(2026, 2, 28, 9),
)
def test_later_than_asked_and_never_before_the_anchor(schedule, after):
    found = next_call(**schedule, after=after)
    assert found > after
    assert found >= schedule["anchor"]
    assert found.tzinfo is None


@given(SCHEDULES, MOMENTS | CHANGES)
def test_it_is_the_first_one(schedule, after):
    """Nothing lies between: asked from any moment in between, the answer is the same."""
    found = next_call(**schedule, after=after)
    for part in (0.001, 0.3, 0.5, 0.999):
        between = after + (found - after) * part
        if between < found:
            assert next_call(**schedule, after=between) == found


@given(SCHEDULES, MOMENTS | CHANGES)
def test_the_phase_is_kept_whatever_was_asked_before(schedule, after):
    """A walk from moment to moment, and a jump behind downtime, lead to the same moments."""
    walk = next_calls(**schedule, after=after, limit=6)
    assert walk == sorted(set(walk))
    for earlier, later in zip(walk, walk[1:], strict=False):
        assert next_call(**schedule, after=earlier) == later
        assert next_call(**schedule, after=later - timedelta(seconds=1)) == later
        assert is_moment(**schedule, moment=later)
    assert is_moment(**schedule, moment=schedule["anchor"]) or schedule["interval_type"] == "dow"


@given(NEAR, st.integers(-20 * DAY_S, 400 * DAY_S))
def test_against_a_slow_walk_over_the_calendar(schedule, seconds):
    """Every day of the calendar is looked at: is it one of the schedule's, and when does the clock show its time?"""
    anchor, number, kind = schedule["anchor"], schedule["interval_number"], schedule["interval_type"]
    after = anchor + timedelta(seconds=seconds)
    local = anchor.replace(tzinfo=UTC).astimezone(schedule["timezone"])
    first = local.date()
    day = first
    while True:
        if _is_day(day, first, number, kind, schedule["weekdays"]):
            wall = datetime.combine(day, local.time(), tzinfo=schedule["timezone"])
            moment = wall.astimezone(UTC).replace(tzinfo=None) if day != first else anchor
            if moment > after and moment >= anchor:
                break
        day += timedelta(days=1)
    assert next_call(**schedule, after=after) == moment


def _is_day(day, first, number, kind, weekdays):
    days = (day - first).days
    if kind == "days":
        return days % number == 0
    if kind == "weeks":
        return days % (7 * number) == 0
    if kind == "dow":
        weeks = ((day - timedelta(days=day.weekday())) - (first - timedelta(days=first.weekday()))).days // 7
        return day.weekday() in weekdays and weeks % number == 0
    months = (day.year - first.year) * 12 + day.month - first.month
    is_last = (day + timedelta(days=1)).month != day.month
    return months % number == 0 and (day.day == first.day or (is_last and day.day < first.day))


@given(NEAR, st.integers(-20 * DAY_S, 400 * DAY_S))
def test_the_clock_shows_the_same_time_or_as_much_later_as_it_was_put_forward(schedule, seconds):
    found = next_call(**schedule, after=schedule["anchor"] + timedelta(seconds=seconds))
    wanted, shown = (
        moment.replace(tzinfo=UTC).astimezone(schedule["timezone"]) for moment in (schedule["anchor"], found)
    )
    if shown.time() != wanted.time():
        intended = datetime.combine(shown.date(), wanted.time(), tzinfo=schedule["timezone"])
        back = intended.astimezone(UTC).astimezone(schedule["timezone"])
        assert back.time() != wanted.time() or found == schedule["anchor"]


@given(SCHEDULES, st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)))
def test_it_always_ends(schedule, after):
    found = next_call(**schedule, after=after)
    assert found is None or found > after

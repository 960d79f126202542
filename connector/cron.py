"""Reads cron lines as cron does, also on the days on which clocks are put forward and back.

APScheduler's own reading of a line (3.11) differs from cron's in three ways that would surprise an
admin, so its triggers are asked for times of day only, without a zone: it counts weekdays from
Monday where cron counts from Sunday; it asks for day *and* weekday where cron takes either; and
when clocks are put back, it runs a daily job twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger

_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: Final = ("minute", "hour", "day", "month", "day_of_week")
_SHIFT: Final = timedelta(hours=3)
"""No clock is put forward or back by more; a whole day skipped at the date line comes out right."""


class Timetable:
    """The moments at which a cron line comes up in a time zone.

    A time of day that is skipped when clocks are put forward comes up as much later as they are put
    forward: 02:30 becomes 03:30. One that comes twice when they are put back counts the first time
    only, except for lines with `*` for the hour, which go on through both hours.
    """

    def __init__(self, triggers: Sequence[CronTrigger], zone: ZoneInfo, *, hourly: bool) -> None:
        self._triggers = triggers
        self._zone = zone
        self._hourly = hourly

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first moment after *moment*, in the time zone; None if there is none."""
        if self._is_steady(moment):
            wall = next(self._walls(self._wall(moment)), None)
            if wall is None or self._is_steady(found := next(self._instants(wall))):
                return found.astimezone(self._zone) if wall else None
        best: datetime | None = None
        for wall in self._walls(self._wall(moment) - _SHIFT):
            if best is not None and wall > self._wall(best) + _SHIFT:
                break
            for instant in self._instants(wall):
                if instant > moment and (best is None or instant < best):
                    best = instant
        return best.astimezone(self._zone) if best else None

    def following(self, moment: datetime) -> Iterator[datetime]:
        """Yield every moment after *moment*, one after the other."""
        found = self.next_after(moment)
        while found is not None:
            yield found
            found = self.next_after(found)

    def _wall(self, moment: datetime) -> datetime:
        """Return what a clock on the wall shows at *moment*, as if it were UTC."""
        return moment.astimezone(self._zone).replace(tzinfo=UTC)

    def _is_steady(self, moment: datetime) -> bool:
        """Say whether no clock is changed near *moment*: then times need no second look."""
        around = ((moment + shift).astimezone(self._zone) for shift in (-_SHIFT, _SHIFT))
        return len({time.utcoffset() for time in around}) == 1

    def _walls(self, wall: datetime) -> Iterator[datetime]:
        while True:
            after = wall + timedelta(microseconds=1)
            found = [trigger.get_next_fire_time(None, after) for trigger in self._triggers]
            times = [time for time in found if time is not None]
            if not times:
                return
            wall = min(times)
            yield wall

    def _instants(self, wall: datetime) -> Iterator[datetime]:
        first = wall.replace(tzinfo=self._zone, fold=0).astimezone(UTC)
        yield first
        if self._hourly:
            second = wall.replace(tzinfo=self._zone, fold=1).astimezone(UTC)
            # For a time that is skipped, fold=1 is the earlier of the two readings.
            if second > first:
                yield second


def cron_trigger(line: str, zone: str) -> Timetable:
    """Return the timetable of a cron line of five fields; raise ValueError saying what is wrong.

    Weekdays are 0 to 7, both ends Sunday, or names. If day and weekday are both restricted, either
    is enough, as in cron.
    """
    given = line.split()
    if len(given) != len(_FIELDS):
        raise ValueError(f"{len(given)} fields instead of 5")
    fields = dict(zip(_FIELDS, given, strict=True))
    fields["day_of_week"] = _weekdays(fields["day_of_week"])
    either = not fields["day"].startswith("*") and fields["day_of_week"] != "*"
    ways = [{**fields, free: "*"} for free in ("day", "day_of_week")] if either else [fields]
    triggers = [_trigger(way) for way in ways]
    if not any(trigger.get_next_fire_time(None, _ANY_DAY) for trigger in triggers):
        raise ValueError("that day never comes")
    return Timetable(triggers, ZoneInfo(zone), hourly=fields["hour"] == "*")


_ANY_DAY: Final = datetime(2024, 1, 1, tzinfo=UTC)


def _trigger(fields: dict[str, Any]) -> CronTrigger:
    # Here and not above: only jobs with a schedule pay for the import.
    from apscheduler.triggers.cron import CronTrigger

    return CronTrigger(**fields, timezone=UTC)


def _weekdays(field: str) -> str:
    """Return cron's weekdays as a list of names, which APScheduler can't misread."""
    if field == "*":
        return field
    days = {day for part in field.split(",") for day in _days(part)}
    return ",".join(_WEEKDAYS[day] for day in sorted(days))


def _days(part: str) -> set[int]:
    span, slash, step = part.partition("/")
    first, dash, last = span.partition("-")
    if span == "*":
        start, end = 0, 6
    else:
        start = _day(first)
        end = _day(last) if dash else (6 if slash else start)
        if dash and end == 0:
            end = 7
    if start > end or (slash and not (step.isdecimal() and int(step))):
        raise ValueError(f"no weekdays: {part!r}")
    return {day % 7 for day in range(start, end + 1, int(step) if slash else 1)}


def _day(text: str) -> int:
    if text.isdecimal() and int(text) <= 7:
        return int(text)
    if text.lower() in _WEEKDAYS:
        return _WEEKDAYS.index(text.lower())
    raise ValueError(f"no weekday: {text!r}")

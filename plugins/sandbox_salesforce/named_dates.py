"""What TODAY, LAST_MONTH and LAST_N_DAYS:30 mean on a day."""

from __future__ import annotations

from datetime import date, timedelta


def span(name: str, today: date) -> tuple[date, date]:
    """Return the first day that *name* means, and the first after it. Weeks begin on Sunday."""
    words, _, count = name.lower().partition(":")
    day = timedelta(days=1)
    match words:
        case "today":
            return today, today + day
        case "yesterday":
            return today - day, today
        case "tomorrow":
            return today + day, today + 2 * day
        case "last_n_days":
            return today - int(count) * day, today + day
        case "next_n_days":
            return today + day, today + (int(count) + 1) * day
        case "last_90_days":
            return today - 90 * day, today + day
        case "next_90_days":
            return today + day, today + 91 * day
    which, _, unit = words.partition("_")
    step = {"last": -1, "this": 0, "next": 1}[which]
    if unit == "week":
        start = today - (today.isoweekday() % 7) * day + step * 7 * day
        return start, start + 7 * day
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    first = (today.year * 12 + today.month - 1) // months + step
    return _first_of(first * months), _first_of((first + 1) * months)


def _first_of(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)

"""How much may be asked in a day, and how much was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from connector.sandbox import Answer
from sandbox_salesforce.call import Call, Endpoint
from sandbox_salesforce.org import Org, Settings
from sandbox_salesforce.refusal import ApiError

_OTHERS: Final = {
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DataStorageMB": 10_240,
    "FileStorageMB": 10_240,
}


def count(call: Call) -> None:
    """Count a request; refuse it if today's are spent."""
    settings = call.org.settings
    if not settings.api_enabled:
        raise ApiError("API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization.")
    with call.org.store.lock:
        if settings.used_requests >= settings.daily_requests:
            raise ApiError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        settings.used_requests += 1
    call.noted.counted = True


def info(settings: Settings) -> str:
    """Return the header that every counted answer has."""
    return f"api-usage={settings.used_requests}/{settings.daily_requests}"


def endpoints() -> Iterator[Endpoint]:
    """Yield where limits are asked for."""
    yield Endpoint("GET", "/limits", _limits)
    yield Endpoint("GET", "/limits/recordCount", _record_count)


def _limits(call: Call) -> Answer:
    settings = call.org.settings
    if not settings.views_setup:
        # The sheet names the right that is needed, not the code.
        raise ApiError("INSUFFICIENT_ACCESS", "View Setup and Configuration is needed")
    left = max(0, settings.daily_requests - settings.used_requests)
    others = {name: {"Max": most, "Remaining": most} for name, most in _OTHERS.items()}
    return Answer(
        {"DailyApiRequests": {"Max": settings.daily_requests, "Remaining": left}} | others
    )


def _record_count(call: Call) -> Answer:
    asked = call.query.get("sObjects", "")
    names = [name.strip() for name in asked.split(",") if name.strip()]
    found = [call.org.schema.find(name) for name in names] if names else [*call.org.schema]
    return Answer(
        {
            "sObjects": [
                {"count": _count(call.org, one.name), "name": one.name} for one in found if one
            ]
        }
    )


def _count(org: Org, name: str) -> int:
    counted: int = org.store.one(f'SELECT count(*) FROM "{name}" WHERE "IsDeleted" = 0')
    return counted

"""Clients of a sandbox, and what they read from its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from sandbox_espocrm.sandbox import EspoSandbox


def client_of(
    sandbox: EspoSandbox,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> httpx.Client:
    """Return a client of *sandbox*."""
    return httpx.Client(
        base_url=f"{sandbox.url}/api/v1",
        headers=headers,
        auth=auth,
        transport=sandbox.transport(),
    )


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return the status of an answer and the reason it gives."""
    return answer.status_code, answer.headers.get("X-Status-Reason", "")


def failed(answer: httpx.Response) -> tuple[str, str]:
    """Return the field and the check that a write failed at."""
    assert answer.status_code == 400
    said: dict[str, Any] = answer.json()["messageTranslation"]
    assert (said["label"], said["scope"]) == ("validationFailure", None)
    data: dict[str, str] = said["data"]
    reason = answer.headers["X-Status-Reason"]
    assert f"field: {data['field']}, type: {data['type']}" in reason
    return data["field"], data["type"]

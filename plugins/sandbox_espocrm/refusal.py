"""What EspoCRM says no with: a status, mostly without a body, and a header with the reason."""

from __future__ import annotations

import re
from typing import Any, Final

from connector.sandbox import Answer

_UNPRINTABLE: Final = re.compile(r"[^ -~]")


class Refused(Exception):
    """A request is refused."""

    def __init__(self, status: int, reason: str = "", body: Any = None) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.body = body

    def answer(self) -> Answer:
        """Return what the client gets."""
        reason = _UNPRINTABLE.sub(" ", self.reason)
        headers = {"X-Status-Reason": reason} if reason else {}
        return Answer(self.body, self.status, headers)


def no_access(action: str) -> Refused:
    """Return the refusal of what the role does not allow."""
    return Refused(403, f"No {action} access.")


def invalid(entity: str, field: str, kind: str) -> Refused:
    """Return the refusal of a value: *kind* is the check that failed."""
    data = {"field": field, "type": kind}
    return Refused(
        400,
        f"Field validation failure; entity: {entity}, field: {field}, type: {kind}.",
        translated("validationFailure", data),
    )


def not_existing(entity: str, link: str, target: str) -> Refused:
    """Return the refusal of a link to what is not there."""
    return Refused(
        403,
        f"Can't relate with non-existing record. entity type: {entity}, link: {link}.",
        translated("cannotRelateNonExisting", {"foreignEntityType": target}),
    )


def translated(label: str, data: Any, scope: str | None = None) -> Any:
    """Return a message that the page of EspoCRM finds the words for."""
    return {"messageTranslation": {"label": label, "scope": scope, "data": data}}

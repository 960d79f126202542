"""What Salesforce says no with: a code, a message and the fields that it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_STATUS: Final = {
    "INVALID_SESSION_ID": 401,
    "REQUEST_LIMIT_EXCEEDED": 403,
    "API_DISABLED_FOR_ORG": 403,
    "INSUFFICIENT_ACCESS": 403,
    "INSUFFICIENT_ACCESS_OR_READONLY": 403,
    "NOT_FOUND": 404,
    "ENTITY_IS_DELETED": 404,
    "METHOD_NOT_ALLOWED": 405,
    "GONE": 410,
    "PRECONDITION_FAILED": 412,
    "URI_TOO_LONG": 414,
}


class ApiError(Exception):
    """A request, or a row of it, is refused."""

    def __init__(self, code: str, message: str, *fields: str, status: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.fields = fields
        self.status = status or _STATUS.get(code, 400)

    def as_answer(self) -> dict[str, Any]:
        """Return it as it stands in the answer to a whole request."""
        fields: Mapping[str, Any] = {"fields": list(self.fields)} if self.fields else {}
        return {"message": self.message, "errorCode": self.code, **fields}

    def as_row(self) -> dict[str, Any]:
        """Return it as it stands beside a row: the code has another name there."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}


class UnreadableBody(ApiError):
    """The body can't be read as records: refused as a whole, also where rows are refused singly."""

    def __init__(self, message: str, code: str = "JSON_PARSER_ERROR") -> None:
        super().__init__(code, message)


def no_such_column(name: str, sobject: str) -> ApiError:
    """Return the refusal of a field that does not exist, or that the user may not see."""
    # The longer text of the true service goes on with advice on custom fields.
    return ApiError("INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject}", name)

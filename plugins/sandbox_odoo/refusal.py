"""Errors as Odoo names them, and what each transport makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of errors.

    *fault* is its number in XML-RPC, *status* its HTTP status in JSON-2; *json2* how that one names
    it, where it has a name of its own.
    """

    name: str
    fault: int
    status: int
    json2: str = ""


ACCESS_DENIED: Final = Kind(
    "odoo.exceptions.AccessDenied", 3, 401, "werkzeug.exceptions.Unauthorized"
)
ACCESS: Final = Kind("odoo.exceptions.AccessError", 4, 403)
MISSING: Final = Kind("odoo.exceptions.MissingError", 2, 404)
VALIDATION: Final = Kind("odoo.exceptions.ValidationError", 2, 422)
USER: Final = Kind("odoo.exceptions.UserError", 2, 422)
VALUE: Final = Kind("builtins.ValueError", 1, 500)
KEY: Final = Kind("builtins.KeyError", 1, 500)
# The names that JSON-2 has for these are from memory; the statuses were seen.
NO_MODEL: Final = Kind("odoo.exceptions.UserError", 2, 404, "werkzeug.exceptions.NotFound")
ATTRIBUTE: Final = Kind("builtins.AttributeError", 1, 404, "werkzeug.exceptions.NotFound")
TYPE: Final = Kind("builtins.TypeError", 1, 422, "werkzeug.exceptions.UnprocessableEntity")
DATABASE: Final = Kind("psycopg2.OperationalError", 1, 404, "werkzeug.exceptions.NotFound")


class Refused(Exception):
    """A call is refused; nothing of it is kept."""

    def __init__(self, kind: Kind, message: str, *arguments: Any) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.arguments: list[Any] = list(arguments or (message,))

    @property
    def debug(self) -> str:
        """A traceback, as all transports show it: it is to be kept out of logs."""
        where = 'File "/usr/lib/python3/dist-packages/odoo/http.py", line 1963, in _serve_db'
        return (
            f"Traceback (most recent call last):\n  {where}\n    return service_model.retrying()\n"
            f"{self.kind.name}: {self.message}\n"
        )


def invalid_field(name: object, model: str) -> Refused:
    """Return what is said of a field that isn't there."""
    return Refused(VALUE, f"Invalid field {name!r} on model {model!r}")

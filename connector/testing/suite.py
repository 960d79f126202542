"""What both suites share: declared gaps, comparison by text, and the search for leaked secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import unquote, urlsplit

import pytest
from pydantic import BaseModel, SecretBytes, SecretStr

from connector.contract import Adapter, Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

_YES: Final = ("true", "yes", "y", "1", "t")
_NO: Final = ("false", "no", "n", "0", "f")

NO_SUCH_FIELD: Final = "no_such_field"
"""A field that no CRM under test has."""


class Suite:
    """The part of a suite that its author fills in.

    *cannot* names what the CRM or its test backend can't do, with the reason; the checks that
    need it are skipped and show that reason. Its keys are methods of the backend or one of
    `may_lack`.
    """

    cannot: ClassVar[Mapping[str, str]] = {}
    may_lack: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if unknown := set(cls.cannot) - cls.may_lack:
            known = ", ".join(sorted(cls.may_lack))
            raise TypeError(f"{cls.__name__}.cannot: {sorted(unknown)} is not one of {known}")

    @pytest.fixture
    def adapter(self) -> Adapter[Any]:
        """Return the adapter under test."""
        raise NotImplementedError("give a fixture `adapter` that returns your Adapter")

    @pytest.fixture
    def backend(self) -> object:
        """Return what changes the CRM behind the adapter; see `SourceBackend`, `WriterBackend`."""
        raise NotImplementedError("give a fixture `backend` that stands for the CRM")

    @pytest.fixture
    def settings(self) -> BaseModel:
        """Return valid settings for *backend*, with pages of a few rows where that can be set."""
        raise NotImplementedError("give a fixture `settings` that returns the adapter's settings")

    def need(self, *abilities: str) -> None:
        """Skip the check, with the author's reason, if one of *abilities* is declared missing."""
        for ability in abilities:
            if ability in self.cannot:
                pytest.skip(f"{ability}: {self.cannot[ability]}")


def records(rows: Rows) -> list[dict[str, object]]:
    """Return *rows* as dictionaries, whether they are mappings or an Arrow table."""
    if isinstance(rows, (list, tuple)):
        return [dict(row) for row in rows]
    if hasattr(rows, "to_pylist"):
        return list(rows.to_pylist())
    return [dict(row) for row in rows]


def same(one: object, other: object) -> bool:
    """Return whether two values are equal as a CRM would show them; None and "" are."""
    return _text(one) == _text(other)


def means(came: object, put: object) -> bool:
    """Return whether a value says what was put: as itself, or as a text that reads the same."""
    said = _text(came)
    try:
        match put:
            case bool():
                return said.lower() in (_YES if put else _NO)
            case int() | Decimal():
                return Decimal(said) == put
            case datetime():
                time = datetime.fromisoformat(said)
                return (time if time.tzinfo else time.replace(tzinfo=put.tzinfo)) == put
            case date():
                return said[:10] == put.isoformat()
    except (ValueError, InvalidOperation):
        return False
    return said == _text(put)


def expect_no_secret(settings: BaseModel, *texts: str) -> None:
    """Fail if a secret of *settings*, or the password inside a secret URL, is in *texts*."""
    for secret in secrets(settings):
        for text in texts:
            if secret in text:
                shown = text.replace(secret, "<the secret>")
                pytest.fail(f"a secret of the settings is shown: {shown}", pytrace=False)


def secrets(model: BaseModel) -> Iterator[str]:
    """Yield every secret text in *model* that is long enough to be looked for."""
    for name in type(model).model_fields:
        for secret in _secrets_of(getattr(model, name)):
            if len(secret) >= 4:  # a shorter one would be found by chance
                yield secret


def _secrets_of(value: object) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
        if password := urlsplit(value.get_secret_value()).password:
            yield unquote(password)
    elif isinstance(value, SecretBytes):
        yield value.get_secret_value().decode(errors="replace")
    elif isinstance(value, BaseModel):
        yield from secrets(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets_of(item)
    elif isinstance(value, (list, tuple)):
        items: Sequence[object] = value
        for item in items:
            yield from _secrets_of(item)


def _text(value: object) -> str:
    return "" if value is None else str(value)

"""The conformance suite for sources: what the host relies on when it pulls."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, cast

import pytest

from connector.contract import Adapter, Page, RateSource, Source
from connector.errors import AuthError, ConnectorError, RemoteError, Transient
from connector.model import FIELDS, Field, Kind, Stream
from connector.testing.suite import NO_SUCH_FIELD, Suite, expect_no_secret, means, records

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from pydantic import BaseModel


class SourceBackend(Protocol):
    """How the suite changes what the CRM holds. What can't be done goes into `cannot`."""

    def put(self, stream: Stream, rows: Sequence[Mapping[str, object]]) -> None:
        """Create these records, or change those that exist, under the CRM's field names.

        The CRM stamps them with its own clock, which should stand still during a test: records
        changed within one second are where changed-since goes wrong.
        """
        ...

    def delete(self, stream: Stream, ids: Sequence[str]) -> None:
        """Delete these records as a person would."""
        ...

    def refuse_logins(self) -> None:
        """Stop accepting the credentials of the settings."""
        ...

    def cut_network(self) -> None:
        """Become unreachable."""
        ...


_TEXTS: Final = [
    pytest.param("Žofie Müller 株式会社 🏔", id="unicode"),
    pytest.param("00042", id="leading-zeros"),
    pytest.param("1e5", id="like-a-number"),
    pytest.param("2024-01-01", id="like-a-date"),
    pytest.param("NULL", id="like-null"),
    pytest.param("TRUE", id="like-a-flag"),
    pytest.param("  two spaces, then a tab\t", id="whitespace"),
    pytest.param("""O'Brien "Bob", & Sons; <b>100 %</b> \\n""", id="quotes"),
    pytest.param("first line\nsecond line", id="newlines"),
]

_EXAMPLES: Final = {
    Kind.MONEY: Decimal("12.5"),
    Kind.NUMBER: Decimal("2.5"),
    Kind.DATE: date(2026, 6, 30),
    Kind.TIME: datetime(2026, 6, 30, 8, 15, tzinfo=UTC),
    Kind.FLAG: True,
}
_STAMPS: Final = ("created_at", "modified_at")


class SourceContract(Suite):
    """Subclass, give the fixtures `adapter`, `backend` (a `SourceBackend`) and `settings`.

    *streams* are checked one by one. *many* rows must make at least three pages. *text* is our
    name of a field that holds free text; *texts* is that of streams that lack it. Override
    `make_id`, `row` or `example` where the CRM wants other ids, more fields or other values.
    Declare in *cannot* what is impossible, with the reason:
    ``cannot = {"refuse_logins": "a file has no login"}``; besides the backend's methods its keys
    may be `pages`, `null`, `text` and `values`.
    """

    may_lack = frozenset(
        {"delete", "refuse_logins", "cut_network", "pages", "null", "text", "values"}
    )
    streams: ClassVar[Sequence[Stream]] = (Stream.ACCOUNTS, Stream.OPPORTUNITIES)
    many: ClassVar[int] = 7
    text: ClassVar[str] = "name"
    texts: ClassVar[Mapping[Stream, str]] = {
        Stream.LINE_ITEMS: "product",
        Stream.ACTIVITIES: "outcome",
        Stream.COSTS: "campaign",
        Stream.CONTACT_TARGETS: "layer",
    }

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run each check that asks for a stream once for each of *streams*."""
        if "stream" in metafunc.fixturenames:
            metafunc.parametrize("stream", self.streams, ids=str)

    def make_id(self, number: int) -> str:
        """Return the id of the suite's record *number*, 0 to 999, ascending with it."""
        return f"{number:04d}"

    def text_of(self, stream: Stream) -> str:
        """Return our name of a field of *stream* that holds free text."""
        return self.texts.get(stream, self.text)

    def example(self, field: Field) -> object:
        """Return a value that the CRM takes for one of our fields."""
        if field.kind is Kind.CHOICE:
            return field.choices[0]
        return _EXAMPLES.get(field.kind, self.make_id(1))

    def row(self, adapter: Adapter[Any], stream: Stream, number: int) -> dict[str, object]:
        """Return the suite's record *number* under the CRM's names: an id and a text.

        Of an optional stream it has all that we require of a record.
        """
        theirs = adapter.fields[stream]
        row: dict[str, object] = {}
        for field in FIELDS[stream].values():
            if stream.optional and field.required and field.name in theirs:
                row[theirs[field.name]] = self.example(field)
        row[theirs["id"]] = self.make_id(number)
        row[theirs[self.text_of(stream)]] = f"Record {number}"
        return row

    @pytest.fixture
    def pull(self, adapter: Adapter[Any], settings: BaseModel) -> Pull:
        """Return what pulls through a source opened anew, as the host does after a crash."""
        return Pull(adapter, settings, self.text_of)

    @pytest.fixture
    def rows(
        self, adapter: Adapter[Any], backend: SourceBackend, stream: Stream
    ) -> list[dict[str, object]]:
        """Return *many* records that the CRM holds, all with one modification time."""
        rows = [self.row(adapter, stream, number) for number in range(100, 100 + self.many)]
        backend.put(stream, rows)
        return rows

    def test_check_says_who_we_are(self, pull: Pull) -> None:
        """A person reads it: `connected as ...`."""
        with closing(pull.open()) as source:
            assert source.check().strip()

    def test_close_twice_does_nothing(self, pull: Pull) -> None:
        """The host closes on every way out."""
        source = pull.open()
        source.close()
        source.close()

    def test_rates_can_be_kept(self, pull: Pull) -> None:
        """The host keeps one a day for each currency, and divides by that of the job's."""
        with closing(pull.open()) as source:
            if not isinstance(source, RateSource):
                pytest.skip("the source tells no exchange rates")
            rates = source.rates()
        for one in rates:
            assert re.fullmatch("[A-Z]{3}", one.currency), f"{one}: no ISO 4217 code"
            assert isinstance(one.rate, Decimal), f"{one}: not exact"
            assert one.rate > 0, f"{one}: not more than 0"
        days = [(one.currency, one.valid_from) for one in rates]
        assert len(days) == len(set(days)), "two rates of a currency for one day"
        shared = {one.currency for one in rates} - {o.currency for o in rates if o.rate != 1}
        assert shared or not rates, "the currency that they are in is not among them, at 1"

    def test_all_rows_arrive_across_page_borders(
        self, pull: Pull, stream: Stream, rows: list[dict[str, object]]
    ) -> None:
        """All have one stamp: a border between two of them loses none."""
        assert pull.held(stream, pull(stream)) == pull.texts(stream, rows)

    def test_the_stream_comes_in_several_pages(
        self, pull: Pull, stream: Stream, rows: list[dict[str, object]]
    ) -> None:
        """Or nothing below about resuming would be checked."""
        self.need("pages")
        assert len(pull(stream)) >= 3, (
            "make the pages smaller in `settings`, raise `many`, or declare cannot['pages']"
        )

    def test_a_row_that_comes_twice_is_the_same(
        self, pull: Pull, stream: Stream, rows: list[dict[str, object]]
    ) -> None:
        """Duplicates are harmless only then."""
        seen: dict[str, dict[str, object]] = {}
        for page in pull(stream):
            for row in records(page.rows):
                assert seen.setdefault(pull.id_of(stream, row), row) == row

    def test_a_pull_resumes_after_any_page(
        self, pull: Pull, stream: Stream, rows: list[dict[str, object]]
    ) -> None:
        """The pages up to a crash and those after it hold what an undisturbed pull holds."""
        for stop in range(1, len(pull(stream)) + 1):
            before = pull(stream, stop=stop)
            after = pull(stream, before[-1].cursor)
            held = pull.held(stream, [*before, *after])
            assert held == pull.texts(stream, rows), f"stopped after page {stop}"

    def test_a_resumed_scan_stays_the_same_scan(
        self, pull: Pull, stream: Stream, rows: list[dict[str, object]]
    ) -> None:
        """Otherwise the rows before the crash would count as deleted; and names are used once."""
        whole = pull(stream)
        if whole[0].scan is None:
            pytest.skip("the source reads increments, not scans")
        for stop in range(1, len(whole)):
            before = pull(stream, stop=stop)
            after = pull(stream, before[-1].cursor)
            scan = [page for page in (*before, *after) if page.scan == before[0].scan]
            held = pull.held(stream, scan)
            assert held == pull.texts(stream, rows), f"stopped after page {stop}"
        again = pull(stream, whole[-1].cursor)
        assert not {page.scan for page in again} & {page.scan for page in whole}

    def test_a_change_in_the_same_second_is_seen(
        self, pull: Pull, backend: SourceBackend, stream: Stream, rows: list[dict[str, object]]
    ) -> None:
        """A cursor is inclusive: the last second may not have been over when it was read."""
        cursor = pull(stream)[-1].cursor
        changed = {**rows[0], pull.their_text(stream): "Changed at once"}
        backend.put(stream, [changed])
        held = pull.held(stream, pull(stream, cursor))
        assert held.get(pull.id_of(stream, changed)) == "Changed at once"

    @pytest.mark.parametrize("low", [True, False], ids=["low-id", "high-id"])
    def test_a_row_added_between_two_pulls_is_never_lost(
        self,
        adapter: Adapter[Any],
        pull: Pull,
        backend: SourceBackend,
        stream: Stream,
        rows: list[dict[str, object]],
        low: bool,
    ) -> None:
        """Wherever the pull stood: it comes in what is left of this pull, or in the next."""
        for stop in range(1, len(pull(stream)) + 1):
            before = pull(stream, stop=stop)
            rows.append(self.row(adapter, stream, stop if low else 900 + stop))
            backend.put(stream, rows[-1:])
            after = pull(stream, before[-1].cursor)
            later = pull(stream, [*before, *after][-1].cursor)
            held = pull.held(stream, [*before, *after, *later])
            assert held == pull.texts(stream, rows), f"added after page {stop}"

    def test_a_row_changed_during_a_pull_is_never_lost(
        self, pull: Pull, backend: SourceBackend, stream: Stream, rows: list[dict[str, object]]
    ) -> None:
        """It may move to the end, but the next pull holds it at the latest."""
        before = pull(stream, stop=1)
        for row in (rows[0], rows[-1]):
            row[pull.their_text(stream)] = "Changed on the way"
            backend.put(stream, [row])
        after = pull(stream, before[-1].cursor)
        later = pull(stream, [*before, *after][-1].cursor)
        held = pull.held(stream, [*before, *after, *later])
        assert held == pull.texts(stream, rows)

    def test_a_deletion_is_seen(
        self, pull: Pull, backend: SourceBackend, stream: Stream, rows: list[dict[str, object]]
    ) -> None:
        """By the feed (`Page.deleted`), or by a scan that ended without the row."""
        self.need("delete")
        cursor = pull(stream)[-1].cursor
        gone = pull.id_of(stream, rows[1])
        backend.delete(stream, [gone])
        assert pull.tells_of(stream, gone, pull(stream, cursor))

    def test_deleting_the_last_row_is_seen(
        self, adapter: Adapter[Any], pull: Pull, backend: SourceBackend, stream: Stream
    ) -> None:
        """No page would mean that nothing has changed: an empty scan still is a page."""
        self.need("delete")
        backend.put(stream, [self.row(adapter, stream, 1)])
        cursor = pull(stream)[-1].cursor
        backend.delete(stream, [self.make_id(1)])
        assert pull.tells_of(stream, self.make_id(1), pull(stream, cursor))

    def test_an_empty_stream_is_no_error(
        self, adapter: Adapter[Any], pull: Pull, backend: SourceBackend, stream: Stream
    ) -> None:
        """And the first row that it gets is seen by the next pull."""
        pages = pull(stream)
        assert pull.held(stream, pages) == {}
        row = self.row(adapter, stream, 1)
        backend.put(stream, [row])
        cursor = pages[-1].cursor if pages else None
        assert pull.held(stream, pull(stream, cursor)) == pull.texts(stream, [row])

    def test_an_empty_value_is_not_a_missing_field(
        self, adapter: Adapter[Any], pull: Pull, backend: SourceBackend, stream: Stream
    ) -> None:
        """An empty value is None or "" under its name."""
        self.need("null")
        name = pull.their_text(stream)
        backend.put(stream, [{**self.row(adapter, stream, 1), name: None}])
        (row,) = [row for page in pull(stream) for row in records(page.rows)]
        assert name in row
        assert row[name] in (None, "")

    def test_a_field_that_the_crm_has_not_is_never_made_up(
        self, pull: Pull, stream: Stream, rows: list[dict[str, object]]
    ) -> None:
        """It is left out of the rows, or asking for it is an error that names it."""
        try:
            pages = pull(stream, extra=[NO_SUCH_FIELD])
        except ConnectorError as error:
            assert NO_SUCH_FIELD in str(error)  # noqa: PT017 - an error is one of two good answers
            return
        assert all(NO_SUCH_FIELD not in row for page in pages for row in records(page.rows))

    @pytest.mark.parametrize("text", _TEXTS)
    def test_text_arrives_exactly(
        self,
        adapter: Adapter[Any],
        pull: Pull,
        backend: SourceBackend,
        stream: Stream,
        text: str,
    ) -> None:
        """Nothing is trimmed, guessed or escaped."""
        self.need("text")
        row = {**self.row(adapter, stream, 1), pull.their_text(stream): text}
        backend.put(stream, [row])
        assert pull.held(stream, pull(stream)) == pull.texts(stream, [row])

    def test_a_value_of_every_kind_arrives(
        self, adapter: Adapter[Any], pull: Pull, backend: SourceBackend, stream: Stream
    ) -> None:
        """An amount, a day or a flag comes as what it is, or as text that says the same."""
        self.need("values")
        if not stream.optional:
            pytest.skip(f"the suite writes nothing but texts into {stream}")
        theirs = adapter.fields[stream]
        fields = [one for name, one in FIELDS[stream].items() if name in theirs]
        put = {theirs[one.name]: self.example(one) for one in fields if one.name not in _STAMPS}
        put |= self.row(adapter, stream, 1)
        backend.put(stream, [put])
        *_, came = [row for page in pull(stream, extra=[*put]) for row in records(page.rows)]
        assert {name: value for name, value in put.items() if not means(came[name], value)} == {}

    def test_refused_credentials_are_an_auth_error(
        self,
        pull: Pull,
        backend: SourceBackend,
        settings: BaseModel,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """From `check` and from `pull`, and neither shows the secret."""
        self.need("refuse_logins")
        backend.refuse_logins()
        expect_no_secret(settings, *self._failures(pull, AuthError), caplog.text)

    def test_a_dead_network_is_transient(
        self,
        pull: Pull,
        backend: SourceBackend,
        settings: BaseModel,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """From `check` and from `pull`: the host tries again, the adapter does not."""
        self.need("cut_network")
        backend.cut_network()
        expect_no_secret(settings, *self._failures(pull, Transient), caplog.text)

    def _failures(self, pull: Pull, expected: type[RemoteError]) -> list[str]:
        calls: list[Callable[[], object]] = [pull.check, lambda: pull(self.streams[0])]
        messages = []
        for call in calls:
            with pytest.raises(expected) as failure:
                call()
            assert str(failure.value).strip()
            messages.append(str(failure.value))
        return messages


class Pull:
    """Pulls a stream through a source that is opened for it and closed after it."""

    def __init__(
        self, adapter: Adapter[Any], settings: BaseModel, text_of: Callable[[Stream], str]
    ) -> None:
        self.adapter = adapter
        self.settings = settings
        self.text_of = text_of

    def __call__(
        self,
        stream: Stream,
        cursor: str | None = None,
        *,
        stop: int | None = None,
        extra: Sequence[str] = (),
    ) -> list[Page]:
        """Return the pages after *cursor*, at most *stop* of them, as far as a crash would get."""
        fields = list(dict.fromkeys((self.theirs(stream, "id"), self.their_text(stream), *extra)))
        with closing(self.open()) as source:
            pull = source.pull(stream, fields, cursor)
            pages = list(islice(pull, stop))
            if hasattr(pull, "close"):
                cast("Generator[Page]", pull).close()
        assert all(isinstance(page.cursor, str) for page in pages), "a cursor is text"
        return pages

    def open(self) -> Source:
        """Return a new source."""
        assert self.adapter.source is not None, "the adapter has no source"
        return self.adapter.source(self.settings)

    def check(self) -> str:
        """Return what a new source says of itself."""
        with closing(self.open()) as source:
            return source.check()

    def theirs(self, stream: Stream, ours: str) -> str:
        """Return the CRM's name of a field."""
        return self.adapter.fields[stream][ours]

    def their_text(self, stream: Stream) -> str:
        """Return the CRM's name of the field that holds free text."""
        return self.theirs(stream, self.text_of(stream))

    def id_of(self, stream: Stream, row: Mapping[str, object]) -> str:
        """Return the id of a row as text."""
        return str(row[self.theirs(stream, "id")])

    def texts(self, stream: Stream, rows: Sequence[Mapping[str, object]]) -> dict[str, object]:
        """Return the text of each row by its id; the last of each id counts."""
        name = self.their_text(stream)
        return {self.id_of(stream, row): row.get(name) for row in rows}

    def held(self, stream: Stream, pages: Sequence[Page]) -> dict[str, object]:
        """Return the text of each row that the host would hold after *pages*, by id."""
        held: dict[str, object] = {}
        for page in pages:
            held.update(self.texts(stream, records(page.rows)))
            for gone in page.deleted:
                held.pop(gone, None)
        return held

    def tells_of(self, stream: Stream, gone: str, pages: Sequence[Page]) -> bool:
        """Return whether these pages, read to the end, tell that *gone* no longer exists."""
        if any(gone in page.deleted for page in pages):
            return True
        scans = [page for page in pages if page.scan is not None]
        return bool(scans) and gone not in self.held(stream, scans)

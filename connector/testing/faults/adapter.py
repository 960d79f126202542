"""Faults of the contract: a source and a writer that behave as bad adapters and CRMs would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, TypeVar

from connector.contract import Adapter, Change, Current, Page, Rows, Source, WriteOutcome, Writer
from connector.http import NoAnswer
from connector.model import Stream
from connector.testing.faults.script import (
    Late,
    Meanwhile,
    Overtaken,
    Play,
    Script,
    Twice,
    playing,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """What the host asks for: a check, the next page of a stream, what is held, or changes."""

    name: Literal["check", "page", "current", "write"]
    side: Literal["source", "writer"]
    stream: Stream | None = None
    accounts: Sequence[str] = ()
    changes: Sequence[Change] = ()


@dataclass(frozen=True, slots=True)
class Fails:
    """The call raises what *error* makes: before anything was done, or after all was."""

    error: Callable[[], Exception]
    when: Literal["before", "after"] = "before"


@dataclass(frozen=True, slots=True)
class BreaksOff:
    """A writer tells *after* outcomes and raises what *error* makes.

    Carried out were all changes (*all_sent*), or only those whose outcome was told.
    """

    after: int
    error: Callable[[], Exception]
    all_sent: bool = True


@dataclass(frozen=True, slots=True)
class Missing:
    """A writer carries out all changes and keeps the first *count* outcomes to itself."""

    count: int = 1


@dataclass(frozen=True, slots=True)
class Backwards:
    """Outcomes, or the rows of an answer, come in the opposite order."""


CallFault: TypeAlias = Fails | BreaksOff | Missing | Backwards | Twice | Overtaken | Meanwhile
CallScript: TypeAlias = Script[Call, CallFault] | Play[Call, CallFault]


def faulty_adapter(adapter: Adapter[Any], script: CallScript) -> Adapter[Any]:
    """Return *adapter* with the faults of one playing of *script*, however often it is opened."""
    play, late = playing(script), Late()
    opens_source, opens_writer = adapter.source, adapter.writer
    return replace(
        adapter,
        source=opens_source and (lambda settings: FaultySource(opens_source(settings), play, late)),
        writer=opens_writer and (lambda settings: FaultyWriter(opens_writer(settings), play, late)),
    )


class _Faulty:
    def __init__(self, script: CallScript, late: Late | None = None) -> None:
        self.play = playing(script)
        self._late = late or Late()

    def _fault_of(self, call: Call) -> CallFault | None:
        self._late.catch_up()
        return self.play.fault_of(call)

    def _do(self, call: Call, fault: CallFault | None, do: Callable[[], T]) -> T:
        """Return what *do* returns, with what may happen to any call."""
        match fault:
            case None | Backwards():
                return do()
            case Fails(error=error, when=when):
                if when == "after":
                    do()
                raise error()
            case Overtaken(by=by):
                self._late.put_off(by, do)
                raise NoAnswer("no answer: timed out")
            case Meanwhile(do=first):
                first()
                return do()
            case Twice():
                do()
                return do()
        raise ValueError(f"{fault} can't happen to {call.name!r}; give its strike a `where`")


class FaultySource(_Faulty):
    """A source with the faults of a script."""

    def __init__(self, inner: Source, script: CallScript, late: Late | None = None) -> None:
        super().__init__(script, late)
        self._inner = inner

    def check(self) -> str:
        """Return what the source says of itself."""
        call = Call("check", "source")
        return self._do(call, self._fault_of(call), self._inner.check)

    def pull(self, stream: Stream, fields: Sequence[str], cursor: str | None) -> Iterator[Page]:
        """Yield the source's pages; each is a call, and so is the question whether one follows."""
        pages = iter(self._inner.pull(stream, fields, cursor))
        call = Call("page", "source", stream=stream)
        while True:
            fault = self._fault_of(call)
            if isinstance(fault, Twice):
                page = next(pages, None)
                if page is not None:
                    yield page
            else:
                page = self._do(call, fault, lambda: next(pages, None))
            if page is None:
                return
            if isinstance(fault, Backwards):
                page = replace(page, rows=_backwards(page.rows))
            yield page

    def close(self) -> None:
        """Let go of connections and files."""
        self._inner.close()


class FaultyWriter(_Faulty):
    """A writer with the faults of a script."""

    def __init__(self, inner: Writer, script: CallScript, late: Late | None = None) -> None:
        super().__init__(script, late)
        self._inner = inner

    def check(self, fields: Sequence[str]) -> str:
        """Return what the writer says of itself."""
        call = Call("check", "writer")
        return self._do(call, self._fault_of(call), lambda: self._inner.check(fields))

    def current(self, accounts: Sequence[str], fields: Sequence[str]) -> Current:
        """Return what the CRM holds."""
        call = Call("current", "writer", accounts=accounts)
        fault = self._fault_of(call)
        found = self._do(call, fault, lambda: self._inner.current(accounts, fields))
        if isinstance(fault, Backwards):
            return Current(_backwards(found.accounts), found.tasks[::-1])
        return found

    def write(self, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
        """Yield the outcomes that are told."""
        call = Call("write", "writer", changes=changes)
        fault = self._fault_of(call)
        match fault:
            case BreaksOff(after=after, error=error, all_sent=all_sent):
                told = self._sent(changes if all_sent else changes[:after])
                yield from told[:after]
                raise error()
            case Missing(count=count):
                yield from self._sent(changes)[count:]
            case Backwards():
                yield from self._sent(changes)[::-1]
            case Twice():
                yield from [*self._sent(changes), *self._sent(changes)]
            case _:
                yield from self._do(call, fault, lambda: self._sent(changes))

    def close(self) -> None:
        """Let go of connections and files."""
        self._inner.close()

    def _sent(self, changes: Sequence[Change]) -> list[WriteOutcome]:
        return list(self._inner.write(changes))


def _backwards(rows: Rows) -> Rows:
    # An Arrow table takes the positions of its rows, a list is turned round.
    if isinstance(rows, Sequence):
        return list(rows)[::-1]
    return rows.take(list(range(rows.num_rows))[::-1])

"""Jobs of Bulk API 2.0: what those that read and those that write have in common."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sandbox_salesforce.refusal import ApiError, UnreadableBody

DELIMITERS: Final = {
    "COMMA": ",", "TAB": "\t", "SEMICOLON": ";", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`",
}  # fmt: skip
ENDINGS: Final = {"LF": "\n", "CRLF": "\r\n"}
MEDIA: Final = "text/csv"
"""Without a charset, as it comes: a client that guesses reads UTF-8 as Latin-1."""


@dataclass(frozen=True, slots=True)
class Form:
    """How the lines of a job's files are written."""

    delimiter: str
    ending: str

    @property
    def comma(self) -> str:
        """Return what stands between cells."""
        return DELIMITERS[self.delimiter]

    def line(self, cells: Sequence[str]) -> str:
        """Return a line, each cell in quotes."""
        text = io.StringIO()
        writer = csv.writer(
            text, delimiter=self.comma, lineterminator=ENDINGS[self.ending], quoting=csv.QUOTE_ALL
        )
        writer.writerow(cells)
        return text.getvalue()

    def file(self, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
        """Yield a file in parts."""
        part = [self.line(header)]
        for row in rows:
            part.append(self.line(row))
            if len(part) >= 2000:
                yield "".join(part).encode()
                part.clear()
        yield "".join(part).encode()

    @property
    def said(self) -> Mapping[str, str]:
        """Return it as it stands in what is said of a job."""
        return {
            "contentType": "CSV", "columnDelimiter": self.delimiter, "lineEnding": self.ending,
        }  # fmt: skip


def form_of(body: Mapping[str, Any]) -> Form:
    """Return the form that a job asks for; refuse one that is not known."""
    if body.get("contentType", "CSV") != "CSV":
        raise UnreadableBody("contentType must be CSV", "INVALIDJOB")
    delimiter, ending = body.get("columnDelimiter", "COMMA"), body.get("lineEnding", "LF")
    if delimiter not in DELIMITERS or ending not in ENDINGS:
        raise UnreadableBody("unknown columnDelimiter or lineEnding", "INVALIDJOB")
    return Form(delimiter, ending)


def no_job(name: str) -> ApiError:
    """Return the refusal of a job that is not there."""
    return ApiError("NOT_FOUND", f"The requested resource does not exist: {name}")


def wrong_state(state: str) -> ApiError:
    """Return the refusal of what can't be done with a job that stands so."""
    # From memory; the sheet has no code for it.
    return ApiError("INVALIDJOBSTATE", f"Job is in the state {state}")

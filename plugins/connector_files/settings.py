"""What a job says about files, under `[source.settings]` and `[target.settings]`."""

from __future__ import annotations

import codecs
from pathlib import Path, PurePath
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from connector import Stream

Format: TypeAlias = Literal["csv", "tsv", "parquet", "excel"]

_FORMATS: Final[dict[str, Format]] = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "excel",
}
_TASK_ENDINGS: Final = (".csv", ".parquet", ".xlsx")


class Table(BaseModel):
    """One stream's file or files, and how to read them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field(
        min_length=1,
        description="file name, or a pattern such as 'orders-*.csv.gz', inside the folder",
    )
    format: Format | None = Field(
        default=None, description="csv, tsv, parquet or excel; by default from the file's ending"
    )
    delimiter: str | None = Field(
        default=None,
        min_length=1,
        max_length=1,
        description="what separates cells; by default a comma, and a tab for tsv",
    )
    encoding: str = Field(
        default="utf-8",
        description="of csv and tsv: utf-8 (with or without a byte order mark), cp1252, utf-16 ...",
    )
    quote: str = Field(
        default='"',
        max_length=1,
        description="what encloses a cell that holds a delimiter; empty if nothing does",
    )
    skip_rows: int = Field(default=0, ge=0, description="lines above the header")
    sheet: str | None = Field(
        default=None, description="sheet of an Excel workbook; by default the first"
    )
    modified: str | None = Field(
        default=None,
        description=(
            "column that says when a row last changed: then only changed rows are read, and rows"
            " missing from the file do not count as deleted"
        ),
    )
    overlap: int = Field(
        default=300,
        ge=0,
        description=(
            "seconds that a changed-since read goes back; at least 3900 if the times are local"
            " times without a zone, because clocks are put back in autumn"
        ),
    )

    @property
    def kind(self) -> Format:
        """Return the format, from the file's ending where the job names none."""
        return self.format or _format_of(self.file)

    @property
    def separator(self) -> str:
        """Return the delimiter, which depends on the format where the job names none."""
        return self.delimiter or ("\t" if self.kind == "tsv" else ",")

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise ValueError(f"no encoding is called {encoding!r}") from None
        return encoding

    @model_validator(mode="after")
    def _known_format(self) -> Self:
        _ = self.kind
        return self


def _format_of(file: str) -> Format:
    name = PurePath(file.lower())
    ending = PurePath(name.stem).suffix if name.suffix == ".gz" else name.suffix
    if ending not in _FORMATS or (name.suffix == ".gz" and _FORMATS[ending] not in ("csv", "tsv")):
        raise ValueError(f"can't tell the format of {file!r} from its ending; add `format`")
    return _FORMATS[ending]


def _from_name(given: object) -> object:
    return {"file": given} if isinstance(given, str) else given


def _beside_the_job(path: Path, info: ValidationInfo) -> Path:
    context = info.context if isinstance(info.context, dict) else {}
    path = path.expanduser()
    return Path(context["folder"], path) if "folder" in context else path


JobPath: TypeAlias = Annotated[Path, AfterValidator(_beside_the_job)]
TableSetting: TypeAlias = Annotated[Table | None, BeforeValidator(_from_name)]


class Settings(BaseModel):
    """A folder of files that stands for a CRM."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: JobPath = Field(description="where the files are")
    accounts: TableSetting = Field(default=None, description="file of the accounts")
    opportunities: TableSetting = Field(
        default=None, description="file of the deals, orders or invoices"
    )
    users: TableSetting = Field(default=None, description="file of the owners, if there is one")
    line_items: TableSetting = Field(
        default=None, description="file of the lines of deals, orders or invoices, if there is one"
    )
    cases: TableSetting = Field(
        default=None, description="file of complaints, tickets and surveys, if there is one"
    )
    leads: TableSetting = Field(default=None, description="file of the leads, if there is one")
    activities: TableSetting = Field(
        default=None, description="file of visits, calls and other contacts, if there is one"
    )
    costs: TableSetting = Field(
        default=None, description="file of what was spent on accounts, if there is one"
    )
    contact_targets: TableSetting = Field(
        default=None, description="file of how often to contact whom, if there is one"
    )

    mode: Literal["copy", "in_place"] = Field(
        default="copy",
        description="write into a copy of the accounts file, or into the accounts file itself",
    )
    output: JobPath | None = Field(
        default=None,
        description="folder of the copy and the tasks file; by default 'out' inside the folder",
    )
    accounts_id: str = Field(
        default="id", description="column of the accounts file that holds the account's id"
    )
    tasks: str = Field(
        default="tasks.csv", description="name of the tasks file: .csv, .parquet or .xlsx"
    )

    def table(self, stream: Stream) -> Table | None:
        """Return what the job says of *stream*; None if it has no file."""
        table: Table | None = getattr(self, stream.value)
        return table

    @property
    def output_folder(self) -> Path:
        """Return the folder that we write into."""
        if self.output is not None:
            return self.output
        return self.folder if self.mode == "in_place" else self.folder / "out"

    @property
    def tasks_file(self) -> Path:
        """Return the path of the tasks file."""
        return self.output_folder / self.tasks

    @field_validator("tasks")
    @classmethod
    def _plain_tasks_name(cls, tasks: str) -> str:
        if PurePath(tasks).name != tasks or PurePath(tasks).suffix.lower() not in _TASK_ENDINGS:
            raise ValueError(
                f"{tasks!r} is no file name that ends in {', '.join(_TASK_ENDINGS[:-1])}"
                f" or {_TASK_ENDINGS[-1]}"
            )
        return tasks

    @model_validator(mode="after")
    def _copy_elsewhere(self) -> Self:
        if self.mode == "copy" and self.output_folder.absolute() == self.folder.absolute():
            raise ValueError(
                "output is the folder of the source files: name another, or set mode = 'in_place'"
            )
        return self

"""Blocks: what a report is made of, whatever it is about; the template knows how each looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal, TypeAlias

Mark: TypeAlias = Literal["ok", "warn", "alarm", "unknown"]
"""How a finding is marked: the template gives each a sign and a colour, `Flag` has its word."""

Tone: TypeAlias = Literal["", "up", "down", "same", "quiet", "strong"]


@dataclass(frozen=True, slots=True)
class Flag:
    """A mark and the word for it."""

    mark: Mark
    word: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; *number* stands on the right."""

    title: str
    number: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a table: *text*, below it *small* and a *bar* from 0 to 1 with its *score*."""

    text: str
    small: str = ""
    bar: Decimal | None = None
    score: str = ""
    flag: Flag | None = None
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row: plain, the sum of others, below a line, or a heading of the rows that follow it."""

    cells: Sequence[Cell]
    look: Literal["plain", "total", "outside", "group"] = "plain"


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a *title* for people who can't see it.

    One that *stacks* becomes a list on a narrow screen; others can be moved sideways there. One
    that *splits* may go on on the next page. *shown* says that the title is to be seen.
    """

    kind: ClassVar[str] = "table"
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    note: str = ""
    shown: bool = False
    stacks: bool = False
    splits: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to a question, and whether it is a good one."""

    title: str
    text: str
    flag: Flag


@dataclass(frozen=True, slots=True)
class Findings:
    """Findings below each other."""

    kind: ClassVar[str] = "findings"
    items: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure to remember."""

    label: str
    figure: str
    small: str = ""


@dataclass(frozen=True, slots=True)
class Tiles:
    """A few figures to remember."""

    kind: ClassVar[str] = "tiles"
    items: Sequence[Tile]


@dataclass(frozen=True, slots=True)
class Slab:
    """A layer of the pyramid: *bar* from 0 to 1 is for *share*, its part of the revenue."""

    name: str
    customers: str
    share: str
    revenue: str
    bar: Decimal


@dataclass(frozen=True, slots=True)
class Picture:
    """The pyramid, and the layers on which it stands, each with its number."""

    kind: ClassVar[str] = "picture"
    title: str
    heading: tuple[str, str]
    slabs: Sequence[Slab]
    ground: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing; *svg* is markup of our own, in which texts are escaped."""

    kind: ClassVar[str] = "chart"
    title: str
    svg: str
    caption: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within a section."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; a *quiet* one explains what stands beside it."""

    kind: ClassVar[str] = "text"
    text: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms and what they mean; *wide* ones take a line each."""

    kind: ClassVar[str] = "terms"
    items: Sequence[tuple[str, str]]
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Beside:
    """Blocks beside each other, where there is room."""

    kind: ClassVar[str] = "beside"
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Together:
    """Blocks that no page break may part."""

    kind: ClassVar[str] = "together"
    blocks: Sequence[Block]


Block: TypeAlias = (
    Table | Findings | Tiles | Picture | Chart | Heading | Text | Terms | Beside | Together
)


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter; *name* is that of its anchor, *lead* says in a sentence what it shows."""

    name: str
    title: str
    blocks: Sequence[Block]
    lead: str = ""

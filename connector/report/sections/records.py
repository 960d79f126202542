"""The records: what is wrong with them, and what that means for the figures."""

from __future__ import annotations

from connector.report import labels
from connector.report.blocks import Block, Cell, Column, Row, Section, Table, Text
from connector.report.data import Report
from connector.report.figures import Figures


def section(report: Report, figures: Figures) -> Section:
    """Return the data issues of the run, and the rows that could not be read."""
    words = figures.words
    counts = [
        (labels.issue(name, words), count) for name, count in report.summary["issues"].items()
    ]
    counts += [
        (words.say("Rows of {stream} that could not be read", stream=stream), count)
        for stream, count in report.quarantined.items()
    ]
    blocks: list[Block] = [Text(words.say("Nothing is wrong with the records of this run."))]
    if counts:
        columns = [Column(words.say("What")), Column(words.say("Records"), number=True)]
        rows = [Row([Cell(said), Cell(figures.number(count))]) for said, count in counts]
        blocks = [Table(words.say("Data issues"), columns, rows)]
    return Section("issues", words.say("Data issues"), blocks)

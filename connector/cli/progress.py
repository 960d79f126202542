"""Progress bars on a terminal: one for each stage of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from connector.cli.console import side_console

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from connector.pull import Progress


@contextmanager
def progress_bars() -> Iterator[Progress | None]:
    """Yield what draws the progress of a run on stderr; None if nobody looks at it."""
    console = side_console()
    if not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:24}"),
        BarColumn(bar_width=28),
        TextColumn("{task.fields[shown]:>21}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        stages = _Stages(bars)
        yield stages.show
        stages.finish()


class _Stages:
    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._what = ""
        self._task: TaskID | None = None

    def show(self, what: str, done: int, total: int | None) -> None:
        if what != self._what or self._task is None:
            self.finish()
            self._what = what
            self._task = self._bars.add_task(what, total=total, shown="")
        shown = f"{done:,}" if total is None else f"{done:,} / {total:,}"
        self._bars.update(self._task, completed=done, total=total, shown=shown if done else "")

    def finish(self) -> None:
        """Show the stage that was under way as ended."""
        if self._task is not None:
            (task,) = (task for task in self._bars.tasks if task.id == self._task)
            total = max(task.completed, 1)
            self._bars.update(self._task, completed=total, total=total)
            self._bars.stop_task(self._task)

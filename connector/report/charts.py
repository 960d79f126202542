"""Charts: how revenue and profit are spread over customers, as SVG whose text stays text.

The same points give the same bytes. Fonts and colours of the text are those of the page.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from connector.report.figures import Figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Points: TypeAlias = Sequence[Mapping[str, Any]]
"""The points of a curve as a summary has them; see `customer_pyramid.curves`."""

_INK: Final = "#14495c"
_FILL: Final = "#dbe9ec"
_MUTED: Final = "#5f6b76"
_LINE: Final = "#c9d1d8"
_SIZE: Final = (4.6, 3.0)  # inches, of which a phone shows about so many
_ROOM: Final = (0.125, 0.155, 0.825, 0.75)
_STYLE: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "pyramid-connector",
    "font.family": ["DejaVu Sans"],  # comes with matplotlib; only widths are taken from it
    "font.size": 9,
    "text.parse_math": False,
    "axes.edgecolor": _LINE,
    "axes.linewidth": 0.8,
    "text.color": _MUTED,
    "axes.labelcolor": _MUTED,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "xtick.labelcolor": _MUTED,
    "ytick.labelcolor": _MUTED,
}
_NO_METADATA: Final = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_STYLES: Final = re.compile(r"<style.*?</style>", re.DOTALL)
_REFERENCE: Final = re.compile(r'( id="|url\(#|href="#)')


def lorenz(points: Points, figures: Figures) -> str:
    """Return the Lorenz curve of revenue against the line on which all customers are equal."""
    x, y = _values(points, "share_customers"), _values(points, "share")
    with _axes(figures, "lorenz") as chart:
        axes = chart.axes
        axes.plot([0, 1], [0, 1], color=_MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.fill_between(x, y, x, color=_FILL, linewidth=0)
        axes.plot(x, y, color=_INK, linewidth=1.8, solid_capstyle="round")
        _limit(axes, 0, 1)
        _ticks(axes.yaxis, (0, 0.25, 0.5, 0.75, 1), figures)
        axes.set_xlabel(figures.words.say("share of customers, the smallest first"))
        _name_y(axes, figures.words.say("share of revenue"))
    return chart.svg


def whale(points: Points, figures: Figures) -> str:
    """Return the whale curve: profit added up, from the most profitable customer on."""
    x, y = _values(points, "share_customers"), _values(points, "share")
    peak = max(range(len(y)), key=lambda place: y[place])
    with _axes(figures, "whale") as chart:
        axes = chart.axes
        axes.axhline(1, color=_MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.fill_between(x, y, color=_FILL, linewidth=0)
        axes.plot(x, y, color=_INK, linewidth=1.8, solid_capstyle="round")
        axes.plot([x[peak]], [y[peak]], marker="o", color=_INK, markersize=5, clip_on=False)
        low, high = min(0.0, *y), max(1.0, *y)
        _limit(axes, low, low + (high - low) * 1.1)
        _ticks(axes.yaxis, _steps(low, high), figures)
        axes.set_xlabel(figures.words.say("share of customers, the most profitable first"))
        _name_y(axes, figures.words.say("share of all profit"))
    return chart.svg


class _Chart:
    """A chart under way, and its *svg* when it is done."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.axes: Axes = figure.add_axes(_ROOM)
        self.svg = ""


@contextmanager
def _axes(figures: Figures, name: str) -> Iterator[_Chart]:
    """Yield a chart to draw; its ids begin with *name*, so that charts of a page don't meet."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE), warnings.catch_warnings():
        # The font that is measured with need not have the letters: the reader's has.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        chart = _Chart(Figure(figsize=_SIZE))
        axes = chart.axes
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(visible=True, axis="y", color="#e8ecef", linewidth=0.7)
        axes.set_axisbelow(True)
        axes.tick_params(length=3, width=0.8)
        _ticks(axes.xaxis, (0, 0.2, 0.4, 0.6, 0.8, 1), figures)
        yield chart
        written = StringIO()
        chart.figure.savefig(written, format="svg", transparent=True, metadata=_NO_METADATA)
    markup = written.getvalue()
    # What a style says in a page, it says of the whole page.
    alone = _STYLES.sub("", markup[markup.index("<svg") :])
    chart.svg = _REFERENCE.sub(rf"\g<1>{name}-", alone)


def _values(points: Points, name: str) -> list[float]:
    return [float(Decimal(point[name])) for point in points]


def _limit(axes: Axes, low: float, high: float) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(low, high)


def _ticks(axis: Any, shares: Sequence[float], figures: Figures) -> None:
    axis.set_ticks(shares, [figures.words.percent(Decimal(str(share))) for share in shares])


def _steps(low: float, high: float) -> list[float]:
    """Return the shares at which a line is drawn: quarters, or less of them for a wide range."""
    step = next(
        (step for step in (0.25, 0.5, 1, 2, 5) if (high - low) / step <= 6), (high - low) / 4
    )
    first, last = -int(-low // step), int(high // step)
    return [round(place * step, 6) for place in range(first, last + 1)]


def _name_y(axes: Axes, name: str) -> None:
    """Write what the axis shows above it, where it can be read without turning the head."""
    axes.annotate(
        name, (0, 1), xycoords="axes fraction", xytext=(-4, 7), textcoords="offset points"
    )

"""What charts over years share: lines with extrapolated parts, axes, and labels at line ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts._check import Row
from plcore.charts._template import (
    ASSUMED,
    EDGE,
    INK,
    LABEL_LINE,
    LABEL_SIZE,
    NARROWEST,
    OUTSIDE,
    Words,
    framed,
)
from plcore.charts._text import tick_texts, ticks, width, wrapped

PLOT_HEIGHT = 330
#: Extrapolated years are dotted, so the dash of a series must not look like dots.
DASHES = ("solid", "longdash", "dashdot", "longdashdot", "dash")
_LABEL_WIDTH = 92
#: Draws nothing but its entry in the legend.
_DOTTED = go.Scatter(
    x=[None],
    y=[None],
    name="extrapolated",
    mode="lines",
    line={"color": INK, "width": 2.5, "dash": "dot"},
    hoverinfo="skip",
    showlegend=True,
)


def over_years(
    traces: Sequence[Any],
    words: Words,
    *,
    series: Mapping[str, Sequence[Row]],
    column: str,
    extent: Sequence[float],
    years: Sequence[float],
    colours: Sequence[str],
) -> go.Figure:
    """The figure of some traces over years, from zero up.

    The last value in `column` of every series with a name is labelled, in the order and `colours`
    of the series. The axes have room for all of `extent` and `years`.
    """
    bottom, top = axis_range(extent)
    marks = ticks(bottom, top, 6)
    texts = tick_texts(marks)
    first, last = min(years), max(years)
    pad = 0.03 * (last - first) or 1.0
    ends = [(name, rows[-1]["year"], rows[-1][column]) for name, rows in series.items() if name]
    dotted = [_DOTTED] if any(row["extrapolated"] for row in chain(*series.values())) else []
    left = EDGE + 10 + max(width(text, LABEL_SIZE) for text in texts)
    right = label_room([name for name, *_ in ends])
    figure = framed(
        [*traces, *dotted],
        words,
        plot_height=PLOT_HEIGHT,
        left=left,
        right=right,
        xaxis={
            "range": [first - pad, last + pad],
            "tick0": 0,
            "dtick": _year_step(last - first + 2 * pad, NARROWEST - left - right),
            "tickformat": "d",
            "showgrid": False,
            **OUTSIDE,
        },
        yaxis={"range": [bottom, top], "tickvals": marks, "ticktext": texts},
        annotations=end_labels(ends, colours, bottom, top, last + pad),
        shapes=_shading(series, first - pad, last + pad),
    )
    # A lone line may be asked for its numbers from anywhere above a year.
    return figure.update_layout(hovermode="x" if len(series) == 1 else "closest")


def pieces(rows: Sequence[Row]) -> Iterator[tuple[bool, list[Row]]]:
    """Runs of rows alike in being extrapolated; an extrapolated run reaches its neighbours."""
    start = 0
    for flag, run in groupby(rows, key=lambda row: row["extrapolated"]):
        stop = start + len(list(run))
        yield flag, list(rows[max(0, start - 1) : stop + 1] if flag else rows[start:stop])
        start = stop


def line(rows: Sequence[Row], column: str, colour: str, dash: str) -> Iterator[Any]:
    """The line of a series, dotted where it is extrapolated."""
    for flag, piece in pieces(rows):
        yield go.Scatter(
            x=[row["year"] for row in piece],
            y=[row[column] for row in piece],
            name="extrapolated" if flag else "line",
            mode="lines",
            line={"color": colour, "width": 2.5, "dash": "dot" if flag else dash},
            hoverinfo="skip",
            showlegend=False,
        )


def marks(
    rows: Sequence[Row], column: str, colour: str, symbol: str, hover: Sequence[str]
) -> go.Scatter:
    """All values of a series in one trace, each with its hover text; seven of them are marked.

    Without a symbol the marks are invisible, and only carry the hover texts.
    """
    visible = bool(symbol) or len(rows) == 1
    return go.Scatter(
        x=[row["year"] for row in rows],
        y=[row[column] for row in rows],
        name=rows[0]["series"] or column,
        mode="markers",
        marker={
            "color": colour,
            "symbol": symbol or "circle",
            "size": 8,
            "maxdisplayed": 7 if symbol else 0,
            "opacity": int(visible),
        },
        hovertext=list(hover),
        hoverinfo="text",
        cliponaxis=False,
        showlegend=False,
    )


def axis_range(extent: Sequence[float]) -> tuple[float, float]:
    """From 0 to what has to be shown, with some room."""
    bottom, top = min(0.0, *extent), max(0.0, *extent)
    if bottom == top:
        top = 1.0
    margin = 0.04 * (top - bottom)
    return bottom - (margin if bottom < 0 else 0), top + margin


def _year_step(span: float, room: float) -> int:
    """Years from one label to the next, so that labels stand apart in some pixels of room."""
    most = room / (width("2000", LABEL_SIZE) + 6)
    return next((step for step in (1, 2, 5, 10, 20, 50, 100) if span <= most * step), 500)


def _shading(
    series: Mapping[str, Sequence[Row]], left: float, right: float
) -> Iterator[dict[str, Any]]:
    """Grey behind the years that are extrapolated in every series that has them."""
    flags: dict[float, bool] = {}
    for row in sorted(chain(*series.values()), key=lambda row: float(row["year"])):
        flags[row["year"]] = flags.get(row["year"], True) and row["extrapolated"]
    years = list(flags)
    for flag, run in groupby(range(len(years)), key=lambda i: flags[years[i]]):
        positions = list(run)
        if flag:
            before, after = positions[0] - 1, positions[-1] + 1
            yield {
                "name": "extrapolated",
                "type": "rect",
                "xref": "x",
                "x0": left if before < 0 else years[before],
                "x1": right if after == len(years) else years[after],
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "fillcolor": ASSUMED,
                "opacity": 0.14,
                "line": {"width": 0},
                "layer": "below",
            }


def label_room(labels: Sequence[str]) -> float:
    """Pixels that labels need to the right of the plot."""
    found = [line for label in labels for line in wrapped(label, _LABEL_WIDTH, LABEL_SIZE)]
    return max((width(each, LABEL_SIZE) + 18 for each in found), default=2 * EDGE)


def end_labels(
    ends: Sequence[tuple[str, float, float]],
    colours: Sequence[str],
    bottom: float,
    top: float,
    right: float,
) -> Iterator[dict[str, Any]]:
    """Labels beside the ends of lines, moved apart where they would overlap.

    `ends` holds the name, last year and last value of each series.
    """
    texts = [wrapped(name, _LABEL_WIDTH, LABEL_SIZE) for name, *_ in ends]
    heights = [len(text) * LABEL_LINE + 4 for text in texts]
    per_pixel = (top - bottom) / PLOT_HEIGHT
    wanted = [(top - value) / per_pixel for *_, value in ends]
    placed = spread(wanted, heights, PLOT_HEIGHT)
    for text, (_, year, value), at, colour in zip(texts, ends, placed, colours, strict=False):
        yield {
            "name": "series",
            "text": "<br>".join(text),
            "x": year,
            "y": value,
            "axref": "x",
            "ax": right,
            "ayref": "y",
            "ay": top - at * per_pixel,
            "xanchor": "left",
            "align": "left",
            "arrowhead": 0,
            "arrowcolor": colour,
            "arrowwidth": 1.5,
            "standoff": 5,
            "borderpad": 3,
            "font": {"color": INK, "size": LABEL_SIZE},
        }


def spread(wanted: Sequence[float], heights: Sequence[float], room: float) -> list[float]:
    """Centres of blocks in pixels from the top, as near to those wanted as not to overlap.

    Blocks that do not fit into the room stand on each other's heels below it.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    tops = {i: wanted[i] - heights[i] / 2 for i in order}
    floor = room
    for i in reversed(order):
        tops[i] = min(tops[i], floor - heights[i])
        floor = tops[i]
    ceiling = 0.0
    for i in order:
        tops[i] = max(tops[i], ceiling)
        ceiling = tops[i] + heights[i]
    return [tops[i] + heights[i] / 2 for i in range(len(wanted))]

"""What charts of labelled rows share: their heights, a column of numbers, and the axis below.

Rows stand on an axis of pixels, counted from the top, because a label may take several lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts._template import (
    EDGE,
    FAINT_INK,
    INK,
    LABEL_LINE,
    LABEL_SIZE,
    NARROWEST,
    NOTE_SIZE,
    OUTSIDE,
    Words,
    framed,
)
from plcore.charts._text import number, significant, tick_texts, ticks, width, wrapped

#: Width at which labels are wrapped: about 22 characters.
LABEL_WIDTH = 140
_ROW_GAP = 8
_COLUMN_WIDTH = 100
_TICK_GAP, _MOST_TICKS = 3, 6


@dataclass(frozen=True, slots=True)
class Label:
    """What stands left of a row and right of it: lines of escaped text, and the row's height."""

    left: tuple[str, ...]
    right: tuple[str, ...]
    centre: float
    height: float


def label_lines(text: str, *, bold: bool = False) -> tuple[str, ...]:
    """A label wrapped to its column."""
    found = wrapped(text, LABEL_WIDTH, LABEL_SIZE, bold=bold)
    return tuple(f"<b>{line}</b>" for line in found) if bold else tuple(found)


def stacked(
    texts: Iterable[tuple[Sequence[str], Sequence[str]]], *, least: Sequence[float]
) -> list[Label]:
    """Rows one below the other, each as high as its text and its marks need.

    Parameters
    ----------
    texts : iterable of (left, right)
        Lines of text beside each row.
    least : sequence of float
        Height that the marks of each row need, in pixels.
    """
    labels, top = [], 0.0
    for (left, right), marks in zip(texts, least, strict=True):
        height = max(marks, LABEL_LINE * max(len(left), len(right), 1)) + _ROW_GAP
        labels.append(Label(tuple(left), tuple(right), top + height / 2, height))
        top += height
    return labels


def over_rows(
    traces: Sequence[Any],
    words: Words,
    *,
    rows: Sequence[Label],
    extent: tuple[float, float],
    percent: bool = False,
    whole: bool = False,
    shapes: Sequence[Mapping[str, Any]] = (),
    barmode: str | None = None,
) -> go.Figure:
    """The figure of some traces, whose y is `Label.centre`, beside labelled rows.

    `extent` is what the x axis must have room for. It is printed as `percent` where x holds shares,
    and has only `whole` ticks where x holds counts. With a `barmode` (plotly's), a zero at the edge
    stays there, as bars stand on it.
    """
    left = EDGE + 8 + max(_widest(row.left, LABEL_SIZE) for row in rows)
    right = EDGE + max(
        (10 + _widest(row.right, NOTE_SIZE) for row in rows if row.right), default=10.0
    )
    low, high = extent
    margin = 0.04 * (high - low)
    values, texts = _ticks(low, high, percent, whole, NARROWEST - left - right)
    height = rows[-1].centre + rows[-1].height / 2
    figure = framed(
        traces,
        words,
        plot_height=height,
        left=left,
        right=right,
        xaxis={
            "range": [low if barmode and low == 0 else low - margin, high + margin],
            "tickvals": values,
            "ticktext": texts,
            **OUTSIDE,
        },
        yaxis={
            "range": [height, 0],
            "tickvals": [row.centre for row in rows],
            "ticktext": ["<br>".join(row.left) for row in rows],
            "ticklabelstandoff": 6,
            "showgrid": False,
        },
        annotations=_column(rows),
        shapes=shapes,
    )
    return figure if barmode is None else figure.update_layout(barmode=barmode)


def span(values: Iterable[float | None], *, zero: bool = False) -> tuple[float, float]:
    """Lowest and highest of the numbers given, never the same; `zero` takes 0 in."""
    given = [value for value in values if value is not None] + ([0.0] if zero else [])
    low, high = min(given), max(given)
    if low < high:
        return low, high
    # A single number: any range around it will do, if it differs in size from nothing.
    reach = abs(low) / 2 or 0.5
    return (0.0, 1.0) if zero else (low - reach, high + reach)


def _column(rows: Sequence[Label]) -> Iterator[dict[str, Any]]:
    for row in rows:
        if row.right:
            yield {
                "name": "number",
                "text": "<br>".join(row.right),
                "showarrow": False,
                "borderpad": 0,
                "xref": "paper",
                "x": 1,
                "xanchor": "left",
                "xshift": 10,
                "align": "left",
                "yref": "y",
                "y": row.centre,
                "yanchor": "middle",
                "font": {"size": NOTE_SIZE, "color": INK},
            }


def _ticks(
    low: float, high: float, percent: bool, whole: bool, room: float
) -> tuple[list[float], list[str]]:
    """Round numbers with a line each, and labels for as many as stand apart on a phone.

    `room` is how many pixels the plot area has there.
    """
    found = [ticks(low, high, most) for most in range(_MOST_TICKS, 0, -1)]
    values = next(each for each in found if each and not (whole and any(v % 1 for v in each)))
    if len(values) == 1:
        return values, [f"{significant(100 * values[0])}%" if percent else significant(values[0])]
    texts = tick_texts([100 * value for value in values] if percent else values)
    texts = [f"{text}%" for text in texts] if percent else texts
    step = values[1] - values[0]
    needed = max(width(text, LABEL_SIZE) for text in texts) + _TICK_GAP
    every = next((n for n in (1, 2, 5) if n * step * room / (high - low) >= needed), 10)
    # Of lines at 20, 40, 60 and 80 the rounder 40 and 80 keep their labels.
    kept = [round(value / step) % every == 0 for value in values]
    if not any(kept):
        kept[0] = True
    return values, [text if keep else "" for text, keep in zip(texts, kept, strict=True)]


def _widest(lines: Sequence[str], size: int) -> float:
    return max((width(_bare(line), size, bold=line.startswith("<b>")) for line in lines), default=0)


def _bare(line: str) -> str:
    # Any tag is ours: the text itself is escaped.
    return re.sub("<[^>]*>", "", line)


def rule(y: float) -> dict[str, Any]:
    """A thin line across the chart between two rows."""
    return {
        "type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": y, "y1": y,
        "line": {"color": FAINT_INK, "width": 0.75}, "layer": "between", "name": "rule",
    }  # fmt: skip


def printed(
    value: float | None, low: float | None, high: float | None, decimals: int, *, percent: bool
) -> tuple[str, ...]:
    """The lines "74% (71-77)", of value and limits what is given; two where one is too long."""
    times, sign = (100, "%") if percent else (1, "")
    # A dash between numbers saves room on a phone; after a minus it would be misread.
    dash = " to " if low is not None and low < 0 else "\N{EN DASH}"
    limits = (
        f"{number(times * low, decimals)}{dash}{number(times * high, decimals)}"
        if low is not None and high is not None
        else ""
    )
    if value is None:
        return (limits + sign,) if limits else ()
    middle = number(times * value, decimals) + sign
    if not limits:
        return (middle,)
    whole = f"{middle} ({limits})"
    fits = width(whole, NOTE_SIZE) <= _COLUMN_WIDTH
    return (whole,) if fits else (middle, f"({limits})")

"""Charts of labelled rows: their layout, bars, steps over orders of magnitude and waterfalls."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts.frame import (
    ASSUMED,
    CLAIM,
    EDGE,
    EVIDENCE,
    FAINT_INK,
    HATCHES,
    INK,
    LABEL_LINE,
    LABEL_SIZE,
    LIMB_LOSS,
    NARROWEST,
    NOTE_SIZE,
    OUTSIDE,
    SERIES,
    Row,
    Words,
    both_or_neither,
    by_series,
    checked,
    decimals_telling_apart,
    escaped,
    framed,
    hatching,
    interval,
    limits_named,
    marks_explained,
    name_intervals,
    number,
    one_of,
    require_scale,
    rescaled,
    rising,
    sign,
    significant,
    tick_texts,
    ticks,
    width,
    within_shares,
    wrapped,
)
from plcore.evidence.schema import MARKS
from plcore.printed import short

#: Width at which labels are wrapped: about 22 characters.
LABEL_WIDTH = 140
_ROW_GAP = 8
_COLUMN_WIDTH = 100
_TICK_GAP, _MOST_TICKS = 3, 6
#: Height of a bar, and from one to the next, in pixels: that of the lines of numbers.
_BAR, _PITCH = 13, 14.3
#: How many bars a description in words names.
_SAID = 8
_LIMITS = ("low", "value", "high")
#: Columns of the value under the two extreme readings.
_BOUNDS = ("bound_low", "bound_high")
_MARK_HEIGHT = 30
_STEP_BAR = 16


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


def bars(
    table: pd.DataFrame,
    *,
    title: str,
    xaxis: str,
    source: str,
    percent: bool = False,
    interval: str = "{level} interval",
    colours: Sequence[str] = SERIES,
    bounds: str = "bounds",
) -> go.Figure:
    """Horizontal bars from zero, with whiskers and the numbers beside them.

    Parameters
    ----------
    table : DataFrame
        One bar per row, from the top: label, value, low, high (both limits, or neither). Optional:
        series (bars of one label, hatched from the second series on), seen (a key of
        `plcore.evidence.schema.MARKS`, printed as a sign behind the number), level (of the
        interval from low to high, such as 0.8; 0.95 without it), and bound_low and bound_high
        (both or neither: the value under the two extreme readings, drawn as diamonds).
    title : str
        What the chart shows, in one line.
    xaxis : str
        The quantity along the axis and its unit, such as "People (millions)".
    source : str
        Where the numbers come from; printed under the chart.
    percent : bool
        Whether the numbers are shares, 0 to 1, to be printed as percent.
    interval : str
        What `low` and `high` are, as printed in the caption; "{level}" stands for the level of
        the table.
    colours : sequence of str
        Colours of the series, as #RRGGBB, in their order.
    bounds : str
        What bound_low and bound_high are, as printed in the caption.

    Raises
    ------
    ValueError
        If a cell is missing or unfit; the message names the column and the row. Also if a label occurs twice in
        one series, or there are more series than can be told apart.

    Examples
    --------
    >>> table = pd.DataFrame({"label": ["Leg"], "value": [0.6], "low": [0.5], "high": [0.7]})
    >>> bars(table, title="Pain", xaxis="People", source="A survey", percent=True).data[0].x
    (0.6,)
    """
    rows = checked("bars", table, text=("label",), number=("value",), blank=("low", "high"),
                   optional=("series", "seen", "level", *_BOUNDS))  # fmt: skip
    limits = name_intervals("bars", rows, interval)
    for row in rows:
        both_or_neither("bars", row)
        rising("bars", row, _LIMITS)
        both_or_neither("bars", row, _BOUNDS)
        rising("bars", row, ("bound_low", "value", "bound_high"))
        if percent:
            within_shares("bars", row, _LIMITS)
            within_shares("bars", row, _BOUNDS)
    series = by_series("bars", rows, min(len(colours), len(HATCHES)))
    digits = _digits(rows, percent)
    groups = bar_groups(rows, list(series))
    labels = bar_labels(groups, digits, percent)
    centres = bar_centres(groups, labels)
    traces = [
        bar_trace(
            part,
            [centres[row["place"]] for row in part],
            colour,
            hatch,
            xaxis,
            digits + 1,
            percent=percent,
        )
        for rows_of_series, colour, hatch in zip(series.values(), colours, HATCHES, strict=False)
        for part in _by_assumed(rows_of_series)
    ]
    diamonds = bound_marks(rows, centres)
    alt = _bars_alt(title, xaxis, rows, digits, percent)
    return over_rows(
        [*traces, *diamonds],
        Words(
            title, xaxis, _bars_caption(rows, limits) + _marks_said(diamonds, bounds), source, alt
        ),
        rows=labels,
        extent=span([row[column] for row in rows for column in (*_LIMITS, *_BOUNDS)], zero=True),
        percent=percent,
        barmode="overlay",
    )


def _bars_caption(rows: Sequence[Row], interval: str) -> str:
    limited = any(row["low"] is not None for row in rows)
    said = f"Whiskers: {interval}." if limited else "Bars: single values, without intervals."
    return f"{said} {marks_explained(row['seen'] for row in rows)}".strip()


def _digits(rows: Sequence[Row], percent: bool) -> int:
    times = 100 if percent else 1
    limited = [row for row in rows if row["low"] is not None]
    if limited:
        lows, highs = ([times * row[end] for row in limited] for end in ("low", "high"))
        return decimals_telling_apart(lows, highs, 1 if percent else 2)
    values = [abs(times * row["value"]) for row in rows if row["value"]]
    # Without limits the smallest value keeps two digits.
    return decimals_telling_apart([0.0] * len(values), values, 2)


def bound_marks(
    rows: Sequence[Row], centres: Mapping[int, float], place: Callable[[float], float] = float
) -> list[go.Scatter]:
    """A diamond for each of the two bounds of a row, where it has any.

    `centres` as `bar_centres` gives them; `place` says where on the axis a number stands.
    """
    marks = [(row, row[end]) for row in rows for end in _BOUNDS if row[end] is not None]
    if not marks:
        return []
    return [
        go.Scatter(
            x=[place(value) for _, value in marks],
            y=[centres[row["place"]] for row, _ in marks],
            mode="markers",
            marker={
                "symbol": "diamond",
                "size": 8,
                "color": "white",
                "line": {"width": 1.5, "color": INK},
            },
            hovertext=[
                f"{escaped(row['label'])}<br>A bound: {short(value)}" for row, value in marks
            ],
            hoverinfo="text",
            cliponaxis=False,
            showlegend=False,
        )
    ]


def _marks_said(diamonds: Sequence[go.Scatter], bounds: str) -> str:
    return f" Diamonds: {bounds}." if diamonds else ""


def bar_groups(rows: Sequence[Row], series: Sequence[str]) -> dict[str, list[Row]]:
    """The bars of each label, in the order of the series."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        group = groups.setdefault(row["label"], [])
        if any(row["series"] == other["series"] for other in group):
            raise ValueError(
                f"bars: label, row {row['row']}: {row['label']!r} a second time in one series; "
                "expected it once"
            )
        group.append(row)
    return {
        label: sorted(group, key=lambda row: series.index(row["series"]))
        for label, group in groups.items()
    }


def bar_labels(groups: dict[str, list[Row]], digits: int, percent: bool) -> list[Label]:
    texts = [
        (
            label_lines(label),
            [
                " ".join(printed(row["value"], row["low"], row["high"], digits, percent=percent))
                + sign(row["seen"])
                for row in group
            ],
        )
        for label, group in groups.items()
    ]
    return stacked(texts, least=[_PITCH * len(group) for group in groups.values()])


def bar_centres(groups: dict[str, list[Row]], labels: Sequence[Label]) -> dict[int, float]:
    """Where each bar stands, by the place of its row: as far apart as the numbers beside them."""
    return {
        row["place"]: label.centre + _PITCH * (place - (len(group) - 1) / 2)
        for group, label in zip(groups.values(), labels, strict=True)
        for place, row in enumerate(group)
    }


def _by_assumed(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Measured and assumed rows apart: plotly cannot hatch a trace of two colours."""
    for assumed in (False, True):
        if part := [row for row in rows if (row["seen"] == "assumed") is assumed]:
            yield part


def bar_trace(
    rows: Sequence[Row],
    centres: Sequence[float],
    colour: str,
    hatch: str,
    xaxis: str,
    digits: int,
    *,
    percent: bool,
) -> go.Bar:
    assumed = rows[0]["seen"] == "assumed"
    name = escaped(rows[0]["series"])
    return go.Bar(
        x=[row["value"] for row in rows],
        y=list(centres),
        width=_BAR,
        orientation="h",
        name=f"{name} (assumed)" if assumed and name else name,
        marker={
            "color": ASSUMED if assumed else colour,
            "line": {"color": colour, "width": 1},
            "pattern": hatching(hatch),
        },
        error_x={
            "array": [0.0 if row["high"] is None else row["high"] - row["value"] for row in rows],
            "arrayminus": [
                0.0 if row["low"] is None else row["value"] - row["low"] for row in rows
            ],
            "color": INK,
            "thickness": 1.5,
            "width": 4,
        },
        hovertext=[_bars_hover(row, xaxis, digits, percent) for row in rows],
        hoverinfo="text",
        # Text of a bar would otherwise be drawn from its hover text.
        textposition="none",
        cliponaxis=False,
        showlegend=bool(rows[0]["series"]),
    )


def _bars_hover(row: Row, xaxis: str, digits: int, percent: bool) -> str:
    who = ", ".join(escaped(name) for name in (row["label"], row["series"]) if name)
    mark = MARKS.get(row["seen"], "")
    numbers = " ".join(printed(row["value"], row["low"], row["high"], digits, percent=percent))
    said = f"<b>{who}</b><br>{escaped(xaxis)}: {numbers}{limits_named(row)}"
    return said + (f"<br>{mark}" if mark else "")


def _bars_alt(title: str, xaxis: str, rows: Sequence[Row], digits: int, percent: bool) -> str:
    said = [
        f"{', '.join(name for name in (row['label'], row['series']) if name)} "
        + " ".join(printed(row["value"], row["low"], row["high"], digits, percent=percent))
        for row in rows
    ]
    more = f"; and {len(said) - _SAID} more" if len(said) > _SAID else ""
    return f"Bar chart: {title}. {xaxis}: {'; '.join(said[:_SAID])}{more}."


def steps(
    table: pd.DataFrame,
    *,
    title: str,
    xaxis: str,
    source: str,
    interval: str = "{level} interval",
    bounds: str = "bounds",
) -> go.Figure:
    """Points with limits on a scale on which each mark is ten times the one before.

    Parameters
    ----------
    table : DataFrame
        A step a row, from the top: label, value, low, high, all above 0. Optional: seen (a key of
        `plcore.evidence.schema.MARKS`, printed as a sign behind the number; the mark is open where
        the number is assumed), level (of the interval from low to high; 0.95 without it), and
        bound_low and bound_high, as for `bars`, above 0.
    title : str
        What the chart shows, in one line.
    xaxis : str
        The quantity along the axis and its unit, such as "People (millions)".
    source : str
        Where the numbers come from; printed under the chart.
    interval : str
        What `low` and `high` are, as printed in the caption; "{level}" stands for the level of
        the table.
    bounds : str
        What bound_low and bound_high are, as printed in the caption.

    Raises
    ------
    ValueError
        If a cell is missing or unfit; the message names the column and the row. Also if a number is not above 0.
    """
    rows = checked("steps", table, text=("label",), number=_LIMITS,
                   optional=("seen", "level", *_BOUNDS))  # fmt: skip
    limits = name_intervals("steps", rows, interval)
    for row in rows:
        rising("steps", row, _LIMITS)
        both_or_neither("steps", row, _BOUNDS)
        rising("steps", row, ("bound_low", "value", "bound_high"))
        for end in ("low", "bound_low"):
            if row[end] is not None and row[end] <= 0:
                raise ValueError(
                    f"steps: {end}, row {row['row']}: {row[end]:g}; expected above 0, as each "
                    "mark of the scale is ten times the one before"
                )
    labels = stacked(
        [(label_lines(row["label"]), _step_numbers(row)) for row in rows],
        least=[_MARK_HEIGHT] * len(rows),
    )
    ends = [row[end] for row in rows for end in (*_LIMITS, *_BOUNDS) if row[end] is not None]
    first = math.floor(math.log10(min(ends)) + 1e-9)
    last = math.ceil(math.log10(max(ends)) - 1e-9)
    centres = {row["place"]: label.centre for row, label in zip(rows, labels, strict=True)}
    diamonds = bound_marks(rows, centres, math.log10)
    caption = (
        f"Lines: {limits}; along the scale, each marked number is ten times the one to its left."
    )
    caption += f" {marks_explained(row['seen'] for row in rows)}"
    caption = caption.strip() + _marks_said(diamonds, bounds)
    words = Words(title, xaxis, caption, source, _steps_alt(title, xaxis, rows))
    # The numbers themselves stand on top, where a phone has no room for all beside each other.
    lines, points = _step_traces(rows, labels, xaxis)
    figure = over_rows(
        [lines, *diamonds, points],
        words,
        rows=labels,
        extent=(first, max(last, first + 1)),
    )
    powers = list(range(first, max(last, first + 1) + 1))
    # Not every one is labelled where all would crowd on a phone.
    every = 3 if len(powers) > 6 else 2 if len(powers) > 4 else 1
    texts = [_power(p) if (p - first) % every == 0 else "" for p in powers]
    return figure.update_xaxes(tickvals=powers, ticktext=texts, showgrid=True)


def _power(exponent: int) -> str:
    """1,000 in full, 1 million in words: a phone has no room for its zeros."""
    if exponent >= 6:
        return f"{10 ** (exponent - 6):,}m"
    return f"{10**exponent:,}" if exponent >= 0 else short(10.0**exponent)


def _step_traces(rows: Sequence[Row], labels: Sequence[Label], xaxis: str) -> list[go.Scatter]:
    lines = go.Scatter(
        x=[x for row in rows for x in (math.log10(row["low"]), math.log10(row["high"]), None)],
        y=[y for label in labels for y in (label.centre, label.centre, None)],
        mode="lines",
        line={"color": INK, "width": 2},
        hoverinfo="skip",
        showlegend=False,
    )
    points = go.Scatter(
        x=[math.log10(row["value"]) for row in rows],
        y=[label.centre for label in labels],
        mode="markers",
        marker={
            "size": 11,
            "symbol": ["circle-open" if row["seen"] == "assumed" else "circle" for row in rows],
            "color": [ASSUMED if row["seen"] == "assumed" else EVIDENCE for row in rows],
            "line": {"width": 2, "color": INK},
        },
        hovertext=[
            f"{escaped(row['label'])}<br>{escaped(xaxis)}: "
            f"{interval(row['low'], row['value'], row['high'])}"
            f"{limits_named(row)}{_how(row)}"
            for row in rows
        ],
        hoverinfo="text",
        cliponaxis=False,
        showlegend=False,
    )
    return [lines, points]


def _how(row: Row) -> str:
    mark = MARKS.get(row["seen"], "")
    return f"<br>{mark}" if mark else ""


def _step_numbers(row: Row) -> tuple[str, ...]:
    """The value, and its limits where there are any."""
    value = _short(row["value"]) + sign(row["seen"])
    if row["low"] == row["high"]:
        return (value,)
    return value, f"{_short(row['low'])}-{_short(row['high'])}"


def _short(value: float) -> str:
    """Three significant digits: 13.8m, 57,400, 28.1."""
    if value >= 999_500:
        return f"{short(value / 1e6)}m"
    return short(value)


def _steps_alt(title: str, xaxis: str, rows: Sequence[Row]) -> str:
    said = "; ".join(
        f"{row['label']}: {interval(*(float(f'{row[end]:.3g}') for end in _LIMITS))}"
        for row in rows
    )
    return f"{title}. {xaxis}, on a scale by tens: {said}."


def waterfall(
    table: pd.DataFrame,
    *,
    title: str,
    xaxis: str,
    source: str,
    scale: float = 1.0,
    values: str = "means",
) -> go.Figure:
    """From one total to another, a bar for each step between.

    Parameters
    ----------
    table : DataFrame
        One bar per row, from the top: label, value, low, high (limits may be blank) and role, "total"
        or "step". A total after the first must be what the rows before it add up to. Optional:
        level (of the interval from low to high; 0.95 without it).
    title : str
        What the chart shows, in one line.
    xaxis : str
        The quantity along the axis and its unit, such as "People (millions)".
    source : str
        Where the numbers come from; printed under the chart.
    scale : float
        The values are divided by it: 1e6 prints millions.
    values : str
        What the values are, such as "means" or "medians", as printed in the caption.

    Raises
    ------
    ValueError
        If a cell is missing or unfit; the message names the column and the row. Also if a total is not
        what the rows before it add up to.

    Examples
    --------
    >>> table = pd.DataFrame({"label": ["2020", "Ageing", "2030"], "value": [2.0, 0.5, 2.5],
    ...                       "role": ["total", "step", "total"], "low": None, "high": None})
    >>> figure = waterfall(table, title="Growth", xaxis="People (millions)", source="A projection")
    """
    require_scale("waterfall", scale)
    rows = checked("waterfall", table, text=("label", "role"), number=("value",),
                   blank=("low", "high"), optional=("level",))  # fmt: skip
    limits = name_intervals("waterfall", rows, "{level} interval")
    rows = rescaled(rows, _LIMITS, scale)
    for row in rows:
        one_of("waterfall", row, "role", ("total", "step"))
        both_or_neither("waterfall", row)
        rising("waterfall", row, _LIMITS)
    bases = _bases(rows)
    ends = [base + row["value"] for base, row in zip(bases, rows, strict=True)]
    limited = [row for row in rows if row["low"] is not None]
    digits = decimals_telling_apart(
        [row["low"] for row in limited] or [0.0] * len(rows),
        [row["high"] for row in limited] or [abs(row["value"]) for row in rows],
        2,
    )
    labels = stacked(
        [
            (
                label_lines(row["label"], bold=row["role"] == "total"),
                printed(row["value"], row["low"], row["high"], digits, percent=False),
            )
            for row in rows
        ],
        least=[_STEP_BAR] * len(rows),
    )
    reach = [
        base + limit
        for base, row in zip(bases, rows, strict=True)
        for limit in (row["low"], row["high"])
        if limit is not None
    ]
    words = Words(
        title,
        xaxis,
        _waterfall_caption(values, limits if limited else ""),
        source,
        _waterfall_alt(title, xaxis, rows, digits),
    )
    return over_rows(
        list(_waterfall_bars(rows, bases, labels, xaxis)),
        words,
        rows=labels,
        extent=span([*bases, *ends, *reach], zero=True),
        shapes=[
            _link(ends[i], labels[i].centre, labels[i + 1].centre) for i in range(len(rows) - 1)
        ],
        barmode="overlay",
    )


def _bases(rows: Sequence[Row]) -> list[float]:
    bases, running = [], 0.0
    for row in rows:
        if row["role"] == "step":
            bases.append(running)
            running += row["value"]
            continue
        if row["place"] > 0 and not math.isclose(row["value"], running, rel_tol=1e-6):
            raise ValueError(
                f"waterfall: value, row {row['row']}: {row['value']:g}; expected {running:g}, "
                "which the rows before add up to"
            )
        bases.append(0.0)
        running = row["value"]
    return bases


def _waterfall_bars(
    rows: Sequence[Row], bases: Sequence[float], labels: Sequence[Label], xaxis: str
) -> Iterator[Any]:
    looks = {"total": (LIMB_LOSS, ""), "up": (EVIDENCE, ""), "down": (CLAIM, "/")}
    kinds = [
        "total" if row["role"] == "total" else "down" if row["value"] < 0 else "up" for row in rows
    ]
    for kind, (colour, hatch) in looks.items():
        chosen = [i for i, role in enumerate(kinds) if role == kind]
        if not chosen:
            continue
        yield go.Bar(
            x=[rows[i]["value"] for i in chosen],
            base=[bases[i] for i in chosen],
            y=[labels[i].centre for i in chosen],
            width=_STEP_BAR,
            orientation="h",
            name=kind,
            marker={
                "color": colour,
                "pattern": {"shape": hatch, "fgcolor": "white", "size": 6, "fillmode": "overlay"},
            },
            error_x={
                "array": [_gap(rows[i]["value"], rows[i]["high"]) for i in chosen],
                "arrayminus": [_gap(rows[i]["low"], rows[i]["value"]) for i in chosen],
                "color": INK,
                "thickness": 1.5,
                "width": 4,
            },
            hovertext=[
                f"{escaped(rows[i]['label'])}: "
                f"{interval(rows[i]['low'], rows[i]['value'], rows[i]['high'])}"
                f"<br>{escaped(xaxis)}{limits_named(rows[i])}"
                for i in chosen
            ],
            hoverinfo="text",
            textposition="none",
            showlegend=False,
        )


def _gap(low: float | None, high: float | None) -> float:
    return 0.0 if low is None or high is None else high - low


def _link(x: float, above: float, below: float) -> dict[str, Any]:
    return {
        "type": "line", "xref": "x", "yref": "y", "x0": x, "x1": x, "y0": above, "y1": below,
        "line": {"color": ASSUMED, "width": 1, "dash": "dot"}, "layer": "below", "name": "link",
    }  # fmt: skip


def _waterfall_caption(values: str, limits: str) -> str:
    said = "Blue adds, orange and hatched takes away, green is a total."
    return f"{said} {values.capitalize()}; whiskers: {limits}." if limits else said


def _waterfall_alt(title: str, xaxis: str, rows: Sequence[Row], digits: int) -> str:
    said = "; ".join(f"{row['label']} {number(row['value'], digits)}" for row in rows)
    return f"{title}. {xaxis}: {said}."

"""Charts of lines: fans and lines over the years, and curves over any other quantity."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby, pairwise
from typing import Any

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts.frame import (
    ASSUMED,
    EDGE,
    INK,
    LABEL_LINE,
    LABEL_SIZE,
    NARROWEST,
    OUTSIDE,
    PUBLISHED,
    SERIES,
    SYMBOLS,
    Row,
    Words,
    also_drawn,
    both_or_neither,
    by_series,
    checked,
    escaped,
    extrapolated,
    framed,
    in_time,
    interval,
    limits_named,
    name_intervals,
    percentage,
    require_reference,
    require_scale,
    rescaled,
    rising,
    significant,
    tick_texts,
    ticks,
    width,
    within_shares,
    wrapped,
    year_axis,
)
from plcore.evidence.schema import MARKS

PLOT_HEIGHT = 330
#: Extrapolated years are dotted, so the dash of a series must not look like dots.
DASHES = ("solid", "longdash", "dashdot", "longdashdot", "dash")
_ASSUMED_DASH = "8px,5px"
_LABEL_WIDTH, _WIDEST_WORD = 92, 150
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
_LIMIT = re.compile(r"(?:low|high)_(?P<level>\d+(?:\.\d+)?)")
#: Each band lies on the wider ones, so that the shades add up.
_SHADE, _FAINT_SHADE = 0.2, 0.1
_LIMITS = ("low", "value", "high")


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
            **year_axis(first - pad, last + pad, NARROWEST - left - right),
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
    found = [line for label in labels for line in _label_lines(label)]
    return max((width(line, LABEL_SIZE) + 18 for line in found), default=2 * EDGE)


def _label_lines(label: str) -> list[str]:
    """The lines of a label: no word is broken, not even at a hyphen, unless it is very long."""
    longest = max(width(word, LABEL_SIZE) for word in label.split(" "))
    return wrapped(label, min(max(_LABEL_WIDTH, longest), _WIDEST_WORD), LABEL_SIZE)


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
    texts = [_label_lines(name) for name, *_ in ends]
    values = [value for *_, value in ends]
    placed = label_places([len(text) for text in texts], values, bottom, top, PLOT_HEIGHT)
    last = max((year for _, year, _ in ends), default=0.0)
    for text, (_, year, value), at, colour in zip(texts, ends, placed, colours, strict=False):
        far = year < last
        yield {
            "name": "series",
            "text": "<br>".join(text),
            "x": year,
            "y": value,
            "axref": "x",
            "ax": right,
            "ayref": "y",
            "ay": at,
            "xanchor": "left",
            "align": "left",
            "arrowhead": 0,
            # Over a long way it must not look like more of the line.
            "arrowcolor": _rgba(colour, 0.4) if far else colour,
            "arrowwidth": 1 if far else 1.5,
            "standoff": 5,
            "borderpad": 3,
            "font": {"color": INK, "size": LABEL_SIZE},
        }


def label_places(
    lines: Sequence[int], values: Sequence[float], bottom: float, top: float, height: float
) -> list[float]:
    """Where on the axis up labels of so many lines stand, in a plot so many pixels high."""
    per_pixel = (top - bottom) / height
    wanted = [(top - value) / per_pixel for value in values]
    placed = spread(wanted, [n_lines * LABEL_LINE + 4 for n_lines in lines], height)
    return [top - at * per_pixel for at in placed]


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


def fan(
    table: pd.DataFrame,
    *,
    title: str,
    yaxis: str,
    source: str,
    points: pd.DataFrame | None = None,
    scale: float = 1.0,
    colours: Sequence[str] = SERIES,
) -> go.Figure:
    """A median over the years with its intervals, or several with the widest of each.

    Parameters
    ----------
    table : DataFrame
        One row per year: year, median, and low_ and high_ of one level or more, in percent, as
        low_50, high_50, low_80, high_80, low_95, high_95. Optional: series (each has a line, the
        band of the highest level and a label) and extrapolated (bool; those years are dotted, on
        grey).
    title : str
        What the chart shows, in one line.
    yaxis : str
        The quantity and its unit, such as "People (millions)".
    source : str
        Where the numbers come from; printed under the chart.
    points : DataFrame, optional
        Published numbers to compare: year, value, label. Optional: low, high (their limits), level
        (of these, where it is known) and seen (a key of `plcore.evidence.schema.MARKS`; the marker is open where the source itself
        was not read).
    scale : float
        The numbers of both tables are divided by it: 1e6 prints millions.
    colours : sequence of str
        Colours of the series, as #RRGGBB, in their order.

    Raises
    ------
    ValueError
        If a cell is missing or unfit; the message names the column and the row. Also if intervals do
        not lie within each other, or the years of a series do not increase.
    """
    flags = extrapolated("fan", table)
    levels = _levels(table)
    limits = (
        *(f"low_{level}" for level in levels),
        "median",
        *(f"high_{level}" for level in reversed(levels)),
    )
    rows = checked("fan", table, number=("year", *limits), optional=("series",))
    for row in rows:
        rising("fan", row, limits)
    require_scale("fan", scale)
    rows = [row | {"extrapolated": flag} for row, flag in zip(rows, flags, strict=True)]
    rows = rescaled(rows, limits, scale)
    published = [] if points is None else _checked_points(points, scale)
    series = by_series("fan", rows, min(len(colours), len(DASHES)))
    words = Words(title, yaxis, _fan_caption(series, levels, published), source,
                  _fan_alt(title, yaxis, series, levels[0], published))  # fmt: skip
    figure = over_years(
        [*_fans(series, levels, colours, yaxis), *_point_traces(published, yaxis)],
        words,
        series=series,
        column="median",
        extent=[row[limit] for row in rows for limit in (limits[0], limits[-1])]
        + [row[limit] for row in published for limit in _LIMITS if row[limit] is not None],
        years=[row["year"] for row in (*rows, *published)],
        colours=colours,
    )
    if points is None:
        return figure
    return also_drawn(figure, "published", points, ("year", "value", "low", "high", "level",
                                                    "label", "seen"))  # fmt: skip


def _levels(table: pd.DataFrame) -> tuple[str, ...]:
    """The levels of the intervals in the columns of a fan, in percent, the widest first."""
    columns = [str(column) for column in getattr(table, "columns", ())]
    ends = [found for found in map(_LIMIT.fullmatch, columns) if found]
    levels = sorted({end["level"] for end in ends}, key=float, reverse=True)
    # Without any, what is missing is named as the summaries have it.
    return tuple(levels) or ("95", "80", "50")


def _fans(
    series: Mapping[str, Sequence[Row]], levels: Sequence[str], colours: Sequence[str], yaxis: str
) -> Iterator[Any]:
    several = len(series) > 1
    for rows, colour in zip(series.values(), colours, strict=False):
        in_time("fan", rows)
        yield from _bands(rows, colour, levels[:1] if several else levels)
    for rows, colour, dash, symbol in zip(series.values(), colours, DASHES, SYMBOLS, strict=False):
        yield from line(rows, "median", colour, dash)
        hover = [_fan_hover(row, levels, yaxis) for row in rows]
        yield marks(rows, "median", colour, symbol if several else "", hover)


def _bands(rows: Sequence[Row], colour: str, levels: Sequence[str]) -> Iterator[Any]:
    for place, level in enumerate(levels):
        for flag, piece in pieces(rows):
            years = [row["year"] for row in piece]
            # The band of a single year has no area and is drawn as a bar instead.
            wide = 1 if len(piece) > 1 else 4 + 5 * place
            yield go.Scatter(
                x=[*years, *reversed(years)],
                y=[row[f"high_{level}"] for row in piece]
                + [row[f"low_{level}"] for row in reversed(piece)],
                name=f"{level}% interval",
                mode="lines",
                fill="toself",
                fillcolor=_rgba(colour, _FAINT_SHADE if flag else _SHADE),
                line={"color": _rgba(colour, 0.5 if len(piece) > 1 else 0.25), "width": wide},
                hoverinfo="skip",
                showlegend=False,
            )


def _rgba(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def _fan_hover(row: Row, levels: Sequence[str], yaxis: str) -> str:
    who = f"{escaped(row['series'])}, " if row["series"] else ""
    flag = " (extrapolated)" if row["extrapolated"] else ""
    limits = "<br>".join(
        f"{level}%: {significant(row[f'low_{level}'])} to {significant(row[f'high_{level}'])}"
        for level in reversed(levels)
    )
    return (
        f"<b>{who}{row['year']:.0f}</b>{flag}<br>{escaped(yaxis)}<br>"
        f"Median: {significant(row['median'])}<br>{limits}"
    )


def _checked_points(points: pd.DataFrame, scale: float) -> list[Row]:
    rows = checked(
        "fan, points",
        points,
        text=("label",),
        number=("year", "value"),
        optional=("low", "high", "seen", "level"),
    )
    name_intervals("fan, points", rows, "{level} limits")
    for row in rows:
        rising("fan, points", row, _LIMITS)
    return rescaled(rows, _LIMITS, scale)


def _point_traces(rows: Sequence[Row], yaxis: str) -> Iterator[Any]:
    labels = list(dict.fromkeys(row["label"] for row in rows))
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["label"], MARKS.get(row["seen"], "")), []).append(row)
    looks: set[tuple[str, bool]] = set()
    for (label, mark), group in groups.items():
        at = labels.index(label)
        # The symbol of its label, or the next that no other entry of the legend has.
        free = (SYMBOLS[(at + i) % len(SYMBOLS)] for i in range(len(SYMBOLS)))
        symbol = next(
            (shape for shape in free if (shape, bool(mark)) not in looks),
            SYMBOLS[at % len(SYMBOLS)],
        )
        looks.add((symbol, bool(mark)))
        name = escaped(f"{label} ({mark})" if mark else label)
        yield go.Scatter(
            x=[row["year"] for row in group],
            y=[row["value"] for row in group],
            error_y={
                "array": [_reach(row["value"], row["high"]) for row in group],
                "arrayminus": [_reach(row["value"], row["low"]) for row in group],
                "color": PUBLISHED,
                "thickness": 1.5,
                "width": 4,
            },
            name=name,
            mode="markers",
            marker={
                "color": PUBLISHED,
                "symbol": f"{symbol}-open" if mark else symbol,
                "size": 9,
                "line": {"color": PUBLISHED if mark else "white", "width": 2 if mark else 1},
            },
            hovertext=[
                f"<b>{name}, {row['year']:.0f}</b><br>{escaped(yaxis)}: "
                + interval(row["low"], row["value"], row["high"])
                # Published limits are of many kinds: their level is said where it is known.
                + (limits_named(row) if row["level"] is not None else "")
                for row in group
            ],
            hoverinfo="text",
            cliponaxis=False,
            showlegend=True,
        )


def _reach(value: float, limit: float | None) -> float:
    return 0.0 if limit is None else abs(limit - value)


def _fan_caption(
    series: Mapping[str, Sequence[Row]], levels: Sequence[str], points: Sequence[Row]
) -> str:
    inner, widest = ", ".join(reversed(levels[1:])), levels[0]
    if len(series) > 1:
        bands = f"Lines: medians. Bands: {widest}% intervals."
    elif inner:
        bands = f"Line: median. Bands, dark to light: {inner} and {widest}% intervals."
    else:
        bands = f"Line: median. Band: {widest}% interval."
    limits = any(row["low"] is not None or row["high"] is not None for row in points)
    unread = any(MARKS.get(row["seen"]) for row in points)
    known = {row["interval"] for row in points if row["level"] is not None}
    named = known.pop() if len(known) == 1 else "limits"
    published = " Black: published" + (f" with its {named}" if limits else "")
    published += ", open where not read at its source." if unread else "."
    return bands + (published if points else "")


def _fan_alt(
    title: str,
    yaxis: str,
    series: Mapping[str, Sequence[Row]],
    level: str,
    points: Sequence[Row],
) -> str:
    said = []
    for name, rows in series.items():
        ends = [rows[0]] if len(rows) == 1 else [rows[0], rows[-1]]
        numbers = ", ".join(
            f"{significant(row['median'])} in {row['year']:.0f} ({level}% interval "
            f"{significant(row[f'low_{level}'])} to {significant(row[f'high_{level}'])})"
            for row in ends
        )
        said.append(f"{name or 'median'} {numbers}")
    marked = f" Published points marked: {len(points)}." if points else ""
    return f"Fan chart over years: {title}. {yaxis}: {'; '.join(said)}.{marked}"


def lines(
    table: pd.DataFrame,
    *,
    title: str,
    yaxis: str,
    source: str,
    scale: float = 1.0,
    colours: Sequence[str] = SERIES,
) -> go.Figure:
    """Lines over the years, each labelled at its end.

    Parameters
    ----------
    table : DataFrame
        One row per year and series: year, value, series. Optional: extrapolated (bool; those years are
        dotted, on grey).
    title : str
        What the chart shows, in one line.
    yaxis : str
        The quantity and its unit, such as "People (millions)".
    source : str
        Where the numbers come from; printed under the chart.
    scale : float
        The values are divided by it: 1e6 prints millions.
    colours : sequence of str
        Colours of the series, as #RRGGBB, in their order.

    Raises
    ------
    ValueError
        If a cell is missing or unfit; the message names the column and the row. Also if the years of a
        series do not increase.

    Examples
    --------
    >>> table = pd.DataFrame({"year": [2020, 2030], "value": [2e6, 3e6], "series": "Base"})
    >>> lines(table, title="T", yaxis="People (millions)", source="S", scale=1e6).data[0].y
    (2.0, 3.0)
    """
    flags = extrapolated("lines", table)
    rows = checked("lines", table, text=("series",), number=("year", "value"))
    require_scale("lines", scale)
    rows = [row | {"extrapolated": flag} for row, flag in zip(rows, flags, strict=True)]
    rows = rescaled(rows, ("value",), scale)
    series = by_series("lines", rows, min(len(colours), len(DASHES)))
    traces: list[Any] = []
    for points, colour, dash, symbol in zip(
        series.values(), colours, DASHES, SYMBOLS, strict=False
    ):
        in_time("lines", points)
        traces += line(points, "value", colour, dash)
        traces.append(
            marks(points, "value", colour, symbol, [_lines_hover(row, yaxis) for row in points])
        )
    caption = "Lines: one value a year, without intervals."
    return over_years(
        traces,
        Words(title, yaxis, caption, source, _lines_alt(title, yaxis, series)),
        series=series,
        column="value",
        extent=[row["value"] for row in rows],
        years=[row["year"] for row in rows],
        colours=colours,
    )


def _lines_hover(row: Row, yaxis: str) -> str:
    flag = " (extrapolated)" if row["extrapolated"] else ""
    return (
        f"<b>{escaped(row['series'])}, {row['year']:.0f}</b>{flag}<br>"
        f"{escaped(yaxis)}: {significant(row['value'])}"
    )


def _lines_alt(title: str, yaxis: str, series: Mapping[str, Sequence[Row]]) -> str:
    said = []
    for name, rows in series.items():
        ends = [rows[0]] if len(rows) == 1 else [rows[0], rows[-1]]
        numbers = ", ".join(f"{significant(row['value'])} in {row['year']:.0f}" for row in ends)
        said.append(f"{name} {numbers}")
    return f"Lines over years: {title}. {yaxis}: {'; '.join(said)}."


def curves(
    table: pd.DataFrame,
    *,
    title: str,
    xaxis: str,
    yaxis: str,
    source: str,
    percent: bool = False,
    reference: float | None = None,
    interval: str = "{level} interval",
    colours: Sequence[str] = SERIES,
) -> go.Figure:
    """Curves over a number, with bands where limits are given, each labelled at its end.

    Parameters
    ----------
    table : DataFrame
        One row per point of a curve: x, value, series. Optional: low and high (both or neither), and
        their level; 0.95 without it; seen (a key of `plcore.evidence.schema.MARKS`: a series that
        is assumed throughout is dashed, and named so under the chart).
    title : str
        What the chart shows, in one line.
    xaxis : str
        The quantity across and its unit, such as "days since the first infusion".
    yaxis : str
        The quantity up and its unit.
    source : str
        Where the numbers come from; printed under the chart.
    percent : bool
        Whether the numbers are shares, 0 to 1, to be printed as percent.
    reference : float, optional
        Where to draw a dashed line across, such as the power wanted.
    interval : str
        What `low` and `high` are, as printed in the caption; "{level}" stands for the level of
        the table.
    colours : sequence of str
        Colours of the series, as #RRGGBB, in their order.

    Raises
    ------
    ValueError
        If a cell is missing or unfit; the message names the column and the row. Also if x does not rise
        along a series.
    """
    require_reference("curves", reference)
    rows = checked("curves", table, text=("series",), number=("x", "value"),
                   optional=("low", "high", "level", "seen"))  # fmt: skip
    limits = name_intervals("curves", rows, interval)
    for row in rows:
        both_or_neither("curves", row)
        rising("curves", row, _LIMITS)
        if percent:
            within_shares("curves", row, _LIMITS)
    series = by_series("curves", rows, min(len(colours), len(DASHES)))
    _require_order(series)
    shown = [row[end] for row in rows for end in _LIMITS if row[end] is not None]
    bottom, top = axis_range(shown if reference is None else [*shown, reference])
    across, down = [row["x"] for row in rows], ticks(bottom, min(top, 1) if percent else top, 6)
    texts = [percentage(at, 0) for at in down] if percent else tick_texts(down)
    left = EDGE + 10 + max(width(text, LABEL_SIZE) for text in texts)
    pad = 0.02 * (max(across) - min(across)) or abs(across[0]) / 2 or 1.0
    ends = [(name, points[-1]["x"], points[-1]["value"]) for name, points in series.items()]
    # A curve of one point has no ticks but its own.
    x_marks = ticks(min(across), max(across), 5) if min(across) < max(across) else [across[0]]
    banded = any(row["low"] is not None for row in rows)
    words = Words(
        title,
        f"{yaxis}; across: {xaxis}",
        (f"Bands: {limits}." if banded else "Lines without intervals.")
        + (" Dashed: assumed." if any(map(_assumed, series.values())) else ""),
        source,
        _curves_alt(title, xaxis, yaxis, series, percent),
    )
    return framed(
        _curve_traces(series, colours, yaxis, percent),
        words,
        plot_height=PLOT_HEIGHT,
        left=left,
        right=label_room([name for name, *_ in ends]),
        xaxis={
            "range": [min(across) - pad, max(across) + pad],
            "tickvals": x_marks,
            "ticktext": tick_texts(x_marks),
            "showgrid": False,
            **OUTSIDE,
        },
        yaxis={"range": [bottom, top], "tickvals": down, "ticktext": texts},
        annotations=end_labels(ends, colours, bottom, top, max(across) + pad),
        shapes=_reference(reference),
    )


def _assumed(rows: Sequence[Row]) -> bool:
    return all(row["seen"] == "assumed" for row in rows)


def _require_order(series: Mapping[str, Sequence[Row]]) -> None:
    for name, rows in series.items():
        for before, row in pairwise(rows):
            if row["x"] <= before["x"]:
                raise ValueError(
                    f"curves: x, row {row['row']}: {row['x']:g} after {before['x']:g} in {name!r}; "
                    "expected rising numbers"
                )


def _curve_traces(
    series: Mapping[str, Sequence[Row]], colours: Sequence[str], yaxis: str, percent: bool
) -> list[Any]:
    bands, lines = [], []
    for (name, rows), colour, dash, symbol in zip(
        series.items(), colours, DASHES, SYMBOLS, strict=False
    ):
        x = [row["x"] for row in rows]
        limited = [row for row in rows if row["low"] is not None]
        if limited:
            along = [row["x"] for row in limited]
            bands.append(
                go.Scatter(
                    x=[*along, *reversed(along)],
                    y=[row["high"] for row in limited] + [row["low"] for row in reversed(limited)],
                    name="band",
                    mode="lines",
                    fill="toself",
                    fillcolor=_rgba(colour, 0.18),
                    line={"color": colour, "width": 0.5},
                    hoverinfo="skip",
                    showlegend=False,
                )
            )
        lines.append(
            go.Scatter(
                x=x,
                y=[row["value"] for row in rows],
                name=name,
                mode="lines+markers",
                line={
                    "color": colour,
                    "width": 2.5,
                    "dash": _ASSUMED_DASH if _assumed(rows) else dash,
                },
                marker={"color": colour, "symbol": symbol, "size": 8, "maxdisplayed": 7},
                hovertext=[_curves_hover(row, yaxis, percent) for row in rows],
                hoverinfo="text",
                cliponaxis=False,
                showlegend=False,
            )
        )
    return [*bands, *lines]


def _printed(row: Row, percent: bool) -> str:
    if not percent:
        return interval(row["low"], row["value"], row["high"])
    if row["low"] is None:
        return percentage(row["value"], 1)
    limits = f"{percentage(row['low'], 1)} to {percentage(row['high'], 1)}"
    return f"{percentage(row['value'], 1)} ({limits})"


def _curves_hover(row: Row, yaxis: str, percent: bool) -> str:
    return (
        f"<b>{escaped(row['series'])}, {significant(row['x'])}</b><br>"
        f"{escaped(yaxis)}: {_printed(row, percent)}{limits_named(row)}"
    )


def _reference(at: float | None) -> Iterator[dict[str, Any]]:
    if at is not None:
        yield {
            "name": "reference",
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "yref": "y",
            "y0": at,
            "y1": at,
            "line": {"color": PUBLISHED, "width": 1, "dash": "dash"},
            "layer": "between",
        }


def _curves_alt(
    title: str, xaxis: str, yaxis: str, series: Mapping[str, Sequence[Row]], percent: bool
) -> str:
    said = []
    for name, rows in series.items():
        ends = [rows[0]] if len(rows) == 1 else [rows[0], rows[-1]]
        numbers = ", ".join(f"{_printed(row, percent)} at {significant(row['x'])}" for row in ends)
        said.append(f"{name} {numbers}")
    return f"Curves: {title}. {yaxis} over {xaxis}: {'; '.join(said)}."

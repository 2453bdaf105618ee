"""A fan: a median over the years with its intervals, and published points to compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts._check import (
    Row,
    by_series,
    checked,
    extrapolated,
    in_time,
    require_scale,
    rescaled,
    rising,
)
from plcore.charts._template import PUBLISHED, SERIES, SYMBOLS, Words
from plcore.charts._text import escaped, interval, significant
from plcore.charts._years import DASHES, line, marks, over_years, pieces
from plcore.evidence.schema import MARKS

_LEVELS = (95, 80, 50)
_LIMITS = ("low_95", "low_80", "low_50", "median", "high_50", "high_80", "high_95")
_POINT = ("low", "value", "high")
#: Each band lies on the wider ones, so that the shades add up.
_SHADE, _FAINT_SHADE = 0.2, 0.1


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
    """A median over the years with its 50, 80 and 95% intervals, or several with theirs of 95%.

    Parameters
    ----------
    table : DataFrame
        year, median, low_50, high_50, low_80, high_80, low_95, high_95; optional: series (each has
        a line, a 95% band and a label), extrapolated (bool; those years are dotted, on grey).
    yaxis : str
        The quantity and its unit, such as "People (millions)".
    points : DataFrame, optional
        Published numbers to compare: year, value, label; optional low, high (their limits) and seen
        (a key of `plcore.evidence.schema.MARKS`; the marker is open where the source itself was not read).
    scale : float
        The numbers of both tables are divided by it: 1e6 prints millions.
    colours : sequence of str
        Of the series, in order.
    """
    flags = extrapolated("fan", table)
    rows = checked("fan", table, number=("year", *_LIMITS), optional=("series",))
    for row in rows:
        rising("fan", row, _LIMITS)
    require_scale("fan", scale)
    rows = [row | {"extrapolated": flag} for row, flag in zip(rows, flags, strict=True)]
    rows = rescaled(rows, _LIMITS, scale)
    published = [] if points is None else _checked_points(points, scale)
    series = by_series("fan", rows, min(len(colours), len(DASHES)))
    words = Words(title, yaxis, _caption(series, published), source,
                  _alt(title, yaxis, series, published))  # fmt: skip
    return over_years(
        [*_fans(series, colours, yaxis), *_point_traces(published, yaxis)],
        words,
        series=series,
        column="median",
        extent=[row[limit] for row in rows for limit in ("low_95", "high_95")]
        + [row[each] for row in published for each in _POINT if row[each] is not None],
        years=[row["year"] for row in (*rows, *published)],
        colours=colours,
    )


def _fans(series: Mapping[str, Sequence[Row]], colours: Sequence[str], yaxis: str) -> Iterator[Any]:
    several = len(series) > 1
    for rows, colour in zip(series.values(), colours, strict=False):
        in_time("fan", rows)
        yield from _bands(rows, colour, _LEVELS[:1] if several else _LEVELS)
    for rows, colour, dash, symbol in zip(series.values(), colours, DASHES, SYMBOLS, strict=False):
        yield from line(rows, "median", colour, dash)
        hover = [_hover(row, yaxis) for row in rows]
        yield marks(rows, "median", colour, symbol if several else "", hover)


def _bands(rows: Sequence[Row], colour: str, levels: Sequence[int]) -> Iterator[Any]:
    for level in levels:
        for flag, piece in pieces(rows):
            years = [row["year"] for row in piece]
            # The band of a single year has no area and is drawn as a bar instead.
            wide = 1 if len(piece) > 1 else {95: 4, 80: 9, 50: 14}[level]
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


def _hover(row: Row, yaxis: str) -> str:
    who = f"{escaped(row['series'])}, " if row["series"] else ""
    flag = " (extrapolated)" if row["extrapolated"] else ""
    limits = "<br>".join(
        f"{level}%: {significant(row[f'low_{level}'])} to {significant(row[f'high_{level}'])}"
        for level in reversed(_LEVELS)
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
        optional=("low", "high", "seen"),
    )
    for row in rows:
        rising("fan, points", row, _POINT)
    return rescaled(rows, _POINT, scale)


def _point_traces(rows: Sequence[Row], yaxis: str) -> Iterator[Any]:
    labels = list(dict.fromkeys(row["label"] for row in rows))
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["label"], MARKS.get(row["seen"], "")), []).append(row)
    for (label, mark), group in groups.items():
        symbol = SYMBOLS[labels.index(label) % len(SYMBOLS)]
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
                for row in group
            ],
            hoverinfo="text",
            cliponaxis=False,
            showlegend=True,
        )


def _reach(value: float, limit: float | None) -> float:
    return 0.0 if limit is None else abs(limit - value)


def _caption(series: Mapping[str, Sequence[Row]], points: Sequence[Row]) -> str:
    bands = (
        "Lines: medians. Bands: 95% intervals."
        if len(series) > 1
        else "Line: median. Bands, dark to light: 50, 80 and 95% intervals."
    )
    limits = any(row["low"] is not None or row["high"] is not None for row in points)
    unread = any(MARKS.get(row["seen"]) for row in points)
    published = " Black: published" + (" with its limits" if limits else "")
    published += ", open where not read at its source." if unread else "."
    return bands + (published if points else "")


def _alt(title: str, yaxis: str, series: Mapping[str, Sequence[Row]], points: Sequence[Row]) -> str:
    said = []
    for name, rows in series.items():
        ends = [rows[0]] if len(rows) == 1 else [rows[0], rows[-1]]
        numbers = ", ".join(
            f"{significant(row['median'])} in {row['year']:.0f} (95% interval "
            f"{significant(row['low_95'])} to {significant(row['high_95'])})"
            for row in ends
        )
        said.append(f"{name or 'median'} {numbers}")
    marked = f" Published points marked: {len(points)}." if points else ""
    return f"Fan chart over years: {title}. {yaxis}: {'; '.join(said)}.{marked}"

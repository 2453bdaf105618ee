"""Lines over the years, each labelled at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
)
from plcore.charts._template import SERIES, SYMBOLS, Words
from plcore.charts._text import escaped, significant
from plcore.charts._years import DASHES, line, marks, over_years


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
        year, value, series; optional: extrapolated (bool; those years are dotted, on grey).
    yaxis : str
        The quantity and its unit, such as "People (millions)".
    scale : float
        Values are divided by it: 1e6 prints millions.
    colours : sequence of str
        Of the series, in order.
    """
    flags = extrapolated("lines", table)
    rows = checked("lines", table, text=("series",), number=("year", "value"))
    require_scale("lines", scale)
    rows = [row | {"extrapolated": flag} for row, flag in zip(rows, flags, strict=True)]
    rows = rescaled(rows, ("value",), scale)
    series = by_series("lines", rows, min(len(colours), len(DASHES)))
    traces: list[Any] = []
    for each, colour, dash, symbol in zip(series.values(), colours, DASHES, SYMBOLS, strict=False):
        in_time("lines", each)
        traces += line(each, "value", colour, dash)
        traces.append(marks(each, "value", colour, symbol, [_hover(row, yaxis) for row in each]))
    caption = "Lines: one value a year, without intervals."
    return over_years(
        traces,
        Words(title, yaxis, caption, source, _alt(title, yaxis, series)),
        series=series,
        column="value",
        extent=[row["value"] for row in rows],
        years=[row["year"] for row in rows],
        colours=colours,
    )


def _hover(row: Row, yaxis: str) -> str:
    flag = " (extrapolated)" if row["extrapolated"] else ""
    return (
        f"<b>{escaped(row['series'])}, {row['year']:.0f}</b>{flag}<br>"
        f"{escaped(yaxis)}: {significant(row['value'])}"
    )


def _alt(title: str, yaxis: str, series: Mapping[str, Sequence[Row]]) -> str:
    said = []
    for name, rows in series.items():
        ends = [rows[0]] if len(rows) == 1 else [rows[0], rows[-1]]
        numbers = ", ".join(f"{significant(row['value'])} in {row['year']:.0f}" for row in ends)
        said.append(f"{name} {numbers}")
    return f"Lines over years: {title}. {yaxis}: {'; '.join(said)}."

"""Curves over any quantity, such as days or patients, each labelled at its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts._check import (
    Row,
    both_or_neither,
    by_series,
    checked,
    require_reference,
    rising,
    within_shares,
)
from plcore.charts._template import (
    EDGE,
    LABEL_SIZE,
    OUTSIDE,
    PUBLISHED,
    SERIES,
    SYMBOLS,
    Words,
    framed,
)
from plcore.charts._text import escaped, interval, percentage, significant, tick_texts, ticks, width
from plcore.charts._years import DASHES, PLOT_HEIGHT, axis_range, end_labels, label_room

_LIMITS = ("low", "value", "high")


def curves(
    table: pd.DataFrame,
    *,
    title: str,
    xaxis: str,
    yaxis: str,
    source: str,
    percent: bool = False,
    reference: float | None = None,
    interval_name: str = "95% interval",
    colours: Sequence[str] = SERIES,
) -> go.Figure:
    """Curves over a number, with bands where limits are given.

    Parameters
    ----------
    table : DataFrame
        x, value, series; optional: low and high (both or neither).
    xaxis, yaxis : str
        The quantities and their units, such as "days since the first infusion".
    percent : bool
        Whether the values are shares, 0 to 1, to be printed as percent.
    reference : float, optional
        Where to draw a dashed line across, such as the power wanted.
    interval_name : str
        What the limits are.
    colours : sequence of str
        Of the series, in order.
    """
    require_reference("curves", reference)
    rows = checked("curves", table, text=("series",), number=("x", "value"),
                   optional=("low", "high"))  # fmt: skip
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
    ends = [(name, each[-1]["x"], each[-1]["value"]) for name, each in series.items()]
    # A curve of one point has no ticks but its own.
    x_marks = ticks(min(across), max(across), 5) if min(across) < max(across) else [across[0]]
    banded = any(row["low"] is not None for row in rows)
    words = Words(
        title,
        f"{yaxis}; across: {xaxis}",
        f"Bands: {interval_name}." if banded else "Lines without intervals.",
        source,
        _alt(title, xaxis, yaxis, series, percent),
    )
    return framed(
        _traces(series, colours, yaxis, percent),
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


def _require_order(series: Mapping[str, Sequence[Row]]) -> None:
    for name, rows in series.items():
        for before, row in pairwise(rows):
            if row["x"] <= before["x"]:
                raise ValueError(
                    f"curves: x, row {row['row']}: {row['x']:g} after {before['x']:g} in {name!r}; "
                    "expected rising numbers"
                )


def _traces(
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
                    fillcolor=_faint(colour),
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
                line={"color": colour, "width": 2.5, "dash": dash},
                marker={"color": colour, "symbol": symbol, "size": 8, "maxdisplayed": 7},
                hovertext=[_hover(row, yaxis, percent) for row in rows],
                hoverinfo="text",
                cliponaxis=False,
                showlegend=False,
            )
        )
    return [*bands, *lines]


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"


def _printed(row: Row, percent: bool) -> str:
    if not percent:
        return interval(row["low"], row["value"], row["high"])
    if row["low"] is None:
        return percentage(row["value"], 1)
    limits = f"{percentage(row['low'], 1)} to {percentage(row['high'], 1)}"
    return f"{percentage(row['value'], 1)} ({limits})"


def _hover(row: Row, yaxis: str, percent: bool) -> str:
    return (
        f"<b>{escaped(row['series'])}, {significant(row['x'])}</b><br>"
        f"{escaped(yaxis)}: {_printed(row, percent)}"
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


def _alt(
    title: str, xaxis: str, yaxis: str, series: Mapping[str, Sequence[Row]], percent: bool
) -> str:
    said = []
    for name, rows in series.items():
        ends = [rows[0]] if len(rows) == 1 else [rows[0], rows[-1]]
        numbers = ", ".join(f"{_printed(row, percent)} at {significant(row['x'])}" for row in ends)
        said.append(f"{name} {numbers}")
    return f"Curves: {title}. {yaxis} over {xaxis}: {'; '.join(said)}."

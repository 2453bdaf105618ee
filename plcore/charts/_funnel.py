"""A funnel plot: studies by their precision, around what they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts._check import Row, checked, rising
from plcore.charts._template import ASSUMED, EVIDENCE, OUTSIDE, PUBLISHED, Words, framed
from plcore.charts._text import escaped, number, percentage, tick_texts, ticks
from plcore.evidence.schema import MARKS

_HEIGHT, _LEFT, _RIGHT, _MARGIN = 300, 44, 16, 0.04


def funnel(
    points: pd.DataFrame, edges: pd.DataFrame, *, title: str, xaxis: str, yaxis: str, source: str
) -> go.Figure:
    """Studies by share and standard error; precise studies are on top.

    Parameters
    ----------
    points : DataFrame
        label, share (0 to 1), se; optional: n, and seen (a key of `plcore.evidence.schema.MARKS`).
    edges : DataFrame
        se (rising), low, high and centre (shares): where 95% of studies would lie if all had one
        share.
    xaxis, yaxis : str
        The share and the standard error, with their units.
    """
    rows = checked("funnel", points, text=("label",), number=("share", "se"),
                   optional=("n", "seen"))  # fmt: skip
    funnel_rows = checked("funnel", edges, number=("se", "low", "high", "centre"))
    for row in funnel_rows:
        rising("funnel", row, ("low", "centre", "high"))
    reach = [row["share"] for row in rows]
    reach += [row[end] for row in funnel_rows for end in ("low", "high")]
    left, right = max(0.0, min(reach) - _MARGIN), min(1.0, max(reach) + _MARGIN)
    deepest = 1.04 * max(row["se"] for row in [*rows, *funnel_rows])
    across = ticks(left, right, 6)
    down = ticks(0, deepest, 6)
    words = Words(title, f"Down: {yaxis}. Across: {xaxis}", _caption(rows), source,
                  _alt(title, rows, funnel_rows))  # fmt: skip
    return framed(
        [*_edges(funnel_rows), _points(rows, xaxis)],
        words,
        plot_height=_HEIGHT,
        left=_LEFT,
        right=_RIGHT,
        xaxis={
            **OUTSIDE,
            "range": [left, right],
            "tickvals": across,
            "ticktext": [percentage(at, 0) for at in across],
        },
        yaxis={
            "range": [deepest, -0.02 * deepest],
            "tickvals": down,
            "ticktext": tick_texts(down),
        },
    )


def _edges(rows: Sequence[Row]) -> list[Any]:
    se = [row["se"] for row in rows]
    traces = [
        go.Scatter(
            x=[row[end] for row in rows],
            y=se,
            name=end,
            mode="lines",
            line={"color": ASSUMED, "width": 1.5, "dash": "dash"},
            hoverinfo="skip",
            showlegend=False,
        )
        for end in ("low", "high")
    ]
    centre = go.Scatter(
        x=[row["centre"] for row in rows],
        y=se,
        name="centre",
        mode="lines",
        line={"color": PUBLISHED, "width": 1.25},
        hoverinfo="skip",
        showlegend=False,
    )
    return [*traces, centre]


def _points(rows: Sequence[Row], xaxis: str) -> go.Scatter:
    hover = []
    for row in rows:
        counted = "" if row["n"] is None else f" (n={number(row['n'], 0)})"
        mark = _marked(row)
        lines = [f"<b>{escaped(row['label'])}{counted}</b>",
                 f"{escaped(xaxis)}: {percentage(row['share'], 1)}",
                 f"standard error {number(row['se'], 3)}", mark]  # fmt: skip
        hover.append("<br>".join(line for line in lines if line))
    return go.Scatter(
        x=[row["share"] for row in rows],
        y=[row["se"] for row in rows],
        name="studies",
        mode="markers",
        marker={
            "symbol": ["circle-open" if _marked(row) else "circle" for row in rows],
            "size": 9,
            "color": EVIDENCE,
            "line": {"color": EVIDENCE, "width": 1.5},
        },
        hovertext=hover,
        hoverinfo="text",
        cliponaxis=False,
        showlegend=False,
    )


def _marked(row: Row) -> str:
    return MARKS[row["seen"]] if row["seen"] else ""


def _caption(rows: Sequence[Row]) -> str:
    said = (
        "Dots: studies. Line: pooled share. Dashed: where 95% of the studies would lie if they "
        "differed by chance alone."
    )
    marks = dict.fromkeys(_marked(row) for row in rows if _marked(row))
    return f"{said} Open: {', '.join(marks)}." if marks else said


def _alt(title: str, rows: Sequence[Row], edges: Sequence[Row]) -> str:
    ordered = sorted(rows, key=lambda row: float(row["se"]))
    se = [edge["se"] for edge in edges]
    low, high = (
        np.interp([row["se"] for row in rows], se, [edge[end] for edge in edges])
        for end in ("low", "high")
    )
    shares = np.array([row["share"] for row in rows])
    outside = int(np.count_nonzero((shares < low) | (shares > high)))
    first, last = ordered[0], ordered[-1]
    return (
        f"Funnel plot: {title}. {len(rows)} studies around {percentage(edges[0]['centre'], 0)}; "
        f"the most precise, {first['label']}, has {percentage(first['share'], 0)}, the least "
        f"precise, {last['label']}, {percentage(last['share'], 0)}; outside the funnel: {outside}."
    )

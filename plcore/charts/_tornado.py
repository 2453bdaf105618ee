"""A tornado: what each parameter alone does to an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts._check import Row, checked, require_scale, rescaled, rising
from plcore.charts._rows import label_lines, over_rows, printed, span, stacked
from plcore.charts._template import FAINT_INK, HATCHES, INK, LABEL_SIZE, SERIES, Words
from plcore.charts._text import (
    decimals_telling_apart,
    escaped,
    number,
    significant,
    tick_texts,
    width,
)

_BAR, _SAID, _DIGITS = 22, 6, 2
#: Pixels between tick labels on a phone of 350.
_PHONE, _TICK_GAP = 350, 8


def named_rows(chart: str, table: pd.DataFrame, numbers: Sequence[str]) -> list[Row]:
    """The rows of a table, each with a label: the parameter's name in words where none is given."""
    key = "label" if "label" in getattr(table, "columns", ()) else "parameter"
    rows = checked(chart, table, text=(key,), number=numbers)
    return [row | {"label": row[key] if key == "label" else row[key].replace("_", " ")}
            for row in rows]  # fmt: skip


def apart(figure: go.Figure) -> go.Figure:
    """The figure with every second tick label left out for as long as they crowd on a phone."""
    axis, margin = figure.layout.xaxis, figure.layout.margin
    values, texts = list(axis.tickvals), list(axis.ticktext)
    scale = (_PHONE - margin.l - margin.r) / (axis.range[1] - axis.range[0])
    if len(values) < 2:
        return figure
    step, every = values[1] - values[0], 1
    shown = [place for place, text in enumerate(texts) if text]
    if len(shown) > 1:
        every = shown[1] - shown[0]
    needed = max(width(text, LABEL_SIZE) for text in texts) + _TICK_GAP
    while every < len(values) and every * step * scale < needed:
        every *= 2
        texts = [
            text if round(value / step) % every == 0 else ""
            for value, text in zip(values, texts, strict=True)
        ]
    if not any(texts):
        texts[0] = axis.ticktext[0] or tick_texts(values)[0]
    return figure.update_xaxes(ticktext=texts)


def tornado(
    table: pd.DataFrame,
    *,
    title: str,
    xaxis: str,
    source: str,
    scale: float = 1.0,
    interval: str = "middle 95%",
) -> go.Figure:
    """What each parameter alone does to the answer, from its low to its high end.

    Parameters
    ----------
    table : DataFrame
        As `plcore.analysis.one_way` gives it, or some of its rows: parameter, low, high, at_low,
        at_high, base, least, greatest; optional: label, what the parameter is called.
    xaxis : str
        The answer and its unit, after division by `scale`.
    interval : str
        Of which the parameters' low and high are the ends.

    Raises
    ------
    ValueError
        If base is not the same in all rows.
    """
    require_scale("tornado", scale)
    columns = ("at_low", "at_high", "base", "least", "greatest")
    rows = rescaled(named_rows("tornado", table, ("low", "high", *columns)), columns, scale)
    for row in rows:
        rising("tornado", row, ("least", "base", "greatest"))
        if row["base"] != rows[0]["base"]:
            raise ValueError(
                f"tornado: base, row {row['row']}: {row['base']:g}; expected that of the first "
                f"row, {rows[0]['base']:g}: one answer at all medians"
            )
    reach = span([row[end] for row in rows for end in ("least", "greatest")])
    digits = decimals_telling_apart([reach[0]], [reach[1]], _DIGITS)
    labels = stacked(
        [
            (
                (*label_lines(row["label"]), _faint(row)),
                printed(None, row["least"], row["greatest"], digits, percent=False),
            )
            for row in rows
        ],
        least=[_BAR] * len(rows),
    )
    places = [label.centre for label in labels]
    traces = [
        _tornado_bars(rows, places, end, colour, hatch, xaxis)
        for end, colour, hatch in zip(("low", "high"), SERIES, HATCHES, strict=False)
    ]
    figure = over_rows(
        [*traces, *_whiskers(rows, places)],
        Words(
            title,
            xaxis,
            _caption(rows, digits, interval),
            source,
            _tornado_alt(title, xaxis, rows, digits),
        ),
        rows=labels,
        extent=reach,
        shapes=[_upright(rows[0]["base"])],
    )
    return apart(figure.update_layout(barmode="overlay"))


def _caption(rows: Sequence[Row], digits: int, interval: str) -> str:
    base = number(rows[0]["base"], digits)
    said = (
        f"Bars: one parameter at the ends of its {interval} (under its name), all others at their "
        f"medians. Line: all at their medians, {base}. Numbers: least and greatest answer."
    )
    if any(_turning(row) for row in rows):
        said += " Thin lines: the answer goes beyond what it is at the ends."
    return said


def _faint(row: Row) -> str:
    ends = f"{significant(row['low'])} to {significant(row['high'])}"
    return f'<span style="color:{FAINT_INK}">{ends}</span>'


def _turning(row: Row) -> bool:
    ends = (row["at_low"], row["at_high"], row["base"])
    beyond = 0.005 * (row["greatest"] - row["least"])
    return bool(row["least"] < min(ends) - beyond or row["greatest"] > max(ends) + beyond)


def _same_side(row: Row) -> bool:
    return bool((row["at_low"] - row["base"]) * (row["at_high"] - row["base"]) > 0)


def _tornado_bars(
    rows: Sequence[Row], places: Sequence[float], end: str, colour: str, hatch: str, xaxis: str
) -> go.Bar:
    # Bars to the same side would hide each other: one above, one below.
    off = -_BAR / 4 if end == "low" else _BAR / 4
    return go.Bar(
        x=[row[f"at_{end}"] - row["base"] for row in rows],
        base=[row["base"] for row in rows],
        y=[at + off * _same_side(row) for row, at in zip(rows, places, strict=True)],
        width=[_BAR / 2 if _same_side(row) else _BAR for row in rows],
        orientation="h",
        name=f"parameter {end}",
        marker={
            "color": colour,
            "line": {"color": colour, "width": 1},
            "pattern": {
                "shape": hatch,
                "fgcolor": "white",
                "size": 6,
                "solidity": 0.25,
                "fillmode": "overlay",
            },
        },
        hovertext=[
            f"<b>{escaped(row['label'])}</b> at {significant(row[end])}<br>"
            f"{escaped(xaxis)}: {significant(row[f'at_{end}'])}"
            for row in rows
        ],
        hoverinfo="text",
        textposition="none",
        showlegend=True,
    )


def _whiskers(rows: Sequence[Row], places: Sequence[float]) -> list[go.Scatter]:
    x: list[float | None] = []
    y: list[float | None] = []
    for row, at in zip(rows, places, strict=True):
        if _turning(row):
            x += [row["least"], row["greatest"], None]
            y += [at, at, None]
    if not x:
        return []
    return [
        go.Scatter(
            x=x,
            y=y,
            name="least to greatest",
            mode="lines+markers",
            line={"color": INK, "width": 1.5},
            marker={"symbol": "line-ns-open", "size": 9, "color": INK, "line": {"width": 1.5}},
            hoverinfo="skip",
            cliponaxis=False,
            showlegend=False,
        )
    ]


def _upright(x: float) -> dict[str, Any]:
    return {
        "type": "line", "xref": "x", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1,
        "line": {"color": INK, "width": 1}, "layer": "above", "name": "base",
    }  # fmt: skip


def _tornado_alt(title: str, xaxis: str, rows: Sequence[Row], digits: int) -> str:
    said = [
        f"{row['label']} {number(row['least'], digits)} to {number(row['greatest'], digits)}"
        for row in rows[:_SAID]
    ]
    more = f"; and {len(rows) - _SAID} more" if len(rows) > _SAID else ""
    middle = number(rows[0]["base"], digits)
    return f"Tornado chart: {title}. {xaxis}, {middle} at all medians: {'; '.join(said)}{more}."

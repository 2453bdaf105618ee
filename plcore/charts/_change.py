"""A change taken apart step by step, and a population by age and sex."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts._check import (
    Row,
    both_or_neither,
    by_series,
    checked,
    one_of,
    require_scale,
    rescaled,
    rising,
)
from plcore.charts._rows import Label, label_lines, over_rows, printed, span, stacked
from plcore.charts._template import ASSUMED, CLAIM, EVIDENCE, INK, LIMB_LOSS, Words
from plcore.charts._text import decimals_telling_apart, escaped, interval, number

_BAR, _AGE_ROW = 16, 18
_LIMITS = ("low", "value", "high")


def waterfall(
    table: pd.DataFrame,
    *,
    title: str,
    xaxis: str,
    source: str,
    scale: float = 1.0,
) -> go.Figure:
    """From one total to another, a bar for each step between.

    Parameters
    ----------
    table : DataFrame
        A row a bar, from the top: label, value, low, high (limits may be blank) and role, "total"
        or "step". A total after the first must be what the rows before it add up to.
    scale : float
        Values are divided by it.
    """
    require_scale("waterfall", scale)
    rows = checked("waterfall", table, text=("label", "role"), number=("value",),
                   blank=("low", "high"))  # fmt: skip
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
        least=[_BAR] * len(rows),
    )
    reach = [
        base + each
        for base, row in zip(bases, rows, strict=True)
        for each in (row["low"], row["high"])
        if each is not None
    ]
    words = Words(title, xaxis, _caption(bool(limited)), source, _alt(title, xaxis, rows, digits))
    return over_rows(
        list(_bars(rows, bases, labels, xaxis)),
        words,
        rows=labels,
        extent=span([*bases, *ends, *reach], zero=True),
        shapes=[
            _link(ends[i], labels[i].centre, labels[i + 1].centre) for i in range(len(rows) - 1)
        ],
        barmode="overlay",
    )


def pyramid(
    table: pd.DataFrame, *, title: str, xaxis: str, source: str, scale: float = 1.0
) -> go.Figure:
    """People by age group, men to the left and women to the right.

    Parameters
    ----------
    table : DataFrame
        A row a bar: label (an age group, the youngest first), sex ("male" or "female"), value, and
        series (at most two, such as years): the first is filled, the second drawn as an outline.
    scale : float
        Values are divided by it.
    """
    require_scale("pyramid", scale)
    rows = checked("pyramid", table, text=("label", "sex"), number=("value",), optional=("series",))
    rows = rescaled(rows, ("value",), scale)
    for row in rows:
        one_of("pyramid", row, "sex", ("male", "female"))
        if row["value"] < 0:
            raise ValueError(f"pyramid: value, row {row['row']}: below 0; expected people")
    series = by_series("pyramid", rows, 2)
    ages = list(dict.fromkeys(row["label"] for row in rows))[::-1]
    labels = stacked([((escaped(age),), ()) for age in ages], least=[0.0] * len(ages))
    centres = dict(zip(ages, (label.centre for label in labels), strict=True))
    most = max(row["value"] for row in rows) or 1.0
    traces = [
        _side(part, centres, name, place) for place, (name, part) in enumerate(series.items())
    ]
    totals = "; ".join(
        f"{name or 'all'}: {number(sum(row['value'] for row in part), 2)}"
        for name, part in series.items()
    )
    words = Words(
        title,
        xaxis,
        "Left: men. Right: women. Medians.",
        source,
        f"{title}. Totals, {xaxis}: {totals}.",
    )
    figure = over_rows(traces, words, rows=labels, extent=(-most, most), barmode="overlay")
    at = figure.layout.xaxis.tickvals
    return figure.update_xaxes(ticktext=[f"{abs(value):g}" for value in at])


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


def _bars(
    rows: Sequence[Row], bases: Sequence[float], labels: Sequence[Label], xaxis: str
) -> Iterator[Any]:
    looks = {"total": (LIMB_LOSS, ""), "up": (EVIDENCE, ""), "down": (CLAIM, "/")}
    kinds = [
        "total" if row["role"] == "total" else "down" if row["value"] < 0 else "up" for row in rows
    ]
    for kind, (colour, hatch) in looks.items():
        chosen = [i for i, each in enumerate(kinds) if each == kind]
        if not chosen:
            continue
        yield go.Bar(
            x=[rows[i]["value"] for i in chosen],
            base=[bases[i] for i in chosen],
            y=[labels[i].centre for i in chosen],
            width=_BAR,
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
                f"<br>{escaped(xaxis)}"
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


def _side(rows: Sequence[Row], centres: dict[str, float], name: str, place: int) -> go.Bar:
    outline = place == 1
    return go.Bar(
        x=[-row["value"] if row["sex"] == "male" else row["value"] for row in rows],
        y=[centres[row["label"]] for row in rows],
        width=_AGE_ROW,
        orientation="h",
        name=escaped(name),
        marker={
            "color": "rgba(0,0,0,0)" if outline else LIMB_LOSS,
            "line": {"color": INK if outline else "white", "width": 1.5 if outline else 0.5},
        },
        hovertext=[
            f"{escaped(row['label'])}, {row['sex']}, {escaped(name)}: {row['value']:.3g}"
            for row in rows
        ],
        hoverinfo="text",
        textposition="none",
        showlegend=bool(name),
    )


def _caption(limited: bool) -> str:
    said = "Blue adds, orange and hatched takes away, green is a total."
    return f"{said} Means; whiskers: 95% interval." if limited else said


def _alt(title: str, xaxis: str, rows: Sequence[Row], digits: int) -> str:
    said = "; ".join(f"{row['label']} {number(row['value'], digits)}" for row in rows)
    return f"{title}. {xaxis}: {said}."

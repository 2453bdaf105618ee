"""Numbers that shrink step by step over orders of magnitude, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts._check import Row, checked, rising
from plcore.charts._rows import Label, label_lines, over_rows, stacked
from plcore.charts._template import ASSUMED, EVIDENCE, INK, Words
from plcore.charts._text import escaped, interval, marks_explained, sign, significant
from plcore.evidence.schema import MARKS

_LIMITS = ("low", "value", "high")
_MARK_HEIGHT = 30


def steps(
    table: pd.DataFrame, *, title: str, xaxis: str, source: str, interval_name: str = "95% interval"
) -> go.Figure:
    """Points with limits on a scale on which each mark is ten times the one before.

    Parameters
    ----------
    table : DataFrame
        A step a row, from the top: label, value, low, high, all above 0; optional: seen (a key of
        `plcore.evidence.schema.MARKS`; a sign behind the number, and an open mark where assumed).
    xaxis, interval_name : str
        The quantity and its unit; what `low` and `high` are.
    """
    rows = checked("steps", table, text=("label",), number=_LIMITS, optional=("seen",))
    for row in rows:
        rising("steps", row, _LIMITS)
        if row["low"] <= 0:
            raise ValueError(
                f"steps: low, row {row['row']}: {row['low']:g}; expected above 0, as each mark "
                "of the scale is ten times the one before"
            )
    labels = stacked(
        [(label_lines(row["label"]), _numbers(row)) for row in rows],
        least=[_MARK_HEIGHT] * len(rows),
    )
    first = math.floor(math.log10(min(row["low"] for row in rows)) + 1e-9)
    last = math.ceil(math.log10(max(row["high"] for row in rows)) - 1e-9)
    caption = f"Lines: {interval_name}; each mark below is ten times the one before."
    caption += f" {marks_explained(row['seen'] for row in rows)}"
    words = Words(title, xaxis, caption.strip(), source, _alt(title, xaxis, rows))
    figure = over_rows(
        _traces(rows, labels, xaxis), words, rows=labels, extent=(first, max(last, first + 1))
    )
    powers = list(range(first, max(last, first + 1) + 1))
    # Every second one is labelled where all would crowd on a phone.
    every = 2 if len(powers) > 4 else 1
    texts = [_power(p) if (p - first) % every == 0 else "" for p in powers]
    return figure.update_xaxes(tickvals=powers, ticktext=texts, showgrid=True)


def _power(exponent: int) -> str:
    """1,000 in full, 1 million in words: a phone has no room for its zeros."""
    if exponent >= 6:
        return f"{10 ** (exponent - 6):,}m"
    return f"{10**exponent:,}" if exponent >= 0 else f"{10.0**exponent:g}"


def _traces(rows: Sequence[Row], labels: Sequence[Label], xaxis: str) -> list[go.Scatter]:
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
            f"{interval(row['low'], row['value'], row['high'])}{_how(row)}"
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


def _numbers(row: Row) -> tuple[str, ...]:
    """The value, and its limits where there are any."""
    value = _short(row["value"]) + sign(row["seen"])
    if row["low"] == row["high"]:
        return (value,)
    return value, f"{_short(row['low'])}-{_short(row['high'])}"


def _short(value: float) -> str:
    """Three significant digits: 13.8m, 57,400, 28.1."""
    if value >= 999_500:
        return f"{float(f'{value:.3g}') / 1e6:g}m"
    return significant(float(f"{value:.3g}"))


def _alt(title: str, xaxis: str, rows: Sequence[Row]) -> str:
    said = "; ".join(
        f"{row['label']}: {interval(*(float(f'{row[end]:.3g}') for end in _LIMITS))}"
        for row in rows
    )
    return f"{title}. {xaxis}, on a scale by tens: {said}."

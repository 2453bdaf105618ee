"""Charts of studies: a forest plot with pooled means, and a funnel plot."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts.frame import (
    ASSUMED,
    EVIDENCE,
    OUTSIDE,
    PUBLISHED,
    Row,
    Words,
    also_drawn,
    by_series,
    checked,
    decimals_telling_apart,
    escaped,
    framed,
    limits_named,
    marks_explained,
    name_intervals,
    number,
    one_of,
    percentage,
    require_reference,
    rising,
    sign,
    tick_texts,
    ticks,
    within_shares,
)
from plcore.charts.rows import Label, label_lines, over_rows, printed, rule, span, stacked
from plcore.evidence.schema import MARKS

ROLES = ("study", "control", "subtotal", "pooled", "prediction", "heading")
#: Roles of rows in which people were counted.
_COUNTED = ("study", "control")
_LIMITS = ("low", "estimate", "high")
#: Sides of the squares in pixels; their areas go by weight.
_LEAST_SIDE, _MOST_SIDE = 4.0, 13.0
_HALF_DIAMOND, _HALF_BAR = 8, 4
_HEIGHT, _LEFT, _RIGHT, _MARGIN = 300, 44, 16, 0.04


def forest(
    table: pd.DataFrame,
    *,
    title: str,
    xaxis: str,
    source: str,
    reference: float | None = None,
    percent: bool = False,
    interval: str = "{level} interval",
) -> go.Figure:
    """Studies as squares with their intervals, pooled means as diamonds, predictions as bars.

    Parameters
    ----------
    table : DataFrame
        A row of the chart each, from the top: label, estimate, low, high and role (study, control,
        subtotal, pooled, prediction or heading; a heading takes no numbers, a prediction may lack
        the estimate, and a control group is drawn as an open circle). Optional: n and events (whole numbers, printed after the label), weight (the area
        of the square; a study without one among others that have it is drawn open, as not pooled),
        level (of the intervals, predictions included; 0.95 without it), seen (a key of `plcore.evidence.schema.MARKS`, printed as a sign behind the label of a
        study) and group (shown under the pointer).
    title : str
        What the chart shows, in one line.
    xaxis : str
        The quantity along the axis and its unit, such as "People (millions)".
    source : str
        Where the numbers come from; printed under the chart.
    reference : float, optional
        Where to draw a dashed line, such as no effect.
    percent : bool
        Whether the numbers are shares, 0 to 1, to be printed as percent.
    interval : str
        What `low` and `high` are, as printed in the caption; "{level}" stands for the level of
        the table.

    Raises
    ------
    ValueError
        If a cell is missing or unfit; the message names the column and the row. Also if there are
        headings only.
    """
    require_reference("forest", reference)
    rows = checked("forest", table, text=("label", "role"), blank=_LIMITS,
                   optional=("n", "events", "weight", "seen", "group", "level"))  # fmt: skip
    limits = name_intervals("forest", rows, interval)
    prediction = name_intervals("forest", [row for row in rows if row["role"] == "prediction"],
                                "{level} prediction interval")  # fmt: skip
    for row in rows:
        _check(row, percent)
    drawn = [row for row in rows if row["role"] != "heading"]
    if not drawn:
        raise ValueError("forest: the table has headings only; expected a row with numbers")
    times = 100 if percent else 1
    lows, highs = ([times * row[end] for row in drawn] for end in ("low", "high"))
    digits = decimals_telling_apart(lows, highs, 1 if percent else 2)
    labels = _labels(rows, digits, percent)
    placed = [(row, labels[row["place"]]) for row in drawn]
    edge = reference if reference is None else float(reference)
    words = Words(title, xaxis, _forest_caption(drawn, limits, prediction), source,
                  _forest_alt(title, drawn, digits, percent, limits))  # fmt: skip
    return over_rows(
        [*_studies(placed, xaxis, digits, percent), *_summaries(placed, xaxis, digits, percent)],
        words,
        rows=labels,
        extent=span([edge, *(row[end] for row in drawn for end in ("low", "high"))]),
        percent=percent,
        shapes=[*_rules(rows, labels), *_reference(reference)],
    )


def _check(row: Row, percent: bool) -> None:
    one_of("forest", row, "role", ROLES)
    needed = {"heading": (), "prediction": ("low", "high")}.get(row["role"], _LIMITS)
    for column in needed:
        if row[column] is None:
            raise ValueError(
                f"forest: {column}, row {row['row']}: nothing; expected a finite number, as the "
                f"role is {row['role']}"
            )
    if row["role"] == "heading" and any(row[column] is not None for column in _LIMITS):
        raise ValueError(f"forest: role, row {row['row']}: a heading has numbers; expected none")
    rising("forest", row, _LIMITS)
    rising("forest", row, ("events", "n"))
    for column in ("n", "events", "weight"):
        if row[column] is not None and row[column] < 0:
            raise ValueError(
                f"forest: {column}, row {row['row']}: {row[column]:g}; expected 0 or more"
            )
    if percent:
        within_shares("forest", row, _LIMITS)


def _labels(rows: Sequence[Row], digits: int, percent: bool) -> list[Label]:
    texts = []
    for row in rows:
        studied = row["role"] in _COUNTED
        text = row["label"] + (sign(row["seen"]) if studied else "") + _counts(row)
        estimate = None if row["role"] == "prediction" else row["estimate"]
        right = printed(estimate, row["low"], row["high"], digits, percent=percent)
        if row["role"] in ("pooled", "subtotal"):
            right = tuple(f"<b>{line}</b>" for line in right)
        texts.append((label_lines(text, bold=not studied), right))
    return stacked(texts, least=[_MOST_SIDE] * len(rows))


def _counts(row: Row) -> str:
    if row["role"] == "prediction" or row["n"] is None:
        return ""
    if row["events"] is None:
        return f" (n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{number(row['n'], 0)})"
    return f" ({number(row['events'], 0)}/{number(row['n'], 0)})"


def _studies(
    placed: Sequence[tuple[Row, Label]], xaxis: str, digits: int, percent: bool
) -> Iterator[go.Scatter]:
    """One trace of marks with whiskers; a large square would hide its whisker, so it is on top."""
    studies = [(row, label) for row, label in placed if row["role"] in _COUNTED]
    if not studies:
        return
    weights = [row["weight"] for row, _ in studies]
    heaviest = max((weight for weight in weights if weight is not None), default=0.0)
    estimates = [row["estimate"] for row, _ in studies]
    symbols = [
        "circle-open"
        if row["role"] == "control"
        else "square"
        if row["weight"] is not None or not heaviest
        else "square-open"
        for row, _ in studies
    ]
    yield go.Scatter(
        x=estimates,
        y=[label.centre for _, label in studies],
        error_x={
            "array": [row["high"] - row["estimate"] for row, _ in studies],
            "arrayminus": [row["estimate"] - row["low"] for row, _ in studies],
            "color": EVIDENCE,
            "thickness": 1.5,
            "width": 3,
        },
        name="studies",
        mode="markers",
        marker={
            "symbol": symbols,
            "size": [_side(weight, heaviest) for weight in weights],
            "color": EVIDENCE,
            "opacity": 1,
            "line": {"width": 1.5, "color": EVIDENCE},
        },
        hovertext=[_forest_hover(row, xaxis, digits, percent) for row, _ in studies],
        hoverinfo="text",
        cliponaxis=False,
        showlegend=False,
    )


def _side(weight: float | None, heaviest: float) -> float:
    if weight is None or heaviest == 0:
        return 9.0
    return max(_LEAST_SIDE, _MOST_SIDE * math.sqrt(weight / heaviest))


def _summaries(
    placed: Sequence[tuple[Row, Label]], xaxis: str, digits: int, percent: bool
) -> Iterator[go.Scatter]:
    for row, label in placed:
        if row["role"] in _COUNTED:
            continue
        if row["role"] == "prediction":
            x = [row["low"], row["low"], row["high"], row["high"], row["low"]]
            y = [label.centre + _HALF_BAR * side for side in (-1, 1, 1, -1, -1)]
        else:
            x = [row["low"], row["estimate"], row["high"], row["estimate"], row["low"]]
            y = [label.centre + _HALF_DIAMOND * side for side in (0, -1, 0, 1, 0)]
        yield go.Scatter(
            x=x,
            y=y,
            name=row["role"],
            mode="lines",
            fill="toself",
            fillcolor={"pooled": PUBLISHED, "subtotal": "white", "prediction": ASSUMED}[
                row["role"]
            ],
            line={"color": PUBLISHED, "width": 1.25},
            text=_forest_hover(row, xaxis, digits, percent),
            hoveron="fills",
            hoverinfo="text",
            showlegend=False,
        )


def _forest_hover(row: Row, xaxis: str, digits: int, percent: bool) -> str:
    lines = [f"<b>{escaped(row['label'])}{_counts(row)}</b>", escaped(row["group"])]
    lines.append(escaped(xaxis))
    # The middle of a prediction is that of the pooled mean, and is not printed beside it either.
    estimate = None if row["role"] == "prediction" else row["estimate"]
    lines += printed(estimate, row["low"], row["high"], digits + 1, percent=percent)
    lines.append(limits_named(row).removeprefix("<br>"))
    if row["seen"] and MARKS[row["seen"]]:
        lines.append(MARKS[row["seen"]])
    return "<br>".join(line for line in lines if line)


def _rules(rows: Sequence[Row], labels: Sequence[Label]) -> Iterator[dict[str, Any]]:
    """A line before each first summary of a run that ends the chart."""
    for before, row, label in zip(rows, rows[1:], labels[1:], strict=False):
        if before["role"] in _COUNTED and row["role"] in ("pooled", "prediction"):
            yield rule(label.centre - label.height / 2)


def _reference(at: float | None) -> Iterator[dict[str, Any]]:
    if at is not None:
        yield {
            "name": "reference",
            "type": "line",
            "xref": "x",
            "x0": at,
            "x1": at,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "line": {"color": PUBLISHED, "width": 1, "dash": "dash"},
            "layer": "between",
        }


def _forest_caption(rows: Sequence[Row], interval: str, prediction: str) -> str:
    roles = {row["role"] for row in rows}
    studies = [row for row in rows if row["role"] in _COUNTED]
    weighed = {row["weight"] is None for row in studies if row["role"] == "study"}
    said = []
    if studies:
        squares = "Squares: studies" if "control" not in roles else "Squares: treatment"
        squares += ", their area by weight" if False in weighed else ""
        squares += "; open circles: control" if "control" in roles else ""
        said.append(f"{squares}; whiskers: {interval}.")
    if len(weighed) > 1:
        said.append("Open: not pooled.")
    if roles & {"pooled", "subtotal"}:
        black = "Diamonds (open: of a part): " if "subtotal" in roles else "Diamond: "
        said.append(f"{black}pooled mean and its {interval}.")
    if "prediction" in roles:
        said.append(f"Grey bar: {prediction}.")
    return " ".join([*said, marks_explained(row["seen"] for row in studies)]).strip()


def _forest_alt(title: str, rows: Sequence[Row], digits: int, percent: bool, interval: str) -> str:
    def said(row: Row) -> str:
        estimate = None if row["role"] == "prediction" else row["estimate"]
        return " ".join(printed(estimate, row["low"], row["high"], digits, percent=percent))

    studies = sorted(
        (row for row in rows if row["role"] in _COUNTED), key=lambda row: float(row["estimate"])
    )
    parts = [f"Forest plot: {title}."]
    if len(studies) == 1:
        parts.append(f"{studies[0]['label']}: {said(studies[0])}, {interval}.")
    elif studies:
        lowest, highest = studies[0], studies[-1]
        parts.append(
            f"{len(studies)} studies, from {said(lowest)} ({lowest['label']}) to {said(highest)} "
            f"({highest['label']}), {interval} in brackets."
        )
    parts += [f"{row['label']}: {said(row)}." for row in rows if row["role"] not in _COUNTED]
    return " ".join(parts)


def predictions(
    table: pd.DataFrame, *, title: str, source: str, interval: str = "{level} predictive interval"
) -> go.Figure:
    """Observations inside and outside their predictive intervals, one row per quantity.

    Parameters
    ----------
    table : DataFrame
        One row per observation: label (its quantity), position (0 at the median of the prediction, -1
        and 1 at the ends of its interval), name (shown under the pointer), and series, such as
        whether the fit saw it: the first is filled, the second open. Optional: level (of the
        intervals; 0.95 without it).
    title : str
        What the chart shows, in one line.
    source : str
        Where the numbers come from; printed under the chart.
    interval : str
        What the intervals are, as printed in the caption; "{level}" stands for the level of the
        table.

    Raises
    ------
    ValueError
        If a cell is missing or unfit; the message names the column and the row.
    """
    rows = checked(
        "predictions", table, text=("label", "name", "series"), number=("position",),
        optional=("level",),
    )  # fmt: skip
    said = name_intervals("predictions", rows, interval)
    series = by_series("predictions", rows, 2)
    quantities = dict.fromkeys(row["label"] for row in rows)
    texts = []
    for label in quantities:
        of_label = [row for row in rows if row["label"] == label]
        inside = sum(abs(row["position"]) <= 1 for row in of_label)
        texts.append((label_lines(label), (f"{inside} of {len(of_label)}",)))
    labels = stacked(texts, least=[_MOST_SIDE] * len(texts))
    centre = dict(zip(quantities, (label.centre for label in labels), strict=True))
    xaxis = "Where the observation lies in its predictive interval (-1 to 1)"
    traces = [
        go.Scatter(
            x=[row["position"] for row in part],
            y=[centre[row["label"]] for row in part],
            name=escaped(name),
            mode="markers",
            marker={
                "symbol": "circle" if first else "circle-open",
                "size": 8,
                "color": EVIDENCE,
                "opacity": 0.8,
                "line": {"color": EVIDENCE, "width": 1.5},
            },
            text=[
                f"{escaped(row['name'])}<br>{escaped(row['label'])}: {number(row['position'], 2)}"
                for row in part
            ],
            hovertemplate="%{text}<extra></extra>",
            cliponaxis=False,
        )
        for first, (name, part) in zip((True, False), series.items(), strict=False)
    ]
    inside = sum(abs(row["position"]) <= 1 for row in rows)
    band = {
        "type": "rect", "xref": "x", "x0": -1, "x1": 1, "yref": "paper", "y0": 0, "y1": 1,
        "fillcolor": PUBLISHED, "opacity": 0.1, "line": {"width": 0}, "layer": "below",
        "name": "interval",
    }  # fmt: skip
    caption = (
        f"Shaded: the {said} of each observation, with its own error and what "
        "it counts otherwise than the model. At the right: how many lie inside."
    )
    counts = "; ".join(
        f"{label} {right[0]}" for label, (_, right) in zip(quantities, texts, strict=True)
    )
    alt = f"Dot plot: {title}. {inside} of {len(rows)} observations lie in their {said}: {counts}."
    return over_rows(
        traces,
        Words(title, xaxis, caption, source, alt),
        rows=labels,
        extent=span([-1.5, 1.5, *(row["position"] for row in rows)]),
        shapes=[band],
    )


def funnel(
    points: pd.DataFrame, edges: pd.DataFrame, *, title: str, xaxis: str, yaxis: str, source: str
) -> go.Figure:
    """Studies by share and standard error; precise studies are on top.

    Parameters
    ----------
    points : DataFrame
        One row per study: label, share (0 to 1), se. Optional: n, and seen (a key of
        `plcore.evidence.schema.MARKS`).
    edges : DataFrame
        se (rising), low, high and centre (shares): where 95% of studies would lie if all had one
        share. Optional: level, if it is not 95%.
    title : str
        What the chart shows, in one line.
    xaxis : str
        The share across and its unit.
    yaxis : str
        The standard error down and its unit.
    source : str
        Where the numbers come from; printed under the chart.

    Raises
    ------
    ValueError
        If a cell is missing or unfit; the message names the column and the row.
    """
    rows = checked("funnel", points, text=("label",), number=("share", "se"),
                   optional=("n", "seen"))  # fmt: skip
    funnel_rows = checked("funnel", edges, number=("se", "low", "high", "centre"),
                          optional=("level",))  # fmt: skip
    expected = name_intervals("funnel, edges", funnel_rows, "{level}")
    for row in funnel_rows:
        rising("funnel", row, ("low", "centre", "high"))
    reach = [row["share"] for row in rows]
    reach += [row[end] for row in funnel_rows for end in ("low", "high")]
    left, right = max(0.0, min(reach) - _MARGIN), min(1.0, max(reach) + _MARGIN)
    deepest = 1.04 * max(row["se"] for row in [*rows, *funnel_rows])
    across = ticks(left, right, 6)
    down = ticks(0, deepest, 6)
    words = Words(title, f"Down: {yaxis}. Across: {xaxis}", _funnel_caption(rows, expected), source,
                  _funnel_alt(title, rows, funnel_rows))  # fmt: skip
    figure = framed(
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
    columns = ("se", "low", "high", "centre", "level")
    return also_drawn(figure, "edge of the funnel", edges, columns)


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


def _funnel_caption(rows: Sequence[Row], expected: str) -> str:
    said = (
        f"Dots: studies. Line: pooled share. Dashed: where {expected} of the studies would lie if "
        "they differed by chance alone."
    )
    marks = dict.fromkeys(_marked(row) for row in rows if _marked(row))
    return f"{said} Open: {', '.join(marks)}." if marks else said


def _funnel_alt(title: str, rows: Sequence[Row], edges: Sequence[Row]) -> str:
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

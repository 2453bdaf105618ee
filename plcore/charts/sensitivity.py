"""Charts of sensitivity: a tornado, shares of variance, the Morris plane and a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts.frame import (
    ASSUMED,
    EVIDENCE,
    FAINT_INK,
    HATCHES,
    INK,
    LABEL_SIZE,
    NOTE_SIZE,
    OUTSIDE,
    SERIES,
    Row,
    Words,
    checked,
    decimals_telling_apart,
    escaped,
    framed,
    hatching,
    name_intervals,
    number,
    require_scale,
    rescaled,
    rising,
    significant,
    tick_texts,
    ticks,
    width,
)
from plcore.charts.rows import (
    bar_centres,
    bar_groups,
    bar_labels,
    bar_trace,
    label_lines,
    over_rows,
    printed,
    span,
    stacked,
)
from plcore.evidence.labels import in_unit, label_of

_BAR = 22
#: How many parameters a description in words names; digits of the narrowest interval.
_SAID, _DIGITS = 6, 2
#: Pixels between tick labels on a phone of 350.
_PHONE, _TICK_GAP = 350, 8
_HEIGHT, _RIGHT, _COLOUR_BAR = 300, 16, 14
#: Effects below this share of the largest are small dots without a number.
_NUMBERED, _MOST_NUMBERS = 0.05, 9
#: White to a blue on which ink can still be read.
_BLUES = ((0.0, "#FFFFFF"), (1.0, "#5DA5DA"))


def named_rows(chart: str, table: pd.DataFrame, numbers: Sequence[str]) -> list[Row]:
    """The rows of a table, each with a label: what readers call the parameter, unless it is given."""
    key = "label" if "label" in getattr(table, "columns", ()) else "parameter"
    rows = checked(chart, table, text=(key,), number=numbers, optional=("level",))
    units = table["unit"].tolist() if "unit" in table else [""] * len(rows)
    return [
        row | {"label": row[key] if key == "label" else label_of(row[key]), "unit": unit}
        for row, unit in zip(rows, units, strict=True)
    ]


def thin_ticks(figure: go.Figure) -> go.Figure:
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
    interval: str = "middle {level}",
) -> go.Figure:
    """What each parameter alone does to the answer, from its low to its high end.

    Parameters
    ----------
    table : DataFrame
        As `plcore.analysis.one_way` gives it, or some of its rows: parameter, low, high, at_low,
        at_high, base, least, greatest. Optional: label, what the parameter is called; unit; and
        level, the share of its distribution between low and high; 0.95 without it.
    title : str
        What the chart shows, in one line.
    xaxis : str
        The answer and its unit, after division by `scale`.
    source : str
        Where the numbers come from; printed under the chart.
    scale : float
        The answers are divided by it: 1e6 prints millions.
    interval : str
        The interval of a parameter whose ends are `low` and `high`, as printed in the caption;
        "{level}" stands for the level of the table.

    Raises
    ------
    ValueError
        If a cell is missing or unfit; the message names the column and the row. Also if base is not the
        same in all rows.
    """
    require_scale("tornado", scale)
    columns = ("at_low", "at_high", "base", "least", "greatest")
    rows = rescaled(named_rows("tornado", table, ("low", "high", *columns)), columns, scale)
    limits = name_intervals("tornado", rows, interval)
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
                (*label_lines(row["label"]), _range_line(row)),
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
            _tornado_caption(rows, digits, limits),
            source,
            _tornado_alt(title, xaxis, rows, digits),
        ),
        rows=labels,
        extent=reach,
        shapes=[_upright(rows[0]["base"])],
    )
    return thin_ticks(figure.update_layout(barmode="overlay"))


def _tornado_caption(rows: Sequence[Row], digits: int, interval: str) -> str:
    base = number(rows[0]["base"], digits)
    said = (
        f"Bars: one parameter at the ends of its {interval} (under its name), all others at their "
        f"medians. Line: all at their medians, {base}. Numbers: least and greatest answer."
    )
    if any(_turning(row) for row in rows):
        said += " Thin lines: the answer goes beyond what it is at the ends."
    return said


def _range_line(row: Row) -> str:
    ends = f"{in_unit(row['low'], row['unit'])} to {in_unit(row['high'], row['unit'])}"
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
            "pattern": hatching(hatch),
        },
        hovertext=[
            f"<b>{escaped(row['label'])}</b> at {in_unit(row[end], row['unit'])}, the {end} end of "
            f"its {escaped(row['interval'])}<br>"
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


def indices(
    table: pd.DataFrame, *, title: str, source: str, interval: str = "{level} bootstrap interval"
) -> go.Figure:
    """Sobol indices: the share of the variance that is due to each parameter.

    Parameters
    ----------
    table : DataFrame
        As `plcore.analysis.sobol_indices` gives it, or some of its rows: parameter, first,
        first_low, first_high, total, total_low, total_high. Optional: label, and level of the
        intervals; 0.95 without it.
    title : str
        What the chart shows, in one line.
    source : str
        Where the numbers come from; printed under the chart.
    interval : str
        What the limits are, as printed in the caption; "{level}" stands for the level of the
        table.

    Raises
    ------
    ValueError
        If a cell is missing or unfit; the message names the column and the row.
    """
    columns = [f"{name}{end}" for name in ("first", "total") for end in ("_low", "", "_high")]
    given = named_rows("indices", table, columns)
    limits = name_intervals("indices", given, interval)
    rows: list[Row] = []
    for row in given:
        for series, name in (("alone", "first"), ("with others", "total")):
            low, value, high = (row[f"{name}{end}"] for end in ("_low", "", "_high"))
            rising("indices", row, (f"{name}_low", f"{name}_high"))
            point = {"label": row["label"], "value": value, "low": low, "high": high}
            place = {"row": row["row"], "place": len(rows), "series": series, "seen": "",
                     "interval": row["interval"]}  # fmt: skip
            rows.append({**point, **place})
    groups = bar_groups(rows, ["alone", "with others"])
    labels = bar_labels(groups, _DIGITS, percent=False)
    centres = bar_centres(groups, labels)
    unit = "Share of the variance of the answer, 0 to 1"
    traces = [
        bar_trace(
            part,
            [centres[row["place"]] for row in part],
            colour,
            hatch,
            unit,
            _DIGITS + 1,
            percent=False,
        )
        for part, colour, hatch in zip((rows[0::2], rows[1::2]), SERIES, HATCHES, strict=False)
    ]
    caption = (
        "Alone: the variance that would go if the parameter were known (first-order Sobol index). "
        "With others: what would be left if all others were known (total index). "
        f"Whiskers: {limits}."
    )
    said = [
        f"{row['label']} {number(row['first'], _DIGITS)} and {number(row['total'], _DIGITS)}"
        for row in given[:_SAID]
    ]
    more = f"; and {len(given) - _SAID} more" if len(given) > _SAID else ""
    alt = f"Bar chart: {title}. {unit}, alone and with others: {'; '.join(said)}{more}."
    figure = over_rows(
        traces,
        Words(title, unit, caption, source, alt),
        rows=labels,
        extent=span([row[end] for row in rows for end in ("low", "value", "high")], zero=True),
        barmode="overlay",
    )
    return thin_ticks(figure)


def screening(
    table: pd.DataFrame,
    *,
    title: str,
    answer: str,
    source: str,
    scale: float = 1.0,
    interval: str = "{level} bootstrap interval",
) -> go.Figure:
    """The Morris plane: how much each parameter matters, and how unevenly.

    Parameters
    ----------
    table : DataFrame
        As SALib's Morris analysis gives it: parameter, mu_star, mu_star_low, mu_star_high, sigma.
        Optional: label, and level of the limits; 0.95 without it.
    title : str
        What the chart shows, in one line.
    answer : str
        The answer and its unit, after division by `scale`.
    source : str
        Where the numbers come from; printed under the chart.
    scale : float
        The effects are divided by it: 1e6 prints millions.
    interval : str
        What the limits of mu_star are, as printed in the caption; "{level}" stands for the level
        of the table.

    Raises
    ------
    ValueError
        If a cell is missing or unfit; the message names the column and the row. Also if mu_star or
        sigma is below 0.
    """
    columns = ("mu_star_low", "mu_star", "mu_star_high", "sigma")
    rows = named_rows("screening", table, columns)
    limits = name_intervals("screening", rows, interval)
    require_scale("screening", scale)
    rows = rescaled(rows, columns, scale)
    for row in rows:
        rising("screening", row, ("mu_star_low", "mu_star_high"))
        if min(row["mu_star"], row["sigma"]) < 0:
            raise ValueError(f"screening: row {row['row']}: mu_star is {row['mu_star']:g} and "
                             f"sigma {row['sigma']:g}; expected 0 or more")  # fmt: skip
    rows = sorted(rows, key=lambda row: -row["mu_star"])
    largest = rows[0]["mu_star"]
    main = [row for row in rows if row["mu_star"] > _NUMBERED * largest][:_MOST_NUMBERS]
    rest = rows[len(main) :]
    across = 1.04 * max(*(row["mu_star_high"] for row in rows), largest) or 1.0
    up = 1.12 * max(row["sigma"] for row in rows) or across
    x_ticks, y_ticks = ticks(0, across, 5), ticks(0, up, 6)
    left = 22 + max(width(text, LABEL_SIZE) for text in tick_texts(y_ticks))
    unit = f"Across: mean size of the effect, up: its spread; {answer}"
    words = Words(
        title,
        unit,
        _screening_caption(main, len(rest), limits),
        source,
        _screening_alt(title, answer, main, len(rest)),
    )
    return framed(
        [
            _diagonal(min(across, up)),
            *([_effects(rest, answer, numbered=False)] if rest else []),
            _effects(main, answer, numbered=True),
        ],
        words,
        plot_height=_HEIGHT,
        left=left,
        right=_RIGHT,
        xaxis={**OUTSIDE, "range": [-0.02 * across, across], "tickvals": x_ticks,
               "ticktext": tick_texts(x_ticks)},
        yaxis={"range": [-0.03 * up, up], "tickvals": y_ticks, "ticktext": tick_texts(y_ticks)},
    )  # fmt: skip


def _screening_caption(main: Sequence[Row], n_rest: int, interval: str) -> str:
    named = [f"{place} {row['label']}" for place, row in enumerate(main, start=1)]
    key = f"{', '.join(named)}." if named else "No parameter changes the answer."
    others = f" Small dots: {n_rest} that matter less." if n_rest else ""
    return (
        f"{key}{others} Lines beside dots: {interval}. Above the dashed line effects vary by more "
        "than they are large: curved, or depending on other parameters."
    )


def _diagonal(end: float) -> go.Scatter:
    return go.Scatter(
        x=[0, end], y=[0, end], name="spread as large as size", mode="lines",
        line={"color": ASSUMED, "width": 1.5, "dash": "dash"}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def _effects(rows: Sequence[Row], answer: str, *, numbered: bool) -> go.Scatter:
    # What matters more lies on top.
    rows = rows[::-1]
    return go.Scatter(
        x=[row["mu_star"] for row in rows],
        y=[row["sigma"] for row in rows],
        name="effects" if numbered else "small effects",
        mode="markers+text" if numbered else "markers",
        text=[str(place) for place in range(len(rows), 0, -1)] if numbered else None,
        textposition="middle center",
        textfont={"size": NOTE_SIZE, "color": "white"},
        marker={"size": 17 if numbered else 5, "color": EVIDENCE, "opacity": 1,
                "line": {"color": "white", "width": 1 if numbered else 0}},
        error_x={
            "array": [max(0.0, row["mu_star_high"] - row["mu_star"]) for row in rows],
            "arrayminus": [max(0.0, row["mu_star"] - row["mu_star_low"]) for row in rows],
            "color": INK, "thickness": 1, "width": 0, "visible": numbered,
        },
        hovertext=[
            f"<b>{escaped(row['label'])}</b><br>{escaped(answer)}: size "
            f"{significant(row['mu_star'])}, spread {significant(row['sigma'])}"
            for row in rows
        ],
        hoverinfo="text",
        cliponaxis=False,
        showlegend=False,
    )  # fmt: skip


def _screening_alt(title: str, answer: str, main: Sequence[Row], n_rest: int) -> str:
    said = [
        f"{row['label']} {significant(row['mu_star'])}, spread {significant(row['sigma'])}"
        for row in main[:_SAID]
    ]
    more = len(main) - len(said) + n_rest
    rest = f"; {more} more" if more else ""
    return f"Morris plane: {title}. Mean size of the effect ({answer}): {'; '.join(said)}{rest}."


def heat_map(
    table: pd.DataFrame, *, title: str, xaxis: str, yaxis: str, answer: str, source: str,
    scale: float = 1.0,
) -> go.Figure:  # fmt: skip
    """An answer over two parameters, with lines where it is a round number.

    Parameters
    ----------
    table : DataFrame
        As `plcore.analysis.two_way` gives it, one row per pair of values: the column of the parameter
        across, that of the one up, and result.
    title : str
        What the chart shows, in one line.
    xaxis : str
        The parameter across and its unit.
    yaxis : str
        The parameter up and its unit.
    answer : str
        The answer and its unit, after division by `scale`.
    source : str
        Where the numbers come from; printed under the chart.
    scale : float
        The results are divided by it: 1e6 prints millions.

    Raises
    ------
    ValueError
        If a pair of values is missing or occurs twice, or a parameter has fewer than two values.

    Examples
    --------
    >>> table = pd.DataFrame({"a": [0, 0, 1, 1], "b": [0, 1, 0, 1], "result": [1, 2, 3, 4]})
    >>> heat_map(table, title="T", xaxis="a", yaxis="b", answer="People", source="S").data[0].z
    ([1.0, 3.0], [2.0, 4.0])
    """
    x, y = _grid_columns(table)
    rows = checked("heat_map", table, number=(x, y, "result"))
    require_scale("heat_map", scale)
    rows = rescaled(rows, ("result",), scale)
    across, up = (sorted({row[name] for row in rows}) for name in (x, y))
    cells = {(row[x], row[y]): row["result"] for row in rows}
    if len(across) < 2 or len(up) < 2 or not len(rows) == len(cells) == len(across) * len(up):
        raise ValueError(
            f"heat_map: {len(rows)} rows for {len(across)} values of {x} and {len(up)} of {y}; "
            "expected every pair once, and two values or more of each"
        )
    low, high = span(cells.values())
    lines = ticks(low, high, 6) or [low]
    step = next((b - a for a, b in pairwise(lines)), high - low)
    x_ticks, y_ticks = ticks(across[0], across[-1], 5), ticks(up[0], up[-1], 6)
    left = 22 + max(width(text, LABEL_SIZE) for text in tick_texts(y_ticks))
    right = _COLOUR_BAR + 24 + max(width(text, LABEL_SIZE) for text in tick_texts(lines))
    trace = go.Contour(
        x=across,
        y=up,
        z=[[cells[at, height] for at in across] for height in up],
        name="result",
        colorscale=_BLUES,
        zmin=low,
        zmax=high,
        contours={"coloring": "heatmap", "showlabels": True, "start": lines[0], "end": lines[-1],
                  "size": step, "labelfont": {"size": NOTE_SIZE, "color": INK}},
        line={"color": INK, "width": 1},
        colorbar={"thickness": _COLOUR_BAR, "outlinewidth": 0, "x": 1, "xpad": 8, "len": 1,
                  "tickvals": lines, "ticktext": tick_texts(lines),
                  "tickfont": {"size": LABEL_SIZE, "color": INK}},
        hovertemplate=f"{escaped(xaxis)}: %{{x:,.3~r}}<br>{escaped(yaxis)}: %{{y:,.3~r}}<br>"
                      f"{escaped(answer)}: %{{z:,.3~r}}<extra></extra>",
        showlegend=False,
    )  # fmt: skip
    alt = f"Heat map: {title}. {answer} by {xaxis} (across) and {yaxis} (up): {_ends(cells)}."
    caption = f"Colour and lines: {answer}. All other parameters at their medians."
    words = Words(title, f"Across: {xaxis}. Up: {yaxis}", caption, source, alt)
    return framed(
        [trace], words,
        plot_height=_HEIGHT,
        left=left,
        right=right,
        xaxis={**OUTSIDE, "range": [across[0], across[-1]], "tickvals": x_ticks,
               "ticktext": tick_texts(x_ticks)},
        yaxis={"range": [up[0], up[-1]], "tickvals": y_ticks, "ticktext": tick_texts(y_ticks)},
    )  # fmt: skip


def _ends(cells: dict[tuple[float, float], float]) -> str:
    """Where the least and the greatest results are, in words."""
    return ", ".join(
        f"{word} {significant(cells[pair])} at {significant(pair[0])} and {significant(pair[1])}"
        for word, pair in (
            ("least", min(cells, key=lambda pair: cells[pair])),
            ("greatest", max(cells, key=lambda pair: cells[pair])),
        )
    )


def _grid_columns(table: pd.DataFrame) -> tuple[str, str]:
    """The columns of the two parameters."""
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"heat_map: the table is a {type(table).__name__}; expected a DataFrame")
    names = [str(name) for name in table.columns if name != "result"]
    if len(names) != 2:
        raise ValueError(
            f"heat_map: columns {', '.join(map(str, table.columns)) or 'none'}; expected two "
            "parameters and result"
        )
    return names[0], names[1]

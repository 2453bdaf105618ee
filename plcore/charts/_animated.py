"""Stacked bars by age that a slider takes from year to year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts._check import Row, by_series, checked, require_scale, rescaled
from plcore.charts._rows import Label, over_rows, stacked
from plcore.charts._template import (
    FAINT_INK,
    HATCHES,
    INK,
    LABEL_SIZE,
    NOTE_SIZE,
    SERIES,
    TITLE_SIZE,
    Words,
)
from plcore.charts._text import escaped, significant

_BAR, _TOTAL_SIZE = 18, 15
#: Room in pixels for the buttons and the slider, below all else.
_BUTTONS, _SLIDER = 40, 74
_MILLISECONDS = 700


def ages_over_years(
    table: pd.DataFrame,
    *,
    title: str,
    xaxis: str,
    source: str,
    start: int,
    scale: float = 1.0,
    colours: Sequence[str] = SERIES,
) -> go.Figure:
    """Stacked bars by age group, a frame a year, with a slider and buttons to play and stop.

    The axis is the same in all frames. Where nothing moves, as in print, it shows `start`.

    Parameters
    ----------
    table : DataFrame
        year, label (an age group, the youngest first), series and value: every year has the same
        groups and series, each once.
    start : int
        The year shown first.
    scale : float
        Values are divided by it.
    colours : sequence of str
        Of the series, in order.

    Raises
    ------
    ValueError
        If a cell is missing or unfit, a year lacks an age group or series, or `start` is not among
        the years.
    """
    name = "ages_over_years"
    require_scale(name, scale)
    rows = checked(name, table, text=("label", "series"), number=("year", "value"))
    rows = rescaled(rows, ("value",), scale)
    series = list(by_series(name, rows, min(len(colours), len(HATCHES))))
    ages = list(dict.fromkeys(row["label"] for row in rows))
    years = _by_year(rows, [(age, each) for age in ages for each in series])
    if start not in years:
        raise ValueError(f"{name}: start is {start}; expected one of {', '.join(map(str, years))}")
    labels = stacked([((escaped(age),), ()) for age in ages[::-1]], least=[_BAR] * len(ages))
    centres = dict(zip(ages[::-1], (label.centre for label in labels), strict=True))
    most = max(sum(cells[age, each] for each in series) for cells in years.values() for age in ages)
    looks = list(zip(series, colours, HATCHES, strict=False))
    frames = {
        year: [
            *(_bars(cells, centres, each, colour, hatch, xaxis) for each, colour, hatch in looks),
            _total(year, cells, most or 1.0, labels),
        ]
        for year, cells in years.items()
    }
    words = Words(title, xaxis, "Bars: means, stacked, without intervals.", source,
                  _alt(title, xaxis, years))  # fmt: skip
    figure = over_rows(
        frames[start], words, rows=labels, extent=(0.0, most or 1.0), barmode="stack"
    )
    figure.frames = [
        go.Frame(name=str(year), data=traces, traces=list(range(len(traces))))
        for year, traces in frames.items()
    ]
    return _moved_by(figure, list(years), start)


def _by_year(
    rows: Sequence[Row], cells: Sequence[tuple[str, str]]
) -> dict[int, dict[tuple[str, str], float]]:
    """Value by year and by age group and series; every year has all of them once."""
    years: dict[int, dict[tuple[str, str], float]] = {}
    for row in rows:
        if row["value"] < 0:
            raise ValueError(f"ages_over_years: value, row {row['row']}: below 0; expected people")
        found = years.setdefault(int(row["year"]), {})
        cell = (row["label"], row["series"])
        if cell in found:
            raise ValueError(
                f"ages_over_years: row {row['row']}: {cell[0]}, {cell[1]} twice in "
                f"{row['year']:.0f}; expected it once"
            )
        found[cell] = row["value"]
    for year, found in years.items():
        for cell in cells:
            if cell not in found:
                raise ValueError(
                    f"ages_over_years: no {cell[0]}, {cell[1]} in {year}; expected every age group "
                    "and series in every year"
                )
    return dict(sorted(years.items()))


def _bars(
    cells: Mapping[tuple[str, str], float],
    centres: Mapping[str, float],
    series: str,
    colour: str,
    hatch: str,
    xaxis: str,
) -> go.Bar:
    return go.Bar(
        x=[cells[age, series] for age in centres],
        y=list(centres.values()),
        width=_BAR,
        orientation="h",
        name=escaped(series),
        marker={
            "color": colour,
            "line": {"color": "white", "width": 0.5},
            "pattern": {
                "shape": hatch,
                "fgcolor": "white",
                "size": 6,
                "solidity": 0.25,
                "fillmode": "overlay",
            },
        },
        hovertext=[
            f"{escaped(age)}, {escaped(series)}: {significant(cells[age, series])}"
            f"<br>{escaped(xaxis)}"
            for age in centres
        ],
        hoverinfo="text",
        textposition="none",
        showlegend=True,
    )


def _total(
    year: int, cells: Mapping[tuple[str, str], float], most: float, labels: Sequence[Label]
) -> go.Scatter:
    """The year and its sum, in the corner that bars of the oldest leave free."""
    return go.Scatter(
        x=[most],
        y=[labels[0].centre],
        mode="text",
        text=[f"<b>{year}</b>: {significant(sum(cells.values()))} in all"],
        textposition="middle left",
        textfont={"size": _TOTAL_SIZE, "color": INK},
        name="total",
        hoverinfo="skip",
        cliponaxis=False,
        showlegend=False,
    )


def _moved_by(figure: go.Figure, years: Sequence[int], start: int) -> go.Figure:
    """The figure with room below for the buttons and the slider, and these in it."""
    margin, height = figure.layout.margin, figure.layout.height
    taller = height + _BUTTONS + _SLIDER
    now = {"mode": "immediate", "transition": {"duration": 0}}
    played = now | {"fromcurrent": True, "frame": {"duration": _MILLISECONDS, "redraw": True}}
    jump = now | {"frame": {"duration": 0, "redraw": True}}
    buttons = [
        {"label": "\N{BLACK RIGHT-POINTING TRIANGLE} Play", "method": "animate",
         "args": [None, played]},
        {"label": "\N{BLACK SQUARE} Stop", "method": "animate", "args": [[None], jump]},
    ]  # fmt: skip
    steps = [
        {"label": str(year), "method": "animate", "args": [[str(year)], jump]} for year in years
    ]
    font = {"size": LABEL_SIZE, "color": INK}
    # Below the plot by a padding in pixels: plotly takes no more than twice the plot's own height.
    below = {"x": 0, "xanchor": "left", "y": 0, "yanchor": "top"}
    return figure.update_layout(
        height=taller,
        margin={"b": margin.b + _BUTTONS + _SLIDER},
        # plotly counts the legend's place from the bottom, in shares of the height.
        legend={"y": 1 - (1 - figure.layout.legend.y) * height / taller},
        updatemenus=[
            below | {
                "type": "buttons", "direction": "right", "showactive": False, "buttons": buttons,
                "pad": {"t": margin.b + 4}, "font": font, "bgcolor": "white",
                "bordercolor": FAINT_INK,
            }
        ],
        sliders=[
            below | {
                "active": list(years).index(start), "steps": steps, "len": 1,
                "pad": {"t": margin.b + _BUTTONS + 4, "l": 8, "r": 8},
                "currentvalue": {"prefix": "Year ", "xanchor": "left", "offset": 8,
                                 "font": {"size": TITLE_SIZE - 2, "color": INK}},
                "transition": {"duration": 0}, "font": {"size": NOTE_SIZE, "color": INK},
            }
        ],
    )  # fmt: skip


def _alt(title: str, xaxis: str, years: Mapping[int, Mapping[tuple[str, str], float]]) -> str:
    first, last = min(years), max(years)
    sums = "; ".join(f"{year}: {significant(sum(years[year].values()))}" for year in (first, last))
    oldest = []
    for year in (first, last):
        by_age: dict[str, float] = {}
        for (age, _), value in years[year].items():
            by_age[age] = by_age.get(age, 0.0) + value
        oldest.append(f"{max(by_age, key=lambda age: by_age[age])} in {year}")
    return (
        f"Stacked bars by age, a frame for each of {len(years)} years from {first} to {last}: "
        f"{title}. {xaxis}, all ages together: {sums}. Largest age group: {' and '.join(oldest)}."
    )

"""Charts of people: by age and sex, by age from year to year, and one icon for everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts.frame import (
    ASSUMED,
    EDGE,
    FAINT_INK,
    HATCHES,
    INK,
    LABEL_LINE,
    LABEL_SIZE,
    LIMB_LOSS,
    NOTE_SIZE,
    PAIN,
    SERIES,
    TITLE_SIZE,
    Row,
    Words,
    both_or_neither,
    by_series,
    checked,
    escaped,
    framed,
    hatching,
    limits_named,
    name_intervals,
    number,
    one_of,
    require_scale,
    rescaled,
    rising,
    significant,
    wrapped,
)
from plcore.charts.rows import Label, over_rows, stacked
from plcore.printed import short

_AGE_ROW = 18
_TOTAL_SIZE = 15
#: Room in pixels for the buttons and the slider, below all else.
_BUTTONS, _SLIDER = 40, 74
_MILLISECONDS = 700
#: What an icon can stand for: its symbol, size, the colour of its line, and that of its filling.
LOOKS = {
    "limb_loss": ("square", 11, LIMB_LOSS, LIMB_LOSS),
    "pain": ("circle", 11, PAIN, PAIN),
    "perhaps_pain": ("circle-x", 11, PAIN, "white"),
    "painless": ("diamond", 10, LIMB_LOSS, "white"),
    "other": ("circle", 11, ASSUMED, "white"),
}
_PITCH = 16
_FEWEST, _MOST_ACROSS = 15, 20
_WIDTH = _PITCH * _MOST_ACROSS
_KEY, _AFTER_KEY, _AFTER_PANEL = 24, 6, 16
_MOST_ICONS = 500


def pyramid(
    table: pd.DataFrame, *, title: str, xaxis: str, source: str, scale: float = 1.0
) -> go.Figure:
    """People by age group, men to the left and women to the right.

    Parameters
    ----------
    table : DataFrame
        One bar per row: label (an age group, the youngest first), sex ("male" or "female") and value.
        Optional: series (at most two, such as years): the first is filled, the second drawn as an
        outline.
    title : str
        What the chart shows, in one line.
    xaxis : str
        The quantity along the axis and its unit, such as "People (millions)".
    source : str
        Where the numbers come from; printed under the chart.
    scale : float
        The values are divided by it: 1e6 prints millions.

    Raises
    ------
    ValueError
        If a cell is missing or unfit; the message names the column and the row. Also if a value is below
        0.
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
            f"{escaped(row['label'])}, {row['sex']}, {escaped(name)}: {short(row['value'])}"
            for row in rows
        ],
        hoverinfo="text",
        textposition="none",
        showlegend=bool(name),
    )


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
    """Stacked bars by age group, one frame per year, with a slider and buttons to play and stop.

    The axis is the same in all frames. Where nothing moves, as in print, it shows `start`.

    Parameters
    ----------
    table : DataFrame
        year, label (an age group, the youngest first), series and value: every year has the same
        groups and series, each once.
    title : str
        What the chart shows, in one line.
    xaxis : str
        The quantity along the axis and its unit, such as "People (millions)".
    source : str
        Where the numbers come from; printed under the chart.
    start : int
        The year shown first.
    scale : float
        The values are divided by it: 1e6 prints millions.
    colours : sequence of str
        Colours of the series, as #RRGGBB, in their order.

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
    years = _by_year(rows, [(age, name) for age in ages for name in series])
    if start not in years:
        raise ValueError(f"{name}: start is {start}; expected one of {', '.join(map(str, years))}")
    labels = stacked([((escaped(age),), ()) for age in ages[::-1]], least=[_AGE_ROW] * len(ages))
    centres = dict(zip(ages[::-1], (label.centre for label in labels), strict=True))
    most = max(sum(cells[age, name] for name in series) for cells in years.values() for age in ages)
    looks = list(zip(series, colours, HATCHES, strict=False))
    frames = {
        year: [
            *(
                _age_bars(cells, centres, name, colour, hatch, xaxis)
                for name, colour, hatch in looks
            ),
            _total(year, cells, most or 1.0, labels),
        ]
        for year, cells in years.items()
    }
    words = Words(title, xaxis, "Bars: means, stacked, without intervals.", source,
                  _ages_alt(title, xaxis, years))  # fmt: skip
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


def _age_bars(
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
        width=_AGE_ROW,
        orientation="h",
        name=escaped(series),
        marker={
            "color": colour,
            "line": {"color": "white", "width": 0.5},
            "pattern": hatching(hatch),
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
    people = sum(cells.values())
    # "2005: 1746" could be read as two years.
    in_all = f"{people:,.0f}" if people >= 1000 else significant(people)
    return go.Scatter(
        x=[most],
        y=[labels[0].centre],
        mode="text",
        text=[f"<b>{year}</b>: {in_all} in all"],
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


def _ages_alt(title: str, xaxis: str, years: Mapping[int, Mapping[tuple[str, str], float]]) -> str:
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


@dataclass(frozen=True, slots=True)
class _Placed:
    """A row of the table with the places of its icons, the first of them that of its key."""

    row: Row
    x: tuple[float, ...]
    y: tuple[float, ...]
    lines: tuple[str, ...]


def icons(table: pd.DataFrame, *, title: str, unit: str, source: str, caption: str) -> go.Figure:
    """An icon for everybody, in panels one below the other, each with its key and its counts.

    Parameters
    ----------
    table : DataFrame
        One row per kind of icon, in the order in which they are laid out: panel (its heading), label,
        look (limb_loss, pain, perhaps_pain, painless or other) and count (a whole number; 0 shows
        the key alone). Optional: low and high (both or neither), limits of the count, printed
        behind it, and their level (0.95 without it).
    title : str
        What the chart shows, in one line.
    unit : str
        What an icon is, such as a person with limb loss.
    source : str
        Where the numbers come from; printed under the chart.
    caption : str
        Where the counts come from, and which interval the limits are; "{level}" stands for the
        level of the table.

    Raises
    ------
    ValueError
        If a cell is missing or unfit, a count is no whole number, or a panel has nobody or more than
        500 icons.

    Examples
    --------
    >>> table = pd.DataFrame({"panel": "Of 3", "label": ["in pain", "not"], "count": [2, 1],
    ...                       "look": ["pain", "painless"]})
    >>> figure = icons(table, title="T", unit="A person", source="S", caption="Rounded.")
    """
    rows = checked("icons", table, text=("panel", "label", "look"), number=("count",),
                   optional=("low", "high", "level"))  # fmt: skip
    name_intervals("icons", rows, "{level} interval")
    for row in rows:
        one_of("icons", row, "look", tuple(LOOKS))
        both_or_neither("icons", row)
        rising("icons", row, ("low", "count", "high"))
        if row["count"] < 0 or row["count"] % 1:
            raise ValueError(
                f"icons: count, row {row['row']}: {row['count']:g}; expected a whole number"
            )
    panels: dict[str, list[Row]] = {}
    for row in rows:
        panels.setdefault(row["panel"], []).append(row)
    placed, headings, top = [], [], 0.0
    for name, part in panels.items():
        found, heading, top = _panel(name, part, top)
        placed += found
        headings.append(heading)
    height = top - _AFTER_PANEL
    limits = name_intervals("icons", [dict(row) for row in rows], caption)
    words = Words(title, unit, limits, source, _icons_alt(title, panels))
    return framed(
        [_icon_trace(icon) for icon in placed],
        words,
        plot_height=height,
        left=EDGE,
        right=EDGE,
        # Icons as far apart across as down, on every screen: the rest of a wide one stays free.
        xaxis={"range": [0, _WIDTH], "visible": False, "scaleanchor": "y", "constrain": "domain",
               "constraintoward": "left"},
        yaxis={"range": [height, 0], "visible": False},
        annotations=[*headings, *(_key(icon) for icon in placed)],
    )  # fmt: skip


def _panel(name: str, rows: Sequence[Row], top: float) -> tuple[list[_Placed], Any, float]:
    """The icons of a panel, its heading, and where the next one starts."""
    everybody = int(sum(row["count"] for row in rows))
    if not 0 < everybody <= _MOST_ICONS:
        raise ValueError(
            f"icons: panel {name!r} has {everybody} icons; expected 1 to {_MOST_ICONS}"
        )
    lines = [f"<b>{line}</b>" for line in wrapped(name, _WIDTH, LABEL_SIZE, bold=True)]
    heading = _text("panel", lines, 0, top, INK)
    y = top + len(lines) * LABEL_LINE + 2
    keys = []
    for row in rows:
        said = wrapped(_counted(row), _WIDTH - _KEY, LABEL_SIZE)
        keys.append((y, tuple(said)))
        y += len(said) * LABEL_LINE
    y += _AFTER_KEY
    across = _across(everybody)
    placed, first = [], 0
    for row, (at, texts) in zip(rows, keys, strict=True):
        places = range(first, first + int(row["count"]))
        first = places.stop
        placed.append(
            _Placed(
                row,
                (_PITCH / 2, *(_PITCH * (i % across + 0.5) for i in places)),
                (at + LABEL_LINE / 2, *(y + _PITCH * (i // across + 0.5) for i in places)),
                texts,
            )
        )
    return placed, heading, y + _PITCH * -(-everybody // across) + _AFTER_PANEL


def _across(people: int) -> int:
    """Icons in a row: full rows where some width of row gives them."""
    if people < _MOST_ACROSS:
        return people
    full = (n for n in range(_MOST_ACROSS, _FEWEST - 1, -1) if people % n == 0)
    return next(full, _MOST_ACROSS)


def _counted(row: Row) -> str:
    limits = (
        f" ({significant(row['low'])} to {significant(row['high'])})"
        if row["low"] is not None
        else ""
    )
    return f"{row['count']:.0f}{limits} {row['label']}"


def _icon_trace(icon: _Placed) -> go.Scatter:
    symbol, size, line, fill = LOOKS[icon.row["look"]]
    return go.Scatter(
        x=icon.x,
        y=icon.y,
        name=escaped(icon.row["label"]),
        mode="markers",
        marker={"symbol": symbol, "size": size, "color": fill,
                "line": {"color": line, "width": 1.5}},
        hovertext=escaped(f"{icon.row['panel']}: {_counted(icon.row)}") + limits_named(icon.row),
        hoverinfo="text",
        cliponaxis=False,
        showlegend=False,
    )  # fmt: skip


def _key(icon: _Placed) -> dict[str, Any]:
    return _text("key", icon.lines, _KEY, icon.y[0] - LABEL_LINE / 2, INK)


def _text(name: str, lines: Sequence[str], x: float, y: float, colour: str) -> dict[str, Any]:
    return {
        "name": name,
        "text": "<br>".join(lines),
        "showarrow": False,
        "borderpad": 0,
        "xref": "x",
        "x": x,
        "xanchor": "left",
        "align": "left",
        "yref": "y",
        "y": y,
        "yanchor": "top",
        "font": {"size": LABEL_SIZE, "color": colour},
    }


def _icons_alt(title: str, panels: dict[str, list[Row]]) -> str:
    said = [f"{name}: {'; '.join(_counted(row) for row in rows)}" for name, rows in panels.items()]
    return f"Icons, one for each person: {title}. {'. '.join(said)}."

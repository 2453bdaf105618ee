"""Small maps side by side, each place shaded by its value.

The outlines are drawn as lines on plain axes: plotly's own maps ask a server for the outlines of
the world, also where a map brings its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts.frame import (
    EDGE,
    FAINT_INK,
    INK,
    LABEL_LINE,
    LABEL_SIZE,
    NOTE_LINE,
    NOTE_SIZE,
    TEXT_WIDTH,
    Row,
    Words,
    also_drawn,
    both_or_neither,
    checked,
    escaped,
    framed,
    interval,
    limits_named,
    name_intervals,
    rising,
    significant,
    wrapped,
)

#: From light to dark, told apart in grey and by colour-blind readers: tints and shades of `PAIN`.
SHADES = ("#FBEFF6", "#E9C3DA", "#CC79A7", "#9A3F75", "#5A0F42")
_ACROSS, _BETWEEN = 2, 12
_MAP_HEIGHT, _AFTER_MAP = 160, 14


def maps(
    table: pd.DataFrame,
    outlines: pd.DataFrame,
    *,
    title: str,
    unit: str,
    source: str,
    breaks: Sequence[float],
    note: str,
) -> go.Figure:
    """Maps two in a row, shaded in classes, with the lowest and highest place of each in words.

    Parameters
    ----------
    table : DataFrame
        One row per place and map: panel (heading of its map), place, name and value. Optional: low and
        high (both or neither; shown under the pointer) and their level (0.95 without it). Every
        map has every place of the outlines once.
    outlines : DataFrame
        One row per corner: place, part (a number for each separate piece) and x, y on a flat map whose
        units are alike in both directions.
    title : str
        What the chart shows, in one line.
    unit : str
        The quantity and its unit.
    source : str
        Where the numbers come from; printed under the chart.
    breaks : sequence of float
        Four rising limits between the five classes; a value on a limit is in the class above.
    note : str
        Printed under the maps, such as what is drawn away from where it lies.

    Raises
    ------
    ValueError
        If a cell is missing or unfit, a place has no outline or is absent from a map, or the breaks
        do not rise.
    """
    rows = checked("maps", table, text=("panel", "place", "name"), number=("value",),
                   optional=("low", "high", "level"))  # fmt: skip
    name_intervals("maps", rows, "{level} interval")
    corners = checked("maps, outlines", outlines, text=("place",), number=("part", "x", "y"))
    _check_breaks(breaks)
    shapes = _shapes(corners)
    panels = _panels(rows, list(shapes))
    heads = {name: _head(name, part) for name, part in panels.items()}
    head = max(sum(height for *_, height in lines) for lines in heads.values()) + 4
    deep = -(-len(panels) // _ACROSS)
    row_height = head + _MAP_HEIGHT
    height = deep * row_height + (deep - 1) * _AFTER_MAP
    traces: list[Any] = list(_key(breaks))
    axes: dict[str, Any] = {}
    notes: list[dict[str, Any]] = []
    for place, (name, part) in enumerate(panels.items()):
        down, right = divmod(place, _ACROSS)
        top = down * (row_height + _AFTER_MAP)
        traces += _map(part, shapes, breaks, unit, place + 1)
        axes |= _axes(place + 1, right, 1 - (top + head) / height,
                      max(0.0, 1 - (top + row_height) / height), corners)  # fmt: skip
        notes += _written(heads[name], right, top, height)
    words = Words(title, unit, note, source, _alt(title, unit, panels))
    figure = framed(
        traces,
        words,
        plot_height=height,
        left=EDGE,
        right=EDGE,
        xaxis={},
        yaxis={},
        annotations=notes,
    )
    also_drawn(figure, "outline", outlines, ("place", "part", "x", "y"))
    return figure.update_layout(**axes)


def _check_breaks(breaks: Sequence[float]) -> None:
    if len(breaks) != len(SHADES) - 1:
        raise ValueError(f"maps: {len(breaks)} breaks; expected {len(SHADES) - 1}")
    for lower, upper in pairwise(breaks):
        if not (math.isfinite(lower) and lower < upper < math.inf):
            raise ValueError(f"maps: breaks {lower:g} and {upper:g}; expected rising numbers")


def _shapes(corners: Sequence[Row]) -> dict[str, list[list[tuple[float, float]]]]:
    """The pieces of each place, as rings of points."""
    parts: dict[str, dict[float, list[tuple[float, float]]]] = {}
    for row in corners:
        rings = parts.setdefault(row["place"], {})
        rings.setdefault(row["part"], []).append((row["x"], row["y"]))
    return {place: list(rings.values()) for place, rings in parts.items()}


def _panels(rows: Sequence[Row], places: Sequence[str]) -> dict[str, list[Row]]:
    panels: dict[str, dict[str, Row]] = {}
    for row in rows:
        both_or_neither("maps", row)
        rising("maps", row, ("low", "value", "high"))
        part = panels.setdefault(row["panel"], {})
        if row["place"] in part:
            raise ValueError(f"maps: row {row['row']}: {row['place']} twice in {row['panel']!r}")
        if row["place"] not in places:
            raise ValueError(
                f"maps: place, row {row['row']}: {row['place']!r} has no outline; "
                "expected a place of the outlines"
            )
        part[row["place"]] = row
    for name, part in panels.items():
        for place in places:
            if place not in part:
                raise ValueError(f"maps: no {place} in {name!r}; expected every place of the map")
    return {name: list(part.values()) for name, part in panels.items()}


def _class_of(value: float, breaks: Sequence[float]) -> int:
    return sum(value >= limit for limit in breaks)


def _key(breaks: Sequence[float]) -> Iterator[go.Scatter]:
    texts = [significant(limit) for limit in breaks]
    names = [f"under {texts[0]}", *(f"{a} to {b}" for a, b in pairwise(texts)), f"{texts[-1]} on"]
    for shade, name in zip(SHADES, names, strict=True):
        yield go.Scatter(
            x=[None],
            y=[None],
            mode="markers",
            name=escaped(name),
            marker={"symbol": "square", "size": 13, "color": shade,
                    "line": {"color": FAINT_INK, "width": 1}},
            hoverinfo="skip",
            showlegend=True,
        )  # fmt: skip


def _map(
    rows: Sequence[Row],
    shapes: Mapping[str, list[list[tuple[float, float]]]],
    breaks: Sequence[float],
    unit: str,
    number: int,
) -> Iterator[go.Scatter]:
    """The places of each class in one line with gaps, and a mark in each for its numbers."""
    on = {"xaxis": f"x{number if number > 1 else ''}", "yaxis": f"y{number if number > 1 else ''}"}
    for shade, colour in enumerate(SHADES):
        rings = [
            ring
            for row in rows
            if _class_of(row["value"], breaks) == shade
            for ring in shapes[row["place"]]
        ]
        if rings:
            # A gap between rings: without it plotly would join them.
            points = [point for ring in rings for point in (*ring, (None, None))]
            yield go.Scatter(
                x=[x for x, _ in points],
                y=[y for _, y in points],
                mode="lines",
                name="places",
                fill="toself",
                fillcolor=colour,
                line={"color": FAINT_INK, "width": 0.5},
                hoverinfo="skip",
                showlegend=False,
                **on,
            )
    centres = [_centre(max(shapes[row["place"]], key=_area)) for row in rows]
    yield go.Scatter(
        x=[x for x, _ in centres],
        y=[y for _, y in centres],
        mode="markers",
        name="numbers",
        marker={"size": 14, "opacity": 0},
        hovertext=[
            f"<b>{escaped(row['name'])}</b>: {interval(row['low'], row['value'], row['high'])}"
            f"<br>{escaped(unit)}{limits_named(row)}"
            for row in rows
        ],
        hoverinfo="text",
        showlegend=False,
        **on,
    )


def _area(ring: Sequence[tuple[float, float]]) -> float:
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise([*ring, ring[0]]))) / 2


def _centre(ring: Sequence[tuple[float, float]]) -> tuple[float, float]:
    xs, ys = zip(*ring, strict=True)
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2


def _axes(
    number: int, right: int, top: float, bottom: float, corners: Sequence[Row]
) -> dict[str, Any]:
    """The axes of one map: as large as its cell lets it be, in its upper left corner."""
    gap = _BETWEEN / TEXT_WIDTH
    width = (1 - gap) / _ACROSS
    start = right * (width + gap)
    after = str(number) if number > 1 else ""
    xs, ys = ([row[axis] for row in corners] for axis in ("x", "y"))
    hidden = {"visible": False, "constrain": "domain"}
    return {
        f"xaxis{after}": {**hidden, "domain": [start, start + width], "anchor": f"y{after}",
                          "range": [min(xs), max(xs)], "constraintoward": "left"},
        f"yaxis{after}": {**hidden, "domain": [bottom, top], "anchor": f"x{after}",
                          "range": [min(ys), max(ys)], "constraintoward": "top",
                          "scaleanchor": f"x{after}"},
    }  # fmt: skip


def _head(name: str, rows: Sequence[Row]) -> list[tuple[str, int, str, float]]:
    """Heading of a map, and its lowest and highest place: text, size, colour and line height."""
    room = (TEXT_WIDTH - _BETWEEN) / _ACROSS
    ends = (min(rows, key=lambda row: float(row["value"])),
            max(rows, key=lambda row: float(row["value"])))  # fmt: skip
    lines = [
        (f"<b>{line}</b>", LABEL_SIZE, INK, float(LABEL_LINE))
        for line in wrapped(name, room, LABEL_SIZE, bold=True)
    ]
    for said, row in zip(("Lowest", "Highest"), ends, strict=True):
        text = f"{said}: {row['name']} {significant(row['value'])}"
        lines += [(line, NOTE_SIZE, INK, NOTE_LINE) for line in wrapped(text, room, NOTE_SIZE)]
    return lines


def _written(
    lines: Sequence[tuple[str, int, str, float]], right: int, top: float, height: float
) -> Iterator[dict[str, Any]]:
    gap = _BETWEEN / TEXT_WIDTH
    for text, size, colour, line in lines:
        yield {
            "name": "panel", "text": text, "showarrow": False, "borderpad": 0,
            "xref": "paper", "x": right * ((1 - gap) / _ACROSS + gap), "xanchor": "left",
            "yref": "paper", "y": 1 - top / height, "yanchor": "top", "align": "left",
            "font": {"size": size, "color": colour},
        }  # fmt: skip
        top += line


def _alt(title: str, unit: str, panels: Mapping[str, Sequence[Row]]) -> str:
    said = []
    for name, rows in panels.items():
        low, high = (end(rows, key=lambda row: float(row["value"])) for end in (min, max))
        said.append(
            f"{name}: from {significant(low['value'])} ({low['name']}) to "
            f"{significant(high['value'])} ({high['name']})"
        )
    return f"Maps of {len(panels[next(iter(panels))])} places: {title}. {unit}. {'; '.join(said)}."

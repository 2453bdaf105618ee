"""People as icons: a share as so many of so many, counted out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts._check import Row, both_or_neither, checked, one_of, rising
from plcore.charts._template import (
    ASSUMED,
    EDGE,
    INK,
    LABEL_LINE,
    LABEL_SIZE,
    LIMB_LOSS,
    PAIN,
    Words,
    framed,
)
from plcore.charts._text import escaped, significant, wrapped

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
        A row a kind of icon, in the order in which they are laid out: panel (its heading), label,
        look (a key of `LOOKS`) and count (a whole number; 0 shows the key alone); optional: low
        and high (both or neither), limits of the count that are printed behind it.
    unit, caption : str
        What an icon is; how the counts were come by, and which interval the limits are.

    Raises
    ------
    ValueError
        If a cell is missing or unfit, a count is no whole number, or a panel has nobody or more icons
        than can be counted (500).
    """
    rows = checked("icons", table, text=("panel", "label", "look"), number=("count",),
                   optional=("low", "high"))  # fmt: skip
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
    words = Words(title, unit, caption, source, _alt(title, panels))
    return framed(
        [_trace(each) for each in placed],
        words,
        plot_height=height,
        left=EDGE,
        right=EDGE,
        # Icons as far apart across as down, on every screen: the rest of a wide one stays free.
        xaxis={"range": [0, _WIDTH], "visible": False, "scaleanchor": "y", "constrain": "domain",
               "constraintoward": "left"},
        yaxis={"range": [height, 0], "visible": False},
        annotations=[*headings, *(_key(each) for each in placed)],
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


def _trace(each: _Placed) -> go.Scatter:
    symbol, size, line, fill = LOOKS[each.row["look"]]
    return go.Scatter(
        x=each.x,
        y=each.y,
        name=escaped(each.row["label"]),
        mode="markers",
        marker={"symbol": symbol, "size": size, "color": fill,
                "line": {"color": line, "width": 1.5}},
        hovertext=escaped(f"{each.row['panel']}: {_counted(each.row)}"),
        hoverinfo="text",
        cliponaxis=False,
        showlegend=False,
    )  # fmt: skip


def _key(each: _Placed) -> dict[str, Any]:
    return _text("key", each.lines, _KEY, each.y[0] - LABEL_LINE / 2, INK)


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


def _alt(title: str, panels: dict[str, list[Row]]) -> str:
    said = [f"{name}: {'; '.join(_counted(row) for row in rows)}" for name, rows in panels.items()]
    return f"Icons, one for each person: {title}. {'. '.join(said)}."

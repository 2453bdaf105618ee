"""Tables checked at the door of a chart: what is wrong, where, and what would be right."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from plcore.evidence.schema import MARKS

Row = dict[str, Any]
#: Where the words for an interval say its level.
LEVEL = "{level}"
#: The level of limits that come without one, as nearly everywhere in medicine.
_USUAL_LEVEL = 0.95
#: Steps between ticks, and squares, of numbers beyond it would be infinite or nothing.
_LARGEST = 1e100


def checked(
    chart: str,
    table: pd.DataFrame,
    *,
    text: Sequence[str] = (),
    number: Sequence[str] = (),
    blank: Sequence[str] = (),
    optional: Sequence[str] = (),
) -> list[Row]:
    """The rows of a table as dicts; what is absent is None.

    Two keys are added: "row", the row's index, and "place", its number from 0.

    Parameters
    ----------
    chart : str
        Named in every error.
    table : DataFrame
    text, number : sequence of str
        Columns that must be there, every cell filled: text, or finite numbers.
    blank : sequence of str
        Columns that must be there and hold finite numbers, or nothing.
    optional : sequence of str
        Columns of finite numbers or nothing that may be missing. `seen`, `series` and
        `group` are text.
    """
    _require_columns(chart, table, (*text, *number, *blank))
    rows = []
    records = zip(table.index, table.to_dict("records"), strict=True)
    for place, (index, cells) in enumerate(records):
        row: Row = {"row": index, "place": place}
        for column in text:
            row[column] = _text(chart, index, column, cells[column])
        for column in number:
            row[column] = _number(chart, index, column, cells[column], needed=True)
        for column in (*blank, *optional):
            reads = _words if column in ("seen", "series", "group") else _number
            row[column] = reads(chart, index, column, cells.get(column))
        if row.get("seen"):
            one_of(chart, row, "seen", tuple(MARKS))
        rows.append(row)
    return rows


def _require_columns(chart: str, table: pd.DataFrame, needed: Sequence[str]) -> None:
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"{chart}: the table is a {type(table).__name__}; expected a DataFrame")
    missing = [column for column in needed if column not in table.columns]
    if missing:
        has = ", ".join(map(str, table.columns)) or "none"
        raise ValueError(f"{chart}: no column {', '.join(missing)}; the table has {has}")
    if table.empty:
        raise ValueError(f"{chart}: the table has no rows; expected at least one")
    if table.columns.has_duplicates:
        twice = table.columns[table.columns.duplicated()][0]
        raise ValueError(f"{chart}: column {twice} is there twice; expected it once")


def _number(
    chart: str, index: object, column: str, value: object, *, needed: bool = False
) -> float | None:
    if _absent(value) and not needed:
        return None
    kinds = (int, float, np.integer, np.floating)
    # bool is an int to Python, but a cell with True is no number.
    if isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value):
        found = float(value)
        if found and not 1 / _LARGEST <= abs(found) <= _LARGEST:
            raise ValueError(
                f"{chart}: {column}, row {index}: {value!r}; expected 0 or a size from "
                f"{1 / _LARGEST:g} to {_LARGEST:g}"
            )
        return found
    raise ValueError(f"{chart}: {column}, row {index}: {value!r}; expected a finite number")


def _absent(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _words(chart: str, index: object, column: str, value: object) -> str:
    if _absent(value) or value == "":
        return ""
    return _text(chart, index, column, value)


def _text(chart: str, index: object, column: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{chart}: {column}, row {index}: {value!r}; expected text")
    return value


def one_of(chart: str, row: Row, column: str, allowed: Sequence[str]) -> None:
    """Refuse a word that is not among those allowed."""
    if row[column] not in allowed:
        raise ValueError(
            f"{chart}: {column}, row {row['row']}: {row[column]!r}; "
            f"expected one of {', '.join(allowed)}"
        )


def rising(chart: str, row: Row, columns: Sequence[str]) -> None:
    """Refuse limits out of order; those that are absent are passed over."""
    given = [column for column in columns if row[column] is not None]
    for lower, upper in pairwise(given):
        if row[lower] > row[upper]:
            raise ValueError(
                f"{chart}: row {row['row']}: {lower} is {row[lower]:g} and {upper} is "
                f"{row[upper]:g}; expected {lower} to be no larger than {upper}"
            )


def name_intervals(chart: str, rows: Sequence[Row], words: str) -> str:
    """The words for the intervals of a chart, such as "80% interval", by the level of its table.

    Each row gets the key "interval": the same words with its own level.

    Parameters
    ----------
    chart : str
        Named in every error.
    rows : sequence of dict
        With the key "level": a share between 0 and 1, or None. Where no row has one it is 0.95.
    words : str
        What the limits are; "{level}" stands for the level, as in "{level} interval".

    Raises
    ------
    ValueError
        If a level is not between 0 and 1, or the words name other percentages than the level.
    """
    for row in rows:
        if row["level"] is not None and not 0 < row["level"] < 1:
            raise ValueError(
                f"{chart}: level, row {row['row']}: {row['level']:g}; expected a share between "
                "0 and 1, such as 0.95"
            )
    levels = sorted({row["level"] for row in rows if row["level"] is not None})
    named = re.findall(r"\d+(?:\.\d+)?(?=\s?%)", words)
    for level in levels:
        if named and _percent(level) not in named:
            raise ValueError(
                f"{chart}: interval is {words!r} and the level of the table {level:g}; expected "
                f"{_percent(level)}%, or {LEVEL!r} in its place"
            )
    every = " and ".join(_percent(level) for level in levels or [_USUAL_LEVEL])
    for row in rows:
        own = every if row["level"] is None else _percent(row["level"])
        row["interval"] = words.replace(LEVEL, f"{own}%")
    return words.replace(LEVEL, f"{every}%")


def _percent(level: float) -> str:
    return f"{100 * level:.6g}"


def both_or_neither(chart: str, row: Row, ends: tuple[str, str] = ("low", "high")) -> None:
    """Refuse an interval of which one limit is missing."""
    low, high = ends
    if (row[low] is None) != (row[high] is None):
        absent = low if row[low] is None else high
        raise ValueError(
            f"{chart}: {absent}, row {row['row']}: nothing; expected a number, as the other limit "
            "is given"
        )


def within_shares(chart: str, row: Row, columns: Sequence[str]) -> None:
    """Refuse what cannot be printed as a percent of people."""
    for column in columns:
        if row[column] is not None and not 0 <= row[column] <= 1:
            raise ValueError(
                f"{chart}: {column}, row {row['row']}: {row[column]:g}; expected a share, 0 to 1, "
                "for a chart in percent"
            )


def by_series(chart: str, rows: Sequence[Row], most: int) -> dict[str, list[Row]]:
    """Rows of each series, in order of appearance."""
    series: dict[str, list[Row]] = {}
    for row in rows:
        series.setdefault(row["series"], []).append(row)
    if len(series) > most:
        raise ValueError(
            f"{chart}: {len(series)} series; expected at most {most}, which can be told apart"
        )
    if len(series) > 1 and "" in series:
        raise ValueError(
            f"{chart}: series, row {series[''][0]['row']}: nothing; expected the name of a series"
        )
    return series


def in_time(chart: str, rows: Sequence[Row]) -> None:
    """Refuse years that do not increase: several scenarios in one series would do that."""
    for before, after in pairwise(rows):
        if after["year"] <= before["year"]:
            raise ValueError(
                f"{chart}: year, row {after['row']}: {after['year']:g} after {before['year']:g}; "
                "expected increasing years (is this one series?)"
            )


def extrapolated(chart: str, table: pd.DataFrame) -> list[bool]:
    """Whether each row is extrapolated; none is where there is no such column."""
    if "extrapolated" not in getattr(table, "columns", ()):
        return [False] * len(table)
    for index, value in table["extrapolated"].items():
        if not isinstance(value, (bool, np.bool_)):
            raise ValueError(
                f"{chart}: extrapolated, row {index}: {value!r}; expected True or False"
            )
    return [bool(value) for value in table["extrapolated"]]


def require_scale(chart: str, scale: float) -> None:
    """Refuse a scale that numbers cannot be divided by."""
    if not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"{chart}: scale is {scale!r}; expected a finite number above 0")


def require_reference(chart: str, reference: float | None) -> None:
    """Refuse a reference line that has no place on the chart."""
    if reference is not None and not math.isfinite(reference):
        raise ValueError(f"{chart}: reference is {reference!r}; expected a finite number")


def rescaled(rows: Sequence[Row], columns: Sequence[str], scale: float) -> list[Row]:
    """The rows with some columns divided by the scale."""
    return [
        row | {column: row[column] / scale for column in columns if row[column] is not None}
        for row in rows
    ]

"""Read a CSV file whose every cell is checked, and report all its faults at once.

A `Table` says what a file holds: its columns, each with a check that turns the text of a cell into
a value; the columns that together identify a row; rules across the cells of one row; and the
columns that name a row of another table. `read_table` either returns the whole file as a DataFrame
or raises one `ValueError` that lists every fault by file, line, column, value and expectation.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import math
import numbers
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from plcore.evidence.manifest import hold

Cell = str | float | int
Row = Mapping[str, Cell]
Rule = Callable[[Row], Iterator[tuple[str, str]]]
Across = Callable[[Sequence[Row]], Iterator[tuple[int, str, str]]]

# float() alone also takes "1_000", "nan", "inf" and digits of other scripts.
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_MOST_FAULTS = 50


@dataclass(frozen=True, slots=True)
class Check:
    """How the text of a cell is read, and what an empty cell becomes.

    `read` raises a `ValueError` that says what was expected. An empty cell becomes "" among text
    and NaN among numbers, so that a column keeps one type. `kind` is the type of the values and
    `limits` what else they must be, in the words of a Frictionless table schema.
    """

    read: Callable[[str], Cell]
    empty: Cell = ""
    kind: str = "string"
    limits: Mapping[str, object] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: how its cells are read, and whether a cell may be empty.

    Attributes
    ----------
    name : str
    check : Check
    optional : bool
        Whether a cell may be empty.
    """

    name: str
    check: Check
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """What a CSV file holds.

    Attributes
    ----------
    file : str
        Its path below `data/`.
    columns : tuple of Column
        In the order of the file.
    key : tuple of str
        The columns that identify a row.
    rules : tuple of function
        Each yields, for every fault of a row, the column and what was expected.
    across : tuple of function
        The same across rows, with the place of the row first, counted from 0; checked only when no
        row has a fault of its own.
    references : mapping of str to str, optional
        Each column that names rows of another table, and that table; a cell may hold several keys,
        separated by semicolons.
    """

    file: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rules: tuple[Rule, ...] = ()
    across: tuple[Across, ...] = ()
    references: Mapping[str, str] | None = None


def text(pattern: str = r".+", expected: str = "text") -> Check:
    """A check for text that matches a pattern from end to end.

    Parameters
    ----------
    pattern : str
        A regular expression; without one, any text of one character or more.
    expected : str
        The words for right text in an error message.
    """
    compiled = re.compile(pattern, re.ASCII if pattern != r".+" else 0)

    def read(cell: str) -> str:
        if not compiled.fullmatch(cell):
            raise ValueError(expected)
        return cell

    return Check(read, limits={} if pattern == r".+" else {"pattern": pattern})


def one_of(*words: str) -> Check:
    """A check for one of a few words."""

    def read(cell: str) -> str:
        if cell not in words:
            raise ValueError("one of " + ", ".join(words))
        return cell

    return Check(read, limits={"enum": list(words)})


def number(low: float = -math.inf, high: float = math.inf) -> Check:
    """A check for a finite number from `low` to `high`."""
    expected = f"a number{_span(low, high)}"

    def read(cell: str) -> float:
        if not _NUMBER.fullmatch(cell):
            raise ValueError(expected)
        value = float(cell)
        if not (math.isfinite(value) and low <= value <= high):
            raise ValueError(expected)
        return value

    return Check(read, math.nan, "number", _limits(low, high))


def whole(low: float = -math.inf, high: float = math.inf) -> Check:
    """A check for a whole number from `low` to `high`."""
    expected = f"a whole number{_span(low, high)}"

    def read(cell: str) -> int:
        if not _WHOLE.fullmatch(cell) or not low <= int(cell) <= high:
            raise ValueError(expected)
        return int(cell)

    return Check(read, math.nan, "integer", _limits(low, high))


def ordered(*columns: str) -> Rule:
    """A rule: the numbers in the columns, where given, do not decrease from left to right."""

    def rule(row: Row) -> Iterator[tuple[str, str]]:
        given = [(name, float(row[name])) for name in columns if not is_empty(row[name])]
        for (first, low), (second, high) in itertools.pairwise(given):
            if low > high:
                yield second, f"at least {first} ({low:g})"

    return rule


def is_empty(cell: Cell) -> bool:
    """Whether a cell was left empty."""
    return cell == "" or (isinstance(cell, float) and math.isnan(cell))


def read_table(
    path: Path, table: Table, *, keys: Mapping[str, frozenset[str]] | None = None
) -> pd.DataFrame:
    """A CSV file, every cell checked.

    Parameters
    ----------
    path : Path
        The file; one that ends in `.gz` is unpacked.
    table : Table
        What the file must hold.
    keys : mapping of str to frozenset of str, optional
        The keys of each table named in `table.references`.

    Returns
    -------
    DataFrame
        One row per line, in the order of the file, with the columns of `table`.

    Raises
    ------
    ValueError
        With every fault of the file, each by line, column, value and expectation; or if it is one
        of the project's own and not as its manifest lists it.
    """
    text = content(path)
    lines = _lines(path, text)
    _check_header(path, next(lines)[1], table)
    faults: list[str] = []
    rows: list[Row] = []
    places: list[int] = []
    first_seen: dict[tuple[Cell, ...], int] = {}
    for line, cells in lines:
        row, row_faults = _row(cells, table)
        row_faults += _unknown_keys(row, table, keys or {})
        if not row_faults:
            key = tuple(row[name] for name in table.key)
            before = first_seen.setdefault(key, line)
            if before != line:
                shown = ", ".join(map(str, key))
                names = ", ".join(table.key)
                row_faults.append(_fault(names, shown, f"each once, and line {before} has it"))
            row_faults += [
                _fault(column, _shown(row[column]), expected)
                for rule in table.rules
                for column, expected in rule(row)
            ]
        faults += [f"{path.name}:{line}: {fault}" for fault in row_faults]
        rows.append(row)
        places.append(line)
    if not rows:
        faults.append(f"{path.name}:2: no rows; expected at least one below the header")
    faults = faults or [
        f"{path.name}:{places[at]}: {_fault(column, _shown(rows[at][column]), expected)}"
        for rule in table.across
        for at, column, expected in rule(rows)
    ]
    if faults:
        raise ValueError(_report(faults))
    # Last, as a fault with its line says more than that something changed.
    hold(path, text)
    return pd.DataFrame(rows, columns=[column.name for column in table.columns])


def check_frame(
    frame: pd.DataFrame,
    table: Table,
    needed: Sequence[str],
    *,
    filled: Sequence[str] | None = None,
    name: str = "the table",
) -> pd.DataFrame:
    """A DataFrame made by hand, refused wherever a file with its cells would be refused.

    Parameters
    ----------
    frame : DataFrame
        A row for each row of the file; columns that are not the table's are left alone.
    table : Table
        What the file must hold.
    needed : sequence of str
        The columns that must be there. Those and the others of the table that are there are checked,
        and the rules whose columns are there.
    filled : sequence of str, optional
        The columns of which no cell may be empty, beside those that the table wants filled; by
        default those that are needed.
    name : str
        What the rows are, for messages.

    Returns
    -------
    DataFrame
        The frame with the values that reading the file would give: numbers that were text are
        numbers, and missing text is "".

    Raises
    ------
    TypeError
        If it is no DataFrame.
    ValueError
        With every fault, each by row, column, value and expectation.
    """
    require_columns(frame, needed, name)
    columns = [column for column in table.columns if column.name in frame.columns]
    absent = frozenset(column.name for column in table.columns) - set(frame.columns)
    wanted = set(needed if filled is None else filled)
    faults = []
    rows: list[dict[str, Cell]] = []
    for place, cells in enumerate(frame.to_dict("records")):
        row: dict[str, Cell] = {}
        row_faults = []
        for column in columns:
            cell = _as_text(cells[column.name])
            if cell != cell.strip() or not cell.isprintable():
                expected = "no blanks around it, no control characters"
                row_faults.append(_fault(column.name, cell, expected))
                continue
            if cell == "":
                row[column.name] = column.check.empty
                if not column.optional or column.name in wanted:
                    row_faults.append(_fault(column.name, cell, "a value"))
                continue
            try:
                row[column.name] = column.check.read(cell)
            except ValueError as error:
                row_faults.append(_fault(column.name, cell, str(error)))
        if not row_faults:
            row_faults = [
                _fault(column, _shown(row[column]), expected)
                for rule in table.rules
                for column, expected in _if_columns(rule, _PartOfRow(row, absent))
            ]
        key = " ".join(str(row[column]) for column in table.key if column in row)
        named = f" ({key})" if key else ""
        faults += [f"{name}: row {place}{named}: {fault}" for fault in row_faults]
        rows.append(row)
    if faults:
        raise ValueError(_report(faults))
    # Columns that are as reading gives them keep their type: counts as floats stay floats.
    changed = [column.name for column in columns if not _as_read(frame[column.name], column)]
    values = {column: [row[column] for row in rows] for column in changed}
    return frame.assign(**values) if changed else frame


class _PartOfRow(dict[str, Cell]):
    """A row without some columns of its table: a rule that asks for one of them does not apply."""

    def __init__(self, cells: Mapping[str, Cell], absent: frozenset[str]) -> None:
        super().__init__(cells)
        self._absent = absent

    def get(self, key: str, default: object = None) -> Any:
        if key in self._absent:
            raise KeyError(key)
        return super().get(key, default)


def _as_read(cells: pd.Series, column: Column) -> bool:
    """Whether a column has values of the kind that reading its file gives."""
    if column.check.kind == "string":
        return all(isinstance(cell, str) for cell in cells)
    return isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "iuf"


def require_columns(frame: pd.DataFrame, needed: Sequence[str], name: str) -> None:
    """Refuse what is no DataFrame, lacks one of the columns that are needed, or has it twice."""
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"{name}: expected a DataFrame, got {type(frame).__name__}")
    missing = [column for column in needed if column not in frame.columns]
    if missing:
        raise ValueError(
            f"{name}: no column {', '.join(map(repr, missing))}; expected {', '.join(needed)}"
        )
    twice = sorted({str(column) for column in frame.columns[frame.columns.duplicated()]})
    if twice:
        raise ValueError(f"{name}: several columns {', '.join(map(repr, twice))}; expected one")
    if frame.empty:
        raise ValueError(f"{name}: no rows; expected at least one")


def _if_columns(rule: Rule, row: Row) -> list[tuple[str, str]]:
    """The faults that a rule finds; none where the row lacks a column that it reads."""
    try:
        return list(rule(row))
    except KeyError:
        return []


def _as_text(cell: object) -> str:
    """A cell of a DataFrame as a file would have it."""
    if cell is None or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, bool | str) or not isinstance(cell, numbers.Real):
        return str(cell)
    value = float(cell)
    return f"{value:.0f}" if math.isfinite(value) and value == round(value) else repr(value)


def last_saved(paths: Iterable[Path]) -> tuple[int, ...]:
    """When each file was last saved; 0 for one that is not there.

    A file that an analyst saves again must be read again, so what is kept of files is kept with it.
    """
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)


def content(path: Path) -> str:
    """The text of a file, unpacked if its name ends in `.gz`.

    Raises a `ValueError` if there is no such file, or it is empty, cut off or not UTF-8.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{path.name}: no such file in {path.parent}") from None
    if path.suffix == ".gz":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path.name}: not a whole gzip file ({error})") from None
    if not raw.strip():
        expected = "a title" if path.suffix == ".toml" else "a header and rows"
        raise ValueError(f"{path.name}: the file is empty; expected {expected}")
    # In UTF-16, every second byte of plain English is 0.
    if raw.count(0) > len(raw) / 4:
        raise ValueError(
            f"{path.name}:1: every second byte is 0; expected the file saved as UTF-8, "
            "not as UTF-16"
        )
    try:
        decoded = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{path.name}:{line}: byte {raw[error.start]:#04x} is not UTF-8; "
            "expected the file saved as UTF-8"
        ) from None
    if not decoded.endswith("\n"):
        line = decoded.count("\n") + 1
        raise ValueError(
            f"{path.name}:{line}: the last line has no end; expected a line end "
            "(is the file cut off?)"
        )
    return decoded


def _span(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return ""
    if math.isinf(high):
        return f" of {low:g} or more"
    if math.isinf(low):
        return f" of {high:g} or less"
    return f" from {low:g} to {high:g}"


def _limits(low: float, high: float) -> Mapping[str, float]:
    ends = {"minimum": low, "maximum": high}
    return {name: end for name, end in ends.items() if math.isfinite(end)}


def _fault(column: str, cell: str, expected: str) -> str:
    return f"{column} is {cell!r}; expected {expected}"


def _shown(cell: Cell) -> str:
    return "" if is_empty(cell) else f"{cell:g}" if isinstance(cell, float) else str(cell)


def _report(faults: list[str]) -> str:
    more = len(faults) - _MOST_FAULTS
    shown = faults[:_MOST_FAULTS] + ([f"... and {more} more faults"] if more > 0 else [])
    return "\n".join(shown)


def _lines(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    while True:
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ValueError(
                f"{path.name}:{line}: {error}; expected quotes that open and close, as CSV has them"
            ) from None
        line = reader.line_num + 1


def _check_header(path: Path, header: list[str], table: Table) -> None:
    columns = [column.name for column in table.columns]
    if header != columns:
        missing = [name for name in columns if name not in header]
        unknown = [name for name in header if name not in columns]
        twice = sorted({name for name in header if header.count(name) > 1})
        what = [
            f"{label} {', '.join(map(repr, names))}"
            for label, names in (("missing", missing), ("unknown", unknown), ("repeated", twice))
            if names
        ] or ["columns in another order"]
        raise ValueError(f"{path.name}:1: header: {'; '.join(what)}; expected {','.join(columns)}")


def _row(cells: list[str], table: Table) -> tuple[Row, list[str]]:
    if len(cells) != len(table.columns):
        return {}, [f"{len(cells)} cells; expected {len(table.columns)}"]
    row: dict[str, Cell] = {}
    faults = []
    for column, cell in zip(table.columns, cells, strict=True):
        if cell == "":
            row[column.name] = column.check.empty
            if not column.optional:
                faults.append(_fault(column.name, cell, "a value"))
        elif cell != cell.strip() or not cell.isprintable():
            faults.append(_fault(column.name, cell, "no blanks around it, no control characters"))
        else:
            try:
                row[column.name] = column.check.read(cell)
            except ValueError as error:
                faults.append(_fault(column.name, cell, str(error)))
    return row, faults


def _unknown_keys(row: Row, table: Table, keys: Mapping[str, frozenset[str]]) -> list[str]:
    return [
        _fault(column, key, f"a key of {target}.csv")
        for column, target in (table.references or {}).items()
        if not is_empty(row.get(column, ""))
        for key in str(row[column]).split(";")
        if key not in keys[target]
    ]

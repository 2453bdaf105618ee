"""A table of a page: the numbers rounded, keys in words, and no column that says nothing."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Collection, Mapping, Sequence
from html import escape

from plcore.charts.frame import ALSO_DRAWN
from plcore.evidence.labels import FOR_PROGRAMS, TIMES, cell_in_words, heading
from plcore.printed import alike
from plcore.printed import column as rounded

#: Fewer rows show that a column is the same in all of them.
_FEW = 3
#: More columns than that stand closer together.
_MANY = 4
#: What stands between a low and a high, where the three have no name in common.
_MIDDLES = ("value", "median", "estimate", "mean", "share", "rate", "prcc", "modelled")
#: A table of few rows and many columns is turned, so that each row is read down a column.
_TURNED_ROWS, _TURNED_COLUMNS = 8, 9
#: From here on people are printed in millions, unless a cell of the column is far smaller.
_MILLION, _SMALL = 1e6, 1e4
#: Keys of what the column `label` names.
_LABELLED = ("quantity", "parameter", "scenario", "outcome")
#: Units of which there are only whole ones.
_WHOLE = ("people", "patients")
#: Columns that are no counts although their row is of people.
_NO_COUNT = re.compile(r"(^|_)(share|probability|level|factor)")
#: A number printed with decimals.
_DECIMAL = re.compile(r"-?[\d,]+\.\d+")
#: Years that a calendar of this project may hold.
_YEARS = (1000, 2999)


def table_html(
    csv_text: str,
    *,
    caption: str,
    numeric: Collection[str],
    most_rows: int | None = None,
    headings: Mapping[str, str] | None = None,
) -> str:
    """An accessible HTML table of a CSV text, as people read it.

    Numbers have two or three digits that mean something, and years no thousands separators. Keys of
    parameters, outcomes and sources are printed as what they are called. What is the same in every
    row is said once, below; columns that only a program needs are left to the CSV. What a chart
    draws from a second table has a table of its own.

    Parameters
    ----------
    csv_text : str
        A header line and the rows.
    caption : str
        What the table shows, for screen readers.
    numeric : collection of str
        Columns that hold numbers; they are right-aligned.
    most_rows : int, optional
        Rows beyond that many are left out, and a last row says so.
    headings : mapping of str to str, optional
        What columns are called that say nothing by themselves, such as "x".
    """
    header, *rows = list(csv.reader(io.StringIO(csv_text)))
    kinds = [""]
    if ALSO_DRAWN in header:
        place = header.index(ALSO_DRAWN)
        kinds = list(dict.fromkeys(row[place] for row in rows))
        tables = {kind: [row[:place] + row[place + 1 :] for row in rows if row[place] == kind]
                  for kind in kinds}  # fmt: skip
        header = header[:place] + header[place + 1 :]
    else:
        tables = {"": rows}
    return "\n".join(
        _one_table(
            header,
            tables[kind],
            f"{caption}: {kind}" if kind else caption,
            numeric,
            most_rows,
            headings or {},
        )
        for kind in kinds
    )


def _one_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str,
    numeric: Collection[str],
    most_rows: int | None,
    given: Mapping[str, str],
) -> str:
    cells = {name: [row[place] for row in rows] for place, name in enumerate(header)}
    scaled = {name for name in numeric if name in cells and _in_millions(cells[name], cells)}
    in_words = {
        name: _numbers(column, name, cells, scale=_MILLION if name in scaled else 1.0)
        if name in numeric
        else [cell_in_words(cell, name) for cell in column]
        for name, column in cells.items()
    }
    in_words = _alike(in_words, cells, frozenset(numeric) - scaled)
    in_words, numeric = _with_limits(_with_span(in_words), frozenset(numeric))
    names, same = _shown(in_words, numeric)
    notes = [f"In every row: {'; '.join(same)}."] if same else []
    if most_rows is not None and len(rows) > most_rows:
        notes.insert(0, f"The first {most_rows:,} of {len(rows):,} rows; the CSV has them all.")
    shown = len(rows) if most_rows is None else min(most_rows, len(rows))
    columns = [in_words[name][:shown] for name in names]
    kinds = [_align(name in numeric, in_words[name]) for name in names]
    headings = [
        given.get(name, heading(name)) + (", millions" if name in scaled else "") for name in names
    ]
    if 1 < shown <= _TURNED_ROWS and len(names) > _TURNED_COLUMNS:
        lines = [list(line) for line in zip(*columns[1:], strict=True)]
        columns, headings = [headings[1:], *lines], [headings[0], *columns[0]]
        kinds = [' class="text"', *[' class="number"'] * shown]
    head = "".join(
        f'<th scope="col"{kind}>{escape(title)}</th>'
        for title, kind in zip(headings, kinds, strict=True)
    )
    body = []
    for line in zip(*columns, strict=True):
        first, *others = (f"{kind}>{_linked(cell)}" for cell, kind in zip(line, kinds, strict=True))
        rest = "".join(f"<td{other}</td>" for other in others)
        body.append(f'<tr><th scope="row"{first}</th>{rest}</tr>')
    foot = "".join(f'<tr><td colspan="{len(headings)}">{escape(note)}</td></tr>' for note in notes)
    foot = f"\n<tfoot>{foot}</tfoot>" if foot else ""
    many = " many" if len(headings) > _MANY else ""
    return (
        f'<table class="numbers{many}"><caption>{escape(caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(body) + f"\n</tbody>{foot}</table>"
    )


def _shown(in_words: dict[str, list[str]], numeric: Collection[str]) -> tuple[list[str], list[str]]:
    """The columns that are shown, and what is the same in every row."""
    names: list[str] = []
    same: list[str] = []
    for name, column in in_words.items():
        alone = len(in_words) == 1
        if not alone and (name in FOR_PROGRAMS or not any(column)):
            continue
        if name in _LABELLED and "label" in in_words:
            continue
        if name not in numeric and any(in_words[other] == column for other in names):
            # A key that is printed as its label, beside the label.
            continue
        if names and len(column) >= _FEW and len(set(column)) == 1:
            same.append(f"{heading(name)} {column[0]}")
            continue
        names.append(name)
    return names or list(in_words)[:1], same


def _with_span(in_words: dict[str, list[str]]) -> dict[str, list[str]]:
    """The columns, with the first and last year in one: "2016-2021", "2005"."""
    if not {"first_year", "last_year"} <= set(in_words):
        return in_words
    first, last = in_words["first_year"], in_words["last_year"]
    spans = [a if a == b else f"{a}-{b}" for a, b in zip(first, last, strict=True)]
    return {
        "years" if name == "first_year" else name: spans if name == "first_year" else column
        for name, column in in_words.items()
        if name != "last_year"
    }


def _alike(
    in_words: dict[str, list[str]], cells: Mapping[str, Sequence[str]], numeric: frozenset[str]
) -> dict[str, list[str]]:
    """The columns, with limits as fine as the number between them: "2.2 (1.4 to 3.3)"."""
    columns = {name: list(column) for name, column in in_words.items()}
    for low, high, name in _limits(list(in_words)):
        if not {low, high, name} <= numeric:
            continue
        units = cells.get("unit", [""] * len(cells[name]))
        for row, (said, unit) in enumerate(zip(in_words[name], units, strict=True)):
            raw = [cells[key][row] for key in (name, low, high)]
            # Whole numbers, of people or of draws, are printed whole with their limits.
            if _DECIMAL.fullmatch(said) and any(raw[1:]):
                values = [TIMES.get(unit, 1) * float(x) if x else math.nan for x in raw]
                for key, text in zip((name, low, high), alike(values, said), strict=True):
                    columns[key][row] = text
    return columns


def _with_limits(
    in_words: dict[str, list[str]], numeric: frozenset[str]
) -> tuple[dict[str, list[str]], frozenset[str]]:
    """The columns, with a number and its two limits in one: "0.75 (0.72 to 0.78)"."""
    columns = dict(in_words)
    for low, high, name in _limits(list(in_words)):
        names = list(columns)
        if high not in columns or not {low, high} <= numeric:
            continue
        if name not in columns and names.index(high) != names.index(low) + 1:
            continue
        limits = list(zip(columns[low], columns[high], strict=True))
        spans = [f"{a} to {b}" if a and b else f"from {a}" if a else f"to {b}" if b else ""
                 for a, b in limits]  # fmt: skip
        if name in columns and name in numeric:
            columns[name] = [
                f"{value} ({span})" if value and span else value or span
                for value, span in zip(columns[name], spans, strict=True)
            ]
            del columns[low]
        else:
            # Limits without a middle, in the place of the lower one.
            columns = {name if key == low else key: spans if key == low else column
                       for key, column in columns.items()}  # fmt: skip
            numeric |= {name}
        del columns[high]
    return columns, numeric


def _limits(names: Sequence[str]) -> list[tuple[str, str, str]]:
    """Pairs of columns that are limits, and the column of the number between them."""
    pairs = []
    for low in names:
        if low == "low":
            before = names[: names.index(low)]
            middle = next((name for name in reversed(before) if name in _MIDDLES), "from, to")
            pairs.append((low, "high", middle))
        elif found := re.fullmatch(r"low_(\d+)", low):
            middle = "median" if found[1] == "95" else f"{found[1]}% interval"
            pairs.append((low, f"high_{found[1]}", middle))
        elif low.endswith("_low"):
            name = low.removesuffix("_low")
            middle = next((m for m in (name, f"{name}_value") if m in names), name)
            pairs.append((low, f"{name}_high", middle))
    return pairs


def _in_millions(column: Sequence[str], cells: dict[str, list[str]]) -> bool:
    sizes = [abs(float(cell)) for cell in column if cell and float(cell)]
    mixed = "unit" in cells or "quantity" in cells
    counts = all(size.is_integer() for size in sizes)
    return (
        bool(sizes)
        and not mixed
        and not counts
        and max(sizes) >= _MILLION
        and (min(sizes) >= _SMALL)
    )


def _numbers(
    column: Sequence[str], name: str, cells: dict[str, list[str]], *, scale: float
) -> list[str]:
    """The cells of a column of numbers; of people whole ones, if a column says that they are."""
    values = [float(cell) / scale if cell else float("nan") for cell in column]
    if re.search(r"(^|[_ ])years?$", name) and all(map(_is_year, values)):
        return rounded(values, kind="year")
    if name == "p" or name.endswith((", p", "_p")):
        return rounded(values, kind="p")
    if name == "level":
        return [f"{100 * value:g}%" if value > 0 else "" for value in values]
    units = cells.get("unit")
    if units is None:
        return rounded(values)
    values = [v * TIMES.get(unit, 1) for v, unit in zip(values, units, strict=True)]
    of_people = [unit.startswith(_WHOLE) and not _NO_COUNT.search(name) for unit in units]
    whole = iter(rounded([v for v, people in zip(values, of_people, strict=True) if people],
                         kind="people"))  # fmt: skip
    others = iter(rounded([v for v, people in zip(values, of_people, strict=True) if not people]))
    return [next(whole if people else others) for people in of_people]


def _is_year(value: float) -> bool:
    """Whether a number can be a calendar year, as a share of people "under 1 year" cannot."""
    return math.isnan(value) or (value.is_integer() and _YEARS[0] <= value <= _YEARS[1])


def _linked(cell: str) -> str:
    if re.fullmatch(r"https?://\S+", cell):
        return f'<a href="{escape(cell)}">{escape(cell)}</a>'
    return escape(cell)


def _align(is_numeric: bool, column: Sequence[str]) -> str:
    # JupyterLab aligns all cells to the right; a style of its own is all that a cell can rely on.
    if is_numeric:
        return ' class="number"'
    longest = max(map(len, column), default=0)
    kind = "word" if longest <= 18 else "text" if longest <= 36 else "prose"
    return f' class="{kind}" style="text-align:left"'

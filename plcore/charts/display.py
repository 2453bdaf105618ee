"""Show a chart or a table in a notebook, with a name and a caption that the report can use.

`show` publishes one bundle of several forms: what JupyterLab draws, the numbers behind it as CSV,
and plain text; of a chart also a picture (or, where none can be drawn, its words and numbers), for
`jupyter nbconvert --to html` and other viewers without plotly. `plcore.report` reads the same
bundle, so a notebook and its page cannot differ.

In a table of a page numbers are rounded, keys are in words, and no column says nothing.

The package kaleido draws pictures in a Chrome or Chromium of the machine; it comes with the extra
`images`. Without it, or where `PLCORE_PICTURES=no` is set, as it is for the report's own run, there
is no picture.
"""

from __future__ import annotations

import asyncio
import atexit
import base64
import contextlib
import csv
import functools
import importlib
import importlib.util
import io
import json
import math
import os
import re
import threading
from collections.abc import Collection, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]
import plotly.io as pio  # type: ignore[import-untyped]

from plcore.charts.frame import ALSO_DRAWN, widened
from plcore.evidence.labels import FOR_PROGRAMS, TIMES, cell_in_words, heading
from plcore.printed import alike
from plcore.printed import column as rounded

PLOTLY = "application/vnd.plotly.v1+json"
#: Without showSendToCloud=False, plotly 7 puts a button on every chart that uploads it.
CONFIG = {"displaylogo": False, "showSendToCloud": False, "responsive": True}
_NAME = re.compile(r"[a-z0-9_]+", re.ASCII)
#: Rows of the numbers that stand in for a picture.
_MOST_ROWS = 12


def show(
    thing: go.Figure | pd.DataFrame,
    *,
    name: str,
    caption: str,
    table: pd.DataFrame | None = None,
    alt: str | None = None,
) -> None:
    """Display a chart with the numbers behind it, or a table, in a notebook.

    A chart brings a picture of itself where the package kaleido and a Chrome or Chromium are there,
    and its words and first numbers where not; neither with `PLCORE_PICTURES=no` in the environment.

    Parameters
    ----------
    thing : plotly Figure or DataFrame
        A DataFrame's named index levels become columns; an unnamed row numbering is left out.
    name : str
        Lower-case letters, digits and `_`; unlike that of anything else shown in the report, where
        it names the files `figures/<name>.html`, `figures/<name>.json` and `tables/<name>.csv`.
    caption : str
        What is shown and how to read it; it stands under a chart and over a table.
    table : DataFrame, required with a Figure
        The numbers that the chart is drawn from. What a chart draws from a second table (published
        points, the edges of a funnel, outlines) is added below them, and named in the column
        `also_drawn`.
    alt : str, required with a Figure that has none at `layout.meta["alt"]`
        What the chart shows, for whoever cannot see it.

    Raises
    ------
    ValueError
        If a name, caption, table or alt text is missing or unfit, or goes with the other kind.
    TypeError
        If `thing` is neither.
    """
    _require_text(name, caption)
    if isinstance(thing, pd.DataFrame):
        if table is not None or alt is not None:
            raise ValueError(f"show({name!r}): `table` and `alt` go with a Figure, not a DataFrame")
        data, metadata = _table_bundle(thing, name, caption)
    elif isinstance(thing, go.Figure):
        data, metadata = _figure_bundle(thing, name, caption, table, alt)
    else:
        raise TypeError(
            f"show({name!r}): expected a plotly Figure or a DataFrame, got {type(thing).__name__}"
        )
    # Imported here: analysts without the notebook tools can still import plcore.
    from IPython.display import display

    described = {"plcore": metadata}
    if "image/png" in data:
        described["image/png"] = {"alt": metadata["alt"]}
    display(data, raw=True, metadata=described)  # type: ignore[no-untyped-call]


def _require_text(name: object, caption: object) -> None:
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise ValueError(f"show: name is {name!r}; it takes lower-case letters, digits and _ only")
    if not isinstance(caption, str) or not caption.strip():
        raise ValueError(f"show({name!r}): caption is {caption!r}; say what is shown")


def _table_bundle(
    frame: pd.DataFrame, name: str, caption: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    frame = _with_plain_columns(frame, name)
    text, numeric = _csv(frame), _numeric(frame)
    data = {
        "text/html": table_html(text, caption=caption, numeric=numeric),
        "text/csv": text,
        "text/plain": f"{caption}\n{frame.to_string(index=False)}",
    }
    return data, {"name": name, "caption": caption, "alt": None, "numeric": numeric}


def _figure_bundle(
    figure: go.Figure, name: str, caption: str, table: pd.DataFrame | None, alt: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    if table is None:
        raise ValueError(f"show({name!r}): a chart needs `table`, the numbers it is drawn from")
    meta = figure.layout.meta
    if alt is None and isinstance(meta, dict):
        alt = meta.get("alt")
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(
            f"show({name!r}): alt is {alt!r}; say in words what the chart shows, here or in "
            'layout.meta["alt"]'
        )
    table = _with_plain_columns(table, name)
    # engine="json": the bytes must not depend on whether a faster JSON package is installed.
    drawn = json.loads(pio.to_json(figure, validate=False, engine="json"))
    others = (drawn["layout"].get("meta") or {}).pop(ALSO_DRAWN, {})
    table = _with_others(table, others)
    text = _csv(table)
    moving = {"frames": drawn["frames"]} if drawn.get("frames") else {}
    data = {
        PLOTLY: {"data": drawn["data"], "layout": drawn["layout"], "config": dict(CONFIG)} | moving,
        "text/csv": text,
        "text/plain": f"{caption}\n{alt}",
    }
    metadata = {"name": name, "caption": caption, "alt": alt, "numeric": _numeric(table)}
    if wanted():
        image, why = png(drawn)
        if image:
            data["image/png"] = base64.b64encode(image).decode()
        else:
            data["text/html"] = _in_words(text, metadata, why)
    return data, metadata


def _in_words(csv_text: str, described: Mapping[str, Any], why: str) -> str:
    """What a viewer that cannot draw a chart shows of it without a picture, and why there is none."""
    table = table_html(
        csv_text, caption=described["caption"], numeric=described["numeric"], most_rows=_MOST_ROWS
    )
    return f"<p>{escape(described['alt'])}</p>\n{table}\n<p><small>{escape(why)}</small></p>"


def _with_others(table: pd.DataFrame, others: Mapping[str, str]) -> pd.DataFrame:
    """The table, and below it the rows of other tables, given as CSV texts by what they are."""
    if not others or ALSO_DRAWN in table:
        return table
    frames = [table]
    for what, text in others.items():
        rows = pd.read_csv(
            io.StringIO(text), keep_default_na=False, na_values=[""], float_precision="round_trip"
        )
        frames.append(rows.assign(**{ALSO_DRAWN: what}))
    return pd.concat(frames, ignore_index=True)


def _with_plain_columns(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The frame with its named index levels as columns and all column names unlike strings."""
    if frame.columns.nlevels > 1:
        raise ValueError(f"show({name!r}): the columns have {frame.columns.nlevels} levels, not 1")
    if any(level is not None for level in frame.index.names):
        frame = frame.reset_index()
    elif not pd.api.types.is_integer_dtype(frame.index.dtype):
        raise ValueError(
            f"show({name!r}): the rows are labelled ({frame.index[0]!r}, ...) but the index has no "
            "name; give it one"
        )
    frame = frame.set_axis([str(column) for column in frame.columns], axis="columns")
    if frame.empty:
        raise ValueError(f"show({name!r}): the table has no cells (shape {frame.shape})")
    if frame.columns.has_duplicates:
        twice = sorted(set(frame.columns[frame.columns.duplicated()]))
        raise ValueError(f"show({name!r}): columns named twice: {twice}")
    return frame


def _csv(frame: pd.DataFrame) -> str:
    return str(frame.to_csv(index=False, lineterminator="\n"))


def _numeric(frame: pd.DataFrame) -> list[str]:
    return [
        str(column)
        for column in frame.columns
        if pd.api.types.is_numeric_dtype(frame[column])
        and not pd.api.types.is_bool_dtype(frame[column])
    ]


# --- A picture of a chart ------------------------------------------------------------------------

#: The script that lets plotly draw maps without asking a server for outlines.
OUTLINES = Path(__file__).parent / "outlines.js"
#: The environment variable by which pictures are left out, and the value that does it.
PICTURES, NO_PICTURES = "PLCORE_PICTURES", "no"
#: Pixels: width, height of a figure that does not say its own; and how many are drawn for one.
_WIDTH, _HEIGHT, _SCALE = 900, 450, 1.5
#: How long a picture may take, the first with the start of the browser, and the browser to stop.
_SECONDS, _SECONDS_TO_STOP = 60, 5


def wanted() -> bool:
    """Whether charts are to bring what viewers without plotly can show."""
    return os.environ.get(PICTURES, "") != NO_PICTURES


def picture_page(kaleido: Any) -> Any:
    """The page in which kaleido draws, which asks no server for anything.

    Parameters
    ----------
    kaleido : module
    """
    # Without mathjax=False the page would ask a server for a typesetter of formulas.
    return kaleido.PageGenerator(mathjax=False, others=[OUTLINES])


def png(figure: Mapping[str, Any]) -> tuple[bytes, str]:
    """A chart as a PNG, and, where there is none, the reason in words.

    Parameters
    ----------
    figure : mapping
        `data` and `layout` as plotly's JSON has them.
    """
    if importlib.util.find_spec("kaleido") is None:
        return (
            b"",
            "A picture would be here were the package kaleido installed: pip install kaleido",
        )
    layout = widened(figure["layout"], _WIDTH)
    # A picture cannot be played; the slider stays, for it says which frame is shown.
    layout.pop("updatemenus", None)
    size = {"width": _WIDTH, "height": layout.get("height", _HEIGHT), "scale": _SCALE}
    try:
        loop, browser = _started()
        drawing = browser.calc_fig(
            {"data": figure["data"], "layout": layout}, opts={"format": "png", **size}
        )
        return bytes(asyncio.run_coroutine_threadsafe(drawing, loop).result(_SECONDS)), ""
    except Exception as error:  # noqa: BLE001
        # kaleido and its browser fail in many ways, none of which may take the chart away.
        first = next(iter(str(error).splitlines()), type(error).__name__)
        return b"", f"No picture could be drawn: {first}"


@functools.lru_cache(maxsize=1)
def _started() -> tuple[asyncio.AbstractEventLoop, Any]:
    """A browser for all charts of this process, as starting one takes seconds, and its thread."""
    kaleido = importlib.import_module("kaleido")
    loop = asyncio.new_event_loop()
    # A notebook's own loop is busy with the cell that asks.
    threading.Thread(target=loop.run_forever, daemon=True).start()

    async def start() -> Any:
        return await kaleido.Kaleido(n=1, page_generator=picture_page(kaleido)).__aenter__()

    def stop() -> None:
        closing = asyncio.run_coroutine_threadsafe(browser.__aexit__(None, None, None), loop)
        with contextlib.suppress(Exception):
            closing.result(_SECONDS_TO_STOP)

    browser = asyncio.run_coroutine_threadsafe(start(), loop).result(_SECONDS)
    atexit.register(stop)
    return loop, browser


# --- A table of a page ---------------------------------------------------------------------------

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

"""What all charts share: colours, template, texts and frame, and the checks of a chart's table."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.evidence.schema import MARKS
from plcore.printed import short

#: Signs behind a label whose number was not read in its own source.
SIGNS = dict(zip((mark for mark in MARKS.values() if mark), "†‡§¶", strict=True))
_NARROW = frozenset("iljtfrI.,;:'|()[]! -/")
_WIDE = frozenset("mwMW%@—")
_MOST_DECIMALS = 6
#: What studies measured, and what is estimated from them.
EVIDENCE = "#0072B2"
#: What a clinic page claims, and a verdict against it.
CLAIM = "#D55E00"
#: People with limb loss, in pain or not.
LIMB_LOSS = "#009E73"
#: People with phantom limb pain.
PAIN = "#CC79A7"
#: Numbers as somebody else published them: points on a projection, pooled means, references.
PUBLISHED = "#000000"
#: Numbers that nobody measured. Too light for a line that has to be found: for fills and rules.
ASSUMED = "#8C8C8C"
#: Colours of several series, in order; there they only tell the series apart.
SERIES = (EVIDENCE, CLAIM, LIMB_LOSS, PAIN, PUBLISHED)
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x")
HATCHES = ("", "/", "x", ".", "-")
INK, FAINT_INK, GRID = "#1F1F1F", "#555555", "#E4E4E4"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
#: The years that the report compares: of the first published number, of now and of the last one.
YEARS_THAT_MATTER = (2005, 2025, 2050)
_BETWEEN_YEARS = {"tick0": 0, "dtick": 5, "ticks": "outside", "ticklen": 3}
TITLE_SIZE, LABEL_SIZE, NOTE_SIZE = 16, 12, 11
#: Line heights in pixels: plotly sets lines 1.3 times the size of the font apart.
TITLE_LINE, LABEL_LINE, NOTE_LINE = 21, 16, 14.3
#: Text is wrapped to fit the narrowest figure, since plotly cannot wrap it again for a wider one.
NARROWEST, EDGE = 360, 8
TEXT_WIDTH = NARROWEST - 2 * EDGE
_LEGEND_ROW, _LEGEND_SYMBOL, _TICK_ROOM = 20, 45, 26
_AXIS: dict[str, Any] = {
    "gridcolor": GRID,
    "zeroline": False,
    "linecolor": FAINT_INK,
    "tickcolor": FAINT_INK,
    "tickfont": {"size": LABEL_SIZE, "color": INK},
    "automargin": False,
    "ticks": "",
    # Zooming by touch would trap who scrolls past.
    "fixedrange": True,
}
#: The axis along the bottom: a line with ticks, whose labels are never turned.
OUTSIDE: dict[str, Any] = {"ticks": "outside", "showline": True, "tickangle": 0}
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": LABEL_SIZE, "color": INK},
        "colorway": SERIES,
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "legend": {
            "orientation": "h",
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "yref": "container",
            "yanchor": "bottom",
            "font": {"size": LABEL_SIZE},
            "tracegroupgap": 0,
            "traceorder": "normal",
        },
        "hoverlabel": {"align": "left", "bgcolor": "white", "font": {"color": INK, "size": 12}},
        "hovermode": "closest",
        # On a phone a finger drawn over a chart must scroll the page.
        "dragmode": False,
        "autosize": True,
        "barcornerradius": 0,
    }
)
#: Where the layout of a figure keeps what it draws besides its table, until `show` takes it.
ALSO_DRAWN = "also_drawn"
#: Size of the font and height of a line of each text that `framed` sets around a chart.
_SIZES = {
    "title": (TITLE_SIZE, TITLE_LINE),
    "unit": (LABEL_SIZE, LABEL_LINE),
    "caption": (NOTE_SIZE, NOTE_LINE),
    "source": (NOTE_SIZE, NOTE_LINE),
}


def width(text: str, size: float, *, bold: bool = False) -> float:
    """About how many pixels a line of text takes, in a wide font such as DejaVu Sans.

    Too much on most machines, where fonts are narrower: text may leave room, never overlap.
    """
    ems = sum(
        0.37 if c in _NARROW else 0.93 if c in _WIDE else 0.72 if c.isupper() else 0.62
        for c in text
    )
    return ems * size * (1.12 if bold else 1)


def wrapped(
    text: str, pixels: float, size: float, *, bold: bool = False, even: bool = False
) -> list[str]:
    """Lines of text, escaped, none wider than some pixels; `even` makes them of like widths."""
    lines = _filled(text, pixels, size, bold)
    # The narrowest width that takes no more lines leaves no single word on the last.
    while even and len(narrower := _filled(text, pixels - 8, size, bold)) == len(lines) > 1:
        lines, pixels = narrower, pixels - 8
    return [escaped(line) for line in lines]


def _filled(text: str, pixels: float, size: float, bold: bool) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        for part in _parts(word, pixels, size):
            longer = f"{lines[-1]} {part}" if lines[-1] else part
            if lines[-1] and width(longer, size, bold=bold) > pixels:
                lines.append(part)
            else:
                lines[-1] = longer
    return lines


def _parts(word: str, pixels: float, size: float) -> list[str]:
    # An address or a key without blanks would run out of the figure.
    most = max(4, int(pixels / (0.66 * size)))
    return [word] if width(word, size) <= pixels else textwrap.wrap(word, most)


def escaped(text: str) -> str:
    """Text that plotly prints as it is: "<10%" is no tag, "$5 to $9" no formula."""
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("$", "&#36;")):
        text = text.replace(char, entity)
    return text


def number(value: float, decimals: int) -> str:
    """A number for people: separators from 10,000 up, so that years have none."""
    if decimals > _MOST_DECIMALS or abs(value) >= 1e15:
        return short(value)
    # Adding 0 turns a rounded -0.0 into 0.0.
    return f"{round(value, decimals) + 0.0:{',' if abs(value) >= 10_000 else ''}.{decimals}f}"


def percentage(share: float, decimals: int) -> str:
    """A share, 0 to 1, as a percent."""
    return f"{round(100 * share, decimals) + 0.0:.{decimals}f}%"


def significant(value: float) -> str:
    """A number with up to three significant digits, and all of those before the point."""
    decimals = 0 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    text = number(value, decimals)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def decimals_telling_apart(lows: Iterable[float], highs: Iterable[float], digits: int) -> int:
    """Decimals that leave some significant digits to the narrowest interval's width."""
    widths = [high - low for low, high in zip(lows, highs, strict=True) if high > low]
    if not widths:
        return digits - 1
    return min(max(0, digits - 1 - math.floor(math.log10(min(widths)))), _MOST_DECIMALS + 1)


def interval(low: float | None, middle: float | None, high: float | None) -> str:
    """What is given of low, middle and high: "64 (60 to 68)", "60 to 85", "under 10", "80"."""
    a, b, c = (None if value is None else significant(value) for value in (low, middle, high))
    if b is not None:
        around = f" ({a} to {c})" if a is not None and c is not None else ""
        around = around or (f" (from {a})" if a is not None else "")
        return b + (around or (f" (to {c})" if c is not None else ""))
    if a is not None and c is not None:
        return f"{a} to {c}"
    return f"over {a}" if a is not None else f"under {c}" if c is not None else ""


def limits_named(row: Mapping[str, Any]) -> str:
    """A line of a hover text that says what the limits of a row are, where it has any."""
    if row["low"] is None and row["high"] is None:
        return ""
    return f"<br>Limits: {escaped(row['interval'])}"


def marks_explained(seen: Iterable[str]) -> str:
    """A sentence for each sign used: "† second hand. ‡ derived."."""
    used = {MARKS[how] for how in seen if how} - {""}
    return " ".join(f"{sign} {mark}." for mark, sign in SIGNS.items() if mark in used)


def sign(seen: str) -> str:
    """The sign of how a number was seen, after a blank; nothing where its source was read."""
    mark = MARKS[seen] if seen else ""
    return f"\N{NO-BREAK SPACE}{SIGNS[mark]}" if mark else ""


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers from low to high, no more than some and at least one where there is any."""
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    for times in (1, 2, 5, 10, 20):
        first, last = (
            math.ceil(low / (times * step) - 1e-9),
            math.floor(high / (times * step) + 1e-9),
        )
        if last - first + 1 <= most:
            return [i * times * step for i in range(first, last + 1)]
    return []


def tick_texts(values: Sequence[float]) -> list[str]:
    """Tick labels with the decimals that their step needs."""
    if len(values) == 1:
        return [significant(values[0])]
    decimals = max(0, -math.floor(math.log10(values[1] - values[0]) + 1e-9))
    return [number(value, decimals) for value in values]


def year_ticks(first: float, last: float, room: float) -> list[int]:
    """Years to label on an axis so many pixels wide: those that matter, and round ones between.

    The years that matter are always among them where the axis reaches them, unless it is so long
    that they would overlap: some 190 years on a phone.
    """
    spacing = (width("2000", LABEL_SIZE) + 6) * (last - first) / room
    matter = [year for year in YEARS_THAT_MATTER if first <= year <= last]
    step = next((step for step in (1, 2, 5, 10, 20, 50, 100) if step >= spacing), 500)
    begin, end = (matter[0], matter[-1]) if matter else (0, 0)
    shown: list[int] = []
    for year in (*matter, *range(math.ceil(first), math.floor(last) + 1)):
        # Of the others, those that are whole steps from the years that matter.
        stands = year in matter or (year - (begin if year < end else end)) % step == 0
        if stands and all(abs(year - other) >= spacing for other in shown):
            shown.append(year)
    return sorted(shown)


def year_axis(first: float, last: float, room: float) -> dict[str, Any]:
    """Range and ticks of an axis of calendar years that is so many pixels wide."""
    shown = year_ticks(first, last, room)
    return {
        "range": [first, last],
        "tickvals": shown,
        "ticktext": [str(year) for year in shown],
        "minor": _BETWEEN_YEARS,
    }


def years_set_anew(layout: Mapping[str, Any], pixels: float) -> dict[str, Any]:
    """The axis across as a figure so wide has it: more years are labelled on one of years."""
    axis, margin = dict(layout["xaxis"]), layout["margin"]
    if axis.get("minor") != _BETWEEN_YEARS:
        return axis
    first, last = axis["range"]
    return axis | year_axis(first, last, pixels - margin["l"] - margin["r"])


@dataclass(frozen=True, slots=True)
class Words:
    """What stands around a chart: plain text, wrapped and escaped by `framed`.

    The unit stands over the axis, where it need not be turned on its side. The caption says which
    interval each mark is. `alt` says what the chart shows to whoever cannot see it.
    """

    title: str
    unit: str
    caption: str
    source: str
    alt: str

    def __post_init__(self) -> None:
        for name in ("title", "unit", "source"):
            text = getattr(self, name)
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"{name} is {text!r}; expected text: every chart has its {name}")

    @property
    def meta(self) -> dict[str, str]:
        """What is kept with the figure for readers who cannot see it, and for other programs."""
        return {"title": self.title, "alt": " ".join(self.alt.split()), "source": self.source}


def framed(
    traces: Sequence[Any],
    words: Words,
    *,
    plot_height: float,
    left: float,
    right: float,
    xaxis: Mapping[str, Any],
    yaxis: Mapping[str, Any],
    annotations: Iterable[Mapping[str, Any]] = (),
    shapes: Iterable[Mapping[str, Any]] = (),
) -> go.Figure:
    """A figure with its title, unit, legend, caption and source, and room for each of them.

    Traces with `showlegend=True` enter the legend. The height of the plot area and the margins
    left and right of it are in pixels; the rest is as plotly's layout takes it.
    """
    entries = [str(trace.name) for trace in traces if trace.showlegend]
    rows, legend = _legend(entries, NARROWEST - left - right)
    title = wrapped(words.title, TEXT_WIDTH, TITLE_SIZE, bold=True, even=True)
    unit = wrapped(words.unit, TEXT_WIDTH, LABEL_SIZE)
    caption = wrapped(words.caption, TEXT_WIDTH, NOTE_SIZE)
    source = wrapped(f"Source: {words.source}", TEXT_WIDTH, NOTE_SIZE)
    legend_bottom = EDGE + len(title) * TITLE_LINE + rows * _LEGEND_ROW + 7
    top = legend_bottom + len(unit) * LABEL_LINE + 17
    source_top = _TICK_ROOM + len(caption) * NOTE_LINE + 4
    bottom = source_top + len(source) * NOTE_LINE + EDGE
    height = round(top + plot_height + bottom)
    texts = [
        _beside("title", title, EDGE - left, TITLE_SIZE, INK, top=top - EDGE),
        _beside("unit", unit, EDGE - left, LABEL_SIZE, FAINT_INK,
                top=len(unit) * LABEL_LINE + 9),
        _beside("caption", caption, EDGE - left, NOTE_SIZE, FAINT_INK, below=_TICK_ROOM),
        _beside("source", source, EDGE - left, NOTE_SIZE, FAINT_INK, below=source_top),
    ]  # fmt: skip
    return go.Figure(
        traces,
        layout={
            "template": TEMPLATE,
            "height": height,
            "margin": {"l": round(left), "r": round(right), "t": round(top), "b": round(bottom)},
            "legend": legend | {"y": 1 - legend_bottom / height},
            "showlegend": bool(entries),
            "xaxis": dict(xaxis),
            "yaxis": dict(yaxis),
            "annotations": [*texts, *annotations],
            "shapes": list(shapes),
            "meta": words.meta,
        },
    )


def also_drawn(
    figure: go.Figure, what: str, table: pd.DataFrame, columns: Sequence[str]
) -> go.Figure:
    """The figure with the numbers of a second table that it draws, for `show` to publish.

    Parameters
    ----------
    figure : plotly Figure
    what : str
        What the rows are, such as "published".
    table : DataFrame
        As it was given to the chart.
    columns : sequence of str
        Those that are drawn; one that the table lacks is passed over.
    """
    kept = table[[column for column in columns if column in table.columns]]
    # As text: a figure keeps plain values only, and a CSV keeps every digit.
    meta = dict(figure.layout.meta) | {ALSO_DRAWN: {what: kept.to_csv(index=False)}}
    return figure.update_layout(meta=meta)


def hatching(shape: str) -> dict[str, Any]:
    """The white hatch of a bar, by plotly's name of its shape."""
    return {
        "shape": shape,
        "fgcolor": "white",
        "size": 6,
        "solidity": 0.25,
        "fillmode": "overlay",
    }


def _beside(
    name: str,
    lines: Sequence[str],
    xshift: float,
    size: int,
    colour: str,
    *,
    top: float | None = None,
    below: float | None = None,
) -> dict[str, Any]:
    """A block of text at the left edge of the figure, so far over or below the plot area.

    The title too: plotly's own moves up and out of the figure where it has several lines.
    """
    text = "<br>".join(lines)
    return {
        "name": name,
        "text": f"<b>{text}</b>" if name == "title" else text,
        "showarrow": False,
        "borderpad": 0,
        "xref": "paper",
        "x": 0,
        "xanchor": "left",
        "xshift": xshift,
        "align": "left",
        "yref": "paper",
        "y": 0 if top is None else 1,
        "yanchor": "top",
        "yshift": -below if below is not None else top,
        "font": {"size": size, "color": colour},
    }


def _legend(entries: Sequence[str], room: float) -> tuple[int, dict[str, Any]]:
    """How many rows the legend takes on a phone, and its settings.

    plotly lets it be as wide as the plot area. On a wide screen it stands in one row, right over
    the unit; the rows kept free are then above it.
    """
    if not entries:
        return 0, {}
    widest = max(width(entry, LABEL_SIZE) for entry in entries)
    in_a_row = max(1, int(room / (widest + _LEGEND_SYMBOL)))
    return -(-len(entries) // in_a_row), {"entrywidth": round(widest)}


def framed_texts(layout: Mapping[str, Any]) -> dict[str, str]:
    """Title, unit, caption and source that stand around a chart, as plain text, by name."""
    return {
        name: " ".join(unescape(line) for line in _lines(annotation["text"]))
        for name, annotation in _texts(layout).items()
    }


def widened(layout: Mapping[str, Any], pixels: float) -> dict[str, Any]:
    """The layout with its texts in lines as long as a figure so wide allows, and less high by that.

    `plcore.charts` wraps text for a phone, since plotly cannot wrap it again. A layout without
    the texts that `plcore.charts` sets around its charts comes back as it is.

    Parameters
    ----------
    layout : mapping
        `layout` of a figure as plotly's JSON has it.
    pixels : float
        Width of the figure.
    """
    texts = _texts(layout)
    if set(texts) != set(_SIZES):
        return dict(layout)
    lines, saved = {}, {}
    for name, (size, line_height) in _SIZES.items():
        before = _lines(texts[name]["text"])
        text = " ".join(unescape(line) for line in before)
        lines[name] = wrapped(text, pixels - 2 * EDGE, size, bold=name == "title")
        saved[name] = (len(before) - len(lines[name])) * line_height
    title_lines = len(_lines(texts["title"]["text"]))
    legend = _legend_saved(layout, title_lines, pixels)
    over = saved["title"] + legend + saved["unit"]
    below = saved["caption"] + saved["source"]
    height = layout["height"] - round(over) - round(below)
    margin = layout["margin"]
    margin = margin | {"t": margin["t"] - round(over), "b": margin["b"] - round(below)}
    moved = {"title": -over, "unit": -saved["unit"], "caption": 0.0, "source": saved["caption"]}
    annotations = [
        _set_anew(annotation, lines[annotation["name"]], moved[annotation["name"]])
        if annotation.get("name") in texts
        else annotation
        for annotation in layout["annotations"]
    ]
    wide = {**layout, "height": height, "margin": margin, "annotations": annotations}
    wide["xaxis"] = years_set_anew(layout, pixels)
    plot = height - margin["t"] - margin["b"]
    for controls in {"sliders", "updatemenus"} & set(layout):
        # They stand under the source, so many plot heights below the plot.
        wide[controls] = [
            control | {"y": control["y"] + below / plot} for control in layout[controls]
        ]
    if "y" in layout.get("legend", {}):
        # A share of the figure's height, counted from below: the legend stays under the title.
        from_top = (1 - layout["legend"]["y"]) * layout["height"] - saved["title"] - legend
        wide["legend"] = layout["legend"] | {"y": 1 - from_top / height}
    return wide


def _legend_saved(layout: Mapping[str, Any], title_lines: int, pixels: float) -> float:
    """Height of the rows of the legend that a figure so wide does not need."""
    legend, margin = layout.get("legend", {}), layout["margin"]
    if not {"y", "entrywidth"} <= set(legend):
        return 0.0
    bottom = (1 - legend["y"]) * layout["height"]
    rows = round((bottom - EDGE - title_lines * TITLE_LINE - 7) / _LEGEND_ROW)
    narrow, wide = (
        max(1, int((size - margin["l"] - margin["r"]) / (legend["entrywidth"] + _LEGEND_SYMBOL)))
        for size in (NARROWEST, pixels)
    )
    # A full last row is assumed: there may be fewer entries, never more.
    return float(_LEGEND_ROW * max(0, rows - -(-rows * narrow // wide)))


def _texts(layout: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    annotations = layout.get("annotations", ())
    return {
        annotation["name"]: annotation
        for annotation in annotations
        if annotation.get("name") in _SIZES
    }


def _lines(text: str) -> list[str]:
    return text.removeprefix("<b>").removesuffix("</b>").split("<br>")


def _set_anew(annotation: Mapping[str, Any], lines: list[str], moved: float) -> dict[str, Any]:
    text = "<br>".join(lines)
    if annotation["name"] == "title":
        text = f"<b>{text}</b>"
    return {**annotation, "text": text, "yshift": annotation["yshift"] + moved}


# --- The checks of a chart's table ---------------------------------------------------------------

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

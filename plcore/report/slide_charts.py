"""A chart as a slide shows it: wide and low, with letters that are read from the back of a room.

Charts of `plcore.charts` are laid out for a phone: narrow columns of labels, one panel below the
other, words above and below. On a slide, which has its own heading and source, labels get wide
columns, panels stand side by side, and only the unit and the legend stay.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from html import unescape
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from plcore.charts.frame import (
    EDGE,
    LABEL_LINE,
    LABEL_SIZE,
    framed_texts,
    width,
    wrapped,
    years_set_anew,
)
from plcore.charts.years import label_places

#: Size in pixels. On a screen of 1280 by 720 a slide has room for 4/3 of it, which makes the
#: smallest letters, of 12 pixels, 16 high.
WIDE, TALL = 912, 354
_AROUND = ("title", "caption", "source")
_TICKS, _LEGEND_ROW, _LEGEND_SYMBOL, _ROW_GAP = 30, 20, 45, 3
_CONTROLS = 74
#: Columns of labels that are tried, narrowest first.
_COLUMNS = range(140, 440, 20)
_TAG = re.compile(r"(<b>|<span[^>]*>)(.*)(</b>|</span>)", re.DOTALL)


def on_a_slide(figure: Mapping[str, Any]) -> dict[str, Any]:
    """The `data` and `layout` of a figure on a slide, which has its title, caption and source.

    Parameters
    ----------
    figure : mapping
        `data`, `layout` and perhaps `frames`, as plotly's JSON has them. A figure that is not one
        of `plcore.charts`, or whose frames set texts anew, keeps its layout.
    """
    data, layout = figure["data"], figure["layout"]
    moves = any("annotations" in frame.get("layout", {}) for frame in figure.get("frames", ()))
    if moves or "unit" not in framed_texts(layout):
        return {"data": data, "layout": layout}
    layout = copy.deepcopy(dict(layout))
    for note in layout["annotations"]:
        note["font"]["size"] = max(note["font"]["size"], LABEL_SIZE)
    unit = next(note for note in layout["annotations"] if note.get("name") == "unit")
    layout["annotations"] = [
        note for note in layout["annotations"] if note.get("name") not in (*_AROUND, "unit")
    ]
    lines = wrapped(framed_texts(figure["layout"])["unit"], WIDE - 2 * EDGE, LABEL_SIZE)
    top: float = _legend_height(data, layout) + len(lines) * LABEL_LINE + 13
    if any(note.get("name") == "panel" for note in layout["annotations"]):
        bottom: float = EDGE
        data, plot, over = _side_by_side(data, layout, TALL - top - bottom)
        top += over
    else:
        bottom = _TICKS + _below(layout)
        data, plot = _over(data, layout, TALL - top - bottom)
        layout["xaxis"] = years_set_anew(layout, WIDE)
        _move_end_labels(layout, plot)
    height = round(top + plot + bottom)
    layout["height"] = height
    layout["margin"] |= {"t": round(top), "b": height - round(top) - round(plot)}
    if "y" in layout["legend"]:
        layout["legend"]["y"] = 1 - _legend_height(data, layout) / height
    left = layout["margin"]["l"]
    high = top - _legend_height(data, layout) - 4
    unit |= {"text": "<br>".join(lines), "xshift": EDGE - left, "yshift": high}
    layout["annotations"].append(unit)
    return {"data": data, "layout": layout}


def _legend_height(data: Sequence[Mapping[str, Any]], layout: Mapping[str, Any]) -> int:
    entries = sum(trace.get("showlegend") is True for trace in data)
    if not entries or "entrywidth" not in layout["legend"]:
        return 0
    margin = layout["margin"]
    room = WIDE - margin["l"] - margin["r"]
    in_a_row = max(1, int(room / (layout["legend"]["entrywidth"] + _LEGEND_SYMBOL)))
    return -(-entries // in_a_row) * _LEGEND_ROW + 4


def _move_end_labels(layout: dict[str, Any], plot: float) -> None:
    """Labels at the ends of lines apart from each other in a plot of another height."""
    notes = [note for note in layout["annotations"] if note.get("name") == "series"]
    lines = [note["text"].count("<br>") + 1 for note in notes]
    bottom, top = layout["yaxis"]["range"]
    places = label_places(lines, [note["y"] for note in notes], bottom, top, plot)
    for note, place in zip(notes, places, strict=True):
        note["ay"] = place


def _below(layout: dict[str, Any]) -> float:
    """Room for the controls of a chart that moves, set side by side right under its axis."""
    if "sliders" not in layout:
        return 0
    for slider in layout["sliders"]:
        slider |= {"x": 0.24, "len": 0.76, "pad": slider["pad"] | {"t": _TICKS}}
        slider["font"] = slider["font"] | {"size": LABEL_SIZE}
    for menu in layout.get("updatemenus", ()):
        menu["pad"] = menu["pad"] | {"t": _TICKS + 12}
    return _CONTROLS


def _over(
    data: Sequence[dict[str, Any]], layout: dict[str, Any], room: float
) -> tuple[list[dict[str, Any]], float]:
    """Traces, and the height of the plot: all there is, and for rows of labels what they need."""
    axis = layout["yaxis"]
    if not ("ticktext" in axis and axis["range"][0] > axis["range"][1] == 0):
        return list(data), room
    numbers = [note for note in layout["annotations"] if note.get("name") == "number"]
    for note in numbers:
        note["text"] = _in_a_line(note["text"])
    beside = {note["y"]: note["text"].split("<br>") for note in numbers}
    tried = []
    for column in _COLUMNS:
        labels = [_rewrapped(text, column) for text in axis["ticktext"]]
        heights = [
            LABEL_LINE * max(len(label), len(beside.get(place, ()))) + _ROW_GAP
            for label, place in zip(labels, axis["tickvals"], strict=True)
        ]
        tried.append((sum(heights), heights, labels))
        if sum(heights) <= room:
            break
    needed, heights, labels = min(tried, key=lambda each: each[0])
    axis["ticktext"] = ["<br>".join(label) for label in labels]
    layout["margin"] |= {"l": EDGE + 8 + _widest(line for label in labels for line in label)}
    if numbers:
        right = _widest(line for lines in beside.values() for line in lines)
        layout["margin"] |= {"r": EDGE + 10 + right}
    spare = max(min(room, float(axis["range"][0])) / needed, 1)
    return _set_apart(data, layout, [spare * height for height in heights]), spare * needed


def _set_apart(
    data: Sequence[dict[str, Any]], layout: dict[str, Any], heights: Sequence[float]
) -> list[dict[str, Any]]:
    """Traces, shapes and numbers of rows that have other heights than before."""
    before = [0.0]
    for centre in layout["yaxis"]["tickvals"]:
        before.append(2 * centre - before[-1])
    after = [0.0, *accumulate(heights)]

    def moved(y: float | None) -> float | None:
        return None if y is None else float(np.interp(y, before, after))

    narrowest = min((b - a) / (d - c) for (a, b), (c, d) in
                    zip(pairwise(after), pairwise(before), strict=True))  # fmt: skip
    layout["yaxis"] |= {
        "range": [after[-1], 0],
        "tickvals": [moved(y) for y in layout["yaxis"]["tickvals"]],
    }
    for shape in layout.get("shapes", ()):
        if shape["yref"] == "y":
            shape |= {end: moved(shape[end]) for end in ("y0", "y1")}
    for note in layout["annotations"]:
        if note["yref"] == "y":
            note["y"] = moved(note["y"])
    return [
        trace
        | {"y": [moved(y) for y in trace["y"]]}
        | ({"width": (narrowest * np.asarray(trace["width"])).tolist()} if "width" in trace else {})
        for trace in data
    ]


def _in_a_line(text: str) -> str:
    """A number and its limits, which a phone has below it, in one line."""
    number, _, limits = text.partition("<br>")
    if not limits or "<" in limits or "<" in number:
        return text
    return f"{number} {limits}" if limits.startswith("(") else f"{number} ({limits})"


def _rewrapped(text: str, pixels: float) -> list[str]:
    """The lines of a label in a wider column.

    What is bold or coloured follows the rest behind a dot where the line has room for it.
    """
    runs: list[tuple[str, str, str]] = []
    for line in text.split("<br>"):
        tagged = _TAG.fullmatch(line)
        start, words, end = tagged.groups() if tagged else ("", line, "")
        if runs and runs[-1][0] == start:
            runs[-1] = (start, f"{runs[-1][1]} {words}", end)
        else:
            runs.append((start, words, end))
    lines: list[str] = []
    for start, words, end in runs:
        said = wrapped(unescape(words), pixels, LABEL_SIZE, bold=start == "<b>")
        parts = [f"{start}{line}{end}" for line in said]
        if lines and len(parts) == 1 and _widest([f"{lines[-1]} · {parts[0]}"]) <= pixels:
            lines[-1] += f" · {parts[0]}"
        else:
            lines += parts
    return lines


def _widest(lines: Iterable[str]) -> int:
    texts = [(unescape(re.sub("<[^>]*>", "", line)), line.startswith("<b>")) for line in lines]
    return round(max(width(text, LABEL_SIZE, bold=bold) for text, bold in texts))


# --- Panels ---------------------------------------------------------------------------------------


def _side_by_side(
    data: Sequence[dict[str, Any]], layout: dict[str, Any], room: float
) -> tuple[list[dict[str, Any]], float, float]:
    """Traces, height of the plot, and room over it for headings, of panels in a row."""
    heads = [note for note in layout["annotations"] if note.get("name") == "panel"]
    if heads[0]["xref"] == "paper":
        return list(data), *_maps(layout, heads, room)
    return _icons(data, layout, heads, room)


def _icons(
    data: Sequence[dict[str, Any]],
    layout: dict[str, Any],
    heads: Sequence[dict[str, Any]],
    room: float,
) -> tuple[list[dict[str, Any]], float, float]:
    starts = [float(head["y"]) for head in heads]
    deep = [b - a for a, b in pairwise([*starts, float(layout["yaxis"]["range"][0])])]
    across = float(layout["xaxis"]["range"][1])
    # Pixels a unit: as the chart has them, or what the row has room for.
    pixels = min((WIDE - 2 * EDGE) / len(heads) / (across + EDGE), room / max(deep), 1.1)
    pitch = (WIDE - 2 * EDGE) / len(heads) / pixels

    def panel(y: float) -> int:
        return max(n for n, start in enumerate(starts) if start <= y)

    traces = []
    for trace in data:
        n = panel(min(trace["y"]))
        marker = trace["marker"] | {"size": trace["marker"]["size"] * min(pixels, 1)}
        traces.append(
            trace
            | {
                "x": [x + n * pitch for x in trace["x"]],
                "y": [y - starts[n] for y in trace["y"]],
                "marker": marker,
            }
        )
    most = 1
    for note in layout["annotations"]:
        n = panel(note["y"])
        note |= {"x": note["x"] + n * pitch, "y": note["y"] - starts[n]}
        if note["name"] == "panel":
            lines = _rewrapped(note["text"], (pitch - EDGE) * pixels)
            most = max(most, len(lines))
            note |= {"text": "<br>".join(lines), "y": LABEL_LINE / pixels, "yanchor": "bottom"}
    layout["xaxis"]["range"] = [0, pitch * len(heads)]
    layout["yaxis"]["range"] = [max(deep), 0]
    return traces, max(deep) * pixels, (most - 1) * LABEL_LINE


def _maps(
    layout: dict[str, Any], heads: Sequence[dict[str, Any]], room: float
) -> tuple[float, float]:
    panels: list[list[dict[str, Any]]] = []
    for before, note in zip([None, *heads], heads, strict=False):
        bold = note["text"].startswith("<b>")
        if bold and (before is None or not before["text"].startswith("<b>")):
            panels.append([])
        panels[-1].append(note)
    n = len(panels)
    column = (WIDE - 2 * EDGE) / n
    lines = [_head_lines(notes, column - 2 * EDGE) for notes in panels]
    head = max(map(len, lines)) * LABEL_LINE + 4
    x, y = layout["xaxis"]["range"], layout["yaxis"]["range"]
    drawn = min(room - head, (column - EDGE) * (y[1] - y[0]) / (x[1] - x[0]))
    for place in range(n):
        after = str(place + 1) if place else ""
        layout[f"xaxis{after}"]["domain"] = [place / n, (place + 1) / n - EDGE / column / n]
        layout[f"yaxis{after}"]["domain"] = [0, drawn / (head + drawn)]
    layout["annotations"] = [
        note for note in layout["annotations"] if note.get("name") != "panel"
    ] + [
        notes[0] | {"text": "<br>".join(said), "x": place / n, "y": 1}
        for place, (notes, said) in enumerate(zip(panels, lines, strict=True))
    ]
    return head + drawn, 0


def _head_lines(notes: Sequence[Mapping[str, Any]], pixels: float) -> list[str]:
    """Heading, lowest and highest place of a map, each wrapped for itself."""
    texts: list[str] = []
    for note in notes:
        text = str(note["text"])
        if text.startswith(("Lowest: ", "Highest: ")) or not texts:
            texts.append(text)
        elif text.startswith("<b>"):
            texts[-1] += f"<br>{text}"
        else:
            texts[-1] += f" {text}"
    return [line for text in texts for line in _rewrapped(text, pixels)]

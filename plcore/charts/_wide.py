"""The text around a chart wrapped anew for a wide figure: a slide, or an image in a paper."""

from __future__ import annotations

from collections.abc import Mapping
from html import unescape
from typing import Any

from plcore.charts._template import (
    EDGE,
    LABEL_LINE,
    LABEL_SIZE,
    NOTE_LINE,
    NOTE_SIZE,
    TITLE_LINE,
    TITLE_SIZE,
)
from plcore.charts._text import wrapped

#: Size of the font and height of a line of each text that `framed` sets around a chart.
_SIZES = {
    "title": (TITLE_SIZE, TITLE_LINE),
    "unit": (LABEL_SIZE, LABEL_LINE),
    "caption": (NOTE_SIZE, NOTE_LINE),
    "source": (NOTE_SIZE, NOTE_LINE),
}


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
    over, below = saved["title"] + saved["unit"], saved["caption"] + saved["source"]
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
    plot = height - margin["t"] - margin["b"]
    for controls in {"sliders", "updatemenus"} & set(layout):
        # They stand under the source, so many plot heights below the plot.
        wide[controls] = [each | {"y": each["y"] + below / plot} for each in layout[controls]]
    legend = layout.get("legend", {})
    if "y" in legend:
        # A share of the figure's height, counted from below: the legend stays under the title.
        from_top = (1 - legend["y"]) * layout["height"] - saved["title"]
        wide["legend"] = legend | {"y": 1 - from_top / height}
    return wide


def _texts(layout: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    annotations = layout.get("annotations", ())
    return {each["name"]: each for each in annotations if each.get("name") in _SIZES}


def _lines(text: str) -> list[str]:
    return text.removeprefix("<b>").removesuffix("</b>").split("<br>")


def _set_anew(annotation: Mapping[str, Any], lines: list[str], moved: float) -> dict[str, Any]:
    text = "<br>".join(lines)
    if annotation["name"] == "title":
        text = f"<b>{text}</b>"
    return {**annotation, "text": text, "yshift": annotation["yshift"] + moved}

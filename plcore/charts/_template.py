"""What all charts share: colours, template, and the frame of title, unit, legend and source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts._text import width, wrapped

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

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x")
HATCHES = ("", "/", "x", ".", "-")

INK, FAINT_INK, GRID = "#1F1F1F", "#555555", "#E4E4E4"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
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

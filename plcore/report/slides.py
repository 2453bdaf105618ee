"""The deck of slides made from the notebook of teaching charts, read from its page.

A slide is a section of that notebook: a heading `## 3. Heading`, a paragraph `**Takeaway.** ...`,
one chart, a paragraph `**What the chart does not show.** ...` and a question for the class with its
answer, folded (`<details><summary>Question for the class: ...?</summary>`). A chart of another
notebook is not drawn again: `**Chart.** [its title](03_other.ipynb#its_name)` stands in its place.
Sections without a number are no slides.

On a slide a chart is wide and low, with letters that are read from the back of a room. Charts of
`plcore.charts` are laid out for a phone: narrow columns of labels, one panel below the other, words
above and below. A slide has its own heading and source, so labels get wide columns, panels stand
side by side, and only the unit and the legend stay.
"""

from __future__ import annotations

import copy
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
from plcore.evidence.schema import MARKS
from plcore.report.notebooks import Exhibit, Page

#: The notebook that the deck is made from.
STEM = "08_teaching_charts"
#: Letters of a source that a slide has room for; a longer one stands on the last slide only.
LONG = 180

_SECTION = re.compile(r'<h2 id="[^"]*">(.*?)</h2>', re.DOTALL)
_NUMBERED = re.compile(r"(\d+)\.\s+(.+)", re.DOTALL)
_TAKEAWAY = re.compile(r"<p><strong>Takeaway\.</strong>\s*(.+?)</p>", re.DOTALL)
_ELSEWHERE = re.compile(
    r'<p><strong>Chart\.</strong>\s*<a href="([^"#]*)\.html#([^"]+)"[^>]*>.*?</a>\.?\s*</p>',
    re.DOTALL,
)
_BEYOND = "<p><strong>What the chart does not show.</strong>"
_QUESTION = re.compile(
    r"<details>\s*<summary>Question for the class:\s*(.+?)</summary>(.*?)</details>", re.DOTALL
)
#: What may be said of a number that nobody has to believe as it stands, and how it is said.
_DOUBTED = {
    "assumed": re.compile(r"\bassum(ed|ptions?)\b", re.IGNORECASE),
    "from memory": re.compile(r"\bfrom memory\b", re.IGNORECASE),
    "second hand": re.compile(r"\bsecond hand\b", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True)
class Slide:
    """A chart with what is to be said about it; all but `page`, `reading` and `source` is HTML.

    Attributes
    ----------
    heading : str
        Without its number, as HTML.
    page : str
        Name of the notebook that draws the chart, without its suffix.
    reading : str
        What the marks of the chart are, plain text: which interval, and what was assumed.
    notes : str
        What the chart does not show, and whatever else the section says.
    source : str
        The source of the chart, plain text; empty where it names none.
    doubts : tuple of str
        Those of "assumed", "from memory" and "second hand" that are said of its numbers.
    """

    heading: str
    takeaway: str
    exhibit: Exhibit
    page: str
    reading: str
    notes: str
    question: str
    answer: str
    source: str
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deck:
    """The slides of a notebook, with its title (plain text) and first paragraph (HTML)."""

    stem: str
    title: str
    lead: str
    slides: tuple[Slide, ...]

    def doubted(self) -> list[tuple[str, list[int]]]:
        """Each doubt with the places in the deck, title included, of the slides that have it."""
        places = {
            doubt: [n for n, slide in enumerate(self.slides, start=2) if doubt in slide.doubts]
            for doubt in _DOUBTED
        }
        return [(doubt, slides) for doubt, slides in places.items() if slides]


@dataclass(slots=True)
class _Section:
    heading: str
    page: str
    before: str = ""
    after: str = ""
    exhibits: list[Exhibit] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def find_deck(pages: Sequence[Page]) -> Deck | None:
    """The deck of the report's teaching charts; None where it has no such notebook."""
    return next((read_deck(page, pages) for page in pages if page.stem == STEM), None)


def read_deck(page: Page, pages: Sequence[Page] = ()) -> Deck:
    """The deck of a page; a ValueError names every section that is no slide, and why.

    Parameters
    ----------
    page : Page
        Of the notebook of teaching charts.
    pages : sequence of Page
        All pages of the report, whose charts its slides may show.
    """
    shown = {(other.stem, exhibit.name): exhibit for other in pages for exhibit in other.exhibits}
    numbered = [
        (heading, section)
        for section in _sections(page, shown)
        if (heading := _NUMBERED.fullmatch(section.heading)) is not None
    ]
    faults, slides = [], []
    for place, (heading, section) in enumerate(numbered, start=1):
        wrong = list(_faults(section))
        if int(heading[1]) != place:
            wrong.append(f"is the numbered section {place}, so its number has to be {place}")
        faults += [
            f"{page.stem}.ipynb, section {unescape(heading[0])!r}: {fault}" for fault in wrong
        ]
        if not wrong:
            slides.append(_slide(heading[2], section, page.stem))
    if not numbered:
        faults = [f"{page.stem}.ipynb: no section has a heading such as '## 1. What is counted'"]
    if faults:
        raise ValueError("\n".join(faults))
    return Deck(page.stem, page.title, _elsewhere(page.lead, page.stem), tuple(slides))


def reading(exhibit: Exhibit) -> str:
    """What the marks of a chart are, as it says itself; its caption where it does not."""
    layout = exhibit.figure["layout"] if exhibit.figure is not None else {}
    return framed_texts(layout).get("caption", exhibit.caption)


def in_plain_text(deck: Deck) -> dict[str, Any]:
    """What a deck says, without markup, for programs that write it in another form."""
    slides = [
        {
            "heading": _plain(slide.heading),
            "takeaway": _plain(slide.takeaway),
            "chart": slide.exhibit.name,
            "alt": slide.exhibit.alt or slide.exhibit.caption,
            "caption": slide.exhibit.caption,
            "reading": slide.reading,
            "source": slide.source,
            "notes": _plain(slide.notes),
            "question": _plain(slide.question),
            "answer": _plain(slide.answer),
        }
        for slide in deck.slides
    ]
    doubted = [{"doubt": doubt, "slides": places} for doubt, places in deck.doubted()]
    return {
        "title": deck.title, "lead": _plain(deck.lead), "slides": slides, "doubted": doubted,
    }  # fmt: skip


def _plain(html: str) -> str:
    """The text of some HTML: a line a paragraph, and no line breaks but those."""
    lines = re.split(r"</(?:p|li|h\d)>|<br\s*/?>", html)
    plain = (" ".join(unescape(re.sub(r"<[^>]*>", "", line)).split()) for line in lines)
    return "\n".join(line for line in plain if line)


def slide_figure(exhibit: Exhibit) -> Mapping[str, Any]:
    """The figure of a chart with the look that it has on a slide, as `wide`."""
    figure = exhibit.figure or {}
    wide = on_a_slide(figure)
    # Most charts have the same traces, which need not stand there twice.
    return {**figure, "wide": {k: v for k, v in wide.items() if v != figure[k]}}


def _sections(page: Page, shown: Mapping[tuple[str, str], Exhibit]) -> Iterator[_Section]:
    section = None
    for block in page.blocks:
        if block.kind == "prose":
            # Text before the first heading, and after it heading and text in turn.
            text, *parts = _SECTION.split(block.html)
            _add(section, text)
            for heading, after in zip(parts[::2], parts[1::2], strict=True):
                if section is not None:
                    yield section
                section = _Section(heading.strip(), page.stem)
                _borrow(section, after, shown)
        elif section is not None and block.exhibit is not None:
            section.exhibits.append(block.exhibit)
        elif section is not None and block.kind != "code":
            section.others.append(block.kind)
    if section is not None:
        yield section


def _borrow(section: _Section, text: str, shown: Mapping[tuple[str, str], Exhibit]) -> None:
    """Take in the text of a section, and the chart of another notebook that it names."""
    chart = _ELSEWHERE.search(text)
    if chart is None:
        section.before = text
        return
    section.before, section.after = text[: chart.start()], text[chart.end() :]
    stem, name = chart[1] or section.page, chart[2]
    if (stem, name) in shown:
        section.page = stem
        section.exhibits.append(shown[stem, name])
    else:
        section.missing.append(f"{stem}.ipynb shows nothing called {name!r}")


def _add(section: _Section | None, text: str) -> None:
    if section is None:
        return
    if section.exhibits:
        section.after += text
    else:
        section.before += text


def _faults(section: _Section) -> Iterator[str]:
    if _TAKEAWAY.search(section.before) is None:
        yield "no paragraph '**Takeaway.** ...' between the heading and the chart"
    charts = [exhibit for exhibit in section.exhibits if exhibit.figure is not None]
    yield from section.missing
    if not section.missing and (len(charts) != 1 or len(section.exhibits) != 1):
        names = ", ".join(exhibit.name for exhibit in section.exhibits) or "nothing"
        yield f"shows {names}; a slide shows one chart and no table"
    if section.others:
        yield f"has an output that is no exhibit ({section.others[0]}); a slide shows one chart"
    if _BEYOND not in section.after:
        yield "no paragraph '**What the chart does not show.** ...' below the chart"
    question = _QUESTION.search(section.after)
    if question is None or not question[2].strip():
        yield (
            "no '<details><summary>Question for the class: ...?</summary>', blank line, answer, "
            "blank line, '</details>' below the chart"
        )


def _slide(heading: str, section: _Section, stem: str) -> Slide:
    # `_faults` found both.
    takeaway = next(_TAKEAWAY.finditer(section.before))
    question = next(_QUESTION.finditer(section.after))
    exhibit = section.exhibits[0]
    rest = section.before.replace(takeaway[0], "") + section.after.replace(question[0], "")
    words = " ".join((takeaway[1], rest, question[2], *_words(exhibit)))
    seen = {MARKS[cell] for cell in _cells(exhibit.csv) if cell in MARKS}
    return Slide(
        heading=heading,
        takeaway=_elsewhere(takeaway[1], stem),
        exhibit=exhibit,
        page=section.page,
        reading=reading(exhibit),
        notes=_elsewhere(rest.strip(), stem),
        question=question[1],
        answer=_elsewhere(question[2].strip(), stem),
        source=_source(exhibit),
        doubts=tuple(d for d, said in _DOUBTED.items() if d in seen or said.search(words)),
    )


def _words(exhibit: Exhibit) -> Iterator[str]:
    layout = exhibit.figure["layout"] if exhibit.figure is not None else {}
    yield from (exhibit.caption, exhibit.alt or "", *framed_texts(layout).values())


def _cells(text: str) -> set[str]:
    return {cell for row in csv.reader(io.StringIO(text)) for cell in row}


def _source(exhibit: Exhibit) -> str:
    layout = exhibit.figure["layout"] if exhibit.figure is not None else {}
    meta = layout.get("meta")
    return str(meta.get("source", "")) if isinstance(meta, Mapping) else ""


def _elsewhere(html: str, stem: str) -> str:
    """The HTML with links to places of its own page turned into links to that page."""
    return html.replace('href="#', f'href="{stem}.html#')


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
    needed, heights, labels = min(tried, key=lambda layout: layout[0])
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

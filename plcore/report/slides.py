"""The deck of slides made from the notebook of teaching charts, read from its page.

A slide is a section of that notebook: a heading `## 3. Heading`, a paragraph `**Takeaway.** ...`,
one chart, a paragraph `**What the chart does not show.** ...` and a question for the class with its
answer, folded (`<details><summary>Question for the class: ...?</summary>`). A chart of another
notebook is not drawn again: `**Chart.** [its title](03_other.ipynb#its_name)` stands in its place.
Sections without a number are no slides.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from plcore.charts.frame import framed_texts
from plcore.evidence.schema import MARKS
from plcore.report.notebooks import Exhibit, Page
from plcore.report.slide_charts import on_a_slide

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
    shown = {(other.stem, each.name): each for other in pages for each in other.exhibits}
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

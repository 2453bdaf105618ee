"""A report as a PowerPoint deck and as a brief of two pages in Word, both read from its folder.

Nothing is computed here: every number is one of the report's tables or of the deck of its slides.
The same report gives the same bytes wherever its pictures are the same.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docx
import docx.shared
import pandas as pd
import pptx
import pptx.util
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from pptx.enum.text import PP_ALIGN

from plcore.charts.frame import significant
from plcore.report.front import Card, answers, predicted_by
from plcore.report.headlines import LIMB_LOSS, PAIN, YEARS
from plcore.report.slides import LONG

#: The charts of the brief; those of the deck are named by its slides.
PEOPLE, FUNNEL = BRIEF_CHARTS = ("plp_and_bounds", "demand_funnel")
#: Who wrote a file last; Word and PowerPoint put the name of whoever edits it in its place.
_AUTHOR = "plcore"
#: A time for what has to have one: files of the same report are the same.
_THEN = datetime(2000, 1, 1, tzinfo=UTC)
_DECK_SIZE, _EDGE = (13.333, 7.5), 0.45
_TABLES = (
    "headline_numbers", "headline_table", "contrasts_established", "shapley_effects", "service_level",
    "most_useful_study", "six_answers", "demand_funnel", "predictive_left_out", "treatments_named",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """What a report holds for these files.

    Attributes
    ----------
    contents : mapping
        As `contents.json` has it.
    tables : mapping of str to str
        The CSV of the tables that are named here, by name.
    """

    contents: Mapping[str, Any]
    tables: Mapping[str, str]

    def table(self, name: str) -> pd.DataFrame:
        """A table by its name in the report."""
        return pd.read_csv(io.StringIO(self.tables[name]))

    def exhibit(self, name: str) -> Mapping[str, str]:
        """What `contents.json` says of an exhibit, by its name."""
        return next(exhibit for exhibit in self.contents["exhibits"] if exhibit["name"] == name)

    def cite(self) -> str:
        """How the report is cited."""
        its = self.contents
        changed = ", with changes not committed" if its["changed"] else ""
        return f"plcore {its['version']}, commit {its['commit']} ({its['commit_date']}){changed}"


def read_report(folder: Path) -> Report:
    """The contents and tables of a report that was written before.

    Parameters
    ----------
    folder : Path
        Folder of the report.

    Raises
    ------
    ValueError
        If it lacks the deck or a table; all are named.
    """
    path = folder / "contents.json"
    if not path.exists():
        raise ValueError(f"{folder}: holds no contents.json, as every report does; write it anew")
    contents = json.loads(path.read_text(encoding="utf-8"))
    paths = {name: folder / "tables" / f"{name}.csv" for name in _TABLES}
    missing = [path.name for path in paths.values() if not path.exists()]
    missing += [] if "deck" in contents else ["a deck of slides"]
    if missing:
        raise ValueError(f"{folder}: lacks {', '.join(missing)}; write the report anew")
    return Report(contents, {n: path.read_text(encoding="utf-8") for n, path in paths.items()})


def write_deck(report: Report, pictures: Mapping[str, bytes], path: Path) -> None:
    """Write the slides of a report as a PowerPoint file: title, takeaway, picture, source, notes.

    Parameters
    ----------
    report : Report
        As `read_report` gives it.
    pictures : mapping of str to bytes
        A PNG of each chart of the deck, by its name.
    path : Path
        The file; one that plcore did not write last is not replaced.
    """
    refuse_other_file(path)
    deck = report.contents["deck"]
    show = pptx.Presentation()
    show.slide_width, show.slide_height = (pptx.util.Inches(side) for side in _DECK_SIZE)
    made = f"Data of {report.contents['data_date']} · {report.cite()}"
    _text_slide(show, deck["title"], (deck["lead"], made, _ADVICE), top=1.8, size=40, text=20)
    for shown in deck["slides"]:
        _chart_slide(show, shown, pictures[shown["chart"]])
    lines = [
        f"{place}. {shown['heading']}: {shown['source'] or 'see its line below the chart'}"
        for place, shown in enumerate(deck["slides"], start=2)
    ]
    lines += [
        f"{doubt['doubt'].capitalize()}, in all or part: slides "
        f"{', '.join(map(str, doubt['slides']))}."
        for doubt in deck["doubted"]
    ]
    lines.append(f"How to cite: {report.cite()}. {_CITE}")
    _text_slide(show, "Sources, and how to cite", lines, top=0.3, size=28, text=10)
    _save(show, path, deck["title"])


def write_brief(report: Report, pictures: Mapping[str, bytes], path: Path) -> None:
    """Write what a manager has to know as a Word file of two pages.

    Parameters
    ----------
    report : Report
        As `read_report` gives it.
    pictures : mapping of str to bytes
        A PNG of each of `BRIEF_CHARTS`, by its name.
    path : Path
        The file; one that plcore did not write last is not replaced.
    """
    refuse_other_file(path)
    shown = {name: (text, "") for name, text in report.tables.items()}
    published, _, _, trials, drivers, chairs = answers(shown)
    brief = _new_brief()
    title = "Phantom limb pain in the US: a brief for managers"
    brief.add_heading(title, 0)
    _line(brief, f"{report.cite()}; data of {report.contents['data_date']}. {_ADVICE}", small=True)
    _people(brief, report, published, pictures[PEOPLE])
    _trials(brief, report, trials)
    _drivers(brief, report, drivers)
    _place(brief, report, chairs, pictures[FUNNEL])
    _assumed(brief, report)
    _save(brief, path, title)


def refuse_other_file(path: Path) -> None:
    """A file that somebody else wrote, or edited, is never replaced: the work would be lost."""
    if not path.exists():
        return
    read: Callable[[str], Any] = pptx.Presentation if path.suffix == ".pptx" else docx.Document
    try:
        ours = read(str(path)).core_properties.last_modified_by == _AUTHOR
    except Exception as error:
        # What is no such file at all fails in as many ways as there are files.
        raise ValueError(f"{path}: exists and is no file of plcore; name a new one") from error
    if not ours:
        raise ValueError(f"{path}: exists and was edited since plcore wrote it; name a new one")


_ADVICE = "For planning and teaching. Not medical advice."
_CITE = "Cite the studies behind a number, too: the report names each with its address."


# --- PowerPoint -----------------------------------------------------------------------------------


def _text_slide(
    show: Any, title: str, lines: Sequence[str], *, top: float, size: int, text: int
) -> None:
    slide = _slide(show, title, size, top=top)
    under = top + size / 40 + 0.1
    box = _box(slide, under, _DECK_SIZE[1] - under - _EDGE)
    for place, line in enumerate(lines):
        paragraph = box.paragraphs[0] if place == 0 else box.add_paragraph()
        _say(paragraph, line, text)
        paragraph.space_after = pptx.util.Pt(text / 3)


def _chart_slide(show: Any, shown: Mapping[str, Any], picture: bytes) -> None:
    slide = _slide(show, shown["heading"], 28)
    _say(_box(slide, 0.95, 0.8).paragraphs[0], shown["takeaway"], 16)
    top, bottom = 1.9, 6.55
    drawn = slide.shapes.add_picture(io.BytesIO(picture), 0, 0)
    room = [pptx.util.Inches(side) for side in (_DECK_SIZE[0] - 2 * _EDGE, bottom - top)]
    times = min(room[0] / drawn.width, room[1] / drawn.height)
    drawn.width, drawn.height = (round(times * side) for side in (drawn.width, drawn.height))
    drawn.left = round((show.slide_width - drawn.width) / 2)
    drawn.top = pptx.util.Inches(top) + round((room[1] - drawn.height) / 2)
    drawn.name = shown["chart"]
    # What the picture shows, for whoever cannot see it.
    drawn._element.nvPicPr.cNvPr.set("descr", shown["alt"])
    source = f" Source: {shown['source']}." if shown["source"] else ""
    source = " Sources: last slide." if len(shown["source"]) > LONG else source
    _say(_box(slide, 6.65, 0.6).paragraphs[0], _ended(shown["reading"]) + source, 12)
    slide.notes_slide.notes_text_frame.text = "\n".join(
        (
            _ended(shown["caption"]),
            shown["notes"],
            f"Question for the class: {shown['question']}",
            f"Answer. {shown['answer']}",
        )
    )


def _slide(show: Any, title: str, size: int, *, top: float = 0.3) -> Any:
    # "Title Only": its title is a title for outlines and screen readers.
    slide = show.slides.add_slide(show.slide_layouts[5])
    head = slide.shapes.title
    head.left, head.top, head.width, head.height = (
        pptx.util.Inches(x) for x in (_EDGE, top, _DECK_SIZE[0] - 2 * _EDGE, size / 44)
    )
    head.text_frame.word_wrap = True
    _say(head.text_frame.paragraphs[0], title, size, bold=True)
    return slide


def _box(slide: Any, top: float, height: float) -> Any:
    sides = (_EDGE, top, _DECK_SIZE[0] - 2 * _EDGE, height)
    frame = slide.shapes.add_textbox(*(pptx.util.Inches(side) for side in sides)).text_frame
    frame.word_wrap = True
    return frame


def _say(paragraph: Any, text: str, size: int, *, bold: bool = False) -> None:
    paragraph.alignment = PP_ALIGN.LEFT
    run = paragraph.add_run()
    run.text = text
    run.font.size, run.font.bold = pptx.util.Pt(size), bold


# --- Word -----------------------------------------------------------------------------------------


def _new_brief() -> Any:
    brief = docx.Document()
    section = brief.sections[0]
    section.page_width, section.page_height = docx.shared.Inches(8.5), docx.shared.Inches(11)
    section.left_margin = section.right_margin = docx.shared.Inches(0.9)
    section.top_margin = section.bottom_margin = docx.shared.Inches(0.7)
    for name, size, before in (("Normal", 9.5, 0), ("Title", 18, 0), ("Heading 1", 12, 6)):
        style = brief.styles[name]
        style.font.size, style.font.name = docx.shared.Pt(size), "Arial"
        # A font of the theme would be taken before the one that is named.
        fonts = style.element.rPr.rFonts
        for key in [key for key in fonts.attrib if key.endswith("Theme")]:
            del fonts.attrib[key]
        style.paragraph_format.space_before = docx.shared.Pt(before)
        style.paragraph_format.space_after = docx.shared.Pt(3)
    return brief


def _people(brief: Any, report: Report, published: Card, picture: bytes) -> None:
    brief.add_heading(published.question, 1)
    sentence = published.sentence[:1].lower() + published.sentence[1:]
    _line(brief, "", f"{published.number}, {published.interval}:", f" {sentence}")
    brief.add_heading("How many live with limb loss, and how many of them hurt?", 1)
    numbers = report.table("headline_numbers")
    now = numbers[numbers["year"] == YEARS[0]].sort_values("quantity", key=lambda q: q != LIMB_LOSS,
                                                           kind="stable")  # fmt: skip
    people, pain, *bounds = now["sentence"].astype(str)
    _line(brief, "", f"{people} {pain}", f" {' '.join(bounds)}")
    table = report.table("headline_table").fillna("")
    years = [column for column in table.columns if column != "quantity"]
    rows = [(row["quantity"], *(row[year] for year in years)) for row in table.to_dict("records")]
    bold = (LIMB_LOSS, PAIN["current"])
    _table(brief, ("Millions of people", *years), rows, bold=bold, first=2.1)
    level = float(numbers["level"].dropna().iloc[0])
    _line(
        brief,
        f"In brackets: {100 * level:.0f}% intervals, if the model is right; the published pair was "
        "printed without one. The two rows with “if” are bounds: nobody counted the "
        "pain of those who lost no more than fingers or toes. "
        f"{predicted_by(report.table('predictive_left_out'))}.",
        small=True,
    )
    _picture(brief, report, PEOPLE, picture)


def _trials(brief: Any, report: Report, card: Card) -> None:
    brief.add_heading(card.question, 1)
    _line(brief, "", f"{card.number} {card.interval}.", f" {card.sentence}")
    table = report.table("contrasts_established")
    treatment, rows = "", []
    for row in table.to_dict("records"):
        if row["role"] == "heading":
            treatment = str(row["label"])
        elif row["role"] == "study":
            points = f"{row['estimate']:+.0f} ({row['low']:.0f} to {row['high']:.0f})"
            rows.append((treatment, row["label"], points))
    heads = ("Treatment: who counts as better", "Trial: better with it against control",
             "Percentage points")  # fmt: skip
    _table(brief, heads, rows, first=2.7, last=1.4)
    _line(
        brief,
        "Differences of the shares who got better, treatment less control. No randomised trial of "
        "a course of ketamine infusions in phantom limb pain was found.",
        small=True,
    )


def _drivers(brief: Any, report: Report, card: Card) -> None:
    brief.add_heading(card.question, 1)
    effects = report.table("shapley_effects")
    year = int(effects["series"].min())
    rows = effects[(effects["series"] == year) & effects["low"].notna()].iloc[1:3]
    others = " and ".join(
        f"{row['label'][:1].lower()}{row['label'][1:]} ({100 * row['value']:.0f}%)"
        for row in rows.to_dict("records")
    )
    _line(brief, "", f"{card.number} {card.interval};", f" then {others}.")
    studies = report.table("most_useful_study").iloc[:, 0].astype(str)
    _line(brief, " ".join(_ended(study) for study in studies))


def _place(brief: Any, report: Report, card: Card, picture: bytes) -> None:
    caption = report.exhibit("six_answers")["caption"].split(":")[0]
    brief.add_heading(f"{card.question} One place worked out", 1)
    _line(brief, _ended(caption))
    table = report.table("six_answers")
    _table(brief, ("Question", "Answer"), table[["question", "answer"]].to_numpy().tolist(),
           first=1.7)  # fmt: skip
    _picture(brief, report, FUNNEL, picture)


def _assumed(brief: Any, report: Report) -> None:
    brief.add_heading("What is assumed", 1)
    steps = report.table("demand_funnel").query("seen == 'assumed'")
    shares = "; ".join(
        f"the share {row['who']}, {_percent(row['share'])} "
        f"({_percent(row['share_low'])} to {_percent(row['share_high'])})"
        for row in steps.to_dict("records")
    )
    _line(
        brief,
        f"For the clinic: {shares}. Nobody has measured either; put your own in the planner. For the "
        "people in pain: that pain after losing fingers is a guide to that after losing toes, which "
        "nobody asked about. That a course is asked for does not mean that it helps.",
    )
    brief.add_heading("How to cite", 1)
    _line(brief, f"{report.cite()}. {_CITE}")


def _picture(brief: Any, report: Report, name: str, picture: bytes) -> None:
    brief.add_picture(io.BytesIO(picture), width=docx.shared.Inches(5.2))
    brief.paragraphs[-1].paragraph_format.space_after = docx.shared.Pt(0)
    caption = report.exhibit(name)["caption"]
    list(brief.inline_shapes)[-1]._inline.docPr.set("descr", caption)
    _line(brief, f"{_ended(caption)} {_ended(report.exhibit(name)['reading'])}", small=True)


def _percent(share: float) -> str:
    return f"{significant(float(f'{100 * share:.2g}'))}%"


def _ended(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _line(brief: Any, first: str, bold: str = "", then: str = "", *, small: bool = False) -> None:
    paragraph = brief.add_paragraph()
    for text, heavy in ((first, False), (bold, True), (then, False)):
        if text:
            run = paragraph.add_run(text)
            run.bold = heavy
            if small:
                run.font.size = docx.shared.Pt(8.5)


def _table(
    brief: Any,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    first: float,
    last: float = 0.0,
    bold: Sequence[str] = (),
) -> None:
    """A table across the page, whose first and last column have some width in inches."""
    table = brief.add_table(rows=1 + len(rows), cols=len(heads), style="Light Grid Accent 1")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    rest = 6.7 - first - last
    between = len(heads) - 1 - (last > 0)
    widths = [first, *[rest / between] * between, *([last] if last else [])]
    for column, width in zip(table.columns, widths, strict=True):
        column.width = docx.shared.Inches(width)
    for row, cells in zip(table.rows, (heads, *rows), strict=True):
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
        for cell, text, width in zip(row.cells, cells, widths, strict=True):
            cell.width = docx.shared.Inches(width)
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_after = docx.shared.Pt(0)
            run = paragraph.add_run(str(text))
            run.font.size, run.font.name = docx.shared.Pt(8.5), "Arial"
            run.bold = cells is heads or cells[0] in bold
    # Repeated on the next page where the table goes on there.
    head = table.rows[0]._tr.get_or_add_trPr()
    repeated = OxmlElement("w:tblHeader")
    repeated.set(qn("w:val"), "true")
    head.append(repeated)


# --- Both -----------------------------------------------------------------------------------------


def _save(document: Any, path: Path, title: str) -> None:
    about = document.core_properties
    about.title, about.author, about.last_modified_by = title, _AUTHOR, _AUTHOR
    about.created = about.modified = _THEN
    about.comments, about.revision = "", 1
    file = io.BytesIO()
    document.save(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_repeatable(file.getvalue()))


def _repeatable(data: bytes) -> bytes:
    """A zip file without the times at which its parts were written."""
    fresh = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(fresh, "w") as new:
        for name in old.namelist():
            part = zipfile.ZipInfo(name, _THEN.timetuple()[:6])
            part.compress_type = zipfile.ZIP_DEFLATED
            part.create_system = 0
            new.writestr(part, old.read(name))
    return fresh.getvalue()

"""A planner's answer as an Excel workbook and CSV files.

XlsxWriter rather than openpyxl: its charts are native to Excel and need no second library, and the
same tables make the same bytes, where openpyxl writes the time of saving into every file.
"""

from __future__ import annotations

import importlib
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plcore.evidence.labels import TIMES, cell_in_words, heading
from plcore.planner.answers import Answer
from plcore.planner.sentences import QUESTIONS, WHAT_IT_IS_NOT, six_answers
from plcore.planner.settings import defaults

#: The sheet of each table and what stands on it, in the order of the workbook.
SHEETS: Mapping[str, tuple[str, str]] = {
    "key_figures": ("Key figures", "What a planner asks first: median and 95% interval."),
    "chairs": (
        "Chairs",
        (
            "Clinics of other sizes with the same patients: means, the probability that the service "
            "level is kept with its standard error, and what each size adds to the one before."
        ),
    ),
    "by_day": ("By day", "The clinic by day; low and high hold 95% of what may happen."),
    "by_week": (
        "By week",
        "The clinic by whole ISO week; low and high hold 95% of what may happen.",
    ),
    "by_month": ("By month", "The clinic by month; low and high hold 95% of what may happen."),
    "funnel": (
        "Funnel",
        (
            "From the residents to those who would come, in the year of the opening. Each share is "
            "that of the step before. Assumed steps are shaded."
        ),
    ),
    "patients": (
        "Patients",
        "New patients expected by year: those in pain at the opening, and those in pain since then.",
    ),
    "clinic": (
        "Clinic",
        (
            "The clinic over all its days, with 95% intervals of what we do not know, of what chance "
            "does, and of both."
        ),
    ),
    "what_became_of_them": (
        "What became of them",
        "What became of the patients who were referred.",
    ),
    "own_numbers": ("Own numbers", "What was counted, beside what the model expects without it."),
    "sites": (
        "Sites",
        (
            "Each site and all of them together, added up draw by draw: median and 95% interval. "
            "What is not known is the same at all sites."
        ),
    ),
    "side_by_side": ("Side by side", "What differs between the plans: median (95% interval)."),
    "settings": ("Settings", "Settings that were chosen are bold; the others have their defaults."),
    "assumptions": (
        "Assumptions",
        (
            "Every uncertain number that the answer rests on. Assumed ones, which have no source, are "
            "shaded; seen says how the source was read."
        ),
    ),
}
#: Columns whose numbers are shares, whatever the unit of their row.
_SHARES = {
    "share", "share_low", "share_high", "share_within", "share_gained", "chair_utilisation",
    "probability", "standard_error", "load", "never_clears",
}  # fmt: skip
#: Headers that say more than the name of their column.
_HEADERS = {
    **{
        f"{end}_{kind}": f"{end} ({words})"
        for end in ("low", "high")
        for kind, words in (
            ("unknown", "what we do not know"),
            ("chance", "what chance does"),
            ("both", "both"),
        )
    },
    "low": "95% from",
    "high": "95% to",
    "setting": "setting",
    "seen": "how the source was read",
    "how": "chosen or default",
    "wait_mean": "mean wait (days; median of the draws)",
    "wait": "wait, in words",
    "probability": "probability that the service level is kept",
    "standard_error": "standard error of the probability",
    "days_saved": "days of waiting saved",
    "inside": "own number within the limits",
}
#: Columns whose texts are what one types, or written for readers already.
_AS_THEY_ARE = ("setting", "value", "figure", "meaning", "period")
#: The unit of sheets that have no column for it.
_UNITS = {"patients": "people", "funnel": "people", "what_became_of_them": "people"}
#: Widest column, in characters; longer texts are wrapped.
_WIDEST = 40
#: Characters of all columns together that fit an upright page with little loss of size.
_UPRIGHT = 110
#: Instead of the time of writing, so that the same plan makes the same bytes.
_CREATED = datetime(2000, 1, 1)
_GREY = "#595959"


@dataclass(frozen=True, slots=True)
class _Book:
    """A workbook in the making and its formats so far."""

    file: Any
    formats: dict[tuple[tuple[str, object], ...], Any] = field(default_factory=dict)

    def style(self, **look: object) -> Any:
        key = tuple(sorted(look.items()))
        if key not in self.formats:
            self.formats[key] = self.file.add_format(dict(key) | {"valign": "top"})
        return self.formats[key]


def require_xlsxwriter() -> Any:
    """The library that writes workbooks, or an error that says how to install it."""
    try:
        return importlib.import_module("xlsxwriter")
    except ImportError:
        raise ValueError(
            "workbooks need the package XlsxWriter, which is not installed; "
            "`pip install XlsxWriter` installs it"
        ) from None


def write_table(path: Path, table: pd.DataFrame) -> None:
    """A table as a CSV file: UTF-8, line feeds, numbers in full precision."""
    path.write_text(table.to_csv(index=False, lineterminator="\n"), "utf-8", newline="\n")


def write_plan(
    path: Path, answer: Answer, tables: Mapping[str, pd.DataFrame], said: Sequence[str]
) -> None:
    """Write the workbook of one plan; an older file is replaced.

    `tables` are as `answer_tables` gives them, and what is `said` as `in_sentences` does.
    """
    book = _new(path, _title_of(answer))
    shown = [name for name in SHEETS if name in tables]
    _summary(book, answer, said, shown)
    for name in shown:
        _sheet(book, name, tables[name])
    _charts(book, answer, tables)
    _close(book)


def write_comparison(
    path: Path,
    answers: Mapping[str, Answer],
    table: pd.DataFrame,
    *,
    together: Sequence[str] = (),
) -> None:
    """Write the workbook of several plans: side by side, or sites added up.

    `table` is as `side_by_side` gives it, or with `together`, the six answers for all sites, as
    `sites_table` does.
    """
    title = "All sites together" if together else "Plans side by side"
    book = _new(path, title)
    sheet = _text_sheet(book, "Summary", title)
    row = 2
    if together:
        row = _answers(book, sheet, row, "All sites (median and 95% interval)", together)
    for name, answer in answers.items():
        row = _answers(book, sheet, row, f"{name}: {_where(answer)}", six_answers(answer))
    _paragraphs(book, sheet, row, "What it is not", WHAT_IT_IS_NOT)
    # Some four plans to a sheet of paper.
    sheet.set_portrait()
    sheet.fit_to_pages(1, -(-(len(answers) + bool(together)) // 4))
    _sheet(book, "sites" if together else "side_by_side", table)
    _close(book)


def _new(path: Path, title: str) -> _Book:
    book = _Book(require_xlsxwriter().Workbook(str(path), {"strings_to_numbers": False}))
    book.file.set_properties({"title": title, "author": "plcore", "created": _CREATED})
    return book


def _close(book: _Book) -> None:
    try:
        book.file.close()
    except require_xlsxwriter().exceptions.FileCreateError as error:
        raise ValueError(
            f"{book.file.filename}: cannot be written ({error}); if it is open in another "
            "program, close it there"
        ) from None


def _title_of(answer: Answer) -> str:
    name = answer.settings.name
    return "Clinic plan" if name == defaults()["name"] else f"Clinic plan: {name}"


def _where(answer: Answer) -> str:
    return f"{answer.area.name}, opens {answer.first_day:%B} {answer.first_day.day}, {answer.first_day.year}"


def _summary(book: _Book, answer: Answer, said: Sequence[str], shown: Sequence[str]) -> None:
    sheet = _text_sheet(book, "Summary", _title_of(answer))
    sheet.write_string(1, 0, _where(answer), book.style(font_color=_GREY))
    n = len(QUESTIONS)
    row = _answers(book, sheet, 3, "In short (median and 95% interval)", said[:n])
    row = _paragraphs(book, sheet, row, "Behind it", said[n:])
    row = _paragraphs(book, sheet, row, "What it is not", WHAT_IT_IS_NOT)
    names = ", ".join(SHEETS[name][0] for name in shown)
    _paragraphs(book, sheet, row, "Sheets", [f"{names}; Charts: the same numbers, drawn."])
    # All of it on one sheet of paper.
    sheet.set_portrait()
    sheet.fit_to_pages(1, 1)


#: Widths of the two columns of the summary, in characters.
_QUESTION, _ANSWER = 30, 86


def _text_sheet(book: _Book, name: str, title: str) -> Any:
    sheet = book.file.add_worksheet(name)
    sheet.set_column(0, 0, _QUESTION)
    sheet.set_column(1, 1, _ANSWER)
    sheet.hide_gridlines(2)
    sheet.set_row(0, 1.6 * _LINE)
    sheet.write_string(0, 0, title, book.style(bold=True, font_size=16))
    _for_printing(sheet)
    return sheet


def _answers(book: _Book, sheet: Any, row: int, heading: str, sentences: Sequence[str]) -> int:
    """The six questions with their answers; the row to go on with is returned."""
    _heading(book, sheet, row, heading)
    for question, sentence in zip(QUESTIONS, sentences, strict=True):
        row += 1
        lines = max(_n_lines(question, _QUESTION), _n_lines(sentence, _ANSWER))
        sheet.set_row(row, _LINE * lines)
        sheet.write_string(row, 0, question, book.style(text_wrap=True, bold=True))
        sheet.write_string(row, 1, sentence, book.style(text_wrap=True))
    return row + 2


def _paragraphs(book: _Book, sheet: Any, row: int, heading: str, sentences: Sequence[str]) -> int:
    """Write a heading and a row for each sentence; the row to go on with is returned."""
    _heading(book, sheet, row, heading)
    for sentence in sentences:
        row += 1
        sheet.set_row(row, _LINE * _n_lines(sentence, _QUESTION + _ANSWER))
        # Centred across a selection would do without merging, but wraps nowhere.
        sheet.merge_range(row, 0, row, 1, sentence, book.style(text_wrap=True))
    return row + 2


def _heading(book: _Book, sheet: Any, row: int, heading: str) -> None:
    sheet.write_string(row, 0, heading, book.style(bold=True, bottom=1))
    sheet.write_blank(row, 1, None, book.style(bottom=1))


#: Height of a line of text, in points.
_LINE = 15.0


def _n_lines(text: str, width: int) -> int:
    """Lines that a text takes in a column, with room for fonts that run wide."""
    return max(1, len(textwrap.wrap(text, max(int(0.9 * width), 1))))


def _sheet(book: _Book, name: str, table: pd.DataFrame) -> None:
    """A table on a sheet of its own; the names in its first row stay in view."""
    sheet = book.file.add_worksheet(SHEETS[name][0])
    table = in_words(table)
    labels = list(table.columns)
    numeric = {label for label in labels if pd.api.types.is_numeric_dtype(table[label])}
    widths = {label: _width(label, table[label]) for label in labels}
    for column, label in enumerate(labels):
        look = {"align": "right"} if label in numeric else {"align": "left", "indent": 1}
        style = book.style(bold=True, bottom=1, text_wrap=True, **look)
        sheet.write_string(0, column, header(label), style)
        sheet.set_column(column, column, widths[label])
    # Three characters are left for the arrow of the filter.
    sheet.set_row(0, _LINE * max(_n_lines(header(label), widths[label] - 3) for label in labels))
    for row, values in enumerate(table.itertuples(index=False), start=1):
        cells = zip(labels, values, strict=True)
        texts = [_n_lines(value, widths[label]) for label, value in cells if isinstance(value, str)]
        if max(texts, default=1) > 1:
            sheet.set_row(row, _LINE * max(texts))
        _cells(book, sheet, row, labels, values, _row_look(labels, values), _UNITS.get(name))
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, len(table), len(table.columns) - 1)
    _for_printing(sheet)
    sheet.repeat_rows(0)
    if sum(widths.values()) <= _UPRIGHT:
        sheet.set_portrait()
    if {"measure", "period"} <= set(labels):
        # A measure begins a page, and is small enough that five years of months fit on it.
        sheet.set_print_scale(70)
        measures = table["measure"].to_numpy()
        sheet.set_h_pagebreaks((np.flatnonzero(measures[1:] != measures[:-1]) + 2).tolist())


def in_words(table: pd.DataFrame) -> pd.DataFrame:
    """A table as its sheet shows it: texts without keys, small rates a hundred thousand times."""
    # The headings of low and high say what they hold.
    table = table.drop(columns="level", errors="ignore")
    if "unit" in table:
        times = table["unit"].map(TIMES).fillna(1.0)
        for label in table.columns:
            if (times != 1).any() and pd.api.types.is_float_dtype(table[label]):
                table[label] *= times
    for label in table.columns:
        texts = [shown_text(label, x) if isinstance(x, str) else x for x in table[label]]
        if any(isinstance(x, str) for x in texts):
            table[label] = pd.Series(texts, index=table.index, dtype=object)
    return table


def header(label: str) -> str:
    """What a column is called on its sheet."""
    return _HEADERS.get(label) or heading(label)


def shown_text(label: str, text: str) -> str:
    """A text of a column as its sheet shows it: no keys."""
    return text if label in _AS_THEY_ARE else cell_in_words(text, label)


def _row_look(columns: Sequence[str], values: Sequence[object]) -> dict[str, object]:
    """How a row is marked if it is assumed, given by the planner, or chosen."""
    cells = dict(zip(columns, values, strict=True))
    if cells.get("seen") == "assumed":
        return {"bg_color": "#D9D9D9", "bold": True}
    if cells.get("seen") == "own" or cells.get("how") == "chosen":
        return {"bold": True}
    return {}


def _cells(
    book: _Book,
    sheet: Any,
    row: int,
    columns: Sequence[str],
    values: Sequence[object],
    look: Mapping[str, object],
    unit: str | None = None,
) -> None:
    cells = dict(zip(columns, values, strict=True))
    for column, (label, value) in enumerate(cells.items()):
        if isinstance(value, bool | np.bool_):
            sheet.write_string(
                row, column, "yes" if value else "no", book.style(**look, align="left", indent=1)
            )
        elif isinstance(value, str):
            style = book.style(**look, text_wrap=True, align="left", indent=1)
            sheet.write_string(row, column, value, style)
        elif not np.isfinite(float(str(value))):
            sheet.write_blank(row, column, None, book.style(**look))
        else:
            shown = _format(label, float(str(value)), cells.get("unit", unit))
            style = book.style(**look, num_format=shown)
            sheet.write_number(row, column, float(str(value)), style)


def _format(label: str, value: float, unit: object) -> str:
    """Excel's format of a number: three significant digits, shares as percents, years in full."""
    if label == "year" or unit == "year":
        return "0"
    size = abs(value)
    if unit == "people" and label in ("mean", "median", "low", "high", "people"):
        return "#,##0"
    if label in _SHARES or unit == "share":
        return "0%" if size in (0, 1) else "0.0%" if size >= 0.01 else "0.00%"
    if value == int(value) and size < 1e15:
        return "#,##0"
    if size < 1e-3:
        # Never as a power of ten, which few readers know.
        return f"0.{'0' * (2 - int(np.floor(np.log10(size))))}" if size else "0"
    decimals = max(0, 2 - int(np.floor(np.log10(size))))
    return "#,##0" if decimals == 0 else f"0.{'0' * decimals}"


def _width(label: str, column: pd.Series) -> int:
    # The longest word of a header fits, with room for the arrow of the filter.
    least = max(len(word) for word in header(label).split()) + 4
    if pd.api.types.is_numeric_dtype(column):
        return max(least, 10)
    longest = max((len(str(value)) for value in column), default=0)
    return min(max(longest + 4, least), _WIDEST)


def _for_printing(sheet: Any) -> None:
    """One page wide on US letter paper, with the names of plan and sheet and page numbers."""
    sheet.set_landscape()
    sheet.set_paper(1)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L&F&C&A&R&P of &N")


def _charts(book: _Book, answer: Answer, tables: Mapping[str, pd.DataFrame]) -> None:
    """Charts that Excel draws from the sheets; lines differ by markers and dashes, also in grey."""
    sheet = book.file.add_worksheet("Charts")
    _for_printing(sheet)
    # All on one sheet of paper, so that none is cut.
    sheet.set_portrait()
    sheet.fit_to_pages(1, 1)
    drawn = [(_by_year(book, tables["patients"]), "Sheet Patients, group all; 95% intervals.")]
    for name in ("by_month", "by_week", "by_day"):
        if name in tables:
            note = f"Sheet {SHEETS[name][0]}, measure booked; 95% of what may happen."
            drawn.append((_visits(book, name, tables[name]), note))
    if "chairs" in tables and len(tables["chairs"]) > 1:
        settings = answer.settings
        note = (
            f"Sheet Chairs; the service level is {settings.share_within:.0%} of patients within "
            f"{settings.within_days} days, with a probability of {settings.probability:g}."
        )
        drawn.append((_shares(book, tables["chairs"], settings.within_days), note))
    for number, (chart, note) in enumerate(drawn):
        sheet.insert_chart(22 * number, 0, chart)
        sheet.write_string(22 * number + 20, 0, note, book.style(font_color=_GREY))


#: Lines of the median and of the ends of the interval, which differ in grey as well.
_LINES = {
    "median": {"color": "black", "width": 1.5, "dash_type": "solid"},
    "low": {"color": _GREY, "width": 1.5, "dash_type": "dash"},
    "high": {"color": _GREY, "width": 1.5, "dash_type": "dash"},
}


def _by_year(book: _Book, table: pd.DataFrame) -> Any:
    chart = book.file.add_chart({"type": "line"})
    rows = np.flatnonzero(table["group"] == "all") + 1
    for column, line in _LINES.items():
        chart.add_series(_series(table, "patients", rows, "year", column) | {"line": line})
    _title(chart, "New patients a year", "year", "people")
    return chart


def _visits(book: _Book, name: str, table: pd.DataFrame) -> Any:
    chart = book.file.add_chart({"type": "line"})
    rows = np.flatnonzero(table["measure"] == "booked") + 1
    for column, line in _LINES.items():
        chart.add_series(_series(table, name, rows, "period", column) | {"line": line})
    period = name.removeprefix("by_")
    _title(chart, f"Visits booked by {period}", period, "visits")
    return chart


def _shares(book: _Book, table: pd.DataFrame, within_days: int) -> Any:
    chart = book.file.add_chart({"type": "scatter", "subtype": "straight_with_markers"})
    rows = np.arange(len(table)) + 1
    for column, mark, dash in (
        ("share_within", "circle", "solid"),
        ("probability", "square", "dash"),
    ):
        line = {"color": "black", "width": 1.5, "dash_type": dash}
        chart.add_series(
            _series(table, "chairs", rows, "chairs", column)
            | {"line": line, "marker": _marker(mark)}
        )
    _title(chart, f"First infusion within {within_days} days, by chairs", "chairs", "share")
    chart.set_y_axis({"name": "share", "min": 0, "max": 1, "num_format": "0%"})
    sizes = table["chairs"]
    ends = {"min": int(sizes.min()), "max": int(sizes.max())}
    step = {"major_unit": 1} if len(sizes) <= 20 else {}
    chart.set_x_axis({"name": "chairs", "num_format": "0", **ends, **step})
    return chart


def _series(
    table: pd.DataFrame, name: str, rows: NDArray[np.intp], horizontal: str, vertical: str
) -> dict[str, object]:
    """One column of a sheet against another, from the first to the last of the rows."""
    sheet = SHEETS[name][0]
    places = list(table.columns)
    x, y = places.index(horizontal), places.index(vertical)
    return {
        "name": [sheet, 0, y],
        "categories": [sheet, int(rows[0]), x, int(rows[-1]), x],
        "values": [sheet, int(rows[0]), y, int(rows[-1]), y],
    }


def _marker(kind: str) -> dict[str, object]:
    return {
        "type": kind,
        "size": 7,
        "fill": {"color": "black"},
        "border": {"color": "black"},
    }


def _title(chart: Any, title: str, xaxis: str, yaxis: str) -> None:
    chart.set_title({"name": title, "name_font": {"size": 13}})
    chart.set_x_axis({"name": xaxis})
    chart.set_y_axis({"name": yaxis, "min": 0})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 760, "height": 380})

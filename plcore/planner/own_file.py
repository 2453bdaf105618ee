"""A planner's own numbers from a CSV file, as spreadsheets save it.

The file has the columns what, month, value and note. Referrals are given by month; everything else
has no month and is given once. What a spreadsheet makes of it is understood: semicolons or tabs,
UTF-16, thousands separators, and months such as Feb-26. What may be read in two ways is asked
about.
"""

from __future__ import annotations

import csv
import difflib
import io
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from plcore.clinic.demand import LEAST, MOST, OWN, PEOPLE, OwnNumbers

_COLUMNS = ("what", "month", "value", "note")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_AS = "the month, as 2026-01"
#: Orders in which day, month and year may stand in dates of digits.
_ORDERS = ("month first", "day first", "year first")
#: Spaces and apostrophes by which some countries part thousands.
_PARTED = re.compile(r"(?<=\d)[ '\u2019\u00a0\u2009\u202f](?=\d{3})")


def own_template() -> str:
    """The text of a CSV file to fill in: every row there may be and its meaning.

    The values are examples.

    Examples
    --------
    >>> print(own_template().splitlines()[4])
    waiting_list,,12,people who wait on the first day; takes the place of an empty waiting list
    """
    examples = {
        "waiting_list": 12, "visits_a_day": 8, "residents": 850000, "limb_loss": 5200, "plp": 3900,
    }  # fmt: skip
    rows: list[tuple[str, str, int, str]] = [
        ("referrals", month, value, f"{OWN['referrals'][0]}; a row for each month")
        for month, value in (("2026-01", 6), ("2026-02", 4), ("2026-03", 7))
    ]
    rows += [
        (what, "", value, f"{OWN[what][0]}; takes the place of {OWN[what][1]}")
        for what, value in examples.items()
    ]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).to_csv(index=False, lineterminator="\n")


def read_own(path: Path) -> OwnNumbers:
    """A planner's own numbers from a file like that of `own_template`.

    Parameters
    ----------
    path : Path
        A CSV file, as written by hand or saved by a spreadsheet. Rows may be left out.

    Returns
    -------
    OwnNumbers

    Raises
    ------
    ValueError
        With every fault of the file, by line, column and value, and what to type instead.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "own.csv"
    >>> _ = path.write_text(own_template())
    >>> read_own(path).referrals
    (6, 4, 7)
    """
    path = Path(path)
    lines, separator = _lines(path)
    first, header = next(lines, (1, []))
    places = _columns(header, f"{path.name}:{first}")
    rows = [_Row.of(line, cells, places) for line, cells in lines if any(map(str.strip, cells))]
    if not rows:
        raise ValueError(
            f"{path.name}:{first + 1}: no rows; expected at least one below the header"
        )
    faults = [fault for row in rows for fault in row.faults(separator)]
    if not faults:
        faults = list(_across(rows, separator))
    if faults:
        raise ValueError("\n".join(f"{path.name}:{line}: {words}" for line, words in faults))
    months = _months([row.month for row in rows if row.monthly])
    referrals = [int(_number(row.value, separator)) for row in rows if row.monthly]
    in_order = sorted(zip(months, referrals, strict=True))
    counts: dict[str, Any] = {}
    for row in rows:
        if not row.monthly:
            value = _number(row.value, separator)
            counts[row.what] = value if row.what in PEOPLE else int(value)
    return OwnNumbers(
        first_month=in_order[0][0] if in_order else "",
        referrals=tuple(value for _, value in in_order),
        **counts,
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the file, as text."""

    line: int
    what: str
    month: str
    value: str
    extra: str

    @classmethod
    def of(cls, line: int, cells: Sequence[str], places: Mapping[str, int]) -> _Row:
        def cell(name: str) -> str:
            at = places.get(name, len(cells))
            return cells[at].strip() if at < len(cells) else ""

        what = re.sub(r"[\s-]+", "_", cell("what").casefold())
        named = set(places.values())
        extra = [text for at, text in enumerate(cells) if at not in named and text.strip()]
        return cls(line, what, cell("month"), cell("value"), extra[0] if extra else "")

    @property
    def monthly(self) -> bool:
        return self.what == "referrals"

    def faults(self, separator: str) -> Iterator[tuple[int, str]]:
        """What is wrong with the row alone."""
        if self.extra:
            yield (
                self.line,
                (
                    f"a cell {self.extra!r} without a column; expected {', '.join(_COLUMNS)}, and quotes "
                    "around a cell that has a separator in it"
                ),
            )
            return
        if self.what not in OWN:
            near = difflib.get_close_matches(self.what, OWN, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield self.line, f"what is {self.what!r}; expected one of {', '.join(OWN)}{hint}"
            return
        if self.monthly:
            expected = "" if _readings(self.month) else _hint_of_month(self.month)
        else:
            expected = f"no month for {self.what}" if self.month else ""
        if expected:
            yield self.line, f"month is {self.month!r}; expected {expected}"
        try:
            value = _number(self.value, separator)
        except ValueError as error:
            yield self.line, f"value is {self.value!r}; expected {error}"
            return
        unit = OWN[self.what][0]
        if self.what not in PEOPLE and value % 1:
            yield self.line, f"value is {self.value!r}; expected a whole number of {unit}"
        elif value > MOST[self.what]:
            yield self.line, f"value is {self.value!r}; expected at most {MOST[self.what]:,} {unit}"
        elif value < LEAST[self.what]:
            yield self.line, f"value is {self.value!r}; expected at least 1 of the {unit}"


# The text of the file ------------------------------------------------------------------------------


def _lines(path: Path) -> tuple[Iterator[tuple[int, list[str]]], str]:
    """Line numbers and cells of the rows of a file, and what parts its cells."""
    text = _text(path)
    start = 1
    separator = ""
    # Excel writes and reads such a line to say what parts the cells.
    if match := re.match(r"sep=(.)\r?\n", text, re.IGNORECASE):
        separator, text, start = match[1], text[match.end() :], 2
    header = text.split("\n", 1)[0]
    separator = separator or max(",;\t", key=header.count)

    def rows() -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        line = start
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise ValueError(
                    f"{path.name}:{line}: {error}; expected quotes that open and close"
                ) from None
            if cells:
                yield line, cells
            line = start + reader.line_num

    return rows(), separator


def _text(path: Path) -> str:
    """The text, whichever way a spreadsheet encoded it."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{path.name}: no such file in {path.parent}") from None
    except OSError as error:
        raise ValueError(f"{path.name or path}: {error.strerror}; expected a CSV file") from None
    if not raw.strip(b"\x00 \r\n\t\xff\xfe\xef\xbb\xbf"):
        raise ValueError(f"{path.name}: the file is empty; expected a header and rows")
    if raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise ValueError(
            f"{path.name}: this is a workbook; expected CSV: in the spreadsheet, File, Save as, CSV"
        )
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        order = ["utf-16"]
    elif raw.count(0) > len(raw) / 4:
        order = ["utf-16-le" if raw[1:2] == b"\x00" else "utf-16-be"]
    else:
        # What is not UTF-8 is what Excel calls CSV in the West.
        order = ["utf-8-sig", "cp1252"]
    for encoding in order:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError(f"{path.name}: the text is neither UTF-8 nor UTF-16; expected CSV UTF-8")


def _columns(header: Sequence[str], where: str) -> dict[str, int]:
    """Where each column stands."""
    names = [name.strip().casefold() for name in header]
    missing = [name for name in _COLUMNS[:3] if name not in names]
    unknown = [name for name in names if name and name not in _COLUMNS]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    faults = [
        f"{label} {', '.join(map(repr, found))}"
        for label, found in (("missing", missing), ("unknown", unknown), ("repeated", twice))
        if found
    ]
    if faults:
        raise ValueError(f"{where}: header: {'; '.join(faults)}; expected {','.join(_COLUMNS)}")
    return {name: names.index(name) for name in _COLUMNS if name in names}


# Numbers -------------------------------------------------------------------------------------------


def _number(text: str, separator: str) -> float:
    """The number that is written, or an error that says what was expected."""
    plain = _PARTED.sub("", text)
    if text == "":
        raise ValueError("a number, or the row deleted where it is not known")
    if re.fullmatch(r"\d+", plain, re.ASCII):
        return float(plain)
    # Many groups of three, or groups and a decimal mark of the other kind, can only be thousands.
    for group, mark in ((",", "."), (".", ",")):
        many = (
            rf"\d{{1,3}}(\{group}\d{{3}}){{2,}}(\{mark}\d+)?|\d{{1,3}}(\{group}\d{{3}})+\{mark}\d+"
        )
        if re.fullmatch(many, plain, re.ASCII):
            return float(plain.replace(group, "").replace(mark, "."))
    if match := re.fullmatch(r"([1-9]\d{0,2})([.,])(\d{3})", plain, re.ASCII):
        # In a file whose cells are parted by commas, a comma within a number parts thousands.
        if match[2] == "," and separator == ",":
            return float(match[1] + match[3])
        raise ValueError(
            f"digits only, as it may be {match[1]} or {match[1]}{match[3]}: type {match[1]} or "
            f"{match[1]}{match[3]}"
        )
    if re.fullmatch(r"\d+,\d+", plain, re.ASCII):
        if separator == ",":
            raise ValueError(f"a decimal point, as in {plain.replace(',', '.')}")
        return float(plain.replace(",", "."))
    if re.fullmatch(r"(\d+\.\d*|\.\d+|\d+)(e[+-]?\d{1,2})?", plain, re.ASCII | re.IGNORECASE):
        return float(plain)
    if plain.startswith(("-", "\u2212", "(")):
        raise ValueError("a number of 0 or more")
    digits = re.findall(r"\d+", plain, re.ASCII)
    hint = f"a number and nothing else, such as {digits[0]}" if digits else "a number"
    raise ValueError(hint)


# Months --------------------------------------------------------------------------------------------


def _readings(text: str) -> dict[str, str]:
    """The months that a text may mean, by the order in which day and month may stand."""
    plain = re.sub(r"[T ]\d{1,2}:\d{2}(:\d{2})?(\.0+)?Z?$", "", text.strip().casefold())
    words = [word for word in re.split(r"[\s,./-]+", plain) if word]
    if re.fullmatch(r"(19|20)\d{2}(0[1-9]|1[0-2])", plain):
        words = [plain[:4], plain[4:]]
    named = [word for word in words if _month_of(word)]
    if len(named) == 1 and all(word.isdecimal() for word in words if word not in named):
        return _with_a_name(words, named[0])
    if not all(re.fullmatch(r"\d{1,4}", word, re.ASCII) for word in words):
        return {}
    if len(words) == 2:
        years = [word for word in words if len(word) == 4]
        others = [word for word in words if len(word) <= 2]
        return _made({"": (years[0], others[0])}) if len(years) == len(others) == 1 else {}
    if len(words) != 3:
        return {}
    if len(words[0]) == 4:
        return _made({"": (words[0], words[1])}, day=words[2])
    first, second, last = words
    if len(last) not in (2, 4):
        return {}
    made = _made({"month first": (last, first)}, day=second)
    made |= _made({"day first": (last, second)}, day=first)
    return made | (_made({"year first": (first, second)}, day=last) if len(last) == 2 else {})


def _with_a_name(words: Sequence[str], name: str) -> dict[str, str]:
    month = _month_of(name)
    numbers = [word for word in words if word != name]
    if len(numbers) == 1 and (len(numbers[0]) == 4 or words[0] == name):
        # "Feb-26", as Excel shows 2026-02; "26-Feb" is what it makes of a day.
        return _made({"": (numbers[0], month)})
    if len(numbers) == 2:
        year, day = (numbers[0], numbers[1]) if len(numbers[0]) == 4 else (numbers[1], numbers[0])
        return _made({"": (year, month)}, day=day)
    return {}


def _month_of(word: str) -> str:
    """The number of a month from its name or the first three or four letters of it."""
    if len(word) < 3:
        return ""
    matches = [i for i, name in enumerate(_MONTHS, start=1) if name.startswith(word)]
    return str(matches[0]) if len(matches) == 1 else ""


def _made(candidates: Mapping[str, tuple[str, str]], day: str = "1") -> dict[str, str]:
    """Months as 2026-01, by reading, of years and months that there are."""
    made = {}
    for reading, (year, month) in candidates.items():
        whole = year if len(year) == 4 else f"20{year}" if len(year) == 2 else ""
        if re.match("19|20", whole) and 1 <= int(month) <= 12 and 1 <= int(day) <= 31:
            made[reading] = f"{whole}-{int(month):02d}"
    return made


def _hint_of_month(text: str) -> str:
    """What to type in place of a month that is not understood."""
    if text == "":
        return _AS
    if re.fullmatch(r"\d{5}", text, re.ASCII) and 36526 <= int(text) <= 73050:
        date = pd.Timestamp(1899, 12, 30) + pd.Timedelta(days=int(text))
        return (
            f"{_AS}: this is a spreadsheet's number of a day; type {date:%Y-%m} if it is "
            f"{date:%d %B %Y}"
        )
    match = re.fullmatch(r"(\d{1,2})[\s./-]([a-z]{3,9})\.?", text, re.ASCII | re.IGNORECASE)
    if match and (month := _month_of(match[2].casefold())):
        return (
            f"{_AS}: type 20{int(match[1]):02d}-{int(month):02d} if {match[1]} is the year; if it "
            f"is a day, type the year, as in 2026-{int(month):02d}"
        )
    if match := re.fullmatch(r"(\d{1,2})[./-](\d{2})", text, re.ASCII):
        for year, month in ((match[2], match[1]), (match[1].zfill(2), match[2])):
            if 1 <= int(month) <= 12:
                return f"{_AS}: type 20{year}-{int(month):02d} if {year} is the year"
    return _AS


def _months(texts: Sequence[str]) -> list[str]:
    """The months of all rows, read in the one order that makes them months in a row.

    Raises
    ------
    ValueError
        If they can be read with the month first and with the day first, and both make sense.
    """
    readings = [_readings(text) for text in texts]
    sensible: dict[tuple[str, ...], str] = {}
    for order in _ORDERS:
        months = [reading.get("", reading.get(order, "")) for reading in readings]
        if all(months) and _in_a_row(months):
            sensible.setdefault(tuple(months), order)
    if len(sensible) == 1:
        return list(next(iter(sensible)))
    if not sensible:
        # What is missing or twice is said of the order that most rows can be read in.
        order = max(_ORDERS, key=lambda order: sum(order in reading for reading in readings))
        return [
            reading.get("", reading.get(order, next(iter(reading.values()))))
            for reading in readings
        ]
    at = next(i for i, may_be in enumerate(zip(*sensible, strict=True)) if len(set(may_be)) > 1)
    raise ValueError(f"{at}:{' or '.join(dict.fromkeys(months[at] for months in sensible))}")


def _in_a_row(months: Sequence[str]) -> bool:
    ordered = sorted(months)
    return all(_after(a) == b for a, b in itertools.pairwise(ordered))


def _after(month: str) -> str:
    return str(pd.Period(month, freq="M") + 1)


# Rows together -------------------------------------------------------------------------------------


def _across(rows: Sequence[_Row], separator: str) -> Iterator[tuple[int, str]]:
    """What is wrong with rows together: dates in two ways, twice the same, gaps, parts too large."""
    monthly = [row for row in rows if row.monthly]
    try:
        months = _months([row.month for row in monthly])
    except ValueError as error:
        at, _, either = str(error).partition(":")
        row = monthly[int(at)]
        yield (
            row.line,
            f"month is {row.month!r}, which may be {either}; expected one of these, as typed here",
        )
        return
    keys = [(row.what, month) for row, month in zip(monthly, months, strict=True)]
    keys += [(row.what, "") for row in rows if not row.monthly]
    first_seen: dict[tuple[str, str], int] = {}
    for (what, month), row in zip(
        keys, [*monthly, *(r for r in rows if not r.monthly)], strict=True
    ):
        before = first_seen.setdefault((what, month), row.line)
        if before != row.line:
            shown = f"{what} of {month}" if month else what
            yield row.line, f"{shown} is there twice; expected it once, and line {before} has it"
            return
    in_order = sorted(zip(months, monthly, strict=True), key=lambda pair: pair[0])
    for (before_month, _), (month, row) in itertools.pairwise(in_order):
        if month != _after(before_month):
            yield (
                row.line,
                (
                    f"month is {row.month!r}; expected {_after(before_month)}, which follows "
                    f"{before_month}: no month may be missing"
                ),
            )
            return
    given = {row.what: row for row in rows}
    known = [name for name in PEOPLE if name in given]
    for wider, narrower in itertools.pairwise(known):
        most = _number(given[wider].value, separator)
        if _number(given[narrower].value, separator) > most:
            row = given[narrower]
            yield row.line, f"value is {row.value!r}; expected at most {most:g}, the {wider}"

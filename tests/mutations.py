"""Ways to spoil a CSV file of `data/`, and what must follow from each.

A way that cannot change the meaning (another line end, quotes that are not needed) must load to an
equal result or be refused. Any other must be refused, with the file, the line and the column. It is
tried only where a reader can know: a share of 39, a word that is not in the list of words, a text
among numbers. What makes another possible value is left out: a neighbouring age's people, another
word of the same list, a digit of a number that nothing else in the row gives, and empty cells of
columns that may be empty.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

#: What must follow: the same result, the same rows in any order, or a refusal.
SAME, SAME_ROWS, REFUSED = "same", "same rows", "refused"
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_CODES = {"fips", "zip", "code", "metropolitan", "combined"}
_COMPLETE = {
    "un_mortality_1950_2064", "un_population_1950_2060", "us_mortality_1950_2060",
    "us_resident_1950_1979", "us_resident_1980_2019", "us_resident_2020_2023",
    "us_resident_2024_2060", "us_social_security_area_1950_2060", "us_counties_2023",
    "us_county_people_2023", "us_county_diabetes_2022"
}  # fmt: skip


@dataclass(frozen=True)
class Mutation:
    """A spoilt file: the way, its bytes, what must follow, and what a refusal must name."""

    way: str
    content: bytes
    must: str = REFUSED
    line: int = 0
    names: str = ""


@dataclass(frozen=True)
class Sheet:
    """A CSV file as its lines and its cells; row 0 is on line 2."""

    stem: str
    packed: bool
    lines: tuple[str, ...]
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def counts_all(self) -> bool:
        """Whether every year, or every county, must be there."""
        return self.stem in _COMPLETE

    @cached_property
    def seen(self) -> dict[str, frozenset[str]]:
        """What stands in each column."""
        cells = zip(*self.rows, strict=True)
        return {name: frozenset(column) for name, column in zip(self.header, cells, strict=True)}

    @cached_property
    def numeric(self) -> frozenset[int]:
        """Places of the columns that hold numbers; codes are digits, but no numbers."""
        return frozenset(
            place
            for place, name in enumerate(self.header)
            if name not in _CODES
            and self.seen[name] != {""}
            and all(map(NUMBER.fullmatch, self.seen[name] - {""}))
        )

    def given(self, row: int, name: str) -> str:
        return self.rows[row][self.header.index(name)] if name in self.header else ""

    def text(self, lines: Sequence[str] | None = None, end: str = "\n") -> bytes:
        joined = end.join(self.lines if lines is None else lines) + end
        return self.pack(joined.encode())

    def pack(self, raw: bytes) -> bytes:
        return gzip.compress(raw, 1, mtime=0) if self.packed else raw


Way = Callable[[Sheet, random.Random], Mutation | None]


def read_sheet(path: Path) -> Sheet:
    """The file, which must have one row on each line."""
    packed = path.suffix == ".gz"
    raw = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
    lines = raw.decode().splitlines()
    cells = [tuple(row) for row in csv.reader(lines)]
    assert len(cells) == len(lines), f"{path.name}: a cell holds a line end"
    return Sheet(path.name.split(".")[0], packed, tuple(lines), cells[0], tuple(cells[1:]))


def mutations(sheet: Sheet, ways: Sequence[Way], *, each: int) -> Iterator[Mutation]:
    """Every way that applies to the file, each so many times, the same in every run."""
    for way in ways:
        chance = random.Random(f"{sheet.stem} {way.__name__}")
        for _ in range(each):
            found = way(sheet, chance)
            if found is not None:
                yield replace(found, way=way.__name__.strip("_").replace("_", " "))


def line_of(cells: Sequence[str], *, quoting: int = csv.QUOTE_MINIMAL) -> str:
    """A line as a spreadsheet writes it, without its end."""
    out = io.StringIO()
    csv.writer(out, lineterminator="", quoting=quoting).writerow(cells)
    return out.getvalue()


def with_lines(
    sheet: Sheet, line: int, new: Sequence[str], *, names: str = "", drop: int = 1, at: int = 0
) -> Mutation:
    """The file with some lines, from one on, in the place of `drop`; the fault is on line `at`."""
    lines = [*sheet.lines[: line - 1], *new, *sheet.lines[line - 1 + drop :]]
    return Mutation("", sheet.text(lines), REFUSED, at or line, names)


def any_row(sheet: Sheet, chance: random.Random) -> int:
    return chance.randrange(len(sheet.rows))


def _byte_order_mark(sheet: Sheet, chance: random.Random) -> Mutation:
    return Mutation("", sheet.pack(b"\xef\xbb\xbf" + "\n".join((*sheet.lines, "")).encode()), SAME)


def _line_ends_of_windows(sheet: Sheet, chance: random.Random) -> Mutation:
    return Mutation("", sheet.text(end="\r\n"), SAME)


def _line_ends_of_old_macs(sheet: Sheet, chance: random.Random) -> Mutation:
    return Mutation("", sheet.text(end="\r"), SAME)


def _no_last_line_end(sheet: Sheet, chance: random.Random) -> Mutation:
    raw = "\n".join(sheet.lines).encode()
    return Mutation("", sheet.pack(raw), SAME, len(sheet.lines))


def _needless_quotes(sheet: Sheet, chance: random.Random) -> Mutation:
    quoted = [line_of(row, quoting=csv.QUOTE_ALL) for row in (sheet.header, *sheet.rows)]
    return Mutation("", sheet.text(quoted), SAME)


def _a_blank_last_line(sheet: Sheet, chance: random.Random) -> Mutation:
    return Mutation("", sheet.text([*sheet.lines, ""]), SAME, len(sheet.lines) + 1)


def _rows_in_another_order(sheet: Sheet, chance: random.Random) -> Mutation | None:
    order = list(sheet.lines[1:])
    chance.shuffle(order)
    return Mutation("", sheet.text([sheet.lines[0], *order]), SAME_ROWS)


def _row_twice(sheet: Sheet, chance: random.Random) -> Mutation:
    row = any_row(sheet, chance)
    return with_lines(sheet, row + 2, [sheet.lines[row + 1]] * 2, at=row + 3)


def _row_again_at_the_end(sheet: Sheet, chance: random.Random) -> Mutation:
    again = sheet.lines[any_row(sheet, chance) + 1]
    return Mutation("", sheet.text([*sheet.lines, again]), REFUSED, len(sheet.lines) + 1)


def _row_cut_short(sheet: Sheet, chance: random.Random) -> Mutation:
    row = any_row(sheet, chance)
    cells = sheet.rows[row][: chance.randrange(1, len(sheet.header))]
    return with_lines(sheet, row + 2, [line_of(cells)])


def _row_merged_with_the_next(sheet: Sheet, chance: random.Random) -> Mutation:
    line = 2 + chance.randrange(len(sheet.rows) - 1)
    both = sheet.lines[line - 1] + sheet.lines[line]
    return with_lines(sheet, line, [both], drop=2)


def _comma_too_many(sheet: Sheet, chance: random.Random) -> Mutation:
    row = any_row(sheet, chance)
    cells = list(sheet.rows[row])
    cells.insert(chance.randrange(len(cells) + 1), "")
    return with_lines(sheet, row + 2, [line_of(cells)])


def _blank_line(sheet: Sheet, chance: random.Random) -> Mutation:
    return with_lines(sheet, any_row(sheet, chance) + 2, [""], drop=0)


def _header_again(sheet: Sheet, chance: random.Random) -> Mutation:
    return with_lines(sheet, any_row(sheet, chance) + 2, [sheet.lines[0]], drop=0)


def _comment(sheet: Sheet, chance: random.Random) -> Mutation:
    return with_lines(sheet, any_row(sheet, chance) + 2, ["# checked until here"], drop=0)


def _merge_conflict(sheet: Sheet, chance: random.Random) -> Mutation:
    line = any_row(sheet, chance) + 2
    old = sheet.lines[line - 1]
    new = ["<<<<<<< HEAD", old, "=======", old, ">>>>>>> theirs"]
    return with_lines(sheet, line, new)


def _quote_that_does_not_close(sheet: Sheet, chance: random.Random) -> Mutation:
    line = any_row(sheet, chance) + 2
    return with_lines(sheet, line, ['"' + sheet.lines[line - 1].replace('"', "")])


def _row_taken_out(sheet: Sheet, chance: random.Random) -> Mutation | None:
    """Only of a table that has every year, or every county, in turn."""
    if not sheet.counts_all:
        return None
    found = with_lines(sheet, any_row(sheet, chance) + 2, [])
    return replace(found, line=0)


def _end_taken_off(sheet: Sheet, chance: random.Random) -> Mutation | None:
    """Cut between two lines: only of a table that has every year, or every county, in turn."""
    if not sheet.counts_all:
        return None
    return Mutation("", sheet.text(sheet.lines[: any_row(sheet, chance) + 1]))


def _columns_changed(
    sheet: Sheet, chance: random.Random, change: Callable[[list[str], int], list[str]]
) -> Mutation:
    """The same change of the columns in every line."""
    at = chance.randrange(len(sheet.header))
    lines = [line_of(change(list(cells), at)) for cells in (sheet.header, *sheet.rows)]
    return Mutation("", sheet.text(lines), REFUSED, 1)


def _column_taken_out(sheet: Sheet, chance: random.Random) -> Mutation:
    return _columns_changed(sheet, chance, lambda cells, at: cells[:at] + cells[at + 1 :])


def _column_twice(sheet: Sheet, chance: random.Random) -> Mutation:
    return _columns_changed(sheet, chance, lambda cells, at: cells[: at + 1] + cells[at:])


def _columns_in_another_order(sheet: Sheet, chance: random.Random) -> Mutation:
    return _columns_changed(
        sheet, chance, lambda cells, at: cells[at + 1 :] + cells[: at + 1][::-1]
    )


def _headers_swapped(sheet: Sheet, chance: random.Random) -> Mutation:
    names = list(sheet.header)
    one, other = chance.sample(range(len(names)), 2)
    names[one], names[other] = names[other], names[one]
    return with_lines(sheet, 1, [line_of(names)])


def _header_misspelt(sheet: Sheet, chance: random.Random) -> Mutation:
    names = list(sheet.header)
    at = chance.randrange(len(names))
    names[at] = chance.choice((names[at] + "x", names[at] + " ", "", names[at][:-1]))
    return with_lines(sheet, 1, [line_of(names)])


def _no_header(sheet: Sheet, chance: random.Random) -> Mutation:
    return Mutation("", sheet.text(sheet.lines[1:]), REFUSED, 1)


def _only_the_header(sheet: Sheet, chance: random.Random) -> Mutation:
    return Mutation("", sheet.text(sheet.lines[:1]), REFUSED, 2)


def _nothing(sheet: Sheet, chance: random.Random) -> Mutation:
    return Mutation("", sheet.pack(chance.choice((b"", b"\n\n", b"  \r\n"))))


def _semicolons_or_tabs(sheet: Sheet, chance: random.Random) -> Mutation:
    mark = chance.choice((";", "\t", "|"))
    lines = [mark.join(cells) for cells in (sheet.header, *sheet.rows)]
    return Mutation("", sheet.text(lines), REFUSED, 1)


def _saved_as_latin_1(sheet: Sheet, chance: random.Random) -> Mutation | None:
    raw = sheet.text().decode() if not sheet.packed else ""
    if raw.isascii():
        return None
    # Letters that Latin 1 does not have become question marks, which are UTF-8.
    first = next(
        (i for i, line in enumerate(sheet.lines, start=1) if any(127 < ord(c) < 256 for c in line)),
        1,
    )
    saved = raw.encode("latin-1", errors="replace")
    try:
        saved.decode()
    except UnicodeDecodeError:
        return Mutation("", saved, REFUSED, first)
    # CDC's file has "Do\u00c3\u00b1a Ana" as it was published: it is mended by saving it so.
    return None


def _saved_as_utf_16(sheet: Sheet, chance: random.Random) -> Mutation:
    name = chance.choice(("utf-16", "utf-16-le", "utf-16-be"))
    return Mutation("", sheet.pack("\n".join((*sheet.lines, "")).encode(name)), REFUSED, 1)


def _cut_within_a_line(sheet: Sheet, chance: random.Random) -> Mutation:
    line = any_row(sheet, chance) + 2
    cut = sheet.lines[line - 1][: chance.randrange(1, len(sheet.lines[line - 1]))]
    raw = "\n".join((*sheet.lines[: line - 1], cut)).encode()
    return Mutation("", sheet.pack(raw), REFUSED, line)


def _packed_file_spoilt(sheet: Sheet, chance: random.Random) -> Mutation | None:
    if not sheet.packed:
        return None
    raw = sheet.text()
    # The first ten bytes are a header, of which some say nothing about the content.
    at = chance.randrange(12, len(raw))
    flipped = raw[:at] + bytes([raw[at] ^ 0x10]) + raw[at + 1 :]
    return Mutation("", chance.choice((raw[:at], flipped, raw + b"more")))


FILES = (
    _byte_order_mark, _line_ends_of_windows, _line_ends_of_old_macs, _no_last_line_end,
    _needless_quotes, _a_blank_last_line, _rows_in_another_order, _row_twice,
    _row_again_at_the_end, _row_cut_short, _row_merged_with_the_next, _comma_too_many, _blank_line,
    _header_again, _comment, _merge_conflict, _quote_that_does_not_close, _row_taken_out,
    _end_taken_off, _column_taken_out, _column_twice, _columns_in_another_order, _headers_swapped,
    _header_misspelt, _no_header, _only_the_header, _nothing, _semicolons_or_tabs,
    _saved_as_latin_1, _saved_as_utf_16, _cut_within_a_line, _packed_file_spoilt,
)  # fmt: skip

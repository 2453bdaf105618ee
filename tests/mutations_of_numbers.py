"""Changes of a number in any table of `data/`, and whether anybody is told.

`python -m mutations_of_numbers [each]` (from `tests/`) makes so many changes of each kind in each
table and prints how many were refused: in a folder of one's own by the checks of the tables alone,
and in the project's own folder, which is held to its manifest. Unlike `mutations_of_cells`, the
changed number is as possible as the old one for all that its cell can tell.
"""

from __future__ import annotations

import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mutations import Sheet, line_of, read_sheet
from mutations_judged import CSV, equal, loaded, save

from plcore.evidence.data import DATA

Place = tuple[int, int]
Change = dict[Place, str]
Kind = Callable[[Sheet, random.Random], Change | None]


@dataclass(frozen=True)
class Verdict:
    """What became of one changed number: "refused", "same" (no change of meaning) or "silent"."""

    file: str
    kind: str
    what: str
    became: str


def _cell(sheet: Sheet, chance: random.Random, fits: Callable[[str], bool] = bool) -> Place | None:
    places = sorted(sheet.numeric)
    for _ in range(400 if places else 0):
        at = chance.randrange(len(sheet.rows)), chance.choice(places)
        cell = sheet.rows[at[0]][at[1]]
        if cell and fits(cell):
            return at
    return None


def _changed(sheet: Sheet, at: Place | None, write: Callable[[str], str]) -> Change | None:
    return None if at is None else {at: write(sheet.rows[at[0]][at[1]])}


def _another_digit(sheet: Sheet, chance: random.Random) -> Change | None:
    def write(cell: str) -> str:
        place = chance.choice([i for i, letter in enumerate(cell) if letter.isdigit()])
        digit = chance.choice([d for d in "0123456789" if d != cell[place]])
        return cell[:place] + digit + cell[place + 1 :]

    return _changed(sheet, _cell(sheet, chance), write)


def _first_digit_another(sheet: Sheet, chance: random.Random) -> Change | None:
    def write(cell: str) -> str:
        place = next(i for i, letter in enumerate(cell) if letter in "123456789")
        digit = chance.choice([d for d in "123456789" if d != cell[place]])
        return cell[:place] + digit + cell[place + 1 :]

    return _changed(sheet, _cell(sheet, chance, lambda cell: bool(re.search("[1-9]", cell))), write)


def _two_digits_swapped(sheet: Sheet, chance: random.Random) -> Change | None:
    pairs = re.compile(r"(?=(\d)(?!\1)(\d))")

    def write(cell: str) -> str:
        place = chance.choice([found.start() for found in pairs.finditer(cell)])
        return cell[:place] + cell[place + 1] + cell[place] + cell[place + 2 :]

    return _changed(sheet, _cell(sheet, chance, lambda cell: bool(pairs.search(cell))), write)


def _emptied(sheet: Sheet, chance: random.Random) -> Change | None:
    return _changed(sheet, _cell(sheet, chance), lambda cell: "")


def _other_sign(sheet: Sheet, chance: random.Random) -> Change | None:
    at = _cell(sheet, chance, lambda cell: float(cell) != 0)
    return _changed(sheet, at, lambda cell: cell[1:] if cell[0] == "-" else f"-{cell}")


def _times(factor: float) -> Callable[[str], str]:
    def write(cell: str) -> str:
        times = float(cell) * factor
        return f"{times:.0f}" if times.is_integer() else f"{times:.10g}"

    return write


def _percent_for_share(sheet: Sheet, chance: random.Random) -> Change | None:
    factor = chance.choice((0.01, 100))
    return _changed(sheet, _cell(sheet, chance, lambda cell: float(cell) != 0), _times(factor))


def _a_zero_more_or_less(sheet: Sheet, chance: random.Random) -> Change | None:
    factor = chance.choice((0.1, 10))
    return _changed(sheet, _cell(sheet, chance, lambda cell: float(cell) != 0), _times(factor))


def _swapped_with_the_row_below(sheet: Sheet, chance: random.Random) -> Change | None:
    at = _cell(sheet, chance)
    if at is None or at[0] + 1 >= len(sheet.rows):
        return None
    below = at[0] + 1, at[1]
    return {at: sheet.rows[below[0]][at[1]], below: sheet.rows[at[0]][at[1]]}


def _swapped_with_the_next_number(sheet: Sheet, chance: random.Random) -> Change | None:
    at = _cell(sheet, chance)
    later = [place for place in sorted(sheet.numeric) if at is not None and place > at[1]]
    if at is None or not later:
        return None
    row = sheet.rows[at[0]]
    return {at: row[later[0]], (at[0], later[0]): row[at[1]]}


def _column_shifted_by_a_row(sheet: Sheet, chance: random.Random) -> Change | None:
    """Three numbers of a column, each one row lower than it was."""
    at = _cell(sheet, chance)
    if at is None or at[0] + 3 >= len(sheet.rows):
        return None
    return {(at[0] + i + 1, at[1]): sheet.rows[at[0] + i][at[1]] for i in range(3)}


KINDS: tuple[Kind, ...] = (
    _another_digit, _first_digit_another, _two_digits_swapped, _emptied, _other_sign,
    _percent_for_share, _a_zero_more_or_less, _swapped_with_the_row_below,
    _swapped_with_the_next_number, _column_shifted_by_a_row,
)  # fmt: skip


def changes(sheet: Sheet, *, each: int) -> Iterator[tuple[str, Change]]:
    """So many changes of each kind, the same in every run; none that leaves every cell as it was."""
    for kind in KINDS:
        chance = random.Random(f"{sheet.stem} {kind.__name__}")
        for _ in range(each):
            found = kind(sheet, chance)
            if found and any(sheet.rows[row][at] != cell for (row, at), cell in found.items()):
                yield kind.__name__.strip("_").replace("_", " "), found


def written(sheet: Sheet, change: Change) -> bytes:
    """The file with some cells written otherwise."""
    lines = list(sheet.lines)
    for row in {row for row, _ in change}:
        cells = [change.get((row, at), cell) for at, cell in enumerate(sheet.rows[row])]
        lines[row + 1] = line_of(cells)
    return sheet.text(lines)


def judged(file: str, folder: Path, *, each: int) -> Iterator[Verdict]:
    """What becomes of changed numbers of a file, in a folder with all the others as they are."""
    sheet, path, content = read_sheet(DATA / file), folder / file, (DATA / file).read_bytes()
    before = loaded(file, folder)
    try:
        for kind, change in changes(sheet, each=each):
            save(path, written(sheet, change))
            try:
                same = equal(before, loaded(file, folder), any_order=False)
                became = "same" if same else "silent"
            except ValueError:
                became = "refused"
            what = "; ".join(
                f"line {row + 2}, {sheet.header[at]}: {sheet.rows[row][at]!r} to {cell!r}"
                for (row, at), cell in change.items()
            )
            yield Verdict(file, kind, what, became)
    finally:
        save(path, content)


def share_told(verdicts: list[Verdict]) -> float:
    """Of the changes that change a meaning, the share that is refused."""
    counts = Counter(verdict.became for verdict in verdicts)
    return counts["refused"] / max(counts["refused"] + counts["silent"], 1)


def main(arguments: list[str]) -> int:
    """Print the shares by table and by kind, first without and then with the manifest."""
    each = int(arguments[0]) if arguments else 5
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "data"
        shutil.copytree(DATA, copy)
        for where in ("own folder", "project's folder"):
            if where == "project's folder":
                from plcore.evidence import manifest

                manifest.DATA = copy
            found = [verdict for file in CSV for verdict in judged(file, copy, each=each)]
            print(f"\n{where}: {len(found)} changes, {share_told(found):.1%} refused")
            for by in ("file", "kind"):
                for name in dict.fromkeys(getattr(verdict, by) for verdict in found):
                    some = [verdict for verdict in found if getattr(verdict, by) == name]
                    counts = Counter(verdict.became for verdict in some)
                    print(f"  {name:56} {share_told(some):6.1%} {dict(counts)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

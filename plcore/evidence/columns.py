"""The checks that several tables share: keys, units, words for how a row was seen, cells that jump."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from plcore.evidence.distributions import Floats
from plcore.evidence.table import Row, Rule, is_empty, one_of, text, whole

#: How a row was seen, and the mark that is printed beside its number.
MARKS = {
    "primary": "",
    "abstract": "",
    "secondary": "second hand",
    "derived": "derived",
    "memory": "from memory",
    "assumed": "assumed",
}

key = text(r"[a-z0-9_]+", "a key of lower-case letters, digits and underscores")
keys = text(r"[a-z0-9_]+(;[a-z0-9_]+)*", "keys of sources, separated by semicolons")
seen = one_of(*MARKS)
year = whole(1500, 2100)
words = text()

#: The units of published estimates, with the least and the greatest number that each can have.
ESTIMATES: Mapping[str, tuple[float, float]] = {
    "share": (0, 1),
    "percent": (0, 100),
    "percent/year": (-100, 100),
    "per_1000": (0, 1e3),
    "per_1000_per_year": (0, 1e3),
    "per_10000_births": (0, 1e4),
    "per_100000_per_year": (0, 1e5),
    "per_100000_admissions": (0, 1e5),
    "per_100_amputee_years": (0, math.inf),
    "1/year": (0, math.inf),
    "ratio": (0, math.inf),
    "one_in": (1, math.inf),
    "years": (0, 120),
    **dict.fromkeys(
        (
            "people", "people/year", "discharges/year", "amputations/year",
            "people in the period", "discharges in the period", "amputations in the period",
            "visits in the period",
        ),
        (0, math.inf),
    ),
}  # fmt: skip
#: The units of claims; that of a finding may go on: "percent with 30% relief".
CLAIMS: Mapping[str, tuple[float, float]] = {
    "percent": (0, 100),
    "year": (1500, 2100),
    "one_in": (1, math.inf),
    "points of 10": (-10, 10),
    "points of 100": (-100, 100),
    **dict.fromkeys(
        (
            "people", "Americans", "conditions", "treatments", "infusions", "nurses per patient",
            "mg/kg", "minutes", "hours", "days", "weeks", "months", "years",
        ),
        (0, math.inf),
    ),
}  # fmt: skip
#: How the names of quantities begin that can be negative, or above 100%.
_CHANGES = ("change_", "trend_", "growth_")


def within_unit(units: Mapping[str, tuple[float, float]], *names: str, unit: str = "unit") -> Rule:
    """A rule: the numbers in some columns are ones that the unit of the row can have.

    `units` has the least and the greatest value of each unit; `unit` is the column of the unit.
    """

    def rule(row: Row) -> Iterator[tuple[str, str]]:
        words = str(row[unit])
        known = [name for name in units if words == name or words.startswith(f"{name} ")]
        if not known or str(row.get("quantity", "")).startswith(_CHANGES):
            return
        low, high = units[max(known, key=len)]
        for name in names:
            if not is_empty(row[name]) and not low <= float(row[name]) <= high:
                yield name, f"from {low:g} to {high:g}, as the unit is {words}"

    return rule


def begins_with_unit(units: Mapping[str, tuple[float, float]], *, unit: str) -> Rule:
    """A rule: the words in the column `unit` begin with one of `units`."""

    def rule(row: Row) -> Iterator[tuple[str, str]]:
        words = str(row[unit])
        if words and not any(words == name or words.startswith(f"{name} ") for name in units):
            yield unit, f"words that begin with one of {', '.join(units)}"

    return rule


def year_in_label(
    label: str,
    *years: str,
    pattern: str = r"_(\d{4})$",
    kinds: tuple[str, ...] = (),
    needed: bool = False,
) -> Rule:
    """A rule: the year in the label of a row lies in the years of its columns.

    `years` are a column, or the first and the last of some; `pattern` finds the year. With `kinds`,
    only rows of these kinds are held to it. With `needed`, the columns may not be empty then.
    """
    compiled = re.compile(pattern)

    def rule(row: Row) -> Iterator[tuple[str, str]]:
        found = compiled.search(str(row[label]))
        ends = [row[name] for name in years]
        if found is None or (kinds and row["kind"] not in kinds):
            return
        if any(map(is_empty, ends)):
            if needed:
                yield years[-1], f"{found[1]}, the year in {row[label]}"
        elif not float(ends[0]) <= float(found[1]) <= float(ends[-1]):
            yield years[-1], f"{found[1]}, the year in {row[label]}"

    return rule


def together(first: str, second: str) -> Rule:
    """A rule: one of two columns is given exactly where the other is."""

    def rule(row: Row) -> Iterator[tuple[str, str]]:
        if is_empty(row[first]) != is_empty(row[second]):
            empty, given = (first, second) if is_empty(row[first]) else (second, first)
            yield empty, f"a number, as {given} has one"

    return rule


def half_a_digit(number: float) -> float:
    """Half of the last digit that a number is printed with: 0.05 for 72.2, 0.5 for 64."""
    shown = repr(float(number))
    decimals = 0 if "e" in shown or shown.endswith(".0") else len(shown.partition(".")[2])
    return 0.5 * 10.0**-decimals


def percent_of_counts(percent: str) -> Rule:
    """A rule: a printed percentage is that of events and n, as far as it was rounded.

    Where the column `counts` says that the events were worked back from the percentage, or guessed,
    they may be out by a person more.
    """

    def rule(row: Row) -> Iterator[tuple[str, str]]:
        if row.get("unit", "percent") != "percent":
            return
        if any(is_empty(row[name]) for name in (percent, "events", "n")):
            return
        share = 100 * float(row["events"]) / float(row["n"])
        loose = 0.0 if row.get("counts", "printed") == "printed" else 50 / float(row["n"])
        off = abs(share - float(row[percent]))
        if off > half_a_digit(float(row[percent])) + loose + 1e-9:
            decimals = max(round(-math.log10(2 * half_a_digit(float(row[percent])))), 1)
            yield percent, f"about {share:.{decimals}f}, as events and n give"

    return rule


#: Words of a note by which limits are no interval around the value.
_NO_INTERVAL = re.compile(
    r"\b(range|ranges|quartiles?|IQR|percentiles?|one-sided)\b", re.IGNORECASE
)


def central(low: str, value: str, high: str, *, note: str = "note", unit: str = "unit") -> Rule:
    """A rule: a value stands where its limits put it.

    That is near their middle, on the plain, the logarithmic or, of shares, the logit scale, or
    between these middles; a tenth of the width and the rounding of all three are allowed for. A
    note with the word range, quartile, IQR or percentile lifts it.
    """

    def rule(row: Row) -> Iterator[tuple[str, str]]:
        cells = [row[name] for name in (low, value, high)]
        if any(map(is_empty, cells)) or _NO_INTERVAL.search(str(row.get(note, ""))):
            return
        numbers = [float(cell) for cell in cells]
        if not numbers[0] <= numbers[1] <= numbers[2]:
            return  # `ordered` says so
        middles = _middles(numbers[0], numbers[2], str(row.get(unit, "")))
        slack = (numbers[2] - numbers[0]) / 10 + 2 * max(map(half_a_digit, numbers))
        if not min(middles) - slack <= numbers[1] <= max(middles) + slack:
            yield (
                value,
                (
                    f"about {numbers[0] / 2 + numbers[2] / 2:.4g}, where its limits put it, or the "
                    f"word range in {note}"
                ),
            )

    return rule


def _middles(low: float, high: float, unit: str) -> list[float]:
    middles = [(low + high) / 2]
    if low > 0:
        middles.append(math.sqrt(low * high))
    most = {"share": 1.0, "percent": 100.0}.get(unit.split(" ")[0], math.inf)
    if 0 < low <= high < most < math.inf:
        odds = math.sqrt(low / (most - low) * high / (most - high))
        middles.append(most * odds / (1 + odds))
    return middles


#: How many times as far as the cells around it a cell has to be from the mean of its neighbours to
#: count as a jump: in the tables of populations and of death rates, as published, 4.8 is the most.
_JUMP = 10.0
#: Cells nearer than this share to the mean of their neighbours are smooth whatever lies around.
_LEAST = 0.002
#: Numbers of a series needed to know what is usual in it.
_LEAST_SERIES = 6


def jumps(cells: Floats, directions: Sequence[tuple[int, int]]) -> NDArray[np.intp]:
    """Places of the cells of a table that jump against both neighbours in every direction.

    A jump lies outside both neighbours. How far a cell is from their mean, as a logarithm, is
    compared with the median of that distance among the 24 cells around it.

    Parameters
    ----------
    cells : ndarray, shape (n_rows, n_columns)
        Numbers above 0; others are passed over.
    directions : sequence of (int, int)
        Steps in rows and columns to the cell after: (1, 1) follows a generation through years and
        ages, (1, 0) an age through the years. Cells without both neighbours are passed over.

    Returns
    -------
    ndarray of int, shape (n_jumps, 2)
        Row and column, the farthest first.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(cells > 0, np.log(cells), np.nan)
    away = [_away(logs, *step) for step in directions]
    # Only the few cells that lie outside both neighbours, and by more than rounding, are looked at.
    candidates = np.argwhere(np.all([far > _JUMP * _LEAST for far in away], axis=0))
    far = np.array(
        [min(_in_usual(distances, row, at) for distances in away) for row, at in candidates]
    )
    found = np.flatnonzero(far > _JUMP)
    return candidates[found[np.argsort(-far[found], kind="stable")]]


def series_jumps(values: ArrayLike) -> NDArray[np.intp]:
    """Places of a series at which it jumps against the number before and the one after.

    Parameters
    ----------
    values : array_like, shape (n,)
        Numbers above 0, in order; of fewer than 6 nothing is said.
    """
    numbers = np.asarray(values, dtype=float)
    if numbers.size < _LEAST_SERIES or not (numbers > 0).all():
        return np.empty(0, dtype=np.intp)
    logs = np.log(numbers)
    away = np.abs(logs[1:-1] - (logs[:-2] + logs[2:]) / 2)
    outside = (logs[1:-1] - logs[:-2]) * (logs[1:-1] - logs[2:]) > 0
    rounding = max(half_a_digit(number) / number for number in numbers)
    not_near = np.abs(np.subtract.outer(np.arange(away.size), np.arange(away.size))) > 1
    usual = np.array([np.median(away[others]) for others in not_near])
    return np.flatnonzero(outside & (away > _JUMP * (usual + _LEAST) + 4 * rounding)) + 1


def _away(logs: Floats, down: int, right: int) -> Floats:
    """Distance of each cell from the mean of its two neighbours; less than 0 between the two."""
    rows, columns = logs.shape
    inner = (slice(down, rows - down), slice(right, columns - right))
    before = logs[: rows - 2 * down, : columns - 2 * right]
    after = logs[2 * down :, 2 * right :]
    away = np.full(logs.shape, -np.inf)
    distance = np.abs(logs[inner] - (before + after) / 2)
    outside = (logs[inner] - before) * (logs[inner] - after) > 0
    away[inner] = np.where(outside, distance, -distance)
    return away


def _in_usual(away: Floats, row: int, at: int) -> float:
    """How far a cell is away in what is usual among the 24 cells around it, where they are."""
    top, left = max(row - 2, 0), max(at - 2, 0)
    around = np.abs(away[top : row + 3, left : at + 3])
    around[row - top, at - left] = np.inf
    usual = around[np.isfinite(around)]
    return float(away[row, at] / ((np.median(usual) if usual.size else 0.0) + _LEAST))

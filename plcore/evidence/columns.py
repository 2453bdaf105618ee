"""The checks that several tables share: keys, units, and the words for how a row was seen."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

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

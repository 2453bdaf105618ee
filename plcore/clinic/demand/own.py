"""A planner's own numbers: what was counted at the clinic, in place of what the model expects.

A CSV file of four columns: what, month, value, note. Referrals are given by month; all else has no
month and stands once. `template` is such a file to fill in.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from plcore.clinic.demand.flow import WEEKS_A_YEAR, Demand
from plcore.clinic.demand.funnel import Funnel
from plcore.clinic.luck import Integers
from plcore.evidence.distributions import Floats
from plcore.evidence.table import Column, Row, Table, is_empty, number, one_of, read_table, text
from plcore.models.outcome import Outcome

#: What a planner may know, with its unit and what it takes the place of.
OWN: Mapping[str, tuple[str, str]] = {
    "referrals": ("new patients referred in the month", "the patients of the funnel"),
    "waiting_list": ("people who wait on the first day", "an empty waiting list"),
    "visits_a_day": ("visits that can be booked on an open day", "chairs, nurses and hours"),
    "residents": ("people who live in the catchment", "the census"),
    "limb_loss": ("people of the catchment who live with limb loss", "the cohort model"),
    "plp": ("people of the catchment with phantom limb pain", "the pooled prevalence"),
}
#: More than any clinic has.
_MOST = {"referrals": 10_000, "waiting_list": 100_000, "visits_a_day": 10_000}
#: Of these, the parts of the catchment that the funnel starts from, the widest first.
_PEOPLE = ("residents", "limb_loss", "plp")


def _month_where_needed(row: Row) -> Iterator[tuple[str, str]]:
    what, monthly = str(row["what"]), row["what"] == "referrals"
    if monthly == is_empty(row["month"]):
        yield "month", "the month, as 2026-01" if monthly else f"no month for {what}"
    value = float(row["value"])
    if what not in _PEOPLE and value != int(value):
        yield "value", f"a whole number of {OWN[what][0]}"
    if what not in _PEOPLE and value > _MOST[what]:
        yield "value", f"at most {_MOST[what]:,} {OWN[what][0]}"
    if what in ("residents", "limb_loss") and value == 0:
        yield "value", f"more than 0 {OWN[what][0]}"


def _months_in_a_row(rows: Sequence[Row]) -> Iterator[tuple[int, str, str]]:
    months = sorted(
        (str(row["month"]), place) for place, row in enumerate(rows) if row["what"] == "referrals"
    )
    for (before, _), (month, place) in itertools.pairwise(months):
        if month != _after(before):
            yield place, "month", f"{_after(before)}, which follows {before}; no month left out"


def _nested(rows: Sequence[Row]) -> Iterator[tuple[int, str, str]]:
    given = {str(row["what"]): (place, float(row["value"])) for place, row in enumerate(rows)}
    known = [name for name in _PEOPLE if name in given]
    for whole, part in itertools.pairwise(known):
        if given[part][1] > given[whole][1]:
            yield given[part][0], "value", f"at most {given[whole][1]:g}, as of {whole}"


def _after(month: str) -> str:
    return str(pd.Period(month, freq="M") + 1)


TABLE = Table(
    file="own_numbers.csv",
    columns=(
        Column("what", one_of(*OWN)),
        Column("month", text(r"(19|20)\d\d-(0[1-9]|1[0-2])", "a month such as 2026-01"), True),
        Column("value", number(0, 1e9)),
        Column("note", text(), True),
    ),
    key=("what", "month"),
    rules=(_month_where_needed,),
    across=(_months_in_a_row, _nested),
)


@dataclass(frozen=True, slots=True)
class OwnNumbers:
    """What a planner knows.

    Attributes
    ----------
    first_month : str
        The month of the first of `referrals`, as 2026-01; empty without referrals.
    referrals : tuple of int
        New patients by month.
    waiting_list, visits_a_day : int, optional
    residents, limb_loss, plp : float, optional
    """

    first_month: str = ""
    referrals: tuple[int, ...] = ()
    waiting_list: int | None = None
    visits_a_day: int | None = None
    residents: float | None = None
    limb_loss: float | None = None
    plp: float | None = None

    @property
    def a_month(self) -> float:
        """Referrals a month, on average."""
        return float(np.mean(self.referrals)) if self.referrals else np.nan


def template() -> str:
    """A file to fill in: every row that may be given, with what it means; values are examples."""
    examples = {
        "waiting_list": 12, "visits_a_day": 8, "residents": 850000, "limb_loss": 5200, "plp": 3900,
    }  # fmt: skip
    rows = [
        ("referrals", month, value, f"{OWN['referrals'][0]}; a row a month")
        for month, value in (("2026-01", 6), ("2026-02", 4), ("2026-03", 7))
    ]
    rows += [
        (what, "", value, f"{OWN[what][0]}; takes the place of {OWN[what][1]}")
        for what, value in examples.items()
    ]
    columns = [column.name for column in TABLE.columns]
    return pd.DataFrame(rows, columns=columns).to_csv(index=False, lineterminator="\n")


def read_own(path: Path) -> OwnNumbers:
    """A planner's own numbers from a file as `template` gives it; rows may be left out.

    Parameters
    ----------
    path : Path
        A CSV file, UTF-8.

    Raises
    ------
    ValueError
        With every fault of the file by line, column and value.
    """
    table = read_table(Path(path), replace(TABLE, file=Path(path).name))
    monthly = table[table["what"] == "referrals"].sort_values("month")
    rest = table[table["what"] != "referrals"].set_index("what")["value"]
    whole = {name: int(rest[name]) for name in ("waiting_list", "visits_a_day") if name in rest}
    people = {name: float(rest[name]) for name in _PEOPLE if name in rest}
    return OwnNumbers(
        first_month=str(monthly["month"].iloc[0]) if len(monthly) else "",
        referrals=tuple(int(value) for value in monthly["value"]),
        waiting_list=whole.get("waiting_list"),
        visits_a_day=whole.get("visits_a_day"),
        residents=people.get("residents"),
        limb_loss=people.get("limb_loss"),
        plp=people.get("plp"),
    )


def with_own_people(people: Outcome, own: OwnNumbers, *, year: int) -> Outcome:
    """The people of an area with the planner's counts of one year in place of the modelled ones.

    Everything that is a part of what was counted is multiplied by the same factor in every year,
    draw by draw, so that shares, growth and the parts of parts stay as modelled.

    Raises
    ------
    ValueError
        If the year is not one of the outcome's, or more people are counted than a draw has of the
        whole that they are a part of.
    """
    if year not in people.years:
        raise ValueError(
            f"year is {year}; expected one from {people.years[0]} to {people.years[-1]}"
        )
    at = int(np.flatnonzero(people.years == year)[0])
    values = dict(people.values)
    parts = {
        "residents": list(values),
        "limb_loss": [name for name in values if name != "residents"],
        "plp": [name for name in values if name.startswith("plp")],
    }
    for name in _PEOPLE:
        counted = getattr(own, name)
        if counted is not None:
            factor = counted / values[name][:, [at]]
            values |= {part: values[part] * factor for part in parts[name]}
    for whole, part in itertools.pairwise(_PEOPLE):
        most = float(values[whole][:, at].min())
        counted = getattr(own, part)
        if counted is not None and counted > most:
            raise ValueError(
                f"{part} is {counted:g}; expected at most {most:,.0f}, the least that {whole} may "
                f"be in {year}, or a count of {whole} as well"
            )
    return replace(people, values=values)


def own_per_week(own: OwnNumbers, *, n_weeks: int) -> Floats:
    """Referrals a week at the planner's monthly average, shape (1, n_weeks).

    Raises
    ------
    ValueError
        If there are no referrals among the own numbers.
    """
    if not own.referrals:
        raise ValueError("no referrals among the own numbers; expected a row a month")
    return np.full((1, n_weeks), own.a_month * 12 / WEEKS_A_YEAR)


def sampled_months(own: OwnNumbers, *, n_days: int, n_runs: int, seed: int) -> Integers:
    """Days of referral with months drawn from the planner's own, so that they vary as seen.

    Each month of 365.25 / 12 days has the referrals of one of the months counted, drawn with
    replacement, at random times of it.

    Returns
    -------
    ndarray of int, shape (1, n_runs, n_patients)
        As `plcore.clinic.random_referrals`; `n_days` fills the rows.
    """
    if not own.referrals:
        raise ValueError("no referrals among the own numbers; expected a row a month")
    stream = np.random.Generator(np.random.PCG64DXSM(seed))
    length = 365.25 / 12
    n_months = int(np.ceil(n_days / length))
    rows = []
    for _ in range(n_runs):
        counts = stream.choice(np.array(own.referrals), n_months)
        days = np.repeat(np.arange(n_months), counts) * length
        days = np.sort(days + stream.random(len(days)) * length).astype(np.int64)
        rows.append(days[days < n_days])
    width = max(1, *(len(row) for row in rows))
    found = np.full((1, n_runs, width), n_days, dtype=np.int64)
    for run, row in enumerate(rows):
        found[0, run, : len(row)] = row
    return found


def beside(
    own: OwnNumbers,
    funnel: Funnel,
    demand: Demand,
    *,
    visits_a_day: int,
    level: float = 0.95,
) -> pd.DataFrame:
    """The planner's own numbers beside what the model expects without them.

    Parameters
    ----------
    own : OwnNumbers
    funnel, demand : Funnel, Demand
        Without the own numbers.
    visits_a_day : int
        That the chairs, nurses and hours hold.
    level : float

    Returns
    -------
    DataFrame
        A row a number that was given: what, unit, own, modelled (median), low, high, and inside:
        whether the own number lies within them. Referrals a month are those of the first year.
    """
    tails = [0.5, (1 - level) / 2, (1 + level) / 2]
    first_year = demand.per_week[:, : int(WEEKS_A_YEAR)].mean(axis=1) * WEEKS_A_YEAR / 12
    at = int(np.flatnonzero(funnel.years == demand.opening.year)[0])
    modelled: dict[str, Floats] = {
        "referrals": first_year,
        "waiting_list": np.zeros(1),
        "visits_a_day": np.full(1, float(visits_a_day)),
        **{name: funnel.people[name][:, at] for name in _PEOPLE},
    }
    rows = []
    for what, draws in modelled.items():
        value = own.a_month if what == "referrals" else getattr(own, what)
        if value is None or np.isnan(value):
            continue
        median, low, high = np.quantile(draws, tails)
        unit = "referrals a month" if what == "referrals" else OWN[what][0]
        rows.append((what, unit, float(value), median, low, high, bool(low <= value <= high)))
    return pd.DataFrame(rows, columns=["what", "unit", "own", "modelled", "low", "high", "inside"])

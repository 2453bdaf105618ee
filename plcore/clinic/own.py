"""A planner's own numbers: what was counted at the clinic, in place of what the model expects.

They come from a CSV file of four columns: what, month, value, note. Referrals are given by month;
everything else has no month and is given once. `own_template` is such a file to fill in.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from plcore.clinic.demand import WEEKS_A_YEAR, Demand, Funnel
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
#: Of these, the people whom the funnel starts from, the widest group first.
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
            yield (
                place,
                "month",
                f"{_after(before)}, which follows {before}: no month may be missing",
            )


def _nested(rows: Sequence[Row]) -> Iterator[tuple[int, str, str]]:
    given = {str(row["what"]): (place, float(row["value"])) for place, row in enumerate(rows)}
    known = [name for name in _PEOPLE if name in given]
    for wider, narrower in itertools.pairwise(known):
        if given[narrower][1] > given[wider][1]:
            yield given[narrower][0], "value", f"at most {given[wider][1]:g}, the {wider}"


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
    """What a planner has counted; what is left out stays as modelled.

    Attributes
    ----------
    first_month : str
        The month of the first of `referrals`, such as 2026-01; empty without referrals.
    referrals : tuple of int
        New patients referred in each month, without a gap.
    waiting_list : int, optional
        People who wait on the first day.
    visits_a_day : int, optional
        Visits that can be booked on an open day.
    residents, limb_loss, plp : float, optional
        People of the catchment: all residents, those who live with limb loss, and those with
        phantom limb pain.
    """

    first_month: str = ""
    referrals: tuple[int, ...] = ()
    waiting_list: int | None = None
    visits_a_day: int | None = None
    residents: float | None = None
    limb_loss: float | None = None
    plp: float | None = None

    @property
    def per_month(self) -> float:
        """Mean referrals a month; NaN without referrals."""
        return float(np.mean(self.referrals)) if self.referrals else np.nan


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
    rows = [
        ("referrals", month, value, f"{OWN['referrals'][0]}; a row for each month")
        for month, value in (("2026-01", 6), ("2026-02", 4), ("2026-03", 7))
    ]
    rows += [
        (what, "", value, f"{OWN[what][0]}; takes the place of {OWN[what][1]}")
        for what, value in examples.items()
    ]
    columns = [column.name for column in TABLE.columns]
    return pd.DataFrame(rows, columns=columns).to_csv(index=False, lineterminator="\n")


def read_own(path: Path) -> OwnNumbers:
    """A planner's own numbers from a file like that of `own_template`.

    Parameters
    ----------
    path : Path
        A CSV file in UTF-8. Rows may be left out.

    Raises
    ------
    ValueError
        With every fault of the file, by line, column and value.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "own.csv"
    >>> _ = path.write_text(own_template())
    >>> read_own(path).referrals
    (6, 4, 7)
    """
    table = read_table(Path(path), replace(TABLE, file=Path(path).name))
    monthly = table[table["what"] == "referrals"].sort_values("month")
    rest = table[table["what"] != "referrals"]
    counts: dict[str, Any] = {
        what: float(value) if what in _PEOPLE else int(value)
        for what, value in zip(rest["what"], rest["value"], strict=True)
    }
    return OwnNumbers(
        first_month=str(monthly["month"].iloc[0]) if len(monthly) else "",
        referrals=tuple(int(value) for value in monthly["value"]),
        **counts,
    )


def with_own_people(people: Outcome, own: OwnNumbers, *, year: int) -> Outcome:
    """The people of an area with the planner's counts of one year in place of the modelled ones.

    In each draw, everybody who belongs to the group counted is multiplied by the same factor in
    every year, so that shares and growth stay as modelled. A count is refused that is larger than
    the wider group in some draw.
    """
    if year not in people.years:
        raise ValueError(
            f"year is {year}; expected one from {people.years[0]} to {people.years[-1]}"
        )
    at = int(np.flatnonzero(people.years == year)[0])
    values = dict(people.values)
    included = {
        "residents": list(values),
        "limb_loss": [name for name in values if name != "residents"],
        "plp": [name for name in values if name.startswith("plp")],
    }
    for name in _PEOPLE:
        counted = getattr(own, name)
        if counted is not None:
            factor = counted / values[name][:, [at]]
            values |= {group: values[group] * factor for group in included[name]}
    for wider, narrower in itertools.pairwise(_PEOPLE):
        most = float(values[wider][:, at].min())
        counted = getattr(own, narrower)
        if counted is not None and counted > most:
            raise ValueError(
                f"{narrower} is {counted:g}; expected at most {most:,.0f}, the least that {wider} "
                f"may be in {year}, or a count of {wider} as well"
            )
    return replace(people, values=values)


def own_per_week(
    own: OwnNumbers, *, n_draws: int, n_weeks: int, seed: int, growth: float = 0.0
) -> Floats:
    """Referrals expected a week in each draw, shape (n_draws, n_weeks), as the counts leave open.

    The rate is drawn from its posterior under Jeffreys' prior, a gamma distribution with half an
    event more than was counted, widened where months vary by more than chance (`overdispersion`).
    `growth` is the share by which referrals rise a year.
    """
    excess = overdispersion(own)
    shape = (sum(own.referrals) + 0.5) / excess
    stream = np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence([seed, 1])))
    per_month = stream.gamma(shape, excess / len(own.referrals), n_draws)
    years = (np.arange(n_weeks) + 0.5) / WEEKS_A_YEAR
    per_week = per_month * 12 / WEEKS_A_YEAR
    return np.asarray(per_week[:, np.newaxis] * (1 + growth) ** years)


def overdispersion(own: OwnNumbers) -> float:
    """Variance over mean of the monthly counts, 1 (that of chance alone) or more.

    From fewer than three months, or none referred, it is 1.
    """
    counts = np.array(own.referrals, dtype=float)
    if len(counts) < 3 or not counts.any():
        return 1.0
    return max(1.0, float(counts.var(ddof=1) / counts.mean()))


def with_uneven_months(per_week: Floats, excess: float, *, n_runs: int, seed: int) -> Floats:
    """Rates of shape (n_draws, n_runs, n_weeks) that vary from month to month as counts did.

    In each run the rate of each month of 365.25 / 12 days is multiplied by a gamma-distributed
    number of mean 1, so that the variance of its count is `excess` times its mean.
    """
    if excess <= 1:
        return per_week[:, np.newaxis]
    stream = np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence([seed, 2])))
    n_draws, n_weeks = per_week.shape
    month = (np.arange(n_weeks) * 12 / WEEKS_A_YEAR).astype(int)
    counted = np.maximum(per_week.mean(axis=1) * WEEKS_A_YEAR / 12, 1e-9)
    shape = np.broadcast_to(
        (counted / (excess - 1))[:, np.newaxis, np.newaxis], (n_draws, n_runs, month[-1] + 1)
    )
    return np.asarray(per_week[:, np.newaxis] * (stream.gamma(shape) / shape)[..., month])


def beside(
    own: OwnNumbers,
    funnel: Funnel,
    demand: Demand,
    *,
    visits_a_day: int,
    level: float = 0.95,
) -> pd.DataFrame:
    """The planner's own numbers beside what the model expects without them, a row for each.

    `funnel` and `demand` are those without the own numbers, `visits_a_day` what chairs, nurses and
    hours hold. Columns: what, unit, own, modelled (median), low, high, and inside: whether the own
    number lies within the limits. Modelled referrals are the monthly mean of the first year.
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
        value = own.per_month if what == "referrals" else getattr(own, what)
        if value is None or np.isnan(value):
            continue
        median, low, high = np.quantile(draws, tails)
        unit = "referrals a month" if what == "referrals" else OWN[what][0]
        rows.append((what, unit, float(value), median, low, high, bool(low <= value <= high)))
    return pd.DataFrame(rows, columns=["what", "unit", "own", "modelled", "low", "high", "inside"])

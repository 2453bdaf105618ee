"""Limb loss and pain in other countries, at the rates of amputation that they publish.

A country's own people and mortality; its printed rate, spread over ages as in the United States so
that it comes to the printed one in the year it is of, and the risk at each age held from then on and
before; all else (first losses among them, survival after a loss, pain) as in the United States.
What the rates count differs more than countries do: it stands beside every number. The intervals
hold what is uncertain of the United States. Rates are printed without an interval, and how far
survival and pain differ elsewhere is not known: the true ones are wider.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from plcore.evidence.data import DATA, cite, read
from plcore.evidence.distributions import Floats
from plcore.evidence.population import Population, areas, read_mortality, read_population
from plcore.inputs import checks_kinds
from plcore.models.limb_loss import (
    KNOTS,
    LEVELS,
    STRATA,
    SURVIVALS,
    discharges_of,
    project_all,
    respond,
    shapes_of,
    with_discharges,
)
from plcore.models.outcome import Outcome
from plcore.models.pain import BANDS, readings
from plcore.scenarios import Scenario
from plcore.simulate.runs import Run

#: Rows of limb_loss_estimates.csv that hold the rate of all amputations of a country, or of one
#: level of them: by label, the row of each level, or of both together ("any").
_RATES: Mapping[str, Mapping[str, str]] = {
    "US, vascular, any level, 1996": {"any": "discharge_rate_dysvascular_1996"},
    "Canada, any level": {"any": "canada_lower"},
    "Canada at the rate of Saskatchewan, any level": {"any": "saskatchewan_lower"},
    "Germany, major only": {"major": "germany_major_2019"},
    "Germany, major and minor": {"major": "germany_major_2019", "minor": "germany_minor_2019"},
}
#: Why the rates that are in the table do not carry a country's count.
_NO_RATE = {
    "AUS": "the rates in the table are of Central Australia alone",
    "GBR": "the rates in the table are of England and of ages 50 to 84 alone",
    "JPN": "the rate in the table is of women alone, 1992-1997",
    "WLD": "the counts in the table are of injuries alone, and another model's",
}


@dataclass(frozen=True, slots=True)
class PublishedRate:
    """A rate of lower-limb amputations that a country publishes.

    Attributes
    ----------
    label : str
        What it is called.
    area : str
        Code of the country (ISO 3166).
    rates : mapping of str to float
        Amputations per person and year, by level ("major", "minor"), or of both together ("any").
    year : int
        The year it is of; of several, that in the middle.
    counted : str
        What was counted, as its rows say.
    seen, source : str
        How the number was seen, and the source as it is cited.
    """

    label: str
    area: str
    rates: Mapping[str, float]
    year: int
    counted: str
    seen: str
    source: str


def published_rates(area: str | None = None, *, folder: Path = DATA) -> tuple[PublishedRate, ...]:
    """The rates that carry a count of people with limb loss: of one country, or all.

    Parameters
    ----------
    area : str, optional
        Code of a country (ISO 3166), such as "DEU".
    folder : Path
        Of the evidence tables.

    Raises
    ------
    ValueError
        If the country has no rate of all its amputations, or no people and mortality, in the data;
        says which.

    Examples
    --------
    >>> [rate.label for rate in published_rates("DEU")]
    ['Germany, major only', 'Germany, major and minor']
    """
    estimates = read("limb_loss_estimates", folder=folder).set_index("estimate")
    rates = [_rate(label, estimates.loc[list(keys.values())], keys, folder)
             for label, keys in _RATES.items()]  # fmt: skip
    if area is None:
        return tuple(rates)
    if area not in areas(folder=folder):
        printed = (estimates.loc[estimates["area"] == area, "unit"] == "per_100000_per_year").any()
        reason = (
            "a rate is printed, but its people and mortality are not in the data"
            if printed
            else "neither a rate nor its people and mortality are in the data"
        )
    else:
        reason = _NO_RATE.get(area, "no rate of amputations is in limb_loss_estimates.csv")
    own = tuple(rate for rate in rates if rate.area == area)
    if not own:
        known = ", ".join(dict.fromkeys(rate.area for rate in rates))
        raise ValueError(f"area is {area!r}: {reason}; expected one of {known}")
    return own


def _rate(label: str, rows: pd.DataFrame, keys: Mapping[str, str], folder: Path) -> PublishedRate:
    rates = dict(zip(keys, (rows["value"].to_numpy(dtype=float) / 1e5).tolist(), strict=True))
    notes = [f" ({note})" if note else "" for note in rows["note"].fillna("")]
    first = rows.iloc[0]
    return PublishedRate(
        label=label,
        area=str(first["area"]),
        rates=rates,
        year=int(first["year"]),
        counted="; ".join(map("".join, zip(rows["stratum"], notes, strict=True))),
        seen=str(first["seen"]),
        source=cite(str(first["source"]).split(";")[0], folder=folder),
    )


def people_elsewhere(
    draws: pd.DataFrame, scenario: Scenario, rate: PublishedRate, *, years: Sequence[int]
) -> Outcome:
    """People living with limb loss, and in pain among them, at the rate a country publishes.

    Parameters
    ----------
    draws : DataFrame
        As for `plcore.models.people_with_pain`.
    scenario : Scenario
        Its choices prevalence_kind, pain_after_minor_loss and hazard_ratio_change are used; of
        incidence_path and dysvascular_factor nothing but how levels and ages mix.
    rate : PublishedRate
        From `published_rates`, or one of your own.
    years : sequence of int
        From 1950 to 2060.

    Returns
    -------
    Outcome
        Values limb_loss, and plp, plp_major_only, plp_all_alike and the severities as of
        `plcore.models.people_with_pain`. Where the rate is of major losses alone, so are all of
        them.

    Raises
    ------
    ValueError
        If the country has no people or mortality in the data, the levels are not known, the rate
        is not above 0, or a year is outside.
    """
    if not rate.rates or not {*rate.rates} <= {"any", *LEVELS} or {"any"} < {*rate.rates}:
        raise ValueError(
            f"rates of {rate.label} are of {', '.join(rate.rates) or 'nothing'}; expected those of "
            "major, of minor, of both, or of any"
        )
    for level, value in rate.rates.items():
        if not 0 < value < 1:
            raise ValueError(
                f"the rate of {rate.label} ({level}) is {value:g}; expected amputations per person "
                "and year, above 0 and below 1"
            )
    folder = scenario.folder
    population = read_population(rate.area, folder=folder)
    mortality = read_mortality(rate.area, folder=folder)
    given = with_discharges(draws, scenario, _discharges(draws, scenario, rate, population))
    shapes = shapes_of(draws, population)
    responses = respond(
        population,
        mortality,
        {name: shapes[name] for name in ("older", "younger")},
        survivals=[SURVIVALS[place] for place in np.unique(given.survival)],
        quantities=tuple(BANDS),
        age_groups=(0,),
    )
    people = project_all(
        responses, given, quantities=tuple(BANDS), by=("year", "level"), causes=["dysvascular"],
        years=years,
    )  # fmt: skip
    everybody = np.asarray(sum(people[band] for band in BANDS)).sum(axis=-1)
    values = {"limb_loss": everybody, **readings(people, draws, scenario)}
    at = np.asarray(years)
    return Outcome(at, values, population.extrapolated[np.isin(population.years, at)])


def _discharges(
    draws: pd.DataFrame, scenario: Scenario, rate: PublishedRate, population: Population
) -> Floats:
    """Discharges at each knot, which come to the printed rate in its year; (n_draws, strata, knots)."""
    mix = discharges_of(draws, scenario)
    shapes = shapes_of(draws, population)
    residents = population.people[rate.year - int(population.years[0])]
    # Amputations per resident of that year if each person of the reference population had one.
    crude = {
        name: float((residents * by_age).sum() / residents.sum()) for name, by_age in shapes.items()
    }
    at_year = np.array([np.interp(rate.year, KNOTS, unit) for unit in np.eye(len(KNOTS))])
    out = np.zeros_like(mix)
    for level, printed in rate.rates.items():
        places = [
            k
            for k, stratum in enumerate(STRATA)
            if stratum.cause == "dysvascular" and level in ("any", stratum.level)
        ]
        shares = mix[:, places] / mix[:, places].sum(axis=1, keepdims=True)
        weights = np.array([crude[STRATA[k].shape] for k in places])
        modelled = np.einsum("dsk,k,s->d", shares, at_year, weights)
        out[:, places] = shares * (printed / modelled)[:, np.newaxis, np.newaxis]
    return out


@checks_kinds
def other_countries(run: Run, *, years: Sequence[int] = (2025, 2030, 2050)) -> pd.DataFrame:
    """People with limb loss and in pain at the rates that countries publish, and what these count.

    Parameters
    ----------
    run : Run
        Of `plcore.models.people_with_pain`, or another that draws all of its parameters.
    years : sequence of int
        For which people are counted, from 1950 to 2060.

    Returns
    -------
    DataFrame
        One row per rate and year: label, area, year, rate (amputations a year per 100,000), of_year;
        residents; per_1000 (people with limb loss per 1000 residents), limb_loss, plp (in pain, at
        the share by level), plp_major_only and plp_all_alike (its bounds), each with _low and _high
        (95% limits); counted, seen and source.

    Examples
    --------
    >>> from plcore.models import people_with_pain
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import run
    >>> table = other_countries(run(people_with_pain, read_scenario(), n_draws=64), years=[2030])
    >>> table["area"].unique().tolist()
    ['USA', 'CAN', 'DEU']
    """
    rows = []
    for rate in published_rates(folder=run.scenario.folder):
        outcome = people_elsewhere(run.draws, run.scenario, rate, years=years)
        population = read_population(rate.area, folder=run.scenario.folder)
        for place, year in enumerate(years):
            residents = float(population.people[year - int(population.years[0])].sum())
            row: dict[str, object] = {
                "label": rate.label,
                "area": rate.area,
                "year": year,
                "rate": 1e5 * sum(rate.rates.values()),
                "of_year": rate.year,
                "residents": residents,
            }
            counts = {"per_1000": outcome.values["limb_loss"] / (residents / 1000)}
            counts |= {name: outcome.values[name] for name in _COUNTS}
            for name, values in counts.items():
                ends = np.quantile(values[:, place], [0.5, 0.025, 0.975])
                row |= dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
            rows.append(row | {"counted": rate.counted, "seen": rate.seen, "source": rate.source})
    return pd.DataFrame(rows)


_COUNTS = ("limb_loss", "plp", "plp_major_only", "plp_all_alike")

"""The calibrated cohort model against published numbers that it was not calibrated to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from plcore.evidence.data import DATA, cite, read
from plcore.evidence.distributions import Floats
from plcore.models.limb_loss import (
    dead_since_loss,
    inputs,
    people_and_mortality,
    people_per_1000,
    people_with_limb_loss,
    project,
    responses_of,
)
from plcore.scenarios import read_scenario
from plcore.simulate.fit import under
from plcore.simulate.runs import Run

#: Rows of limb_loss_estimates.csv and what the model gives for each, in the unit of the row.
_CHECKS = {
    "zg2008_total_2050": "People with limb loss in 2050",
    "zg2008_change_10_percent_lower_2050": "Change by 2050 if dysvascular incidence were 10% lower",
    "nhis1996_total": "People with limb loss in 1996",
    "rivera2024_total": "People with limb loss in 2024",
    "avalere2024_total": "People with limb loss in 2024",
    "avalere2024_share_65_plus": "Share aged 65 and over, 2020",
    "avalere2024_share_45_64": "Share aged 45 to 64, 2020",
    "discharges_1988_1996": "Discharges a year, mean of 1988-1996",
    "dead_major_1_years": "Dead 1 year after a vascular loss; observed after major loss only",
    "dead_major_2_years": "Dead after 2 years; observed after major loss only",
    "dead_major_3_years": "Dead after 3 years; observed after major loss only",
    "dead_major_5_years": "Dead after 5 years; observed after major loss only",
    "dead_major_10_years": "Dead after 10 years; observed after major loss only",
    "dead_minor_1_years": "Dead after 1 year; observed after minor loss only",
    "dead_minor_5_years": "Dead after 5 years; observed after minor loss only",
}
_YEARS_SINCE = (1, 2, 3, 5, 10)


def published_checks(posterior: Run, *, folder: Path = DATA) -> pd.DataFrame:
    """Published numbers beside the model's intervals, also where they disagree.

    Parameters
    ----------
    posterior : Run
        A calibrated run of `people_with_limb_loss`.
    folder : Path
        Of the evidence tables.

    Returns
    -------
    DataFrame
        A row a published number that the model was not calibrated to: estimate, check, observed,
        median, low, high (the model's 95% interval, in the unit of the observation), within
        (whether the observation lies in it), source, seen and note.

    Examples
    --------
    >>> from plcore.models import people_with_limb_loss
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import calibrate
    >>> scenario = read_scenario(choices={"first_year": 2005, "last_year": 2050})
    >>> posterior = calibrate(people_with_limb_loss, scenario, n_prior=2**14).posterior
    >>> table = published_checks(posterior).set_index("estimate")
    >>> float(table.loc["zg2008_total_2050", "observed"])
    3600000.0
    """
    estimates = read("limb_loss_estimates", folder=folder).set_index("estimate")
    modelled = _modelled(posterior)
    rows = []
    for key, label in _CHECKS.items():
        row = estimates.loc[key].to_dict()
        median, low, high = np.quantile(modelled[key], [0.5, 0.025, 0.975])
        rows.append(
            {
                "estimate": key,
                "check": label,
                "observed": row["value"],
                "median": median,
                "low": low,
                "high": high,
                "within": bool(low <= row["value"] <= high),
                "source": cite(row["source"].split(";")[0], seen=row["seen"], folder=folder),
                "seen": row["seen"],
                "note": row["note"],
            }
        )
    return pd.DataFrame(rows)


def _modelled(posterior: Run) -> dict[str, Floats]:
    draws, scenario = posterior.draws, posterior.scenario
    population, mortality = people_and_mortality(scenario)
    responses = responses_of(
        draws, scenario, population, mortality, quantities=("people", "new_cases")
    )
    given = inputs(draws)
    total = {
        year: project(responses, given, years=[year])[:, 0] for year in (1996, 2020, 2024, 2050)
    }
    by_age = project(responses, given, by=("year", "age_group"), years=[2020])[:, 0]
    lower = under(
        posterior,
        people_with_limb_loss,
        read_scenario("dysvascular_minus_10", choices={"first_year": 2050, "last_year": 2050}),
    )
    new = project(
        responses, given, quantity="new_cases", by=("year", "cause"), years=range(1988, 1997)
    ).mean(axis=1)
    first = np.column_stack(
        [draws["dysvascular_first_share"], draws["trauma_first_share"], np.ones(len(draws))]
    )
    dead = dead_since_loss(draws, scenario, year=2005, years_since=_YEARS_SINCE)
    mortality_since = {
        f"dead_{level}_{years}_years": dead[:, i]
        for level in ("major", "minor")
        for i, years in enumerate(_YEARS_SINCE)
    }
    return mortality_since | {
        "zg2008_total_2050": total[2050],
        "zg2008_change_10_percent_lower_2050": lower.outcome.values["limb_loss"][:, 0]
        - total[2050],
        "nhis1996_total": total[1996],
        "rivera2024_total": total[2024],
        "avalere2024_total": total[2024],
        "avalere2024_share_65_plus": by_age[:, 3:].sum(axis=1) / total[2020],
        "avalere2024_share_45_64": by_age[:, 2] / total[2020],
        "discharges_1988_1996": (new / first).sum(axis=1),
    }


#: Rows of limb_loss_estimates.csv whose rates add up to all amputations of a population.
_RATES = {
    "US, vascular, 1996": ("discharge_rate_dysvascular_1996",),
    "Canada, lower limb": ("canada_lower",),
    "Canada at the rate of Saskatchewan": ("saskatchewan_lower",),
    "Germany, lower limb, major only, 2019": ("germany_major_2019",),
    "Germany, lower limb with toes, 2019": ("germany_major_2019", "germany_minor_2019"),
}


def other_countries(posterior: Run, *, year: int = 2025, folder: Path = DATA) -> pd.DataFrame:
    """People with limb loss per 1000 residents of other countries, at the rates they publish.

    Parameters
    ----------
    posterior : Run
        A calibrated run of `people_with_limb_loss`.
    year : int
        For which people are counted.
    folder : Path
        Of the evidence tables.

    Returns
    -------
    DataFrame
        A row a published rate: label, area, rate (amputations a year per 100,000), value (median
        of people with limb loss per 1000 residents), low, high (95% interval), seen and source.

    Examples
    --------
    >>> from plcore.models import people_with_limb_loss
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import calibrate
    >>> scenario = read_scenario(choices={"first_year": 2005, "last_year": 2050})
    >>> posterior = calibrate(people_with_limb_loss, scenario, n_prior=2**14).posterior
    >>> len(other_countries(posterior))
    5
    """
    estimates = read("limb_loss_estimates", folder=folder).set_index("estimate")
    rows = []
    for label, keys in _RATES.items():
        used = estimates.loc[list(keys)]
        area, rate = str(used["area"].iloc[0]), float(used["value"].sum())
        people = people_per_1000(
            posterior.draws, posterior.scenario, area=area, rate=rate, year=year
        )
        median, low, high = np.quantile(people, [0.5, 0.025, 0.975])
        rows.append(
            {
                "label": label,
                "area": area,
                "rate": rate,
                "value": median,
                "low": low,
                "high": high,
                "seen": str(used["seen"].iloc[0]),
                "source": cite(str(used["source"].iloc[0]).split(";")[0], folder=folder),
            }
        )
    return pd.DataFrame(rows)

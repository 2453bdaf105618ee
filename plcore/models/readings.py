"""Three readings of one published pair: as clinics claim it, corrected, and from the evidence.

Clinic pages print 1.6 million (2005) and 3.6 million (2050) as the people with phantom limb pain.
Their source counted people living with limb loss. The three readings are

- as claimed: all of them have phantom limb pain;
- source-corrected: they have lost a limb, and the pages' own 60-85% of them have the pain;
- evidence-based: they have lost a limb, and the share in pain is pooled from the studies.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from plcore.evidence.distributions import Floats
from plcore.models import anchored
from plcore.models.outcome import Outcome
from plcore.scenarios import Scenario

FIRST_YEAR, LAST_YEAR = 2005, 2050


def three_readings(draws: pd.DataFrame, scenario: Scenario) -> Outcome:
    """People with limb loss, and with phantom limb pain under each reading.

    Parameters
    ----------
    draws : DataFrame
        Columns limb_loss_2005, limb_loss_2050, limb_loss_ceiling (people), plp_share_claimed and
        plp_prevalence (shares).
    scenario : Scenario
        Choices growth, first_year, last_year and extrapolate.

    Returns
    -------
    Outcome
        Values limb_loss, plp_as_claimed, plp_source_corrected and plp_evidence_based, in people.

    Raises
    ------
    ValueError
        If a year lies outside 2005-2050 and the scenario does not ask for extrapolation.
    """
    years = scenario.years
    anchors = anchored.Anchors(
        FIRST_YEAR,
        _column(draws, "limb_loss_2005"),
        LAST_YEAR,
        _column(draws, "limb_loss_2050"),
    )
    outside = anchored.is_extrapolated(years, anchors)
    if outside.any() and not scenario.choices["extrapolate"]:
        raise ValueError(
            f"{scenario.name}: {years[outside][0]} lies outside {FIRST_YEAR}-{LAST_YEAR}; "
            "expected years within, or extrapolate = true"
        )
    limb_loss = _along(str(scenario.choices["growth"]), years, anchors, draws)
    return Outcome(
        years,
        {
            "limb_loss": limb_loss,
            "plp_as_claimed": limb_loss,
            "plp_source_corrected": limb_loss * _column(draws, "plp_share_claimed"),
            "plp_evidence_based": limb_loss * _column(draws, "plp_prevalence"),
        },
        outside,
    )


def _along(
    growth: str, years: np.ndarray, anchors: anchored.Anchors, draws: pd.DataFrame
) -> Floats:
    if growth == "logistic":
        return anchored.logistic(years, anchors, ceiling=_column(draws, "limb_loss_ceiling"))
    paths = {
        "constant_rate": anchored.constant_rate,
        "straight_line": anchored.straight_line,
    }
    return paths[growth](years, anchors)


def _column(draws: pd.DataFrame, name: str) -> Floats:
    return draws[name].to_numpy()[:, np.newaxis]


def implications(draws: pd.DataFrame, *, population: float) -> pd.DataFrame:
    """What the published pair implies, with the range that its rounding leaves.

    Parameters
    ----------
    draws : DataFrame
        Columns limb_loss_2005 and limb_loss_2050, in people.
    population : float
        People in the United States in 2005.

    Returns
    -------
    DataFrame
        Columns quantity, median, low, high (95% interval over the draws) and unit.
    """
    anchors = anchored.Anchors(
        FIRST_YEAR,
        draws["limb_loss_2005"].to_numpy(),
        LAST_YEAR,
        draws["limb_loss_2050"].to_numpy(),
    )
    growth = anchored.growth_per_year(anchors)
    found = {
        ("growth", "% a year"): 100 * growth,
        ("doubling time", "years"): anchored.doubling_time(growth),
        (f"{LAST_YEAR} over {FIRST_YEAR}", "times"): np.asarray(anchors.last) / anchors.first,
        (f"one in ... people, {FIRST_YEAR}", "people"): anchored.one_in(anchors.first, population),
    }
    rows = []
    for (quantity, unit), values in found.items():
        median, low, high = np.quantile(values, [0.5, 0.025, 0.975])
        rows.append((quantity, median, low, high, unit))
    return pd.DataFrame(rows, columns=["quantity", "median", "low", "high", "unit"])

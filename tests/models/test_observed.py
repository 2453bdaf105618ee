"""What the model says of each observation, against the definitions written out in plain loops.

The stocks, the discharges and the dead that they start from have their own tests, in
`test_limb_loss.py`; here it is who is counted: ages, sexes, causes, levels, years and units.
"""

import math
from functools import cache

import numpy as np
import pandas as pd
import pytest

from plcore.analysis.validation import predictable
from plcore.evidence.observations import read_observations
from plcore.models import amputations
from plcore.models.limb_loss import (
    CAUSES,
    KNOTS,
    LEVELS,
    STRATA,
    dead_since_loss,
    discharges_of,
    inputs,
    people_and_mortality,
    project,
    responses_of,
    shapes_of,
)
from plcore.models.observed import lay_out, predict
from plcore.scenarios import read_scenario
from plcore.simulate.synthesis import draws_of

SCENARIO = read_scenario()
DRAWS = draws_of(SCENARIO, 3, seed=11)
ROWS = predictable(read_observations())
PEOPLE, DEATHS = people_and_mortality(SCENARIO)
FIRST = int(PEOPLE.years[0])
SHAPES = shapes_of(DRAWS, PEOPLE)
DISCHARGES = discharges_of(DRAWS, SCENARIO)
AXES = ("year", "age_group", "sex", "cause", "level")
STOCK_YEARS = [1996, 2005, 2018, 2019, 2050, 2060]


@cache
def stock():
    """People by draw, year, age, sex (male, female), cause and level."""
    return project(
        responses_of(
            DRAWS, SCENARIO, PEOPLE, DEATHS, quantities=("people",), age_groups=range(101),
            years=STOCK_YEARS,
        ),
        inputs(DRAWS, SCENARIO), by=AXES, years=STOCK_YEARS,
    )  # fmt: skip


@cache
def predicted():
    return predict(DRAWS, SCENARIO, lay_out(ROWS))


CAUSE_WORDS = {"all": CAUSES, "nontraumatic": ("dysvascular", "cancer")}


def ages_of(row):
    low = 0 if math.isnan(row.age_low) else int(row.age_low)
    high = 100 if math.isnan(row.age_high) else int(row.age_high)
    return range(low, high + 1)


def causes_of(row):
    return CAUSE_WORDS.get(row.cause, (row.cause,))


def levels_of(row):
    return LEVELS if row.loss_level == "all" else (row.loss_level,)


def middle_of(row):
    return 2008 if math.isnan(row.first_year) else int(row.first_year + row.last_year) // 2


def living(i, row, *, ages=None, causes=None):
    """People with limb loss, those of one year."""
    at = STOCK_YEARS.index(middle_of(row))
    total = 0.0
    for age in ages or ages_of(row):
        for sex, name in enumerate(("male", "female")):
            if row.sex in ("any", name):
                for cause in causes or causes_of(row):
                    for level in levels_of(row):
                        total += stock()[i, at, age, sex, CAUSES.index(cause), LEVELS.index(level)]
    return total


def residents(row, year):
    ages = ages_of(row)
    return PEOPLE.people[year - FIRST, :, ages.start : ages.stop].sum()


def losses(i, year, *, ages, causes, levels, emergency=False, times_age=False):
    """Amputations of one year."""
    total = 0.0
    for s, stratum in enumerate(STRATA):
        if stratum.cause not in causes or stratum.level not in levels:
            continue
        rate = np.interp(year, KNOTS, DISCHARGES[i, s])
        if emergency and stratum.cause == "trauma":
            rate *= DRAWS["trauma_first_share"].iloc[i] * DRAWS["trauma_outside_hospitals"].iloc[i]
        for age in ages:
            new = rate * (SHAPES[stratum.shape][:, age] * PEOPLE.people[year - FIRST, :, age]).sum()
            total += new * (age + 0.5) if times_age else new
    return total


def counted(i, row, year, **changes):
    asked = {
        "ages": ages_of(row), "causes": causes_of(row), "levels": levels_of(row),
        "emergency": row.setting == "emergency",
    }  # fmt: skip
    return losses(i, year, **(asked | changes))


def years_of(row):
    return range(int(row.first_year), int(row.last_year) + 1)


def mean_a_year(i, row, **changes):
    return np.mean([counted(i, row, year, **changes) for year in years_of(row)])


def minor_among_losses(i, row):
    both = {"ages": ages_of(row), "causes": ("dysvascular",)}
    year = middle_of(row)
    minor = losses(i, year, levels=("minor",), **both)
    return minor / losses(i, year, levels=LEVELS, **both)


def dead(i, row, level, *, from_age=None):
    start = ages_of(row).start if from_age is None else from_age
    return dead_since_loss(
        DRAWS.iloc[[i]], SCENARIO, cause="trauma" if row.cause == "trauma" else "dysvascular",
        level=level, year=middle_of(row), years_since=round(row.months / 12), from_age=start,
    )[0]  # fmt: skip


def dead_of_both(i, row, **changes):
    minor = minor_among_losses(i, row)
    return minor * dead(i, row, "minor", **changes) + (1 - minor) * dead(i, row, "major", **changes)


def ratio_of_years(i, row):
    first, last = int(row.first_year), int(row.last_year)
    ratio = counted(i, row, last) / counted(i, row, first)
    # Discharges of the whole country, and what is counted in a part of it, are printed per head.
    per_head = row.counts == "discharges" or not (
        row.population == "residents" and row.setting == "inpatient"
    )
    return ratio * residents(row, first) / residents(row, last) if per_head else ratio


def share_of_amputations(i, row):
    if row.loss_level != "all":
        whole = mean_a_year(i, row, levels=LEVELS)
    elif row.cause == "dysvascular":
        whole = mean_a_year(i, row, causes=CAUSES)
    else:
        whole = mean_a_year(i, row, ages=range(101))
    return mean_a_year(i, row) / whole


def age_hazard_ratio(i, row):
    low = 50 if math.isnan(row.age_low) else int(row.age_low)
    ages = np.arange(low, 91)
    hazard = np.log(DEATHS.hazard[middle_of(row) - FIRST].mean(axis=0)[ages])
    slope = ((ages - ages.mean()) * (hazard - hazard.mean())).sum()
    return math.exp(slope / ((ages - ages.mean()) ** 2).sum() - inputs(DRAWS, SCENARIO).gradient[i])


def plain(i, row):
    """One draw's number for one row, in its unit."""
    covered = {"noninstitutional": 0.94, "insured": 0.92}.get(row.population, 1.0)
    whole_span = len(years_of(row)) if "period" in row.unit else 1
    definitions = {
        "people_with_limb_loss": lambda: covered * living(i, row),
        "rate_of_people_with_limb_loss": lambda: (
            1000 * living(i, row) / residents(row, middle_of(row))
        ),
        "share_of_people_with_limb_loss": lambda: living(i, row) / living(i, row, ages=range(101)),
        "ratio_vascular_to_trauma": lambda: (
            living(i, row, causes=("dysvascular",)) / living(i, row, causes=("trauma",))
        ),
        "amputations": lambda: whole_span * mean_a_year(i, row),
        "amputation_rate": lambda: (
            1e5 * mean_a_year(i, row) / np.mean([residents(row, year) for year in years_of(row)])
        ),
        "amputations_ratio_of_years": lambda: ratio_of_years(i, row),
        "share_of_amputations": lambda: share_of_amputations(i, row),
        "share_of_first_losses": lambda: minor_among_losses(i, row),
        "mean_age_at_amputation": lambda: mean_a_year(i, row, times_age=True) / mean_a_year(i, row),
        "dead": lambda: (
            dead_of_both(i, row) if row.loss_level == "all" else dead(i, row, row.loss_level)
        ),
        "alive": lambda: 1 - dead(i, row, "major" if row.loss_level == "all" else row.loss_level),
        "dead_ratio_of_ages": lambda: dead_of_both(i, row) / dead_of_both(i, row, from_age=0),
        "dead_ratio_of_levels": lambda: dead(i, row, "major") / dead(i, row, "minor"),
        "age_hazard_ratio": lambda: age_hazard_ratio(i, row),
        "major_same_leg": lambda: DRAWS["dysvascular_progression"].iloc[i],
        "operations_per_person": lambda: 1 / DRAWS["dysvascular_first_share"].iloc[i],
    }
    return definitions[row.quantity]() * (100 if row.unit == "percent" else 1)


@pytest.mark.parametrize("row", list(ROWS.itertuples()), ids=lambda row: row.observation)
def test_a_row_is_predicted_as_it_is_defined(row):
    expected = [plain(i, row) for i in range(len(DRAWS))]

    np.testing.assert_allclose(predicted()[:, row.Index], expected, rtol=1e-8)


def test_hospital_amputations_of_a_year_are_those_of_the_loops():
    year = {"first_year": 2014, "last_year": 2014}
    outcome = amputations(DRAWS, read_scenario(choices=year))
    values = outcome.values
    assert (outcome.years.tolist(), outcome.extrapolated.tolist()) == ([2014], [False])
    kinds = {
        "amputations": (CAUSES, LEVELS), "nontraumatic": (("dysvascular", "cancer"), LEVELS),
        "traumatic": (("trauma",), LEVELS), "major": (CAUSES, ("major",)),
        "minor": (CAUSES, ("minor",)),
    }  # fmt: skip

    for name, (causes, levels) in kinds.items():
        expected = [
            losses(i, 2014, ages=range(101), causes=causes, levels=levels) for i in range(3)
        ]
        np.testing.assert_allclose(values[name][:, 0], expected, rtol=1e-9)


def test_levels_and_ages_of_the_data_years_are_the_parameters_of_these_years():
    """The minor share and the younger shape are given for 1993 and 2019, and level outside."""
    vascular = [(s.level, s.shape, DISCHARGES[:, k]) for k, s in enumerate(STRATA[:4])]
    knots = {year: KNOTS.index(year) for year in (1950, 1988, 2019, 2060)}
    for year, as_in in ((1950, 1993), (1988, 1993), (2019, 2019), (2060, 2019)):
        at = {(level, shape): by[:, knots[year]] for level, shape, by in vascular}
        minor = at["minor", "older"] + at["minor", "younger"]
        np.testing.assert_allclose(
            minor / sum(at.values()), DRAWS[f"dysvascular_minor_share_{as_in}"], rtol=1e-12
        )
        for level in LEVELS:
            share = at[level, "younger"] / (at[level, "younger"] + at[level, "older"])
            np.testing.assert_allclose(
                share, DRAWS[f"dysvascular_younger_{level}_{as_in}"], rtol=1e-12
            )


def test_a_quantity_that_the_model_does_not_know_is_refused_by_its_row():
    rows = pd.DataFrame(ROWS.iloc[[0]]).assign(quantity="toes")

    with pytest.raises(ValueError, match=r"zg_people_2005: quantity is 'toes', which the model"):
        lay_out(rows)

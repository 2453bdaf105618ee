"""The five reasons against a plain recursion run through every order in which they can enter."""

import itertools
import math

import numpy as np
import pytest

from plcore.analysis.decomposition import CARRIED_OVER, REASONS, decompose, waterfall_table
from plcore.evidence.population import read_mortality, read_population
from plcore.models.limb_loss import KNOTS, flat_shape, inputs, rising_shape
from plcore.scenarios import read_scenario
from plcore.simulate.draws import draw

FIRST, LAST = 2005, 2050
SCENARIO = read_scenario("post_2009_rise", choices={"first_year": FIRST, "last_year": LAST})
DRAWS = draw(SCENARIO.parameters, 3, seed=2)
PARTS = decompose(DRAWS, SCENARIO)


def plain_stock(draws, happened):
    """People with limb loss in 2050 if only some things happen after 2005: a loop over years."""
    population, mortality = read_population("USA"), read_mortality("USA")
    causes = (
        rising_shape(population, mean_age=67, male_ratio=1.9),
        flat_shape(population, male_ratio=4),
        flat_shape(population, male_ratio=1.3),
    )
    given = inputs(draws)
    stock = np.zeros((len(draws), 3, 2, 101))
    for year in [1950] * 300 + list(range(1950, LAST)):
        size_year, age_year, death_year, trend_year = (
            year if reason in happened else min(year, FIRST) for reason in REASONS
        )
        at_age = population.people[age_year - 1950]
        people = at_age / at_age.sum() * population.people[size_year - 1950].sum()
        hazard = mortality.hazard[death_year - 1950]
        for i, c in itertools.product(range(len(draws)), range(3)):
            trend = np.interp(trend_year, KNOTS, given.trend[i, c])
            new = people * causes[c] * given.level[i, c] * trend
            living = stock[i, c] + new * (1 - given.first_year_excess[i, c])
            left = living * np.exp(-given.hazard_ratio[i, c] * hazard)
            stock[i, c, :, 0] = 0
            stock[i, c, :, 1:] = left[:, :-1]
            stock[i, c, :, 100] += left[:, 100]
    return stock.sum(axis=(1, 2, 3))


@pytest.fixture(scope="module")
def stocks():
    subsets = itertools.chain.from_iterable(
        itertools.combinations(REASONS, n) for n in range(len(REASONS) + 1)
    )
    return {frozenset(happened): plain_stock(DRAWS, happened) for happened in subsets}


def test_each_reason_is_its_mean_gain_over_all_orders_of_a_plain_recursion(stocks):
    for reason in REASONS:
        gains = []
        for order in itertools.permutations(REASONS):
            before = frozenset(order[: order.index(reason)])
            gains.append(stocks[before | {reason}] - stocks[before])

        np.testing.assert_allclose(
            PARTS[reason], np.mean(gains, axis=0), rtol=1e-7, atol=1e-9 * PARTS["end"].max()
        )


def test_the_carried_over_stock_is_what_changes_with_2005_held_for_good(stocks):
    np.testing.assert_allclose(PARTS[CARRIED_OVER] + PARTS["start"], stocks[frozenset()], rtol=1e-9)
    np.testing.assert_allclose(PARTS["end"], stocks[frozenset(REASONS)], rtol=1e-9)


def test_the_parts_add_up_to_the_end_in_every_draw():
    total = PARTS["start"] + PARTS[CARRIED_OVER] + PARTS[list(REASONS)].sum(axis=1)

    np.testing.assert_allclose(total, PARTS["end"], rtol=1e-9)


def test_a_constant_trend_adds_nothing_and_a_rising_one_adds_people():
    constant = read_scenario(choices={"first_year": FIRST, "last_year": LAST})
    parts = decompose(draw(constant.parameters, 3, seed=2), constant)

    assert np.all(np.abs(parts["incidence trend"]) < 1e-9 * parts["end"])
    assert np.all(PARTS["incidence trend"] > 0.1 * PARTS["end"])


def test_a_few_years_are_taken_apart_as_well_as_many():
    parts = decompose(DRAWS, SCENARIO, first_year=2009, last_year=2010)
    total = parts["start"] + parts[CARRIED_OVER] + parts[list(REASONS)].sum(axis=1)

    np.testing.assert_allclose(total, parts["end"], rtol=1e-9)
    # The new cases of 2009 are those of its own population: a year later only the deaths differ.
    assert np.all(np.abs(parts["population size"]) < 1e-9 * parts["end"])


@pytest.mark.parametrize(("first", "last"), [(2004, 2050), (2005, 2005), (2005, 2061)])
def test_years_that_cannot_be_taken_apart_are_refused(first, last):
    with pytest.raises(ValueError, match=f"first_year is {first} and last_year {last}; expected"):
        decompose(DRAWS, SCENARIO, first_year=first, last_year=last)


def test_the_steps_of_the_waterfall_are_means_that_add_up():
    table = waterfall_table(PARTS).set_index("label")

    assert list(table["role"]) == ["total", *["step"] * 5, "total"]
    assert list(table.index[[0, -1]]) == ["2005", "2050"]
    assert table["value"].iloc[:-1].sum() == pytest.approx(table.loc["2050", "value"], rel=1e-12)
    assert np.all(table["low"].isna() | (table["low"] <= table["value"]))


def test_a_step_without_spread_has_no_limits():
    same = PARTS.copy()
    same["mortality"] = 5.0

    assert math.isnan(waterfall_table(same).set_index("label").loc["Mortality", "low"])

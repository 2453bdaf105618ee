"""The five reasons against a plain recursion run through every order in which they can enter."""

import itertools
import math
from functools import cache

import numpy as np
import pandas as pd
import pytest

from plcore.analysis.comparison import (
    CARRIED_OVER,
    REASONS,
    decompose,
    from_published,
    waterfall_table,
)
from plcore.analysis.design import Quantity
from plcore.evidence.population import read_mortality, read_population
from plcore.models import people_with_limb_loss
from plcore.models.limb_loss import KNOTS, STRATA, SURVIVALS, inputs, ratio_pattern, shapes_of
from plcore.scenarios import read_scenario
from plcore.simulate import run
from plcore.simulate.synthesis import draws_of

FIRST, LAST = 2024, 2050
SCENARIO = read_scenario("rise_goes_on", choices={"first_year": FIRST, "last_year": LAST})
DRAWS = draws_of(SCENARIO, 2, seed=2)


@cache
def all_parts():
    return decompose(DRAWS, SCENARIO)


def plain_stock(happened):
    """People with limb loss in 2050 if only some things go on after 2024: a loop over years."""
    population, mortality = read_population("USA"), read_mortality("USA")
    shapes, given = shapes_of(DRAWS, population), inputs(DRAWS, SCENARIO)
    survivals = [SURVIVALS[place] for place in given.survival]
    stock = np.zeros((len(DRAWS), len(STRATA), 2, 101))
    for year in [1950] * 150 + list(range(1950, LAST)):
        size_year, age_year, death_year, trend_year = (
            year if reason in happened else min(year, FIRST) for reason in REASONS
        )
        at_age = population.people[age_year - 1950]
        people = at_age / at_age.sum() * population.people[size_year - 1950].sum()
        hazard = mortality.hazard[death_year - 1950]
        for i, (s, stratum) in itertools.product(range(len(DRAWS)), enumerate(STRATA)):
            survival = survivals[i] if stratum.cause == "dysvascular" else (0.0, 0.0)
            # The change of the hazard ratio by year goes on in any case.
            pattern = ratio_pattern(np.array([year]), survival)[0]
            incidence = np.interp(trend_year, KNOTS, given.incidence[i, s])
            new = people * shapes[stratum.shape] * incidence
            m = given.hazard_ratio[i, s] * pattern * hazard
            left = stock[i, s] * np.exp(-m)
            left = left + new * (1 - given.first_year_excess[i, s]) * np.exp(-m / 2)
            stock[i, s, :, 0] = 0
            stock[i, s, :, 1:] = left[:, :-1]
            stock[i, s, :, 100] += left[:, 100]
    return stock.sum(axis=(1, 2, 3))


@pytest.fixture(scope="module")
def stocks():
    subsets = itertools.chain.from_iterable(
        itertools.combinations(REASONS, n) for n in range(len(REASONS) + 1)
    )
    return {frozenset(happened): plain_stock(happened) for happened in subsets}


def test_each_reason_is_its_mean_gain_over_all_orders_of_a_plain_recursion(stocks):
    for reason in REASONS:
        gains = []
        for order in itertools.permutations(REASONS):
            before = frozenset(order[: order.index(reason)])
            gains.append(stocks[before | {reason}] - stocks[before])

        np.testing.assert_allclose(
            all_parts()[reason],
            np.mean(gains, axis=0),
            rtol=1e-7,
            atol=1e-9 * all_parts()["end"].max(),
        )


def test_the_carried_over_stock_is_what_changes_with_the_first_year_held_for_good(stocks):
    np.testing.assert_allclose(
        all_parts()[CARRIED_OVER] + all_parts()["start"], stocks[frozenset()], rtol=1e-9
    )
    np.testing.assert_allclose(all_parts()["end"], stocks[frozenset(REASONS)], rtol=1e-9)


def test_start_and_end_are_the_stocks_of_the_model():
    stock = people_with_limb_loss(DRAWS, SCENARIO).values["limb_loss"]

    np.testing.assert_allclose(all_parts()["start"], stock[:, 0], rtol=1e-9)
    np.testing.assert_allclose(all_parts()["end"], stock[:, -1], rtol=1e-9)


def test_the_parts_add_up_to_the_end_in_every_draw():
    total = (
        all_parts()["start"] + all_parts()[CARRIED_OVER] + all_parts()[list(REASONS)].sum(axis=1)
    )

    np.testing.assert_allclose(total, all_parts()["end"], rtol=1e-9)


def test_incidence_that_is_held_adds_nothing_and_one_that_rises_adds_people():
    held = read_scenario("incidence_held", choices={"first_year": FIRST, "last_year": LAST})
    parts = decompose(DRAWS, held)
    rises = inputs(DRAWS, SCENARIO).incidence[:, 0, -1] > inputs(DRAWS, held).incidence[:, 0, -1]

    assert np.all(np.abs(parts["incidence trend"]) < 1e-9 * parts["end"])
    assert rises.all()
    assert np.all(all_parts()["incidence trend"] > 0.05 * all_parts()["end"])


def test_a_few_years_are_taken_apart_as_well_as_many():
    parts = decompose(DRAWS, SCENARIO, first_year=2010, last_year=2011)
    total = parts["start"] + parts[CARRIED_OVER] + parts[list(REASONS)].sum(axis=1)

    np.testing.assert_allclose(total, parts["end"], rtol=1e-9)
    # The new cases of 2010 are those of its own population: a year later only the deaths differ.
    assert np.all(np.abs(parts["population size"]) < 1e-9 * parts["end"])


@pytest.mark.parametrize(("first", "last"), [(2005, 2050), (2024, 2024), (2024, 2061)])
def test_years_that_cannot_be_taken_apart_are_refused(first, last):
    with pytest.raises(ValueError, match=f"first_year is {first} and last_year {last}; expected"):
        decompose(DRAWS, SCENARIO, first_year=first, last_year=last)


def test_the_steps_of_the_waterfall_are_means_that_add_up():
    table = waterfall_table(all_parts()).set_index("label")

    assert list(table["role"]) == ["total", *["step"] * 5, "total"]
    assert list(table.index) == ["2024", CARRIED_OVER.capitalize(),
                                 *(reason.capitalize() for reason in REASONS), "2050"]  # fmt: skip
    assert table["value"].iloc[:-1].sum() == pytest.approx(table.loc["2050", "value"], rel=1e-12)
    assert np.all(table["low"].isna() | (table["low"] <= table["value"]))


def test_a_step_without_spread_has_no_limits():
    same = all_parts().copy()
    same["mortality"] = 5.0

    assert math.isnan(waterfall_table(same).set_index("label").loc["Mortality", "low"])


def test_the_way_from_the_published_number_ends_at_the_median_and_limits_of_the_last_run():
    choices = {"first_year": 2050, "last_year": 2050}
    runs = {
        title: run(people_with_limb_loss, read_scenario(name, choices=choices), n_draws=64)
        for title, name in (("Another model", "rates_of_1996_held"), ("Incidence", "baseline"))
    }
    table = from_published(3.6e6, runs, Quantity("limb_loss", 2050)).set_index("label")
    ours = runs["Incidence"].outcome.values["limb_loss"]

    assert list(table.index) == ["As published", "Another model", "Incidence", "Our estimate"]
    assert table["value"].iloc[:-1].sum() == pytest.approx(np.median(ours), rel=1e-12)
    assert table.loc["Our estimate", ["low", "high"]].tolist() == pytest.approx(
        np.quantile(ours, [0.025, 0.975]).tolist()
    )
    assert table["low"].iloc[:-1].isna().all()
    with pytest.raises(ValueError, match="no runs; expected one for each step"):
        from_published(3.6e6, {}, Quantity("limb_loss", 2050))


def test_the_limits_of_a_waterfall_leave_out_one_draw_in_forty_on_either_side():
    random = np.random.default_rng(3)
    parts = pd.DataFrame(
        {"start": random.gamma(2, size=400), "mortality": random.gamma(3, size=400)}
    )
    table = waterfall_table(parts)

    for row, name in zip(table.itertuples(), parts, strict=True):
        expected = [np.percentile(parts[name], at) for at in (2.5, 97.5)]
        assert [row.low, row.high] == pytest.approx(expected, rel=1e-12)
        assert row.value == pytest.approx(sum(parts[name]) / 400, rel=1e-12)

"""Monte-Carlo errors: against closed forms, against other seeds, and how often they hold."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from plcore.evidence.parameters import parameter
from plcore.models.outcome import Outcome
from plcore.scenarios import Scenario
from plcore.simulate.draws import latin_hypercube, plain, sobol
from plcore.simulate.precision import (
    NUMBERS,
    draws_needed,
    order_statistic_errors,
    replicated_errors,
)
from plcore.simulate.runs import run
from plcore.simulate.summary import summarise

SD = 0.2
Z = 1.959963984540054
LIMITS = {"value": 1.0, "low": math.exp(-SD * Z), "high": math.exp(SD * Z)}
SCENARIO = Scenario(
    "toy",
    "toy",
    "",
    {"first_year": 2005, "last_year": 2006},
    tuple(
        parameter(name, "ratio", "lognormal", LIMITS, source="assumed", seen="assumed")
        for name in ("first", "second", "third")
    ),
)
#: A product of three lognormals is lognormal, its log SD the root of the sum of squares.
TRUTH = stats.lognorm(SD * math.sqrt(3))


def product(draws, scenario):
    value = draws["first"] * draws["second"] * draws["third"]
    years = scenario.years
    return Outcome(years, {"x": value.to_numpy()[:, None] * [1.0, 1000.0]}, np.zeros(2, dtype=bool))


def true(number):
    return TRUTH.mean() if number == "mean" else float(TRUTH.ppf(NUMBERS[number]))


def first_year(table):
    return table[table["year"] == 2005].set_index("number")


def test_errors_of_independent_draws_are_those_of_the_binomial_in_large_samples():
    """sqrt(p (1 - p) / n) over the density at the quantile (Cramer 1946, 28.5); the mean's s/sqrt n.

    Half the distance of two order statistics varies itself: a seed's error is within a quarter.
    """
    n = 2**16
    table = first_year(order_statistic_errors(run(product, SCENARIO, n_draws=n, sampler=plain)))

    for number, p in NUMBERS.items():
        if p is None:
            expected = TRUTH.std() / math.sqrt(n)
        else:
            expected = math.sqrt(p * (1 - p) / n) / TRUTH.pdf(TRUTH.ppf(p))
        assert table.loc[number, "error"] == pytest.approx(expected, rel=0.25)


def test_errors_of_ten_draws_worked_by_hand():
    """The median of 0 to 9: a Beta(6, 6) has 68% from 0.357 to 0.643, draws 3 and 7 of ten.

    The 97.5% limit: a Beta(10.75, 1.25) from 0.805 to 0.979, draws 8 and 10 (R's qbeta by hand).
    """
    numbers = np.arange(10.0)

    def model(draws, scenario):
        values = np.repeat(np.random.default_rng(1).permutation(numbers)[:, None], 2, axis=1)
        return Outcome(scenario.years, {"x": values}, np.zeros(2, dtype=bool))

    table = first_year(order_statistic_errors(run(model, SCENARIO, n_draws=10, sampler=plain)))

    low, high = stats.beta(6, 6).ppf(stats.norm.cdf([-1, 1])) * 10
    assert (math.floor(low), math.ceil(high)) == (3, 7)
    assert table.loc["median", "error"] == (7 - 3) / 2
    low, high = stats.beta(10.75, 1.25).ppf(stats.norm.cdf([-1, 1])) * 10
    assert (math.floor(low), math.ceil(high)) == (8, 10)
    assert table.loc["high_95", "error"] == (10 - 8) / 2


def test_limits_from_independent_draws_hold_as_often_as_they_say():
    """200 seeds of 1,000 draws; four standard errors of a share of 200 about 95%, plus a little
    width that the next draw outwards adds."""
    hits = dict.fromkeys(NUMBERS, 0)
    for seed in range(200):
        simulated = run(product, SCENARIO, n_draws=1000, seed=seed, sampler=plain)
        table = first_year(order_statistic_errors(simulated))
        for number in NUMBERS:
            row = table.loc[number]
            hits[number] += abs(row["value"] - true(number)) < Z * row["error"]

    slack = 4 * math.sqrt(0.95 * 0.05 / 200)
    assert {n: h for n, h in hits.items() if abs(h / 200 - 0.95) > slack} == {}


@pytest.mark.parametrize("sampler", [sobol, latin_hypercube])
def test_limits_from_replicates_hold_as_often_as_they_say(sampler):
    """60 seeds of 128 draws with 16 replicates: Student's t with 15 degrees of freedom."""
    limit = float(stats.t(15).ppf(0.975))
    hits = dict.fromkeys(NUMBERS, 0)
    for seed in range(60):
        simulated = run(product, SCENARIO, n_draws=128, seed=1000 * seed, sampler=sampler)
        table = first_year(replicated_errors(simulated))
        for number in NUMBERS:
            row = table.loc[number]
            hits[number] += abs(row["value"] - true(number)) < limit * row["error"]

    slack = 4 * math.sqrt(0.95 * 0.05 / 60)
    assert {n: h for n, h in hits.items() if abs(h / 60 - 0.95) > slack} == {}


def test_replicates_have_other_seeds_and_leave_the_value_as_it_is():
    simulated = run(product, SCENARIO, n_draws=64)
    table = replicated_errors(simulated, replicates=2)
    others = [summarise(run(product, SCENARIO, n_draws=64, seed=seed)) for seed in (2, 3)]

    row = first_year(table).loc["median"]
    assert row["value"] == np.median(simulated.outcome.values["x"][:, 0])
    assert row["error"] == np.std([other["median"][0] for other in others], ddof=1)
    assert row["n_draws"] == 64


def test_sobol_draws_have_smaller_errors_than_independent_ones():
    plainly, evenly = (
        first_year(replicated_errors(run(product, SCENARIO, n_draws=512, sampler=sampler)))
        for sampler in (plain, sobol)
    )

    assert (evenly["error"] < plainly["error"]).all()


def test_so_many_draws_give_so_many_digits():
    """The mean, 1.06, with an SD of 0.378: (1.96 x 0.378 / 0.005)^2 is 22 thousand."""
    table = first_year(draws_needed(run(product, SCENARIO, n_draws=2**14, sampler=plain)))

    expected = (Z * TRUTH.std() / 0.005) ** 2
    assert table.loc["mean", "half_digit"] == pytest.approx(0.005)
    assert table.loc["mean", "draws_needed"] == pytest.approx(expected, rel=0.1)


def test_a_digit_more_takes_a_hundred_times_the_independent_draws_whatever_the_unit():
    simulated = run(product, SCENARIO, n_draws=1000, sampler=plain)
    three, four = draws_needed(simulated, digits=3), draws_needed(simulated, digits=4)

    np.testing.assert_allclose(four["draws_needed"] / three["draws_needed"], 100, rtol=0.01)
    by_year = [three.loc[three["year"] == year, "draws_needed"].to_list() for year in (2005, 2006)]
    assert by_year[0] == pytest.approx(by_year[1], abs=1)


def test_sobol_draws_needed_are_a_power_of_two_and_never_fewer_than_tried():
    needed = draws_needed(run(product, SCENARIO, n_draws=1000), digits=2)["draws_needed"]

    assert set(np.log2(needed) % 1) == {0}
    assert needed.min() == 1024


def test_a_number_that_no_seed_changes_needs_no_more_draws():
    def model(draws, scenario):
        values = {"zero": np.zeros((len(draws), 2)), "seven": np.full((len(draws), 2), 7.0)}
        return Outcome(scenario.years, values, np.zeros(2, dtype=bool))

    for sampler in (plain, sobol):
        table = draws_needed(run(model, SCENARIO, n_draws=64, sampler=sampler))
        assert set(table["draws_needed"]) == {64}


def test_errors_are_refused_where_they_would_not_hold():
    evenly = run(product, SCENARIO, n_draws=8)
    with pytest.raises(ValueError, match="toy: the draws are not independent; expected a run with"):
        order_statistic_errors(evenly)
    with pytest.raises(ValueError, match="toy: the draws were taken from those of another run"):
        replicated_errors(replace(evenly, model=None))
    with pytest.raises(ValueError, match="replicates is 1; expected 2 or more"):
        replicated_errors(evenly, replicates=1)
    with pytest.raises(ValueError, match="digits is 0; expected 1 or more"):
        draws_needed(evenly, digits=0)
    with pytest.raises(ValueError, match="1 draw; expected 2 or more"):
        order_statistic_errors(run(product, SCENARIO, n_draws=1, sampler=plain))

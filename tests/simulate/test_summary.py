"""Summaries are the quantiles of the draws; their sampling errors are held against theory."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from plcore.evidence.parameters import parameter
from plcore.models.outcome import Outcome
from plcore.scenarios import Scenario
from plcore.simulate import Run, in_words, interval_table, plain, run, sampling_errors, summarise

SD = 0.2
Z = 1.959963984540054
SCENARIO = Scenario(
    "toy",
    "toy",
    "",
    {"first_year": 2005, "last_year": 2006},
    tuple(
        parameter(
            name, "ratio", "lognormal",
            {"value": 1.0, "low": math.exp(-SD * Z), "high": math.exp(SD * Z)},
            source="assumed", seen="assumed",
        )
        for name in ("first", "second", "third")
    ),
)  # fmt: skip
#: A product of three lognormals is lognormal, its log SD the root of the sum of squares.
TRUTH = stats.lognorm(SD * math.sqrt(3))
NUMBERS = {"median": 0.5, "low_50": 0.25, "high_80": 0.9, "low_95": 0.025, "high_95": 0.975}


def product(draws, scenario):
    value = draws["first"] * draws["second"] * draws["third"]
    years = scenario.years
    return Outcome(years, {"x": value.to_numpy()[:, None] * [1.0, 1000.0]}, np.zeros(2, dtype=bool))


def counted(values):
    """A run whose outcome are the numbers given, in both years."""
    draws = pd.DataFrame({"x": values})
    columns = np.repeat(np.asarray(values, dtype=float)[:, None], 2, axis=1)
    return Run(SCENARIO, 1, draws, Outcome(SCENARIO.years, {"x": columns}, np.array([False, True])))


def test_a_summary_of_0_to_100_by_hand():
    row = summarise(counted(np.arange(101)[::-1])).iloc[1]

    assert row.to_dict() == {
        "scenario": "toy", "outcome": "x", "year": 2006, "mean": 50, "median": 50,
        "low_50": 25, "high_50": 75, "low_80": pytest.approx(10), "high_80": pytest.approx(90),
        "low_95": pytest.approx(2.5), "high_95": pytest.approx(97.5), "extrapolated": True,
    }  # fmt: skip


def test_a_summary_of_nothing_and_errors_of_one_draw_are_refused():
    with pytest.raises(ValueError, match="no runs; expected at least one"):
        summarise()
    with pytest.raises(ValueError, match="toy: 1 draw; expected 2 or more"):
        sampling_errors(counted([1]))


def test_errors_of_independent_draws_are_those_of_the_binomial_in_large_samples():
    """sqrt(p (1 - p) / n) over the density at the quantile (Cramer 1946, 28.5); the mean's s/sqrt n.

    Half the distance of two order statistics varies itself: a seed's error is within a quarter.
    """
    n = 2**16
    errors = sampling_errors(run(product, SCENARIO, n_draws=n, sampler=plain)).iloc[0]

    assert errors["mean"] == pytest.approx(TRUTH.std() / math.sqrt(n), rel=0.05)
    for name, p in NUMBERS.items():
        expected = math.sqrt(p * (1 - p) / n) / TRUTH.pdf(TRUTH.ppf(p))
        assert errors[name] == pytest.approx(expected, rel=0.25)


def test_errors_of_ten_draws_by_hand():
    """The median of 0 to 9: a Beta(6, 6) has 68% from 0.357 to 0.643, draws 3 and 7 of ten.

    The 97.5% limit: a Beta(10.75, 1.25) from 0.805 to 0.979, draws 8 and 10 (R's qbeta by hand).
    """
    errors = sampling_errors(counted(np.random.default_rng(1).permutation(10))).iloc[0]

    assert errors["median"] == (6 - 2) / 2
    assert errors["high_95"] == (9 - 7) / 2


def test_errors_of_sobol_draws_are_no_more_than_said():
    """The spread over 40 seeds, known to within 11%, against what one run says of itself."""
    runs = [run(product, SCENARIO, n_draws=512, seed=seed) for seed in range(40)]
    spread = pd.concat([summarise(one).iloc[[0]] for one in runs]).std(numeric_only=True)
    said = pd.concat([sampling_errors(one).iloc[[0]] for one in runs]).mean(numeric_only=True)

    assert spread["mean"] < 0.2 * said["mean"]
    for name in NUMBERS:
        assert spread[name] < said[name]


def test_words_have_the_digits_asked_for_and_replace_the_columns():
    table = pd.DataFrame({"what": ["x"], "v": [2_561_234.0], "lo": [0.0], "hi": [3_000_000.0]})
    worded = in_words(table, {"v": ("v", "lo", "hi")}, scale=1e6)

    assert worded.to_dict("records") == [{"what": "x", "v": "2.56 (0 to 3.00)"}]


def test_a_table_of_intervals_is_of_one_scenario_and_of_years_that_are_there():
    table = summarise(counted(np.arange(101)))

    for scale, words in (
        (1, "50.0 (2.5 to 97.5)"),
        (10, "5.00 (0.25 to 9.75)"),
        (0.1, "500 (25 to 975)"),
    ):
        cells = interval_table(table, years=[2006], labels={"x": "All"}, scale=scale)
        assert cells.to_dict("records") == [{"Reading": "All", "2006": words}]
    with pytest.raises(ValueError, match="no x in 2007; expected an outcome and year of a run"):
        interval_table(table, years=[2007], labels={"x": "All"})
    two = pd.concat([table, table.assign(scenario="other")])
    with pytest.raises(ValueError, match="scenarios other, toy; expected the table of one"):
        interval_table(two, years=[2006], labels={"x": "All"})

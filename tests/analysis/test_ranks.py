"""Partial rank correlations: another package's numbers, closed forms, what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as each
from hypothesis import settings
from hypothesis import strategies as st
from scipy import stats
from sensitivity_models import PEERS, Y, model, normal, scenario

from plcore.analysis.design import Quantity
from plcore.analysis.global_sensitivity import partial_rank_correlations
from plcore.evidence.parameters import Correlation
from plcore.models import people_with_pain
from plcore.scenarios import read_scenario
from plcore.simulate.draws import plain
from plcore.simulate.runs import Run, run

PEER = PEERS["ranks"]
NAMES = ["a", "b", "c"]


def by_name(table):
    return table.set_index("parameter").sort_index()


def run_of(draws, y):
    """A run with these draws and answers."""
    world = scenario(*map(normal, draws.columns))
    return Run(world, 1, draws, model(lambda _: y)(draws, world))


def peers_run():
    draws = pd.DataFrame({name: PEER["draws"][name] for name in NAMES})
    return run_of(draws, np.array(PEER["draws"]["y"]))


def residual_correlation(draws, y, name):
    """By definition: what the others leave of the ranks of one and of the answer, correlated."""
    ranks = draws.rank()
    others = np.column_stack([np.ones(len(draws)), ranks.drop(columns=name)])
    left = [
        values - others @ np.linalg.lstsq(others, values, rcond=None)[0]
        for values in (ranks[name].to_numpy(), stats.rankdata(y))
    ]
    return np.corrcoef(*left)[0, 1]


def test_pingouin_gives_the_same_partial_rank_correlations():
    found = by_name(partial_rank_correlations(peers_run(), Y))

    # A sample with ties and correlated parameters.
    np.testing.assert_allclose(found["prcc"], PEER["partial_spearman"], rtol=1e-9)


@settings(max_examples=25, deadline=None)
@each(st.integers(0, 10**6), st.integers(20, 80))
def test_the_correlation_is_that_of_what_the_others_leave(seed, n):
    stream = np.random.default_rng(seed)
    draws = pd.DataFrame(stream.normal(size=(n, 3)), columns=NAMES)
    y = draws["a"] ** 3 - draws["b"] + stream.normal(size=n)
    found = by_name(partial_rank_correlations(run_of(draws, y), Y))["prcc"]

    for name in NAMES:
        assert found[name] == pytest.approx(residual_correlation(draws, y, name), abs=1e-9)


@settings(max_examples=20, deadline=None)
@each(st.permutations(NAMES), st.floats(0.1, 3))
def test_the_order_of_parameters_and_a_rising_function_of_the_answer_change_nothing(order, power):
    stream = np.random.default_rng(7)
    draws = pd.DataFrame(stream.normal(size=(60, 3)), columns=NAMES)
    y = draws["a"] - draws["b"] * draws["c"]
    before = by_name(partial_rank_correlations(run_of(draws, y), Y))
    after = by_name(partial_rank_correlations(run_of(draws[order], np.exp(power * y)), Y))

    pd.testing.assert_frame_equal(after, before, rtol=1e-9)


def of_normal_numbers(covariance):
    """Partial rank correlations of normal numbers with the last of them, given all others.

    For normal numbers with correlation r that of ranks is 6/pi asin(r/2) (Pearson 1907); the
    partial ones follow from the inverse of the matrix.
    """
    sd = np.sqrt(np.diag(covariance))
    inverse = np.linalg.inv(6 / np.pi * np.arcsin(covariance / np.outer(sd, sd) / 2))
    return -inverse[:-1, -1] / np.sqrt(np.diag(inverse)[:-1] * inverse[-1, -1])


def test_intervals_hold_the_correlation_of_the_population_as_often_as_they_say():
    covariance = np.array([[1, 0.3, 0.6], [0.3, 1, 0.5], [0.6, 0.5, 1]])
    truth = of_normal_numbers(covariance)
    stream = np.random.default_rng(11)
    hits = []
    for _ in range(400):
        x = stream.multivariate_normal(np.zeros(3), covariance, size=60)
        draws = pd.DataFrame(x[:, :2], columns=["a", "b"])
        found = by_name(partial_rank_correlations(run_of(draws, x[:, 2]), Y))
        hits.append((found["low"] <= truth) & (truth <= found["high"]))

    # 95%, four standard errors of 400 repetitions.
    np.testing.assert_allclose(np.mean(hits, axis=0), 0.95, atol=0.044)


def test_an_answer_that_rises_with_its_only_parameter_has_a_correlation_of_one():
    draws = pd.DataFrame({"a": np.arange(30.0)})
    found = partial_rank_correlations(run_of(draws, np.exp(-draws["a"] / 9)), Y)

    assert found[["prcc", "low", "high"]].iloc[0].to_list() == [-1, -1, -1]


def test_a_parabola_has_no_correlation_though_it_is_all_there_is():
    world = scenario(normal("a"), normal("b"))
    made = run(model(lambda draws: draws["a"] ** 2), world, n_draws=4096, sampler=plain)

    # Four standard errors of 4,096 independent draws.
    assert partial_rank_correlations(made, Y)["prcc"].abs().max() < 4 / 64


def test_correlated_parameters_are_distinguished():
    # b does nothing but go along with a.
    links = (Correlation("a", "b", 0.8),)
    world = scenario(normal("a"), normal("b"), normal("c"), correlations=links)
    made = run(model(lambda draws: draws["a"] + draws["c"]), world, n_draws=2048, sampler=plain)
    found = by_name(partial_rank_correlations(made, Y))["prcc"]

    # The ranks of b tell a little of a that its own do not.
    covariance = np.array([[1, 0.8, 0, 1], [0.8, 1, 0, 0.8], [0, 0, 1, 1], [1, 0.8, 1, 2]])
    truth = of_normal_numbers(covariance)
    assert abs(truth[1]) < 0.1
    np.testing.assert_allclose(found, truth, atol=4 / np.sqrt(2048))


def test_the_strongest_come_first_and_a_wider_level_is_wider():
    narrow, wide = (partial_rank_correlations(peers_run(), Y, level=each) for each in (0.5, 0.95))

    assert list(narrow["parameter"]) == ["a", "b", "c"]
    assert (wide["low"] < narrow["low"]).all()
    assert (narrow["high"] < wide["high"]).all()


def test_the_pain_model_needs_no_further_runs():
    world = read_scenario("baseline", choices={"first_year": 2050})
    made = run(people_with_pain, world, n_draws=1024)
    found = partial_rank_correlations(made, Quantity("plp", 2050))

    assert found["parameter"][0] == "plp_prevalence_minor"
    assert found["label"][0] == "share in pain after loss of fingers or toes"
    assert "dysvascular_mean_age" not in set(found["parameter"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parameters": ["a", "d"]}, "d is not in the draws; expected one of a, b, c"),
        ({"parameters": ["a", "a"]}, "a is named twice"),
        ({"parameters": []}, "no parameter differs between the draws"),
        ({"level": 1.5}, "level is 1.5; expected a probability"),
    ],
)
def test_what_cannot_be_measured_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        partial_rank_correlations(peers_run(), Y, **options)


def test_draws_that_cannot_tell_are_refused():
    made = peers_run()
    draws = made.draws.assign(still=1.0, twin=2 * made.draws["a"] + 1)
    y = np.array(PEER["draws"]["y"])

    with pytest.raises(ValueError, match=r"still is the same in every draw; expected one of a, b"):
        partial_rank_correlations(run_of(draws, y), Y, parameters=["still"])
    with pytest.raises(ValueError, match=r"combinations of others \(most alike: a and twin\)"):
        partial_rank_correlations(run_of(draws, y), Y)
    with pytest.raises(ValueError, match=r"12 draws of 3 parameters; expected 13 draws or more"):
        partial_rank_correlations(run_of(made.draws[:12], y[:12]), Y)
    with pytest.raises(ValueError, match=r"y in 2031 is 7 in every run"):
        partial_rank_correlations(made, Quantity("y", 2031))
    with pytest.raises(ValueError, match=r"y in 2030 is not finite in every draw"):
        partial_rank_correlations(run_of(made.draws, np.where(y == y[0], np.inf, y)), Y)


def test_limits_are_those_of_bonett_and_wright_for_falling_answers_too():
    stream = np.random.default_rng(5)
    draws = pd.DataFrame(stream.normal(size=(40, 3)), columns=NAMES)
    y = draws["a"] - draws["b"] + stream.normal(size=40)
    found = partial_rank_correlations(run_of(draws, y), Y)

    # Two others are held still.
    margin = 1.959963985 * np.sqrt((1 + found["prcc"] ** 2 / 2) / (40 - 3 - 2))
    assert found["prcc"].min() < -0.3
    for end, sign in (("low", -1), ("high", 1)):
        np.testing.assert_allclose(
            np.arctanh(found[end]), np.arctanh(found["prcc"]) + sign * margin
        )

"""Draws: their marginals, their correlations, and what must not move them."""

import numpy as np
import pytest
from scipy import stats

from plcore.evidence.parameters import Correlation, parameter
from plcore.simulate.draws import draw, plain, sobol

SAMPLERS = [plain, sobol]


def uniform(name):
    return parameter(
        name, "share", "uniform", {"low": 0, "high": 1}, source="assumed", seen="assumed"
    )


def normal(name):
    arguments = {"value": 0, "low": -1.959963984540054, "high": 1.959963984540054}
    return parameter(
        name, "log_change_per_year", "normal", arguments, source="assumed", seen="assumed"
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_each_column_follows_its_distribution(sampler):
    draws = draw([uniform("a"), normal("b")], 4096, seed=0, sampler=sampler)

    # Kolmogorov-Smirnov: far looser than a fault, far tighter than the wrong distribution.
    assert stats.kstest(draws["a"], "uniform").pvalue > 1e-4
    assert stats.kstest(draws["b"], "norm").pvalue > 1e-4


@pytest.mark.parametrize("dimensions", [1, 5, 12])
def test_scrambled_sobol_points_have_one_in_every_slice_of_a_power_of_two(dimensions):
    draws = draw([uniform(f"x{i}") for i in range(dimensions)], 256, seed=11)

    for name in draws:
        assert sorted(np.floor(draws[name] * 256)) == list(range(256))


def test_scrambled_sobol_points_fill_the_boxes_of_the_first_two_dimensions():
    """The first two dimensions are a (0, m, 2)-net: every elementary box of 2**-m holds one."""
    points = draw([uniform("a"), uniform("b")], 64, seed=5).to_numpy()

    for power in range(7):
        boxes = np.floor(points * [2**power, 2 ** (6 - power)]).astype(int)
        assert len({tuple(box) for box in boxes}) == 64


def test_the_mean_over_scrambles_is_the_mean_of_the_distribution():
    means = [draw([uniform("a"), uniform("b")], 2, seed=seed).mean() for seed in range(400)]

    # Two points, one in each half: the standard deviation of their mean is sqrt(1/96) at most.
    assert np.mean(means, axis=0) == pytest.approx(0.5, abs=4 * np.sqrt(1 / 96 / 400))


def test_sobol_integrates_a_smooth_function_better_than_chance():
    names = [f"x{i}" for i in range(6)]
    errors = {}
    for sampler in (plain, sobol):
        means = [np.prod(1 + (sampler(names, 1024, seed) - 0.5), axis=1).mean()
                 for seed in range(20)]  # fmt: skip
        errors[sampler] = np.sqrt(np.mean((np.array(means) - 1) ** 2))

    assert errors[sobol] < errors[plain] / 10


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(sampler):
    parameters = [uniform("a"), normal("b")]
    first = draw(parameters, 500, seed=0, sampler=sampler)

    assert first.equals(draw(parameters, 500, seed=0, sampler=sampler))
    assert not first["a"].equals(draw(parameters, 500, seed=1, sampler=sampler)["a"])


def test_draws_are_pinned_across_versions_and_machines():
    """Pinned from our own output: proves only that nothing moved."""
    draws = draw([uniform("a"), uniform("b")], 2, seed=1)

    assert draws.to_numpy().tolist() == PINNED


PINNED = [[0.49600647343322635, 0.2639701864682138], [0.8631958928890526, 0.7155734826810658]]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_parameter_added_at_the_end_leaves_the_others_alone(sampler):
    two = draw([uniform("a"), normal("b")], 512, seed=4, sampler=sampler)
    three = draw([uniform("a"), normal("b"), uniform("c")], 512, seed=4, sampler=sampler)

    assert three[["a", "b"]].equals(two)


def test_the_order_of_the_parameters_does_not_matter_to_independent_draws():
    one = draw([uniform("a"), normal("b")], 64, seed=4, sampler=plain)
    other = draw([normal("b"), uniform("a")], 64, seed=4, sampler=plain)

    assert one.equals(other[["a", "b"]])


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("rho", [-0.9, 0.6])
def test_correlated_parameters_reach_their_correlation(sampler, rho):
    draws = draw(
        [normal("a"), normal("b"), normal("c")], 4096, seed=2, sampler=sampler,
        correlations=[Correlation("a", "c", rho)],
    )  # fmt: skip

    # Four standard errors of a sample correlation.
    assert np.corrcoef(draws["a"], draws["c"])[0, 1] == pytest.approx(
        rho, abs=4 * (1 - rho**2) / 64 + 0.005
    )
    assert abs(np.corrcoef(draws["a"], draws["b"])[0, 1]) < 4 / 64


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_correlation_reorders_values_and_changes_none(sampler):
    parameters = [uniform("a"), normal("b"), uniform("c")]
    apart = draw(parameters, 256, seed=2, sampler=sampler)
    together = draw(
        parameters, 256, seed=2, sampler=sampler, correlations=[Correlation("a", "b", 0.7)]
    )

    for name in apart:
        assert sorted(apart[name]) == sorted(together[name])
    assert apart["c"].equals(together["c"])


REFUSED = {
    "no parameters": ({"parameters": [], "n": 1, "seed": 0}, "no parameters"),
    "name twice": ({"parameters": ["a", "a"], "n": 1, "seed": 0}, "a given more than once"),
    "no draws": ({"parameters": ["a"], "n": 0, "seed": 0}, "n is 0; expected 1 or more"),
    "negative seed": ({"parameters": ["a"], "n": 1, "seed": -1}, "seed is -1; expected 0 or more"),
    "correlation of a stranger": (
        {"parameters": ["a"], "n": 4, "seed": 0, "correlations": [Correlation("a", "z", 0.5)]},
        "correlation of 'z'; expected one of a",
    ),
    "correlation with itself": (
        {"parameters": ["a", "b"], "n": 4, "seed": 0, "correlations": [Correlation("a", "a", 0.5)]},
        "expected two parameters",
    ),
    "correlation of 1": (
        {"parameters": ["a", "b"], "n": 4, "seed": 0, "correlations": [Correlation("a", "b", 1.0)]},
        "a number between -1 and 1",
    ),
    "correlations that contradict": (
        {"parameters": ["a", "b", "c"], "n": 4, "seed": 0, "correlations": [
            Correlation("a", "b", 0.9), Correlation("b", "c", 0.9), Correlation("a", "c", -0.9)]},
        "cannot all hold at once",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_what_cannot_be_drawn_is_refused(fault):
    arguments, expected = REFUSED[fault]
    arguments = {**arguments, "parameters": [uniform(name) for name in arguments["parameters"]]}

    with pytest.raises(ValueError, match=expected):
        draw(**arguments)


@pytest.mark.parametrize("sampler", [plain, sobol])
def test_names_that_differ_in_a_single_letter_have_luck_of_their_own(sampler):
    names = ["rate_1996", "rate_1997", "sate_1996", "rate_199", "rate_1996 (second set)"]
    # One column at a time, so that a Sobol sequence gives each the same dimension.
    columns = np.column_stack([sampler([name], 1024, 1)[:, 0] for name in names])
    alike = np.corrcoef(columns, rowvar=False)[np.triu_indices(len(names), 1)]

    assert (np.abs(alike) < 0.99).all()
    firsts = columns[0]
    assert len(set(firsts)) == len(names)

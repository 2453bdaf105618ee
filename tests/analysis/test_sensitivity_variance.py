"""Sobol indices: closed forms, other packages, what leaves them as they are, what they refuse."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as each
from hypothesis import settings
from hypothesis import strategies as st
from scipy import stats
from sensitivity_models import (
    ISHIGAMI_FIRST,
    ISHIGAMI_TOTAL,
    PEERS,
    Y,
    fixed,
    g_function,
    g_indices,
    ishigami,
    model,
    normal,
    scenario,
    uniform,
)

from plcore.analysis.sensitivity import Answer, indices_of, sobol_indices
from plcore.evidence.parameters import Correlation
from plcore.models.limb_loss import people_with_limb_loss
from plcore.scenarios import read_scenario

NAMES = ["a", "b", "c"]
ISHIGAMI = scenario(*(uniform(name, -np.pi, np.pi) for name in NAMES))
of_ishigami = model(lambda draws: ishigami(draws[NAMES].to_numpy()))


def by_name(table):
    return table.set_index("parameter").sort_index()


def linear(weights):
    return model(lambda draws: sum(w * draws[name] for name, w in weights.items()))


def three_sets(function, points, k):
    """Answers for A, B and A with each column from B; points has 2 k columns."""
    a, b = points[:, :k], points[:, k:]
    mixed = [np.where(np.arange(k) == j, b, a) for j in range(k)]
    return function(a), function(b), np.array([function(x) for x in mixed])


# Closed forms


def test_indices_of_the_ishigami_function_miss_the_analytic_ones_by_no_more_than_scipys():
    found = [
        by_name(sobol_indices(of_ishigami, ISHIGAMI, Y, seed=seed, resamples=20))
        for seed in range(30)
    ]
    first, total = (
        np.sqrt(np.mean([(each[name] - truth) ** 2 for each in found]))
        for name, truth in (("first", ISHIGAMI_FIRST), ("total", ISHIGAMI_TOTAL))
    )

    # SciPy 1.17 over 150 scramblings of 4,096 points: 0.0037 and 0.0026 (ours there: 0.0035 and
    # 0.0022); 30 of them leave a quarter of chance. Independent points miss by 0.014.
    assert first < 1.25 * 0.0037
    assert total < 1.25 * 0.0026


def test_indices_of_the_g_function_approach_the_analytic_ones():
    names = [f"x{i}" for i in range(8)]
    g = model(lambda draws: g_function(draws[names].to_numpy()))
    found = sobol_indices(g, scenario(*map(uniform, names)), Y, resamples=20)
    first, total = g_indices()

    np.testing.assert_allclose(by_name(found)["first"], first, atol=0.01)
    np.testing.assert_allclose(by_name(found)["total"], total, atol=0.01)


def test_intervals_of_independent_points_hold_the_analytic_index_as_often_as_they_say():
    stream = np.random.default_rng(5)
    hits = []
    for seed in range(250):
        points = stream.uniform(-np.pi, np.pi, size=(512, 6))
        found = indices_of(*three_sets(ishigami, points, 3), resamples=200, seed=seed)
        for name, truth in (("first", ISHIGAMI_FIRST), ("total", ISHIGAMI_TOTAL)):
            hits.append((found[f"{name}_low"] <= truth) & (truth <= found[f"{name}_high"]))

    # 95%, four standard errors of 250 repetitions, and a point for the percentile method.
    assert 0.885 < np.mean(hits[0::2]) < 0.99
    assert 0.885 < np.mean(hits[1::2]) < 0.99


def test_intervals_of_sobol_points_hold_the_analytic_index_at_least_as_often():
    hits = []
    for seed in range(40):
        found = by_name(
            sobol_indices(of_ishigami, ISHIGAMI, Y, n_base=512, seed=seed, resamples=100)
        )
        for name, truth in (("first", ISHIGAMI_FIRST), ("total", ISHIGAMI_TOTAL)):
            hits.append((found[f"{name}_low"] <= truth) & (truth <= found[f"{name}_high"]))

    assert np.mean(hits) > 0.93


def test_a_linear_gaussian_model_has_shares_of_its_squared_slopes_times_sds():
    world = scenario(normal("a", 3, 1), normal("b", -1, 0.5), normal("c", 0, 0.2))
    found = by_name(sobol_indices(linear({"a": 1, "b": 2, "c": 3}), world, Y, resamples=20))
    expected = np.array([1, 1, 0.36]) / 2.36

    # Four times the root mean squared errors over 150 scramblings (0.0005 and 0.0003).
    np.testing.assert_allclose(found["first"], expected, atol=0.002)
    np.testing.assert_allclose(found["total"], expected, atol=0.0012)


@settings(max_examples=15, deadline=None, derandomize=True)
@each(
    slopes=st.lists(st.floats(-2, 2), min_size=3, max_size=3),
    pairs=st.lists(st.floats(-1, 1), min_size=3, max_size=3),
)
def test_a_model_with_interactions_has_the_indices_of_its_terms(slopes, pairs):
    # y = sum c_i x_i + sum d_ij x_i x_j of standard normals: each term's variance is its square.
    slopes = [slopes[0] + 2.5, *slopes[1:]]
    (ab, ac, bc), c = np.square(pairs), np.square(slopes)
    total = c + np.array([ab + ac, ab + bc, ac + bc])
    variance = c.sum() + ab + ac + bc

    def y(draws):
        x = draws[NAMES].to_numpy().T
        both = pairs[0] * x[0] * x[1] + pairs[1] * x[0] * x[2] + pairs[2] * x[1] * x[2]
        return slopes @ x + both

    world = scenario(*map(normal, NAMES))
    found = by_name(sobol_indices(model(y), world, Y, n_base=8192, resamples=20))

    # Four standard errors, were the points independent: the products have heavy tails.
    np.testing.assert_allclose(found["first"], c / variance, atol=0.05)
    np.testing.assert_allclose(found["total"], total / variance, atol=0.08)
    assert found["first"].sum() < 1.05


def test_a_parameter_that_the_model_does_not_read_has_indices_of_nothing():
    world = scenario(normal("a"), normal("b"), normal("unread"))
    found = by_name(sobol_indices(linear({"a": 1, "b": 1}), world, Y, resamples=20))

    assert (found.loc["unread"] == 0).all()


def test_a_group_of_correlated_parameters_has_the_share_of_their_joint_variance():
    # Var(a + b) = 2 + 2 rho with rho = 0.6, and c adds 1.
    world = scenario(*map(normal, NAMES), correlations=(Correlation("a", "b", 0.6),))
    y = linear(dict.fromkeys(NAMES, 1))
    found = by_name(sobol_indices(y, world, Y, groups={"a and b": ["a", "b"]}, resamples=20))

    expected = np.array([3.2, 1.0]) / 4.2
    assert list(found.index) == ["a and b", "c"]
    np.testing.assert_allclose(found["first"], expected, atol=0.004)
    np.testing.assert_allclose(found["total"], expected, atol=0.004)


def test_parameters_that_are_not_named_stay_at_their_medians():
    # y = a b: with b at its median 2 only a is left.
    world = scenario(uniform("a"), uniform("b", 1, 3))
    y = model(lambda draws: draws["a"] * draws["b"])
    found = sobol_indices(y, world, Y, parameters=["a"], resamples=20)

    assert list(found["parameter"]) == ["a"]
    assert found["total"][0] == pytest.approx(1, abs=0.001)


# Other packages


def test_salib_gives_the_same_indices_for_the_same_runs():
    peer = PEERS["sobol"]
    runs = np.reshape(peer["y"], (128, 5)).T  # A, then A with each column of B, then B
    a, ab, b = runs[0], runs[1:4], runs[4]
    found = indices_of(a, b, ab, resamples=20)
    # SALib centres on the mean of all runs, we on that of A and B.
    off = np.mean([a.mean(), b.mean()]) - runs.mean()
    as_salib = found["first"] + off * (ab - a).mean(axis=1) / np.var([a, b])

    np.testing.assert_allclose(as_salib, peer["S1"], rtol=1e-10)
    np.testing.assert_allclose(found["total"], peer["ST"], rtol=1e-12)


def test_scipy_gives_the_same_indices_for_the_same_runs():
    points = np.random.default_rng(3).uniform(-np.pi, np.pi, size=(1024, 6))
    a, b, ab = three_sets(ishigami, points, 3)
    found = indices_of(a, b, ab, resamples=20)
    centre = np.mean([a, b])
    a, b, ab = a - centre, b - centre, ab - centre
    peer = stats.sobol_indices(func={"f_A": a[None], "f_B": b[None], "f_AB": ab[:, None]}, n=1024)

    np.testing.assert_allclose(found["first"], peer.first_order.ravel(), rtol=1e-10)
    np.testing.assert_allclose(found["total"], peer.total_order.ravel(), rtol=1e-10)


# Properties


RUNS = three_sets(ishigami, np.random.default_rng(4).uniform(-np.pi, np.pi, size=(128, 6)), 3)


@settings(max_examples=30, deadline=None)
@each(st.floats(0.01, 1e6) | st.floats(-1e6, -0.01), st.floats(-1e6, 1e6))
def test_another_unit_or_origin_of_the_answer_changes_no_index(scale, shift):
    before = indices_of(*RUNS, resamples=20)
    after = indices_of(*(scale * each + shift for each in RUNS), resamples=20)

    # An origin of 1e6 next to a scale of 0.01 leaves some seven digits.
    np.testing.assert_allclose(after, before, atol=1e-6)


@settings(max_examples=10, deadline=None)
@each(st.permutations(range(3)))
def test_the_order_of_the_parameters_changes_no_index(order):
    a, b, ab = RUNS
    before = indices_of(a, b, ab, resamples=20)
    after = indices_of(a, b, ab[list(order)], resamples=20)

    np.testing.assert_allclose(after, before.iloc[list(order)], rtol=1e-12, atol=1e-15)


def test_the_order_of_the_scenario_changes_no_index_by_more_than_sampling():
    before = sobol_indices(of_ishigami, ISHIGAMI, Y, resamples=20)
    turned = scenario(*reversed(ISHIGAMI.parameters))
    after = sobol_indices(of_ishigami, turned, Y, resamples=20)

    np.testing.assert_allclose(by_name(after)["total"], by_name(before)["total"], atol=0.02)


def test_the_same_seed_gives_the_same_bits_and_zero_is_a_seed():
    first, again, other = (
        sobol_indices(of_ishigami, ISHIGAMI, Y, n_base=64, seed=seed, resamples=20)
        for seed in (0, 0, 1)
    )

    pd.testing.assert_frame_equal(first, again, check_exact=True)
    assert (first["total"] != other["total"]).all()


def test_wider_levels_give_wider_intervals_around_the_estimate():
    narrow, wide = (indices_of(*RUNS, level=level) for level in (0.5, 0.95))

    for name in ("first", "total"):
        assert (wide[f"{name}_low"] < narrow[f"{name}_low"]).all()
        assert (narrow[f"{name}_high"] < wide[f"{name}_high"]).all()
        assert (wide[name].between(wide[f"{name}_low"], wide[f"{name}_high"])).all()


# The models of the package


def test_the_limb_loss_model_is_run_for_all_parameters_but_the_fixed_ones():
    calls = []

    def counted(draws, scenario):
        calls.append(len(draws))
        return people_with_limb_loss(draws, scenario)

    world = read_scenario("baseline", choices={"first_year": 2050})
    found = sobol_indices(counted, world, Answer("limb_loss", 2050), n_base=256, resamples=20)
    names = {item.name for item in world.parameters if item.dist != "fixed"}

    assert set(found["parameter"]) == names
    assert sum(calls) == 256 * (len(names) + 2)
    assert len(calls) == 1
    # Nearly additive; a read parameter leads, one of the clinic's has nothing to do with it.
    assert 0.9 < found["first"].sum() < 1.1
    assert found["parameter"][0] == "dysvascular_first_share"
    assert by_name(found).loc["plp_prevalence", "total"] < 1e-9


# What is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parameters": ["aa"]}, r"no parameter 'aa'; did you mean 'a'\?"),
        ({"parameters": ["fix"]}, "fix is fixed at 3; expected an uncertain parameter"),
        ({"parameters": ["a", "a"]}, "a is named twice; expected it once"),
        ({"parameters": []}, "no uncertain parameter; expected at least one"),
        ({"n_base": 32}, "n_base is 32; expected a power of two, 64 or more"),
        ({"n_base": 1000}, "n_base is 1000; expected a power of two"),
        ({"resamples": 5}, "resamples is 5; expected 20 or more"),
        ({"level": 95}, "level is 95; expected a probability between 0 and 1"),
        ({"groups": {"g": ["a", "fix"]}}, "group 'g' has 'fix'; expected parameters that vary"),
        ({"groups": {"g": ["a"], "h": ["a"]}}, "group 'h' has 'a'; expected .* one group: b"),
        ({"groups": {"b": ["a"]}}, "group 'b' has 1 parameters; expected some, and a name that"),
        ({"seed": -1}, "seed is -1|expected non-negative integer"),
    ],
)
def test_what_cannot_be_analysed_is_refused(options, message):
    world = scenario(normal("a"), normal("b"), fixed("fix", 3.0))

    with pytest.raises(ValueError, match=message):
        sobol_indices(linear({"a": 1, "b": 1}), world, Y, **{"n_base": 64, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "a and b are correlated; expected independent parameters, as Sobol indices"),
        ({"parameters": ["a", "c"]}, "a and b are correlated"),
        ({"groups": {"g": ["a", "c"]}}, "a and b are correlated"),
        ({"groups": {"g": ["a"], "h": ["b"]}}, "a and b are correlated; expected both in one"),
    ],
)
def test_correlated_parameters_are_refused_unless_they_move_as_one_group(options, message):
    world = scenario(*map(normal, NAMES), correlations=(Correlation("a", "b", 0.6),))

    with pytest.raises(ValueError, match=message):
        sobol_indices(linear(dict.fromkeys(NAMES, 1)), world, Y, n_base=64, **options)


def test_correlations_of_parameters_that_do_not_vary_are_no_obstacle():
    links = (Correlation("a", "fix", 0.5), Correlation("b", "c", 0.5))
    world = scenario(*map(normal, NAMES), fixed("fix", 3.0), correlations=links)
    y = linear(dict.fromkeys(NAMES, 1))

    assert len(sobol_indices(y, world, Y, parameters=["a"], n_base=64)) == 1


def test_an_answer_that_never_changes_is_refused():
    with pytest.raises(ValueError, match=r"y in 2031 is 7 in every run; expected an answer that"):
        sobol_indices(of_ishigami, ISHIGAMI, Answer("y", 2031), n_base=64)
    with pytest.raises(ValueError, match=r"f_a and f_b are 1 throughout"):
        indices_of(np.ones(64), np.ones(64), np.ones((2, 64)))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer("z", 2030), "no outcome 'z'; expected one of y"),
        (Answer("y", 2029), "no year 2029; expected one from 2030 to 2031"),
    ],
)
def test_an_answer_that_the_model_does_not_give_is_refused(answer, message):
    with pytest.raises(ValueError, match=message):
        sobol_indices(of_ishigami, ISHIGAMI, answer, n_base=64)


def test_a_number_that_is_not_finite_names_the_draw_and_its_parameters():
    broken = model(lambda draws: np.where(draws.index == 5, np.nan, draws["a"]))

    with pytest.raises(ValueError, match=r"y in 2030 is nan in draw 5; .* parameters: \{'a': "):
        sobol_indices(broken, ISHIGAMI, Y, n_base=64)


@pytest.mark.parametrize(
    ("a", "b", "ab", "message"),
    [
        (np.ones(64), np.ones(63), np.ones((2, 64)), "have shapes"),
        (np.ones(64), np.ones(64), np.ones(64), "have shapes"),
        (np.ones(10), np.ones(10), np.ones((2, 10)), "f_a has 10 answers; expected 64"),
        (np.arange(64), np.full(64, np.inf), np.ones((2, 64)), r"f_b is inf at \(0,\)"),
    ],
)
def test_answers_that_do_not_belong_together_are_refused(a, b, ab, message):
    with pytest.raises(ValueError, match=message):
        indices_of(a, b, ab)

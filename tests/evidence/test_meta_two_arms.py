"""Trials of two arms pooled: metafor's numbers, plain integration, symmetries, empty cells."""

import json
import math
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from plcore.evidence.pooling import (
    exact_odds_ratio,
    inverse_variance,
    mantel_haenszel,
    peto_odds_ratio,
)

REFERENCE = Path(__file__).parents[1] / "reference"
SETS = json.loads((REFERENCE / "metafor_two_arms.json").read_text())["sets"]
mantel_haenszel_odds_ratio = partial(mantel_haenszel, measure="odds ratio")
random_odds_ratio = partial(inverse_variance, measure="odds ratio")
METHODS = {
    "RD": mantel_haenszel,
    "RR": partial(mantel_haenszel, measure="risk ratio"),
    "OR": mantel_haenszel_odds_ratio,
    "peto": peto_odds_ratio,
    "reml_RD": inverse_variance,
    "reml_RR": partial(inverse_variance, measure="risk ratio"),
    "reml_OR": random_odds_ratio,
}
RATIOS = [method for name, method in METHODS.items() if not name.endswith("RD")]


def counts(name):
    return [np.array(SETS[name]["counts"][key], dtype=float) for key in ("a", "n1", "c", "n2")]


def fitted(name, method):
    options = {"knapp_hartung": False} if name.startswith("reml") else {}
    return METHODS[name](*counts(method), **options)


@cache
def fitted_exactly(name):
    return exact_odds_ratio(*counts(name))


def gap(found, expected):
    return abs(found - expected) / (1 + abs(expected))


# Other people's numbers


def test_the_references_hold_what_is_hard():
    shapes = {name: np.array(counts(name)) for name in SETS}

    assert len(SETS) >= 12
    assert sum(table.shape[1] == 2 for table in shapes.values()) >= 2
    empty = [
        name for name, (a, n1, c, n2) in shapes.items() if (a * c * (n1 - a) * (n2 - c) == 0).any()
    ]
    assert len(empty) >= 6
    rare = [
        name for name, (a, n1, c, n2) in shapes.items() if (a + c).sum() / (n1 + n2).sum() < 0.02
    ]
    assert len(rare) >= 2
    assert max(fitted("reml_OR", name).i2 for name in SETS) > 0.85


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("method", METHODS)
def test_metafor_agrees_to_1e6(name, method):
    """rma.mh, rma.peto, and rma (REML, normal limits) of metafor 3.8-1."""
    expected, found = SETS[name][method], fitted(method, name)
    scale = (lambda value: value) if method.endswith("RD") else np.log
    ours = {
        "estimate": scale(found.estimate),
        # Ours stop at -1 and 1.
        "low": scale(found.low),
        "high": scale(found.high),
        "se": found.se,
        "p": found.p,
        "q": found.q,
        "q_p": found.q_p,
        "tau2": found.tau2,
    }
    for key, value in expected.items():
        assert gap(ours[key], value) < 1e-6, key
    assert found.k == len(counts(name)[0])
    assert found.weights.sum() == pytest.approx(1)


WITH_SPREAD = [name for name, found in SETS.items() if found.get("cm_el")]
ROUGH_CURVATURE = ("laopaiboon2015", "unequal_arms", "opposite")
COMMON = [name for name, found in SETS.items() if found.get("cm_el_common", {}).get("se")]


@pytest.mark.parametrize("name", WITH_SPREAD)
def test_metafors_exact_model_agrees_to_1e4(name):
    """rma.glmm(measure = "OR", model = "CM.EL") of metafor 3.8-1, where it ended."""
    expected = SETS[name]["cm_el"]
    found = fitted_exactly(name)

    assert -conditional(name, [math.log(found.estimate), math.sqrt(found.tau2)]) >= (
        expected["loglik"] - 1e-6
    )
    if found.tau2 == 0:
        # metafor works with the logarithm of tau2, which never gets to 0.
        assert expected["tau2"] < 0.01
        return
    assert gap(math.log(found.estimate), expected["estimate"]) < 1e-4
    assert gap(found.tau2, expected["tau2"]) < 1e-4
    if expected["q_lrt"] is not None:
        assert gap(found.q, expected["q_lrt"]) < 1e-4
    # metafor differentiates its integrals numerically, which fails where few trials differ much:
    # there `test_the_standard_error_is_that_of_the_curvature` says whose is right.
    if name not in ROUGH_CURVATURE:
        assert gap(found.se, expected["se"]) < 1e-4


@pytest.mark.parametrize("name", WITH_SPREAD)
def test_the_i2_of_the_exact_model_is_its_spread_beside_that_of_a_typical_trial(name):
    """The typical variance is that of Higgins and Thompson (2002), of trials that tell anything."""
    a, n1, c, n2 = counts(name)
    tells = (a + c > 0) & (a + c < n1 + n2)
    cells = np.array([a, n1 - a, c, n2 - c])[:, tells]
    weights = 1 / (1 / (cells + 0.5 * (cells == 0).any(axis=0))).sum(axis=0)
    total = weights.sum()
    typical = (len(weights) - 1) * total / (total**2 - (weights**2).sum())
    found = fitted_exactly(name)

    assert found.i2 == pytest.approx(found.tau2 / (found.tau2 + typical))


@pytest.mark.parametrize("name", COMMON)
def test_without_spread_the_exact_model_is_metafors_common_one(name):
    """rma.glmm(..., method = "EE"): its optimiser stops within 1e-5 or so."""
    found = fitted_exactly(name)
    if found.tau2 > 0:
        return
    expected = SETS[name]["cm_el_common"]

    assert gap(math.log(found.estimate), expected["estimate"]) < 1e-5
    assert gap(found.se, expected["se"]) < 2e-4


def test_both_kinds_of_exact_fit_were_compared():
    spread = [name for name in WITH_SPREAD if fitted_exactly(name).tau2 > 0]
    common = [name for name in COMMON if fitted_exactly(name).tau2 == 0]

    assert len(spread) >= 4
    assert len(common) >= 6
    assert len({*spread, *common}) >= 12


# The exact model from its definition


def conditional(name, parameters):
    """Minus the log-likelihood of mu and tau, trial by trial, by adaptive integration."""
    mu, tau = parameters
    total = 0.0
    for a, n1, c, n2 in zip(*counts(name), strict=True):
        low, high = int(max(0, a + c - n2)), int(min(n1, a + c))
        if low == high:
            continue
        u = np.arange(low, high + 1)
        ways = stats.hypergeom.logpmf(u, n1 + n2, a + c, n1)

        def density(z, u=u, ways=ways, a=a):
            theta = mu + tau * z
            terms = ways + u * theta
            return math.exp(
                terms[int(a - u[0])] - np.logaddexp.reduce(terms) - z * z / 2
            ) / math.sqrt(2 * math.pi)

        total -= math.log(integrate.quad(density, -9, 9, limit=400, epsabs=0, epsrel=1e-11)[0])
    return total


@pytest.mark.parametrize("name", ["hine1989", "unequal_arms", "zero_cells", "bcg"])
def test_no_other_mean_or_spread_is_likelier(name):
    found = fitted_exactly(name)
    mu, tau = math.log(found.estimate), math.sqrt(found.tau2)
    top = conditional(name, [mu, tau])

    for other in ((mu + 0.01, tau), (mu - 0.01, tau), (mu, tau + 0.01), (mu, abs(tau - 0.01))):
        assert conditional(name, other) >= top - 1e-9


@pytest.mark.parametrize("name", ROUGH_CURVATURE)
def test_the_standard_error_is_that_of_the_curvature(name):
    found = fitted_exactly(name)
    best = np.array([math.log(found.estimate), math.sqrt(found.tau2)])
    h = 1e-3
    hessian = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            e, f = np.eye(2)[i] * h, np.eye(2)[j] * h
            hessian[i, j] = (
                conditional(name, best + e + f) - conditional(name, best + e - f)
                - conditional(name, best - e + f) + conditional(name, best - e - f)
            ) / (4 * h * h)  # fmt: skip

    assert found.se == pytest.approx(math.sqrt(np.linalg.inv(hessian)[0, 0]), rel=2e-4)


def test_one_trial_gives_its_conditional_odds_ratio_and_no_spread():
    # The conditional estimate solves: expected events of arm 1 = events (Fisher 1935).
    found = exact_odds_ratio([7], [12], [2], [14])

    def excess(psi):
        return stats.nchypergeom_fisher.mean(26, 9, 12, psi) - 7

    assert found.estimate == pytest.approx(optimize.brentq(excess, 1, 50), rel=1e-8)
    assert math.isnan(found.tau2)


# Symmetries


@st.composite
def trials(draw):
    k = draw(st.integers(1, 5))
    arms = [draw(st.integers(3, 40)) for _ in range(2 * k)]
    events = [draw(st.integers(1, n - 1)) for n in arms]
    return np.array(events[:k]), np.array(arms[:k]), np.array(events[k:]), np.array(arms[k:])


@settings(max_examples=30, deadline=None)
@given(trials())
def test_arms_that_change_places_turn_the_effect_round(table):
    a, n1, c, n2 = table
    for method in RATIOS:
        there, back = method(a, n1, c, n2), method(c, n2, a, n1)
        assert math.log(there.estimate) == pytest.approx(-math.log(back.estimate), abs=1e-7)
        assert there.se == pytest.approx(back.se, rel=1e-6, nan_ok=True)
    there, back = mantel_haenszel(a, n1, c, n2), mantel_haenszel(c, n2, a, n1)
    assert there.estimate == pytest.approx(-back.estimate)
    assert there.low == pytest.approx(-back.high)


@settings(max_examples=20, deadline=None)
@given(trials())
def test_those_who_do_not_respond_have_the_inverse_odds(table):
    a, n1, c, n2 = table
    for method in (mantel_haenszel_odds_ratio, peto_odds_ratio, exact_odds_ratio):
        one, other = method(a, n1, c, n2), method(n1 - a, n1, n2 - c, n2)
        assert math.log(one.estimate) == pytest.approx(-math.log(other.estimate), abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(trials(), st.integers(3, 30), st.integers(3, 30))
def test_a_trial_in_which_nobody_responds_tells_nothing_of_the_odds(table, m1, m2):
    a, n1, c, n2 = table
    more = [np.append(x, y) for x, y in zip(table, (0, m1, 0, m2), strict=True)]
    for method in (
        mantel_haenszel_odds_ratio,
        peto_odds_ratio,
        random_odds_ratio,
        exact_odds_ratio,
    ):
        one, other = method(a, n1, c, n2), method(*more)
        assert math.log(other.estimate) == pytest.approx(math.log(one.estimate), abs=1e-9)
        assert other.weights[-1] == 0
        assert other.k == one.k + 1


# Empty cells


@pytest.mark.parametrize("method", [*METHODS.values(), exact_odds_ratio])
def test_nobody_and_everybody_give_no_false_certainty(method):
    for events in ([0, 0], [12, 15]):
        found = method(events, [12, 15], events, [12, 15])
        if found.measure == "risk difference":
            assert found.low < -0.05
            assert found.high > 0.05
        else:
            assert (found.low, found.high) == (0, math.inf)
            assert math.isnan(found.se)


def test_an_empty_arm_has_limits_on_one_side_only_where_something_is_known():
    found = mantel_haenszel([0, 0], [20, 30], [6, 9], [20, 30])

    assert found.estimate == pytest.approx(-0.3)
    assert -0.45 < found.low < -0.3 < found.high < -0.1
    assert mantel_haenszel_odds_ratio([0, 0], [20, 30], [6, 9], [20, 30]).estimate == 0
    assert exact_odds_ratio([0, 0], [20, 30], [6, 9], [20, 30]).estimate == 0
    assert exact_odds_ratio([6, 9], [20, 30], [0, 0], [20, 30]).estimate == math.inf


def test_an_effect_prints_its_measure_weights_and_heterogeneity():
    text = str(mantel_haenszel([11, 12], [11, 13], [9, 3], [14, 12]))

    assert text == (
        "risk difference 0.516 (95% interval 0.319 to 0.713), p 2.9e-07; Mantel-Haenszel, k 2, "
        "weights 50%, 50%; tau2 0, I2 68%, Q 3.11 (p 0.078)"
    )


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        (([3, 4], [5, 5], [1, 6], [5, 5]), "arm 2: study 1: events is 6, but it must not exceed n"),
        (([3, 4], [5, 5], [1], [5]), "expected one number of trials"),
        (([3], [0], [1], [5]), "arm 1: study 0: n is 0"),
    ],
)
@pytest.mark.parametrize("method", [mantel_haenszel, exact_odds_ratio])
def test_impossible_counts_are_refused_by_arm_and_trial(arms, message, method):
    with pytest.raises(ValueError, match=message):
        method(*arms)


def test_the_exact_model_counts_whole_people():
    with pytest.raises(ValueError, match=r"trial 1: events_2 is 2.5; expected a whole number"):
        exact_odds_ratio([1, 2], [9, 9], [2, 2.5], [9, 9])


@pytest.mark.parametrize("method", [mantel_haenszel, inverse_variance])
@pytest.mark.parametrize("measure", ["RD", "hazard ratio", "", None])
def test_an_unknown_measure_is_refused(method, measure):
    with pytest.raises(
        ValueError, match=r"expected one of risk difference, risk ratio, odds ratio"
    ):
        method([3], [5], [1], [5], measure=measure)


def test_a_common_effect_is_the_mean_of_the_trials_own_by_its_weights():
    a, n1, c, n2 = np.array([[11, 12, 5], [20, 13, 40], [9, 3, 2], [14, 30, 10]], dtype=float)
    p, q = a / n1, c / n2
    own = {
        "risk difference": p - q,
        "risk ratio": p / q,
        "odds ratio": p / (1 - p) / (q / (1 - q)),
    }

    for measure, effects in own.items():
        found = mantel_haenszel(a, n1, c, n2, measure=measure)
        assert found.estimate == pytest.approx(found.weights @ effects), measure

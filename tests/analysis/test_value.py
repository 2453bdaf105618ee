"""Value of information: closed forms, nested Monte Carlo, properties, and whether the limits hold."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from plcore.analysis import smoothing
from plcore.analysis.smoothing import _restricted, gaussian_process, normal_scores, spline
from plcore.analysis.value import (
    adoption_net_benefit,
    capacity_net_benefit,
    evpi,
    evppi,
    evppi_table,
    evsi,
    narrowing,
    prevalence_study,
    trial_study,
)
from plcore.simulate.draws import sobol

N = 4096


def sampled(n=N, *, names="xy", seed=0):
    values = np.random.default_rng(seed).standard_normal((n, len(names)))
    return pd.DataFrame(values, columns=list(names))


def against_nothing(gain):
    return np.column_stack([np.zeros(len(gain)), gain])


def unit_normal_loss(mean, sd):
    """E max(0, gain) - max(0, E gain) of a normal gain (Raiffa and Schlaifer 1961, section 5.13)."""
    z = mean / sd
    return sd * stats.norm.pdf(z) + mean * stats.norm.cdf(z) - max(mean, 0)


def holds(found, truth):
    return found.low <= truth <= found.high


# Closed forms.


@pytest.mark.parametrize(
    ("b0", "bx", "by", "everything", "x", "y"),
    [
        (0, 1, 0.5, 0.4460310290381928, 0.3989422804014327, 0.19947114020071635),
        (100, 300, 400, 153.44731793163825, 76.27083428972159, 114.53787928943208),
        (-50, 200, 10, 57.365550099162455, 57.26893964471604, 5.346165533833147e-07),
        (1000, 100, 100, 1.4779288903810084e-11, 0.0, 0.0),
    ],
)
def test_the_limits_hold_the_closed_form_of_linear_gaussian_gains(b0, bx, by, everything, x, y):
    draws = sampled(10_000)
    net = against_nothing(b0 + bx * draws["x"] + by * draws["y"])

    assert holds(evpi(net), everything)
    assert holds(evppi(net, draws[["x"]]), x)
    assert holds(evppi(net, draws[["y"]]), y)
    assert holds(evppi(net, draws), everything)


def test_the_worked_example_of_the_r_package_voi_is_met():
    # voi 1.0 vignette (Jackson 2023): p1 ~ N(1, 1), p2 ~ N(0, sd 2); prints EVPI 0.4798107 exactly.
    # EVPPI by the unit normal loss, which the vignette gives by simulation only (0.082, 0.390).
    random = np.random.default_rng(1)
    draws = pd.DataFrame({"p1": random.normal(1, 1, 20_000), "p2": random.normal(0, 2, 20_000)})
    net = against_nothing(draws["p1"] - draws["p2"])

    found = [evpi(net), evppi(net, draws[["p1"]]), evppi(net, draws[["p2"]])]

    truths = [0.4798107, unit_normal_loss(1, 1), unit_normal_loss(1, 2)]
    assert unit_normal_loss(1, np.sqrt(5)) == pytest.approx(truths[0], abs=5e-8)
    for worth, truth in zip(found, truths, strict=True):
        assert holds(worth, truth)
        assert worth.value == pytest.approx(truth, abs=4 * worth.se)


def test_a_curved_gain_is_found_from_one_parameter():
    draws = sampled()
    # E max(0, x^2 - 1) = 2 phi(1); a straight line finds nothing.
    found = evppi(against_nothing(draws["x"] ** 2 - 1 + draws["y"]), draws[["x"]])

    assert holds(found, 2 * stats.norm.pdf(1))
    assert found.low > 0.4


@pytest.mark.parametrize("seed", range(3))
def test_a_product_of_two_parameters_is_worth_nothing_alone_and_much_together(seed):
    draws = sampled(names="xyz", seed=seed)
    net = against_nothing(draws["x"] * draws["y"] + draws["z"])

    together = evppi(net, draws[["x", "y"]])

    # E max(0, x y) = E|x| E|y| / 2 = 1 / pi; alone the mean gain stays 0 whatever x is.
    assert holds(together, 1 / np.pi)
    assert together.low > 0.2
    assert holds(evppi(net, draws[["x"]]), 0.0)


def test_correlated_parameters_teach_of_each_other():
    x, y = sampled().to_numpy().T
    related = 0.8 * x + 0.6 * y
    net = against_nothing(x)

    found = evppi(net, pd.DataFrame({"related": related}))

    # E[x | related] is normal with standard deviation 0.8.
    assert holds(found, unit_normal_loss(0, 0.8))


def test_the_value_of_capacity_is_that_of_the_newsvendor():
    # Demand N(1000, 100^2), costs 1 empty and 3 turned away. With every capacity on offer the mean
    # cost of the best is (1 + 3) sd phi(z) at z of 3 / 4, and knowing demand saves all of it.
    demand = 1000 + 100 * sampled()["x"].to_numpy()
    places = np.arange(600, 1400, 2)

    found = evpi(capacity_net_benefit(demand, places, empty_cost=1, turned_away_cost=3))

    z = stats.norm.ppf(3 / 4)
    assert holds(found, 4 * 100 * stats.norm.pdf(z))
    assert places[found.best] == pytest.approx(1000 + 100 * z, abs=10)


# Studies.


@pytest.mark.parametrize("people", [1, 10, 1000])
def test_evsi_of_a_normal_mean_is_the_closed_form(people):
    draws = sampled()
    sd = 2 / np.sqrt(people)
    found = draws["x"] + sd * draws["y"]
    net = against_nothing(0.3 + draws["x"])

    worth = evsi(net, pd.DataFrame({"mean": found}))

    # The posterior mean is normal with variance 1 / (1 + sd^2) (Raiffa and Schlaifer 1961).
    assert holds(worth, unit_normal_loss(0.3, 1 / np.sqrt(1 + sd**2)))


@pytest.mark.parametrize("people", [5, 50, 500])
def test_evsi_of_a_prevalence_study_is_the_exact_beta_binomial_sum(people):
    a, b, threshold = 14.0, 6.0, 0.68
    share = stats.beta.ppf((np.arange(N) + 0.5) / N, a, b)
    share = np.random.default_rng(0).permutation(share)
    net = against_nothing(share - threshold)

    worth = evsi(net, prevalence_study(share, people=people, seed=1))

    events = np.arange(people + 1)
    gain = (a + events) / (a + b + people) - threshold
    chance = stats.betabinom.pmf(events, people, a, b)
    assert holds(worth, chance @ np.maximum(gain, 0) - max(a / (a + b) - threshold, 0))


def test_larger_studies_are_worth_more_and_none_more_than_knowing():
    share = special.expit(1 + 0.5 * sampled()["x"].to_numpy())
    net = against_nothing(share - 0.72)

    worth = [
        evsi(net, prevalence_study(share, people=n, seed=3)).value for n in (10, 100, 1000, 10**5)
    ]

    known = evppi(net, pd.DataFrame({"share": share}))
    assert worth == sorted(worth)
    assert worth[-1] == pytest.approx(known.value, rel=0.01)


def test_a_study_of_other_people_is_worth_less_however_large():
    share = special.expit(1 + 0.5 * sampled()["x"].to_numpy())
    net = against_nothing(share - 0.72)

    same = evsi(net, prevalence_study(share, people=10**5, seed=3))
    others = evsi(net, prevalence_study(share, people=10**5, seed=3, spread=0.5))

    assert others.high < same.low


def test_a_trial_is_worth_at_most_what_both_shares_are():
    scores = sampled()
    treated, control = (special.expit(s) for s in (scores["x"] * 0.5 - 0.6, scores["y"] * 0.3 - 1))
    net = adoption_net_benefit(treated, control, margin=0.1, people=1000)

    small, large = (
        evsi(net, trial_study(treated, control, people_per_arm=n, seed=2)) for n in (20, 2000)
    )

    everything = evpi(net)
    assert 0 < small.value < large.value <= everything.value
    assert large.value > 0.9 * everything.value


def test_a_trial_finds_what_is_true_up_to_chance():
    found = trial_study(np.full(N, 0.6), np.full(N, 0.2), people_per_arm=25, seed=0)

    for name, share in (("treated_found", 0.6), ("control_found", 0.2)):
        error = np.sqrt(share * (1 - share) / 25 / N)
        assert found[name].mean() == pytest.approx(share, abs=4 * error)
        assert found[name].var() == pytest.approx(share * (1 - share) / 25, rel=0.1)
    assert abs(found.corr().iloc[0, 1]) < 4 / np.sqrt(N)


# Another way to the same number.


def test_evppi_agrees_with_nested_monte_carlo():
    capacities = np.arange(300, 1500, 200)

    def come(x, y, z):
        return 1000 * np.exp(0.3 * x + 0.2 * z) * special.expit(0.7 + 0.3 * y)

    def net(people):
        return capacity_net_benefit(people, capacities, empty_cost=1, turned_away_cost=3)

    draws = sampled(names="xyz")
    fitted = evppi(net(come(*draws.to_numpy().T)), draws[["x", "y"]])

    random = np.random.default_rng(5)
    known = random.standard_normal((1500, 2, 1))
    people = come(known[:, 0], known[:, 1], random.standard_normal((1500, 300)))
    inner = net(people.ravel()).reshape(1500, 300, -1).mean(axis=1)
    gain = inner.max(axis=1) - inner[:, inner.mean(axis=0).argmax()]
    error = np.hypot(gain.std() / np.sqrt(1500), fitted.se)
    assert fitted.value == pytest.approx(gain.mean(), abs=4 * error)
    assert fitted.cross_fitted == pytest.approx(gain.mean(), abs=4 * error)


# Whether the limits hold.


@pytest.mark.parametrize(("b0", "bx", "by"), [(0, 1, 0.5), (300, 300, 100)])
def test_the_limits_hold_the_truth_in_95_percent_of_samples(b0, bx, by):
    truths = {
        "everything": unit_normal_loss(b0, np.hypot(bx, by)),
        "x": unit_normal_loss(b0, bx),
        "y": unit_normal_loss(b0, by),
    }
    held = dict.fromkeys(truths, 0)
    for seed in range(60):
        draws = sampled(400, seed=1000 + seed)
        net = against_nothing(b0 + bx * draws["x"] + by * draws["y"])
        found = {"everything": evpi(net)} | {name: evppi(net, draws[[name]]) for name in "xy"}
        for name, truth in truths.items():
            held[name] += holds(found[name], truth)

    # 95% of 60 less three standard errors is 52; limits wider than needed are allowed.
    assert min(held.values()) >= 52, held


def test_the_limits_leave_at_least_two_standard_errors_on_either_side():
    draws = sampled(1000)
    found = evpi(against_nothing(1 + draws["x"] + draws["y"]))

    assert found.low == pytest.approx(found.value - 1.96 * found.se, rel=1e-4)
    # Gains are nought or large, so that there is more room above.
    assert found.high > found.value + 1.97 * found.se


def test_the_standard_error_is_that_of_repeated_samples():
    values, errors = [], []
    for seed in range(100):
        draws = sampled(500, seed=seed)
        found = evppi(against_nothing(100 + 300 * draws["x"] + 400 * draws["y"]), draws[["x"]])
        values.append(found.value)
        errors.append(found.se)

    # The standard deviation of 100 numbers is known to 7%; three of these.
    assert np.std(values) == pytest.approx(np.mean(errors), rel=0.21)


def test_a_change_too_rare_for_the_draws_leaves_room_above_nought():
    draws = sampled(1000)
    found = evppi(against_nothing(-50 + 10 * draws["x"] + draws["y"]), draws[["x"]])

    assert (found.value, found.changes, found.low) == (0.0, 0.0, 0.0)
    # 5e-7 by the unit normal loss; the rule of three times the spread of the gain.
    assert unit_normal_loss(-50, 10) < found.high < 0.1


# True of every input.


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    weights=st.lists(st.floats(-3, 3), min_size=2, max_size=2),
    offset=st.floats(-3, 3),
)
def test_what_is_worth_knowing_lies_between_nothing_and_everything(seed, weights, offset):
    draws = sampled(200, seed=seed)
    third = draws["x"] * draws["y"]
    net = np.column_stack([np.zeros(200), offset + draws @ weights, third])

    part, everything = evppi(net, draws[["x"]]), evpi(net)

    assert 0 <= part.value <= everything.value
    for found in (part, everything):
        assert 0 <= found.low <= found.value <= found.high


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), shift=st.floats(-1e3, 1e3), scale=st.floats(0.01, 100))
def test_what_all_options_share_changes_nothing_and_the_unit_only_scales(seed, shift, scale):
    draws = sampled(200, seed=seed)
    net = against_nothing(0.2 + draws["x"] + draws["y"])
    shared = (shift + 5 * draws["y"].to_numpy())[:, np.newaxis]

    plain = evppi(net, draws[["x"]])
    moved = evppi(scale * (net + shared), draws[["x"]])

    for name in ("value", "se", "low", "high", "cross_fitted"):
        assert getattr(moved, name) == pytest.approx(
            scale * getattr(plain, name), rel=1e-6, abs=1e-9 * scale
        )


def test_an_option_that_is_never_better_or_worse_makes_nothing_worth_knowing():
    draws = sampled(500)
    same = np.column_stack([draws["x"], draws["x"], draws["x"]])

    for found in (evpi(same), evppi(same, draws[["x"]]), evppi(same, draws)):
        assert (found.value, found.se, found.low, found.high) == (0, 0, 0, 0)


def test_a_parameter_that_is_fixed_or_idle_is_not_worth_knowing():
    draws = sampled(names="xyz").assign(fixed=3.0)
    net = against_nothing(0.1 + draws["x"])

    fixed, idle = (evppi(net, draws[[name]]) for name in ("fixed", "z"))

    assert (fixed.value, fixed.high) == (0, 0)
    assert idle.low == 0
    assert idle.value < 0.02


def test_knowing_all_parameters_is_knowing_everything():
    draws = sampled(names="xyzw")
    gain = draws["x"] + draws["y"] * draws["z"] + 0.5 * np.exp(draws["w"] / 2) - 0.5
    net = np.column_stack([np.zeros(N), gain, draws["x"] - 0.2])

    everything, together = evpi(net), evppi(net, draws)

    assert together.value == pytest.approx(everything.value, rel=0.03)


def test_the_scale_and_order_of_what_is_known_do_not_matter():
    draws = sampled(1000)
    net = against_nothing(0.2 + draws["x"] + draws["y"])

    found = evppi(net, np.exp(3 * draws[["x"]]))

    assert found == evppi(net, draws[["x"]])


def test_the_draws_may_come_in_any_order():
    draws = sampled()
    net = against_nothing(0.2 + draws["x"] + draws["y"])
    order = np.argsort(draws["x"].to_numpy())

    found = evppi(net[order], draws[["x"]].iloc[order].reset_index(drop=True))

    expected = evppi(net, draws[["x"]])
    assert found.value == pytest.approx(expected.value, rel=1e-9)
    # Folds are every fifth draw, so the cross-fitted value may move, within its error.
    assert found.cross_fitted == pytest.approx(expected.cross_fitted, abs=expected.se)


def test_a_parameter_given_twice_is_worth_what_it_is_once():
    draws = sampled(1000)
    net = against_nothing(0.2 + draws["x"] + draws["y"])
    twice = pd.DataFrame({"x": draws["x"], "again": draws["x"]})

    assert evppi(net, twice).value == pytest.approx(evppi(net, draws[["x"]]).value, rel=0.02)


def test_a_spline_and_a_gaussian_process_agree_on_one_parameter():
    draws = sampled()
    scores = normal_scores(draws[["x"]].to_numpy())
    y = (np.sin(2 * draws["x"]) + draws["y"]).to_numpy()[:, np.newaxis]

    one, other = spline(scores, y)[0], gaussian_process(scores, y)[0]

    # The curve itself has a standard deviation of 0.7; the noise leaves 1 in root 4,096 to each.
    assert np.sqrt(np.mean((one - other) ** 2)) < 4 / np.sqrt(N)


def test_noise_gets_little_more_than_a_straight_line_and_nothing_from_draws_left_out():
    noise = np.random.default_rng(0).standard_normal((400, 50))
    scores = normal_scores(sampled(400)[["x"]].to_numpy())

    inside, outside = spline(scores, noise)

    # A straight line takes 2 of 400 of the variance, 33 free columns would take 33.
    assert np.mean(inside * noise) < 5 / 400
    assert np.mean(inside * noise) > 1 / 400
    # Fits to other draws know nothing of this one: nought, give or take four standard errors.
    assert abs(np.mean(outside * noise)) < 4 * np.std(outside * noise) / np.sqrt(20_000)


def test_a_fit_beyond_what_happened_is_worth_no_more_than_everything():
    random = np.random.default_rng(5)
    known = pd.DataFrame({"x": random.standard_normal(100)})
    net = against_nothing(random.standard_cauchy(100) - 3)

    # One far loss among 100 bends the curve above all gains that were drawn: 33.6 against 0.06.
    assert evppi(net, known).value == evpi(net).value


def test_waves_in_two_directions_are_found_though_a_plane_is_a_peak_of_the_likelihood():
    random = np.random.default_rng(8)
    x, y, z = random.standard_normal((3, 300))

    found = evppi(
        against_nothing(np.sin(2 * x) * np.sin(2 * y) + z), pd.DataFrame({"x": x, "y": y})
    )

    assert found.value > 0.05


def test_the_slope_of_the_restricted_likelihood_is_its_difference():
    draws = sampled(60)
    x = normal_scores(draws.to_numpy())
    plane = np.column_stack([np.ones(60), x])
    apart = [(column[:, np.newaxis] - column) ** 2 for column in x.T]
    y = (draws["x"] * draws["y"]).to_numpy()
    at, step = np.array([-1.0, 0.3, 0.8]), 1e-5

    slope = _restricted(at, y, plane, apart)[1]

    for j in range(3):
        ahead, behind = (
            _restricted(at + s * step * np.eye(3)[j], y, plane, apart)[0] for s in (1, -1)
        )
        assert slope[j] == pytest.approx((ahead - behind) / (2 * step), rel=1e-5)


# Tables and decisions.


def test_the_table_is_sorted_and_takes_groups():
    draws = sampled(names="xyz").assign(fixed=1.0)
    net = against_nothing(0.1 + draws["x"] + 0.5 * draws["y"])

    table = evppi_table(net, draws)
    grouped = evppi_table(net, draws, groups={"both": ["x", "y"], "neither": ["z", "fixed"]})

    assert list(table["label"]) == ["x", "y", "z"]
    assert grouped.loc[0, "label"] == "both"
    assert grouped.loc[0, "share_of_evpi"] == pytest.approx(1, abs=0.02)


def test_the_same_draws_give_the_same_bits():
    draws = sampled(500)
    net = against_nothing(draws["x"] * draws["y"])

    assert dataclasses.astuple(evppi(net, draws)) == dataclasses.astuple(evppi(net, draws))
    assert prevalence_study([0.5] * 9, people=9, seed=0).equals(
        prevalence_study([0.5] * 9, people=9, seed=0)
    )


# Faults.

NET = np.column_stack([np.zeros(200), np.linspace(-1, 1, 200)])
HOLED = np.where(np.arange(400).reshape(200, 2) == 7, np.nan, NET)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: evpi(NET[:, 0]), r"net_benefit has shape \(200,\); expected \(100 draws"),
        (lambda: evpi(NET[:, :1]), "2 options or more"),
        (lambda: evpi(NET[:50]), "100 draws or more"),
        (lambda: evpi(HOLED), "net_benefit is nan in draw 3 of option 1; expected a finite"),
        (lambda: evppi(NET, sampled(199)), "known has 199 rows and 2 columns; expected the 200"),
        (lambda: evppi(NET, sampled(200)[[]]), "0 columns"),
        (
            lambda: evppi(NET, sampled(200).mask(lambda d: d == d.iloc[4, 1])),
            "y is nan in draw 4; expected a finite number",
        ),
        (lambda: evppi_table(NET, sampled(200), groups={"g": ["q"]}), r"g: \['q'\]; expected"),
        (
            lambda: capacity_net_benefit([1], [1], empty_cost=0, turned_away_cost=1),
            "empty_cost is 0 and turned_away_cost 1; expected both above 0",
        ),
        (
            lambda: capacity_net_benefit([-1], [1], empty_cost=1, turned_away_cost=1),
            "expected a number of 0 or more",
        ),
        (lambda: adoption_net_benefit([1.2], [0.1], margin=0), "treated has shape"),
        (lambda: adoption_net_benefit([0.2, 0.3], [0.1], margin=0), "2 and 1 draws"),
        (lambda: prevalence_study([0.5], people=0, seed=1), "people is 0; expected 1 or more"),
        (lambda: prevalence_study([5], people=1, seed=1), "share from 0 to 1"),
        (lambda: prevalence_study([0.5], people=1, seed=1, spread=-1), "spread is -1"),
    ],
)
def test_a_wrong_argument_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_known_parameters_must_be_a_table():
    with pytest.raises(TypeError, match="known is a ndarray; expected a DataFrame"):
        evppi(NET, NET)


def test_rows_in_another_order_than_the_draws_are_refused():
    draws = sampled(1000)
    net = against_nothing(draws["x"])
    by_y = draws.sort_values("y")
    share = pd.Series(special.expit(draws["x"]))
    shuffled = share.sample(frac=1, random_state=1)

    first = ", ".join(map(str, by_y.index[:5]))
    with pytest.raises(
        ValueError, match=f"known has the rows {first}, ...; .*: 0, 1, 2, 3, 4, ..."
    ):
        evppi(net, by_y[["x"]])
    with pytest.raises(ValueError, match=r"known has the rows 0, 1, 2, 3, 4, .*; expected those"):
        evppi(pd.DataFrame(net, index=by_y.index), draws[["x"]])
    for call in (
        lambda: evppi_table(net, by_y),
        lambda: evsi(net, by_y[["x"]]),
        lambda: prevalence_study(shuffled, people=10, seed=1),
        lambda: trial_study(share, shuffled, people_per_arm=10, seed=1),
        lambda: adoption_net_benefit(shuffled, share, margin=0.1),
        lambda: adoption_net_benefit(share, share, margin=0.1, people=shuffled),
        lambda: capacity_net_benefit(shuffled, [1.0], empty_cost=1, turned_away_cost=1),
    ):
        with pytest.raises(ValueError, match=r"has the rows .* expected those of the draws"):
            call()
    # A table of net benefits may keep the order of its draws.
    assert evppi(pd.DataFrame(net[by_y.index], index=by_y.index), by_y[["x"]]).value > 0.39


@pytest.mark.parametrize("n", [100, 512, 1000, 4096])
def test_sobol_draws_of_several_parameters_are_refused_and_of_one_are_not(n):
    points = special.ndtri(sobol(["x", "y", "z"], n, 3))
    draws = pd.DataFrame(points, columns=["x", "y", "z"]).assign(w=sampled(n)["x"], still=1.0)
    net = against_nothing(draws["x"] + draws["y"])

    with pytest.raises(ValueError, match="known has Sobol draws of x, z, whose even pattern"):
        evppi(net, draws[["x", "w", "z"]])
    for names in (["x"], ["x", "w"], ["x", "still"]):
        assert evppi(net, draws[names]).value > 0.2
    # Reordered, as correlated or calibrated draws are, they have the pattern no more.
    mixed = draws.sample(frac=1, random_state=1).reset_index(drop=True)
    assert evppi(against_nothing(mixed["x"] + mixed["y"]), mixed[["x", "y"]]).value > 0.4


def test_the_start_of_a_gaussian_process_is_judged_by_the_likelihood_that_is_then_maximised():
    random = np.random.default_rng(4)
    x = random.standard_normal((40, 2))
    y = np.sin(x[:, 0]) + 0.3 * random.standard_normal(40)
    plane = np.column_stack([np.ones(40), x])
    distances = [(column[:, np.newaxis] - column) ** 2 for column in x.T]

    for logs in ([-6.0, 0.0, 0.7], [1.5, 2.0, -1.0]):
        given = (np.array(logs), y, plane, distances)
        whole = smoothing._restricted(*given)[0]
        assert smoothing._restricted_value(*given) == pytest.approx(whole, rel=1e-9)


def test_every_column_of_the_table_is_that_of_knowing_its_group():
    draws = sampled(1000, names="xyz")
    net = against_nothing(0.2 + draws["x"] + 0.5 * draws["y"])
    table = evppi_table(net, draws).set_index("label")
    everything = np.maximum(net[:, 1], 0).mean() - max(net[:, 1].mean(), 0)

    for name in draws:
        worth, row = evppi(net, draws[[name]]), table.loc[name]
        for column in ("value", "low", "high", "se", "cross_fitted", "changes"):
            assert row[column] == getattr(worth, column)
        assert row["share_of_evpi"] == pytest.approx(worth.value / everything)


def test_the_widths_of_an_interval_that_narrows_are_percentiles_and_its_error_is_that_of_samples():
    found = []
    for seed in range(12):
        draws = sampled(1000, seed=seed)
        y = (draws["x"] + draws["y"]).to_numpy()
        found.append(narrowing(y, draws[["x"]], level=0.9))
        low, high = np.percentile(y, [5, 95])
        assert found[-1].width == pytest.approx(high - low)
        assert found[-1].expected == pytest.approx((high - low) * (1 - found[-1].share))
    spread = np.std([each.share for each in found], ddof=1)

    assert np.mean([each.se for each in found]) == pytest.approx(spread, rel=0.6)

"""Importance resampling against a conjugate posterior, and what it must refuse."""

import dataclasses
import math
import shutil

import numpy as np
import pytest

from plcore.evidence.data import DATA, read
from plcore.evidence.parameters import parameter
from plcore.models.outcome import Outcome
from plcore.scenarios import Scenario
from plcore.simulate.fit import across, calibrate, under
from plcore.simulate.runs import run

TARGETS = read("calibration_targets").set_index("target")
#: A log-normal prior of the one number that the toy model multiplies the published count by.
PRIOR_LOG_SD = 0.1
LIMITS = {"value": 1.1, "low": 1.1 * math.exp(-1.96 * PRIOR_LOG_SD),
          "high": 1.1 * math.exp(1.96 * PRIOR_LOG_SD)}  # fmt: skip


def scenario(name="toy", *, printed=LIMITS, dist="lognormal", years=(2005, 2006)):
    beliefs = [
        parameter("factor", "ratio", dist, printed, source="assumed", seen="assumed"),
        parameter(
            "unrelated", "share", "uniform", {"low": 0.0, "high": 1.0},
            source="assumed", seen="assumed",
        ),
    ]  # fmt: skip
    first, last = years
    return Scenario(name, name, "", {"first_year": first, "last_year": last}, tuple(beliefs))


def toy(draws, scenario):
    """The published counts of 2005 times a factor, a person more every year from 2005."""
    years = scenario.years
    factor = draws["factor"].to_numpy()[:, np.newaxis]
    values = {
        row.counts: row.value * factor + (years - 2005) for row in TARGETS.itertuples(index=False)
    }
    return Outcome(years, values, np.zeros(len(years), dtype=bool))


CALIBRATED = calibrate(toy, scenario(), n_prior=2**14, n_draws=2**12, seed=3)
POSTERIOR_LOG_SD = 1 / math.sqrt(1 / PRIOR_LOG_SD**2 + (1 / TARGETS["spread"] ** 2).sum())
POSTERIOR_LOG_MEAN = POSTERIOR_LOG_SD**2 * math.log(1.1) / PRIOR_LOG_SD**2


def test_the_posterior_is_the_conjugate_one():
    """Normal prior and normal likelihoods on the log scale: precisions add up (Gelman 2013, 2.5)."""
    logs = np.log(CALIBRATED.posterior.draws["factor"])

    # Four standard errors of a mean and of a standard deviation of so many independent draws.
    n = CALIBRATED.effective_draws
    assert logs.mean() == pytest.approx(POSTERIOR_LOG_MEAN, abs=4 * POSTERIOR_LOG_SD / n**0.5)
    assert logs.std() == pytest.approx(POSTERIOR_LOG_SD, rel=4 / (2 * n) ** 0.5)


def test_what_the_targets_do_not_touch_stays_as_it_was():
    moved = CALIBRATED.moved.set_index("parameter")

    assert moved.loc["factor", "shift"] < -0.5
    assert moved.loc["factor", "narrowed"] == pytest.approx(
        1 - POSTERIOR_LOG_SD / PRIOR_LOG_SD, abs=0.1
    )
    n = CALIBRATED.effective_draws
    assert abs(moved.loc["unrelated", "shift"]) < 4 * 1.25 * 3**0.5 / n**0.5
    assert abs(moved.loc["unrelated", "narrowed"]) < 4 / (2 * n) ** 0.5


def test_weights_add_up_and_say_how_many_draws_they_are_worth():
    weights = CALIBRATED.weights

    assert weights.sum() == pytest.approx(1, rel=1e-12)
    assert np.all(weights >= 0)
    assert CALIBRATED.effective_draws == pytest.approx(1 / (weights**2).sum(), rel=1e-12)


def test_each_draw_is_taken_as_often_as_its_weight_says_to_within_one():
    prior = run(toy, scenario(), n_draws=2**14, seed=3).draws["factor"]
    taken = CALIBRATED.posterior.draws["factor"].value_counts().reindex(prior, fill_value=0)

    expected = 2**12 * CALIBRATED.weights
    assert np.all(np.abs(taken.to_numpy() - expected) < 1)


def test_the_fit_has_a_row_a_target_with_medians_that_move_towards_it():
    fit = CALIBRATED.fit

    assert list(fit["target"]) == list(TARGETS.index)
    for row in fit.itertuples():
        assert abs(row.posterior_median - row.observed) < abs(row.prior_median - row.observed)
        assert row.posterior_low < row.posterior_median < row.posterior_high


def test_draws_do_not_depend_on_the_years_asked_for():
    longer = calibrate(toy, scenario(years=(1990, 2060)), n_prior=2**14, n_draws=2**12, seed=3)

    assert longer.posterior.draws.equals(CALIBRATED.posterior.draws)
    assert list(longer.posterior.outcome.years) == list(range(1990, 2061))


def test_the_same_seed_gives_the_same_draws_and_another_seed_others():
    again, other = (
        calibrate(toy, scenario(), n_prior=2**12, n_draws=64, seed=seed).posterior.draws
        for seed in (5, 6)
    )

    assert again.equals(
        calibrate(toy, scenario(), n_prior=2**12, n_draws=64, seed=5).posterior.draws
    )
    assert not again.equals(other)


def test_targets_that_the_prior_cannot_reach_are_refused():
    far = {"value": 9.0, "low": 8.0, "high": 10.125}
    message = r"effective draws of 4096; expected 100 or more: draw more, or see which target"

    with pytest.raises(ValueError, match=message):
        calibrate(toy, scenario(printed=far), n_prior=2**12, n_draws=64)


def test_a_model_without_what_a_target_counts_is_refused():
    def lacking(draws, scenario):
        outcome = toy(draws, scenario)
        kept = {name: values for name, values in outcome.values.items() if name != "trauma"}
        return dataclasses.replace(outcome, values=kept)

    with pytest.raises(ValueError, match="no trauma in the outcome"):
        calibrate(lacking, scenario(), n_prior=2**10, n_draws=64)


def test_a_target_with_a_tighter_spread_is_met_more_nearly(tmp_path):
    for name in ("sources.csv", "calibration_targets.csv"):
        shutil.copy(DATA / name, tmp_path)
    file = tmp_path / "calibration_targets.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    assert ",0.05," in lines[1]
    lines[1] = lines[1].replace(",0.05,", ",0.02,")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    tight = calibrate(toy, scenario(), n_prior=2**14, n_draws=2**12, seed=3, folder=tmp_path)

    def miss(found):
        first = found.fit.iloc[0]
        return abs(first["posterior_median"] - first["observed"])

    assert miss(tight) < miss(CALIBRATED)


def test_the_posterior_under_its_own_scenario_is_the_posterior():
    same = under(CALIBRATED.posterior, toy, scenario())

    for name, values in same.outcome.values.items():
        np.testing.assert_array_equal(values, CALIBRATED.posterior.outcome.values[name])


def test_another_scenario_changes_only_what_it_fixes():
    other = scenario("fixed", printed={"value": 2.0}, dist="fixed")
    found = under(CALIBRATED.posterior, toy, other)

    assert set(found.draws["factor"]) == {2.0}
    assert found.draws["unrelated"].equals(CALIBRATED.posterior.draws["unrelated"])
    assert CALIBRATED.posterior.draws["factor"].nunique() > 1000


def test_another_distribution_than_the_calibrated_one_is_refused():
    wider = {"value": 1.1, "low": 0.5, "high": 2.42}

    with pytest.raises(ValueError, match="wide: factor has another distribution"):
        under(CALIBRATED.posterior, toy, scenario("wide", printed=wider))


def test_scenarios_are_compared_draw_by_draw():
    double = scenario("double", printed={"value": 2.0}, dist="fixed")
    table = across(
        CALIBRATED.posterior, toy, [scenario(), double], outcome="limb_loss", year=2006
    ).set_index("scenario")

    base = CALIBRATED.posterior.outcome.values["limb_loss"][:, 1]
    total = TARGETS.loc["total_2005", "value"]
    assert table.loc["toy", ["more", "more_low", "more_high"]].tolist() == [0, 0, 0]
    assert table.loc["double", "value"] == 2 * total + 1
    assert table.loc["double", "more"] == pytest.approx(2 * total + 1 - np.median(base), rel=1e-12)


def test_a_year_that_the_runs_do_not_cover_is_refused():
    with pytest.raises(ValueError, match="year is 2030; expected one from 2005 to 2006"):
        across(CALIBRATED.posterior, toy, [scenario()], outcome="limb_loss", year=2030)
    late = scenario(years=(2006, 2007))
    with pytest.raises(ValueError, match="year is 2005; expected one from 2006 to 2007"):
        across(CALIBRATED.posterior, toy, [late], outcome="limb_loss", year=2005)


def test_a_parameter_that_no_target_depends_on_keeps_its_quantile_in_another_distribution():
    other = scenario("other")
    narrow = parameter(
        "unrelated", "share", "uniform", {"low": 0.2, "high": 0.4},
        source="assumed", seen="assumed",
    )  # fmt: skip
    other = dataclasses.replace(other, parameters=(other.parameters[0], narrow))
    before = CALIBRATED.posterior.draws
    moved = under(CALIBRATED.posterior, toy, other, untouched=["unrelated"]).draws

    assert (moved["factor"] == before["factor"]).all()
    # Ranks of uniform draws are their own quantiles but for the resampling.
    assert moved["unrelated"].between(0.2, 0.4).all()
    assert np.corrcoef(moved["unrelated"], before["unrelated"])[0, 1] > 0.99
    assert (moved["unrelated"].rank() == before["unrelated"].rank()).all()
    with pytest.raises(ValueError, match="other: unrelated has another distribution"):
        under(CALIBRATED.posterior, toy, other)

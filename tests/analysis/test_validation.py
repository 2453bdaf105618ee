"""Predictive checks: simulated data fall where they should, and each table says what it rests on."""

import numpy as np
import pytest
from scipy import special, stats

from plcore.analysis import validation
from plcore.analysis.validation import (
    predictable,
    predictive_checks,
    prior_sensitivity,
    stored_checks,
    with_fixed,
)
from plcore.evidence.observations import read_observations
from plcore.models.limb_loss import people_with_limb_loss
from plcore.models.observed import from_scale, lay_out, on_scale
from plcore.scenarios import read_scenario
from plcore.simulate.runs import run
from plcore.simulate.synthesis import Likelihood, read_posterior, uncertain

BASELINE = read_scenario()
ALL = read_observations()
ROWS = predictable(ALL)
DRAWS = read_posterior().iloc[:1024]


def test_every_row_that_is_fitted_or_checked_has_a_prediction():
    table = predictive_checks(DRAWS, ROWS)

    assert table["observation"].tolist() == ROWS["observation"].tolist()
    assert set(ALL["use"]) == {"fit", "check", "context"}
    assert (table["low"] < table["median"]).all()
    assert (table["median"] < table["high"]).all()
    assert table["inside"].equals(table["observed"].between(table["low"], table["high"]))
    assert (table["inside"] == table["pit"].between(0.025, 0.975)).mean() > 0.97


def test_what_the_model_itself_would_observe_lies_in_its_intervals_as_often_as_they_say():
    likelihood = Likelihood(BASELINE, ROWS)
    random = np.random.default_rng(5)
    truths = likelihood.predicted(DRAWS.iloc[:24])
    root = np.linalg.cholesky(likelihood.covariance())
    inside, pits = [], []
    for truth in truths:
        centre = truth + root @ random.standard_normal(len(ROWS))
        value = from_scale(centre, lay_out(ROWS))
        table = predictive_checks(DRAWS, ROWS.assign(centre=centre, value=value), level=0.8)
        inside.append(table["inside"].mean())
        pits.append(table["pit"])

    assert np.mean(inside) == pytest.approx(0.8, abs=0.05)
    # Rows of one family share their error, so that the ranks of a row are taken over truths.
    p = [stats.kstest(np.array(pits)[:, k], "uniform").pvalue for k in range(0, len(ROWS), 7)]
    assert min(p) > 1e-4


def test_the_interval_score_is_the_width_and_a_fine_for_what_lies_outside():
    table = predictive_checks(DRAWS, ROWS, level=0.9).assign(scale=ROWS["scale"])
    rows = lay_out(ROWS)
    low, high, centre, median = (
        on_scale(table[name].to_numpy(), rows) for name in ("low", "high", "observed", "median")
    )
    outside = np.maximum(low - centre, 0) + np.maximum(centre - high, 0)

    np.testing.assert_allclose(table["score"], high - low + 20 * outside, rtol=1e-6, atol=1e-8)
    assert (table["score"] > high - low)[~table["inside"]].all()
    # The position is measured by the half of the interval on which the observation lies.
    half = np.where(centre < median, median - low, high - median)
    np.testing.assert_allclose(table["position"], (centre - median) / half, rtol=1e-6, atol=1e-8)


def test_predictions_are_wider_than_the_parameters_alone_make_them():
    likelihood = Likelihood(BASELINE, ROWS)
    alone = np.quantile(likelihood.predicted(DRAWS), [0.025, 0.975], axis=0)
    table, rows = predictive_checks(DRAWS, ROWS), lay_out(ROWS)
    low, high = (on_scale(table[name].to_numpy(), rows) for name in ("low", "high"))

    assert np.mean(high - low > alone[1] - alone[0]) > 0.95


def test_the_prior_of_each_parameter_is_made_wider_and_narrower():
    table = prior_sensitivity(year=2030)
    full = run(
        people_with_limb_loss, read_scenario(choices={"first_year": 2030, "last_year": 2030})
    )

    assert (table["base"] == table["base"].iloc[0]).all()
    assert table["base"].iloc[0] == pytest.approx(
        np.median(full.outcome.values["limb_loss"][:, 0]), rel=1e-9
    )
    # A normal prior with twice, or half, its variance: draws weighted by the ratio of densities.
    people = full.outcome.values["limb_loss"][:, 0]
    first = table.iloc[0]
    prior = next(p for p in uncertain(full.scenario) if p.name == first["parameter"])
    z = special.ndtri([prior_share(prior, value) for value in full.draws[prior.name]])
    for name, sd in (("wider", np.sqrt(2)), ("narrower", np.sqrt(0.5))):
        weights = stats.norm.pdf(z, scale=sd) / stats.norm.pdf(z)
        below = [weights[people <= value].sum() / weights.sum() for value in np.sort(people)]
        assert first[name] == pytest.approx(np.sort(people)[np.searchsorted(below, 0.5)], rel=1e-3)
    moved = (table["wider"] - table["narrower"]).abs()
    assert moved.is_monotonic_decreasing
    assert moved.max() < 0.2 * table["base"].iloc[0]


def prior_share(prior, value):
    """The share of a prior below a value, by halving."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if prior.ppf(np.array([middle]))[0] < value else (low, middle)
    return np.clip(middle, 1e-9, 1 - 1e-9)


def test_parameters_that_are_not_known_cannot_be_fixed():
    with pytest.raises(ValueError, match="baseline: no parameter 'first_share'"):
        with_fixed(BASELINE, {"first_share": 0.5})


# --- What takes minutes is stored ----------------------------------------------------------------


def test_every_fitted_row_was_predicted_by_a_fit_that_did_not_see_its_family():
    table = stored_checks("left_out")

    assert sorted(table["observation"]) == sorted(ROWS[ROWS["use"] == "fit"]["observation"])
    assert table["inside"].mean() > 0.8


def test_leaving_a_family_out_moves_the_answer_and_none_is_forgotten():
    table = stored_checks("families")
    families = set(ROWS[ROWS["use"] == "fit"]["family"])

    assert set(table["without"]) == families | {"nothing", "model outputs"}
    by = table[table["year"] == 2050].set_index("without")
    assert (by["low"] < by["median"]).all()
    assert by.loc["nothing", "low"] < by.loc["model outputs", "median"] < by.loc["nothing", "high"]


def test_the_back_test_predicts_only_what_came_after():
    table = stored_checks("back_test")

    assert (table["last_year"] > 2008).all()
    assert len(table) > 5


def test_structures_that_hold_incidence_explain_the_data_worse():
    table = stored_checks("structures").set_index("structure")["log_evidence"]

    assert table["the model"] > table["incidence of 1996 held"] + 3
    assert table["the model"] > table["all of these held"] + 3


def test_stored_tables_of_other_data_are_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no table 'pit'; expected one of left_out"):
        stored_checks("pit")
    monkeypatch.setattr(validation, "fingerprint", lambda _: "0" * 64)
    with pytest.raises(ValueError, match=r"left_out.csv: made from other .* run.py checks renews"):
        stored_checks("left_out")

"""Predictive checks: simulated data fall where they should, and each table says what it rests on."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
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
from plcore.models.outcome import Outcome
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


def test_limits_and_median_have_their_shares_of_the_predictions_below_them():
    draws, some = DRAWS.iloc[:400], ROWS.iloc[::6].reset_index(drop=True)
    table = predictive_checks(draws, some)
    for name, share in (("low", 0.025), ("median", 0.5), ("high", 0.975)):
        centre = on_scale(table[name].to_numpy(), lay_out(some))
        there = predictive_checks(draws, some.assign(centre=centre, value=table[name]))
        np.testing.assert_allclose(there["pit"], share, atol=1 / len(draws))


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


# --- What each of the many fits is asked, with made-up fits --------------------------------------


@pytest.fixture
def fits(monkeypatch):
    """Fits that keep what they were given and return people of their own, the same in all years."""
    asked = []

    def fit(rows, *, scenario=BASELINE, n_draws, n_fits):
        random = np.random.default_rng(len(asked))
        draws = pd.DataFrame({"people": random.gamma(3.0, 1e6, size=n_draws)})
        asked.append(SimpleNamespace(rows=rows, scenario=scenario, draws=draws,
                                     log_evidence=random.normal(-90, 1, size=5)))  # fmt: skip
        return asked[-1]

    def people(draws, scenario):
        # People are counted under the scenario of the fit whose draws they are.
        own = next(each.scenario for each in asked if each.draws is draws)
        assert scenario.parameters == own.parameters
        years = scenario.years
        counts = draws["people"].to_numpy()[:, np.newaxis] * (years / 2000) ** 9
        return Outcome(years, {"limb_loss": counts}, np.zeros(len(years), dtype=bool))

    monkeypatch.setattr(validation, "fit", fit)
    monkeypatch.setattr(validation, "completed", lambda draws, _: draws)
    monkeypatch.setattr(validation, "people_with_limb_loss", people)
    monkeypatch.setattr(
        validation,
        "predictive_checks",
        lambda draws, rows: rows.assign(first_draw=draws["people"].iloc[0]),
    )
    return asked


def in_year(draws, year):
    return np.percentile(draws["people"] * (year / 2000) ** 9, [50, 2.5, 97.5])


def test_each_family_is_checked_by_the_fit_without_it_and_counted_in_each_year(fits):
    left_out, counts = validation.leave_family_out(ALL, n_draws=40)
    fitted = ROWS[ROWS["use"] == "fit"]
    families = list(dict.fromkeys(fitted["family"]))
    by = counts.set_index(["without", "year"])

    assert len(counts) == 3 * len(fits) == 3 * (len(families) + 2)
    for name, each in zip(["nothing", "model outputs", *families], fits, strict=True):
        kept = fitted["family"] != name
        if name == "model outputs":
            kept = fitted["kind"] == "observation"
        assert sorted(each.rows["observation"]) == sorted(fitted.loc[kept, "observation"])
        for year in (2024, 2030, 2050):
            said = by.loc[(name, year), ["median", "low", "high"]].tolist()
            assert said == pytest.approx(in_year(each.draws, year))
        if name in families:
            checked = left_out[left_out["family"] == name]
            assert sorted(checked["observation"]) == sorted(fitted.loc[~kept, "observation"])
            assert set(checked["first_draw"]) == {each.draws["people"].iloc[0]}


def test_the_back_test_fits_what_was_known_and_checks_the_rest(fits):
    table = validation.back_test(ALL, known_by=2010, n_draws=8)
    fitted = ROWS[ROWS["use"] == "fit"]

    assert sorted(fits[0].rows["observation"]) == sorted(
        row["observation"] for row in fitted.to_dict("records") if row["last_year"] <= 2010
    )
    assert sorted(table["observation"]) == sorted(
        row["observation"] for row in fitted.to_dict("records") if row["last_year"] > 2010
    )


def test_a_structure_has_the_mean_evidence_of_its_fits_its_error_and_people_of_2050(fits):
    table = validation.structures(ALL, n_draws=40)

    assert table["structure"].iloc[0] == "the model"
    for row, each in zip(table.to_dict("records"), fits, strict=True):
        # The mean of the evidence itself, not of its logarithm.
        assert row["log_evidence"] == pytest.approx(np.log(np.mean(np.exp(each.log_evidence))))
        assert row["error"] == pytest.approx(np.std(each.log_evidence, ddof=1) / np.sqrt(5))
        said = [row[name] for name in ("median", "low", "high")]
        assert said == pytest.approx(in_year(each.draws, 2050))
        fixed = {item.name for item in each.scenario.parameters if item.dist == "fixed"}
        before = {item.name for item in BASELINE.parameters if item.dist == "fixed"}
        assert (fixed == before) == (row["structure"] == "the model")

"""The fit to all observations: its likelihood, truths that it must find again, and what is stored."""

import dataclasses
import json
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from plcore.analysis.validation import with_fixed
from plcore.evidence.data import DATA
from plcore.evidence.observations import read_observations
from plcore.models.limb_loss import people_with_limb_loss
from plcore.scenarios import read_scenario
from plcore.simulate import synthesis
from plcore.simulate.draws import draw
from plcore.simulate.posterior import Posterior
from plcore.simulate.runs import run
from plcore.simulate.synthesis import (
    Likelihood,
    completed,
    conflicts,
    draws_of,
    fingerprint,
    fit,
    fitted_rows,
    read_posterior,
    require_agreement,
    uncertain,
)

REFERENCE = Path(__file__).parent.parent / "reference"
ROWS = fitted_rows(read_observations())
BASELINE = read_scenario()
#: Enough to move stocks, flows and deaths, while the other parameters stay at their medians.
FEW = (
    "dysvascular_rate_1996",
    "dysvascular_step_2010",
    "dysvascular_step_2019",
    "dysvascular_minor_share_2019",
)
SMALL = with_fixed(
    BASELINE, {item.name: item.median for item in uncertain(BASELINE) if item.name not in FEW}
)


def observed_like(likelihood, draws, random):
    """The same observations with values as one draw and their errors would give them."""
    errors = random.multivariate_normal(np.zeros(len(draws)), likelihood.covariance())
    return likelihood.observations.assign(centre=draws + errors)


# --- The likelihood ------------------------------------------------------------------------------


def test_the_likelihood_is_the_normal_one_of_all_rows_together():
    likelihood = Likelihood(BASELINE, ROWS)
    draws = draw(likelihood.priors, 16, seed=2)
    expected = [
        stats.multivariate_normal(mean, likelihood.covariance()).logpdf(ROWS["centre"])
        for mean in likelihood.predicted(draws)
    ]

    np.testing.assert_allclose(likelihood(draws), expected, rtol=1e-8)


def test_rows_of_one_family_and_quantity_share_half_of_their_discrepancy_and_ratios_none():
    covariance = Likelihood(BASELINE, ROWS).covariance()
    discrepancy = ROWS["discrepancy"].to_numpy(dtype=float)
    for i in range(len(ROWS)):
        assert covariance[i, i] == pytest.approx(
            ROWS["sampling_sd"][i] ** 2 + discrepancy[i] ** 2, rel=1e-12
        )
        for j in range(i):
            same = (ROWS["family"][i], ROWS["quantity"][i]) == (
                ROWS["family"][j],
                ROWS["quantity"][j],
            )
            shared = same and ROWS["quantity"][i] != "amputations_ratio_of_years"
            expected = 0.5 * discrepancy[i] * discrepancy[j] if shared else 0.0
            assert covariance[i, j] == pytest.approx(expected, rel=1e-12)


def test_the_order_of_the_rows_does_not_matter():
    order = np.random.default_rng(3).permutation(len(ROWS))
    draws = draw(uncertain(BASELINE), 16, seed=2)

    np.testing.assert_allclose(
        Likelihood(BASELINE, ROWS.iloc[order].reset_index(drop=True))(draws),
        Likelihood(BASELINE, ROWS)(draws),
        rtol=1e-10,
    )


# --- The fit -------------------------------------------------------------------------------------


def test_a_process_pool_gives_the_same_posterior():
    few = ROWS[ROWS["quantity"] == "share_of_amputations"]
    alone = fit(few, scenario=SMALL, n_draws=64, n_fits=2, seed=3)
    with ProcessPoolExecutor(2) as pool:
        pooled = fit(few, scenario=SMALL, n_draws=64, n_fits=2, seed=3, executor=pool)

    pd.testing.assert_frame_equal(pooled.draws, alone.draws, check_exact=True)


def test_without_observations_the_posterior_is_the_prior():
    posterior = fit(ROWS.iloc[:0], n_draws=256, n_fits=2)

    assert posterior.log_evidence.tolist() == [0, 0]
    for item in uncertain(BASELINE):
        drawn = np.sort(posterior.draws[item.name])
        p = (np.arange(len(drawn)) + 0.5) / len(drawn)
        inside = np.abs(np.searchsorted(drawn, item.ppf(p)) / len(drawn) - p)
        assert inside.max() < 0.13


def test_truths_drawn_from_the_prior_have_flat_ranks_in_their_posteriors():
    """Simulation-based calibration (Talts et al. 2018), on the flows of the model."""
    kinds = ["amputations", "amputations_ratio_of_years", "share_of_amputations"]
    rows = ROWS[ROWS["quantity"].isin(kinds)].reset_index(drop=True)
    rows = rows.assign(discrepancy=0.3 * rows["discrepancy"])
    likelihood = Likelihood(SMALL, rows)
    names = [item.name for item in likelihood.priors]
    truths = draw(likelihood.priors, 12, seed=7)
    predicted = likelihood.predicted(truths)
    random = np.random.default_rng(11)
    ranks = np.empty((len(truths), len(names)))
    for i in range(len(truths)):
        simulated = observed_like(likelihood, predicted[i], random)
        posterior = fit(simulated, scenario=SMALL, n_draws=64, n_fits=2, seed=i)
        ranks[i] = (posterior.draws[names] < truths[names].iloc[i]).mean()

    for ranks_of_one in ranks.T:
        assert stats.kstest(ranks_of_one, "uniform").pvalue > 1e-3
    assert stats.kstest(ranks.ravel(), "uniform").pvalue > 1e-3
    # Flat ranks alone come from the prior as well: the data must have taught something.
    assert posterior.draws["dysvascular_minor_share_2019"].std() < 0.7 * truths[names[-1]].std()


def test_data_that_contradict_each_other_are_refused_with_the_families_that_pull():
    rows = ROWS[ROWS["quantity"] == "people_with_limb_loss"].reset_index(drop=True)
    apart = rows.assign(
        centre=rows["centre"] + np.where(rows["family"] == "avalere", 9.0, 0.0),
        sampling_sd=1e-7,
        discrepancy=1e-7,
    )

    with pytest.raises(ValueError, match=r"(?s)(disagree|contradict).*avalere .*up, \d+"):
        fit(apart, scenario=SMALL, n_draws=16, n_fits=2)


def test_conflicts_name_the_family_that_was_moved_first():
    moved = ROWS.assign(centre=ROWS["centre"] - 3.0 * (ROWS["family"] == "glaser"))

    likelihood = Likelihood(BASELINE, moved)
    drawn = read_posterior().head(512)
    table = conflicts(drawn, likelihood)
    worst = table.iloc[0]

    assert (worst["family"], worst["pulls"]) == ("glaser", "down")
    # Each family and quantity once, by its row that is farthest off, in its own standard deviations.
    predicted = np.percentile(likelihood.predicted(drawn), 50, axis=0)
    spread = np.hypot(ROWS["sampling_sd"], ROWS["discrepancy"])
    off = moved.assign(z=(moved["centre"] - predicted) / spread)
    groups = {key: list(rows["z"]) for key, rows in off.groupby(["family", "quantity"])}
    assert len(table) == len(groups)
    assert (table["z"].abs().diff().iloc[1:] <= 0).all()
    for row in table.itertuples():
        of_group = groups[row.family, row.quantity]
        assert row.observations == len(of_group)
        assert row.z == pytest.approx(max(of_group, key=abs))
        assert row.pulls == ("up" if row.z > 0 else "down")


# --- What is stored ------------------------------------------------------------------------------


def test_the_stored_posterior_agrees_with_a_fresh_one_of_small_size():
    stored, fresh = read_posterior(), fit(ROWS, n_draws=160, n_fits=2, seed=5)
    table = fresh.diagnostics().set_index("parameter")
    # Two fits tell their error badly; twelve effective draws each is what they have at the least.
    error = np.maximum(table["error"], stored.std() / np.sqrt(24))

    assert set(stored) == set(fresh.draws)
    assert ((table["mean"] - stored[table.index].mean()).abs() < 4 * error[table.index]).all()
    people = [
        people_with_limb_loss(completed(draws, BASELINE), BASELINE).values["limb_loss"]
        for draws in (stored, fresh.draws)
    ]
    for year in (2005, 2025, 2050):
        before, after = (np.log(values[:, year - 2005]) for values in people)
        assert np.median(before) == pytest.approx(np.median(after), abs=before.std() / 3)
        assert after.std() == pytest.approx(before.std(), rel=0.35)


def test_the_stored_posterior_is_that_of_another_sampler():
    """emcee, from draws of the prior, with some 2,700 effective draws."""
    peer = json.loads((REFERENCE / "emcee_limb_loss.json").read_text(encoding="utf-8"))
    if peer["fingerprint"] != fingerprint(Likelihood(BASELINE, ROWS)):
        pytest.skip("made from other data: tests/reference/make_emcee_limb_loss.py, 15 minutes")
    stored = read_posterior()
    mean, sd = (pd.Series(peer[name]) for name in ("mean", "sd"))

    assert set(stored) == set(mean.index)
    # The errors of both samplers are some 2% of a standard deviation each; 44 are looked at.
    assert ((stored.mean() - mean).abs() / sd).max() < 0.12
    assert (stored.std() / sd).between(0.9, 1.1).all()
    people = people_with_limb_loss(completed(stored, BASELINE), BASELINE)
    for year, ends in peer["limb_loss"].items():
        ours = np.quantile(
            people.values["limb_loss"][:, BASELINE.years == int(year)], [0.025, 0.5, 0.975]
        )
        np.testing.assert_allclose(ours, ends, rtol=0.04 if year == "2050" else 0.02)


@pytest.fixture
def copied(tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(DATA, folder)
    return folder


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("parameters.csv", "dysvascular_progression,share,triangular,0.12", None),
        ("observations.csv", "1600000,,,,,,people,0.12", "1700000,,,,,,people,0.12"),
        ("population/us_mortality_2020_2022.csv", "2020,male,0.00574", "2020,male,0.00575"),
    ],
)
def test_a_posterior_of_other_data_is_refused_with_the_command_that_renews_it(
    copied, file, before, after
):
    text = (copied / file).read_text(encoding="utf-8")
    assert before in text
    (copied / file).write_text(
        text.replace(before, after or before.replace("0.12", "0.13")), encoding="utf-8"
    )

    with pytest.raises(
        ValueError, match=r"limb_loss.csv.gz: made from other .*run.py fit --folder .* renews"
    ):
        run(people_with_limb_loss, read_scenario(folder=copied), n_draws=8)
    by_prior = read_scenario(choices={"beliefs": "prior"}, folder=copied)
    assert run(people_with_limb_loss, by_prior, n_draws=8).outcome.values["limb_loss"].min() > 0


def test_a_posterior_that_is_not_there_is_asked_for(copied):
    (copied / "posterior" / "limb_loss.csv.gz").unlink()

    with pytest.raises(ValueError, match=r"no such file in .*; python3 run.py fit"):
        draws_of(read_scenario(folder=copied), 8, seed=1)


def test_what_is_stored_says_how_it_was_made():
    about = json.loads((DATA / "posterior" / "limb_loss.json").read_text(encoding="utf-8"))

    assert len(read_posterior()) == 4096
    assert about["observations"] == len(ROWS)
    assert np.ptp(about["log_evidence"]) < 2


def test_as_many_draws_as_are_stored_take_each_of_them_once():
    stored, taken = read_posterior(), draws_of(BASELINE, 4096, seed=3)
    name = "dysvascular_first_share"

    np.testing.assert_array_equal(np.sort(taken[name]), np.sort(stored[name]))
    both = ["dysvascular_first_share", "trauma_outside_hospitals"]
    pairs = stored[both].merge(taken[both])
    assert len(pairs) >= 4096


def test_what_a_scenario_believes_otherwise_is_drawn_from_its_own_distribution():
    fixed = with_fixed(BASELINE, {"dysvascular_first_share": 0.7})
    taken, base = (draws_of(scenario, 64, seed=3) for scenario in (fixed, BASELINE))

    assert (taken["dysvascular_first_share"] == 0.7).all()
    pd.testing.assert_frame_equal(
        taken.drop(columns="dysvascular_first_share"), base.drop(columns="dysvascular_first_share")
    )


def test_fits_that_disagree_are_refused_with_the_parameter_and_the_families():
    posterior = fit(ROWS.iloc[:0], n_draws=128, n_fits=2)
    apart = posterior.draws.copy()
    apart.loc[posterior.fit == 1, "dysvascular_first_share"] += 0.2
    split = type(posterior)(apart, posterior.fit, posterior.log_evidence, posterior.stages)

    likelihood = Likelihood(BASELINE, ROWS)
    with pytest.raises(
        ValueError, match=r"disagree on dysvascular_first_share \(R-hat .*pulls"
    ) as raised:
        require_agreement(split, likelihood)

    r_hat, _ = agreement_by_hand(split)["dysvascular_first_share"]
    assert f"(R-hat {r_hat:.2f}; expected 1.2 or less)" in str(raised.value)
    predicted = np.percentile(likelihood.predicted(apart), 50, axis=0)
    off = (ROWS["centre"] - predicted) / np.hypot(ROWS["sampling_sd"], ROWS["discrepancy"])
    worst = off.abs().idxmax()
    family, way = ROWS["family"][worst], "up" if off[worst] > 0 else "down"
    pulls = (
        f" pulls: {family} ({ROWS['quantity'][worst]}) {way}, {abs(off[worst]):.1f} standard dev"
    )
    assert pulls in str(raised.value)


def agreement_by_hand(posterior):
    """R-hat (Gelman and Rubin 1992) and effective draws of each parameter."""
    found = {}
    for name, drawn in posterior.draws.items():
        chains = [drawn[posterior.fit == number] for number in np.unique(posterior.fit)]
        n, apart = len(chains[0]), np.var([chain.mean() for chain in chains], ddof=1)
        within = np.mean([np.var(chain, ddof=1) for chain in chains])
        effective = np.var(drawn, ddof=1) / (apart / len(chains))
        found[name] = (
            np.sqrt(((n - 1) / n * within + apart) / within), min(effective, len(drawn))
        )  # fmt: skip
    return found


def test_the_command_stores_the_fit_and_says_how_well_it_went(monkeypatch, tmp_path, capsys):
    made = Posterior(
        read_posterior().head(64),
        np.repeat([0, 1], 32),
        np.array([-10.0, -11.0004]),
        pd.DataFrame(),
    )
    monkeypatch.setattr(synthesis, "fit", lambda rows, **options: made)
    write = synthesis.write_posterior
    monkeypatch.setattr(
        synthesis,
        "write_posterior",
        lambda posterior, likelihood: write(
            posterior,
            Likelihood(dataclasses.replace(likelihood.scenario, folder=tmp_path), ROWS),
        ),
    )
    monkeypatch.setattr(synthesis, "fingerprint", lambda likelihood: "of these")
    assert synthesis.main([]) == 0

    said = capsys.readouterr().out
    assert f"64 draws from 2 independent fits to {len(ROWS)} observations" in said
    # The mean of both probabilities: -10 + log((1 + 1 / e) / 2).
    assert "Log evidence -10.38 (the fits: -10.00, -11.00)." in said
    r_hat, effective = zip(*agreement_by_hand(made).values(), strict=True)
    assert f"Largest R-hat {max(r_hat):.3f}; fewest effective draws {min(effective):.0f}." in said
    stored = pd.read_csv(tmp_path / "posterior" / "limb_loss.csv.gz")
    assert stored.pop("fit").tolist() == made.fit.tolist()
    np.testing.assert_allclose(stored, made.draws, rtol=1e-5)
    about = json.loads((tmp_path / "posterior" / "limb_loss.json").read_text(encoding="utf-8"))
    assert about == {
        "fingerprint": "of these", "log_evidence": [-10.0, -11.0], "observations": len(ROWS),
    }  # fmt: skip

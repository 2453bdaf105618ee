"""Why this number: shares against closed forms and another way to them, and the chain to sources."""

import dataclasses
import math
import re

import numpy as np
import pytest
from scipy import stats

from plcore.analysis.design import Quantity
from plcore.analysis.explanation import (
    UNEXPLAINED,
    _shares,
    evidence_rows,
    explain,
    explain_in_words,
)
from plcore.evidence.parameters import Correlation, parameter
from plcore.models import people_with_pain
from plcore.models.outcome import Outcome
from plcore.scenarios import read_scenario
from plcore.simulate.runs import run
from plcore.simulate.synthesis import posterior_of

YEARS = {"first_year": 2030, "last_year": 2031}


@pytest.fixture(scope="module")
def baseline():
    return run(people_with_pain, read_scenario(choices=YEARS), n_draws=1024)


@pytest.fixture(scope="module")
def table(baseline):
    return explain(baseline, Quantity("plp", 2030))


def linear(weights, *, correlations=(), n=4096, curve=0.0):
    """A run of a sum of normal parameters a, b, c, ... and of a fixed one, in 2030."""
    named = tuple(
        parameter(name, "log_change_per_year", "normal",
                  {"value": 0.0, "low": -1.959964, "high": 1.959964}, source="assumed", seen="assumed")
        for name in "abcdefgh"[: len(weights)]
    )  # fmt: skip
    still = parameter("still", "ratio", "fixed", {"value": 2.0}, source="assumed", seen="assumed")
    scenario = dataclasses.replace(
        read_scenario(), parameters=(*named, still), correlations=tuple(correlations)
    )

    def model(draws, scenario):
        gain = draws[[item.name for item in named]].to_numpy() @ weights
        gain = gain + curve * draws["a"].to_numpy() ** 2
        return Outcome(np.array([2030]), {"gain": gain[:, np.newaxis]}, np.array([False]))

    return run(model, scenario, n_draws=n)


def shares_of(found, names):
    return found.set_index("parameter")["value"][list(names)].to_numpy()


# The shares.


def test_independent_inputs_of_a_sum_get_their_squared_rank_correlations():
    found = explain(linear([3.0, 2.0, 1.0]), Quantity("gain", 2030))

    # Pearson's r of a summand is 3, 2, 1 over root 14; Spearman's is 6/pi asin(r/2) for normals.
    r = np.array([3, 2, 1]) / math.sqrt(14)
    expected = (6 / np.pi * np.arcsin(r / 2)) ** 2
    assert shares_of(found, "abc") == pytest.approx(expected, abs=0.01)
    assert list(found["label"]) == ["a", "b", "c", "still", UNEXPLAINED]
    assert list(found["goes_with"]) == [""] * 5


def test_the_shares_add_up_to_the_r2_of_a_regression_of_ranks():
    found = linear([3.0, -2.0, 1.0], correlations=[Correlation("a", "b", 0.6, "test")], curve=1.0)
    table = explain(found, Quantity("gain", 2030))

    ranks = stats.rankdata(found.draws[list("abc")].to_numpy(), axis=0)
    y = stats.rankdata(found.outcome.values["gain"][:, 0])
    design = np.column_stack([np.ones(len(y)), ranks])
    rest = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    r2 = 1 - rest.var() / y.var()
    assert shares_of(table, "abc").sum() == pytest.approx(r2, abs=1e-10)
    assert table["value"].sum() == pytest.approx(1)
    assert table["value"].iloc[-1] == pytest.approx(1 - r2, abs=1e-10)
    assert (table["value"] >= 0).all()


def test_two_correlated_inputs_share_as_johnson_2000_works_it_out():
    # For two inputs the root of [[1, r], [r, 1]] has (root(1+r) +- root(1-r)) / 2 in it.
    found = linear([1.0, 0.5], correlations=[Correlation("a", "b", 0.5, "test")])
    table = explain(found, Quantity("gain", 2030))

    ranks = stats.rankdata(found.draws[["a", "b"]].assign(y=found.outcome.values["gain"]), axis=0)
    matrix = np.corrcoef(ranks.T)
    r, with_y = matrix[0, 1], matrix[:2, 2]
    same, other = (
        (math.sqrt(1 + r) + math.sqrt(1 - r)) / 2,
        (math.sqrt(1 + r) - math.sqrt(1 - r)) / 2,
    )
    root = np.array([[same, other], [other, same]])
    expected = root**2 @ np.linalg.solve(root, with_y) ** 2
    assert shares_of(table, "ab") == pytest.approx(expected, abs=1e-10)


def test_an_input_given_twice_shares_what_it_contributes():
    x = np.random.default_rng(0).standard_normal((500, 2))
    y = x[:, 0] + x[:, 1]

    once, twice = _shares(x, y)["value"], _shares(x[:, [0, 0, 1]], y)["value"]

    assert twice[0] == pytest.approx(once[0] / 2, rel=0.01)
    assert twice[0] == pytest.approx(twice[1])
    assert twice.sum() == pytest.approx(once.sum())


def test_the_limits_hold_the_share_of_many_draws():
    # Spearman's correlation of each summand of three equal ones: r is 1 over root 3.
    truth = (6 / np.pi * np.arcsin(1 / math.sqrt(3) / 2)) ** 2
    held = 0
    for seed in range(200):
        x = np.random.default_rng(seed).standard_normal((400, 3))
        found = _shares(x, x.sum(axis=1)).iloc[0]
        held += found["low"] <= truth <= found["high"]

    # 95% of 200 less three standard errors.
    assert held >= 181


def test_an_idle_input_has_no_direction_and_a_limit_of_nought():
    x = np.random.default_rng(1).standard_normal((1000, 2))
    found = _shares(x, x[:, 0])

    assert found.loc[1, "low"] == 0
    assert found.loc[1, "high"] < 0.02


def test_the_direction_is_the_sign_of_the_weight():
    found = explain(linear([3.0, -2.0]), Quantity("gain", 2030)).set_index("parameter")

    assert found["direction"][["a", "b", "still"]].to_list() == ["up", "down", ""]


# The chain.


def test_every_parameter_of_the_scenario_has_a_row_with_its_sources(baseline, table):
    inputs = table.iloc[:-1]

    assert set(inputs["parameter"]) == {item.name for item in baseline.scenario.parameters}
    assert (inputs["cited"] != "").all()
    assert (inputs["references"] != "").all()
    assert inputs["value"].is_monotonic_decreasing
    assert table["label"].iloc[-1] == UNEXPLAINED


def test_pain_after_minor_loss_leads_and_little_is_left_over(table):
    first = table.iloc[0]

    assert first["parameter"] == "plp_prevalence_minor"
    assert first["label"] == "share in pain after loss of fingers or toes"
    # Three quarters of the variance (Shapley effects); of ranks about as much.
    assert first["value"] == pytest.approx(0.74, abs=0.06)
    assert table["value"].iloc[-1] < 0.15


def test_inputs_of_the_posterior_are_marked_with_what_they_go_with(baseline, table):
    inputs = table.iloc[:-1].set_index("parameter")
    fitted = set(inputs.index[inputs["fitted"].astype(bool)])
    ranks = baseline.draws.rank().corr()

    assert fitted == set(posterior_of(baseline.scenario))
    assert not inputs.loc["plp_prevalence_minor", "fitted"]
    ranks = ranks.loc[list(fitted), list(fitted)].mask(np.eye(len(fitted), dtype=bool), 0.0)
    name = ranks.abs().max().idxmax()
    companion = inputs.loc[name, "goes_with"]
    assert companion == ranks[name].abs().idxmax()
    assert inputs.loc[name, "rank_correlation"] == pytest.approx(ranks.loc[name, companion])
    assert abs(ranks.loc[name, companion]) > 0.4
    apart = inputs["goes_with"] == ""
    assert inputs.loc[apart, "rank_correlation"].isna().all()
    assert inputs.loc[~apart, "rank_correlation"].abs().min() >= 0.2


def test_what_the_model_does_not_use_contributes_nothing_beyond_chance(table):
    # No parameter of the anchored projection enters the cohort model.
    idle = table.set_index("parameter").loc[
        ["limb_loss_2005", "limb_loss_2050", "limb_loss_ceiling"]
    ]

    assert (idle["value"] < 4 / 1024).all()


def test_a_pooled_parameter_leads_to_its_studies(baseline, table):
    rows = evidence_rows(baseline.scenario, "plp_prevalence")

    studies = table.set_index("parameter").loc["plp_prevalence", "studies"]
    assert len(rows) == studies > 1
    ephraim = rows.set_index("row").loc["Ephraim 2005"]
    # 730 of 914, back-calculated from the printed 79.9% of Ephraim 2005.
    assert (ephraim["events"], ephraim["n"]) == (730, 914)
    assert ephraim["cited"] == "Ephraim 2005"
    assert "doi.org" in ephraim["references"]


@pytest.mark.parametrize("name", ["plp_congenital", "plp_before_six", "severity_weekly"])
def test_childhood_and_severity_lead_to_counts(baseline, name):
    rows = evidence_rows(baseline.scenario, name)

    assert len(rows) >= 1
    assert rows[["n", "events"]].notna().all(axis=None)


def test_a_printed_number_leads_to_its_own_row(baseline):
    rows = evidence_rows(baseline.scenario, "trauma_hazard_ratio")

    assert rows.loc[0, ["row", "value", "low", "high", "cited"]].to_list() == [
        "trauma_hazard_ratio", 1.5, 1.1, 2.05, "Assumed",
    ]  # fmt: skip


def test_the_studies_follow_the_scenario():
    everywhere = evidence_rows(read_scenario("all_studies"), "plp_prevalence")
    at_home = evidence_rows(read_scenario(), "plp_prevalence")

    assert set(at_home["row"]) < set(everywhere["row"])


@pytest.mark.parametrize("kept", ["source", "dist"])
def test_a_number_of_the_scenario_s_own_leads_to_no_studies(baseline, kept):
    pooled = dataclasses.replace(
        {item.name: item for item in baseline.scenario.parameters}["plp_prevalence"],
        arguments=(("low", 0.6), ("high", 0.9)),
    )
    own = (
        dataclasses.replace(pooled, dist="uniform")
        if kept == "source"
        else dataclasses.replace(pooled, source="assumed", seen="assumed")
    )
    scenario = dataclasses.replace(baseline.scenario, parameters=(own,))

    rows = evidence_rows(scenario, "plp_prevalence")

    assert rows["row"].to_list() == ["plp_prevalence"]
    assert rows.loc[0, "low"] == 0.6


def test_draws_that_moved_stand_beside_what_was_believed(baseline):
    draws = baseline.draws.assign(plp_prevalence=baseline.draws["plp_prevalence"] * 0.9)
    moved = dataclasses.replace(baseline, draws=draws)

    found = explain(moved, Quantity("plp", 2030)).set_index("parameter").loc["plp_prevalence"]

    assert found["median"] == pytest.approx(0.9 * found["believed_median"], rel=0.01)


def test_the_sentences_say_the_number_its_studies_and_what_is_assumed(baseline, table):
    words = explain_in_words(baseline, Quantity("plp", 2030), most=4)
    values = baseline.outcome.values["plp"][:, 0]

    lines = words.splitlines()
    assert len(lines) == 1 + 4 + 2
    middle = float(lines[0].split(": ")[1].split(" ")[0].replace(",", ""))
    assert middle == pytest.approx(np.median(values), rel=0.005)
    said = re.search(
        r"; its bounds are ([\d,]+) if only major losses hurt and ([\d,]+) if all losses hurt alike",
        lines[0],
    )
    for number, bound in zip(said.groups(), ("plp_major_only", "plp_all_alike"), strict=True):
        expected = np.median(baseline.outcome.values[bound][:, 0])
        assert float(number.replace(",", "")) == pytest.approx(expected, rel=0.005)
    assert "bounds" not in explain_in_words(baseline, Quantity("limb_loss", 2030), most=1)
    assumed = table["seen"] == "assumed"
    share, later = (
        table.loc[chosen, "value"].sum()
        for chosen in (assumed, assumed & table["fitted"].astype(bool))
    )
    assert lines[-1] == (
        f"Inputs that are assumed, without a source, account for {share:.0%}, {later:.0%} by those "
        "that were then fitted to counts."
    )
    # No key of a parameter is shown.
    assert not re.search(r"(dysvascular|trauma|plp|severity)_", words)
    for row, line in zip(table.head(4).to_dict("records"), lines[1:], strict=False):
        assert row["label"] in line


# Faults.


def test_an_outcome_that_does_not_vary_is_refused(baseline):
    flat = {"plp": np.ones((1024, 2))}
    still = dataclasses.replace(
        baseline, outcome=dataclasses.replace(baseline.outcome, values=flat)
    )

    with pytest.raises(
        ValueError,
        match="phantom limb pain in 2030 is 1 in every draw; expected a number that varies",
    ):
        explain(still, Quantity("plp", 2030))


def test_too_few_draws_are_refused():
    with pytest.raises(ValueError, match="64 draws; expected 200 or more"):
        explain(linear([1.0, 2.0], n=64), Quantity("gain", 2030))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda r: explain(r, Quantity("pain", 2030)), "no outcome 'pain'; expected one of"),
        (lambda r: explain(r, Quantity("plp", 1999)), "no year 1999; expected one from 2030"),
        (lambda r: evidence_rows(r.scenario, "plp"), "no parameter 'plp'; expected one of"),
        (
            lambda r: explain_in_words(r, Quantity("plp", 2030), most=0),
            "most is 0; expected 1 or more",
        ),
    ],
)
def test_a_wrong_name_is_answered_with_those_there_are(baseline, call, words):
    with pytest.raises(ValueError, match=words):
        call(baseline)


@pytest.mark.parametrize("most", [1, 4])
def test_the_sentences_account_for_all_other_inputs(baseline, table, most):
    lines = explain_in_words(baseline, Quantity("plp", 2030), most=most).splitlines()
    rest, bends = table["value"].iloc[most:-1].sum(), table["value"].iloc[-1]

    assert lines[-2].startswith(f"The other inputs account for {rest:.0%} together; {bends:.0%} is")


def test_the_numbers_beside_the_shares_are_those_of_the_draws_and_of_the_beliefs(baseline, table):
    believed = {item.name: item for item in baseline.scenario.parameters}

    for row in table.iloc[:-1].to_dict("records"):
        drawn, item = baseline.draws[row["parameter"]], believed[row["parameter"]]
        for end, at in (("median", 50), ("low_95", 2.5), ("high_95", 97.5)):
            assert row[end] == pytest.approx(np.percentile(drawn, at), rel=1e-12, abs=1e-15)
            before = item.median if at == 50 else float(item.ppf(np.array([at / 100]))[0])
            assert row[f"believed_{end}"] == pytest.approx(before, rel=1e-6, abs=1e-12)
        assert (row["unit"], row["dist"], row["seen"]) == (item.unit, item.dist, item.seen)
        rows = evidence_rows(baseline.scenario, row["parameter"])
        alone = rows["row"].tolist() == [row["parameter"]]
        assert row["studies"] == (0 if alone else len(rows))


def test_the_interval_in_the_first_sentence_leaves_out_one_draw_in_forty_on_either_side(baseline):
    line = explain_in_words(baseline, Quantity("plp", 2030), most=1).splitlines()[0]
    said = re.search(r"95% interval ([\d,]+) to ([\d,]+); ([\d,]+) draws", line).groups()
    low, high, draws = (float(number.replace(",", "")) for number in said)

    expected = np.percentile(baseline.outcome.values["plp"][:, 0], [2.5, 97.5])
    assert [low, high] == pytest.approx(expected, rel=0.005)
    assert draws == len(baseline.draws)

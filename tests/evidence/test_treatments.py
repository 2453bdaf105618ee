"""What trials found, as the charts and tables of the notebook take it."""

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from plcore import charts
from plcore.evidence.data import read
from plcore.evidence.pooling import HalfNormal, bayes, logit_proportion
from plcore.evidence.trial_tables import DEFINITIONS, SETTINGS
from plcore.evidence.trials.comparison import crossover_difference, number_needed, risk_difference
from plcore.evidence.trials.treatments import (
    claims_and_trials,
    comparisons,
    effects_table,
    mean_differences,
    pool_responses,
    response_forest,
    treatments_named,
    trial_arms,
)


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_forest_has_every_counted_arm_of_a_setting_once_under_its_meaning(setting):
    arms = trial_arms().query("setting == @setting and responders.notna()")
    table = response_forest(setting)
    drawn = table[table["role"] == "study"]

    assert len(drawn) == len(arms)
    assert drawn["events"].sum() == arms["responders"].sum()
    headings = table.loc[table["role"] == "heading", "label"].tolist()
    assert headings == [DEFINITIONS[d] for d in DEFINITIONS if d in set(arms["definition"])]
    assert (drawn["low"] <= drawn["estimate"] + 1e-12).all()
    assert (drawn["estimate"] <= drawn["high"] + 1e-12).all()


@pytest.mark.parametrize("setting", ["established_plp", "prevention", "other_pain"])
def test_a_forest_of_responses_can_be_drawn_and_shows_every_n(setting):
    figure = charts.forest(
        response_forest(setting), title="T", xaxis="Share", source="S", percent=True
    )
    labels = " ".join(figure.layout.yaxis.ticktext)

    for row in response_forest(setting).query("role == 'study'").itertuples():
        assert f"({row.events:.0f}/{row.n:.0f})" in labels.replace("<br>", " ")


def test_no_ketamine_count_in_established_pain_comes_from_more_than_one_patient():
    """trials_notes: no count of people with 50% relief was seen; the cases are single patients."""
    arms = trial_arms().query("setting == 'established_plp' and responders.notna()")
    ketamine = arms[arms["treatment"].str.startswith("ketamine")]

    assert ketamine["n"].max() == 1


def test_noppers_is_compared_at_four_times_and_ends_without_a_difference():
    table = comparisons("other_pain").query("Trial == 'Noppers 2011'")

    assert table["After"].tolist() == ["15 minutes", "3 hours", "7 days", "8 weeks"]
    assert table["Treated"].tolist() == ["8 of 12", "6 of 12", "2 of 12", "2 of 12"]
    assert table["Control"].tolist() == ["3 of 12", "2 of 12", "0 of 12", "2 of 12"]
    assert table["Difference"].iloc[-1].startswith("+0 ")
    assert "infinity" in table["Number needed"].iloc[-1]


def test_only_differences_with_limits_are_drawn_and_below_zero_is_better():
    table = mean_differences().query("role == 'study'")

    assert table[["low", "high"]].notna().all().all()
    assert (table["low"] <= table["estimate"]).all()
    ilfeld = table[table["label"].str.startswith("Ilfeld 2021")].iloc[0]
    assert (ilfeld["estimate"], ilfeld["low"], ilfeld["high"]) == (-1.3, -2.2, -0.4)


def test_every_claim_that_a_trial_decides_names_it_with_whom_it_studied():
    table = claims_and_trials()
    claims = read("claims")

    assert len(table) == (claims["trials"] != "").sum() >= 25
    assert table["Trials"].str.contains(r"\((?:established plp|other pain|prevention|acute plp|"
                                        r"stump or phantom), ").all()  # fmt: skip
    assert (table["What they found"] != "").all()


def test_treatments_that_the_pages_name_come_first_and_those_without_a_trial_have_no_rate():
    table = treatments_named()

    assert table["Named by"].is_monotonic_decreasing
    without = table[table["Trials found"] == "none"]
    assert len(without) > 5
    counted = set(trial_arms().query("responders.notna()")["treatment"])
    names = read("treatments").set_index("treatment")["name"]
    assert not set(without["Treatment"]) & {names[key] for key in counted}


def test_an_unknown_setting_is_refused():
    with pytest.raises(ValueError, match="setting is 'plp'; expected one of established_plp"):
        response_forest("plp")


# Comparisons


def two_arms(**other):
    base = {
        "trial": "a",
        "outcome": "relief",
        "treatment": "rtms",
        "design": "parallel",
        "setting": "established_plp",
        "definition": "fall_30",
        "follow_up_days": 29.0,
    }
    arms = [
        {**base, "arm": "rtms", "role": "treatment", "patients": "p", "n": 27, "responders": 19},
        {**base, "arm": "sham", "role": "control", "patients": "q", "n": 27, "responders": 11},
    ]
    return pd.DataFrame([{**arm, **other} for arm in arms])


def test_separate_arms_are_compared_by_the_score_interval():
    row = effects_table(two_arms()).iloc[0]

    effect = risk_difference(19, 27, 11, 27)
    limits = (effect.estimate, effect.low, effect.high)
    assert (row["rd"], row["rd_low"], row["rd_high"]) == limits
    assert row["nnt"] == number_needed(*limits)
    assert row["prob_better"] > 0.98
    assert (row["n_treatment"], row["responders_control"], row["remark"]) == (27, 11, "")


def test_a_crossover_is_never_compared_as_separate_people():
    row = effects_table(two_arms(design="crossover", patients="p")).iloc[0]

    effect, _ = crossover_difference(19, 11, 27)
    assert (row["rd_low"], row["rd_high"]) == (effect.low, effect.high)
    assert np.isnan(row["prob_better"])
    assert row["remark"] == "crossover, totals only: limits over the 9 tables they allow"


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        ({"responders": np.nan}, "not compared: no count of responders in rtms and sham"),
        ({"design": "meta_analysis"}, "not compared: made of trials that stand elsewhere"),
        ({"design": "cohort"}, "not randomised"),
    ],
    ids=["uncounted", "meta_analysis", "cohort"],
)
def test_the_remark_says_why_a_comparison_is_not_made(change, remark):
    row = effects_table(two_arms(**change)).iloc[0]

    assert row["remark"].startswith(remark)
    assert np.isnan(row["rd"]) == remark.startswith("not compared")


def test_a_crossover_with_unequal_periods_is_not_guessed_at():
    arms = two_arms(design="crossover").assign(n=[10, 20], responders=[6, 4])

    assert (
        effects_table(arms)["remark"][0] == "not compared: 10 and 20 people, so not all are pairs"
    )


def test_several_treatments_share_the_only_control():
    arms = two_arms()
    second = arms.iloc[[0]].assign(arm="other", treatment="tdcs", responders=12)
    found = effects_table(pd.concat([arms, second]))

    assert list(found["treatment"]) == ["rtms", "tdcs"]
    assert list(found["responders_control"]) == [11, 11]


def test_a_single_arm_has_no_comparison():
    assert effects_table(two_arms(role="single")).empty


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patients": ["p", "p"]}, "a relief: both arms are of patients p"),
        ({"definition": ["fall_30", "fall_50"]}, "definition differs between the arms: fall_30"),
        ({"follow_up_days": [7, 29]}, "follow_up_days differs between the arms: 7 and 29"),
        ({"responders": [30, 11]}, "a relief: responders_1 is 30; expected not above n"),
    ],
    ids=["patients", "definition", "follow_up", "responders"],
)
def test_arms_that_do_not_belong_together_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        effects_table(two_arms().assign(**change))


def test_two_controls_of_one_treatment_are_not_chosen_between():
    arms = two_arms()
    with pytest.raises(ValueError, match="arm rtms has 2 controls, sham, usual"):
        effects_table(pd.concat([arms, arms.iloc[[1]].assign(arm="usual")]))


def test_every_trial_with_both_arms_counted_is_compared():
    effects = effects_table(read("trials"))

    both = effects["responders_treatment"].notna() & effects["responders_control"].notna()
    compared = effects["rd"].notna()
    assert compared.sum() > 10
    assert (both == (compared | effects["remark"].str.contains("pairs|elsewhere"))).all()
    inside = (effects["rd_low"] <= effects["rd"]) & (effects["rd"] <= effects["rd_high"])
    assert inside[compared].all()


# Pools


PRIOR = HalfNormal(0.5)


def arms(*rows):
    """Arms of one treatment: (trial, follow_up_days, n, responders) and what else differs."""
    made = []
    for i, (trial, days, n, responders, *other) in enumerate(rows):
        made.append(
            {
                "trial": trial,
                "arm": f"arm_{i}",
                "outcome": f"outcome_{i}",
                "role": "treatment",
                "treatment": "mirror_therapy",
                "setting": "established_plp",
                "definition": "fall_50",
                "follow_up_days": days,
                "patients": f"{trial}_{i}",
                "n": n,
                "responders": responders,
                "include": "yes",
                **(other[0] if other else {}),
            }
        )
    return pd.DataFrame(made)


def test_one_trial_gives_its_exact_posterior():
    row = pool_responses(arms(("huse", 28, 12, 5)), tau_prior=PRIOR).iloc[0]

    posterior = stats.beta(5.5, 7.5)
    assert row["rate"] == pytest.approx(posterior.median())
    assert (row["low"], row["high"]) == pytest.approx(tuple(posterior.ppf([0.025, 0.975])))
    assert row["pooled"] == "huse: posterior of one trial, Jeffreys prior, worth 1 person"


def test_like_trials_are_pooled_with_the_stated_prior():
    row = pool_responses(arms(("a", 20, 20, 8), ("b", 30, 35, 20)), tau_prior=PRIOR).iloc[0]

    pooled = bayes(*logit_proportion([8, 20], [20, 35]), prior=PRIOR)
    expected = special.expit([pooled.estimate, pooled.low, pooled.high])
    assert (row["rate"], row["low"], row["high"]) == pytest.approx(tuple(expected))
    assert (row["trials"], row["n"], row["responders"]) == (2, 55, 28)
    assert row["pooled"] == "a, b: Bayes, settings differ by HalfNormal(scale=0.5)"


@pytest.mark.parametrize(
    "other",
    [
        {"role": "control"},
        {"treatment": "rtms"},
        {"setting": "prevention"},
        {"definition": "fall_30"},
        {"follow_up_days": 90},
    ],
    ids=str,
)
def test_unlike_arms_are_never_pooled(other):
    table = arms(("a", 20, 20, 8), ("b", 30, 35, 20, other))

    assert list(pool_responses(table, tau_prior=PRIOR)["trials"]) == [1, 1]


def test_outcomes_called_other_are_never_one_thing():
    other = {"definition": "other"}
    table = arms(("a", 20, 20, 8, other), ("b", 30, 35, 20, other))

    assert list(pool_responses(table, tau_prior=PRIOR)["trials"]) == [1, 1]


def test_the_longest_follow_up_of_the_same_patients_counts_and_the_other_is_named():
    twice = {"patients": "noppers"}
    table = arms(("a", 1, 12, 8, twice), ("a", 0.1, 12, 6, twice), ("b", 1, 20, 9))

    row = pool_responses(table, tau_prior=PRIOR).iloc[0]

    assert (row["responders"], row["n"]) == (17, 32)
    assert "left aside: a arm_1 outcome_1" in row["pooled"]


@pytest.mark.parametrize("patients", [("p;q", "q;r"), ("p", "p")])
def test_the_same_patients_twice_at_one_time_are_refused_by_name(patients):
    table = arms(*(("a", 20, 12, 8, {"patients": keys}) for keys in patients))

    with pytest.raises(ValueError, match=r"patients [pq] are in several rows to pool: a arm_0"):
        pool_responses(table, tau_prior=PRIOR)


def test_rows_that_are_not_included_stay_out():
    table = arms(("a", 20, 20, 8), ("b", 30, 35, 20, {"include": "no", "responders": np.nan}))

    assert list(pool_responses(table, tau_prior=PRIOR)["n"]) == [20]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"definition": "better"}, "a arm_0 outcome_0: definition is 'better'; expected one of"),
        ({"responders": 30}, "a arm_0 outcome_0: responders is 30; expected not above n"),
        ({"n": np.nan}, "a arm_0 outcome_0: n is nan"),
        ({"follow_up_days": np.nan}, "a arm_0 outcome_0: follow_up_days is nan"),
        ({"patients": ""}, "a arm_0 outcome_0: patients is empty"),
    ],
)
def test_a_row_that_cannot_be_pooled_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        pool_responses(arms(("a", 20, 20, 8, change)), tau_prior=PRIOR)


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="no column patients"):
        pool_responses(arms(("a", 20, 20, 8)).drop(columns="patients"), tau_prior=PRIOR)


def test_bands_of_follow_up_end_on_their_last_day():
    table = arms(("a", 2, 20, 8), ("b", 2.1, 20, 8), ("c", 5000, 20, 8))

    bands = pool_responses(table, tau_prior=PRIOR)["follow_up"]

    assert list(bands) == ["up to 2 days", "over 2 to 14 days", "over 366 days"]


def test_every_arm_that_may_be_pooled_is_in_a_group():
    trials = read("trials")
    pools = pool_responses(trials, tau_prior=PRIOR)

    included = trials[trials["include"] == "yes"]
    aside = pools["pooled"].str.extract("left aside: (.*)")[0].dropna().str.split(", ")
    assert pools["trials"].sum() + aside.map(len).sum() == len(included)
    assert ((pools["low"] <= pools["rate"]) & (pools["rate"] <= pools["high"])).all()

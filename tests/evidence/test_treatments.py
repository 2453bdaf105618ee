"""What trials found, as the charts and tables of the notebook take it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from plcore import charts
from plcore.evidence.data import cite, read
from plcore.evidence.pooling import HalfNormal, bayes, logit_proportion
from plcore.evidence.trial_tables import DEFINITIONS, SETTINGS
from plcore.evidence.trials.contrasts import (
    EFFECT_METHODS,
    effects_table,
    pool_effects,
    pool_responses,
    ways_of_pooling_effects,
)
from plcore.evidence.trials.response import crossover_difference, number_needed, risk_difference
from plcore.evidence.trials.treatments import (
    claims_and_trials,
    comparisons,
    contrast_forest,
    mean_differences,
    response_forest,
    treatments_named,
    trial_arms,
)


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_forest_has_every_counted_arm_of_a_setting_once_under_its_meaning(setting):
    arms = trial_arms().query("setting == @setting and responders.notna()")
    table = response_forest(setting)
    drawn = table[table["role"] != "heading"]

    assert len(drawn) == len(arms)
    assert (drawn["role"] == "control").sum() == (arms["role"] == "control").sum()
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

    for row in response_forest(setting).query("role != 'heading'").itertuples():
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
    assert table["Trials"].str.contains(r"\((?:(?:established|acute|stump or) phantom limb pain|"
                                        r"stump or phantom limb pain|other pain|prevention), ").all()  # fmt: skip
    assert (table["What they found"] != "").all()


def test_treatments_that_the_pages_name_come_first_and_those_without_a_trial_have_no_rate():
    table = treatments_named()

    assert table["Named by"].is_monotonic_decreasing
    without = table[table["Trials found"].str.startswith(("none", "not searched"))]
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
    assert row["nnt"] == number_needed(effect)
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
    assert row["pooled"] == (
        "huse: posterior of one trial, Jeffreys prior, worth 1 person; a rate, no comparison follows"
    )


def test_like_trials_are_pooled_with_the_stated_prior():
    row = pool_responses(arms(("a", 20, 20, 8), ("b", 30, 35, 20)), tau_prior=PRIOR).iloc[0]

    pooled = bayes(*logit_proportion([8, 20], [20, 35]), prior=PRIOR)
    expected = special.expit([pooled.estimate, pooled.low, pooled.high])
    assert (row["rate"], row["low"], row["high"]) == pytest.approx(tuple(expected))
    assert (row["trials"], row["n"], row["responders"]) == (2, 55, 28)
    assert row["pooled"] == (
        "a, b: Bayes, settings differ by HalfNormal(scale=0.5); a rate, no comparison follows"
    )


@pytest.mark.parametrize(
    "other",
    [
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
        ({"definition": "better"}, r"a arm_0 outcome_0\): definition is 'better'; expected one of"),
        ({"responders": 30}, "a arm_0 outcome_0: responders is 30; expected not above n"),
        ({"n": np.nan}, "a arm_0 outcome_0: n is nan"),
        ({"follow_up_days": np.nan}, "a arm_0 outcome_0: follow_up_days is nan"),
        ({"patients": ""}, r"a arm_0 outcome_0\): patients is ''; expected a value"),
        ({"patients": np.nan}, r"a arm_0 outcome_0\): patients is ''; expected a value"),
        ({"include": "Yes"}, r"a arm_0 outcome_0\): include is 'Yes'; expected one of yes, no"),
        ({"include": True}, r"a arm_0 outcome_0\): include is 'True'; expected one of yes, no"),
        ({"treatment": np.nan}, r"a arm_0 outcome_0\): treatment is ''; expected a value"),
        ({"setting": ""}, r"a arm_0 outcome_0\): setting is ''; expected a value"),
    ],
)
def test_a_row_that_cannot_be_pooled_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        pool_responses(arms(("a", 20, 20, 8, change)), tau_prior=PRIOR)


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="arms: no column 'patients'; expected trial, arm"):
        pool_responses(arms(("a", 20, 20, 8)).drop(columns="patients"), tau_prior=PRIOR)


def test_bands_of_follow_up_end_on_their_last_day():
    table = arms(("a", 2, 20, 8), ("b", 2.1, 20, 8), ("c", 5000, 20, 8))

    bands = pool_responses(table, tau_prior=PRIOR)["follow_up"]

    assert list(bands) == ["up to 2 days", "over 2 to 14 days", "over 366 days"]


@pytest.mark.parametrize("role", ["treatment", "control"])
def test_every_arm_that_may_be_pooled_is_in_a_group(role):
    trials = read("trials").query("role == @role")
    pools = pool_responses(trials, tau_prior=PRIOR)

    included = trials[trials["include"] == "yes"]
    aside = pools["pooled"].str.extract("left aside: (.*)")[0].dropna().str.split(", ")
    assert pools["trials"].sum() + aside.map(len).sum() == len(included)
    assert ((pools["low"] <= pools["rate"]) & (pools["rate"] <= pools["high"])).all()


def test_treated_and_control_arms_are_not_pooled_apart():
    table = arms(("a", 20, 20, 8), ("b", 30, 35, 20, {"role": "control"}))

    message = r"several roles: treatment \(a arm_0 .*control \(b arm_1 .*use pool_effects"
    with pytest.raises(ValueError, match=message):
        pool_responses(table, tau_prior=PRIOR)


# Pooled comparisons


def trial(name, treated, control, **other):
    """Two arms of a trial: responders and people in each."""
    base = {
        "trial": name,
        "outcome": "relief",
        "treatment": "mirror_therapy",
        "design": "parallel",
        "setting": "established_plp",
        "definition": "fall_50",
        "follow_up_days": 28.0,
        "include": "yes",
    }
    made = []
    for role, (responders, n) in (("treatment", treated), ("control", control)):
        arm = {"arm": role, "role": role, "patients": f"{name}_{role}"}
        made.append({**base, **arm, "responders": responders, "n": n, **other})
    return pd.DataFrame(made)


def together(*trials):
    return pd.concat(trials, ignore_index=True)


@pytest.mark.parametrize("name", EFFECT_METHODS)
def test_like_trials_are_pooled_by_their_own_comparisons(name):
    table = together(trial("a", (8, 20), (3, 18)), trial("b", (20, 35), (14, 33)))
    row = pool_effects(table, method=EFFECT_METHODS[name]).iloc[0]

    effect = EFFECT_METHODS[name]([8, 20], [20, 35], [3, 14], [18, 33])
    ours = tuple(row[["measure", "estimate", "low", "high", "p"]])
    assert ours == (effect.measure, effect.estimate, effect.low, effect.high, effect.p)
    assert (row["trials"], row["n_treatment"], row["responders_control"]) == (2, 55, 17)
    assert (row["number_needed"] != "") == (effect.measure == "risk difference")
    assert row["pooled"].startswith(f"a {effect.weights[0]:.0%}, b {effect.weights[1]:.0%}")


def test_one_trial_keeps_its_own_score_limits():
    row = pool_effects(trial("a", (8, 20), (3, 18))).iloc[0]

    alone = risk_difference(8, 20, 3, 18)
    assert (row["estimate"], row["low"], row["high"]) == (alone.estimate, alone.low, alone.high)
    assert row["number_needed"] == number_needed(alone)
    assert row[["p", "tau2", "i2"]].isna().all()


def test_arms_of_different_trials_are_never_compared():
    treated, control = (
        trial("a", (8, 20), (3, 18)).iloc[[0]],
        trial("b", (8, 20), (3, 18)).iloc[[1]],
    )

    with pytest.raises(ValueError, match=r"treatment arms of a; control arms of b.*never compared"):
        pool_effects(together(treated, control))


@pytest.mark.parametrize(
    "other",
    [
        {"treatment": "rtms"},
        {"setting": "prevention"},
        {"definition": "fall_30"},
        {"follow_up_days": 90.0},
        {"definition": "other"},
    ],
    ids=str,
)
def test_unlike_comparisons_are_never_pooled(other):
    table = together(trial("a", (8, 20), (3, 18)), trial("b", (8, 20), (3, 18), **other))

    assert pool_effects(table)["trials"].tolist() == [1, 1]


def test_trials_that_were_not_randomised_enter_on_request_only_and_by_name():
    loose = trial("b", (9, 10), (2, 10), design="cohort", include="no")
    table = together(trial("a", (8, 20), (3, 18)), loose)

    assert pool_effects(table)["trials"].tolist() == [1]
    row = pool_effects(table, not_randomised=True).iloc[0]
    assert (row["trials"], row["not_randomised"]) == (2, "b")
    assert "not properly randomised: b" in row["pooled"]


def test_crossovers_stay_out_as_their_arms_are_the_same_people():
    same = trial("b", (9, 10), (2, 10), design="crossover", patients="b")

    assert pool_effects(together(trial("a", (8, 20), (3, 18)), same))["trials"].tolist() == [1]


def test_a_control_group_counts_once():
    table = trial("a", (8, 20), (3, 18))
    second = table.iloc[[0]].assign(arm="more", patients="a_more", responders=5)

    with pytest.raises(ValueError, match="patients a_control are in several comparisons to pool"):
        pool_effects(together(table, second))


def test_the_longest_follow_up_of_a_trial_counts_in_a_band():
    early = trial("a", (8, 20), (3, 18), outcome="early", follow_up_days=20.0)
    late = trial("a", (6, 20), (4, 18), outcome="late", follow_up_days=50.0)
    row = pool_effects(together(early, late)).iloc[0]

    assert row["responders_treatment"] == 6
    assert "left aside: a treatment early" in row["pooled"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"include": "Yes"}, r"a treatment relief\): include is 'Yes'; expected one of yes, no"),
        ({"definition": "better"}, r"a treatment relief\): definition is 'better'"),
        ({"responders": 30}, "a treatment relief: responders is 30; expected not above n"),
        (
            {"follow_up_days": -1.0},
            r"a treatment relief\): follow_up_days is '-1'; expected a number of 0",
        ),
        ({"patients": ""}, r"a treatment relief\): patients is ''; expected a value"),
        ({"treatment": None}, r"a treatment relief\): treatment is ''; expected a value"),
    ],
    ids=str,
)
def test_a_comparison_that_cannot_be_pooled_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        pool_effects(trial("a", (8, 20), (3, 18), **change))


def test_epidural_analgesia_is_pooled_as_a_contrast():
    """Bach 1988: 11 of 11 against 9 of 14. Karanikolas 2011: 12 of 13 against 3 of 12."""
    pooled = pool_effects(trial_arms(), not_randomised=True)
    rows = pooled.query("treatment == 'perioperative_epidural'").set_index("follow_up")
    month_6 = rows.loc["over 60 to 183 days"]

    assert month_6[["estimate", "low", "high"]].astype(float).round(2).tolist() == [
        0.52,
        0.32,
        0.71,
    ]
    assert month_6["not_randomised"] == "bach_1988"
    assert rows.loc["over 183 to 366 days", "not_randomised"] == "bach_1988, jahangiri_1994"
    randomised = pool_effects(trial_arms()).query("treatment == 'perioperative_epidural'")
    assert randomised["pooled"].tolist() == ["karanikolas_2011: one trial, its own score limits"]


def test_methods_are_set_side_by_side_for_one_group_of_trials():
    epidural = trial_arms().query(
        "treatment == 'perioperative_epidural' and outcome == 'free_of_plp_month_6' "
        "and arm != 'pca_then_epidural'"
    )
    table = ways_of_pooling_effects(epidural)

    assert table["method"].tolist() == list(EFFECT_METHODS)
    assert (table["estimate"] > (table["measure"] != "risk difference")).all()
    with pytest.raises(ValueError, match=r"the arms make [0-9]+ groups"):
        ways_of_pooling_effects(trial_arms())
    with pytest.raises(ValueError, match="only a compares; expected two trials"):
        ways_of_pooling_effects(trial("a", (8, 20), (3, 18)))


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_forest_of_contrasts_has_every_comparison_once(setting):
    arms_here = trial_arms().query("setting == @setting and responders.notna()")
    effects = effects_table(arms_here)
    compared = effects[effects["rd"].notna()] if len(effects) else effects
    drawn = contrast_forest(setting)
    studies = drawn[drawn["role"] == "study"]

    assert len(studies) == len(compared)
    if len(compared):
        assert sorted(studies["estimate"]) == pytest.approx(sorted(compared["rd"]))
        assert studies["label"].is_unique
        figure = charts.forest(drawn, title="T", xaxis="Difference", source="S", percent=False)
        assert figure.data
    loose = studies.loc[studies["design"] == "cohort", "label"]
    assert loose.str.contains("not properly randomised").all()


def test_what_was_not_found_says_by_which_day():
    table = treatments_named()
    silent = table[(table["Compared"] == 0) & (table["Named by"] > 0)]

    assert len(silent) > 10
    searched = silent[silent["Trials found"] != "not searched"]
    assert searched["Trials found"].str.contains(r"found by 20\d\d-\d\d-\d\d$").all()
    assert (
        silent.loc[silent["Trials found"] == "not searched", "Note"]
        .str.contains("nothing was searched")
        .all()
    )


def test_every_counted_arm_is_on_the_page():
    """The published tables hold each arm with a count once, whatever the setting."""
    golden = Path(__file__).parents[1] / "golden" / "tables"
    shown = pd.concat(pd.read_csv(path) for path in golden.glob("responses_*.csv"))
    shown = shown[shown["role"] != "heading"]
    counted = trial_arms().query("responders.notna()")

    def keys(table, n, events):
        names = [n, events, "definition", "source"]
        return sorted(map(tuple, table[names].astype(str).to_numpy().tolist()))

    assert len(shown) == len(counted) > 60
    assert keys(shown, "n", "events") == keys(counted, "n", "responders")
    for n, events in ((11, 11), (21, 19)):  # Nikolajsen 1996, Jaeger 1992
        assert ((shown["n"] == n) & (shown["events"] == events)).any()


def wilson_by_hand(x, n):
    z = stats.norm.ppf(0.975)
    middle, reach = x + z**2 / 2, z * np.sqrt(x * (n - x) / n + z**2 / 4)
    return (middle - reach) / (n + z**2), (middle + reach) / (n + z**2)


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_arm_of_a_forest_has_its_own_count_limits_and_source(setting):
    arms = trial_arms().query("setting == @setting and responders.notna()")
    expected = sorted(
        (arm["source"], arm["responders"], arm["n"], arm["seen"], arm["design"],
         arm["definition"], "control" if arm["role"] == "control" else "study")
        for arm in arms.to_dict("records")
    )  # fmt: skip
    drawn = response_forest(setting).query("role != 'heading'")
    names = ["source", "events", "n", "seen", "design", "definition", "role"]

    assert sorted(map(tuple, drawn[names].to_numpy().tolist())) == expected
    for row in drawn.itertuples():
        assert row.estimate == pytest.approx(row.events / row.n)
        limits = wilson_by_hand(row.events, row.n)
        assert (row.low, row.high) == pytest.approx(limits, abs=1e-9)
        assert row.label.startswith(cite(row.source.split(";")[0]))


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_column_of_a_comparison_is_that_of_its_two_arms(setting):
    effects = effects_table(trial_arms().query("setting == @setting and responders.notna()"))
    effects = effects[effects["rd"].notna()]
    names = read("treatments").set_index("treatment")["name"]
    table, drawn = comparisons(setting), contrast_forest(setting)
    drawn = drawn[drawn["role"] == "study"]

    assert len(table) == len(effects)
    for said, row in zip(table.to_dict("records"), effects.to_dict("records"), strict=True):
        x1, n1 = row["responders_treatment"], row["n_treatment"]
        x0, n0 = row["responders_control"], row["n_control"]
        assert said["Treatment"] == names[row["treatment"]]
        assert said["Measure"] == DEFINITIONS[row["definition"]]
        assert (said["Treated"], said["Control"]) == (
            f"{x1:.0f} of {n1:.0f}",
            f"{x0:.0f} of {n0:.0f}",
        )
        points = [100 * row[name] for name in ("rd", "rd_low", "rd_high")]
        assert points[0] == pytest.approx(100 * (x1 / n1 - x0 / n0))
        assert said["Difference"] == "{:+.0f} ({:+.0f} to {:+.0f})".format(*points)
        assert (said["Number needed"], said["Remark"]) == (row["nnt"], row["remark"])
        assert said["Better than control"] == f"{row['prob_better']:.2f}"
        counts = f": {x1:.0f} of {n1:.0f} against {x0:.0f} of {n0:.0f}"
        ends = [row["rd"], row["rd_low"], row["rd_high"]]
        same = drawn[np.isclose(drawn[["estimate", "low", "high"]].astype(float), ends).all(axis=1)]
        assert same["label"].str.endswith(counts).any()


def test_claims_stand_beside_their_own_page_verdict_and_trials():
    claims = read("claims").query("trials != ''")
    sources = trial_arms().drop_duplicates("trial").set_index("trial")["source"]

    for said, claim in zip(
        claims_and_trials().to_dict("records"), claims.to_dict("records"), strict=True
    ):
        assert (said["Claim"], said["Verdict"]) == (claim["statement"], claim["verdict"])
        assert (said["Page"], said["What they found"]) == (cite(claim["page"]), claim["finding"])
        for key, cited in zip(claim["trials"].split(";"), said["Trials"].split("; "), strict=True):
            assert cited.startswith(cite(sources[key].split(";")[0]) + " (")


def test_a_treatment_has_the_pages_arms_and_comparisons_that_name_it():
    table, arms = treatments_named().set_index("Treatment"), trial_arms()
    days = read("searches").set_index("search")["date"]
    effects = effects_table(arms[arms["responders"].notna() & (arms["setting"] != "other_pain")])

    for row in read("treatments").to_dict("records"):
        said = table.loc[row["name"]]
        assert said["Named by"] == len([page for page in row["pages"].split(";") if page])
        assert said["Arms"] == list(arms["treatment"]).count(row["treatment"])
        compared = effects[(effects["treatment"] == row["treatment"]) & effects["rd"].notna()]
        assert said["Compared"] == len(set(compared["trial"]))
        searched = [days[key] for key in row["searched"].split(";") if key]
        assert said["Last searched"] == max(searched, default="")
        assert said["Note"] == row["note"]


def test_a_mean_difference_is_that_of_its_own_arm():
    table = mean_differences().query("role == 'study'")
    arms = trial_arms().dropna(subset=["mean_difference", "difference_low"])
    names = [
        "source",
        "mean_difference",
        "difference_low",
        "difference_high",
        "setting",
        "seen",
        "design",
    ]
    drawn = ["source", "estimate", "low", "high", "setting", "seen", "design"]

    assert sorted(map(tuple, table[drawn].to_numpy().tolist())) == sorted(
        map(tuple, arms[names].to_numpy().tolist())
    )


@pytest.mark.parametrize("name", EFFECT_METHODS)
def test_every_column_of_a_pooled_effect_is_that_of_its_method_and_counts(name):
    table = together(
        trial("a", (8, 20), (3, 18)), trial("b", (20, 35), (9, 33)), trial("c", (5, 30), (9, 31))
    )
    counts = {
        "responders_treatment": [8, 20, 5], "n_treatment": [20, 35, 30],
        "responders_control": [3, 9, 9], "n_control": [18, 33, 31],
    }  # fmt: skip
    effect = EFFECT_METHODS[name](*counts.values(), level=0.9)
    row = pool_effects(table, method=EFFECT_METHODS[name], level=0.9).iloc[0]
    side = ways_of_pooling_effects(table, level=0.9).set_index("method").loc[name]

    for column, numbers in counts.items():
        assert row[column] == sum(numbers)
    for column in ("measure", "estimate", "low", "high", "p", "tau2", "i2"):
        for said in (row[column], side[column]):
            if column == "measure":
                assert said == effect.measure
            else:
                assert said == pytest.approx(getattr(effect, column), nan_ok=True)


@pytest.mark.parametrize("rows", [1, 2])
def test_limits_of_a_pooled_rate_are_of_the_level_asked_for(rows):
    counts = [(8, 20), (20, 35)][:rows]
    table = arms(*((name, 20, n, x) for name, (x, n) in zip("ab", counts, strict=False)))
    row = pool_responses(table, tau_prior=PRIOR, level=0.8).iloc[0]

    if rows == 1:
        expected = stats.beta(8.5, 12.5).ppf([0.5, 0.1, 0.9])
    else:
        pooled = bayes(*logit_proportion([8, 20], [20, 35]), prior=PRIOR, level=0.8)
        expected = special.expit([pooled.estimate, pooled.low, pooled.high])
    assert row[["rate", "low", "high"]].tolist() == pytest.approx(list(expected))


def test_the_pooled_rows_of_a_forest_of_contrasts_are_the_pooled_effects_of_their_treatment():
    names = read("treatments").set_index("treatment")["name"]
    for setting in ("established_plp", "prevention"):
        arms_here = trial_arms().query("setting == @setting")
        pooled = pool_effects(arms_here, not_randomised=True).query("trials > 1")
        drawn = contrast_forest(setting)
        headings = drawn["label"].where(drawn["role"] == "heading").ffill()
        said = {
            (headings[at].split(": ")[0], row["label"].split(", ")[1]): row
            for at, row in drawn.iterrows()
            if row["role"] == "subtotal"
        }

        assert len(said) == len(pooled) == (drawn["role"] == "subtotal").sum()
        for row in pooled.to_dict("records"):
            ours = said[names[row["treatment"]], row["follow_up"]]
            ends = [row[name] for name in ("estimate", "low", "high")]
            assert ours[["estimate", "low", "high"]].tolist() == pytest.approx(ends)
            assert f"{row['trials']} trials" in ours["label"]


def test_the_probability_of_being_better_is_that_of_two_posteriors():
    effects = effects_table(trial("a", (8, 20), (3, 18)))
    row, control = effects.iloc[0], stats.beta(3.5, 15.5)
    share = np.linspace(0, 1, 20_001)
    density = stats.beta(8.5, 12.5).pdf(share)

    assert row["prob_better"] == pytest.approx(
        np.trapezoid(density * control.cdf(share), share), abs=1e-6
    )
    alone = risk_difference(8, 20, 3, 18)
    assert row[["rd", "rd_low", "rd_high"]].tolist() == [alone.estimate, alone.low, alone.high]
    assert row["rd"] == pytest.approx(8 / 20 - 3 / 18)
    assert row["nnt"] == number_needed(alone)

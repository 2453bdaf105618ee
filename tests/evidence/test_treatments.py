"""What trials found, as the charts and tables of the notebook take it."""

import pytest

from plcore import charts
from plcore.evidence import trial_tables
from plcore.evidence.data import read
from plcore.evidence.treatments import (
    DEFINITIONS,
    SETTINGS,
    claims_and_trials,
    comparisons,
    mean_differences,
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


def test_every_meaning_of_response_has_a_heading():
    assert set(DEFINITIONS) == set(trial_tables.DEFINITIONS)


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

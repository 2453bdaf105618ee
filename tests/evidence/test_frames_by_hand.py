"""Evidence given as a DataFrame is checked as the CSV files are, whichever function takes it."""

import re

import numpy as np
import pandas as pd
import pytest

from plcore import evidence, posterior
from plcore.analysis import predictive_checks
from plcore.evidence import HalfNormal, prevalence_studies, read_observations, trial_arms

STUDIES = prevalence_studies("usa")
ARMS = trial_arms()
ONE_TREATMENT = ARMS[
    (ARMS["treatment"] == "perioperative_epidural") & ARMS["follow_up_days"].between(61, 183)
]
GROUPS = {"point": "Now", "period": "Within weeks"}
REGIONS = {"usa": "United States"}
OF_STUDIES = {
    "disagreement": lambda rows: evidence.disagreement(rows, "region", names=REGIONS),
    "explained_by": lambda rows: evidence.explained_by(rows, {"kind": "Kind"}),
    "forest_by": lambda rows: evidence.forest_by(rows, "kind", names=GROUPS),
    "forest_table": lambda rows: evidence.forest_table(rows, label="All"),
    "funnel_points": lambda rows: evidence.funnel_points(rows)[0],
    "logits": lambda rows: pd.DataFrame(evidence.logits(rows)),
    "one_more_study": lambda rows: evidence.one_more_study(
        rows, sizes=[100], tau_scale=1.0, n_replicates=4
    ),
    "pool_prevalence": lambda rows: pd.DataFrame([evidence.pool_prevalence(rows)]),
    "ways_of_pooling": lambda rows: evidence.ways_of_pooling(rows, tau_scale=1.0),
}
OF_ARMS = {
    "pool_effects": (ONE_TREATMENT, evidence.pool_effects),
    "pool_responses": (
        ARMS[ARMS["role"] == "control"],
        lambda rows: evidence.pool_responses(rows, tau_prior=HalfNormal(1.0)),
    ),
    "ways_of_pooling_effects": (ONE_TREATMENT, evidence.ways_of_pooling_effects),
}
CALLS = {name: (STUDIES, call) for name, call in OF_STUDIES.items()} | OF_ARMS
COUNT = {name: "events" if name in OF_STUDIES else "responders" for name in CALLS}
#: What no count of people can be.
NO_COUNTS = (np.nan, pd.NA, -1, 1.5, np.inf, " 5", True)


def included(rows):
    """The place of the first row that is pooled."""
    return np.flatnonzero((rows["include"] == "yes") & rows["n"].notna())[0]


def with_cell(rows, place, column, value):
    changed = rows.copy()
    changed[column] = changed[column].astype(object)
    changed.iloc[place, changed.columns.get_loc(column)] = value
    return changed


def refusal(call, rows):
    """Why a call refuses rows; empty where it takes them."""
    try:
        call(rows)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", CALLS)
def test_every_public_function_that_takes_evidence_is_tried_here(name):
    assert name in evidence.__all__
    takes = {
        each
        for each in evidence.__all__
        if "DataFrame"
        in str(getattr(getattr(evidence, each), "__annotations__", {}).get("studies"))
        or "DataFrame" in str(getattr(getattr(evidence, each), "__annotations__", {}).get("arms"))
    }
    assert takes == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_a_column_that_is_needed_and_not_there_is_named(name):
    rows, call = CALLS[name]
    said = {column: refusal(call, rows.drop(columns=column)) for column in rows.columns}
    refused = {column: words for column, words in said.items() if words}

    assert refusal(call, rows) == ""
    assert all(f"no column {column!r}; expected " in words for column, words in refused.items())
    assert {"n", COUNT[name]} <= refused.keys()


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_count_is_named_with_its_row(name):
    rows, call = CALLS[name]
    place = included(rows)

    for column in ("n", COUNT[name]):
        for value in NO_COUNTS:
            said = refusal(call, with_cell(rows, place, column, value))
            assert re.search(rf"\b{column}\b", said), (column, value)
            assert str(rows.iloc[place, 0]) in said, (column, value)


@pytest.mark.parametrize("name", CALLS)
def test_more_with_the_event_than_people_is_named_with_its_row(name):
    rows, call = CALLS[name]
    place = included(rows)
    more = with_cell(rows, place, COUNT[name], rows["n"].iloc[place] + 1)

    with pytest.raises(ValueError, match=COUNT[name]) as error:
        call(more)
    assert str(rows.iloc[place, 0]) in str(error.value)


@pytest.mark.parametrize("name", CALLS)
def test_any_cell_of_another_type_is_read_or_named(name):
    rows, call = CALLS[name]
    place = included(rows)
    for column in rows.columns:
        for value in (None, 3, ["a"]):
            said = refusal(call, with_cell(rows, place, column, value))
            # That a group or a pair falls apart is no fault of the cell.
            assert said == "" or any(
                words in said for words in (f"row {place} (", column, "groups", "compare")
            )


@pytest.mark.parametrize("name", CALLS)
def test_numbers_that_came_as_text_are_numbers(name):
    rows, call = CALLS[name]
    texts = rows.copy()
    for column in ("n", COUNT[name]):
        texts[column] = ["" if np.isnan(x) else f"{x:.0f}" for x in rows[column]]

    pd.testing.assert_frame_equal(call(texts), call(rows), check_dtype=False)


@pytest.mark.parametrize("name", CALLS)
def test_the_frame_that_was_given_stays_as_it_is(name):
    rows, call = CALLS[name]
    given = rows.astype({"n": object}).copy()
    before = given.copy(deep=True)
    call(given)

    pd.testing.assert_frame_equal(given, before)


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_table_of_one_row_or_more_is_named(name):
    rows, call = CALLS[name]
    for wrong in (None, rows.to_dict("list"), [1, 2]):
        with pytest.raises(TypeError, match="expected a DataFrame"):
            call(wrong)
    with pytest.raises(ValueError, match="no rows; expected at least one"):
        call(rows.iloc[:0])
    with pytest.raises(ValueError, match="several columns 'n'; expected one"):
        call(pd.concat([rows, rows[["n"]]], axis="columns"))


def test_a_rule_is_held_only_where_the_columns_that_it_reads_are_there():
    # Without `counts` nobody can say how exact the printed percentage of Reiber 2010 is.
    kept = evidence.pool_prevalence(STUDIES.drop(columns="counts"))

    assert kept == evidence.pool_prevalence(STUDIES)


def test_a_group_of_few_studies_is_named():
    names = REGIONS | {"other": "Elsewhere"}
    with pytest.raises(ValueError, match=r"region: .* too few are in Elsewhere \(0\)"):
        evidence.disagreement(STUDIES, "region", names=names)


def test_an_own_column_may_group_the_studies():
    own = STUDIES.assign(mine=["a", "b", "b"] * 3)
    assert set(evidence.explained_by(own, {"mine": "Mine"})["group"]) == {"a", "b"}
    with pytest.raises(ValueError, match="no column 'mine'; expected events, n, mine"):
        evidence.explained_by(STUDIES, {"mine": "Mine"})
    with pytest.raises(ValueError, match="row 1: mine is empty; expected a group"):
        evidence.explained_by(own.replace({"mine": {"b": None}}), {"mine": "Mine"})


def test_observations_by_hand_are_checked_before_they_are_predicted():
    observations = read_observations().query("use == 'fit'").head(4)
    draws = posterior().head(8)

    assert len(predictive_checks(draws, observations)) == 4
    for column in ("unit", "centre", "value", "family"):
        with pytest.raises(ValueError, match=f"observations: no column '{column}'"):
            predictive_checks(draws, observations.drop(columns=column))
    for column, value in (("value", np.nan), ("centre", "x"), ("discrepancy", np.nan)):
        wrong = with_cell(observations, 2, column, value)
        with pytest.raises(ValueError, match=rf"observations: row 2 \(\w+\): {column} is "):
            predictive_checks(draws, wrong)

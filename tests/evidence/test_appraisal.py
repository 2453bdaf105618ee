"""How studies came in, how good they are, and whether the weakest decide."""

import re
import shutil

import pandas as pd
import pytest

from plcore.evidence.appraisal import appraised, flow_of_studies, with_and_without
from plcore.evidence.data import DATA, read
from plcore.evidence.prevalence import pool_prevalence, prevalence_studies
from plcore.evidence.schema import DECISIVE


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(DATA, tmp_path / "data")
    return tmp_path / "data"


def test_no_row_is_lost_on_the_way_in():
    flow = flow_of_studies().set_index("step")["rows"]
    out = flow[flow.index.str.startswith("less")]
    parts = flow[flow.index.str.startswith("of them")]

    assert flow["Rows in the table"] == len(read("plp_prevalence_studies"))
    assert flow["Rows in the table"] - out.sum() == flow["Rows that enter a pool"] == parts.sum()
    assert flow["of them: adults, pain now or in the last weeks"] == len(prevalence_studies("all"))


def test_every_row_that_enters_a_pool_is_appraised():
    included = read("plp_prevalence_studies").query("include == 'yes'")["study"]

    assert set(included) <= set(read("study_appraisals")["study"])


def test_the_size_of_a_study_is_judged_by_one_rule():
    """354 people give 95% limits of 5 points at 64%: 1.96^2 x 0.64 x 0.36 / 0.05^2."""
    assert round(1.96**2 * 0.64 * 0.36 / 0.05**2) == 354
    sizes = read("plp_prevalence_studies").set_index("study")["n"]
    table = read("study_appraisals").set_index("study")

    assert ((sizes[table.index] >= 354) == (table["size"] == "yes")).all()


def test_pools_without_the_weakest_leave_out_exactly_those():
    table = with_and_without("all").set_index("studies_taken")
    studies, answers = prevalence_studies("all"), read("study_appraisals").set_index("study")
    weak = (answers.loc[studies["study"], list(DECISIVE)] == "no").sum(axis=1).to_numpy() > 1
    pooled = pool_prevalence(studies[~weak])

    row = table.loc["without the weakest"]
    assert set(row["left_out_or_added"].split(", ")) == set(studies.loc[weak, "study"])
    assert (row["share"], row["studies"]) == (pooled.share, pooled.studies)


def test_a_study_in_doubt_is_left_out_by_its_doubt_and_mixed_losses_are_added():
    table = with_and_without("all").set_index("studies_taken")["left_out_or_added"]

    assert table["without: may be mostly fingers"] == "Schley 2008"
    assert table["with people born without a limb"] == "Gallagher 2001"
    ever = with_and_without("high_income", kind="ever").set_index("studies_taken")
    assert ever.loc["with people born without a limb", "left_out_or_added"] == "Griffin 2022"


def test_quality_does_not_decide_the_answer():
    for pool in ("usa", "all"):
        table = with_and_without(pool)
        assert table["share"].between(table.loc[0, "low"], table.loc[0, "high"]).all()


def test_a_study_without_an_appraisal_is_named(folder):
    path = folder / "study_appraisals.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(x for x in lines if not x.startswith("Ephraim")), encoding="utf-8")

    with pytest.raises(ValueError, match="no row of 'Ephraim 2005'; expected one"):
        with_and_without("usa", folder=folder)


@pytest.mark.parametrize("table", ["study_appraisals", "trial_appraisals"])
def test_answers_are_counted(table):
    counts = appraised(table).set_index("Question")

    assert (counts.sum(axis=1) == len(read(table))).all()
    with pytest.raises(ValueError, match="table is 'appraisals'; expected study_appraisals"):
        appraised("appraisals")


# The definitions of data/README.md as checks


CHANGES = {
    "followed from the start is no period": (
        "Nwosu 2020",
        {"kind": "period"},
        "kind is 'period'; expected cumulative_incidence, as the window is 'followed from the start",
    ),
    "a length of time is no point": (
        "Ephraim 2005", {"kind": "point"}, "expected period, as the window is '4 weeks'"),
    "now is no period": (
        "Ehde 2000", {"kind": "period"}, "expected point, as the window is 'current"),
    "ever is no point": (
        "Ketz 2008", {"kind": "point"}, "expected lifetime, as the window is 'ever since"),
    "a chart is no answer": (
        "Lans 2022", {"kind": "lifetime"}, "expected recognised, as the window is 'in the chart"),
    "a window of no kind": (
        "Ehde 2000", {"window": "sometimes"}, "expected a kind whose window begins so"),
    "born without a limb": (
        "Griffin 2022", {"include": "yes"}, "include is 'yes'; expected no, as the pool lifetime is"),
    "acquired, the cause says otherwise": (
        "Griffin 2022", {"loss": "acquired"}, "loss is 'acquired'; expected mixed or congenital"),
    "acquired in the pool of the born": (
        "Wilkins 1998 (congenital)", {"loss": "acquired", "cause": "injury"},
        "loss is 'acquired'; expected congenital"),
    "another kind in its pool": (
        "Ketz 2008", {"kind": "cumulative_incidence"}, "expected lifetime, as the pool is lifetime"),
    "another kind without a word": (
        "Nwosu 2020", {"reason": "adult"}, "expected the words 'not a current prevalence'"),
    "one work under two names": (
        "Mioton 2020", {"n": "914", "events": "730", "printed_percent": "79.9",
                        "year": "2005", "study": "Mioton 2005"},
        "expected another study than Ephraim 2005, which has the same n, events and year"),
    "one work a year later, online before print": (
        "Mioton 2020", {"n": "914", "events": "730", "printed_percent": "79.9",
                        "year": "2006", "study": "Mioton 2006"},
        "expected another study than Ephraim 2005, which has the same n and events, 1 year apart"),
    "one work two years before, as a thesis": (
        "Mioton 2020", {"n": "914", "events": "730", "printed_percent": "79.9",
                        "year": "2003", "study": "Mioton 2003"},
        "expected another study than Ephraim 2005, which has the same n and events, 2 years apart"),
    "one cohort twice": (
        "Hanley 2009", {"cohort": "ehde_seattle"}, "as Ehde 2000 has the same people"),
}  # fmt: skip


@pytest.mark.parametrize(("study", "change", "message"), CHANGES.values(), ids=CHANGES)
def test_a_row_against_its_definition_is_refused(folder, study, change, message):
    path = folder / "plp_prevalence_studies.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for column, value in change.items():
        table.loc[table["study"] == study, column] = value
    table.to_csv(path, index=False, lineterminator="\n")

    with pytest.raises(ValueError, match=re.escape(message)):
        read("plp_prevalence_studies", folder=folder)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("study_appraisals", "weakest", None, "weakest is 'no'; expected yes exactly where two"),
        ("trial_appraisals", "weakest", None, "weakest is 'yes'; expected yes exactly where one"),
        ("searches", "date", "27 November", "date is '27 November'; expected a day such as"),
        ("treatments", "searched", "", "searched is ''; expected the searches made"),
    ],
)
def test_an_appraisal_or_search_against_its_rule_is_refused(folder, name, old, new, message):
    path = folder / f"{name}.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if name == "study_appraisals":
        table.loc[table["study"] == "Kern 2009", old] = "no"
    elif name == "trial_appraisals":
        table.loc[table["trial"] == "maier_2003", old] = "yes"
    else:
        table.loc[1, old] = new
    table.to_csv(path, index=False, lineterminator="\n")

    with pytest.raises(ValueError, match=re.escape(message)):
        read(name, folder=folder)


# Studies made by hand


@pytest.mark.parametrize(
    ("studies", "message"),
    [
        ([{"events": 3, "n": 10}] * 2, "studies: no column 'source'; expected events, n, source"),
        ([{"events": 14, "n": 9, "source": "a"}], "studies: row 0: events is '14'; expected at most n"),
        ([{"events": 4, "n": 9.5, "source": "a"}], "n is '9.5'; expected a whole number of 1 or more"),
        ([{"events": None, "n": 9, "source": "a"}], "events is ''; expected a value"),
        ([{"events": "x", "n": 9, "source": "a"}], "events is 'x'; expected a whole number"),
        ([{"events": 4, "n": 9, "source": "A b"}], "source is 'A b'; expected keys of sources"),
        ([{"events": 4, "n": 9, "source": "a", "seen": "hearsay"}], "seen is 'hearsay'; expected one"),
        ([{"events": 4, "n": 9, "source": "a", "include": "Yes"}], "include is 'Yes'; expected one of"),
        ([{"events": 4, "n": 9, "source": "a", "kind": "point", "window": "4 weeks", "include": "no"}],
         "expected period, as the window is '4 weeks'"),
    ],
    ids=str,
)  # fmt: skip
def test_studies_made_by_hand_meet_the_checks_of_the_file(studies, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        pool_prevalence(pd.DataFrame(studies))


@pytest.mark.parametrize(
    ("change", "alike"),
    [
        ({"source": "again"}, "the same n, events and year"),
        ({"source": "again;ephraim_2005"}, "the same n, events and year"),
        ({"source": "again", "window": "1 week"}, "the same n, events and year"),
        ({"source": "again", "cohort": "mine"}, "the same n, events and year"),
        ({"source": "again", "year": 2004}, "the same n and events, 1 year apart"),
        ({"source": "again", "year": 2006}, "the same n and events, 1 year apart"),
        ({"source": "again", "year": 2007}, "the same n and events, 2 years apart"),
        ({"source": "again", "year": float("nan")}, "no year that tells them apart"),
        ({}, "the same source, n, events and window"),
    ],
    ids=str,
)
def test_one_work_given_twice_is_named(change, alike):
    studies = prevalence_studies("usa")
    twice = pd.concat([studies, studies.iloc[[0]].assign(**{"study": "Again", **change})])

    with pytest.raises(ValueError, match=f"and ephraim_2005 .row 0. have .*{alike}"):
        pool_prevalence(twice)


@pytest.mark.parametrize(
    ("change", "cohorts"),
    [
        ({"source": "again"}, ("x", "x")),
        ({"source": "other", "year": 2006}, ("x", "y")),
        ({"source": "other", "year": 2008}, ("", "")),
        ({"window": "1 week"}, ("", "")),
    ],
    ids=str,
)
def test_other_works_and_findings_with_the_same_counts_are_pooled(change, cohorts):
    studies = prevalence_studies("usa")
    both = pd.concat([studies, studies.iloc[[0]].assign(**{"study": "Other", **change})])
    both["cohort"] = [cohorts[0], *[""] * (len(studies) - 1), cohorts[1]]

    assert pool_prevalence(both).studies == len(studies) + 1


def spoilt(folder, name, change):
    """Rows of a table again, with other cells, at the end of its file."""
    path = folder / f"{name}.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    pd.concat([table, change(table)]).to_csv(path, index=False, lineterminator="\n")


def test_one_trial_under_two_names_is_named(folder):
    counted = pd.read_csv(folder / "trials.csv", dtype=str, keep_default_na=False)
    arms = counted[counted["responders"] != ""].groupby("trial").size()
    trial = arms.index[arms > 1][0]
    again = {"trial": "again_by_another_name", "patients": "again_by_another_name"}
    spoilt(folder, "trials", lambda t: t[t["trial"] == trial].assign(**again))

    with pytest.raises(ValueError, match=f"expected another trial than {trial}, all of whose"):
        read("trials", folder=folder)


@pytest.mark.parametrize("write", [str, str.upper])
def test_one_article_under_two_keys_is_named(folder, write):
    def again(table):
        row = table[table["source"] == "ephraim_2005"]
        return row.assign(source="again_2005", doi=row["doi"].map(write))

    spoilt(folder, "sources", again)

    with pytest.raises(ValueError, match="expected another than that of ephraim_2005"):
        read("sources", folder=folder)


def test_studies_made_by_hand_are_pooled():
    made = pd.DataFrame({"events": [30, 45, 28], "n": [40, 60, 50], "source": ["a", "b", "c"]})

    assert pool_prevalence(made).people == 150


@pytest.mark.parametrize("pool", ["usa", "all"])
def test_every_row_with_and_without_is_the_pool_of_the_studies_it_takes(pool):
    studies = prevalence_studies(pool)
    everything = read("plp_prevalence_studies")
    for row in with_and_without(pool).to_dict("records"):
        named = row["left_out_or_added"].split(", ")
        rest = studies[~studies["study"].isin(named)]
        if "born without" in row["studies_taken"]:
            rest = pd.concat([studies, everything[everything["study"].isin(named)]])
        pooled = pool_prevalence(rest.reset_index(drop=True))

        assert (row["studies"], row["people"]) == (len(rest), rest["n"].sum())
        for column in ("share", "low", "high", "setting_low", "setting_high"):
            assert row[column] == pytest.approx(getattr(pooled, column), rel=1e-9)


def test_works_are_counted_once_however_many_rows_they_have():
    flow = flow_of_studies().set_index("step")
    table = read("plp_prevalence_studies")
    included = table[table["include"] == "yes"]

    for step, rows in (("Rows in the table", table), ("Rows that enter a pool", included)):
        works = {sources.split(";")[0] for sources in rows["source"]}
        assert flow.loc[step, ["rows", "works"]].tolist() == [len(rows), len(works)]


@pytest.mark.parametrize("table", ["study_appraisals", "trial_appraisals"])
def test_each_answer_to_each_question_is_counted(table):
    counts, answers = appraised(table).set_index("Question"), read(table)

    for question, row in counts.iterrows():
        given = list(answers[question.replace(" ", "_")])
        for answer, number in row.items():
            assert number == given.count(answer.replace(" ", "_"))

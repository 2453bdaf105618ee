"""One number for each question: every page, table and text that says how many says the same."""

import json
import re
from functools import partial
from pathlib import Path

import golden_tables
import numpy as np
import pytest

from plcore.clinic.people import people_nearby
from plcore.clinic.places import everywhere
from plcore.models import people_with_pain
from plcore.report.headlines import AS_PUBLISHED, headline_numbers, headline_table
from plcore.scenarios import read_scenario
from plcore.simulate import run

ROOT = Path(__file__).resolve().parent.parent
#: Texts that print headline numbers, and those of them that have the whole table.
TEXTS = ("README.md", *(f"notebooks/{name}.ipynb" for name in (
    "01_start_here", "04_plp_prevalence", "08_teaching_charts")))  # fmt: skip
WITH_TABLE = TEXTS[:3]
YEARS = ("2025", "2030", "2050")
OUTCOMES = {
    "Limb loss": "limb_loss",
    "In pain now or lately": "plp",
    "In pain if only major losses hurt": "plp_major_only",
    "In pain if all losses hurt alike": "plp_all_alike",
}
#: A number in millions and its interval, as a text or a table prints them.
_NUMBER = r"\*{0,2}(\d\.\d\d)(?: million)?(?: Americans)?\*{0,2}"
PRINTED = re.compile(_NUMBER + r"\s\((\d\.\d\d) to (\d\.\d\d)\)")


@pytest.fixture(scope="module")
def numbers():
    """The numbers of 2005 and of the headline years, worked out afresh."""
    estimate = run(people_with_pain, read_scenario())
    return headline_numbers(estimate, years=[2005, *map(int, YEARS)])


@pytest.fixture(scope="module")
def words(numbers):
    return headline_table(numbers).set_index("quantity")


def text_of(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    if not name.endswith(".ipynb"):
        return text
    cells = json.loads(text)["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def golden(name):
    return golden_tables.read(golden_tables.TABLES / f"{name}.csv")


def test_a_printed_number_is_found_whatever_its_dress():
    said = "**0.84 million Americans** (0.57 to 1.19), 0.49 million (0.38 to 0.61), 1.24 (0.70 to 2.32)"

    assert [found[0] for found in PRINTED.findall(said)] == ["0.84", "0.49", "1.24"]


@pytest.mark.parametrize("name", WITH_TABLE)
def test_the_table_of_a_text_is_the_table_of_headline_numbers(name, words):
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in text_of(name).splitlines()
        if line.startswith("| ")
    ]
    years = next(row[1:] for row in rows if row[0].startswith("Millions of people"))
    printed = {
        row[0]: dict(zip(years, row[1:], strict=True)) for row in rows if row[0] in words.index
    }

    assert tuple(years) == YEARS
    assert set(OUTCOMES) <= set(printed)
    for quantity, by_year in printed.items():
        assert by_year == words.loc[quantity, list(YEARS)].to_dict(), quantity


@pytest.mark.parametrize("name", TEXTS)
def test_no_text_has_a_number_with_an_interval_that_is_not_a_headline(name, words):
    known = set(words.to_numpy().ravel())
    printed = {f"{value} ({low} to {high})" for value, low, high in PRINTED.findall(text_of(name))}

    assert len(printed) >= 2
    assert printed - known == set()


def test_the_table_of_headlines_is_that_of_a_fresh_run(words):
    table = golden("headline_table")
    table = table.set_index(table.columns[0]).fillna("").astype(str)

    for quantity in (*OUTCOMES, AS_PUBLISHED):
        for year in YEARS:
            printed, expected = table.loc[quantity, year], words.loc[quantity, year]
            assert printed.removesuffix("0") == expected.removesuffix("0"), (quantity, year)


def test_numbers_behind_the_charts_are_those_of_a_fresh_run(numbers):
    ours = numbers[numbers["quantity"] != AS_PUBLISHED].set_index(["quantity", "year"])
    bars = golden("headline_numbers")
    bars = bars[bars["quantity"] != AS_PUBLISHED]
    assert len(bars) == len(OUTCOMES) * (len(YEARS) + 1)
    for row in bars.itertuples():
        expected = ours.loc[(row.quantity, row.year), ["median", "low", "high"]].tolist()
        assert [row.median, row.low, row.high] == pytest.approx(expected, rel=1e-6)

    fan = golden("plp_and_bounds").set_index(["outcome", "year"])
    scenarios = golden("plp_scenarios").set_index("scenario")
    counted = golden("teaching_what_is_counted").set_index("label")
    for quantity, outcome in OUTCOMES.items():
        if outcome == "limb_loss":
            continue
        for year in (2005, *map(int, YEARS)):
            expected = ours.loc[(quantity, year), ["median", "low", "high"]].tolist()
            drawn = fan.loc[(outcome, year), ["median", "low_95", "high_95"]].tolist()
            assert drawn == pytest.approx(expected, rel=1e-6)
    names = {"baseline": 1, "major_only": 2, "all_alike": 3}
    for name, place in names.items():
        expected = ours.loc[(list(OUTCOMES)[place], 2025), ["median", "low", "high"]].tolist()
        found = scenarios.loc[name, ["value", "low", "high"]].tolist()
        assert found == pytest.approx(expected, rel=1e-6)
    labels = {
        "Limb loss, our estimate": "Limb loss",
        "In pain, our estimate": "In pain now or lately",
    }
    for label, quantity in labels.items():
        expected = ours.loc[(quantity, 2005), ["median", "low", "high"]].to_numpy() / 1e6
        assert counted.loc[label, ["value", "low", "high"]].tolist() == pytest.approx(
            expected.tolist(), rel=1e-6
        )


def test_severity_and_readings_stand_on_the_same_pain(words):
    severities = golden("plp_severities").set_index("people")
    readings = golden("three_readings").set_index("reading")

    for year in YEARS:
        assert (
            severities.loc["In pain now or lately", year]
            == words.loc["In pain now or lately", year]
        )
    ours = "Our estimate: the share in pain by level of loss"
    for year in ("2005", "2025", "2050"):
        assert readings.loc[ours, year] == words.loc["In pain now or lately", year]
        assert "Evidence-based" not in " ".join(readings.index)


@pytest.mark.parametrize(
    "path", ["README.md", "data/README.md", "CONTRIBUTING.md", "notebooks", "plcore"]
)
def test_numbers_of_the_calibration_that_is_gone_are_nowhere(path):
    """2.57 million (2.34-2.80) in 2050, from four numbers taken as independent."""
    place = ROOT / path
    kinds = {".py", ".md", ".ipynb", ".html", ".js"}
    paths = [place] if place.is_file() else [p for p in place.rglob("*") if p.suffix in kinds]
    gone = re.compile(r"2\.57\b|2\.34\s*(?:to|\W)\s*2\.80")

    assert paths
    assert [p.name for p in paths if gone.search(p.read_text(encoding="utf-8"))] == []


def test_the_projection_and_its_waterfall_say_the_same(words, numbers):
    answer = golden("limb_loss_answer").set_index("People").loc["People with limb loss"]
    for year in YEARS:
        assert answer[year] == words.loc["Limb loss", year]
    end = golden("from_published").set_index("label").loc["Our estimate", "value"]
    ours = numbers[(numbers["quantity"] == "Limb loss") & (numbers["year"] == 2050)]["median"]
    assert float(end) == pytest.approx(float(ours.iloc[0]), rel=1e-6)


def test_the_counties_of_the_planner_add_up_to_the_nation(numbers):
    """What the planner's people are shared out from, with as many draws as the headlines have."""
    nation = partial(people_nearby, area=everywhere())
    years = read_scenario(choices={"first_year": 2025, "last_year": 2030})
    values = run(nation, years).outcome.values
    by = numbers.set_index(["quantity", "year"])
    for quantity, name in OUTCOMES.items():
        for year in (2025, 2030):
            limits = np.quantile(values[name][:, year - 2025], [0.5, 0.025, 0.975])
            expected = by.loc[(quantity, year), ["median", "low", "high"]].astype(float)
            assert limits == pytest.approx(expected.to_numpy(), rel=1e-6)


def test_a_plan_of_few_draws_lies_within_their_error_of_the_headlines(numbers):
    """A plan and its workbook have 256 draws; the page too."""
    scenario = read_scenario(choices={"first_year": 2030, "last_year": 2030})
    few = run(people_with_pain, scenario, n_draws=256).outcome.values
    by = numbers.set_index(["quantity", "year"])
    for quantity, name in OUTCOMES.items():
        row = by.loc[(quantity, 2030)]
        error = 1.3 * (row["high"] - row["low"]) / 3.92 / 16
        assert abs(np.median(few[name]) - row["median"]) < 4 * error


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("02_claims_and_evidence", "verdicts"),
        ("03_limb_loss_projection", "limb_loss"),
        ("04_plp_prevalence", "shares"),
        ("07_clinic_demand", "chairs"),
    ],
)
def test_numbers_that_a_text_sets_side_by_side_are_those_of_its_tables(name, quoted):
    said = " ".join(text_of(f"notebooks/{name}.ipynb").split())
    assert QUOTED[quoted]() in said


def _verdicts():
    counts = golden("verdicts").groupby("verdict")["claims"].sum()
    other = counts["contradicted"] + counts["misattributed"]
    return (
        f"Of {counts.sum()} claims, {counts['supported']} are supported and {other} say something "
        f"else than their sources; for {counts['unverifiable']} no source was found"
    )


def _limb_loss():
    (checked,) = golden("families_left_out").query("without == 'nothing'")["2050"]
    (ours,) = golden("limb_loss_answer").query("People == 'People with limb loss'")["2050"]
    mean = golden("limb_loss_waterfall").iloc[-1]["value"] / 1e6
    text = text_of("notebooks/03_limb_loss_projection.ipynb")
    assert f"ends at {mean:.2f} million and not at the median of {ours.split()[0]}" in text
    return f"say {checked.split()[0]} million for 2050 and the chart on top {ours.split()[0]}:"


def _shares():
    kinds = golden("plp_kinds_and_pools").query("kind == 'current' and pool == 'usa'")
    (reml,) = golden("plp_with_and_without").query("studies_taken == 'all' and pool == 'usa'")[
        "mean, %"
    ]
    (alone,) = golden("plp_spread_explained").query("group == 'United States'")["share, %"]
    bayes = kinds["mean, %"].iloc[0]
    return (
        f"It reads {reml.split()[0]}% here and {bayes.split()[0]}% in the table by kind because two "
        f"methods were used (REML here, Bayes there), and {alone.split()[0]}% in the next table"
    )


def _chairs():
    ends = golden("each_chair").set_index("chairs")["wait"].str.extract(r"no end in (\d+%)")[0]
    return (
        f"With two chairs the list never clears in {ends[2]} of the draws, with three in {ends[3]}, "
        f"with four in {ends[4]}."
    )


QUOTED = {"verdicts": _verdicts, "limb_loss": _limb_loss, "shares": _shares, "chairs": _chairs}

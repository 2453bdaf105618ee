"""A changed number that its row, its neighbours or its total contradict is named."""

import csv
import gzip
import io
import shutil
from dataclasses import dataclass

import numpy as np
import pytest
from mutations import line_of, read_sheet
from mutations_judged import loaded, save

from plcore.evidence.columns import central, half_a_digit, jumps, series_jumps
from plcore.evidence.data import DATA
from plcore.evidence.schema import works_twice


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of one's own: a copy of the shipped data, which no manifest holds."""
    to = tmp_path_factory.mktemp("own") / "data"
    shutil.copytree(DATA, to)
    return to


def times(factor):
    return lambda cell: f"{float(cell) * factor:.10g}"


def plus(step):
    return lambda cell: str(int(cell) + step)


def be(cell):
    return lambda _: cell


def has(*names):
    return lambda row: all(row[name] for name in names)


def all_of(*rules):
    return lambda row: all(rule(row) for rule in rules)


def is_(**cells):
    return lambda row: all(row[name] == cell for name, cell in cells.items())


def ends_in(name, words):
    return lambda row: row[name].endswith(words)


@dataclass(frozen=True)
class Case:
    """In the first row of a file that fits, one cell written otherwise, and what is then said."""

    name: str
    file: str
    fits: object
    column: str
    write: object
    said: str


COUNTED = all_of(has("events", "n", "printed_percent"), is_(counts="printed"))
LIMITS = all_of(has("low", "value", "high"), lambda row: float(row["high"]) > float(row["low"]) > 0)
IN_PAIRS = lambda row: row["role"] == "control" and bool(row["follow_up_days"])
PEOPLE = "population/us_resident_1980_2019.csv.gz"
WIDER = "population/us_social_security_area_1950_2060.csv.gz"
RATES = "population/us_mortality_1950_2060.csv.gz"
CASES = [
    Case("events and percent", "plp_prevalence_studies.csv", COUNTED, "printed_percent", times(0.9), "as events and n give"),
    Case("n and percent", "plp_prevalence_studies.csv", COUNTED, "n", plus(40), "as events and n give"),
    Case("percent as share", "plp_prevalence_studies.csv", COUNTED, "printed_percent", times(0.01), "as events and n give"),
    Case("severity", "plp_severity.csv", has("events", "n", "printed_percent"), "events", plus(-9), "as events and n give"),
    Case("deaths and percent", "mortality_after_amputation.csv", all_of(has("events", "n", "value"), is_(unit="percent")), "value", times(1.2), "as events and n give"),
    Case("year of a study", "plp_prevalence_studies.csv", has("year"), "year", plus(-1), "the year in"),
    Case("year of a study gone", "plp_prevalence_studies.csv", has("year"), "year", be(""), "the year in"),
    Case("year of an article", "sources.csv", all_of(is_(kind="article"), has("year"), lambda row: row["source"].endswith(row["year"])), "year", plus(10), "the year in"),
    Case("year of an estimate", "limb_loss_estimates.csv", lambda row: row["year"] and row["estimate"].endswith(row["year"]), "year", plus(9), "the year in"),
    Case("years of a rate", "amputation_incidence.csv", has("first_year", "last_year"), "last_year", plus(-40), "at least first_year"),
    Case("years of an observation", "observations.csv", has("first_year", "last_year"), "first_year", plus(40), "at least first_year"),
    Case("year of a trial", "trials.csv", lambda row: row["year"] and row["trial"].endswith(row["year"]), "year", plus(1), "the year in"),
    Case("value outside the middle", "limb_loss_estimates.csv", LIMITS, "low", times(0.2), "where its limits put it"),
    Case("value at a limit", "mortality_after_amputation.csv", LIMITS, "high", times(3), "where its limits put it"),
    Case("limits of a difference", "trials.csv", has("mean_difference", "difference_low", "difference_high"), "difference_low", times(4), "where its limits put it"),
    Case("limits of an observation", "observations.csv", LIMITS, "high", times(4), "where its limits put it"),
    Case("limits of diabetes", "geography/us_county_diabetes_2022.csv", has("crude"), "crude_low", times(0.5), "where its limits put it"),
    Case("84 days for 48", "trials.csv", ends_in("outcome", "_week_12"), "follow_up_days", be("48"), "as the name of the outcome says"),
    Case("weeks for days", "trials.csv", ends_in("outcome", "_day_7"), "follow_up_days", be("49"), "as the name of the outcome says"),
    Case("arms followed otherwise", "trials.csv", IN_PAIRS, "follow_up_days", lambda cell: f"{float(cell) + 0.4:g}", "as in the other rows of"),
    Case("arms of two years", "trials.csv", all_of(IN_PAIRS, has("year")), "year", plus(-2), "the year in"),
    Case("arms of two designs", "trials.csv", all_of(IN_PAIRS, is_(design="crossover")), "design", be("parallel"), "as in the other rows of"),
    Case("months from without to", "mortality_after_amputation.csv", has("months_from", "months_to"), "months_to", be(""), "as months_from has one"),
    Case("a year of a series", "amputation_incidence.csv", lambda row: "lealevel" in row["source"] and row["first_year"] == "2000" and float(row["value"]) > 3, "value", times(2.5), "as in the years around it"),
    Case("an age of the people", PEOPLE, is_(year="1995", sex="male"), "40", times(1.3), "near those of the years and ages around it"),
    Case("a zero too many", PEOPLE, is_(year="2001", sex="female"), "12", times(10), "near those of the years and ages around it"),
    Case("an old age", WIDER, is_(year="1999", sex="female"), "88", times(2), "near those of the years and ages around it"),
    Case("a rate of death", RATES, is_(year="1990", sex="male"), "63", times(1.6), "near those of the years and ages around it"),
    Case("one person of a county", "geography/us_county_people_2023.csv.gz", is_(fips="06037", sex="female"), "30_34", plus(1), "30_34 of female adds up to"),
    Case("two people moved to another group", "geography/us_county_people_2023.csv.gz", is_(fips="48201", sex="male"), "0_4", plus(-2), "0_4 of male adds up to"),
    Case("one person of the nation", "population/us_resident_2020_2023.csv", is_(year="2023", sex="male"), "41", plus(-1), "adds up to"),
    Case("one discharge of a county", "geography/ca_diabetes_amputations_2005_2022.csv", is_(year="2018", fips="06"), "discharges", plus(1), "the sum of the counties of 2018"),
    Case("a rate of a county", "geography/ca_diabetes_amputations_2005_2022.csv", is_(year="2018", fips="06001"), "rate", times(1.01), "as discharges and adults give"),
    Case("a ZIP code elsewhere", "geography/us_zip_points_2021.csv.gz", is_(zip="90012"), "lat", times(1.2), "from its county 06037"),
    Case("a centre elsewhere", "geography/us_population_centres_2020.csv", has("fips"), "lon", times(1.05), "from its county"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_contradicted_number_is_named(case, folder):
    sheet = read_sheet(DATA / case.file)
    rows = [dict(zip(sheet.header, cells, strict=True)) for cells in sheet.rows]
    at = next(place for place, row in enumerate(rows) if case.fits(row))
    changed = rows[at] | {case.column: case.write(rows[at][case.column])}
    lines = [*sheet.lines[: at + 1], line_of(list(changed.values())), *sheet.lines[at + 2 :]]
    try:
        save(folder / case.file, sheet.text(lines))
        with pytest.raises(ValueError, match=case.file.rpartition("/")[2]) as error:
            loaded(case.file, folder)
    finally:
        save(folder / case.file, (DATA / case.file).read_bytes())

    assert case.said in str(error.value)


def test_the_shipped_tables_contradict_nothing(folder):
    for case in CASES:
        loaded(case.file, folder)


def test_a_note_that_says_range_lifts_the_rule_of_the_middle(folder):
    path = folder / "limb_loss_estimates.csv"
    rows = list(csv.DictReader(io.StringIO((DATA / path.name).read_text())))
    row = next(row for row in rows if LIMITS(row) and float(row["low"]) > 0)
    row["low"] = f"{float(row['low']) / 2:g}" if float(row["low"]) > 0 else row["low"]
    row["note"] += "; the range over three studies"
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    try:
        save(path, out.getvalue().encode())
        assert loaded(path.name, folder)
    finally:
        save(path, (DATA / path.name).read_bytes())


@pytest.mark.parametrize(
    ("number", "half"), [(64.0, 0.5), (72.2, 0.05), (71.73, 0.005), (0.0, 0.5), (1600000.0, 0.5)]
)
def test_half_of_the_last_printed_digit(number, half):
    assert half_a_digit(number) == pytest.approx(half)


def growing(rows, columns):
    """A table that grows by 1% a row and falls by 3% a column, with 0.1% of unevenness."""
    uneven = np.random.default_rng(1).normal(0, 0.001, size=(rows, columns))
    return 1e6 * np.exp(np.add.outer(0.01 * np.arange(rows), -0.03 * np.arange(columns)) + uneven)


@pytest.mark.parametrize("place", [(1, 1), (5, 7), (18, 28), (10, 1)])
@pytest.mark.parametrize("factor", [0.1, 0.9, 1.1, 10])
def test_one_cell_that_jumps_is_found_and_nothing_else_is_farther(place, factor):
    cells = growing(20, 30)
    assert jumps(cells, ((1, 1), (0, 1))).size == 0
    cells[place] *= factor

    assert tuple(jumps(cells, ((1, 1), (0, 1)))[0]) == place


def test_a_step_that_lasts_is_no_jump():
    cells = growing(20, 30)
    cells[10:] *= 2
    series = np.r_[np.full(6, 100.0), np.full(6, 250.0)]

    assert jumps(cells, ((1, 0),)).size == 0
    assert series_jumps(series).size == 0


def test_a_year_that_jumps_is_found_in_a_series_and_rounding_is_not():
    smooth = [4.1, 4.3, 4.2, 4.5, 4.4, 4.6, 4.7]

    assert series_jumps(smooth).tolist() == []
    assert series_jumps([0.1, 0.2, 0.1, 0.1, 0.2, 0.1]).tolist() == []
    assert series_jumps([4.1, 4.3, 4.2, 45.0, 4.4, 4.6, 4.7]).tolist() == [3]


def test_a_packed_file_of_ones_own_is_read_again_after_it_is_saved(folder):
    file = "geography/us_county_people_2023.csv.gz"
    before = loaded(file, folder)
    try:
        save(folder / file, gzip.compress(gzip.decompress((DATA / file).read_bytes())))
        assert all(map(np.array_equal, loaded(file, folder)[1:], before[1:]))
    finally:
        save(folder / file, (DATA / file).read_bytes())


@pytest.mark.parametrize(("value", "faults"), [(0.61, 1), (0.75, 0), (0.88, 0), (0.96, 1)])
@pytest.mark.parametrize("most", [1, 100])
def test_a_share_may_stand_in_the_middle_of_its_limits_on_the_logit_scale_and_no_farther(
    value, faults, most
):
    """Of 0.52 to 0.98 the middles are 0.71 (logarithms), 0.75 and 0.88 (logits)."""
    unit = {1: "share", 100: "percent"}[most]
    row = {"low": 0.52, "value": value, "high": 0.98}
    row = {name: round(most * number, 2) for name, number in row.items()}

    assert len(list(central("low", "value", "high")({**row, "unit": unit, "note": ""}))) == faults


@pytest.mark.parametrize(("later", "alike"), [(2001, 1), (2002, 1), (2003, 0)])
def test_the_same_counts_up_to_two_years_apart_are_likely_one_work(later, alike):
    rows = [
        {"n": 100, "events": 60, "source": source, "year": year}
        for source, year in (("a", 2000), ("b", later))
    ]

    assert len(list(works_twice(rows))) == len(list(works_twice(rows[::-1]))) == alike

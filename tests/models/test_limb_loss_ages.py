"""The tables of new amputations and of deaths after them, and the ages worked out from them."""

import csv

import numpy as np
import pytest
from ages_by_diabetes import group_sums, losses_with_diabetes, mean_age_at_loss

from plcore.evidence.data import DATA, read
from plcore.evidence.population import AGES, Population, read_population
from plcore.models.limb_loss import (
    flat_shape,
    rising_shape,
)

PEOPLE = read_population()
LEVELS = ("toe", "foot", "below_knee", "above_knee")
STARTS = [0, 45, 65, 75]
RISING = rising_shape(PEOPLE, mean_age=67, male_ratio=1.9)


def people_of_1996():
    return PEOPLE.people[1996 - 1950]


def cdc_by_age_and_level():
    table = read("amputation_incidence").query("source == 'cdc_lealevel_table8'")
    return table.set_index(["first_year", "age_low", "level"])["value"]


def test_cells_read_off_the_cdc_page_by_hand_are_in_the_table():
    """Corners and middle of CDC lealevel table 8; figure 9 prints the row of 2005 again."""
    cells = cdc_by_age_and_level()

    assert cells[1993, 0, "toe"] == 3.2
    assert cells[1993, 75, "above_knee"] == 4.6
    assert cells[1996, 65, "below_knee"] == 3.9
    assert [cells[2005, 0, level] for level in LEVELS] == [2.3, 0.7, 1.1, 0.4]
    assert [cells[2005, 75, level] for level in LEVELS] == [3.0, 0.8, 2.1, 2.3]


def test_more_lose_a_leg_at_each_higher_age_in_every_year():
    by_age = cdc_by_age_and_level().groupby(["first_year", "age_low"]).sum().unstack()

    assert (by_age[0] < by_age[65]).all()
    assert (by_age[65] < by_age[75]).all()


def test_the_cdc_table_by_sex_has_each_of_its_88_cells_once():
    table = read("amputation_incidence").query("source == 'cdc_lea_table5'")

    assert len(table) == 22 * 2 * 2
    assert not table.duplicated(["first_year", "sex", "adjusted"]).any()
    assert table["standard_error"].notna().all()


def test_men_lose_more_legs_than_women_in_each_year_of_the_cdc_table():
    table = read("amputation_incidence").query("source == 'cdc_lea_table5'")
    rates = table.pivot(index=["first_year", "adjusted"], columns="sex", values="value")

    assert (rates["male"] > rates["female"]).all()


def test_diabetes_grows_from_1980_to_1996_and_to_2011_at_every_age():
    """The changes that the text of the CDC page prints: 0.6 to 1.6%, ... 8.9 to 20.0%."""
    table = read("amputation_incidence").query("source == 'cdc_diabetes_by_age'")
    percent = table.pivot(index="first_year", columns="age_low", values="value")

    assert list(percent.columns) == STARTS
    assert percent.loc[1980].tolist() == [0.6, 5.5, 9.1, 8.9]
    assert percent.loc[2011].tolist() == [1.6, 12.0, 21.8, 20.0]
    assert (percent.loc[1980] < percent.loc[1996]).all()
    assert (percent.loc[1996] < percent.loc[2011]).all()


@pytest.mark.parametrize("name", ["amputation_incidence", "mortality_after_amputation"])
def test_numbers_in_percent_lie_between_0_and_100_but_for_trends(name):
    table = read(name)
    shares = table[(table["unit"] == "percent") & (table["quantity"] != "trend_in_rate")]
    numbers = shares[["value", "low", "high"]]

    assert len(shares) > 50
    assert ((numbers >= 0) & (numbers <= 100) | numbers.isna()).all(axis=None)


def test_in_one_cohort_nobody_comes_back_to_life():
    """Pooled reviews (Stern 2017) take other studies at each time and are left aside."""
    table = read("mortality_after_amputation").query("quantity == 'dead' and months_to > 0")
    table = table[~table["source"].isin(["stern_2017"]) & table["value"].notna()]
    cohort = table.groupby(["source", "people", "level", "age_low", "diabetes"], dropna=False)
    grown = cohort[["months_to", "value"]].apply(
        lambda rows: rows.sort_values("months_to")["value"].is_monotonic_increasing
    )

    assert len(grown) > 15
    assert grown.all()


@pytest.mark.parametrize(
    ("name", "before", "after", "expected"),
    [
        ("amputation_incidence", ",0,64,any,any,yes,1993", ",65,64,any,any,yes,1993", "age_low"),
        ("amputation_incidence", "crude,,3.2,,,,", "crude,,,,,,", "at least one of low and high"),
        ("mortality_after_amputation", ",180,2375,", ",2380,2375,", "at most n"),
        ("mortality_after_amputation", "dead,USA,", "died,usa,", "ISO 3166"),
    ],
)
def test_a_fault_in_the_new_tables_is_refused(name, before, after, expected, tmp_path):
    text = (DATA / f"{name}.csv").read_text()
    assert before in text
    (tmp_path / f"{name}.csv").write_text(text.replace(before, after, 1))
    (tmp_path / "sources.csv").write_bytes((DATA / "sources.csv").read_bytes())

    with pytest.raises(ValueError, match=rf"{name}.csv:\d+: .*{expected}"):
        read(name, folder=tmp_path)


def toy_population():
    """A million people in each age group, all of one age: 30, 50, 70 or 80."""
    people = np.zeros((1, 2, 101))
    people[0, :, [30, 50, 70, 80]] = 500_000
    return Population("USA", "toy", np.array([1996]), people, ("toy",), np.array([False]))


TOY_RATES = [
    ("cdc_diabetes_by_age", 0, 44, 1996, 1), ("cdc_diabetes_by_age", 45, 64, 1996, 5),
    ("cdc_diabetes_by_age", 65, 74, 1996, 10), ("cdc_diabetes_by_age", 75, "", 1996, 10),
    ("cdc_lealevel_table8", 0, 64, 1996, 4), ("cdc_lealevel_table8", 0, 64, 1996, 2),
    ("cdc_lealevel_table8", 65, 74, 1996, 10), ("cdc_lealevel_table8", 75, "", 1996, 20),
    ("ahrq_table_c5", 18, 44, 1997, 5), ("ahrq_table_c5", 45, 64, 1997, 7),
]  # fmt: skip


@pytest.fixture
def toy_folder(tmp_path):
    with (DATA / "amputation_incidence.csv").open() as file:
        first = next(row for row in csv.DictReader(file) if row["source"] == "cdc_lealevel_table8")
    with (tmp_path / "amputation_incidence.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(first), lineterminator="\n")
        writer.writeheader()
        for place, (source, low, high, year, value) in enumerate(TOY_RATES):
            row = {"source": source, "age_low": low, "age_high": high, "value": value}
            years = {"first_year": year, "last_year": year, "estimate": f"toy_{place}"}
            writer.writerow(first | row | years)
    (tmp_path / "sources.csv").write_bytes((DATA / "sources.csv").read_bytes())
    return tmp_path


def test_losses_of_a_toy_population_are_those_worked_out_by_hand(toy_folder):
    """With diabetes: 10,000, 50,000, 100,000 and 100,000.

    Below 65 CDC's 4 + 2 per 1000 give 360 losses, shared out as 10 x 5 to 50 x 7, that is 45 and
    315; the older groups have 10 and 20 per 1000.
    """
    groups = losses_with_diabetes(toy_population(), within=np.ones((2, 101)), folder=toy_folder)

    assert groups["losses"].tolist() == pytest.approx([45, 315, 1000, 2000])
    assert groups["per_1000_with_diabetes"].tolist() == pytest.approx([4.5, 6.3, 10, 20])
    assert groups["share"].sum() == pytest.approx(1)
    assert groups["mean_age"].tolist() == pytest.approx([30.5, 50.5, 70.5, 80.5])
    by_hand = (45 * 30.5 + 315 * 50.5 + 1000 * 70.5 + 2000 * 80.5) / 3360
    assert mean_age_at_loss(groups) == pytest.approx(by_hand)


@pytest.mark.parametrize("year", [1993, 1994, 1995, 1996])
def test_the_mean_age_of_67_that_the_model_takes_is_what_the_rates_of_each_year_imply(year):
    """Printed rates of one decimal and standard errors of prevalence allow about one year."""
    groups = losses_with_diabetes(PEOPLE, within=RISING, year=year)

    assert mean_age_at_loss(groups) == pytest.approx(67, abs=1)


@pytest.mark.parametrize("mean_age", [50.0, 67.0, 74.0])
def test_incidence_rises_so_that_new_cases_have_the_mean_age_asked_for(mean_age):
    shape = rising_shape(PEOPLE, mean_age=mean_age, male_ratio=1.9)
    people = PEOPLE.people[1996 - 1950]
    cases = shape * people

    assert (cases * (AGES + 0.5)).sum() / cases.sum() == pytest.approx(mean_age, abs=1e-9)
    assert cases.sum() / people.sum() == pytest.approx(1, rel=1e-12)
    np.testing.assert_allclose(shape[0, 40:], 1.9 * shape[1, 40:])


def test_flat_incidence_is_the_same_at_every_age_and_has_a_mean_of_one():
    shape = flat_shape(PEOPLE, male_ratio=4)
    people = PEOPLE.people[1996 - 1950]

    assert np.ptp(shape, axis=1) == pytest.approx([0, 0])
    assert (shape * people).sum() == pytest.approx(people.sum())


def test_a_mean_age_that_no_rise_gives_is_refused():
    with pytest.raises(ValueError, match="mean_age is 20; expected one from"):
        rising_shape(PEOPLE, mean_age=20, male_ratio=1)
    with pytest.raises(ValueError, match="male_ratio is 0; expected a ratio above 0"):
        flat_shape(PEOPLE, male_ratio=0)


def test_losses_with_diabetes_agree_with_the_rate_of_all_people_with_diabetes():
    """14.0 and 8.7 per 1000 men and women in 1996, standard errors 1.9 and 1.6 (CDC table 5).

    Another survey of hospitals; men and women are about equally many, so the mean of the two is
    11.35, its standard error 1.24.
    """
    groups = losses_with_diabetes(PEOPLE, within=RISING)
    with_diabetes = groups["people"] * groups["percent_with_diabetes"] / 100

    rate = 1000 * groups["losses"].sum() / with_diabetes.sum()

    assert abs(rate - 11.35) < 2 * 1.24


def test_losses_with_diabetes_are_fewer_than_all_dysvascular_ones():
    estimates = read("limb_loss_estimates").set_index("estimate")["value"]
    groups = losses_with_diabetes(PEOPLE, within=RISING)

    per_100000 = 1e5 * groups["losses"].sum() / groups["people"].sum()

    assert 0.5 < per_100000 / estimates["discharge_rate_dysvascular_1996"] < 0.85


def test_ages_inside_a_group_move_the_mean_age_by_less_than_two_years():
    flat = flat_shape(PEOPLE, male_ratio=1.9) * (AGES >= 30)
    flatter = mean_age_at_loss(losses_with_diabetes(PEOPLE, within=flat))

    assert 0 < mean_age_at_loss(losses_with_diabetes(PEOPLE, within=RISING)) - flatter < 2


def test_the_rising_shape_has_the_share_below_65_but_too_many_below_45_and_from_75_on():
    cases = RISING * people_of_1996()
    shares = group_sums(cases, STARTS) / cases.sum()
    found = losses_with_diabetes(PEOPLE, within=RISING)["share"]

    assert shares[:2].sum() == pytest.approx(found[:2].sum(), abs=0.02)
    assert shares[0] > 1.5 * found[0]
    assert shares[2] < found[2] - 0.04
    assert shares[3] > found[3] + 0.04


def test_what_cannot_be_worked_out_is_refused():
    with pytest.raises(ValueError, match="cdc_diabetes_by_age has no rows of 2005"):
        losses_with_diabetes(PEOPLE, within=RISING, year=2005)
    with pytest.raises(ValueError, match="cdc_lealevel_table8 has no rows of 1992"):
        losses_with_diabetes(PEOPLE, within=RISING, year=1992)
    with pytest.raises(ValueError, match="the population has 1996-1996; expected 1995"):
        losses_with_diabetes(toy_population(), within=RISING, year=1995)
    with pytest.raises(ValueError, match="nobody of the group from 0"):
        losses_with_diabetes(PEOPLE, within=RISING * (AGES >= 45))
    with pytest.raises(ValueError, match=r"starts are \[5, 45\]; expected rising ages from 0"):
        group_sums(RISING, [5, 45])

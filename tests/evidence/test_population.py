"""People and mortality: totals as their publishers print them, groups kept, bad files refused."""

import gzip
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from plcore.evidence.data import DATA, cite
from plcore.evidence.population import (
    SEXES,
    Population,
    _close,
    along_cohorts,
    areas,
    between_years,
    read_mortality,
    read_population,
    split_groups,
    split_open_group,
    total,
    variants,
)

RESIDENT = "us_resident_1980_2019.csv.gz"
UN_PEOPLE = "un_population_1950_2060.csv.gz"
US_DEATHS = "us_mortality_1950_2060.csv.gz"
UN_DEATHS = "un_mortality_1950_2064.csv.gz"
MIDDLE = np.arange(0, 105, 5)
counts = st.floats(0, 1e9, allow_subnormal=False)


def people(years=(2000, 2001), value=1.0, **changes):
    shape = (len(years), 2, 101)
    fields = {
        "area": "ZZZ",
        "variant": "made up",
        "years": np.array(years),
        "people": np.full(shape, value),
        "source": ("a",) * len(years),
        "extrapolated": np.zeros(len(years), dtype=bool),
    }
    return Population(**(fields | changes))


def life_expectancy(mortality, year, sex, *, age=0):
    """Years a person of an exact age would live on, if the hazards of one year held for good.

    The hazard is constant within a year of age, and from 100 on.
    """
    at = mortality.hazard[year - mortality.years[0], SEXES.index(sex), age:]
    alive = np.exp(-np.concatenate([[0], np.cumsum(at[:-1])]))
    lived = -np.expm1(-at) / at
    lived[-1] = 1 / at[-1]
    return float(alive @ lived)


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(DATA / "population", tmp_path / "population")
    return tmp_path


def rewrite(folder, file, change):
    path = folder / "population" / file
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    path.write_bytes(gzip.compress(("\n".join(change(lines)) + "\n").encode()))


# Totals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("year", "millions"),
    [(1980, 227.2), (1990, 249.6), (2005, 295.8), (2010, 309.3), (2050, 360.6), (2060, 364.3)],
)
def test_the_resident_population_is_that_of_the_census_bureau(year, millions):
    """Census Bureau totals, to the digit printed in the notes of the data set."""
    assert total(read_population(), year) / 1e6 == pytest.approx(millions, abs=0.05)


def test_the_resident_population_of_2023_is_the_bureaus_to_the_person():
    """Vintage 2023, 1 July 2023: 334,914,895."""
    assert total(read_population(), 2023) == pytest.approx(334_914_895, abs=1e-3)


@pytest.mark.parametrize(
    ("variant", "year", "millions"),
    [
        ("un_medium", 2005, 295.0),
        ("un_medium", 2050, 379.4),
        ("un_high", 2050, 410.8),
        ("un_low", 2050, 348.6),
        ("social_security_area", 2050, 389.7),
    ],
)
def test_the_other_variants_have_their_publishers_totals(variant, year, millions):
    """World Population Prospects 2019 and the Trustees Report 2024, to the digit printed."""
    found = read_population(variant=variant)

    assert total(found, year) / 1e6 == pytest.approx(millions, abs=0.05)


# Axes and provenance ----------------------------------------------------------------------------


def test_the_twelve_other_areas_are_there():
    assert areas() == (
        "AUS", "BRA", "CAN", "CHN", "DEU", "FIN", "GBR", "IND", "JPN", "NLD", "USA", "WLD", "ZAF",
    )  # fmt: skip


@pytest.mark.parametrize("area", areas())
def test_every_area_has_people_and_mortality_of_every_age_from_1950_to_2060(area):
    for variant in variants(area):
        found = read_population(area, variant=variant)
        assert found.people.shape == (111, 2, 101)
        assert (found.people[..., :95] > 0).all()
    deaths = read_mortality(area)
    assert deaths.hazard.shape == (111, 2, 101)
    assert (deaths.hazard > 0).all()
    assert (found.years == deaths.years).all()
    assert found.years[[0, -1]].tolist() == [1950, 2060]


def test_women_outnumber_men_among_the_oldest_so_the_sexes_are_not_swapped():
    male, female = (SEXES.index(sex) for sex in ("male", "female"))
    old = read_population().people[:, :, 85:].sum(axis=2)

    assert (old[:, female] > old[:, male]).all()
    assert life_expectancy(read_mortality(), 2005, "female") > 79
    assert life_expectancy(read_mortality(), 2005, "male") < 76


def test_every_year_names_a_source_that_can_be_cited():
    series = [read_population(area, variant=v) for area in ("USA", "JPN") for v in variants(area)]
    series += [read_mortality(), read_mortality("JPN")]

    for keys in {key for one in series for key in one.source}:
        assert cite(keys)


def test_where_another_file_takes_over_the_total_moves_by_less_than_half_a_percent():
    """The change into 1980, 2020 and 2024, less the mean of the changes on both sides of it."""
    series = read_population()
    people = series.people.sum(axis=(1, 2))
    starts = [i for i in range(1, 111) if series.source[i] != series.source[i - 1]]
    change = np.diff(people)
    jumps = [change[i - 1] - (change[i - 2] + change[i]) / 2 for i in starts]

    assert series.years[starts].tolist() == [1980, 2020, 2024]
    assert (np.abs(jumps) < 0.005 * people[starts]).all()


# Splitting --------------------------------------------------------------------------------------


@pytest.mark.parametrize("area", areas())
def test_the_five_year_groups_keep_their_totals_in_the_years_printed(area):
    printed = pd.read_csv(DATA / "population" / UN_PEOPLE)
    for variant in (v for v in variants(area) if v.startswith("un_")):
        found = read_population(area, variant=variant)
        kinds = ("estimate", variant.removeprefix("un_"))
        rows = printed[(printed["area"] == area) & printed["variant"].isin(kinds)]
        assert len(rows) == 46
        for row in rows.itertuples(index=False):
            single = found.people[row.year - 1950, SEXES.index(row.sex)]
            groups = np.add.reduceat(single, MIDDLE)
            np.testing.assert_allclose(groups, row[4:], rtol=1e-9)


def test_the_people_of_85_and_over_keep_their_total_where_they_are_split():
    """Male, 1960: 366,252 of 85 and over in the Census file."""
    assert read_population().people[10, 0, 85:].sum() == pytest.approx(366_252, rel=1e-12)


def test_people_of_85_and_over_are_split_as_in_the_social_security_area_of_the_same_year():
    split = read_population().people[:, :, 85:]
    like = read_population(variant="social_security_area").people[:, :, 85:]
    for year in (*range(1950, 1980), *range(2020, 2024)):
        place = year - 1950
        np.testing.assert_allclose(
            split[place] / split[place].sum(axis=1, keepdims=True),
            like[place] / like[place].sum(axis=1, keepdims=True),
            rtol=1e-12,
            err_msg=str(year),
        )


def test_splitting_the_census_groups_finds_the_single_ages_again():
    """Ages 50 to 99 of the Census Bureau: 2.7% off on average, where even shares are 7% off."""
    known = read_population(first_year=2005, last_year=2005).people[0, :, 50:100]
    groups = known.reshape(2, 10, 5).sum(axis=2)
    edges = np.arange(50, 101, 5)
    error = np.abs(split_groups(edges, groups) - known).sum() / known.sum()
    even = np.abs(np.repeat(groups / 5, 5, axis=1) - known).sum() / known.sum()

    assert error < 0.03
    assert error < even / 2


def test_people_on_a_straight_line_are_split_on_it():
    """The natural spline bends at the ends only; in the middle the parabola of sums is kept."""
    line = np.arange(200.0, 100, -1)
    split = split_groups(np.arange(0, 101, 5), line.reshape(20, 5).sum(axis=1))

    assert split[30:70] == pytest.approx(line[30:70], rel=1e-4)


@given(totals=arrays(float, (3, 21), elements=counts))
def test_a_split_keeps_every_group_and_is_never_negative(totals):
    split = split_groups(np.arange(0, 106, 5), totals)

    assert (split >= 0).all()
    np.testing.assert_allclose(split.reshape(3, 21, 5).sum(axis=2), totals, rtol=1e-9)


@given(
    held=arrays(float, 4, elements=counts), like=arrays(float, (4, 16), elements=st.floats(1, 1e6))
)
def test_an_open_group_keeps_its_total_and_takes_the_pattern(held, like):
    split = split_open_group(held, like)

    assert (split >= 0).all()
    np.testing.assert_allclose(split.sum(axis=1), held, rtol=1e-12)
    np.testing.assert_allclose(split * like[:, :1], split[:, :1] * like, rtol=1e-9)


def test_between_two_years_each_age_lies_on_a_straight_line():
    """By hand: 10 in 2000 and 20 in 2005 make 14 in 2002."""
    found = between_years([2000, 2005, 2010], [[10.0], [20.0], [0.0]], [1999, 2002, 2005, 2009])

    assert found[:, 0] == pytest.approx([10, 14, 20, 4])


def test_between_printed_years_a_generation_is_followed():
    """By hand: 100 people of 10 are 50 people of 15 five years on, so 80 people of 12 after two."""
    printed = np.zeros((2, 30))
    printed[0, 10], printed[1, 15] = 100, 50
    each = along_cohorts(printed, 5, oldest=20)

    assert each.shape == (6, 30)
    assert each[2].tolist() == [80 if age == 12 else 0 for age in range(30)]


@given(printed=arrays(float, (4, 2, 40), elements=counts))
def test_following_generations_keeps_the_printed_years_and_nobody_is_negative(printed):
    each = along_cohorts(printed, 5, oldest=30)

    assert (each[::5] == printed).all()
    assert (each >= 0).all()
    assert (each <= printed.max() * (1 + 1e-12)).all()


def test_census_groups_of_every_fifth_year_give_the_other_years_back():
    """The Census Bureau's own single ages and years: 2.3% of a single age, 1.1% of all over 65."""
    known = read_population(first_year=1980, last_year=2015).people
    thinned = np.add.reduceat(known[::5], MIDDLE, axis=2)
    split = split_groups([*MIDDLE, 105], thinned)[..., :101]
    split[..., 100] = thinned[..., -1]
    found = along_cohorts(split, 5, oldest=89)

    assert np.abs(found - known).sum() / known.sum() < 0.024
    over_65 = found[..., 65:].sum(axis=(1, 2)) / known[..., 65:].sum(axis=(1, 2))
    assert np.abs(over_65 - 1).max() < 0.012


@pytest.mark.parametrize(
    ("edges", "totals", "fault"),
    [
        ([0, 5, 5], [1, 1], "edges are"),
        ([0, 5, 7.5], [1, 1], "expected whole ages"),
        ([0, 5], [1], "edges are"),
        ([0, 5, 10], [1, 1, 1], "a last axis of 2 groups"),
        ([0, 5, 10], [1, -2], r"totals\[1\] is -2; expected a number of 0 or more"),
        ([0, 5, 10], [np.nan, 1], r"totals\[0\] is nan"),
    ],
)
def test_groups_that_cannot_be_split_are_refused(edges, totals, fault):
    with pytest.raises(ValueError, match=fault):
        split_groups(edges, totals)


@pytest.mark.parametrize(
    ("held", "pattern", "fault"),
    [
        (1.0, [0.0, 0.0], "pattern holds nobody"),
        (-1.0, [1.0, 1.0], "^total is -1; expected a number of 0 or more"),
        (1.0, [1.0, -1.0], r"pattern\[1\] is -1"),
        ([1.0, 2.0], [1.0, 1.0], "pattern has shape"),
    ],
)
def test_an_open_group_without_a_usable_pattern_is_refused(held, pattern, fault):
    with pytest.raises(ValueError, match=fault):
        split_open_group(held, pattern)


# Mortality --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sex", "printed"), [("male", 67.15), ("female", 74.86)])
def test_life_expectancy_of_1970_is_that_of_the_published_life_table(sex, printed):
    """SSA Actuarial Study 116, table 6, 1970 (2002: an older vintage of the same series)."""
    assert life_expectancy(read_mortality(), 1970, sex) == pytest.approx(printed, abs=0.05)


@pytest.mark.parametrize(("sex", "printed"), [("male", 76.23), ("female", 81.28)])
def test_the_projection_for_2019_is_near_what_was_then_observed(sex, printed):
    """Period life table of 2019 in the Trustees Report 2021, a year after the one shipped."""
    assert life_expectancy(read_mortality(), 2019, sex) == pytest.approx(printed, abs=0.15)


@pytest.mark.parametrize(
    ("area", "period", "male", "female"),
    [
        ("JPN", 2010, 80.0591, 86.4818),
        ("ZAF", 1965, 53.0268, 57.3816),
        ("CHN", 1970, 57.1201, 61.0234),
        ("WLD", 2000, 64.8662, 69.8151),
    ],
)
def test_life_expectancy_in_the_middle_of_a_period_is_the_uns(area, period, male, female):
    """UN 2024 revision in periods of five years (life expectancy, table e0 of the same package).

    The middle, 1 January, lies between two calendar years; 0.15 years allow for the bend between
    periods and for infant deaths, which come early in the first year.
    """
    deaths = read_mortality(area)
    for sex, printed in (("male", male), ("female", female)):
        beside = [life_expectancy(deaths, period + year, sex) for year in (2, 3)]
        assert np.mean(beside) == pytest.approx(printed, abs=0.15)


def test_the_hazard_rises_with_age_from_35():
    rates = read_mortality(variant="social_security").hazard
    assert (np.diff(rates[..., 35:], axis=2) > 0).all()


def test_deaths_of_2020_to_2022_are_those_that_were():
    """Life expectancy of 2021 by the Human Mortality Database: 73.6 men, 79.4 women."""
    observed, expected = read_mortality(), read_mortality(variant="social_security")
    for sex, printed in (("male", 73.6), ("female", 79.4)):
        assert life_expectancy(observed, 2021, sex) == pytest.approx(printed, abs=0.15)
    covid = np.isin(observed.years, [2020, 2021, 2022])
    np.testing.assert_array_equal(observed.hazard[~covid], expected.hazard[~covid])
    assert (observed.hazard[covid][..., 20:90] > expected.hazard[covid][..., 20:90]).mean() > 0.95
    named = np.array(observed.source)
    assert set(named[covid]) == {"hmd_usa_mortality"}
    assert set(named[~covid]) == {"ssa_tr2020_mortality"}


def test_the_hazard_at_100_and_over_keeps_the_life_expectancy_at_100():
    """The inverse hazard of the open group, against the life table of the ages 100 to 119."""
    lines = gzip.decompress((DATA / "population" / US_DEATHS).read_bytes()).decode().splitlines()
    old = np.array([float(cell) for cell in lines[1].split(",")[-20:]])
    alive, left = 1.0, 0.0
    for hazard in old[:-1]:
        left += alive * (1 - np.exp(-hazard)) / hazard
        alive *= np.exp(-hazard)
    left += alive / old[-1]

    assert life_expectancy(read_mortality(), 1950, "male", age=100) == pytest.approx(left)


def test_the_open_age_is_closed_with_the_years_that_its_last_age_lives():
    # 1% die a year to the age of 118; those of 119 live half a year more.
    hazard = np.array([[0.02] * 100 + [0.01] * 19 + [2.0]])
    alive_at_119 = np.exp(-0.19)
    years_lived = (1 - alive_at_119) / 0.01 + alive_at_119 / 2

    closed = _close(hazard)
    assert closed.shape == (1, 101)
    assert closed[0, :100].tolist() == [0.02] * 100
    # Everybody dies once: deaths over years lived.
    assert closed[0, 100] == pytest.approx(1 / years_lived, rel=1e-12)


def test_survival_through_the_uns_age_groups_is_kept_in_the_middle_of_a_period():
    """Japan, female, 1950-1955: the middle is 1952.5, the mean of the logs of 1952 and 1953."""
    deaths = read_mortality("JPN")
    lines = gzip.decompress((DATA / "population" / UN_DEATHS).read_bytes()).decode().splitlines()
    row = next(line for line in lines if line.startswith("JPN,1950,female"))
    printed = np.array([float(cell) for cell in row.split(",")[3:]])
    first = deaths.hazard[0, 1]  # before the middle of the first period its rates hold

    groups = np.add.reduceat(first[:100], [0, 1, *range(5, 100, 5)])
    widths = np.array([1, 4, *[5] * 19])
    np.testing.assert_allclose(groups / widths, printed[:-1], rtol=1e-9)
    assert first[100] == printed[-1]


def test_mortality_of_the_united_states_can_also_be_the_uns():
    un, own = read_mortality(variant="un"), read_mortality()

    assert un.source[0] == "wpp2024_mortality"
    ratio = un.hazard[55, :, 30:85] / own.hazard[55, :, 30:85]
    # Two publishers of the same deaths: within 10% at each age, 3% on average.
    assert np.abs(ratio - 1).max() < 0.1
    assert np.abs(ratio - 1).mean() < 0.03


# Refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("read", [read_population, read_mortality])
def test_years_outside_the_data_are_refused_unless_asked_for(read):
    with pytest.raises(ValueError, match=r"2061 lies outside the data, which have 1950 to 2060"):
        read(last_year=2070)
    with pytest.raises(ValueError, match=r"1940 lies outside"):
        read(first_year=1940)


@pytest.mark.parametrize("area", ["USA", "FIN"])
def test_extrapolated_years_repeat_the_nearest_and_are_marked(area):
    found = read_population(area, first_year=1948, last_year=2062, extrapolate=True)

    assert found.years[found.extrapolated].tolist() == [1948, 1949, 2061, 2062]
    assert (found.people[-1] == found.people[-3]).all()
    assert (found.people[0] == found.people[2]).all()
    assert not read_population(area).extrapolated.any()
    assert read_mortality(area, last_year=2061, extrapolate=True).extrapolated[-1]


@pytest.mark.parametrize("read", [read_population, read_mortality])
def test_an_area_or_variant_that_is_not_there_is_refused_with_the_choices(read):
    with pytest.raises(ValueError, match="area is 'FRA'; expected one of AUS, BRA"):
        read("FRA")
    with pytest.raises(ValueError, match="is 'resident'; expected one of un"):
        read("JPN", variant="resident")
    with pytest.raises(ValueError, match=r"first_year is 2010; expected at most last_year \(2000"):
        read(first_year=2010, last_year=2000)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"years": np.array([2000, 2002])}, "2002 follows 2000; expected 2001, without a gap"),
        ({"years": np.array([2000.0, 2001.0])}, "expected whole years"),
        ({"people": np.ones((2, 2, 86))}, r"people has shape \(2, 2, 86\); expected \(2, 2, 101\)"),
        ({"source": ("a",)}, "a source and a mark of extrapolation for each year"),
    ],
)
def test_a_population_with_gaps_is_refused(changes, fault):
    with pytest.raises(ValueError, match=f"Population of ZZZ: .*{fault}"):
        people(**changes)


@pytest.mark.parametrize("bad", [-5.0, np.nan])
def test_a_population_with_an_impossible_cell_is_refused_by_its_place(bad):
    cells = np.ones((2, 2, 101))
    cells[1, 1, 30] = bad

    with pytest.raises(
        ValueError, match=r"people in 2001, female, age 30 is .*; expected a number"
    ):
        people(people=cells)


def test_what_was_read_cannot_be_changed_by_accident():
    found = read_population()
    with pytest.raises(ValueError, match="read-only"):
        found.people[0, 0, 0] = 0

    given_array = np.ones((2, 2, 101))
    made = people(people=given_array)
    given_array[0, 0, 0] = 7
    assert made.people[0, 0, 0] == 1


def test_a_total_of_years_or_ages_that_are_not_there_are_refused():
    found = people()
    with pytest.raises(ValueError, match="year is 1999; expected a year from 2000 to 2001"):
        total(found, 1999)
    with pytest.raises(ValueError, match="age_from is 101; expected an age from 0 to 100"):
        total(found, 2000, age_from=101)


def test_people_of_some_ages_are_counted_from_that_age_on():
    """By hand: one person a cell, two sexes, ages 98, 99 and 100."""
    assert total(people(), 2000, age_from=98) == 6


# Broken files -----------------------------------------------------------------------------------


def swap(column, new, line):
    def change(lines):
        cells = lines[line - 1].split(",")
        cells[lines[0].split(",").index(column)] = new
        return [*lines[: line - 1], ",".join(cells), *lines[line:]]

    return change


def without(line):
    return lambda lines: [*lines[: line - 1], *lines[line:]]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (swap("42", "-3", 7), r":7: 42 is '-3'; expected a whole number of 0 or more"),
        (swap("42", "", 7), r":7: 42 is ''; expected a value"),
        (swap("42", "1e6", 7), r":7: 42 is '1e6'; expected a whole number"),
        (swap("sex", "men", 8), r":8: sex is 'men'; expected one of male, female"),
        (swap("year", "1980", 4), r":4: year, sex is '1980, male'; expected each once, and line 2"),
        (without(6), r":6: year and sex are 1982 female; expected 1982 male"),
        (without(81), r":80: year and sex are nothing more; expected 2019 female"),
        (lambda x: [*x, x[-1].replace("2019", "2020", 1)], r":82: .*2020 female; expected nothing"),
        (lambda x: [x[0].replace(",99,", ",98x,"), *x[1:]], r":1: header: missing '99'"),
    ],
    ids=["negative", "empty", "not whole", "sex", "twice", "gap", "cut", "too long", "header"],
)
def test_a_broken_file_is_refused_with_file_line_and_expectation(folder, change, fault):
    rewrite(folder, RESIDENT, change)

    with pytest.raises(ValueError, match=RESIDENT.replace(".", r"\.") + fault):
        read_population(folder=folder)


def test_a_gap_in_one_area_is_refused_and_leaves_the_others_alone(folder):
    lines = gzip.decompress((folder / "population" / UN_PEOPLE).read_bytes()).decode().splitlines()
    line = next(i for i, x in enumerate(lines, 1) if x.startswith("JPN,medium,2030,male"))
    rewrite(folder, UN_PEOPLE, without(line))

    with pytest.raises(ValueError, match=rf"{UN_PEOPLE}:{line}: .* of JPN, medium .* 2030 female"):
        read_population("JPN", folder=folder)
    assert total(read_population("FIN", folder=folder), 2005) > 5e6


def test_a_file_that_is_saved_again_is_read_again(folder):
    before = read_population("FIN", folder=folder)
    rewrite(folder, UN_PEOPLE, lambda lines: [x.replace("FIN,", "ZZZ,") for x in lines])

    assert "ZZZ" not in areas(folder=folder)  # it has no mortality
    with pytest.raises(ValueError, match="area is 'FIN'"):
        read_population("FIN", folder=folder)
    assert total(before, 2005) > 5e6

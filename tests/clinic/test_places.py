"""The area of a clinic: who is in it, sums over places, and what was counted in California."""

import functools
import gzip
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from plcore.clinic.people import (
    california_counties,
    check_california,
    log_linear_slope,
    pain_in_areas,
    people_nearby,
    people_of,
    shares_of,
)
from plcore.clinic.places import (
    AGE_GROUPS,
    CENTRES,
    COUNTIES,
    DIABETES,
    EARTH_RADIUS_KM,
    ZIPS,
    Area,
    by_fips,
    by_metropolitan_area,
    by_state,
    caveats,
    county_centres,
    everywhere,
    frame,
    great_circle_km,
    metropolitan_areas,
    read_counties,
    within_km,
)
from plcore.evidence.data import DATA
from plcore.evidence.population import read_population, total
from plcore.models.pain import people_with_pain
from plcore.scenarios import read_scenario
from plcore.simulate.draws import draw
from plcore.simulate.runs import run

POPULATION = read_population()
KNOWN = read_counties()
NATION = everywhere()
STATES = [by_state(code) for code in np.unique(KNOWN.state).tolist()]
LOS_ANGELES = (34.05, -118.24)
SCENARIO = read_scenario(choices={"first_year": 2025, "last_year": 2026})


def draws(n=16, scenario=SCENARIO):
    elasticity = np.linspace(0, 2.5, n)
    return draw(scenario.parameters, n, seed=3).assign(diabetes_elasticity=elasticity)


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(DATA, tmp_path, dirs_exist_ok=True)
    return tmp_path


def rewrite(folder, file, before, after):
    path = folder / "geography" / file
    packed = file.endswith(".gz")
    content = (gzip.decompress(path.read_bytes()) if packed else path.read_bytes()).decode()
    assert before in content
    changed = content.replace(before, after, 1).encode()
    path.write_bytes(gzip.compress(changed) if packed else changed)


def test_nashville_to_los_angeles_is_the_example_of_the_haversine_formula():
    """Rosetta Code, Haversine formula: 2887.26 km with a radius of 6372.8 km."""
    found = great_circle_km(36.12, -86.67, 33.94, -118.40)

    assert found == pytest.approx(2887.2600 * EARTH_RADIUS_KM / 6372.8, abs=0.001)


def test_the_metropolitan_area_of_los_angeles_is_two_counties():
    """Office of Management and Budget, 2023: Los Angeles and Orange."""
    assert by_metropolitan_area("31080").fips == ("06037", "06059")
    assert by_metropolitan_area("348").fips == ("06037", "06059", "06065", "06071", "06111")


def test_every_metropolitan_area_has_counties_and_every_code_of_a_county_a_title():
    codes = set(metropolitan_areas()["code"])
    rows = frame(COUNTIES)
    of_counties = set(rows["metropolitan"]) | set(rows["combined"])

    assert codes == of_counties - {""}


def test_the_states_are_the_nation():
    assert len(STATES) == 51
    assert sorted(code for area in STATES for code in area.fips) == list(NATION.fips)


def test_sixty_km_around_los_angeles_hold_los_angeles_and_orange():
    """Centres of population 2020: 2 and 50 km away; San Bernardino 83, Ventura 75, Riverside 111."""
    assert within_km(*LOS_ANGELES, 60).fips == ("06037", "06059")
    assert within_km(*LOS_ANGELES, 100).fips == ("06037", "06059", "06071", "06111")


def test_a_county_is_where_its_people_are_and_not_in_its_desert():
    """The internal point of San Bernardino County is 130 km from its centre of population."""
    centres = county_centres().set_index("fips")

    assert centres.loc["06071", "rule"] == "census_2020"
    assert great_circle_km(*centres.loc["06071", ["lat", "lon"]], 34.19, -117.36) < 1
    assert centres["rule"].value_counts().to_dict() == {
        "zip_points": 3046,
        "census_2020": 77,
        "internal_point": 21,
    }


def test_the_mean_of_zip_points_is_nearer_to_the_people_than_the_internal_point():
    """Where the census's centre is known; weighted by people 6 km against 30."""
    known = frame(CENTRES).set_index("fips")
    zips = frame(ZIPS).groupby("fips")[["lat", "lon"]].mean().loc[known.index]
    internal = frame(COUNTIES).set_index("fips").loc[known.index]

    def off(points):
        columns = zip(known["lat"], known["lon"], points["lat"], points["lon"], strict=True)
        return np.average([great_circle_km(*c) for c in columns], weights=known["people"])

    assert off(zips) < 8
    assert off(internal) > 25


@pytest.mark.parametrize(
    ("select", "message"),
    [
        (lambda: by_fips(["06037", "99999"]), "no county '99999'; expected five digits"),
        (lambda: by_fips([6037]), "county 6037; expected five digits as text"),
        (lambda: by_fips(["09001"]), "no county '09001' in 2023; expected one of .* 09110, "),
        (lambda: by_fips(["06037", "06037"]), "county 06037 is there twice"),
        (lambda: by_fips([]), "no county; expected one or more"),
        (lambda: by_state("Californa"), "did you mean 'California'"),
        (lambda: by_metropolitan_area("Los Angeles"), "31080 is Los Angeles-Long Beach-Anaheim"),
        (lambda: within_km(*LOS_ANGELES, 0), "km is 0; expected a distance above 0"),
        (lambda: within_km(*LOS_ANGELES, 1), "nearest is Los Angeles County, CA at 2"),
        (lambda: within_km(-118.24, 34.05, 60), "lat is -118.24; expected degrees from -90 to 90"),
        (lambda: within_km(34.05, 118.24, 9000), "expected a point of the 50 states or DC"),
        (lambda: people_of([Area("x", ("99999",))], POPULATION, years=[2023]), "no county '99999'"),
        (lambda: people_of([NATION], POPULATION, years=[1949]), "year is 1949; expected years"),
        (lambda: people_of([NATION], read_population("DEU"), years=[2023]), "expected those of USA"),
        (lambda: shares_of([NATION], [np.inf]), "elasticity has inf"),
        (lambda: california_counties(POPULATION, first_year=2014), "coding changes"),
    ],
)  # fmt: skip
def test_a_wrong_place_is_refused_with_what_would_be_right(select, message):
    with pytest.raises(ValueError, match=message):
        select()


def test_counties_have_the_people_the_census_counted():
    """Vintage 2023: Los Angeles 9,663,345, Orange 3,135,755, San Diego 3,269,973."""
    areas = [by_fips([code]) for code in ("06037", "06059", "06073")]
    found = people_of(areas, POPULATION, years=[2023]).sum(axis=(1, 2, 3))

    np.testing.assert_allclose(found, [9_663_345, 3_135_755, 3_269_973], rtol=1e-12)


@given(year=st.integers(1950, 2060), variant=st.sampled_from(["resident", "un_high"]))
@settings(max_examples=4)
def test_counties_add_up_to_the_nation_in_every_age_group_and_sex(year, variant):
    population = read_population(variant=variant)
    counties = [Area(code, (code,)) for code in KNOWN.fips.tolist()]
    found = people_of(counties, population, years=[year]).sum(axis=0)[0]
    nation = np.add.reduceat(population.people[year - 1950], AGE_GROUPS, axis=-1).T

    np.testing.assert_allclose(found, nation, rtol=1e-12)


def test_an_area_follows_the_national_change_of_each_age_group_and_sex():
    before, after = people_of([by_state("FL")], POPULATION, years=[2023, 2040])[0]
    nation_before, nation_after = people_of([NATION], POPULATION, years=[2023, 2040])[0]

    np.testing.assert_allclose(after / before, nation_after / nation_before, rtol=1e-12)
    assert after[-1].sum() / before[-1].sum() > 1.5
    assert after.sum() / before.sum() < 1.2


def test_texas_has_all_its_people_and_a_caveat_on_their_ages():
    """Vintage 2023: 30,503,301 people; the ages only are an estimate."""
    found = people_of([by_state("TX")], POPULATION, years=[2023]).sum()

    assert found == pytest.approx(30_503_301, abs=0.5)
    assert [text[:21] for text in caveats(by_state("TX"))] == ["TX: the ages are esti"]
    assert set(KNOWN.state[KNOWN.ages_estimated]) == {"TX"}


def test_regions_of_connecticut_have_the_diabetes_of_their_state():
    """The mean of the eight old counties of CDC's file, weighted by people."""
    rows = frame(DIABETES)
    rows = rows[rows["state"] == "CT"]
    expected = np.average(rows["adjusted"], weights=rows["people"])

    assert len(rows) == 8
    assert set(KNOWN.state[KNOWN.diabetes_of_state]) == {"CT"}
    np.testing.assert_allclose(KNOWN.diabetes[KNOWN.state == "CT"], [expected] * 9, rtol=1e-12)
    assert caveats(by_state("CT"))[0].startswith("CT: diabetes is that of the whole state")


@given(elasticity=st.lists(st.floats(-3, 3), min_size=1, max_size=4))
@settings(max_examples=4)
def test_states_share_out_all_limb_loss_whatever_the_elasticity(elasticity):
    found = shares_of(STATES, elasticity).sum(axis=0)

    np.testing.assert_allclose(found, 1, rtol=1e-12)


def test_two_counties_alike_but_for_diabetes_differ_by_its_power():
    """By hand: shares per person are as (percent)^elasticity, whatever brings them to the nation's."""
    first, second = by_fips(["06019"]), by_fips(["06041"])
    shares = shares_of([first, second], [0.0, 2.0])[..., 0]
    per_person = shares[:, 1] / shares[:, 0]
    percent = KNOWN.diabetes[np.isin(KNOWN.fips, ["06019", "06041"])]

    np.testing.assert_allclose(per_person[0] / per_person[1], (percent[0] / percent[1]) ** 2)


@pytest.mark.parametrize("name", ["major_only", "plp_ever"])
def test_all_counties_together_have_the_limb_loss_and_the_pain_of_the_nation(name):
    scenario = read_scenario(name, choices={"first_year": 2025, "last_year": 2026})
    given = draws(scenario=scenario)
    found = people_nearby(given, scenario, area=NATION).values
    expected = people_with_pain(given, scenario).values

    compared = [quantity for quantity in found if quantity in expected]
    assert len(compared) == (4 if name == "plp_ever" else 8)
    for quantity in compared:
        np.testing.assert_allclose(found[quantity], expected[quantity], rtol=1e-11)
    residents = [total(POPULATION, year) for year in (2025, 2026)]
    np.testing.assert_allclose(found["residents"][0], residents, rtol=1e-12)


@pytest.fixture(scope="module")
def mapped():
    """Pain in every state and around Los Angeles, each draw worked out by itself."""
    areas = [*STATES, within_km(*LOS_ANGELES, 150)]
    people = pain_in_areas(draws(), SCENARIO, areas=areas, years=[2025])
    return {name: values[..., 0] for name, values in people.items()}


def test_an_area_interpolated_between_elasticities_is_the_area_worked_out_for_each_draw(mapped):
    area = within_km(*LOS_ANGELES, 150)
    found = people_nearby(draws(), SCENARIO, area=area).values["plp"]

    np.testing.assert_allclose(found[:, 0], mapped["plp"][:, -1], rtol=1e-10)


def test_states_add_up_to_the_nation_in_every_draw(mapped):
    expected = people_with_pain(draws(), SCENARIO).values

    assert set(mapped) == {"plp", "plp_major_only", "plp_all_alike"}
    for name, people in mapped.items():
        np.testing.assert_allclose(people[:, :-1].sum(axis=1), expected[name][:, 0], rtol=1e-11)


def test_an_area_is_simulated_like_any_other_model():
    model = functools.partial(people_nearby, area=by_state("DC"))
    found = run(model, SCENARIO, n_draws=16, seed=3)
    whole = model(found.draws, SCENARIO)

    for name, numbers in found.outcome.values.items():
        np.testing.assert_allclose(numbers, whole.values[name], rtol=1e-10)
    assert (found.outcome.values["plp"] < found.outcome.values["limb_loss"]).all()


@pytest.fixture(scope="module")
def check():
    table = check_california(POPULATION)
    return table[table["diabetes"] == "adjusted"].set_index("elasticity")


def test_the_expected_amputations_of_california_are_scaled_to_the_58117_observed():
    """HCAI's table, summed over the counties of 2016-2022."""
    found = california_counties(POPULATION)

    assert len(found) == 58
    assert found["observed"].sum() == 58_117
    assert found["expected"].sum() == pytest.approx(58_117)
    # Census Bureau: 39.0 to 39.5 million residents in each of the seven years; with the shares of
    # 2023 in the nation, when California had fewer, somewhat less.
    assert found["person_years"].sum() / 7 == pytest.approx(39.3e6, rel=0.04)


def test_unadjusted_ranks_are_upside_down_and_the_adjustment_turns_them(check):
    """As found; loosely, since the model's incidence by age may be revised."""
    assert check.loc[0, "rank_correlation"] == pytest.approx(-0.50, abs=0.1)
    assert check.loc[0, "rank_correlation_large"] == pytest.approx(-0.56, abs=0.1)
    assert check.loc[1.5, "rank_correlation_large"] == pytest.approx(0.61, abs=0.1)
    assert check["rank_correlation"].is_monotonic_increasing
    assert check.loc[0, "near"] < check.loc[1, "near"] < check.loc[2, "near"]


def test_expected_rates_are_calibrated_only_with_the_adjustment(check):
    assert check.loc[0, "slope_high"] < 0
    assert check.loc[2, "slope_low"] < 1 < check.loc[2, "slope_high"]
    assert check.loc[2, "greatest"] < check.loc[0, "greatest"]


def test_the_elasticity_that_fits_california_is_between_two_and_three():
    """The figures in the note on diabetes_elasticity in parameters.csv, with their 95% limits."""

    def fitted(**years):
        counties = california_counties(POPULATION, **years)
        x = np.log(counties["diabetes"].to_numpy())
        return log_linear_slope(counties["observed"].to_numpy(), x, counties["expected"].to_numpy())

    # Loosely, since the model's incidence by age may be revised.
    assert fitted() == pytest.approx((2.45, 2.0, 2.9), abs=0.3)
    assert fitted(first_year=2005, last_year=2014) == pytest.approx((2.08, 1.8, 2.4), abs=0.3)


def test_counts_that_follow_a_power_give_it_back():
    """Closed form: without noise the slope is the power, and its interval a point."""
    x, exposure = np.linspace(-0.5, 0.5, 12), np.linspace(50, 4000, 12)
    found = log_linear_slope(exposure * np.exp(0.3 + 1.7 * x), x, exposure)

    assert found == pytest.approx((1.7, 1.7, 1.7))


def test_the_limits_of_a_slope_are_those_of_quasi_likelihood_written_out():
    random = np.random.default_rng(5)
    x, exposure = np.linspace(-1, 1, 12), np.linspace(200, 900, 12)
    counts = random.negative_binomial(8, 0.5, 12) * exposure / 400
    slope, low, high = log_linear_slope(counts, x, exposure)

    # Maximum likelihood by a general optimiser, and Pearson's chi-square on 12 - 2 degrees.
    def loss(c):
        mean = exposure * np.exp(c[0] + c[1] * x)
        return (mean - counts * np.log(mean)).sum()

    a, b = optimize.minimize(
        loss,
        [-4.0, 0.0],
        method="Nelder-Mead",
        options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 5000},
    ).x
    mean = exposure * np.exp(a + b * x)
    about = np.average(x, weights=mean)
    error = np.sqrt(((counts - mean) ** 2 / mean).sum() / 10 / (mean * (x - about) ** 2).sum())
    assert slope == pytest.approx(b, abs=1e-6)
    assert [low, high] == pytest.approx(
        [b - stats.t.ppf(0.975, 10) * error, b + stats.t.ppf(0.975, 10) * error], rel=1e-5
    )


def test_the_share_near_is_of_the_amputations_expected(check):
    """Those expected in counties where 80% to 125% of what is expected was observed."""
    counties = california_counties(POPULATION)
    for elasticity in (0.0, 2.0):
        expected = counties["expected"] * counties["diabetes"] ** elasticity
        expected *= counties["observed"].sum() / expected.sum()
        ratio = counties["observed"] / expected
        near = expected[(ratio >= 0.8) & (ratio <= 1.25)].sum() / expected.sum()
        assert check.loc[elasticity, "near"] == pytest.approx(near)


@pytest.mark.parametrize(
    ("file", "before", "after", "message"),
    [
        ("us_counties_2023.csv", "AL,Alabama,32.5359", "AL,Alabama,132.5359",
         r"us_counties_2023.csv:2: lat is '132.5359'; expected a number from 0 to 72"),
        ("us_county_people_2023.csv.gz", "01001,female", "01001,woman",
         r"us_county_people_2023.csv.gz:3: sex is 'woman'; expected one of male, female"),
        ("us_county_people_2023.csv.gz", "01003,male", "01002,male",
         r"us_county_people_2023.csv.gz: no row of 01003 male"),
        ("us_county_diabetes_2022.csv", "11001,", "11999,", "no row of 11001|mean of their state"),
        ("us_county_diabetes_2022.csv", "01001,Autauga,AL,56145,12.1,", "01001,Autauga,AL,56145,2.1,",
         r"us_county_diabetes_2022.csv:2: crude is '2.1'; expected at least crude_low"),
    ],
)  # fmt: skip
def test_a_faulty_file_is_refused_with_its_line(folder, file, before, after, message):
    rewrite(folder, file, before, after)
    if after == "11999,":
        # Another county of the state stands in, as for Connecticut.
        assert read_counties(folder=folder).diabetes_of_state.sum() == 10
        return

    with pytest.raises(ValueError, match=message):
        read_counties(folder=folder)


def test_a_state_without_any_figure_of_diabetes_is_refused(folder):
    rewrite(folder, "us_county_diabetes_2022.csv", "District of Columbia,DC", "Elsewhere,ZZ")
    rewrite(folder, "us_county_diabetes_2022.csv", "11001,Elsewhere", "11999,Elsewhere")

    with pytest.raises(ValueError, match="no row of District of Columbia nor of any county of DC"):
        read_counties(folder=folder)


def test_a_missing_year_of_california_is_named(folder):
    rewrite(folder, "ca_diabetes_amputations_2005_2022.csv", "\n2020,06037,", "\n2016,06999,")

    with pytest.raises(ValueError, match="county 06037 has 6 years of 2016-2022; expected 7"):
        california_counties(POPULATION, folder=folder)


def test_a_file_saved_again_is_read_again(folder):
    before = read_counties(folder=folder).diabetes[0]
    rewrite(
        folder,
        "us_county_diabetes_2022.csv",
        "01001,Autauga,AL,56145,12.1,",
        "01001,Autauga,AL,56145,12.2,",
    )

    assert read_counties(folder=folder).diabetes[0] == before
    assert frame(DIABETES, folder=folder)["crude"].iloc[0] == 12.2

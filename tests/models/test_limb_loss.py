"""The cohort model against a plain recursion, closed forms and its own balance sheet."""

import dataclasses
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plcore.evidence.population import read_mortality, read_population
from plcore.models.limb_loss import (
    CAUSES,
    KNOTS,
    LEVELS,
    STRATA,
    SURVIVALS,
    LimbLossDraws,
    dead_since_loss,
    discharges_of,
    inputs,
    people_and_mortality,
    project,
    respond,
    responses_of,
    shapes_of,
)
from plcore.scenarios import read_scenario
from plcore.simulate.draws import draw

GROUPS = (0, 18, 45, 65, 75)
PEOPLE, DEATHS = read_population(), read_mortality()
AGE = np.arange(101)
SHAPES = {
    "older": np.tile(np.exp(0.06 * AGE) / 40, (2, 1)),
    "younger": np.tile(np.exp(0.03 * AGE) / 5, (2, 1)),
    "trauma": np.stack([np.where(AGE < 15, 0.2, 1.6), np.where(AGE < 15, 0.1, 0.4)]),
    "cancer": np.ones((2, 101)),
}
SPAN = (0.6, 9.0)


@cache
def responses():
    return respond(PEOPLE, DEATHS, SHAPES, span=SPAN)


N_STRATA = len(STRATA)


def sampled(n, seed=0):
    random = np.random.default_rng(seed)
    size = np.array([2e-4, 1e-4, 2e-4, 1e-4, 2e-5, 6e-5, 4e-6])
    return LimbLossDraws(
        incidence=size[:, np.newaxis] * random.lognormal(0, 0.5, (n, N_STRATA, len(KNOTS))),
        hazard_ratio=random.uniform(*SPAN, (n, N_STRATA)),
        first_year_excess=random.uniform(0, 0.5, (n, N_STRATA)),
        survival=random.integers(len(SURVIVALS), size=n),
    )


def plain_recursion(draws, *, from_nothing=False, burn_in=260):
    """The model as a newcomer would write it: loops over draws, strata and years.

    Written apart from the package; gives the stock before the new cases of a year, the new cases
    and the deaths, by draw, year, sex, age, cause and level.
    """
    n, years = len(draws.survival), PEOPLE.years
    shape = (n, len(years), 2, 101, len(CAUSES), len(LEVELS))
    stock_by, new_by, dead_by = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for i in range(n):
        for s, stratum in enumerate(STRATA):
            c, k = CAUSES.index(stratum.cause), LEVELS.index(stratum.level)
            gradient, change = SURVIVALS[draws.survival[i]] if c == 0 else (0.0, 0.0)
            stock = np.zeros((2, 101))
            for step in range(0 if from_nothing else -burn_in, len(years)):
                y = max(step, 0)
                rate = np.interp(years[y], KNOTS, draws.incidence[i, s])
                new = rate * SHAPES[stratum.shape] * PEOPLE.people[y]
                ratio = draws.hazard_ratio[i, s] * np.exp(
                    -gradient * (AGE - 70) + change * max(years[y] - 2005, 0)
                )
                hazard = ratio * DEATHS.hazard[y]
                lasting = new * (1 - draws.first_year_excess[i, s])
                left = stock * np.exp(-hazard) + lasting * np.exp(-hazard / 2)
                if step >= 0:
                    stock_by[i, y, :, :, c, k] += stock
                    new_by[i, y, :, :, c, k] += new
                    dead_by[i, y, :, :, c, k] += stock + new - left
                stock = np.concatenate([np.zeros((2, 1)), left[:, :-1]], axis=1)
                stock[:, 100] += left[:, 100]
    return stock_by, new_by, dead_by


def test_draws_agree_with_the_plain_recursion_to_ten_digits():
    draws = sampled(6)
    for quantity, expected in zip(
        ("people", "new_cases", "deaths"), plain_recursion(draws), strict=True
    ):
        grouped = np.add.reduceat(expected, GROUPS, axis=3).transpose(0, 1, 3, 2, 4, 5)
        modelled = project(
            responses(), draws, quantity=quantity, by=("year", "age_group", "sex", "cause", "level")
        )

        np.testing.assert_allclose(modelled, grouped, rtol=1e-9, atol=1e-9 * grouped.max())
        np.testing.assert_allclose(
            project(responses(), draws, quantity=quantity),
            grouped.sum(axis=(2, 3, 4, 5)),
            rtol=1e-10,
        )


def test_a_start_from_nothing_agrees_with_the_plain_recursion_as_well():
    draws = sampled(2)
    responses = respond(PEOPLE, DEATHS, SHAPES, span=SPAN, from_nothing=True)
    stock, _, _ = plain_recursion(draws, from_nothing=True)

    np.testing.assert_allclose(
        project(responses, draws), stock.sum(axis=(2, 3, 4, 5)), rtol=1e-9, atol=1e-6
    )
    assert np.all(project(responses, draws)[:, 0] == 0)


def test_stock_grows_by_new_cases_less_deaths_in_every_draw_cause_and_level():
    draws = sampled(300)
    stock, new, dead = (
        project(responses(), draws, quantity=name, by=("year", "cause", "level"))
        for name in ("people", "new_cases", "deaths")
    )

    np.testing.assert_allclose(
        stock[:, 1:], (stock + new - dead)[:, :-1], rtol=1e-9, atol=1e-9 * stock.max()
    )


def test_bands_of_time_since_the_loss_add_up_to_the_stock():
    draws = sampled(200)
    bands = ("under_1_year", "1_to_2_years", "2_to_5_years", "5_years_or_more")
    by_band = [project(responses(), draws, quantity=name, by=("year", "sex")) for name in bands]

    np.testing.assert_allclose(
        np.sum(by_band, axis=0), project(responses(), draws, by=("year", "sex")), rtol=1e-9
    )


def test_those_under_a_year_since_the_loss_lived_through_half_a_year():
    draws = dataclasses.replace(sampled(3), survival=np.array([0, 4, 8]))
    expected = np.zeros((3, len(PEOPLE.years) - 1))
    for i in range(3):
        for s, stratum in enumerate(STRATA):
            gradient, change = SURVIVALS[draws.survival[i]] if s < 4 else (0.0, 0.0)
            for y, year in enumerate(PEOPLE.years[:-1]):
                new = np.interp(year, KNOTS, draws.incidence[i, s]) * PEOPLE.people[y]
                ratio = draws.hazard_ratio[i, s] * np.exp(
                    -gradient * (AGE - 70) + change * max(year - 2005, 0)
                )
                left = new * SHAPES[stratum.shape] * np.exp(-ratio * DEATHS.hazard[y] / 2)
                expected[i, y] += (1 - draws.first_year_excess[i, s]) * left.sum()

    np.testing.assert_allclose(
        project(responses(), draws, quantity="under_1_year")[:, 1:], expected, rtol=1e-9
    )


def test_doubling_incidence_doubles_everything_and_none_gives_nobody():
    draws = sampled(50)
    twice = dataclasses.replace(draws, incidence=2 * draws.incidence)
    none = dataclasses.replace(draws, incidence=0 * draws.incidence)

    np.testing.assert_allclose(
        project(responses(), twice), 2 * project(responses(), draws), rtol=1e-12
    )
    assert np.all(project(responses(), none) == 0)


@given(place=st.integers(0, N_STRATA - 1), more=st.floats(0.05, 2), excess=st.floats(0, 0.9))
@settings(max_examples=30, deadline=None)
def test_higher_hazards_and_more_early_deaths_leave_fewer_people(place, more, excess):
    draws = sampled(2, seed=place)
    low = np.minimum(draws.hazard_ratio, 6.0)
    high = low.copy()
    high[:, place] += more
    early = draws.first_year_excess.copy()
    early[:, place] = np.maximum(early[:, place], excess)
    base = dataclasses.replace(draws, hazard_ratio=low)
    people = project(responses(), base)

    assert np.all(project(responses(), dataclasses.replace(base, hazard_ratio=high)) < people)
    assert np.all(
        project(responses(), dataclasses.replace(base, first_year_excess=early)) <= people
    )


def test_a_draw_gives_the_same_bits_whatever_stands_beside_it():
    draws = sampled(700)
    rows = [3, 77, 400, 699]
    some = LimbLossDraws(*(getattr(draws, field.name)[rows] for field in dataclasses.fields(draws)))

    assert np.array_equal(project(responses(), some), project(responses(), draws)[rows])


# --- From named parameters ------------------------------------------------------------------------

SCENARIO = read_scenario()
DRAWS = draw(SCENARIO.parameters, 32, seed=3)


def test_first_losses_are_discharges_less_those_of_people_counted_before():
    discharges, given = discharges_of(DRAWS, SCENARIO), inputs(DRAWS, SCENARIO)
    vascular = [place for place, s in enumerate(STRATA) if s.cause == "dysvascular"]
    first = DRAWS["dysvascular_first_share"].to_numpy()[:, np.newaxis]

    np.testing.assert_allclose(
        given.incidence[:, vascular].sum(axis=1), first * discharges[:, vascular].sum(axis=1)
    )
    minor = [place for place in vascular if STRATA[place].level == "minor"]
    kept = 1 - DRAWS["dysvascular_progression"].to_numpy()[:, np.newaxis]
    np.testing.assert_allclose(
        given.incidence[:, minor].sum(axis=1), first * kept * discharges[:, minor].sum(axis=1)
    )


def test_discharges_of_1996_are_the_printed_rates():
    discharges = discharges_of(DRAWS, SCENARIO)[:, :, KNOTS.index(1996)]
    for cause in CAUSES:
        of_cause = [place for place, s in enumerate(STRATA) if s.cause == cause]
        np.testing.assert_allclose(
            discharges[:, of_cause].sum(axis=1), DRAWS[f"{cause}_rate_1996"], rtol=1e-12
        )


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({"incidence_path": "held"}, lambda d: d[2024]),
        ({"incidence_path": "low_of_2010"}, lambda d: d[2010]),
        ({"incidence_path": "rise_goes_on"}, lambda d: d[2024] * (d[2019] / d[2010]) ** (10 / 9)),
        ({"dysvascular_factor": 0.75}, lambda d: None),
    ],
)  # fmt: skip
def test_futures_of_dysvascular_incidence_are_what_they_say(choices, expected):
    vascular = [place for place, s in enumerate(STRATA) if s.cause == "dysvascular"]

    def by_year(scenario):
        total = discharges_of(DRAWS, scenario)[:, vascular].sum(axis=1)
        return {year: total[:, place] for place, year in enumerate(KNOTS)}

    asked, base = by_year(read_scenario(choices=choices)), by_year(SCENARIO)
    for year in (2010, 2019, 2024):
        np.testing.assert_allclose(asked[year], base[year], rtol=1e-12)
    wanted = expected(base)
    for year in (2040, 2060):
        np.testing.assert_allclose(
            asked[year], 0.75 * base[year] if wanted is None else wanted, rtol=1e-12
        )
    # The change takes ten years: six tenths of it by 2030.
    by_2030 = 0.85 * base[2030] if wanted is None else base[2024] ** 0.4 * wanted**0.6
    np.testing.assert_allclose(asked[2030], by_2030, rtol=1e-12)


def test_rates_of_1996_hold_for_every_cause_from_then_on():
    held = discharges_of(DRAWS, read_scenario("rates_of_1996_held"))
    after, base = KNOTS.index(1996), discharges_of(DRAWS, SCENARIO)
    for cause in CAUSES:
        of_cause = [place for place, s in enumerate(STRATA) if s.cause == cause]
        total = held[:, of_cause].sum(axis=1)
        np.testing.assert_allclose(total[:, after:], total[:, [after]] * np.ones(10), rtol=1e-12)
        np.testing.assert_allclose(
            total[:, :after], base[:, of_cause].sum(axis=1)[:, :after], rtol=1e-12
        )


def test_the_dead_after_some_years_are_those_of_a_plain_loop():
    one = DRAWS.iloc[:4]
    given = inputs(one, SCENARIO)
    responses = responses_of(one, SCENARIO, PEOPLE, DEATHS, quantities=("people",))
    assert set(responses.units) >= {("trauma", (0.0, 0.0))}
    shapes, year, since = shapes_of(one, PEOPLE), 2004, 5
    for i in range(4):
        gradient, change = SURVIVALS[given.survival[i]]
        alive = cases = 0.0
        for s, stratum in enumerate(STRATA):
            if (stratum.cause, stratum.level) != ("dysvascular", "major"):
                continue
            rate = np.interp(year, KNOTS, given.incidence[i, s])
            for sex in range(2):
                for age in range(65, 101):
                    new = (
                        rate
                        * shapes[stratum.shape][sex, age]
                        * PEOPLE.people[year - 1950, sex, age]
                    )
                    lasting = new * (1 - given.first_year_excess[i, s])
                    for later in range(since):
                        at = min(age + later, 100)
                        ratio = given.hazard_ratio[i, s] * np.exp(
                            -gradient * (at - 70) + change * max(year + later - 2005, 0)
                        )
                        lasting *= np.exp(-ratio * DEATHS.hazard[year + later - 1950, sex, at])
                    alive, cases = alive + lasting, cases + new
        dead = dead_since_loss(
            one, SCENARIO, level="major", year=year, years_since=since, from_age=65
        )
        assert dead[i] == pytest.approx(1 - alive / cases, rel=1e-9)


REFUSED = {
    "hazard ratio of zero": (
        lambda: respond(PEOPLE, DEATHS, SHAPES, span=(0, 1)), "from 0 to 1; expected above 0"),
    "knots that do not span the years": (
        lambda: respond(PEOPLE, DEATHS, SHAPES, knots=(1960, 2060)),
        r"knots are \[1960, 2060\]; expected rising years that span 1950-2060"),
    "negative shape": (
        lambda: respond(PEOPLE, DEATHS, {"trauma": -SHAPES["trauma"]}), "expected 0 or more"),
    "shape of another size": (
        lambda: respond(PEOPLE, DEATHS, {"trauma": np.ones(101)}), r"expected \(2, 101\)"),
    "mortality of another area": (
        lambda: respond(PEOPLE, read_mortality("DEU"), SHAPES), "the same area and years"),
    "unknown quantity": (
        lambda: project(responses(), sampled(2), quantity="pain"), "quantity is 'pain'"),
    "unknown axis": (lambda: project(responses(), sampled(2), by=("race",)), "by has 'race'"),
    "unknown cause": (
        lambda: project(responses(), sampled(2), causes=["infection"]),
        r"causes are \['infection'\]; expected some of dysvascular, trauma, cancer"),
    "year outside": (lambda: project(responses(), sampled(2), years=[1949]), "year 1949; expected"),
    "quantity left out": (
        lambda: project(
            respond(PEOPLE, DEATHS, {"trauma": SHAPES["trauma"]}, quantities=["people"]),
            sampled(2), quantity="deaths"), "the responses lack deaths"),
    "hazard ratio outside the range": (
        lambda: project(responses(), dataclasses.replace(
            sampled(2), hazard_ratio=np.full((2, N_STRATA), 99.0))), "hazard_ratio is 99; expected"),
    "negative incidence": (
        lambda: dataclasses.replace(sampled(2), incidence=-sampled(2).incidence), "incidence is -"),
    "share above one": (
        lambda: dataclasses.replace(
            sampled(2), first_year_excess=np.full((2, N_STRATA), 1.5)), "first_year_excess is 1.5"),
    "rows that do not match": (
        lambda: dataclasses.replace(sampled(2), survival=np.zeros(3, dtype=int)), "survival has"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_what_the_model_cannot_run_on_is_refused(fault):
    call, expected = REFUSED[fault]

    with pytest.raises(ValueError, match=expected):
        call()


def test_years_since_the_loss_are_half_a_year_more_than_the_full_years():
    """From nothing: after three years everybody lost a limb 0.5, 1.5 or 2.5 years ago."""
    draws = sampled(20)
    responses = respond(PEOPLE, DEATHS, SHAPES, span=SPAN, from_nothing=True)
    years, *bands = (
        project(responses, draws, quantity=name)[:, 3]
        for name in ("years_since_loss", "under_1_year", "1_to_2_years", "2_to_5_years")
    )

    np.testing.assert_allclose(years, np.array([0.5, 1.5, 2.5]) @ bands, rtol=1e-9)


def test_a_population_factor_runs_in_a_straight_line_from_2005_to_2050():
    base, _ = people_and_mortality(read_scenario())
    more, _ = people_and_mortality(read_scenario(choices={"population_factor_2050": 1.45}))
    ratio = (more.people / base.people)[:, 0, 40]

    years = np.array([1996, 2005, 2025, 2050, 2060]) - 1950
    assert ratio[years] == pytest.approx([1, 1, 1.2, 1.45, 1.45], rel=1e-12)

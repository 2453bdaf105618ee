"""Limb loss in the US over the draws of a run: inputs, kept responses, futures, other countries."""

import dataclasses

import numpy as np
import pytest

from plcore.models.limb_loss import (
    CAUSES,
    STRATA,
    SURVIVALS,
    age_pyramid,
    dead_since_loss,
    inputs,
    people_and_mortality,
    people_with_limb_loss,
    project,
    respond,
    responses_of,
    rising_shape,
    shapes_of,
    time_since_loss,
)
from plcore.scenarios import read_scenario
from plcore.simulate import draw, run
from plcore.simulate.synthesis import draws_of

SPAN = {"first_year": 1996, "last_year": 2050}


@pytest.fixture(scope="module")
def estimate():
    return run(people_with_limb_loss, read_scenario(choices=SPAN), n_draws=256)


def ran(name):
    return run(people_with_limb_loss, read_scenario(name, choices=SPAN), n_draws=256)


def in_2050(found):
    return found.outcome.values["limb_loss"][:, 2050 - 1996]


# From draws to the model


def test_the_new_cases_of_1996_are_first_losses_among_the_printed_rates_times_the_people():
    scenario = read_scenario()
    draws = draws_of(scenario, 64, seed=1)
    population, mortality = people_and_mortality(scenario)
    responses = responses_of(draws, scenario, population, mortality, quantities=("new_cases",))
    new = project(
        responses, inputs(draws, scenario), quantity="new_cases", by=("year", "cause"), years=[1996]
    )[:, 0]
    people = population.people[1996 - 1950].sum()

    first = draws["dysvascular_first_share"]
    np.testing.assert_allclose(
        new[:, 0], draws["dysvascular_rate_1996"] * first * people, rtol=1e-9
    )
    first = draws["trauma_first_share"] * draws["trauma_outside_hospitals"]
    np.testing.assert_allclose(new[:, 1], draws["trauma_rate_1996"] * first * people, rtol=1e-9)
    np.testing.assert_allclose(new[:, 2], draws["cancer_rate_1996"] * people, rtol=1e-9)


def test_what_sets_the_spread_over_ages_must_be_one_number(estimate):
    draws = estimate.draws.iloc[:8].assign(dysvascular_mean_age=np.linspace(60, 70, 8))

    with pytest.raises(ValueError, match="dysvascular_mean_age differs between draws"):
        people_with_limb_loss(draws, estimate.scenario)


def test_the_settled_stock_of_1950_moves_2005_by_less_than_a_tenth(estimate):
    """The settled stock less a start from nothing is what was there in 1950 and still is."""
    draws, scenario = estimate.draws.iloc[:50], estimate.scenario
    population, mortality = people_and_mortality(scenario)
    given = inputs(draws, scenario)
    responses = responses_of(draws, scenario, population, mortality, quantities=("people",))
    nothing = respond(
        population,
        mortality,
        shapes_of(draws, population),
        span=responses.span,
        survivals=[SURVIVALS[place] for place in np.unique(given.survival)],
        quantities=("people",),
        age_groups=(0,),
        from_nothing=True,
    )
    settled, empty = (project(r, given, years=[2005])[:, 0] for r in (responses, nothing))

    assert np.all(settled > empty)
    assert np.max(1 - empty / settled) < 0.1


def test_responses_are_kept_for_all_draws_of_a_scenario_and_other_populations_have_their_own():
    scenario = read_scenario()
    population, mortality = people_and_mortality(scenario)
    one, other = (draw(scenario.parameters, 64, seed=seed) for seed in (1, 2))
    more = dataclasses.replace(population, people=1.1 * population.people)

    def responses(draws, people):
        return responses_of(draws, scenario, people, mortality, quantities=["people"])

    kept, again = responses(one, population).units, responses(other, population).units
    assert all(kept[key] is again[key] for key in kept.keys() & again.keys())
    assert len(kept.keys() & again.keys()) > 4
    assert responses(one, more).units["cancer", (0.0, 0.0)] is not kept["cancer", (0.0, 0.0)]
    np.testing.assert_allclose(
        project(responses(one, more), inputs(one, scenario)),
        1.1 * project(responses(one, population), inputs(one, scenario)),
        rtol=1e-12,
    )


def test_a_hazard_ratio_that_the_scenario_cannot_give_is_covered_all_the_same():
    scenario = read_scenario()
    alike = draw(scenario.parameters, 1, seed=1).iloc[[0, 0, 0]]
    draws = alike.assign(dysvascular_major_hazard_ratio=[20, 3, 0.1])
    population, mortality = people_and_mortality(scenario)
    wide = responses_of(draws, scenario, population, mortality, quantities=["people"])
    usual = responses_of(draws.iloc[[1]], scenario, population, mortality, quantities=["people"])
    people = project(wide, inputs(draws, scenario))

    assert usual.span == (0.5, 16)
    assert wide.span == (0.0625, 32)
    np.testing.assert_allclose(
        people[[1]], project(usual, inputs(draws.iloc[[1]], scenario)), rtol=1e-10
    )
    assert np.all(people[0] < people[1])
    assert np.all(people[2] > people[1])
    with pytest.raises(ValueError, match=r"hazard_ratio is 0 at \(0, 0\); expected above 0"):
        people_with_limb_loss(draws.assign(dysvascular_major_hazard_ratio=0.0), scenario)


def test_years_beyond_the_population_are_refused_unless_asked_for_and_then_marked(estimate):
    draws = estimate.draws.iloc[:4]
    beyond = {"first_year": 2055, "last_year": 2065}

    with pytest.raises(ValueError, match="2061 lies outside the data"):
        people_with_limb_loss(draws, read_scenario(choices=beyond))
    outcome = people_with_limb_loss(draws, read_scenario(choices={**beyond, "extrapolate": True}))
    assert outcome.years[outcome.extrapolated].tolist() == [2061, 2062, 2063, 2064, 2065]
    to_2060 = people_with_limb_loss(draws, read_scenario(choices={**beyond, "last_year": 2060}))
    np.testing.assert_allclose(
        outcome.values["limb_loss"][:, :6], to_2060.values["limb_loss"], rtol=1e-9
    )


# What else the model says


def test_dead_a_year_after_an_injury_by_hand(estimate):
    """Hazard ratio one: everybody's own hazard, and the excess."""
    scenario = estimate.scenario
    draws = estimate.draws.iloc[:4].assign(trauma_hazard_ratio=1.0, trauma_first_year_excess=0.1)
    population, mortality = people_and_mortality(scenario)
    new = population.people[55] * shapes_of(draws, population)["trauma"]
    alive = 0.9 * (new * np.exp(-mortality.hazard[55])).sum() / new.sum()

    dead = [
        dead_since_loss(
            draws, scenario, cause="trauma", level="major", year=2005, years_since=years
        )
        for years in (1, 5, 10)
    ]

    np.testing.assert_allclose(dead[0], 1 - alive, rtol=1e-12)
    assert np.all(np.diff(dead, axis=0) > 0)


@pytest.mark.parametrize("years", [1, 5])
def test_more_are_dead_after_a_major_than_after_a_minor_loss(estimate, years):
    major, minor = (
        dead_since_loss(
            estimate.draws, estimate.scenario, level=level, year=2012, years_since=years
        )
        for level in ("major", "minor")
    )

    assert np.median(major) > np.median(minor)
    assert (major > minor).mean() > 0.95


def test_the_pyramid_adds_up_to_the_median_total(estimate):
    one = estimate.draws.iloc[:1]
    table = age_pyramid(one, estimate.scenario, years=[2005, 2050])
    outcome = people_with_limb_loss(one, estimate.scenario)
    total = outcome.values["limb_loss"][0, [2005 - 1996, 2050 - 1996]]

    assert table.groupby("series")["value"].sum().tolist() == pytest.approx(total.tolist())


def test_causes_and_levels_add_up_to_everybody(estimate):
    values = estimate.outcome.values

    for parts in (("dysvascular", "trauma", "cancer"), ("major", "minor")):
        np.testing.assert_allclose(
            sum(values[part] for part in parts), values["limb_loss"], rtol=1e-12
        )


def test_shares_by_time_since_the_loss_add_up_and_injuries_lie_further_back(estimate):
    draws = estimate.draws.iloc[:1]
    table = time_since_loss(draws, estimate.scenario, years=[2005]).set_index("cause")
    shares = table[["under_1_year", "1_to_2_years", "2_to_5_years", "5_years_or_more"]]

    assert shares.sum(axis=1).tolist() == pytest.approx([1, 1, 1, 1])
    assert table.loc["trauma", "mean_years"] > table.loc["dysvascular", "mean_years"]


# Other scenarios on the same draws


def test_the_published_future_of_constant_rates_has_fewer_surprises(estimate):
    """Held incidence leaves much of the middle, and takes most of the width of 2050."""
    held, walks = in_2050(ran("incidence_held")), in_2050(estimate)
    width = [np.subtract(*np.quantile(people, [0.975, 0.025])) for people in (held, walks)]

    assert np.median(held) == pytest.approx(np.median(walks), rel=0.05)
    assert width[0] < 0.75 * width[1]


def test_futures_of_incidence_lie_in_the_order_that_their_names_say(estimate):
    low, held, rising = (
        in_2050(ran(name)) for name in ("low_of_2010", "incidence_held", "rise_goes_on")
    )

    assert (low < held).mean() > 0.95
    assert (held < rising).mean() > 0.95


def test_a_larger_population_of_2050_grows_the_stock_by_no_more_than_its_factor(estimate):
    gain = in_2050(ran("population_of_2008")) / in_2050(estimate) - 1

    assert np.all((gain > 0) & (gain < 0.165))


def test_every_stratum_has_a_shape_and_vascular_ones_rise_as_their_mean_ages_say():
    scenario = read_scenario()
    draws = draws_of(scenario, 2, seed=1)
    population, _ = people_and_mortality(scenario)
    shapes = shapes_of(draws, population)

    assert {stratum.shape for stratum in STRATA} == set(shapes)
    ages = draws[["dysvascular_mean_age", "dysvascular_younger_mean_age"]].iloc[0]
    for name, mean_age in zip(("older", "younger"), ages, strict=True):
        np.testing.assert_array_equal(
            shapes[name],
            rising_shape(
                population, mean_age=mean_age, male_ratio=draws["dysvascular_male_ratio"].iloc[0]
            ),
        )


def test_the_pyramid_has_the_median_of_each_age_group_and_sex(estimate):
    draws, scenario, years = estimate.draws.iloc[:33], estimate.scenario, [2005, 2050]
    table = age_pyramid(draws, scenario, years=years, width=25)

    groups = {"0-24": 0, "25-49": 25, "50-74": 50, "75-99": 75, "100+": 100}
    responses = responses_of(
        draws, scenario, *people_and_mortality(scenario), quantities=("people",),
        age_groups=tuple(groups.values()),
    )  # fmt: skip
    people = project(
        responses, inputs(draws, scenario), by=("year", "age_group", "sex"), years=years
    )
    by = table.set_index(["series", "label", "sex"])["value"]
    assert table["label"].unique().tolist() == list(groups)
    for i, year in enumerate(years):
        for g, label in enumerate(groups):
            for s, sex in enumerate(("male", "female")):
                middle = np.sort(people[:, i, g, s])[16]
                assert by[str(year), label, sex] == pytest.approx(middle, rel=1e-9)


def test_time_since_the_loss_is_the_median_over_draws_of_their_means(estimate):
    draws, scenario = estimate.draws.iloc[:33], estimate.scenario
    table = time_since_loss(draws, scenario, years=[2005, 2050]).set_index(["year", "cause"])

    names = ("people", "years_since_loss", "under_1_year", "5_years_or_more")
    responses = responses_of(
        draws, scenario, *people_and_mortality(scenario), quantities=names, age_groups=(0,)
    )
    sums = {
        name: project(
            responses, inputs(draws, scenario), quantity=name, by=("year", "cause"), years=[2050]
        )[:, 0]
        for name in names
    }
    for name, column in zip(names[1:], ("mean_years", *names[2:]), strict=True):
        for c, cause in enumerate(CAUSES):
            middle = np.sort(sums[name][:, c] / sums["people"][:, c])[16]
            assert table.loc[(2050, cause), column] == pytest.approx(middle, rel=1e-9)
        middle = np.sort(sums[name].sum(axis=1) / sums["people"].sum(axis=1))[16]
        assert table.loc[(2050, "all"), column] == pytest.approx(middle, rel=1e-9)

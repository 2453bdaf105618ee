"""The cohort model against a plain recursion, closed forms and its own balance sheet."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plcore.evidence.population import read_mortality, read_population
from plcore.models.limb_loss import (
    CAUSES,
    LimbLossDraws,
    people_and_mortality,
    project,
    respond,
)
from plcore.scenarios import read_scenario

KNOTS = (1950, 1988, 1996, 2009, 2060)
GROUPS = (0, 18, 45, 65, 75)
PEOPLE, DEATHS = read_population(), read_mortality()
AGE = np.arange(101)
SHAPE = np.stack([np.tile(part, (2, 1)) for part in
                  (np.exp(0.06 * AGE) / 40, np.where(AGE < 15, 0.2, 1.2), np.ones(101))])  # fmt: skip
RANGES = ((1.5, 6.0), (0.5, 2.5), (1.0, 6.0))
RESPONSES = respond(PEOPLE, DEATHS, SHAPE, knots=KNOTS, ranges=RANGES)


def sampled(n, seed=0):
    random = np.random.default_rng(seed)
    low, high = np.array(RANGES).T
    return LimbLossDraws(
        level=np.array([3e-4, 6e-5, 4e-6]) * random.lognormal(0, 0.3, (n, 3)),
        trend=random.uniform(0.2, 3, (n, 3, len(KNOTS))),
        hazard_ratio=random.uniform(low, high, (n, 3)),
        first_year_excess=random.uniform(0, 0.5, (n, 3)),
    )


def plain_recursion(draws, *, from_nothing=False, burn_in=260):
    """The model as a newcomer would write it: a loop over years, draws as the last axis.

    Written apart from the package, with another order of axes; gives the stock before the new
    cases of a year, the new cases and the deaths, by year, sex, age, cause and draw.
    """
    years = PEOPLE.years
    n = len(draws.level)
    stock_by = np.zeros((len(years), 2, 101, 3, n))
    new_by, dead_by = np.zeros_like(stock_by), np.zeros_like(stock_by)
    for c in range(3):
        stock = np.zeros((2, 101, n))
        for step in range(0 if from_nothing else -burn_in, len(years)):
            y = max(step, 0)
            trend = np.array([np.interp(years[y], KNOTS, one) for one in draws.trend[:, c]])
            new = (PEOPLE.people[y] * SHAPE[c])[:, :, None] * draws.level[:, c] * trend
            survival = np.exp(-DEATHS.hazard[y][:, :, None] * draws.hazard_ratio[:, c])
            left = (stock + new * (1 - draws.first_year_excess[:, c])) * survival
            if step >= 0:
                stock_by[y, :, :, c], new_by[y, :, :, c] = stock, new
                dead_by[y, :, :, c] = stock + new - left
            stock = np.concatenate([np.zeros((2, 1, n)), left[:, :-1]], axis=1)
            stock[:, 100] += left[:, 100]
    return stock_by, new_by, dead_by


def test_draws_agree_with_the_plain_recursion_to_nine_digits():
    draws = sampled(12)
    stock, new, dead = plain_recursion(draws)
    for quantity, expected in (("people", stock), ("new_cases", new), ("deaths", dead)):
        grouped = np.add.reduceat(expected, GROUPS, axis=2).transpose(4, 0, 2, 1, 3)
        found = project(
            RESPONSES, draws, quantity=quantity, by=("year", "age_group", "sex", "cause")
        )

        np.testing.assert_allclose(found, grouped, rtol=1e-9, atol=1e-9 * grouped.max())


def test_each_draw_is_right_to_nine_digits_in_every_total():
    draws = sampled(12, seed=1)
    stock, _, _ = plain_recursion(draws)

    np.testing.assert_allclose(
        project(RESPONSES, draws, by=("year", "cause")),
        stock.sum(axis=(1, 2)).transpose(2, 0, 1),
        rtol=1e-9,
    )


def test_a_start_from_nothing_agrees_with_the_plain_recursion_as_well():
    draws = sampled(3)
    responses = respond(PEOPLE, DEATHS, SHAPE, knots=KNOTS, ranges=RANGES, from_nothing=True)
    stock, _, _ = plain_recursion(draws, from_nothing=True)

    np.testing.assert_allclose(
        project(responses, draws), stock.sum(axis=(1, 2, 3)).T, rtol=1e-9, atol=1e-6
    )
    assert np.all(project(responses, draws)[:, 0] == 0)


def test_stock_grows_by_new_cases_less_deaths_in_every_draw():
    draws = sampled(300)
    stock, new, dead = (
        project(RESPONSES, draws, quantity=name, by=("year", "cause"))
        for name in ("people", "new_cases", "deaths")
    )

    np.testing.assert_allclose(stock[:, 1:], (stock + new - dead)[:, :-1], rtol=1e-10)


def test_bands_of_time_since_the_loss_add_up_to_the_stock():
    draws = sampled(200)
    bands = ("under_1_year", "1_to_2_years", "2_to_5_years", "5_years_or_more")
    parts = [project(RESPONSES, draws, quantity=name, by=("year", "sex")) for name in bands]

    np.testing.assert_allclose(
        np.sum(parts, axis=0), project(RESPONSES, draws, by=("year", "sex")), rtol=1e-9
    )


def test_those_under_a_year_since_the_loss_are_the_survivors_of_last_years_new_cases():
    draws = sampled(5)
    _, new, _ = plain_recursion(draws)
    survival = np.exp(-DEATHS.hazard[:, :, :, None, None] * draws.hazard_ratio.T)
    left = (new * (1 - draws.first_year_excess.T) * survival).sum(axis=(1, 2, 3))

    np.testing.assert_allclose(
        project(RESPONSES, draws, quantity="under_1_year")[:, 1:], left[:-1].T, rtol=1e-9
    )


def test_doubling_incidence_doubles_everything_and_none_gives_nobody():
    draws = sampled(50)
    twice = dataclasses.replace(draws, level=2 * draws.level)
    none = dataclasses.replace(draws, level=0 * draws.level)

    np.testing.assert_allclose(project(RESPONSES, twice), 2 * project(RESPONSES, draws), rtol=1e-12)
    assert np.all(project(RESPONSES, none) == 0)


def test_with_a_hazard_ratio_of_one_people_die_like_everybody():
    """Everybody loses a limb at birth and nobody dies early: the stock is the survivors."""
    shape = np.zeros((3, 2, 101))
    shape[:, :, 0] = 1
    responses = respond(PEOPLE, DEATHS, shape, knots=(1950, 2060), ranges=((1.0, 1.0),) * 3)
    ones = np.ones((1, 3))
    draws = LimbLossDraws(ones, np.ones((1, 3, 2)), ones, 0 * ones)
    survivors = 0.0
    for back in range(1, 31):
        # Born at mid-year 2030 - back, aged `age` in each calendar year since.
        path = [DEATHS.hazard[2030 - back + age - 1950, :, age] for age in range(back)]
        survivors += float(
            (PEOPLE.people[2030 - back - 1950, :, 0] * np.exp(-np.sum(path, axis=0))).sum()
        )
    groups = respond(
        PEOPLE, DEATHS, shape, knots=(1950, 2060), ranges=((1.0, 1.0),) * 3, age_groups=(0, 31)
    )

    found = project(groups, draws, by=("year", "age_group"), causes=["trauma"])[0, 2030 - 1950, 0]
    assert found == pytest.approx(survivors, rel=1e-12)
    assert project(responses, draws, causes=["trauma"])[0, 80] > survivors


def test_what_was_there_in_1950_is_two_percent_of_the_stock_of_2005():
    """What a start from nothing lacks in 2005, with hazard ratios near those of the evidence."""
    draws = LimbLossDraws(
        np.array([[3e-4, 6e-5, 4e-6]]),
        np.ones((1, 3, len(KNOTS))),
        np.array([[3.0, 1.5, 3.0]]),
        np.zeros((1, 3)),
    )
    nothing = respond(PEOPLE, DEATHS, SHAPE, knots=KNOTS, ranges=RANGES, from_nothing=True)
    settled, empty = (
        project(r, draws, by=("year", "cause"))[0, 2005 - 1950] for r in (RESPONSES, nothing)
    )

    assert 0 < 1 - empty.sum() / settled.sum() < 0.025
    assert np.all(empty <= settled)


@given(
    ratio=st.floats(1.5, 5.9),
    more=st.floats(0.01, 0.1),
    excess=st.floats(0, 0.9),
    scale=st.floats(0.1, 5),
)
@settings(max_examples=40, deadline=None)
def test_higher_hazards_leave_fewer_people_and_none_below_zero(ratio, more, excess, scale):
    one = np.ones((2, 3))
    draws = LimbLossDraws(
        1e-4 * one,
        scale * np.ones((2, 3, len(KNOTS))),
        np.array([[ratio, 1.0, 2.0], [ratio + more, 1.0, 2.0]]),
        excess * one,
    )
    people = project(RESPONSES, draws, by=("year", "age_group"), causes=["dysvascular"])

    assert np.all(people >= -1e-6)
    assert np.all(people[1].sum(axis=1) < people[0].sum(axis=1))


def test_draws_do_not_depend_on_those_beside_them():
    draws = sampled(400)
    some = LimbLossDraws(
        draws.level[7:9], draws.trend[7:9], draws.hazard_ratio[7:9], draws.first_year_excess[7:9]
    )

    np.testing.assert_allclose(project(RESPONSES, some), project(RESPONSES, draws)[7:9], rtol=1e-12)


def test_survival_that_improves_after_the_loss_leaves_more_people():
    draws = sampled(20)
    better = respond(PEOPLE, DEATHS, SHAPE, knots=KNOTS, ranges=RANGES, hazard_ratio_change=-0.02)
    now, then = project(RESPONSES, draws), project(better, draws)

    assert np.all(then[:, -1] > now[:, -1])
    # Hazards change from 2006 on, so that the first stock to differ is that of 2007.
    np.testing.assert_allclose(then[:, :57], now[:, :57], rtol=1e-9)
    assert np.all(then[:, 57] > now[:, 57])


GOOD = {"knots": KNOTS, "ranges": RANGES}
REFUSED = {
    "hazard ratio of zero": (
        lambda: respond(PEOPLE, DEATHS, SHAPE, knots=KNOTS, ranges=((0, 1), (1, 2), (1, 2))),
        "hazard ratios of dysvascular from 0 to 1; expected above 0"),
    "range for each cause": (
        lambda: respond(PEOPLE, DEATHS, SHAPE, knots=KNOTS, ranges=((1, 2),)),
        "1 ranges of hazard ratios; expected one for each cause"),
    "knots that do not span the years": (
        lambda: respond(PEOPLE, DEATHS, SHAPE, knots=(1960, 2060), ranges=RANGES),
        r"knots are \[1960, 2060\]; expected rising years that span 1950-2060"),
    "negative shape": (
        lambda: respond(PEOPLE, DEATHS, -SHAPE, **GOOD), "shape is .* expected 0 or more"),
    "shape of another size": (
        lambda: respond(PEOPLE, DEATHS, SHAPE[:2], **GOOD), r"expected \(3, 2, 101\)"),
    "mortality of another area": (
        lambda: respond(PEOPLE, read_mortality("DEU"), SHAPE, **GOOD), "the same area and years"),
    "unknown quantity": (
        lambda: project(RESPONSES, sampled(2), quantity="pain"), "quantity is 'pain'"),
    "unknown axis": (lambda: project(RESPONSES, sampled(2), by=("race",)), "by has 'race'"),
    "unknown cause": (
        lambda: project(RESPONSES, sampled(2), causes=["infection"]),
        r"causes are \['infection'\]; expected some of dysvascular, trauma, cancer"),
    "no cause": (lambda: project(RESPONSES, sampled(2), causes=[]), r"causes are \[\]; expected"),
    "quantity left out": (
        lambda: project(
            respond(PEOPLE, DEATHS, SHAPE, quantities=["people"], **GOOD), sampled(2),
            quantity="deaths"), "the responses lack deaths"),
    "hazard ratio outside the range": (
        lambda: project(RESPONSES, dataclasses.replace(
            sampled(2), hazard_ratio=np.full((2, 3), 9.0))), "hazard_ratio is 9; expected one from"),
    "negative level": (
        lambda: dataclasses.replace(sampled(2), level=np.full((2, 3), -1.0)), "level is -1 at"),
    "share above one": (
        lambda: dataclasses.replace(sampled(2), first_year_excess=np.full((2, 3), 1.5)),
        "first_year_excess is 1.5 at"),
    "rows that do not match": (
        lambda: dataclasses.replace(sampled(2), level=np.ones((3, 3))), "expected that of level"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_what_the_model_cannot_run_on_is_refused(fault):
    call, expected = REFUSED[fault]

    with pytest.raises(ValueError, match=expected):
        call()


def test_causes_are_the_three_of_the_published_counts():
    assert CAUSES == ("dysvascular", "trauma", "cancer")


def test_years_since_the_loss_are_half_a_year_more_than_the_full_years():
    """From nothing: after three years everybody lost a limb 0.5, 1.5 or 2.5 years ago."""
    draws = sampled(20)
    responses = respond(PEOPLE, DEATHS, SHAPE, knots=KNOTS, ranges=RANGES, from_nothing=True)
    years, *bands = (
        project(responses, draws, quantity=name)[:, 3]
        for name in ("years_since_loss", "under_1_year", "1_to_2_years", "2_to_5_years")
    )

    np.testing.assert_allclose(years, np.array([0.5, 1.5, 2.5]) @ bands, rtol=1e-9)


def test_a_population_factor_runs_in_a_straight_line_from_2005_to_2050():
    base, _ = people_and_mortality(read_scenario())
    more, _ = people_and_mortality(read_scenario(choices={"population_factor_2050": 1.45}))
    ratio = (more.people / base.people)[:, 0, 40]

    assert ratio[
        [1996 - 1950, 2005 - 1950, 2025 - 1950, 2050 - 1950, 2060 - 1950]
    ] == pytest.approx([1, 1, 1.2, 1.45, 1.45], rel=1e-12)

"""The funnel and the flow of patients: nested, conserved, and against an integrated equation."""

from dataclasses import replace
from datetime import date
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from plcore.clinic.demand import (
    FUNNEL_STEPS,
    SEVERITIES,
    WEEKS_A_YEAR,
    Opening,
    OwnNumbers,
    beside,
    by_year,
    demand_table,
    expected_referrals,
    funnel_table,
    overdispersion,
    own_per_week,
    parameter_of,
    people_to_patients,
    seasonal,
    with_own_people,
    with_uneven_months,
)
from plcore.clinic.patients import random_referrals
from plcore.clinic.people import people_nearby
from plcore.clinic.places import (
    by_fips,
    county_centres,
    divided,
    everywhere,
    great_circle_km,
    median_distance,
    places_of,
    read_counties,
    share_choosing,
    shares_by_county,
    site_of,
    within_km,
)
from plcore.models.outcome import Outcome
from plcore.scenarios import read_scenario
from plcore.simulate.runs import run

SCENARIO = read_scenario(choices={"first_year": 2026, "last_year": 2032})
PEOPLE = run(partial(people_nearby, area=by_fips(["06037"])), SCENARIO, n_draws=32)
FUNNEL = people_to_patients(PEOPLE.outcome, PEOPLE.draws, severity="moderate_severe")
shares = st.floats(0, 1)


def one_draw(*, pool, new_a_year, deaths, years_to_come, n_years=4):
    """An area whose numbers are known: everybody in pain would come, nobody is lost on the way."""
    years = np.arange(2026, 2027 + n_years)
    alive = np.empty(len(years))
    alive[0] = pool
    for i in range(n_years):
        alive[i + 1] = alive[i] * (1 - deaths) + new_a_year
    limb_loss = alive[np.newaxis]
    values = dict.fromkeys(("residents", "limb_loss", *SEVERITIES.values()), limb_loss)
    values["new_cases"] = np.full_like(limb_loss, new_a_year)
    people = Outcome(years, values, np.zeros(len(years), dtype=bool))
    draws = pd.DataFrame({step.parameter: [1.0] for step in FUNNEL_STEPS})
    draws["demand_years_to_come"] = years_to_come
    return people, draws


def flow(opening, **numbers):
    people, draws = one_draw(n_years=opening.n_years, **numbers)
    funnel = people_to_patients(people, draws, severity="any")
    return expected_referrals(funnel, people, draws, opening)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_each_step_is_a_part_of_the_one_before(severity):
    funnel = people_to_patients(PEOPLE.outcome, PEOPLE.draws, severity=severity)

    left = list(funnel.people.values())
    assert all((now <= before).all() for before, now in pairwise(left))
    share = np.prod(list(funnel.shares.values()), axis=0)
    np.testing.assert_allclose(
        left[-1], funnel.people["in_pain"] * share[:, np.newaxis], rtol=1e-12
    )


def test_the_steps_are_multiplied_draw_by_draw():
    expected = PEOPLE.outcome.values["plp_moderate_severe"][5, 2]
    for step in FUNNEL_STEPS:
        expected *= PEOPLE.draws[step.parameter].iloc[5]

    assert FUNNEL.people["choosing"][5, 2] == pytest.approx(expected, rel=1e-12)


def test_those_in_the_worst_pain_seek_care_at_their_own_rate():
    assert parameter_of("sought_care", severity="extremely_bothersome").endswith("_severe")
    assert parameter_of("eligible", severity="extremely_bothersome") == "demand_eligible"
    funnel = people_to_patients(PEOPLE.outcome, PEOPLE.draws, severity="extremely_bothersome")

    np.testing.assert_array_equal(
        funnel.shares["sought_care"], PEOPLE.draws["demand_sought_care_severe"]
    )


@given(share=shares)
def test_a_share_that_the_planner_knows_takes_the_place_of_the_draws(share):
    own = people_to_patients(PEOPLE.outcome, PEOPLE.draws, severity="any", own={"choosing": share})

    np.testing.assert_allclose(own.people["choosing"], own.people["accepting"] * share, rtol=1e-12)
    assert own.own == ("choosing",)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_the_bounds_of_each_step_are_the_steps_of_the_bounds(severity):
    table = funnel_table(
        people_to_patients(PEOPLE.outcome, PEOPLE.draws, severity=severity),
        SCENARIO.parameters,
        year=2026,
    ).set_index("step")
    assert table.loc[["residents", "limb_loss"], ["bound_low", "bound_high"]].isna().all(axis=None)
    for minor, column in (("none", "bound_low"), ("as_after_major", "bound_high")):
        scenario = read_scenario(choices={**SCENARIO.choices, "pain_after_minor_loss": minor})
        people = people_nearby(PEOPLE.draws, scenario, area=by_fips(["06037"]))
        funnel = people_to_patients(people, PEOPLE.draws, severity=severity)
        alone = funnel_table(funnel, SCENARIO.parameters, year=2026).set_index("step")
        steps = [step for step in table.index if step not in ("residents", "limb_loss")]
        np.testing.assert_allclose(table.loc[steps, column], alone.loc[steps, "median"], rtol=1e-12)


def test_the_table_says_what_each_step_rests_on():
    table = funnel_table(
        people_to_patients(PEOPLE.outcome, PEOPLE.draws, severity="any", own={"accepting": 0.2}),
        SCENARIO.parameters,
        year=2027,
    ).set_index("step")

    assert table.loc["sought_care", ["source", "seen"]].tolist() == ["hanley_2006", "abstract"]
    assert table.loc["accepting", ["source", "seen"]].tolist() == ["the planner", "own"]
    assert table.loc["choosing", "seen"] == "assumed"
    assert table.loc["plp", "source"] == "the model"
    assert (table["low"] <= table["median"]).all()
    assert (table["median"] <= table["high"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"severity": "bad"}, "severity is 'bad'; expected one of any, weekly"),
        ({"severity": "any", "own": {"chosing": 0.1}}, "no step 'chosing'; expected one of sought"),
        ({"severity": "any", "own": {"choosing": 1.2}}, "choosing is 1.2; expected a share"),
        ({"severity": "any", "own": {"choosing": np.nan}}, "choosing is nan; expected a share"),
    ],
)
def test_what_the_funnel_cannot_use_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        people_to_patients(PEOPLE.outcome, PEOPLE.draws, **options)


def test_lifetime_prevalence_has_no_severities():
    values = {k: v for k, v in PEOPLE.outcome.values.items() if not k.startswith("plp_")}
    ever = replace(PEOPLE.outcome, values=values)

    with pytest.raises(ValueError, match="this kind of prevalence does not have; expected 'any'"):
        people_to_patients(ever, PEOPLE.draws, severity="weekly")


@given(
    ramp=st.floats(0, 5), known=shares, years=st.floats(0.2, 50), deaths=st.floats(0, 0.5),
    n_years=st.integers(1, 6),
)  # fmt: skip
def test_nobody_is_lost_or_made_between_the_pool_and_the_clinic(
    ramp, known, years, deaths, n_years
):
    opening = Opening(2026, n_years, ramp, known)
    found = flow(opening, pool=1000.0, new_a_year=80.0, deaths=deaths, years_to_come=years)

    start, end = found.waiting_to_come[:, 0], found.waiting_to_come[:, -1]
    gone = (found.per_week + found.left).sum(axis=1)
    np.testing.assert_allclose(start + found.joined.sum(axis=1), end + gone, rtol=1e-10)
    assert min(flow.min() for flow in (found.backlog, found.new_cases, found.left)) >= 0


def test_the_flow_is_the_equation_integrated():
    """d pool / dt = joining - (coming x known + deaths) x pool, by SciPy's integrator."""
    opening = Opening(2026, 3, ramp_years=1.5, known_at_first=0.2)
    found = flow(opening, pool=1000.0, new_a_year=90.0, deaths=0.08, years_to_come=2.5)

    def change(t, pool):
        known = min(0.2 + 0.8 * t / 1.5, 1.0)
        return [90.0 - (known / 2.5 + 0.08) * pool[0], known / 2.5 * pool[0]]

    weeks = opening.n_weeks / WEEKS_A_YEAR
    exact = integrate.solve_ivp(change, (0, weeks), [1000.0, 0.0], rtol=1e-10, max_step=0.01)
    # A model of weeks: those who join do so at the start of one.
    assert found.waiting_to_come[0, -1] == pytest.approx(exact.y[0, -1], rel=2e-3)
    assert found.per_week.sum() == pytest.approx(exact.y[1, -1], rel=2e-3)


def test_a_pool_without_new_cases_empties_as_an_exponential():
    opening = Opening(2026, 4, ramp_years=0)
    found = flow(opening, pool=500.0, new_a_year=0.0, deaths=0.0, years_to_come=2.0)

    years = opening.n_weeks / WEEKS_A_YEAR
    assert found.backlog.sum() == pytest.approx(500 * -np.expm1(-years / 2), rel=1e-12)
    assert not found.new_cases.any()


def test_those_who_hear_in_the_first_year_come_in_the_week_in_which_they_would():
    """Known of in a straight line from nobody, the pool falls as exp(-t^2 / (2 years ramp))."""
    found = flow(
        Opening(2026, 1, ramp_years=1.25, known_at_first=0),
        pool=500.0, new_a_year=0.0, deaths=0.0, years_to_come=2.0,
    )  # fmt: skip
    ends = np.arange(1, found.backlog.shape[1] + 1) * 7 / 365.25

    came = 500 * -np.expm1(-(ends**2) / (2 * 2.0 * 1.25))
    np.testing.assert_allclose(found.backlog[0].cumsum(), came, rtol=1e-12)


def test_new_cases_can_come_from_the_week_in_which_they_join():
    """Everybody joins at the start of a week and stays in it with the same chance: a geometric sum."""
    found = flow(
        Opening(2026, 2, ramp_years=0), pool=500.0, new_a_year=80.0, deaths=0.0, years_to_come=0.5
    )
    week = 7 / 365.25
    stay = np.exp(-week / 0.5) ** np.arange(1, found.new_cases.shape[1] + 1)

    np.testing.assert_allclose(found.new_cases[0], 80 * week * (1 - stay), rtol=1e-12)


def test_people_join_in_the_year_in_which_a_week_begins():
    opening = Opening(2026, 2)
    people, draws = one_draw(pool=1000.0, new_a_year=80.0, deaths=0.1, years_to_come=1, n_years=2)
    people.values["new_cases"][:] = [0.0, 80.0, 80.0]
    funnel = people_to_patients(people, draws, severity="any")
    joined = expected_referrals(funnel, people, draws, opening).joined
    begins = np.arange(joined.shape[1]) * 7

    assert ((joined[0] > 0) == (begins >= 365.25)).all()


@given(low=st.floats(0.3, 20), more=st.floats(0.01, 20))
def test_who_takes_longer_to_come_comes_later(low, more):
    opening = Opening(2026, 2)
    numbers = {"pool": 700.0, "new_a_year": 0.0, "deaths": 0.05}
    soon = flow(opening, years_to_come=low, **numbers).backlog.cumsum(axis=1)
    late = flow(opening, years_to_come=low + more, **numbers).backlog.cumsum(axis=1)

    assert (late < soon).all()


def test_a_clinic_of_which_nobody_knows_has_no_patients():
    opening = Opening(2026, 1, ramp_years=1e9, known_at_first=0)

    assert (
        flow(opening, pool=100.0, new_a_year=5.0, deaths=0, years_to_come=1).per_week.sum() < 1e-6
    )


def test_the_years_of_the_table_add_up_to_all_weeks_but_the_end_of_the_last():
    opening = Opening(2026, 5)
    demand = expected_referrals(FUNNEL, PEOPLE.outcome, PEOPLE.draws, opening)
    table = demand_table(demand)

    by_group = table.groupby("group")["mean"].sum()
    beyond = opening.n_weeks - 5 * WEEKS_A_YEAR
    for group, weekly in (
        ("all", demand.per_week), ("in pain at the opening", demand.backlog),
    ):  # fmt: skip
        expected = (weekly.sum(axis=1) - beyond * weekly[:, -1]).mean()
        assert by_group[group] == pytest.approx(expected)
    means = table.pivot_table(index="year", columns="group", values="mean")
    np.testing.assert_allclose(
        means["all"], means["in pain at the opening"] + means["newly in pain"], rtol=1e-12
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n_years": 0}, "n_years is 0; expected 1 or more"),
        ({"ramp_years": -1}, "ramp_years is -1; expected 0 or more"),
        ({"known_at_first": 1.5}, "known_at_first is 1.5; expected a share from 0 to 1"),
    ],
)
def test_an_opening_that_cannot_be_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        Opening(2026, **given)


@pytest.mark.parametrize("opening", [Opening(2025, 2), Opening(2026, 7), Opening(2032, 1)])
def test_years_beyond_the_people_are_refused(opening):
    with pytest.raises(ValueError, match="expected years from 2026 to 2032"):
        expected_referrals(FUNNEL, PEOPLE.outcome, PEOPLE.draws, opening)


# The planner's own numbers.


def test_own_counts_of_people_take_the_place_of_the_modelled_ones_and_move_their_parts():
    own = OwnNumbers(limb_loss=50_000.0, plp=20_000.0)
    found = with_own_people(PEOPLE.outcome, own, year=2026).values
    before = PEOPLE.outcome.values

    np.testing.assert_allclose(found["limb_loss"][:, 0], 50_000)
    np.testing.assert_allclose(found["plp"][:, 0], 20_000)
    np.testing.assert_array_equal(found["residents"], before["residents"])
    np.testing.assert_allclose(
        found["plp_weekly"] / found["plp"], before["plp_weekly"] / before["plp"], rtol=1e-12
    )
    np.testing.assert_allclose(
        found["new_cases"] / found["limb_loss"], before["new_cases"] / before["limb_loss"]
    )


def test_more_people_in_pain_than_with_limb_loss_are_refused():
    with pytest.raises(ValueError, match=r"plp is 1e\+06; expected at most .*of limb_loss as well"):
        with_own_people(PEOPLE.outcome, OwnNumbers(plp=1e6), year=2026)
    with pytest.raises(ValueError, match=r"limb_loss is 5e\+07; expected at most"):
        with_own_people(PEOPLE.outcome, OwnNumbers(limb_loss=5e7), year=2026)


def test_nobody_in_pain_leads_to_nobody_who_comes():
    nobody = with_own_people(PEOPLE.outcome, OwnNumbers(plp=0.0), year=2026)
    funnel = people_to_patients(nobody, PEOPLE.draws, severity="moderate_severe")

    assert not funnel.people["choosing"].any()
    assert (funnel_table(funnel, SCENARIO.parameters, year=2026)["share_high"] <= 1).all()


def test_even_months_vary_by_chance_alone():
    own = OwnNumbers("2026-01", (6, 4, 8, 6, 5, 7, 9, 3, 6))

    assert overdispersion(own) == 1
    assert own_per_week(own, n_weeks=2) == pytest.approx(own.per_month * 12 / WEEKS_A_YEAR)
    assert with_uneven_months(np.ones((2, 5)), 1.0, n_runs=3, seed=1).shape == (2, 1, 5)


def test_months_that_vary_by_more_than_chance_do_so_in_every_run():
    # Means of 12, variance 84: seven times that of chance.
    own = OwnNumbers("2026-01", (2, 22, 9, 15, 24, 5, 1, 18, 12))
    per_week = np.full((300, 53), 12 * 12 / WEEKS_A_YEAR)
    excess = overdispersion(own)
    rates = with_uneven_months(per_week, excess, n_runs=2, seed=1)
    days = random_referrals(rates, n_days=365, n_runs=2, seed=1)

    assert excess == pytest.approx(np.var(own.referrals, ddof=1) / 12)
    assert rates.shape == (300, 2, 53)
    counts = ((days >= 60) & (days < 60 + 365.25 / 12)).sum(axis=2)
    assert counts.mean() == pytest.approx(12, rel=0.1)
    # Weeks do not end with months, which evens out a part.
    assert 0.5 * excess < counts.var() / counts.mean() < 1.1 * excess
    assert abs(np.corrcoef(counts.T)[0, 1]) < 4 / 300**0.5


def test_years_divide_a_week_between_them():
    # One a day: years of 365.25 days, and what follows the last is left out.
    weekly = np.full((1, Opening(2027, n_years=5).n_weeks), 7.0)

    assert by_year(weekly, Opening(2027, n_years=5))[0] == pytest.approx(np.full(5, 365.25))


def test_referrals_follow_the_months_of_the_year():
    # Twice as many in January as in any other month; 1 January 2027 begins the weeks.
    found = seasonal(date(2027, 1, 1), 53, (2.0,) + (1.0,) * 11)

    assert found[:4] == pytest.approx(np.full(4, 2 * 12 / 13))
    assert found[10:50] == pytest.approx(np.full(40, 12 / 13))
    # The fifth week has three days of January.
    assert found[4] == pytest.approx((3 * 2 + 4) / 7 * 12 / 13)
    with pytest.raises(ValueError, match="expected 12 of 0 or more"):
        seasonal(date(2027, 1, 1), 53, (1.0, 2.0))


REACH = pd.DataFrame(
    {"demand_choosing": [0.05, 0.1, 0.3], "demand_distance_km": [20.0, 50.0, 150.0]}
)


def test_distance_conserves_people():
    everyone = everywhere()
    here, elsewhere = shares_by_county(everyone, REACH, point=(34.05, -118.24))

    assert (here >= 0).all()
    assert (elsewhere >= 0).all()
    assert (here + elsewhere <= 1 + 1e-12).all()
    # Where nobody else is, those next door all come here; with more clinics fewer do.
    alone = shares_by_county(everyone, REACH.assign(demand_choosing=1.0), point=(34.05, -118.24))
    assert alone[1].max() == pytest.approx(0, abs=1e-9)
    assert alone[0].max() > 0.9


def test_every_clinic_sees_the_same_people_go_to_the_others():
    # Four clinics at some distances from three counties, from the view of each.
    travel = np.exp(-np.array([[1.0, 30, 70, 400], [20, 0, 50, 300], [200, 160, 400, 90]]) / 50)
    here = np.stack(
        [divided(travel[:, i], np.delete(travel, i, axis=1).sum(axis=1))[0] for i in range(4)],
        axis=1,
    )
    elsewhere = divided(travel[:, 0], travel[:, 1:].sum(axis=1))[1]

    np.testing.assert_allclose(here[:, 1:].sum(axis=1), elsewhere)
    np.testing.assert_allclose(here.sum(axis=1), np.minimum(travel.sum(axis=1), 1))


def test_a_rural_clinic_has_a_larger_share_than_one_in_los_angeles():
    draws = REACH.iloc[[1]]
    angeles = share_choosing(within_km(34.05, -118.24, 60), draws, point=(34.05, -118.24))[0]
    billings = share_choosing(within_km(45.78, -108.5, 60), draws, point=(45.78, -108.5))[0]

    assert billings > 5 * angeles
    # The radius does not decide: those who live far away do not come.
    near, far = (within_km(34.05, -118.24, km) for km in (100, 5000))
    share = read_counties().share.mean(axis=(1, 2))
    patients = [
        share_choosing(area, draws, point=(34.05, -118.24))[0]
        * share[places_of(area, read_counties())].sum()
        for area in (near, far)
    ]
    assert patients[0] < patients[1] < 1.5 * patients[0]
    with pytest.raises(ValueError, match="demand_distance_km is 0; expected above 0"):
        share_choosing(near, draws.assign(demand_distance_km=0.0))


def test_the_crowd_within_reach_is_that_added_up_by_hand():
    counties = by_fips(["06037", "30111", "36061"])
    _, elsewhere = shares_by_county(counties, REACH)
    centres, known = county_centres(), read_counties()
    people = known.share.mean(axis=(1, 2))
    lats, lons = centres["lat"].to_numpy(), centres["lon"].to_numpy()
    for d, (choosing, reach) in enumerate(REACH.itertuples(index=False)):
        crowd = [
            np.exp(-great_circle_km(lat, lon, lats, lons) / reach) @ people
            for lat, lon in zip(lats, lons, strict=True)
        ]
        others = (1 / choosing - 1) * np.array(crowd)[places_of(counties, known)]
        others = others / (np.array(crowd) @ people)
        lat, lon = site_of(counties)
        at = places_of(counties, known)
        away = great_circle_km(lat, lon, centres["lat"].iloc[at], centres["lon"].iloc[at])
        expected = divided(np.exp(-away / reach), others)[1]
        np.testing.assert_allclose(elsewhere[d], expected, rtol=0.02)


@pytest.mark.parametrize("codes", [["06037"], ["06037", "06059", "06111"], None])
def test_half_of_the_people_live_within_the_median_distance(codes):
    area = everywhere() if codes is None else by_fips(codes)
    at = places_of(area, read_counties())
    people = read_counties().share[at].mean(axis=(1, 2))
    centres = county_centres().iloc[at]
    away = great_circle_km(*site_of(area), centres["lat"], centres["lon"])
    middle = median_distance(area)

    assert people[away <= middle].sum() >= people.sum() / 2
    assert people[away < middle].sum() < people.sum() / 2


def test_own_numbers_stand_beside_the_modelled_ones():
    demand = expected_referrals(FUNNEL, PEOPLE.outcome, PEOPLE.draws, Opening(2026))
    own = OwnNumbers("2026-01", (1, 2), waiting_list=0, plp=1e9)
    table = beside(own, FUNNEL, demand, visits_a_day=8).set_index("what")

    assert table.index.tolist() == ["referrals", "waiting_list", "plp"]
    assert table.loc["plp", "modelled"] == pytest.approx(np.median(FUNNEL.people["plp"][:, 0]))
    assert table["inside"].tolist() == [True, True, False]


def test_the_rate_of_a_month_varies_by_what_chance_leaves():
    per_week = np.full((20_000, 53), 12 * 12 / WEEKS_A_YEAR)
    for excess in (1.5, 3.0):
        factor = with_uneven_months(per_week, excess, n_runs=1, seed=1)[:, 0, 0] / per_week[0, 0]
        assert factor.mean() == pytest.approx(1, abs=0.02)
        # Counts of mean 12: the variance is 12 by chance, the rest is that of the rates.
        assert 1 + 12 * factor.var() == pytest.approx(excess, rel=0.06)


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_the_columns_of_both_tables_of_people_are_those_of_the_draws(level):
    tails = [50, 50 * (1 - level), 50 * (1 + level)]
    demand = expected_referrals(FUNNEL, PEOPLE.outcome, PEOPLE.draws, Opening(2026, 3))
    groups = {
        "in pain at the opening": demand.backlog,
        "newly in pain": demand.per_week - demand.backlog,
        "all": demand.per_week,
    }
    table = demand_table(demand, level=level)
    assert len(table) == 3 * len(groups)
    for row in table.itertuples():
        # Whole weeks, and of those that two years share the part in each.
        starts = np.arange(demand.per_week.shape[1])
        first, end = ((row.year - 2026 + i) * WEEKS_A_YEAR for i in (0, 1))
        part = np.clip(np.minimum(starts + 1, end) - np.maximum(starts, first), 0, 1)
        of_year = groups[row.group] @ part
        numbers = [of_year.mean(), *np.percentile(of_year, tails), level]
        assert [row.mean, row.median, row.low, row.high, row.level] == pytest.approx(numbers)

    names = list(FUNNEL.people)
    for row in funnel_table(FUNNEL, SCENARIO.parameters, year=2029, level=level).itertuples():
        now = FUNNEL.people[row.step][:, 3]
        before = FUNNEL.people[names[names.index(row.step) - 1]][:, 3] if row.Index else now
        people = [row.median, row.low, row.high]
        assert people == pytest.approx(np.percentile(now, tails).tolist())
        shares = [row.share, row.share_low, row.share_high]
        assert shares == pytest.approx(np.percentile(now / before, tails).tolist()), row.step
        assert row.level == level
        bounds = FUNNEL.under_bounds(row.step, 3)
        expected = [np.percentile(drawn, 50) for drawn in bounds.values()] or [np.nan] * 2
        assert [row.bound_low, row.bound_high] == pytest.approx(expected, nan_ok=True)

    own = OwnNumbers("2026-01", (4, 7, 4), visits_a_day=9, residents=1e7, limb_loss=5e4, plp=3e4)
    for row in beside(own, FUNNEL, demand, visits_a_day=8, level=level).itertuples():
        if row.what == "referrals":
            modelled = demand.per_week[:, :52].sum(axis=1) / 52 * WEEKS_A_YEAR / 12
        else:
            modelled = (
                np.array([8.0]) if row.what == "visits_a_day" else FUNNEL.people[row.what][:, 0]
            )
        assert row.own == pytest.approx(5.0 if row.what == "referrals" else getattr(own, row.what))
        numbers = np.percentile(modelled, tails)
        assert [row.modelled, row.low, row.high] == pytest.approx(numbers.tolist())
        assert row.inside == (numbers[1] <= row.own <= numbers[2])

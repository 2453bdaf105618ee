"""What must hold of every model wherever its inputs may lie: balance, order, nesting, limits."""

import dataclasses
import functools
import re

import numpy as np
import pytest
from clinic_models import ALL_DAYS, DAY, EVENTFUL, NOBODY_HELPED, PLAN, draws
from hypothesis import given, settings
from hypothesis import strategies as st

from plcore.clinic.patients import INPUTS as CLINIC_INPUTS
from plcore.clinic.results import FATES
from plcore.clinic.schedule import simulate_clinic
from plcore.evidence.pooling import HalfNormal, bayes, pool
from plcore.evidence.pooling.bayes import mean_quantile
from plcore.evidence.population import read_mortality, read_population
from plcore.evidence.trials.response import wilson
from plcore.models.course import CourseDraws, CoursePlan, draw_chance, simulate_course
from plcore.models.limb_loss import (
    CAUSES,
    STRATA,
    SURVIVALS,
    LimbLossDraws,
    people_with_limb_loss,
    project,
    respond,
)  # fmt: skip
from plcore.models.pain import SEVERITIES, people_with_pain
from plcore.models.published import three_readings
from plcore.scenarios import read_scenario
from plcore.simulate.draws import draw

KNOTS = (1950, 1988, 2060)
AGE = np.arange(101)
#: With losses at rising ages, at every age alike, and at one age only.
SHAPES = {
    name: np.tile(part, (2, 1))
    for name, part in {
        "older": AGE / 50, "younger": AGE / 50, "trauma": np.ones(101), "cancer": 101.0 * (AGE == 30)
    }.items()
}  # fmt: skip
#: Two of the ways in which hazard ratios go with age and time: the model runs once for each.
CHOSEN = (0, len(SURVIVALS) - 1)
N = len(STRATA)
SCENARIO = read_scenario(choices={"first_year": 2005, "last_year": 2010})
DRAWS = draw(SCENARIO.parameters, 16, seed=4)


class Noting(dict):
    """Choices that note which of them are read."""

    def __init__(self, choices):
        super().__init__(choices)
        self.read = set()

    def __getitem__(self, name):
        self.read.add(name)
        return super().__getitem__(name)


@pytest.mark.parametrize(
    ("model", "also"),
    [(people_with_limb_loss, ""), (people_with_pain, people_with_limb_loss.__doc__), (three_readings, "")],
)  # fmt: skip
def test_a_model_names_the_choices_that_it_reads(model, also):
    choices = Noting(SCENARIO.choices)
    model(DRAWS, dataclasses.replace(SCENARIO, choices=choices))

    said = re.findall(r"Its choices (.*?) are\s+used", model.__doc__ + also, re.DOTALL)
    named = {word for text in said for word in re.findall(r"\w+", text)}
    assert {"first_year", "last_year"} < choices.read
    assert choices.read <= named


shares = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1))
share_of_draws = st.lists(st.floats(0, 1), min_size=16, max_size=16).map(np.array)


@functools.cache
def responses():
    return respond(
        read_population(), read_mortality(), SHAPES, knots=KNOTS, span=(0.5, 6.0),
        survivals=[SURVIVALS[place] for place in CHOSEN], age_groups=(0, 40, 80),
    )  # fmt: skip


def arrays(values, *shape):
    size = int(np.prod(shape))
    return st.lists(values, min_size=size, max_size=size).map(
        lambda flat: np.array(flat, dtype=float).reshape(shape)
    )


limb_loss = st.builds(
    LimbLossDraws,
    incidence=arrays(st.one_of(st.just(0.0), st.floats(1e-9, 0.05)), 2, N, len(KNOTS)),
    hazard_ratio=arrays(st.floats(0.5, 6), 2, N),
    first_year_excess=arrays(shares, 2, N),
    survival=st.lists(st.sampled_from(CHOSEN), min_size=2, max_size=2).map(np.array),
)
strata = st.integers(0, N - 1)


# --- People with limb loss ----------------------------------------------------------------------


@settings(max_examples=15)
@given(given_draws=limb_loss)
def test_people_are_those_before_and_new_ones_less_deaths(given_draws):
    how = {"by": ("year", "cause")}
    stock, new, deaths = (
        project(responses(), given_draws, quantity=name, **how)
        for name in ("people", "new_cases", "deaths")
    )

    size = stock.max() + new.max()
    np.testing.assert_allclose(
        stock[:, 1:], (stock + new - deaths)[:, :-1], rtol=1e-9, atol=1e-9 * size
    )
    for quantity in (stock, new, deaths):
        assert quantity.min() >= -1e-9 * size
    assert np.all(deaths <= stock + new + 1e-9 * size)


@settings(max_examples=15)
@given(given_draws=limb_loss, place=strata, knot=st.integers(0, 2), more=st.floats(0, 0.1))
def test_more_incidence_in_any_year_never_leaves_fewer_people(given_draws, place, knot, more):
    incidence = given_draws.incidence.copy()
    incidence[:, place, knot] += more
    before = project(responses(), given_draws, by=("year", "age_group", "sex"))
    after = project(
        responses(),
        dataclasses.replace(given_draws, incidence=incidence),
        by=("year", "age_group", "sex"),
    )

    assert np.all(after >= before - 1e-9 * max(after.max(), 1))


@settings(max_examples=15)
@given(given_draws=limb_loss, place=strata, times=st.floats(1, 3), more=shares)
def test_a_higher_hazard_ratio_or_excess_never_leaves_more_people(given_draws, place, times, more):
    ratio, excess = given_draws.hazard_ratio.copy(), given_draws.first_year_excess.copy()
    ratio[:, place] = np.minimum(ratio[:, place] * times, 6)
    excess[:, place] = np.maximum(excess[:, place], more)
    before = project(responses(), given_draws)
    after = project(
        responses(),
        dataclasses.replace(given_draws, hazard_ratio=ratio, first_year_excess=excess),
    )

    assert np.all(after <= before + 1e-9 * max(before.max(), 1))


@settings(max_examples=15)
@given(one=limb_loss, other=limb_loss)
def test_losses_of_two_kinds_of_people_add_up(one, other):
    """The model is linear in incidence: two groups of the same hazards, together or apart."""
    new = [each.incidence for each in (one, other)]
    together, first, second = (
        project(responses(), dataclasses.replace(one, incidence=incidence), by=("year", "cause"))
        for incidence in (new[0] + new[1], *new)
    )

    np.testing.assert_allclose(together, first + second, rtol=1e-9, atol=1e-9 * together.max())


@settings(max_examples=15)
@given(given_draws=limb_loss)
def test_causes_levels_ages_and_sexes_add_up_to_everybody(given_draws):
    everybody = project(responses(), given_draws)
    parts = project(responses(), given_draws, by=("year", "age_group", "sex", "cause", "level"))
    by_cause = [project(responses(), given_draws, causes=[cause]) for cause in CAUSES]

    slack = {"rtol": 1e-9, "atol": 1e-9 * everybody.max()}
    np.testing.assert_allclose(parts.sum(axis=(2, 3, 4, 5)), everybody, **slack)
    np.testing.assert_allclose(sum(by_cause), everybody, **slack)


# --- People in pain -----------------------------------------------------------------------------


@settings(max_examples=12)
@given(
    prevalence=arrays(st.floats(1e-6, 1 - 1e-6), 16),
    fall=arrays(st.floats(0, 5), 16),
    severity=share_of_draws,
    minor=arrays(st.floats(1e-6, 1 - 1e-6), 16),
    treated=st.sampled_from(["own_share", "as_after_major", "none"]),
)
def test_severity_lies_within_pain_and_pain_within_limb_loss(
    prevalence, fall, severity, minor, treated
):
    given_draws = DRAWS.assign(
        plp_prevalence=prevalence, plp_fall=fall, plp_prevalence_minor=minor,
        **{f"severity_{name}": severity for name in SEVERITIES},
    )  # fmt: skip
    choices = {**SCENARIO.choices, "pain_after_minor_loss": treated}
    found = people_with_pain(given_draws, dataclasses.replace(SCENARIO, choices=choices)).values

    everybody, pain = found["limb_loss"], found["plp"]
    slack = 1e-9 * everybody.max()
    counted = found["major"] if treated == "none" else everybody
    assert np.all((pain >= 0) & (pain <= counted + slack))
    for name in SEVERITIES:
        assert np.all((found[f"plp_{name}"] >= 0) & (found[f"plp_{name}"] <= pain + slack))
    assert np.all(found["plp_extremely_bothersome"] <= found["plp_moderate_severe"] + slack)
    assert np.all(found["plp_as_claimed"] == everybody)


# --- Courses of infusions -----------------------------------------------------------------------

days = st.floats(1e-3, 36_525)
course = st.fixed_dictionaries(
    {
        **dict.fromkeys(("drug_response", "placebo_response", "patient_correlation"), shares),
        **dict.fromkeys(("dropout", "return_uptake", "side_effect"), shares),
        **dict.fromkeys(("first_relief_days", "last_relief_days", "placebo_relief_days"), days),
        "relief_shape": st.floats(0.1, 5),
        "extra_minutes": st.floats(0, 1e4),
        "pain_centre": st.floats(0, 10),
        "pain_spread": st.floats(0.01, 20),
        "fall": st.floats(0.5, 1),
    }
)


@settings(max_examples=15)
@given(
    values=course, most=st.integers(0, 3), n_days=st.integers(8, 200), seed=st.integers(0, 2**31)
)
def test_a_course_of_any_inputs_keeps_its_balance(values, most, n_days, seed):
    plan = CoursePlan((0, 3, 7), (0, 3, 7), max_returns=most)
    x = CourseDraws(**{name: np.array([value]) for name, value in values.items()})
    found = simulate_course(x, plan, draw_chance(60, plan.n_slots, seed=seed), n_days=n_days)

    np.testing.assert_allclose(60 * found.infusions_by_day.sum(axis=1), found.infusions.sum(axis=1))
    assert np.all((found.relief >= -1e-12) & (found.relief <= found.helped.mean() + 1e-12))
    assert np.all((found.pain >= -1e-9) & (found.pain <= 10 + 1e-9))
    assert np.all((found.relief_days >= 0) & (found.relief_days <= n_days + 1e-9))
    assert np.all(found.relief_days[~found.helped] == 0)
    assert np.all((found.infusions >= 1) & (found.infusions <= plan.n_slots))
    assert np.all(found.prolonged <= found.infusions)
    assert np.all(found.returns <= most)
    if values["drug_response"] == values["placebo_response"] == 0:
        assert not found.helped.any()
    if values["dropout"] == 0 and n_days > 7:
        assert found.completed.all()
    if values["dropout"] == 1:
        assert np.all(found.infusions == 1)


# --- The clinic ---------------------------------------------------------------------------------

missed = st.one_of(st.just(0.0), st.floats(0, 0.95))
clinic = st.fixed_dictionaries(
    {name: st.just(value) for name, value in EVENTFUL.items()}
    | dict.fromkeys(("first_no_show", "no_show", "cancellation"), missed)
    | dict.fromkeys(("dropout", "return_uptake", "side_effect", "male_share"), shares)
    | {"recovery_minutes": st.floats(0, 300), "recovery_spread": st.floats(0, 2)}
)
referral_days = st.lists(st.integers(0, 119), min_size=1, max_size=80).map(sorted)


def run_clinic(values, days, relief=None, **changed):
    plan = dataclasses.replace(PLAN, day=dataclasses.replace(DAY, **changed))
    relief = NOBODY_HELPED if relief is None else np.array([relief])
    return simulate_clinic(plan, draws(values), np.array([[days]]), relief, ALL_DAYS, seed=3)


@settings(max_examples=15)
@given(values=clinic, days=referral_days, relief=st.lists(st.floats(0, 60), min_size=1, max_size=4))
def test_who_was_referred_was_treated_or_waits_or_was_lost(values, days, relief):
    found = run_clinic(values, days, relief)

    assert set(values) == set(CLINIC_INPUTS)
    assert found.fate.shape == (1, 1, len(days))
    # Referred on a day of the run, everybody has one fate, and those still waiting are counted.
    assert found.waiting[0, 0, -1] == np.sum(
        (found.fate == FATES.index("waiting")) & (found.offered_day == found.n_days)
    )
    assert found.first_offers.sum() == np.sum(found.offered_day < found.n_days)
    treated = found.first_day < found.n_days
    assert np.array_equal(treated, found.had > 0)
    assert np.all(found.first_day[treated] >= found.offered_day[treated])
    assert np.all(found.offered_day >= found.referred_day)
    assert found.booked.sum() == found.infusions.sum() + found.no_shows.sum()
    assert found.infusions.sum() == found.had.sum()
    for minutes in (found.chair_minutes, found.nurse_minutes, found.overtime_minutes, found.mg):
        assert np.all(minutes >= 0)


@settings(max_examples=15)
@given(days=referral_days, chairs=st.integers(1, 5))
def test_another_chair_lets_nobody_wait_longer_for_a_first_visit(days, chairs):
    """Of patients who all come and stay: with others, a chair changes who comes back when."""
    sure = dict.fromkeys(EVENTFUL, 0.0) | {"recovery_minutes": 50.0}
    sure |= {"male_weight": 80.0, "female_weight": 80.0}
    fewer, more = (
        run_clinic(sure, days, chairs=n, nurses=8).offered_day for n in (chairs, chairs + 1)
    )

    assert np.all(more <= fewer)


# --- Pooling ------------------------------------------------------------------------------------

studies = st.integers(2, 8).flatmap(
    lambda k: st.tuples(arrays(st.floats(-5, 5), k), arrays(st.floats(1e-3, 5), k))
)
priors = st.floats(0.05, 3).map(HalfNormal)


@settings(max_examples=30)
@given(study=studies, value=st.floats(-5, 5))
def test_a_study_that_knows_nothing_changes_nothing_of_a_fixed_effect(study, value):
    y, v = study
    before = pool(y, v, tau2=lambda *_: np.array(0.0), knapp_hartung=False)
    after = pool(
        np.append(y, value), np.append(v, 1e15), tau2=lambda *_: np.array(0.0), knapp_hartung=False
    )

    np.testing.assert_allclose([after.estimate, after.se], [before.estimate, before.se], atol=1e-9)


@settings(max_examples=20)
@given(study=studies, prior=priors, value=st.floats(-5, 5), random=st.randoms())
def test_belief_does_not_depend_on_order_sign_origin_or_empty_studies(study, prior, value, random):
    y, v = study
    order = random.sample(range(y.size), y.size)
    p = np.array([0.025, 0.5, 0.975])
    found = mean_quantile(bayes(y, v, prior=prior), p)
    same = {
        "in another order": mean_quantile(bayes(y[order], v[order], prior=prior), p),
        "turned round": -mean_quantile(bayes(-y, v, prior=prior), p)[::-1],
        "moved": mean_quantile(bayes(y + value, v, prior=prior), p) - value,
    }

    for what, other in same.items():
        np.testing.assert_allclose(other, found, atol=1e-6, err_msg=what)


@settings(max_examples=15)
@given(counts=st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_limits_of_a_share_hold_it_mirror_it_and_widen_with_the_level(counts):
    events, n = counts
    low, high = (float(end) for end in wilson(events, n))
    other_low, other_high = (float(end) for end in wilson(n - events, n))
    wide_low, wide_high = (float(end) for end in wilson(events, n, level=0.99))

    assert 0 <= low <= events / n <= high <= 1
    assert (other_low, other_high) == pytest.approx((1 - high, 1 - low), abs=1e-9)
    assert wide_low <= low + 1e-12
    assert wide_high >= high - 1e-12

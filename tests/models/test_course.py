"""Courses of infusions against closed forms and a plain loop over patients."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from course_prior import added_response
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from plcore.models import course as course_module
from plcore.models.course import (
    CLAIMED,
    EVIDENCE,
    INPUTS,
    PLACEBO_ONLY,
    CourseDraws,
    CoursePlan,
    course_by_day,
    course_draws,
    course_table,
    draw_chance,
    infusion_days,
    simulate_course,
)

TYPICAL = {
    "drug_response": 0.4, "placebo_response": 0.3, "first_relief_days": 1.0,
    "last_relief_days": 14.0, "placebo_relief_days": 45.0, "relief_shape": 0.7,
    "patient_correlation": 0.5, "dropout": 0.037, "return_uptake": 0.5, "side_effect": 0.1,
    "extra_minutes": 45.0, "pain_centre": 5.8, "pain_spread": 1.9, "fall": 0.7,
}  # fmt: skip
DAYS = infusion_days(10, 3.5)


def inputs(n_draws=1, *, threshold=0.5, **changed):
    values = {**TYPICAL, **changed}
    return CourseDraws(
        **{name: np.broadcast_to(np.asarray(v, float), n_draws) for name, v in values.items()},
        threshold=threshold,
    )


def several(n_draws, seed=0):
    random = np.random.default_rng(seed)
    return inputs(
        n_draws,
        **{
            name: random.uniform(low, high, n_draws)
            for name, low, high in (
                ("drug_response", 0, 1), ("placebo_response", 0, 1), ("first_relief_days", 0.3, 5),
                ("last_relief_days", 3, 60), ("placebo_relief_days", 5, 90),
                ("relief_shape", 0.4, 2), ("patient_correlation", 0, 1), ("dropout", 0, 0.2),
                ("return_uptake", 0, 1), ("side_effect", 0, 0.5), ("extra_minutes", 0, 90),
                ("pain_centre", 2, 8), ("pain_spread", 0.5, 3), ("fall", 0.55, 0.95),
            )
        },
    )  # fmt: skip


def simulated(x, plan, *, n_patients=2000, n_days=180, seed=1):
    chance = draw_chance(n_patients, plan.n_slots, seed=seed)
    return simulate_course(x, plan, chance, n_days=n_days)


# A plain loop over patients, days asked one by one.


def plain_patient(x, d, plan, chance, i, n_days):
    """One patient as a newcomer would write it: a diary of (day, end of relief)."""
    get = {name: float(getattr(x, name)[d]) for name in INPUTS}
    by_drug = chance.drug[i] < get["drug_response"]
    by_placebo = chance.placebo[i] < get["placebo_response"]
    n_course, n_return = len(plan.course_days), len(plan.return_days)
    diary, prolonged, returns, dropout_day = [], 0, 0, math.nan

    def infuse(day, slot, place):
        nonlocal prolonged
        prolonged += bool(chance.side_effect[slot, i] < get["side_effect"])
        medians = [0.0]
        if by_drug:
            growth = get["last_relief_days"] / get["first_relief_days"]
            steps = max(n_course - 1, 1)
            medians.append(get["first_relief_days"] * growth ** (place / steps))
        if by_placebo:
            medians.append(get["placebo_relief_days"])
        r = get["patient_correlation"]
        z = math.sqrt(r) * stats.norm.ppf(chance.patient[i])
        z += math.sqrt(1 - r) * stats.norm.ppf(chance.relief[slot, i])
        scale = max(medians) / math.log(2) ** (1 / get["relief_shape"])
        exceeds = stats.norm.sf(z)
        diary.append((day, day + scale * (-math.log(exceeds)) ** (1 / get["relief_shape"])))

    completed = False
    for slot, day in enumerate(plan.course_days):
        if slot and chance.dropout[slot, i] < get["dropout"]:
            dropout_day = day
            break
        if slot == plan.stop_without_relief_after and not (by_drug or by_placebo):
            break
        infuse(day, slot, slot)
    else:
        completed = True
    relapse = diary[-1][1] if by_drug or by_placebo else math.nan
    while completed and (by_drug or by_placebo) and returns < plan.max_returns:
        start = math.ceil(diary[-1][1]) + plan.wait_days
        if start >= n_days or chance.uptake[returns, i] >= get["return_uptake"]:
            break
        stopped = False
        for j, offset in enumerate(plan.return_days):
            slot = n_course + returns * n_return + j
            if start + offset >= n_days:
                stopped = True
                break
            if j and chance.dropout[slot, i] < get["dropout"]:
                dropout_day, stopped = start + offset, True
                break
            infuse(start + offset, slot, n_course - n_return + j)
        returns += 1
        if stopped:
            break
    relieved = []
    for morning in range(n_days):
        before = [entry for entry in diary if entry[0] < morning]
        relieved.append(bool(before) and morning <= before[-1][1])
    ends = [day for day, _ in diary[1:]] + [n_days]
    stretches = [min(end, nxt) - day for (day, end), nxt in zip(diary, ends, strict=True)]
    cdf = stats.truncnorm(
        -get["pain_centre"] / get["pain_spread"],
        (10 - get["pain_centre"]) / get["pain_spread"],
        get["pain_centre"],
        get["pain_spread"],
    )
    power = (1 - get["fall"]) / (get["fall"] - x.threshold)
    fall = x.threshold + (1 - x.threshold) * chance.fall[i] ** power
    pain = float(cdf.ppf(chance.pain[i]))
    return {
        "helped": by_drug or by_placebo, "completed": completed, "infusions": len(diary),
        "returns": returns, "prolonged": prolonged, "relapse_day": relapse,
        "relief_days": sum(stretches) if by_drug or by_placebo else 0.0,
        "dropout_day": dropout_day, "relieved": relieved,
        "pain": [pain * (1 - fall * on) for on in relieved],
        "visits": [sum(day == morning for day, _ in diary) for morning in range(n_days)],
    }  # fmt: skip


@pytest.mark.parametrize(
    "plan",
    [
        CoursePlan(DAYS),
        CoursePlan(DAYS, max_returns=4, wait_days=3),
        CoursePlan((0, 1, 4), (0, 1, 4), max_returns=3),
        CoursePlan((0, 2, 5, 9), (0, 3), 5, wait_days=1, stop_without_relief_after=2),
        CoursePlan((0,), max_returns=3),
    ],
    ids=["no boosters", "boosters", "repeat courses", "pairs, with a stopping rule", "one"],
)
def test_every_patient_fares_as_in_the_plain_loop(plan):
    x, n_patients, n_days = several(3), 60, 100
    chance = draw_chance(n_patients, plan.n_slots, seed=5)

    found = simulate_course(x, plan, chance, n_days=n_days)

    for d in range(3):
        plain = [plain_patient(x, d, plan, chance, i, n_days) for i in range(n_patients)]
        for name in ("helped", "completed", "infusions", "returns", "prolonged", "dropout_day"):
            expected = np.array([one[name] for one in plain], dtype=float)
            np.testing.assert_array_equal(getattr(found, name)[d], expected, err_msg=name)
        for name in ("relief_days", "relapse_day"):
            expected = [one[name] for one in plain]
            np.testing.assert_allclose(getattr(found, name)[d], expected, rtol=1e-9, err_msg=name)
        for name, key in (("relief", "relieved"), ("pain", "pain"), ("infusions_by_day", "visits")):
            expected = np.mean([one[key] for one in plain], axis=0)
            np.testing.assert_allclose(getattr(found, name)[d], expected, atol=1e-9, err_msg=name)
    assert found.returns.sum() > 0 or plan.max_returns == 0


# Closed forms; tolerances are four standard errors of a share of the patients simulated.


@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("correlation", [0.0, 0.3, 1.0])
def test_after_one_infusion_relief_is_lost_by_the_weibull_formula(shape, correlation):
    n, p, median = 100_000, 0.6, 6.0
    x = inputs(
        drug_response=p, placebo_response=0, first_relief_days=median, relief_shape=shape,
        patient_correlation=correlation,
    )  # fmt: skip

    relief = simulated(x, CoursePlan((0,)), n_patients=n, n_days=40).relief[0]

    days = np.arange(40)
    expected = p * np.exp(-math.log(2) * (days / median) ** shape) * (days > 0)
    assert np.all(np.abs(relief - expected) <= 4 * np.sqrt(expected * (1 - expected) / n))


def test_with_exponential_relief_the_mean_days_are_the_integral_up_to_the_last_day():
    n, p, mean = 100_000, 0.7, 20.0
    x = inputs(
        drug_response=p, placebo_response=0, first_relief_days=mean * math.log(2), relief_shape=1
    )

    found = simulated(x, CoursePlan((0,)), n_patients=n, n_days=60).relief_days

    expected = p * mean * (1 - math.exp(-60 / mean))
    assert abs(found.mean() - expected) < 4 * found.std() / math.sqrt(n)


def test_drug_and_placebo_help_independently():
    n = 100_000
    x = inputs(drug_response=0.4, placebo_response=0.3)

    helped = simulated(x, CoursePlan((0,)), n_patients=n).helped

    expected = 1 - 0.6 * 0.7  # Abbott 1925
    assert abs(helped.mean() - expected) < 4 * math.sqrt(expected * (1 - expected) / n)


def test_half_of_those_whom_the_drug_helps_have_relapsed_by_the_median():
    n = 40_000
    x = inputs(drug_response=1, placebo_response=0, dropout=0, last_relief_days=30)

    found = simulated(x, CoursePlan(DAYS), n_patients=n)

    days = np.median(found.relapse_day - found.last_course_day)
    # Standard error of a median: half a share's, over the Weibull's density there.
    density = math.log(2) * 0.7 / 30 / 2
    assert abs(days - 30) < 4 * 0.5 / math.sqrt(n) / density


def test_infusions_until_dropout_are_geometric():
    n, stop = 100_000, 0.1

    had = simulated(inputs(dropout=stop), CoursePlan(DAYS), n_patients=n).infusions[0]

    for k in range(1, 10):
        expected = (1 - stop) ** (k - 1) * stop
        assert abs((had == k).mean() - expected) < 4 * math.sqrt(expected * (1 - expected) / n)
    assert abs((had == 10).mean() - 0.9**9) < 4 * math.sqrt(0.9**9 * (1 - 0.9**9) / n)


def test_without_dropout_everyone_has_the_whole_course():
    found = simulated(inputs(dropout=0), CoursePlan(DAYS))

    assert (found.infusions == 10).all()
    assert found.completed.all()
    assert np.isnan(found.dropout_day).all()
    assert np.flatnonzero(found.infusions_by_day[0]).tolist() == list(DAYS)


def test_side_effects_are_binomial():
    n = 100_000

    found = simulated(inputs(side_effect=0.2, dropout=0), CoursePlan(DAYS), n_patients=n)

    assert abs(found.prolonged.mean() - 2) < 4 * math.sqrt(10 * 0.2 * 0.8 / n)
    assert abs(found.prolonged.var() - 1.6) < 0.05


def test_pain_at_the_start_is_that_of_the_cut_normal_distribution():
    n = 100_000
    expected = stats.truncnorm(-5.8 / 1.9, 4.2 / 1.9, 5.8, 1.9)

    pain = simulated(inputs(), CoursePlan(DAYS), n_patients=n).pain[0]

    assert abs(pain[0] - expected.mean()) < 4 * expected.std() / math.sqrt(n)


def test_pain_falls_by_the_mean_fall_while_all_are_relieved():
    n = 100_000
    x = inputs(drug_response=1, first_relief_days=10_000, relief_shape=5, fall=0.8)

    pain = simulated(x, CoursePlan((0,)), n_patients=n).pain[0]

    assert pain[1] / pain[0] == pytest.approx(0.2, abs=4 * 0.2 / math.sqrt(n))


def test_with_the_mean_at_the_threshold_all_falls_are_there():
    x = inputs(drug_response=1, first_relief_days=10_000, relief_shape=5, fall=0.5)

    pain = simulated(x, CoursePlan((0,))).pain[0]

    assert pain[1] == pytest.approx(pain[0] / 2, rel=1e-12)


def test_without_response_nothing_changes():
    found = simulated(inputs(drug_response=0, placebo_response=0), CoursePlan(DAYS, max_returns=3))

    assert not found.relief.any()
    assert (found.pain == found.pain[:, :1]).all()
    assert found.returns.sum() == 0
    assert np.isnan(found.relapse_day).all()


def test_without_drug_response_only_placebo_relief_is_left():
    x = inputs(drug_response=0)
    chance = draw_chance(2000, 10, seed=1)

    found = simulate_course(x, CoursePlan(DAYS), chance)

    np.testing.assert_array_equal(found.helped[0], chance.placebo < 0.3)
    other = inputs(drug_response=0, first_relief_days=30, last_relief_days=300)
    again = simulate_course(other, CoursePlan(DAYS), chance)
    np.testing.assert_array_equal(found.relief, again.relief)


def test_two_infusions_and_a_booster_by_hand():
    # One patient at the median of everything: relief is 1 day after the first infusion, 4 after the
    # second and after each booster. Infusions on days 0 and 3; relief to day 7, a wait of 2 days,
    # booster on day 9, relief to 13, booster on 15, relief to 19: 1 + 4 + 4 + 4 days.
    half = {field.name: np.full((), 0.5) for field in dataclasses.fields(draw_chance(1, 1, seed=0))}
    plan = CoursePlan((0, 3), max_returns=2, wait_days=2)
    slots = ("relief", "dropout", "side_effect", "uptake")
    chance = dataclasses.replace(
        draw_chance(1, 4, seed=0),
        **{name: np.full((4, 1) if name in slots else 1, 0.5) for name in half},
    )
    x = inputs(
        drug_response=0.6, placebo_response=0.4, first_relief_days=1, last_relief_days=4,
        return_uptake=0.6, side_effect=0.6, pain_centre=5, pain_spread=1, fall=0.75,
    )  # fmt: skip

    found = simulate_course(x, plan, chance, n_days=25)

    mornings = [1, 4, 5, 6, 7, 10, 11, 12, 13, 16, 17, 18, 19]
    assert np.flatnonzero(found.relief[0]).tolist() == mornings
    assert np.flatnonzero(found.infusions_by_day[0]).tolist() == [0, 3, 9, 15]
    assert found.relief_days[0, 0] == pytest.approx(13)
    assert found.relapse_day[0, 0] == pytest.approx(7)
    assert (found.infusions[0, 0], found.returns[0, 0], found.prolonged[0, 0]) == (4, 2, 4)
    # Fall 0.5 + 0.5 u with u = 0.5, from a pain of 5.
    np.testing.assert_allclose(found.pain[0, [0, 1, 2]], [5, 1.25, 5])


# True of every input.

FIELDS = [field.name for field in dataclasses.fields(course_module.CourseOutcome)]


@pytest.mark.parametrize("chunk", [1, 700])
def test_chunks_change_no_bit(monkeypatch, chunk):
    x, plan = several(7), CoursePlan((0, 2, 4), (0, 2, 4), max_returns=3)
    whole = simulated(x, plan, n_patients=200)

    monkeypatch.setattr(course_module, "_CHUNK", chunk)
    pieces = simulated(x, plan, n_patients=200)

    for name in FIELDS:
        np.testing.assert_array_equal(getattr(whole, name), getattr(pieces, name), err_msg=name)


def test_a_draw_fares_alike_alone_and_among_others():
    x, plan = several(5), CoursePlan(DAYS, max_returns=3)

    among, alone = simulated(x, plan), simulated(x.subset(slice(3, 4)), plan)

    for name in FIELDS[:-1]:
        np.testing.assert_array_equal(getattr(among, name)[3:4], getattr(alone, name), err_msg=name)


def test_a_patient_keeps_its_luck_however_many_others_there_are():
    many, few = draw_chance(500, 8, seed=3), draw_chance(20, 3, seed=3)

    for field in dataclasses.fields(many):
        wide, narrow = getattr(many, field.name), getattr(few, field.name)
        np.testing.assert_array_equal(wide[:20] if wide.ndim == 1 else wide[:3, :20], narrow)


def test_another_seed_is_other_patients_and_the_same_seed_the_same():
    first, again, other = (draw_chance(50, 2, seed=seed).relief for seed in (0, 0, 1))

    np.testing.assert_array_equal(first, again)
    assert not (first == other).any()


def test_kinds_and_slots_of_luck_are_unrelated():
    chance = draw_chance(20_000, 2, seed=0)
    columns = np.vstack(
        [np.atleast_2d(getattr(chance, f.name)) for f in dataclasses.fields(chance)]
    )

    correlations = np.corrcoef(columns)[np.triu_indices(len(columns), 1)]

    # Of 78 pairs none is expected beyond 5 standard errors.
    assert np.abs(correlations).max() < 5 / math.sqrt(20_000)
    assert abs(columns.mean() - 0.5) < 0.005
    assert columns.min() > 0
    assert columns.max() < 1


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from(["drug_response", "placebo_response", "last_relief_days",
                          "first_relief_days", "placebo_relief_days"]),
    factor=st.floats(1.05, 2),
    seed=st.integers(0, 100),
)  # fmt: skip
def test_more_response_or_longer_relief_never_leaves_a_day_with_less_relief(name, factor, seed):
    x = several(2, seed)
    raised = getattr(x, name) * factor
    more = dataclasses.replace(x, **{name: np.minimum(raised, 1) if "resp" in name else raised})

    low, high = (simulated(one, CoursePlan(DAYS), n_patients=150) for one in (x, more))

    assert (high.relief >= low.relief).all()
    assert (high.relief_days >= low.relief_days - 1e-9).all()
    assert (high.pain <= low.pain + 1e-9).all()


def test_less_dropout_never_means_less_relief_where_luck_stays_and_relief_grows():
    x = inputs(patient_correlation=1, dropout=0.2)
    fewer = dataclasses.replace(x, dropout=np.array([0.05]))

    low, high = (simulated(one, CoursePlan(DAYS)) for one in (x, fewer))

    assert (high.infusions >= low.infusions).all()
    assert (high.relief >= low.relief).all()
    assert high.infusions.sum() > low.infusions.sum()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), most=st.integers(0, 4), n_days=st.integers(30, 200))
def test_what_is_counted_by_day_and_by_patient_agrees(seed, most, n_days):
    plan = CoursePlan((0, 3, 7), (0, 3, 7), max_returns=most, wait_days=seed % 5)
    found = simulated(several(2, seed), plan, n_patients=100, n_days=n_days, seed=seed)

    infusions = found.infusions.sum(axis=1)
    np.testing.assert_allclose(found.infusions_by_day.sum(axis=1) * 100, infusions)
    mornings = found.relief.sum(axis=1) * 100
    days = found.relief_days.sum(axis=1)
    assert (mornings <= days + 1e-9).all()
    assert (days <= mornings + infusions + 1e-9).all()
    assert (found.relief_days[~found.helped] == 0).all()
    assert (found.prolonged <= found.infusions).all()
    assert (found.returns <= most).all()
    assert (found.relief_days <= n_days).all()
    assert ((found.relief >= -1e-12) & (found.relief <= 1 + 1e-12)).all()
    assert ((found.pain >= -1e-9) & (found.pain <= 10)).all()
    assert (found.completed | (found.infusions < 3)).all()


def test_more_boosters_allowed_mean_no_fewer_infusions_and_the_same_course():
    x = several(3)
    few, many = (simulated(x, CoursePlan(DAYS, max_returns=most)) for most in (1, 5))

    assert (many.infusions >= few.infusions).all()
    assert many.infusions.sum() > few.infusions.sum()
    np.testing.assert_array_equal(few.relapse_day, many.relapse_day)


def test_the_clinic_can_stop_those_without_relief():
    plan = dataclasses.replace(CoursePlan(DAYS), stop_without_relief_after=3)

    found = simulated(inputs(dropout=0), plan)

    assert (found.infusions[~found.helped] == 3).all()
    assert (found.infusions[found.helped] == 10).all()
    assert np.isnan(found.dropout_day).all()


# The plan.


def test_ten_infusions_in_three_and_a_half_weeks_are_two_or_three_days_apart():
    # Last day round(24.5) - 1 = 23, then multiples of 23 / 9 rounded.
    assert DAYS == (0, 3, 5, 8, 10, 13, 15, 18, 20, 23)
    assert infusion_days(1, 3) == (0,)
    assert infusion_days(7, 1) == (0, 1, 2, 3, 4, 5, 6)


@given(n=st.integers(1, 60), weeks=st.floats(0.2, 10))
def test_infusions_are_spread_from_the_first_to_the_last_day(n, weeks):
    days = round(7 * weeks)
    if n > days:
        with pytest.raises(ValueError, match="do not fit into the"):
            infusion_days(n, weeks)
        return
    found = infusion_days(n, weeks)
    assert (found[0], len(found)) == (0, n)
    assert n == 1 or found[-1] == days - 1
    assert n == 1 or np.diff(found).min() >= 1


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: infusion_days(12, 1.5), "12 infusions do not fit into the 10 days of 1.5 weeks"),
        (lambda: infusion_days(0, 1), "0 infusions in 1 weeks; expected 1 or more"),
        (lambda: CoursePlan((0, 2, 2)), "course_days is .0, 2, 2.; expected day 0, then days"),
        (lambda: CoursePlan((1, 2)), "course_days is .1, 2.; expected day 0"),
        (lambda: CoursePlan(()), "course_days is .*; expected day 0"),
        (lambda: CoursePlan((0, 1), (0, 0)), "return_days is .0, 0.; expected day 0"),
        (lambda: CoursePlan((0,), (0, 1)), "return_days has 2 infusions; expected no more than"),
        (lambda: CoursePlan((0,), max_returns=-1), "max_returns is -1 and wait_days is 0"),
        (lambda: CoursePlan((0,), max_returns=1, wait_days=-2), "wait_days is -2; expected 0"),
        (lambda: CoursePlan((0,), stop_without_relief_after=0), "stop_without_relief_after is 0"),
        (lambda: simulated(inputs(), CoursePlan((0, 30)), n_days=30), "an infusion on day 30"),
        (lambda: draw_chance(0, 1, seed=1), "n_patients is 0; expected 1 or more"),
        (lambda: draw_chance(1, 1, seed=-1), "seed is -1; expected 0 or more"),
        (
            lambda: simulate_course(inputs(), CoursePlan(DAYS), draw_chance(5, 3, seed=1)),
            "chance has 3 slots; expected the plan's 10 or more",
        ),
    ],
)
def test_an_impossible_plan_is_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"drug_response": 1.2}, "drug_response is 1.2 in draw 0; expected from 0 to 1"),
        ({"dropout": -0.1}, "dropout is -0.1 in draw 0; expected from 0 to 1"),
        ({"patient_correlation": math.nan}, "patient_correlation is nan in draw 0"),
        ({"first_relief_days": -3}, "first_relief_days is -3 in draw 0; expected above 0"),
        ({"last_relief_days": 0}, "last_relief_days is 0 in draw 0; expected above 0"),
        ({"placebo_relief_days": math.inf}, "placebo_relief_days is inf in draw 0"),
        ({"relief_shape": 0.01}, "relief_shape is 0.01 in draw 0; expected from 0.1, finite"),
        ({"extra_minutes": -1}, "extra_minutes is -1 in draw 0; expected from 0, finite"),
        ({"pain_centre": 11}, "pain_centre is 11 in draw 0; expected from 0 to 10"),
        ({"pain_spread": 0}, "pain_spread is 0 in draw 0; expected above 0"),
        ({"fall": 0.4}, "fall is 0.4 in draw 0; expected from 0.5 to 1"),
        ({"threshold": 1.0}, "threshold is 1; expected a share from 0 to below 1"),
    ],
)
def test_an_impossible_input_is_refused(changed, says):
    with pytest.raises(ValueError, match=says):
        inputs(**changed)


def test_inputs_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"dropout has shape \(2,\); expected \(1,\)"):
        dataclasses.replace(inputs(), dropout=np.zeros(2))
    with pytest.raises(ValueError, match=r"drug_response has shape \(\); expected \(n_draws,\)"):
        dataclasses.replace(inputs(), drug_response=np.float64(0.5))


# The sets of parameters.


def test_the_three_sets_share_all_that_no_page_claims():
    for names in (CLAIMED, PLACEBO_ONLY):
        differ = {name for name in INPUTS if names[name] != EVIDENCE[name]}
        assert differ <= {"drug_response", "placebo_response", "first_relief_days",
                          "last_relief_days"}  # fmt: skip
    assert {n for n in INPUTS if PLACEBO_ONLY[n] != EVIDENCE[n]} == {"drug_response"}


def test_draws_of_parameters_become_inputs():
    columns = {f"course_{name}": [value, value] for name, value in TYPICAL.items()}
    draws = pd.DataFrame({**columns, "course_response_none": [0.0, 0.0]})

    x, none = course_draws(draws), course_draws(draws, names=PLACEBO_ONLY)

    assert x.drug_response.tolist() == [0.4, 0.4]
    assert none.drug_response.tolist() == [0, 0]
    assert none.placebo_response.tolist() == x.placebo_response.tolist()
    with pytest.raises(ValueError, match="draws lack course_drug_response_claimed, course_first"):
        course_draws(draws, names=CLAIMED)
    odd = {"dropuot" if name == "dropout" else name: column for name, column in EVIDENCE.items()}
    with pytest.raises(ValueError, match="names lack or add dropout, dropuot"):
        course_draws(draws, names=odd)


# The prior of the drug's response.


def test_the_prior_is_that_of_sampled_betas():
    # 6 of 12 against 2 of 12 (Noppers 2011 at 3 hours), each patient counted as half.
    random = np.random.default_rng(0)
    treated, control = random.beta(3.5, 3.5, 400_000), random.beta(1.5, 5.5, 400_000)
    sampled = (treated - control) / (1 - control)
    sampled = sampled[sampled >= 0]

    p = np.array([0.025, 0.5, 0.975])
    found = added_response(6, 12, 2, 12, weight=0.5, p=p)

    shares = (sampled[:, None] <= found).mean(axis=0)
    assert np.all(np.abs(shares - p) < 4 * np.sqrt(p * (1 - p) / len(sampled)))


def test_the_note_of_the_drugs_response_prints_this_prior():
    # data/parameters.csv, course_drug_response: "median 0.40 (0.04 to 0.80)".
    prior = added_response(6, 12, 2, 12, weight=0.5, p=[0.5, 0.025, 0.975])

    np.testing.assert_allclose(prior, [0.40, 0.04, 0.80], atol=0.005)


def test_with_many_patients_the_prior_is_abbotts_formula():
    found = added_response(500_000, 1_000_000, 200_000, 1_000_000, p=0.5)

    assert found == pytest.approx((0.5 - 0.2) / 0.8, abs=1e-4)


def test_a_control_without_responders_leaves_the_rate_of_the_treated():
    # The control's Jeffreys prior with a million patients is at 0.
    found = added_response(7, 20, 0, 1_000_000, p=[0.1, 0.9])

    np.testing.assert_allclose(found, special.betaincinv(7.5, 13.5, [0.1, 0.9]), atol=1e-5)


# The tables.


def test_chance_in_a_clinic_of_fifty_is_binomial_where_all_is_known():
    found = simulated(inputs(dropout=0), CoursePlan((0,)), n_patients=100_000)

    table = course_table(found, clinic_patients=50).set_index("measure")

    row = table.loc["helped"]
    expected = stats.binom.ppf([0.025, 0.975], 50, 0.58) / 50
    # To one patient of the fifty, as the quantiles of counts go in steps.
    np.testing.assert_allclose(
        row[["low_chance", "high_chance"]].astype(float), expected, atol=0.02
    )
    assert row["low_unknown"] == row["high_unknown"] == row["mean"]
    np.testing.assert_allclose(row["low_both"], row["low_chance"], atol=1e-12)
    assert table.loc["completed_course", ["low_both", "high_both"]].tolist() == [1, 1]


def test_what_we_do_not_know_stays_where_chance_is_averaged_out():
    x = inputs(400, drug_response=np.linspace(0, 1, 400), placebo_response=0)

    row = course_table(
        simulated(x, CoursePlan((0,)), n_patients=4000), clinic_patients=100
    ).set_index("measure").loc["helped"]  # fmt: skip

    # The drug's response is anything from 0 to 1 alike: four standard errors of a share.
    assert row["low_unknown"] == pytest.approx(0.025, abs=4 * math.sqrt(0.025 / 4000))
    assert row["high_unknown"] == pytest.approx(0.975, abs=4 * math.sqrt(0.025 / 4000))
    assert row["high_chance"] - row["low_chance"] < row["high_both"] - row["low_both"]


def test_relief_on_the_day_after_the_course_is_that_by_day():
    found = simulated(several(4), CoursePlan(DAYS))

    table = course_table(found, clinic_patients=50).set_index("measure")

    by_day = course_by_day(found)
    day = by_day[(by_day["outcome"] == "relief") & (by_day["day"] == DAYS[-1] + 1)]
    assert table.loc["relief_day_after_course", "mean"] == pytest.approx(day["mean"].item())
    assert table.loc["infusions", "mean"] == pytest.approx(found.infusions.mean())
    assert (by_day["low_95"] <= by_day["low_50"]).all()
    assert by_day.groupby("outcome")["day"].count().tolist() == [180, 180, 180]


def test_a_table_without_clinics_enough_for_its_tails_is_refused():
    found = simulated(inputs(), CoursePlan(DAYS), n_patients=2000)

    with pytest.raises(ValueError, match="2000 simulated patients for clinics of 60; expected a"):
        course_table(found, clinic_patients=60)
    with pytest.raises(ValueError, match="for clinics of 100; expected a multiple that gives 40"):
        course_table(found, clinic_patients=100)
    with pytest.raises(ValueError, match="level is 1; expected"):
        course_table(found, clinic_patients=50, level=1)


@pytest.mark.parametrize("days", [30, 90])
def test_unbroken_relief_is_counted_from_the_last_infusion_of_the_course(days):
    x = inputs(
        drug_response=0.6, placebo_response=0, last_relief_days=40.0, relief_shape=1, dropout=0
    )
    found = simulated(x, CoursePlan(DAYS, max_returns=3), n_patients=20_000)

    table = course_table(found, clinic_patients=50).set_index("measure")

    expected = 0.6 * 2 ** (-days / 40)
    assert table.loc[f"unbroken_relief_{days}_days_after_course", "mean"] == pytest.approx(
        expected, abs=4 * math.sqrt(expected * (1 - expected) / 20_000)
    )


def test_the_limits_by_day_leave_out_equal_shares_on_both_sides():
    found = simulated(several(40), CoursePlan(DAYS), n_patients=100)

    by_day = course_by_day(found, levels=(50, 95)).set_index(["outcome", "day"])

    for name, values in (("relief", found.relief), ("pain", found.pain)):
        for column, p in (
            ("low_95", 2.5), ("low_50", 25), ("median", 50), ("high_50", 75), ("high_95", 97.5)
        ):  # fmt: skip
            np.testing.assert_allclose(
                by_day.loc[name, column], np.percentile(values, p, axis=0), atol=1e-12
            )


def test_the_means_of_the_table_are_those_of_the_patients():
    x = several(4)
    found = simulated(x, CoursePlan(DAYS, max_returns=3))

    table = course_table(found, clinic_patients=50).set_index("measure")

    assert found.prolonged.max() > 1
    assert found.returns.max() > 1
    expected = {
        "dropped_out": np.isfinite(found.dropout_day).mean(),
        "came_back": (found.returns > 0).mean(),
        "returns": found.returns.mean(),
        "infusions": found.infusions.mean(),
        "prolonged_visits": found.prolonged.mean(),
        "extra_minutes": (found.prolonged.mean(axis=1) * x.extra_minutes).mean(),
        "relief_days": found.relief_days.mean(),
    }
    for measure, mean in expected.items():
        assert table.loc[measure, "mean"] == pytest.approx(mean), measure

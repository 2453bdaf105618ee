"""The clinic day by day: against a plain simulation, by hand, and by what must always hold."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clinic_by_hand import clinic_by_hand
from clinic_models import (
    ALL_DAYS,
    DAY,
    EVENTFUL,
    NOBODY_HELPED,
    PLAN,
    SURE,
    draws,
    on_days,
    simulate,
)
from erlang import erlang_a

from plcore.clinic import schedule
from plcore.clinic.day import (
    Dose,
    appointments,
    fewest_nurses,
    open_days,
    us_federal_holidays,
    with_chairs,
)
from plcore.clinic.patients import (
    INPUTS,
    ClinicDraws,
    clinic_draws,
    random_referrals,
    relief_after_course,
    states,
    uniform,
    with_waiting_list,
    words,
)
from plcore.clinic.results import (
    BY_DAY,
    BY_PATIENT,
    FATES,
    clinic_load,
    clinic_measures,
    course_in_words,
)
from plcore.clinic.schedule import simulate_clinic
from plcore.models.course import (
    CourseDraws,
    CoursePlan,
    infusion_days,
)


def busy_clinic(**changes):
    """A year that is too short for its patients, with holidays, boosters and overbooking."""
    plan = replace(
        PLAN,
        course=CoursePlan((0, 2, 5, 9), (0, 1), max_returns=3, wait_days=4, stop_without_relief_after=3),
        overbooking=1.3, most_delay_days=1, most_missed=1, **changes,
    )  # fmt: skip
    stream = np.random.default_rng(5)
    relief = np.where(stream.random((1, 200)) < 0.6, stream.exponential(20, (1, 200)), np.nan)
    days = open_days(date(2026, 1, 1), 365, closed=[date(2026, 3, d) for d in range(2, 14)])
    referrals = random_referrals(14.0, n_days=365, n_runs=3, seed=2)
    return plan, referrals, relief, days


FOLLOWED = 200
#: What each clinic has beside the busy one: nobody gives up, some do, and the clinic changes.
KINDS_OF_CLINIC = {
    "plain": ({}, {}),
    "people give up": ({"lead_days": 9.0, "patience_days": 40.0}, {}),
    "the clinic changes": (
        {"lead_days": 3.0},
        {
            "changes": ((60, replace(DAY, chairs=1)), (200, replace(DAY, chairs=3, nurses=3))),
            "other_visits": 1,
        },
    ),
}


def simulated(kind):
    """A clinic under two draws: in the second other patients come, heavier and helped otherwise."""
    values, changes = KINDS_OF_CLINIC[kind]
    plan, _, relief, days = busy_clinic(**changes)
    relief = np.vstack([relief, relief[:, ::-1] / 2])
    referrals = random_referrals([[14.0], [15.0]], n_days=365, n_runs=3, seed=2)
    referrals = with_waiting_list(referrals, 30, by_month=(10, 0, 20))
    by_draw = [EVENTFUL | values, EVENTFUL | values | {"male_weight": 110.0}]
    x = ClinicDraws(**{name: np.array([one[name] for one in by_draw]) for name in by_draw[0]})
    found = simulate_clinic(plan, x, referrals, relief, days, seed=7, follow_days=FOLLOWED)
    return found, plan, by_draw, referrals, relief, days


@pytest.mark.parametrize("kind", KINDS_OF_CLINIC)
@pytest.mark.parametrize(("draw", "run"), [(0, 0), (0, 1), (1, 2)])
def test_the_simulation_is_that_of_a_plain_loop_over_patients(kind, draw, run):
    found, plan, by_draw, referrals, relief, days = simulated(kind)
    on = np.concatenate([days, np.resize(days[-364:], FOLLOWED)])
    by_day, patients, at_end, broken_off = clinic_by_hand(
        plan, by_draw[draw], referrals[draw, run], relief[draw], on, seed=7, run=run, n_runs=3, draw=draw,
        n_draws=2, n_days=len(days),
    )  # fmt: skip

    for name in ("booked", "infusions", "no_shows", "cancelled", "first_offers", "waiting",
                 "ready", "vials"):  # fmt: skip
        expected = [note[name] for note in by_day]
        assert getattr(found, name)[draw, run].tolist() == expected, name
    for name in ("chair_minutes", "nurse_minutes", "overtime_minutes", "late_minutes", "mg"):
        expected = [note[name] for note in by_day]
        np.testing.assert_allclose(getattr(found, name)[draw, run], expected, atol=1e-9)
    n = len(patients)
    assert [FATES[i] for i in found.fate[draw, run, :n]] == [p.fate for p in at_end]
    assert found.had[draw, run, :n].tolist() == [p.had for p in at_end]
    assert found.returns[draw, run, :n].tolist() == [p.returns for p in at_end]
    assert found.returns_broken_off[draw, run] == broken_off
    assert found.first_day[draw, run, :n].tolist() == [p.first for p in patients]
    assert found.offered_day[draw, run, :n].tolist() == [p.offered for p in patients]
    done = found.completed_day[draw, run, :n]
    assert done[done < 365].tolist() == [p.completed for p in patients if p.completed < 365]


def test_that_comparison_meets_every_fate_and_follows_patients():
    found = [simulated(kind)[0] for kind in KINDS_OF_CLINIC]

    fates = np.unique(np.concatenate([outcome.fate.ravel() for outcome in found]))
    assert {FATES[i] for i in fates} == set(FATES)
    for outcome in found:
        assert outcome.returns_broken_off.sum() > 0
        assert outcome.overtime_minutes.sum() > 0
        assert outcome.late_minutes.sum() > 0
        late = (outcome.first_day >= outcome.n_days) & (outcome.first_day < outcome.last_day)
        assert late.any()


def test_a_single_patient_comes_on_the_planned_days():
    found = simulate()

    assert np.flatnonzero(found.infusions[0, 0]).tolist() == [0, 3, 7]
    assert found.mg.sum() == pytest.approx(3 * 40)
    assert found.vials.sum() == 3
    assert found.chair_minutes.sum() == pytest.approx(3 * 90)
    assert found.nurse_minutes.sum() == pytest.approx(3 * (40 + 50 / 4))


def test_a_closed_day_moves_the_visit_but_not_those_after_it():
    # Day 3 is closed: the second infusion is on day 4, the third on the course's own day 7.
    days = ALL_DAYS.copy()
    days[3] = False

    assert np.flatnonzero(simulate(days=days).infusions[0, 0]).tolist() == [0, 4, 7]
    # With days 3 to 8 closed it is the day after the second.
    days[3:9] = False
    assert np.flatnonzero(simulate(days=days).infusions[0, 0]).tolist() == [0, 9, 10]


@pytest.mark.parametrize(("days_a_week", "weeks"), [(7, 3.43), (5, 3.5), (3, 3.5), (2, 5.0)])
def test_a_course_takes_the_weeks_that_its_open_days_allow(days_a_week, weeks):
    # Ten infusions in 3.5 weeks of 24 days: three open days a week hold it, of two it takes five
    # weeks. Monday is day 0.
    plan = replace(PLAN, course=CoursePlan(infusion_days(10, 3.5)))
    days = open_days(date(2026, 1, 5), 120, weekdays=range(days_a_week))
    found = simulate(plan, days=days)

    span = found.completed_day[0, 0, 0] - found.first_day[0, 0, 0] + 1
    assert span / 7 == pytest.approx(weeks, abs=0.3)
    assert ("Warning" in course_in_words(found)) == (days_a_week == 2)


def test_a_patient_comes_back_when_relief_has_ended():
    # The last of the course on day 7, relief of 9.5 days ends on day 16.5, so day 17; then 27, 37.
    plan = replace(PLAN, course=CoursePlan((0, 3, 7), max_returns=3))
    found = simulate(plan, SURE | {"return_uptake": 1.0}, relief=np.array([[9.5]]))

    assert np.flatnonzero(found.infusions[0, 0]).tolist() == [0, 3, 7, 17, 27, 37]


def test_new_patients_get_the_slots_that_are_left_in_the_order_of_referral():
    # Two chairs, four visits each: eight a day. Twenty come at once and have one infusion each.
    plan = replace(PLAN, course=CoursePlan((0,)))
    found = simulate(plan, referrals=on_days(*[0] * 20))

    assert found.first_day[0, 0].tolist() == [0] * 8 + [1] * 8 + [2] * 4
    assert found.waiting[0, 0, :4].tolist() == [12, 4, 0, 0]


def test_a_course_that_would_wait_too_long_is_broken_off():
    # Eight begin on each of days 0, 1 and 2, and all are due again on the first day of opening
    # after that: eight are seen, eight a day later, and eight would be two days late.
    plan = replace(PLAN, course=CoursePlan((0, 3)), most_delay_days=1)
    days = ALL_DAYS.copy()
    days[3:10] = False
    found = simulate(plan, referrals=on_days(*[0] * 24), days=days)

    assert found.infusions[0, 0, 10:13].tolist() == [8, 8, 0]
    assert (found.fate == FATES.index("broken_off")).sum() == 8


def test_a_missed_visit_costs_its_slot_and_a_cancelled_one_does_not():
    plan = replace(PLAN, most_missed=0)
    missed = simulate(plan, SURE | {"first_no_show": 0.95}, referrals=on_days(*[0] * 200))
    n = 200
    assert missed.booked.sum() >= n
    assert missed.booked[0, 0, 0] == 8
    cancelled = simulate(values=SURE | {"cancellation": 0.5}, referrals=on_days(*[0] * 200))
    assert cancelled.no_shows.sum() == 0
    assert cancelled.cancelled.sum() > 0
    assert (cancelled.booked == cancelled.infusions).all()


def test_overbooked_patients_wait_for_a_chair_and_keep_it_open_late():
    plan = replace(PLAN, overbooking=1.5, course=CoursePlan((0,)))
    found = simulate(plan, referrals=on_days(*[0] * 12))

    # Twelve on two chairs, 100 minutes each: the last pair starts at 500 and leaves at 590.
    assert found.infusions[0, 0, 0] == 12
    assert found.overtime_minutes[0, 0, 0] == pytest.approx(590 - 480)


def test_everyone_is_accounted_for_in_every_replication():
    plan, referrals, relief, days = busy_clinic()
    found = simulate_clinic(plan, draws(EVENTFUL, 4), referrals, relief, days, seed=3)

    referred = (referrals < 365).sum(axis=2)
    waiting = (found.fate == FATES.index("waiting")).sum(axis=2)
    assert ((found.fate != FATES.index("not_referred")).sum(axis=2) == referred).all()
    assert (waiting == found.waiting[..., -1]).all()
    assert (found.first_offers.sum(axis=2) + waiting == referred).all()
    assert (found.booked == found.infusions + found.no_shows).all()
    assert (found.had.sum(axis=2) == found.infusions.sum(axis=2)).all()
    assert (found.booked <= int(len(appointments(plan.day)) * 1.3)).all()
    assert (found.booked[..., ~days] == 0).all()


def test_more_chairs_never_lengthen_the_mean_wait():
    plan, referrals, relief, days = busy_clinic()
    means = []
    for chairs in (1, 2, 4, 8):
        sized = replace(plan, day=with_chairs(plan.day, chairs))
        found = simulate_clinic(sized, draws(EVENTFUL), referrals, relief, days, seed=3)
        means.append(clinic_measures(found)["wait_mean"][1])

    assert (np.diff(np.array(means), axis=0) <= 0).all()
    assert means[0].min() > 10 * means[-1].max()


@pytest.mark.parametrize(("cut", "size"), [("_CHUNK", 2), ("_SLOTS", 1), ("_SLOTS", 300)])
def test_how_replications_and_days_are_cut_changes_no_bit(monkeypatch, cut, size):
    larger = replace(DAY, chairs=5, nurses=3, open_minutes=500)
    plan, referrals, relief, days = busy_clinic(changes=((40, larger), (41, DAY), (200, larger)))
    x = replace(draws(EVENTFUL, 3), no_show=np.array([0.1, 0.2, 0.3]))
    whole = simulate_clinic(plan, x, referrals, relief, days, seed=3)
    monkeypatch.setattr(schedule, cut, size)
    pieces = simulate_clinic(plan, x, referrals, relief, days, seed=3)

    for name in (*BY_DAY, *BY_PATIENT):
        assert getattr(whole, name).tobytes() == getattr(pieces, name).tobytes()


def test_a_patients_luck_does_not_depend_on_the_other_patients():
    alone = simulate(values=EVENTFUL, referrals=on_days(0), seed=4)
    among = simulate(values=EVENTFUL, referrals=on_days(0, 0, 0, 1), seed=4)

    assert alone.first_day[0, 0, 0] == among.first_day[0, 0, 0]
    assert alone.had[0, 0, 0] == among.had[0, 0, 0]


def test_demand_worked_out_is_demand_simulated_where_there_is_room():
    plan = replace(
        PLAN, day=with_chairs(DAY, 12), most_missed=1,
        course=CoursePlan((0, 2, 5), (0, 2), max_returns=2, stop_without_relief_after=2),
    )  # fmt: skip
    relief = np.array([[5.0, 8.0, np.nan]])
    # Nobody is referred in the last half year, so that all returns are seen.
    rates = np.where(np.arange(104) < 78, 20.0, 0.0)[None, :]
    referrals = random_referrals(rates, n_days=728, n_runs=12, seed=2)
    days = np.ones(728, dtype=bool)
    found = simulate_clinic(plan, draws(EVENTFUL), referrals, relief, days, seed=3)
    n = (referrals < 728).sum(axis=2)[0]

    load = clinic_load(plan, draws(EVENTFUL), relief, days, 20.0)

    for each, total in ((load.infusions_each, found.infusions), (load.visits_each, found.booked)):
        means = total.sum(axis=2)[0] / n
        assert abs(means.mean() - each[0]) < 4 * means.std(ddof=1) / 12**0.5
    assert load.load[0] < 1
    assert "does not keep growing" in load.in_words()


def test_demand_above_capacity_makes_the_list_grow_as_worked_out():
    plan = replace(PLAN, day=with_chairs(DAY, 1))
    referrals = random_referrals(20.0, n_days=700, n_runs=20, seed=1)
    days = open_days(date(2026, 1, 5), 700)
    x = draws(SURE | {"no_show": 0.1})
    found = simulate_clinic(plan, x, referrals, NOBODY_HELPED, days, seed=1)
    load = clinic_load(plan, x, NOBODY_HELPED, days, 20.0)

    growth = clinic_measures(found, from_day=100)["waiting_growth_a_week"][1][0]

    assert abs(growth.mean() - load.growth[0]) < 4 * growth.std(ddof=1) / 20**0.5
    assert "the waiting list then keeps growing" in load.in_words()


def test_referrals_come_at_their_rate_and_sooner_where_it_is_higher():
    found = random_referrals([[3.0], [6.0]], n_days=700, n_runs=40, seed=9)
    counts = (found < 700).sum(axis=2)

    # Poisson: standard deviation of a mean of 40 counts.
    assert abs(counts[0].mean() - 300) < 4 * (300 / 40) ** 0.5
    assert abs(counts[1].mean() - 600) < 4 * (600 / 40) ** 0.5
    assert (np.diff(found, axis=2) >= 0).all()
    slow, fast = (
        random_referrals([[rate]], n_days=700, n_runs=1, seed=9)[0, 0] for rate in (3.0, 6.0)
    )
    assert (fast[: len(slow)] <= slow).all()


def test_each_draw_has_referrals_of_its_own():
    # Counts of draws with the same rate vary as those of runs do: by chance, independently.
    found = random_referrals(np.full((400, 1), 3.0), n_days=70, n_runs=2, seed=9)
    counts = (found < 70).sum(axis=2)

    assert counts.var(axis=0).tolist() == pytest.approx([30, 30], rel=0.3)
    assert abs(np.corrcoef(counts.T)[0, 1]) < 4 / 400**0.5


def test_people_on_the_list_have_waited_since_their_month():
    # Two in the last month, none in the one before, one in the third: a month has 30.4 days.
    found = with_waiting_list(on_days(4), 3, by_month=(2, 0, 1))

    assert found[0, 0].tolist() == [-77, -23, -8, 4]
    outcome = simulate(referrals=found)
    assert (outcome.first_day - outcome.referred_day)[0, 0].tolist() == [77, 23, 8, 0]
    with pytest.raises(ValueError, match=r"by_month has \[2, 0\]; expected numbers of 0 or more"):
        with_waiting_list(on_days(4), 3, by_month=(2, 0))


def test_relief_after_a_course_is_that_of_the_course_model():
    # With a shape of 1 relief is exponential: half of those helped still have it at the median.
    values = {
        "drug_response": 0.4, "placebo_response": 0.0, "first_relief_days": 1.0,
        "last_relief_days": 14.0, "placebo_relief_days": 45.0, "relief_shape": 1.0,
        "patient_correlation": 0.5, "dropout": 0.2, "return_uptake": 0.5, "side_effect": 0.1,
        "extra_minutes": 45.0, "pain_centre": 5.8, "pain_spread": 1.9, "fall": 0.7,
    }  # fmt: skip
    course = CourseDraws(**{name: np.full(2, value) for name, value in values.items()})
    plan = CoursePlan(infusion_days(10, 3.5), max_returns=6)

    found = relief_after_course(course, plan, n_members=4000, seed=1)

    assert found.shape == (2, 4000)
    assert np.isnan(found).mean() == pytest.approx(0.6, abs=4 * (0.24 / 4000) ** 0.5)
    assert np.nanmean(found > 14.0, where=~np.isnan(found)) == pytest.approx(0.5, abs=0.05)


def test_the_numbers_are_those_of_splitmix64():
    # The published outputs for seed 1234567 (Rosetta Code, "Pseudo-random numbers/Splitmix64").
    found = words(np.array([1234567], dtype=np.uint64), np.arange(1, 6))

    assert found.tolist() == [
        6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431,
        16408922859458223821,
    ]  # fmt: skip


def test_numbers_of_neighbours_are_even_and_unrelated():
    state = states("no_show", 2, seed=1)
    first = uniform(state[0, :1], np.arange(20_000))
    second = uniform(state[0, :1], np.arange(20_000), 1)
    other_run = uniform(state[0, 1:], np.arange(20_000))
    other_kind = uniform(states("dropout", 1, seed=1)[0], np.arange(20_000))
    other_draw = uniform(states("no_show", 2, n_draws=2, seed=1)[1, :1], np.arange(20_000))

    assert np.histogram(first, 10, (0, 1))[0] == pytest.approx(2000, abs=4 * 1800**0.5)
    for other in (first[1:], second, other_run, other_kind, other_draw):
        n = len(other)
        assert abs(np.corrcoef(first[:n], other)[0, 1]) < 4 / n**0.5


def test_a_day_holds_what_chairs_and_nurses_allow():
    # By hand. One chair: 0, 100, 200, 300, and 400 would end at 490. One nurse, who sits with each
    # infusion: the second of two chairs follows when the first recovers, which takes a quarter.
    assert appointments(replace(DAY, chairs=1)).tolist() == [0, 100, 200, 300]
    one_nurse = replace(DAY, chairs=2, nurses=1, recovering_per_nurse=4, recovery_minutes=0)
    assert appointments(one_nurse).tolist() == list(range(0, 441, 40))
    assert len(appointments(DAY)) == 8
    assert fewest_nurses(replace(DAY, chairs=1)) == 1
    assert fewest_nurses(DAY) == 2


def test_holidays_and_weekends_are_closed():
    # 1 January 2026 is a Thursday; 19 January is the birthday of Martin Luther King.
    holidays = us_federal_holidays(date(2026, 1, 1), date(2026, 1, 31))
    found = open_days(date(2026, 1, 1), 31, closed=holidays)

    assert holidays == (date(2026, 1, 1), date(2026, 1, 19))
    assert np.flatnonzero(found)[:3].tolist() == [1, 4, 5]
    assert found.sum() == 20


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"chairs": 0}, "chairs is 0; expected a whole number, 1 or more"),
        ({"open_minutes": 80}, "open_minutes is 80, which is shorter than a visit of 90 minutes"),
        ({"turnover_minutes": -5}, "turnover_minutes is -5; expected a whole number, 0 or more"),
        ({"infusion_minutes": 40.5}, "infusion_minutes is 40.5; expected a whole number"),
    ],
)
def test_a_day_that_cannot_be_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        replace(DAY, **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"no_show": 1.2}, "no_show is 1.2 in draw 0; expected from 0 to 0.95"),
        ({"male_share": -0.1}, "male_share is -0.1 in draw 0"),
        ({"recovery_minutes": np.nan}, "recovery_minutes is nan in draw 0"),
    ],
)
def test_a_share_that_cannot_be_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        draws(SURE | changes)


def test_plans_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match=r"overbooking is 0.5; expected from 1 to 3"):
        replace(PLAN, overbooking=0.5)
    with pytest.raises(ValueError, match="rebook_days is 0; expected 1 or more"):
        replace(PLAN, rebook_days=0)
    with pytest.raises(ValueError, match="vial_mg is 0; expected above 0"):
        Dose(0, mg=80)
    with pytest.raises(ValueError, match="both 0; expected a dose"):
        Dose(200)


def test_patients_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="per_week has -1; expected referrals a week"):
        random_referrals(-1, n_days=70, n_runs=1, seed=1)
    with pytest.raises(ValueError, match=r"per_week has shape \(1, 3\); expected"):
        random_referrals([[1, 2, 3]], n_days=70, n_runs=1, seed=1)
    with pytest.raises(ValueError, match="waiting is -1; expected 0 people or more"):
        with_waiting_list(on_days(0), -1)
    with pytest.raises(ValueError, match="a day before that of the patient before"):
        simulate(referrals=on_days(3, 1))
    with pytest.raises(ValueError, match="relief has a value below 0"):
        simulate(relief=np.array([[-1.0]]))
    with pytest.raises(ValueError, match="with 1 draws or 1"):
        simulate(referrals=np.zeros((2, 1, 1), dtype=np.int64))
    with pytest.raises(ValueError, match="True at least once"):
        simulate(days=np.zeros(5, dtype=bool))
    with pytest.raises(ValueError, match="none of the 2 days from 2026-01-03 is open"):
        open_days(date(2026, 1, 3), 2)


def test_a_limit_of_visits_is_spread_over_the_day():
    # Of eight visits the first, the fifth and the last are kept.
    full = appointments(DAY)

    assert appointments(replace(DAY, most_visits=3)).tolist() == [full[0], full[4], full[7]]
    assert appointments(replace(DAY, most_visits=99)).tolist() == full.tolist()
    with pytest.raises(ValueError, match="most_visits is 0; expected a whole number, 1 or more"):
        replace(DAY, most_visits=0)


def test_inputs_are_taken_from_the_columns_of_the_draws():
    columns = {name: f"clinic_{name}" for name in INPUTS}
    columns |= {
        n: f"course_{n}" for n in ("dropout", "return_uptake", "side_effect", "extra_minutes")
    }
    frame = (
        pd.DataFrame({column: [30.0 + i, 0.0] for i, column in enumerate(columns.values())}) / 100
    )
    frame[["clinic_male_weight", "clinic_female_weight"]] = 80.0

    inputs = clinic_draws(frame)

    for name in set(INPUTS) - {"male_weight", "female_weight"}:
        assert getattr(inputs, name).tolist() == frame[columns[name]].tolist()
    with pytest.raises(ValueError, match="draws lack clinic_cancellation"):
        clinic_draws(frame.drop(columns="clinic_cancellation"))


@pytest.mark.parametrize(("servers", "load"), [(5, 1.1), (3, 0.8)])
def test_a_clinic_in_which_people_give_up_is_erlangs(servers, load):
    # A slot a day is a server; a patient keeps one for a geometric number of days, as each infusion
    # but the first may be missed for good. With many days each that is M/M/c+M.
    service, patience, n_days, runs = 40, 80, 2400, 200
    day = replace(DAY, chairs=servers, nurses=servers, open_minutes=120)
    plan = replace(PLAN, day=day, course=CoursePlan(tuple(range(12 * service))))
    x = replace(draws(SURE | {"dropout": 1 / service}), patience_days=np.array([float(patience)]))
    rate = servers * load / service
    referrals = random_referrals(7 * rate, n_days=n_days, n_runs=runs, seed=1)
    found = simulate_clinic(plan, x, referrals, NOBODY_HELPED, np.ones(n_days, dtype=bool), seed=1)

    measures = clinic_measures(found, from_day=400)
    expected = erlang_a(servers, rate, service, patience)
    for name, closed in zip(("gave_up_share", "wait_mean"), expected, strict=True):
        values = measures[name][1][0]
        assert abs(values.mean() - closed) < 4 * values.std(ddof=1) / runs**0.5
        # Days are steps: the first infusion is given on the day of referral or later.
        assert values.mean() == pytest.approx(closed, rel=0.08)


CIW = json.loads((Path(__file__).parents[1] / "reference" / "ciw_reneging.json").read_text())


@pytest.mark.parametrize("case", CIW["cases"], ids=lambda case: f"{case['slots']} slots")
def test_who_gives_up_and_when_others_are_seen_is_ciws_patient_by_patient(case):
    slots, n_days, seed = case["slots"], CIW["n_days"], CIW["seed"]
    n_runs = len(case["first_day"])
    referrals = random_referrals(case["per_week"], n_days=n_days, n_runs=n_runs, seed=seed)
    day = replace(DAY, chairs=slots, nurses=slots, open_minutes=90, recovering_per_nurse=1)
    plan = replace(PLAN, day=day, course=CoursePlan((0,)))
    x = replace(draws(SURE), patience_days=np.array([case["patience_days"]]))
    found = simulate_clinic(
        plan, x, referrals, NOBODY_HELPED, np.ones(n_days, dtype=bool), seed=seed
    )

    gave_up = 0
    for run, expected in enumerate(case["first_day"]):
        first = found.first_day[0, run, : len(expected)].tolist()
        assert [None if day == found.last_day else day for day in first] == expected
        assert not found.unseen[0, run].any()
        gave_up += expected.count(None)
    assert gave_up > 20


@pytest.mark.parametrize(
    ("name", "least"),
    [("rebook_days", 1), ("most_missed", 0), ("most_delay_days", 0), ("other_visits", 0)],
)
def test_a_plan_takes_the_least_of_each_number_and_nothing_below(name, least):
    assert getattr(replace(PLAN, **{name: least}), name) == least
    with pytest.raises(ValueError, match=f"{name} is {least - 1}; expected {least} or more"):
        replace(PLAN, **{name: least - 1})

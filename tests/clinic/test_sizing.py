"""How large a clinic, for what, by when: against enumeration, published formulas and other seeds."""

import functools
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
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

from plcore.clinic.day import appointments, fewest_nurses, open_days, spread_weekdays
from plcore.clinic.patients import random_referrals, with_waiting_list
from plcore.clinic.results import (
    cleared_in_words,
    cleared_on,
    clinic_load,
    clinic_measures,
    share_within,
)
from plcore.clinic.schedule import simulate_clinic
from plcore.clinic.sizing import (
    Prices,
    advise,
    course_weeks,
    options_in_words,
    options_table,
    sample_of,
    sample_size,
    size_row,
    sizing_table,
)
from plcore.models.course import CoursePlan, infusion_days

ONE_INFUSION = replace(PLAN, course=CoursePlan((0,)))
#: A chair holds one visit a day, and needs a nurse of its own.
ONE_A_DAY = replace(DAY, open_minutes=90, recovering_per_nurse=1)


def evenly(a_day, n_days):
    return np.floor(np.arange(0, n_days * a_day) / a_day).astype(np.int64)[None, None, :]


def with_list(a_day, n_days, waiting):
    return with_waiting_list(evenly(a_day, n_days), waiting)


def visits(n):
    """The day of a clinic of so many visits."""
    return replace(ONE_A_DAY, chairs=n, nurses=n)


# NHSRwaitinglist 0.1.2, calc_target_queue_size and calc_relief_capacity, after Fong, Mazhar, Walton
# and others 2022, medRxiv 10.1101/2022.08.23.22279117, without variability.
def target_queue_size(demand, target_wait, factor):
    return demand * target_wait / factor


def relief_capacity(demand, queue_size, target_queue, time_to_target):
    return demand + (queue_size - target_queue) / time_to_target


def test_the_published_formulas_are_those_of_their_example():
    # As printed: 30 a week, a target of 52 weeks, 1,200 waiting, 26 weeks: 390 and 61.15.
    assert target_queue_size(30, 52, 4) == 390
    assert relief_capacity(30, 1200, 390, 26) == pytest.approx(61.15, abs=0.005)


@pytest.mark.parametrize(("queue", "weeks", "wanted"), [(420, 26, 28), (700, 20, 70), (140, 8, 56)])
def test_relief_capacity_brings_the_list_to_its_target_by_the_date(queue, weeks, wanted):
    # Four a day come; capacity is what the formula says, where that is a whole number a day.
    capacity = relief_capacity(28, queue, wanted, weeks)
    a_day = int(np.ceil(capacity / 7 - 1e-9))
    target = queue - weeks * (7 * a_day - 28)
    plan = replace(ONE_INFUSION, day=visits(a_day))
    n_days = 7 * weeks
    found = simulate_clinic(
        plan, draws(SURE), with_list(4, n_days, queue), NOBODY_HELPED,
        np.ones(n_days, dtype=bool), seed=1,
    )  # fmt: skip

    assert relief_capacity(28, queue, target, weeks) == pytest.approx(7 * a_day)
    assert found.waiting[0, 0, -1] == max(target, 0)
    assert target <= wanted


@pytest.mark.parametrize(("queue", "months", "within"), [(400, 6, 30), (250, 3, 14), (900, 12, 60)])
def test_the_fewest_chairs_for_a_target_by_a_date_are_those_of_the_formula(queue, months, within):
    # Those referred just before the date are seen within N days where the list by then is no longer
    # than N days of capacity: capacity is the least that relieves the list down to that.
    end = round(months * 365.25 / 12)
    n_days, wanted = end + within + 1, 0
    for a_day in range(1, 60):
        if relief_capacity(4, queue, a_day * within, end) <= a_day:
            wanted = a_day
            break
    table = sizing_table(
        ONE_INFUSION, [visits(n) for n in range(max(1, wanted - 2), wanted + 3)], draws(SURE),
        with_list(4, n_days, queue), NOBODY_HELPED, np.ones(n_days, dtype=bool),
        within_days=within, share=1.0, seed=1, judged=(end - 1, end),
    )  # fmt: skip

    assert advise(table, probability=0.9).chairs == wanted
    assert set(table["probability"]) == {0.0, 1.0}


def test_the_list_is_cleared_when_what_comes_and_what_waits_has_been_seen():
    # 60 wait, two a day come, five are seen: three fewer each day, so nobody waits after 20 days.
    plan = replace(ONE_INFUSION, day=visits(5))
    found = simulate(plan, referrals=with_list(2, 120, 60))

    assert cleared_on(found)[0, 0] == 19
    words = cleared_in_words(found, date(2027, 1, 1))
    assert words.startswith("The waiting list of the opening (60 people), simulated day by day")
    assert "is empty for the first time in January 2027 (95% limits January 2027 to" in words
    never = simulate(replace(plan, day=visits(2)), referrals=with_list(2, 120, 60))
    assert cleared_on(never)[0, 0] == 120
    assert "is not cleared in these 0.329 years" in cleared_in_words(never, date(2027, 1, 1))
    assert cleared_in_words(simulate(), date(2027, 1, 1)) == "Nobody waits at the opening."


def test_the_day_on_which_a_list_is_cleared_has_the_limits_of_the_draws():
    """Cleared after 0, 100, ... 4000 days: the median is day 2000, the limits are days 100 and 3900."""
    ready = np.arange(4500) < 100 * np.arange(41)[:, np.newaxis, np.newaxis]
    outcome = SimpleNamespace(
        n_days=4500, ready=ready.astype(int), referred_day=np.full((41, 1, 3), -1)
    )
    first = date(2027, 1, 20)
    months = [f"{first + timedelta(days=days):%B %Y}" for days in (2000, 100, 3900)]

    # A day later, at the lower limit, it would be May.
    assert months[1] == "April 2027"
    assert cleared_in_words(outcome, first) == (
        "The waiting list of the opening (3 people), simulated day by day with all slots free at first, "
        "is empty for the first time in {} (95% limits {} to {})."
    ).format(*months)
    # Where it is not cleared in most cases, no month is named.
    ready[:30] = True
    outcome = SimpleNamespace(**(vars(outcome) | {"ready": ready.astype(int)}))
    assert "for the first time after these years (95% limits " in cleared_in_words(outcome, first)


def test_new_patients_are_ready_after_their_lead_time_and_those_on_the_list_at_once():
    referrals = with_waiting_list(on_days(0, 5), 1)
    x = replace(draws(SURE), lead_days=np.array([9.6]))
    found = simulate_clinic(ONE_INFUSION, x, referrals, NOBODY_HELPED, ALL_DAYS, seed=1)

    assert found.first_day[0, 0].tolist() == [0, 10, 15]
    assert clinic_measures(found)["wait_mean"][1][0, 0] == pytest.approx((1 + 10 + 10) / 3)
    assert (found.ready == 0).all()
    assert found.waiting[0, 0, 5] == 2


def test_capacity_that_changes_holds_from_its_day_on():
    plan = replace(ONE_INFUSION, day=visits(1), changes=((3, visits(4)), (5, visits(2))))
    found = simulate(plan, referrals=on_days(*[0] * 20))

    assert found.infusions[0, 0, :8].tolist() == [1, 1, 1, 4, 4, 2, 2, 2]
    assert plan.by_day(lambda day: day.chairs, 7).tolist() == [1, 1, 1, 4, 4, 2, 2]
    used = clinic_measures(found)["chair_utilisation"][1][0, 0]
    assert used == pytest.approx(20 * 90 / ((3 * 1 + 2 * 4 + 115 * 2) * 90))
    load = clinic_load(plan, draws(SURE), NOBODY_HELPED, ALL_DAYS, 7.0)
    assert load.capacity[0] == 7 * 2


def test_visits_of_others_leave_less_room():
    plan = replace(ONE_INFUSION, other_visits=3)
    found = simulate(plan, referrals=on_days(*[0] * 20))

    assert found.infusions[0, 0, :4].tolist() == [5, 5, 5, 5]
    with pytest.raises(ValueError, match="other_visits is 8, and the clinic holds 8 visits a day"):
        replace(ONE_INFUSION, other_visits=8)
    with pytest.raises(ValueError, match=r"changes are on days \[5, 3\]; expected days that rise"):
        replace(plan, changes=((5, DAY), (3, DAY)))


@pytest.mark.parametrize("chairs", [1, 2, 3, 4, 8, 12, 20, 60])
def test_the_fewest_nurses_have_no_knife_edges(chairs):
    # With a visit of 85 minutes and 15 to make the chair ready, nurses are busy for 51.25 of 100.
    day = replace(DAY, recovery_minutes=45, turnover_minutes=15)
    hours = np.arange(4, 12.5, 0.5)
    found = [fewest_nurses(replace(day, chairs=chairs, open_minutes=round(60 * h))) for h in hours]

    steady = -(-chairs * 51.25 // 100)
    assert set(found) == {steady}
    for h, nurses in zip(hours, found, strict=True):
        full = replace(day, chairs=chairs, nurses=chairs, open_minutes=round(60 * h))
        held = len(appointments(replace(full, nurses=nurses)))
        assert held >= 0.75 * len(appointments(full))
        # What nurses are no limit to is counted without simulating the day.
        assert len(appointments(full)) == chairs * ((full.open_minutes - 85) // 100 + 1)


def test_a_short_day_has_the_nurses_for_its_only_visits():
    # Two hours hold one visit a chair, all at once: with seven nurses for twelve chairs only seven.
    day = replace(DAY, recovery_minutes=45, turnover_minutes=15, open_minutes=120)

    assert fewest_nurses(replace(day, chairs=12)) == 9


def uncertain(seed, n_draws=100, rate=5.0):
    """Referrals whose weekly rate is uncertain, in a clinic of one infusion each."""
    stream = np.random.default_rng(seed)
    rates = rate * stream.gamma(20, 1 / 20, (n_draws, 1))
    return random_referrals(rates, n_days=182, n_runs=2, seed=seed)


@functools.cache
def one_chair_more(seed, sizes=(1, 2, 3)):
    referrals = uncertain(seed)
    return sizing_table(
        ONE_INFUSION, [visits(n) for n in sizes], draws(SURE, len(referrals)), referrals,
        NOBODY_HELPED, open_days(date(2026, 1, 5), 182), within_days=14, share=0.9, seed=seed,
    )  # fmt: skip


def test_standard_errors_are_the_spread_over_seeds():
    tables = [one_chair_more(seed, (1,)) for seed in range(40)]
    found = np.array([table["probability"] for table in tables])[:, 0]
    said = np.array([table["standard_error"] for table in tables])[:, 0]

    assert 0.2 < found.mean() < 0.95
    # The standard deviation of 40 numbers is known to 11%.
    assert found.std(ddof=1) == pytest.approx(said.mean(), rel=0.4)


def test_ten_seeds_give_the_same_advice_or_say_that_they_cannot_tell():
    middle = float(np.mean([one_chair_more(seed)["probability"].iloc[0] for seed in range(10)]))
    for wanted in (0.5 * middle, middle, min(middle + 0.3, 0.99)):
        advice = [advise(one_chair_more(s), probability=wanted) for s in range(10)]
        sure = {a.chairs for a in advice if not a.toss_up}
        assert len(sure) <= 1
        if wanted == middle:
            # The right answer is on the edge: hardly any seed may be sure.
            assert sum(bool(a.toss_up) for a in advice) >= 8
            assert all(a.toss_up == (1, 2) for a in advice if a.toss_up)
        else:
            assert not any(a.toss_up for a in advice)


def test_advice_says_which_sizes_are_too_near_to_tell():
    def table(*rows):
        return pd.DataFrame(rows, columns=["chairs", "probability", "standard_error"])

    clear = table((1, 0.2, 0.02), (2, 0.9, 0.02), (3, 1.0, 0.0))
    assert advise(clear, probability=0.8).in_words() == "2 chairs"
    near = table((1, 0.78, 0.02), (2, 0.9, 0.02), (3, 1.0, 0.0))
    assert advise(near, probability=0.8).toss_up == (1, 2)
    assert advise(near, probability=0.8).in_words() == "1 or 2 chairs (a toss-up)"
    barely = table((1, 0.2, 0.02), (2, 0.81, 0.02), (3, 1.0, 0.0))
    assert advise(barely, probability=0.8).toss_up == (2, 3)
    level = table((1, 0.79, 0.02), (2, 0.79, 0.02), (3, 0.79, 0.02))
    assert advise(level, probability=0.8).in_words() == "1 or no number of chairs (a toss-up)"
    none = table((1, 0.1, 0.02), (2, 0.2, 0.02))
    assert advise(none, probability=0.8).chairs is None
    assert not advise(none, probability=0.8).toss_up


CALENDARS = {n: open_days(date(2026, 1, 5), 182, weekdays=spread_weekdays(n)) for n in (1, 2, 3, 5)}


def cheapest(prices, rate, course=(0,), most_chairs=3, **level):
    referrals = random_referrals(np.full((20, 1), rate), n_days=182, n_runs=1, seed=3)
    level = {"within_days": 14, "share": 0.9, "probability": 0.8} | level
    plan = replace(PLAN, course=CoursePlan(course))
    return plan, referrals, options_table(
        plan, CALENDARS, draws(SURE, 20), referrals, NOBODY_HELPED, per_week=np.full(20, rate),
        hours=(8, 4), most_chairs=most_chairs, prices=prices, seed=3, **level,
    )  # fmt: skip


@pytest.mark.parametrize(
    "prices",
    [Prices(nurse_hour=50.0, chair_year=20_000.0), Prices(chair_year=1.0), Prices(rent_year=9.0)],
)
@pytest.mark.parametrize("rate", [0.5, 12.0, 26.0])
def test_the_cheapest_clinic_is_that_of_trying_all(prices, rate):
    plan, referrals, table = cheapest(prices, rate)
    opened = 365.25 * CALENDARS[5].mean()
    tried = []
    for hours in (4, 8):
        for chairs in (1, 2, 3):
            for nurses in range(1, chairs + 1):
                day = replace(DAY, chairs=chairs, nurses=nurses, open_minutes=60 * hours)
                found = simulate_clinic(
                    replace(plan, day=day), draws(SURE, 20), referrals, NOBODY_HELPED,
                    CALENDARS[5], seed=3,
                )  # fmt: skip
                if (share_within(found, 14) >= 0.9).mean() >= 0.8:
                    on_duty = nurses * hours * opened
                    cost = prices.cost(nurse_hours=on_duty, chairs=chairs, vials=0.0)
                    tried.append((cost, on_duty, chairs))
    row = table.set_index("days_a_week").loc[5]

    assert row["enough"] == bool(tried)
    if tried:
        nurse_hours = row["nurse_hours_a_week"] * 365.25 / 7
        cost = prices.cost(nurse_hours=nurse_hours, chairs=row["chairs"], vials=0.0)
        assert (cost, nurse_hours) == pytest.approx(min(tried)[:2])
    # What keeps no service level has no cost, rather than one of nothing.
    assert table["cost_a_year"].isna().tolist() == (~table["enough"]).tolist()
    assert table["income_a_year"].isna().all()


def test_a_clinic_that_is_too_small_to_open_full_time_is_told_so():
    # One patient in two weeks, who has one infusion.
    _, _, table = cheapest(Prices(), 0.5)
    words = options_in_words(table, Prices(), days_a_week=5)

    assert table.iloc[0][["days_a_week", "chairs", "enough"]].tolist() == [1, 1, True]
    assert words.startswith("Too small to open full-time: one day a week would do. Of the")
    # A course of three infusions in a week needs more days than its visits fill.
    _, _, table = cheapest(Prices(), 0.5, course=(0, 3, 6))
    words = options_in_words(table, Prices(), days_a_week=5)
    assert "one day a week would do, though a course would then take 2.1 weeks" in words
    assert table["keeps_course"].tolist() == sorted(table["keeps_course"], reverse=True)
    assert table[["cost_a_year", "income_a_year"]].isna().all(axis=None)
    # Thirty a week fill it.
    _, _, table = cheapest(Prices(), 30.0)
    assert "Too small" not in options_in_words(table, Prices(), days_a_week=5)
    _, _, table = cheapest(Prices(), 300.0, most_chairs=1)
    assert "No clinic of those tried" in options_in_words(table, Prices(), days_a_week=5)


def test_a_course_keeps_to_its_weeks_until_it_takes_fifteen_percent_longer():
    # A hundred days as planned; open every so many days, it takes one more than these.
    calendars = {every: np.arange(1200) % every == 0 for every in (113, 114, 115)}
    table = options_table(
        replace(PLAN, course=CoursePlan((0, 99))), calendars, draws(SURE),
        np.zeros((1, 1, 1), dtype=np.int64), NOBODY_HELPED, per_week=np.full(1, 0.001), hours=(8,),
        most_chairs=1, prices=Prices(), within_days=200, share=0.9, probability=0.8, seed=3,
    ).set_index("days_a_week")  # fmt: skip

    assert table["course_weeks"].to_dict() == pytest.approx(
        {113: 114 / 7, 114: 115 / 7, 115: 116 / 7}
    )
    assert table["keeps_course"].to_dict() == {113: True, 114: True, 115: False}


def test_only_what_the_planner_priced_is_in_the_cost():
    prices = Prices(nurse_hour=50.0, vial=10.0, infusion_fee=400.0, leave_share=0.2)
    _, _, table = cheapest(prices, 12.0)
    row = table.iloc[0]

    assert prices.left_out == ("chairs", "rent")
    assert prices.cost(nurse_hours=800, chairs=3, vials=20) == 50 * 1000 + 200
    assert Prices().cost(nurse_hours=800, chairs=3, vials=20) is None
    assert "not priced: chairs, rent" in options_in_words(table, prices, days_a_week=5)
    # Each patient has one infusion of 40 mg, a vial: some 12 a week, less those after the end.
    assert row["income_a_year"] == pytest.approx(400 * 12 * 365.25 / 7, rel=0.1)
    with pytest.raises(ValueError, match="vial is -1; expected 0 or more"):
        Prices(vial=-1.0)


@pytest.mark.parametrize("days", [1, 2, 3, 5])
def test_the_weeks_of_a_course_are_those_of_a_patient_who_misses_no_visit(days):
    plan = replace(PLAN, course=CoursePlan(infusion_days(10, 3.5)))
    is_open = CALENDARS[days]
    # Every weekday of opening, early enough to be done.
    first = np.flatnonzero(is_open)[: 3 * days]
    spans = []
    for day in first:
        found = simulate(plan, referrals=on_days(int(day)), days=is_open)
        spans.append((found.completed_day - found.first_day)[0, 0, 0] + 1)

    assert course_weeks(plan.course, is_open) == pytest.approx(np.mean(spans) / 7, abs=0.1)


#: Few and many patients, with all that may happen to them, and some who give up.
MANY_KINDS = replace(
    draws(EVENTFUL, 24), patience_days=np.full(24, 60.0), lead_days=np.full(24, 5.0)
)


def of_sizes(chairs, days=182, n_runs=2):
    rates = np.geomspace(0.5, 20, 24)[:, None]
    referrals = random_referrals(rates, n_days=days, n_runs=n_runs, seed=9)
    relief = np.array([[np.nan, 20.0, 5.0]])
    is_open = open_days(date(2026, 1, 5), days)
    given = MANY_KINDS, referrals, relief, is_open
    level = {"within_days": 14, "judged": (30, days)}
    plans = [replace(PLAN, day=replace(DAY, chairs=n, nurses=n)) for n in chairs]
    return given, level, plans, rates[:, 0]


@pytest.mark.parametrize("chairs", [(6, 1, 3, 2), (1, 2, 3, 6), (2, 6, 1)])
def test_what_other_sizes_tell_is_what_a_simulation_of_the_size_gives(chairs, monkeypatch):
    given, level, plans, rates = of_sizes(chairs)
    simulated = []

    def counted(*args, only, **options):
        simulated.append(int(only.sum()))
        return simulate_clinic(*args, only=only, **options)

    monkeypatch.setattr("plcore.clinic.sizing.simulate_clinic", counted)
    samples = []
    for plan in plans:
        found = sample_size(plan, *given, per_week=rates, seed=9, others=samples, **level)
        samples.append(found)
        outcome = simulate_clinic(plan, *given, seed=9, follow_days=182 // 4)
        direct = sample_of(outcome, found.load, **level)
        for name in ("infusions_a_year", "hours_used", "wait", "soon", "unseen", "most_booked"):
            np.testing.assert_array_equal(getattr(found, name), getattr(direct, name), name)
        assert size_row(found, share=0.9) == size_row(direct, share=0.9)
    # The first is simulated whole, the others where they or all before them are ever full.
    assert simulated[0] == 48
    assert 0 < sum(simulated[1:]) < 48 * (len(chairs) - 1)


def test_runs_simulated_alone_are_as_they_are_among_all():
    given, _, plans, _ = of_sizes((2,))
    whole = simulate_clinic(plans[0], *given, seed=9)
    only = np.zeros((24, 2), dtype=bool)
    only[[0, 5, 23], [1, 0, 1]] = True
    some = simulate_clinic(plans[0], *given, seed=9, only=only)

    for name in ("infusions", "first_day", "fate", "late_minutes", "most_booked"):
        np.testing.assert_array_equal(getattr(some, name)[:, 0], getattr(whole, name)[only], name)
    busiest = np.maximum(whole.booked.max(axis=2), 0)
    assert (whole.most_booked >= busiest).all()


@pytest.mark.parametrize(
    ("chairs", "median", "words"),
    [
        (1, np.inf, "no end in 75% of the draws, as the list never clears"),
        (2, None, "days, and no end in 25% of the draws, as the list never clears"),
        (4, None, "days"),
    ],
)
def test_no_mean_wait_stands_for_a_list_that_never_clears(chairs, median, words):
    # A visit a day for each chair: 7, 14 and 28 a week, against 5, 9, 12 and 20 who come.
    rates = np.array([5.0, 9.0, 12.0, 20.0])
    referrals = random_referrals(rates[:, None], n_days=120, n_runs=2, seed=1)
    table = sizing_table(
        ONE_INFUSION, [visits(chairs)], draws(SURE, 4), referrals, NOBODY_HELPED, ALL_DAYS,
        within_days=14, share=0.9, seed=1, per_week=rates,
    )  # fmt: skip
    row = table.iloc[0]

    assert row["wait"].endswith(words)
    assert row["never_clears"] == (rates >= 7 * chairs).mean()
    if median is not None:
        assert row["wait_mean"] == median
    else:
        outcome = simulate_clinic(
            replace(ONE_INFUSION, day=visits(chairs)), draws(SURE, 4), referrals, NOBODY_HELPED,
            ALL_DAYS, seed=1,
        )  # fmt: skip
        waits = clinic_measures(outcome)["wait_mean"][1].mean(axis=1)
        waits[rates >= 7 * chairs] = np.inf
        two = np.sort(waits)[1:3]
        expected = two[0] if np.isinf(waits).any() else two.mean()
        assert row["wait_mean"] == pytest.approx(expected)


def test_days_saved_are_none_where_neither_wait_has_an_end():
    rates = np.full(4, 12.0)
    referrals = random_referrals(rates[:, None], n_days=120, n_runs=2, seed=1)
    table = sizing_table(
        ONE_INFUSION, [visits(n) for n in (1, 1, 2, 3)], draws(SURE, 4), referrals, NOBODY_HELPED,
        ALL_DAYS, within_days=14, share=0.9, seed=1, per_week=rates,
    )  # fmt: skip

    assert np.isnan(table["days_saved"][:2]).all()
    assert table["days_saved"][2] == np.inf
    assert 0 < table["days_saved"][3] < 30


def test_the_columns_of_the_table_of_sizes_are_those_of_a_simulation_of_each():
    rates = np.array([3.0, 5.0, 8.0, 20.0, 60.0])
    referrals = random_referrals(rates[:, None], n_days=120, n_runs=3, seed=1)
    days = open_days(date(2026, 1, 5), 120)
    x = draws(EVENTFUL, 5)
    sizes = [replace(DAY, chairs=n, nurses=m) for n, m in ((1, 1), (2, 1), (4, 2))]
    simulated = [
        simulate_clinic(replace(PLAN, day=day), x, referrals, NOBODY_HELPED, days, seed=1, follow_days=30)
        for day in sizes
    ]  # fmt: skip
    # A share that one of the runs keeps to the patient.
    share = float(np.sort(share_within(simulated[1], 14), axis=None)[7])
    table = sizing_table(
        PLAN, sizes, x, referrals, NOBODY_HELPED, days, within_days=14, share=share, seed=1,
        per_week=rates,
    )  # fmt: skip

    gained = []
    for day, found, row in zip(sizes, simulated, table.itertuples(), strict=True):
        load = clinic_load(found.plan, x, NOBODY_HELPED, days, rates)
        soon = share_within(found, 14)
        kept = (soon >= share).mean(axis=1)
        assert (row.chairs, row.nurses) == (day.chairs, day.nurses)
        assert row.visits_a_day == len(appointments(day))
        hours = day.chairs * day.open_minutes / 60 * days.sum()
        expected = {
            "infusions_a_year": found.infusions.sum() / 15 * 365.25 / 120,
            "chair_utilisation": found.chair_minutes.sum() / 15 / 60 / hours,
            "load": np.percentile(load.demand / load.capacity, 50),
            "never_clears": (load.demand >= load.capacity).mean(),
            "share_within": soon.mean(),
            "growth_a_week": np.maximum(rates - load.capacity / load.visits_each, 0).mean(),
            "probability": kept.mean(),
            "standard_error": kept.std(ddof=1) / np.sqrt(5),
        }
        for name, value in expected.items():
            assert getattr(row, name) == pytest.approx(value), name
        gained.append((expected["infusions_a_year"], expected["share_within"]))
    more = table[["infusions_gained", "share_gained"]]
    np.testing.assert_allclose(more[1:], np.diff(gained, axis=0))
    assert more.iloc[0].isna().all()


def test_the_columns_of_the_ways_to_run_a_clinic_are_those_of_its_days():
    rates = np.repeat([3.0, 5.0, 7.0, 14.0], 5)
    referrals = random_referrals(rates[:, None], n_days=182, n_runs=1, seed=3)
    prices = Prices(
        nurse_hour=50.0, chair_year=9_000.0, vial=30.0, rent_year=5_000.0, infusion_fee=400.0,
        leave_share=0.2,
    )  # fmt: skip
    x = draws(EVENTFUL, 20)
    # Closed for a fortnight of holidays.
    on = np.abs(np.arange(182) - 60) > 7
    calendars = {n: days & on for n, days in CALENDARS.items()}
    table = options_table(
        PLAN, calendars, x, referrals, NOBODY_HELPED, per_week=rates, hours=(8, 4), most_chairs=9,
        prices=prices, within_days=14, share=0.7, probability=0.7, seed=3,
    )  # fmt: skip

    assert sorted(table["days_a_week"]) == list(CALENDARS)
    assert set(table["keeps_course"]) == {True, False}
    for row in table.itertuples():
        days = calendars[row.days_a_week]
        day = replace(DAY, chairs=row.chairs, nurses=row.nurses, open_minutes=round(60 * row.hours))
        plan = replace(PLAN, day=day)
        found = simulate_clinic(plan, x, referrals, NOBODY_HELPED, days, seed=3, follow_days=14)
        load = clinic_load(plan, x, NOBODY_HELPED, days, rates)
        kept = share_within(found, 14)[:, 0] >= 0.7
        on_duty, vials = row.nurses * row.hours * days.sum() / 26, found.vials.sum() / 20
        beyond = row.nurses * found.overtime_minutes.sum() / 20 / 60
        year = 365.25 / 182
        cost = (
            50 * (26 * on_duty + beyond) * year / 0.8
            + 9_000 * row.chairs
            + 30 * vials * year
            + 5_000
        )
        expected = {
            "visits_a_week": len(appointments(day)) * days.sum() / 26,
            "nurse_hours_a_week": on_duty,
            # From day 0 to day 7 are eight days.
            "keeps_course": row.course_weeks <= 1.15 * 8 / 7,
            "load": np.percentile(load.demand / load.capacity, 50),
            "probability": kept.mean(),
            "standard_error": kept.std(ddof=1) / np.sqrt(20),
            "enough": kept.mean() >= 0.7,
            "cost_a_year": cost if row.enough else np.nan,
            "income_a_year": 400 * found.infusions.sum() / 20 * year,
        }
        for name, value in expected.items():
            assert getattr(row, name) == pytest.approx(value, nan_ok=True), (row.days_a_week, name)

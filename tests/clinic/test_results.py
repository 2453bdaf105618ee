"""Tables of the clinic, its sizing, and the sentences in which they refuse."""

import functools
import math
from collections import Counter
from dataclasses import fields, replace
from datetime import date

import numpy as np
import pytest
from clinic_models import ALL_DAYS, DAY, EVENTFUL, PLAN, SURE, draws, on_days, simulate

from plcore.clinic.day import open_days, with_chairs
from plcore.clinic.patients import random_referrals, with_waiting_list
from plcore.clinic.results import (
    BY_DAY,
    FATES,
    ClinicOutcome,
    by_period,
    clinic_load,
    clinic_measures,
    clinic_table,
    course_in_words,
    days_from,
    fates_table,
    months_from,
    share_within,
    wait_in_words,
    weeks_from,
)
from plcore.clinic.schedule import simulate_clinic
from plcore.clinic.sizing import fewest, sizing_table
from plcore.models.course import CoursePlan
from plcore.printed import digits

ONE_INFUSION = replace(PLAN, course=CoursePlan((0,)))
RELIEF = np.array([[np.nan, 20.0]])


def measure(outcome, name, **options):
    return clinic_measures(outcome, **options)[name][1]


def sizes(chairs):
    referrals = random_referrals(30.0, n_days=120, n_runs=4, seed=1)
    return sizing_table(
        PLAN, [with_chairs(DAY, n) for n in chairs], draws(EVENTFUL, 2), referrals, RELIEF,
        ALL_DAYS, within_days=14, share=0.9, seed=1,
    )  # fmt: skip


def test_waits_are_counted_from_referral_to_the_first_infusion():
    # Eight a day: of twenty who come on day 0 eight wait 0 days, eight 1 and four 2.
    found = simulate(ONE_INFUSION, referrals=on_days(*[0] * 20))

    assert measure(found, "wait_mean")[0, 0] == pytest.approx((8 * 0 + 8 * 1 + 4 * 2) / 20)
    assert measure(found, "wait_90th_percentile")[0, 0] == 2
    assert share_within(found, 0)[0, 0] == 8 / 20
    assert share_within(found, 1)[0, 0] == 16 / 20


def test_those_who_still_wait_at_the_end_are_followed_until_they_are_seen():
    # Eight a day: three days hold 24 of 30, and six are seen on the fourth.
    three = {"referrals": on_days(*[0] * 30), "days": np.ones(3, dtype=bool)}
    found = simulate(ONE_INFUSION, **three)

    assert measure(found, "wait_mean")[0, 0] == pytest.approx((8 * (0 + 1 + 2) + 6 * 3) / 30)
    assert measure(found, "waiting_at_end")[0, 0] == 6
    assert not found.unseen.any()
    # As if the days had gone on.
    longer = simulate(ONE_INFUSION, referrals=on_days(*[0] * 30))
    assert measure(longer, "wait_mean") == measure(found, "wait_mean")
    assert "The mean wait for the first infusion is 1.40 days; because of" in wait_in_words(
        found, clinic_load(ONE_INFUSION, draws(SURE), RELIEF, found.open, 0.1)
    )


def test_the_wait_in_overload_is_that_of_the_same_patients_followed_on():
    # Twice as many as one chair holds. With the days continued for three years all are seen.
    plan = replace(PLAN, day=with_chairs(DAY, 1))
    referrals = random_referrals([[20.0], [3.0]], n_days=364, n_runs=3, seed=1)
    days = open_days(date(2026, 1, 5), 364)
    x = draws(EVENTFUL, 2)
    short = simulate_clinic(plan, x, referrals, RELIEF, days, seed=1)
    nobody = 364 * 4
    on = np.where(referrals < 364, referrals, nobody)
    long = simulate_clinic(plan, x, on, RELIEF, np.tile(days, 4), seed=1)

    for name in ("wait_mean", "wait_90th_percentile", "first_infusion_within_30_days"):
        np.testing.assert_allclose(measure(short, name), measure(long, name))
    so_far = np.minimum(short.first_day, 364) - short.referred_day
    assert measure(short, "wait_mean")[0, 0] > 1.4 * so_far[0, 0][referrals[0, 0] < 364].mean()

    # The first draw has no mean, and each place that shows a wait says so.
    load = clinic_load(plan, x, RELIEF, days, [20.0, 3.0])
    assert load.never_clears.tolist() == [True, False]
    known = measure(short, "wait_mean", load=load)
    assert np.isinf(known[0]).all()
    assert np.isfinite(known[1]).all()
    row = clinic_table(short, load=load).set_index("measure").loc["wait_mean"]
    assert row[["mean", "high_unknown", "high_both"]].tolist() == [np.inf] * 3
    assert np.isfinite(row["low_unknown"])
    words = wait_in_words(short, load)
    assert "In 50% of the draws demand can be met: the mean wait" in words
    assert "In the others the wait has no end: those referred in these 1" in words
    assert "never clears" in words


def test_patients_who_give_up_end_an_overload_but_do_not_count_as_seen():
    plan = replace(ONE_INFUSION, day=with_chairs(DAY, 1))
    x = replace(draws(SURE), patience_days=np.array([20.0]))
    referrals = random_referrals([[40.0]], n_days=700, n_runs=4, seed=1)
    days = np.ones(700, dtype=bool)
    found = simulate_clinic(plan, x, referrals, RELIEF, days, seed=1)
    load = clinic_load(plan, x, RELIEF, days, 40.0)

    # Forty a week for 28 slots. In the long run as many give up as there is no slot for, and the
    # wait is that after which so many have (Whitt 2006, Oper Res 54:37-54): 20 ln(40 / 28) days.
    gave_up = measure(found, "gave_up_share", from_day=100)
    assert gave_up.mean() == pytest.approx(1 - 28 / 40, abs=0.02)
    assert measure(found, "wait_mean", from_day=100).mean() == pytest.approx(
        20 * np.log(40 / 28), abs=0.7
    )
    soon = share_within(found, 1000, from_day=100)
    np.testing.assert_allclose(soon, 1 - gave_up)
    assert not load.never_clears.any()
    assert "until 30% of new patients give up" in load.in_words()


def test_days_before_the_first_counted_are_left_out():
    found = simulate(ONE_INFUSION, referrals=on_days(*[0] * 20, 60))

    assert measure(found, "wait_mean", from_day=10)[0, 0] == 0
    assert measure(found, "infusions_a_year", from_day=10)[0, 0] == pytest.approx(365.25 / 110)


def test_a_course_lasts_from_its_first_infusion_to_its_last_with_both_days():
    """Infusions on days 0 and 13 of a course, a chair always free: two weeks, whoever comes."""
    plan = replace(PLAN, course=CoursePlan((0, 13)))
    found = simulate(plan, referrals=on_days(3, 10, 20))

    assert measure(found, "course_weeks")[0, 0] == pytest.approx(2.0)


def test_hours_and_shares_of_a_day_are_those_worked_out():
    # Eight visits of 90 minutes on two chairs open for 480 minutes; two nurses.
    found = simulate(ONE_INFUSION, referrals=on_days(*[0] * 8), days=np.ones(1, dtype=bool))

    assert measure(found, "chair_utilisation")[0, 0] == pytest.approx(8 * 90 / (2 * 480))
    assert measure(found, "nurse_utilisation")[0, 0] == pytest.approx(8 * 52.5 / (2 * 480))
    assert measure(found, "nurse_hours_a_year")[0, 0] == pytest.approx(16 * 365.25)
    # Eight doses of 40 mg: a vial of 200 mg each, or two for all.
    assert found.vials[0, 0, 0] == 8
    assert measure(found, "vials_a_year_shared")[0, 0] == 2 * 365.25


def test_what_we_do_not_know_and_what_chance_does_are_apart():
    rates = np.array([[4.0], [8.0], [12.0]])
    referrals = random_referrals(rates, n_days=120, n_runs=5, seed=1)
    certain = simulate_clinic(PLAN, draws(SURE, 3), referrals, RELIEF, ALL_DAYS, seed=1)
    table = clinic_table(certain).set_index("measure")
    row = table.loc["infusions_a_year"]

    by_draw = measure(certain, "infusions_a_year").mean(axis=1)
    assert row["mean"] == pytest.approx(by_draw.mean())
    assert row["low_unknown"] == pytest.approx(np.quantile(by_draw, 0.025))
    assert row["high_chance"] - row["low_chance"] < row["high_unknown"] - row["low_unknown"]
    assert row["low_both"] <= row["low_unknown"]
    # What chance does: how far each run is from the mean of its draw, about the mean of all.
    runs = measure(certain, "infusions_a_year")
    around = [x - own + by_draw.mean() for own, of in zip(by_draw, runs, strict=True) for x in of]
    assert row["low_chance"] == pytest.approx(np.quantile(around, 0.025))
    assert row["high_chance"] == pytest.approx(np.quantile(around, 0.975))


def test_sums_by_month_are_those_of_the_days():
    found = simulate(values=EVENTFUL, referrals=on_days(*range(0, 100, 2)))
    first = date(2026, 1, 20)

    table = by_period(found, months_from(first, 120)).set_index(["measure", "period"])

    assert table.loc[("infusions", "2026-01"), "mean"] == found.infusions[0, 0, :12].sum()
    assert table.loc[("waiting", "2026-01"), "mean"] == found.waiting[0, 0, 11]
    assert table.loc["mg"]["mean"].sum() == pytest.approx(found.mg.sum())
    assert table.loc[("booked", "2026-02"), "open_days"] == 28
    assert len(by_period(found, days_from(first, 120))) == 13 * 120


def test_weeks_are_those_of_the_iso_calendar():
    # 1 January 2027 is a Friday of the last week of 2026.
    assert weeks_from(date(2027, 1, 1), 4) == ["2026-W53"] * 3 + ["2027-W01"]


def test_every_patient_referred_has_one_fate():
    found = simulate(values=EVENTFUL, referrals=on_days(*range(100)))
    table = fates_table(found)

    assert table["people"].sum() == 100
    assert table["share"].sum() == pytest.approx(1)


def test_the_fewest_chairs_are_the_first_that_keep_the_service_level():
    table = sizes([1, 2, 4, 8, 12])

    chosen = fewest(table, probability=0.9)

    smaller = table[table["chairs"] < chosen["chairs"]]
    assert (smaller["probability"] < 0.9).all()
    assert chosen["probability"] >= 0.9
    assert len(smaller) > 0
    assert table["infusions_gained"].iloc[1] == pytest.approx(
        table["infusions_a_year"].iloc[1] - table["infusions_a_year"].iloc[0]
    )
    # Between two sizes whose lists never clear there is nothing to be saved.
    assert (table["days_saved"].dropna() >= 0).all()


def test_too_few_chairs_are_refused_with_the_growth_of_the_list():
    with pytest.raises(ValueError, match=r"2 chairs keep it with 0, and their waiting list grows"):
        fewest(sizes([1, 2]), probability=0.9)


def test_sizing_refuses_levels_that_cannot_be():
    with pytest.raises(ValueError, match="nobody was referred, so that"):
        sizing_table(
            PLAN, [DAY], draws(SURE), on_days(120), RELIEF, ALL_DAYS, within_days=20, share=0.9,
            seed=1,
        )  # fmt: skip
    with pytest.raises(ValueError, match=r"share is 1.2; expected above 0 and at most 1"):
        sizing_table(
            PLAN, [DAY], draws(SURE), on_days(0), RELIEF, ALL_DAYS, within_days=14, share=1.2,
            seed=1,
        )  # fmt: skip
    with pytest.raises(ValueError, match="no sizes; expected at least one"):
        sizes([])
    with pytest.raises(ValueError, match="probability is 0; expected above 0"):
        fewest(sizes([8]), probability=0)
    with pytest.raises(ValueError, match="per_week is -3; expected referrals a week, 0 or more"):
        clinic_load(PLAN, draws(SURE), RELIEF, ALL_DAYS, -3)


def test_tables_refuse_what_they_cannot_show():
    found = simulate()
    with pytest.raises(ValueError, match="3 periods; expected one for each of 120 days"):
        by_period(found, ["a", "b", "c"])
    with pytest.raises(ValueError, match="from_day is 120; expected from 0 to 119"):
        clinic_measures(found, from_day=120)
    with pytest.raises(ValueError, match="level is 95; expected a share"):
        clinic_table(found, level=95)


def test_arrays_have_the_axes_that_are_promised():
    referrals = random_referrals([[4.0], [5.0]], n_days=120, n_runs=3, seed=1)
    found = simulate_clinic(PLAN, draws(EVENTFUL, 2), referrals, RELIEF, ALL_DAYS, seed=1)
    shapes = {field.name: np.shape(getattr(found, field.name)) for field in fields(ClinicOutcome)}

    assert shapes["infusions"] == shapes["waiting"] == shapes["mg"] == (2, 3, 120)
    assert shapes["fate"] == shapes["first_day"] == (2, 3, referrals.shape[2])
    assert shapes["returns_broken_off"] == (2, 3)


@functools.cache
def crowded():
    """Three draws of four runs of a clinic with closed days and a list, and one chair more later."""
    plan = replace(PLAN, day=with_chairs(DAY, 1), changes=((70, replace(DAY, nurses=1)), (90, DAY)))
    x = replace(
        draws(EVENTFUL, 3), patience_days=np.array([15.0, 40.0, 90.0]), lead_days=np.full(3, 9.0)
    )
    rates = np.array([[6.0], [10.0], [18.0]])
    referrals = random_referrals(rates, n_days=120, n_runs=4, seed=2)
    referrals = with_waiting_list(referrals, 7)
    relief = np.array([[20.0, np.nan, 9.0], [20.0] * 3, [np.nan] * 3])
    days = open_days(date(2026, 1, 5), 120)
    found = simulate_clinic(plan, x, referrals, relief, days, seed=4, follow_days=5)
    # No course is broken off there: every third of those that patients drop out of is taken to be.
    fate, third = found.fate.copy(), np.arange(found.fate.shape[2]) % 3 == 0
    fate[(fate == FATES.index("dropped_out")) & third] = FATES.index("broken_off")
    return replace(found, fate=fate, returns_broken_off=np.arange(12).reshape(3, 4))


def measures_by_hand(found, draw, run, start):
    """Each measure of one run, day by day and patient by patient."""
    days = list(range(start, found.n_days))
    opened = [day for day in days if found.open[day]]
    year = 365.25 / len(days)
    of_day = {day: [p for first, p in found.plan.periods if first <= day][-1] for day in days}

    def total(name):
        return sum(float(getattr(found, name)[draw, run, day]) for day in days)

    def hours(what):
        return sum(getattr(of_day[day], what) * of_day[day].open_minutes / 60 for day in opened)

    mg, overtime = found.mg[draw, run], found.overtime_minutes[draw, run]
    beyond = sum(overtime[day] * of_day[day].nurses for day in days) / 60
    waiting = found.waiting[draw, run].tolist()
    half = (start + found.n_days) // 2
    waits, spans, gone, n, fates = [], [], 0, 0, []
    within = {14: [], 30: []}
    for i in range(found.fate.shape[2]):
        came, first, offered, done = (
            int(getattr(found, name)[draw, run, i])
            for name in ("referred_day", "first_day", "offered_day", "completed_day")
        )
        unseen, seen = bool(found.unseen[draw, run, i]), first < found.last_day
        fates.append(FATES[found.fate[draw, run, i]])
        if not start <= max(came, 0) < found.n_days or came >= found.n_days:
            continue
        n += 1
        left = not unseen and offered == found.last_day
        gone += left
        if seen or unseen:
            waits.append(first - came)
        if done < found.n_days:
            spans.append((done - first + 1) / 7)
        for limit, counted in within.items():
            if (seen or unseen or left) and came + limit < found.last_day:
                counted.append(seen and first - came <= limit)
    ordered = sorted(waits)
    return {
        "infusions_a_year": total("infusions") * year,
        "new_patients_a_year": total("first_offers") * year,
        "visits_booked_a_day": total("booked") / len(opened),
        "no_show_share": total("no_shows") / total("booked"),
        "chair_utilisation": total("chair_minutes") / 60 / hours("chairs"),
        "nurse_utilisation": total("nurse_minutes") / 60 / hours("nurses"),
        "wait_mean": sum(waits) / len(waits),
        "wait_90th_percentile": min(
            x for x in ordered if sum(y <= x for y in ordered) >= 0.9 * len(ordered) - 1e-9
        ),
        "first_infusion_within_14_days": np.mean(within[14]),
        "first_infusion_within_30_days": np.mean(within[30]),
        "gave_up_share": gone / n,
        "course_weeks": np.mean(spans),
        "waiting_at_end": waiting[-1],
        "waiting_growth_a_week": 7 * (waiting[-1] - waiting[half]) / (found.n_days - 1 - half),
        "courses_broken_off": fates.count("broken_off"),
        "returns_broken_off": found.returns_broken_off[draw, run],
        "nurse_hours_a_year": (hours("nurses") + beyond) * year,
        "overtime_a_day": total("overtime_minutes") / len(opened),
        "late_start_a_visit": total("late_minutes") / total("infusions"),
        "ketamine_a_year": total("mg") * year,
        "vials_a_year": total("vials") * year,
        "vials_a_year_shared": sum(math.ceil(mg[day] / 200 - 1e-9) for day in days) * year,
    }


@pytest.mark.parametrize("start", [0, 33])
def test_every_measure_is_that_of_its_days_and_patients(start):
    found = crowded()
    measures = clinic_measures(found, from_day=start)

    for draw, run in np.ndindex(3, 4):
        by_hand = measures_by_hand(found, draw, run, start)
        assert list(measures) == list(by_hand)
        for name, expected in by_hand.items():
            assert measures[name][1][draw, run] == pytest.approx(expected), name


def two_patients():
    """Three draws of four runs with two patients each, more and more of whom wait until they come."""
    x = replace(
        draws(EVENTFUL, 3), patience_days=np.array([3.0, 10.0, 40.0]), lead_days=np.full(3, 9.0)
    )
    return simulate_clinic(
        PLAN, x, np.tile([0, 20], (3, 4, 1)), RELIEF, open_days(date(2026, 1, 5), 120), seed=4
    )


@pytest.mark.parametrize("outcome", [crowded, two_patients])
def test_the_table_of_the_clinic_holds_the_limits_of_draws_and_of_runs(outcome):
    found = outcome()
    load = clinic_load(
        found.plan, replace(draws(EVENTFUL, 3)), RELIEF, found.open, [6.0, 10.0, 40.0]
    )
    table = clinic_table(found, level=0.98, load=load).set_index("measure")

    for name, (unit, values) in clinic_measures(found, load=load).items():
        row = table.loc[name]
        assert row["unit"] == unit
        if not np.isfinite(values).all():
            continue
        by_draw = [np.mean(runs) for runs in values]
        around = np.array([x - np.mean(of) + np.mean(by_draw) for of in values for x in of])
        if name != "waiting_growth_a_week":
            around = np.maximum(around, 0)
        if unit == "share":
            around = np.minimum(around, 1)
        assert row["mean"] == pytest.approx(np.mean(by_draw))
        for kind, sample in (("unknown", by_draw), ("chance", around), ("both", values.ravel())):
            assert row[f"low_{kind}"] == pytest.approx(np.percentile(sample, 1)), (name, kind)
            assert row[f"high_{kind}"] == pytest.approx(np.percentile(sample, 99)), (name, kind)
    # Lists that never clear are those of the draws in which more come than the clinic holds.
    assert table.loc["list_never_clears", "mean"] == (load.load >= 1).mean() == 1 / 3


def test_the_columns_of_the_table_by_month_are_those_of_all_runs():
    found, first = crowded(), date(2026, 1, 5)
    months = np.array(months_from(first, found.n_days))
    table = by_period(found, months.tolist(), level=0.8)

    assert table["measure"].unique().tolist() == list(BY_DAY)
    for row in table.itertuples():
        inside = np.flatnonzero(months == row.period)
        by_day = getattr(found, row.measure)
        at_end = row.measure in ("waiting", "ready")
        runs = [of[inside[-1]] if at_end else of[inside].sum() for draw in by_day for of in draw]
        assert row.open_days == found.open[inside].sum()
        numbers = [np.mean(runs), *np.percentile(runs, [50, 10, 90]), 0.8]
        assert [row.mean, row.median, row.low, row.high, row.level] == pytest.approx(numbers)


def test_each_fate_has_the_patients_who_met_it():
    found = crowded()
    table = fates_table(found).set_index("fate")

    n_runs = found.fate.shape[0] * found.fate.shape[1]
    met = Counter(FATES[fate] for fate in found.fate.ravel())
    referred = found.fate.size - met["not_referred"]
    assert table.index.tolist() == list(FATES[1:])
    for fate, row in table.iterrows():
        assert row["people"] == pytest.approx(met[fate] / n_runs)
        assert row["share"] == pytest.approx(met[fate] / referred)
    # What each fate is, as the patient's own days tell.
    fate, n = np.array(FATES)[found.fate], found.n_days
    assert (found.completed_day[fate == "completed"] < n).all()
    assert (found.completed_day[fate != "completed"] >= n).all()
    assert (found.referred_day[fate == "not_referred"] >= n).all()
    assert (found.first_day[fate == "waiting"] >= n).all()
    assert met["gave_up_waiting"] != met["broken_off"] > 0


def test_the_sentence_on_the_wait_has_the_limits_of_draws_and_runs():
    plan = replace(ONE_INFUSION, day=with_chairs(DAY, 1))
    rates = np.array([4.0, 9.0, 14.0, 22.0, 26.0, 40.0, 55.0, 80.0])
    referrals = random_referrals(rates[:, None], n_days=120, n_runs=5, seed=3)
    found = simulate_clinic(plan, draws(SURE, 8), referrals, RELIEF, ALL_DAYS, seed=3)
    load = clinic_load(plan, draws(SURE, 8), RELIEF, ALL_DAYS, rates)
    over = rates >= 28
    waits, late = (measure(found, f"wait_{which}") for which in ("mean", "90th_percentile"))

    known = waits[~over]
    by_draw = known.mean(axis=1)
    luck = np.maximum(by_draw.mean() + known - by_draw[:, None], 0)
    (low, high), (lucky, unlucky) = (np.percentile(x, [2.5, 97.5]) for x in (by_draw, luck))
    words = wait_in_words(found, load)
    assert words.startswith(
        f"In {np.mean(~over):.0%} of the draws demand can be met: the mean wait for the first "
        f"infusion is {digits(by_draw.mean())} days; because of what we do not know it may be "
        f"{digits(low)} to {digits(high)} days, and by chance alone {digits(lucky)} to "
        f"{digits(unlucky)} days. One in ten waits {digits(np.median(late[~over]))} days or more."
    )
    middle, low, high = np.percentile(waits[over], [50, 2.5, 97.5])
    grows = np.median(rates[over] - 28)
    assert (
        f"these {120 / 365.25:.2g} years wait at least {digits(middle)} days on average "
        f"({digits(low)} to {digits(high)}) and those after them longer, as the list grows by "
        f"{grows:.2g} a week and never clears."
    ) in words
    assert load.in_words() == (
        f"Demand is {np.median(rates / 28):.0%} of the visits that the clinic can book (median); it "
        f"exceeds capacity in {np.mean(over):.0%} of the draws, and the waiting list then keeps "
        f"growing, by {grows:.2g} patients a week (median), and never clears."
    )
    lost = np.median([(rate - 28) / rate for rate in rates[over]])
    assert (
        f"until {lost:.0%} of new patients give up (median)"
        in replace(load, gives_up=True).in_words()
    )


def test_the_sentence_on_the_course_has_its_median_and_warns_after_more_than_two_days():
    found = crowded()
    weeks = np.nanpercentile(measure(found, "course_weeks"), 50)
    words = f"course of 3 infusions planned for {weeks - 2.4 / 7:.2g} weeks takes {weeks:.2g} weeks"

    assert course_in_words(found, weeks_asked=weeks - 2.4 / 7) == f"A {words}."
    assert course_in_words(found, weeks_asked=weeks - 2.6 / 7).startswith("Warning: a course of 3")
    assert f"planned for {8 / 7:.2g} weeks" in course_in_words(found)

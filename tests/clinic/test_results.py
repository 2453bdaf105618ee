"""Tables of the clinic, its sizing, and the sentences in which they refuse."""

from dataclasses import fields, replace
from datetime import date

import numpy as np
import pytest
from clinic_models import ALL_DAYS, DAY, EVENTFUL, PLAN, SURE, draws, on_days, simulate

from plcore.clinic.day import open_days, with_chairs
from plcore.clinic.patients import random_referrals
from plcore.clinic.results import (
    ClinicOutcome,
    by_period,
    clinic_load,
    clinic_measures,
    clinic_table,
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

"""Tables of the clinic, its sizing, and the sentences in which they refuse."""

from dataclasses import fields, replace
from datetime import date

import numpy as np
import pytest
from clinic_models import ALL_DAYS, DAY, EVENTFUL, PLAN, SURE, draws, on_days, simulate

from plcore.clinic.day import with_chairs
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


def test_those_who_still_wait_count_with_their_wait_so_far():
    # Three days hold 24 of 30; six have waited three days at the end.
    found = simulate(ONE_INFUSION, referrals=on_days(*[0] * 30), days=np.ones(3, dtype=bool))

    assert measure(found, "wait_mean")[0, 0] == pytest.approx((8 * (0 + 1 + 2) + 6 * 3) / 30)
    assert measure(found, "waiting_at_end")[0, 0] == 6
    # Nobody was referred 14 days before the end.
    assert np.isnan(measure(found, "first_infusion_within_14_days")[0, 0])


def test_days_before_the_first_counted_are_left_out():
    found = simulate(ONE_INFUSION, referrals=on_days(*[0] * 20, 60))

    assert measure(found, "wait_mean", from_day=10)[0, 0] == 0
    assert measure(found, "infusions_a_year", from_day=10)[0, 0] == pytest.approx(365.25 / 110)


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


def test_sums_by_month_are_those_of_the_days():
    found = simulate(values=EVENTFUL, referrals=on_days(*range(0, 100, 2)))
    first = date(2026, 1, 20)

    table = by_period(found, months_from(first, 120)).set_index(["measure", "period"])

    assert table.loc[("infusions", "2026-01"), "mean"] == found.infusions[0, 0, :12].sum()
    assert table.loc[("waiting", "2026-01"), "mean"] == found.waiting[0, 0, 11]
    assert table.loc["mg"]["mean"].sum() == pytest.approx(found.mg.sum())
    assert table.loc[("booked", "2026-02"), "open_days"] == 28
    assert len(by_period(found, days_from(first, 120))) == 12 * 120


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
    assert (table["days_saved"].iloc[1:] >= 0).all()


def test_too_few_chairs_are_refused_with_the_growth_of_the_list():
    with pytest.raises(ValueError, match=r"2 chairs keep it with 0, and their waiting list grows"):
        fewest(sizes([1, 2]), probability=0.9)


def test_sizing_refuses_levels_that_cannot_be():
    with pytest.raises(ValueError, match="nobody was referred 200 days or more before"):
        sizing_table(
            PLAN, [DAY], draws(SURE), on_days(0), RELIEF, ALL_DAYS, within_days=200, share=0.9,
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

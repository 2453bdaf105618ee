"""A small clinic and its patients, for the tests of `plcore.clinic`."""

import numpy as np

from plcore.clinic.day import ClinicPlan, DayPlan, Dose
from plcore.clinic.patients import INPUTS, ClinicDraws
from plcore.clinic.schedule import simulate_clinic
from plcore.models.course import CoursePlan

DAY = DayPlan(
    chairs=2, nurses=2, open_minutes=480, infusion_minutes=40, recovery_minutes=50,
    turnover_minutes=10, patients_per_nurse=1, recovering_per_nurse=4,
)  # fmt: skip
PLAN = ClinicPlan(DAY, CoursePlan((0, 3, 7)), Dose(200, mg_per_kg=0.5))
#: Everybody comes, stays, weighs 80 kg and recovers in 50 minutes.
SURE = dict.fromkeys(INPUTS, 0.0) | {
    "recovery_minutes": 50.0, "male_weight": 80.0, "female_weight": 80.0,
}  # fmt: skip
#: Invented, and all of it eventful.
EVENTFUL = {
    "first_no_show": 0.25, "no_show": 0.15, "cancellation": 0.1, "dropout": 0.05,
    "return_uptake": 0.7, "recovery_minutes": 45.0, "recovery_spread": 0.4, "side_effect": 0.2,
    "extra_minutes": 45.0, "male_share": 0.6, "male_weight": 85.0, "male_weight_spread": 0.25,
    "female_weight": 74.0, "female_weight_spread": 0.27,
}  # fmt: skip
NOBODY_HELPED = np.array([[np.nan]])
ALL_DAYS = np.ones(120, dtype=bool)


def draws(values, n=1):
    return ClinicDraws(**{name: np.full(n, value) for name, value in values.items()})


def on_days(*days):
    return np.array([[list(days)]])


def simulate(plan=PLAN, values=SURE, referrals=None, relief=NOBODY_HELPED, days=ALL_DAYS, seed=1):
    referrals = on_days(0) if referrals is None else referrals
    return simulate_clinic(plan, draws(values), referrals, relief, days, seed=seed)

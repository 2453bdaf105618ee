"""An infusion clinic: chairs, nurses, courses, waiting lists.

* `queue`: the plain queue of several servers, visit by visit. `closed_forms`: Erlang B and C,
  Pollaczek and Khinchine, Allen and Cunneen.
* `hours`: days on which the clinic is open, and the visits that a day holds.
* `plan`: what the clinic chooses, what is believed of its patients. `patients`: who comes.
* `schedule`: the simulation, day by day. `outcome`, `results`: what came of it.
* `load`: whether demand can be met at all. `sizing`: how many chairs and nurses.

Why not a library. Ciw and SimPy simulate one replication at a time, event by event, hundreds of
times slower (`benchmarks/clinic.py`, which holds all three against each other, visit by visit);
neither knows courses, overbooking against missed visits, or uncertain inputs.
"""

from plcore.clinic.closed_forms import (
    allen_cunneen,
    erlang_b,
    erlang_c,
    fewest_servers,
    mean_wait,
    one_server_mean_wait,
    wait_within,
)
from plcore.clinic.hours import DayPlan, appointments, fewest_nurses, open_days, us_federal_holidays
from plcore.clinic.load import Load, clinic_load
from plcore.clinic.outcome import FATES, ClinicOutcome
from plcore.clinic.patients import (
    given_referrals,
    random_referrals,
    relief_after_course,
    with_waiting_list,
)
from plcore.clinic.plan import INPUTS, PARAMETERS, ClinicDraws, ClinicPlan, Dose, clinic_draws
from plcore.clinic.queue import busy_share, waits
from plcore.clinic.results import (
    by_period,
    clinic_measures,
    clinic_table,
    days_from,
    fates_table,
    months_from,
    share_within,
    vials_shared,
    weeks_from,
)
from plcore.clinic.schedule import simulate_clinic
from plcore.clinic.sizing import fewest, sizing_table, with_chairs, with_gains

__all__ = [
    "FATES",
    "INPUTS",
    "PARAMETERS",
    "ClinicDraws",
    "ClinicOutcome",
    "ClinicPlan",
    "DayPlan",
    "Dose",
    "Load",
    "allen_cunneen",
    "appointments",
    "busy_share",
    "by_period",
    "clinic_draws",
    "clinic_load",
    "clinic_measures",
    "clinic_table",
    "days_from",
    "erlang_b",
    "erlang_c",
    "fates_table",
    "fewest",
    "fewest_nurses",
    "fewest_servers",
    "given_referrals",
    "mean_wait",
    "months_from",
    "one_server_mean_wait",
    "open_days",
    "random_referrals",
    "relief_after_course",
    "share_within",
    "simulate_clinic",
    "sizing_table",
    "us_federal_holidays",
    "vials_shared",
    "wait_within",
    "waits",
    "weeks_from",
    "with_chairs",
    "with_gains",
    "with_waiting_list",
]

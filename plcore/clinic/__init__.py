"""The clinic: people around it, patients who would come, and what a day holds.

* `places`: which counties make up an area, and whom other clinics and the way keep from coming.
* `people`: who lives there, with limb loss, and in pain; the adjustment for diabetes against
  amputations that were counted in California.
* `demand`: which people in pain would come, and when, or a planner's own counts instead.
* `day`: what the clinic chooses, and the visits that a day holds. `patients`: who comes, what is
  believed of them, and their luck.
* `schedule`: the simulation, day by day, and waits for a chair within a day.
* `results`: what came of it, as tables and sentences, and whether demand can be met at all.
* `sizing`: how many chairs; chairs, nurses, hours and days together, by cost.

Why not a library for the simulation. Ciw and SimPy simulate one replication at a time, event by
event, hundreds of times slower (`benchmarks/clinic.py` compares all three visit by visit); neither
knows courses, overbooking against missed visits, or uncertain inputs.
"""

from plcore.clinic.day import ClinicPlan, DayPlan, Dose
from plcore.clinic.demand import Demand, Funnel, OwnNumbers, demand_table, funnel_table
from plcore.clinic.patients import ClinicDraws
from plcore.clinic.people import check_california, people_nearby
from plcore.clinic.places import Area, by_state
from plcore.clinic.results import ClinicOutcome, by_period, clinic_table, months_from
from plcore.clinic.schedule import simulate_clinic
from plcore.clinic.sizing import fewest

__all__ = [
    "Area",
    "ClinicDraws",
    "ClinicOutcome",
    "ClinicPlan",
    "DayPlan",
    "Demand",
    "Dose",
    "Funnel",
    "OwnNumbers",
    "by_period",
    "by_state",
    "check_california",
    "clinic_table",
    "demand_table",
    "fewest",
    "funnel_table",
    "months_from",
    "people_nearby",
    "simulate_clinic",
]

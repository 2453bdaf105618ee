"""The chain from people to chairs as a model, for `plcore.simulate.runs` and `plcore.analysis`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from plcore.clinic import appointments, clinic_draws, clinic_load
from plcore.clinic.catchment import Area, people_nearby
from plcore.clinic.demand import by_year
from plcore.models.outcome import Outcome
from plcore.planner.answers import calendar, patients_expected, relief_of
from plcore.planner.settings import Settings
from plcore.scenarios import Scenario


def chairs_filled(
    draws: pd.DataFrame, scenario: Scenario, *, settings: Settings, area: Area
) -> Outcome:
    """Patients, infusions and chairs of a clinic by year since its opening, worked out.

    To simulate it, fix what is not uncertain:
    ``run(partial(chairs_filled, settings=settings, area=settings.area()), scenario)`` with the
    years of the scenario those of the clinic. Chance is left out, and so is waiting.

    Parameters
    ----------
    draws : DataFrame
        The columns that `plcore.clinic.catchment.people_nearby` needs, and those of steps, course and
        clinic (names that begin with demand_, course_ and clinic_).
    scenario : Scenario
        Its first and last year are the first and last of the clinic.
    settings : Settings
        Its year, number of years, scenario and place are not looked at; the choices above and
        `area` say them.
    area : Area

    Returns
    -------
    Outcome
        Values plp, in_pain and would_come (people of the year, come already or not), new_patients (of the
        year), infusions (that they lead to in the long run, returns included) and chairs_filled:
        the visits that they lead to, however late, over those that one chair holds in a year.
    """
    years = scenario.years
    choices = {**scenario.choices, "last_year": int(years[-1]) + 1}
    people = people_nearby(draws, replace(scenario, choices=choices), area=area)
    settings = replace(settings, year=int(years[0]), n_years=len(years))
    funnel, demand = patients_expected(settings, people, draws)
    new_patients = by_year(demand.per_week, settings.opening())
    plan = settings.clinic()
    one_chair = replace(plan.day, chairs=1, nurses=1, most_visits=None)
    load = clinic_load(
        plan, clinic_draws(draws), relief_of(settings, draws), calendar(settings), 1.0
    )
    held = len(appointments(one_chair)) * plan.overbooking * calendar(settings).mean() * 365.25
    values = {name: funnel.people[name][:, :-1] for name in ("plp", "in_pain")}
    values["would_come"] = funnel.people["choosing"][:, :-1]
    values["new_patients"] = new_patients
    values["infusions"] = new_patients * load.infusions_each[:, np.newaxis]
    values["chairs_filled"] = new_patients * load.visits_each[:, np.newaxis] / held
    return Outcome(years, values, people.extrapolated[:-1])

"""Demand: from people with phantom limb pain around a clinic to the patients who come to it.

* `funnel`: who of those in pain would come at all, step by step.
* `flow`: when they come, those in pain at the opening apart from those who lose a limb later.
* `own`: a planner's own numbers in place of the modelled ones, and beside them.
"""

from plcore.clinic.demand.flow import Demand, Opening, by_year, demand_table, expected_referrals
from plcore.clinic.demand.funnel import (
    SEVERITIES,
    STEPS,
    Funnel,
    Step,
    funnel_table,
    parameter_of,
    people_to_patients,
)
from plcore.clinic.demand.own import (
    OWN,
    OwnNumbers,
    beside,
    own_per_week,
    read_own,
    sampled_months,
    template,
    with_own_people,
)

__all__ = [
    "OWN",
    "SEVERITIES",
    "STEPS",
    "Demand",
    "Funnel",
    "Opening",
    "OwnNumbers",
    "Step",
    "beside",
    "by_year",
    "demand_table",
    "expected_referrals",
    "funnel_table",
    "own_per_week",
    "parameter_of",
    "people_to_patients",
    "read_own",
    "sampled_months",
    "template",
    "with_own_people",
]

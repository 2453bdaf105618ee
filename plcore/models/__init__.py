"""Models: draws and a scenario in, an `Outcome` out.

- `outcome`: what every model returns;
- `published`: the published pair of numbers, and three readings of it;
- `limb_loss`: people living with limb loss, by cause, age and time since the loss;
- `recursion`: the arithmetic of `limb_loss`, year by year;
- `observed`: what the model predicts of each published count, for the fit;
- `pain`: people with phantom limb pain among them;
- `course`: patients through a course of infusions.
"""

from plcore.models.course import (
    CLAIMED,
    EVIDENCE,
    PLACEBO_ONLY,
    CoursePlan,
    course_by_day,
    course_draws,
    course_table,
    draw_chance,
    infusion_days,
    simulate_course,
)
from plcore.models.limb_loss import (
    age_pyramid,
    people_with_limb_loss,
    time_since_loss,
)
from plcore.models.observed import amputations
from plcore.models.outcome import Outcome
from plcore.models.pain import born_without_a_limb, pain_by_time_since_loss, people_with_pain
from plcore.models.published import implications, three_readings

__all__ = [
    "CLAIMED",
    "EVIDENCE",
    "PLACEBO_ONLY",
    "CoursePlan",
    "Outcome",
    "age_pyramid",
    "amputations",
    "born_without_a_limb",
    "course_by_day",
    "course_draws",
    "course_table",
    "draw_chance",
    "implications",
    "infusion_days",
    "pain_by_time_since_loss",
    "people_with_limb_loss",
    "people_with_pain",
    "simulate_course",
    "three_readings",
    "time_since_loss",
]

"""Draws and a scenario in, an Outcome out."""

from plcore.models.course import (
    CLAIMED,
    EVIDENCE,
    PLACEBO_ONLY,
    CourseDraws,
    CoursePlan,
    course_by_day,
    course_draws,
    course_table,
    draw_chance,
    infusion_days,
    simulate_course,
)
from plcore.models.incidence import group_sums, losses_with_diabetes, mean_age_at_loss, rising_shape
from plcore.models.outcome import Outcome
from plcore.models.pain import born_without_a_limb, people_with_pain, share_in_pain
from plcore.models.projection import (
    age_pyramid,
    people_and_mortality,
    people_with_limb_loss,
    time_since_loss,
)
from plcore.models.readings import implications, three_readings

__all__ = [
    "CLAIMED",
    "EVIDENCE",
    "PLACEBO_ONLY",
    "CourseDraws",
    "CoursePlan",
    "Outcome",
    "age_pyramid",
    "born_without_a_limb",
    "course_by_day",
    "course_draws",
    "course_table",
    "draw_chance",
    "group_sums",
    "implications",
    "infusion_days",
    "losses_with_diabetes",
    "mean_age_at_loss",
    "people_and_mortality",
    "people_with_limb_loss",
    "people_with_pain",
    "rising_shape",
    "share_in_pain",
    "simulate_course",
    "three_readings",
    "time_since_loss",
]

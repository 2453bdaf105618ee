"""How the page prints its numbers, what it calls them, and what each rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from plcore.planner.page.clinic import CHAIRS, MOST_BUSY
from plcore.planner.page.nation import N_YEARS

#: Significant digits by unit; three for all others.
_DIGITS = {"share": 2, "days": 2}
#: Units of what is counted one by one.
_WHOLE = ("chairs", "nurses", "visits a day")

_YEARS = range(1, N_YEARS + 1)
#: Rows of the answer, in words. {year} is the year of the row, {severity} the pain counted.
LABELS: Mapping[str, str] = {
    "residents": "People who live there",
    "limb_loss": "live with limb loss",
    "plp": "have phantom limb pain now",
    "in_pain": "in pain that is {severity}",
    "sought_care": "have sought care for it at some time",
    "recognised": "whose pain a clinician knows as phantom limb pain",
    "eligible": "have no reason against an infusion",
    "accepting": "would have a course",
    "choosing": "would have it at this clinic",
    **{f"patients_{i}": "New patients in {year}" for i in _YEARS},
    **{f"infusions_{i}": "Infusions for those of {year}" for i in _YEARS},
    "load_on_average": "Load over the five years",
    "visits_a_week": "Visits to book a week, in the busiest year",
    "held_a_week": "Visits that the clinic can book a week",
    "visits_a_day": "Visits that a day holds",
    "nurses": "Nurses on duty for that",
    "load": "Load in the busiest year",
    "never_clears": "Chance that the busiest year exceeds capacity",
    "growth_a_week": "then the list grows, while that lasts, a week by",
    "wait_mean": "Mean wait for the first infusion",
    "wait_90th_percentile": "Nine in ten wait less than",
    "first_infusion_within_14_days": "First infusion within 14 days",
    "first_infusion_within_30_days": "First infusion within 30 days",
    "wait_by_luck": "Mean wait by luck alone, all else at its median",
    "chairs_needed": f"Chairs for a load of at most {MOST_BUSY:.0%}",
    "chairs_to_plan": "Chairs that keep it in four of five cases",
    "never_clears_with_most": f"Chance that {CHAIRS[-1]} chairs are too few",
}
_LIMB_LOSS = tuple(
    f"{cause}_{what}"
    for cause in ("dysvascular", "trauma", "cancer")
    for what in ("rate_1996", "first_share", "ratio_1988", "ratio_1950", "hazard_ratio",
                 "first_year_excess")
    if (cause, what) != ("cancer", "first_share")
)  # fmt: skip
#: Parameters that come in with a row, by its key; later rows rest on those before as well.
RESTS_ON: Mapping[str, tuple[str, ...]] = {
    "limb_loss": (*_LIMB_LOSS, "diabetes_elasticity"),
    "plp": ("plp_prevalence", "plp_fall"),
    "plp:minor_excluded": ("minor_share",),
    "in_pain:weekly": ("severity_weekly",),
    "in_pain:moderate_severe": ("severity_moderate_severe",),
    "in_pain:extremely_bothersome": ("severity_extremely_bothersome",),
    "sought_care": ("demand_sought_care",),
    "sought_care:extremely_bothersome": ("demand_sought_care_severe",),
    "recognised": ("demand_recognised",),
    "eligible": ("demand_eligible",),
    "accepting": ("demand_accepting",),
    "choosing": ("demand_choosing",),
    "patients_1": ("demand_years_to_come",),
    "infusions_1": (
        "course_dropout", "course_return_uptake", "course_drug_response",
        "course_placebo_response", "clinic_first_no_show", "clinic_no_show",
    ),
    "wait_mean": ("clinic_cancellation",),
}  # fmt: skip


def shown(value: float, unit: str) -> str:
    """A number as the page prints it: three significant digits, two of days and percent.

    Chairs, nurses and visits a day are whole. Halves are rounded up, of the number as the computer has it.
    """
    if math.isinf(value):
        return f"more than {CHAIRS[-1]}" if unit == "chairs" else "does not settle"
    if unit in _WHOLE:
        return f"{value:.0f}"
    digits = _DIGITS.get(unit, 3)
    exact = Decimal(100 * value if unit == "share" else value)
    if exact == 0:
        text = "0"
    else:
        rounded = _rounded(exact, digits)
        decimals = max(0, digits - 1 - rounded.adjusted())
        text = f"{rounded:,.{decimals}f}"
    return f"{text}%" if unit == "share" else text


def _rounded(exact: Decimal, digits: int) -> Decimal:
    step = Decimal(1).scaleb(exact.adjusted() - digits + 1)
    return (exact / step).quantize(Decimal(1), rounding=ROUND_HALF_UP) * step

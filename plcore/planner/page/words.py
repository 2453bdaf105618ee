"""What the page calls its numbers, and what each rests on: parameters with interval and source."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from plcore.evidence.data import DATA, cite, reference
from plcore.evidence.labels import in_unit, label_of
from plcore.evidence.parameters import Parameter
from plcore.models.pain import BOUNDS_IN_WORDS
from plcore.planner.page.clinic import MOST_BUSY
from plcore.planner.page.nation import N_YEARS, SCENARIOS
from plcore.scenarios import read_scenario

_YEARS = range(1, N_YEARS + 1)
#: Rows of the answer, in words. {year} is the year of the row, {severity} the pain counted.
LABELS: Mapping[str, str] = {
    "residents": "People who live there",
    "limb_loss": "live with limb loss",
    "plp": "have phantom limb pain now",
    **{bound: f"... {words}" for bound, words in BOUNDS_IN_WORDS.items()},
    "in_pain": "in pain that is {severity}",
    **{f"in_pain_{bound}": f"... {words}" for bound, words in BOUNDS_IN_WORDS.items()},
    "sought_care": "have sought care for it at some time",
    "recognised": "whose pain a clinician knows as phantom limb pain",
    "eligible": "have no reason against an infusion",
    "accepting": "would have a course",
    "choosing": "would have it at this clinic",
    **{f"patients_{i}": "New patients in {year}" for i in _YEARS},
    "patients_all": "New patients in all five years",
    **{f"infusions_{i}": "Infusions for the new patients of {year}" for i in _YEARS},
    "busiest_year": "Busiest year",
    "visits_a_week": "Visits to book each week of that year",
    "held_a_week": "Visits that the clinic can book each week",
    "visits_a_day": "Visits that fit into a day",
    "nurses": "Nurses on duty for these visits",
    "load": "Load of the busiest year",
    "never_clears": "Chance that demand exceeds capacity",
    "growth_a_week": "Patients by whom the list then grows each week",
    "wait_mean": "Mean wait for the first infusion",
    "wait_90th_percentile": "Nine in ten wait less than",
    "first_infusion_within_14_days": "First infusion within 14 days",
    "first_infusion_within_30_days": "First infusion within 30 days",
    "wait_by_luck": "Mean wait by luck alone, all else at its median",
    "chairs_needed": f"Chairs for a load of at most {MOST_BUSY:.0%}",
    "chairs_to_plan": "Chairs that keep to this load in four of five cases",
    "nurses_to_plan": "Nurses on duty for these chairs",
    "days_to_plan": "Open days a week that are enough with these chairs",
    "half_load": "Load of the busiest year if half as many come",
    "half_chairs_needed": "Chairs if half as many come",
    "half_chairs_to_plan": "Chairs that then keep to this load in four of five cases",
    "clear_week": "Weeks until the waiting list is cleared",
    "no_list": "Chance that no list builds up",
}
#: Of the limb loss model, fitted to all observations at once: those that move its number most.
_LIMB_LOSS = (
    "dysvascular_rate_1996", "dysvascular_first_share", "dysvascular_step_2024",
    "dysvascular_minor_share_2019", "dysvascular_ratio_change", "dysvascular_major_hazard_ratio",
    "dysvascular_minor_hazard_ratio", "trauma_rate_1996", "trauma_outside_hospitals",
    "trauma_ratio_1950", "trauma_hazard_ratio", "cancer_rate_1996",
)  # fmt: skip
#: Parameters that come in with a row, by its key; later rows rest on those before as well.
RESTS_ON: Mapping[str, tuple[str, ...]] = {
    "limb_loss": (*_LIMB_LOSS, "diabetes_elasticity"),
    "plp": ("plp_prevalence", "plp_prevalence_minor", "plp_fall"),
    **dict.fromkeys(BOUNDS_IN_WORDS, ("plp_prevalence", "plp_fall")),
    **dict.fromkeys([f"in_pain_{bound}" for bound in BOUNDS_IN_WORDS], ("plp_prevalence", "plp_fall")),
    "in_pain:weekly": ("severity_weekly",),
    "in_pain:moderate_severe": ("severity_moderate_severe",),
    "in_pain:extremely_bothersome": (
        "severity_moderate_severe", "severity_extremely_bothersome",
    ),
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

#: Sources of what is certain, or drawn.
_OF_PLACES = (
    "census_v2023", "census_counties_2023", "cdc_places_2022", "census_population_centres_2020",
    "census_zip_areas_2021", "geonames_postal_2025", "census_county_outlines_2023",
)  # fmt: skip


def footnotes(*, folder: Path = DATA) -> list[dict[str, str]]:
    """A footnote a parameter, in the order in which rows bring them in.

    Keys: parameter, label, value, cited, seen, note; scenario where it is another scenario's.
    """
    baseline = {p.name: p for p in read_scenario(folder=folder).parameters}
    names = list(dict.fromkeys(name for rests in RESTS_ON.values() for name in rests))
    notes = [_note(baseline[name], "", folder) for name in names]
    for scenario in SCENARIOS:
        for other in read_scenario(scenario, folder=folder).parameters:
            known = baseline[other.name]
            if (other.dist, other.shape) != (known.dist, known.shape):
                notes.append(_note(other, scenario, folder))
    return notes


def references(notes: list[dict[str, str]], *, folder: Path = DATA) -> list[str]:
    """The full references of the footnotes and of the counties' data, in alphabetical order."""
    keys = {key for note in notes for key in note["sources"].split(";")} | set(_OF_PLACES)
    return sorted({reference(key, folder=folder) for key in keys - {"assumed"}}, key=str.casefold)


def _note(parameter: Parameter, scenario: str, folder: Path) -> dict[str, str]:
    low, high = parameter.interval()
    numbers = [in_unit(value, parameter.unit) for value in (parameter.median, low, high)]
    value = numbers[0] if low == high else f"{numbers[0]} ({numbers[1]} to {numbers[2]})"
    return {
        "parameter": parameter.name,
        "label": label_of(parameter.name),
        "value": value,
        "sources": parameter.source,
        "cited": cite(parameter.source, seen=parameter.seen, folder=folder),
        "seen": parameter.seen,
        "note": parameter.note,
        "scenario": scenario,
    }

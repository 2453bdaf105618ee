"""The planner's page: tables, style and script in one file that needs nothing else.

Here stand also the names that it has for its numbers, and what each number rests on.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template

import numpy as np
from numpy.typing import ArrayLike, NDArray

from plcore.clinic.demand import FUNNEL_STEPS, SEVERITIES, WEEKS_A_YEAR, Opening, parameter_of
from plcore.clinic.places import COUNTIES, EARTH_RADIUS_KM, frame
from plcore.evidence.data import DATA, cite, reference
from plcore.evidence.distributions import Floats
from plcore.evidence.labels import in_unit, label_of
from plcore.evidence.parameters import Parameter
from plcore.models.pain import BOUNDS, BOUNDS_IN_WORDS
from plcore.planner.decisions import BLOCKS, FACTORS, SELDOM, SENTENCES, SEVERITY_WORDS, UNSURE
from plcore.planner.page import numbers
from plcore.planner.page.numbers import (
    MAP_STEPS,
    MOST_BUSY,
    N_CELLS,
    N_DRAWS,
    N_YEARS,
    OPENINGS,
    SCENARIOS,
    Count,
    Gazetteer,
    Nation,
    Places,
    outlines,
    read_gazetteer,
    read_nation,
    read_places,
)
from plcore.planner.sentences import QUESTIONS
from plcore.scenarios import read_scenario

_ASSETS = Path(__file__).parent / "assets"
#: One after the other, in this order.
_SCRIPTS = (
    "page.js", "arithmetic.js", "decisions.js", "sheet.js", "map.js", "fields.js", "answer.js",
    "place.js", "take.js", "start.js",
)  # fmt: skip
#: What any page that is one file begins with: its elements, and results to take along.
PAGE_SCRIPT = _ASSETS / "page.js"


def planner_html(*, made_from: str = "", runs_share: float = 1.0, folder: Path = DATA) -> str:
    """The planner's page as HTML; the same data give the same text.

    Parameters
    ----------
    made_from : str
        What the page says it was made from, such as a version and a commit.
    runs_share : float
        Share of the usual runs of chance behind the waits, above 0: a test can do with fewer.
    folder : Path
        Where the tables are read.
    """
    notes = footnotes(folder=folder)
    content = {
        "places": _places(read_places(folder=folder), folder),
        "nation": _nation(read_nation(folder=folder)),
        "clinic": _clinic(numbers.clinic_tables(folder=folder)),
        "waits": _waits(numbers.simulated_waits(runs_share=runs_share, folder=folder)),
        "gazetteer": _gazetteer(read_gazetteer(folder=folder)),
        "severities": SEVERITY_WORDS,
        "questions": QUESTIONS,
        "sentences": SENTENCES,
        "factors": FACTORS,
        "finding": {"unsure": UNSURE, "blocks": BLOCKS, "seldom": SELDOM},
        "labels": LABELS,
        "rests_on": RESTS_ON,
        "footnotes": notes,
        "references": references(notes, folder=folder),
    }
    asset = {path.name: path.read_text(encoding="utf-8") for path in _ASSETS.iterdir()}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Template(asset["planner.html"]).substitute(
        style=asset["planner.css"],
        script="\n".join(asset[name] for name in _SCRIPTS),
        # Inside <script>, "</script>" and "<!--" would end or change the text.
        content=text.replace("<", "\\u003c"),
        made_from=escape(made_from),
    )


def _gazetteer(gazetteer: Gazetteer) -> Mapping[str, object]:
    before, coded = "", []
    for name in gazetteer.names:
        # In alphabetical order a name begins like the one before it: how much is a letter.
        same = next(
            (i for i, (a, b) in enumerate(zip(before, name, strict=False)) if a != b),
            min(len(before), len(name)),
        )
        coded.append(f"{chr(48 + same)}{name[same:]}")
        before = name
    return {
        "names": "\n".join(coded),
        "zips": _whole(2 * np.diff(gazetteer.zips, prepend=0) + gazetteer.pointed),
        "name": _whole(np.diff(gazetteer.name, prepend=0)),
        "state": _whole(np.diff(gazetteer.state, prepend=0)[_changes(gazetteer.state)]),
        "state_from": _whole(np.diff(np.flatnonzero(_changes(gazetteer.state)), prepend=0)),
        "states": gazetteer.states,
        "lat": _whole(np.diff(gazetteer.lat, prepend=0)),
        "lon": _whole(np.diff(gazetteer.lon, prepend=0)),
    }


def _changes(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray(np.diff(values, prepend=-1) != 0)


def _places(places: Places, folder: Path) -> Mapping[str, object]:
    rows = frame(COUNTIES, folder=folder)
    rings = outlines(places, folder=folder)
    moves = [np.diff(ring, axis=0, prepend=[[0, 0]]).ravel() for county in rings for ring in county]
    return {
        "fips": _whole(np.diff(places.fips.astype(np.int64), prepend=0)),
        "names": places.name.tolist(),
        "states": dict(zip(rows["state"], rows["state_name"], strict=True)),
        # Printed to six decimals.
        "lat": _whole(np.rint(1e6 * places.lat)),
        "lon": _whole(np.rint(1e6 * places.lon)),
        "people": _whole(places.people),
        "log_ratio": _double(places.log_ratio),
        "ages_estimated": _whole(places.ages_estimated),
        "diabetes_of_state": _whole(places.diabetes_of_state),
        "earth_radius_km": EARTH_RADIUS_KM,
        "rings": _whole([len(county) for county in rings]),
        "corners": _whole([len(ring) for county in rings for ring in county]),
        "moves": _whole(np.concatenate(moves)),
        "map_steps": MAP_STEPS,
    }


def _nation(nation: Nation) -> Mapping[str, object]:
    columns: dict[str, int] = {}
    counts: dict[str, int] = {}
    scenarios = []
    for beliefs in nation.beliefs:
        own = {str(name): _double(values) for name, values in beliefs.draws.items()}
        scenarios.append(
            {
                "name": beliefs.name,
                "title": beliefs.title,
                "note": beliefs.note,
                "columns": {name: columns.setdefault(own[name], len(columns)) for name in own},
                "counts": {
                    name: counts.setdefault(_count(count), len(counts))
                    for name, count in beliefs.counts.items()
                },
            }
        )
    return {
        "openings": list(OPENINGS),
        "n_years": N_YEARS,
        "n_draws": N_DRAWS,
        "n_cells": N_CELLS,
        "residents": _double(nation.residents),
        "columns": list(columns),
        "counts": [json.loads(text) for text in counts],
        "scenarios": scenarios,
        "severities": dict(SEVERITIES),
        # The scenarios of the same limb loss that are the bounds of pain under the baseline.
        "bounds": {bound: bound.removeprefix("plp_") for bound in BOUNDS},
        "steps": {
            step.name: {s: parameter_of(step.name, severity=s) for s in SEVERITIES}
            for step in FUNNEL_STEPS
        },
    }


def _count(count: Count) -> str:
    return json.dumps({"draws": _sixteen_bits(count.draws), "spread": _single(count.spread)})


def _clinic(tables: numbers.ClinicTables) -> Mapping[str, object]:
    opening = Opening(OPENINGS[0], N_YEARS)
    return {
        "chairs": list(numbers.CHAIRS),
        "n_half_hours": len(numbers.HALF_HOURS),
        "visit_minutes": numbers.VISIT["infusion_minutes"] + numbers.VISIT["recovery_minutes"],
        "turnover_minutes": numbers.VISIT["turnover_minutes"],
        "visits": _whole(tables.visits),
        "nurses": _whole(tables.nurses),
        "open_share": tables.open_share.tolist(),
        "courses": {str(n): weeks for n, weeks in numbers.COURSES.items()},
        "returns": list(numbers.RETURNS),
        "infusions_each": {
            f"{n} {returns}": _double(values)
            for (n, returns), values in tables.infusions_each.items()
        },
        "visits_each": {
            f"{n} {returns}": _double(values) for (n, returns), values in tables.visits_each.items()
        },
        "head_start": {
            f"{n} {returns}": weeks for (n, returns), weeks in tables.head_start.items()
        },
        "days_a_week": list(numbers.DAYS_A_WEEK),
        "most_load": numbers.MOST_BUSY,
        "probability": numbers.CERTAINTY,
        "weeks_a_year": WEEKS_A_YEAR,
        "known": _double(opening.known()),
    }


def _waits(waits: numbers.Waits) -> Mapping[str, object]:
    return {
        "measures": list(numbers.MEASURES),
        "units": list(numbers.MEASURES.values()),
        "capacity": waits.capacity.tolist(),
        "load": waits.load.tolist(),
        "tables": _double(waits.measures),
        "luck": _double(waits.luck),
        "luck_shares": numbers.LUCK,
        "error": f"{(waits.error / waits.measures[0]).max():.0%}",
    }


def _whole(values: ArrayLike) -> str:
    """Whole numbers, few bytes each where they are small, in base64.

    Zigzag, so that -1 is as short as 1, then seven bits a byte with the eighth for "more follows"
    (the variable-length integers of Protocol Buffers).
    """
    numbers = np.asarray(values).ravel().astype(np.int64)
    left = np.where(numbers < 0, -2 * numbers - 1, 2 * numbers).astype(np.uint64)
    n_bytes = np.ones(len(left), dtype=np.int64)
    for k in range(1, 10):
        n_bytes += (left >> np.uint64(7 * k)) > 0
    ends = np.cumsum(n_bytes)
    out = np.zeros(int(n_bytes.sum()), dtype=np.uint8)
    for k in range(int(n_bytes.max(initial=0))):
        some = n_bytes > k
        bits = (left[some] >> np.uint64(7 * k)) & np.uint64(127)
        more = (n_bytes[some] > k + 1).astype(np.uint64) << np.uint64(7)
        out[(ends - n_bytes)[some] + k] = (bits | more).astype(np.uint8)
    return _base64(out.tobytes())


def _sixteen_bits(values: Floats) -> Mapping[str, object]:
    """Draws in 65,536 steps from the least of their row to its greatest, as base64."""
    low = values.min(axis=-1, keepdims=True)
    step = (values.max(axis=-1, keepdims=True) - low) / 65535
    steps = np.rint((values - low) / np.where(step > 0, step, 1)).astype("<u2")
    return {"low": _double(low), "step": _double(step), "steps": _base64(steps.tobytes())}


def _double(values: ArrayLike) -> str:
    """Numbers with all their digits, in base64."""
    return _base64(np.asarray(values, dtype="<f8").tobytes())


def _single(values: ArrayLike) -> str:
    """Numbers to seven digits, in base64."""
    return _base64(np.asarray(values, dtype="<f4").tobytes())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


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
    """One footnote per parameter, in the order in which rows bring them in.

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

"""The planner's page: tables, style and script in one file that needs nothing else."""

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
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.models.pain import BOUNDS
from plcore.planner.decisions import BLOCKS, FACTORS, SELDOM, SENTENCES, SEVERITY_WORDS, UNSURE
from plcore.planner.page import clinic
from plcore.planner.page.nation import (
    N_CELLS,
    N_DRAWS,
    N_YEARS,
    OPENINGS,
    Count,
    Nation,
    read_nation,
)
from plcore.planner.page.places import (
    MAP_STEPS,
    Gazetteer,
    Places,
    outlines,
    read_gazetteer,
    read_places,
)
from plcore.planner.page.words import LABELS, RESTS_ON, footnotes, references
from plcore.planner.sentences import QUESTIONS

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
        "clinic": _clinic(clinic.clinic_tables(folder=folder)),
        "waits": _waits(clinic.simulated_waits(runs_share=runs_share, folder=folder)),
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


def _clinic(tables: clinic.ClinicTables) -> Mapping[str, object]:
    opening = Opening(OPENINGS[0], N_YEARS)
    return {
        "chairs": list(clinic.CHAIRS),
        "n_half_hours": len(clinic.HALF_HOURS),
        "visit_minutes": clinic.VISIT["infusion_minutes"] + clinic.VISIT["recovery_minutes"],
        "turnover_minutes": clinic.VISIT["turnover_minutes"],
        "visits": _whole(tables.visits),
        "nurses": _whole(tables.nurses),
        "open_share": tables.open_share.tolist(),
        "courses": {str(n): weeks for n, weeks in clinic.COURSES.items()},
        "returns": list(clinic.RETURNS),
        "infusions_each": {
            f"{n} {returns}": _double(values)
            for (n, returns), values in tables.infusions_each.items()
        },
        "visits_each": {
            f"{n} {returns}": _double(values) for (n, returns), values in tables.visits_each.items()
        },
        "days_a_week": list(clinic.DAYS_A_WEEK),
        "most_load": clinic.MOST_BUSY,
        "probability": clinic.CERTAINTY,
        "weeks_a_year": WEEKS_A_YEAR,
        "known": _double(opening.known()),
    }


def _waits(waits: clinic.Waits) -> Mapping[str, object]:
    return {
        "measures": list(clinic.MEASURES),
        "units": list(clinic.MEASURES.values()),
        "capacity": waits.capacity.tolist(),
        "load": waits.load.tolist(),
        "tables": _double(waits.measures),
        "luck": _double(waits.luck),
        "luck_shares": clinic.LUCK,
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

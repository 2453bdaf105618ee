"""The planner's page: tables, style and script in one file that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template

import numpy as np

from plcore.clinic.demand import FUNNEL_STEPS, SEVERITIES, WEEKS_A_YEAR, Opening, parameter_of
from plcore.clinic.places import COUNTIES, EARTH_RADIUS_KM, frame
from plcore.evidence.data import DATA
from plcore.models.pain import BANDS
from plcore.planner.page import clinic, codes
from plcore.planner.page.footnotes import footnotes, references
from plcore.planner.page.grid import Grid, planner_grid
from plcore.planner.page.nation import (
    N_CELLS,
    N_DRAWS,
    N_NODES,
    N_YEARS,
    OPENINGS,
    QUANTITIES,
    YEARS,
    Nation,
)
from plcore.planner.page.places import MAP_STEPS, Places, outlines
from plcore.planner.page.waits import LUCK, MEASURES, Waits
from plcore.planner.page.words import LABELS, RESTS_ON

_ASSETS = Path(__file__).parent / "assets"


def write_planner(path: Path, *, made_from: str = "", folder: Path = DATA) -> None:
    """Write the planner's page; see `planner_html`."""
    html = planner_html(planner_grid(folder=folder), made_from=made_from, folder=folder)
    path.write_text(html, encoding="utf-8", newline="\n")


def planner_html(grid: Grid, *, made_from: str = "", folder: Path = DATA) -> str:
    """The planner's page, the same text for the same grid.

    Parameters
    ----------
    grid : Grid
    made_from : str
        What the page says it was made from, such as a version and a commit.
    folder : Path
    """
    content = json.dumps(_content(grid, folder), ensure_ascii=False, separators=(",", ":"))
    parts = {name: (_ASSETS / f"planner.{name}").read_text(encoding="utf-8") for name in _PARTS}
    scripts = "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    return Template(parts["html"]).substitute(
        style=parts["css"],
        script=scripts,
        # Inside <script>, "</script>" and "<!--" would end or change the text.
        content=content.replace("<", "\\u003c"),
        made_from=escape(made_from),
    )


_PARTS = ("html", "css")
#: One after the other, in this order.
_SCRIPTS = (
    "grid.js", "lookup.js", "sheet.js", "map.js", "fields.js", "answer.js", "place.js", "take.js",
    "start.js",
)  # fmt: skip


def _content(grid: Grid, folder: Path) -> Mapping[str, object]:
    notes = footnotes(folder=folder)
    return {
        "places": _places(grid.places, folder),
        "nation": _nation(grid.nation),
        "clinic": _clinic(grid.clinic),
        "waits": _waits(grid.waits),
        "severities": {name: name.replace("_", " or ") for name in SEVERITIES},
        "labels": LABELS,
        "rests_on": RESTS_ON,
        "footnotes": notes,
        "references": references(notes, folder=folder),
    }


def _places(places: Places, folder: Path) -> Mapping[str, object]:
    rows = frame(COUNTIES, folder=folder)
    rings = outlines(places, folder=folder)
    moves = [np.diff(ring, axis=0, prepend=[[0, 0]]).ravel() for each in rings for ring in each]
    return {
        "fips": places.fips.tolist(),
        "names": places.name.tolist(),
        "states": dict(zip(rows["state"], rows["state_name"], strict=True)),
        "lat": codes.double(places.lat),
        "lon": codes.double(places.lon),
        "people": codes.whole(places.people),
        "log_ratio": codes.double(places.log_ratio),
        "ages_estimated": codes.whole(places.ages_estimated),
        "diabetes_of_state": codes.whole(places.diabetes_of_state),
        "earth_radius_km": EARTH_RADIUS_KM,
        "rings": codes.whole([len(each) for each in rings]),
        "corners": codes.whole([len(ring) for each in rings for ring in each]),
        "moves": codes.whole(np.concatenate(moves)),
        "map_steps": MAP_STEPS,
    }


def _nation(nation: Nation) -> Mapping[str, object]:
    columns: list[str] = []
    scenarios = []
    for each in nation.beliefs:
        at = {}
        for name in each.draws:
            text = codes.double(each.draws[name])
            if text not in columns:
                columns.append(text)
            at[str(name)] = columns.index(text)
        scenarios.append(
            {
                "name": each.name,
                "title": each.title,
                "note": each.note,
                "series": each.series,
                "columns": at,
            }
        )
    packed = nation.limb_loss
    return {
        "years": YEARS.tolist(),
        "openings": list(OPENINGS),
        "n_years": N_YEARS,
        "n_draws": N_DRAWS,
        "n_cells": N_CELLS,
        "n_nodes": N_NODES,
        "n_quantities": len(QUANTITIES),
        "elasticity": nation.elasticity,
        "residents": codes.double(nation.residents),
        "shape": packed.core.shape,
        "core": codes.whole(packed.core),
        "step": packed.step,
        "bases": [codes.single(basis) for basis in packed.bases],
        "size": codes.double(nation.size),
        "bands": list(BANDS),
        "columns": columns,
        "scenarios": scenarios,
        "severities": dict(SEVERITIES),
        "steps": {
            step.name: {s: parameter_of(step.name, severity=s) for s in SEVERITIES}
            for step in FUNNEL_STEPS
        },
    }


def _clinic(tables: clinic.ClinicTables) -> Mapping[str, object]:
    opening = Opening(OPENINGS[0], N_YEARS)
    return {
        "chairs": list(clinic.CHAIRS),
        "n_half_hours": len(clinic.HALF_HOURS),
        "visit_minutes": clinic.VISIT["infusion_minutes"] + clinic.VISIT["recovery_minutes"],
        "turnover_minutes": clinic.VISIT["turnover_minutes"],
        "visits": codes.whole(tables.visits),
        "nurses": codes.whole(tables.nurses),
        "open_share": tables.open_share.tolist(),
        "courses": {str(n): weeks for n, weeks in clinic.COURSES.items()},
        "returns": list(clinic.RETURNS),
        "infusions_each": {
            f"{n} {returns}": codes.double(values)
            for (n, returns), values in tables.infusions_each.items()
        },
        "visits_each": {
            f"{n} {returns}": codes.double(values)
            for (n, returns), values in tables.visits_each.items()
        },
        "most_busy": clinic.MOST_BUSY,
        "certainty": clinic.CERTAINTY,
        "weeks_a_year": WEEKS_A_YEAR,
        "known": codes.double(opening.known()),
    }


def _waits(waits: Waits) -> Mapping[str, object]:
    return {
        "measures": list(MEASURES),
        "units": list(MEASURES.values()),
        "capacity": waits.capacity.tolist(),
        "load": waits.load.tolist(),
        "tables": codes.double(waits.measures),
        "luck": codes.double(waits.luck),
        "luck_shares": LUCK,
        "error": f"{(waits.error / waits.measures[0]).max():.0%}",
    }

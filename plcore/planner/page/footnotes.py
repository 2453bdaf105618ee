"""What the page's numbers rest on: each parameter with its interval, source and mark."""

from __future__ import annotations

from pathlib import Path

from plcore.evidence.data import DATA, cite, reference
from plcore.evidence.parameters import Parameter
from plcore.planner.page.nation import SCENARIOS
from plcore.planner.page.words import RESTS_ON
from plcore.scenarios import read_scenario

#: Sources of what is certain, or drawn.
_OF_PLACES = (
    "census_v2023", "census_counties_2023", "cdc_places_2022", "census_population_centres_2020",
    "census_zip_areas_2021", "census_county_outlines_2023",
)  # fmt: skip


def footnotes(*, folder: Path = DATA) -> list[dict[str, str]]:
    """A footnote a parameter, in the order in which rows bring them in.

    Keys: parameter, label, value, cited, seen, note; scenario where it is another scenario's.
    """
    baseline = {each.name: each for each in read_scenario(folder=folder).parameters}
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
    percent = parameter.unit == "share"
    low, high = parameter.interval()
    numbers = [
        f"{100 * value:.3g}%" if percent else f"{value:.4g}"
        for value in (parameter.median, low, high)
    ]
    value = numbers[0] if low == high else f"{numbers[0]} ({numbers[1]} to {numbers[2]})"
    unit = "" if percent or parameter.unit == "ratio" else parameter.unit.replace("_", " ")
    return {
        "parameter": parameter.name,
        "label": parameter.name.replace("_", " ").replace("plp", "phantom limb pain:"),
        "value": f"{value} {unit}".strip(),
        "sources": parameter.source,
        "cited": cite(parameter.source, seen=parameter.seen, folder=folder),
        "seen": parameter.seen,
        "note": parameter.note,
        "scenario": scenario,
    }

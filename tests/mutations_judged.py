"""Whether a spoilt data file loads to an equal result or is refused with its place."""

import itertools
import os

import numpy as np
import pandas as pd
from mutations import FILES, REFUSED, SAME_ROWS, mutations, read_sheet
from mutations_of_cells import CELLS
from mutations_of_scenarios import Toml, scenario_mutations

from plcore.clinic import places as geography
from plcore.clinic.places import read_counties
from plcore.evidence.data import DATA, read
from plcore.evidence.parameters import read_parameters
from plcore.evidence.population import areas, read_mortality, read_population, variants
from plcore.evidence.prevalence import gather
from plcore.evidence.schema import TABLES
from plcore.evidence.table import read_table
from plcore.planner.gazetteer import CITIES
from plcore.scenarios import read_scenario

CSV = sorted(
    str(path.relative_to(DATA))
    for path in DATA.glob("**/*.csv*")
    # Tables of the posterior are made and carry their own fingerprint.
    if path.name != "MANIFEST.csv" and path.parent.name != "posterior"
)
#: Reading the county files takes long, so only some of the ways are tried on each of them.
GEOGRAPHY = [file for file in CSV if file.startswith("geography/")]
#: The baseline, one that changes parameters, and one with a correlation.
SCENARIOS = ("baseline", "dysvascular_minus_10", "wider_anchors")
_saved = itertools.count(1)


def save(path, content):
    # Two writes within one tick of the clock would be taken for the same file.
    path.write_bytes(content)
    at = 10**18 + next(_saved) * 10**9
    os.utime(path, ns=(at, at))


def drawn(file):
    """The spoilt versions of a table."""
    ways = (*FILES, *CELLS)
    if file in GEOGRAPHY:
        # Each file has another eighth of the ways, and those for places and for limits.
        ways = (*ways[GEOGRAPHY.index(file) % 8 :: 8], *CELLS[-4:])
    return list(mutations(read_sheet(DATA / file), ways, each=1))


def drawn_of_scenario(name):
    lines = (DATA / "scenarios" / f"{name}.toml").read_text().splitlines()
    return list(scenario_mutations(Toml(name, tuple(lines)), each=1))


def loaded(file, folder):
    """What becomes of a file, and of those that refer to it, as frames and arrays."""
    kind, _, name = file.rpartition("/")
    if kind == "scenarios":
        return [read_scenario(name.removesuffix(".toml"), folder=folder)]
    if kind == "population":
        return _of_population(name, folder)
    if kind == "geography":
        if name == CITIES.file:
            return [read_table(folder / "geography" / name, CITIES)]
        table = geography._TABLES[name]
        counties = read_counties(folder=folder)
        for each in (geography.ZIPS, geography.CENTRES) if table is geography.COUNTIES else ():
            geography.frame(each, folder=folder)
        return [geography.frame(table, folder=folder), counties.share, counties.diabetes]
    stem = name.removesuffix(".csv")
    # The table itself comes first, as the others would be refused for its sake.
    frames = [read(stem, folder=folder)]
    frames += [
        read(other, folder=folder)
        for other, table in TABLES.items()
        if stem in (table.references or {}).values()
    ]
    if stem == "parameters":
        read_parameters(folder=folder)
        gather(folder=folder)
    return frames


def _of_population(name, folder):
    if name.startswith("us_mortality"):
        return [read_mortality("USA", folder=folder).hazard]
    if name.startswith("us_"):
        kind = "social_security_area" if "social" in name else "resident"
        people = [read_population("USA", variant=kind, folder=folder).people]
        # The counties add up to the nation.
        return [*people, read_counties(folder=folder).share] if "2020_2023" in name else people
    if name.startswith("un_mortality"):
        return [read_mortality(area, variant="un", folder=folder).hazard for area in areas()]
    un = {area: variants(area) for area in areas()}
    return [
        read_population(area, variant=variant, folder=folder).people
        for area, kinds in un.items()
        for variant in kinds
        if variant.startswith("un")
    ]


def equal(before, after, *, any_order):
    if len(before) != len(after):
        return False
    for one, other in zip(before, after, strict=True):
        if isinstance(one, pd.DataFrame):
            if any_order:
                one, other = (
                    each.sort_values(list(each)[:4], ignore_index=True) for each in (one, other)
                )
            if not one.equals(other):
                return False
        elif not (np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other):
            return False
    return True


def verdict(mutation, file, folder, before):
    """What is wrong with how a spoilt file was taken; empty if nothing is."""
    try:
        after = loaded(file, folder)
    except ValueError as error:
        if type(error) is not ValueError:
            return f"{type(error).__name__}: {error}"
        return _badly_placed(mutation, file.rpartition("/")[2], str(error))
    except Exception as error:  # noqa: BLE001 - any other kind is what is looked for
        return f"{type(error).__name__}: {error}"
    if mutation.must == REFUSED:
        return "passed"
    same = equal(before, after, any_order=mutation.must == SAME_ROWS)
    return "" if same else "loaded to something else"


def _badly_placed(mutation, name, message):
    start = f"{name}:{mutation.line}:" if mutation.line else name
    for line in message.splitlines():
        if start in line and mutation.names in line:
            return ""
    return f"refused without {start} and {mutation.names!r}: {message[:300]}"


def faults(file, drawn, folder):
    """What is wrong with how the spoilt versions of a file are taken."""
    path, content = folder / file, (DATA / file).read_bytes()
    before, wrong = loaded(file, folder), []
    try:
        for mutation in drawn:
            save(path, mutation.content)
            if found := verdict(mutation, file, folder, before):
                wrong.append(f"{mutation.way}, line {mutation.line}, {mutation.names}: {found}")
    finally:
        save(path, content)
    return wrong

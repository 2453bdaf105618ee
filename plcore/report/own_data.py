"""``plcore data FOLDER``: a copy of the tables of evidence to change, and a check of what changed."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from plcore.clinic.places import read_counties
from plcore.evidence.changes import of_own_folder
from plcore.evidence.data import DATA, read
from plcore.evidence.population import read_population
from plcore.evidence.schema import TABLES
from plcore.planner.gazetteer import zip_points
from plcore.scenarios import read_scenario, scenario_names
from plcore.simulate.synthesis import read_posterior


def main(arguments: Sequence[str], *, prog: str = "plcore data") -> int:
    """Exit code: 0 for a copy made or without a fault, 1 for one with faults, each named."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Copy the tables of evidence to a new folder, to change them there; or, where "
        "the folder is there, say how it differs from them and what is wrong in it. Every function "
        "that reads evidence takes such a folder as folder=.",
    )
    parser.add_argument("folder", type=Path, help="a new folder, or your copy")
    folder: Path = parser.parse_args(arguments).folder
    try:
        if not folder.exists():
            shutil.copytree(DATA, folder)
            print(
                f"Copied to {folder}. Change the tables there, and name it: folder=Path({str(folder)!r})."
            )
            return 0
        said = list(of_own_folder(folder))
        faults = list(faults_in(folder))
    except (ValueError, OSError) as error:
        print(f"data: {error}", file=sys.stderr)
        return 1
    print("\n".join(said) if said else "Nothing differs.")
    if faults:
        print("\n".join(faults), file=sys.stderr)
        return 1
    print("All that is there can be read.")
    return 0


def faults_in(folder: Path) -> Iterator[str]:
    """What is wrong in a folder of data, as reading it says; files that are not there are none.

    Parameters
    ----------
    folder : Path
        Of tables as those of `data/`, or of some of them.
    """
    readers: list[Callable[[], object]] = [
        partial(read, name, folder=folder)
        for name, table in TABLES.items()
        if (folder / table.file).exists()
    ]
    if (folder / "scenarios").is_dir():
        names = scenario_names(folder=folder)
        readers += [partial(read_scenario, name, folder=folder) for name in names]
    if (folder / "population").is_dir():
        readers.append(partial(read_population, "USA", folder=folder))
    if (folder / "geography").is_dir():
        readers += [partial(read_counties, folder=folder), partial(zip_points, folder=folder)]
    if (folder / "posterior").is_dir():
        readers.append(partial(read_posterior, folder=folder))
    # A fault of one table is met again by all that read it.
    said = dict.fromkeys(line for reader in readers for line in _faults(reader))
    yield from said


def _faults(reader: Callable[[], object]) -> list[str]:
    try:
        reader()
    except ValueError as error:
        return str(error).splitlines()
    return []

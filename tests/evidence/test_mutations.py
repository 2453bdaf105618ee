"""Spoilt tables: each loads to an equal result or is refused with its place, none is misread."""

import shutil
from collections import Counter

import pytest
from mutations import FILES
from mutations_judged import CSV, LARGE, drawn, drawn_of_scenario, faults
from mutations_of_cells import CELLS
from mutations_of_scenarios import SCENARIOS

from plcore.evidence.data import DATA
from plcore.scenarios import scenario_names


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the shipped data that can be spoilt."""
    to = tmp_path_factory.mktemp("spoilt") / "data"
    shutil.copytree(DATA, to)
    return to


@pytest.mark.parametrize("file", [file for file in CSV if "geography" not in file])
def test_a_spoilt_table_is_refused_with_its_place_or_loads_to_the_same(file, folder):
    wrong = faults(file, drawn(file), folder)

    assert not wrong, "\n".join(wrong)


def test_more_than_a_thousand_spoilt_files_are_tried():
    found = [mutation for file in CSV if file not in LARGE for mutation in drawn(file)]
    found += [mutation for name in scenario_names() for mutation in drawn_of_scenario(name)]
    ways = Counter(mutation.way for mutation in found)

    assert len(found) >= 1000
    # A way that applies nowhere would prove nothing.
    every = {way.__name__.strip("_").replace("_", " ") for way in (*FILES, *CELLS, *SCENARIOS)}
    assert set(ways) == every


def test_a_spoilt_file_is_the_same_in_every_run():
    assert drawn("plp_severity.csv") == drawn("plp_severity.csv")

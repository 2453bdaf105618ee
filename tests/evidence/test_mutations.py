"""Spoilt data: each file loads to an equal result or is refused with its place, none is misread."""

import shutil
from collections import Counter

import pytest
from mutations import FILES
from mutations_judged import CSV, SCENARIOS, drawn, drawn_of_scenario, faults
from mutations_of_cells import CELLS
from mutations_of_scenarios import SCENARIOS as SCENARIO_WAYS

from plcore.evidence.data import DATA


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the shipped data that can be spoilt."""
    to = tmp_path_factory.mktemp("spoilt") / "data"
    shutil.copytree(DATA, to)
    return to


@pytest.mark.parametrize("file", CSV)
def test_a_spoilt_table_is_refused_with_its_place_or_loads_to_the_same(file, folder):
    wrong = faults(file, drawn(file), folder)

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_spoilt_scenario_is_refused_with_its_place_or_loads_to_the_same(name, folder):
    wrong = faults(f"scenarios/{name}.toml", drawn_of_scenario(name), folder)

    assert not wrong, "\n".join(wrong)


def test_every_way_of_spoiling_a_file_is_tried():
    """A way that applies nowhere would prove nothing."""
    tried = [mutation for file in CSV for mutation in drawn(file)]
    tried += [mutation for name in SCENARIOS for mutation in drawn_of_scenario(name)]
    ways = Counter(mutation.way for mutation in tried)

    every = {way.__name__.strip("_").replace("_", " ") for way in (*FILES, *CELLS, *SCENARIO_WAYS)}
    assert set(ways) == every

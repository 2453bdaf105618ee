"""Spoilt scenarios and files of places: each loads to an equal result or is refused."""

import shutil

import pytest
from mutations_judged import CSV, drawn, drawn_of_scenario, faults

from plcore.evidence.data import DATA
from plcore.scenarios import scenario_names


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the shipped data that can be spoilt."""
    to = tmp_path_factory.mktemp("spoilt") / "data"
    shutil.copytree(DATA, to)
    return to


@pytest.mark.parametrize("file", [file for file in CSV if "geography" in file])
def test_a_spoilt_file_of_places_is_refused_with_its_place_or_loads_to_the_same(file, folder):
    wrong = faults(file, drawn(file), folder)

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", scenario_names())
def test_a_spoilt_scenario_is_refused_with_its_place_or_loads_to_the_same(name, folder):
    wrong = faults(f"scenarios/{name}.toml", drawn_of_scenario(name), folder)

    assert not wrong, "\n".join(wrong)

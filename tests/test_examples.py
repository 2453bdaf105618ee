"""The examples in docstrings give what they say."""

import doctest
import importlib
import pkgutil

import pytest

from plcore import analysis, charts, clinic, evidence, models, planner, simulate

ROOMS = (analysis, charts, clinic, evidence, models, planner, simulate)
MODULES = [
    found.name
    for room in ROOMS
    for found in pkgutil.walk_packages(room.__path__, room.__name__ + ".")
    if not found.name.endswith("__main__")
] + ["plcore", "plcore.scenarios"]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run_as_they_stand(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0

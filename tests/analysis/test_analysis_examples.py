"""The examples in the docstrings of the room run and print what they say."""

import doctest
import importlib

import pytest

MODULES = (
    "compare", "decomposition", "design", "explanation", "ranks", "salib", "sobol", "validation",
    "value", "what_if",
)  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name):
    module = importlib.import_module(f"plcore.analysis.{name}")
    failed, tried = doctest.testmod(module)

    assert tried > 0
    assert failed == 0

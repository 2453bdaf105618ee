"""Modules import in one direction: data, parameters, evidence, models, simulation, charts, report."""

import ast
from pathlib import Path

import pytest

import plcore

ROOT = Path(plcore.__file__).parent
#: A module may import only from those above it.
ORDER = [
    "table", "columns", "trial_tables", "schema", "data", "distributions", "parameters", "draws", "outcome", "meta", "trials",
    "prevalence", "spread", "evidence", "audit", "treatments", "clinic", "population", "incidence", "cohort", "limb_loss", "anchored",
    "scenarios", "projection", "pain", "catchment", "demand", "readings", "threads", "fingerprint", "progress", "cache", "blocks", "workers",
    "simulate", "summary", "precision", "sensitivity", "value", "explain", "calibration", "decomposition", "validation",
    "teaching", "charts", "show", "planner", "report",
]  # fmt: skip


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("plcore"):
            parts = node.module.split(".")
            yield from [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("plcore."))


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_from_those_before_it(path):
    module = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if module == "__init__":
        return
    assert module in ORDER, f"say in ORDER where {module} stands"

    late = [n for n in imported(path) if n != module and ORDER.index(n) > ORDER.index(module)]

    assert late == []


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_outgrows_four_hundred_lines(path):
    assert len(path.read_text().splitlines()) <= 400

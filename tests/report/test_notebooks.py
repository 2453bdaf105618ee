"""The notebooks are stored without results, argue rather than compute, and run alike twice."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from plcore.report import build_report

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)


def read(path):
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def code(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


@each_notebook
def test_a_notebook_is_stored_without_results(path):
    for number, cell in enumerate(code(path), start=1):
        assert cell.outputs == [], f"code cell {number}"
        assert cell.execution_count is None, f"code cell {number}"


@each_notebook
def test_a_notebook_is_valid_and_its_cells_have_ids_that_stay(path):
    notebook = read(path)

    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) >= (4, 5)
    ids = [cell["id"] for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    # Tools make up new ids such as 3fa85f64 at every conversion, and each would be a change.
    assert [i for i in ids if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f-]+)?", i)] == []


@each_notebook
def test_a_notebook_keeps_nothing_of_the_machine_it_was_written_on(path):
    notebook = read(path)

    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert notebook.metadata.get("kernelspec", {}).get("name", "python3") == "python3"
    assert [cell.metadata for cell in notebook.cells if cell.metadata] == []


@each_notebook
def test_a_notebook_defines_nothing_and_installs_nothing(path):
    for number, cell in enumerate(code(path), start=1):
        assert not re.search(r"^\s*[%!]", cell.source, re.MULTILINE), f"code cell {number}"
        defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        tree = ast.walk(ast.parse(cell.source))
        assert [node.name for node in tree if isinstance(node, defined)] == [], f"cell {number}"


@each_notebook
def test_a_notebook_is_called_by_its_place_and_its_question(path):
    assert re.fullmatch(r"\d\d_[a-z0-9_]+\.ipynb", path.name)


@pytest.mark.slow
def test_all_notebooks_run_alike_twice(own_report, tmp_path):
    # The report holds all that the notebooks show. Where the first failed, this says where.
    build_report(NOTEBOOKS[0].parent, tmp_path / "twice")

    once, twice = (
        {path.relative_to(base): path.read_bytes() for path in base.rglob("*") if path.is_file()}
        for base in (own_report, tmp_path / "twice")
    )
    assert set(once) == set(twice)
    assert [str(path) for path in once if once[path] != twice[path]] == []
    pages = {path: len(data) for path, data in once.items() if path.suffix == ".html"}
    assert {path.name: size for path, size in pages.items() if size >= 1_000_000} == {}

"""The notebooks are stored without results, define nothing, and give pages of a moderate size."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_stored_without_results_and_defines_nothing(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)

    nbformat.validate(notebook)
    assert re.fullmatch(r"\d\d_[a-z0-9_]+", path.stem)
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    ids = [cell["id"] for cell in notebook.cells]
    # Tools make up new ids such as 3fa85f64 at every conversion, and each would be a change.
    assert [i for i in ids if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f-]+)?", i)] == []
    for number, cell in enumerate(notebook.cells, start=1):
        assert cell.metadata == {}, f"cell {number}"
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None), f"cell {number}"
            assert not re.search(r"^\s*[%!]", cell.source, re.MULTILINE), f"cell {number}"
            nodes = ast.walk(ast.parse(cell.source))
            defined = [n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)]
            assert defined == [], f"cell {number}"


@pytest.mark.slow
def test_no_page_of_the_report_takes_a_megabyte(own_report):
    sizes = {path.name: path.stat().st_size for path in own_report.rglob("*.html")}

    assert {name: size for name, size in sizes.items() if size >= 1_000_000} == {}

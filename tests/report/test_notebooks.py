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


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_every_choice_worth_changing_changes_something_below(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    place = next(i for i, text in enumerate(notebook.cells) if "Change this" in text.source)
    settings = next(cell.source for cell in notebook.cells[place:] if cell.cell_type == "code")
    # What stands below the comment and is a plain value is a choice.
    below = settings[settings.find("Change this") :]
    chosen = [
        target.id
        for node in ast.parse(settings[settings.rfind("\n", 0, settings.find(below)) + 1 :]).body
        if isinstance(node, ast.Assign) and _is_plain(node.value)
        for target in (node.targets[0].elts if isinstance(node.targets[0], ast.Tuple)
                       else node.targets)
        if isinstance(target, ast.Name)
    ]  # fmt: skip
    used = [
        node.id
        for text in code
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    ]

    assert len(chosen) >= 1
    assert [name for name in chosen if name not in used] == []


def _is_plain(value):
    return all(not isinstance(node, ast.Call | ast.Name) for node in ast.walk(value))


@pytest.mark.slow
def test_no_page_of_the_report_takes_a_megabyte(own_report):
    sizes = {path.name: path.stat().st_size for path in own_report.rglob("*.html")}

    assert {name: size for name, size in sizes.items() if size >= 1_000_000} == {}

"""The ten names that start most work, the command of an installed package, and what it declares."""

import ast
import importlib
import inspect
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import plcore
from plcore.__main__ import JOBS, main
from plcore.evidence.data import DATA
from plcore.report import own_data

PACKAGE = Path(plcore.__file__).parent
PROJECT = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]


DISTRIBUTIONS = packages_distributions()


def declared(lines):
    return {re.match(r"[\w.-]+", line)[0].lower() for line in lines}


BASE = declared(PROJECT["dependencies"])
EXTRAS = {name: declared(lines) for name, lines in PROJECT["optional-dependencies"].items()}
#: What `plcore.report` needs at once, and what any module may ask for when it is used.
REPORT = BASE | EXTRAS["notebooks"]
ANY = REPORT | EXTRAS["images"] | EXTRAS["workbook"]


# --- the ten names ----------------------------------------------------------------------------


def test_ten_names_are_those_of_their_rooms():
    assert len(plcore.__all__) == len(set(plcore.__all__)) == 10
    assert sorted(plcore._PLACES) == plcore.__all__
    for name, (module, inside) in plcore._PLACES.items():
        room = importlib.import_module(module)
        assert getattr(plcore, name) is (getattr(room, inside) if inside else room)
        assert not inside or inside in getattr(room, "__all__", [inside])
    assert set(plcore.__all__) <= set(dir(plcore))


def test_each_of_the_ten_names_is_explained_and_has_an_example():
    said, _, examples = plcore.__doc__.partition("Examples\n--------\n")
    code = "\n".join(re.findall(r"^(?:>>>|\.\.\.) (.*)$", examples, re.MULTILINE))
    used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}

    for name in plcore.__all__:
        assert f"`{name}`" in said
        assert name in used


def test_type_checkers_see_the_same_ten_names():
    tree = ast.parse(inspect.getsource(plcore))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname: (node.module, alias.name)
        for node in block.body
        for alias in node.names
    }  # fmt: skip
    places = {name: (module, inside or "charts") for name, (module, inside)
              in plcore._PLACES.items()}  # fmt: skip

    assert seen == places | {"charts": ("plcore", "charts")}


def test_importing_the_package_loads_no_room():
    code = (
        "import sys, plcore; assert plcore.__version__; hasattr(plcore, 'nothing')\n"
        "print([name for name in sys.modules if name.split('.')[0] in "
        "('numpy', 'pandas', 'plotly', 'scipy') or name.startswith('plcore.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )  # fmt: skip

    assert done.stdout == "[]\n"


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'looad'"):
        _ = plcore.looad


# --- what is imported is declared ---------------------------------------------------------------


def imports(path):
    """What a module imports from elsewhere: the package, the line, and whether at once."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    late = {
        inner for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
        for inner in ast.walk(node)
    }  # fmt: skip
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
        for name in names:
            top = name.split(".")[0]
            if top != "plcore" and top not in sys.stdlib_module_names:
                yield top, node.lineno, node not in late


def test_every_package_that_is_imported_is_declared():
    undeclared = []
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0]
        allowed = {True: REPORT if room == "report" else BASE, False: ANY}
        # Itself brought up only by those who ask for Word or PowerPoint.
        if path.name == "office.py":
            allowed[True] = ANY
        undeclared += [
            f"{path.relative_to(PACKAGE)}:{line}: {top}"
            for top, line, at_once in imports(path)
            if not {name.lower() for name in DISTRIBUTIONS.get(top, [top])} & allowed[at_once]
        ]

    assert undeclared == []


def test_every_package_that_is_declared_is_imported_or_is_a_tool():
    tops = {top for path in PACKAGE.rglob("*.py") for top, *_ in imports(path)}
    used = {
        name.lower() for top in tops for name in DISTRIBUTIONS.get(top, [top])
    }  # fmt: skip
    # Kernels and the notebook's own pages are started, and SALib is the notebooks' own.
    started = {"ipykernel", "jupyter", "salib"}
    assert (BASE | EXTRAS["notebooks"] | EXTRAS["workbook"]) - used == started


# --- the command --------------------------------------------------------------------------------


def test_the_command_lists_its_jobs(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out

    assert said.startswith("usage: plcore JOB")
    assert all(f"    plcore {job} [...]" in said for job in JOBS)
    assert PROJECT["scripts"] == {"plcore": "plcore.__main__:command"}
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"plcore {PROJECT['version']}\n"


@pytest.mark.parametrize("given", [[], ["paln"], ["--hepl"]])
def test_a_misuse_is_told_with_the_jobs(capsys, given):
    assert main(given) == 2
    said = capsys.readouterr()

    assert said.out == ""
    assert "the jobs are plan, report, figures, data, fit" in said.err.splitlines()[0]


@pytest.mark.parametrize("job", JOBS)
def test_each_job_calls_itself_by_the_name_it_was_given(capsys, job):
    with pytest.raises(SystemExit) as stopped:
        main([job, "--help"])
    said = capsys.readouterr().out

    assert stopped.value.code == 0
    assert said.startswith(f"usage: plcore {job} ")
    assert "run.py" not in said


def test_a_job_whose_packages_are_not_there_names_the_extra(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith("plcore.report.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "nbclient", None)

    assert main(["report"]) == 2
    assert 'pip install "plcore[notebooks]"' in capsys.readouterr().err
    assert set(EXTRAS) >= {extra for *_, extra in JOBS.values() if extra}


def test_a_plan_from_the_command(tmp_path, capsys):
    place = ["--counties", "50007", "--draws", "16", "--no-sizes", "--to", str(tmp_path / "out")]
    assert main(["plan", *place]) == 0
    assert (tmp_path / "out" / "plan.xlsx").exists()
    capsys.readouterr()
    assert main(["plan", "--zip", "1", "--radius-km", "5"]) == 2
    assert capsys.readouterr().err.startswith("plan: --zip: ")


# --- own tables ---------------------------------------------------------------------------------


@pytest.fixture
def mine(tmp_path, capsys):
    assert main(["data", str(tmp_path / "mine")]) == 0
    assert "Copied to " in capsys.readouterr().out
    return tmp_path / "mine"


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_copy_of_the_data_is_checked_and_what_was_changed_is_said(mine, capsys):
    assert main(["data", str(mine)]) == 0
    assert capsys.readouterr().out == "Nothing differs.\nAll that is there can be read.\n"

    change(mine / "plp_severity.csv", ",23,18,78,", ",23,17,74,")
    assert main(["data", str(mine)]) == 0
    assert "plp_severity.csv: ketz_weekly: events was 18, is 17" in capsys.readouterr().out

    # No fault, but the stored posterior no longer follows from it.
    change(mine / "observations.csv", ",1600000,,", ",1500000,,")
    assert main(["data", str(mine)]) == 1
    assert f"plcore fit --folder {mine}" in capsys.readouterr().err


#: Faults of a copy: where, what is changed to what, and what is said.
FAULTS = (
    ("plp_severity.csv", ",23,18,78,", ",23,81,78,", "plp_severity.csv:2: events is '81'"),
    ("scenarios/major_only.toml", "title", "tilte", "major_only.toml"),
    ("geography/us_counties_2023.csv", ",AL,", ",A,", "us_counties_2023.csv:2: state is 'A'"),
    ("population/us_resident_2020_2023.csv", "male", "mail", "us_resident_2020_2023.csv:"),
)


def test_every_fault_in_a_copy_of_the_data_is_named(mine, capsys):
    for file, old, new, _ in FAULTS:
        change(mine / file, old, new)

    assert main(["data", str(mine)]) == 1
    told = capsys.readouterr().err.splitlines()
    assert len(told) == len(set(told))
    for *_, said in FAULTS:
        assert any(said in line for line in told), said


def test_a_folder_with_some_of_the_tables_is_enough(tmp_path):
    for name in ("sources.csv", "plp_prevalence_studies.csv"):
        shutil.copy(DATA / name, tmp_path)

    assert list(own_data.faults_in(tmp_path)) == []

"""No file of the folder in which run.py is called is imported, whatever its name."""

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from set_up_pretended import ROOT, _run, _steps  # noqa: F401 - fixtures

from plcore.report.notebooks import execute

#: Names that run.py, Python at its start, or a package that is not installed would look for.
OTHERS = {"plcore", "benchmarks", "numexpr", "bottleneck", "pyarrow", "matplotlib", "trio"}


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory):
    """A folder with a module of every name of Python's library and of each package installed."""
    folder = tmp_path_factory.mktemp("poisoned")
    names = OTHERS | sys.stdlib_module_names | set(importlib.metadata.packages_distributions())
    for name in names:
        if name.isidentifier():
            content = f"open({str(folder / 'ran')!r}, 'a').write('{name} ')\nraise SystemExit(77)\n"
            (folder / f"{name}.py").write_text(content)
    return folder


def ran(folder):
    return (folder / "ran").read_text() if (folder / "ran").exists() else ""


def in_folder(command, folder, environ):
    # Compiled modules are kept, so that each of these processes does not compile pandas again.
    environ = {name: x for name, x in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=300
    )


def started(run, monkeypatch, job, python):
    """The command and the variables with which run.py starts a job."""
    seen = []
    monkeypatch.setattr(run, "environment", lambda: python)
    monkeypatch.setattr(run, "install_extra", lambda *arguments: None)
    monkeypatch.setattr(run.subprocess, "call", lambda *c, **options: seen.append((*c, options)))
    run.main([job])
    return seen[0]


def test_every_job_is_started_with_a_safe_path(run, monkeypatch):
    for job in run.JOBS:
        command, options = started(run, monkeypatch, job, "python")
        assert command[:2] == ["python", "-P"], job
        assert options["env"]["PYTHONSAFEPATH"] == "1", job
        assert options["env"]["PYTHONNOUSERSITE"] == "1", job


@pytest.mark.parametrize(
    ("job", "quick"),
    [
        ("plan", ["--list-scenarios"]),
        ("test", ["-n", "0", "--version", "-p", "no:cacheprovider"]),
        ("lab", ["--version"]),
    ],
)
def test_a_job_imports_nothing_of_the_folder_it_is_called_from(
    job, quick, run, monkeypatch, poisoned
):
    command, options = started(run, monkeypatch, job, sys.executable)
    # pytest begins in the project; here it begins among the files of others as well.
    done = in_folder([*command, *quick], poisoned, options["env"])

    assert ran(poisoned) == ""
    assert done.returncode == 0, done.stderr


def test_the_modules_of_all_other_jobs_import_nothing_of_it(run, monkeypatch, poisoned):
    command, options = started(run, monkeypatch, "report", sys.executable)
    modules = [words[1] for words in run.JOBS.values() if words[0] == "-m"]
    mains = [f"{name}.__main__" if name in ("benchmarks", "plcore.report") else name
             for name in modules if name.startswith(("plcore", "benchmarks"))]  # fmt: skip
    code = f"import importlib\nfor name in {mains}: importlib.import_module(name)"
    done = in_folder([*command[:2], "-c", code], poisoned, options["env"])

    assert len(mains) >= 4
    assert ran(poisoned) == ""
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", [None, ":/nowhere", "."])
def test_run_py_itself_imports_nothing_of_it_either(poisoned, path):
    environ = {**os.environ} | ({} if path is None else {"PYTHONPATH": path})
    # Of what PYTHONPATH names, Python loads its encodings and such before it reads any script.
    early = json.loads(
        subprocess.run(
            [sys.executable, "-I", "-c", "import sys, json; print(json.dumps(list(sys.modules)))"],
            capture_output=True, text=True, check=True,
        ).stdout
    )  # fmt: skip
    moved = {name: poisoned / f"{name}.py" for name in early if (poisoned / f"{name}.py").exists()}
    texts = {name: moved[name].read_text() for name in moved}
    for file in moved.values():
        file.unlink()
    try:
        done = subprocess.run(
            [sys._base_executable, "-S", str(ROOT / "run.py"), "--help"], cwd=poisoned,
            env=environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        for name, text in texts.items():
            moved[name].write_text(text)

    assert ran(poisoned) == ""
    assert done.returncode == 0, done.stderr


def test_a_file_beside_run_py_is_not_taken_for_pythons_own(tmp_path):
    (tmp_path / "run.py").write_text((ROOT / "run.py").read_text())
    for name in ("random", "tempfile", "subprocess", "hashlib", "csv"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(77)\n")

    done = subprocess.run(
        [sys.executable, str(tmp_path / "run.py"), "--help"], cwd=tmp_path, check=False
    )

    assert done.returncode == 0


@pytest.mark.parametrize("inside", ["import csv, random, numpy; print(2)", "pool"])
def test_what_a_job_starts_in_turn_imports_nothing_of_it(inside, run, monkeypatch, poisoned):
    """A Python that a job calls, and a worker of its pool, where the files of others lie."""
    _, options = started(run, monkeypatch, "plan", sys.executable)
    pool = (
        "from concurrent.futures import ProcessPoolExecutor as P\n"
        "from multiprocessing import get_context\n"
        "if __name__ == '__main__':\n"
        "    with P(1, mp_context=get_context('spawn')) as pool:\n"
        "        print(pool.submit(max, 1, 2).result())\n"
    )
    child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {inside!r}])"
    code = pool if inside == "pool" else child
    done = in_folder([sys.executable, "-P", "-c", code], poisoned, options["env"])

    assert ran(poisoned) == ""
    assert done.stdout.strip() == "2", done.stderr


def test_a_notebook_takes_modules_beside_it_but_not_in_the_place_of_others(tmp_path):
    for name in ("numpy", "csv", "plcore"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('not ours')\n")
    (tmp_path / "my_numbers.py").write_text("LEGS = 2\n")
    source = "import csv, numpy, plcore, my_numbers\nprint(numpy.sqrt(my_numbers.LEGS * 2))"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbformat.write(notebook, tmp_path / "mine.ipynb")

    (done,) = execute([tmp_path / "mine.ipynb"])

    assert done.cells[0].outputs[0].text == "2.0\n"


def test_nothing_of_the_project_reads_a_pickle():
    """What is unpickled can run anything; a model is pickled once, to see that it can be sent."""
    for path in [*Path(ROOT, "plcore").rglob("*.py"), ROOT / "run.py"]:
        text = path.read_text(encoding="utf-8")
        for words in ("pickle.load", "read_pickle", "allow_pickle", "joblib", "marshal.load"):
            assert words not in text, f"{path.name}: {words}"

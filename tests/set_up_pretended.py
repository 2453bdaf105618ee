"""run.py as a module whose commands are noted and not carried out: the fixtures `run` and `steps`."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(name="run")
def _run(tmp_path, monkeypatch):
    """run.py as a module, in a project folder of its own that has no environment yet."""
    spec = importlib.util.spec_from_file_location("run", ROOT / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "requirements.lock").write_text("numpy==2.0.0 --hash=sha256:0\n")
    (tmp_path / "pyproject.toml").write_text(
        '[project.optional-dependencies]\nbench = ["pymare>=0.0.4", "statsmodels>=0.14"]\n'
        'images = ["kaleido>=1.0"]\n'
    )
    venv = tmp_path / ".venv"
    for name, value in {
        "ROOT": tmp_path,
        "VENV": venv,
        "PYTHON": venv / "bin" / "python",
        "LOCK": tmp_path / "requirements.lock",
        "PYPROJECT": tmp_path / "pyproject.toml",
        "STAMP": venv / "plcore.stamp",
    }.items():
        monkeypatch.setattr(module, name, str(value))
    monkeypatch.delenv("CONDA_DEFAULT_ENV", raising=False)
    return module


@pytest.fixture(name="steps")
def _steps(run, monkeypatch):
    """The commands that run.py starts; they all succeed, and the first makes .venv."""
    started = []

    def pretend(command, **options):
        started.append(command)
        if command[1:4] == ["-I", "-m", "venv"]:
            shutil.rmtree(run.VENV, ignore_errors=True)
            Path(run.PYTHON).parent.mkdir(parents=True)
            Path(run.PYTHON).touch()
            Path(run._site_packages(), "numpy").mkdir(parents=True)
        return subprocess.CompletedProcess(command, 0, stdout="")

    def call(command, **options):
        started.append(command)
        return 0

    monkeypatch.setattr(run.subprocess, "run", pretend)
    monkeypatch.setattr(run.subprocess, "call", call)
    return started


def fail_at(run, monkeypatch, word, output):
    """Let the first command that has `word` in it fail with this output."""
    succeed = run.subprocess.run

    def pretend(command, **options):
        if any(word in str(part) for part in command):
            return subprocess.CompletedProcess(command, 1, stdout=output)
        return succeed(command, **options)

    monkeypatch.setattr(run.subprocess, "run", pretend)

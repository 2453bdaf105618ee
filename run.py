#!/usr/bin/env python3
"""Set up plcore's own environment, once, and do one job in it.

    python3 run.py report             run the notebooks, write report/index.html
    python3 run.py test [...]         run the tests; what follows goes to pytest
    python3 run.py lab                open the notebooks in JupyterLab
    python3 run.py bench [job ...]    time plcore against its peers, write benchmarks/results.csv
    python3 run.py figures [...]      write the report's charts as SVG, PNG, PDF and CSV (--help)
    python3 run.py plan [...]         plan a clinic: a workbook and CSV files (--help)
    python3 run.py fit                fit the model to the observations, store its posterior
    python3 run.py checks             predict what the fit did not see, store the tables (minutes)
    python3 run.py golden             store the report's tables, which the tests hold later ones to

Needs Python 3.11 or newer and, the first time, a package index. Everything goes into the folder
.venv beside this file. Inside a conda environment made from environment.yml and called plcore,
that environment is used as it is.
"""

# Old Pythons, 2.7 included, must read this file far enough to be told that they are too old:
# hence no f-strings, annotations, pathlib, `raise ... from` or unpacking into lists.
# ruff: noqa: UP031, UP036, RUF005

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
BIN = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
PYTHON = os.path.join(BIN, "python.exe" if os.name == "nt" else "python")
LOCK = os.path.join(ROOT, "requirements.lock")
PYPROJECT = os.path.join(ROOT, "pyproject.toml")

#: What each job asks of the environment's Python; the rest of the command line follows.
JOBS = {
    "report": ["-m", "plcore.report"],
    "test": ["-m", "pytest", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"],
    "lab": ["-m", "jupyterlab", "notebooks"],
    "bench": ["-m", "benchmarks"],
    "figures": ["-m", "plcore.report.figures"],
    "plan": ["-m", "plcore.planner"],
    "fit": ["-c", "from plcore.simulate.synthesis import main; raise SystemExit(main())"],
    "checks": ["-c", "from plcore.analysis.validation import main; raise SystemExit(main())"],
    "golden": [os.path.join("tests", "golden_tables.py")],
}

#: Jobs for which packages are installed the first time: the extra they belong to, and what for.
EXTRAS = {
    "bench": ("bench", "the peers"),
    "figures": ("images", "what draws images"),
}

#: Words by which pip and uv say that they could not reach a package index.
_UNREACHABLE = (
    "connection",
    "timed out",
    "name resolution",
    "name or service not known",
    "dns error",
    "error sending request",
    "failed to fetch",
    "network is unreachable",
    "could not find a version that satisfies the requirement uv",
)


def main(arguments):
    """Exit code of the job that the command line names: 2 for a misuse, 1 for a failed set-up."""
    if sys.version_info < (3, 11):
        return _fail(
            "plcore needs Python 3.11 or newer; this is %s. Install a newer Python and start "
            "run.py with it, as in: python3.12 run.py report" % sys.version.split()[0]
        )
    if arguments in (["-h"], ["--help"]):
        sys.stdout.write(__doc__)
        return 0
    if not arguments or arguments[0] not in JOBS:
        what = "no job given" if not arguments else "unknown job %r" % arguments[0]
        sys.stderr.write("run.py: %s; the jobs are %s\n\n%s" % (what, ", ".join(JOBS), __doc__))
        return 2
    try:
        python = environment()
        if arguments[0] in EXTRAS:
            extra, what = EXTRAS[arguments[0]]
            install_extra(python, extra, what)
        command = [python] + JOBS[arguments[0]] + arguments[1:]
        # A planner's own files are named as from where the command is given.
        here = os.getcwd() if arguments[0] == "plan" else ROOT
        return subprocess.call(command, cwd=here, env=clean_environ())
    except SetUpFailed as failure:
        return _fail(str(failure))
    except KeyboardInterrupt:
        return _fail("stopped")


class SetUpFailed(Exception):
    """Why the environment could not be made, and what to do about it."""


def environment():
    """Path of a Python that has everything plcore needs, made ready first where it is not."""
    if os.environ.get("CONDA_DEFAULT_ENV") == "plcore":
        return sys.executable
    stamp = os.path.join(VENV, "plcore.stamp")
    # The stamp is written last, so a set-up that was interrupted has none and is done again.
    if not (os.path.exists(PYTHON) and _read(stamp) == fingerprint()):
        forbidden = obstacle()
        if forbidden is not None:
            raise SetUpFailed(forbidden)
        start = time.monotonic()
        sys.stdout.write("Setting up .venv (once; less than a minute on most machines) ...\n")
        sys.stdout.flush()
        try:
            set_up()
        except BaseException:
            shutil.rmtree(VENV, ignore_errors=True)
            raise
        with open(stamp, "w") as file:
            file.write(fingerprint())
        sys.stdout.write("Set up in %.0f s.\n" % (time.monotonic() - start))
        sys.stdout.flush()
    return PYTHON


def fingerprint():
    """What the environment depends on: another Python, place or lock asks for another one."""
    digest = hashlib.sha256((sys.version + sys.base_prefix + ROOT).encode())
    for path in (LOCK, PYPROJECT):
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def obstacle():
    """What forbids a set-up here (no write access, no venv module), or None."""
    try:
        tempfile.TemporaryFile(dir=ROOT).close()
    except OSError as error:
        return (
            "cannot write to %s (%s), where the folder .venv has to go. Copy the project to a "
            "folder of your own and run it there." % (ROOT, error.strerror)
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        return (
            "this Python (%s) cannot make virtual environments: its module %s is missing. "
            "On Debian and Ubuntu, install it with: apt install python3-venv (as root), and run "
            "this again." % (sys.executable, error.name)
        )
    return None


def set_up():
    """Make .venv: pip brings uv, uv installs the locked packages with their hashes, then plcore."""
    _call("making the folder .venv", [sys.executable, "-m", "venv", "--clear", VENV])
    pip = [PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--retries", "2"]
    _call("installing uv with pip", pip + ["uv"])
    _uv("installing the locked packages with uv", ["--require-hashes", "-r", LOCK])
    _uv("installing plcore itself", ["--no-deps", "-e", ROOT])


def install_extra(python, extra, what):
    """Install, the first time, an extra of pyproject.toml that only some jobs need."""
    import tomllib

    with open(PYPROJECT, "rb") as file:
        packages = tomllib.load(file)["project"]["optional-dependencies"][extra]
    stamp = os.path.join(VENV, extra + ".stamp")
    if python == PYTHON and _read(stamp) == "\n".join(packages):
        return
    sys.stdout.write("Installing %s: %s ...\n" % (what, ", ".join(packages)))
    sys.stdout.flush()
    doing, after = "installing " + what, "What was installed before is as it was."
    if python == PYTHON:
        _uv(doing, packages, after)
        with open(stamp, "w") as file:
            file.write("\n".join(packages))
    else:
        _call(doing, [python, "-m", "pip", "install", "-q"] + packages, after)


def clean_environ():
    """The variables of this process without those that would bring in packages from elsewhere."""
    foreign = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_USER", "PIP_TARGET", "PIP_PREFIX"}
    return {name: value for name, value in os.environ.items() if name not in foreign}


_REMOVED = "Nothing was left half installed: .venv has been removed."


def _uv(what, arguments, after=_REMOVED):
    command = [PYTHON, "-m", "uv", "pip", "install", "-q", "--python", PYTHON] + arguments
    try:
        _call(what, command, after)
    except SetUpFailed as failure:
        # uv brings its own list of authorities; behind some proxies only the system's will do.
        if "certificate" not in str(failure):
            raise
        _call(what, command + ["--system-certs"], after)


def _call(what, command, after=_REMOVED):
    done = subprocess.run(
        command, cwd=ROOT, env=clean_environ(), text=True, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    if done.returncode == 0:
        return
    said = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    tail = 6
    if any(words in done.stdout.lower() for words in _UNREACHABLE):
        tail = 2
        cause = (
            "the package index could not be reached. The first set-up needs a network (afterwards "
            "plcore works without one); check the connection or the proxy and run this again."
        )
    else:
        cause = "see its own words below."
    raise SetUpFailed("%s failed: %s %s\n  %s" % (what, cause, after, "\n  ".join(said[-tail:])))


def _read(path):
    try:
        with open(path) as file:
            return file.read()
    except FileNotFoundError:
        return None


def _fail(message):
    sys.stderr.write("run.py: %s\n" % message)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env python3
"""Set up plcore's own environment, once, and do one job in it: `python3 run.py --help`.

The environment's Python is started so that no file of the folder of the caller is imported: a
numpy.py or a random.py that lies there is somebody's own.
"""

# Old Pythons, 2.7 included, must read this file far enough to be told that they are too old:
# hence no f-strings, annotations, pathlib, `raise ... from` or unpacking into lists.
# ruff: noqa: UP031, UP036, RUF005

import os
import sys

ROOT = os.path.dirname(os.path.realpath(__file__))

if __name__ == "__main__":
    # `os` is loaded by every Python before it reads a script; what follows is not, and a
    # random.py beside this file or in a folder of PYTHONPATH would be taken for Python's own.
    _foreign = [ROOT] + os.environ.get("PYTHONPATH", "").split(os.pathsep)
    _foreign = [os.path.realpath(folder) for folder in _foreign]
    _library = os.path.realpath(os.path.dirname(os.__file__))
    sys.path[:] = [
        folder
        for folder in sys.path
        if os.path.realpath(folder) == _library or os.path.realpath(folder) not in _foreign
    ]

import errno
import hashlib
import shutil
import subprocess
import tempfile
import time

# A constant, as Python under -OO has no docstrings.
USAGE = """Set up plcore's own environment, once, and do one job in it.

    python3 run.py report             run the notebooks, write report/index.html
    python3 run.py test [...]         run the tests; what follows goes to pytest
    python3 run.py lab                open the notebooks in JupyterLab
    python3 run.py bench [job ...]    time plcore against its peers, write benchmarks/results.csv
    python3 run.py figures [...]      write the report's charts as SVG, PNG, PDF and CSV, or with
                                      --pptx and --docx as slides and a brief (--help)
    python3 run.py plan [...]         plan a clinic: a workbook and CSV files (--help)
    python3 run.py fit                fit the model to the observations, store its posterior
    python3 run.py checks             predict what the fit did not see, store the tables (minutes)
    python3 run.py golden             store the report's tables, which the tests hold later ones to
    python3 run.py manifest [...]     say what changed in data/, store checksums and descriptions (--help)

Needs Python 3.11 or newer and, the first time, a package index. Everything goes into the folder
.venv beside this file. Inside a conda environment made from environment.yml and called plcore,
that environment is used as it is.
"""

VENV = os.path.join(ROOT, ".venv")
BIN = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
PYTHON = os.path.join(BIN, "python.exe" if os.name == "nt" else "python")
LOCK = os.path.join(ROOT, "requirements.lock")
PYPROJECT = os.path.join(ROOT, "pyproject.toml")
STAMP = os.path.join(VENV, "plcore.stamp")

#: What each job asks of the environment's Python; the rest of the command line follows.
JOBS = {
    "report": ["-m", "plcore.report"],
    "test": ["-m", "pytest", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"],
    "lab": ["-m", "jupyterlab", "notebooks"],
    "bench": ["-m", "benchmarks"],
    "figures": ["-m", "plcore.report.figures"],
    "plan": ["-m", "plcore.planner.command"],
    "fit": ["-c", "from plcore.simulate.synthesis import main; raise SystemExit(main())"],
    "checks": ["-c", "from plcore.analysis.validation import main; raise SystemExit(main())"],
    "golden": [os.path.join("tests", "golden_tables.py")],
    "manifest": ["-m", "plcore.report.metadata"],
}
#: Jobs that are given files, named as from where the command is given; others start in ROOT.
STAY = ("plan", "manifest")

#: Jobs for which packages are installed the first time: the extra they belong to, and what for.
EXTRAS = {
    "bench": ("bench", "the peers"),
    "figures": ("images", "what draws images and writes documents"),
}

#: How the environment finds the project, in the place of a path, by which every file of this folder
#: could be imported, and which Python cannot read where its letters are foreign to the place.
_PLACE = {
    "_editable_impl_plcore.pth": "import _plcore_place\n",
    "_plcore_place.py": """\
import os
import sys
from importlib.machinery import PathFinder

_ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), %r))


class _Place:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if path is None and name in ("plcore", "benchmarks"):
            return PathFinder.find_spec(name, [_ROOT])
        return None


sys.meta_path.insert(0, _Place)
""",
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

#: Words of pip, uv and the system for a disk without room, and what we say then.
_FULL = ("no space left", "disk quota exceeded", "not enough space on the disk", "disk full")
_FULL_CAUSE = "the disk is full. Make room (set-up needs about 1 GB) and run this again."


def main(arguments):
    """Exit code of the job that the command line names: 2 for a misuse, 1 for a failed set-up."""
    if sys.version_info < (3, 11):
        return _fail(
            "plcore needs Python 3.11 or newer; this is %s. Install a newer Python and start "
            "run.py with it, as in: python3.12 run.py report" % sys.version.split()[0]
        )
    if arguments in (["-h"], ["--help"]):
        try:
            _say(USAGE)
        except OSError as error:
            return _fail(_in_words(error))
        return 0
    if not arguments or arguments[0] not in JOBS:
        what = "no job given" if not arguments else "unknown job %r" % arguments[0]
        _write(sys.stderr, "run.py: %s; the jobs are %s\n\n%s" % (what, ", ".join(JOBS), USAGE))
        return 2
    try:
        python = environment()
        if arguments[0] in EXTRAS:
            extra, what = EXTRAS[arguments[0]]
            install_extra(python, extra, what)
        # -P: the folder in which Python is started is no place to import from.
        command = [python, "-P"] + JOBS[arguments[0]] + arguments[1:]
        here = os.getcwd() if arguments[0] in STAY else ROOT
        return subprocess.call(command, cwd=here, env=clean_environ())
    except SetUpFailed as failure:
        return _fail(str(failure))
    except OSError as error:
        return _fail(_in_words(error))
    except KeyboardInterrupt:
        return _fail("stopped")


class SetUpFailed(Exception):
    """Why the environment could not be made, and what to do about it."""


def environment():
    """Path of a Python that has everything plcore needs, made ready first where it is not."""
    if os.environ.get("CONDA_DEFAULT_ENV") == "plcore":
        return sys.executable
    why = what_is_wrong()
    if why is not None:
        forbidden = obstacle()
        if forbidden is not None:
            raise SetUpFailed(forbidden)
        start = time.monotonic()
        _say("%s (once; less than a minute on most machines) ...\n" % why)
        try:
            set_up()
            write_stamp()
        except BaseException:
            shutil.rmtree(VENV, ignore_errors=True)
            raise
        _say("Set up in %.0f s.\n" % (time.monotonic() - start))
    return PYTHON


def what_is_wrong():
    """Why the environment has to be made, or made again; None where it is as it was left."""
    # The stamp is written last, so a set-up that was interrupted has none and is done again.
    made_from, left = fingerprint(), _read(STAMP)
    if not os.path.exists(PYTHON) or left is None or left[0] != made_from:
        return "Setting up .venv"
    gone = sorted(set(left[1:]) - set(packages_there()))
    if gone:
        return "Setting up .venv again, as %s is gone from it" % ", ".join(gone[:5])
    return None


def packages_there():
    """What can be imported from the environment, as the names of files and folders."""
    folder = _site_packages()
    names = os.listdir(folder) if os.path.isdir(folder) else []
    # Those of a version change with every newer one, and say nothing of what can be imported.
    return sorted(n for n in names if not n.endswith((".dist-info", ".pth")) and n != "__pycache__")


def _site_packages():
    version = "python%d.%d" % sys.version_info[:2]
    library = "Lib" if os.name == "nt" else os.path.join("lib", version)
    return os.path.join(VENV, library, "site-packages")


def write_stamp():
    """Note what the environment was made from, and what is in it."""
    with open(STAMP, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write("\n".join([fingerprint()] + packages_there()))


def fingerprint():
    """What the environment depends on: another Python, place or lock asks for another one."""
    # The bytes of a path: its letters may be none in the encoding of this place.
    digest = hashlib.sha256(sys.version.encode() + os.fsencode(sys.base_prefix + ROOT))
    for path in (LOCK, PYPROJECT):
        if not os.path.exists(path):
            raise SetUpFailed("%s is missing; is the copy of the project complete?" % path)
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def obstacle():
    """What forbids a set-up here (no write access, no venv module, ...), or None."""
    if os.path.lexists(VENV) and (os.path.islink(VENV) or not os.path.isdir(VENV)):
        return (
            "%s is a %s, where the folder .venv has to go. Move it away, or delete it if it is "
            "of no use, and run this again." % (VENV, "link" if os.path.islink(VENV) else "file")
        )
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
    _call("making the folder .venv", [sys.executable, "-I", "-m", "venv", "--clear", VENV])
    pip = [
        PYTHON,
        "-I",
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "--retries",
        "2",
    ]
    _call("installing uv with pip", pip + ["uv"])
    _uv("installing the locked packages with uv", ["--require-hashes", "-r", LOCK])
    _uv("installing plcore itself", ["--no-deps", "-e", ROOT])
    for name, content in _PLACE.items():
        with open(os.path.join(_site_packages(), name), "w", encoding="utf-8") as file:
            file.write(content.replace("%r", repr(os.path.relpath(ROOT, _site_packages()))))


def install_extra(python, extra, what):
    """Install, the first time, an extra of pyproject.toml that only some jobs need."""
    import tomllib

    with open(PYPROJECT, "rb") as file:
        packages = tomllib.load(file)["project"]["optional-dependencies"][extra]
    stamp = os.path.join(VENV, extra + ".stamp")
    if python == PYTHON and _read(stamp) == packages:
        return
    _say("Installing %s: %s ...\n" % (what, ", ".join(packages)))
    doing, after = "installing " + what, "What was installed before is as it was."
    if python == PYTHON:
        _uv(doing, packages, after)
        with open(stamp, "w") as file:
            file.write("\n".join(packages))
        write_stamp()
    else:
        _call(doing, [python, "-I", "-m", "pip", "install", "-q"] + packages, after)


def clean_environ():
    """The variables of this process, but none that brings in code or packages from elsewhere."""
    foreign = {
        "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONPLATLIBDIR",
        "PYTEST_PLUGINS", "VIRTUAL_ENV", "PIP_USER", "PIP_TARGET", "PIP_PREFIX",
    }  # fmt: skip
    environ = {name: value for name, value in os.environ.items() if name not in foreign}
    # Of whatever the job starts in turn: workers, kernels of notebooks, git hooks.
    environ["PYTHONSAFEPATH"] = environ["PYTHONNOUSERSITE"] = "1"
    environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    if environ.get("PYTHONDONTWRITEBYTECODE") and os.path.isdir(VENV):
        # Who sets it (many containers do) wants no such files beside the code; without any, each of
        # the report's ten processes compiles its imports anew, for three seconds.
        del environ["PYTHONDONTWRITEBYTECODE"]
        environ.setdefault("PYTHONPYCACHEPREFIX", os.path.join(VENV, "bytecode"))
    # Names of files and contents are UTF-8 whatever the language of the place; only what is
    # printed is in the letters that the terminal has.
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if encoding.lower().replace("-", "") != "utf8":
        environ.setdefault("PYTHONIOENCODING", encoding)
    environ["PYTHONUTF8"] = "1"
    return environ


_REMOVED = "Nothing was left half installed: .venv has been removed."


def _uv(what, arguments, after=_REMOVED):
    command = [PYTHON, "-I", "-m", "uv", "pip", "install", "-q", "--python", PYTHON] + arguments
    # uv brings its own list of authorities; behind some proxies only the system's will do. Its
    # cache is in the home folder, which may be read-only where this folder is not.
    remedies = {
        "certificate": ["--system-certs"],
        "cache": ["--cache-dir", os.path.join(VENV, "cache")],
    }
    while True:
        try:
            return _call(what, command, after)
        except SetUpFailed as failure:
            fitting = [word for word in sorted(remedies) if word in str(failure).lower()]
            if not fitting:
                raise
            command = command + remedies.pop(fitting[0])


def _call(what, command, after=_REMOVED):
    done = subprocess.run(
        command, cwd=ROOT, env=clean_environ(), text=True, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    if done.returncode == 0:
        return
    lower = done.stdout.lower()
    said = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    tail = 6
    if any(words in lower for words in _FULL):
        tail = 2
        cause = _FULL_CAUSE
    elif any(words in lower for words in _UNREACHABLE):
        tail = 2
        cause = (
            "the package index could not be reached. The first set-up needs a network (afterwards "
            "plcore works without one); check the connection or the proxy and run this again."
        )
    else:
        cause = "see its own words below."
    raise SetUpFailed("%s failed: %s %s\n  %s" % (what, cause, after, "\n  ".join(said[-tail:])))


def _read(path):
    """The lines of a file, or None if it cannot be read as text."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().split("\n")
    except (OSError, UnicodeError):
        return None


def _in_words(error):
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return _FULL_CAUSE
    if error.errno == errno.ENOENT and error.filename is None:
        return "the folder in which this was called is gone; go to another and run this again."
    where = "" if error.filename is None else "%s: " % error.filename
    return "%s%s" % (where, error.strerror or error)


def _say(message):
    _write(sys.stdout, message)


def _fail(message):
    _write(sys.stderr, "run.py: %s\n" % message)
    return 1


def _write(stream, message):
    # Where the caller closed it, nobody reads.
    if stream is None:
        return
    encoding = getattr(stream, "encoding", None) or "ascii"
    # A path may hold letters, or bytes, that the terminal has none for.
    stream.write(message.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

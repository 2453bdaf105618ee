"""environment.yml (conda) and pyproject.toml (pip, uv) ask for the same packages and floors."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
#: What conda-forge calls a package, where that is not its name elsewhere.
CONDA_NAMES = {"kaleido": "python-kaleido", "playwright": "playwright-python"}

#: What conda-forge does not have, as far as is known: a test that needs it is skipped there.
NOT_ON_CONDA = {"axe-playwright-python"}


def floors(requirements, pattern):
    """Name -> floor ("" where there is none); a line of any other form fails here."""
    matches = [re.fullmatch(pattern, line) for line in requirements]
    assert None not in matches, [r for r, m in zip(requirements, matches, strict=True) if not m]
    names = [match["name"] for match in matches]
    assert len(set(names)) == len(names), f"named twice: {sorted(names)}"
    return {match["name"]: match["floor"] or "" for match in matches}


def wanted():
    extras = PROJECT["project"]["optional-dependencies"]
    groups = PROJECT["dependency-groups"]
    lines = [*PROJECT["project"]["dependencies"], *extras["notebooks"]]
    lines += [*extras["workbook"], *groups["test"]]
    return floors(lines, r"(?P<name>[a-z0-9._-]+)(?P<floor>>=[0-9.]+)?")


def test_conda_asks_for_the_packages_and_floors_of_pyproject():
    lines = [line for line in ENVIRONMENT["dependencies"] if isinstance(line, str)]
    conda = floors(lines, r"(?P<name>[a-z0-9._-]+)( (?P<floor>>=[0-9.]+))?")

    assert conda.pop("python") == PROJECT["project"]["requires-python"]
    assert conda.pop("pip") == ""
    assert conda == {
        CONDA_NAMES.get(name, name): floor
        for name, floor in wanted().items()
        if name not in NOT_ON_CONDA
    }


def test_conda_leaves_to_pip_only_plcore_itself():
    # pip refuses a line "--no-deps -e ."; anything else installed by pip would escape this test.
    lines = [line for line in ENVIRONMENT["dependencies"] if not isinstance(line, str)]

    assert lines == [{"pip": ["-e ."]}]


def test_conda_takes_packages_from_conda_forge_only():
    assert ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]
    assert set(ENVIRONMENT) == {"name", "channels", "dependencies"}


def test_the_environment_has_the_name_that_run_py_looks_for():
    assert ENVIRONMENT["name"] == "plcore"
    assert 'os.environ.get("CONDA_DEFAULT_ENV") == "plcore"' in (ROOT / "run.py").read_text()


def test_the_lock_holds_every_package_with_hashes_and_names_no_host():
    locked = set(re.findall(r"^([a-z0-9._-]+)==", LOCK, re.MULTILINE))

    assert set(wanted()) <= locked
    assert "://" not in LOCK
    blocks = re.split(r"\n(?=[a-z0-9])", LOCK.strip())
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_lock_satisfies_the_floors():
    def number(version):
        return tuple(int(part) for part in re.findall(r"\d+", version)[:3])

    for name, floor in wanted().items():
        versions = re.findall(rf"^{re.escape(name)}==([0-9][^ ;\\]*)", LOCK, re.MULTILINE)
        assert versions, name
        assert min(map(number, versions)) >= number(floor), name

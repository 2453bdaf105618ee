"""run.py: set-up in one command, and plain words for whatever forbids it; the benchmark harness."""

import ast
import csv
import inspect
import sys
from pathlib import Path

import numpy as np
import pytest
from set_up_pretended import ROOT, _run, _steps, fail_at  # noqa: F401 - fixtures

from benchmarks import Case, floors
from benchmarks.__main__ import (
    COLUMNS,
    FOLDER,
    find_jobs,
    main,
    measure,
    table_of,
    write_results,
    write_table,
)

NO_NETWORK = (
    "WARNING: Retrying after connection broken by 'NewConnectionError(...)': /simple/uv/\n"
    "ERROR: No matching distribution found for uv\n"
)


def test_a_python_that_is_too_old_is_told_so(run, monkeypatch, capsys):
    monkeypatch.setattr(run.sys, "version_info", (3, 10, 13))
    monkeypatch.setattr(run.sys, "version", "3.10.13 (main)")

    assert run.main(["report"]) == 1
    assert "plcore needs Python 3.11 or newer; this is 3.10.13." in capsys.readouterr().err


def test_an_old_python_can_read_run_py_far_enough_to_say_so():
    tree = ast.parse((ROOT / "run.py").read_text())
    # Syntax that Python 2.7 refuses; run.py was read by Python 2.7.18 and 3.6.15, which said so.
    newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Match, ast.Nonlocal, ast.Starred)
    found = [node for node in ast.walk(tree) if isinstance(node, newer)]
    found += [node for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.cause]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            arguments = [*node.args.args, *node.args.kwonlyargs]
            found += [a for a in arguments if a.annotation is not None] + node.args.kwonlyargs
            found += [node] if node.returns is not None else []

    assert [f"line {node.lineno}: {ast.unparse(node)}" for node in found] == []


def test_the_modules_that_run_py_needs_at_once_are_those_that_old_pythons_have():
    tree = ast.parse((ROOT / "run.py").read_text())
    imported = {
        alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names
    }

    assert imported == {
        "errno", "hashlib", "os", "shutil", "subprocess", "sys", "tempfile", "time",
    }  # fmt: skip
    assert not [node for node in tree.body if isinstance(node, ast.ImportFrom)]


@pytest.mark.parametrize("arguments", [[], ["reprot"], ["--report"]])
def test_a_misuse_exits_with_2_and_lists_the_jobs(run, arguments, capsys):
    assert run.main(arguments) == 2
    assert "the jobs are report, test, lab, bench" in capsys.readouterr().err


def test_help_is_no_misuse(run, capsys):
    assert run.main(["--help"]) == 0
    assert "python3 run.py report" in capsys.readouterr().out


def test_without_a_network_nothing_is_left_and_the_message_says_what_failed(
    run, steps, monkeypatch, capsys
):
    fail_at(run, monkeypatch, "pip", NO_NETWORK)

    assert run.main(["report"]) == 1
    said = capsys.readouterr().err
    assert "installing uv with pip failed: the package index could not be reached" in said
    assert "No matching distribution found for uv" in said
    assert not Path(run.VENV).exists()


def test_a_network_lost_half_way_leaves_nothing_either(run, steps, monkeypatch, capsys):
    fail_at(run, monkeypatch, "--require-hashes", "error: Failed to fetch: numpy\n  dns error\n")

    assert run.main(["test"]) == 1
    said = capsys.readouterr().err
    assert "installing the locked packages with uv failed: the package index could not" in said
    assert "Nothing was left half installed: .venv has been removed" in said
    assert not Path(run.VENV).exists()


def test_a_certificate_that_only_the_system_knows_is_tried_with_the_systems_list(
    run, steps, monkeypatch
):
    tried = []

    def pretend(what, command, after=""):
        tried.append(command)
        if "--require-hashes" in command and "--system-certs" not in command:
            raise run.SetUpFailed("invalid peer certificate: UnknownIssuer")

    monkeypatch.setattr(run, "_call", pretend)
    Path(run._site_packages()).mkdir(parents=True)

    run.set_up()

    hashed = [command for command in tried if "--require-hashes" in command]
    assert ["--system-certs" in command for command in hashed] == [False, True]


def test_another_failure_is_told_in_its_own_words(run, steps, monkeypatch, capsys):
    fail_at(run, monkeypatch, "--require-hashes", "error: hash mismatch for numpy\n")

    assert run.main(["test"]) == 1
    said = capsys.readouterr().err
    assert "error: hash mismatch for numpy" in said
    assert "could not be reached" not in said


def test_a_folder_that_cannot_be_written_is_named(run, steps, monkeypatch, capsys):
    def refuse(**options):
        raise PermissionError(13, "Permission denied")

    # Root may write everywhere, so a folder without write access cannot be made for this test.
    monkeypatch.setattr(run.tempfile, "TemporaryFile", refuse)

    assert run.main(["report"]) == 1
    assert f"cannot write to {run.ROOT} (Permission denied)" in capsys.readouterr().err
    assert steps == []


def test_a_python_without_its_venv_module_is_told_which_package_has_it(
    run, steps, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "ensurepip", None)

    assert run.main(["report"]) == 1
    said = capsys.readouterr().err
    assert "its module ensurepip is missing" in said
    assert "apt install python3-venv" in said
    assert steps == []


def test_set_up_is_done_once(run, steps):
    assert run.main(["report"]) == 0
    made = [command for command in steps if command[1:4] == ["-I", "-m", "venv"]]
    assert len(made) == 1
    steps.clear()

    assert run.main(["report"]) == 0
    assert steps == [[run.PYTHON, "-P", "-m", "plcore.report"]]


def test_packages_are_installed_with_their_hashes_before_plcore(run, steps):
    run.main(["report"])

    words = [" ".join(command) for command in steps]
    assert "-I -m venv --clear" in words[0]
    assert words[1].endswith(" uv")
    assert "--require-hashes" in words[2]
    assert words[3].endswith(f"--no-deps -e {run.ROOT}")


@pytest.mark.parametrize("file", ["LOCK", "PYPROJECT"])
def test_set_up_is_done_again_when_what_it_rests_on_changes(run, steps, file):
    run.main(["report"])
    steps.clear()
    path = Path(getattr(run, file))
    path.write_text(path.read_text() + "# changed\n")

    run.main(["report"])

    assert steps[0][1:4] == ["-I", "-m", "venv"]


def test_a_set_up_that_was_interrupted_is_removed_and_done_again(run, steps, monkeypatch, capsys):
    def interrupt(what, command, after=""):
        Path(run.VENV).mkdir()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, "_call", interrupt)
        assert run.main(["report"]) == 1
    assert not Path(run.VENV).exists()

    assert run.main(["report"]) == 0
    assert steps[0][1:4] == ["-I", "-m", "venv"]


def test_an_environment_without_its_stamp_counts_as_half_made(run, steps):
    run.main(["report"])
    (Path(run.VENV) / "plcore.stamp").unlink()
    steps.clear()

    run.main(["report"])

    assert steps[0][1:4] == ["-I", "-m", "venv"]


def test_the_conda_environment_called_plcore_is_used_as_it_is(run, steps, monkeypatch):
    monkeypatch.setenv("CONDA_DEFAULT_ENV", "plcore")

    assert run.main(["lab"]) == 0
    assert steps == [[sys.executable, "-P", "-m", "jupyterlab", "notebooks"]]


def test_another_conda_environment_is_not(run, steps, monkeypatch):
    monkeypatch.setenv("CONDA_DEFAULT_ENV", "base")

    run.main(["lab"])

    assert steps[-1][0] == run.PYTHON


def test_what_follows_test_goes_to_pytest_and_its_exit_code_comes_back(run, steps, monkeypatch):
    run.main(["test"])
    monkeypatch.setattr(run.subprocess, "call", lambda command, **_: steps.append(command) or 5)

    assert run.main(["test", "-k", "forest"]) == 5
    assert steps[-1][:4] == [run.PYTHON, "-P", "-m", "pytest"]
    assert steps[-1][-2:] == ["-k", "forest"]


def test_packages_from_elsewhere_stay_out(run, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("PLCORE_KEEPS", "this")

    assert "PYTHONPATH" not in run.clean_environ()
    assert run.clean_environ()["PLCORE_KEEPS"] == "this"


def test_bytecode_that_may_not_stand_beside_the_code_is_kept_in_the_environment(
    run, steps, monkeypatch
):
    run.main(["report"])
    for value, kept in (("1", str(Path(run.VENV) / "bytecode")), ("", None)):
        monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", value)
        monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
        environ = run.clean_environ()
        assert environ.get("PYTHONPYCACHEPREFIX") == kept
        assert not environ.get("PYTHONDONTWRITEBYTECODE")


def test_only_bench_installs_the_peers_and_only_once(run, steps):
    run.main(["report"])
    assert not [command for command in steps if "pymare>=0.0.4" in command]

    run.main(["bench", "draws"])
    assert [command[-2:] for command in steps if "pymare>=0.0.4" in command] == [
        ["pymare>=0.0.4", "statsmodels>=0.14"]
    ]
    assert steps[-1] == [run.PYTHON, "-P", "-m", "benchmarks", "draws"]
    steps.clear()

    run.main(["bench"])
    assert steps == [[run.PYTHON, "-P", "-m", "benchmarks"]]


def test_figures_installs_what_draws_images_once_and_nothing_else(run, steps):
    run.main(["figures", "--only", "tornado"])
    assert [command[-1] for command in steps if "kaleido>=1.0" in command] == ["kaleido>=1.0"]
    assert not [command for command in steps if "pymare>=0.0.4" in command]
    assert steps[-1] == [run.PYTHON, "-P", "-m", "plcore.report.figures", "--only", "tornado"]
    steps.clear()

    run.main(["figures"])
    assert steps == [[run.PYTHON, "-P", "-m", "plcore.report.figures"]]


def test_peers_that_cannot_be_had_leave_the_environment_as_it_was(run, steps, monkeypatch, capsys):
    run.main(["report"])
    fail_at(run, monkeypatch, "pymare", "error: Failed to fetch pymare\n")

    assert run.main(["bench"]) == 1
    assert "installing the peers failed: the package index could not" in capsys.readouterr().err
    assert Path(run.PYTHON).exists()
    steps.clear()

    run.main(["report"])
    assert steps == [[run.PYTHON, "-P", "-m", "plcore.report"]]


def case(**changes):
    """A case of no work against a peer that does a little."""
    values = {
        "job": "nothing",
        "size": "1 call",
        "ours": "ours",
        "ours_call": lambda: None,
        "peer": "peer",
        "peer_version": "1.0",
        "peer_call": lambda: sum(range(20_000)),
        "floor": "nothing",
        "floor_call": lambda: None,
    }
    return Case(**(values | changes))


@pytest.fixture
def spend(monkeypatch):
    """Calls that take so many seconds by a clock that nothing else moves, however busy it is."""
    now = [0.0]
    monkeypatch.setattr("benchmarks.__main__.time.perf_counter", lambda: now[0])

    def spending(seconds):
        def call():
            now[0] += seconds

        return call

    return spending


def test_the_ratio_is_the_peers_time_by_ours(spend):
    row = measure(case(ours_call=spend(2.0), peer_call=spend(6.0), floor_call=spend(0.5)))

    assert tuple(row) == COLUMNS
    assert [row[name] for name in ("ours_s", "peer_s", "ratio")] == ["2", "6", "3"]


def test_every_row_has_its_floor_measured_in_the_same_run(spend):
    # The floor is short: it is timed several calls at a time, and the time is that of one.
    row = measure(
        case(ours_call=spend(2), peer_call=spend(2), floor="27 MB written", floor_call=spend(25e-5))
    )

    assert (row["floor"], float(row["floor_s"])) == ("27 MB written", pytest.approx(0.00025))


def test_a_peer_that_does_a_part_is_compared_with_the_whole(spend):
    row = measure(case(ours_call=spend(2), peer_call=spend(3), floor_call=spend(1), peer_part=0.01))

    assert (row["peer_s"], row["peer_part"], row["ratio"]) == ("3", "0.01", "150")


def test_each_side_is_called_at_least_three_times():
    ours, peer = [], []
    measure(
        case(ours_call=lambda: ours.append(1), peer_call=lambda: peer.append(1)), seconds_a_side=0.0
    )

    assert len(ours) > 3
    assert len(peer) > 3


def test_peak_memory_is_that_of_our_side_in_megabytes():
    row = measure(case(ours_call=lambda: bytearray(30_000_000)), seconds_a_side=0.0)

    assert 30.0 <= float(row["peak_mb"]) < 31.0


def missing():
    raise ImportError("no module named peer")


@pytest.mark.parametrize("peer_call", [None, missing])
def test_a_peer_that_is_not_installed_is_reported_as_such(peer_call):
    row = measure(case(peer_call=peer_call), seconds_a_side=0.0)

    assert (row["peer_version"], row["peer_s"], row["ratio"]) == ("not installed", "", "")
    assert float(row["ours_s"]) > 0


def test_a_limit_stands_in_the_place_of_a_peer():
    row = measure(
        case(peer="limit", peer_version="", peer_call=None, limit_s=0.5), seconds_a_side=0.0
    )

    assert row["peer_s"] == "0.5"
    assert float(row["ratio"]) == pytest.approx(0.5 / float(row["ours_s"]), rel=0.01)


def test_a_limit_without_seconds_is_refused():
    with pytest.raises(ValueError, match="limit_s goes with the peer 'limit'"):
        case(peer="limit")


def test_measuring_one_job_leaves_the_results_of_others(tmp_path):
    path = tmp_path / "results.csv"

    def row(job, seconds):
        return dict.fromkeys(COLUMNS, "") | {"job": job, "ours_s": seconds, "floor": "read"}

    write_results([row("pooling", "1"), row("draws", "2")], path, jobs=["pooling", "draws"])
    write_results([row("draws", "3")], path, jobs=["draws"])

    with path.open(newline="") as file:
        assert [(r["job"], r["ours_s"]) for r in csv.DictReader(file)] == [
            ("draws", "3"),
            ("pooling", "1"),
        ]

    # A job whose peers are not installed any more has no rows left.
    write_results([], path, jobs=["draws"])
    with path.open(newline="") as file:
        assert [r["job"] for r in csv.DictReader(file)] == ["pooling"]


def test_both_sides_and_the_floor_run_on_one_blas_thread():
    from threadpoolctl import threadpool_info

    threads = []

    def look():
        threads.extend(p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas")

    measure(case(ours_call=look, peer_call=look, floor_call=look), seconds_a_side=0.0)

    assert set(threads) == {1}


def test_a_floor_spends_what_it_says():
    seen = []
    floors.applied(lambda numbers: seen.append(len(numbers)), 200_000)()
    assert sum(seen) == 200_000

    result = {"people": np.ones((100, 1000)), "parts": [np.ones(50), (np.ones(7), "words")]}
    target = inspect.getclosurevars(floors.written(result)).nonlocals["target"]
    assert target.nbytes == 8 * (100_000 + 57)

    for n in (1e6, 5e9):
        names = inspect.getclosurevars(floors.multiplied(n)).nonlocals
        assert names["rounds"] * len(names["a"]) ** 3 == pytest.approx(n, rel=0.02)


def test_the_readme_holds_the_results_and_nothing_else(tmp_path):
    """What `run.py bench` wrote, to the letter."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("<!-- speed: written by run.py bench -->\n")[2]

    assert table.partition("\n<!-- end of speed -->")[0] == table_of(FOLDER / "results.csv")

    copy, results = tmp_path / "README.md", tmp_path / "results.csv"
    copy.write_text(text, encoding="utf-8")
    rows = [dict.fromkeys(COLUMNS, "") | {
        "job": "queue", "size": "9 visits", "ours_s": "0.0838", "floor_s": "0.00002",
        "floor": "read", "peer": "simpy", "peer_version": "4", "peer_s": "1.27",
        "peer_part": "0.01", "ratio": "1515", "peak_mb": "33.2"}]  # fmt: skip
    write_results(rows, results, jobs=["queue"])
    write_table(results, copy)
    assert (
        "| `queue`: 9 visits | 84 ms | 20 µs: read | simpy 4 | 1.3 s for 1% of it | 1515 | 33 MB |"
        in copy.read_text(encoding="utf-8").splitlines()
    )
    assert len(copy.read_text(encoding="utf-8").splitlines()) < len(text.splitlines())


def test_an_unknown_benchmark_exits_with_2_and_lists_those_that_there_are(tmp_path, capsys):
    assert main(["nope"], results=tmp_path / "results.csv") == 2
    assert "no job 'nope'; the jobs are" in capsys.readouterr().err
    assert not (tmp_path / "results.csv").exists()


def test_jobs_are_the_modules_that_have_cases(tmp_path):
    (tmp_path / "fast.py").write_text("import nowhere\n\n\ndef cases():\n    yield\n")
    (tmp_path / "other.py").write_text("def coverage():\n    pass\n")

    assert find_jobs(tmp_path) == ["fast"]

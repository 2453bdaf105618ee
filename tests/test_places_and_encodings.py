"""run.py where disks are full, folders are read-only or half gone, and letters are foreign."""

import errno
import importlib.util
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from set_up_pretended import ROOT, _run, _steps, fail_at  # noqa: F401 - fixtures

from plcore.terminal import print_what_it_can

MADE = ["-I", "-m", "venv"]
FULL = "the disk is full. Make room (set-up needs about 1 GB)"


def no_room(*arguments, **options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def spoil_file(run):
    Path(run.VENV).write_text("notes")


def spoil_dangling_link(run):
    Path(run.VENV).symlink_to("nowhere")


def spoil_link_to_a_folder(run):
    Path(run.ROOT, "other").mkdir()
    Path(run.ROOT, "other", "thesis.txt").write_text("mine")
    Path(run.VENV).symlink_to("other")


def spoil_no_lock(run):
    Path(run.LOCK).unlink()


def spoil_no_pyproject(run):
    Path(run.PYPROJECT).unlink()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_file, ".venv is a file, where the folder .venv has to go. Move it away"),
        (spoil_dangling_link, ".venv is a link, where the folder"),
        (spoil_link_to_a_folder, ".venv is a link, where the folder"),
        (spoil_no_lock, "requirements.lock is missing; is the copy of the project complete?"),
        (spoil_no_pyproject, "pyproject.toml is missing; is the copy of the project complete?"),
    ],
)
def test_what_stands_in_the_way_is_named_and_left_alone(run, steps, spoil, said, capsys):
    spoil(run)
    before = sorted(path.name for path in Path(run.ROOT).rglob("*"))

    assert run.main(["report"]) == 1
    assert said in capsys.readouterr().err
    assert steps == []
    assert sorted(path.name for path in Path(run.ROOT).rglob("*")) == before


def lose_package(run):
    Path(run._site_packages(), "numpy").rmdir()


def lose_stamp(run):
    Path(run.STAMP).unlink()


def lose_python(run):
    Path(run.PYTHON).unlink()


def stamp_of_bytes(run):
    Path(run.STAMP).write_bytes(b"\xff\xfe\x00")


def stamp_is_a_folder(run):
    Path(run.STAMP).unlink()
    Path(run.STAMP).mkdir()


def stamp_of_an_older_run_py(run):
    Path(run.STAMP).write_text("0" * 64)


@pytest.mark.parametrize(
    "spoil",
    [lose_package, lose_stamp, lose_python, stamp_of_bytes, stamp_is_a_folder,
     stamp_of_an_older_run_py],
)  # fmt: skip
def test_an_environment_that_is_not_as_it_was_left_is_made_again(run, steps, spoil):
    run.main(["report"])
    steps.clear()
    spoil(run)

    assert run.main(["report"]) == 0
    assert steps[0][1:4] == MADE


def test_a_package_that_is_gone_is_named(run, steps, capsys):
    run.main(["report"])
    lose_package(run)

    run.main(["report"])

    assert "Setting up .venv again, as numpy is gone from it" in capsys.readouterr().out


def test_a_package_that_the_user_added_or_renewed_is_left_alone(run, steps):
    Path(run._site_packages(), "numpy-2.0.0.dist-info").mkdir(parents=True)
    run.main(["report"])
    folder = Path(run._site_packages())
    (folder / "mine").mkdir()
    (folder / "numpy-2.1.0.dist-info").mkdir()
    steps.clear()

    run.main(["report"])

    assert [command[1:4] for command in steps] == [["-P", "-m", "plcore.report"]]


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("venv", "Error: [Errno 28] No space left on device: '.venv/bin'"),
        ("pip", "ERROR: Could not install packages due to an OSError: [Errno 28] No space left"),
        ("--require-hashes", "error: failed to write: No space left on device (os error 28)"),
        ("--require-hashes", "error: Disk quota exceeded (os error 122)"),
        ("--require-hashes", "error: There is not enough space on the disk. (os error 112)"),
    ],
)
def test_a_full_disk_says_so(run, steps, monkeypatch, capsys, at, words):
    fail_at(run, monkeypatch, at, words)

    assert run.main(["report"]) == 1
    assert FULL in capsys.readouterr().err
    assert not Path(run.VENV).exists()


def test_a_disk_that_is_full_at_the_very_end_leaves_nothing_half_made(
    run, steps, monkeypatch, capsys
):
    monkeypatch.setattr(run, "write_stamp", no_room)

    assert run.main(["report"]) == 1
    assert FULL in capsys.readouterr().err
    assert not Path(run.VENV).exists()


@pytest.mark.parametrize(
    "words",
    [
        "error: Failed to initialize cache at `/home/me/.cache/uv`\n  Permission denied (os error 13)",
        "error: Failed to initialize cache at `/home/me/.cache/uv`\n  Read-only file system",
        "error: Failed to initialize cache at `/dev/null/.cache/uv`\n  Not a directory (os error 20)",
    ],
)
@pytest.mark.parametrize("certificate", [False, True])
def test_uv_gets_a_cache_in_the_environment_where_home_is_read_only(
    run, steps, monkeypatch, words, certificate
):
    succeed = run.subprocess.run

    def pretend(command, **options):
        if "uv" in command and "--cache-dir" not in command and "--python" in command:
            return subprocess.CompletedProcess(command, 2, stdout=words)
        if "--require-hashes" in command and certificate and "--system-certs" not in command:
            return subprocess.CompletedProcess(command, 2, stdout="invalid peer certificate")
        return succeed(command, **options)

    monkeypatch.setattr(run.subprocess, "run", pretend)

    assert run.main(["report"]) == 0
    hashed = next(command for command in steps if "--require-hashes" in command)
    assert hashed[hashed.index("--cache-dir") + 1] == str(Path(run.VENV) / "cache")
    assert ("--system-certs" in hashed) == certificate


def test_another_fault_of_the_cache_is_not_tried_for_ever(run, steps, monkeypatch, capsys):
    fail_at(run, monkeypatch, "--require-hashes", "error: the cache is broken")

    assert run.main(["report"]) == 1
    assert "the cache is broken" in capsys.readouterr().err


def test_a_folder_that_is_gone_is_said_in_words(run, steps, monkeypatch, capsys):
    def gone():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    monkeypatch.setattr(run.os, "getcwd", gone)

    assert run.main(["plan"]) == 1
    assert "the folder in which this was called is gone" in capsys.readouterr().err


class FullDisk(io.StringIO):
    """What is printed goes into a file on a disk that is full."""

    def flush(self):
        no_room()


@pytest.mark.parametrize("job", [["--help"], []])
@pytest.mark.parametrize(("stdout", "code"), [(FullDisk(), 1), (None, 0)], ids=["full", "closed"])
def test_help_that_cannot_be_printed_ends_in_words(run, monkeypatch, capsys, job, stdout, code):
    monkeypatch.setattr(sys, "stdout", stdout)
    if not job:
        monkeypatch.setattr(sys, "stderr", None)

    assert run.main(job) == (code if job else 2)
    assert (FULL in capsys.readouterr().err) == (bool(job) and code == 1)


@pytest.mark.parametrize("letters", ["caf\u00e9", "\u65e5\u672c", "caf\udce9"])
def test_a_path_of_foreign_letters_or_bytes_has_a_fingerprint(run, monkeypatch, letters):
    before = run.fingerprint()
    monkeypatch.setattr(run, "ROOT", f"/home/{letters}")

    assert run.fingerprint() != before


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-8"])
def test_a_message_with_a_path_of_foreign_bytes_can_be_printed(run, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)

    run._write(stream, "cannot write to /home/caf\udce9/\u65e5: no\n")

    written = stream.buffer.getvalue().decode(encoding)
    assert written.startswith("cannot write to /home/caf\\udce9/")
    assert written.endswith(": no\n")


def test_run_py_finds_the_project_through_a_link(tmp_path):
    link = tmp_path / "run.py"
    link.symlink_to(ROOT / "run.py")
    spec = importlib.util.spec_from_file_location("linked", link)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert Path(module.ROOT) == ROOT


@pytest.mark.parametrize(("encoding", "passed"), [("UTF-8", None), ("ascii", "ascii")])
def test_a_job_reads_utf_8_and_prints_in_the_letters_of_the_terminal(
    run, monkeypatch, encoding, passed
):
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))

    environ = run.clean_environ()

    assert environ["PYTHONUTF8"] == "1"
    assert environ.get("PYTHONIOENCODING") == passed


@pytest.mark.parametrize(
    ("encoding", "text", "shown"),
    [
        ("ascii", "Do\u00f1a Ana County", "Dona Ana County"),
        ("ascii", "Ca\u00f1on City, CO \u2013 2%", "Canon City, CO - 2%"),
        ("ascii", "\u201cMayag\u00fcez\u201d \u00b2", '"Mayaguez" 2'),
        ("ascii", "\u65e5 caf\udce9", "\\u65e5 caf\\udce9"),
        ("latin-1", "Do\u00f1a \u2019\u0160", "Do\u00f1a 'S"),
        ("utf-8", "Do\u00f1a \u65e5", "Do\u00f1a \u65e5"),
    ],
)
def test_a_terminal_without_a_letter_gets_a_near_one(monkeypatch, encoding, text, shown):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    print_what_it_can()

    print(text, end="", flush=True)

    assert stream.buffer.getvalue().decode(encoding) == shown


PLAN = [sys.executable, "-P", "-m", "plcore.planner.command"]


def called(command, folder, **environ):
    """What a command says in a folder with some variables, and its exit code."""
    # Compiled modules are kept, so that each of these processes does not compile pandas again.
    left_out = ("LANG", "LC_ALL", "PYTHONDONTWRITEBYTECODE")
    variables = {k: v for k, v in os.environ.items() if k not in left_out} | environ
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, check=False, timeout=300
    )
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


@pytest.mark.parametrize("flag", ["-O", "-OO"])
def test_run_py_without_its_docstrings_still_lists_the_jobs(tmp_path, flag):
    code, said = called([sys.executable, flag, str(ROOT / "run.py"), "--help"], tmp_path)

    assert code == 0
    assert "python3 run.py plan" in said


def test_help_of_plan_needs_no_docstrings(tmp_path):
    code, said = called([*PLAN, "--help"], tmp_path, PYTHONOPTIMIZE="2")

    assert code == 0
    assert "Chairs in which infusions are given, from 1 to 200." in said


def test_an_area_is_named_on_a_terminal_of_ascii(tmp_path):
    code, said = called(
        [*PLAN, "--list-metros", "ca\u00f1on"], tmp_path, PYTHONUTF8="1", PYTHONIOENCODING="ascii"
    )

    assert code == 0, said
    assert "Canon City, CO" in said


def test_a_file_of_foreign_letters_is_written_in_a_place_without_a_language(tmp_path):
    code, said = called([*PLAN, "--own-template", "caf\u00e9.csv"], tmp_path, LC_ALL="C")

    assert code == 0, said
    assert (tmp_path / "caf\u00e9.csv").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_plan_says_that_the_disk_is_full(tmp_path):
    code, said = called(
        [
            *PLAN,
            "--state",
            "VT",
            "--draws",
            "16",
            "--runs",
            "1",
            "--no-sizes",
            "--save",
            "/dev/full",
        ],
        tmp_path,
    )

    assert code == 2
    assert said.strip() == "plan: No space left on device"


JOBS = {
    "plan": ["plcore.planner.command", "--help"],
    "plan, its places": ["plcore.planner.command", "--list-scenarios"],
    "report": ["plcore.report", "--help"],
    "figures": ["plcore.report.figures", "--help"],
    "manifest": ["plcore.report.metadata", "--check"],
    "plcore": ["plcore", "--help"],
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize(("job", "unbuffered"), [("figures", "1"), *((job, "") for job in JOBS)])
def test_what_cannot_be_printed_is_said_in_a_line(job, unbuffered, tmp_path):
    with open("/dev/full", "w", encoding="ascii") as full:
        ended = subprocess.run(
            [sys.executable, "-P", "-m", *JOBS[job]], cwd=tmp_path, stdout=full,
            stderr=subprocess.PIPE, text=True, check=False,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip

    assert ended.returncode in (1, 2)
    assert ended.stderr == f"{job.partition(',')[0]}: No space left on device\n"


@pytest.mark.parametrize("job", ["plan", "plan, its places", "manifest"])
def test_a_reader_that_leaves_is_told_nothing(job, tmp_path):
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        [sys.executable, "-P", "-m", *JOBS[job]], cwd=tmp_path, stdout=write,
        stderr=subprocess.PIPE, text=True, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    os.close(write)

    assert (ended.returncode, ended.stderr) == (1, "")

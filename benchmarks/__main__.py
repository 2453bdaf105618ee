"""`python -m benchmarks [job ...]`: time plcore, its peers and the floors, write results.csv.

Both sides of a case run alternately in one process, so that a busy moment of the machine hits
both, and with one thread for linear algebra; the medians are compared. Memory is the peak of what
our side allocates through Python (tracemalloc, which NumPy reports to), measured in a call that is
not timed. The floor is what the task must spend at the least on this machine, timed in the same
turns. A peer that is not installed has no row. The README's table is written from the results.
"""

from __future__ import annotations

import argparse
import csv
import gc
import importlib
import os
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from benchmarks import Case
from plcore.threads import one_blas_thread

FOLDER = Path(__file__).parent
COLUMNS = ("job", "size", "ours", "ours_s", "floor_s", "floor", "peer", "peer_version", "peer_s",
           "peer_part", "ratio", "peak_mb", "cores")  # fmt: skip
#: Where the table of the README stands.
_START, _END = "<!-- speed: written by run.py bench -->", "<!-- end of speed -->"
_LEAST_REPEATS = 3
_SECONDS_A_SIDE = 2.0
#: Calls shorter than this are timed several at a time: the clock and its call take their share.
_SHORTEST_TIMED_S = 1e-3


def main(
    arguments: Sequence[str],
    *,
    results: Path = FOLDER / "results.csv",
    readme: Path = FOLDER.parent / "README.md",
) -> int:
    """Exit code: 0, or 2 for a job that there is not."""
    jobs = find_jobs()
    parser = argparse.ArgumentParser(prog="benchmarks", description="Time plcore and its peers.")
    parser.add_argument("job", nargs="*", help=f"one of {', '.join(jobs)}; all without any")
    names = parser.parse_args(arguments).job or jobs
    unknown = [name for name in names if name not in jobs]
    if unknown:
        print(f"bench: no job {unknown[0]!r}; the jobs are {', '.join(jobs)}", file=sys.stderr)
        return 2
    rows = []
    for name in names:
        try:
            # One at a time: a case may hold worker processes that end when the next is asked for.
            for case in importlib.import_module(f"benchmarks.{name}").cases():
                print(f"{name}: {case.size}: {case.ours} and {case.peer} ...", flush=True)
                row = measure(case)
                if row["peer_version"] == "not installed":
                    print(f"{name}: peer not installed, left out: {case.peer}")
                else:
                    rows.append(row)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.split(".")[0] in {"plcore", "benchmarks"}:
                raise
            print(f"{name}: peer not installed: {error.name}")
    write_results(rows, results, jobs=names)
    write_table(results, readme)
    print(pd.DataFrame(rows, columns=list(COLUMNS)).to_string(index=False))
    print(
        f"Written to {results.name} and {readme.name}; a ratio is the peer's time by ours, memory is "
        "our peak, the floor is what this machine needs for the memory or arithmetic alone"
    )
    return 0


def find_jobs(folder: Path = FOLDER) -> list[str]:
    """Names of the modules in a folder that have a function `cases`, none of them imported."""
    modules = sorted(folder.glob("*.py"))
    return [path.stem for path in modules if "\ndef cases(" in path.read_text(encoding="utf-8")]


def measure(case: Case, *, seconds_a_side: float = _SECONDS_A_SIDE) -> dict[str, str]:
    """A row of the results. Times are medians of one call, in seconds."""
    peer_call = case.peer_call
    with one_blas_thread():
        peak_mb = _peak_mb(case.ours_call)
        if peer_call is not None:
            try:
                peer_call()
            except ImportError:
                peer_call = None
        ours_s, peer_s, floor_s = _medians(
            case.ours_call, peer_call, case.floor_call, seconds_a_side
        )
    version = case.peer_version
    if case.limit_s is not None:
        peer_s = case.limit_s
    elif peer_s is None:
        version = "not installed"
    return {
        "job": case.job,
        "size": case.size,
        "ours": case.ours,
        "ours_s": f"{ours_s:.4g}",
        "floor_s": f"{floor_s:.2g}",
        "floor": case.floor,
        "peer": case.peer,
        "peer_version": version,
        "peer_s": "" if peer_s is None else f"{peer_s:.4g}",
        "peer_part": f"{case.peer_part:g}",
        "ratio": "" if peer_s is None else f"{peer_s / case.peer_part / ours_s:.3g}",
        "peak_mb": f"{peak_mb:.1f}",
        "cores": str(os.cpu_count()),
    }


def write_results(rows: Sequence[dict[str, str]], path: Path, *, jobs: Sequence[str]) -> None:
    """Write the rows of some jobs to the file and leave those of other jobs as they were."""
    kept = []
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            # A row of an older file, without its floor, is no result.
            kept = [
                row for row in csv.DictReader(file) if row["job"] not in jobs and row.get("floor")
            ]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted([*kept, *rows], key=lambda row: row["job"]))


def write_table(results: Path, readme: Path) -> None:
    """Put the results into the README, between two marks: every row, and nothing else."""
    before, rest = readme.read_text(encoding="utf-8").split(_START, 1)
    _, after = rest.split(_END, 1)
    readme.write_text(f"{before}{_START}\n{table_of(results)}\n{_END}{after}", encoding="utf-8")


def table_of(results: Path) -> str:
    """The results as a Markdown table."""
    with results.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = ["| Task | Ours | Floor here | Peer | Peer's time | Ratio | Our peak |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for row in rows:
        limit = row["peer"] == "limit"
        peer = "" if limit else f"{row['peer']} {row['peer_version']}".strip()
        time = f"aim: under {_seconds(row['peer_s'])}" if limit else _seconds(row["peer_s"])
        if row["peer_part"] != "1":
            time += f" for {float(row['peer_part']):.0%} of it"
        ratio = "" if limit else row["ratio"]
        cells = (
            f"`{row['job']}`: {row['size']}", _seconds(row["ours_s"]),
            f"{_seconds(row['floor_s'])}: {row['floor']}", peer, time, ratio,
            f"{float(row['peak_mb']):.0f} MB",
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _seconds(text: str) -> str:
    """A time of two digits: "0.0838" is "84 ms"."""
    seconds = float(text)
    unit, size = next(
        (pair for pair in (("s", 1.0), ("ms", 1e-3)) if seconds >= pair[1]), ("µs", 1e-6)
    )
    return f"{float(f'{seconds / size:.2g}'):g} {unit}"


def _peak_mb(call: Callable[[], object]) -> float:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def _medians(
    ours: Callable[[], object],
    peer: Callable[[], object] | None,
    floor: Callable[[], object],
    seconds_a_side: float,
) -> tuple[float, float | None, float]:
    sides = [floor, ours] if peer is None else [floor, ours, peer]
    calls = [_calls_at_a_time(side) for side in sides]
    times: list[list[float]] = [[] for _ in sides]
    # In turn and equally often: at least three times, and until both sides' seconds are used up.
    while len(times[0]) < _LEAST_REPEATS or sum(map(sum, times)) < seconds_a_side * len(sides):
        for side, number, taken in zip(sides, calls, times, strict=True):
            taken.append(_time(side, number))
    medians = [
        statistics.median(taken) / number for taken, number in zip(times, calls, strict=True)
    ]
    return medians[1], medians[2] if peer is not None else None, medians[0]


def _calls_at_a_time(call: Callable[[], object]) -> int:
    number = 1
    while (taken := _time(call, number)) < _SHORTEST_TIMED_S:
        number *= 10 if taken * 10 < _SHORTEST_TIMED_S else 2
    return number


def _time(call: Callable[[], object], number: int) -> float:
    collecting = gc.isenabled()
    gc.disable()
    try:
        start = time.perf_counter()
        for _ in range(number):
            call()
        return time.perf_counter() - start
    finally:
        if collecting:
            gc.enable()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

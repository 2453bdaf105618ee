"""What can go wrong in a long run, done to it: dead workers, Ctrl-C, damaged files, a full disk."""

import errno
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from test_simulate import ENVIRON, PROCESSES, YEARS, digest

from plcore.models import published
from plcore.models.published import three_readings
from plcore.scenarios import read_scenario
from plcore.simulate import cache, fingerprint
from plcore.simulate.runs import run

HERE = Path(__file__).parent
SCENARIO = read_scenario(choices=YEARS)
OPTIONS = {"n_draws": 80, "block": 10}
EXPECTED = digest(run(three_readings, SCENARIO, **OPTIONS))


def slow(draws, scenario, *, log=None, seconds=0.05):
    """The three readings, after a while; each call leaves its first draw in a file."""
    if log is not None:
        with open(log, "a") as file:
            file.write(f"{draws.index[0]}\n")
    time.sleep(seconds)
    return three_readings(draws, scenario)


def calls(log):
    return [int(line) for line in Path(log).read_text().split()] if Path(log).exists() else []


def blocks_in(folder):
    return sorted(Path(folder).rglob("*.block"))


@contextmanager
def doing(action, title, total):
    """Progress that does something once, when the first two blocks are done."""
    left = [action]

    def show(done):
        if done >= 2 and left:
            left.pop()()

    yield show


def test_a_worker_killed_in_mid_run_loses_nothing_and_counts_nothing_twice(tmp_path):
    with ProcessPoolExecutor(2, mp_context=PROCESSES) as pool:
        kill = lambda: os.kill(next(iter(pool._processes)), signal.SIGKILL)
        found = run(partial(slow, log=tmp_path / "log"), SCENARIO, executor=pool,
                    progress=partial(doing, kill), **OPTIONS)  # fmt: skip

        with pytest.raises(BrokenExecutor):
            pool.submit(abs, 1).result()
    assert digest(found) == EXPECTED
    # The two or three blocks that were under way are run again, those finished are not.
    assert set(calls(tmp_path / "log")) == set(range(0, 80, 10))
    assert 8 <= len(calls(tmp_path / "log")) <= 8 + 4


def test_a_pool_that_is_broken_from_the_start_is_replaced():
    with ProcessPoolExecutor(1, mp_context=PROCESSES) as pool:
        with pytest.raises(BrokenExecutor):
            pool.submit(os._exit, 1).result()

        assert digest(run(three_readings, SCENARIO, executor=pool, **OPTIONS)) == EXPECTED


def kills_its_worker(draws, scenario):
    os._exit(1)


def test_a_model_that_always_kills_its_worker_is_given_up_with_a_hint():
    with (
        ProcessPoolExecutor(1, mp_context=PROCESSES) as pool,
        pytest.raises(BrokenExecutor) as found,
    ):
        run(kills_its_worker, SCENARIO, n_draws=4, executor=pool)

    assert (
        "draws 0 to 3 of baseline. Expected a model that ends; if memory"
        in (found.value.__notes__[0])
    )


class Broken(Executor):
    """An executor of another kind, which cannot be made anew."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.set_exception(BrokenExecutor("gone"))
        return future


def test_another_executor_that_breaks_says_so():
    with pytest.raises(BrokenExecutor, match="gone"):
        run(three_readings, SCENARIO, n_draws=4, executor=Broken())


def test_a_finished_run_is_read_back_without_calling_the_model(tmp_path):
    model = partial(slow, log=tmp_path / "log", seconds=0)
    for _ in range(2):
        assert digest(run(model, SCENARIO, cache=tmp_path / "kept", **OPTIONS)) == EXPECTED

    assert len(calls(tmp_path / "log")) == 8
    assert len(blocks_in(tmp_path / "kept")) == 8


def test_whatever_changes_the_result_is_computed_anew(tmp_path, monkeypatch):
    def kept(model=three_readings, scenario=SCENARIO, **options):
        before = len(blocks_in(tmp_path))
        run(model, scenario, cache=tmp_path, **{"n_draws": 8, **options})
        return len(blocks_in(tmp_path)) - before

    parameters = list(SCENARIO.parameters)
    place = next(i for i, item in enumerate(parameters) if item.name == "limb_loss_ceiling")
    parameters[place] = replace(parameters[place], note="another reason")

    assert kept() == 1
    assert kept() == 0
    assert kept(partial(slow, seconds=0)) == 1
    assert kept(partial(slow, seconds=1e-9)) == 1
    assert kept(seed=2) == 1
    assert kept(n_draws=9) == 1
    assert kept(scenario=replace(SCENARIO, choices={**SCENARIO.choices, "last_year": 2013})) == 1
    assert kept(scenario=replace(SCENARIO, parameters=tuple(parameters))) == 1

    data = tmp_path / "data"
    shutil.copytree(fingerprint.DATA, data)
    monkeypatch.setattr(fingerprint, "DATA", data)
    assert kept() == 0
    with open(data / "trials.csv", "a") as file:
        file.write("\n")
    assert kept() == 1


def test_a_changed_line_deep_in_the_package_is_computed_anew(tmp_path, monkeypatch):
    def kept():
        run(three_readings, SCENARIO, n_draws=8, cache=tmp_path)
        return len(blocks_in(tmp_path))

    assert kept() == 1
    monkeypatch.setattr(published, "constant_rate", lambda *given: published.straight_line(*given))
    assert kept() == 2
    monkeypatch.undo()
    assert kept() == 2


def test_a_worker_with_other_data_or_another_version_is_refused(tmp_path):
    with (
        ProcessPoolExecutor(
            1, mp_context=PROCESSES, initializer=other_data, initargs=(tmp_path,)
        ) as p,
        pytest.raises(ValueError, match="a worker has another version of plcore, its data"),
    ):
        run(three_readings, SCENARIO, n_draws=4, executor=p)


def other_data(folder):
    fingerprint.DATA = folder


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
        lambda content: content.replace(b"block 1", b"block 0"),
    ],
    ids=["cut off", "empty", "one bit", "another format"],
)
def test_a_damaged_block_is_noticed_and_run_again(damage, tmp_path):
    model = partial(slow, log=tmp_path / "log", seconds=0)
    run(model, SCENARIO, cache=tmp_path, **OPTIONS)
    path = blocks_in(tmp_path)[3]
    path.write_bytes(damage(path.read_bytes()))

    with pytest.warns(RuntimeWarning, match=rf"{path.name} in the cache .* its checksum differs"):
        found = run(model, SCENARIO, cache=tmp_path, **OPTIONS)

    assert digest(found) == EXPECTED
    assert len(calls(tmp_path / "log")) == 8 + 1
    run(model, SCENARIO, cache=tmp_path, **OPTIONS)
    assert len(calls(tmp_path / "log")) == 8 + 1


def test_a_write_that_fails_half_way_leaves_nothing_and_the_run_goes_on(tmp_path):
    """A real failure of the system: no file may grow beyond a thousand bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.warns(RuntimeWarning, match=r"cannot be used \(File too large\); the run goes"):
            found = run(three_readings, SCENARIO, cache=tmp_path, **OPTIONS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert digest(found) == EXPECTED
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_disk_that_fills_up_is_told_once_and_what_was_kept_stays(tmp_path, monkeypatch):
    real, written = cache.save, []

    def save(folder, key, outcome):
        if len(written) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(key)
        real(folder, key, outcome)

    monkeypatch.setattr(cache, "save", save)
    with pytest.warns(RuntimeWarning, match="No space left on device") as told:
        found = run(three_readings, SCENARIO, cache=tmp_path, **OPTIONS)

    assert digest(found) == EXPECTED
    assert len(told) == 1
    assert len(blocks_in(tmp_path)) == 3


def test_a_cache_that_cannot_be_a_folder_is_told_and_the_run_goes_on(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.warns(RuntimeWarning, match=r"file.* cannot be used \(Not a directory\)"):
        found = run(three_readings, SCENARIO, cache=tmp_path / "file", **OPTIONS)

    assert digest(found) == EXPECTED


READ_ONLY = """
import os, sys, warnings
from test_simulate_faults import *
if os.geteuid() == 0:
    os.seteuid(65534)  # root may write anywhere
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    found = run(three_readings, SCENARIO, cache=Path(sys.argv[1]), **OPTIONS)
assert digest(found) == EXPECTED
print(*(one.message for one in told))
"""


def test_a_folder_that_is_read_only_is_told_and_the_run_goes_on(tmp_path):
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o555)
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(parent.stat().st_mode | 0o055)
    told = subprocess.check_output(
        [sys.executable, "-c", READ_ONLY, folder], env=ENVIRON, text=True
    )

    assert told == (
        f"the cache {folder} cannot be used (Permission denied); the run goes on without it, and "
        "what it still computes is not kept\n"
    )


INTERRUPTED = """
import signal, sys
from test_simulate_faults import *
log, kept, workers = sys.argv[1:]
model = partial(slow, log=log)
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if workers == "0":
        run(model, SCENARIO, cache=Path(kept), **OPTIONS)
    else:
        with ProcessPoolExecutor(int(workers), mp_context=PROCESSES) as pool:
            run(model, SCENARIO, cache=Path(kept), executor=pool, **OPTIONS)
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_ctrl_c_at_a_random_time_keeps_what_is_done_and_the_next_call_goes_on(workers, tmp_path):
    log, kept = tmp_path / "log", tmp_path / "kept"
    command = [sys.executable, "-c", INTERRUPTED, log, kept, workers]
    process = subprocess.Popen(
        command, env=ENVIRON, stderr=subprocess.PIPE, text=True, process_group=0
    )
    deadline = time.monotonic() + 60
    while not blocks_in(kept) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(random.Random().uniform(0, 0.15))
    # As a terminal does it: to the whole group, workers included.
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)

    done = len(blocks_in(kept))
    assert process.returncode != 0
    assert "KeyboardInterrupt" in said
    assert f"{done} of 8 blocks were finished and are kept in {kept}" in said
    assert 1 <= done < 8
    assert list(kept.rglob("unfinished-*")) == []
    log.unlink()
    assert digest(run(partial(slow, log=str(log)), SCENARIO, cache=kept, **OPTIONS)) == EXPECTED
    assert len(calls(log)) == 8 - done


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers, started by the programs that a user starts them with."""
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    dask = [sys.executable, "-m", "dask"]
    quiet = {"env": ENVIRON, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    local = ["--host", "127.0.0.1"]
    port = ["--port", address.rsplit(":", 1)[1], "--no-dashboard"]
    programs = [subprocess.Popen([*dask, "scheduler", *local, *port], cwd=tmp_path, **quiet)]
    for name in ("a", "b"):
        worker = [*dask, "worker", address, *local, "--nthreads", "1", "--no-dashboard",
                  "--no-nanny", "--name", name, "--local-directory", tmp_path / name]  # fmt: skip
        programs.append(subprocess.Popen(worker, cwd=tmp_path, **quiet))
    try:
        with distributed.Client(address, timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
            yield client, programs
    finally:
        for program in programs:
            program.kill()
            program.wait()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_a_dask_cluster_that_loses_a_worker_gives_the_same_bits(cluster, tmp_path):
    client, programs = cluster
    with client.get_executor() as executor:
        found = run(partial(slow, log=tmp_path / "log"), SCENARIO, executor=executor,
                    progress=partial(doing, programs[1].kill), **OPTIONS)  # fmt: skip

    assert digest(found) == EXPECTED
    assert len(client.scheduler_info()["workers"]) == 1
    assert set(calls(tmp_path / "log")) == set(range(0, 80, 10))

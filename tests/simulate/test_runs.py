"""Runs: the same bits however they are cut up and wherever they are computed, and clear errors."""

import functools
import io
import multiprocessing
import os
import signal
import subprocess
import sys
import types
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from plcore.models import born_without_a_limb, people_with_limb_loss, people_with_pain
from plcore.models.outcome import Outcome
from plcore.models.published import three_readings
from plcore.scenarios import read_scenario
from plcore.simulate import draw, plain, run
from plcore.simulate import runs as runs_module
from plcore.threads import one_blas_thread

MODELS = [three_readings, people_with_limb_loss, people_with_pain, born_without_a_limb]
SHORT = read_scenario(choices={"first_year": 2010, "last_year": 2012})
LONG = read_scenario()
#: New workers are copies of one process that has plcore loaded already: they start in no time.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["plcore.models", "plcore.simulate", "pytest"])


@pytest.fixture(scope="module")
def pool():
    with ProcessPoolExecutor(2, mp_context=PROCESSES) as workers:
        yield workers


def assert_same_bits(one, other):
    assert one.draws.equals(other.draws)
    assert list(one.outcome.values) == list(other.outcome.values)
    for name, values in one.outcome.values.items():
        assert np.array_equal(values, other.outcome.values[name]), name


# --- The same bits -------------------------------------------------------------------------------


@functools.cache
def in_one_block():
    return run(people_with_pain, LONG, n_draws=1100, block=1100)


@pytest.mark.parametrize("block", [300, 1024])
def test_the_size_of_a_block_changes_no_bit_here_or_in_a_process_pool(block, pool):
    if block == 1024:
        assert_same_bits(run(people_with_pain, LONG, n_draws=1100, block=block), in_one_block())
    parallel = run(people_with_pain, LONG, n_draws=1100, block=block, executor=pool)
    assert_same_bits(parallel, in_one_block())


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_draw_alone_has_the_bits_that_it_has_among_others(model):
    assert_same_bits(run(model, SHORT, n_draws=40, block=1), run(model, SHORT, n_draws=40))


def test_a_direct_call_has_the_bits_of_a_run_however_many_threads_there_are():
    with threadpool_limits(limits=4, user_api="blas"):
        direct = people_with_pain(in_one_block().draws, LONG)
        after = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    assert after <= {4}
    for name, values in direct.values.items():
        assert np.array_equal(values, in_one_block().outcome.values[name])


def test_the_number_of_blas_threads_is_set_back_and_threads_take_turns():
    def numbers():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    with threadpool_limits(limits=2, user_api="blas"):
        before = numbers()
        with one_blas_thread(), one_blas_thread():
            assert numbers() == [1] * len(before)
        assert numbers() == before
    with ThreadPoolExecutor(3) as threads:
        parallel = run(people_with_pain, LONG, n_draws=1100, block=500, executor=threads)
    assert_same_bits(parallel, in_one_block())


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    first, again, other = (run(three_readings, SHORT, n_draws=64, seed=seed) for seed in (7, 7, 8))

    assert_same_bits(first, again)
    assert not first.draws.equals(other.draws)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_a_dask_cluster_that_loses_a_worker_gives_the_same_bits(tmp_path):
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    mark = tmp_path / "killed"

    def kills_its_worker_once(draws, scenario):
        if draws.index[0] == 300 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return three_readings(draws, scenario)

    cluster = distributed.LocalCluster(
        n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    )
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address,
              "--nthreads", "1", "--no-dashboard", "--no-nanny",
              "--local-directory", str(tmp_path)]  # fmt: skip
    with cluster, distributed.Client(cluster) as client:
        workers = [subprocess.Popen(worker, stderr=subprocess.DEVNULL) for _ in range(2)]
        try:
            client.wait_for_workers(2, timeout=120)
            with client.get_executor() as executor:
                parallel = run(kills_its_worker_once, SHORT, n_draws=800, block=100,
                               executor=executor)  # fmt: skip
        finally:
            for process in workers:
                process.kill()
                process.wait()

    assert mark.exists()
    assert_same_bits(parallel, run(three_readings, SHORT, n_draws=800))


# --- Common random numbers -----------------------------------------------------------------------


def test_scenarios_share_the_draws_of_what_they_share():
    other = read_scenario("all_studies", choices={"first_year": 2010, "last_year": 2012})
    differs = {a.name for a, b in zip(SHORT.parameters, other.parameters, strict=True) if a != b}
    one, two = (run(three_readings, each, n_draws=64).draws for each in (SHORT, other))

    assert differs
    assert {column for column in one if not one[column].equals(two[column])} == differs
    for column in differs:
        assert one[column].rank().equals(two[column].rank())


def test_the_difference_between_scenarios_is_not_noise():
    """A quarter more of one rate: paired draws leave far less of the spread."""
    other = read_scenario("dysvascular_plus_25", choices={"first_year": 2010, "last_year": 2012})
    base, more, unpaired = (
        run(people_with_limb_loss, scenario, n_draws=256, sampler=plain, seed=seed)
        .outcome.values["limb_loss"][:, -1]
        for scenario, seed in ((SHORT, 1), (other, 1), (other, 2))
    )  # fmt: skip

    assert np.std(more - base) < 0.3 * np.std(unpaired - base)


# --- What a person sees --------------------------------------------------------------------------


def test_a_run_prints_its_scenario_draws_and_last_year():
    assert str(run(three_readings, SHORT, n_draws=64)).splitlines() == [
        "Baseline: our estimate, US studies (baseline)",
        "64 draws, seed 1, 2010-2012",
        "2012, median (95% interval):",
        "  limb_loss: 1,820,000 (1,770,000 to 1,860,000)",
        "  plp_as_claimed: 1,820,000 (1,770,000 to 1,860,000)",
        "  plp_source_corrected: 1,300,000 (1,110,000 to 1,540,000)",
        "  plp_pooled_share: 1,370,000 (1,190,000 to 1,530,000)",
    ]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def kernel(allow_stdin):
    shell = types.SimpleNamespace(kernel=types.SimpleNamespace(_allow_stdin=allow_stdin))
    return types.SimpleNamespace(get_ipython=lambda: shell)


@pytest.mark.parametrize(
    ("stream", "ipython", "shown"),
    [
        (Terminal(), None, True),
        (io.StringIO(), None, False),
        (Terminal(), kernel(allow_stdin=True), True),
        (Terminal(), kernel(allow_stdin=False), False),
    ],
    ids=["terminal", "pipe", "notebook", "executed notebook"],
)
def test_progress_is_shown_where_somebody_watches(stream, ipython, shown, monkeypatch):
    monkeypatch.setattr(runs_module, "tqdm", functools.partial(runs_module.tqdm, file=stream))
    real = runs_module.tqdm
    monkeypatch.setattr(runs_module, "tqdm", lambda **options: real(**{**options, "delay": 0}))
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setitem(sys.modules, "IPython", ipython)

    run(three_readings, SHORT, n_draws=20, block=10)

    assert ("three_readings, baseline" in stream.getvalue()) == shown


# --- Errors --------------------------------------------------------------------------------------


def ends_its_worker(draws, scenario):
    os._exit(1)


def test_a_pool_whose_workers_die_is_a_clear_error():
    with (
        ProcessPoolExecutor(1, mp_context=PROCESSES) as workers,
        pytest.raises(RuntimeError, match=r"^baseline: a worker process died; expected") as raised,
    ):
        run(ends_its_worker, SHORT, n_draws=4, executor=workers)

    assert isinstance(raised.value.__cause__, BrokenExecutor)


def raises(draws, scenario):
    raise KeyError("no such thing")


def test_what_a_model_raises_says_in_which_draws(pool):
    for executor in (None, pool):
        with pytest.raises(KeyError, match="no such thing") as raised:
            run(raises, SHORT, n_draws=16, block=8, executor=executor)
        assert raised.value.__notes__ == ["baseline: in draws 0 to 7"]


def without_a_number(draws, scenario):
    outcome = three_readings(draws, scenario)
    outcome.values["limb_loss"][draws.index == 3, 2] = np.nan
    return outcome


def of_another_shape(draws, scenario):
    return Outcome(scenario.years, {"x": np.zeros(3)}, np.zeros(3, dtype=bool))


def of_other_years(draws, scenario):
    years = scenario.years + draws.index[0]
    return Outcome(years, {"x": np.zeros((len(draws), len(years)))}, years > 0)


REFUSED = {
    "no number": (
        without_a_number, {}, ValueError,
        r"baseline: limb_loss is nan in 2012 of draw 3; expected .*'plp_prevalence': 0\.\d+"),
    "another shape": (
        of_another_shape, {}, ValueError,
        r"baseline: x has shape \(3,\); expected a row for each of the 5 draws and a column"),
    "no outcome": (lambda draws, _: draws, {}, TypeError, "returned DataFrame; expected an Outc"),
    "blocks that differ": (
        of_other_years, {}, ValueError, "outcomes of two blocks differ in names or years"),
    "no function": ("people", {}, TypeError, "model is 'people'; expected a function of draws"),
    "no scenario": (
        three_readings, {"scenario": "baseline"}, TypeError, "scenario is 'baseline'; expected wh"),
    "no draws": (three_readings, {"n_draws": 0}, ValueError, "n_draws is 0; expected 1 or more"),
    "draws as a float": (
        three_readings, {"n_draws": 1e3}, TypeError, "n_draws is 1000.0; expected a whole number"),
    "block of none": (three_readings, {"block": 0}, ValueError, "block is 0; expected 1 or more"),
    "seed below zero": (three_readings, {"seed": -1}, ValueError, "seed is -1; expected 0 or more"),
    "no seed": (three_readings, {"seed": None}, TypeError, "seed is None; expected a whole number"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_what_cannot_be_run_is_refused(fault):
    model, options, error, expected = REFUSED[fault]

    with pytest.raises(error, match=expected):
        run(model, **{"scenario": SHORT, "n_draws": 10, "block": 5, **options})


def test_a_model_that_cannot_be_sent_to_a_process_pool_is_refused(pool):
    with pytest.raises(ValueError, match=r"cannot be sent to another process .*, not a lambda"):
        run(lambda draws, scenario: None, SHORT, n_draws=4, executor=pool)


def test_a_numpy_whole_number_is_a_whole_number():
    assert len(draw(SHORT.parameters, np.int64(4), seed=np.int64(0))) == 4

"""Runs: the same bits wherever they are computed, common random numbers, progress."""

import hashlib
import os
import pty
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

import numpy as np
import pytest

from plcore.models.limb_loss import people_with_limb_loss
from plcore.models.outcome import Outcome
from plcore.models.pain import born_without_a_limb, people_with_pain
from plcore.models.published import three_readings
from plcore.scenarios import read_scenario
from plcore.simulate import progress
from plcore.simulate.draws import latin_hypercube, plain
from plcore.simulate.fingerprint import fingerprint
from plcore.simulate.progress import hidden, line
from plcore.simulate.runs import BLOCK, run, run_all
from plcore.threads import blas_controls, one_blas_thread

MODELS = [three_readings, people_with_limb_loss, people_with_pain, born_without_a_limb]
#: New workers are copies of one process that has plcore loaded already: they start in no time.
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["plcore.models.pain", "plcore.models.published", "plcore.simulate.runs", "pytest"]
)
YEARS = {"first_year": 2010, "last_year": 2012}
ENVIRON = {**os.environ, "PYTHONPATH": os.path.dirname(__file__)}


def digest(simulated):
    parts = [simulated.draws.to_numpy().tobytes(), simulated.outcome.years.tobytes()]
    parts += [part for name, values in simulated.outcome.values.items()
              for part in (name.encode(), values.tobytes())]  # fmt: skip
    return hashlib.sha256(b"".join(parts)).hexdigest()


@pytest.fixture(scope="module")
def short():
    return read_scenario(choices=YEARS)


@pytest.fixture(scope="module")
def pool():
    with ProcessPoolExecutor(2, mp_context=PROCESSES) as workers:
        yield workers


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_executor_workers_and_task_size_change_no_bit(model, short, pool):
    options = {"n_draws": 40, "block": 16}
    expected = digest(run(model, short, **options))

    with ThreadPoolExecutor(3) as threads:
        assert digest(run(model, short, executor=threads, **options)) == expected
    assert digest(run(model, short, executor=pool, **options)) == expected
    assert digest(run(model, short, executor=pool, blocks_per_task=2, **options)) == expected


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_another_block_size_moves_no_model_beyond_the_eleventh_digit(model, short):
    whole = run(model, short, n_draws=100).outcome.values
    parts = run(model, short, n_draws=100, block=64).outcome.values

    for name, values in whole.items():
        np.testing.assert_allclose(parts[name], values, rtol=1e-11)


def test_up_to_the_size_of_a_block_the_model_sees_all_draws_at_once(short):
    seen = []

    def model(draws, scenario):
        seen.append(len(draws))
        return three_readings(draws, scenario)

    run(model, short, n_draws=BLOCK)
    run(model, short, n_draws=BLOCK + 1)

    assert seen == [BLOCK, BLOCK, 1]


def test_threads_of_the_machine_and_the_order_of_sets_change_no_bit_and_no_fingerprint():
    """Without `one_blas_thread`, one thread and eight differ in the 13th digit of 4,096 draws."""
    code = (
        "from test_simulate import *\n"
        "print(digest(run(people_with_limb_loss, read_scenario())))\n"
        "print(fingerprint(*THINGS, read_scenario(choices=YEARS)))"
    )
    found = set()
    for number in ("1", "8"):
        environ = {**ENVIRON, "OPENBLAS_NUM_THREADS": number, "PYTHONHASHSEED": number}
        found.add(subprocess.check_output([sys.executable, "-c", code], env=environ, text=True))

    assert len(found) == 1
    assert found.pop().split()[1] == fingerprint(*THINGS, read_scenario(choices=YEARS))


def test_the_number_of_blas_threads_is_set_back_by_the_last_who_leaves():
    controls = blas_controls()
    if not controls:
        pytest.skip("NumPy's BLAS has no number of threads that can be set")
    for _, set_number in controls:
        set_number(2)
    inside, leave = threading.Event(), threading.Event()

    def other():
        with one_blas_thread():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with one_blas_thread():
        thread.start()
        inside.wait(10)
    assert [get() for get, _ in controls] == [1] * len(controls)
    leave.set()
    thread.join()

    assert [get() for get, _ in controls] == [2] * len(controls)


def test_scenarios_run_together_are_those_run_alone(pool):
    scenarios = [read_scenario(name, choices=YEARS) for name in ("baseline", "dysvascular_plus_25")]
    together = run_all(people_with_limb_loss, scenarios, n_draws=50, block=30, executor=pool)

    alone = [run(people_with_limb_loss, each, n_draws=50, block=30) for each in scenarios]
    assert [digest(each) for each in together] == [digest(each) for each in alone]


@pytest.mark.parametrize("sampler", [plain, latin_hypercube])
def test_scenarios_share_the_draws_of_what_they_share(sampler):
    scenarios = [read_scenario(name, choices=YEARS) for name in ("baseline", "wider_anchors")]
    base, other = run_all(three_readings, scenarios, n_draws=64, sampler=sampler)

    differs = {a.name for a, b in zip(*(s.parameters for s in scenarios), strict=True) if a != b}
    assert differs
    for name in base.draws:
        same = base.draws[name].equals(other.draws[name])
        assert same == (name not in differs)


def test_the_difference_between_scenarios_is_not_noise():
    """Losing sight of a quarter of one rate's change: paired draws leave far less of the spread."""
    scenarios = [read_scenario(name, choices=YEARS) for name in ("baseline", "dysvascular_plus_25")]
    paired = run_all(people_with_limb_loss, scenarios, n_draws=256, sampler=plain)
    base, more = (each.outcome.values["limb_loss"][:, -1] for each in paired)
    apart = run(people_with_limb_loss, scenarios[1], n_draws=256, sampler=plain, seed=2)
    unpaired = apart.outcome.values["limb_loss"][:, -1]

    assert np.std(more - base) < 0.3 * np.std(unpaired - base)


def test_a_run_says_how_to_repeat_it(short):
    first = run(three_readings, short, n_draws=32, seed=5, sampler=plain, block=8)

    again = run(first.model, first.scenario, n_draws=len(first.draws), seed=first.seed,
                sampler=first.sampler, block=first.block)  # fmt: skip
    assert digest(again) == digest(first)


def fails_in(numbers):
    def model(draws, scenario):
        if draws.index.isin(numbers).any():
            raise KeyError("no such thing")
        return three_readings(draws, scenario)

    return model


def test_a_model_that_raises_names_the_first_draw_it_fails_in_and_its_parameters(short):
    message = (
        r"baseline: model raised KeyError: 'no such thing' in draw 37; expected an outcome "
        r"\(its parameters: \{.*'plp_prevalence': 0\.\d+"
    )
    with pytest.raises(ValueError, match=message) as found:
        run(fails_in([37, 51, 99]), short, n_draws=100, block=64)

    assert isinstance(found.value.__cause__, KeyError)


def raises_everywhere(draws, scenario):
    raise RuntimeError("the scenario is at fault")


def test_what_a_model_raises_whatever_the_draw_is_raised_as_it_is(short, pool):
    for executor in (None, pool):
        with pytest.raises(RuntimeError, match=r"^the scenario is at fault$"):
            run(raises_everywhere, short, n_draws=16, executor=executor)


def fails_at_33(draws, scenario):
    return fails_in([33])(draws, scenario)


def test_a_draw_is_named_from_another_process_too(short, pool):
    with pytest.raises(ValueError, match=r"in draw 33; .*plp_prevalence"):
        run(fails_at_33, short, n_draws=64, block=16, executor=pool)


class Awkward(Exception):
    """Cannot be unpickled: a pool that has to would break."""

    def __init__(self, first, second):
        super().__init__(f"{first} {second}")


def raises_awkwardly(draws, scenario):
    raise Awkward("not", "yet")


def test_an_error_that_cannot_be_sent_is_put_into_words(short, pool):
    with pytest.raises(ValueError, match=r"^Awkward: not yet$"):
        run(raises_awkwardly, short, n_draws=16, executor=pool)


def test_a_model_that_fails_only_in_many_draws_at_once_is_not_blamed_on_one(short):
    def model(draws, scenario):
        if len(draws) > 50:
            raise OverflowError("too many")
        return three_readings(draws, scenario)

    with pytest.raises(OverflowError, match="too many"):
        run(model, short, n_draws=100)


def test_blocks_with_other_years_are_refused(short):
    def model(draws, scenario):
        years = scenario.years + draws.index[0]
        return Outcome(years, {"x": np.zeros((len(draws), len(years)))}, years > 0)

    with pytest.raises(ValueError, match="outcomes of two blocks differ in names or years"):
        run(model, short, n_draws=10, block=5)


@pytest.mark.parametrize("option", ["block", "blocks_per_task"])
def test_a_size_below_one_is_refused(option, short):
    with pytest.raises(ValueError, match=f"{option} is 0; expected 1 or more"):
        run(three_readings, short, n_draws=8, **{option: 0})


RATE = 2.0


def rate():
    return RATE


def uses_rate(draws, scenario):
    return [rate() for _ in draws]


def scaled(by, *, power=1):
    def model(draws, scenario):
        return draws * by**power

    return model


def test_a_fingerprint_follows_closures_defaults_helpers_and_constants(monkeypatch):
    found = [fingerprint(scaled(2)), fingerprint(scaled(3)), fingerprint(scaled(2, power=2))]
    found.append(fingerprint(uses_rate))
    monkeypatch.setattr(sys.modules[__name__], "RATE", 2.5)
    found.append(fingerprint(uses_rate))
    monkeypatch.setattr(sys.modules[__name__], "rate", lambda: 2.0)
    found.append(fingerprint(uses_rate))

    assert len(set(found)) == len(found)
    assert fingerprint(scaled(2)) == found[0]


THINGS = (uses_rate, scaled, people_with_pain, {"a", "b", "c", "d"}, Awkward, np.exp)


def test_what_cannot_be_told_from_others_is_refused():
    lock = threading.Lock()

    with pytest.raises(
        ValueError, match=r"a lock that the model uses cannot be pickled .*; expect"
    ):
        fingerprint(scaled(lock))


def test_the_line_says_how_many_blocks_are_done_and_how_long_the_rest_takes():
    assert line("pain, baseline", 0, 8, 0.0) == "pain, baseline: 0 of 8 blocks"
    assert line("pain, baseline", 2, 8, 10.0) == "pain, baseline: 2 of 8 blocks, 30 s left"
    assert line("pain, baseline", 1, 61, 20.0) == "pain, baseline: 1 of 61 blocks, 20 min left"


def test_progress_counts_every_block_once(short):
    seen = []

    @contextmanager
    def noted(title, total):
        yield lambda done: seen.append((title, done, total))

    run(three_readings, short, n_draws=10, block=4, progress=noted)

    assert seen == [("three_readings, baseline", done, 3) for done in range(4)]


SLOW = """
import time
from plcore import progress
progress._PATIENCE = 0
from test_simulate import *
def slow(draws, scenario):
    time.sleep(0.3)
    return three_readings(draws, scenario)
run(slow, read_scenario(choices=YEARS), n_draws=20, block=10)
"""


def test_a_terminal_gets_a_line_that_is_cleared(short, monkeypatch):
    reader, terminal = pty.openpty()
    monkeypatch.setattr(progress, "_PATIENCE", 0)
    with os.fdopen(terminal, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        run(three_readings, short, n_draws=20, block=10)
        shown = os.read(reader, 10_000).decode()

    assert shown.startswith("\rthree_readings, baseline: 0 of 2 blocks\x1b[K")
    assert "\rthree_readings, baseline: 2 of 2 blocks, 0 s left\x1b[K" in shown
    assert shown.endswith("\r\x1b[K")


def test_a_pipe_gets_nothing(short, monkeypatch, capfd):
    monkeypatch.setattr(progress, "_PATIENCE", 0)

    run(three_readings, short, n_draws=20, block=10)

    assert "".join(capfd.readouterr()) == ""


def test_a_notebook_shows_progress_to_a_person_and_not_to_a_program_that_runs_it(monkeypatch):
    """A front end that a person sits at can be asked for input; nbclient says that it cannot."""
    client = pytest.importorskip("jupyter_client", reason="jupyter_client is not installed")
    manager, kernel = client.manager.start_new_kernel(env=ENVIRON)
    try:
        kinds = {}
        for watched in (True, False):
            messages = []
            kernel.execute_interactive(
                SLOW, allow_stdin=watched, output_hook=messages.append, timeout=60
            )
            kinds[watched] = [m["msg_type"] for m in messages if "display" in m["msg_type"]]
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel(now=True)

    assert kinds[True][0] == "display_data"
    assert "update_display_data" in kinds[True]
    assert kinds[False] == []


def test_nothing_is_shown_to_a_terminal_where_it_is_hidden(short, monkeypatch):
    monkeypatch.setattr(progress, "_PATIENCE", 0)
    monkeypatch.setattr(progress, "_writer", lambda: pytest.fail("it is shown"))

    run(three_readings, short, n_draws=10, progress=hidden)

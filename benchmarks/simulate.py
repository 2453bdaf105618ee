"""What `run` costs beside calling a model, and what more processes bring.

The job is people with phantom limb pain over 2005-2050 in blocks of 4,096 Sobol draws. Beside the
model, `run` draws, looks for numbers that are not finite and puts the blocks together; the peer of
the first case draws and calls the model, no more. The second sets two processes against one, the
third two processes of the standard library against a Dask scheduler with two workers, each of one
thread. Starting the processes is not timed: it takes a second, once. Memory is that of this process
alone.

Dask's nanny tells the allocator of its workers to give memory back at once
(MALLOC_TRIM_THRESHOLD_). Every array is then mapped anew, page by page, and a block takes six times
as long; so that setting is left out here, as whoever runs this model on Dask should leave it out.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context

from benchmarks import Case
from benchmarks.floors import written
from plcore.models.outcome import Outcome
from plcore.models.pain import people_with_pain
from plcore.scenarios import Scenario, read_scenario
from plcore.simulate.draws import draw
from plcore.simulate.runs import run

BLOCK, WORKERS = 4096, 2


def directly(scenario: Scenario, n_draws: int) -> list[Outcome]:
    """Draws, and the model called block by block."""
    draws = draw(scenario.parameters, n_draws, seed=1, correlations=scenario.correlations)
    return [
        people_with_pain(draws.iloc[start : start + BLOCK], scenario)
        for start in range(0, n_draws, BLOCK)
    ]


def simulated(scenario: Scenario, n_draws: int, executor: Executor | None = None) -> object:
    """The same through `run`."""
    return run(
        people_with_pain,
        scenario,
        n_draws=n_draws,
        block=BLOCK,
        executor=executor,
    )


def cases(*, few: int = 2**14, many: int = 2**17) -> Iterator[Case]:
    scenario = read_scenario()
    python = platform.python_version()
    job = functools.partial(Case, job="simulate")
    yield job(
        size=f"{few:,} draws x 46 years",
        ours="plcore.simulate.runs.run",
        ours_call=functools.partial(simulated, scenario, few),
        peer="draws and model alone",
        peer_version="",
        peer_call=functools.partial(directly, scenario, few),
        floor="the draws and the outcome written",
        floor_call=written(simulated(scenario, few)),
    )
    with ExitStack() as stack:
        context = get_context("spawn")
        pool = stack.enter_context(ProcessPoolExecutor(WORKERS, mp_context=context))
        floor = {
            "floor": "the draws and the outcome written",
            "floor_call": written(simulated(scenario, many)),
        }
        in_pool = functools.partial(simulated, scenario, many, pool)
        # The workers start with the first task, and load the data.
        simulated(scenario, WORKERS * BLOCK, pool)
        yield job(
            size=f"{many:,} draws x 46 years",
            ours=f"plcore.simulate.runs.run, {WORKERS} processes",
            ours_call=in_pool,
            peer="plcore.simulate.runs.run, here",
            peer_version=python,
            peer_call=functools.partial(simulated, scenario, many),
            **floor,
        )
        dask = _dask(stack)
        if dask is not None:
            simulated(scenario, WORKERS * BLOCK, dask)
        yield job(
            size=f"{many:,} draws x 46 years",
            ours=f"plcore.simulate.runs.run, {WORKERS} processes",
            ours_call=in_pool,
            peer=f"plcore.simulate.runs.run, Dask with {WORKERS} workers",
            peer_version=_version("distributed"),
            peer_call=None if dask is None else functools.partial(simulated, scenario, many, dask),
            **floor,
        )


def _dask(stack: ExitStack) -> Executor | None:
    if not _version("distributed"):
        return None
    import dask
    from distributed import Client, LocalCluster

    dask.config.set({"distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": 1}})
    cluster = LocalCluster(
        n_workers=WORKERS, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    )
    client = stack.enter_context(Client(stack.enter_context(cluster)))
    executor: Executor = stack.enter_context(client.get_executor())
    return executor


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""

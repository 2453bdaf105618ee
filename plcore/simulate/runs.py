"""Run a model over the draws of scenarios: block by block, in this process or on others.

The draws are cut into blocks whose size is part of what is computed. An executor, the number of its
workers, how many blocks go to one at a time, and whether a block is computed or read from a folder
of finished ones change nothing, to the last bit.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from plcore.models.outcome import Outcome
from plcore.scenarios import Scenario
from plcore.simulate import cache as blocks_on_disk
from plcore.simulate.blocks import Block, Model, name_of, split
from plcore.simulate.draws import Sampler, draw, sobol
from plcore.simulate.fingerprint import fingerprint, surroundings
from plcore.simulate.progress import Progress, shown
from plcore.simulate.workers import evaluate_all

__all__ = ["BLOCK", "Model", "Run", "run", "run_all"]

#: Draws in a block. The cohort model spends as much on a block as on 12,000 draws, and a block of
#: eight outcomes over fifty years takes 50 MB.
BLOCK = 2**14


@dataclass(frozen=True, slots=True)
class Run:
    """A scenario simulated, with all that is needed to repeat it.

    Attributes
    ----------
    scenario : Scenario
    seed : int
    draws : DataFrame
        A row a draw, a column a parameter.
    outcome : Outcome
        The same rows, by year.
    model, sampler : function, optional
        None where the draws were not sampled but taken from those of another run.
    block : int
        Draws that the model was given at once.
    """

    scenario: Scenario
    seed: int
    draws: pd.DataFrame
    outcome: Outcome
    model: Model | None = None
    sampler: Sampler | None = None
    block: int = BLOCK


def run(
    model: Model,
    scenario: Scenario,
    *,
    n_draws: int = 4096,
    seed: int = 1,
    sampler: Sampler = sobol,
    executor: Executor | None = None,
    block: int = BLOCK,
    blocks_per_task: int = 1,
    cache: Path | None = None,
    progress: Progress = shown,
) -> Run:
    """Simulate a scenario.

    Parameters
    ----------
    model : function
        Takes draws and a scenario, returns an `Outcome`.
    scenario : Scenario
    n_draws : int
        A power of two suits the Sobol sampler best.
    seed : int
        The same seed gives the same bits; two scenarios share the draws of what they share.
    sampler : function
        See `plcore.simulate.draws.draw`.
    executor : Executor, optional
        Where blocks are computed, such as a `ProcessPoolExecutor` or what `get_executor()` of a
        Dask client returns; by default here. (Dask workers are several times as fast without the
        MALLOC_TRIM_THRESHOLD_ that their nanny sets: see `benchmarks/simulate.py`.) Of a process pool that loses a worker, what was not
        finished is run again on new workers. It is not shut down.
    block : int
        Draws that the model is given at once. Fewer suit a slow model: they spread over more
        workers, and less is lost when a run is stopped. The models of plcore fit to the draws of a
        block, so another size changes their 13th digit; nothing else does.
    blocks_per_task : int
        Blocks that a worker is handed at a time; more than one where a block is very quick.
    cache : Path, optional
        A folder where each finished block is kept, to go on after a stop, and found again by
        whoever asks for the same: model, scenario, draws, data and versions all as they were.
        Finished blocks are never deleted; the folder may be, at any time.
    progress : function
        `plcore.simulate.progress.shown` or `hidden`.

    Raises
    ------
    ValueError
        If the model returns an array of another shape, or a number that is not finite, or fails in
        one draw: the message names the draw and its parameters. With a cache, if the model uses
        something that cannot be pickled, so that a change of it would go unnoticed. With an
        executor, if a worker has other data or another version than this process.
    concurrent.futures.BrokenExecutor
        If workers die three times in a row without finishing anything, or an executor other than a
        process pool breaks; what is in the cache stays there.
    """
    (found,) = run_all(
        model,
        [scenario],
        n_draws=n_draws,
        seed=seed,
        sampler=sampler,
        executor=executor,
        block=block,
        blocks_per_task=blocks_per_task,
        cache=cache,
        progress=progress,
    )
    return found


def run_all(
    model: Model,
    scenarios: Sequence[Scenario],
    *,
    n_draws: int = 4096,
    seed: int = 1,
    sampler: Sampler = sobol,
    executor: Executor | None = None,
    block: int = BLOCK,
    blocks_per_task: int = 1,
    cache: Path | None = None,
    progress: Progress = shown,
) -> tuple[Run, ...]:
    """Simulate scenarios with common random numbers, their blocks side by side.

    A parameter that two scenarios share has the same value in the
    same draw of both, so that the difference between two outcomes, draw by draw, is not noise. (It
    must stand in the same place of both for the Sobol sampler, as it does in those of
    `plcore.scenarios.read_scenario`.)

    Parameters
    ----------
    model, n_draws, seed, sampler, executor, block, blocks_per_task, cache, progress
        As for `run`.
    scenarios : sequence of Scenario

    Returns
    -------
    tuple of Run
        In the order of the scenarios.
    """
    for name, value in (("block", block), ("blocks_per_task", blocks_per_task)):
        if value < 1:
            raise ValueError(f"{name} is {value}; expected 1 or more")
    samples = [
        draw(each.parameters, n_draws, seed=seed, sampler=sampler, correlations=each.correlations)
        for each in scenarios
    ]
    blocks = [
        part
        for place, (scenario, draws) in enumerate(zip(scenarios, samples, strict=True))
        for part in split(place, scenario, draws, block)
    ]
    collected = [_Collected(n_draws) for _ in scenarios]
    names = dict.fromkeys(each.name for each in scenarios)
    title = f"{name_of(model)}, {', '.join(names)}"
    store = _Store(model, Path(cache)) if cache is not None else None
    with progress(title, len(blocks)) as show:
        missing = []
        done = 0
        for part in blocks:
            outcome = None if store is None else store.load(part)
            if outcome is None:
                missing.append(part)
            else:
                collected[part.place].add(part, outcome)
                done += 1
        show(done)
        for part, outcome in _computed(model, missing, executor, blocks_per_task, store):
            collected[part.place].add(part, outcome)
            done += 1
            show(done)
    return tuple(
        Run(scenario, seed, draws, outcomes.whole(), model, sampler, block)
        for scenario, draws, outcomes in zip(scenarios, samples, collected, strict=True)
    )


def _computed(
    model: Model,
    blocks: Sequence[Block],
    executor: Executor | None,
    blocks_per_task: int,
    store: _Store | None,
) -> Iterator[tuple[Block, Outcome]]:
    kept = 0
    try:
        for part, outcome in evaluate_all(model, blocks, executor, blocks_per_task):
            if store is not None:
                kept += store.save(part, outcome)
            yield part, outcome
    except BaseException as error:
        if store is not None and not isinstance(error, GeneratorExit):
            error.add_note(
                f"{kept} of {len(blocks)} blocks were finished and are kept in {store.folder}; "
                "the same call goes on from there"
            )
        raise


class _Collected:
    """The outcome of a scenario, filled in as its blocks arrive, in whatever order."""

    def __init__(self, n_draws: int) -> None:
        self._n_draws = n_draws
        self._outcome: Outcome | None = None

    def add(self, block: Block, outcome: Outcome) -> None:
        if len(block.draws) == self._n_draws:
            self._outcome = outcome
            return
        whole = self._outcome
        if whole is None:
            shape = (self._n_draws, len(outcome.years))
            values = {name: np.empty(shape) for name in outcome.values}
            whole = self._outcome = Outcome(outcome.years, values, outcome.extrapolated)
        if list(outcome.values) != list(whole.values) or not (
            np.array_equal(outcome.years, whole.years)
            and np.array_equal(outcome.extrapolated, whole.extrapolated)
        ):
            raise ValueError(
                f"{block.scenario.name}: the outcomes of two blocks differ in names or years "
                f"({', '.join(outcome.values)}; {', '.join(whole.values)}); expected the same of "
                "any draws"
            )
        for name, filled in whole.values.items():
            filled[block.start : block.start + len(block.draws)] = outcome.values[name]

    def whole(self) -> Outcome:
        assert self._outcome is not None
        return self._outcome


class _Store:
    """The folder of finished blocks, until it cannot be used; then the run goes on without."""

    def __init__(self, model: Model, folder: Path) -> None:
        self.folder = folder
        self._usable = True
        self._shared = fingerprint(model, surroundings())

    def load(self, block: Block) -> Outcome | None:
        if self._usable:
            try:
                return blocks_on_disk.load(self.folder, self._key(block))
            except OSError as error:
                self._give_up(error)
        return None

    def save(self, block: Block, outcome: Outcome) -> bool:
        if self._usable:
            try:
                blocks_on_disk.save(self.folder, self._key(block), outcome)
            except OSError as error:
                self._give_up(error)
        return self._usable

    def _key(self, block: Block) -> str:
        # Seed and sampler are in the draws.
        return fingerprint(self._shared, block.scenario, block.draws)

    def _give_up(self, error: OSError) -> None:
        self._usable = False
        warnings.warn(
            f"the cache {self.folder} cannot be used ({error.strerror or error}); the run goes on "
            "without it, and what it still computes is not kept",
            RuntimeWarning,
            stacklevel=5,
        )

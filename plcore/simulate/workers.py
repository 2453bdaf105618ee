"""Blocks handed to an executor, and handed out again where a worker died."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed

from plcore.models.outcome import Outcome
from plcore.simulate.blocks import Block, Model, evaluate, evaluate_there, identity

#: Rounds in which a worker dies and nothing is finished, before it is taken for the model's doing.
_FRUITLESS_ROUNDS = 3

_Task = tuple[Block, ...]


def evaluate_all(
    model: Model, blocks: Sequence[Block], executor: Executor | None, blocks_per_task: int
) -> Iterator[tuple[Block, Outcome]]:
    """Every block with its outcome, each once, in the order in which they are finished.

    Parameters
    ----------
    model : Model
    blocks : sequence of Block
    executor : concurrent.futures.Executor, optional
        Whose workers evaluate; None for this process.
    blocks_per_task : int
        Blocks sent to a worker at a time.

    Raises
    ------
    concurrent.futures.BrokenExecutor
        See `plcore.simulate.runs.run`.
    """
    if executor is None:
        for block in blocks:
            yield block, evaluate(model, block)
        return
    tasks = [
        tuple(blocks[start : start + blocks_per_task])
        for start in range(0, len(blocks), blocks_per_task)
    ]
    pool, fruitless, expected = executor, 0, identity(model)
    try:
        while tasks:
            left: list[_Task] = []
            broken: list[BrokenExecutor] = []
            for task, outcomes in _round(model, tasks, pool, expected, left, broken):
                yield from zip(task, outcomes, strict=True)
            if not left:
                return
            fruitless = fruitless + 1 if len(left) == len(tasks) else 0
            if fruitless == _FRUITLESS_ROUNDS or not isinstance(pool, ProcessPoolExecutor):
                raise _explained(broken[0], left[0])
            pool, tasks = _like(pool, executor), left
    finally:
        if pool is not executor:
            pool.shutdown(wait=True, cancel_futures=True)


def _round(
    model: Model,
    tasks: Sequence[_Task],
    pool: Executor,
    expected: str,
    left: list[_Task],
    broken: list[BrokenExecutor],
) -> Iterator[tuple[_Task, list[Outcome]]]:
    """What is finished; tasks whose worker died are put into `left`, and why into `broken`."""
    futures: dict[Future[list[Outcome]], _Task] = {}
    try:
        for task in tasks:
            try:
                futures[pool.submit(evaluate_there, model, task, expected)] = task
            except BrokenExecutor as error:
                left.append(task)
                broken.append(error)
        for future in as_completed(list(futures)):
            task = futures.pop(future)
            try:
                outcomes = future.result()
            except BrokenExecutor as error:
                left.append(task)
                broken.append(error)
            else:
                yield task, outcomes
    except KeyboardInterrupt:
        _cancel(futures)
        for future in [f for f in futures if f.done() and not f.cancelled()]:
            task = futures.pop(future)
            if future.exception() is None:
                yield task, future.result()
        raise
    finally:
        _cancel(futures)


def _cancel(futures: dict[Future[list[Outcome]], _Task]) -> None:
    for future in futures:
        future.cancel()


def _like(pool: ProcessPoolExecutor, first: Executor) -> ProcessPoolExecutor:
    """A new pool with the settings of one that is broken, which stays so for good."""
    if pool is not first:
        pool.shutdown(wait=False)
    # Python keeps the settings of a pool but does not publish them.
    return ProcessPoolExecutor(
        pool._max_workers,  # type: ignore[attr-defined]
        mp_context=pool._mp_context,
        initializer=pool._initializer,
        initargs=pool._initargs,
    )


def _explained(error: BrokenExecutor, task: _Task) -> BrokenExecutor:
    first, last = task[0].draws.index[0], task[-1].draws.index[-1]
    error.add_note(
        f"workers died without finishing anything, {_FRUITLESS_ROUNDS} times if they are processes "
        f"of a pool; among what they had: draws {first} to {last} of {task[0].scenario.name}. "
        "Expected a model that ends; if memory ran out, take fewer draws a block, or fewer workers"
    )
    return error

"""Blocks: the draws that a model is given at once, in whichever process.

A model may fit itself to the draws it is given: the cohort model covers the range of their hazard
ratios, and the 13th digit of what it returns follows that range. So where a block begins and ends
is part of what is computed, as the seed is. Who computes it, when, and how many blocks go to a
worker together, is not.
"""

from __future__ import annotations

import functools
import pickle
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from plcore.models.outcome import Outcome
from plcore.scenarios import Scenario
from plcore.simulate.fingerprint import fingerprint, surroundings
from plcore.threads import one_blas_thread

#: From draws and a scenario to an outcome; every model has this shape.
Model = Callable[[pd.DataFrame, Scenario], Outcome]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some draws of a scenario, from number `start` on.

    Attributes
    ----------
    place : int
        Number of the scenario among those simulated together.
    scenario : Scenario
    start : int
    draws : DataFrame
        Its index is the number of the draw.
    """

    place: int
    scenario: Scenario
    start: int
    draws: pd.DataFrame


def split(place: int, scenario: Scenario, draws: pd.DataFrame, size: int) -> Iterator[Block]:
    """The blocks of so many draws each; the last may be shorter.

    Parameters
    ----------
    place : int
        Of the scenario among those of the run.
    size : int
        Draws in a block.
    """
    for start in range(0, len(draws), size):
        yield Block(place, scenario, start, draws.iloc[start : start + size])


def evaluate(model: Model, block: Block) -> Outcome:
    """What the model makes of a block, checked.

    Raises
    ------
    ValueError
        If the outcome has another shape or a number that is not finite, or if the model fails in
        one draw: the message names the draw and its parameters. What the model raises whatever the
        draw is raised as it is.
    """
    try:
        outcome = _call(model, block.scenario, block.draws)
    except Exception as error:  # noqa: BLE001 (a model may raise anything)
        culprit = None if isinstance(error, MemoryError) else _culprit(model, block)
        if culprit is None:
            raise _fit_to_travel(error) from None
        draw, reason = culprit
        raise ValueError(
            f"{block.scenario.name}: {name_of(model)} raised {type(reason).__name__}: {reason} in "
            f"draw {block.draws.index[draw]}; expected an outcome "
            f"(its parameters: {block.draws.iloc[draw].to_dict()})"
        ) from reason
    _check(outcome, block)
    return outcome


def evaluate_there(model: Model, blocks: Sequence[Block], expected: str) -> list[Outcome]:
    """What the model makes of some blocks, in another process.

    Parameters
    ----------
    expected : str
        What `identity` says in the process that asks.

    Raises
    ------
    ValueError
        As `evaluate`; or if that process has another version of plcore, its data or its libraries.
    """
    if _identity_once(model if _is_ours(model) else None, expected) != expected:
        raise ValueError(
            "a worker has another version of plcore, its data, Python or NumPy; expected what the "
            "process that started the run has"
        )
    return [evaluate(model, block) for block in blocks]


def identity(model: Model) -> str:
    """A fingerprint of what another process must have as well: data, libraries and our models.

    Parameters
    ----------
    model : Model
        One of plcore's own has to be the same there; any other is sent along.
    """
    return fingerprint(model if _is_ours(model) else None, surroundings())


@functools.lru_cache(maxsize=8)
def _identity_once(model: Model | None, expected: str) -> str:
    # Once for each that is expected: the data may change while a worker lives.
    return fingerprint(model, surroundings())


def _is_ours(model: Model) -> bool:
    # Sent by name; a user's own may be sent as a copy of itself, which is right wherever it is.
    return isinstance(model, types.FunctionType) and model.__module__.startswith("plcore.")


def name_of(model: Model) -> str:
    """What messages call a model."""
    return str(getattr(model, "__name__", type(model).__name__))


def _call(model: Model, scenario: Scenario, draws: pd.DataFrame) -> Outcome:
    with one_blas_thread():
        return model(draws, scenario)


def _fails(model: Model, scenario: Scenario, draws: pd.DataFrame) -> Exception | None:
    try:
        _call(model, scenario, draws)
    except Exception as error:  # noqa: BLE001 (a model may raise anything)
        return error
    return None


def _culprit(model: Model, block: Block) -> tuple[int, Exception] | None:
    """The first draw found that the model fails in by itself, unless it does so in any draw."""
    low, high = 0, len(block.draws)
    ends = [_fails(model, block.scenario, block.draws.iloc[[at]]) for at in (low, high - 1)]
    if None not in ends and str(ends[0]) == str(ends[1]):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if _fails(model, block.scenario, block.draws.iloc[low:middle]) is not None:
            high = middle
        elif _fails(model, block.scenario, block.draws.iloc[middle:high]) is not None:
            low = middle
        else:
            return None
    reason = _fails(model, block.scenario, block.draws.iloc[[low]])
    return None if reason is None else (low, reason)


def _fit_to_travel(error: Exception) -> Exception:
    """The error itself, or one that says the same where it cannot be sent between processes."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 (and so may its errors)
        return ValueError(f"{type(error).__name__}: {error}")
    return error


def _check(outcome: Outcome, block: Block) -> None:
    draws = block.draws
    for name, values in outcome.values.items():
        expected = (len(draws), len(outcome.years))
        if values.shape != expected:
            raise ValueError(f"{name} has shape {values.shape}; expected {expected}")
        if not np.isfinite(values).all():
            i, j = (int(k) for k in np.argwhere(~np.isfinite(values))[0])
            raise ValueError(
                f"{block.scenario.name}: {name} is {values[i, j]} in {outcome.years[j]} of draw "
                f"{draws.index[i]}; expected a finite number "
                f"(its parameters: {draws.iloc[i].to_dict()})"
            )

"""One parameter moved at a time, or two; and where an answer crosses a line.

All other parameters stay at their medians, also those that are correlated with the one moved: these
are answers to "what if only this were otherwise", not shares of the uncertainty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize

from plcore.analysis.sensitivity.design import SAME, Answer, central, draws_with, evaluate, varied
from plcore.evidence.distributions import Floats
from plcore.evidence.parameters import Parameter
from plcore.scenarios import Scenario
from plcore.simulate.runs import Model

#: Values of each parameter at which a tornado looks whether the answer turns.
_STEPS = 17
#: Points of the first look for crossings, and of every closer one.
_SCAN, _CLOSER = 257, 65
_LOOKS = 8


def one_way(
    model: Model,
    scenario: Scenario,
    answer: Answer,
    *,
    parameters: Sequence[str] | None = None,
    within: float = 0.95,
) -> pd.DataFrame:
    """How far each parameter alone moves the answer: the table of a tornado chart.

    Parameters
    ----------
    model : function
    scenario : Scenario
    answer : Answer
    parameters : sequence of str, optional
        By default all that are not fixed.
    within : float
        Each parameter goes through the range that holds it with this probability.

    Returns
    -------
    DataFrame
        A row a parameter, the widest swing first: parameter, unit, low and high (the ends of the
        range), at_low and at_high (the answer there), base (the answer at all medians), least and
        greatest (the answer at 17 evenly spaced values from low to high), swing (greatest less
        least) and turns (whether the answer goes up and down on the way, so that its values at the
        ends do not tell the whole).
    """
    items = varied(scenario, parameters)
    ends = [central(item, within) for item in items]
    design = {item.name: np.full(1 + len(items) * _STEPS, item.median) for item in items}
    for i, (item, (low, high)) in enumerate(zip(items, ends, strict=True)):
        start = 1 + i * _STEPS
        design[item.name][start : start + _STEPS] = np.linspace(low, high, _STEPS)
    found = evaluate(model, scenario, draws_with(scenario, design), answer)
    rows = []
    for item, (low, high), path in zip(
        items, ends, found[1:].reshape(len(items), _STEPS), strict=True
    ):
        least, greatest = float(path.min()), float(path.max())
        rows.append(
            {
                "parameter": item.name,
                "unit": item.unit,
                "low": low,
                "high": high,
                "at_low": float(path[0]),
                "at_high": float(path[-1]),
                "base": float(found[0]),
                "least": least,
                "greatest": greatest,
                "swing": greatest - least,
                "turns": _turns(path),
            }
        )
    table = pd.DataFrame(rows)
    return table.sort_values("swing", ascending=False, kind="stable", ignore_index=True)


def _turns(path: Floats) -> bool:
    steps = np.diff(path)
    least = SAME * np.abs(path).max()
    return bool((steps > least).any() and (steps < -least).any())


def two_way(
    model: Model,
    scenario: Scenario,
    answer: Answer,
    first: str,
    second: str,
    *,
    steps: int = 21,
    within: float = 0.95,
) -> pd.DataFrame:
    """The answer on a grid of two parameters: the table of a heat map.

    Parameters
    ----------
    model : function
    scenario : Scenario
    answer : Answer
    first, second : str
        Two parameters that are not fixed.
    steps : int
        Values of each, 2 or more, evenly spaced over the range that holds it with probability
        `within`.
    within : float

    Returns
    -------
    DataFrame
        A row a pair of values: columns named like the two parameters, and result.
    """
    if steps < 2:
        raise ValueError(f"steps is {steps}; expected 2 or more")
    items = varied(scenario, (first, second))
    x, y = np.meshgrid(
        *(np.linspace(*central(item, within), steps) for item in items), indexing="ij"
    )
    values = {first: x.ravel(), second: y.ravel()}
    result = evaluate(model, scenario, draws_with(scenario, values), answer)
    return pd.DataFrame({**values, "result": result})


@dataclass(frozen=True, slots=True, eq=False)
class Threshold:
    """Where an answer crosses a line as one parameter moves.

    Attributes
    ----------
    answer : Answer
    wanted : float
        The line.
    parameter, unit : str
    low, high : float
        Values of the parameter between which crossings were looked for.
    least, greatest : float
        The answer between them.
    crossings : DataFrame
        A row a crossing, from low to high: value, probability (that the parameter is less) and
        rising (whether the answer rises through the line there). No rows if there is no crossing.
    """

    answer: Answer
    wanted: float
    parameter: str
    unit: str
    low: float
    high: float
    least: float
    greatest: float
    crossings: pd.DataFrame

    @property
    def sentence(self) -> str:
        """The finding in words."""
        verb = "does not cross" if self.crossings.empty else "crosses"
        line = f"{self.answer} {verb} {self.wanted:,.12g}"
        span = f"for {self.parameter} from {self.low:.4g} to {self.high:.4g} ({self.unit})"
        if self.crossings.empty:
            stays = f"between {_four_digits(self.least)} and {_four_digits(self.greatest)}"
            return f"{line} {span}: it stays {stays}."
        where = " and ".join(
            f"{'up' if rising else 'down'} at {value:.4g} (less with probability {probability:.2g})"
            for value, probability, rising in self.crossings.itertuples(index=False)
        )
        return f"{line} {span}: {where}."


def _four_digits(value: float) -> str:
    return f"{float(f'{value:.4g}'):,.12g}"


def threshold(
    model: Model,
    scenario: Scenario,
    answer: Answer,
    parameter: str,
    wanted: float,
    *,
    within: float = 0.99,
) -> Threshold:
    """At which values of one parameter the answer crosses a line, the others at their medians.

    The answer need not be monotone: it is looked at in 257 evenly spaced values, and closer where
    it passes the line. Two crossings between neighbouring values would be missed, and an answer
    that touches the line without passing it does not cross. One that lies on the line for a while
    before it passes crosses in the middle of that.

    Parameters
    ----------
    model : function
    scenario : Scenario
    answer : Answer
    parameter : str
    wanted : float
        The line, in the unit of the answer; must be finite.
    within : float
        The parameter goes through the range that holds it with this probability.
    """
    if not np.isfinite(wanted):
        raise ValueError(f"wanted is {wanted}; expected a finite number")
    (item,) = varied(scenario, (parameter,))
    low, high = central(item, within)

    def above(values: Floats) -> Floats:
        draws = draws_with(scenario, {parameter: values})
        return evaluate(model, scenario, draws, answer) - wanted

    scan = np.linspace(low, high, _SCAN)
    found = above(scan)
    passes, rising = _passes(found)
    at = [_closer(above, scan[i], scan[after]) for i, after in passes]
    crossings = pd.DataFrame(
        {
            "value": np.array(at, dtype=float),
            "probability": np.array(
                [_probability(item, value, within) for value in at], dtype=float
            ),
            "rising": np.array(rising, dtype=bool),
        }
    )
    return Threshold(
        answer, float(wanted), parameter, item.unit, low, high,
        float(found.min() + wanted), float(found.max() + wanted), crossings,
    )  # fmt: skip


def _passes(found: Floats) -> tuple[list[tuple[int, int]], list[bool]]:
    """Places before and after each change of sign, zeros between being passed over."""
    signed = np.flatnonzero(found)
    signs = np.sign(found[signed])
    changes = np.flatnonzero(signs[1:] != signs[:-1])
    places = [(int(signed[i]), int(signed[i + 1])) for i in changes]
    return places, [bool(signs[i] < 0) for i in changes]


def _closer(above: Callable[[Floats], Floats], low: float, high: float) -> float:
    """The crossing between two values, to the last digits that the model has."""
    for _ in range(_LOOKS):
        values = np.linspace(low, high, _CLOSER)
        found = above(values)
        if (found == 0).any():
            return float(values[found == 0].mean())
        i = int(np.flatnonzero(np.sign(found[1:]) != np.sign(found[0]))[0])
        low, high = float(values[i]), float(values[i + 1])
        if high - low <= 1e-10 * max(abs(low), abs(high)):
            break
    return (low + high) / 2


def _probability(item: Parameter, value: float, within: float) -> float:
    """Where the quantile function, which rises, has a value that lies within a central range."""
    tail = (1 - within) / 4
    return float(
        optimize.brentq(
            lambda p: float(item.ppf(np.array([p]))[0]) - value, tail, 1 - tail, xtol=1e-12
        )
    )

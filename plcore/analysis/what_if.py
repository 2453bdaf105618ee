"""One parameter moved at a time, or two; and where the result crosses a line.

All other parameters stay at their medians, also those that hang together with the one moved: these
answer "what if only this were otherwise", and are not shares of the uncertainty. Of a scenario that
takes the posterior, medians and ranges are those of the posterior; the observations may rule out
that one of its parameters moves so far while the others stay. `shapley_effects` and
`partial_rank_correlations` take them as they hang together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize

from plcore.analysis.design import (
    SAME,
    Marginal,
    Quantity,
    central_range,
    draws_with,
    evaluate,
    marginals,
    varied,
)
from plcore.evidence.distributions import Floats
from plcore.evidence.labels import in_unit, label_of
from plcore.inputs import checks_kinds
from plcore.printed import short
from plcore.scenarios import Scenario
from plcore.simulate.runs import Model

#: Values of each parameter at which `one_way` looks whether the quantity turns.
_VALUES = 17
#: Points of the first search for crossings, points of each closer one, and how many of those.
_SCAN, _CLOSER, _SEARCHES = 257, 65, 8


@checks_kinds
def one_way(
    model: Model,
    scenario: Scenario,
    quantity: Quantity,
    *,
    parameters: Sequence[str] | None = None,
    within: float = 0.95,
) -> pd.DataFrame:
    """How far each parameter alone moves the quantity: the table of a tornado chart.

    Parameters
    ----------
    model : function
        Takes draws and a scenario, returns an `Outcome`; any model of plcore.
    scenario : Scenario
        The parameters that do not move stay at their medians, those of the posterior where the
        scenario takes it.
    quantity : Quantity
        The outcome and year.
    parameters : sequence of str, optional
        Names of those that move, one at a time; by default all that are not fixed.
    within : float
        Each parameter goes through the range that holds it with this probability, between 0 and 1;
        in the posterior, where the scenario takes it.

    Returns
    -------
    DataFrame
        One row per parameter, the widest swing first: parameter, label (what readers call it), fitted
        (whether it is from the posterior, where others hang together with it), unit, low and high (the ends of its
        range), at_low and at_high (the quantity there), base (the quantity at all medians), least
        and greatest (of the quantity at 17 evenly spaced values from low to high), swing (greatest
        less least) and turns (whether the quantity goes both up and down on the way, so that its
        values at the ends do not show how far it moves).

    Raises
    ------
    ValueError
        If a name is not that of an uncertain parameter, the model has no such quantity or gives a
        number that is not finite, or `within` is out of its range.

    Examples
    --------
    >>> from plcore.models import people_with_pain
    >>> from plcore.scenarios import read_scenario
    >>> scenario = read_scenario(choices={"first_year": 2050, "last_year": 2050})
    >>> table = one_way(people_with_pain, scenario, Quantity("plp", 2050))
    >>> table.loc[0, "label"]
    'share in pain after loss of fingers or toes'
    """
    known = marginals(scenario)
    items = varied(scenario, known, parameters)
    ranges = [central_range(item, within) for item in items]
    design = {item.name: np.full(1 + len(items) * _VALUES, item.median) for item in items}
    for i, (item, (low, high)) in enumerate(zip(items, ranges, strict=True)):
        start = 1 + i * _VALUES
        design[item.name][start : start + _VALUES] = np.linspace(low, high, _VALUES)
    base, *moved = evaluate(model, scenario, draws_with(known, design), quantity)
    paths = np.reshape(moved, (len(items), _VALUES))
    rows = []
    for item, (low, high), path in zip(items, ranges, paths, strict=True):
        least, greatest = float(path.min()), float(path.max())
        rows.append(
            {
                "parameter": item.name,
                "label": label_of(item.name),
                "fitted": item.fitted,
                "unit": item.unit,
                "low": low,
                "high": high,
                "at_low": float(path[0]),
                "at_high": float(path[-1]),
                "base": float(base),
                "least": least,
                "greatest": greatest,
                "swing": greatest - least,
                "turns": _turns(path),
            }
        )
    table = pd.DataFrame(rows)
    return table.sort_values("swing", ascending=False, kind="stable", ignore_index=True)


def _turns(path: Floats) -> bool:
    changes = np.diff(path)
    least = SAME * np.abs(path).max()
    return bool((changes > least).any() and (changes < -least).any())


@checks_kinds
def two_way(
    model: Model,
    scenario: Scenario,
    quantity: Quantity,
    first: str,
    second: str,
    *,
    steps: int = 21,
    within: float = 0.95,
) -> pd.DataFrame:
    """The quantity on a grid of two parameters: the table of a heat map.

    Parameters
    ----------
    model : function
        Takes draws and a scenario, returns an `Outcome`; any model of plcore.
    scenario : Scenario
        The parameters that do not move stay at their medians, those of the posterior where the
        scenario takes it.
    quantity : Quantity
        The outcome and year.
    first, second : str
        Names of two parameters that are not fixed.
    steps : int
        Evenly spaced values of each of the two, 2 or more.
    within : float
        Each goes through the range that holds it with this probability, between 0 and 1.

    Returns
    -------
    DataFrame
        One row per pair of values: columns named like the two parameters, and result.

    Raises
    ------
    ValueError
        If a name is not that of an uncertain parameter, the model has no such quantity or gives a
        number that is not finite, or an option is out of its range.

    Examples
    --------
    >>> from plcore.models import people_with_pain
    >>> from plcore.scenarios import read_scenario
    >>> scenario = read_scenario(choices={"first_year": 2050, "last_year": 2050})
    >>> names = ("plp_prevalence", "plp_prevalence_minor")
    >>> len(two_way(people_with_pain, scenario, Quantity("plp", 2050), *names, steps=3))
    9
    """
    if steps < 2:
        raise ValueError(f"steps is {steps}; expected 2 or more")
    known = marginals(scenario)
    items = varied(scenario, known, (first, second))
    x, y = np.meshgrid(
        *(np.linspace(*central_range(item, within), steps) for item in items), indexing="ij"
    )
    values = {first: x.ravel(), second: y.ravel()}
    result = evaluate(model, scenario, draws_with(known, values), quantity)
    return pd.DataFrame({**values, "result": result})


@dataclass(frozen=True, slots=True, eq=False)
class Threshold:
    """Where a quantity crosses a line as one parameter moves; `print` says it in a sentence.

    Attributes
    ----------
    quantity : Quantity
    line : float
        In the unit of the quantity.
    parameter, unit : str
    low, high : float
        Values of the parameter between which crossings were looked for.
    least, greatest : float
        The quantity between them.
    crossings : DataFrame
        One row per crossing, from low to high: value, probability (that the parameter is less) and
        rising (whether the quantity rises through the line there). No rows if there is no crossing.
    """

    quantity: Quantity
    line: float
    parameter: str
    unit: str
    low: float
    high: float
    least: float
    greatest: float
    crossings: pd.DataFrame

    def __str__(self) -> str:
        name, line = label_of(self.parameter), f"{self.line:,.12g}"
        answer = str(self.quantity)
        start = f"{answer[:1].upper()}{answer[1:]}"
        span = f"{in_unit(self.low, self.unit)} to {in_unit(self.high, self.unit)}"
        if self.crossings.empty:
            side = "more than" if self.least > self.line else "at most"
            least, greatest = _four_digits(self.least), _four_digits(self.greatest)
            return (
                f"{start}: {side} {line} wherever the {name} lies from {span} "
                f"({least} to {greatest})."
            )
        return (
            f"{start}: more than {line} where the {name} is {' or '.join(self._above())}; "
            f"searched from {span}."
        )

    def _above(self) -> list[str]:
        """Where the quantity is above the line, in words."""
        table = self.crossings
        places = list(zip(table["value"], table["probability"], table["rising"], strict=True))
        starts = [place[:2] for place in places if place[2]]
        ends = [place[:2] for place in places if not place[2]]
        below, beyond = (self.low, 0.0), (self.high, 1.0)
        # Crossings take turns, so that each start has the next end.
        if not places[0][2]:
            starts = [below, *starts]
        if places[-1][2]:
            ends = [*ends, beyond]
        words = []
        for start, end in zip(starts, ends, strict=True):
            low, high = (in_unit(limit[0], self.unit) for limit in (start, end))
            where = (
                f"below {high}" if start is below
                else f"above {low}" if end is beyond
                else f"between {low} and {high}"
            )  # fmt: skip
            chance = _percent(end[1] - start[1])
            words.append(f"{where} (a chance of {chance})")
        return words


def _percent(share: float) -> str:
    return "under 1%" if share < 0.01 else "over 99%" if share > 0.99 else f"{share:.0%}"


def _four_digits(value: float) -> str:
    return short(value)


@checks_kinds
def threshold(
    model: Model,
    scenario: Scenario,
    quantity: Quantity,
    parameter: str,
    line: float,
    *,
    within: float = 0.99,
) -> Threshold:
    """At which values of one parameter the quantity crosses a line, the others at their medians.

    The quantity need not rise or fall throughout: it is computed at 257 evenly spaced values, and
    closer where it passes the line. Two crossings between neighbouring values would be missed, and
    a quantity that touches the line without passing it does not cross. One that lies on the line
    over a stretch before it passes crosses in the middle of the stretch.

    Parameters
    ----------
    model : function
        Takes draws and a scenario, returns an `Outcome`; any model of plcore.
    scenario : Scenario
        The parameters that do not move stay at their medians, those of the posterior where the
        scenario takes it.
    quantity : Quantity
        The outcome and year.
    parameter : str
        Name of a parameter that is not fixed.
    line : float
        In the unit of the quantity; finite.
    within : float
        The parameter goes through the range that holds it with this probability, between 0 and 1.

    Returns
    -------
    Threshold

    Raises
    ------
    ValueError
        If the name is not that of an uncertain parameter, the model has no such quantity or gives a
        number that is not finite, or an option is out of its range.

    Examples
    --------
    >>> from plcore.models import people_with_pain
    >>> from plcore.scenarios import read_scenario
    >>> scenario = read_scenario(choices={"first_year": 2050, "last_year": 2050})
    >>> plp = Quantity("plp", 2050)
    >>> print(threshold(people_with_pain, scenario, plp, "plp_prevalence", 3e6))  # doctest: +ELLIPSIS
    People with phantom limb pain in 2050: at most 3,000,000 wherever the share in pain after ...
    """
    if not np.isfinite(line):
        raise ValueError(f"line is {line}; expected a finite number")
    known = marginals(scenario)
    (item,) = varied(scenario, known, (parameter,))
    low, high = central_range(item, within)

    def above(values: Floats) -> Floats:
        draws = draws_with(known, {parameter: values})
        return evaluate(model, scenario, draws, quantity) - line

    scan = np.linspace(low, high, _SCAN)
    gap = above(scan)
    signed = np.flatnonzero(gap)
    signs = np.sign(gap[signed])
    passes = np.flatnonzero(signs[1:] != signs[:-1])
    at = [_crossing(above, scan[signed[i]], scan[signed[i + 1]]) for i in passes]
    crossings = pd.DataFrame(
        {
            "value": np.array(at, dtype=float),
            "probability": np.array([_probability(item, x, within) for x in at], dtype=float),
            "rising": signs[passes] < 0,
        }
    )
    return Threshold(
        quantity, float(line), parameter, item.unit, low, high,
        float(gap.min() + line), float(gap.max() + line), crossings,
    )  # fmt: skip


def _crossing(above: Callable[[Floats], Floats], low: float, high: float) -> float:
    """The crossing between two values, to the last digits that the model has."""
    for _ in range(_SEARCHES):
        values = np.linspace(low, high, _CLOSER)
        gap = above(values)
        if (gap == 0).any():
            return float(values[gap == 0].mean())
        i = int(np.flatnonzero(np.sign(gap[1:]) != np.sign(gap[0]))[0])
        low, high = float(values[i]), float(values[i + 1])
        if high - low <= 1e-10 * max(abs(low), abs(high)):
            break
    return (low + high) / 2


def _probability(item: Marginal, value: float, within: float) -> float:
    """The probability that the parameter is less than a value within its central range."""
    tail = (1 - within) / 4
    return float(
        optimize.brentq(
            lambda p: float(item.ppf(np.array([p]))[0]) - value, tail, 1 - tail, xtol=1e-12
        )
    )

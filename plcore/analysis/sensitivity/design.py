"""What is asked of a model, which parameters are moved, and the runs that tell."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from plcore.evidence.distributions import Floats
from plcore.evidence.parameters import Correlation, Parameter
from plcore.models.outcome import Outcome
from plcore.scenarios import Scenario
from plcore.simulate.runs import Model

#: Runs at a time: more would not be faster and would hold every year of every outcome.
_BLOCK = 1 << 15
#: Numbers that differ by a smaller share than this are the same but for rounding in the model.
SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Answer:
    """The one number that is asked about: an outcome of a model in a year."""

    outcome: str
    year: int

    def __str__(self) -> str:
        return f"{self.outcome} in {self.year}"

    def of(self, outcome: Outcome) -> Floats:
        """The answer in every draw, shape (n_draws,).

        Raises
        ------
        ValueError
            If the outcome or the year is not there.
        """
        if self.outcome not in outcome.values:
            known = ", ".join(outcome.values)
            raise ValueError(f"no outcome {self.outcome!r}; expected one of {known}")
        at = np.flatnonzero(outcome.years == self.year)
        if not at.size:
            raise ValueError(
                f"no year {self.year}; expected one from {outcome.years[0]} to {outcome.years[-1]}"
            )
        return np.asarray(outcome.values[self.outcome][:, at[0]], dtype=float)


def evaluate(model: Model, scenario: Scenario, draws: pd.DataFrame, answer: Answer) -> Floats:
    """The answer for every row of the draws, shape (n_draws,).

    The model is called on many rows at a time.

    Raises
    ------
    ValueError
        If the model does not give one finite number a draw; the message names the draw and its
        parameters.
    """
    parts = []
    for start in range(0, len(draws), _BLOCK):
        block = draws.iloc[start : start + _BLOCK]
        found = answer.of(model(block, scenario))
        if found.shape != (len(block),):
            raise ValueError(
                f"{scenario.name}: {answer} has {len(found)} values; expected {len(block)}, "
                "one a draw"
            )
        if not np.isfinite(found).all():
            i = int(np.flatnonzero(~np.isfinite(found))[0])
            raise ValueError(
                f"{scenario.name}: {answer} is {found[i]} in draw {start + i}; expected a finite "
                f"number (its parameters: {block.iloc[i].to_dict()})"
            )
        parts.append(found)
    return np.concatenate(parts)


def varied(scenario: Scenario, names: Sequence[str] | None) -> tuple[Parameter, ...]:
    """The parameters named, or all that are not fixed.

    Raises
    ------
    ValueError
        If a name is unknown, given twice or that of a fixed parameter, or there is none.
    """
    known = {item.name: item for item in scenario.parameters}
    if names is None:
        names = [name for name, item in known.items() if item.dist != "fixed"]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(known)}"
            raise ValueError(f"{scenario.name}: no parameter {name!r}; {hint}")
        if known[name].dist == "fixed":
            raise ValueError(
                f"{scenario.name}: {name} is fixed at {known[name].median:g}; "
                "expected an uncertain parameter"
            )
        if list(names).count(name) > 1:
            raise ValueError(f"{scenario.name}: {name} is named twice; expected it once")
    if not names:
        raise ValueError(f"{scenario.name}: no uncertain parameter; expected at least one")
    return tuple(known[name] for name in names)


def draws_with(scenario: Scenario, values: Mapping[str, Floats]) -> pd.DataFrame:
    """Draws in which some parameters have the values given and all others their medians.

    Parameters
    ----------
    scenario : Scenario
    values : mapping of str to ndarray, shape (n_draws,)
        At least one.
    """
    n = len(next(iter(values.values())))
    columns = {
        item.name: values[item.name] if item.name in values else np.full(n, item.median)
        for item in scenario.parameters
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(n, name="draw"))


def central(parameter: Parameter, within: float) -> tuple[float, float]:
    """The range that holds the parameter with a probability, as much left out on both sides."""
    if not 0 < within < 1:
        raise ValueError(f"within is {within:g}; expected a probability between 0 and 1")
    return parameter.interval(within)


def correlated(scenario: Scenario, parameters: Sequence[Parameter]) -> tuple[Correlation, ...]:
    """The correlations of the scenario that concern any of the parameters."""
    fixed = {item.name for item in scenario.parameters if item.dist == "fixed"}
    names = {item.name for item in parameters}
    return tuple(
        each
        for each in scenario.correlations
        # What does not vary cannot vary together with anything.
        if each.correlation != 0 and not fixed & {each.first, each.second}
        if names & {each.first, each.second}
    )


def require_independent(scenario: Scenario, parameters: Sequence[Parameter], *, what: str) -> None:
    """Refuse parameters that are correlated with each other or with one that is held still."""
    found = correlated(scenario, parameters)
    if found:
        pairs = ", ".join(f"{each.first} and {each.second}" for each in found)
        raise ValueError(
            f"{scenario.name}: {pairs} are correlated; expected independent parameters, as {what} "
            "would be of draws that cannot occur (Sobol indices can take them as a group; "
            "rank correlations need no independence)"
        )


def is_constant(values: Floats) -> bool:
    """Whether numbers differ by no more than rounding."""
    return bool(np.ptp(values) <= SAME * np.abs(values).max())


def require_moving(values: Floats, answer: Answer) -> None:
    """Refuse an answer that is the same in every run."""
    if is_constant(values):
        raise ValueError(
            f"{answer} is {values[0]:g} in every run; expected an answer that changes with the "
            "parameters (does the model read them?)"
        )


def require_level(level: float) -> None:
    """Refuse what is not the level of an interval."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level:g}; expected a probability between 0 and 1")

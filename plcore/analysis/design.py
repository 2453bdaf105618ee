"""What is asked of a model, which parameters are varied, and the model runs that answer it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from plcore.evidence.distributions import Floats
from plcore.evidence.labels import label_of
from plcore.inputs import check_fields
from plcore.models.outcome import Outcome
from plcore.scenarios import Scenario
from plcore.simulate.runs import Model, check_outcome
from plcore.simulate.synthesis import posterior_of

#: Draws that the model is given at once: more would not be faster, and would hold every year of
#: every outcome in memory.
_BLOCK = 1 << 15
#: Numbers that differ by a smaller share than this differ by rounding only.
SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Quantity:
    """The one number that an analysis is about: an outcome of a model in one year.

    Attributes
    ----------
    outcome : str
        Name of an outcome of the model, such as "limb_loss" or "plp".
    year : int
        A calendar year of that outcome.

    Examples
    --------
    >>> print(Quantity("plp", 2050))
    people with phantom limb pain in 2050
    """

    outcome: str
    year: int

    def __post_init__(self) -> None:
        check_fields(self)

    def __str__(self) -> str:
        return f"{label_of(self.outcome)} in {self.year}"

    def of(self, outcome: Outcome) -> Floats:
        """The number in every draw.

        Parameters
        ----------
        outcome : Outcome
            What a model returned, such as `run.outcome`.

        Returns
        -------
        ndarray, shape (n_draws,)

        Raises
        ------
        ValueError
            If the model has no such outcome or year.
        """
        if self.outcome not in outcome.values:
            known = ", ".join(outcome.values)
            raise ValueError(f"no outcome {self.outcome!r}; expected one of {known}")
        columns = np.flatnonzero(outcome.years == self.year)
        if not columns.size:
            raise ValueError(
                f"no year {self.year}; expected one from {outcome.years[0]} to {outcome.years[-1]}"
            )
        return np.asarray(outcome.values[self.outcome][:, columns[0]], dtype=float)


def evaluate(model: Model, scenario: Scenario, draws: pd.DataFrame, quantity: Quantity) -> Floats:
    """The quantity for every row of the draws, shape (n_draws,); the model takes many at a time.

    Raises ValueError, naming the draw, unless the model gives one finite number a draw.
    """
    blocks = []
    for start in range(0, len(draws), _BLOCK):
        block = draws.iloc[start : start + _BLOCK]
        outcome = model(block, scenario)
        check_outcome(outcome, block, scenario.name)
        values = quantity.of(outcome)
        if not np.isfinite(values).all():
            i = int(np.flatnonzero(~np.isfinite(values))[0])
            raise ValueError(
                f"{scenario.name}: {quantity} is {values[i]} in draw {start + i}; expected a "
                f"finite number (its parameters: {block.iloc[i].to_dict()})"
            )
        blocks.append(values)
    return np.concatenate(blocks)


@dataclass(frozen=True, slots=True, eq=False)
class Marginal:
    """What is believed of one input taken by itself.

    Attributes
    ----------
    name, unit : str
    ppf : function
        Quantiles of the input for probabilities, in their shape.
    fixed : bool
    fitted : bool
        Whether it comes from the posterior, where it hangs together with the other fitted inputs.
    """

    name: str
    unit: str
    ppf: Callable[[ArrayLike], Floats]
    fixed: bool
    fitted: bool

    @property
    def median(self) -> float:
        """The value that the input is as likely to be above as below."""
        return float(self.ppf(np.array([0.5]))[0])


def marginals(scenario: Scenario) -> dict[str, Marginal]:
    """Every input of a scenario by its name, taken by itself.

    From the draws of the posterior, where the scenario takes it from there, or its distribution.
    """
    stored = posterior_of(scenario)
    return {
        item.name: Marginal(
            item.name,
            item.unit,
            partial(np.quantile, stored[item.name].to_numpy()) if item.name in stored else item.ppf,
            item.dist == "fixed",
            item.name in stored,
        )
        for item in scenario.parameters
    }


def varied(
    scenario: Scenario, known: Mapping[str, Marginal], names: Sequence[str] | None
) -> tuple[Marginal, ...]:
    """The inputs named, or all that are not fixed; ValueError where a name is not one."""
    if names is None:
        names = [name for name, item in known.items() if not item.fixed]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(known)}"
            raise ValueError(f"{scenario.name}: no parameter {name!r}; {hint}")
        if known[name].fixed:
            raise ValueError(
                f"{scenario.name}: {name} is fixed at {known[name].median:g}; "
                "expected an uncertain parameter"
            )
        if list(names).count(name) > 1:
            raise ValueError(f"{scenario.name}: {name} is named twice; expected it once")
    if not names:
        raise ValueError(f"{scenario.name}: no uncertain parameter; expected at least one")
    return tuple(known[name] for name in names)


def draws_with(known: Mapping[str, Marginal], values: Mapping[str, Floats]) -> pd.DataFrame:
    """Draws in which some inputs (one or more) have the values given, all others their medians.

    The values of an input have shape (n_draws,).
    """
    n = len(next(iter(values.values())))
    columns = {
        name: values[name] if name in values else np.full(n, item.median)
        for name, item in known.items()
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(n, name="draw"))


def central_range(item: Marginal, within: float) -> tuple[float, float]:
    """The range that holds the input with this probability, equal shares left out either side.

    Raises ValueError where `within` is not between 0 and 1.
    """
    if not 0 < within < 1:
        raise ValueError(f"within is {within:g}; expected a probability between 0 and 1")
    low, high = item.ppf(np.array([(1 - within) / 2, (1 + within) / 2]))
    return float(low), float(high)


def require_independent(scenario: Scenario, items: Sequence[Marginal], *, what: str) -> None:
    """Refuse inputs that hang together with each other or with one that is held still."""
    fitted = [item.name for item in items if item.fitted]
    if fitted:
        more = f" and {len(fitted) - 3} more" if len(fitted) > 3 else ""
        raise ValueError(
            f"{scenario.name}: {', '.join(fitted[:3])}{more} hang together in the posterior; "
            f"expected independent parameters, as {what} would otherwise rest on draws that the "
            'observations rule out: read the scenario with choices={"beliefs": "prior"}, or take '
            "shapley_effects, which are meant for such inputs"
        )
    fixed = {item.name for item in scenario.parameters if item.dist == "fixed"}
    names = {item.name for item in items}
    pairs = [
        f"{link.first} and {link.second}"
        for link in scenario.correlations
        # A parameter that does not vary cannot vary together with another.
        if link.correlation != 0 and not fixed & {link.first, link.second}
        if names & {link.first, link.second}
    ]
    if pairs:
        raise ValueError(
            f"{scenario.name}: {', '.join(pairs)} are correlated; expected independent "
            f"parameters, as {what} would otherwise rest on draws that cannot occur (partial rank "
            "correlations and Shapley effects take correlated parameters)"
        )


def require_moving(values: Floats, quantity: Quantity) -> None:
    """Refuse a quantity that is the same in every run, up to rounding."""
    if np.ptp(values) <= SAME * np.abs(values).max():
        raise ValueError(
            f"{quantity} is {values[0]:g} in every run; expected a number that changes with the "
            "parameters (does the model read them?)"
        )


def require_level(level: float) -> None:
    """Refuse a level of an interval that is not between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level:g}; expected a probability between 0 and 1")

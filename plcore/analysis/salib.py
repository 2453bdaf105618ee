"""A bridge to SALib: all its methods (Morris, FAST, PAWN, Delta, ...) on all models of plcore.

SALib samples rows and analyses outputs; between the two the model is run. Its rows are
probabilities here, which the parameters' own distributions turn into values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from plcore.analysis.design import (
    Quantity,
    central_range,
    draws_with,
    evaluate,
    marginals,
    require_independent,
    varied,
)
from plcore.evidence.distributions import Floats
from plcore.inputs import checks_kinds
from plcore.scenarios import Scenario
from plcore.simulate.runs import Model


@checks_kinds
def salib_problem(
    scenario: Scenario, *, parameters: Sequence[str] | None = None, within: float = 0.999
) -> dict[str, Any]:
    """The uncertain parameters of a scenario as SALib's functions take them.

    Parameters
    ----------
    scenario : Scenario
        The parameters that vary must not be correlated, which SALib's designs take for granted: on
        those of limb loss, take a scenario with choices={"beliefs": "prior"}.
    parameters : sequence of str, optional
        Names of those that vary; by default all that are not fixed.
    within : float
        Each parameter stays in the range that holds it with this probability, between 0 and 1:
        0.95 suits Morris screening, whose steps go from end to end; methods that divide the
        variance need nearly all of it.

    Returns
    -------
    dict
        num_vars, names and bounds; the bounds are probabilities.

    Raises
    ------
    ValueError
        If a name is not that of an uncertain parameter, parameters are correlated or from the
        posterior, or `within` is out of its range.

    Examples
    --------
    >>> from SALib.analyze import morris as effects
    >>> from SALib.sample import morris as steps
    >>> from plcore.models import people_with_pain
    >>> from plcore.scenarios import read_scenario
    >>> scenario = read_scenario(choices={"first_year": 2050, "last_year": 2050})
    >>> names = ["plp_prevalence", "plp_prevalence_minor", "plp_fall"]
    >>> problem = salib_problem(scenario, parameters=names, within=0.95)
    >>> rows = steps.sample(problem, 8, seed=1)
    >>> y = salib_outputs(people_with_pain, scenario, Quantity("plp", 2050), problem, rows)
    >>> effects.analyze(problem, rows, y, seed=1).to_df()["mu_star"].idxmax()
    'plp_prevalence_minor'
    """
    items = varied(scenario, marginals(scenario), parameters)
    require_independent(scenario, items, what="SALib's samples")
    for item in items:
        central_range(item, within)
    tail = (1 - within) / 2
    return {
        "num_vars": len(items),
        "names": [item.name for item in items],
        "bounds": [[tail, 1 - tail] for _ in items],
    }


@checks_kinds
def salib_outputs(
    model: Model,
    scenario: Scenario,
    quantity: Quantity,
    problem: Mapping[str, Any],
    rows: ArrayLike,
) -> Floats:
    """The quantity for every row that SALib sampled; see `salib_problem` for an example.

    Parameters
    ----------
    model : function
        Takes draws and a scenario, returns an `Outcome`; any model of plcore.
    scenario : Scenario
        Parameters that the problem does not name stay at their medians.
    quantity : Quantity
        The outcome and year.
    problem : mapping
        As `salib_problem` gives it.
    rows : array_like, shape (n_rows, num_vars)
        Probabilities, as `SALib.sample` gives them for the problem.

    Returns
    -------
    ndarray, shape (n_rows,)
        What `SALib.analyze` takes as `Y`.

    Raises
    ------
    ValueError
        If the rows have another number of columns than the problem has names, hold numbers that are
        no probabilities, or lead to a number that is not finite.
    """
    if "names" not in problem:
        raise ValueError("the problem has no names; expected one as salib_problem gives it")
    known = marginals(scenario)
    items = varied(scenario, known, problem["names"])
    if isinstance(rows, pd.DataFrame) and list(rows.columns) != list(problem["names"]):
        raise ValueError(
            f"rows have the columns {', '.join(map(str, rows.columns))}; expected the names of the "
            f"problem in their order, {', '.join(problem['names'])}"
        )
    p = np.asarray(rows, dtype=float)
    if p.ndim != 2 or p.shape[1] != len(items):
        raise ValueError(
            f"rows have shape {p.shape}; expected (n_rows, {len(items)}), a column a name"
        )
    values = {item.name: item.ppf(p[:, j]) for j, item in enumerate(items)}
    return evaluate(model, scenario, draws_with(known, values), quantity)

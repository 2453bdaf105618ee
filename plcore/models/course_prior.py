"""A prior for what a drug adds to a placebo, from two arms of a trial in other patients."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from plcore.evidence.distributions import Floats

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


def added_response(
    responders: int,
    n: int,
    control_responders: int,
    control_n: int,
    *,
    p: ArrayLike,
    weight: float = 1.0,
) -> Floats:
    """Quantiles at `p` of the share whom the drug helps, of those whom a placebo does not.

    That share is e = (treated - control) / (1 - control) (Abbott 1925). Both rates have a Jeffreys
    prior. A drug that does worse than placebo is left out: the distribution is that of e given
    that it is not below 0, so it must not be read as a test of whether the drug works.

    Parameters
    ----------
    responders, n, control_responders, control_n : int
        Patients with the response and patients in each arm.
    p : array_like
        Probabilities between 0 and 1, of any shape; the result has the same.
    weight : float
        What a patient of the trial counts for, above 0 and at most 1, because the patients or the
        treatment differ from those in question (power prior, Ibrahim and Chen 2000).

    References
    ----------
    Abbott WS. J Econ Entomol 1925;18:265-7. Ibrahim JG, Chen MH. Stat Sci 2000;15:46-60.
    """
    for name, events, people in (
        ("responders", responders, n),
        ("control_responders", control_responders, control_n),
    ):
        if not 0 <= events <= people or people < 1:
            raise ValueError(f"{name} is {events} of {people}; expected 0 to n of 1 or more")
    if not 0 < weight <= 1:
        raise ValueError(f"weight is {weight:g}; expected above 0 and at most 1")
    wanted = np.asarray(p, dtype=float)
    if not ((wanted > 0) & (wanted < 1)).all():
        raise ValueError("expected probabilities between 0 and 1")
    treated = 0.5 + weight * responders, 0.5 + weight * (n - responders)
    control = 0.5 + weight * control_responders, 0.5 + weight * (control_n - control_responders)
    # Equal steps of the control rate's probability, so that its density is not needed.
    rates = special.betaincinv(*control, (_NODES + 1) / 2)

    def below(e: float) -> float:
        return float(special.betainc(*treated, rates + e * (1 - rates)) @ _WEIGHTS / 2)

    worse = below(0.0)
    found = [
        optimize.brentq(lambda e, q=q: below(e) - worse - q * (1 - worse), 0.0, 1.0, xtol=1e-12)
        for q in wanted.ravel()
    ]
    return np.array(found).reshape(wanted.shape)

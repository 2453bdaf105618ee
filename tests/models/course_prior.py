"""How the parameter `course_drug_response` was derived from two arms of a trial in other patients."""

import numpy as np
from scipy import optimize, special

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


def added_response(responders, n, control_responders, control_n, *, p, weight=1.0):
    """Quantiles at `p` of the share whom the drug helps among those whom a placebo does not.

    That share is e = (treated - control) / (1 - control) (Abbott 1925, J Econ Entomol 18:265). Both
    rates have a Jeffreys prior, and a patient counts for `weight` (power prior, Ibrahim and Chen
    2000, Stat Sci 15:46). It is the distribution given that e is not below 0, so it is no test of
    whether the drug works.
    """
    treated = 0.5 + weight * responders, 0.5 + weight * (n - responders)
    control = 0.5 + weight * control_responders, 0.5 + weight * (control_n - control_responders)
    # Equal steps of the control rate's probability, so that its density is not needed.
    rates = special.betaincinv(*control, (_NODES + 1) / 2)

    def below(e):
        return float(special.betainc(*treated, rates + e * (1 - rates)) @ _WEIGHTS / 2)

    worse, wanted = below(0.0), np.asarray(p, dtype=float)
    quantiles = [
        optimize.brentq(lambda e, q=q: below(e) - worse - q * (1 - worse), 0.0, 1.0, xtol=1e-12)
        for q in wanted.ravel()
    ]
    return np.array(quantiles).reshape(wanted.shape)

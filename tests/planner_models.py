"""People around a clinic worked out once for all tests that ask for the same."""

import functools
from types import SimpleNamespace

import numpy as np

from plcore.simulate.runs import run

_known = {}


@functools.wraps(run)
def run_once(model, scenario, *, n_draws, seed):
    key = (model.keywords["area"], scenario.name, str(scenario.choices), n_draws, seed)
    if key not in _known:
        _known[key] = run(model, scenario, n_draws=n_draws, seed=seed)
    return _known[key]


def no_days(plan, inputs, referrals, relief, open_days, *, seed):
    """The outcome of a clinic in which nobody is followed, for what its days do not bear on."""
    nobody = np.zeros((inputs.n_draws, 1, 0), dtype=np.int64)
    n_days = len(open_days)
    return SimpleNamespace(
        plan=plan, referred_day=nobody, first_day=nobody, n_days=n_days, last_day=n_days
    )

"""Other packages' sensitivity measures on small inputs, for the tests to read.

Needs SALib, pingouin and statsmodels; prints JSON: python make_sensitivity_peers.py > sensitivity_peers.json
"""

import importlib.metadata
import json

import numpy as np
import pandas as pd
import pingouin
import statsmodels.api as sm
from SALib.analyze import morris as analyse_morris
from SALib.analyze import sobol as analyse_sobol
from SALib.sample import morris as sample_morris
from SALib.sample import sobol as sample_sobol
from scipy import stats


def ishigami(x):
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


problem = {"num_vars": 3, "names": ["x1", "x2", "x3"], "bounds": [[-np.pi, np.pi]] * 3}

x = sample_sobol.sample(problem, 128, calc_second_order=False, seed=1)
y = ishigami(x)
found = analyse_sobol.analyze(problem, y, calc_second_order=False, num_resamples=100, seed=1)
sobol = {"y": y.tolist(), "S1": found["S1"].tolist(), "ST": found["ST"].tolist()}

x = sample_morris.sample(problem, 12, num_levels=4, seed=1)
y = ishigami(x)
found = analyse_morris.analyze(problem, x, y, num_levels=4, scaled=False, seed=1)
unit = (x + np.pi) / (2 * np.pi)
morris = {"x": unit.tolist(), "y": y.tolist()}
morris |= {key: np.asarray(found[key]).tolist() for key in ("mu", "mu_star", "sigma")}

stream = np.random.default_rng(1)
draws = stream.normal(size=(40, 3)).round(1)  # ties
draws[:, 1] += 0.5 * draws[:, 0]  # correlated
answer = (draws @ [1.0, -0.5, 0.2] + np.exp(draws[:, 0]) + stream.normal(size=40)).round(1)
table = pd.DataFrame(draws, columns=["a", "b", "c"]).assign(y=answer)
partial = [
    pingouin.partial_corr(
        table, x=name, y="y", covar=[o for o in "abc" if o != name], method="spearman"
    )["r"].iloc[0]
    for name in "abc"
]
ranks = table.rank()
fits = {}
for name, values in (("src", table), ("srrc", ranks)):
    z = stats.zscore(values.to_numpy())
    fit = sm.OLS(z[:, 3], sm.add_constant(z[:, :3])).fit(cov_type="HC3", use_t=True)
    low, high = fit.conf_int()[1:].T
    fits[name] = {
        "slope": fit.params[1:].tolist(), "low": low.tolist(), "high": high.tolist(),
        "r2": fit.rsquared,
    }  # fmt: skip
ranked = {"draws": table.to_dict("list"), "partial_spearman": [float(r) for r in partial], **fits}

versions = {
    each: importlib.metadata.version(each) for each in ("SALib", "pingouin", "statsmodels", "numpy")
}
print(json.dumps({"made_with": versions, "sobol": sobol, "morris": morris, "ranks": ranked}))

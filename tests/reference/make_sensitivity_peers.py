"""Another package's partial rank correlations on a small input, for the tests to read.

Needs pingouin; prints JSON: python make_sensitivity_peers.py > sensitivity_peers.json
"""

import importlib.metadata
import json

import numpy as np
import pandas as pd
import pingouin

stream = np.random.default_rng(1)
draws = stream.normal(size=(40, 3)).round(1)  # ties
draws[:, 1] += 0.5 * draws[:, 0]  # correlated
y = (draws @ [1.0, -0.5, 0.2] + np.exp(draws[:, 0]) + stream.normal(size=40)).round(1)
table = pd.DataFrame(draws, columns=["a", "b", "c"]).assign(y=y)
partial = [
    pingouin.partial_corr(
        table, x=name, y="y", covar=[other for other in "abc" if other != name], method="spearman"
    )["r"].iloc[0]
    for name in "abc"
]
ranks = {"draws": table.to_dict("list"), "partial_spearman": [float(r) for r in partial]}
versions = {name: importlib.metadata.version(name) for name in ("pingouin", "numpy")}
print(json.dumps({"made_with": versions, "ranks": ranks}))

"""EVPPI of one parameter and of four, from 10,000 draws, beside heormodel and voiage.

Ours gives a standard error, limits and a cross-fitted value with it; the peers give the number
alone. `check` shows what each makes of three decisions whose EVPPI is known: straight lines, a
square (2 phi(1): known x, gain x^2 - 1) and a product (1 / pi: known x and y, gain x y). Both
peers are called with their defaults.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks import Case
from benchmarks.floors import applied, multiplied
from plcore.analysis.smoothing import _INDUCING
from plcore.analysis.value import evppi

N = 10_000
NAMES = tuple("vwxyz")


def sampled() -> pd.DataFrame:
    """Five independent standard normal parameters."""
    return pd.DataFrame(np.random.default_rng(0).standard_normal((N, 5)), columns=list(NAMES))


def options(gain: np.ndarray) -> np.ndarray:
    """Net benefit of doing nothing, and of an option with some gain, shape (n, 2)."""
    return np.column_stack([np.zeros(len(gain)), gain])


def with_plcore(net: np.ndarray, draws: pd.DataFrame, names: Sequence[str]) -> float:
    return evppi(net, draws[list(names)]).value


def with_heormodel(
    net: np.ndarray, draws: pd.DataFrame, names: Sequence[str], *, method: str = "spline"
) -> float:
    from heormodel.models import Outcomes
    from heormodel.voi import evppi as theirs

    draws = draws.set_axis(pd.RangeIndex(len(draws), name="iteration"))
    effects = pd.DataFrame(net, index=draws.index, columns=["nothing", "option"])
    outcomes = Outcomes.from_wide(costs=0 * effects, effects=effects)
    return float(theirs(outcomes, draws, list(names), 1.0, method=method, seed=0))


def with_voiage(net: np.ndarray, draws: pd.DataFrame, names: Sequence[str]) -> float:
    from voiage.methods.basic import evppi as theirs
    from voiage.schema import ParameterSet

    given = {name: draws[name].to_numpy() for name in draws}
    return float(theirs(net, ParameterSet.from_numpy_or_dict(given), list(names)))


def check() -> pd.DataFrame:
    """Known values and what each side makes of them; ours must hold them within its limits."""
    draws = sampled()
    x, y, z = (draws[name].to_numpy() for name in "xyz")
    truths = {
        "straight lines": (x + 0.5 * z, "x", stats.norm.pdf(0)),
        "square": (x**2 - 1 + z, "x", 2 * stats.norm.pdf(1)),
        "product": (x * y + z, "xy", 1 / math.pi),
    }
    rows = []
    for name, (gain, known, truth) in truths.items():
        net = options(gain)
        ours = evppi(net, draws[list(known)])
        if not ours.low <= truth <= ours.high:
            raise AssertionError(f"{name}: {ours}; expected {truth}")
        row = {"decision": name, "truth": truth, "plcore": ours.value, "se": ours.se}
        for peer, call in (("heormodel", with_heormodel), ("voiage", with_voiage)):
            row[peer] = call(net, draws, known) if _version(peer) else math.nan
        rows.append(row)
    return pd.DataFrame(rows)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def floor(names: Sequence[str]) -> dict[str, Any]:
    """Sorting for one parameter; for several, what a process on some inducing draws must multiply."""
    if len(names) == 1:
        return {"floor": "10,000 numbers sorted", "floor_call": applied(np.sort, N)}
    adds = float(N * _INDUCING**2)
    return {
        "floor": f"{adds:.2g} multiply-adds in products of matrices",
        "floor_call": multiplied(adds),
    }


def cases() -> Iterator[Case]:
    print(check().round(4).to_string(index=False))
    draws = sampled()
    net = options(draws.sum(axis=1).to_numpy() + draws["x"].to_numpy() * draws["y"].to_numpy())
    jobs: list[tuple[str, Sequence[str], str, Callable[[], float]]] = [
        ("1 parameter, spline", "x", "heormodel", lambda: with_heormodel(net, draws, "x")),
        ("1 parameter; the peer: a straight line", "x", "voiage",
         lambda: with_voiage(net, draws, "x")),
        ("4 parameters, Gaussian process; the peer: fitted to 500 draws", "wxyz", "heormodel",
         lambda: with_heormodel(net, draws, "wxyz", method="gp")),
    ]  # fmt: skip
    for size, names, peer, call in jobs:
        yield Case(
            job="value",
            size=f"EVPPI, 10,000 draws x 2 options, {size}",
            ours="plcore.analysis.value.evppi",
            ours_call=lambda names=names: with_plcore(net, draws, names),
            peer=peer,
            peer_version=_version(peer),
            peer_call=call if _version(peer) else None,
            **floor(names),
        )

"""What simulated trials found: power, assurance, bias, coverage, and errors of sign and size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from plcore.evidence.trials.counts import Array


@dataclass(frozen=True, slots=True)
class Simulated:
    """Every trial of a simulation.

    Attributes
    ----------
    effect : ndarray, shape (n_draws,)
        True effects; trial i has effect i modulo n_draws. A single one is a fixed effect.
    estimate, low, high, p : ndarray, shape (n_trials,)
        NaN, with a p of 1, where too few patients were seen to analyse the trial.
    alpha : float
        Trials with p up to this reject; intervals have the level 1 - alpha.
    """

    effect: Array
    estimate: Array
    low: Array
    high: Array
    p: Array
    alpha: float

    @property
    def n_trials(self) -> int:
        """Trials simulated."""
        return self.p.size

    @property
    def not_analysed(self) -> int:
        """Trials in which too few patients were seen; they count as trials that do not reject."""
        return int(np.isnan(self.estimate).sum())

    @property
    def rejects(self) -> npt.NDArray[np.bool_]:
        """Which trials reject that there is no effect, on either side, shape (n_trials,)."""
        return self.p <= self.alpha

    @property
    def better(self) -> npt.NDArray[np.bool_]:
        """Which trials reject in favour of the treatment, shape (n_trials,)."""
        return self.rejects & (self.estimate > 0)

    @property
    def truth(self) -> Array:
        """The true effect of each trial, shape (n_trials,)."""
        return np.resize(self.effect, self.n_trials)

    @property
    def power(self) -> float:
        """Share of trials that reject; the type I error where the effect is 0."""
        return float(self.rejects.mean())

    @property
    def power_error(self) -> float:
        """Monte-Carlo standard error of the power."""
        return self._error(self.rejects)

    @property
    def assurance(self) -> float:
        """Share of trials that find the treatment better, over all draws of the effect."""
        return float(self.better.mean())

    @property
    def assurance_error(self) -> float:
        """Monte-Carlo standard error of the assurance."""
        return self._error(self.better)

    @property
    def assurance_error_parts(self) -> tuple[float, float]:
        """The Monte-Carlo error from having so many draws, and so many trials of each.

        Their squares add up to that of `assurance_error`. More draws lower both, more trials of
        each draw the second only. NaN with one trial a draw, which cannot tell the two apart.
        """
        per_draw = self._per_draw(self.better)
        each, n_draws = per_draw.shape
        if n_draws == 1:
            return 0.0, self.assurance_error
        if each == 1:
            return math.nan, math.nan
        share = per_draw.mean(axis=0)
        trials = float(np.mean(share * (1 - share)) / (each - 1) / n_draws)
        # An estimate of a variance as a difference of two can fall below 0.
        draws = max(self.assurance_error**2 - trials, 0.0)
        return math.sqrt(draws), math.sqrt(trials)

    @property
    def mean_estimate(self) -> float:
        """Mean of the estimates."""
        return float(np.nanmean(self.estimate))

    @property
    def bias(self) -> float:
        """Mean of the estimates less the true effects."""
        return float(np.nanmean(self.estimate - self.truth))

    @property
    def bias_error(self) -> float:
        """Monte-Carlo standard error of the bias."""
        off = (self.estimate - self.truth)[~np.isnan(self.estimate)]
        return float(off.std(ddof=1) / math.sqrt(off.size))

    @property
    def coverage(self) -> float:
        """Share of the intervals that hold the true effect."""
        held = (self.low <= self.truth) & (self.truth <= self.high)
        return float(held[~np.isnan(self.estimate)].mean())

    @property
    def wrong_sign(self) -> float:
        """Share of the trials that reject whose estimate has the wrong sign.

        The type S error of Gelman & Carlin (2014), Perspect Psychol Sci 9:641. NaN where no trial
        rejects, or where a true effect is 0.
        """
        truth, estimate = self.truth[self.rejects], self.estimate[self.rejects]
        if truth.size == 0 or np.any(truth == 0):
            return math.nan
        return float(np.mean(np.sign(estimate) != np.sign(truth)))

    @property
    def exaggeration(self) -> float:
        """How many times too large the estimates of the trials that reject are, on average.

        The type M error of Gelman & Carlin (2014): mean size of the estimates over mean size of the
        true effects. NaN as for `wrong_sign`.
        """
        if math.isnan(self.wrong_sign):
            return math.nan
        found = np.abs(self.estimate[self.rejects]).sum()
        return float(found / np.abs(self.truth[self.rejects]).sum())

    def _per_draw(self, which: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        return which.reshape(-1, self.effect.size)

    def _error(self, which: npt.NDArray[np.bool_]) -> float:
        # Trials of the same draw are alike, so only the draws count as independent.
        per_draw = self._per_draw(which).mean(axis=0) if self.effect.size > 1 else which
        if per_draw.size < 2:
            return math.nan
        return float(per_draw.std(ddof=1) / math.sqrt(per_draw.size))


def simulated_table(simulated: Simulated) -> pd.DataFrame:
    """One row a quantity: `quantity`, `value` and its `monte_carlo_error` (NaN where not known)."""
    n = simulated.n_trials - simulated.not_analysed
    rejecting = int(simulated.rejects.sum())
    rows = [
        ("power", simulated.power, simulated.power_error),
        ("assurance", simulated.assurance, simulated.assurance_error),
        ("mean estimate", simulated.mean_estimate, math.nan),
        ("bias", simulated.bias, simulated.bias_error),
        ("coverage", simulated.coverage, _binomial_error(simulated.coverage, n)),
        ("wrong sign", simulated.wrong_sign, _binomial_error(simulated.wrong_sign, rejecting)),
        ("exaggeration", simulated.exaggeration, math.nan),
        ("not analysed", float(simulated.not_analysed), 0.0),
        ("trials", float(simulated.n_trials), 0.0),
    ]
    return pd.DataFrame(rows, columns=["quantity", "value", "monte_carlo_error"])


def _binomial_error(share: float, n: int) -> float:
    return math.sqrt(share * (1 - share) / n) if n else math.nan

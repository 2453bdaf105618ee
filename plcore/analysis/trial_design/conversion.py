"""From a mean change in pain to a share who respond, and back; and what happens with no treatment.

A trial that prints means and SDs did not count responders. Under a normal model of baseline pain B
and its fall F the share can be worked out, and the result says that it was. A response is
F >= points + fraction B. Scores are taken as continuous and unbounded: where many patients end at 0
the model is off, most for falls of half or more.

The same model without a treatment effect gives regression to the mean: people who enter a trial
because their pain is high that day have less on another. `baseline_mean` and `baseline_sd` are
those of everybody, before patients are taken for a B between `lowest` and `highest`;
`before_selection` gives them from those of the patients taken. On a scale of whole numbers, 4 or
more is 3.5 or more before rounding.

Parameters
----------
mean_fall, sd_fall : array_like
    Of the fall in pain, in points; all arrays have shapes that broadcast.
share : array_like
    Of patients who respond, between 0 and 1.
points, fraction : array_like
    The fall that is a response: so many points, so large a part of the baseline (0.3 for 30%).
baseline_mean, baseline_sd : array_like
    Of everybody's pain before, in points.
correlation : array_like
    Of baseline and fall: see `fall_from_scores`. Rarely printed; give a range.
lowest, highest : float
    Patients with a baseline between these. Below 0 a part of it is no fall.
n : int
    Patients.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from plcore.analysis.trial_design.analysis import checked_between, floats
from plcore.evidence.trials.counts import Array, checked_level
from plcore.evidence.trials.response import ResponseRate
from plcore.evidence.trials.score import crossing

# Owen's T needs a height that is not 0, and has the limit at one as small as this; what is nearer
# to 0 is taken for it, or quotients of heights would overflow.
_ALMOST_0 = 1e-100
# SDs of the criterion between which a mean fall is looked for: shares from 1e-200 to 1.
_FARTHEST_SDS = 30.0
# No standardised threshold is farther above the mean of people who are not very few.
_FARTHEST_THRESHOLD = 30.0
# Quantiles of the control rate over which an excess is averaged, even on the normal scale: there
# the trapezoidal rule is right to 1e-12, however steeply smooth quantiles run at the ends.
_SCORES = np.linspace(-8, 8, 161)
_WEIGHTS = stats.norm.pdf(_SCORES) / stats.norm.pdf(_SCORES).sum()


@dataclass(frozen=True, slots=True)
class DerivedResponse:
    """A share of responders that nobody counted: worked out from means and SDs under `model`.

    Attributes
    ----------
    share, low, high : float
        The limits carry the sampling error of the mean and SD of n patients, not that of the model.
    n, level, model
        Patients, level, and the model in words.
    """

    share: float
    low: float
    high: float
    n: int
    level: float
    model: str


def share_with_fall(
    mean_fall: npt.ArrayLike, sd_fall: npt.ArrayLike, *, points: npt.ArrayLike
) -> Array:
    """Share whose pain falls by so many points or more, the fall being normal."""
    mean, sd = _finite("mean_fall", mean_fall), _above_0("sd_fall", sd_fall)
    return np.asarray(special.ndtr((mean - _finite("points", points)) / sd))


def mean_fall_for_share(
    share: npt.ArrayLike, sd_fall: npt.ArrayLike, *, points: npt.ArrayLike
) -> Array:
    """The mean fall with which this share falls by so many points: `share_with_fall` reversed."""
    z = special.ndtri(checked_between("share", share, 0, 1))
    return np.asarray(_finite("points", points) + z * _above_0("sd_fall", sd_fall))


def share_with_relative_fall(
    mean_fall: npt.ArrayLike,
    sd_fall: npt.ArrayLike,
    *,
    fraction: npt.ArrayLike,
    baseline_mean: npt.ArrayLike,
    baseline_sd: npt.ArrayLike,
    correlation: npt.ArrayLike,
    points: npt.ArrayLike = 0.0,
    lowest: float = 0.0,
    highest: float = math.inf,
) -> Array:
    """Share whose pain falls by so large a part of its baseline, or more.

    Exact for the model: B and the margin F - fraction B - points are bivariate normal, whose
    distribution function is one of Owen's T (Owen 1956, Ann Math Stat 27:1075).
    """
    mean, sd = _finite("mean_fall", mean_fall), _above_0("sd_fall", sd_fall)
    centre, spread = _finite("baseline_mean", baseline_mean), _above_0("baseline_sd", baseline_sd)
    r = checked_between("correlation", correlation, -1, 1)
    part = _finite("fraction", fraction)
    if not lowest < highest:
        raise ValueError(f"lowest {lowest:g}, highest {highest:g}; expected the lowest below")
    sd_margin = np.sqrt(sd**2 + (part * spread) ** 2 - 2 * part * r * sd * spread)
    margin = (mean - part * centre - _finite("points", points)) / sd_margin
    tie = (r * sd - part * spread) / sd_margin
    # Patients taken by the upper tails of B, which keep their digits however high the limit is.
    low, high = (lowest - centre) / spread, (highest - centre) / spread
    taken = special.ndtr(-low) - special.ndtr(-high)
    if np.any(taken <= 0):
        raise ValueError(
            f"nobody has a baseline from {lowest:g} to {highest:g}; expected limits nearer to the "
            "mean"
        )
    found = _both_below(-low, margin, tie) - _both_below(-high, margin, tie)
    return np.asarray(np.clip(found / taken, 0, 1))


def mean_fall_for_relative_share(
    share: npt.ArrayLike,
    sd_fall: npt.ArrayLike,
    *,
    fraction: npt.ArrayLike,
    baseline_mean: npt.ArrayLike,
    baseline_sd: npt.ArrayLike,
    correlation: npt.ArrayLike,
    points: npt.ArrayLike = 0.0,
    lowest: float = 0.0,
    highest: float = math.inf,
) -> Array:
    """The mean fall with which this share responds: `share_with_relative_fall` reversed."""
    wanted, *given = floats(
        checked_between("share", share, 0, 1), _above_0("sd_fall", sd_fall), fraction,
        baseline_mean, baseline_sd, correlation, points,
    )  # fmt: skip
    flat = [values.reshape(-1) for values in given]
    target = wanted.reshape(-1)

    def gap(mean: Array, which: npt.NDArray[np.intp]) -> Array:
        sd, part, centre, spread, r, extra = (values[which] for values in flat)
        found = share_with_relative_fall(
            mean, sd, fraction=part, baseline_mean=centre, baseline_sd=spread, correlation=r,
            points=extra, lowest=lowest, highest=highest,
        )  # fmt: skip
        return found - target[which]

    sd, part, centre, spread, _, extra = flat
    middle, reach = extra + part * centre, _FARTHEST_SDS * (sd + np.abs(part) * spread)
    return crossing(gap, middle - reach, middle + reach).reshape(wanted.shape)


def fall_from_scores(
    sd_before: npt.ArrayLike, sd_after: npt.ArrayLike, correlation: npt.ArrayLike
) -> tuple[Array, Array]:
    """SD of the fall, and its correlation with the baseline, from the scores before and after.

    Parameters
    ----------
    sd_before, sd_after, correlation : array_like
    """
    before, after = _above_0("sd_before", sd_before), _above_0("sd_after", sd_after)
    r = checked_between("correlation", correlation, -1, 1)
    sd = np.sqrt(before**2 + after**2 - 2 * r * before * after)
    return sd, np.asarray((before - r * after) / sd)


def derived_response(
    mean_fall: float, sd_fall: float, n: int, *, points: float, level: float = 0.95
) -> DerivedResponse:
    """Share who fall by so many points, with the exact interval of a normal tail.

    The distance of the mean from the criterion in SDs follows a noncentral t on n - 1 (Owen 1968,
    Technometrics 10:445).
    """
    share = float(share_with_fall(mean_fall, sd_fall, points=points))
    model = f"fall normal, mean {mean_fall:g}, SD {sd_fall:g}; response: {points:g} points or more"
    return _derived(share, n, level, model)


def derived_relative_response(
    mean_fall: float,
    sd_fall: float,
    n: int,
    *,
    fraction: float,
    baseline_mean: float,
    baseline_sd: float,
    correlation: float,
    level: float = 0.95,
) -> DerivedResponse:
    """Share who fall by so large a part of their baseline, with an interval.

    The interval is that of `derived_response` at the same share: exact where baselines of 0 and
    below have no mass and the four moments are the sample's; with an assumed correlation, repeat
    it over the range of that.
    """
    share = share_with_relative_fall(
        mean_fall, sd_fall, fraction=fraction, baseline_mean=baseline_mean,
        baseline_sd=baseline_sd, correlation=correlation,
    )  # fmt: skip
    model = (
        f"baseline normal, mean {baseline_mean:g}, SD {baseline_sd:g}, above 0; fall normal, mean "
        f"{mean_fall:g}, SD {sd_fall:g}, correlation {correlation:g} with it; response: "
        f"{100 * fraction:g}% of baseline or more"
    )
    return _derived(float(share), n, level, model)


def natural_fall(
    mean: npt.ArrayLike, sd: npt.ArrayLike, retest: npt.ArrayLike, *, lowest: npt.ArrayLike
) -> Array:
    """Mean fall, with no treatment, of people taken because their pain was `lowest` or more.

    (1 - retest) of the distance between their mean and everybody's (James 1973, Biometrics 29:121).

    Parameters
    ----------
    mean, sd, retest, lowest : array_like
        Of everybody on any day; correlation of two days; least pain of those taken.
    """
    spread, r = _above_0("sd", sd), checked_between("retest", retest, 0, 1, ends=True)
    alpha = (_finite("lowest", lowest) - _finite("mean", mean)) / spread
    return np.asarray((1 - r) * spread * _hazard(alpha))


def natural_improvement(
    mean: npt.ArrayLike,
    sd: npt.ArrayLike,
    retest: npt.ArrayLike,
    *,
    lowest: float,
    fraction: npt.ArrayLike = 0.0,
    points: npt.ArrayLike = 0.0,
) -> Array:
    """Share of people taken for pain of `lowest` or more who improve with no treatment.

    Improved is a fall of `points` plus `fraction` of the baseline, or any fall where both are 0.
    With a `retest` of 1 nobody's pain changes.

    Parameters
    ----------
    mean, sd, retest, lowest
        As for `natural_fall`.
    """
    r = checked_between("retest", retest, 0, 1, ends=True)
    moving = np.where(r < 1, r, 0)
    share = share_with_relative_fall(
        0, _above_0("sd", sd) * np.sqrt(2 * (1 - moving)), fraction=fraction, points=points,
        baseline_mean=mean, baseline_sd=sd, correlation=np.sqrt((1 - moving) / 2), lowest=lowest,
    )  # fmt: skip
    return np.where(r < 1, share, 0)


def before_selection(mean: float, sd: float, *, lowest: float) -> tuple[float, float]:
    """Mean and SD of everybody, from those of the people taken for a value of `lowest` or more.

    Parameters
    ----------
    mean, sd, lowest : float
        Of those taken, `lowest` being their least value.

    Raises
    ------
    ValueError
        A mean less than one SD above the threshold, which no normal has above it.
    """
    _above_0("sd", sd)
    ratio = (mean - lowest) / sd

    def gap(alpha: float) -> float:
        hazard = float(_hazard(np.asarray(alpha)))
        return (hazard - alpha) / math.sqrt(1 + alpha * hazard - hazard**2) - ratio

    if gap(_FARTHEST_THRESHOLD) >= 0:
        raise ValueError(
            f"mean {mean:g} and SD {sd:g} of people with {lowest:g} or more; expected a mean more "
            "than one SD above it, as the upper part of a normal has"
        )
    if ratio > _FARTHEST_THRESHOLD:
        return mean, sd
    alpha = float(optimize.brentq(gap, -2 * _FARTHEST_THRESHOLD, _FARTHEST_THRESHOLD, xtol=1e-13))
    hazard = float(_hazard(np.asarray(alpha)))
    spread = sd / math.sqrt(1 + alpha * hazard - hazard**2)
    return lowest - alpha * spread, spread


@dataclass(frozen=True, slots=True)
class Excess:
    """How far the response rate of a single arm lies above a control it did not have.

    Attributes
    ----------
    mean, low, high, probability : float
        Of the difference, and that of its being above 0.
    control_mean : float
        Mean of the response rate assumed without the treatment.
    level : float
        Of the interval.
    """

    mean: float
    low: float
    high: float
    probability: float
    control_mean: float
    level: float


def excess_over_control(
    rate: ResponseRate, control_ppf: Callable[[Array], npt.ArrayLike], *, level: float = 0.95
) -> Excess:
    """What a single arm's responders say of the treatment, if control has an assumed distribution.

    Parameters
    ----------
    rate : ResponseRate
        Of one arm: `plcore.evidence.trials.response.response_rate(10, 25)`.
    control_ppf : function
        Quantile function of the response rate without the treatment, such as `Parameter.ppf`. It is
        taken as independent of the arm: evidence from elsewhere, not from the arm itself.
    """
    tail = (1 - checked_level(level)) / 2
    control = _share("control_ppf", control_ppf(special.ndtr(_SCORES)))
    targets = np.array([1 - tail, tail])
    low, high = crossing(
        lambda excess, which: targets[which] - _above(rate, control, excess),
        np.array([-1.0, -1.0]), np.array([1.0, 1.0]),
    )  # fmt: skip
    return Excess(
        mean=float(rate.mean - control @ _WEIGHTS),
        low=float(low),
        high=float(high),
        probability=float(_above(rate, control, np.zeros(1))[0]),
        control_mean=float(control @ _WEIGHTS),
        level=level,
    )


def _above(rate: ResponseRate, control: Array, excess: Array) -> Array:
    """Probability that the rate exceeds control by more than so much."""
    threshold = np.clip(control + excess[:, np.newaxis], 0, 1)
    return np.asarray(special.betaincc(rate.a, rate.b, threshold) @ _WEIGHTS)


def _both_below(h: Array, k: Array, r: Array) -> Array:
    """P(X <= h, Y <= k) of standard normals with correlation r, by Owen's T."""
    h, k, r = np.broadcast_arrays(h, k, r)
    limited = np.where(np.isinf(h), 1.0, h)
    x = np.where(np.abs(limited) < _ALMOST_0, _ALMOST_0, limited)
    y = np.where(np.abs(k) < _ALMOST_0, _ALMOST_0, k)
    root = np.sqrt((1 - r) * (1 + r))
    found = (special.ndtr(x) + special.ndtr(y)) / 2 - np.where(x * y < 0, 0.5, 0)
    found = found - special.owens_t(x, (y / x - r) / root) - special.owens_t(y, (x / y - r) / root)
    return np.where(h == np.inf, special.ndtr(k), np.where(h == -np.inf, 0, found))


def _hazard(alpha: Array) -> Array:
    """Density of the standard normal over its upper tail."""
    return np.asarray(np.exp(stats.norm.logpdf(alpha) - special.log_ndtr(-alpha)))


def _derived(share: float, n: int, level: float, model: str) -> DerivedResponse:
    tail = (1 - checked_level(level)) / 2
    if n != int(n) or n < 2:
        raise ValueError(f"n is {n!r}; expected a whole number of patients, 2 or more")
    z = float(special.ndtri(share))
    if not math.isfinite(z):
        raise ValueError(f"a share of {share:g} has no interval; the criterion is too far off")

    # The noncentralities at which a distance as seen has the tails' probabilities.
    low, high = special.nctdtrinc(n - 1, [1 - tail, tail], z * math.sqrt(n)) / math.sqrt(n)
    limits = float(special.ndtr(low)), float(special.ndtr(high))
    return DerivedResponse(share, *limits, int(n), level, f"derived: {model}")


def _finite(name: str, value: npt.ArrayLike) -> Array:
    return checked_between(name, value, -math.inf, math.inf)


def _above_0(name: str, value: npt.ArrayLike) -> Array:
    return checked_between(name, value, 0, math.inf)


def _share(name: str, value: npt.ArrayLike) -> Array:
    return checked_between(name, value, 0, 1, ends=True)

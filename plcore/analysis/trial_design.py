"""What a trial could show: power, sample size, simulated trials, and what happens without treatment.

A trial here has two parallel arms and counts responders. The effect is the response rate of the
treated less that of control, and tests are two-sided. Power over draws of what is believed of the
effect is *assurance*: the probability that the trial finds the treatment better (O'Hagan, Stevens &
Campbell 2005, Pharm Stat 4:187).

People who enter a trial because their pain is high that day have less on another (regression to the
mean), and some get better by themselves: `natural_improvement` and `excess_over_control` say what
is left for a treatment that was tried without a control.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from plcore.evidence.trials.response import ResponseRate, checked_level
from plcore.inputs import check_whole_number, checks_kinds, require_same_rows

Array = npt.NDArray[np.float64]
#: A test of two arms: responders and patients of treated and control, to p-values.
Test = Callable[[Array, Array, Array, Array], Array]

# Trials whose random numbers come from one stream.
_BLOCK = 4096
# Cells that Fisher's test works on together: a few arrays of them stay in a core's own cache.
_CELLS = 100_000
# Probabilities of two tables that differ by less are one (R's fisher.test has the same).
_TIE = 1e-7
# Quantiles of the control rate over which an excess is averaged, even on the normal scale: there
# the trapezoidal rule is right to 1e-12, however steeply smooth quantiles run at the ends.
_SCORES = np.linspace(-8, 8, 161)
_WEIGHTS = np.exp(-(_SCORES**2) / 2) / np.exp(-(_SCORES**2) / 2).sum()
# Owen's T needs a height that is not 0, and has the limit at one as small as this.
_ALMOST_0 = 1e-100


# Power and sample size


@checks_kinds
def trial_power(
    treated: npt.ArrayLike,
    control: npt.ArrayLike,
    n_treated: npt.ArrayLike,
    n_control: npt.ArrayLike,
    *,
    alpha: float = 0.05,
) -> Array:
    """Probability that a trial of two arms finds the difference, by the normal approximation.

    Parameters
    ----------
    treated, control : array_like
        Response rates, between 0 and 1; all arrays broadcast.
    n_treated, n_control : array_like
        Patients analysed in each arm, 1 or more.
    alpha : float
        Level of the two-sided chi-square test without correction.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        A rate, a size or a level outside its range; names it.

    References
    ----------
    Fleiss, Levin & Paik (2003), Statistical Methods for Rates and Proportions, section 4.2.

    Examples
    --------
    >>> print(f"{trial_power(0.5, 0.3, 100, 100):.2f}")
    0.83
    """
    require_same_rows(treated=treated, control=control, n_treated=n_treated, n_control=n_control)
    p1, p2 = _within("treated", treated, 0, 1), _within("control", control, 0, 1)
    n1 = _within("n_treated", n_treated, 1, math.inf, ends=True)
    n2 = _within("n_control", n_control, 1, math.inf, ends=True)
    _within("alpha", alpha, 0, 1)
    pooled = (n1 * p1 + n2 * p2) / (n1 + n2)
    se_null = np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    se = np.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    reach = special.ndtri(1 - alpha / 2) * se_null
    power = special.ndtr((p1 - p2 - reach) / se) + special.ndtr((p2 - p1 - reach) / se)
    return np.asarray(power)


@dataclass(frozen=True, slots=True)
class SampleSize:
    """Patients that a power takes, in each of two equal arms.

    Attributes
    ----------
    analysed : int
        Patients that the analysis needs in each arm.
    recruited : int
        Patients to recruit to each arm, so that as many are left after the dropout.
    power : float
        Power with the patients analysed.
    """

    analysed: int
    recruited: int
    power: float

    @property
    def total(self) -> int:
        """Patients to recruit to both arms."""
        return 2 * self.recruited


@checks_kinds
def sample_size(
    treated: float,
    control: float,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    dropout: float = 0.0,
) -> SampleSize:
    """The smallest trial of two equal arms that has the power, by `trial_power`.

    Parameters
    ----------
    treated, control : float
        Response rates, between 0 and 1.
    power : float
        Power to reach, above alpha and below 1.
    alpha : float
        Level of the two-sided test.
    dropout : float
        Share of the patients recruited that is not analysed, 0 or more and below 1.

    Returns
    -------
    SampleSize

    Raises
    ------
    ValueError
        Equal rates, or a power, level or dropout outside its range.

    Examples
    --------
    >>> sample_size(0.5, 0.3, power=0.9, dropout=0.15).total
    292
    """
    if not 0 < alpha < power < 1:
        raise ValueError(f"a power of {power:g} at alpha {alpha:g}; expected 0 < alpha < power < 1")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is {dropout:g}; expected a share of 0 or more, below 1")
    if treated == control:
        raise ValueError(f"treated and control are both {treated:g}; expected a difference to find")

    def power_of(n: int) -> float:
        return float(trial_power(treated, control, n, n, alpha=alpha))

    low, high = 1, 2
    while power_of(high) < power:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(middle) >= power else (middle, high)
    # 0.1 * 30 is a little more than 3 in binary.
    recruited = math.ceil(round(high / (1 - dropout), 9))
    return SampleSize(analysed=high, recruited=recruited, power=power_of(high))


# Tests of two arms


def chi_square(x1: Array, n1: Array, x2: Array, n2: Array) -> Array:
    """p-values of the chi-square test without correction; 1 where all or none respond.

    Parameters
    ----------
    x1, n1, x2, n2 : ndarray, shape (n_trials,)
        Responders and patients of the treated and of control.

    Returns
    -------
    ndarray, shape (n_trials,)
    """
    pooled = (x1 + x2) / (n1 + n2)
    se = np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    z = (x1 / n1 - x2 / n2) / np.where(se > 0, se, 1)
    return np.asarray(2 * special.ndtr(-np.abs(z)))


def fisher(x1: Array, n1: Array, x2: Array, n2: Array) -> Array:
    """p-values of Fisher's exact test: the tables with the same margins that are no likelier.

    Two-sided as in R and SciPy; each different table is worked out once.

    Parameters
    ----------
    x1, n1, x2, n2 : ndarray, shape (n_trials,)
        Responders and patients of the treated and of control.

    Returns
    -------
    ndarray, shape (n_trials,)
    """
    counts = np.stack(np.broadcast_arrays(x1, n1, x2, n2)).astype(np.int64)
    sizes = tuple(counts.max(axis=1) + 1)
    keys, which = np.unique(np.ravel_multi_index(tuple(counts), sizes), return_inverse=True)
    tables = np.stack(np.unravel_index(keys, sizes))
    rows = max(1, _CELLS // int(sizes[1]))
    p = [_fisher(tables[:, start : start + rows]) for start in range(0, keys.size, rows)]
    return np.concatenate(p)[which]


def _fisher(tables: npt.NDArray[np.int64]) -> Array:
    """p-values of tables x1, n1, x2, n2 of shape (4, m), a row of all their margins' tables each."""
    x, n, y, m = tables[:, :, np.newaxis]
    k = np.arange(n.max() + 1)
    others = x + y - k
    possible = (k <= n) & (others >= 0) & (others <= m)
    log_factorial = special.gammaln(np.arange(max(n.max(), m.max()) + 1) + 1.0)
    log_p = np.zeros(possible.shape)
    for cell in (k, n - k, others, m - others):
        log_p -= log_factorial[np.where(possible, cell, 0)]
    likelier_by = log_p - np.take_along_axis(log_p, x, axis=1)
    p = np.where(possible, np.exp(likelier_by), 0)
    return np.asarray((p * (likelier_by <= _TIE)).sum(axis=1) / p.sum(axis=1))


# Simulated trials


@dataclass(frozen=True, slots=True)
class SimulatedTrials:
    """Every trial of a simulation.

    Attributes
    ----------
    effect : ndarray, shape (n_draws,)
        True differences; trial i has that of draw i modulo n_draws.
    estimate : ndarray, shape (n_trials,)
        Observed differences; NaN where an arm lost all its patients.
    p : ndarray, shape (n_trials,)
        p-values that there is no difference; 1 where an arm lost all its patients.
    alpha : float
        Trials with p up to this reject.
    """

    effect: Array
    estimate: Array
    p: Array
    alpha: float

    @property
    def power(self) -> float:
        """Share of trials that reject, on either side; the type I error where the effect is 0."""
        return float((self.p <= self.alpha).mean())

    @property
    def power_error(self) -> float:
        """Monte-Carlo standard error of the power."""
        return self._error(self.p <= self.alpha)

    @property
    def assurance(self) -> float:
        """Share of trials that find the treatment better, over all draws of the effect."""
        return float(((self.p <= self.alpha) & (self.estimate > 0)).mean())

    @property
    def assurance_error(self) -> float:
        """Monte-Carlo standard error of the assurance."""
        return self._error((self.p <= self.alpha) & (self.estimate > 0))

    @property
    def exaggeration(self) -> float:
        """How many times too large the estimates of the trials that reject are, on average.

        The type M error of Gelman & Carlin (2014), Perspect Psychol Sci 9:641: mean size of the
        estimates over mean size of the true effects. NaN where no trial rejects, or where the true
        effect of one is 0.
        """
        rejects = self.p <= self.alpha
        truth = np.abs(np.resize(self.effect, self.p.size)[rejects])
        if truth.size == 0 or np.any(truth == 0):
            return math.nan
        return float(np.abs(self.estimate[rejects]).sum() / truth.sum())

    def _error(self, which: npt.NDArray[np.bool_]) -> float:
        # Trials of the same draw are alike, so only the draws count as independent.
        n_draws = self.effect.size
        sample = which.reshape(-1, n_draws).mean(axis=0) if n_draws > 1 else which
        return float(sample.std(ddof=1) / math.sqrt(sample.size)) if sample.size > 1 else math.nan


@checks_kinds
def simulate_trials(
    treated: npt.ArrayLike,
    control: npt.ArrayLike,
    n_treated: int,
    n_control: int,
    *,
    n_trials: int,
    seed: int,
    test: Test = chi_square,
    dropout: tuple[float, float] = (0.0, 0.0),
    alpha: float = 0.05,
) -> SimulatedTrials:
    """Many trials of one design, each analysed as it would be.

    Rates are numbers, or draws of what is believed of them; trial i has draw i modulo n_draws. No
    patient is simulated: counts of responders are sufficient and are drawn as binomials. Random
    numbers come in blocks of trials, each with a stream keyed by the seed and its place, so that a
    longer run begins with the shorter one.

    Parameters
    ----------
    treated, control : array_like, shape () or (n_draws,)
        Response rates, from 0 to 1.
    n_treated, n_control : int
        Patients randomised to each arm, 1 or more.
    n_trials : int
        Trials to simulate: a whole number of times the draws.
    seed : int
        0 or more.
    test : function
        `chi_square`, `fisher` or another that takes responders and patients of both arms, shape
        (n_trials,), to p-values.
    dropout : (float, float)
        Share of patients of each arm whose outcome is not seen, at random; they are left out.
    alpha : float
        Level of the test.

    Returns
    -------
    SimulatedTrials

    Raises
    ------
    ValueError
        Rates, sizes, dropout or level outside their range, or trials that are not a whole number
        of times the draws; names them.

    Examples
    --------
    >>> trials = simulate_trials(0.5, 0.3, 100, 100, n_trials=40_000, seed=1)
    >>> print(f"{trials.power:.2f}")
    0.83
    """
    rates = _draws(n_trials, treated, control)
    sizes = _patients("n_treated", n_treated), _patients("n_control", n_control)
    lost = _within("dropout", dropout, 0, 1, ends=True).tolist()
    _within("alpha", alpha, 0, 1)
    check_whole_number("seed", seed, least=0)
    counts = np.concatenate(
        [_block(rates, sizes, lost, seed, block) for block in range(-(-n_trials // _BLOCK))], axis=1
    )[:, :n_trials]
    seen = (counts[1] > 0) & (counts[3] > 0)
    x1, n1, x2, n2 = counts[:, seen]
    estimate, p = np.full(n_trials, np.nan), np.ones(n_trials)
    estimate[seen], p[seen] = x1 / n1 - x2 / n2, test(x1, n1, x2, n2)
    return SimulatedTrials(rates[0] - rates[1], estimate, p, alpha)


def _block(rates: Array, sizes: tuple[int, int], lost: list[float], seed: int, block: int) -> Array:
    """Responders and patients seen of both arms in a block of trials, shape (4, _BLOCK)."""
    stream = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, block])))
    trials = np.arange(block * _BLOCK, (block + 1) * _BLOCK) % rates.shape[1]
    counts = []
    for rate, n, gone in zip(rates[:, trials], sizes, lost, strict=True):
        seen = stream.binomial(n, 1 - gone, _BLOCK) if gone else np.full(_BLOCK, n, np.int64)
        counts += [stream.binomial(seen, rate), seen]
    return np.stack(counts).astype(np.float64)


def _draws(n_trials: int, treated: npt.ArrayLike, control: npt.ArrayLike) -> Array:
    """Both rates as draws, shape (2, n_draws), single numbers repeated."""
    require_same_rows(treated=treated, control=control)
    rates = [
        _within("treated", treated, 0, 1, ends=True),
        _within("control", control, 0, 1, ends=True),
    ]
    n_draws = max(rate.size for rate in rates)
    for name, rate in zip(("treated", "control"), rates, strict=True):
        if rate.ndim > 1 or rate.size not in {1, n_draws}:
            raise ValueError(
                f"{name} has shape {rate.shape}; expected a number or {n_draws} draws, as many as "
                "the other arm has"
            )
    check_whole_number("n_trials", n_trials, least=1)
    if n_trials % n_draws:
        raise ValueError(
            f"{n_trials} trials of {n_draws} draws; expected as many trials of each draw, 1 or more"
        )
    return np.stack([np.resize(rate, n_draws) for rate in rates])


# Without a control


@checks_kinds
def natural_improvement(
    mean: npt.ArrayLike,
    sd: npt.ArrayLike,
    retest: npt.ArrayLike,
    *,
    lowest: float,
    fraction: npt.ArrayLike = 0.0,
) -> Array:
    """Share of people taken for pain of `lowest` or more who improve although nothing is done.

    Pain on two days is taken as normal and unbounded: where many have none on the second day the
    model is off. On a scale of whole numbers, 4 or more is 3.5 or more before rounding.

    Parameters
    ----------
    mean, sd : array_like
        Of everybody's pain on any day, before people are taken for it; in points.
    retest : array_like
        Correlation of a person's pain on two days, 0 to 1. With 1 nobody's pain changes.
    lowest : float
        Least pain of the people taken.
    fraction : array_like
        Improved is a fall by this share of the baseline (0.3 for 30%), or any fall where it is 0.

    Returns
    -------
    ndarray
        Of the shape that the arrays broadcast to.

    Raises
    ------
    ValueError
        A standard deviation that is not above 0, or a correlation outside 0 to 1.

    References
    ----------
    James (1973), Biometrics 29:121 (regression to the mean); Owen (1956), Ann Math Stat 27:1075
    (the bivariate normal).

    Examples
    --------
    >>> print(f"{natural_improvement(4.0, 2.2, 0.7, lowest=6, fraction=0.3):.2f}")
    0.22
    """
    require_same_rows(mean=mean, sd=sd, retest=retest, fraction=fraction)
    r = _within("retest", retest, 0, 1, ends=True)
    centre, spread = _within("mean", mean, -math.inf, math.inf), _within("sd", sd, 0, math.inf)
    share = _within("fraction", fraction, -math.inf, math.inf)
    moving = np.where(r < 1, r, 0)
    # Fall less what is asked of it: normal, and tied to the baseline by `tie`.
    sd_margin = spread * np.sqrt(2 * (1 - moving) * (1 - share) + share**2)
    margin = -share * centre / sd_margin
    tie = (1 - moving - share) * spread / sd_margin
    height = (centre - lowest) / spread
    improved = _both_below(height, margin, tie) / special.ndtr(height)
    return np.where(r < 1, np.clip(improved, 0, 1), 0)


@dataclass(frozen=True, slots=True)
class Excess:
    """How far the response rate of a single arm lies above a control that it did not have.

    Attributes
    ----------
    mean, low, high : float
        Of the difference, treated less control, and its limits.
    probability : float
        That the difference is above 0.
    level : float
        Level of the interval.
    """

    mean: float
    low: float
    high: float
    probability: float
    level: float


@checks_kinds
def excess_over_control(
    rate: ResponseRate, control_ppf: Callable[[Array], npt.ArrayLike], *, level: float = 0.95
) -> Excess:
    """What a single arm's responders say of the treatment, if control has an assumed distribution.

    Parameters
    ----------
    rate : ResponseRate
        Of one arm, such as `plcore.evidence.response_rate(10, 25)`.
    control_ppf : function
        Quantile function of the response rate without the treatment, such as `Parameter.ppf`. It is
        taken as independent of the arm: evidence from elsewhere, not from the arm itself.
    level : float
        Level of the interval.

    Returns
    -------
    Excess

    Raises
    ------
    ValueError
        A control rate outside 0 to 1, or a level outside 0 to 1.

    Examples
    --------
    >>> from plcore.evidence import response_rate
    >>> excess = excess_over_control(response_rate(10, 25), lambda p: 0.2 + 0.3 * p)
    >>> print(f"{excess.mean:.2f} ({excess.low:.2f} to {excess.high:.2f})")
    0.05 (-0.19 to 0.30)
    """
    tail = (1 - checked_level(level)) / 2
    control = _within("control_ppf", control_ppf(special.ndtr(_SCORES)), 0, 1, ends=True)

    def above(excess: float) -> float:
        """Probability that the rate exceeds control by more than so much."""
        threshold = np.clip(control + excess, 0, 1)
        return float(special.betaincc(rate.a, rate.b, threshold) @ _WEIGHTS)

    low, high = (
        optimize.brentq(lambda excess, p=p: above(excess) - p, -1.0, 1.0, xtol=1e-13)
        for p in (1 - tail, tail)
    )
    mean = float(rate.mean - control @ _WEIGHTS)
    return Excess(mean=mean, low=low, high=high, probability=above(0.0), level=level)


def _both_below(h: Array, k: Array, r: Array) -> Array:
    """P(X <= h, Y <= k) of standard normals with correlation r, by Owen's T."""
    x = np.where(np.abs(h) < _ALMOST_0, _ALMOST_0, h)
    y = np.where(np.abs(k) < _ALMOST_0, _ALMOST_0, k)
    root = np.sqrt((1 - r) * (1 + r))
    both = (special.ndtr(x) + special.ndtr(y)) / 2 - np.where(x * y < 0, 0.5, 0)
    both = both - special.owens_t(x, (y / x - r) / root) - special.owens_t(y, (x / y - r) / root)
    return np.asarray(both)


def _within(
    name: str, value: npt.ArrayLike, low: float, high: float, *, ends: bool = False
) -> Array:
    """The value as a float array, all of it finite and between the ends (or on them)."""
    values = np.asarray(value, np.float64)
    inside = (low <= values) & (values <= high) if ends else (low < values) & (values < high)
    good = inside & np.isfinite(values)
    if not good.all():
        which = "ends included" if ends else "ends excluded"
        raise ValueError(f"{name} is {values[~good][0]:g}; expected {low:g} to {high:g}, {which}")
    return values


def _patients(name: str, n: int) -> int:
    if n != int(n) or n < 1:
        raise ValueError(f"{name} is {n!r}; expected a whole number of patients, 1 or more")
    return int(n)

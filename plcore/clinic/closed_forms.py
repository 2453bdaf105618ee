"""Queues in closed form, for quick answers and to hold the simulation against.

Loads are in erlangs: arrivals per unit of time by the mean time of service, which is the mean
number of servers busy. Servers and loads are broadcast against each other. Where the load is not
below the number of servers the queue grows without end, and the mean wait is infinite.

Parameters
----------
servers : array_like of int
    1 or more; of any shape that broadcasts against the load.
load : array_like
    Erlangs, 0 or more.
service_mean : float
    Mean time of service, above 0; results have its unit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from plcore.evidence.distributions import Floats


def erlang_b(servers: ArrayLike, load: ArrayLike) -> Floats:
    """Share of arrivals turned away where nobody can wait (M/G/c/c).

    Parameters
    ----------
    servers : array_like of int
        1 or more.
    load : array_like
        Erlangs, 0 or more.

    References
    ----------
    Erlang AK. Elektroteknikeren 1917;13:5-13; the recursion B(n) = a B(n-1) / (n + a B(n-1)).
    """
    c, a = _checked(servers, load)
    blocked = np.ones(c.shape)
    found = np.empty(c.shape)
    for n in range(1, int(c.max()) + 1):
        blocked = a * blocked / (n + a * blocked)
        found = np.where(c == n, blocked, found)
    return found


def erlang_c(servers: ArrayLike, load: ArrayLike) -> Floats:
    """Share of arrivals who wait at all (M/M/c); 1 where the load is too high.

    Parameters
    ----------
    servers : array_like of int
    load : array_like
        Erlangs.

    References
    ----------
    Erlang AK. Elektroteknikeren 1917;13:5-13; from B: C = B / (1 - (a / c) (1 - B)).
    """
    c, a = _checked(servers, load)
    blocked = erlang_b(c, a)
    stable = a < c
    spare = np.where(stable, 1 - a / c * (1 - blocked), 1.0)
    return np.where(stable, blocked / spare, 1.0)


def mean_wait(servers: ArrayLike, load: ArrayLike, *, service_mean: float = 1.0) -> Floats:
    """Mean wait (M/M/c), in the unit of `service_mean`; infinite where the load is too high.

    References
    ----------
    Erlang AK. Elektroteknikeren 1917;13:5-13.
    """
    _positive("service_mean", service_mean)
    c, a = _checked(servers, load)
    stable = a < c
    spare = np.where(stable, c - a, 1.0)
    return np.where(stable, erlang_c(c, a) * service_mean / spare, np.inf)


def wait_within(
    servers: ArrayLike, load: ArrayLike, time: ArrayLike, *, service_mean: float = 1.0
) -> Floats:
    """Share of arrivals who wait no longer than `time` (M/M/c); 0 where the load is too high.

    Parameters
    ----------
    time : array_like
        0 or more, in the unit of `service_mean`; broadcasts against servers and load.

    References
    ----------
    Erlang AK. Elektroteknikeren 1917;13:5-13.
    """
    _positive("service_mean", service_mean)
    c, a = _checked(servers, load)
    t = np.asarray(time, dtype=float)
    if not (t >= 0).all():
        raise ValueError("time has a value below 0; expected 0 or more")
    spare = np.where(a < c, c - a, 0.0)
    return np.where(a < c, 1 - erlang_c(c, a) * np.exp(-spare * t / service_mean), 0.0)


def one_server_mean_wait(load: ArrayLike, *, service_mean: float, service_sd: float) -> Floats:
    """Mean wait for a single server, whatever the distribution of service (M/G/1).

    Parameters
    ----------
    service_sd : float
        Standard deviation of the time of service, 0 or more.

    References
    ----------
    Pollaczek F. Math Z 1930;32:64-100. Khinchine AY. Mat Sb 1932;39:73-84.
    """
    _positive("service_mean", service_mean)
    a = _checked(1, load)[1]
    _at_least_zero("service_sd", service_sd)
    cv2 = (service_sd / service_mean) ** 2
    spare = np.where(a < 1, 1 - a, 1.0)
    return np.where(a < 1, a / spare * (1 + cv2) / 2 * service_mean, np.inf)


def allen_cunneen(
    servers: ArrayLike,
    load: ArrayLike,
    *,
    service_mean: float = 1.0,
    arrival_cv2: float = 1.0,
    service_cv2: float = 1.0,
) -> Floats:
    """Mean wait about (G/G/c): that of M/M/c by the mean of the squared variation coefficients.

    Exact for M/M/c and M/G/1, an approximation else: a few percent off near full load, more below.

    Parameters
    ----------
    servers : array_like of int
    load : array_like
        Erlangs.
    service_mean : float
    arrival_cv2, service_cv2 : float
        Variance by squared mean, of times between arrivals and of times of service.

    References
    ----------
    Allen AO. Probability, Statistics, and Queueing Theory. 2nd ed. Academic Press, 1990.
    """
    for name, value in (("arrival_cv2", arrival_cv2), ("service_cv2", service_cv2)):
        _at_least_zero(name, value)
    wait = mean_wait(servers, load, service_mean=service_mean)
    if arrival_cv2 + service_cv2 == 0:
        return np.where(np.isfinite(wait), 0.0, wait)
    return wait * (arrival_cv2 + service_cv2) / 2


def fewest_servers(load: float, *, within: float, share: float, service_mean: float = 1.0) -> int:
    """The fewest servers with which at least `share` of arrivals wait no longer than `within`.

    Parameters
    ----------
    load : float
        Erlangs.
    within : float
        Longest wait, in the unit of `service_mean`.
    share : float
        Of arrivals, below 1.

    References
    ----------
    Erlang AK. Elektroteknikeren 1917;13:5-13; as `wait_within`.
    """
    if not 0 < share < 1:
        raise ValueError(f"share is {share:g}; expected between 0 and 1")
    least = int(np.floor(_checked(1, load)[1])) + 1
    servers = np.arange(least, least + 16 + int(4 * np.sqrt(load) + 2 / (1 - share)))
    enough = wait_within(servers, load, within, service_mean=service_mean) >= share
    while not enough.any():
        servers = servers + len(servers)
        enough = wait_within(servers, load, within, service_mean=service_mean) >= share
    return int(servers[enough.argmax()])


def _checked(servers: ArrayLike, load: ArrayLike) -> tuple[NDArray[np.int64], Floats]:
    c, a = np.broadcast_arrays(np.asarray(servers, dtype=float), np.asarray(load, dtype=float))
    if not ((c >= 1) & (c == np.floor(c)) & np.isfinite(c)).all():
        raise ValueError(f"servers is {servers!r}; expected whole numbers, 1 or more")
    if not ((a >= 0) & np.isfinite(a)).all():
        raise ValueError(f"load is {load!r}; expected erlangs, 0 or more")
    return c.astype(np.int64), a


def _positive(name: str, value: float) -> None:
    if not 0 < value < np.inf:
        raise ValueError(f"{name} is {value:g}; expected above 0")


def _at_least_zero(name: str, value: float) -> None:
    if not 0 <= value < np.inf:
        raise ValueError(f"{name} is {value:g}; expected 0 or more")

"""A queue with several servers, first come, first served, at any times of arrival (G/G/c).

The next visit starts when it has arrived and the first server is free. The sorted times at which
the servers become free are all that matters of the past (Kiefer and Wolfowitz 1955): each visit
takes the first of them and puts its own end in its place among the others. The loop runs over
visits; replications are side by side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from plcore.evidence.distributions import Floats

#: Numbers of a state that stay in the fastest cache together with its successor.
_CELLS = 2200
_FEWEST_REPLICATIONS = 128
#: Visits turned at a time, so that what is turned has not left the cache when it is used.
_VISITS = 256


def waits(arrivals: ArrayLike, service: ArrayLike, *, servers: int) -> Floats:
    """How long each visit waits for a server.

    Parameters
    ----------
    arrivals : array_like, shape (n_replications, n_visits)
        Times of arrival, in order.
    service : array_like, shape (n_replications, n_visits)
        How long each visit takes, in the same unit; 0 or more.
    servers : int
        1 or more.

    Returns
    -------
    ndarray, shape (n_replications, n_visits)

    Raises
    ------
    ValueError
        If shapes differ, a time is not a number, arrivals are out of order or a service below 0.

    References
    ----------
    Kiefer J, Wolfowitz J. Trans Am Math Soc 1955;78:1-18.

    Examples
    --------
    >>> waits([[0, 1, 2, 3]], [[10, 10, 10, 10]], servers=3).tolist()
    [[0.0, 0.0, 0.0, 7.0]]
    """
    at, length = np.asarray(arrivals, dtype=float), np.asarray(service, dtype=float)
    _check(at, length, servers)
    waited = np.empty(at.shape)
    width = max(_FEWEST_REPLICATIONS, _CELLS // servers)
    for low in range(0, len(at), width):
        rows = slice(low, low + width)
        state = idle(servers, len(at[rows]))
        for first in range(0, at.shape[1], _VISITS):
            block = rows, slice(first, first + _VISITS)
            came = np.ascontiguousarray(at[block].T)
            begun = np.empty(came.shape)
            state = serve(came, np.ascontiguousarray(length[block].T), state, begun)
            waited[block] = np.subtract(begun, came, out=begun).T
    return waited


def idle(servers: int, n_replications: int) -> Floats:
    """The state of an empty queue: when servers become free, in order, and then never."""
    state = np.full((servers + 1, n_replications), -np.inf)
    state[servers] = np.inf
    return state


def serve(arrivals: Floats, service: Floats, state: Floats, begun: Floats) -> Floats:
    """The state of the queue after some visits; when they begin is written to `begun`.

    Parameters
    ----------
    arrivals : ndarray, shape (n_visits, n_replications) or (n_visits, 1)
    service, begun : ndarray, shape (n_visits, n_replications)
    state : ndarray, shape (servers + 1, n_replications)
        As `idle` or this function gives it; it is overwritten.
    """
    # Sorted servers w and the end x of the visit that took w[0]: the new i-th is the lesser of
    # w[i + 1] and the greater of w[i] and x. The two buffers take turns in being the state; with
    # views made once, a visit costs four calls of NumPy and no memory.
    servers = len(state) - 1
    other = state.copy()
    views = _views(state, other, servers)
    next_views = _views(other, state, servers)
    # Bound once: looked up for every visit, they would cost a tenth of the time.
    maximum, minimum, add = np.maximum, np.minimum, np.add
    for came, length, start in zip(arrivals, service, begun, strict=True):
        earliest, later, all_later, end, greater, new = views
        maximum(came, earliest, out=start)
        add(start, length, out=end)
        maximum(later, end, out=greater)
        minimum(all_later, new, out=new)
        views, next_views = next_views, views
    return other if len(arrivals) % 2 else state


def _views(state: Floats, other: Floats, servers: int) -> tuple[Floats, ...]:
    return (
        state[0], state[1:servers], state[1:], other[0], other[1:servers], other[:servers],
    )  # fmt: skip


def _check(arrivals: Floats, service: Floats, servers: int) -> None:
    if servers < 1 or servers != int(servers):
        raise ValueError(f"servers is {servers}; expected a whole number, 1 or more")
    if arrivals.ndim != 2 or not arrivals.size:
        raise ValueError(
            f"arrivals has shape {arrivals.shape}; expected (n_replications, n_visits), 1 or more"
        )
    if service.shape != arrivals.shape:
        raise ValueError(f"service has shape {service.shape}; expected {arrivals.shape}")
    for name, values in (("arrivals", arrivals), ("service", service)):
        _refuse(name, values, ~np.isfinite(values), "a finite number")
    _refuse("service", service, service < 0, "0 or more")
    early = np.zeros(arrivals.shape, dtype=bool)
    early[:, 1:] = arrivals[:, 1:] < arrivals[:, :-1]
    _refuse("arrivals", arrivals, early, "no earlier than the one before")


def _refuse(name: str, values: Floats, wrong: np.ndarray, expected: str) -> None:
    if wrong.any():
        i, j = np.unravel_index(int(wrong.argmax()), wrong.shape)
        raise ValueError(
            f"{name} is {values[i, j]:g} in replication {i}, visit {j}; expected {expected}"
        )

"""Queues in closed form, for the simulation to be held against.

Loads are in erlangs: arrivals per unit of time by the mean time of service, which is the mean
number of servers busy. Where the load is not below the number of servers the mean wait is infinite.
"""

import numpy as np


def erlang_b(servers, load):
    """Share of arrivals turned away where nobody can wait (M/G/c/c).

    Erlang AK. Elektroteknikeren 1917;13:5-13; the recursion B(n) = a B(n-1) / (n + a B(n-1)).
    """
    c, a = np.broadcast_arrays(np.asarray(servers), np.asarray(load, dtype=float))
    blocked, share = np.ones(c.shape), np.empty(c.shape)
    for n in range(1, int(c.max()) + 1):
        blocked = a * blocked / (n + a * blocked)
        share = np.where(c == n, blocked, share)
    return share


def erlang_c(servers, load):
    """Share of arrivals who wait at all (M/M/c), from B: C = B / (1 - (a / c) (1 - B))."""
    c, a = np.broadcast_arrays(np.asarray(servers), np.asarray(load, dtype=float))
    blocked = erlang_b(c, a)
    return np.where(a < c, blocked / np.where(a < c, 1 - a / c * (1 - blocked), 1.0), 1.0)


def mean_wait(servers, load):
    """Mean wait in mean times of service (M/M/c)."""
    c, a = np.broadcast_arrays(np.asarray(servers), np.asarray(load, dtype=float))
    return np.where(a < c, erlang_c(c, a) / np.where(a < c, c - a, 1.0), np.inf)


def wait_within(servers, load, time):
    """Share of arrivals who wait no longer than some mean times of service (M/M/c)."""
    c, a = np.broadcast_arrays(np.asarray(servers), np.asarray(load, dtype=float))
    return np.where(a < c, 1 - erlang_c(c, a) * np.exp(-(c - a) * time), 0.0)


def one_server_mean_wait(load, service_sd):
    """Mean wait in mean times of service for one server, whatever the distribution (M/G/1).

    Pollaczek F. Math Z 1930;32:64-100. Khinchine AY. Mat Sb 1932;39:73-84.
    """
    return load / (1 - load) * (1 + service_sd**2) / 2


def erlang_a(servers, arrivals, service, patience):
    """Share who give up, and mean wait of those who are served (M/M/c+M).

    Palm C. Ericsson Technics 1943;44:1-189; Mandelbaum A, Zeltyn S, Service Engineering in Action,
    in Advances in Services Innovations, Springer 2007. Here from the birth and death of the number
    present, n: born at the rate of arrivals, ended at min(n, c) / service + max(n - c, 0) / patience.
    `service` and `patience` are means, in the unit of time of `arrivals`.
    """
    log_weight, logs = 0.0, [0.0]
    for n in range(1, 100_000):
        ends = min(n, servers) / service + max(n - servers, 0) / patience
        log_weight += np.log(arrivals / ends)
        logs.append(log_weight)
        if n > servers and log_weight < max(logs) - 40:
            break
    weights = np.exp(np.array(logs) - max(logs))
    p = weights / weights.sum()
    waiting = np.maximum(np.arange(len(p)) - servers, 0) @ p
    gave_up = waiting / patience / arrivals
    # Of those who find n >= c present: the wait of those served, step by step to the head.
    served, weighted = 0.0, 0.0
    for n, share in enumerate(p):
        if n < servers:
            served += share
            continue
        stays, mean = 1.0, 0.0
        for ahead in range(n - servers, -1, -1):
            # With `ahead` others before them: the next to happen is an end, or their own patience.
            rate = servers / service + (ahead + 1) / patience
            mean += 1 / rate
            stays *= 1 - 1 / patience / rate
        served += share * stays
        weighted += share * stays * mean
    return gave_up, weighted / served

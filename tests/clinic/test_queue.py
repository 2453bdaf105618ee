"""The queue with several servers against an event loop, worked examples and closed forms."""

import heapq
from pathlib import Path

import erlang
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plcore.clinic import schedule
from plcore.clinic.schedule import waits

REFERENCE = Path(__file__).parents[1] / "reference" / "erlang_bc_reference.csv"


def event_loop(arrivals, service, servers):
    """One replication by a heap of the times at which servers become free."""
    free = [float("-inf")] * servers
    waited = []
    for came, length in zip(arrivals, service, strict=True):
        start = max(came, heapq.heappop(free))
        heapq.heappush(free, start + length)
        waited.append(start - came)
    return waited


def visits(seed, shape, load=0.9, servers=1):
    stream = np.random.default_rng(seed)
    return (
        np.cumsum(stream.exponential(1 / (load * servers), shape), axis=1),
        stream.exponential(1.0, shape),
    )


times = st.lists(st.tuples(st.floats(0, 5), st.floats(0, 20)), min_size=1, max_size=40).map(
    lambda rows: (np.cumsum([[a for a, _ in rows]], axis=1), np.array([[s for _, s in rows]]))
)


@given(times, st.integers(1, 6))
def test_waits_are_those_of_an_event_loop_and_another_server_lengthens_none(visits, servers):
    arrivals, service = visits
    kept = arrivals.copy(), service.copy()

    waited = waits(arrivals, service, servers=servers)

    # The same additions in the same order: the same bits.
    assert waited[0].tolist() == event_loop(arrivals[0], service[0], servers)
    assert (waits(arrivals, service, servers=servers + 1) <= waited).all()
    assert (arrivals == kept[0]).all()
    assert (service == kept[1]).all()


def test_many_replications_are_those_of_an_event_loop_however_the_work_is_cut(monkeypatch):
    arrivals, service = visits(3, (300, 700), servers=4)
    waited = waits(arrivals, service, servers=4)
    for row in (0, 127, 128, 299):
        assert waited[row].tolist() == event_loop(arrivals[row], service[row], 4)

    monkeypatch.setattr(schedule, "_FEWEST_REPLICATIONS", 97)
    monkeypatch.setattr(schedule, "_CELLS", 1)
    monkeypatch.setattr(schedule, "_VISITS", 11)
    assert waits(arrivals, service, servers=4).tobytes() == waited.tobytes()


@pytest.mark.parametrize(("servers", "interval"), [(1, 10.0), (3, 4.0), (7, 1.5)])
def test_regular_visits_within_capacity_never_wait(servers, interval):
    # D/D/c: service of 10, so loads of 1, 0.83 and 0.95.
    arrivals = np.arange(500.0)[None, :] * interval

    assert waits(arrivals, np.full((1, 500), 10.0), servers=servers).max() == 0.0


def test_regular_visits_above_capacity_wait_longer_one_after_the_other():
    # D/D/1: every visit of 3 comes 2 after the last, so each waits 1 longer.
    waited = waits(np.arange(50.0)[None, :] * 2, np.full((1, 50), 3.0), servers=1)

    assert waited[0].tolist() == list(range(50))


@pytest.mark.parametrize(("servers", "load"), [(1, 0.8), (2, 0.9), (10, 0.95)])
def test_mean_wait_approaches_erlang_c(servers, load):
    arrivals, service = visits(servers, (100, 12_000), load, servers)

    means = waits(arrivals, service, servers=servers)[:, 4_000:].mean(axis=1)

    expected = erlang.mean_wait(servers, load * servers)
    assert abs(means.mean() - expected) < 4 * means.std(ddof=1) / 10


@pytest.mark.parametrize(("load", "shape"), [(0.5, 4.0), (0.8, 0.5)])
def test_mean_wait_of_one_server_approaches_pollaczek_and_khinchine(load, shape):
    stream = np.random.default_rng(8)
    arrivals = np.cumsum(stream.exponential(1 / load, (100, 12_000)), axis=1)
    service = stream.gamma(shape, 1 / shape, arrivals.shape)

    means = waits(arrivals, service, servers=1)[:, 4_000:].mean(axis=1)

    expected = erlang.one_server_mean_wait(load, shape**-0.5)
    assert abs(means.mean() - expected) < 4 * means.std(ddof=1) / 10


def test_the_closed_forms_are_those_of_the_reference_table():
    # tests/reference/erlang_bc_reference.csv, printed to 12 digits.
    table = pd.read_csv(REFERENCE)
    servers, load = table["servers"].to_numpy(), table["offered_erlangs"].to_numpy()

    for column, values in (
        ("erlang_b", erlang.erlang_b(servers, load)),
        ("erlang_c_prob_wait", erlang.erlang_c(servers, load)),
        ("mean_wait_in_service_times", erlang.mean_wait(servers, load)),
        ("P_wait_le_1_service_time", erlang.wait_within(servers, load, 1.0)),
        ("P_wait_le_0.25_service_time", erlang.wait_within(servers, load, 0.25)),
    ):
        np.testing.assert_allclose(values, table[column], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("arrivals", "service", "servers", "message"),
    [
        ([[0.0, 1.0]], [[1.0, 1.0]], 1.5, "servers is 1.5; expected a whole number, 1 or more"),
        ([[1.0, 0.0]], [[1.0, 1.0]], 1, "arrivals is 0 in replication 0, visit 1; expected no ear"),
        ([[0.0, 1.0]], [[1.0, -1.0]], 1, "service is -1 in replication 0, visit 1; expected 0 or"),
        ([[0.0, np.nan]], [[1.0, 1.0]], 1, "arrivals is nan in replication 0, visit 1"),
        ([[0.0, 1.0]], [[1.0]], 1, r"service has shape \(1, 1\); expected \(1, 2\)"),
        ([0.0, 1.0], [1.0, 1.0], 1, r"arrivals has shape \(2,\)"),
    ],
)
def test_a_queue_that_cannot_be_is_refused(arrivals, service, servers, message):
    with pytest.raises(ValueError, match=message):
        waits(arrivals, service, servers=servers)

"""The plain queue, against hand-worked days, an event loop, closed forms and each other."""

import csv
import heapq
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plcore.clinic import (
    allen_cunneen,
    busy_share,
    erlang_b,
    erlang_c,
    fewest_servers,
    mean_wait,
    one_server_mean_wait,
    queue,
    wait_within,
)
from plcore.clinic.queue import waits

REFERENCE = Path(__file__).parents[1] / "reference" / "erlang_bc_reference.csv"
with REFERENCE.open(encoding="utf-8", newline="") as file:
    ERLANG = {key: [] for key in next(csv.reader(file))}
    for line in csv.reader(file):
        for key, value in zip(ERLANG, line, strict=True):
            ERLANG[key].append(float(value))
ERLANG = {key: np.array(values) for key, values in ERLANG.items()}


def event_loop(arrivals, service, servers):
    """One replication by a heap of the times at which servers become free."""
    free = [float("-inf")] * servers
    found = []
    for came, length in zip(arrivals, service, strict=True):
        start = max(came, heapq.heappop(free))
        heapq.heappush(free, start + length)
        found.append(start - came)
    return found


def visits(seed, shape, load=0.9, servers=1):
    stream = np.random.default_rng(seed)
    return (
        np.cumsum(stream.exponential(1 / (load * servers), shape), axis=1),
        stream.exponential(1.0, shape),
    )


times = st.lists(st.tuples(st.floats(0, 5), st.floats(0, 20)), min_size=1, max_size=40).map(
    lambda rows: (np.cumsum([[a for a, _ in rows]], axis=1), np.array([[s for _, s in rows]]))
)


def test_the_fourth_patient_waits_for_the_first_to_leave():
    arrivals, service = np.array([[0.0, 1.0, 2.0, 3.0]]), np.full((1, 4), 10.0)

    assert waits(arrivals, service, servers=3).tolist() == [[0.0, 0.0, 0.0, 7.0]]


@given(times, st.integers(1, 6))
def test_waits_are_those_of_an_event_loop(given_times, servers):
    arrivals, service = given_times

    found = waits(arrivals, service, servers=servers)

    # The same additions in the same order: the same bits.
    assert found[0].tolist() == event_loop(arrivals[0], service[0], servers)


@given(times, st.integers(1, 6))
def test_another_server_lengthens_no_wait(given_times, servers):
    arrivals, service = given_times

    assert (
        waits(arrivals, service, servers=servers + 1) <= waits(arrivals, service, servers=servers)
    ).all()


def test_many_replications_are_each_those_of_an_event_loop():
    arrivals, service = visits(3, (300, 700), servers=4)

    found = waits(arrivals, service, servers=4)

    for row in (0, 127, 128, 299):
        assert found[row].tolist() == event_loop(arrivals[row], service[row], 4)


def test_how_the_work_is_cut_changes_no_bit(monkeypatch):
    arrivals, service = visits(4, (40, 300), servers=3)
    whole = waits(arrivals, service, servers=3)
    monkeypatch.setattr(queue, "_FEWEST_REPLICATIONS", 7)
    monkeypatch.setattr(queue, "_CELLS", 1)
    monkeypatch.setattr(queue, "_VISITS", 11)

    assert waits(arrivals, service, servers=3).tobytes() == whole.tobytes()


def test_what_is_given_is_left_as_it_was():
    arrivals, service = visits(5, (3, 50))
    kept = arrivals.copy(), service.copy()

    waits(arrivals, service, servers=2)

    assert (arrivals == kept[0]).all()
    assert (service == kept[1]).all()


@pytest.mark.parametrize(("servers", "interval"), [(1, 10.0), (3, 4.0), (7, 1.5)])
def test_regular_visits_within_capacity_never_wait(servers, interval):
    # D/D/c: service of 10 in each case, so loads of 1, 0.83 and 0.95.
    arrivals = np.arange(500.0)[None, :] * interval

    assert waits(arrivals, np.full((1, 500), 10.0), servers=servers).max() == 0.0


def test_regular_visits_above_capacity_wait_longer_one_after_the_other():
    # D/D/1: every visit of 3 comes 2 after the last, so each waits 1 longer.
    found = waits(np.arange(50.0)[None, :] * 2, np.full((1, 50), 3.0), servers=1)

    assert found[0].tolist() == list(range(50))


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (1, 0.8), (2, 0.9), (6, 0.7), (10, 0.95)])
def test_mean_wait_approaches_erlang_c(servers, load):
    n, warm = 12_000, 4_000
    arrivals, service = visits(servers, (100, n), load, servers)

    means = waits(arrivals, service, servers=servers)[:, warm:].mean(axis=1)

    expected = mean_wait(servers, load * servers)
    assert abs(means.mean() - expected) < 4 * means.std(ddof=1) / 10


@pytest.mark.parametrize(("load", "shape"), [(0.5, 4.0), (0.8, 0.5), (0.9, 4.0)])
def test_mean_wait_of_one_server_approaches_pollaczek_and_khinchine(load, shape):
    stream = np.random.default_rng(8)
    arrivals = np.cumsum(stream.exponential(1 / load, (100, 12_000)), axis=1)
    service = stream.gamma(shape, 1 / shape, arrivals.shape)

    means = waits(arrivals, service, servers=1)[:, 4_000:].mean(axis=1)

    expected = one_server_mean_wait(load, service_mean=1.0, service_sd=shape**-0.5)
    assert abs(means.mean() - expected) < 4 * means.std(ddof=1) / 10


def test_servers_are_busy_in_the_share_of_the_load():
    arrivals, service = visits(9, (50, 10_000), 0.8, 3)

    shares = busy_share(arrivals, service, waits(arrivals, service, servers=3), servers=3)

    assert abs(shares.mean() - 0.8) < 4 * shares.std(ddof=1) / 50**0.5


def test_closed_forms_are_those_of_the_reference_table():
    # tests/reference/erlang_bc_reference.csv, printed to 12 digits.
    servers, load = ERLANG["servers"].astype(int), ERLANG["offered_erlangs"]

    for column, found in (
        ("erlang_b", erlang_b(servers, load)),
        ("erlang_c_prob_wait", erlang_c(servers, load)),
        ("mean_wait_in_service_times", mean_wait(servers, load)),
        ("P_wait_le_1_service_time", wait_within(servers, load, 1.0)),
        ("P_wait_le_0.25_service_time", wait_within(servers, load, 0.25)),
    ):
        np.testing.assert_allclose(found, ERLANG[column], rtol=1e-9, atol=1e-12)


def test_too_high_a_load_has_no_mean_wait():
    assert mean_wait([2, 2, 3], [2.0, 3.0, 2.9]).tolist()[:2] == [np.inf, np.inf]
    assert np.isfinite(mean_wait(3, 2.9))
    assert erlang_c(2, 2.0) == 1.0
    assert wait_within(2, 2.5, 100.0) == 0.0
    assert one_server_mean_wait(1.0, service_mean=1.0, service_sd=0.0) == np.inf
    assert allen_cunneen(2, 2.0, arrival_cv2=0.0, service_cv2=0.0) == np.inf


def test_allen_and_cunneen_hold_the_two_exact_cases():
    assert allen_cunneen(4, 3.0, service_mean=2.0) == mean_wait(4, 3.0, service_mean=2.0)
    exact = one_server_mean_wait(0.7, service_mean=2.0, service_sd=1.0)
    assert allen_cunneen(1, 0.7, service_mean=2.0, service_cv2=0.25) == pytest.approx(exact)
    assert allen_cunneen(3, 2.0, arrival_cv2=0.0, service_cv2=0.0) == 0.0


@pytest.mark.parametrize(
    ("load", "within", "share"), [(0.5, 0.0, 0.9), (7.3, 0.5, 0.95), (40, 0, 0.5)]
)
def test_one_server_fewer_than_the_fewest_keeps_fewer_waiting_short(load, within, share):
    servers = fewest_servers(load, within=within, share=share)

    assert wait_within(servers, load, within) >= share
    assert servers == 1 or wait_within(servers - 1, load, within) < share


@pytest.mark.parametrize(
    ("arrivals", "service", "servers", "words"),
    [
        ([[0.0, 1.0]], [[1.0, 1.0]], 0, "servers is 0; expected a whole number, 1 or more"),
        ([[0.0, 1.0]], [[1.0, 1.0]], 1.5, "servers is 1.5; expected a whole number"),
        ([[1.0, 0.0]], [[1.0, 1.0]], 1, "arrivals is 0 in replication 0, visit 1; expected no ear"),
        ([[0.0, 1.0]], [[1.0, -1.0]], 1, "service is -1 in replication 0, visit 1; expected 0 or"),
        ([[0.0, np.nan]], [[1.0, 1.0]], 1, "arrivals is nan in replication 0, visit 1"),
        ([[0.0, 1.0]], [[1.0]], 1, r"service has shape \(1, 1\); expected \(1, 2\)"),
        ([0.0, 1.0], [1.0, 1.0], 1, r"arrivals has shape \(2,\)"),
    ],
)
def test_a_queue_that_cannot_be_is_refused(arrivals, service, servers, words):
    with pytest.raises(ValueError, match=words):
        waits(arrivals, service, servers=servers)


def test_closed_forms_refuse_what_they_have_no_meaning_for():
    with pytest.raises(ValueError, match="servers is 0; expected whole"):
        erlang_b(0, 1.0)
    with pytest.raises(ValueError, match="load is -1; expected erlangs, 0 or more"):
        erlang_c(1, -1)
    with pytest.raises(ValueError, match="service_mean is 0; expected above 0"):
        mean_wait(1, 0.5, service_mean=0)
    with pytest.raises(ValueError, match="time has a value below 0"):
        wait_within(1, 0.5, -1)
    with pytest.raises(ValueError, match="service_sd is -1; expected 0 or more"):
        one_server_mean_wait(0.5, service_mean=1, service_sd=-1)
    with pytest.raises(ValueError, match="share is 1; expected between 0 and 1"):
        fewest_servers(1.0, within=1.0, share=1)


@settings(max_examples=50)
@given(st.integers(1, 30), st.floats(0.01, 0.99))
def test_fewer_are_turned_away_than_would_wait(servers, load):
    assert erlang_b(servers, load * servers) <= erlang_c(servers, load * servers)

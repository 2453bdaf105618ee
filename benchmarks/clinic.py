"""The plain queue against Ciw, SimPy and NumPy, and a clinic of five years against the clock.

Peers are given the same times of arrival and service, and are checked to give the same waits, visit
by visit, before they are timed. Ciw and SimPy, which simulate one replication after the other, are
given a hundredth of the replications.

cimba, a compiled engine, draws its own times. Beside it our side draws its times as well, and what
is checked is the mean wait. It runs on one thread, as we do.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from datetime import date
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from benchmarks import Case
from benchmarks.floors import drawn, written
from plcore.clinic.day import ClinicPlan, DayPlan, Dose, open_days, us_federal_holidays
from plcore.clinic.patients import ClinicDraws, random_referrals
from plcore.clinic.schedule import simulate_clinic, waits
from plcore.clinic.sizing import advise
from plcore.evidence.distributions import Floats
from plcore.models.course import CoursePlan, infusion_days
from plcore.planner.answers import answer, sizes, ways_to_run
from plcore.planner.sentences import six_answers
from plcore.planner.settings import Settings

SERVERS, LOAD, VISITS, REPLICATIONS = 10, 0.9, 20_000, 200
#: Replications simulated by those that do one after the other.
FEW = 2


def visits(replications: int) -> tuple[Floats, Floats]:
    stream = np.random.default_rng(1)
    shape = replications, VISITS
    arrivals = np.cumsum(stream.exponential(1 / (LOAD * SERVERS), shape), axis=1)
    return arrivals, stream.exponential(1.0, shape)


def with_numpy(arrivals: Floats, service: Floats) -> Floats:
    """Across replications: who is served takes the server that is free first, result by argmin."""
    free = np.zeros((len(arrivals), SERVERS))
    rows = np.arange(len(arrivals))
    result = np.empty(arrivals.shape)
    for i in range(arrivals.shape[1]):
        first = free.argmin(axis=1)
        start = np.maximum(arrivals[:, i], free[rows, first])
        free[rows, first] = start + service[:, i]
        result[:, i] = start - arrivals[:, i]
    return result


def with_simpy(arrivals: Floats, service: Floats) -> Floats:
    import simpy

    result = np.empty(arrivals.shape)
    for row in range(len(arrivals)):
        environment = simpy.Environment()
        servers = simpy.Resource(environment, SERVERS)
        waited = result[row]

        def visit(
            i: int,
            length: float,
            waited: Floats = waited,
            servers: object = servers,
            environment: object = environment,
        ) -> Iterator[object]:
            came = environment.now
            with servers.request() as request:
                yield request
                waited[i] = environment.now - came
                yield environment.timeout(length)

        def source(
            row: int = row, environment: object = environment, visit: object = visit
        ) -> Iterator[object]:
            for i, came in enumerate(arrivals[row].tolist()):
                yield environment.timeout(came - environment.now)
                environment.process(visit(i, service[row, i]))

        environment.process(source())
        environment.run()
    return result


def with_ciw(arrivals: Floats, service: Floats) -> Floats:
    import ciw

    result = np.empty(arrivals.shape)
    for row in range(len(arrivals)):
        gaps = np.diff(arrivals[row], prepend=0.0).tolist()
        network = ciw.create_network(
            # After the last arrival nobody comes.
            arrival_distributions=[ciw.dists.Sequential([*gaps, np.inf])],
            service_distributions=[ciw.dists.Sequential(service[row].tolist())],
            number_of_servers=[SERVERS],
        )
        simulation = ciw.Simulation(network)
        simulation.simulate_until_max_time(float((arrivals[row] + 1000.0).max()))
        records = sorted(simulation.get_all_records(), key=lambda record: record.id_number)
        result[row] = [record.waiting_time for record in records]
    return result


def checked(
    call: Callable[[Floats, Floats], Floats], arrivals: Floats, service: Floats
) -> Callable[[], Floats]:
    """The peer's call, refused where its waits are not ours."""
    expected = waits(arrivals, service, servers=SERVERS)
    # Peers add up the times between arrivals anew.
    np.testing.assert_allclose(call(arrivals, service), expected, atol=1e-7)
    return lambda: call(arrivals, service)


def mean_wait() -> float:
    """Our side with its draws: the mean wait of all visits, in times of service."""
    return float(waits(*visits(REPLICATIONS), servers=SERVERS).mean())


def with_cimba() -> Callable[[], object]:
    """The peer's call, refused where its mean wait is not ours."""
    import cimba

    from benchmarks.cimba_queue import queue

    model = queue(SERVERS, LOAD, VISITS)
    # As long as the last arrival takes, and until all are served.
    window = cimba.Window(duration=1.2 * VISITS / (LOAD * SERVERS))

    def call() -> object:
        experiment = cimba.Experiment(model, replications=REPLICATIONS, window=window, seed=1)
        return experiment.run(workers=1)[model].waited

    theirs = np.asarray(call()).ravel() / VISITS
    error = theirs.std(ddof=1) / math.sqrt(REPLICATIONS)
    if abs(theirs.mean() - mean_wait()) > 6 * error:
        raise ValueError(f"cimba's mean wait is {theirs.mean():g}; expected {mean_wait():g}")
    return call


TYPICAL = {
    "first_no_show": 0.24, "no_show": 0.1, "cancellation": 0.05, "dropout": 0.037,
    "return_uptake": 0.5, "recovery_minutes": 42.4, "recovery_spread": 0.25, "side_effect": 0.1,
    "extra_minutes": 45.0, "male_share": 0.65, "male_weight": 85.4, "male_weight_spread": 0.2286,
    "female_weight": 74.3, "female_weight_spread": 0.255,
}  # fmt: skip


def five_years() -> Callable[[], object]:
    """A clinic of four chairs near its limit: 50 draws, four runs of chance each."""
    first, n_days = date(2026, 1, 1), 1826
    holidays = us_federal_holidays(first, date(2030, 12, 31))
    day = DayPlan(
        chairs=4, nurses=3, open_minutes=480, infusion_minutes=40, recovery_minutes=50,
        turnover_minutes=10, patients_per_nurse=1, recovering_per_nurse=4,
    )  # fmt: skip
    course = CoursePlan(infusion_days(10, 3.5), max_returns=6)
    plan = ClinicPlan(day, course, Dose(200, mg_per_kg=0.5), overbooking=1.1)
    inputs = ClinicDraws(**{name: np.full(50, value) for name, value in TYPICAL.items()})
    stream = np.random.default_rng(1)
    relief = np.where(stream.random((1, 2000)) < 0.55, stream.exponential(30, (1, 2000)), np.nan)
    days = open_days(first, n_days, closed=holidays)

    def call() -> object:
        referrals = random_referrals(np.full((50, 1), 7.0), n_days=n_days, n_runs=4, seed=1)
        return simulate_clinic(plan, inputs, referrals, relief, days, seed=1)

    return call


def plan_with_sizes(chairs: int) -> Callable[[], object]:
    """The outcome of a metropolitan plan, with all that the command works out for it."""
    settings = Settings(zip="90012", radius_km=60, year=2030, chairs=chairs)

    def call() -> object:
        plan = answer(settings)
        sizing = sizes(plan)
        six_answers(plan)
        if advise(sizing, probability=settings.probability).chairs == 1:
            ways_to_run(plan)
        return plan.outcome

    return call


def cases() -> Iterator[Case]:
    ours = "plcore.clinic.waits"
    many, few = visits(REPLICATIONS), visits(FEW)

    def ours_call() -> object:
        return waits(*many, servers=SERVERS)

    floor = {
        "floor": "times of arrival and service read, waits written",
        "floor_call": functools.partial(np.subtract, *many, out=np.empty_like(many[0])),
    }
    size = f"M/M/{SERVERS} at load {LOAD}, {VISITS:,} visits x {REPLICATIONS} replications"
    yield Case(
        job="clinic", size=size, ours=ours, ours_call=ours_call, peer="NumPy argmin",
        peer_version=np.__version__, peer_call=checked(with_numpy, *many), **floor,
    )  # fmt: skip
    try:
        number, peer_call = version("cimba"), with_cimba()
    except (PackageNotFoundError, ImportError):
        number, peer_call = "", None
    yield Case(
        job="clinic", size=f"{size}, times drawn by both sides", ours=f"{ours} and NumPy's draws",
        ours_call=mean_wait, peer="cimba", peer_version=number, peer_call=peer_call,
        floor=f"{2 * VISITS * REPLICATIONS:,} exponential numbers drawn",
        floor_call=drawn(lambda random: random.standard_exponential(2 * VISITS * REPLICATIONS)),
    )  # fmt: skip
    for peer, call in (("simpy", with_simpy), ("ciw", with_ciw)):
        try:
            number, peer_call = version(peer), checked(call, *few)
        except PackageNotFoundError:
            number, peer_call = "", None
        yield Case(
            job="clinic", size=size, ours=ours, ours_call=ours_call, peer=peer,
            peer_version=number, peer_call=peer_call, peer_part=FEW / REPLICATIONS, **floor,
        )  # fmt: skip
    for chairs, limit in ((2, 5.0), (200, 15.0)):
        planned = plan_with_sizes(chairs)
        yield Case(
            job="clinic", size=f"a plan of Los Angeles with {chairs} chairs, its sizes and its words",
            ours="plcore.planner.answer, sizes, six_answers", ours_call=planned, peer="limit",
            peer_version="", peer_call=None, limit_s=limit, floor="its outcome written",
            floor_call=written(planned()),
        )  # fmt: skip
    simulated = five_years()
    yield Case(
        job="clinic", size="a clinic of 4 chairs: 5 years of days x 50 draws x 4 runs",
        ours="plcore.clinic.simulate_clinic", ours_call=simulated, peer="limit",
        peer_version="", peer_call=None, limit_s=5.0, floor="its outcome written",
        floor_call=written(simulated()),
    )  # fmt: skip

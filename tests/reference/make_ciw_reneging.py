"""Another simulator's clinic in which people give up waiting, for the tests to read.

Needs ciw and plcore; prints JSON: python make_ciw_reneging.py > ciw_reneging.json

Visits of one day each, a server for each slot of a day, first come, first served, and patients who
renege after a time of their own. Patience is that of plcore's patients, so that the two can be
compared patient by patient.
"""

import importlib.metadata
import json

import ciw
import numpy as np

from plcore.clinic.patients import random_referrals, states, uniform

N_DAYS, N_RUNS, SEED = 90, 3, 5
#: Slots a day, referrals a week, mean patience in days.
CASES = ((2, 13.0, 9.0), (3, 30.0, 4.0), (5, 33.0, 20.0))


def one_run(slots: int, days: list[int], patience: list[float]) -> list[float | None]:
    """The day of the first visit of each patient; None for those who gave up."""
    gaps = [float(gap) for gap in np.diff(days, prepend=0)]
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([*gaps, np.inf])],
        service_distributions=[ciw.dists.Deterministic(1.0)],
        reneging_time_distributions=[ciw.dists.Sequential(patience)],
        number_of_servers=[slots],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(10 * N_DAYS)
    found = {record.id_number: record for record in simulation.get_all_records()}
    return [
        None if found[n].record_type == "renege" else float(found[n].service_start_date)
        for n in range(1, len(days) + 1)
    ]


cases = []
for slots, per_week, mean in CASES:
    referrals = random_referrals(per_week, n_days=N_DAYS, n_runs=N_RUNS, seed=SEED)[0]
    luck = states("patience", N_RUNS, seed=SEED)[0]
    seen = []
    for run, row in enumerate(referrals):
        days = row[row < N_DAYS].tolist()
        patience = -np.log(uniform(luck[run], np.arange(len(days)))) * mean
        seen.append(one_run(slots, days, patience.tolist()))
    cases.append({"slots": slots, "per_week": per_week, "patience_days": mean, "first_day": seen})
versions = {name: importlib.metadata.version(name) for name in ("ciw", "numpy")}
print(json.dumps({"made_with": versions, "n_days": N_DAYS, "seed": SEED, "cases": cases}))

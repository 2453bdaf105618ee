"""The planner page's tables, worked out once for all processes that run the tests."""

import os
import pickle
import random
import time

from plcore.planner.page import PageSettings, planner_grid

#: Of the runs of chance behind the table of waits.
RUNS_SHARE = 0.25


def shared_grid(tmp_path_factory):
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    kept, failed = root / "planner_grid.pickle", root / "planner_grid.failed"
    try:
        (root / "planner_grid.begun").touch(exist_ok=False)
    except FileExistsError:
        given_up = time.monotonic() + 300
        while not kept.exists() and not failed.exists() and time.monotonic() < given_up:
            time.sleep(0.2)
        return pickle.loads(kept.read_bytes())
    try:
        grid = planner_grid(runs_share=RUNS_SHARE)
    except BaseException:
        failed.touch()
        raise
    unfinished = root / "planner_grid.unfinished"
    unfinished.write_bytes(pickle.dumps(grid))
    unfinished.rename(kept)
    return grid


def random_settings(grid, n, *, seed):
    """Settings of all kinds: one county, some near it, several; all else as the page offers it."""
    chance = random.Random(seed)
    codes = grid.places.fips.tolist()
    found = []
    for _ in range(n):
        several = chance.random() < 0.25
        found.append(
            PageSettings(
                counties=tuple(sorted(chance.sample(codes, 3 if several else 1))),
                radius_km=None if several else chance.choice([None, 20.0, 80.5, 250.0, 1000.0]),
                year=chance.randint(2025, 2040),
                scenario=chance.choice([each.name for each in grid.nation.beliefs]),
                severity=chance.choice(
                    ["any", "weekly", "moderate_severe", "extremely_bothersome"]
                ),
                accepting_percent=chance.choice([None, None, 12.5, 100.0, 0.0]),
                served_percent=chance.choice([None, 7.0, 33.3, 100.0]),
                infusions=chance.choice([5, 8, 10, 12]),
                returns=chance.choice(["boosters", "none"]),
                hours=chance.choice([1.5, 4.0, 7.5, 8.0, 12.0]),
                chairs=chance.randint(1, 12),
            )
        )
    return found

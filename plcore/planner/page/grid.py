"""All that the page looks up, worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.planner.page.clinic import ClinicTables, clinic_tables
from plcore.planner.page.nation import N_NODES, Nation, read_nation
from plcore.planner.page.places import Places, elasticity_nodes, read_places, weighted_people
from plcore.planner.page.waits import Waits, simulated_waits
from plcore.threads import one_blas_thread


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Counties, the nation, clinics and waits, as the page holds them.

    `everywhere` are the weighted people of all counties at the nodes of the elasticity.
    """

    places: Places
    everywhere: Floats
    nation: Nation
    clinic: ClinicTables
    waits: Waits

    @property
    def nodes(self) -> Floats:
        """Elasticities between which an area's share is interpolated."""
        return elasticity_nodes(*self.nation.elasticity, N_NODES)


def planner_grid(*, runs_share: float = 1.0, folder: Path = DATA) -> Grid:
    """All that the page looks up.

    Parameters
    ----------
    runs_share : float
        Of the runs of chance behind the table of waits: a test can do with fewer.
    folder : Path
    """
    with one_blas_thread():
        places, nation = read_places(folder=folder), read_nation(folder=folder)
        nodes = elasticity_nodes(*nation.elasticity, N_NODES)
        return Grid(
            places,
            weighted_people(places, np.arange(len(places.fips)), nodes),
            nation,
            clinic_tables(folder=folder),
            simulated_waits(runs_share=runs_share, folder=folder),
        )

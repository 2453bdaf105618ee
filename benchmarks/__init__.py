"""How fast plcore is beside its named peers.

Each module here with a function `cases()` is a job. `python3 run.py bench [job ...]` installs the
peers, times both sides in turn on this machine and writes `results.csv`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """One comparison: the same task done by plcore and by a peer.

    Attributes
    ----------
    job : str
        The module's name.
    size : str
        How big the task is, with its unit: "10,000 replicates of 30 studies".
    ours, peer : str
        What is called: "plcore.evidence.pooling.pool", "pymare DerSimonianLaird". A peer called "limit" is a
        number of seconds that our side has to stay under, in `limit_s`.
    ours_call, peer_call : callable without arguments
        Data are prepared outside. `peer_call` is None where the peer is not installed; one that
        raises ImportError is taken for not installed, too.
    peer_version : str
        "" where it is not installed.
    floor : str
        What must be spent at the least, in words: "27 MB written".
    floor_call : callable without arguments
        Spends it; see `benchmarks.floors`. It is timed on this machine, beside both sides.
    peer_part : float
        The share of the task that the peer is given, where the whole would take too long; the ratio
        is that of the whole.
    limit_s : float, optional
        Seconds; only with the peer "limit".
    """

    job: str
    size: str
    ours: str
    ours_call: Callable[[], object]
    peer: str
    peer_version: str
    peer_call: Callable[[], object] | None
    floor: str
    floor_call: Callable[[], object]
    peer_part: float = 1.0
    limit_s: float | None = None

    def __post_init__(self) -> None:
        if (self.peer == "limit") != (self.limit_s is not None):
            raise ValueError(f"{self.job}: limit_s goes with the peer 'limit', and only with it")

"""What differs between patients by chance, drawn apart from what a course of treatment does to it.

Each kind of chance, and each infusion within a kind, has its own stream of random numbers, and
patient i takes the i-th number of it. So a patient keeps the same luck in every scenario, however
many patients, infusions or draws of the parameters there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plcore.evidence.distributions import Floats

#: The place of a kind keys its streams: add new ones at the end.
_KINDS = (
    "drug", "placebo", "pain", "fall", "patient", "relief", "dropout", "side_effect", "uptake",
)  # fmt: skip
_CELLS = 2.0**52


@dataclass(frozen=True, slots=True, eq=False)
class Chance:
    """Independent uniform numbers strictly between 0 and 1, a column a patient.

    Attributes
    ----------
    drug, placebo, pain, fall, patient : ndarray, shape (n_patients,)
        Whether the drug and whether a placebo helps, pain at the start, how far it falls, and how
        long relief lasts in this patient compared with others.
    relief, dropout, side_effect : ndarray, shape (n_slots, n_patients)
        By infusion: how long its relief lasts, whether the patient has stopped before it, whether
        it has a side effect that prolongs the visit.
    uptake : ndarray, shape (n_slots, n_patients)
        By return for more treatment: whether the patient takes it up.
    """

    drug: Floats
    placebo: Floats
    pain: Floats
    fall: Floats
    patient: Floats
    relief: Floats
    dropout: Floats
    side_effect: Floats
    uptake: Floats

    @property
    def n_patients(self) -> int:
        """Patients, a column each."""
        return len(self.drug)

    @property
    def n_slots(self) -> int:
        """Infusions that a patient may have."""
        return len(self.relief)


def draw_chance(n_patients: int, n_slots: int, *, seed: int, first_patient: int = 0) -> Chance:
    """The luck of some patients.

    Parameters
    ----------
    n_patients : int
    n_slots : int
        The most infusions one patient can have: `CoursePlan.n_slots`.
    seed : int
        Zero or more; the same seed gives the same bits.
    first_patient : int
        Patients before this one are left out: those of a piece are those of the whole.
    """
    if n_patients < 1 or n_slots < 1:
        raise ValueError(
            f"n_patients is {n_patients} and n_slots is {n_slots}; expected 1 or more of each"
        )
    if seed < 0 or first_patient < 0:
        raise ValueError(
            f"seed is {seed} and first_patient is {first_patient}; expected 0 or more of each"
        )

    def one(kind: str, slot: int = 0) -> Floats:
        key = np.random.SeedSequence([seed, _KINDS.index(kind), slot])
        # One raw number a patient, so that the stream can jump to a patient.
        raw = np.random.PCG64(key).advance(first_patient).random_raw(n_patients)
        return np.asarray(((raw >> np.uint64(12)) + 0.5) / _CELLS)

    def each(kind: str) -> Floats:
        return np.stack([one(kind, slot) for slot in range(n_slots)])

    return Chance(
        *(one(kind) for kind in ("drug", "placebo", "pain", "fall", "patient")),
        *(each(kind) for kind in ("relief", "dropout", "side_effect", "uptake")),
    )

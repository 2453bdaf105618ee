"""What became of a clinic and its patients in the simulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plcore.clinic.luck import Integers
from plcore.clinic.plan import ClinicPlan
from plcore.evidence.distributions import Floats

#: What can have become of a patient by the end; each is in one of them.
FATES = (
    "not_referred", "waiting", "under_way", "completed", "stopped_without_relief", "dropped_out",
    "broken_off", "missed_visits",
)  # fmt: skip
NOT_REFERRED, WAITING, UNDER_WAY, COMPLETED, STOPPED, DROPPED, BROKEN_OFF, MISSED = range(8)


@dataclass(frozen=True, slots=True, eq=False)
class ClinicOutcome:
    """The clinic by day and patient, in every run of chance under every draw of the inputs.

    Attributes
    ----------
    plan : ClinicPlan
    open : ndarray of bool, shape (n_days,)
    booked, infusions, no_shows, cancelled, first_offers : ndarray of int
        Shape (n_draws, n_runs, n_days), as are the next two groups. Visits booked, of which
        infusions had and visits missed without notice; visits called off in time, which are not
        among those booked; and new patients given their first visit.
    waiting : ndarray of int
        New patients waiting for a first visit at the end of the day.
    chair_minutes, nurse_minutes, overtime_minutes, late_minutes, mg, vials : ndarray
        Minutes with a patient in a chair; those of nurses with patients; how long after closing
        time the last patient left; sum of the patients' waits beyond their appointments; ketamine
        given; and vials, if none is used for two patients.
    referred_day, offered_day, first_day : ndarray of int
        Shape (n_draws, n_runs, n_patients), as is the next group. When the patient was referred,
        given a first visit, and had a first infusion; the number of days for never.
    fate, had, returns : ndarray of int
        Place in `FATES` of what became of the first course, infusions had, times come back.
    returns_broken_off : ndarray of int, shape (n_draws, n_runs)
        Returns for more treatment broken off for lack of slots.
    """

    plan: ClinicPlan
    open: NDArray[np.bool_]
    booked: Integers
    infusions: Integers
    no_shows: Integers
    cancelled: Integers
    first_offers: Integers
    waiting: Integers
    chair_minutes: Floats
    nurse_minutes: Floats
    overtime_minutes: Floats
    late_minutes: Floats
    mg: Floats
    vials: Floats
    referred_day: Integers
    offered_day: Integers
    first_day: Integers
    fate: NDArray[np.int8]
    had: Integers
    returns: Integers
    returns_broken_off: Integers

    @property
    def n_days(self) -> int:
        """Days followed."""
        return len(self.open)


BY_DAY = (
    "booked", "infusions", "no_shows", "cancelled", "first_offers", "waiting", "chair_minutes",
    "nurse_minutes", "overtime_minutes", "late_minutes", "mg", "vials",
)  # fmt: skip
BY_PATIENT = ("referred_day", "offered_day", "first_day", "fate", "had", "returns")

"""What a clinic chooses, and what is believed of its patients and visits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from plcore.clinic.hours import DayPlan, appointments
from plcore.evidence.distributions import Floats
from plcore.models.course import CoursePlan


@dataclass(frozen=True, slots=True)
class Dose:
    """Ketamine of an infusion: `mg_per_kg` by body weight, plus `mg` whatever the weight.

    `vial_mg` is what a vial holds.
    """

    vial_mg: float
    mg_per_kg: float = 0.0
    mg: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.vial_mg < np.inf:
            raise ValueError(f"vial_mg is {self.vial_mg:g}; expected above 0")
        if not (0 <= self.mg_per_kg < np.inf and 0 <= self.mg < np.inf):
            raise ValueError(
                f"mg_per_kg is {self.mg_per_kg:g} and mg is {self.mg:g}; expected 0 or more"
            )
        if self.mg_per_kg + self.mg == 0:
            raise ValueError("mg_per_kg and mg are both 0; expected a dose")


@dataclass(frozen=True, slots=True)
class ClinicPlan:
    """What the clinic chooses.

    Attributes
    ----------
    day : DayPlan
    course : CoursePlan
        The days between infusions are counted from when the last one was had.
    dose : Dose
    overbooking : float
        Visits booked for each that the day holds; 1 books none over.
    rebook_days : int
        Days after a missed or cancelled visit before which the patient is not booked again.
    most_missed : int
        Visits that a patient may miss without notice; who misses one more is not booked again.
    most_delay_days : int
        A course that would have to wait longer than this for its next infusion, for lack of slots,
        is broken off.
    """

    day: DayPlan
    course: CoursePlan
    dose: Dose
    overbooking: float = 1.0
    rebook_days: int = 1
    most_missed: int = 2
    most_delay_days: int = 14

    @property
    def visits_a_day(self) -> int:
        """Visits that are booked on a day at most, those booked over included."""
        held = len(appointments(self.day))
        booked = int(held * self.overbooking + 1e-9)
        most = self.day.most_visits
        return booked if most is None else min(booked, most)

    def __post_init__(self) -> None:
        if not 1 <= self.overbooking <= 3:
            raise ValueError(f"overbooking is {self.overbooking:g}; expected from 1 to 3")
        for name, least in (("rebook_days", 1), ("most_missed", 0), ("most_delay_days", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; expected {least} or more")


@dataclass(frozen=True, slots=True, eq=False)
class ClinicDraws:
    """What is believed of patients and visits, each of shape (n_draws,).

    Attributes
    ----------
    first_no_show, no_show : ndarray
        Probability of missing, without notice, a visit before the first infusion and a later one.
    cancellation : ndarray
        Probability of calling a visit off in time for the slot to go to someone else.
    dropout : ndarray
        Probability of stopping for good before each infusion of a course but its first.
    return_uptake : ndarray
        Probability of coming back for more treatment each time that relief has ended.
    recovery_minutes : ndarray
        Median recovery after an infusion.
    recovery_spread : ndarray
        Standard deviation of its logarithm between visits (lognormal).
    side_effect : ndarray
        Probability, at each infusion, of a side effect that prolongs the visit.
    extra_minutes : ndarray
        By how much.
    male_share : ndarray
        Men among the patients.
    male_weight, female_weight : ndarray
        Median weight in kg.
    male_weight_spread, female_weight_spread : ndarray
        Standard deviation of its logarithm between patients (lognormal).
    """

    first_no_show: Floats
    no_show: Floats
    cancellation: Floats
    dropout: Floats
    return_uptake: Floats
    recovery_minutes: Floats
    recovery_spread: Floats
    side_effect: Floats
    extra_minutes: Floats
    male_share: Floats
    male_weight: Floats
    male_weight_spread: Floats
    female_weight: Floats
    female_weight_spread: Floats

    def __post_init__(self) -> None:
        shape = np.shape(self.no_show)
        if len(shape) != 1 or not shape[0]:
            raise ValueError(f"no_show has shape {shape}; expected (n_draws,), 1 or more")
        for name in INPUTS:
            values = np.asarray(getattr(self, name), dtype=float)
            if values.shape != shape:
                raise ValueError(f"{name} has shape {values.shape}; expected {shape}")
            low, high = _RANGES.get(name, (0.0, 1.0))
            allowed = np.isfinite(values) & (values >= low) & (values <= high)
            if not allowed.all():
                i = int(np.argmin(allowed))
                raise ValueError(
                    f"{name} is {values[i]:g} in draw {i}; expected from {low:g} to {high:g}"
                )

    @property
    def n_draws(self) -> int:
        """Draws of the inputs."""
        return len(self.no_show)


#: The uncertain inputs by name.
INPUTS = tuple(field.name for field in fields(ClinicDraws))
#: All else is a share. A patient who never comes and one who always calls off would be booked for
#: ever, hence the limits below 1.
_RANGES = {
    "first_no_show": (0.0, 0.95),
    "no_show": (0.0, 0.95),
    "cancellation": (0.0, 0.95),
    "recovery_minutes": (0.0, 1440.0),
    "recovery_spread": (0.0, 2.0),
    "extra_minutes": (0.0, 1440.0),
    "male_weight": (20.0, 300.0),
    "female_weight": (20.0, 300.0),
    "male_weight_spread": (0.0, 1.0),
    "female_weight_spread": (0.0, 1.0),
}

_OF_THE_COURSE = ("dropout", "return_uptake", "side_effect", "extra_minutes")
#: Names of the parameters, by input; those of the course are the same as in its simulation.
PARAMETERS: Mapping[str, str] = {
    name: f"course_{name}" if name in _OF_THE_COURSE else f"clinic_{name}" for name in INPUTS
}


def clinic_draws(draws: pd.DataFrame, names: Mapping[str, str] = PARAMETERS) -> ClinicDraws:
    """The inputs of a clinic from draws of the parameters.

    Parameters
    ----------
    draws : DataFrame, a row a draw, a column a parameter
        As `plcore.simulate.draws.draw` gives it.
    names : mapping of str to str
        Which column is which input.

    Raises
    ------
    ValueError
        If `names` lacks an input or has one that there is not, or `draws` lacks a column.
    """
    if set(names) != set(INPUTS):
        odd = sorted(set(names) ^ set(INPUTS))
        raise ValueError(f"names lack or add {', '.join(odd)}; expected {', '.join(INPUTS)}")
    missing = sorted(set(names.values()) - set(draws.columns))
    if missing:
        raise ValueError(f"draws lack {', '.join(missing)}; expected a column for each input")
    return ClinicDraws(
        **{name: draws[column].to_numpy(dtype=float) for name, column in names.items()}
    )

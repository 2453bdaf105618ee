"""Tables of simulated courses, with what we do not know and what chance does kept apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from plcore.evidence.distributions import Floats
from plcore.models.course import CourseOutcome

#: Days after the course for which unbroken relief is reported.
_LATER = (30, 90)


def course_table(
    outcome: CourseOutcome, *, clinic_patients: int, level: float = 0.95
) -> pd.DataFrame:
    """What a clinic meets, a row a measure, per patient who begins.

    Parameters
    ----------
    outcome : CourseOutcome
    clinic_patients : int
        Patients a clinic treats. The simulated ones are dealt out in their order, so their number
        must be a multiple, and there must be clinics enough for the tails.
    level : float
        Of the intervals, which leave out equal shares on both sides.

    Returns
    -------
    DataFrame
        measure, unit, mean; low_unknown, high_unknown: means of all patients over the draws (what
        we do not know); low_chance, high_chance: means of single clinics, were each draw's mean the
        overall one (luck of the clinic's patients); low_both, high_both: means of single clinics
        over the draws.
    """
    n_draws, n_patients = outcome.infusions.shape
    if not 0 < level < 1:
        raise ValueError(f"level is {level:g}; expected a share between 0 and 1")
    least = int(np.ceil(2 / (1 - level) - 1e-9))
    if clinic_patients < 1 or n_patients % clinic_patients or n_patients < least * clinic_patients:
        raise ValueError(
            f"{n_patients} simulated patients for clinics of {clinic_patients}; expected a "
            f"multiple that gives {least} clinics or more"
        )
    tails = [(1 - level) / 2, (1 + level) / 2]
    rows = []
    for measure, unit, values in _measures(outcome):
        clinics = values.reshape(n_draws, -1, clinic_patients).mean(axis=2)
        means = values.mean(axis=1)
        mean = means.mean()
        luck = mean + clinics - means[:, None]
        limits = [np.quantile(part, tails) for part in (means, luck, clinics)]
        rows.append((measure, unit, mean, *np.concatenate(limits)))
    ends = [f"{end}_{kind}" for kind in ("unknown", "chance", "both") for end in ("low", "high")]
    return pd.DataFrame(rows, columns=["measure", "unit", "mean", *ends])


def _measures(o: CourseOutcome) -> Iterator[tuple[str, str, Floats]]:
    yield "helped", "share", o.helped.astype(float)
    yield "completed_course", "share", o.completed.astype(float)
    yield "dropped_out", "share", (~np.isnan(o.dropout_day)).astype(float)
    # NaN, for those not helped, is never later than a day.
    yield "relief_day_after_course", "share", (o.relapse_day >= o.last_course_day + 1).astype(float)
    for days in _LATER:
        still = o.relapse_day >= o.last_course_day + days
        yield f"unbroken_relief_{days}_days_after_course", "share", still.astype(float)
    yield "came_back", "share", (o.returns > 0).astype(float)
    yield "returns", "returns", o.returns.astype(float)
    yield "infusions", "infusions", o.infusions.astype(float)
    yield "prolonged_visits", "visits", o.prolonged.astype(float)
    yield "extra_minutes", "minutes", o.prolonged * o.extra_minutes[:, None]
    yield "relief_days", "days", o.relief_days


def course_by_day(outcome: CourseOutcome, *, levels: Sequence[int] = (50, 80, 95)) -> pd.DataFrame:
    """Relief, pain and infusions by day, over the draws.

    Parameters
    ----------
    levels : sequence of int
        Percent of the draws that each interval holds.

    Returns
    -------
    DataFrame
        A row an outcome and day: outcome (`relief`, a share; `pain`, 0 to 10;
        `infusions`, per patient who began), day, mean, median, low_50, high_50, ... The intervals
        are of averages over all patients: what we do not know, without chance.
    """
    tails = np.array([(1 - level / 100) / 2 for level in levels])
    frames = []
    for name, values in (
        ("relief", outcome.relief),
        ("pain", outcome.pain),
        ("infusions", outcome.infusions_by_day),
    ):
        low, high = (np.quantile(values, p, axis=0) for p in (tails, 1 - tails))
        limits = {f"low_{level}": low[i] for i, level in enumerate(levels)}
        limits |= {f"high_{level}": high[i] for i, level in enumerate(levels)}
        days = np.arange(values.shape[1])
        middle = {"mean": values.mean(axis=0), "median": np.median(values, axis=0)}
        frames.append(pd.DataFrame({"outcome": name, "day": days, **middle, **limits}))
    return pd.concat(frames, ignore_index=True)


def days_to_relapse(
    outcome: CourseOutcome, *, shares: Sequence[float] = (0.25, 0.5, 0.75), level: float = 0.95
) -> pd.DataFrame:
    """Days from the last infusion until relief ends, in those helped who completed the course.

    Parameters
    ----------
    shares : sequence of float
        Of the patients helped, between 0 and 1.

    Returns
    -------
    DataFrame
        A row a share of those patients: share, the median over the draws of the days by which
        relief has ended in that share, low, high (of what we do not know), and n_draws, the draws
        in which there is such a patient.
    """
    whom = outcome.completed & outcome.helped
    some = whom.any(axis=1)
    if not some.any():
        raise ValueError("no patient was helped and completed the course; expected some")
    days = np.where(whom, outcome.relapse_day - outcome.last_course_day, np.nan)[some]
    by_draw = np.nanquantile(days, list(shares), axis=1)
    ends = np.quantile(by_draw, [0.5, (1 - level) / 2, (1 + level) / 2], axis=1)
    columns = dict(zip(("days", "low", "high"), ends, strict=True))
    return pd.DataFrame({"share": list(shares), **columns, "n_draws": int(some.sum())})

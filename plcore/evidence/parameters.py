"""Uncertain numbers: a name, a unit, a distribution and the sources it rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from plcore.evidence.data import DATA, read
from plcore.evidence.distributions import DISTRIBUTIONS, Floats
from plcore.evidence.schema import TABLES
from plcore.printed import short

#: The least and the greatest value of each unit; a distribution must stay within.
UNITS: Mapping[str, tuple[float, float]] = {
    "share": (0.0, 1.0),
    "people": (0.0, math.inf),
    "people/year": (0.0, math.inf),
    "per_person_year": (0.0, math.inf),
    "years": (0.0, math.inf),
    "days": (0.0, math.inf),
    "minutes": (0.0, math.inf),
    "points": (0.0, 10.0),
    "kg": (0.0, math.inf),
    "ratio": (0.0, math.inf),
    "log_change_per_year": (-math.inf, math.inf),
    "score": (-math.inf, math.inf),
}
_ARGUMENTS = ("value", "low", "high", "events", "n")


@dataclass(frozen=True, slots=True)
class Parameter:
    """An uncertain number.

    Attributes
    ----------
    name : str
        What scenarios and results call it, such as "plp_fall".
    unit : str
        A key of `UNITS`, such as "share" (0 to 1) or "people".
    dist : str
        The name of its distribution, such as "lognormal"; `data/README.md` lists them.
    arguments : tuple of (str, float)
        What the source prints, by column name: value, low and high, or events and n.
    source : str
        Keys of `sources.csv`, separated by semicolons.
    seen : str
        How the numbers were seen, such as "abstract" or "assumed".
    note : str
        What it means and, where assumed, the reason for its range.
    shape : tuple of float
        The shape arguments of the distribution, worked out from `arguments`.

    Examples
    --------
    >>> from plcore.scenarios import read_scenario
    >>> uptake = next(p for p in read_scenario().parameters if p.name == "demand_accepting")
    >>> print(uptake)
    demand_accepting: 0.213 (95% 0.0675 to 0.436) share, triangular, assumed
    """

    name: str
    unit: str
    dist: str
    arguments: tuple[tuple[str, float], ...]
    source: str
    seen: str
    note: str
    shape: tuple[float, ...]

    def ppf(self, p: ArrayLike) -> Floats:
        """Quantiles of the number, in the shape of `p`.

        Parameters
        ----------
        p : array_like
            Probabilities, 0 to 1: the number is below the quantile with this probability.

        Raises
        ------
        ValueError
            If a probability is below 0 or above 1.
        """
        p = np.asarray(p, dtype=float)
        if not np.all((p >= 0) & (p <= 1)):
            raise ValueError(f"{self.name}: expected probabilities from 0 to 1")
        return DISTRIBUTIONS[self.dist].ppf(p, *self.shape)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The limits that leave out the same probability on both sides.

        Parameters
        ----------
        level : float
            Probability between the limits, above 0 and below 1.
        """
        low, high = self.ppf(np.array([(1 - level) / 2, (1 + level) / 2]))
        return float(low), float(high)

    @property
    def median(self) -> float:
        """The value that the number is as likely to be above as below."""
        return float(self.ppf(np.array([0.5]))[0])

    def __str__(self) -> str:
        low, median, high = (short(value) for value in self.ppf(np.array([0.025, 0.5, 0.975])))
        limits = "" if low == high else f" (95% {low} to {high})"
        return f"{self.name}: {median}{limits} {self.unit}, {self.dist}, {self.seen}"


@dataclass(frozen=True, slots=True)
class Correlation:
    """Two parameters that are high or low together.

    Attributes
    ----------
    first, second : str
        Names of the two parameters.
    correlation : float
        That of their normal scores (a Gaussian copula), which does not depend on the two
        distributions; between -1 and 1.
    note : str
        The reason.
    """

    first: str
    second: str
    correlation: float
    note: str = ""


def parameter(
    name: str,
    unit: str,
    dist: str,
    arguments: Mapping[str, float],
    *,
    source: str,
    seen: str,
    note: str = "",
) -> Parameter:
    """A `Parameter`, checked.

    Parameters
    ----------
    name, unit, dist, source, seen, note : str
        As in `Parameter`.
    arguments : mapping of str to float
        What the source prints, by column name.

    Raises
    ------
    ValueError
        If the unit or the distribution is unknown, an argument is missing or not one that the
        distribution reads, the numbers are out of order, the distribution cannot reproduce the
        printed limits, or it can leave the range of its unit. The message has the form
        "name: what is; expected what".
    """
    if unit not in UNITS:
        raise ValueError(f"{name}: unit is {unit!r}; expected one of {', '.join(UNITS)}")
    if dist not in DISTRIBUTIONS:
        raise ValueError(f"{name}: dist is {dist!r}; expected one of {', '.join(DISTRIBUTIONS)}")
    family = DISTRIBUTIONS[dist]
    if set(arguments) != set(family.reads):
        raise ValueError(
            f"{name}: {dist} is given {', '.join(arguments) or 'nothing'}; "
            f"expected {', '.join(family.reads)}"
        )
    values = [float(arguments[column]) for column in family.reads]
    if not all(map(math.isfinite, values)):
        raise ValueError(f"{name}: arguments are {values}; expected finite numbers")
    try:
        shape = family.fit(*values)
    except ValueError as error:
        raise ValueError(f"{name}: expected {error}") from None
    least, greatest = family.ends(*shape)
    low, high = UNITS[unit]
    if least < low or greatest > high:
        raise ValueError(
            f"{name}: {dist} reaches from {least:g} to {greatest:g}; "
            f"expected a {unit} from {low:g} to {high:g}"
        )
    return Parameter(
        name, unit, dist, tuple(zip(family.reads, values, strict=True)), source, seen, note, shape
    )


def read_parameters(*, folder: Path = DATA) -> tuple[Parameter, ...]:
    """The parameters of `parameters.csv`, in the order of the file.

    Parameters
    ----------
    folder : Path
        Where the tables are read.

    Raises
    ------
    ValueError
        With every fault of the file by line.
    """
    table = read("parameters", folder=folder)
    parameters: list[Parameter] = []
    faults: list[str] = []
    for line, row in enumerate(table.to_dict("records"), start=2):
        given = {name: row[name] for name in _ARGUMENTS if not math.isnan(row[name])}
        try:
            parameters.append(
                parameter(
                    row["name"], row["unit"], row["dist"], given,
                    source=row["source"], seen=row["seen"], note=row["note"],
                )
            )  # fmt: skip
        except ValueError as error:
            faults.append(f"{TABLES['parameters'].file}:{line}: {error}")
    if faults:
        raise ValueError("\n".join(faults))
    return tuple(parameters)

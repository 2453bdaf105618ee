"""Scenarios: what we choose and what we believe, as a TOML file that says only what differs.

`baseline.toml` makes every choice once. Another scenario names the choices and the parameters that
it changes; everything else is as in the baseline. A name, a unit or a kind of value that the
baseline does not know is refused, with its line.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plcore.evidence.data import DATA, read
from plcore.evidence.distributions import DISTRIBUTIONS
from plcore.evidence.manifest import hold
from plcore.evidence.parameters import Correlation, Parameter, parameter
from plcore.evidence.population import US_MORTALITIES, US_VARIANTS
from plcore.evidence.prevalence import KINDS, POOLS, SPREADS, gather
from plcore.evidence.schema import MARKS
from plcore.evidence.table import content

Choice = str | float | bool


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named set of choices and beliefs.

    Attributes
    ----------
    name : str
        The name of its file without the ending.
    title : str
        What it is, in some words.
    note : str
        Why it differs from the baseline.
    choices : mapping of str to str, number or bool
        What is decided: years, the path of growth, which studies are pooled.
    parameters : tuple of Parameter
        What is believed, with its uncertainty.
    correlations : tuple of Correlation
        Which of the parameters are high or low together.
    folder : Path
        Of the data that it was read from: its population, mortality and posterior are used.
    """

    name: str
    title: str
    note: str
    choices: Mapping[str, Choice]
    parameters: tuple[Parameter, ...]
    correlations: tuple[Correlation, ...] = ()
    folder: Path = DATA

    @property
    def years(self) -> NDArray[np.int64]:
        """The years from the first to the last chosen, shape (n_years,)."""
        return np.arange(int(self.choices["first_year"]), int(self.choices["last_year"]) + 1)


#: Whether a value is right, and what a message says was expected.
_ChoiceCheck = tuple[Callable[[object], bool], str]


def _is_number(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(float(str(value)))


def _is_year(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1900 <= value <= 2100


def _word(words: Iterable[str]) -> _ChoiceCheck:
    known = tuple(words)
    return lambda value: value in known, f"one of {', '.join(map(repr, known))}"


_REASON: _ChoiceCheck = (
    lambda value: isinstance(value, str) and value.strip() != "",
    "the reason, in words",
)
_TAU_SCALE: _ChoiceCheck = (
    lambda value: _is_number(value) and 0.01 <= float(str(value)) <= 5,
    "a standard deviation on the logit scale from 0.01 to 5",
)
#: The share in pain after the loss of fingers or toes: its own; that after a major loss; or none.
PAIN_AFTER_MINOR_LOSS = ("own_share", "as_after_major", "none")
#: Incidence after the last data: a random walk; held; for dysvascular losses back, over ten years,
#: to the low of 2010, or rising for ten more years as it did from 2010 to 2019, and held then; or
#: of all causes held at the rates of 1996 from then on, as in the published projection.
INCIDENCE_PATHS = ("walk", "held", "low_of_2010", "rise_goes_on", "rates_of_1996")
GROWTH_PATHS = ("constant_rate", "straight_line", "logistic")
_CHOICES: Mapping[str, _ChoiceCheck] = {
    "first_year": (_is_year, "a year from 1900 to 2100"),
    "last_year": (_is_year, "a year from 1900 to 2100"),
    "extrapolate": (lambda value: isinstance(value, bool), "true or false"),
    "growth": _word(GROWTH_PATHS),
    "population": _word(US_VARIANTS),
    "mortality": _word(US_MORTALITIES),
    "population_factor_2050": (
        lambda value: _is_number(value) and 0.5 <= float(str(value)) <= 2,
        "a factor on the people of 2050 from 0.5 to 2",
    ),
    "beliefs": _word(("posterior", "prior")),
    "incidence_path": _word(INCIDENCE_PATHS),
    "dysvascular_factor": (
        lambda value: _is_number(value) and 0.1 <= float(str(value)) <= 5,
        "a factor on dysvascular incidence from 0.1 to 5",
    ),
    "hazard_ratio_change": (
        lambda value: _is_number(value) and -0.1 <= float(str(value)) <= 0.1,
        "a yearly change of the log hazard ratio from -0.1 to 0.1",
    ),
    "prevalence_pool": _word(POOLS),
    "prevalence_kind": _word(KINDS),
    "prevalence_spread": _word(SPREADS),
    "prevalence_tau_scale": _TAU_SCALE,
    "few_studies_tau_scale": _TAU_SCALE,
    "pain_after_minor_loss": _word(PAIN_AFTER_MINOR_LOSS),
}
_TOP = ("title", "note", "choices", "parameters", "correlations")
_ARGUMENTS = ("value", "low", "high", "events", "n")


def read_scenario(
    name: str = "baseline",
    *,
    choices: Mapping[str, Choice] | None = None,
    folder: Path = DATA,
) -> Scenario:
    """A scenario: what its file says, and the baseline in everything else.

    Parameters
    ----------
    name : str
        The name of a file in `data/scenarios/`, without its ending.
    choices : mapping of str to str, number or bool, optional
        Choices that replace those of the file, such as {"last_year": 2060}.
    folder : Path
        Where `scenarios/` and the tables are.

    Returns
    -------
    Scenario

    Raises
    ------
    ValueError
        If there is no such file, the TOML is malformed, or a name, unit, source or value in it is
        not one that is known; all faults of one part of the file at once, each with its line. Or if
        a file of the project's own is not as its manifest lists it.

    Examples
    --------
    >>> scenario = read_scenario("high_income", choices={"last_year": 2040})
    >>> scenario.choices["prevalence_pool"], int(scenario.years[-1])
    ('high_income', 2040)
    """
    base = _Toml.read("baseline", folder)
    own = base if name == "baseline" else _Toml.read(name, folder)
    own = own.choosing(choices or {})
    own.check_top()
    missing = [choice for choice in _CHOICES if choice not in base.table("choices")]
    if missing:
        raise ValueError(
            f"{base.file}: [choices] lacks {', '.join(missing)}; expected every choice in it"
        )
    chosen = {**base.choices(), **own.choices()}
    if int(chosen["first_year"]) > int(chosen["last_year"]):
        raise ValueError(
            f"{own.file}: first_year is {chosen['first_year']}; "
            f"expected last_year ({chosen['last_year']}) or before"
        )
    believed = gather(
        pool=str(chosen["prevalence_pool"]),
        kind=str(chosen["prevalence_kind"]),
        spread=str(chosen["prevalence_spread"]),
        tau_scale=float(chosen["prevalence_tau_scale"]),
        few_studies_tau_scale=float(chosen["few_studies_tau_scale"]),
        folder=folder,
    )
    for file in (base, own):
        believed = file.override(believed, folder)
    title, note = str(own.content["title"]), str(own.content.get("note", ""))
    together = own.correlations(believed) or base.correlations(believed)
    for file in (base, own):
        hold(Path(folder) / "scenarios" / file.file, file.text)
    return Scenario(name, title, note, chosen, believed, together, Path(folder))


def scenario_names(*, folder: Path = DATA) -> tuple[str, ...]:
    """The names of all scenarios, the baseline first.

    Parameters
    ----------
    folder : Path
        Where `scenarios/` is.

    Examples
    --------
    >>> scenario_names()[:2]
    ('baseline', 'all_alike')
    """
    names = sorted(path.stem for path in (Path(folder) / "scenarios").glob("*.toml"))
    return tuple(sorted(names, key=lambda name: name != "baseline"))


@dataclass(frozen=True, slots=True)
class _Toml:
    """One scenario file as it stands, with what is needed to say where a fault is."""

    file: str
    text: str
    content: dict[str, Any]

    @classmethod
    def read(cls, name: str, folder: Path) -> _Toml:
        path = Path(folder) / "scenarios" / f"{name}.toml"
        if not path.is_file():
            known = ", ".join(scenario_names(folder=folder))
            raise ValueError(f"no scenario {name!r}; expected one of {known}")
        text = content(path)
        try:
            return cls(path.name, text, tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            # "Expected '=' after a key (at line 3, column 5)", or "(at end of document)".
            at = re.fullmatch(r"(.*) \(at line (\d+), (column \d+)\)", str(error), re.DOTALL)
            last = len(text.splitlines())
            words = f"{at[2]}: {at[1]}, {at[3]}" if at else f"{last}: {error}"
            raise ValueError(f"{path.name}:{words}; expected TOML") from None

    def table(self, name: str) -> dict[str, Any]:
        table = self.content.get(name, {})
        if not isinstance(table, dict):
            raise ValueError(f"{self._at(name)}: {name} is {table!r}; expected a table [{name}]")
        return table

    def choosing(self, choices: Mapping[str, Choice]) -> _Toml:
        """The same file with some choices made otherwise."""
        made = {**self.table("choices"), **choices}
        return replace(self, content={**self.content, "choices": made})

    def check_top(self) -> None:
        faults = [self._unknown(key, _TOP) for key in self.content if key not in _TOP]
        for key in ("title", "note"):
            value = self.content.get(key, "-" if key == "note" else None)
            if not isinstance(value, str) or not value.strip():
                faults.append(f"{self._at(key)}: {key} is {value!r}; expected text")
        _raise(faults)

    def choices(self) -> dict[str, Choice]:
        faults = []
        for key, value in self.table("choices").items():
            if key not in _CHOICES:
                faults.append(self._unknown(key, _CHOICES))
            elif not _CHOICES[key][0](value):
                faults.append(f"{self._at(key)}: {key} is {value!r}; expected {_CHOICES[key][1]}")
        _raise(faults)
        return dict(self.table("choices"))

    def override(self, believed: tuple[Parameter, ...], folder: Path) -> tuple[Parameter, ...]:
        known = {item.name: item for item in believed}
        sources = set(read("sources", folder=folder)["source"])
        faults = []
        for name, given in self.table("parameters").items():
            try:
                if name not in known:
                    raise ValueError(self._unknown(name, known))
                known[name] = self._parameter(known[name], given, sources)
            except ValueError as error:
                faults.append(str(error))
        _raise(faults)
        return tuple(known.values())

    def _parameter(self, before: Parameter, given: object, sources: set[str]) -> Parameter:
        at, name = self._at(before.name), before.name
        if not isinstance(given, dict):
            raise ValueError(f"{at}: {name} is {given!r}; expected a table [parameters.{name}]")
        checks = _field_checks(before, sources)
        faults = [self._unknown(key, checks, under=name) for key in given if key not in checks]
        required = {"unit", "dist", "source", "seen"} | (
            {"note"} if given.get("seen") == "assumed" else set()
        )
        for key, (is_right, expected) in checks.items():
            if (key in given or key in required) and not is_right(given.get(key)):
                where = self._at(key, under=name) if key in given else at
                faults.append(f"{where}: {name}: {key} is {given.get(key)!r}; expected {expected}")
        _raise(faults)
        try:
            return parameter(
                name,
                before.unit,
                given["dist"],
                {key: given[key] for key in _ARGUMENTS if key in given},
                source=given["source"],
                seen=given["seen"],
                note=given.get("note", ""),
            )
        except ValueError as error:
            raise ValueError(f"{at}: {error}") from None

    def correlations(self, believed: tuple[Parameter, ...]) -> tuple[Correlation, ...]:
        names = _word(item.name for item in believed)
        checks: Mapping[str, _ChoiceCheck] = {
            "first": names,
            "second": names,
            "correlation": (
                lambda value: _is_number(value) and -1 < float(str(value)) < 1,
                "a number between -1 and 1",
            ),
            "note": _REASON,
        }
        at, given, faults = self._at("correlations"), self.content.get("correlations", []), []
        if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
            raise ValueError(f"{at}: correlations is {given!r}; expected tables [[correlations]]")
        for nth, item in enumerate(given):
            faults += [self._unknown(key, checks) for key in item if key not in checks]
            for key, (is_right, expected) in checks.items():
                if not is_right(item.get(key)):
                    where = self._at(key, under="correlations", nth=nth) if key in item else at
                    faults.append(f"{where}: {key} is {item.get(key)!r}; expected {expected}")
        _raise(faults)
        return tuple(Correlation(**item) for item in given)

    def _at(self, key: str, *, under: str = "", nth: int = 0) -> str:
        """The file and the line of a key: the first, or the first in the nth table of a name."""
        start = ([*self._places(under)[nth:], 0] if under else [0])[0]
        lines = [line for line in self._places(key) if line > start]
        return f"{self.file}:{lines[0]}" if lines else self.file

    def _places(self, key: str) -> list[int]:
        pattern = re.compile(rf"^\s*(\[+\s*(\w+\.)*)?[\"']?{re.escape(key)}\b")
        lines = enumerate(self.text.splitlines(), start=1)
        return [number for number, line in lines if pattern.match(line)]

    def _unknown(self, key: str, known: Iterable[str], under: str = "") -> str:
        near = difflib.get_close_matches(key, list(known), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; expected one of {', '.join(known)}"
        return f"{self._at(key, under=under)}: {under + ': ' if under else ''}unknown {key!r}{hint}"


def _field_checks(before: Parameter, sources: set[str]) -> Mapping[str, _ChoiceCheck]:
    marks = tuple(mark for mark in MARKS if mark != "memory")
    return {
        "unit": _word((before.unit,)),
        "dist": _word(DISTRIBUTIONS),
        **dict.fromkeys(_ARGUMENTS, (_is_number, "a number")),
        "source": (
            lambda value: isinstance(value, str) and set(value.split(";")) <= sources,
            "keys of sources.csv, separated by semicolons",
        ),
        "seen": _word(marks),
        "note": _REASON,
    }


def _raise(faults: list[str]) -> None:
    if faults:
        raise ValueError("\n".join(faults))

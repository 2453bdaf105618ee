"""What a planner settles: where, when, for whom, and what the clinic is like.

Settings are saved as a TOML file of one line a setting, and read back with the line of each fault.
The same names serve the command line, with hyphens.
"""

from __future__ import annotations

import difflib
import inspect
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np

from plcore.clinic.day import ClinicPlan, DayPlan, Dose, fewest_nurses
from plcore.clinic.demand import SEVERITIES, Opening
from plcore.clinic.places import (
    Area,
    by_fips,
    by_metropolitan_area,
    by_state,
    within_km,
    within_km_of_zip,
)
from plcore.evidence.data import DATA
from plcore.models.course_inputs import infusion_days, no_boosters, repeat_courses, single_boosters
from plcore.scenarios import read_scenario, scenario_names

#: What may follow a course.
RETURNS = ("boosters", "courses", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A planner's settings; whatever is not said is as here.

    One of near, zip, counties, state and metro says where. Command line and workbook take their
    words from here.

    Attributes
    ----------
    name : str
        Of the plan, and of the files that it is written to.
    near : tuple of float, optional
        Latitude and longitude of the clinic, in degrees north and east; with `radius_km`.
    zip : str, optional
        ZIP code of the clinic; with `radius_km`.
    counties : tuple of str
        Codes of counties (FIPS), of five digits.
    state : str, optional
        Two letters, or a name.
    metro : str, optional
        Code of a metropolitan, micropolitan or combined area.
    radius_km : float, optional
        Great-circle distance in km: a county is counted whole if its centre of people is within.
    year : int
        The clinic opens at the start of this year.
    n_years : int
        Years followed.
    scenario : str
        Of `data/scenarios`.
    severity : str
        The least severe pain counted: any, weekly, moderate_severe or extremely_bothersome.
    share_served : float, optional
        Share of those who would have a course who have it at this clinic, from 0 to 1, where the
        planner knows it.
    share_accepting : float, optional
        Share of those eligible who would have a course, from 0 to 1, where the planner knows it.
    ramp_years : float
        Years until all who will know of the clinic do; 0 from the first day.
    known_at_first : float
        Share, from 0 to 1, who know of it on the first day.
    infusions : int
        Of a course.
    weeks : float
        Over which a course is spread.
    returns : str
        What follows when relief ends: boosters (of one infusion), courses (whole ones) or none.
    most_returns : int
        Times that somebody comes back at most.
    stop_without_relief_after : int, optional
        Infusions after which those whom the course does not help have no more.
    chairs : int
        In which infusions are given.
    nurses : int, optional
        On duty at the same time; the fewest that the chairs need where they are not said.
    hours : float
        Hours of a day, from the first infusion to the last patient's leaving.
    days_a_week : int
        Open days of a week, from Monday on, less US federal holidays.
    infusion_minutes : int
        Minutes of an infusion.
    recovery_minutes : int
        Minutes in the chair after it, as planned.
    turnover_minutes : int
        Minutes to make a chair ready for the next patient.
    patients_per_nurse : int
        During the infusion.
    recovering_per_nurse : int
        Patients a nurse looks after once the infusion is over.
    overbooking : float
        Visits booked for each that the day holds.
    visits_a_day : int, optional
        No more visits than these are booked on a day, whatever chairs and nurses hold.
    waiting_list : int
        People who wait on the first day, besides those who are expected to come.
    mg_per_kg : float
        Ketamine of an infusion, in mg for each kg of body weight.
    mg : float
        Ketamine of an infusion whatever the weight, in mg, on top of `mg_per_kg`.
    vial_mg : float
        Ketamine that a vial holds, in mg.
    within_days : int
        The service level: days from referral to the first infusion.
    share_within : float
        The service level: share of patients, from 0 to 1, who have it within these days.
    probability : float
        Probability, from 0 to 1, with which the service level is to be kept.
    draws : int
        Samples of what we do not know.
    runs : int
        Samples of chance for each draw.
    seed : int
        Of the random numbers: the same seed gives the same answer.
    """

    name: str = "plan"
    near: tuple[float, float] | None = None
    zip: str | None = None
    counties: tuple[str, ...] = ()
    state: str | None = None
    metro: str | None = None
    radius_km: float | None = None
    year: int = 2027
    n_years: int = 5
    scenario: str = "baseline"
    severity: str = "moderate_severe"
    share_served: float | None = None
    share_accepting: float | None = None
    ramp_years: float = 1.0
    known_at_first: float = 0.25
    infusions: int = 10
    weeks: float = 3.5
    returns: str = "boosters"
    most_returns: int = 3
    stop_without_relief_after: int | None = None
    chairs: int = 2
    nurses: int | None = None
    hours: float = 8.0
    days_a_week: int = 5
    infusion_minutes: int = 40
    recovery_minutes: int = 45
    turnover_minutes: int = 15
    patients_per_nurse: int = 1
    recovering_per_nurse: int = 4
    overbooking: float = 1.0
    visits_a_day: int | None = None
    waiting_list: int = 0
    mg_per_kg: float = 0.5
    mg: float = 0.0
    vial_mg: float = 500.0
    within_days: int = 30
    share_within: float = 0.9
    probability: float = 0.8
    draws: int = 256
    runs: int = 4
    seed: int = 1

    def __post_init__(self) -> None:
        given = [name for name in PLACES if getattr(self, name) not in (None, ())]
        if len(given) != 1:
            said = " and ".join(given) if given else "none"
            raise ValueError(f"the place is said by {said}; expected one of {', '.join(PLACES)}")
        needs_radius = given[0] in ("near", "zip")
        if needs_radius != (self.radius_km is not None):
            what = "a distance in km" if needs_radius else f"none, as {given[0]} says the place"
            raise ValueError(f"radius_km is {self.radius_km}; expected {what}")
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ValueError(f"{name} is {value:g}; expected from {low:g} to {high:g}")
        for name, words in (
            ("severity", tuple(SEVERITIES)),
            ("returns", RETURNS),
            ("scenario", scenario_names()),
        ):
            if getattr(self, name) not in words:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}; expected one of {', '.join(words)}"
                )
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"name is {self.name!r}; expected letters, digits, spaces, dots, hyphens and "
                "underscores, as files are called so"
            )
        visit = self.infusion_minutes + self.recovery_minutes
        if 60 * self.hours < visit:
            raise ValueError(
                f"hours is {self.hours:g}, which holds no visit of {visit} minutes; "
                f"expected {visit / 60:.3g} or more"
            )
        stop = self.stop_without_relief_after
        if stop is not None and stop > self.infusions:
            raise ValueError(
                f"stop_without_relief_after is {stop}; expected at most the {self.infusions} "
                "infusions of the course"
            )
        if self.within_days >= 365 * self.n_years:
            raise ValueError(
                f"within_days is {self.within_days}; expected fewer than the "
                f"{365 * self.n_years} days that are followed"
            )
        if read_scenario(self.scenario).choices["prevalence_kind"] == "ever":
            raise ValueError(
                f"scenario is {self.scenario!r}, of all who ever had pain; expected one of pain now"
            )
        self.clinic()
        self.opening()

    def area(self, *, folder: Path = DATA) -> Area:
        """The counties of the place."""
        if self.near is not None:
            return within_km(*self.near, float(self.radius_km or 0), folder=folder)
        if self.zip is not None:
            return within_km_of_zip(self.zip, float(self.radius_km or 0), folder=folder)
        if self.state is not None:
            return by_state(self.state, folder=folder)
        if self.metro is not None:
            return by_metropolitan_area(self.metro, folder=folder)
        return by_fips(self.counties, folder=folder)

    def opening(self) -> Opening:
        """When the clinic opens and how it becomes known."""
        return Opening(self.year, self.n_years, self.ramp_years, self.known_at_first)

    def clinic(self) -> ClinicPlan:
        """The clinic: its day, course and dose."""
        day = DayPlan(
            chairs=self.chairs,
            nurses=self.chairs if self.nurses is None else self.nurses,
            open_minutes=round(60 * self.hours),
            infusion_minutes=self.infusion_minutes,
            recovery_minutes=self.recovery_minutes,
            turnover_minutes=self.turnover_minutes,
            patients_per_nurse=self.patients_per_nurse,
            recovering_per_nurse=self.recovering_per_nurse,
            most_visits=self.visits_a_day,
        )
        if self.nurses is None:
            day = replace(day, nurses=fewest_nurses(replace(day, most_visits=None)))
        days = infusion_days(self.infusions, self.weeks)
        course = {
            "none": lambda: no_boosters(days),
            "boosters": lambda: single_boosters(days, most=self.most_returns),
            "courses": lambda: repeat_courses(days, most=self.most_returns),
        }[self.returns]()
        course = replace(course, stop_without_relief_after=self.stop_without_relief_after)
        dose = Dose(self.vial_mg, mg_per_kg=self.mg_per_kg, mg=self.mg)
        return ClinicPlan(day, course, dose, overbooking=self.overbooking)

    def own_shares(self) -> dict[str, float]:
        """Shares of the funnel's steps that the planner gave."""
        given = {"accepting": self.share_accepting, "choosing": self.share_served}
        return {step: share for step, share in given.items() if share is not None}


def meanings() -> dict[str, str]:
    """What each setting means, with its unit: the words of `Settings`."""
    lines = inspect.cleandoc(Settings.__doc__ or "").splitlines()
    found: dict[str, str] = {}
    name = ""
    for line in lines[lines.index("Attributes") + 2 :]:
        if line.startswith(" "):
            found[name] = f"{found[name]} {line.strip()}".strip()
        elif line:
            name = line.split(" :")[0]
            found[name] = ""
    return found


#: The settings of which one says where.
PLACES = ("near", "zip", "counties", "state", "metro")
# Begins and ends with a letter or a digit.
_NAME = re.compile(r"\w([\w .-]{0,78}\w)?")
_RANGES = {
    "radius_km": (1, 5000), "year": (2005, 2100), "n_years": (1, 20), "share_served": (0, 1),
    "share_accepting": (0, 1), "infusions": (1, 60), "weeks": (0.1, 52), "most_returns": (0, 50),
    "stop_without_relief_after": (1, 60), "chairs": (1, 200), "nurses": (1, 200),
    "hours": (0.5, 24), "days_a_week": (1, 7), "visits_a_day": (1, 10_000),
    "waiting_list": (0, 100_000), "within_days": (0, 3650), "share_within": (0.01, 1),
    "probability": (0.01, 0.999), "draws": (16, 16_384), "runs": (1, 1000), "seed": (0, 2**32),
}  # fmt: skip


def settings_from(given: Mapping[str, object]) -> Settings:
    """Settings from values by name, as a TOML file or a command line gives them.

    Parameters
    ----------
    given : mapping of str to object
        Names of the fields of `Settings`; what is left out is as usual.

    Raises
    ------
    ValueError
        If a name is unknown, a value of another type, or the settings do not fit together.
    """
    known = {field.name: str(field.type) for field in fields(Settings)}
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; expected one of {', '.join(known)}"
            raise ValueError(f"unknown setting {name}{hint}")
    return Settings(**{name: _typed(name, value, known[name]) for name, value in given.items()})  # type: ignore[arg-type]


def _typed(name: str, value: object, kind: str) -> object:
    """The value as the setting's type; 8 for 8.0 is right, 8.5 for 8 is not."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind.startswith("int") and number and float(str(value)).is_integer():
        return int(float(str(value)))
    if kind.startswith("float") and number and np.isfinite(float(str(value))):
        return float(str(value))
    if kind.startswith("str") and isinstance(value, str):
        return value
    if kind.startswith("tuple") and isinstance(value, list | tuple):
        wanted = str if "str" in kind else (int, float)
        size = len(value) if "..." in kind else 2
        if len(value) == size and all(isinstance(part, wanted) for part in value):
            return tuple(value) if "str" in kind else tuple(float(part) for part in value)
    words = {
        "int": "a whole number", "float": "a number", "str": "text in quotes",
        "tuple[float": "two numbers, [latitude, longitude]", "tuple[str": "a list of texts",
    }  # fmt: skip
    expected = next(word for start, word in words.items() if kind.startswith(start))
    raise ValueError(f"{name} is {value!r}; expected {expected}")


def read_settings(path: Path) -> Settings:
    """Settings from a TOML file as `settings_text` writes it; what it does not name is as usual.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ValueError
        With the file, and the line where one name is at fault.
    """
    given = read_given(path)
    try:
        return settings_from(given)
    except ValueError as error:
        raise ValueError(f"{located(str(error), path)}: {error}") from None


def read_given(path: Path) -> dict[str, object]:
    """What a TOML file of settings says, by name, as yet unchecked."""
    path = Path(path)
    try:
        content = path.read_bytes().decode("utf-8")
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise ValueError(f"{path.name}: {reason}; expected settings as TOML") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name}: byte {error.start} is not UTF-8") from None
    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name}: {error}; expected TOML, such as chairs = 4") from None


def located(message: str, path: Path) -> str:
    """The file of settings, with the line of the first setting that a message names."""
    path = Path(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    for word in re.findall(r"\w+", message):
        for number, line in enumerate(lines, start=1):
            if re.match(rf"\s*{word}\s*=", line):
                return f"{path.name}:{number}"
    return path.name


def settings_text(settings: Settings) -> str:
    """The settings as TOML that reads back equal; what is not said is left out."""
    lines = []
    for name, value in asdict(settings).items():
        if value is None or value == ():
            continue
        shown = list(value) if isinstance(value, tuple) else value
        # Of what TOML escapes, JSON leaves out DEL.
        text = json.dumps(shown, ensure_ascii=False).replace("\x7f", "\\u007f")
        lines.append(f"{name} = {text}")
    return "\n".join(lines) + "\n"

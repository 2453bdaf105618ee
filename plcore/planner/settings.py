"""What a planner sets: where, when, for whom, and what the clinic is like.

Each setting has its meaning, unit, range and default in one place, the fields of `Settings`, from
which the help of the command line, the checks and the documentation come. A plan is saved as a TOML
file with a line for each setting and a table of the planner's own numbers, and read back with the
line of a fault. The command line has the same names with hyphens.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from plcore.clinic.day import ClinicPlan, DayPlan, Dose, fewest_nurses, with_chairs
from plcore.clinic.demand import SEVERITIES, Opening, OwnNumbers
from plcore.clinic.places import (
    Area,
    by_fips,
    by_metropolitan_area,
    by_state,
    site_of,
    within_km,
)
from plcore.clinic.sizing import Prices
from plcore.evidence.data import DATA
from plcore.inputs import check_fields
from plcore.models.course import CoursePlan, infusion_days
from plcore.planner.gazetteer import counties_named, point_of_city, point_of_zip
from plcore.scenarios import Choice, Scenario, read_scenario

#: What a patient may have lost, by which a dose by weight is less: the levels of data/body_mass.csv.
LEVELS = ("none", "hand", "forearm", "arm", "foot", "below_knee", "leg")
#: What may follow a course.
RETURNS = ("boosters", "courses", "none")


def _setting(
    default: Any,
    words: str,
    low: float | None = None,
    high: float | None = None,
    *,
    note: str = "",
) -> Any:
    """A field with its meaning and unit in words, the range of its values, and a note."""
    return field(default=default, metadata={"words": words, "range": (low, high), "note": note})


_MODELLED = "By default it is what the model assumes."
_ASSUMED = "The default is assumed."
_PRINTED = (
    "The default is the middle of what a clinic page prints; no trial in phantom limb pain had it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a planner sets; whatever is left out has its default.

    One of near, zip, city, counties, state and metro says where the clinic is.

    Examples
    --------
    >>> settings = Settings(zip="90012", radius_km=60, chairs=4)
    >>> settings.chairs, settings.infusion_minutes
    (4, 40)
    """

    name: str = _setting("plan", "Name of the plan and of its files")
    near: tuple[float, float] | None = _setting(
        None, "Latitude and longitude of the clinic, in degrees north and east",
        note="Needs a radius.",
    )  # fmt: skip
    zip: str | None = _setting(None, "ZIP code of the clinic", note="Needs a radius.")
    city: str | None = _setting(
        None, "City or town of the clinic and its state, such as 'Cleveland, OH'",
        note="Needs a radius.",
    )  # fmt: skip
    counties: tuple[str, ...] = _setting(
        (), "Counties by code (FIPS), of five digits each, or by name, such as 'Kent County, DE'"
    )
    state: str | None = _setting(None, "State, by its two letters or its name")
    metro: str | None = _setting(
        None, "Code of a metropolitan, micropolitan or combined area, such as 31080"
    )
    radius_km: float | None = _setting(
        None, "Kilometres around the clinic", 1, 5000,
        note="A county counts as a whole if its population centre is within them.",
    )  # fmt: skip
    year: int = _setting(2027, "Year at whose start the clinic opens", 2005, 2100)
    n_years: int = _setting(5, "Years that are followed", 1, 20)
    scenario: str = _setting("baseline", "Name of a scenario in data/scenarios")
    severity: str = _setting(
        "moderate_severe",
        "Least severe pain that is counted: any, weekly, moderate_severe or extremely_bothersome",
    )
    share_served: float | None = _setting(
        None, "Share of the people who would have a course who have it at this clinic", 0, 1,
        note=_MODELLED,
    )  # fmt: skip
    share_accepting: float | None = _setting(
        None, "Share of the eligible people who would have a course", 0, 1, note=_MODELLED
    )
    ramp_years: float = _setting(
        1.0, "Years until everybody who will ever know of the clinic does", 0
    )
    known_at_first: float = _setting(
        0.25, "Share of these people who know of the clinic on its first day", 0, 1
    )
    distance_km: float | None = _setting(
        None,
        "Kilometres from the clinic at which 37% of those next door to it would still travel to it",
        1, 5000,
        note="With it the share served falls with distance and with other clinics within reach; by "
        "default it is the same everywhere.",
    )  # fmt: skip
    lead_days: int = _setting(
        14, "Days from referral until a first infusion can be given: assessment, consent, driver",
        0, 365, note="Assumed.",
    )  # fmt: skip
    patience_days: float | None = _setting(
        None, "Mean days that new patients wait before they give up", 1, 36_500,
        note="By default nobody gives up.",
    )  # fmt: skip
    season: tuple[float, ...] = _setting(
        (), "Referrals of each month of the year over those of a mean month, January first",
        0, 12, note="Twelve numbers.",
    )  # fmt: skip
    referral_growth: float = _setting(
        0.0, "Growth of the planner's own referrals a year, as a share", -0.9, 10
    )
    infusions: int = _setting(10, "Infusions of one course", 1, 60, note=_PRINTED)
    weeks: float = _setting(3.5, "Weeks over which one course is spread", 0.1, 52, note=_PRINTED)
    returns: str = _setting(
        "boosters",
        "What follows when relief ends: boosters (of one infusion), courses (complete) or none",
    )
    most_returns: int = _setting(3, "Times that a patient comes back at most", 0, 50)
    stop_without_relief_after: int | None = _setting(
        None, "Infusions after which patients stop whom the course does not help", 1, 60,
        note="By default they finish the course.",
    )  # fmt: skip
    chairs: int = _setting(2, "Chairs in which infusions are given", 1, 200)
    chairs_by_month: tuple[int, ...] = _setting(
        (), "Chairs in each month from the opening on, of which the last number stays", 1, 200,
        note="By default there are the same all the time.",
    )  # fmt: skip
    nurses: int | None = _setting(
        None, "Nurses on duty at the same time", 1, 200,
        note="By default they are the fewest that the chairs need.",
    )  # fmt: skip
    hours: float = _setting(
        8.0, "Hours a day from the first infusion until the last patient leaves", 0.5, 24
    )
    days_a_week: int = _setting(
        5, "Days a week on which the clinic is open, spread over the week", 1, 7,
        note="Three are Monday, Wednesday and Friday. It is closed on US federal holidays.",
    )  # fmt: skip
    infusion_minutes: int = _setting(40, "Minutes that one infusion takes", 1, 1440)
    recovery_minutes: int = _setting(
        45, "Minutes of recovery in the chair after an infusion, as planned", 0, 1440
    )
    turnover_minutes: int = _setting(
        15,
        "Minutes (assumed by default) that it takes to make a chair ready for the next patient",
        0,
    )
    patients_per_nurse: int = _setting(
        1, "Patients whom one nurse looks after during infusions", 1, note=_ASSUMED
    )
    recovering_per_nurse: int = _setting(
        4, "Patients whom one nurse looks after during recovery", 1, note=_ASSUMED
    )
    overbooking: float = _setting(1.0, "Visits booked for each visit that the day holds", 1, 3)
    visits_a_day: int | None = _setting(
        None, "Most visits that are booked on a day", 1, 10_000,
        note="By default they are as many as chairs and nurses allow.",
    )  # fmt: skip
    other_visits_a_day: int = _setting(
        0, "Visits a day that other patients have in the same chairs", 0, 10_000
    )
    waiting_list: int = _setting(
        0, "People who wait on the first day, in addition to those expected", 0, 100_000
    )
    waiting_by_month: tuple[int, ...] = _setting(
        (), "How many of them were referred in each month before the opening, the last month first",
        0, 100_000, note="By default their wait is counted from the opening.",
    )  # fmt: skip
    mg_per_kg: float = _setting(
        0.5, "Milligrams of ketamine in one infusion for each kilogram of body weight", 0,
        note="The default, in 40 minutes, is what a clinic page prints: as for depression.",
    )  # fmt: skip
    mg: float = _setting(
        0.0, "Milligrams of ketamine in one infusion in addition, whatever the weight", 0
    )
    limb_lost: str = _setting(
        "none",
        "Limb that patients have lost, without which they weigh less than the adults whose weights "
        "are known: none, hand, forearm, arm, foot, below_knee or leg",
    )
    vial_mg: float = _setting(500.0, "Milligrams of ketamine in one vial, above 0", note=_ASSUMED)
    most_load: float = _setting(
        0.85, "Load of the busiest year that the number of chairs is to keep within", 0.05, 1,
        note="Above it waits grow long.",
    )  # fmt: skip
    within_days: int = _setting(
        30, "Service level: days from referral within which a first infusion is given", 0, 3650
    )
    share_within: float = _setting(
        0.9, "Service level: share of patients who have it within these days", 0.01, 1
    )
    probability: float = _setting(
        0.8, "Probability with which load and service level are kept", 0.01, 0.999
    )
    target_months: int | None = _setting(
        None, "Months after the opening by which the service level is to be kept", 1, 240
    )
    nurse_hour_price: float | None = _setting(None, "Price of an hour of a nurse", 0)
    chair_year_price: float | None = _setting(None, "Price of a chair a year", 0)
    vial_price: float | None = _setting(None, "Price of a vial", 0)
    rent_year_price: float | None = _setting(None, "Rent a year, whatever the chairs", 0)
    infusion_fee: float | None = _setting(None, "What is paid for an infusion", 0)
    leave_share: float = _setting(
        0.0, "Share of their paid hours that nurses are away: leave, illness, training", 0, 0.5
    )
    draws: int = _setting(256, "Samples (draws) of what we do not know", 16, 16_384)
    runs: int = _setting(4, "Samples (runs) of chance for each draw", 1, 1000)
    seed: int = _setting(
        1, "Seed of the random numbers", 0, 2**32, note="The same seed gives the same answer."
    )

    own: OwnNumbers | None = field(
        default=None,
        metadata={
            "words": "The planner's own counts, which take the place of modelled numbers",
            "range": (None, None),
            "note": "",
        },
    )

    def __post_init__(self) -> None:
        check_fields(self)
        given = [name for name in PLACES if getattr(self, name) not in (None, ())]
        if len(given) != 1:
            named = " and ".join(given) if given else "no setting"
            raise ValueError(f"the place is given by {named}; expected one of {', '.join(PLACES)}")
        needs_radius = given[0] in NEEDS_RADIUS
        if needs_radius != (self.radius_km is not None):
            what = (
                "a distance in km" if needs_radius else f"none, as the place is given by {given[0]}"
            )
            raise ValueError(f"radius_km is {self.radius_km}; expected {what}")
        for item in fields(self):
            value, (low, high) = getattr(self, item.name), item.metadata["range"]
            if value is None or low is None:
                continue
            for number in value if item.type.startswith("tuple") else (value,):
                expected = "a whole number" if "int" in item.type else "a number"
                kinds = (int, np.integer) if "int" in item.type else (int, float, np.number)
                if isinstance(number, bool) or not isinstance(number, kinds):
                    raise ValueError(f"{item.name} is {number!r}; expected {expected}")
                if not low <= number <= (np.inf if high is None else high):
                    raise ValueError(
                        f"{item.name} is {number:g}; expected {_range_in_words(low, high)}"
                    )
        for name, words in (
            ("severity", tuple(SEVERITIES)),
            ("returns", RETURNS),
            ("limb_lost", LEVELS),
        ):
            if getattr(self, name) not in words:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}; expected one of {', '.join(words)}"
                )
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"name is {self.name!r}; expected letters, digits, spaces, dots, hyphens and "
                "underscores, as in the name of a file"
            )
        visit = self.infusion_minutes + self.recovery_minutes
        if 60 * self.hours < visit:
            raise ValueError(
                f"hours is {self.hours:g}, which is shorter than a visit of {visit} minutes; "
                f"expected {visit / 60:.3g} or more"
            )
        stop = self.stop_without_relief_after
        if stop is not None and stop > self.infusions:
            raise ValueError(
                f"stop_without_relief_after is {stop}; expected at most the {self.infusions} "
                "infusions of the course"
            )
        if self.season and (len(self.season) != 12 or sum(self.season) == 0):
            raise ValueError(
                f"season has {len(self.season)} numbers with the sum {sum(self.season):g}; "
                "expected 12, not all of them 0"
            )
        if self.waiting_by_month and sum(self.waiting_by_month) != self.waiting_list:
            raise ValueError(
                f"waiting_by_month has {sum(self.waiting_by_month)} people; expected the "
                f"{self.waiting_list} of waiting_list"
            )
        if self.target_months is not None and self.target_months > 12 * self.n_years:
            raise ValueError(
                f"target_months is {self.target_months}; expected at most the "
                f"{12 * self.n_years} months that are followed"
            )
        if self.within_days >= 365 * self.n_years:
            raise ValueError(
                f"within_days is {self.within_days}; expected fewer than the "
                f"{365 * self.n_years} days that are followed"
            )
        self.clinic()
        self.opening()

    def area(self, *, folder: Path = DATA) -> Area:
        """The counties of the place."""
        if self.near is not None:
            return within_km(*self.near, float(self.radius_km or 0), folder=folder)
        if self.zip is not None or self.city is not None:
            point = (
                point_of_city(str(self.city), folder=folder)
                if self.zip is None
                else point_of_zip(self.zip, folder=folder)
            )
            km = float(self.radius_km or 0)
            name = f"within {km:g} km of {point.name}"
            return within_km(point.lat, point.lon, km, name=name, folder=folder)
        if self.state is not None:
            return by_state(self.state, folder=folder)
        if self.metro is not None:
            return by_metropolitan_area(self.metro, folder=folder)
        return by_fips(counties_named(self.counties, folder=folder), folder=folder)

    def scenario_of_years(self, *, folder: Path = DATA) -> Scenario:
        """The scenario for the years of the clinic and one more, by which those who leave count."""
        last = self.year + self.n_years
        choices = read_scenario(self.scenario, folder=folder).choices
        if choices["prevalence_kind"] == "ever":
            raise ValueError(
                f"scenario is {self.scenario!r}, which counts everybody who ever had pain; expected "
                "one that counts pain now"
            )
        if last > int(choices["last_year"]):
            raise ValueError(
                f"year is {self.year} and n_years is {self.n_years}; the year after, {last}, is "
                f"needed too: expected {choices['last_year']} or before, where the scenario ends"
            )
        years: dict[str, Choice] = {"first_year": self.year, "last_year": last}
        return read_scenario(self.scenario, choices=years, folder=folder)

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
        changes = tuple(
            (round(month * 365.25 / 12), self._with_chairs(day, chairs))
            for month, chairs in enumerate(self.chairs_by_month)
            if month and chairs != self.chairs_by_month[month - 1]
        )
        if self.chairs_by_month:
            day = self._with_chairs(day, self.chairs_by_month[0])
        days = infusion_days(self.infusions, self.weeks)
        course = {
            "none": lambda: CoursePlan(days),
            "boosters": lambda: CoursePlan(days, max_returns=self.most_returns),
            "courses": lambda: CoursePlan(days, days, max_returns=self.most_returns),
        }[self.returns]()
        course = replace(course, stop_without_relief_after=self.stop_without_relief_after)
        dose = Dose(self.vial_mg, mg_per_kg=self.mg_per_kg, mg=self.mg)
        return ClinicPlan(
            day, course, dose, overbooking=self.overbooking, other_visits=self.other_visits_a_day,
            changes=changes,
        )  # fmt: skip

    def _with_chairs(self, day: DayPlan, chairs: int) -> DayPlan:
        resized = replace(day, chairs=chairs)
        return resized if self.nurses is not None else with_chairs(resized, chairs)

    @property
    def n_days(self) -> int:
        """Days of the calendar years that are followed."""
        return (date(self.year + self.n_years, 1, 1) - date(self.year, 1, 1)).days

    def site(self, area: Area, *, folder: Path = DATA) -> tuple[float, float]:
        """Latitude and longitude of the clinic: as set, or where most people of the area live."""
        if self.near is not None:
            return self.near
        if self.zip is None and self.city is None:
            return site_of(area, folder=folder)
        point = (
            point_of_city(str(self.city), folder=folder)
            if self.zip is None
            else point_of_zip(self.zip, folder=folder)
        )
        return point.lat, point.lon

    def prices(self) -> Prices:
        """The planner's own prices."""
        return Prices(
            nurse_hour=self.nurse_hour_price,
            chair_year=self.chair_year_price,
            vial=self.vial_price,
            rent_year=self.rent_year_price,
            infusion_fee=self.infusion_fee,
            leave_share=self.leave_share,
        )

    def own_shares(self) -> dict[str, float]:
        """Shares that the planner gave, by step of the funnel."""
        given = {"accepting": self.share_accepting, "choosing": self.share_served}
        return {step: share for step, share in given.items() if share is not None}


def meanings() -> dict[str, str]:
    """What each setting means, in sentences with its unit and range."""
    sentences = {}
    for item in fields(Settings):
        parts = [item.metadata["words"], _range_in_words(*item.metadata["range"])]
        note = item.metadata["note"]
        sentences[item.name] = ", ".join(filter(None, parts)) + "." + (f" {note}" if note else "")
    return sentences


def defaults() -> dict[str, object]:
    """The default of each setting; None or () where there is none."""
    return {item.name: item.default for item in fields(Settings)}


def _range_in_words(low: float | None, high: float | None) -> str:
    if low is None:
        return ""
    if high is None:
        return f"{low:g} or more"
    return f"from {_shown(low)} to {_shown(high)}"


def _shown(value: float) -> str:
    return f"{value:,}" if value >= 10_000 else f"{value:g}"


def _attributes() -> str:
    """The section on attributes of the documentation of `Settings`."""
    lines = ["", "    Attributes", "    ----------"]
    for item, meaning in zip(fields(Settings), meanings().values(), strict=True):
        default = f" Default: {item.default}." if item.default not in (None, ()) else ""
        lines += [f"    {item.name} : {item.type}", f"        {meaning}{default}"]
    return "\n".join([*lines, "    "])


Settings.__doc__ = (Settings.__doc__ or "") + _attributes()

#: The greatest value that a setting may have.
MOST_SETTING: Mapping[str, Any] = {
    item.name: item.metadata["range"][1] for item in fields(Settings)
}
#: The settings of which one says where the clinic is.
PLACES = ("near", "zip", "city", "counties", "state", "metro")
#: Of these, those around which there is a radius.
NEEDS_RADIUS = ("near", "zip", "city")
# Begins and ends with a letter or a digit.
_LONGEST_NAME = 80
_NAME = re.compile(rf"\w([\w .-]{{0,{_LONGEST_NAME - 2}}}\w)?")


def settings_from(given: Mapping[str, object]) -> Settings:
    """Settings from values by name, as a TOML file or a command line gives them."""
    known = {item.name: str(item.type) for item in fields(Settings)}
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; expected one of {', '.join(known)}"
            raise ValueError(f"unknown setting {name}{hint}")
    typed = {name: _typed(name, value, known[name]) for name, value in given.items()}
    return Settings(**typed)  # type: ignore[arg-type]


def _own_from(given: object) -> OwnNumbers:
    """Own numbers from the table [own] of a TOML file."""
    if isinstance(given, OwnNumbers):
        return given
    if not isinstance(given, Mapping):
        raise ValueError(f"own is {given!r}; expected a table [own], such as --own makes of a file")
    known = {item.name: str(item.type) for item in fields(OwnNumbers)}
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; expected one of {', '.join(known)}"
            raise ValueError(f"unknown own number {name}{hint}")
    kinds = {name: kind.replace("tuple[int, ...]", "tuple[int") for name, kind in known.items()}
    return OwnNumbers(**{name: _typed(name, value, kinds[name]) for name, value in given.items()})  # type: ignore[arg-type]


def _typed(name: str, value: object, kind: str) -> object:
    """The value as the setting's type; 8 for 8.0 is right, 8.5 for 8 is not."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind.startswith("OwnNumbers"):
        return _own_from(value)
    if kind.startswith("tuple[int") and isinstance(value, list | tuple):
        return tuple(_typed(name, item, "int") for item in value)
    if kind.startswith("int") and number and float(str(value)).is_integer():
        return int(float(str(value)))
    if kind.startswith("float") and number and np.isfinite(float(str(value))):
        return float(str(value))
    if kind.startswith("str") and isinstance(value, str):
        return value
    if kind.startswith("tuple") and isinstance(value, list | tuple):
        wanted = str if "str" in kind else int if "int" in kind else (int, float)
        size = len(value) if "..." in kind else 2
        right = all(isinstance(item, wanted) and not isinstance(item, bool) for item in value)
        if len(value) == size and right:
            return tuple(float(item) if "float" in kind else item for item in value)
    words = {
        "int": "a whole number", "float": "a number", "str": "text in quotes",
        "tuple[float, float": "two numbers, [latitude, longitude]",
        "tuple[float": "a list of numbers", "tuple[int": "a list of whole numbers",
        "tuple[str": "a list of texts",
    }  # fmt: skip
    expected = next(word for start, word in words.items() if kind.startswith(start))
    raise ValueError(f"{name} is {value!r}; expected {expected}")


def read_settings(path: Path) -> Settings:
    """Settings from a TOML file, such as ``python3 run.py plan`` saves.

    Parameters
    ----------
    path : Path
        A file of lines such as ``chairs = 4``. Settings that it does not name have their defaults;
        a plan without a name has that of its file.

    Returns
    -------
    Settings

    Raises
    ------
    ValueError
        With the file and, where one setting is at fault, its line.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "mine.toml"
    >>> _ = path.write_text('state = "VT"')
    >>> read_settings(path).state
    'VT'
    """
    given = read_given(path)
    try:
        return settings_from(given)
    except ValueError as error:
        raise ValueError(f"{located(str(error), path)}: {error}") from None


def read_given(path: Path) -> dict[str, object]:
    """The values of a TOML file of settings by name, not yet checked, and a name for the plan."""
    path = Path(path)
    try:
        content = path.read_bytes().decode("utf-8")
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise ValueError(f"{path.name}: {reason}; expected settings as TOML") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name}: byte {error.start} is not UTF-8") from None
    try:
        given = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name}: {error}; expected TOML, such as chairs = 4") from None
    default = defaults()["name"]
    return given | {"name": name_of(path)} if given.get("name", default) == default else given


def name_of(path: Path) -> str:
    """The name of a plan that has none of its own: that of its file, as far as a name allows."""
    plain = re.sub(r"[^\w .-]+", "_", path.stem).strip(" .-")[:_LONGEST_NAME].strip(" .-")
    return plain or str(defaults()["name"])


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
    """The settings as TOML that reads back equal; what has no value, or no name, is left out."""
    values = asdict(settings)
    if values["name"] == defaults()["name"]:
        del values["name"]
    own = values.pop("own")
    if own is not None and not own["referrals"]:
        own = {name: value for name, value in own.items() if name != "first_month"}
    tables = [_toml(values)] if own is None else [_toml(values), "[own]\n" + _toml(own)]
    return "\n".join(tables)


def _toml(values: Mapping[str, object]) -> str:
    lines = []
    for name, value in values.items():
        if value is None or value == ():
            continue
        shown = list(value) if isinstance(value, tuple) else value
        # Of what TOML escapes, JSON leaves out DEL.
        text = json.dumps(shown, ensure_ascii=False).replace("\x7f", "\\u007f")
        lines.append(f"{name} = {text}\n")
    return "".join(lines)

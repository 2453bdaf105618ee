"""``python3 run.py plan``: a clinic planned from the command line.

Every setting is a flag, made from the fields of `plcore.planner.settings.Settings`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd

from plcore.clinic.options import Prices
from plcore.clinic.own import OwnNumbers, own_template, read_own
from plcore.clinic.places import COUNTIES, ZIPS, frame, metropolitan_areas
from plcore.clinic.results import share_within
from plcore.clinic.sizing import advise
from plcore.planner.answers import Answer, answer, sizes, ways_to_run
from plcore.planner.sentences import WHAT_IT_IS_NOT, in_sentences
from plcore.planner.settings import (
    PLACES,
    Settings,
    defaults,
    located,
    meanings,
    read_given,
    read_settings,
    settings_from,
    settings_text,
)
from plcore.planner.tables import PERIODS, answer_tables, side_by_side
from plcore.planner.workbook import require_xlsxwriter, write_comparison, write_plan, write_tables
from plcore.scenarios import read_scenario, scenario_names

#: How a value is written, by the beginning of a setting's type.
_METAVARS = {
    "int": "N", "float": "X", "str": "TEXT", "tuple[float, float": "LAT,LON",
    "tuple[float, ...": "X", "tuple[int": "N", "tuple[str": "FIPS",
}  # fmt: skip
#: Words of errors from other modules that do not begin with a setting's name, and that setting.
_OTHER_NAMES = {
    "lat is": "near", "lon is": "near", "km of the nearest county": "near",
    "from the nearest county": "near", "has its centre within": "radius_km", "no ZIP code": "zip",
    "county": "counties", "no state": "state", "no metropolitan area": "metro",
    "do not fit into": "infusions",
}  # fmt: skip
_POINT = "latitude, then longitude, such as 34.05,-118.24"
#: Own numbers that may not fit the modelled ones.
_OWN_NUMBERS = ("visits_a_day", "limb_loss", "plp")


@dataclass(frozen=True, slots=True)
class Request:
    """Where the settings of a plan come from.

    Attributes
    ----------
    flags : mapping of str to object
        Settings of the command line, by name.
    file : Path, optional
        A file of settings; flags replace those in it.
    """

    flags: Mapping[str, object]
    file: Path | None = None

    def settings(self) -> Settings:
        """The settings of the file, replaced by those of the flags where both have one.

        A place among the flags replaces any place of the file.
        """
        if self.file is not None and not self.flags:
            return read_settings(self.file)
        values = {} if self.file is None else read_given(self.file)
        if any(place in self.flags for place in PLACES):
            for place in PLACES:
                values.pop(place, None)
            if "near" not in self.flags and "zip" not in self.flags:
                values.pop("radius_km", None)
        values.update(self.flags)
        try:
            return settings_from(values)
        except ValueError as error:
            raise ValueError(self.locate(str(error))) from None

    def locate(self, message: str) -> str:
        """The message after the flag, or the file and line, that it is about."""
        if message.startswith("the place"):
            places = [place for place in PLACES if place in self.flags]
            if places or self.file is None:
                return f"{', '.join(map(_flag, places or PLACES))}: {message}"
        name = _setting_of(message)
        if name in self.flags:
            return f"{_flag(name)}: {message}"
        if self.file is not None and (not name or name in read_given(self.file)):
            return f"{located(name or message, self.file)}: {message}"
        return f"{_flag(name)}: {message}" if name else message


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        if message.startswith("argument --near"):
            # "-118.24,34.05" looks like a flag; latitudes of the United States are above 0.
            raise ValueError(f"--near: expected {_POINT}")
        raise ValueError(f"{message.removeprefix('argument ')}; --help lists all options")


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 for a plan written, 2 for what cannot be planned, with a line that says why."""
    start = time.monotonic()
    try:
        options = _parser().parse_args(arguments)
        if _looked_up(options):
            return 0
        # Checked before minutes of work for nothing.
        require_xlsxwriter()
        if options.to.exists() and not options.to.is_dir():
            raise ValueError(f"--to: {options.to} is a file; expected a folder, old or new")
        own = None if options.own is None else read_own(options.own)
        lines = _compared(options, own) if options.compare else _planned(options, own)
        print("\n".join(lines))
    except ValueError as error:
        print(f"plan: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"plan: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    print(f"Done in {time.monotonic() - start:.1f} s.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="run.py plan",
        allow_abbrev=False,
        description="Estimates how many people around a clinic have limb loss and phantom limb "
        "pain, how many of them would come, how many chairs they need and how long they would "
        "wait. Writes an Excel workbook and CSV files.",
        epilog="Example: run.py plan --near 34.05,-118.24 --radius-km 60 --year 2030 --chairs 4",
    )
    group = parser.add_argument_group(
        "settings",
        "One of --near, --zip, --counties, --state and --metro says where the clinic is.",
    )
    words, default = meanings(), defaults()
    for field in fields(Settings):
        kind, value = str(field.type), default[field.name]
        sentence = words[field.name] + ("" if value in (None, ()) else f" Default: {value}.")
        group.add_argument(
            _flag(field.name),
            dest=field.name,
            default=argparse.SUPPRESS,
            nargs="+" if kind.startswith("tuple") else None,
            metavar=next(word for start, word in _METAVARS.items() if kind.startswith(start)),
            # Help is formatted with %.
            help=sentence.replace("%", "%%"),
        )
    files = parser.add_argument_group("files")
    for flag, metavar, text in (
        (
            "--settings",
            "TOML",
            "File of settings that were saved before. Flags replace its values.",
        ),
        ("--save", "TOML", "File in which to save the settings."),
        ("--own", "CSV", "File of your own counts, which replace the modelled numbers."),
        ("--own-template", "CSV", "Write a file to fill in for --own, and stop."),
    ):
        files.add_argument(flag, type=Path, metavar=metavar, help=text)
    files.add_argument(
        "--compare", type=Path, nargs="+", metavar="TOML",
        help="Several files of settings, whose plans are written and compared side by side.",
    )  # fmt: skip
    files.add_argument(
        "--to", type=Path, default=Path("plan"), metavar="FOLDER",
        help="Folder to write to. Default: plan.",
    )  # fmt: skip
    files.add_argument(
        "--period", choices=PERIODS, default="month",
        help="Period over which the clinic's days are added up. Default: month.",
    )  # fmt: skip
    files.add_argument(
        "--no-sizes", action="store_true",
        help="Leave out clinics with other numbers of chairs, for a quicker answer.",
    )  # fmt: skip
    lists = parser.add_argument_group("lists")
    lists.add_argument(
        "--list-metros", metavar="TEXT",
        help="List the metropolitan areas whose title contains this text, with their codes.",
    )  # fmt: skip
    lists.add_argument(
        "--list-scenarios", action="store_true", help="List the scenarios with their titles."
    )
    return parser


def _looked_up(options: argparse.Namespace) -> bool:
    """Print a list or write a template, if asked; True then. Otherwise save settings, if asked."""
    if options.list_metros is not None:
        table = metropolitan_areas()
        title = table["title"].str.casefold()
        areas = table[title.str.contains(options.list_metros.casefold(), regex=False)]
        if areas.empty:
            raise ValueError(
                f"--list-metros: no area is called {options.list_metros!r}; expected words of a "
                "title, such as Angeles"
            )
        print(areas.to_string(index=False, header=False))
        return True
    if options.list_scenarios:
        for name in scenario_names():
            print(f"{name:24}{read_scenario(name).title}")
        return True
    if options.own_template is not None:
        path = options.own_template
        if path.exists():
            raise ValueError(f"--own-template: {path} exists; expected the name of a new file")
        path.write_text(own_template(), encoding="utf-8", newline="\n")
        print(f"Written: {path}. Fill it in, delete what you do not know, and name it with --own.")
        return True
    if options.save is not None:
        if options.compare:
            raise ValueError("--save: with --compare there are several settings; expected one")
        text = settings_text(Request(_flags(options), options.settings).settings())
        options.save.write_text(text, encoding="utf-8", newline="\n")
    return False


def _planned(options: argparse.Namespace, own: OwnNumbers | None) -> list[str]:
    """One plan, written; the lines to be printed."""
    request = Request(_flags(options), options.settings)
    plan, sizing = _answered(request, own, options)
    replaced, paths = _written(request.settings(), plan, sizing, options)
    by_target = ways = None
    if sizing is not None:
        months = plan.settings.target_months
        by_target = None if months is None else sizes(plan, by_month=months)
        # Where one chair is enough, or prices are given, other ways to run it may be better.
        one_chair = advise(sizing, probability=plan.settings.probability).chairs == 1
        if one_chair or plan.settings.prices() != Prices(leave_share=plan.settings.leave_share):
            ways = ways_to_run(plan)
    sentences = in_sentences(plan, sizing, by_target=by_target, ways=ways)
    lines = [*sentences, *WHAT_IT_IS_NOT, ""]
    return [*lines, *_summary_of_files(paths, replaced, options.to)]


def _compared(options: argparse.Namespace, own: OwnNumbers | None) -> list[str]:
    """Several plans, written and side by side; the lines to be printed."""
    if options.settings is not None:
        raise ValueError("--settings: with --compare, name the file among those of --compare")
    flags = _flags(options)
    if "name" in flags:
        raise ValueError("--name: with --compare each plan has the name of its file")
    plans: dict[str, Answer] = {}
    sizing: dict[str, pd.DataFrame] = {}
    paths: list[Path] = []
    replaced = 0
    for file in options.compare:
        # A plan without a name of its own has that of its file.
        name = {} if "name" in read_given(file) else {"name": file.stem}
        request = Request({**flags, **name}, file)
        settings = request.settings()
        if settings.name in plans:
            raise ValueError(
                f"{file.name}: name is {settings.name!r}, which another plan has; expected a "
                "different name"
            )
        plan, table = _answered(request, own, options)
        plans[settings.name] = plan
        if table is not None:
            sizing[settings.name] = table
        before, written = _written(settings, plan, table, options)
        replaced += before
        paths += written
    side = side_by_side(plans, sizing=sizing if sizing else None)
    both = [options.to / "side_by_side.xlsx", options.to / "side_by_side.csv"]
    replaced += sum(path.exists() for path in both)
    write_comparison(both[0], plans, side)
    paths += [both[0], *write_tables(options.to, {"side_by_side": side})]
    lines = [side.to_string(index=False, max_colwidth=40), "", *WHAT_IT_IS_NOT, ""]
    return [*lines, *_summary_of_files(paths, replaced, options.to)]


def _answered(
    request: Request, own: OwnNumbers | None, options: argparse.Namespace
) -> tuple[Answer, pd.DataFrame | None]:
    settings = request.settings()
    try:
        plan = answer(settings, own=own)
        judged = np.isfinite(share_within(plan.outcome, settings.within_days)).any()
        return plan, sizes(plan) if judged and not options.no_sizes else None
    except ValueError as error:
        message = str(error) + _similar_codes(settings, str(error))
        if own is not None and message.startswith(_OWN_NUMBERS):
            raise ValueError(f"{options.own.name}: {message}") from None
        raise ValueError(request.locate(message)) from None


def _written(
    requested: Settings, plan: Answer, sizing: pd.DataFrame | None, options: argparse.Namespace
) -> tuple[int, list[Path]]:
    """Write a plan; how many of its files replaced others, and all of them."""
    folder, name = options.to, plan.settings.name
    tables = answer_tables(plan, sizing, period=options.period)
    folder.mkdir(parents=True, exist_ok=True)
    workbook, settings = folder / f"{name}.xlsx", folder / f"{name}.toml"
    csv = [folder / f"{name}_{table}.csv" for table in tables]
    before = sum(path.exists() for path in (workbook, settings, *csv))
    write_plan(workbook, plan, sizing, tables)
    # Settings as requested: own numbers are in a file of their own.
    comment = f"# read with --own {options.own.name}\n" if plan.own is not None else ""
    settings.write_text(comment + settings_text(requested), encoding="utf-8", newline="\n")
    write_tables(folder, {f"{name}_{table}": rows for table, rows in tables.items()})
    return before, [workbook, settings, *csv]


def _summary_of_files(paths: Sequence[Path], replaced: int, folder: Path) -> list[str]:
    others = sum(path not in paths for path in folder.iterdir())
    lines = [f"{len(paths)} files written to {folder}: {', '.join(path.name for path in paths)}"]
    if replaced:
        lines.append(f"{replaced} of them replaced older files of the same name.")
    if others:
        lines.append(f"Other files in the folder, left as they were: {others}.")
    return lines


def _flags(options: argparse.Namespace) -> dict[str, object]:
    """The settings of the command line, as values of their types where they are such."""
    return {
        field.name: _value(field.name, getattr(options, field.name), str(field.type))
        for field in fields(Settings)
        if hasattr(options, field.name)
    }


def _value(name: str, text: str | list[str], kind: str) -> object:
    if kind.startswith("str"):
        return text
    text = text if isinstance(text, str) else ",".join(text)
    items = [item for item in text.split(",") if item]
    if kind.startswith("tuple[str"):
        return items
    numbers = [_number(item) for item in items]
    if "..." in kind and None not in numbers:
        return numbers
    wanted = 2 if kind.startswith("tuple") else 1
    if len(numbers) != wanted or None in numbers:
        expected = {
            "int": "a whole number", "float": "a number", "tuple[float, float": _POINT,
            "tuple": "numbers, with commas between them",
        }  # fmt: skip
        words = next(words for start, words in expected.items() if kind.startswith(start))
        raise ValueError(f"{_flag(name)}: {text!r}; expected {words}")
    return numbers if wanted == 2 else numbers[0]


def _number(text: str) -> float | int | None:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def _setting_of(message: str) -> str:
    """The setting that an error is about, or nothing."""
    first = message.split(" ", 1)[0]
    if first in (field.name for field in fields(Settings)):
        return first
    return next((name for words, name in _OTHER_NAMES.items() if words in message), "")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _similar_codes(settings: Settings, message: str) -> str:
    """Codes near one that is unknown, as the end of a sentence."""
    names: dict[str, str] = {}
    if message.startswith("no ZIP code") and settings.zip is not None:
        unknown, codes = settings.zip, frame(ZIPS)["zip"].tolist()
    elif message.startswith("no county '"):
        table = frame(COUNTIES)
        codes = table["fips"].tolist()
        names = dict(zip(codes, table["county"] + ", " + table["state"], strict=True))
        unknown = next(code for code in settings.counties if code not in names)
    else:
        return ""
    if not unknown.isdecimal():
        return ""
    near = sorted(codes, key=lambda code: (abs(int(code) - int(unknown)), code))[:2]
    shown = [f"{code} ({names[code]})" if code in names else code for code in near]
    return f"; the nearest codes are {' and '.join(shown)}"

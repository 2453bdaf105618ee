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

from plcore.clinic.own import OwnNumbers, own_template, read_own
from plcore.clinic.places import COUNTIES, ZIPS, frame, metropolitan_areas
from plcore.clinic.results import share_within
from plcore.planner.answers import Answer, answer, sizes
from plcore.planner.sentences import WHAT_IT_IS_NOT, in_sentences
from plcore.planner.settings import (
    PLACES,
    Settings,
    located,
    meanings,
    read_given,
    settings_from,
    settings_text,
)
from plcore.planner.tables import PERIODS, answer_tables, side_by_side
from plcore.planner.workbook import require_xlsxwriter, write_comparison, write_plan, write_tables
from plcore.scenarios import read_scenario, scenario_names

#: What a value looks like, by the beginning of a setting's type.
_METAVARS = {
    "int": "N", "float": "X", "str": "TEXT", "tuple[float": "LAT,LON", "tuple[str": "FIPS",
}  # fmt: skip
#: Words of the errors of other modules that name a setting otherwise.
_OTHER_NAMES = {
    "lat is": "near", "lon is": "near", "km of the nearest county": "near",
    "from the nearest county": "near", "has its centre within": "radius_km", "no ZIP code": "zip",
    "county": "counties", "no state": "state", "no metropolitan area": "metro",
    "do not fit into": "infusions",
}  # fmt: skip


_POINT = "latitude, then longitude, such as 34.05,-118.24"


@dataclass(frozen=True, slots=True)
class Said:
    """What a plan's settings come from.

    Attributes
    ----------
    flags : mapping of str to object
        Settings of the command line, by name.
    file : Path, optional
        Settings that the flags go over.
    """

    flags: Mapping[str, object]
    file: Path | None = None

    def settings(self) -> Settings:
        """The settings of the file with the flags over them.

        A place among the flags takes the place of that of the file.
        """
        given = {} if self.file is None else read_given(self.file)
        if any(place in self.flags for place in PLACES):
            for place in PLACES:
                given.pop(place, None)
            if "near" not in self.flags and "zip" not in self.flags:
                given.pop("radius_km", None)
        given.update(self.flags)
        try:
            return settings_from(given)
        except ValueError as error:
            raise ValueError(self.where(str(error))) from None

    def where(self, message: str) -> str:
        """The message after the flag, or the file and line, that it is about."""
        if message.startswith("the place"):
            said = [place for place in PLACES if place in self.flags]
            if said or self.file is None:
                return f"{', '.join(map(_flag, said or PLACES))}: {message}"
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
        raise ValueError(f"{message.removeprefix('argument ')}; --help lists what there is")


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 for a plan written, 2 for what cannot be planned, with a line that says why."""
    start = time.monotonic()
    try:
        options = _parser().parse_args(arguments)
        if _listed(options):
            return 0
        # Before minutes of work for nothing.
        require_xlsxwriter()
        if options.to.exists() and not options.to.is_dir():
            raise ValueError(f"--to: {options.to} is a file; expected a folder, old or new")
        own = None if options.own is None else read_own(options.own)
        planned = _compared(options, own) if options.compare else _planned(options, own)
        print("\n".join(planned))
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
        description="People with limb loss and phantom limb pain around a clinic, patients who "
        "would come, chairs and waiting, as an Excel workbook and CSV files.",
        epilog="Example: run.py plan --near 34.05,-118.24 --radius-km 60 --year 2030 --chairs 4",
    )
    # Help is formatted with %: that of the settings has none.
    words = meanings()
    group = parser.add_argument_group("settings (one of near, zip, counties, state, metro)")
    for field in fields(Settings):
        kind = str(field.type)
        usual = "" if field.default in (None, ()) else f" Usual: {field.default}."
        group.add_argument(
            _flag(field.name),
            dest=field.name,
            default=argparse.SUPPRESS,
            nargs="+" if kind.startswith("tuple") else None,
            metavar=next(word for start, word in _METAVARS.items() if kind.startswith(start)),
            help=words[field.name].replace("%", "%%") + usual,
        )
    _add_files(parser.add_argument_group("files"))
    lists = parser.add_argument_group("lists")
    lists.add_argument("--list-metros", metavar="TEXT", help="metropolitan areas named so")
    lists.add_argument("--list-scenarios", action="store_true", help="scenarios, and what each is")
    return parser


def _add_files(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--settings", type=Path, metavar="TOML", help="settings saved before; flags go over them"
    )
    group.add_argument("--save", type=Path, metavar="TOML", help="where to save the settings")
    group.add_argument(
        "--own", type=Path, metavar="CSV", help="your own numbers in place of modelled ones"
    )
    group.add_argument(
        "--own-template", type=Path, metavar="CSV", help="write a file to fill in for --own"
    )
    group.add_argument(
        "--compare", type=Path, nargs="+", metavar="TOML", help="several settings side by side"
    )
    group.add_argument(
        "--to", type=Path, default=Path("plan"), metavar="FOLDER", help="usually plan"
    )
    group.add_argument(
        "--period", choices=PERIODS, default="month", help="by what days are added up"
    )
    group.add_argument(
        "--no-sizes", action="store_true", help="no other numbers of chairs: a quicker answer"
    )


def _listed(options: argparse.Namespace) -> bool:
    """Whether the command line asks for a list or a file to start from, which is then given."""
    if options.list_metros is not None:
        table = metropolitan_areas()
        title = table["title"].str.casefold()
        found = table[title.str.contains(options.list_metros.casefold(), regex=False)]
        if found.empty:
            raise ValueError(
                f"--list-metros: no area is called {options.list_metros!r}; expected a part of a "
                "title, such as Angeles"
            )
        print(found.to_string(index=False, header=False))
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
        print(f"{path}: fill it in, delete what you do not know, and name it with --own")
        return True
    if options.save is not None:
        if options.compare:
            raise ValueError("--save: with --compare there are several settings; expected one")
        text = settings_text(Said(_flags(options), options.settings).settings())
        options.save.write_text(text, encoding="utf-8", newline="\n")
    return False


def _planned(options: argparse.Namespace, own: OwnNumbers | None) -> list[str]:
    """One plan written; the lines to be printed."""
    said = Said(_flags(options), options.settings)
    found, sizing = _answered(said, own, options)
    replaced, paths = _written(said.settings(), found, sizing, options)
    return [*in_sentences(found, sizing), *WHAT_IT_IS_NOT, "", *_told(paths, replaced, options.to)]


def _compared(options: argparse.Namespace, own: OwnNumbers | None) -> list[str]:
    """Several plans written, and side by side; the lines to be printed."""
    if options.settings is not None:
        raise ValueError("--settings: expected among the files of --compare")
    answers: dict[str, Answer] = {}
    sizing: dict[str, pd.DataFrame] = {}
    flags = _flags(options)
    if "name" in flags:
        raise ValueError("--name: with --compare each plan has the name of its file")
    paths: list[Path] = []
    replaced = 0
    for file in options.compare:
        # Without a name of its own a plan is called as its file.
        name = {} if "name" in read_given(file) else {"name": file.stem}
        said = Said({**flags, **name}, file)
        if said.settings().name in answers:
            raise ValueError(
                f"{file.name}: name is {said.settings().name!r}, as of another; expected a name "
                "for each"
            )
        found, table = _answered(said, own, options)
        answers[found.settings.name] = found
        if table is not None:
            sizing[found.settings.name] = table
        before, written = _written(said.settings(), found, table, options)
        replaced += before
        paths += written
    side = side_by_side(answers, sizing=sizing if sizing else None)
    both = [options.to / "side_by_side.xlsx", options.to / "side_by_side.csv"]
    replaced += sum(path.exists() for path in both)
    write_comparison(both[0], answers, side)
    paths += [both[0], *write_tables(options.to, {"side_by_side": side})]
    shown = side.to_string(index=False, max_colwidth=40)
    return [shown, "", *WHAT_IT_IS_NOT, "", *_told(paths, replaced, options.to)]


#: What own numbers may be wrong in beside the model's.
_OWN_PEOPLE = ("limb_loss", "plp")


def _answered(
    said: Said, own: OwnNumbers | None, options: argparse.Namespace
) -> tuple[Answer, pd.DataFrame | None]:
    settings = said.settings()
    try:
        found = answer(settings, own=own)
        judged = np.isfinite(share_within(found.outcome, settings.within_days)).any()
        return found, sizes(found) if judged and not options.no_sizes else None
    except ValueError as error:
        message = str(error) + _nearest(settings, str(error))
        if own is not None and message.startswith(("visits_a_day", *_OWN_PEOPLE)):
            raise ValueError(f"{options.own.name}: {message}") from None
        raise ValueError(said.where(message)) from None


def _written(
    said: Settings, found: Answer, sizing: pd.DataFrame | None, options: argparse.Namespace
) -> tuple[int, list[Path]]:
    """How many of the files were there before, and all of them."""
    folder, name = options.to, found.settings.name
    tables = answer_tables(found, sizing, period=options.period)
    folder.mkdir(parents=True, exist_ok=True)
    workbook, settings = folder / f"{name}.xlsx", folder / f"{name}.toml"
    csv = [folder / f"{name}_{table}.csv" for table in tables]
    before = sum(path.exists() for path in (workbook, settings, *csv))
    write_plan(workbook, found, sizing, tables)
    # As they were said: own numbers are in a file of their own.
    also = f"# read with --own {options.own.name}\n" if found.own is not None else ""
    settings.write_text(also + settings_text(said), encoding="utf-8", newline="\n")
    write_tables(folder, {f"{name}_{table}": rows for table, rows in tables.items()})
    return before, [workbook, settings, *csv]


def _told(paths: Sequence[Path], replaced: int, folder: Path) -> list[str]:
    others = sum(path not in paths for path in folder.iterdir())
    lines = [f"{len(paths)} files in {folder}: {', '.join(path.name for path in paths)}"]
    if replaced:
        lines.append(f"{replaced} of them took the place of files of the same name.")
    if others:
        lines.append(f"{others} other files of the folder were left as they were.")
    return lines


def _flags(options: argparse.Namespace) -> dict[str, object]:
    """The settings of the command line, as values of their types where they are such."""
    found: dict[str, object] = {}
    for field in fields(Settings):
        if hasattr(options, field.name):
            found[field.name] = _value(field.name, getattr(options, field.name), str(field.type))
    return found


def _value(name: str, text: str | list[str], kind: str) -> object:
    if kind.startswith("str"):
        return text
    text = text if isinstance(text, str) else ",".join(text)
    parts = [part for part in text.split(",") if part]
    if kind.startswith("tuple[str"):
        return parts
    numbers = [_number(part) for part in parts]
    wanted = 2 if kind.startswith("tuple") else 1
    if len(numbers) != wanted or None in numbers:
        expected = {
            "int": "a whole number",
            "float": "a number",
            "tuple": _POINT,
        }
        word = next(words for start, words in expected.items() if kind.startswith(start))
        raise ValueError(f"{_flag(name)}: {text!r}; expected {word}")
    return numbers if wanted == 2 else numbers[0]


def _number(text: str) -> float | int | None:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None


def _setting_of(message: str) -> str:
    """The setting that an error is about, or nothing."""
    names = [field.name for field in fields(Settings)]
    first = message.split(" ", 1)[0]
    if first in names:
        return first
    known = (name for words, name in _OTHER_NAMES.items() if words in message)
    return next(known, "")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _nearest(settings: Settings, message: str) -> str:
    """Codes near one that is unknown, as the end of a sentence."""
    if message.startswith("no ZIP code") and settings.zip is not None:
        return _near_codes(settings.zip, frame(ZIPS)["zip"].tolist(), {})
    if message.startswith("no county '"):
        table = frame(COUNTIES)
        codes = table["fips"].tolist()
        names = dict(zip(codes, table["county"] + ", " + table["state"], strict=True))
        unknown = next(code for code in settings.counties if code not in names)
        return _near_codes(unknown, codes, names)
    return ""


def _near_codes(unknown: str, codes: Sequence[str], names: Mapping[str, str]) -> str:
    if not unknown.isdecimal():
        return ""
    near = sorted(codes, key=lambda code: (abs(int(code) - int(unknown)), code))[:2]
    shown = [f"{code} ({names[code]})" if code in names else code for code in near]
    return f"; the nearest codes are {' and '.join(shown)}"

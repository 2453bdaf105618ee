"""``python3 run.py plan``: a clinic planned from the command line.

It is started as `python3 -m plcore.planner.command`. Every setting is a flag, made from the fields
of `plcore.planner.settings.Settings`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import NoReturn

import pandas as pd

from plcore.clinic.places import COUNTIES, frame, metropolitan_areas
from plcore.clinic.sizing import Prices, advise
from plcore.planner.answers import Answer, answer, in_time, sizes, ways_to_run
from plcore.planner.gazetteer import zip_points
from plcore.planner.own_file import own_template, read_own
from plcore.planner.sentences import QUESTIONS, WHAT_IT_IS_NOT, in_sentences, on_target_and_ways
from plcore.planner.settings import (
    NEEDS_RADIUS,
    PLACES,
    Settings,
    defaults,
    located,
    meanings,
    name_of,
    read_given,
    read_settings,
    settings_from,
    settings_text,
)
from plcore.planner.sites import check_shared, sites_in_sentences, sites_table
from plcore.planner.tables import PERIODS, answer_tables, side_by_side
from plcore.planner.workbook import require_xlsxwriter, write_comparison, write_plan, write_table
from plcore.scenarios import read_scenario, scenario_names
from plcore.terminal import ends_in_words

#: How a value is written, by the beginning of a setting's type.
_METAVARS = {
    "int": "N", "float": "X", "str": "TEXT", "tuple[float, float": "LAT,LON",
    "tuple[float, ...": "X", "tuple[int": "N", "tuple[str": "FIPS",
}  # fmt: skip
#: Words of errors from other modules that do not begin with a setting's name, and that setting.
_OTHER_NAMES = {
    "lat is": "near", "lon is": "near", "km of the nearest county": "near",
    "from the nearest county": "near", "has its centre within": "radius_km", "no ZIP code": "zip",
    "no city": "city",
    "county": "counties", "no state": "state", "no metropolitan area": "metro",
    "no scenario": "scenario",
    "do not fit into": "infusions", "n_draws is": "draws",
}  # fmt: skip
_POINT = "latitude, then longitude, such as 34.05,-118.24"
#: The files that several plans share.
_SIDE = "side_by_side"
_SITES = "all_sites"
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
    own : Path, optional
        A file of own counts, which take the place of those in the file of settings.
    """

    flags: Mapping[str, object]
    file: Path | None = None
    own: Path | None = None

    def settings(self) -> Settings:
        """The settings of the file, replaced by those of the flags where both have one.

        A place among the flags replaces any place of the file, and so do a waiting list and visits a
        day any that were counted.
        """
        if self.file is not None and not self.flags and self.own is None:
            return read_settings(self.file)
        values = {} if self.file is None else read_given(self.file)
        if any(place in self.flags for place in PLACES):
            for place in PLACES:
                values.pop(place, None)
            if not any(place in self.flags for place in NEEDS_RADIUS):
                values.pop("radius_km", None)
        values.update(self.flags)
        if self.own is not None:
            values["own"] = read_own(self.own)
        elif isinstance(counted := values.get("own"), Mapping):
            values["own"] = {name: item for name, item in counted.items() if name not in self.flags}
        try:
            return settings_from(values)
        except ValueError as error:
            raise ValueError(self.locate(str(error))) from None

    def text(self, settings: Settings) -> str:
        """The settings as they are saved: a name that is only that of their file stays with it."""
        of_file = None if self.file is None else name_of(self.file)
        if "name" not in self.flags and settings.name == of_file:
            settings = replace(settings, name=str(defaults()["name"]))
        return settings_text(settings)

    def locate(self, message: str) -> str:
        """The message after the flag, or the file and line, that it is about."""
        if message.startswith("the place"):
            places = [place for place in PLACES if place in self.flags]
            if places or self.file is None:
                return f"{', '.join(map(_flag, places or PLACES))}: {message}"
        name = _setting_of(message)
        if self.own is not None and name not in self.flags and message.startswith(_OWN_NUMBERS):
            return f"{self.own.name}: {message}"
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


def main(arguments: Sequence[str], *, prog: str = "run.py plan") -> int:
    """Exit code: 0 for a plan written, 2 for what cannot be planned, with a line that says why."""
    start = time.monotonic()
    try:
        options = _parser(prog).parse_args(arguments)
        if _looked_up(options):
            return 0
        # Checked before minutes of work for nothing.
        require_xlsxwriter()
        if options.to.exists() and not options.to.is_dir():
            raise ValueError(f"--to: {options.to} is a file; expected a folder, old or new")
        lines = _several(options) if options.compare or options.sites else _planned(options)
    except ValueError as error:
        print(f"plan: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        raise
    except OSError as error:
        # What fails while a file is written does not say which: a full disk is all files'.
        where = "" if error.filename is None else f"{error.filename}: "
        print(f"plan: {where}{error.strerror}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    print(f"Done in {time.monotonic() - start:.1f} s.")
    return 0


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=prog,
        allow_abbrev=False,
        description="Estimates how many people around a clinic have limb loss and phantom limb "
        "pain, how many of them would come, how many chairs they need and how long they would "
        "wait. Writes an Excel workbook and CSV files.",
        epilog=f"Example: {prog} --near 34.05,-118.24 --radius-km 60 --year 2030 --chairs 4",
    )
    group = parser.add_argument_group(
        "settings",
        "One of --near, --zip, --city, --counties, --state and --metro says where the clinic is.",
    )
    words, default = meanings(), defaults()
    for field in fields(Settings):
        kind, value = str(field.type), default[field.name]
        if field.name == "own":
            continue
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
        ("--save", "TOML", "File in which to save the plan: its settings and own numbers."),
        (
            "--own",
            "CSV",
            "File of your own counts, which replace the modelled numbers of this plan.",
        ),
        ("--own-template", "CSV", "Write a file to fill in for --own, and stop."),
    ):
        files.add_argument(flag, type=Path, metavar=metavar, help=text)
    files.add_argument(
        "--compare", type=Path, nargs="+", metavar="TOML",
        help="Several files of settings, whose plans are written and compared side by side.",
    )  # fmt: skip
    files.add_argument(
        "--sites", type=Path, nargs="+", metavar="TOML",
        help="Several files of settings, one for each site, which are added up in one answer.",
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
    """Print a list or write a template, if asked; True then."""
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
    return False


def _planned(options: argparse.Namespace) -> list[str]:
    """One plan, written; the lines to be printed."""
    request = Request(_flags(options), options.settings, options.own)
    settings = _checked(request)
    if options.save is not None:
        _require_folder(options.save.parent, "--save")
        if options.save.is_dir():
            raise ValueError(f"--save: {options.save} is a folder; expected the name of a file")
    plan, sizing = _answered(request, settings, options)
    by_target = ways = None
    if sizing is not None:
        months = plan.settings.target_months
        if months is not None and in_time(plan, by_month=months) is not None:
            by_target = sizes(plan, by_month=months)
        judged = sizing if by_target is None else by_target
        enough = advise(judged, probability=plan.settings.probability).chairs
        priced = plan.settings.prices() != Prices(leave_share=plan.settings.leave_share)
        # Where one chair is enough, or prices are given, other ways to run it may be better; where
        # no number of chairs is enough, fewer hours and days are not either.
        if enough == 1 or (priced and enough is not None):
            ways = ways_to_run(plan, by_month=None if by_target is None else months)
    more = on_target_and_ways(plan, by_target=by_target, ways=ways)
    said = in_sentences(plan, sizing, more)
    replaced, paths = _written(options.to, _files_of(request, plan, sizing, options, said))
    lines = [*said, *WHAT_IT_IS_NOT, ""]
    if options.save is not None:
        lines.append(_saved(options.save, request.text(plan.requested)))
    return [*lines, *_summary_of_files(paths, replaced, options.to)]


def _several(options: argparse.Namespace) -> list[str]:
    """Several plans, written and side by side or added up; the lines to be printed."""
    if options.compare and options.sites:
        raise ValueError("--sites: expected it without --compare, which has other plans")
    said = "--sites" if options.sites else "--compare"
    for flag in ("settings", "own", "save"):
        if getattr(options, flag) is not None:
            raise ValueError(
                f"--{flag}: with {said} there are several plans; expected "
                + ("one plan" if flag == "save" else f"it in the files of {said}")
            )
    flags = _flags(options)
    if "name" in flags:
        raise ValueError(f"--name: with {said} each plan has the name of its file")
    # All are checked, then all are worked out, and only then is anything written.
    requests: dict[str, tuple[Request, Settings]] = {}
    taken = {_SIDE.casefold(): "the comparison", _SITES.casefold(): "the sum of all sites"}
    for file in options.sites or options.compare:
        request = Request(flags, file)
        settings = _checked(request)
        # Some systems take A.xlsx and a.xlsx for the same file.
        if (before := taken.get(settings.name.casefold())) is not None:
            raise ValueError(
                f"{file.name}: name is {settings.name!r}, and {before} has files of that name; "
                "expected a different name"
            )
        taken[settings.name.casefold()] = file.name
        requests[settings.name] = request, settings
    if options.sites:
        check_shared({name: settings for name, (_, settings) in requests.items()})
    plans: dict[str, Answer] = {}
    lines: list[str] = []
    sizing: dict[str, pd.DataFrame] = {}
    files: dict[str, Callable[[Path], None]] = {}
    for name, (request, settings) in requests.items():
        plans[name], table = _answered(request, settings, options)
        if table is not None:
            sizing[name] = table
        sentences = in_sentences(plans[name], table)
        lines += [f"{name}:", *sentences[: len(QUESTIONS)], ""]
        for file_name, write in _files_of(request, plans[name], table, options, sentences).items():
            if file_name in files:
                raise ValueError(
                    f"name is {name!r}, but another plan has a file called {file_name}; expected a "
                    "different name"
                )
            files[file_name] = write
    if options.sites:
        together = sites_table(plans)
        answers = sites_in_sentences(plans, together)
        files[f"{_SITES}.xlsx"] = partial(
            write_comparison, answers=plans, table=together, together=answers
        )
        files[f"{_SITES}.csv"] = partial(write_table, table=together)
        replaced, paths = _written(options.to, files)
        return [*answers, *WHAT_IT_IS_NOT, "", *_summary_of_files(paths, replaced, options.to)]
    side = side_by_side(plans, sizing=sizing if sizing else None)
    files[f"{_SIDE}.xlsx"] = partial(write_comparison, answers=plans, table=side)
    files[f"{_SIDE}.csv"] = partial(write_table, table=side)
    replaced, paths = _written(options.to, files)
    lines += [side.to_string(index=False), "", *WHAT_IT_IS_NOT, ""]
    return [*lines, *_summary_of_files(paths, replaced, options.to)]


def _checked(request: Request) -> Settings:
    """The settings, of which all is checked that can be without working anything out."""
    settings = request.settings()
    try:
        settings.area()
        settings.scenario_of_years()
    except ValueError as error:
        message = str(error) + _similar_codes(settings, str(error))
        raise ValueError(request.locate(message)) from None
    return settings


def _require_folder(folder: Path, flag: str) -> None:
    if not folder.is_dir():
        raise ValueError(f"{flag}: {folder}: no such folder; expected one that is there")


def _saved(path: Path, text: str) -> str:
    """Save a plan; a sentence on whether that replaced another plan."""
    # A device, such as /dev/stdout, has nothing to keep, and may have no end.
    before = path.read_bytes() if path.is_file() else None
    path.write_text(text, encoding="utf-8", newline="\n")
    if before is None:
        return f"Saved: {path}"
    if before == text.encode():
        return f"Saved: {path}, as it was."
    old = path.with_name(f"{path.name}.before")
    old.write_bytes(before)
    return f"Saved: {path}. It held another plan, which is kept as {old.name}."


def _answered(
    request: Request, settings: Settings, options: argparse.Namespace
) -> tuple[Answer, pd.DataFrame | None]:
    try:
        plan = answer(settings)
        judged = in_time(plan) is not None
        return plan, sizes(plan) if judged and not options.no_sizes else None
    except ValueError as error:
        raise ValueError(request.locate(str(error))) from None


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _files_of(
    request: Request,
    plan: Answer,
    sizing: pd.DataFrame | None,
    options: argparse.Namespace,
    said: Sequence[str],
) -> dict[str, Callable[[Path], None]]:
    """What is written for a plan: a function of the path by the name of the file."""
    name = plan.settings.name
    tables = answer_tables(plan, sizing, period=options.period)
    text = request.text(plan.requested)
    files: dict[str, Callable[[Path], None]] = {
        f"{name}.xlsx": partial(write_plan, answer=plan, tables=tables, said=said),
        f"{name}.toml": partial(_write_text, text=text),
    }
    for table, rows in tables.items():
        files[f"{name}_{table}.csv"] = partial(write_table, table=rows)
    return files


def _written(folder: Path, files: Mapping[str, Callable[[Path], None]]) -> tuple[int, list[Path]]:
    """Write the files, each to another place first; how many replaced others, and all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in files]
    for path in paths:
        if path.is_dir():
            raise ValueError(f"{path}: cannot be written, as it is a folder")
    before = sum(path.exists() for path in paths)
    # A plan that cannot be written whole leaves the older files as they were.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".plan") as made:
        for name, write in files.items():
            write(Path(made) / name)
        for path in paths:
            (Path(made) / path.name).replace(path)
    return before, paths


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
        if field.name != "own" and hasattr(options, field.name)
    }


def _value(name: str, text: str | list[str], kind: str) -> object:
    if kind.startswith("str"):
        return text
    text = text if isinstance(text, str) else ",".join(text)
    items = [item for item in text.split(",") if item.strip()]
    if kind.startswith("tuple[str"):
        return _with_states(items)
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


def _with_states(items: Sequence[str]) -> list[str]:
    """Counties, with what follows the comma in "Kent County, DE" put back."""
    counties: list[str] = []
    for item in map(str.strip, items):
        digits = item[:1].isdecimal()
        if counties and not digits and not counties[-1][:1].isdecimal() and "," not in counties[-1]:
            counties[-1] += f", {item}"
        else:
            counties.append(item)
    return counties


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
        unknown, codes = settings.zip, zip_points()["zip"].tolist()
    elif message.startswith("no county '") and ": it is" not in message:
        table = frame(COUNTIES)
        codes = table["fips"].tolist()
        names = dict(zip(codes, table["county"] + ", " + table["state"], strict=True))
        unknown = next(code for code in settings.counties if f"{code!r}" in message)
    else:
        return ""
    if not unknown.isdecimal():
        return ""
    near = sorted(codes, key=lambda code: (abs(int(code) - int(unknown)), code))[:2]
    shown = [f"{code} ({names[code]})" if code in names else code for code in near]
    return f"; the nearest codes are {' and '.join(shown)}"


if __name__ == "__main__":
    sys.exit(ends_in_words("plan", lambda: main(sys.argv[1:])))

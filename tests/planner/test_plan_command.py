"""``run.py plan``: its flags, its files, and what it says to a planner who errs."""

import functools
import importlib
import re
import textwrap
from dataclasses import fields
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from planner_models import run_once

from plcore.clinic.demand import OwnNumbers
from plcore.planner import answers, command
from plcore.planner.own_file import read_own
from plcore.planner.sentences import QUESTIONS, six_answers
from plcore.planner.settings import Settings, read_settings
from plcore.planner.workbook import SHEETS, header, in_words
from plcore.planner.workbook import _format as workbook_format

ROOT = Path(__file__).resolve().parents[2]
FAST = ["--n-years", "1", "--draws", "16", "--runs", "2"]
VERMONT = ["--state", "VT", *FAST]
#: What a plan's files are called after, and the sheet on which each table stands.
TABLES = (
    "key_figures", "funnel", "patients", "clinic", "chairs", "by_month", "what_became_of_them",
    "settings", "assumptions",
)  # fmt: skip
# What is planned here twice is worked out once; test_planner.py holds that it would be the same.
_answer = functools.cache(answers.answer)
_sizes = functools.cache(answers.sizes)


@pytest.fixture(autouse=True)
def _worked_out_once(monkeypatch, tmp_path):
    monkeypatch.setattr(answers, "run", run_once)
    monkeypatch.setattr(command, "answer", _answer)
    monkeypatch.setattr(command, "sizes", _sizes)
    monkeypatch.chdir(tmp_path)


def plan(*arguments):
    assert command.main([str(argument) for argument in arguments]) == 0


def refused(capsys, *arguments):
    assert command.main([str(argument) for argument in arguments]) == 2
    message_line = capsys.readouterr()
    assert message_line.out == ""
    assert message_line.err.startswith("plan: ")
    return message_line.err.removeprefix("plan: ").removesuffix("\n")


def sheet_table(workbook, name):
    """A sheet as it is read back, empty cells as NaN."""
    rows = list(workbook[name].iter_rows(values_only=True))
    return pd.DataFrame(rows[1:], columns=rows[0])


def test_a_plan_is_a_workbook_its_tables_and_its_settings():
    plan(*VERMONT, "--to", "here")

    names = {path.name for path in Path("here").iterdir()}
    assert names == {"plan.xlsx", "plan.toml", *(f"plan_{table}.csv" for table in TABLES)}
    assert read_settings(Path("here/plan.toml")) == Settings(
        state="VT", n_years=1, draws=16, runs=2
    )


def test_the_sheets_hold_the_numbers_of_the_tables():
    plan(*VERMONT, "--to", "here")
    workbook = openpyxl.load_workbook("here/plan.xlsx")

    for name in TABLES:
        content = Path(f"here/plan_{name}.csv").read_bytes()
        assert b"\r" not in content
        expected = pd.read_csv(f"here/plan_{name}.csv")
        expected = in_words(expected)
        shown = sheet_table(workbook, SHEETS[name][0])
        assert list(shown.columns) == [header(column) for column in expected.columns]
        shown.columns = expected.columns
        for column in expected:
            if pd.api.types.is_numeric_dtype(expected[column]):
                # A workbook keeps 16 digits.
                np.testing.assert_allclose(
                    shown[column].astype(float), expected[column], rtol=1e-15, atol=0
                )
            elif name != "settings":
                assert shown[column].fillna("").tolist() == expected[column].fillna("").tolist()
    # Texts stay texts: a ZIP code keeps its zeros, and 2 is what was typed.
    settings = sheet_table(workbook, "Settings").set_index("setting")["value"]
    assert settings["chairs"] == "2"


#: What the sheets call the columns of limits, and of chairs: in the order of their tables.
HEADINGS = {
    "Key figures": ["figure", "unit", "median", "95% from", "95% to"],
    "Clinic": [
        "measure", "unit", "mean", "low (what we do not know)", "high (what we do not know)",
        "low (what chance does)", "high (what chance does)", "low (both)", "high (both)",
    ],
    "Chairs": [
        "chairs", "nurses", "visits a day", "infusions a year", "chair utilisation", "load",
        "mean wait (days; median of the draws)", "share in which the list never clears",
        "wait, in words", "share who start in time", "list grows by, a week",
        "probability that the service level is kept", "standard error of the probability",
        "infusions gained", "days of waiting saved", "share gained",
    ],
    "Settings": ["setting", "value", "chosen or default", "meaning"],
}  # fmt: skip
#: Headings of columns of shares, whatever the unit of a row.
SHARES = {
    "share", "share low", "share high", "chair utilisation", "load", "share who start in time",
    "share in which the list never clears", "probability that the service level is kept",
    "standard error of the probability", "share gained",
}  # fmt: skip


def assert_numbers_are_short(workbook):
    """Three digits at least are shown of every number, shares as percents, people as whole ones."""
    for sheet in workbook.worksheets[1:-1]:
        names = [cell.value for cell in sheet[1]]
        assert names == HEADINGS.get(sheet.title, names)
        assert sheet.auto_filter.ref == sheet.dimensions
        people = sheet.title in ("Funnel", "Patients", "What became of them")
        for row in sheet.iter_rows(min_row=2):
            unit = dict(zip(names, (cell.value for cell in row), strict=True)).get("unit")
            for name, cell in zip(names, row, strict=True):
                if cell.data_type != "n" or cell.value is None or name == "year" or unit == "year":
                    continue
                form, value = cell.number_format, cell.value
                digits = len(form.removesuffix("%").partition(".")[2])
                assert form.endswith("%") == (name in SHARES or unit == "share"), (sheet, name)
                if form.endswith("%"):
                    error = abs(round(100 * value, digits) - 100 * value)
                    assert error <= (0.0501 if abs(value) >= 0.01 else 0.00501), (name, value, form)
                elif (people or unit == "people") and name in (
                    "mean", "median", "95% from", "95% to", "people",
                ):  # fmt: skip
                    assert form == "#,##0"
                else:
                    assert abs(round(value, digits) - value) <= 0.00501 * abs(value), (name, form)


def test_no_sheet_shows_a_key_a_power_of_ten_or_digits_of_no_use():
    plan(*VERMONT, "--to", "here")
    workbook = openpyxl.load_workbook("here/plan.xlsx")

    for sheet in workbook.worksheets:
        # What one types in a plan stands as it is typed.
        if sheet.title in ("Settings", "Charts"):
            continue
        for row in sheet.iter_rows():
            for cell in row:
                text = str(cell.value or "")
                if cell.data_type == "s":
                    assert not re.search(r"\b[a-z0-9]+_[a-z0-9_]+\b(?!\.)", text), (cell, text)
                elif cell.data_type == "n" and cell.value:
                    assert "E" not in cell.number_format, cell
    assert_numbers_are_short(workbook)
    # Never as a power of ten, however small.
    assert workbook_format("mean", 0.000123, "visits") == "0.000000"
    rates = sheet_table(workbook, "Assumptions").set_index("unit")
    assert rates.loc["per 100,000 people a year", "median"].min() > 0.1


def test_the_six_answers_are_the_same_in_the_command_and_on_the_first_sheet(capsys):
    plan(*VERMONT)
    text = capsys.readouterr().out.splitlines()
    sheet = openpyxl.load_workbook("plan/plan.xlsx").worksheets[0]
    cells = [[cell for cell in row if cell] for row in sheet.values]
    said = six_answers(_answer(Settings(state="VT", n_years=1, draws=16, runs=2)))

    assert text[:6] == list(said)
    assert [cells[0], cells[1]] == [["Clinic plan"], ["Vermont, opens January 1, 2027"]]
    assert cells[4:10] == [list(pair) for pair in zip(QUESTIONS, said, strict=True)]
    assert [c[0][:26] for c in cells if "counties" in str(c)] == ["Vermont (14 counties) has "]
    assert any("It is no medical advice" in str(cell) for cell in cells)


def test_no_text_of_the_workbook_runs_over_its_row():
    plan(*VERMONT)
    workbook = openpyxl.load_workbook("plan/plan.xlsx")

    wrapped = 0
    for sheet in workbook.worksheets[:-1]:
        widths = {
            column: each.width
            for each in sheet.column_dimensions.values()
            for column in range(each.min, each.max + 1)
        }
        merged = {str(area).split(":")[0] for area in sheet.merged_cells.ranges}
        for row in sheet.iter_rows():
            height = sheet.row_dimensions[row[0].row].height or 15
            for cell in row:
                if not (isinstance(cell.value, str) and cell.alignment.wrap_text):
                    continue
                width = widths[cell.column]
                if cell.coordinate in merged:
                    width += widths[2]
                # Widths are in digits of the usual font, which letters are no wider than on average.
                lines = len(textwrap.wrap(cell.value, int(width)))
                assert height >= 15 * lines, (sheet.title, cell.coordinate)
                wrapped += lines > 1
    assert wrapped > 20


def test_periods_are_whole():
    for period, least in (("month", 28), ("week", 7)):
        plan(*VERMONT, "--to", period, "--period", period, "--no-sizes")
        table = pd.read_csv(f"{period}/plan_by_{period}.csv")
        months = table[table["measure"] == "booked"]
        # 2027 is one year of twelve months, and of 51 weeks from Monday to Sunday.
        assert len(months) == {"month": 12, "week": 51}[period]
        assert months["open_days"].min() >= {"month": 18, "week": 3}[period], least


def test_sheets_are_made_to_be_read_and_printed():
    plan(*VERMONT)
    workbook = openpyxl.load_workbook("plan/plan.xlsx")

    assert workbook.sheetnames == [
        "Summary", "Key figures", "Chairs", "By month", "Funnel", "Patients", "Clinic", "What became of them",
        "Settings", "Assumptions", "Charts",
    ]  # fmt: skip
    for sheet in workbook:
        if sheet.title == "By month":
            continue
        # Summary and charts are on one sheet of paper each.
        one = sheet.title in ("Summary", "Charts")
        assert (sheet.page_setup.fitToHeight is None) == one
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
    by_month = workbook["By month"]
    measures = [cell.value for cell in by_month["A"]]
    breaks = [each.id for each in by_month.row_breaks.brk]
    # Each measure begins a page, on which five years of months fit, in rows of 15 points.
    assert [measures[row - 1] != measures[row] for row in breaks] == [True] * 12
    assert (by_month.page_setup.orientation, by_month.page_setup.scale) == ("portrait", 70)
    room = (11 - by_month.page_margins.top - by_month.page_margins.bottom) * 72 / 0.7
    assert 60 * 15 + by_month.row_dimensions[1].height < room
    inches = (
        sum((7 * d.width + 5) * (d.max - d.min + 1) for d in by_month.column_dimensions.values())
        / 96
    )
    assert 0.7 * inches < 8.5 - by_month.page_margins.left - by_month.page_margins.right
    for sheet in workbook.worksheets[1:-1]:
        assert sheet.freeze_panes == "B2"
        assert sheet.print_title_rows == "$1:$1"
    funnel = workbook["Funnel"]
    looks = {
        row[9].value: (row[0].fill.fgColor.rgb, row[0].font.bold) for row in funnel.iter_rows(2)
    }
    assert looks["assumed"] == ("FFD9D9D9", True)
    assert looks["derived"] == ("00000000", False)
    assert funnel["F5"].number_format == "0.0%"
    # Chosen settings are bold, all others are not.
    for row in workbook["Settings"].iter_rows(min_row=2):
        assert [cell.font.bold for cell in row] == [row[2].value == "chosen"] * 4
    years = workbook["Patients"]["A2"]
    assert (years.value, years.number_format) == (2027, "0")


def test_charts_are_drawn_from_the_rows_that_they_name():
    plan(*VERMONT)
    workbook = openpyxl.load_workbook("plan/plan.xlsx")
    series = [
        line.val.numRef.f if hasattr(line, "val") and line.val else line.yVal.numRef.f
        for chart in workbook["Charts"]._charts
        for line in chart.ser
    ]

    def columns(sheet, letters, first, last):
        ends = [(f"${letter}${first}", f"${letter}${last}") for letter in letters]
        return [f"{sheet}!{a}" + ("" if a == b else f":{b}") for a, b in ends]

    # One year in three groups, of which all is the third; 12 months of which booked come first.
    chairs = len(sheet_table(workbook, "Chairs")) + 1
    assert series == [
        *columns("Patients", "DEF", 4, 4),
        *columns("'By month'", "EFG", 2, 13),
        *columns("Chairs", "JL", 2, chairs),
    ]
    # Each against the years, months or chairs of the same rows, and called as its column is.
    across = [(line.cat.numRef or line.cat.strRef).f if getattr(line, "cat", None) else line.xVal.numRef.f
              for chart in workbook["Charts"]._charts for line in chart.ser]  # fmt: skip
    assert across == [
        *columns("Patients", "AAA", 4, 4),
        *columns("'By month'", "BBB", 2, 13),
        *columns("Chairs", "AA", 2, chairs),
    ]
    names = [line.tx.strRef.f for chart in workbook["Charts"]._charts for line in chart.ser]
    assert names == [f"{row.partition('!')[0]}!${row.partition('!$')[2][0]}$1" for row in series]
    *of_years, of_chairs = workbook["Charts"]._charts
    sizes = [cell.value for cell in workbook["Chairs"]["A"][1:]]
    scale, shares = of_chairs.x_axis.scaling, of_chairs.y_axis.scaling
    assert (scale.min, scale.max) == (min(sizes), max(sizes))
    assert (shares.min, shares.max) == (0, 1)
    assert [chart.y_axis.scaling.min for chart in of_years] == [0, 0]
    titles = [chart.title.tx.rich.p[0].r[0].t for chart in workbook["Charts"]._charts]
    assert titles == ["New patients a year", "Visits booked by month",
                      "First infusion within 30 days, by chairs"]  # fmt: skip
    notes = [cell.value for cell in workbook["Charts"]["A"] if cell.value]
    assert notes[2] == (
        "Sheet Chairs; the service level is 90% of patients within 30 days, with a probability of 0.8."
    )
    (listed,) = [cell.value for cell in workbook["Summary"]["A"] if "Charts:" in str(cell.value)]
    assert listed.partition("; Charts")[0].split(", ") == workbook.sheetnames[1:-1]
    assert workbook["Patients"]["B4"].value == "all"
    assert workbook["By month"]["A13"].value == "booked"
    assert [workbook["Chairs"][f"{letter}1"].value for letter in "JL"] == [
        header("share_within"), header("probability"),
    ]  # fmt: skip


def test_the_same_settings_write_the_same_bytes():
    for folder in ("one", "two"):
        plan(*VERMONT, "--to", folder)

    for path in Path("one").iterdir():
        assert path.read_bytes() == (Path("two") / path.name).read_bytes(), path.name


def test_settings_saved_by_a_plan_make_the_same_plan_again():
    plan(*VERMONT, "--chairs", 3, "--save", "mine.toml", "--to", "one")
    plan("--settings", "mine.toml", "--to", "two")

    assert Path("mine.toml").read_bytes() == Path("one/plan.toml").read_bytes()
    for name in TABLES:
        one, two = (Path(f"{place}_{name}.csv").read_text() for place in ("one/plan", "two/mine"))
        # A plan without a name has that of the file from which it comes.
        assert one == (two.replace("mine,chosen", "plan,default") if name == "settings" else two)


def test_a_plan_without_a_name_has_that_of_its_file():
    plan(*VERMONT, "--no-sizes", "--save", "small (2).toml")
    # Saved from one file into another, it has the name of the new one; a name of its own stays.
    plan("--settings", "small (2).toml", "--no-sizes", "--chairs", 3, "--save", "large.toml")
    plan("--settings", "large.toml", "--no-sizes", "--name", "best", "--save", "chosen.toml")
    plan("--settings", "chosen.toml", "--no-sizes", "--days-a-week", 3, "--save", "short.toml")
    plan("--compare", "small (2).toml", "large.toml", "short.toml", "--no-sizes", "--to", "all")

    assert not Path("large.toml").read_text().startswith("name")
    side = pd.read_csv("all/side_by_side.csv")
    assert side.columns[2:].tolist() == ["small _2_", "large", "best"]
    assert {"plan.xlsx", "small _2_.xlsx", "large.xlsx", "best.xlsx"} >= {
        path.name for path in Path("plan").glob("*.xlsx")
    }
    # Plans of earlier versions were saved with the usual name.
    Path("old.toml").write_text('name = "plan"\nstate = "VT"\n')
    assert read_settings(Path("old.toml")) == Settings(name="old", state="VT")


def test_counties_are_named_with_their_state_after_a_comma():
    options = command._parser("plan").parse_args(
        ["--counties", "Kent County, DE", "Orange, CA", "06037"]
    )
    flags = command._flags(options)

    assert flags == {"counties": ["Kent County, DE", "Orange, CA", "06037"]}
    area = command.Request(flags).settings().area()
    assert area.fips == ("06037", "06059", "10001")


def test_flags_go_over_the_settings_of_a_file():
    Path("mine.toml").write_text('zip = "05401"\nradius_km = 40\nchairs = 2\nhours = 6')
    over = command.Request({"chairs": 3}, Path("mine.toml")).settings()
    elsewhere = command.Request({"state": "NH"}, Path("mine.toml")).settings()
    nearby = command.Request({"near": [44.5, -73.2]}, Path("mine.toml")).settings()

    assert over == Settings(name="mine", zip="05401", radius_km=40, chairs=3, hours=6)
    assert elsewhere == Settings(name="mine", state="NH", hours=6)
    assert nearby == Settings(name="mine", near=(44.5, -73.2), radius_km=40, hours=6)


def test_every_setting_is_a_flag_with_its_meaning_range_and_default(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])

    text = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    for field in fields(Settings):
        assert f"--{field.name.replace('_', '-')} " in text
    assert "Minutes that one infusion takes, from 1 to 1440. Default: 40." in text
    assert "Share of the eligible people who would have a course, from 0 to 1. By default" in text


@pytest.mark.parametrize(
    "place",
    [["--near", "34.05,-118.24"], ["--near=34.05,-118.24"], ["--near", "34.05", "-118.24"],
     ["--near", "34.05,", "-118.24"]],
)  # fmt: skip
def test_a_point_west_of_greenwich_is_understood(place):
    options = command._parser("plan").parse_args([*place, "--radius-km", "60"])

    message_line = command.Request(command._flags(options)).settings()
    assert message_line == Settings(near=(34.05, -118.24), radius_km=60)


def test_counties_may_be_separated_by_commas_or_spaces():
    for codes in (["50007,50001"], ["50007", "50001"], ["50007,", "50001"]):
        options = command._parser("plan").parse_args(["--counties", *codes])
        assert command._flags(options) == {"counties": ["50007", "50001"]}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "--near, --zip, --city, --counties, --state, --metro: the place is given by no setting"),
        ("--near 34.05 --radius-km 9", "--near: '34.05'; expected latitude, then longitude"),
        ("--near -118.24,34.05 --radius-km 9", "--near: expected latitude, then longitude"),
        ("--near=-118.24,34.05 --radius-km 9", "--near: lat is -118.24; expected degrees"),
        ("--near 34.05,-118.24", "--radius-km: radius_km is None; expected a distance in km"),
        ("--near 34.05,-118.24 --radius-km -5", "--radius-km: radius_km is -5; expected from 1"),
        ("--near 48.85,2.35 --radius-km 50", "--near: 48.85, 2.35 is 5,088 km from the nearest"),
        ("--near 40,-117 --radius-km 1", "--radius-km: no county has its centre within 1 km"),
        ("--counties 6037", ("--counties: no county '6037'; expected five digits of a county of the "
         "50 states or DC, 2023; the nearest codes are 06037 (Los Angeles County, CA) and 06035")),
        ("--zip 90211x --radius-km 9", "--zip: no ZIP code '90211x'; expected five digits"),
        ("--zip 00001 --radius-km 9", "or the place by its city, or by latitude and longitude (near); the nearest codes are 00501"),
        ("--zip 10001", "--radius-km: radius_km is None; expected a distance in km"),
        ("--counties 90012", "--counties: no county '90012': it is ZIP 90012 (Los Angeles, CA)"),
        ("--counties Kent", "--counties: county 'Kent' may be 'Kent County, DE'"),
        ("--counties Nowhere", "--counties: no county is called 'Nowhere'; expected a name and state"),
        ("--city Springfield --radius-km 50", "--city: city is 'Springfield', which"),
        ("--city Nowhere --radius-km 50", "--city: no city 'Nowhere'; expected a city or town"),
        ("--state Californa", ("--state: no state 'Californa'; expected two capital letters or the "
         "name of one of the 50 states or DC; did you mean 'California'?")),
        ("--metro Angeles", "31080 is Los Angeles-Long Beach-Anaheim, CA"),
        ("--state VT --zip 05401", "--zip, --state: the place is given by zip and state"),
        ("--state VT --chairs 0", "--chairs: chairs is 0; expected from 1 to 200"),
        ("--state VT --chairs two", "--chairs: 'two'; expected a whole number"),
        ("--state VT --share-served 1.2", "--share-served: share_served is 1.2; expected from 0"),
        ("--state VT --hours 1", "--hours: hours is 1, which is shorter than a visit of 85 minutes"),
        ("--state VT --year 2051", "--year: year is 2051 and n_years is 5; the year after, 2056"),
        ("--state VT --year 1850", "--year: year is 1850; expected from 2005 to 2100"),
        ("--state VT --severity mild", "--severity: severity is 'mild'; expected one of any"),
        ("--state VT --severity weekly --scenario plp_ever", "--scenario: scenario is 'plp_ever', which counts everybody who ever had pain; expected one"),
        ("--state VT --infusions 60 --weeks 1", "--infusions: 60 infusions do not fit into"),
        ("--state VT --period year", "--period: invalid choice: 'year'"),
        ("--state VT --chair 3", "unrecognized arguments: --chair 3; --help lists all options"),
        ("--settings bad.toml", "bad.toml:2: chairs is 0; expected from 1 to 200"),
        ("--settings none.toml", "none.toml: no such file; expected settings as TOML"),
        ("--settings bad.toml --chairs 2 --hours 1", "--hours: hours is 1, which is shorter than a visit"),
        ("--settings bad.toml --chairs 2 --zip 05401", "--radius-km: radius_km is None"),
        ("--state VT --own none.csv", "none.csv: no such file"),
        ("--state VT --own own.csv", "own.csv: visits_a_day is 900; expected at most the 800"),
        ("--state VT --scenario no_such", "--scenario: no scenario 'no_such'; expected one of baseline"),
        ("--state VT --to bad.toml", "--to: bad.toml is a file; expected a folder, old or new"),
        ("--state VT --save none/mine.toml", "--save: none: no such folder; expected one that is there"),
        ("--own-template bad.toml", "--own-template: bad.toml exists; expected the name of a new"),
        ("--list-metros zzz", "--list-metros: no area is called 'zzz'"),
        ("--compare bad.toml", "bad.toml:2: chairs is 0; expected from 1 to 200"),
        ("--compare good.toml good.toml", "good.toml: name is 'good', and good.toml has files of that name"),
        ("--compare good.toml --settings bad.toml", "--settings: with --compare there are several plans"),
        ("--compare good.toml --own own.csv", "--own: with --compare there are several plans; expected it"),
        ("--compare good.toml --name x", "--name: with --compare each plan has the name of its"),
        ("--compare good.toml --save x.toml", "--save: with --compare there are several"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused_in_one_line(line, message, capsys):
    Path("bad.toml").write_text('state = "VT"\nchairs = 0\n')
    Path("good.toml").write_text('state = "VT"\nn_years = 1\ndraws = 16\nruns = 2\n')
    Path("own.csv").write_text("what,month,value,note\nvisits_a_day,,900,\n")
    arguments = line.split()
    if "--compare" not in line:
        arguments += [] if "n-years" in line or "2051" in line else ["--n-years", "1"]
        arguments += ["--draws", "16", "--runs", "2", "--no-sizes"]
    elif "good.toml good.toml" in line:
        arguments += ["--no-sizes"]

    message_line = refused(capsys, *arguments)

    assert message in message_line
    assert "\n" not in message_line
    assert "Traceback" not in message_line


def test_files_of_the_same_names_are_replaced_and_others_left(capsys):
    Path("plan").mkdir()
    Path("plan/notes.txt").write_text("mine")
    Path("plan/plan.xlsx").write_text("old")
    plan(*VERMONT, "--no-sizes")

    text = capsys.readouterr().out
    assert "1 of them replaced older files of the same name" in text
    assert "Other files in the folder, left as they were: 1." in text
    assert Path("plan/notes.txt").read_text() == "mine"
    assert not Path("plan/plan_chairs.csv").exists()
    assert "Chairs" not in openpyxl.load_workbook("plan/plan.xlsx").sheetnames


def test_own_numbers_are_filled_into_a_template_and_shown_beside(capsys):
    plan("--own-template", "own.csv")
    assert read_own(Path("own.csv")).limb_loss == OwnNumbers(limb_loss=5200.0).limb_loss
    plan(*VERMONT, "--own", "own.csv", "--period", "week", "--share-served", 0.2)

    text = capsys.readouterr().out
    assert "850,000 residents in 2027; 5,200 of them live with limb loss" in text
    workbook = openpyxl.load_workbook("plan/plan.xlsx")
    own = sheet_table(workbook, "Own numbers").set_index("what")
    assert own.loc["residents", "own"] == 850_000
    assert read_settings(Path("plan/plan.toml")).own == read_own(Path("own.csv"))
    within = own["own"].between(own["95% from"], own["95% to"])
    assert 0 < within.sum() < len(within)
    assert own["own number within the limits"].tolist() == np.where(within, "yes", "no").tolist()
    # A share that the planner gave is bold, and not shaded as those that are assumed.
    (given,) = [row for row in workbook["Assumptions"].iter_rows() if row[6].value == "the planner"]
    assert (given[2].value, given[2].font.bold) == (0.2, True)
    assert given[2].fill.fgColor.rgb == "00000000"
    assert "By week" in workbook.sheetnames


def test_plans_are_compared_side_by_side(capsys):
    for name, chairs in (("small", 2), ("large", 3)):
        Path(f"{name}.toml").write_text(f'state = "VT"\nchairs = {chairs}\n')
    plan("--compare", "small.toml", "large.toml", *FAST)

    table = pd.read_csv("plan/side_by_side.csv")
    assert table.columns.tolist() == ["figure", "unit", "small", "large"]
    assert table.iloc[0].tolist() == ["chairs", "setting", "2", "3"]
    assert "fewest chairs for the service level" in table["figure"].tolist()
    workbook = openpyxl.load_workbook("plan/side_by_side.xlsx")
    shown = sheet_table(workbook, "Side by side").fillna("")
    assert shown.to_numpy().tolist() == table.fillna("").to_numpy().tolist()
    assert {"small.xlsx", "large.xlsx"} <= {path.name for path in Path("plan").iterdir()}
    text = capsys.readouterr().out
    assert "side_by_side.csv" in text
    # As on the first sheet, each plan answers the six questions; labels are printed in full.
    cells = [cell for row in workbook["Summary"].values for cell in row if cell]
    for name, chairs in (("small", 2), ("large", 3)):
        settings = Settings(name=name, state="VT", n_years=1, draws=16, runs=2, chairs=chairs)
        said = six_answers(_answer(settings))
        assert "\n".join([f"{name}:", *said]) in text
        assert set(said) <= set(cells)
    assert all(figure in text for figure in table["figure"])


def test_own_numbers_belong_to_their_plan(capsys):
    plan("--own-template", "own.csv")
    plan(*VERMONT, "--own", "own.csv", "--save", "mine.toml", "--to", "one", "--no-sizes")
    plan("--settings", "mine.toml", "--to", "two", "--no-sizes")
    Path("other.toml").write_text('state = "VT"\nn_years = 1\ndraws = 16\nruns = 2\n')
    plan("--compare", "mine.toml", "other.toml", "--to", "both", "--no-sizes")
    plan("--settings", "other.toml", "--to", "alone", "--no-sizes")

    places = ("one/plan", "two/mine", "both/mine")
    figures = [Path(f"{place}_key_figures.csv").read_text() for place in places]
    assert figures[0] == figures[1] == figures[2]
    other = Path("both/other_key_figures.csv").read_text()
    assert other == Path("alone/other_key_figures.csv").read_text()
    assert other != figures[0]


def test_flags_go_over_own_numbers_and_a_file_of_them_over_those_of_the_plan():
    Path("mine.toml").write_text('state = "VT"\n[own]\nwaiting_list = 9\nplp = 50\n')
    Path("own.csv").write_text("what,month,value,note\nplp,,60,\n")
    over = command.Request({"waiting_list": 3}, Path("mine.toml")).settings()
    replaced = command.Request({}, Path("mine.toml"), Path("own.csv")).settings()

    assert (over.waiting_list, over.own) == (3, OwnNumbers(plp=50))
    assert replaced.own == OwnNumbers(plp=60)


def test_other_ways_are_looked_for_only_where_some_number_of_chairs_is_enough(monkeypatch):
    asked = []
    ways = answers.ways_to_run
    monkeypatch.setattr(
        command,
        "ways_to_run",
        lambda plan, by_month: (asked.append(by_month), ways(plan, by_month=by_month))[1],
    )
    # Whoever is ready after 60 days is not seen within 30 days, whatever there are of chairs.
    prices = ["--nurse-hour-price", 60]
    plan(*VERMONT, *prices, "--lead-days", 60)
    assert asked == []
    plan(*VERMONT, *prices)
    plan(*VERMONT, *prices, "--target-months", 6)
    assert asked == [None, 6]


def test_saving_over_another_plan_says_so_and_keeps_it(capsys):
    for chairs, sentence in (
        (2, "Saved: mine.toml"),
        (2, "Saved: mine.toml, as it was."),
        (3, "Saved: mine.toml. It held another plan, which is kept as mine.toml.before."),
    ):
        plan(*VERMONT, "--no-sizes", "--chairs", chairs, "--save", "mine.toml")
        assert sentence in capsys.readouterr().out.splitlines()
    assert read_settings(Path("mine.toml")).chairs == 3
    assert read_settings(Path("mine.toml.before")).chairs == 2


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ("chairs = 0", "second.toml:5: chairs is 0"),
        ("scenario = 'no_such'", "second.toml:5: no scenario 'no_such'"),
        ("metro = '99999'", "second.toml:1: the place is given by state and metro"),
        ("n_years = 40", "second.toml: Cannot overwrite a value"),
        ("[own]\nplp = 3\nlimb_loss = 2", "plp is 3; expected at most 2, the limb_loss"),
        ("[own]\nplp = 1e6", "second.toml:6: plp is 1e+06; expected at most"),
        ("name = 'First'", "name is 'First', and first.toml has files of that name"),
        ("name = 'side_by_side'", "and the comparison has files of that name"),
        (None, "second.toml: no such file"),
    ],
)
def test_a_comparison_that_cannot_be_made_writes_nothing(second, message, capsys):
    good = 'state = "VT"\nn_years = 1\ndraws = 16\nruns = 2\n'
    Path("first.toml").write_text(good)
    if second is not None:
        Path("second.toml").write_text(f"{good}{second}\n")

    said = refused(capsys, "--compare", "first.toml", "second.toml", "--no-sizes")

    assert message in said
    assert not Path("plan").exists()


def test_an_answer_that_cannot_be_written_whole_leaves_the_older_files(monkeypatch, capsys):
    plan(*VERMONT, "--no-sizes")
    before = {path.name: path.read_bytes() for path in Path("plan").iterdir()}
    capsys.readouterr()

    def full(path, table):
        if path.name.endswith("_assumptions.csv"):
            raise OSError(28, "No space left on device", str(path))
        path.write_text("half")

    monkeypatch.setattr(command, "write_table", full)
    said = refused(capsys, *VERMONT, "--no-sizes", "--chairs", 3)

    assert "No space left on device" in said
    assert {path.name: path.read_bytes() for path in Path("plan").iterdir()} == before


def test_areas_and_scenarios_can_be_looked_up(capsys):
    plan("--list-metros", "los angeles")
    assert "31080 Los Angeles-Long Beach-Anaheim, CA" in capsys.readouterr().out

    plan("--list-scenarios")
    assert "no_diabetes_adjustment" in capsys.readouterr().out


def test_without_the_library_nothing_is_worked_out(capsys, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    monkeypatch.setattr(command, "answer", None)

    message_line = refused(capsys, *VERMONT)
    assert "need the package XlsxWriter, which is not installed" in message_line
    assert "pip install XlsxWriter" in message_line


def test_a_workbook_that_cannot_be_written_is_named(capsys):
    Path("plan/plan.xlsx").mkdir(parents=True)

    message_line = refused(capsys, *VERMONT, "--no-sizes")
    assert message_line.startswith("plan/plan.xlsx: cannot be written")

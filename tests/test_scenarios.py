"""Scenario files: what they change, and every way of getting one wrong."""

import shutil

import pytest

from plcore.evidence.data import DATA
from plcore.scenarios import read_scenario, scenario_names


@pytest.fixture
def folder(tmp_path):
    """A copy of the data, to which a test adds a scenario."""
    shutil.copytree(DATA, tmp_path / "data")
    return tmp_path / "data"


def written(folder, content):
    (folder / "scenarios" / "mine.toml").write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )
    return read_scenario("mine", folder=folder)


OVERRIDE = """\
title = "Mine"

[parameters.limb_loss_2005]
unit = "people"
dist = "lognormal"
value = 1600000
low = 1333333
high = 1920000
source = "assumed"
seen = "assumed"
note = "a reason"
"""


@pytest.mark.parametrize("name", scenario_names())
def test_every_shipped_scenario_loads(name):
    scenario = read_scenario(name)

    assert scenario.name == name
    assert scenario.title


def test_the_baseline_comes_first_among_the_names():
    assert scenario_names()[0] == "baseline"


def test_a_scenario_changes_what_it_names_and_nothing_else(folder):
    base, mine = read_scenario(folder=folder), written(folder, OVERRIDE)

    changed = [
        after.name
        for before, after in zip(base.parameters, mine.parameters, strict=True)
        if before != after
    ]
    assert changed == ["limb_loss_2005"]
    assert mine.choices == base.choices
    assert mine.parameters[0].interval() == pytest.approx((1333333, 1920000))


def test_the_pool_of_studies_is_a_choice_that_moves_the_prevalence():
    prevalence = {
        name: {p.name: p for p in read_scenario(name).parameters}["plp_prevalence"]
        for name in ("baseline", "all_studies", "pooled_mean")
    }

    assert prevalence["all_studies"].median < prevalence["baseline"].median
    low, high = prevalence["pooled_mean"].interval()
    wide_low, wide_high = prevalence["baseline"].interval()
    assert wide_low < low < high < wide_high


def test_years_run_from_the_first_to_the_last(folder):
    scenario = written(folder, 'title = "M"\n[choices]\nfirst_year = 2010\nlast_year = 2012\n')

    assert scenario.years.tolist() == [2010, 2011, 2012]


BROKEN = {
    "malformed": ("title = \n", "mine.toml:1: Invalid value, column 9; expected TOML"),
    "empty": ("", "mine.toml: the file is empty"),
    "wrong encoding": (b'title = "\xe9"\n', "mine.toml:1: byte 0xe9 is not UTF-8"),
    "key twice": ('title = "a"\ntitle = "b"\n', "mine.toml:2: Cannot overwrite a value"),
    "no title": ("[choices]\n", "title is None; expected text"),
    "title of another kind": ("title = 3\n", "mine.toml:1: title is 3; expected text"),
    "unknown table": (
        'title = "M"\n[choice]\n', "mine.toml:2: unknown 'choice'; did you mean 'choices'?"),
    "unknown choice": (
        'title = "M"\n[choices]\nlastyear = 2040\n',
        "mine.toml:3: unknown 'lastyear'; did you mean 'last_year'?"),
    "choice out of range": (
        'title = "M"\n[choices]\nlast_year = 3000\n',
        "mine.toml:3: last_year is 3000; expected a year from 1900 to 2100"),
    "year as text": (
        'title = "M"\n[choices]\nlast_year = "2040"\n', "mine.toml:3: last_year is '2040'"),
    "unknown word": (
        'title = "M"\n[choices]\ngrowth = "fast"\n',
        "growth is 'fast'; expected one of 'constant_rate', 'straight_line', 'logistic'"),
    "truth as a number": (
        'title = "M"\n[choices]\nextrapolate = 1\n', "expected true or false"),
    "years reversed": (
        'title = "M"\n[choices]\nfirst_year = 2051\n', "first_year is 2051; expected last_year"),
    "choices not a table": ('title = "M"\nchoices = 3\n', "choices is 3; expected a table"),
    "unknown parameter": (
        OVERRIDE.replace("limb_loss_2005", "limb_los_2005"),
        "mine.toml:3: unknown 'limb_los_2005'; did you mean 'limb_loss_2005'?"),
    "unknown unit": (
        OVERRIDE.replace('"people"', '"persons"'),
        "mine.toml:4: limb_loss_2005: unit is 'persons'; expected one of 'people'"),
    "unit left out": (OVERRIDE.replace('unit = "people"\n', ""), "unit is None; expected"),
    "unknown distribution": (OVERRIDE.replace("lognormal", "cauchy"), "dist is 'cauchy'"),
    "unknown field": (
        OVERRIDE.replace("value =", "valeu ="), "unknown 'valeu'; did you mean 'value'?"),
    "number as text": (OVERRIDE.replace("1600000", '"1.6M"'), "value is '1.6M'; expected a number"),
    "unknown source": (
        OVERRIDE.replace('source = "assumed"', 'source = "nobody_1900"'),
        "source is 'nobody_1900'; expected keys of sources.csv"),
    "from memory": (
        OVERRIDE.replace('seen = "assumed"', 'seen = "memory"'), "seen is 'memory'; expected one"),
    "assumed without a reason": (
        OVERRIDE.replace('note = "a reason"\n', ""), "note is None; expected the reason"),
    "low above high": (OVERRIDE.replace("1333333", "2333333"), "expected low below high"),
    "peak outside its ends": (
        OVERRIDE.replace("lognormal", "triangular").replace("1600000", "1999999"),
        "mine.toml:3: limb_loss_2005: expected value from low (1.33333e+06) to high"),
    "more events than people": (
        ('title = "Mine"\n[parameters.course_placebo_response]\nunit = "share"\ndist = "jeffreys"\n'
        'events = 26\nn = 18\nsource = "maier_2003"\nseen = "abstract"\n'),
        "mine.toml:2: course_placebo_response: expected events from 0 to n (18), not 26"),
    "value off its limits": (OVERRIDE.replace("1600000", "1900000"), "expected value near"),
    "parameter not a table": (
        'title = "M"\n[parameters]\nlimb_loss_2005 = 3\n',
        "mine.toml:3: limb_loss_2005 is 3; expected a table [parameters.limb_loss_2005]"),
    "correlation out of range": (
        ('title = "M"\n[[correlations]]\nfirst = "limb_loss_2005"\nsecond = "limb_loss_2050"\n'
        'correlation = 2\nnote = "n"\n'), "correlation is 2; expected a number between -1 and 1"),
    "correlation of a stranger": (
        ('title = "M"\n[[correlations]]\nfirst = "x"\nsecond = "limb_loss_2050"\n'
        'correlation = 0.5\nnote = "n"\n'), "first is 'x'; expected one of 'limb_loss_2005'"),
    "correlation without a reason": (
        ('title = "M"\n[[correlations]]\nfirst = "limb_loss_2005"\nsecond = "limb_loss_2050"\n'
        "correlation = 0.5\n"), "note is None; expected the reason"),
    "correlations not a list": (
        'title = "M"\ncorrelations = 3\n', "correlations is 3; expected tables [[correlations]]"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_scenario_is_refused_with_its_place_and_what_was_expected(fault, folder):
    content, expected = BROKEN[fault]

    with pytest.raises(ValueError, match=r"mine\.toml") as refused:
        written(folder, content)

    assert expected in str(refused.value)


def test_all_faults_of_a_table_are_reported_at_once(folder):
    with pytest.raises(ValueError, match=r"mine\.toml") as refused:
        written(folder, 'title = "M"\n[choices]\nfirst_year = 1\nlast_year = 9\ngrowth = "x"\n')

    assert len(str(refused.value).splitlines()) == 3


def test_a_scenario_that_is_not_there_is_named_beside_those_that_are():
    with pytest.raises(ValueError, match="no scenario 'gone'; expected one of baseline, "):
        read_scenario("gone")


def test_a_baseline_without_all_choices_is_refused(folder):
    baseline = folder / "scenarios" / "baseline.toml"
    lines = baseline.read_text().splitlines(keepends=True)
    baseline.write_text("".join(line for line in lines if not line.startswith("growth")))

    with pytest.raises(ValueError, match=r"baseline.toml: \[choices\] lacks growth"):
        read_scenario(folder=folder)


def test_a_choice_can_be_made_on_the_spot_and_is_checked_like_one_in_a_file():
    scenario = read_scenario("straight_line", choices={"last_year": 2040})

    assert scenario.years[-1] == 2040
    assert scenario.choices["growth"] == "straight_line"
    with pytest.raises(ValueError, match="last_year is '2040'; expected a year"):
        read_scenario(choices={"last_year": "2040"})
    with pytest.raises(ValueError, match="unknown 'last_yaer'; did you mean 'last_year'"):
        read_scenario(choices={"last_yaer": 2040})

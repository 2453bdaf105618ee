"""The shipped tables: every row loads, every key resolves, every claim has its verdict."""

import re
import shutil

import pytest

from plcore.evidence.data import DATA, cite, estimate_points, read, reference
from plcore.evidence.parameters import read_parameters
from plcore.evidence.prevalence import gather
from plcore.evidence.schema import TABLES

EVIDENCE = [name for name in TABLES if name != "sources"]


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(DATA, tmp_path / "data")
    return tmp_path / "data"


def test_every_source_is_used():
    used = {"assumed"}
    for name in EVIDENCE:
        if "source" in read(name):
            used |= {key for keys in read(name)["source"] for key in keys.split(";")}
    used |= set(read("claims")["page"])
    datasets = read("sources").query("kind == 'dataset'")["source"]

    assert set(read("sources")["source"]) - used - set(datasets) == set()


def test_the_audit_covers_five_pages_and_every_number_on_them():
    claims = read("claims")
    numbers = claims[claims["unit"] != "none"]

    assert claims["page"].nunique() == 5
    assert len(numbers) >= 25


@pytest.mark.parametrize(
    ("unit", "number"),
    [
        ("percent", 80), ("percent", 20), ("percent", 50), ("percent", 41), ("percent", 61),
        ("people", 1.6e6), ("people", 3.6e6), ("one_in", 190), ("mg/kg", 0.5), ("minutes", 40),
        ("infusions", 8), ("infusions", 12), ("weeks", 3), ("weeks", 4), ("hours", 24),
        ("hours", 48), ("percent", 60), ("percent", 85), ("percent", 10), ("days", 30),
        ("months", 3), ("years", 50), ("year", 1970),
    ],
)  # fmt: skip
def test_the_numbers_that_the_pages_print_are_all_audited(unit, number):
    """The list of the numbers that the five pages print, read off the pages by hand."""
    claims = read("claims").query("unit == @unit")

    assert number in claims[["claimed_low", "claimed", "claimed_high"]].to_numpy()


def test_limb_loss_is_never_taken_for_phantom_limb_pain():
    claims = read("claims").set_index("claim")
    for claim in ("nws_1_6_million", "nws_1_in_190", "nws_3_6_million"):
        assert claims.loc[claim, "verdict"] == "misattributed"
        assert "limb loss" in claims.loc[claim, "found_unit"]


def test_a_citation_carries_the_mark_of_how_it_was_seen():
    assert cite("ziegler_graham_2008") == "Ziegler-Graham 2008"
    assert cite("ziegler_graham_2008", seen="memory") == "Ziegler-Graham 2008 (from memory)"
    assert cite("ziegler_graham_2008;melzack_1997") == "Ziegler-Graham 2008; Melzack 1997"


def test_a_reference_ends_in_its_doi():
    assert reference("ziegler_graham_2008").endswith("https://doi.org/10.1016/j.apmr.2007.11.005")


def test_an_unknown_source_or_table_is_named():
    with pytest.raises(ValueError, match="no source 'nobody_1900'"):
        cite("nobody_1900")
    with pytest.raises(ValueError, match="seen is 'hearsay'; expected one of primary"):
        cite("melzack_1997", seen="hearsay")
    with pytest.raises(
        ValueError, match="no table 'claim'; expected one of amputation_incidence, "
    ):
        read("claim")


def test_a_file_saved_again_is_read_again(folder):
    path = folder / "claims.csv"
    before = read("claims", folder=folder)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))

    assert len(read("claims", folder=folder)) == len(before) - 1


def test_what_a_reader_changes_does_not_change_the_next_read():
    claims = read("claims")
    claims.loc[0, "statement"] = "changed"

    assert read("claims").loc[0, "statement"] != "changed"


BROKEN = {
    "unknown source key": (
        "plp_prevalence_studies", "ephraim_2005,2005", "ephraim_2006,2005", "'ephraim_2006'"),
    "events above n": (
        "plp_prevalence_studies", ",914,730,", ",729,730,", "events is '730'; expected at most n"),
    "printed percentage disagrees": (
        "plp_prevalence_studies", ",914,730,79.9,", ",914,730,69.9,", "expected about 79.9"),
    "percentage above 100": (
        "plp_prevalence_studies", ",914,730,79.9,", ",914,730,799,", "from 0 to 100"),
    "kind unknown": (
        "plp_prevalence_studies", "79.9,period,", "79.9,ever,", "kind is 'ever'; expected one of"),
    "source named twice": ("sources", "\nmelzack_1997,", "\nziegler_graham_2008,", "each once"),
    "source cannot be found": (
        "sources", ",10.1016/j.apmr.2007.11.005,", ",doi:10.1016/j.apmr,", "a bare DOI"),
    "verdict unknown": ("claims", ",misattributed,", ",wrong,", "verdict is 'wrong'"),
    "claimed number without a unit": ("claims", ",1600000,,people,", ",1600000,,none,", "a unit"),
    "negative people": ("claims", ",1600000,,people,", ",-1600000,,people,", "of 0 or more"),
    "parameter from memory": ("parameters", "ziegler_graham_2008,abstract", "melzack_1997,memory",
                              "seen is 'memory'; expected a number that was seen"),
    "assumed with a source": (
        "parameters", "assumed,assumed,", "melzack_1997,assumed,", "assumed exactly where"),
    "low above high": ("parameters", ",1550000,1650000,", ",1750000,1650000,", "low below high"),
    "more events than people": ("parameters", ",6,18,", ",26,18,", "expected events from 0 to n (18)"),
    "share above 1": ("parameters", ",0.60,0.85,", ",0.60,1.85,", "expected a share from 0 to 1"),
    "distribution unknown": ("parameters", ",uniform,", ",unifrom,", "dist is 'unifrom'"),
    "unit unknown": ("parameters", "limb_loss_2005,people", "limb_loss_2005,persons", "'persons'"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_a_fault_in_a_shipped_table_is_refused_with_file_and_line(fault, folder):
    name, before, after, expected = BROKEN[fault]
    path = folder / TABLES[name].file
    content = path.read_text()
    assert before in content
    path.write_text(content.replace(before, after, 1))

    with pytest.raises(ValueError, match=rf"{TABLES[name].file}:\d+: ") as refused:
        read_parameters(folder=folder) if name == "parameters" else read(name, folder=folder)

    assert expected in str(refused.value)


@pytest.mark.parametrize("name", TABLES)
def test_every_column_is_explained_in_the_data_dictionary(name):
    dictionary = (DATA / "README.md").read_text()
    section = re.split(r"^#+ .*" + re.escape(TABLES[name].file), dictionary, flags=re.MULTILINE)

    assert len(section) > 1, f"no heading names {TABLES[name].file}"
    assert [c.name for c in TABLES[name].columns if f"`{c.name}`" not in section[1]] == []


def test_points_are_the_rows_asked_for_with_citation_and_mark():
    points = estimate_points(["zg2008_total_2005", "avalere2024_total"])

    assert points["value"].tolist() == [1.6e6, 2.3e6]
    assert points["label"].tolist() == ["Ziegler-Graham 2008", "Avalere Health 2024"]
    assert points["seen"].tolist() == ["abstract", "secondary"]


def test_points_that_are_not_there_or_have_no_year_are_named():
    with pytest.raises(ValueError, match="no estimate 'gone'"):
        estimate_points(["gone"])


def median_of(name, folder):
    return {item.name: item.median for item in gather(folder=folder)}[name]


@pytest.mark.parametrize(
    ("file", "before", "after", "name"),
    [
        ("plp_prevalence_studies.csv", ",2750,2145,78,", ",2750,1100,40,", "plp_prevalence"),
        ("plp_severity.csv", ",23,18,78,", ",23,6,26,", "severity_weekly"),
    ],
)
def test_what_is_pooled_for_a_scenario_follows_a_table_that_is_saved_again(
    folder, file, before, after, name
):
    first = median_of(name, folder)
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), encoding="utf-8")

    assert median_of(name, folder) < first - 0.005


def test_a_citation_follows_its_table_that_is_saved_again(folder):
    assert cite("jensen_1985", folder=folder) == "Jensen 1985"
    path = folder / "sources.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"Jensen TS, Krebs', '"Jansen TS, Krebs'), encoding="utf-8")

    assert cite("jensen_1985", folder=folder) == "Jansen 1985"

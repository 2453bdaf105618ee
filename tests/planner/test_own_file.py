"""Own numbers as spreadsheets save them: understood, or said what exactly to type."""

import pytest

from plcore.clinic.demand import OWN, OwnNumbers
from plcore.planner.own_file import own_template, read_own

HEADER = "what,month,value,note\n"


@pytest.fixture
def read(tmp_path):
    def written(text, encoding="utf-8"):
        path = tmp_path / "own.csv"
        path.write_bytes(text.encode(encoding))
        return read_own(path)

    return written


def test_the_template_reads_back(read):
    assert read(own_template()) == OwnNumbers("2026-01", (6, 4, 7), 12, 8, 850000, 5200, 3900)
    assert all(f"\n{what}," in own_template() for what in OWN)


def referrals(months):
    return HEADER + "".join(f'referrals,"{month}",{i + 4},\n' for i, month in enumerate(months))


@pytest.mark.parametrize(
    ("months", "first"),
    [
        (["2026-01", "2026-02"], "2026-01"),
        (["2026-1", "2026-2"], "2026-01"),
        (["202601", "202602"], "2026-01"),
        (["Feb-26", "Mar-26"], "2026-02"),
        (["Dec-25", "Jan-26"], "2025-12"),
        (["feb 2026", "March 2026"], "2026-02"),
        (["Sept. 2026"], "2026-09"),
        (["1-Jan-26", "1-Feb-26"], "2026-01"),
        (["Jan 1, 2026"], "2026-01"),
        (["2026-01-01", "2026-02-01"], "2026-01"),
        (["2026-01-01 00:00:00"], "2026-01"),
        (["2026/01/31", "2026/02/28"], "2026-01"),
        (["01/2026", "02/2026"], "2026-01"),
        # The same in both orders, or months in a row in only one of them.
        (["1/1/2026"], "2026-01"),
        (["1/1/2026", "2/1/2026", "3/1/2026"], "2026-01"),
        (["1/1/26", "2/1/26"], "2026-01"),
        (["01.01.2026", "01.02.2026"], "2026-01"),
        (["01/12/2025", "01/01/2026", "01/02/2026"], "2025-12"),
        (["31/1/2026", "28/2/2026"], "2026-01"),
        (["1/31/2026", "2/28/2026"], "2026-01"),
    ],
)
def test_months_are_understood_as_spreadsheets_write_them(read, months, first):
    own = read(referrals(months))

    assert own.first_month == first
    assert own.referrals == tuple(range(4, 4 + len(months)))


@pytest.mark.parametrize(
    ("months", "message"),
    [
        (["1/2/2026"], "month is '1/2/2026', which may be 2026-01 or 2026-02"),
        (["1/2/2026", "2/1/2026"], "which may be 2026-01 or 2026-02"),
        (["26-01-01"], "which may be 2001-01 or 2026-01"),
        (
            ["26-Jan"],
            "type 2026-01 if 26 is the year; if it is a day, type the year, as in 2026-01",
        ),
        (["46023"], "a spreadsheet's number of a day; type 2026-01 if it is 01 January 2026"),
        (["1/26"], "type 2026-01 if 26 is the year"),
        (["January"], "expected the month, as 2026-01"),
        (["2026-13"], "expected the month, as 2026-01"),
        (["janv.-26"], "expected the month, as 2026-01"),
        (["Q1 2026"], "expected the month, as 2026-01"),
        ([""], "month is ''; expected the month, as 2026-01"),
        (["2026-01", "2026-03"], ":3: month is '2026-03'; expected 2026-02, which follows 2026-01"),
        (["Jan-26", "2026-01"], ":3: referrals of 2026-01 is there twice"),
    ],
)
def test_months_that_may_be_others_are_asked_about(read, months, message):
    with pytest.raises(ValueError, match=r"^own\.csv:[23]: ") as caught:
        read(referrals(months))

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("separator", "text", "value"),
    [
        (",", "850000", 850_000), (",", '"850,000"', 850_000), (",", '"1,850,000"', 1_850_000),
        (",", "850 000", 850_000), (",", "850\u202f000", 850_000), (",", "850'000", 850_000),
        (",", "1.850.000", 1_850_000), (",", "8.5E+05", 850_000), (",", " 850000 ", 850_000),
        (",", "3900.5", 3900.5), (";", "3900,5", 3900.5), (";", "8.500,5", 8500.5),
        ("\t", "850000", 850_000), (";", "850000,0", 850_000),
    ],
)  # fmt: skip
def test_numbers_are_understood_as_spreadsheets_write_them(read, separator, text, value):
    rows = HEADER.replace(",", separator) + separator.join(["residents", "", text, ""])

    assert read(rows + "\r\n").residents == value


@pytest.mark.parametrize(
    ("separator", "text", "message"),
    [
        (",", "850.000", "type 850 or 850000"),
        (";", "850,000", "type 850 or 850000"),
        (",", '"3900,5"', "a decimal point, as in 3900.5"),
        (",", "-5", "a number of 0 or more"),
        (",", "(5)", "a number of 0 or more"),
        (",", "about 12", "a number and nothing else, such as 12"),
        (",", "nan", "expected a number"),
        (",", "", "a number, or the row deleted where it is not known"),
        (",", "0", "at least 1 of the people who live in the catchment"),
        (",", "1e12", "at most 1,000,000,000 people"),
    ],
)
def test_numbers_that_may_be_others_are_asked_about(read, separator, text, message):
    rows = HEADER.replace(",", separator) + separator.join(["residents", "", text, ""])

    with pytest.raises(ValueError, match=r"^own\.csv:2: value is ") as caught:
        read(rows + "\n")

    assert message in str(caught.value)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_files_are_read_whichever_way_they_were_saved(read, encoding, end):
    rows = ["what\tmonth\tvalue\tnote", "plp\t\t3900\tcaf\u00e9", "waiting_list\t\t7\t"]

    assert read(end.join(rows), encoding) == OwnNumbers(waiting_list=7, plp=3900)


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nwhat;month;value\nplp;;3900\n",
        "What , Month,VALUE,Note\nPLP,,3900,\n",
        "what,month,value,note,,\nplp,,3900,,,\n,,,,,\n",
        "value,what,month\n3900,plp,\n",
        'what,month,value,note\nplp,,3900,"two\nlines"\n',
    ],
)
def test_headers_and_empty_cells_are_as_spreadsheets_leave_them(read, text):
    assert read(text) == OwnNumbers(plp=3900)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER, "own.csv:2: no rows"),
        ("", "own.csv: the file is empty"),
        ("a,b\n1,2\n", "own.csv:1: header: missing 'what', 'month', 'value'; unknown 'a', 'b'"),
        (HEADER + "referals,2026-01,6,\n", "own.csv:2: what is 'referals'; expected one of"),
        (HEADER + "plp,2026-01,6,\n", "own.csv:2: month is '2026-01'; expected no month for plp"),
        (HEADER + "referrals,2026-01,6.5,\n", "expected a whole number of new patients"),
        (HEADER + "referrals,2026-01,20000,\n", "expected at most 10,000 new"),
        (
            HEADER + "limb_loss,,500,\nplp,,600,\n",
            "own.csv:3: value is '600'; expected at most 500",
        ),
        (HEADER + "waiting_list,,5,\nwaiting_list,,6,\n", "own.csv:3: waiting_list is there twice"),
        (HEADER + "plp,,3,some, more\n", "own.csv:2: a cell ' more' without a column"),
        (HEADER + '"plp,,3\n', "own.csv:2: unexpected end of data; expected quotes"),
        ("PK\x03\x04" + "x" * 40, "own.csv: this is a workbook; expected CSV"),
    ],
)
def test_own_numbers_at_fault_are_refused_with_their_line(read, text, message):
    with pytest.raises(ValueError, match=r"own\.csv") as caught:
        read(text)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"referrals": (3,)}, "first_month is ''; expected the month of the first"),
        ({"referrals": (3,), "first_month": "Jan-26"}, "first_month is 'Jan-26'"),
        (
            {"referrals": (-3,), "first_month": "2026-01"},
            "referrals is -3; expected a whole number",
        ),
        ({"waiting_list": 1.5}, "waiting_list is 1.5; expected a whole number"),
        ({"visits_a_day": 0}, "visits_a_day is 0; expected a whole number"),
        ({"plp": float("nan")}, "plp is nan; expected a number"),
        ({"residents": 5, "limb_loss": 6}, "limb_loss is 6; expected at most 5, the residents"),
    ],
)
def test_own_numbers_are_held_to_the_same_rules_without_a_file(wrong, message):
    with pytest.raises(ValueError, match=r" is ") as caught:
        OwnNumbers(**wrong)

    assert message in str(caught.value)

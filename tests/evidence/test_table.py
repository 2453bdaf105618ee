"""The CSV checker: every broken file is refused with the place, the value and the expectation."""

import gzip
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plcore.evidence.table import Column, Table, number, one_of, ordered, read_table, text, whole

TABLE = Table(
    file="t.csv",
    columns=(
        Column("key", text(r"[a-z]+", "lower-case letters")),
        Column("count", whole(0)),
        Column("share", number(0, 1), optional=True),
        Column("low", number(), optional=True),
        Column("high", number(), optional=True),
        Column("kind", one_of("point", "period")),
        Column("source", text()),
    ),
    key=("key",),
    rules=(ordered("low", "high"),),
    references={"source": "sources"},
)
KEYS = {"sources": frozenset({"a_2000", "b_2001"})}
HEADER = b"key,count,share,low,high,kind,source\n"
GOOD = HEADER + b"x,1,0.5,1,2,point,a_2000\ny,0,,,,period,a_2000;b_2001\n"


def load(content: bytes, folder: Path, name: str = "t.csv"):
    path = folder / name
    path.write_bytes(content)
    return read_table(path, TABLE, keys=KEYS)


def row(cells: str) -> bytes:
    return HEADER + cells.encode() + b"\n"


BROKEN = {
    # the file
    "empty file": (b"", "t.csv: the file is empty"),
    "only blanks": (b" \n\n", "t.csv: the file is empty"),
    "header only": (HEADER, "t.csv:2: no rows"),
    "latin-1 text": (GOOD.replace(b"x,1", b"\xe9,1"), "t.csv:2: byte 0xe9 is not UTF-8"),
    "utf-16": (GOOD.decode().encode("utf-16"), "t.csv:1: every second byte is 0; expected the file saved as UTF-8"),
    "cut off in a line": (GOOD[:-4], "t.csv:3: the last line has no end"),
    "quote never closed": (GOOD.replace(b"y,0", b'"y,0'), "t.csv:3: unexpected end of data"),
    "text after a quote": (GOOD.replace(b"y,0", b'"y"z,0'), "t.csv:3: ',' expected after"),
    "null byte": (GOOD.replace(b"y,0", b"\x00,0"), "t.csv:3: key is '\\x00'"),
    "blank line": (GOOD.replace(b"\ny", b"\n\ny"), "t.csv:3: 0 cells; expected 7"),
    "semicolons for commas": (GOOD.replace(b",", b";"), "t.csv:1: header: missing 'key'"),
    "tabs for commas": (GOOD.replace(b",", b"\t"), "t.csv:1: header: missing 'key'"),
    # the header
    "header missing": (GOOD[len(HEADER) :], "t.csv:1: header: missing 'key'"),
    "column missing": (GOOD.replace(b",share", b"", 1), "t.csv:1: header: missing 'share'"),
    "column unknown": (GOOD.replace(b"share", b"portion", 1), "unknown 'portion'"),
    "column twice": (GOOD.replace(b"share", b"low", 1), "repeated 'low'"),
    "columns swapped": (
        GOOD.replace(b"low,high", b"high,low", 1),
        "t.csv:1: header: columns in another order",
    ),
    "header in capitals": (GOOD.replace(b"key", b"Key", 1), "unknown 'Key'"),
    "blank in header": (GOOD.replace(b"count", b" count", 1), "unknown ' count'"),
    # the shape of a row
    "a cell too few": (row("x,1,0.5,1,2,point"), "t.csv:2: 6 cells; expected 7"),
    "a cell too many": (row("x,1,0.5,1,2,point,a_2000,"), "t.csv:2: 8 cells; expected 7"),
    "decimal comma": (row("x,1,0,5,1,2,point,a_2000"), "t.csv:2: 8 cells; expected 7"),
    # cells
    "key missing": (row(",1,,,,point,a_2000"), "t.csv:2: key is ''; expected a value"),
    "key malformed": (row("X1,1,,,,point,a_2000"), "key is 'X1'; expected lower-case"),
    "count missing": (row("x,,,,,point,a_2000"), "count is ''; expected a value"),
    "count negative": (row("x,-1,,,,point,a_2000"), "count is '-1'; expected a whole number of 0"),
    "count with decimals": (row("x,1.5,,,,point,a_2000"), "count is '1.5'; expected a whole"),
    "count in words": (row("x,one,,,,point,a_2000"), "count is 'one'; expected a whole"),
    "count with separator": (row('x,"1,000",,,,point,a_2000'), "count is '1,000'"),
    "count with underscore": (row("x,1_000,,,,point,a_2000"), "count is '1_000'"),
    "count in other digits": (row("x,\u0661,,,,point,a_2000"), "count is '\u0661'; expected a whole"),
    "count absurdly long": (row(f"x,{'9' * 30},,,,point,a_2000"), "expected a whole number"),
    "share above 1": (row("x,1,1.01,,,point,a_2000"), "share is '1.01'; expected a number from 0"),
    "share below 0": (row("x,1,-0.1,,,point,a_2000"), "share is '-0.1'; expected a number from 0"),
    "share with percent": (row("x,1,50%,,,point,a_2000"), "share is '50%'"),
    "share not a number": (row("x,1,nan,,,point,a_2000"), "share is 'nan'"),
    "share infinite": (row("x,1,inf,,,point,a_2000"), "share is 'inf'"),
    "share too large to hold": (row("x,1,,1e999,,point,a_2000"), "low is '1e999'"),
    "share in hexadecimal": (row("x,1,0x1,,,point,a_2000"), "share is '0x1'"),
    "share NA": (row("x,1,NA,,,point,a_2000"), "share is 'NA'"),
    "word unknown": (row("x,1,,,,points,a_2000"), "expected one of point, period"),
    "word in capitals": (row("x,1,,,,Point,a_2000"), "kind is 'Point'; expected one of"),
    "blank before": (row("x, 1,,,,point,a_2000"), "count is ' 1'; expected no blanks"),
    "blank after": (row("x,1,,,,point ,a_2000"), "kind is 'point '; expected no blanks"),
    "line break inside": (row('x,1,,,,point,"a_\n2000"'), "expected no blanks around it, no control"),
    "no-break space": (row("x,1,,,,point,\u00a0a_2000"), "expected no blanks"),
    # across cells, rows and tables
    "low above high": (row("x,1,,3,2,point,a_2000"), "high is '2'; expected at least low (3)"),
    "key twice": (
        GOOD.replace(b"\ny,", b"\nx,"),
        "t.csv:3: key is 'x'; expected each once, and line 2 has it",
    ),
    "source unknown": (row("x,1,,,,point,c_2002"), "source is 'c_2002'; expected a key of sources"),
    "one of two sources unknown": (
        row("x,1,,,,point,a_2000;c_2002"),
        "source is 'c_2002'; expected a key of sources",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_file_is_refused_with_its_place_and_what_was_expected(fault, tmp_path):
    content, expected = BROKEN[fault]

    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the text is compared below
        load(content, tmp_path)

    assert expected in str(refused.value)
    assert str(refused.value).startswith("t.csv")


def test_all_faults_of_a_file_are_reported_at_once(tmp_path):
    content = HEADER + b"x,-1,2,,,point,a_2000\ny,1,,5,4,other,c_2002\nx,1,,,,point,a_2000\n"

    with pytest.raises(ValueError, match="count") as refused:
        load(content, tmp_path)

    lines = str(refused.value).splitlines()
    assert [line.split(":")[1] for line in lines] == ["2", "2", "3", "3"]


def test_a_fault_after_a_quoted_line_break_names_the_line_of_the_file(tmp_path):
    table = Table("t.csv", (Column("key", text()), Column("n", whole(0))), ("key",))
    path = tmp_path / "t.csv"
    path.write_text('key,n\n"a",1\nb,-2\n')

    with pytest.raises(ValueError, match=r"t.csv:3: n is '-2'"):
        read_table(path, table)


def test_a_good_file_loads_whole_with_empty_cells_marked(tmp_path):
    table = load(GOOD, tmp_path)

    assert table["key"].tolist() == ["x", "y"]
    assert table["count"].tolist() == [1, 0]
    assert table["share"][0] == 0.5
    assert math.isnan(table["share"][1])
    assert table["source"].tolist() == ["a_2000", "a_2000;b_2001"]


@pytest.mark.parametrize(
    "same",
    [b"\xef\xbb\xbf" + GOOD, GOOD.replace(b"\n", b"\r\n"), GOOD.replace(b"point", b'"point"')],
    ids=["byte order mark", "Windows line ends", "quoted"],
)
def test_a_file_as_a_spreadsheet_saves_it_loads_to_the_same_table(same, tmp_path):
    assert load(same, tmp_path).equals(load(GOOD, tmp_path))


def test_a_packed_file_loads_like_the_plain_one_and_a_cut_one_is_refused(tmp_path):
    packed = gzip.compress(GOOD, mtime=0)

    assert load(packed, tmp_path, "t.csv.gz").equals(load(GOOD, tmp_path))
    with pytest.raises(ValueError, match=r"t.csv.gz: not a whole gzip file"):
        load(packed[:-9], tmp_path, "t.csv.gz")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"gone.csv: no such file"):
        read_table(tmp_path / "gone.csv", TABLE, keys=KEYS)


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_is_read_back_to_the_last_bit(value):
    assert number().read(repr(value)) == value

"""What a reader of the report meets: no keys, no powers of ten, no tenths of people."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plcore.charts.display import table_html
from plcore.evidence.labels import cell_in_words, heading
from plcore.printed import alike, column, digits, people, percent, short

#: A power of ten as programs print it.
POWER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?[eE][+-]?\d+\b")
#: A key with underscores that is no file, folder, address or name of code.
KEY = re.compile(r"(?<![\w/.\-])[a-z0-9]+(?:_[a-z0-9]+)+(?![\w/(]|\.\w)")
#: A number of people that is no whole number; millions and thousands of people may have decimals.
PART_OF_A_PERSON = re.compile(r"\d\.\d+ (?:people|patients|Americans|persons|residents)\b")


class Text(HTMLParser):
    """What can be read on a page, without code: its texts, and its tables cell by cell."""

    def __init__(self, html):
        super().__init__()
        self.texts, self.tables, self._skip = [], [], 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self._skip += tag in ("script", "style", "pre", "code")
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in ("td", "th") and self.tables:
            self.tables[-1][-1].append("")
        self.texts += [value for name, value in attrs if name in ("alt", "aria-label") and value]

    def handle_endtag(self, tag):
        self._skip -= tag in ("script", "style", "pre", "code")

    def handle_data(self, data):
        if self._skip or not data.strip():
            return
        self.texts.append(data)
        if self.tables and self.tables[-1] and self.tables[-1][-1]:
            self.tables[-1][-1][-1] += data


def faults(html):
    """Everything on a page that no reader should meet."""
    page = Text(html)
    text = "\n".join(page.texts)
    found = [
        match[0] for pattern in (POWER, KEY, PART_OF_A_PERSON) for match in pattern.finditer(text)
    ]
    found += re.findall(r"percent points?", text)
    for rows in page.tables:
        if not rows or "unit" not in rows[0]:
            continue
        at = rows[0].index("unit")
        for row in rows[1:]:
            if len(row) > at and row[at] == "people":
                found += [
                    cell for cell in row[at + 1 :] if re.fullmatch(r"\d+\.\d+( \(.*\))?", cell)
                ]
    return found


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("<p>a chance of 1.2e-05</p>", "1.2e-05"),
        ("<td>plp_prevalence_minor</td>", "plp_prevalence_minor"),
        ('<div aria-label="limb_loss by year"></div>', "limb_loss"),
        ("<p>12.6 patients a year</p>", "2.6 patients"),
        ("<p>up by 3 percent points</p>", "percent points"),
        ("<table><tr><th>unit</th><th>mean</th></tr><tr><td>people</td><td>3.51 (2 to 9)</td></tr></table>",
         "3.51 (2 to 9)"),
    ],
)  # fmt: skip
def test_a_fault_is_found(html, fault):
    assert faults(html) == [fault]


@pytest.mark.parametrize(
    "html",
    [
        "<p>see data/plp_severity.csv, 1.2 million people, plcore.planner.own_template()</p>",
        "<pre><code>plp_prevalence = 1e-5</code></pre>",
        "<script>{'limb_loss': 1e-5}</script>",
    ],
)
def test_files_code_and_millions_are_no_faults(html):
    assert faults(html) == []


@pytest.mark.slow
def test_no_page_of_the_report_has_keys_powers_of_ten_or_parts_of_people(own_report):
    pages = [*own_report.glob("*.html"), *own_report.glob("figures/*.html")]
    found = {page.name: faults(page.read_text(encoding="utf-8")) for page in pages}

    assert len(pages) > 60
    assert {name: words for name, words in found.items() if words} == {}


# --- One number, one cell, one table ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (2_281_234.5, "2,280,000"), (17.42, "17.4"), (9.996, "10.0"), (0.64, "0.640"), (0, "0"),
        (1.2e-5, "0.0000120"), (-0.0512, "-0.0512"), (float("inf"), "no end"), (float("nan"), "none"),
    ],
)  # fmt: skip
def test_a_number_has_three_digits_and_no_power_of_ten(value, printed):
    assert digits(value) == printed


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_nothing_is_printed_as_minus_zero(value, low, high):
    said = [digits(value), short(value), people(value), *column([value, low, high]),
            *column([value, low], kind="people"), *alike([value, low, high], short(value))]  # fmt: skip
    said += [people(value / 1e9), *column([value / 1e9, low / 1e9]), digits(round(value / 1e9, 1))]

    assert [text for text in said if re.fullmatch(r"-0(\.0*)?", text)] == []


@given(st.floats(0.01, 99), st.floats(0.001, 999), st.floats(0.001, 999))
def test_a_number_and_its_limits_have_the_same_decimals_or_three_digits(value, low, high):
    number, *limits = alike([value, low, high], short(value, 2))
    for text, exact in zip(limits, (low, high), strict=True):
        decimals = len(text.partition(".")[2])
        assert (
            decimals == len(number.partition(".")[2]) or len(text.replace(".", "").lstrip("0")) <= 3
        )
        assert abs(float(text) - exact) <= 0.51 * 10**-decimals


def test_people_are_whole_and_shares_are_percentages():
    assert [people(x) for x in (73.4, 2_281_234.5, 0.2)] == ["73", "2,280,000", "fewer than 1"]
    assert [percent(x) for x in (0.7412, 0.0051, 0.9996)] == ["74%", "0.51%", "100%"]
    assert short(0.640) == "0.64"


def test_cells_of_a_column_are_rounded_alike_and_counts_stay_as_they_are():
    nan = float("nan")

    assert column([0.642345, 0.0512, nan]) == ["0.642", "0.051", ""]
    assert column([1_623_456.0, 12.0]) == ["1,623,456", "12"]
    assert column([2_281_234.5, 8.31, 0.45]) == ["2,280,000", "8.3", "0.45"]
    assert column([2005.0, 2050.0], kind="year") == ["2005", "2050"]
    assert column([1e-9, 0.31], kind="p") == ["under 0.001", "0.31"]
    assert column([1e-9, 0.314]) == ["0.000", "0.314"]


def table(text, *numeric, **options):
    """Heads and rows of an HTML table of a CSV text."""
    rows = Text(table_html(text, caption="c", numeric=numeric, **options)).tables
    return rows[0] if len(rows) == 1 else rows


def test_a_number_and_its_limits_are_one_cell():
    assert table("label,value,low,high\na,0.5,0.25,0.75\nb,0.9,,\n", "value", "low", "high") == [
        ["label", "value"], ["a", "0.50 (0.25 to 0.75)"], ["b", "0.9"],
    ]  # fmt: skip


def test_words_low_and_high_of_a_scale_are_no_limits():
    shown = table(
        "Question,low,some concerns,high\na,4,10,0\nb,1,2,3\n", "low", "some concerns", "high"
    )

    assert shown[1] == ["a", "4", "10", "0"]


def test_keys_are_labels_and_a_key_beside_its_label_is_left_out():
    shown = table("parameter,unit,value\nplp_prevalence,share,0.75\ntrauma_rate_1996,per_person_year,0.0000586\n",
                  "value")  # fmt: skip

    assert shown[1:] == [
        ["share in pain after major limb loss", "share", "0.75"],
        [
            "amputations after injury per 100,000 people in 1996",
            "per 100,000 people a year",
            "5.86",
        ],
    ]
    assert table("parameter,label,value\nx_y,one,1\nx_z,two,2\n", "value")[0] == ["label", "value"]


def test_people_of_a_row_are_whole_and_millions_are_said_once():
    assert table("what,unit,mean\na,people,12.62\nb,days,12.62\n", "mean")[1:] == [
        ["a", "people", "13"], ["b", "days", "12.6"],
    ]  # fmt: skip
    assert table("year,median\n2025,2281234.5\n2030,2561000.2\n", "year", "median") == [
        ["year", "median, millions"], ["2025", "2.28"], ["2030", "2.56"],
    ]  # fmt: skip


def test_what_is_the_same_in_every_row_is_said_once_below():
    shown = table("year,level,n\n1,0.95,4\n2,0.95,5\n3,0.95,6\n", "year", "level", "n")

    assert (shown[0], shown[-1]) == (["year", "people"], ["In every row: level 95%."])


def test_what_a_chart_draws_from_a_second_table_is_a_table_of_its_own():
    first, second = table("year,value,also_drawn\n2005,1.6,\n2050,3.6,points\n", "year", "value")

    assert (first[1], second[1]) == (["2005", "1.6"], ["2050", "3.6"])


def test_a_wide_table_of_few_rows_is_turned():
    names = [f"m{n}" for n in range(11)]
    shown = table("chairs," + ",".join(names) + "\n" + "\n".join(
        f"{chairs}," + ",".join(str(10 * chairs + n) for n in range(11)) for chairs in (1, 2)
    ), "chairs", *names)  # fmt: skip

    assert shown[:2] == [["chairs", "1", "2"], ["m0", "10", "20"]]


def test_a_cell_in_words():
    assert cell_in_words("ephraim_2005;melzack_1997") == "Ephraim 2005; Melzack 1997"
    assert cell_in_words("True") == "yes"
    assert cell_in_words("dysvascular", "cause") == "vascular disease"
    assert cell_in_words("bach_1988 50%, of data/trials.csv") == "Bach 1988 50%, of data/trials.csv"
    assert heading("i2") == "I²"


def test_a_share_under_a_year_and_visits_a_year_are_no_calendar_years():
    text = "year,under_1_year,infusions_a_year\n2005,0.125,1088.8\n2025,0.081,\n"
    html = table_html(text, caption="c", numeric=["year", "under_1_year", "infusions_a_year"])

    cells = re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", html)
    assert cells[3:] == ["2005", "0.125", "1,090", "2025", "0.081", ""]

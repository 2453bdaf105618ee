"""The front page: its cards say what the tables of the pages say, and links lead somewhere."""

import csv
import io
import json
import re

import pandas as pd
import pytest

from plcore.evidence.data import DATA, read
from plcore.report.front import cards, predicted
from plcore.report.headlines import AS_PUBLISHED, LIMB_LOSS
from plcore.report.notebooks import Block, Exhibit, Page

HEADLINES = pd.DataFrame(
    [
        (LIMB_LOSS, 2005, 1.7e6, 1.5e6, 1.9e6),
        (LIMB_LOSS, 2025, 2.2e6, 2.0e6, 2.6e6),
        (LIMB_LOSS, 2050, 3.3e6, 2.2e6, 5.6e6),
        ("In pain now or lately", 2025, 0.84e6, 0.57e6, 1.19e6),
        ("In pain if only major losses hurt", 2025, 0.49e6, 0.4e6, 0.6e6),
        ("In pain if all losses hurt alike", 2025, 1.72e6, 1.4e6, 2.0e6),
        (AS_PUBLISHED, 2005, 1.6e6, None, None),
        (AS_PUBLISHED, 2050, 3.6e6, None, None),
    ],
    columns=["quantity", "year", "median", "low", "high"],
)
CONTRASTS = pd.DataFrame(
    [
        ("Memantine", None, None, None, "heading", None),
        ("A 2003: 10 of 18 against 6 of 18", 22.2, -10.5, 50.7, "study", "maier_2003"),
        ("B 2024: 21 of 85 against 6 of 85", 17.6, 6.0, 29.0, "study", "kapural_2024"),
    ],
    columns=["label", "estimate", "low", "high", "role", "source"],
)


NAMED = pd.DataFrame(
    [("Opioids", 4, 0), ("Ketamine, intravenous", 5, 0)],
    columns=["Treatment", "Named by", "Compared"],
)


def page(stem, **tables):
    blocks = tuple(
        Block("exhibit", exhibit=Exhibit(name, name, None, None, table.to_csv(index=False), ()))
        for name, table in tables.items()
    )
    return Page(stem, stem, "", blocks, (), ())


def test_cards_say_what_the_tables_say():
    pages = [
        page("01_a", headline_numbers=HEADLINES),
        page("05_b", contrasts_established=CONTRASTS, treatments_named=NAMED),
    ]
    pair, people, pain, trials = cards(pages)

    assert pair.number == "1.6 → 3.6 million"
    assert (people.number, people.interval) == ("2.2 million", "in 2025; 95% interval 2.0 to 2.6")
    assert "3.3 million in 2050 (2.2 to 5.6)" in people.sentence
    assert pain.number == "0.84 million"
    assert (
        "0.49 million if only the loss of a hand, a foot or more causes it; 1.72 million if losing"
        in pain.sentence
    )
    # The clearest comparison is the one whose lower limit is highest, not the largest.
    assert trials.number == "18 more of 100"
    assert trials.interval.endswith("than in the control group; 95% interval 6 to 29")
    assert "2 controlled comparisons" in trials.sentence
    assert "Improved means: at least 50% relief 30 minutes after treatment" in trials.sentence
    assert trials.sentence.endswith(". None is of ketamine.")
    assert trials.link == "05_b.html#contrasts_established"


def test_the_published_numbers_lie_inside_only_where_they_do():
    narrow = HEADLINES.assign(high=HEADLINES["high"].where(HEADLINES["year"] != 2050, 3.4e6))
    inside, outside = (cards([page("01_a", headline_numbers=t)])[1] for t in (HEADLINES, narrow))

    assert "the published 3.6 lies inside" in inside.sentence
    assert "the published 3.6 lies outside" in outside.sentence


def test_small_charts_draw_their_numbers_to_scale_and_say_them():
    chart = str(cards([page("01_a", headline_numbers=HEADLINES)])[1].chart)
    widths = [float(x) for x in re.findall(r'width="([\d.]+)"', chart)]

    assert widths[1] / widths[0] == pytest.approx(3.3 / 2.2, rel=0.01)
    assert 'aria-label="2025 2.2 m; 2050 3.3 m"' in chart


def test_a_chart_of_differences_begins_left_of_zero_where_a_limit_is_negative():
    (trials,) = cards([page("05_b", contrasts_established=CONTRASTS, treatments_named=NAMED)])
    bars = re.findall(r'<rect x="([\d.]+)" y="\d+" width="([\d.]+)"', str(trials.chart))
    whiskers = re.findall(r'd="M([\d.]+) [\d.]+H([\d.]+)', str(trials.chart))

    # Sorted by the lower limit: B 2024 first. All bars begin at zero, A's whisker left of it.
    assert len({start for start, _ in bars}) == 1
    assert float(bars[1][1]) / float(bars[0][1]) == pytest.approx(0.222 / 0.176, rel=0.01)
    assert float(whiskers[0][0]) > float(bars[0][0]) > float(whiskers[1][0])
    assert 'aria-label="B 2024 +18; A 2003 +22"' in str(trials.chart)


def test_the_card_of_chairs_says_what_the_busier_clinic_needs():
    chairs = "It takes 1 chair, 1 nurse on duty and 2 days open a week to keep the load low; "
    chairs += "95% of cases take 1 to 2 chairs; it is a toss-up."
    six = pd.DataFrame({"answer": ["110 people.", chairs]})
    levels = pd.DataFrame({"x": [1, 2, 1, 2, 3], "value": [0.9, 1.0, 0.5, 0.79, 0.8],
                           "series": ["as assumed"] * 2 + ["half come"] * 3})  # fmt: skip
    (card,) = cards([page("07_d", six_answers=six, service_level=levels)])

    assert card.number == "1 chair"
    assert card.interval.startswith("95% of cases: 1 to 2; for Los Angeles")
    assert card.sentence.startswith("With 1 nurse on duty and 2 days open a week. For other")
    assert 'aria-label="As assumed 1; Half come 3"' in str(card.chart)


def test_a_card_without_its_table_is_left_out_and_words_are_escaped():
    assert cards([page("01_a")]) == ()
    effects = pd.DataFrame({"series": [2030], "label": ["<b>toes"], "value": [0.7], "low": [0.6],
                            "high": [0.8]})  # fmt: skip
    study = pd.DataFrame({"said": ["Asking 200 would narrow it by 40%, from 7 to 4."]})
    (card,) = cards([page("06_c", shapley_effects=effects, most_useful_study=study)])
    assert "&lt;b&gt;toes" in str(card.chart)
    assert card.sentence == "Asking 200 would narrow it by 40%."


def test_how_well_the_model_predicts_is_counted():
    table = pd.DataFrame({"inside": [True, True, False]})

    assert predicted([page("03_d", predictive_left_out=table)]).startswith("2 of 3 observations")
    assert predicted([page("03_d")]) == ""


# --- In the whole report -------------------------------------------------------------------------


def test_the_report_begins_with_six_answers_and_a_link_that_leads_somewhere(own_report):
    text = (own_report / "index.html").read_text(encoding="utf-8")
    first = text[text.index('<ul class="answers">') : text.index('<h2 id="pages">')]

    assert first.count("<li>") == 6
    for link in re.findall(r'<a href="([^"]+)"', first):
        name, _, anchor = link.partition("#")
        shown = (own_report / name).read_text(encoding="utf-8")
        assert not anchor or f'id="{anchor}"' in shown
    numbers = list(
        csv.DictReader(io.StringIO((own_report / "tables" / "headline_numbers.csv").read_text()))
    )
    now = next(row for row in numbers if row["quantity"] == LIMB_LOSS and row["year"] == "2025")
    assert f"{float(now['median']) / 1e6:.1f} million" in first


def test_a_series_has_one_colour_wherever_it_is_drawn(own_report):
    colours = {}
    for path in sorted((own_report / "figures").glob("*.json")):
        for trace in json.loads(path.read_text(encoding="utf-8"))["data"]:
            name = str(trace.get("name", "")).lower()
            colour = trace.get("marker", {}).get("color") or trace.get("line", {}).get("color")
            # What a band, a line or a year is called says nothing of what it shows.
            if isinstance(colour, str) and not re.fullmatch(
                r"|\d+|band|line|median|extrapolated|.*interval", name
            ):
                colours.setdefault(name, {}).setdefault(colour, path.stem)

    assert len(colours) > 30
    assert {name: drawn for name, drawn in colours.items() if len(drawn) > 1} == {}


def test_every_item_of_a_checklist_leads_to_a_place_of_the_report(own_report):
    items = read("checklists", folder=DATA)

    assert (items.groupby("checklist").size()[["GATHER", "ISPOR-SMDM"]] == [18, 5]).all()
    for link in dict.fromkeys(items["link"]):
        name, _, anchor = link.partition("#")
        text = (own_report / name).read_text(encoding="utf-8")
        assert not anchor or f'id="{anchor}"' in text, link
    shown = (own_report / "statements.html").read_text(encoding="utf-8")
    assert "GATHER: 18 of 18 met" in shown


def test_all_exhibits_can_be_searched(own_report):
    text = (own_report / "exhibits.html").read_text(encoding="utf-8")
    names = {path.stem for path in (own_report / "tables").glob("*.csv")}

    assert names == set(re.findall(r'<li><a href="[\w.]+#(\w+)"', text))
    assert '<label for="find">' in text
    # A chart by its title, for a caption alone may not say of what it speaks.
    assert '#amputations_fan">Hospital stays with an amputation not caused by injury</a>. ' in text

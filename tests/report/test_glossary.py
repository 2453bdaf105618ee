"""The glossary: each term once, in plain words, and linked where a page first uses it."""

import re
from html.parser import HTMLParser

import pytest

from plcore.evidence.schema import TABLES
from plcore.evidence.table import read_table
from plcore.report.glossary import Term, glossary, link_terms

#: Terms that a reader of the report meets and cannot be expected to know.
NEEDED = (
    "point prevalence", "period prevalence", "lifetime prevalence", "cumulative incidence", "prediction interval",
    "confidence interval", "posterior interval", "Knapp-Hartung", "tau", "I2", "NNT", "EVPPI", "EVSI", "hazard ratio",
    "draw", "posterior", "prior", "random effects", "funnel plot", "risk difference", "risk ratio", "odds ratio",
    "regression to the mean", "Shapley effect", "Sobol index", "percentage points", "load",
)  # fmt: skip
TERMS = (
    Term("draw", "draw", "One sampled world.", ("draw", "draws")),
    Term("random effects", "random-effects", "Many truths.", ("random effects", "effects")),
    Term("NNT", "nnt", "Number needed to treat.", ("NNT",)),
)


def linked(text):
    return link_terms(f"<main>{text}</main>", TERMS, page="g.html")[0][6:-7]


def test_every_term_that_is_needed_is_defined_once():
    names = [term.name for term in glossary()]

    assert [names.count(name) for name in NEEDED] == [1] * len(NEEDED)
    assert len({term.anchor for term in glossary()}) == len(names)


def test_the_first_use_is_linked_and_no_other():
    assert linked("<p>Two draws, one draw.</p><p>A draw.</p>") == (
        '<p>Two <a class="term" href="g.html#draw">draws</a>, one draw.</p><p>A draw.</p>'
    )


@pytest.mark.parametrize(
    "text",
    [
        "<h2>Draws</h2>",
        "<h2>Some <em>draws</em></h2>",
        '<p><a href="x">all draws</a></p>',
        "<pre><code>draws</code></pre>",
        '<script type="application/json">{"draws": 1}</script>',
        "<svg><text>draws</text></svg>",
        '<p title="draws">None</p>',
        "<table><thead><tr><th>draws</th></tr></thead></table>",
        "<!-- draws --><button>draws</button>",
        "<p>drawstring, re-draw, with-draws, nnt</p>",
    ],
)
def test_headings_links_code_charts_and_other_words_are_left_alone(text):
    assert linked(text) == text


def test_only_the_main_part_of_a_page_is_searched():
    html = "<nav>draws</nav><main><p>Nothing</p></main><footer>draws</footer>"

    assert link_terms(html, TERMS, page="g.html") == (html, ())


def test_what_can_be_seen_comes_before_what_is_folded_away():
    folded = "<details><summary>More draws</summary><p>draws</p></details>"
    link = '<a class="term" href="g.html#draw">draws</a>'

    assert linked(f"{folded}<p>draws</p>") == f"{folded}<p>{link}</p>"
    assert linked(folded) == folded.replace("<p>draws</p>", f"<p>{link}</p>")


def test_a_longer_phrase_is_taken_before_a_part_of_it_also_across_a_line_end():
    assert linked("<p>random\neffects</p>") == (
        '<p><a class="term" href="g.html#random-effects">random\neffects</a></p>'
    )


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("prior,Draws;belief,A belief.", "also is 'Draws;belief'; expected each phrase once"),
        ("draw,,A world.", "term is 'draw'; expected each once"),
        ("prior,,one world", "definition is 'one world'; expected whole sentences"),
    ],
)
def test_a_phrase_of_two_terms_and_a_scrap_of_a_definition_are_refused_by_line(
    tmp_path, line, fault
):
    path = tmp_path / "glossary.csv"
    path.write_text(f"term,also,definition\ndraw,draws,One world.\n{line}\n")

    with pytest.raises(ValueError, match=re.escape(f"glossary.csv:3: {fault}")):
        read_table(path, TABLES["glossary"])


# --- In the whole report -------------------------------------------------------------------------


class Page(HTMLParser):
    """Headings and links of a page: what stands within an h1 to h6, every id, each link to a term."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.terms, self.in_headings, self._headings = set(), [], [], 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids.add(values.get("id"))
        self._headings += re.fullmatch("h[1-6]", tag) is not None
        if values.get("class") == "term":
            self.terms.append(values["href"])
            if self._headings:
                self.in_headings.append(values["href"])

    def handle_endtag(self, tag):
        self._headings -= re.fullmatch("h[1-6]", tag) is not None


@pytest.mark.slow
def test_every_page_links_its_first_uses_to_a_place_of_the_glossary(own_report):
    known = Page((own_report / "glossary.html").read_text(encoding="utf-8")).ids
    pages = [*own_report.glob("*.html"), *own_report.glob("figures/*.html")]
    told = set()
    for path in pages:
        page = Page(path.read_text(encoding="utf-8"))
        here = "../" if path.parent != own_report else ""
        for link in page.terms:
            address, _, anchor = link.partition("#")
            assert (address, anchor in known) == (f"{here}glossary.html", True), (path.name, link)
        assert len(set(page.terms)) == len(page.terms), path.name
        assert page.in_headings == [], path.name
        told |= {link.partition("#")[2] for link in page.terms}

    # A term that no page uses would be defined for nobody.
    assert {term.anchor for term in glossary()} - told == set()
    assert all(term.definition[:40] for term in glossary())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "needed"),
    [
        ("02_claims_and_evidence", {"random-effects", "knapp-hartung", "point-prevalence"}),
        ("03_limb_loss_projection", {"hazard-ratio", "posterior", "prior", "prediction-interval"}),
        ("04_plp_prevalence", {"tau", "i2", "prior", "percentage-points", "funnel-plot"}),
        ("05_trial_response", {"nnt", "regression-to-the-mean", "percentage-points"}),
        ("06_sensitivity", {"shapley-effect", "sobol-index", "draw", "monte-carlo-error"}),
    ],
)
def test_a_page_links_the_terms_that_it_uses(own_report, page, needed):
    text = (own_report / f"{page}.html").read_text(encoding="utf-8")

    assert needed <= set(re.findall(r'class="term" href="glossary\.html#([\w-]+)"', text))

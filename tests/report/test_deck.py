"""The deck of the project in a browser: whole on the screens of lecture rooms, and small as PDF."""

from pathlib import Path

import pytest
from browsers import YEAR_AXES, chromium, wrong_years
from test_slides import pages_of

#: How far a slide is longer than its room, how far its chart reaches over it, letters that are cut
#: off, and the smallest letters of its chart.
LOOKED_AT = """() => {
    const slide = document.querySelector(".slide.current");
    const drawing = slide.querySelector(".drawing");
    const found = {
        over: Math.max(slide.scrollHeight - slide.clientHeight,
            slide.scrollWidth - slide.clientWidth),
        said: slide.dataset.said, cut: 0, letters: 99, years: (YEAR_AXES)(slide),
    };
    if (drawing === null) return found;
    const sheet = slide.querySelector(".sheet").getBoundingClientRect();
    const scale = drawing.getBoundingClientRect().width / drawing.offsetWidth;
    for (const text of drawing.querySelectorAll("text")) {
        const box = text.getBoundingClientRect();
        if (box.width === 0 || text.textContent.trim() === "") continue;
        found.cut = Math.max(found.cut, sheet.left - box.left, box.right - sheet.right,
            sheet.top - box.top, box.bottom - sheet.bottom);
        for (const piece of [text, ...text.querySelectorAll("tspan")]) {
            found.letters = Math.min(found.letters,
                scale * parseFloat(getComputedStyle(piece).fontSize));
        }
    }
    found.letters = Math.min(found.letters, parseFloat(
        getComputedStyle(slide.querySelector(".caption")).fontSize));
    return found;
}""".replace("YEAR_AXES", YEAR_AXES)


@pytest.fixture(scope="module")
def browser(own_report):
    # After the report: notebooks cannot be run while a browser is driven.
    with chromium() as program:
        yield program


#: The charts of other notebooks that the deck has to show.
BORROWED = ("limb_loss_fan", "contrasts_established", "demand_funnel", "service_level")


@pytest.mark.slow
def test_the_deck_shows_the_projection_the_trials_the_funnel_and_the_chairs(own_report):
    text = (own_report / "slides.html").read_text()

    for name in BORROWED:
        assert text.count(f'id="json-{name}"') == 1
    count = text.count('<section class="slide chart"')
    words = {15: "fifteen", 16: "sixteen"}[count]
    # The title of the deck and the README count them.
    assert f"{words} charts for a class" in text
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert f"{words} charts to teach with" in readme


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1280, 720), (1366, 768), (1024, 768)], ids="{0[0]}".format)
def test_no_slide_of_the_project_is_longer_than_the_screen_and_all_can_be_read(
    browser, own_report, size
):
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto((own_report / "slides.html").as_uri())
    seen = []
    for _ in range(page.locator(".slide").count()):
        page.wait_for_timeout(60)
        seen.append(page.evaluate(LOOKED_AT))
        page.keyboard.press("PageDown")
    page.close()

    assert len(seen) == 17
    assert [slide for slide in seen if slide["over"] > 0] == []
    assert [slide for slide in seen if slide["cut"] > 1] == []
    axes = [axis for slide in seen for axis in slide.get("years", ())]
    assert len(axes) >= 1
    assert [fault for axis in axes for fault in wrong_years(axis)] == []
    if size[0] >= 1280:
        assert [slide for slide in seen if slide["letters"] < 15.99] == []


@pytest.mark.slow
def test_the_deck_of_the_project_as_pdf_is_small_and_a_slide_a_page(browser, own_report):
    page = browser.new_page()
    page.goto((own_report / "slides.html").as_uri() + "#2")
    hatched = "[...document.querySelectorAll('path')].filter((p) => p.style.fill.startsWith('url'))"
    before = page.evaluate(f"{hatched}.length")
    pdf = page.pdf(prefer_css_page_size=True)
    # On the screen bars are hatched as before, those of slides that were drawn for paper as well.
    assert page.evaluate(f"{hatched}.length") >= before > 0
    page.close()

    assert pages_of(pdf) == 17
    assert len(pdf) < 4e6

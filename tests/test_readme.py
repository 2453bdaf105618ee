"""The README's examples run as they stand, one after the other, and what it names is there."""

import html
import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
#: The README's pictures, by the chart of the report that each shows.
PICTURES = {
    "what_is_counted.svg": "teaching_what_is_counted",
    "demand_funnel.svg": "demand_funnel",
}
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_there_is_an_example_for_each_kind_of_reader():
    assert [
        who for who in ("An analyst", "A planner", "An educator") if f"**{who}**" in README
    ] == [
        "An analyst",
        "A planner",
        "An educator",
    ]
    for example in EXAMPLES:
        assert len([line for line in example.splitlines() if line.strip()]) <= 12


def test_the_examples_run_as_they_stand(tmp_path):
    (tmp_path / "examples.py").write_text("\n".join(EXAMPLES))
    done = subprocess.run(
        [sys.executable, "examples.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "all_studies" in done.stdout
    assert "people would come to this clinic" in done.stdout
    assert (tmp_path / "claims.csv").stat().st_size > 500
    assert "https://" not in _loaded((tmp_path / "claims.html").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("picture", PICTURES)
def test_the_pictures_print_what_the_report_prints(own_report, picture):
    """A picture that has grown old is drawn anew by `run.py figures` and copied to images/."""
    figure = json.loads((own_report / "figures" / f"{PICTURES[picture]}.json").read_text())
    drawn = ElementTree.fromstring((ROOT / "images" / picture).read_text())
    texts = ["".join(node.itertext()) for node in drawn.iter("{http://www.w3.org/2000/svg}text")]

    numbers = [
        html.unescape(note["text"].replace("<br>", ""))
        for note in figure["layout"]["annotations"]
        if note.get("name") == "number"
    ]
    assert numbers
    assert [number for number in numbers if number not in texts] == []


def test_the_five_numbers_of_contributing_lead_to_code_that_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    rows = re.findall(r"^\| .* \| `\w+`, \d\d \|.*$", text, re.MULTILINE)
    assert len(rows) == 5
    for row in rows:
        _, shown, model, evidence, test = (cell.strip() for cell in row.strip("|").split("|"))
        name, notebook = re.fullmatch(r"`(\w+)`, (\d\d)", shown).groups()
        (path,) = (ROOT / "notebooks").glob(f"{notebook}_*.ipynb")
        assert f'name=\\"{name}\\"' in path.read_text()
        assert (ROOT / "tests" / "golden" / "tables" / f"{name}.csv").exists()
        function, module = re.fullmatch(r"`(\w+)` in `([\w/.]+)`", model).groups()
        assert f"def {function}(" in (ROOT / module).read_text()
        for named in re.findall(r"`([\w/.]+)`", f"{evidence} {test}"):
            assert (ROOT / named).exists(), named


def _loaded(page: str) -> str:
    """What a page would load: addresses in src and link, not those that a script mentions."""
    return " ".join(re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="([^"]*)"', page))


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#:]+)\)", README))
def test_every_file_that_the_readme_links_to_is_there(path):
    assert (ROOT / path).exists()

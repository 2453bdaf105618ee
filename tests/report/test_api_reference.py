"""What the reference says of every public name, and the pages it is printed on.

Rules for docstrings, in plain words. A public name is one of a module's `__all__` or, without one,
a function, a class or a described constant without an underscore.

1. A docstring begins with one paragraph that ends in a full stop, on one line.
2. Every parameter is described: in the function's own *Parameters*, or once for all in the
   *Parameters* of its module or of plcore. Without an entry, up to three parameters may be plainly
   named in the docstring instead. One that takes a public class of plcore has its description there.
3. Every field of a class stands in *Attributes* or *Parameters*, or is plainly named; so does
   every property have a line of its own.
4. A function whose own body raises an error says what it takes: in *Raises*, or in words.
5. A function of arrays says their shape, or its module does.
6. A statistical method names its source, author and year, or its module does.
"""

import ast
import importlib
import re
from html.parser import HTMLParser

import pytest

import plcore
from plcore.report.api import api_pages, read_pages
from plcore.report.names import (
    completed,
    declarations,
    docstring,
    entries,
    fields_of,
    home,
    is_property,
    methods_of,
    module_names,
    parameters_of,
    public_names,
    shared_entries,
)
from plcore.report.site import Stamp, write_report

STAMP = Stamp("0.1.0", "0123456789", "2026-11-20", "2026-11-19", changed=False)
MODULES = [name for name in module_names() if public_names(name)]
#: The files whose public functions are methods of statistics, numerics or queueing.
METHODS = {
    "plcore.clinic.closed_forms",
    "plcore.evidence.pooling.bayes",
    "plcore.evidence.pooling.effects",
    "plcore.evidence.pooling.exact",
    "plcore.evidence.pooling.heterogeneity",
    "plcore.evidence.pooling.random_effects",
    "plcore.evidence.pooling.regression",
    "plcore.analysis.ranks",
    "plcore.analysis.sobol",
    "plcore.analysis.trial_design.analysis",
    "plcore.evidence.trials.comparison",
    "plcore.models.course_prior",
    "plcore.evidence.trials.needed",
    "plcore.evidence.trials.paired",
    "plcore.analysis.trial_design.power",
    "plcore.evidence.trials.response",
    "plcore.analysis.trial_design.share_analysis",
}
ARRAY = re.compile(r"ndarray|ArrayLike|NDArray|\bArray\b|\bFloats\b")
#: The word, or axes in brackets as in (n_draws, n_years) and (..., k).
SHAPE = re.compile(r"shape|broadcast|\((?:\.\.\.|n_\w+|k|m),? ?[^)]*\)|\(\.\.\.\)")
ALLOWED = re.compile(
    r"^Raises\n|\b(refuse[sd]?|ValueError|TypeError|must|ha(s|ve) to|at least|at most|one of|or more|or less|"
    r"positive|0 to 1|between 0 and 1|above 0|not below)\b",
    re.MULTILINE,
)
SOURCE = re.compile(r"[A-Z][\w'-]+[^.;]{0,60}?\b(1[89]|20)\d\d\b")


def written(module):
    """The public functions and classes of a module: file, name and node of the source."""
    for name in public_names(module):
        file = home(module, name)
        node = declarations(file)[name]
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield file, name, node


def functions(module):
    """The public functions and methods: file, name, node and docstring."""
    for file, name, node in written(module):
        if isinstance(node, ast.FunctionDef):
            yield file, name, node, ast.get_docstring(node) or ""
        else:
            for method in methods_of(node):
                yield file, f"{name}.{method.name}", method, ast.get_docstring(method) or ""


def own_classes():
    """The public classes of plcore: what they hold is described with them."""
    found = {
        name for m in MODULES for _, name, node in written(m) if isinstance(node, ast.ClassDef)
    }
    return found - {"Estimator"}


def described_by_type(node):
    """The parameters of a function that take one of plcore's own classes."""
    a = node.args
    return {
        part.arg
        for part in [*a.posonlyargs, *a.args, *a.kwonlyargs]
        if part.annotation is not None and ast.unparse(part.annotation) in OWN_CLASSES
    }


def refuses(node):
    """Whether a function's own statements raise an error, those of functions inside it aside."""
    parts = [part for part in ast.iter_child_nodes(node) if not isinstance(part, ast.FunctionDef)]
    return isinstance(node, ast.Raise) or any(refuses(part) for part in parts)


def is_named(word, text):
    """Whether a text has the word, as it is or with spaces for its underscores."""
    spaced = word.replace("_", " ")
    return re.search(rf"(?<!\w)({re.escape(word)}|{re.escape(spaced)})(?!\w)", text) is not None


OWN_CLASSES = own_classes()


@pytest.mark.parametrize("module", MODULES)
def test_a_docstring_begins_with_one_line_that_ends_in_a_full_stop(module):
    said = [(name, ast.get_docstring(node) or "") for _, name, node in written(module)]
    said += [(name, text) for _, name, _, text in functions(module) if "." in name]

    assert [name for name, text in said if not text.split("\n")[0].endswith(".")] == []
    assert [name for name, text in said if "\n" in text and text.split("\n")[1]] == []


@pytest.mark.parametrize("module", MODULES)
def test_every_parameter_is_described_or_plainly_named(module):
    faults = []
    for file, name, node, text in functions(module):
        known = entries(text).keys() | shared_entries(file).keys() | described_by_type(node)
        left = [parameter for parameter in parameters_of(node) if parameter not in known]
        unnamed = left if len(left) > 3 else [p for p in left if not is_named(p, text)]
        faults += [f"{file}.{name}: {parameter}" for parameter in unnamed]

    assert faults == []


@pytest.mark.parametrize("module", MODULES)
def test_no_docstring_describes_a_parameter_that_is_not_there(module):
    faults = [
        f"{file}.{name}: {entry}"
        for file, name, node, text in functions(module)
        for entry in entries(text)
        if entry not in parameters_of(node)
    ]

    assert faults == []


@pytest.mark.parametrize("module", MODULES)
def test_every_field_and_property_of_a_class_is_described_or_plainly_named(module):
    faults = []
    for file, name, node in written(module):
        if isinstance(node, ast.ClassDef):
            text = ast.get_docstring(node) or ""
            known = entries(text, "Attributes") | entries(text)
            fields = [field for field in fields_of(node) if field not in known]
            faults += [f"{file}.{name}.{f}" for f in fields if not is_named(f, text)]
            for part in methods_of(node):
                if is_property(part) and not ast.get_docstring(part):
                    faults.append(f"{file}.{name}.{part.name}")

    assert faults == []


@pytest.mark.parametrize("module", MODULES)
def test_a_function_that_refuses_input_says_what_it_takes(module):
    faults = [
        f"{file}.{name}"
        for file, name, node, text in functions(module)
        if refuses(node) and ALLOWED.search(completed(text, parameters_of(node), file)) is None
    ]

    assert faults == []


@pytest.mark.parametrize("module", MODULES)
def test_functions_of_arrays_say_their_shapes(module):
    faults = []
    for file, name, node, text in functions(module):
        types = [part.annotation for part in ast.walk(node.args) if isinstance(part, ast.arg)]
        arrays = any(ARRAY.search(ast.unparse(t)) for t in [*types, node.returns] if t is not None)
        full = completed(text, parameters_of(node), file)
        about = docstring(importlib.import_module(file))
        if arrays and SHAPE.search(full + about) is None:
            faults.append(f"{file}.{name}")

    assert faults == []


@pytest.mark.parametrize("method_file", sorted(METHODS))
def test_a_method_names_its_source_by_author_and_year(method_file):
    about = docstring(importlib.import_module(method_file))
    said = {
        name: text
        for file, name, _, text in functions(".".join(method_file.split(".")[:2]))
        if file == method_file and "." not in name
    }

    assert said
    assert [name for name, text in said.items() if SOURCE.search(text + about) is None] == []


class Headings(HTMLParser):
    """The levels of a page's headings, its ids, its links and what is wrong with it."""

    def __init__(self, html):
        super().__init__()
        self.levels, self.ids, self.links, self.unnamed, self.lang = [], [], [], 0, None
        self._link = None
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids += [given["id"]] if "id" in given else []
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag == "html":
            self.lang = given.get("lang")
        if tag == "a":
            self.links.append(given["href"])
            self._link = ""

    def handle_data(self, data):
        if self._link is not None:
            self._link += data

    def handle_endtag(self, tag):
        if tag == "a":
            self.unnamed += not self._link.strip()
            self._link = None


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The folder of a report without notebooks."""
    folder = tmp_path_factory.mktemp("reference") / "report"
    write_report([], folder, stamp=STAMP, with_reference=True)
    return folder


@pytest.fixture(scope="module")
def pages(reference):
    """The pages of the reference by path, with the front page of the report."""
    paths = [reference / "index.html", *sorted((reference / "api").rglob("*.html"))]
    return {str(p.relative_to(reference)): p.read_text(encoding="utf-8") for p in paths}


def test_every_module_with_public_names_has_a_page_and_no_other(pages):
    expected = {f"api/{name.replace('.', '/')}.html" for name in MODULES}

    assert set(pages) == expected | {"index.html", "api/index.html"}


def test_every_public_name_is_on_its_page_and_in_the_list(pages):
    for module in MODULES:
        path = module.replace(".", "/") + ".html"
        for name in public_names(module):
            assert f'id="{name}"' in pages[f"api/{path}"]
            assert f'href="{path}#{name}"' in pages["api/index.html"]


def test_every_link_of_the_reference_leads_somewhere(pages, reference):
    anchors = {path: set(Headings(html).ids) for path, html in pages.items()}
    for path, html in pages.items():
        for link in Headings(html).links:
            target, _, anchor = link.partition("#")
            file = (reference / path).parent.joinpath(target).resolve() if target else None
            found = path if file is None else str(file.relative_to(reference.resolve()))
            assert found in anchors, (path, link)
            assert not anchor or anchor in anchors[found], (path, link)


def test_pages_have_one_title_headings_in_order_named_links_and_ids_used_once(pages):
    for path, html in pages.items():
        read = Headings(html)
        assert read.lang == "en", path
        assert read.levels.count(1) == 1, path
        steps = [
            after - before for before, after in zip(read.levels, read.levels[1:], strict=False)
        ]
        assert max(steps, default=0) <= 1, path
        assert len(read.ids) == len(set(read.ids)), path
        assert read.unnamed == 0, path


def test_the_reference_names_no_place_in_memory_and_no_folder_of_this_machine(pages, reference):
    here = (" at 0x", str(reference.parent), str(plcore.__path__[0]), "site-packages")
    for path, html in pages.items():
        assert [word for word in here if word in html] == [], path


def test_the_reference_is_small(pages):
    assert sum(len(html.encode()) for html in pages.values()) < 4e6


def test_pages_read_a_second_time_are_the_same():
    first = read_pages()
    read_pages.cache_clear()

    assert read_pages() == first


def test_sections_of_a_docstring_are_headings_with_a_list_below(pages):
    shown = pages["api/plcore/cohort.html"].split('id="recurse"')[1]

    assert "<h3>Parameters</h3>\n\n<ul>\n<li><strong>entering</strong> (ndarray, shape (" in shown
    assert "----" not in shown


def test_a_signature_is_printed_as_the_source_has_it(pages):
    shown = pages["api/plcore/meta.html"].split('id="reml"')[1].split("</pre>")[0]

    plain = re.sub(r"<[^>]+>", "", shown.split("<code>")[1]).replace("</code>", "")
    assert (
        plain
        == "reml(y: npt.ArrayLike, v: npt.ArrayLike, x: npt.ArrayLike | None = None, /) -&gt; Array"
    )


def test_types_and_names_in_text_are_links_to_where_they_are_described(pages):
    simulate = pages["api/plcore/simulate.html"]

    assert '<a href="scenarios.html#Scenario">Scenario</a>' in simulate
    assert '<a href="plcore/trials.html">plcore.trials</a>' in pages["api/index.html"]


def test_a_parameter_that_all_modules_share_is_printed_with_each_function(pages):
    shown = pages["api/plcore/data.html"].split('id="read"')[1]
    words = entries(docstring(plcore))["folder"].split("\n")[1].strip().partition("`")[0].strip()

    assert words in shown
    assert words in pages["api/index.html"]


# --- how docstrings are read --------------------------------------------------------------------

TEXT = """What comes back.

More of it.

Parameters
----------
b : int
    The second.

Returns
-------
float
"""


def test_parameters_that_share_an_entry_have_it_each():
    text = "Parameters\n----------\na, *b : int\n    Both.\n\nc\n    Not.\n\nReturns\n-------\nd : int\n"

    assert entries(text) == {
        "a": "a : int\n    Both.",
        "b": "*b : int\n    Both.",
        "c": "c\n    Not.",
    }


def test_a_docstring_is_completed_in_the_order_of_the_signature():
    full = completed(TEXT, ["seed", "b", "folder"], "plcore.evidence.data")

    assert list(entries(full)) == ["seed", "b", "folder"]
    assert full.startswith("What comes back.\n\nMore of it.\n\nParameters\n----------\nseed : int")
    assert full.endswith("\n\nReturns\n-------\nfloat")


def test_parameters_of_which_the_same_is_said_stand_together():
    full = completed("What.", ["v", "level", "y"], "plcore.evidence.pooling.random_effects")

    assert re.findall(r"^(\w.*) :", full, re.MULTILINE) == ["v, y", "level"]


def test_a_docstring_without_parameters_gets_them_before_its_first_section():
    full = completed("What.\n\nReturns\n-------\nfloat", ["seed"], "plcore.evidence.data")

    assert re.sub(r"    .*\n", "", full) == (
        "What.\n\nParameters\n----------\nseed : int\n\nReturns\n-------\nfloat"
    )


def test_a_docstring_that_says_it_all_is_left_as_it_is():
    assert completed(TEXT, ["b"], "plcore.evidence.data") == TEXT


def test_each_page_is_rendered_by_a_template_of_the_report():
    assert {template for _, template, _ in api_pages()} == {"api/index.html", "api/module.html"}

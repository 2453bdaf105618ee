"""The reference of plcore's public names as pages of the report.

pdoc reads the modules, turns numpydoc into HTML and links the names in it; the pages are laid out
by the report's own templates. Why pdoc: it is one small package that needs no configuration, and
its parts can be called one by one. Sphinx with numpydoc brings a site of its own with its own
scripts and search, quartodoc needs Quarto, and griffe reads docstrings but writes no pages.

Signatures are printed as the source has them. Evaluated, as pdoc does it, `ArrayLike` would be
five lines of NumPy's private names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, cast

from jinja2.runtime import Context
from pdoc.doc import Doc
from pdoc.docstrings import convert
from pdoc.render_helpers import linkify, to_html
from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import PythonLexer  # type: ignore[import-untyped]

import plcore
from plcore.report.names import (
    completed,
    declarations,
    described_constants,
    docstring,
    home,
    is_property,
    methods_of,
    module_names,
    parameters_of,
    public_names,
    read_module,
    without_section,
)

#: A signature longer than this goes over several lines.
_LINE = 84
#: The value of a constant longer than this is not printed.
_VALUE = 200


@dataclass(frozen=True, slots=True)
class Name:
    """A public name as its page shows it.

    Attributes
    ----------
    anchor : str
        Its place on the page: the name, for a member of a class with the class before it.
    kind : str
        "function", "class", "constant", "property" or "method".
    summary, signature, text : str
        The first line of the docstring, the declaration and the whole docstring, as HTML.
    members : tuple of Name
        Properties and methods of a class.
    """

    anchor: str
    kind: str
    summary: str
    signature: str
    text: str
    members: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """The public names that one file defines.

    Attributes
    ----------
    module : str
        The module of the file, as in "plcore.models.course".
    text : str
        Its docstring as HTML; empty where it is the page's own.
    names : tuple of Name
    """

    module: str
    text: str
    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class ModulePage:
    """A module or package with its public names, by file.

    Attributes
    ----------
    module : str
        Its name, as in "plcore.trials".
    text : str
        Its docstring as HTML.
    groups : tuple of Group
    """

    module: str
    text: str
    groups: tuple[Group, ...]

    @property
    def names(self) -> tuple[Name, ...]:
        """Its public names in the order of the page."""
        return tuple(name for group in self.groups for name in group.names)


def api_pages() -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """Path, template and values of each page: the list of all names, then a page a module."""
    modules = read_pages()
    about = _Reader(plcore.__name__).html(docstring(plcore), 2)
    yield "api/index.html", "api/index.html", {"modules": modules, "about": about}
    for module in modules:
        path = f"api/{module.module.replace('.', '/')}.html"
        yield path, "api/module.html", {"modules": modules, "module": module}


@cache
def read_pages() -> tuple[ModulePage, ...]:
    """Every module of plcore that has public names, by name."""
    return tuple(_Reader(name).page() for name in module_names() if public_names(name))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads what the page of one module shows."""

    module: str

    def page(self) -> ModulePage:
        names = public_names(self.module)
        homes = dict.fromkeys(home(self.module, name) for name in names)
        groups = []
        for file in homes:
            own = file == self.module
            shown = [name for name in names if home(self.module, name) == file]
            read = tuple(self.name(name, file, level=3 if own else 4) for name in shown)
            groups.append(Group(file, "" if own else self.about(file, 3), read))
        return ModulePage(self.module, self.about(self.module, 2), tuple(groups))

    def about(self, module: str, level: int) -> str:
        """The docstring of a module; the parameters in it are printed with its functions."""
        said = docstring(import_module(module))
        return self.html("".join(without_section(said, "Parameters")), level)

    def html(self, text: str, level: int, namespace: str = "") -> str:
        """A docstring as HTML whose sections have headings of a level and whose names are links."""
        html = str(to_html(convert(text, "numpy", None)))
        html = re.sub(r"<(/?)h\d[^>]*>", rf"<\1h{level}>", html)
        # What has a type and no words ends in the colon that would have led to them.
        html = re.sub(r"\):(</p>)?(</li>)", r")\1\2", html)
        return str(linkify(_context(self.module), html, namespace, shorten=False)).strip()

    def name(self, name: str, file: str, *, level: int) -> Name:
        node = declarations(file)[name]
        if isinstance(node, ast.FunctionDef):
            return self.function(node, file, name, level, kind="function")
        if not isinstance(node, ast.ClassDef):
            text = described_constants(file).get(name, "")
            return self.entry(name, "constant", self.coloured(_value(node), file), text, level)
        members = tuple(
            self.function(
                method,
                file,
                f"{name}.{method.name}",
                level + 1,
                kind="property" if is_property(method) else "method",
            )
            for method in methods_of(node)
        )
        text = ast.get_docstring(node) or ""
        fields = self.coloured(_fields(node), file)
        return self.entry(name, "class", fields, text, level, members)

    def function(
        self, node: ast.FunctionDef, file: str, anchor: str, level: int, *, kind: str
    ) -> Name:
        text = completed(ast.get_docstring(node) or "", parameters_of(node), file)
        return self.entry(anchor, kind, self.coloured(_call(node), file), text, level)

    def entry(
        self,
        anchor: str,
        kind: str,
        signature: str,
        text: str,
        level: int,
        members: tuple[Name, ...] = (),
    ) -> Name:
        summary = self.html(text.partition("\n\n")[0], level)
        return Name(anchor, kind, summary, signature, self.html(text, level, anchor), members)

    def coloured(self, code: str, file: str) -> str:
        """Code in colours; types and defaults that the reference describes are links."""
        html = highlight(code, PythonLexer(), HtmlFormatter(nowrap=True)).rstrip("\n")
        known = vars(import_module(file))

        def link(span: re.Match[str]) -> str:
            address = self.address(known.get(span[2]), span[2])
            return span[0] if address is None else f'{span[1]}<a href="{address}">{span[2]}</a>'

        # What stands before a colon or a bracket is declared here; the rest is used.
        used = r'(<span class="nb?">)(\w+)(?=</span>(?!<span class="p">[:(]))'
        return re.sub(used, link, html)

    def address(self, thing: object, name: str) -> str | None:
        """The link from this page to a public function or class, if it is one."""
        written = getattr(thing, "__module__", None)
        if not isinstance(written, str) or getattr(thing, "__name__", None) != name:
            return None
        target = ".".join(written.split(".")[:2])
        if target not in module_names() or name not in public_names(target):
            return None
        return f"#{name}" if target == self.module else f"{target.partition('.')[2]}.html#{name}"


@cache
def _context(module: str) -> Context:
    """What pdoc asks a template for when it looks for the target of a link."""
    all_modules = {name: read_module(name) for name in module_names() if public_names(name)}

    def is_public(doc: Doc[Any]) -> str:
        if doc.kind == "module" or doc.modulename not in all_modules:
            return ""
        name, _, member = doc.qualname.partition(".")
        if name not in public_names(doc.modulename):
            return ""
        return "yes" if not member or member in _members(doc.modulename, name) else ""

    values = {"module": read_module(module), "all_modules": all_modules, "is_public": is_public}
    return cast(Context, values)


def _members(module: str, name: str) -> set[str]:
    """The properties and methods of a public name that have a place of their own on its page."""
    node = declarations(home(module, name))[name]
    return {part.name for part in methods_of(node)} if isinstance(node, ast.ClassDef) else set()


def _call(node: ast.FunctionDef) -> str:
    """The signature of a function as its source has it, on one line or one a parameter."""
    back = "" if node.returns is None else ast.unparse(node.returns)
    if is_property(node):
        return f"{node.name}: {back}"
    written = [text for text in _written(node.args) if text != "self"]
    line = f"{node.name}({', '.join(written)}) -> {back}"
    if len(line) <= _LINE:
        return line
    return f"{node.name}(\n" + "".join(f"    {text},\n" for text in written) + f") -> {back}"


def _written(arguments: ast.arguments) -> list[str]:
    """Each parameter as the source writes it, with the bare `*` and `/` between them."""
    places = [*arguments.posonlyargs, *arguments.args]
    none: list[ast.expr | None] = [None] * (len(places) - len(arguments.defaults))
    defaults = [*none, *arguments.defaults]
    written = [_parameter(*pair) for pair in zip(places, defaults, strict=True)]
    if arguments.posonlyargs:
        written.insert(len(arguments.posonlyargs), "/")
    if arguments.vararg is not None:
        written.append("*" + _parameter(arguments.vararg, None))
    elif arguments.kwonlyargs:
        written.append("*")
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return written + [_parameter(*pair) for pair in pairs]


def _parameter(argument: ast.arg, default: ast.expr | None) -> str:
    if default is None:
        return ast.unparse(argument)
    equals = "=" if argument.annotation is None else " = "
    return f"{ast.unparse(argument)}{equals}{ast.unparse(default)}"


def _fields(node: ast.ClassDef) -> str:
    fields = [
        ast.unparse(part)
        for part in node.body
        if isinstance(part, ast.AnnAssign) and not ast.unparse(part.target).startswith("_")
    ]
    return "\n    ".join([f"class {node.name}:", *fields])


def _value(node: ast.stmt) -> str:
    source = ast.unparse(node)
    return source if len(source) <= _VALUE else source.partition(" = ")[0] + " = ..."

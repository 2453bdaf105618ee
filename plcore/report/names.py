"""The public names of plcore: where each is written down and what is said of it there.

A parameter that a whole module shares is described once, in a *Parameters* section of the module's
docstring, and one that the whole package shares in that of plcore. `completed` puts the
descriptions back where they belong.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from types import ModuleType

from pdoc.doc import Module

import plcore

_SECTION = r"^{}\n-+\n(.*?)(?=^\S[^\n]*\n-{{3,}}\n|\Z)"
_ENTRY = re.compile(r"^(?P<names>\**\w+(?: *, *\**\w+)*)(?P<type> *:.*)?$")


@cache
def module_names() -> tuple[str, ...]:
    """The modules and packages that stand directly in plcore, without an underscore, by name."""
    found = (m.name for m in pkgutil.iter_modules(plcore.__path__, f"{plcore.__name__}."))
    return tuple(sorted(name for name in found if not name.rpartition(".")[2].startswith("_")))


@cache
def read_module(module: str) -> Module:
    """A module as pdoc reads it."""
    return Module(import_module(module))


@cache
def public_names(module: str) -> tuple[str, ...]:
    """What a module offers, its own file first, in the order of the source.

    Parameters
    ----------
    module : str
        As in "plcore.trials". With `__all__`, the names in it; without, the functions, classes and
        constants defined there without an underscore, constants only where `#:` describes them.
    """
    found = read_module(module)
    listed = getattr(found.obj, "__all__", None)
    if listed is None:
        described = described_constants(module)
        listed = [
            doc.name
            for doc in found.own_members
            if not doc.name.startswith("_")
            and (doc.name in described or (doc.kind != "variable" and _is_own(doc.obj, module)))
        ]
    return tuple(sorted(listed, key=lambda name: _place(module, name)))


def _is_own(thing: object, module: str) -> bool:
    return getattr(thing, "__module__", module) == module


@cache
def home(module: str, name: str) -> str:
    """The module in which a public name of `module` is written down."""
    tree = _tree(module)
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return home(str(node.module), alias.name)
    return module


def _place(module: str, name: str) -> tuple[bool, str, int]:
    written = home(module, name)
    return written != module, written, declarations(written)[name].lineno


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(import_module(module)))


@cache
def declarations(module: str) -> dict[str, ast.stmt]:
    """The statements of a module that give a name to something, by name."""
    found: dict[str, ast.stmt] = {}
    for node in _tree(module).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                parts = target.elts if isinstance(target, ast.Tuple) else [target]
                found |= {part.id: node for part in parts if isinstance(part, ast.Name)}
    return found


@cache
def described_constants(module: str) -> dict[str, str]:
    """What the `#:` lines above its constants say, by constant."""
    lines = inspect.getsource(import_module(module)).splitlines()
    said = {}
    for name, node in declarations(module).items():
        if isinstance(node, ast.Assign | ast.AnnAssign):
            first = node.lineno - 1
            while first and lines[first - 1].startswith("#:"):
                first -= 1
            text = "\n".join(line[2:].strip() for line in lines[first : node.lineno - 1])
            if text:
                said[name] = text
    return said


def docstring(thing: ModuleType | type | object) -> str:
    """The docstring of a module, class or function without its indentation; empty without one."""
    said = thing.__doc__
    return "" if said is None else inspect.cleandoc(said)


def entries(text: str, heading: str = "Parameters") -> dict[str, str]:
    """The entries of a numpydoc section by parameter; parameters that share one have it each.

    Parameters
    ----------
    text : str
        A docstring without its indentation.
    heading : str
        "Parameters", "Attributes" or another section of the same form.
    """
    section = re.search(_SECTION.format(heading), text, re.MULTILINE | re.DOTALL)
    found: dict[str, str] = {}
    for entry in re.split(r"\n+(?=\S)", section[1].strip("\n") if section else ""):
        first, _, rest = entry.partition("\n")
        named = _ENTRY.match(first)
        if named is not None:
            for name in re.split(r" *, *", named["names"]):
                found[name.strip("*")] = f"{name}{named['type'] or ''}\n{rest}".rstrip()
    return found


def shared_entries(module: str) -> dict[str, str]:
    """Parameters that a module describes for all its functions, and plcore for all its modules."""
    found: dict[str, str] = {}
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        found |= entries(docstring(import_module(".".join(parts[:length]))))
    return found


def completed(text: str, parameters: Iterable[str], module: str) -> str:
    """A docstring whose *Parameters* also hold what its module and plcore say of the others.

    Parameters of which the same is said stand together.

    Parameters
    ----------
    text : str
        The docstring of a function, without its indentation.
    parameters : iterable of str
        Those of the signature, in its order.
    module : str
        Where the function is written down.
    """
    named, own, shared = list(parameters), entries(text), shared_entries(module)
    if not any(name in shared and name not in own for name in named):
        return text
    known = shared | own
    order = [name for name in [*named, *own] if name in known]
    alike: dict[str, list[str]] = {}
    for name in dict.fromkeys(order):
        alike.setdefault(re.sub(r"^\**\w+", "", known[name]), []).append(name)
    listed = "\n".join(", ".join(names) + said for said, names in alike.items())
    section = f"Parameters\n----------\n{listed}\n\n"
    before, after = without_section(text, "Parameters")
    return f"{before.rstrip()}\n\n{section}{after}".rstrip()


def without_section(text: str, heading: str) -> tuple[str, str]:
    """What a docstring holds before and after a section; before its first section without one."""
    found = re.search(_SECTION.format(heading), text, re.MULTILINE | re.DOTALL)
    if found is not None:
        return text[: found.start()], text[found.end() :]
    first = re.search(r"^\S[^\n]*\n-{3,}\n", text, re.MULTILINE)
    place = len(text) if first is None else first.start()
    return text[:place], text[place:]


def parameters_of(node: ast.FunctionDef) -> list[str]:
    """The parameters of a function in order, without `self`."""
    a = node.args
    star = [] if a.vararg is None else [a.vararg]
    named = [*a.posonlyargs, *a.args, *star, *a.kwonlyargs]
    return [part.arg for part in named if part.arg not in {"self", "cls"}]


def is_property(node: ast.FunctionDef) -> bool:
    """Whether a method is read like a field."""
    return any(isinstance(part, ast.Name) and part.id == "property" for part in node.decorator_list)


def fields_of(node: ast.ClassDef) -> list[str]:
    """The declared fields of a class, without those that begin with an underscore."""
    targets = (part.target for part in node.body if isinstance(part, ast.AnnAssign))
    return [t.id for t in targets if isinstance(t, ast.Name) and not t.id.startswith("_")]


def methods_of(node: ast.ClassDef) -> list[ast.FunctionDef]:
    """The properties and methods of a class, without those that begin with an underscore."""
    found = (part for part in node.body if isinstance(part, ast.FunctionDef))
    return [part for part in found if not part.name.startswith("_")]

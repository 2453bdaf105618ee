"""Every public name says what it takes and has a user; a room's public names are its `__all__`."""

import ast
import dataclasses
import inspect
import json
import pkgutil
import re
from functools import cache
from importlib import import_module
from pathlib import Path

import plcore

ROOT = Path(__file__).resolve().parent.parent
ROOMS = tuple(
    room
    for room in (
        import_module(f"plcore.{found.name}") for found in pkgutil.iter_modules(plcore.__path__)
    )
    if hasattr(room, "__all__")
)
#: Modules behind the jobs of run.py that stand in a room themselves.
COMMANDS = ("planner/command.py", "report/__main__.py", "report/figures.py")


def public():
    for room in ROOMS:
        for name in room.__all__:
            yield room.__name__.removeprefix("plcore."), name, getattr(room, name)


def entries(docstring, section):
    """The entries of a numpydoc section: what is said under each name."""
    text = inspect.cleandoc(docstring or "")
    found = re.search(
        rf"^{section}\n-+\n(.*?)(?=^\S[^\n]*\n---|\Z)", text, re.DOTALL | re.MULTILINE
    )
    said = {}
    for entry in re.split(r"\n+(?=\S)", found[1].strip("\n") if found else ""):
        first, _, rest = entry.partition("\n")
        for name in first.split(" : ")[0].split(","):
            said[name.strip().lstrip("*")] = rest.strip()
    return said


def test_the_docstring_of_every_public_name_describes_every_parameter():
    gaps = []
    for room, name, thing in public():
        if inspect.isfunction(thing):
            needed, section = list(inspect.signature(thing).parameters), "Parameters"
        elif dataclasses.is_dataclass(thing):
            fields = dataclasses.fields(thing)
            needed, section = [f.name for f in fields if not f.name.startswith("_")], "Attributes"
        else:
            continue
        said = entries(thing.__doc__, section)
        missing = [each for each in needed if not said.get(each)]
        if missing:
            gaps.append(f"{room}.{name} ({section}): {', '.join(missing)}")
    assert not gaps, f"{len(gaps)} public names leave something undescribed:\n" + "\n".join(gaps)


def test_every_public_name_has_a_user():
    shown = types_in_signatures()
    idle = [
        f"{room}.{name}"
        for room, name, _ in public()
        if name not in shown and not any(used(room, name, *text) for text in users())
    ]
    assert not idle, (
        f"{len(idle)} public names are used by no notebook, README, command or other room:\n"
        + "\n".join(idle)
    )


def used(room, name, place, text):
    """Whether a text outside the room, or a command in it, uses the name."""
    outside = place.split("/")[0].removesuffix(".py") != room or place in COMMANDS
    return outside and re.search(rf"\b{room}\b", text) and re.search(rf"\b{name}\b", text)


@cache
def users():
    """What the README, the notebooks, the package and the benchmarks run, by place."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    texts = [("README.md", "\n".join(re.findall(r"```python\n(.*?)```", readme, re.DOTALL)))]
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        texts.append((path.name, "\n".join(code)))
    for path in (*(ROOT / "plcore").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")):
        place = path.relative_to(ROOT).as_posix().removeprefix("plcore/")
        texts.append((place, without_docstrings(path.read_text(encoding="utf-8"))))
    return texts


def without_docstrings(code):
    tree = ast.parse(code)
    for node in ast.walk(tree):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if documented and ast.get_docstring(node) is not None:
            node.body[0] = ast.Pass()
    return ast.unparse(tree)


@cache
def types_in_signatures():
    """The words in the annotations of public functions and of the fields and methods of classes."""
    annotations = []
    for _, _, thing in public():
        things = [thing]
        if inspect.isclass(thing):
            annotations += getattr(thing, "__annotations__", {}).values()
            members = vars(thing).values()
            things = [m.fget if isinstance(m, property) else m for m in members]
        for function in filter(inspect.isfunction, things):
            annotations += function.__annotations__.values()
    return {word for text in annotations for word in re.findall(r"\w+", str(text))}

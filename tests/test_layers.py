"""Data flows down through the rooms, never up; a name of a module means one thing."""

import ast
from pathlib import Path

import plcore

ROOT = Path(plcore.__file__).parent
#: A room imports only from itself and from those before it.
ROOMS = (
    "inputs", "terminal", "threads", "printed", "evidence", "scenarios", "models", "simulate", "analysis", "charts", "clinic",
    "planner", "report", "__main__",
)  # fmt: skip


def imported_rooms(path):
    """The rooms that a module imports from, each with its line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("plcore"):
            parts = node.module.split(".")
            names = [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [a.name.split(".")[1] for a in node.names if a.name.startswith("plcore.")]
        else:
            continue
        yield from ((name, node.lineno) for name in names)


def test_a_room_imports_only_from_those_before_it():
    upwards = []
    for path in sorted(ROOT.rglob("*.py")):
        room = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        assert room in ROOMS, f"say in ROOMS where {room} stands"
        upwards += [
            f"{path.relative_to(ROOT)}:{line} imports from {other}"
            for other, line in imported_rooms(path)
            if ROOMS.index(other) > ROOMS.index(room)
        ]
    assert upwards == []


def test_no_module_gives_one_name_to_two_things():
    """The second would take the place of the first in functions that were written for the first."""
    twice = []
    for path in sorted(ROOT.rglob("*.py")):
        names = []
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.append(node.name)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names += [
                    part.id
                    for target in targets
                    for part in ast.walk(target)
                    if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
                ]
        twice += [
            f"{path.relative_to(ROOT)}: {name}" for name in set(names) if names.count(name) > 1
        ]
    assert twice == []

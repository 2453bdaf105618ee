"""Data flows down through the rooms, never up."""

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

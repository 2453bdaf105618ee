"""The reference of the public names: pdoc's own pages of the rooms.

pdoc evaluates types and defaults. Where that would print private names of NumPy, or where the data
stand on this machine, the name that the source uses is printed instead.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
from pathlib import Path

import pdoc
from markupsafe import Markup
from numpy.typing import ArrayLike
from pdoc.render_helpers import format_signature

import plcore
from plcore.evidence.data import DATA

_TEMPLATES = Path(__file__).parent / "assets" / "reference"
_PRINTED = (
    (re.escape(inspect.formatannotation(ArrayLike)), "ArrayLike"),
    (re.escape(repr(ArrayLike)), "ArrayLike"),
    (
        r"numpy\.ndarray\[tuple\[typing\.Any, \.{3}\], numpy\.dtype\[numpy\.(\w+)\]\]",
        r"NDArray[\1]",
    ),
    (r"\b(pandas|plotly\.graph_objs)(?:\.\w+)+\.(DataFrame|Series|Figure)\b", r"\1.\2"),
    (r"\w*Path\(" + re.escape(repr(str(DATA))) + r"\)", "DATA"),
)


def write_reference(folder: Path) -> None:
    """Write the pages of plcore's rooms, each of the names in its `__all__`.

    Nothing in them is loaded from outside. There is no search: pdoc would build its index with
    Node.js where that is installed, and so not the same bytes everywhere.

    Parameters
    ----------
    folder : Path
        Where `index.html` and the pages go.
    """
    pdoc.render.env.filters |= {"plain": _plain, "format_signature": _signature}
    pdoc.render.configure(
        docformat="numpy", favicon="data:,", search=False, template_directory=_TEMPLATES
    )
    # Of a package with an `__all__` pdoc takes only the rooms that stand there; the others by name.
    rooms = {room.name for room in pkgutil.iter_modules(plcore.__path__)} - set(plcore.__all__)
    shown = [f"plcore.{room}" for room in sorted(rooms) if not room.startswith("_")]
    pdoc.pdoc("plcore", *shown, r"!plcore\.\w+\.", output_directory=folder)


class _Words(str):
    """Text that is printed in a signature as it stands."""

    __slots__ = ()
    __repr__ = str.__str__


def _plain(text: str) -> str:
    for pattern, words in _PRINTED:
        text = re.sub(pattern, words, text)
    return text


def _signature(signature: inspect.Signature, colon: bool) -> Markup:
    def words(thing: object, text: str) -> object:
        return thing if thing is inspect.Parameter.empty else _Words(_plain(text))

    def annotation(thing: object) -> object:
        return words(thing, inspect.formatannotation(thing))

    parameters = [
        parameter.replace(
            annotation=annotation(parameter.annotation),
            default=words(parameter.default, repr(parameter.default)),
        )
        for parameter in signature.parameters.values()
    ]
    printed = inspect.Signature(
        parameters, return_annotation=annotation(signature.return_annotation)
    )
    return format_signature(printed, colon)

"""Fingerprints: whether a model, a scenario and all they rest on are still what they were.

A function is told by what runs, not by a file: its code, its defaults, what it closes over, and the
functions, classes and values that it names, and those that they name, and so on. Where that leads
into Python or an installed package, the version stands for the rest. What a model reads from files
of its own, or imports while it runs, is not seen.
"""

from __future__ import annotations

import functools
import hashlib
import pickle
import platform
import sys
import sysconfig
import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import scipy

from plcore.evidence.data import DATA

_PLAIN = (type(None), bool, int, float, complex, str, bytes, Path, range, np.generic, np.dtype)


def fingerprint(*things: object) -> str:
    """A text that is the same, in any process, as long as none of the things changes.

    Parameters
    ----------
    *things
        Functions, scenarios, tables, arrays and whatever can be pickled.

    Raises
    ------
    ValueError
        If something in them cannot be pickled, so that a change of it would not be noticed.
    """
    return _digest(things, {}, {}).hex()


def surroundings() -> str:
    """A fingerprint of plcore's data, and of Python, NumPy, SciPy, pandas and the machine."""
    files = sorted(p for p in DATA.rglob("*") if p.is_file() and p.suffix != ".md")
    return fingerprint(
        [(p.relative_to(DATA).as_posix(), p.read_bytes()) for p in files],
        [sys.version, np.__version__, scipy.__version__, pd.__version__, platform.machine()],
    )


def _digest(thing: object, known: dict[int, tuple[bytes, object]], around: dict[int, int]) -> bytes:
    """Of the thing's kind and of the digests of its pieces.

    `known` holds what was looked into already (and keeps it, so that no other thing can take its
    number), `around` what is being looked into, for things that hold themselves.
    """
    if isinstance(thing, Path) and thing == DATA:
        # Where the data are differs between machines; what they are is in `surroundings`.
        return hashlib.sha256(b"DATA").digest()
    if isinstance(thing, _PLAIN):
        return hashlib.sha256(f"{type(thing).__name__} {thing!r}".encode()).digest()
    if id(thing) in known:
        return known[id(thing)][0]
    if id(thing) in around:
        return hashlib.sha256(f"{len(around) - around[id(thing)]} up".encode()).digest()
    around[id(thing)] = len(around)
    found = hashlib.sha256(_name(type(thing)))
    for piece in _pieces(thing):
        part = piece if isinstance(piece, bytes) else _digest(piece[0], known, around)
        found.update(len(part).to_bytes(8, "big") + part)
    del around[id(thing)]
    known[id(thing)] = found.digest(), thing
    return found.digest()


def _pieces(thing: object) -> Iterator[bytes | tuple[object]]:
    """Bytes as they are, and things to look into, each in a tuple of its own."""
    if isinstance(thing, types.ModuleType):
        yield thing.__name__.encode() + _version(thing.__name__)
    elif _is_installed(thing):
        yield _name(thing) + _version(_module(thing))
    elif isinstance(thing, types.FunctionType):
        yield from _function(thing)
    elif isinstance(thing, types.MethodType):
        yield from ((thing.__func__,), (thing.__self__,))
    elif isinstance(thing, functools.partial):
        yield from ((thing.func,), (thing.args,), (thing.keywords,))
    elif isinstance(thing, type):
        yield _name(thing)
        yield from ((thing.__bases__,), (_members(vars(thing)),))
    elif callable(getattr(thing, "__wrapped__", None)):
        yield (thing.__wrapped__,)  # type: ignore[attr-defined]
    elif isinstance(thing, staticmethod | classmethod):
        yield (thing.__func__,)
    elif isinstance(thing, property):
        yield from ((thing.fget,), (thing.fset,))
    else:
        yield from _value(thing)


def _value(thing: object) -> Iterator[bytes | tuple[object]]:
    if isinstance(thing, Mapping):
        yield from ((part,) for item in thing.items() for part in item)
        yield b"end"
    elif isinstance(thing, list | tuple):
        yield from ((part,) for part in thing)
        yield b"end"
    elif isinstance(thing, set | frozenset):
        # Their order differs from process to process.
        yield from ((text,) for text in sorted(fingerprint(part) for part in thing))
    elif isinstance(thing, np.ndarray) and not thing.dtype.hasobject:
        yield f"{thing.dtype} {thing.shape}".encode()
        yield np.ascontiguousarray(thing).tobytes()
    elif isinstance(thing, pd.DataFrame):
        yield from ((list(thing.columns),), (thing.index.to_numpy(),))
        yield from ((thing[name].to_numpy(),) for name in thing)
    elif is_dataclass(thing):
        yield (type(thing),)
        yield from ((getattr(thing, field.name),) for field in fields(thing))
    else:
        yield (type(thing),)
        try:
            yield pickle.dumps(thing, protocol=5)
        except (pickle.PicklingError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(
                f"a {type(thing).__name__} that the model uses cannot be pickled ({error}), so a "
                "change of it would go unnoticed; expected a model without it, or no cache"
            ) from None


def _function(function: types.FunctionType) -> Iterator[bytes | tuple[object]]:
    yield _name(function)
    yield (function.__defaults__,)
    yield (function.__kwdefaults__,)
    for cell in function.__closure__ or ():
        yield (cell.cell_contents,)
    yield from _code(function.__code__, function.__globals__)


def _code(code: types.CodeType, known: Mapping[str, object]) -> Iterator[bytes | tuple[object]]:
    yield code.co_code
    yield (code.co_names + code.co_varnames + code.co_freevars,)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _code(constant, known)
        else:
            yield (constant,)
    named = [known[name] for name in code.co_names if name in known]
    for thing in named:
        yield (thing,)
        if isinstance(thing, types.ModuleType) and not _is_installed(thing):
            # Of a module of the user's own, what the function may take from it.
            yield from ((vars(thing)[n],) for n in code.co_names if n in vars(thing))


def _members(own: Mapping[str, object]) -> list[tuple[str, object]]:
    """Methods and values of a class; what Python notes down about a class is not its own."""
    methods = (types.FunctionType, staticmethod, classmethod, property)
    return [
        (name, member)
        for name, member in own.items()
        if isinstance(member, methods)
        or (isinstance(member, (*_PLAIN, tuple, dict)) and not name.startswith("__"))
    ]


def _name(thing: object) -> bytes:
    name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", "")
    return f"{_module(thing)}.{name}".encode()


def _module(thing: object) -> str:
    return str(getattr(thing, "__module__", None) or "builtins")


def _version(module: str) -> bytes:
    package = sys.modules.get(module.split(".")[0])
    return f" {getattr(package, '__version__', '')}".encode()


def _is_installed(thing: object) -> bool:
    """Whether a module, class or function comes with Python, a package of a version, or plcore."""
    if isinstance(thing, types.ModuleType):
        name = thing.__name__
    elif isinstance(thing, type | types.FunctionType | np.ufunc):
        name = _module(thing)
    elif isinstance(thing, types.BuiltinFunctionType):
        # One that is bound to an object is told by that object.
        return isinstance(thing.__self__, types.ModuleType | None)
    else:
        return False
    if name.split(".")[0] == "plcore":
        # Told by its code: an edited copy has the version of the one it was made from.
        return False
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:
        # Python's own, or typed in: a notebook, a prompt, python -c.
        return name in sys.builtin_module_names
    return any(Path(file).is_relative_to(folder) for folder in _installed())


@functools.cache
def _installed() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    return tuple(Path(paths[key]) for key in ("stdlib", "platstdlib", "purelib", "platlib"))

"""The door for what a user gives: things of the kind expected, and tables of the same rows."""

from __future__ import annotations

import inspect
import math
import reprlib
import types
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

_P = ParamSpec("_P")
_R = TypeVar("_R")


def checks_kinds(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Refuse arguments that are not of the kind with which the function annotates them.

    Numbers, texts, functions, mappings, sequences, arrays of numbers and the types of plcore are
    checked before the function begins. It raises TypeError with the argument, what was given and
    what was expected; ValueError where a number is not a number (NaN).
    """
    signature = inspect.signature(function)

    @wraps(function)
    def checked(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            given = signature.bind_partial(*args, **kwargs).arguments
        except TypeError:
            # Python says what is wrong with the names or the number of arguments.
            return function(*args, **kwargs)
        hints = _hints(function)
        for name, value in given.items():
            several = signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
            for item in value if several else (value,):
                _check_kind(name, item, hints[name])
        return function(*args, **kwargs)

    return checked


@cache
def _hints(annotated: Any) -> Mapping[str, Any]:
    # When it is first called, as types may be defined below the function or class.
    return get_type_hints(annotated)


def check_fields(record: object) -> None:
    """Refuse fields of a record that are not of the kind with which its class annotates them.

    A dataclass that users fill in calls it as it is made. Whether a number is whole and in its
    range is left to the class.
    """
    kind: Any = type(record)
    for name, hint in _hints(kind).items():
        value = getattr(record, name)
        kinds = {hint} if get_origin(hint) is tuple else {hint, *get_args(hint)}
        if not ({int, float} & kinds and _is_number(value)):
            _check_kind(name, value, hint)


def _is_number(value: object) -> bool:
    numbers = int | float | np.integer | np.floating
    return isinstance(value, numbers) and not isinstance(value, bool)


def _check_kind(name: str, value: object, hint: Any) -> None:
    if get_origin(hint) in (Union, types.UnionType) and hint != ArrayLike:
        options = get_args(hint)
        if value is None and type(None) in options:
            return
        options = tuple(option for option in options if option is not type(None))
        if len(options) > 1:
            return
        hint = options[0]
    words = _expected(value, hint)
    if words:
        words += ", 0 or more" if name == "seed" else ""
        raise TypeError(f"{name} is {reprlib.repr(value)}; expected {words}")
    if hint is float and math.isnan(value):  # type: ignore[arg-type]
        raise ValueError(f"{name} is nan; expected a finite number")
    kind, inner = get_origin(hint), get_args(hint)
    if kind is Sequence or (kind is tuple and inner[-1] is Ellipsis):
        for item in value:  # type: ignore[attr-defined]
            _check_kind(f"one of {name}", item, inner[0])
    elif kind is tuple:
        for item, one in zip(value, inner, strict=True):  # type: ignore[call-overload]
            _check_kind(f"one of {name}", item, one)
    elif kind is Mapping:
        for key, item in value.items():  # type: ignore[attr-defined]
            _check_kind(f"{name}[{key!r}]", item, inner[1])


def _expected(value: object, hint: Any) -> str:
    """What was expected in the place of a value, in words; nothing where it is of that kind."""
    if hint is Any:
        return ""
    kind = get_origin(hint) or hint
    number = _is_number(value)
    if hint == ArrayLike:
        return "" if _are_numbers(value) else "numbers"
    if kind is int:
        whole = number and not isinstance(value, float | np.floating)
        return "" if whole else "a whole number"
    if kind is float:
        return "" if number else "a number"
    protocol = getattr(kind, "_is_protocol", False)
    if kind is Callable or (protocol and "__call__" in vars(kind)):
        return "" if callable(value) else "a function"
    if protocol:
        return ""
    if kind is Sequence:
        listed = isinstance(value, Iterable) and isinstance(value, Sized)
        return "" if listed and not isinstance(value, str | bytes) else "a list"
    if kind is tuple:
        inner = get_args(hint)
        open_ended = inner[-1] is Ellipsis
        if isinstance(value, list | tuple) and (open_ended or len(value) == len(inner)):
            return ""
        items = {int: "whole numbers", float: "numbers", str: "texts"}.get(inner[0], "values")
        return f"a list of {items}" if open_ended else f"{len(inner)} {items}"
    if kind is Mapping:
        return "" if isinstance(value, Mapping) else "a mapping, such as a dict"
    if isinstance(kind, type) and not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        return "a text" if kind is str else f"{article} {kind.__name__}"
    return ""


def _are_numbers(value: object) -> bool:
    try:
        array = np.asarray(value)
        if array.dtype.kind in "cSU":
            return False
        # pandas has numbers of its own, which NumPy takes for objects.
        return array.dtype.kind in "biuf" or bool(
            array.dtype.kind == "O" and np.asarray(value, dtype=float).dtype.kind == "f"
        )
    except (TypeError, ValueError):
        return False


def check_whole_number(name: str, value: object, *, least: int) -> None:
    """Refuse what is not a whole number, or less than the least."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} is {value!r}; expected a whole number, {least} or more")
    if value < least:
        raise ValueError(f"{name} is {value}; expected {least} or more")


def require_same_rows(**given: object) -> None:
    """Refuse Series and DataFrames whose row labels are not the same, in the same order.

    They are taken row by row: rows in another order would be put together with those of another
    draw. An array, a list or a number has no labels, and is taken as it comes.
    """
    labelled = {
        name: value.index
        for name, value in given.items()
        if isinstance(value, pd.Series | pd.DataFrame)
    }
    for name, index in labelled.items():
        first, expected = next(iter(labelled.items()))
        if not index.equals(expected):
            rows = [", ".join(map(str, labels[:5])) for labels in (index, expected)]
            raise ValueError(
                f"{name} has the rows {rows[0]}, ...; expected those of {first}, in their order: "
                f"{rows[1]}, ..."
            )

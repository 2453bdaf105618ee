"""Linear algebra on one thread, so that the number of cores does not change the last digits.

A BLAS splits a product among its threads, and the last digits of the parts follow the split: a
laptop with two cores and a Dask worker, which is told to use one thread, differ in the 13th digit.
Several processes with several threads each are slower, too.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import scipy

#: What the functions that say and set the number of threads are called: in the OpenBLAS that NumPy
#: and SciPy bring, with and without 64-bit integers, in one built elsewhere, and in Intel's MKL.
_NAMES = [
    *(
        (f"{prefix}_get_num_threads{suffix}", f"{prefix}_set_num_threads{suffix}")
        for prefix in ("scipy_openblas", "openblas")
        for suffix in ("64_", "")
    ),
    ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
]
_Control = tuple[Callable[[], int], Callable[[int], object]]

_lock = threading.Lock()
_inside: list[list[int]] = []


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Within it, matrix products and decompositions use one thread, in this process.

    Where no library that can be told so is found (Apple's Accelerate), nothing changes.
    """
    controls = blas_controls()
    with _lock:
        # Another thread may be within as well: the first in notes the number, the last out sets it.
        before = _inside[0] if _inside else [get() for get, _ in controls]
        _inside.append(before)
        for _, set_number in controls:
            set_number(1)
    try:
        yield
    finally:
        with _lock:
            _inside.pop()
            if not _inside:
                for (_, set_number), number in zip(controls, before, strict=True):
                    set_number(number)


@functools.cache
def blas_controls() -> Sequence[_Control]:
    """For each BLAS loaded: a function that says how many threads it uses, and one that sets it."""
    return [control for path in _libraries() for control in _controls(path)]


def _libraries() -> list[Path]:
    folders = [
        folder
        for package in (np, scipy)
        for root in (Path(str(package.__file__)).parent,)
        for folder in (root.parent / f"{root.name}.libs", root / ".dylibs")
    ]
    folders += [Path(sys.prefix) / "lib", Path(sys.prefix) / "Library" / "bin"]
    found = (path for folder in folders for path in folder.glob("*") if path.is_file())
    return sorted({p.resolve() for p in found if "openblas" in p.name or "mkl_rt" in p.name})


def _controls(path: Path) -> Iterator[_Control]:
    try:
        # Only what is loaded already: a second BLAS would be of no use.
        library = ctypes.CDLL(str(path), mode=getattr(os, "RTLD_NOLOAD", 0) | ctypes.DEFAULT_MODE)
    except OSError:
        return
    for get, set_number in _NAMES:
        if hasattr(library, get) and hasattr(library, set_number):
            yield getattr(library, get), getattr(library, set_number)
            return

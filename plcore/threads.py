"""Linear algebra on one thread, so that the number of cores does not change the last digits.

A BLAS library splits a product among its threads, and the last digits of the pieces follow the
split. Several processes with several threads each are slower, too.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

_lock = threading.RLock()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Within it, matrix products and decompositions use one thread; it may be nested.

    The limit is one of the process: a thread that left would lift it for another that is still
    inside, so threads take turns.
    """
    with _lock, _controller().limit(limits=1, user_api="blas"):
        yield


@functools.cache
def _controller() -> ThreadpoolController:
    # Looking for the loaded libraries takes milliseconds; entering the context, microseconds.
    return ThreadpoolController()

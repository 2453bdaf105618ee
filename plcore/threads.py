"""Linear algebra on one thread, so that the number of cores does not change the last digits.

A BLAS library splits a product among its threads, and the last digits of the pieces follow the
split. Several processes with several threads each are slower, too.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

_lock = threading.Lock()
_limits: list[Any] = []


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Within it, matrix products and decompositions of this process use one thread.

    It may be nested, and several threads may be inside at once: the first to enter sets the limit
    and the last to leave lifts it.
    """
    with _lock:
        limit = _limits[0] if _limits else _controller().limit(limits=1, user_api="blas")
        _limits.append(limit)
    try:
        yield
    finally:
        with _lock:
            _limits.pop()
            if not _limits:
                limit.restore_original_limits()


@functools.cache
def _controller() -> ThreadpoolController:
    # Looking for the loaded libraries takes milliseconds; entering the context, microseconds.
    return ThreadpoolController()

"""A chart as a picture, for viewers that cannot draw plotly's charts.

The package kaleido draws it in a Chrome or Chromium of the machine; it comes with the extra
`images`. Without it, or where `PLCORE_PICTURES=no` is set, as it is for the report's own run, there
is no picture.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import importlib
import importlib.util
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plcore.charts.frame import widened

#: The script that lets plotly draw maps without asking a server for outlines.
OUTLINES = Path(__file__).parent / "outlines.js"
#: The environment variable by which pictures are left out, and the value that does it.
PICTURES, NO_PICTURES = "PLCORE_PICTURES", "no"
#: Pixels: width, height of a figure that does not say its own; and how many are drawn for one.
_WIDTH, _HEIGHT, _SCALE = 900, 450, 1.5
#: How long a picture may take, the first with the start of the browser, and the browser to stop.
_SECONDS, _SECONDS_TO_STOP = 60, 5


def wanted() -> bool:
    """Whether charts are to bring what viewers without plotly can show."""
    return os.environ.get(PICTURES, "") != NO_PICTURES


def picture_page(kaleido: Any) -> Any:
    """The page in which kaleido draws, which asks no server for anything.

    Parameters
    ----------
    kaleido : module
    """
    # Without mathjax=False the page would ask a server for a typesetter of formulas.
    return kaleido.PageGenerator(mathjax=False, others=[OUTLINES])


def png(figure: Mapping[str, Any]) -> tuple[bytes, str]:
    """A chart as a PNG, and, where there is none, the reason in words.

    Parameters
    ----------
    figure : mapping
        `data` and `layout` as plotly's JSON has them.
    """
    if importlib.util.find_spec("kaleido") is None:
        return (
            b"",
            "A picture would be here were the package kaleido installed: pip install kaleido",
        )
    layout = widened(figure["layout"], _WIDTH)
    # A picture cannot be played; the slider stays, for it says which frame is shown.
    layout.pop("updatemenus", None)
    size = {"width": _WIDTH, "height": layout.get("height", _HEIGHT), "scale": _SCALE}
    try:
        loop, browser = _started()
        drawing = browser.calc_fig(
            {"data": figure["data"], "layout": layout}, opts={"format": "png", **size}
        )
        return bytes(asyncio.run_coroutine_threadsafe(drawing, loop).result(_SECONDS)), ""
    except Exception as error:  # noqa: BLE001
        # kaleido and its browser fail in many ways, none of which may take the chart away.
        first = next(iter(str(error).splitlines()), type(error).__name__)
        return b"", f"No picture could be drawn: {first}"


@functools.lru_cache(maxsize=1)
def _started() -> tuple[asyncio.AbstractEventLoop, Any]:
    """A browser for all charts of this process, as starting one takes seconds, and its thread."""
    kaleido = importlib.import_module("kaleido")
    loop = asyncio.new_event_loop()
    # A notebook's own loop is busy with the cell that asks.
    threading.Thread(target=loop.run_forever, daemon=True).start()

    async def start() -> Any:
        return await kaleido.Kaleido(n=1, page_generator=picture_page(kaleido)).__aenter__()

    def stop() -> None:
        closing = asyncio.run_coroutine_threadsafe(browser.__aexit__(None, None, None), loop)
        with contextlib.suppress(Exception):
            closing.result(_SECONDS_TO_STOP)

    browser = asyncio.run_coroutine_threadsafe(start(), loop).result(_SECONDS)
    atexit.register(stop)
    return loop, browser

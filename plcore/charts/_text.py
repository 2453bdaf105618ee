"""Text of charts: its width, wrapping and escaping, and how numbers are printed."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence

from plcore.evidence.schema import MARKS

#: Signs behind a label whose number was not read in its own source.
SIGNS = dict(zip((mark for mark in MARKS.values() if mark), "†‡§¶", strict=True))

_NARROW = frozenset("iljtfrI.,;:'|()[]! -/")
_WIDE = frozenset("mwMW%@—")
_MOST_DECIMALS = 6


def width(text: str, size: float, *, bold: bool = False) -> float:
    """About how many pixels a line of text takes, in a wide font such as DejaVu Sans.

    Too much on most machines, where fonts are narrower: text may leave room, never overlap.
    """
    ems = sum(
        0.37 if c in _NARROW else 0.93 if c in _WIDE else 0.72 if c.isupper() else 0.62
        for c in text
    )
    return ems * size * (1.12 if bold else 1)


def wrapped(
    text: str, pixels: float, size: float, *, bold: bool = False, even: bool = False
) -> list[str]:
    """Lines of text, escaped, none wider than some pixels; `even` makes them of like widths."""
    lines = _filled(text, pixels, size, bold)
    # The narrowest width that takes no more lines leaves no single word on the last.
    while even and len(narrower := _filled(text, pixels - 8, size, bold)) == len(lines) > 1:
        lines, pixels = narrower, pixels - 8
    return [escaped(line) for line in lines]


def _filled(text: str, pixels: float, size: float, bold: bool) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        for part in _parts(word, pixels, size):
            longer = f"{lines[-1]} {part}" if lines[-1] else part
            if lines[-1] and width(longer, size, bold=bold) > pixels:
                lines.append(part)
            else:
                lines[-1] = longer
    return lines


def _parts(word: str, pixels: float, size: float) -> list[str]:
    # An address or a key without blanks would run out of the figure.
    most = max(4, int(pixels / (0.66 * size)))
    return [word] if len(word) <= most else textwrap.wrap(word, most)


def escaped(text: str) -> str:
    """Text that plotly prints as it is: "<10%" is no tag, "$5 to $9" no formula."""
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("$", "&#36;")):
        text = text.replace(char, entity)
    return text


def number(value: float, decimals: int) -> str:
    """A number for people: separators from 10,000 up, so that years have none."""
    if decimals > _MOST_DECIMALS or abs(value) >= 1e15:
        return f"{value:.3g}"
    # Adding 0 turns a rounded -0.0 into 0.0.
    return f"{round(value, decimals) + 0.0:{',' if abs(value) >= 10_000 else ''}.{decimals}f}"


def percentage(share: float, decimals: int) -> str:
    """A share, 0 to 1, as a percent."""
    return f"{round(100 * share, decimals) + 0.0:.{decimals}f}%"


def significant(value: float) -> str:
    """A number with up to three significant digits, and all of those before the point."""
    decimals = 0 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    text = number(value, decimals)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def decimals_telling_apart(lows: Iterable[float], highs: Iterable[float], digits: int) -> int:
    """Decimals that leave some significant digits to the narrowest interval's width."""
    widths = [high - low for low, high in zip(lows, highs, strict=True) if high > low]
    if not widths:
        return digits - 1
    return min(max(0, digits - 1 - math.floor(math.log10(min(widths)))), _MOST_DECIMALS + 1)


def interval(low: float | None, middle: float | None, high: float | None) -> str:
    """What is given of low, middle and high: "64 (60 to 68)", "60 to 85", "under 10", "80"."""
    a, b, c = (None if value is None else significant(value) for value in (low, middle, high))
    if b is not None:
        around = f" ({a} to {c})" if a is not None and c is not None else ""
        around = around or (f" (from {a})" if a is not None else "")
        return b + (around or (f" (to {c})" if c is not None else ""))
    if a is not None and c is not None:
        return f"{a} to {c}"
    return f"over {a}" if a is not None else f"under {c}" if c is not None else ""


def marks_explained(seen: Iterable[str]) -> str:
    """A sentence for each sign used: "† second hand. ‡ derived."."""
    used = {MARKS[each] for each in seen if each} - {""}
    return " ".join(f"{sign} {mark}." for mark, sign in SIGNS.items() if mark in used)


def sign(seen: str) -> str:
    """The sign of how a number was seen, after a blank; nothing where its source was read."""
    mark = MARKS[seen] if seen else ""
    return f"\N{NO-BREAK SPACE}{SIGNS[mark]}" if mark else ""


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers from low to high, no more than some and at least one where there is any."""
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    for times in (1, 2, 5, 10, 20):
        first, last = (
            math.ceil(low / (times * step) - 1e-9),
            math.floor(high / (times * step) + 1e-9),
        )
        if last - first + 1 <= most:
            return [i * times * step for i in range(first, last + 1)]
    return []


def tick_texts(values: Sequence[float]) -> list[str]:
    """Tick labels with the decimals that their step needs."""
    if len(values) == 1:
        return [significant(values[0])]
    decimals = max(0, -math.floor(math.log10(values[1] - values[0]) + 1e-9))
    return [number(value, decimals) for value in values]

"""How numbers are printed for readers: two or three digits that mean something, no powers of ten.

Tables keep every digit for programs. Whatever a person reads is rounded here: a result, its limits,
a cell of a table on a page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

#: A cell below this part of the largest of its column is rounding, as a probability of nothing.
_NOTHING = 1e-5


def digits(value: float, significant: int = 3) -> str:
    """A number with so many significant digits and thousands separators, and without a power of ten.

    Parameters
    ----------
    value : float
        Any number; one without end is called "no end", and one that is not there "none".
    significant : int
        Digits that are kept, 1 or more; zeros at the end are printed, as they were measured too.

    Examples
    --------
    >>> [digits(x) for x in (2_281_234.5, 17.42, 9.996, 0.64, 0.000123, -0.5, 0)]
    ['2,280,000', '17.4', '10.0', '0.640', '0.000123', '-0.500', '0']
    """
    if math.isnan(value):
        return "none"
    if math.isinf(value):
        return "no end" if value > 0 else "-no end"
    if value == 0:
        return "0"
    # Rounded first: 9.996 is 10.0.
    rounded = float(f"{value:.{significant - 1}e}")
    return f"{rounded:,.{_decimals(rounded, significant)}f}"


def short(value: float, significant: int = 3) -> str:
    """As `digits`, without zeros at the end of decimals: "0.64", "10", "2,280,000".

    Parameters
    ----------
    value : float
    significant : int
        Digits that are kept at most.

    Examples
    --------
    >>> [short(x) for x in (0.64, 10.0, 2_281_234.5, 0.0512)]
    ['0.64', '10', '2,280,000', '0.0512']
    """
    text = digits(value, significant)
    return text.rstrip("0").rstrip(".") if "." in text else text


def people(value: float) -> str:
    """A number of people: whole, with three digits that mean something.

    Parameters
    ----------
    value : float
        People, 0 or more.

    Examples
    --------
    >>> [people(x) for x in (2_281_234.5, 73.4, 0.2, 0)]
    ['2,280,000', '73', 'fewer than 1', '0']
    """
    if not math.isfinite(value) or value == 0:
        return digits(value)
    if abs(value) < 0.95:
        # A change for the worse by almost nobody is nobody, not "-0.0".
        return "fewer than 1" if value > 0 else f"{value:.1f}" if value <= -0.05 else "0"
    return f"{round(float(f'{value:.2e}')):,}"


def millions(value: float) -> str:
    """A number of people in millions, with two decimals as all tables of them have.

    Parameters
    ----------
    value : float
        People.

    Examples
    --------
    >>> millions(842_345.0)
    '0.84'
    """
    return f"{value / 1e6:.2f}"


def alike(values: Sequence[float], beside: str) -> list[str]:
    """A number and its limits with the same decimals, where a limit says anything with these.

    Parameters
    ----------
    values : sequence of float
        The number first; not-a-number, for a limit that is not there, is printed as empty.
    beside : str
        The number as its column has it: the least decimals; two digits of it are printed as well.

    Examples
    --------
    >>> alike([2.2, 1.386, 3.0], "2.2"), alike([0.5, 0.25, 0.75], "0.5")
    (['2.2', '1.4', '3.0'], ['0.50', '0.25', '0.75'])
    >>> alike([24.4, 0.00012, 5_099_550.0], "24.4")
    ['24.4', '0.00012', '5,100,000']
    """
    decimals = max(len(beside.partition(".")[2]), _decimals(values[0], 2))
    return ["" if math.isnan(value) else _with_decimals(value, decimals) for value in values]


def _with_decimals(value: float, decimals: int) -> str:
    if not math.isfinite(value) or abs(value) >= 1000:
        return digits(value)
    decimals = min(decimals, _decimals(value, 3))
    text = f"{round(value, decimals) + 0.0:.{decimals}f}"
    return short(value, 2) if value and not float(text) else text


def percent(share: float, significant: int = 2) -> str:
    """A share from 0 to 1 as a percentage: "74%", "7.4%", "0.5%".

    Parameters
    ----------
    share : float
    significant : int
        Digits that are kept at most; whole percents are never rounded away.

    Examples
    --------
    >>> [percent(x) for x in (0.7412, 0.0741, 1.0, 0.0)]
    ['74%', '7.4%', '100%', '0%']
    """
    if abs(share) >= 0.0995:
        return f"{100 * share:.0f}%"
    return f"{short(100 * share, significant)}%"


def column(values: Sequence[float], *, kind: str = "") -> list[str]:
    """The cells of a column of numbers, rounded alike.

    Whole numbers are counts and stay as they are. Of others the largest has three significant
    digits, and each has two at least.

    Parameters
    ----------
    values : sequence of float
        One number or not-a-number, which is printed as an empty cell, a row.
    kind : str
        "year" for years, which have no thousands separators; "p" for tail probabilities; "people"
        for numbers of people, which are printed whole; empty for others.

    Examples
    --------
    >>> column([0.642345, 0.0512, 0.8])
    ['0.642', '0.051', '0.800']
    >>> column([2_281_234.5, 12.3]), column([1_623_456.0, 12.0])
    (['2,280,000', '12'], ['1,623,456', '12'])
    """
    finite = [value for value in values if math.isfinite(value)]
    if kind == "year":
        return ["" if math.isnan(value) else f"{value:.0f}" for value in values]
    if all(value.is_integer() for value in finite):
        return ["" if math.isnan(x) else f"{x:,.0f}" if math.isfinite(x) else digits(x)
                for x in values]  # fmt: skip
    if kind == "people":
        return ["" if math.isnan(value) else people(value) for value in values]
    largest = max(map(abs, finite))
    # No more decimals than there are.
    sizes = [value for value in finite if abs(value) >= _NOTHING * largest]
    decimals = min(_decimals(largest, 3), max(_own_decimals(value, 3) for value in sizes))
    return ["" if math.isnan(value) else _cell(value, largest, decimals, kind) for value in values]


def _cell(value: float, largest: float, decimals: int, kind: str) -> str:
    if not math.isfinite(value):
        return digits(value)
    if kind == "p" and abs(value) < 0.001:
        return "under 0.001"
    if largest < 10 and abs(value) < _NOTHING * largest:
        return f"{0:.{decimals}f}"
    # Whole digits that mean nothing are rounded away, too.
    kept = float(f"{value:.2e}") if abs(value) >= 1000 else value
    places = max(decimals, _own_decimals(kept, 2))
    # Adding 0 turns a rounded -0.0 into 0.0.
    return f"{round(kept, places) + 0.0:,.{places}f}"


def _own_decimals(value: float, significant: int) -> int:
    """Decimals of a number rounded to so many digits, without zeros at the end."""
    return len(short(value, significant).partition(".")[2])


def _decimals(value: float, significant: int) -> int:
    """Decimals that a number needs for so many significant digits."""
    return max(0, significant - 1 - math.floor(math.log10(abs(value)))) if value else 0

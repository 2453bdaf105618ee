"""The golden tables: every table that the report publishes, and the key figures of two plans.

`python3 run.py golden` writes them anew. What the difference shows is then read by a person and
explained under *Numbers that moved* in CHANGELOG.md, in the same commit.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from plcore.planner.answers import answer
from plcore.planner.settings import Settings
from plcore.planner.tables import key_figures
from plcore.report.site import build_report

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
TABLES, PLANS = GOLDEN / "tables", GOLDEN / "plans"

#: Numbers agree to within one part in a million: far less than any digit that is printed, and more
#: than what another processor or another release of NumPy changes.
RTOL = 1e-6
#: Below this size a number is rounding: a difference that should be 0, a probability of nothing.
ATOL = 1e-12
#: Significant digits stored, so that a difference of the files shows numbers and no noise.
_DIGITS = 9

#: Two places unlike each other: 14 million people around one ZIP code, and a rural state.
PLACES = {
    "los_angeles": Settings(zip="90012", radius_km=60, year=2030, chairs=2, draws=64),
    "vermont": Settings(state="VT", n_years=2, draws=64),
}


def read(path: Path) -> pd.DataFrame:
    """A table with its texts as they are written."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""], low_memory=False)


def plan_figures(name: str) -> pd.DataFrame:
    """The key figures of the plan for one of `PLACES`."""
    return key_figures(answer(PLACES[name]))


def differences(now: pd.DataFrame, golden: pd.DataFrame) -> list[str]:
    """What differs between two tables, a line a column, worst cell first."""
    if list(now.columns) != list(golden.columns):
        return [f"columns are {list(now.columns)}; golden: {list(golden.columns)}"]
    if len(now) != len(golden):
        return [f"{len(now)} rows; golden: {len(golden)}"]
    lines = []
    for column in golden.columns:
        new, old = now[column], golden[column]
        if pd.api.types.is_numeric_dtype(old) and pd.api.types.is_numeric_dtype(new):
            x, y = new.to_numpy(dtype=float), old.to_numpy(dtype=float)
            wrong = ~np.isclose(x, y, rtol=RTOL, atol=ATOL, equal_nan=True)
        else:
            wrong = (new.fillna("").astype(str) != old.fillna("").astype(str)).to_numpy()
        if wrong.any():
            row = int(np.argmax(wrong))
            lines.append(
                f"{column}: {int(wrong.sum())} of {len(wrong)} cells differ; row {row}: "
                f"{new.iloc[row]!r}; golden: {old.iloc[row]!r}"
            )
    return lines


def write(report: Path) -> None:
    """Store the tables of a report and the key figures of the plans as the golden ones."""
    for folder in (TABLES, PLANS):
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob("*.csv"):
            path.unlink()
    for path in sorted((report / "tables").glob("*.csv")):
        store(read(path), TABLES / path.name)
    for name in PLACES:
        store(plan_figures(name), PLANS / f"{name}.csv")


def store(table: pd.DataFrame, path: Path) -> None:
    """Write a table with the digits that golden files keep."""
    table.to_csv(path, index=False, float_format=f"%.{_DIGITS}g", lineterminator="\n")


def main() -> int:
    """Build the report and store its tables; 0 when done."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        build_report(ROOT / "notebooks", report)
        write(report)
    print(f"Written: {len(list(GOLDEN.rglob('*.csv')))} golden tables. Read what git diff shows.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

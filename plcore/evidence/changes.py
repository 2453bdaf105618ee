"""``python3 run.py manifest``: say in words what changed in `data/`, and list its checksums anew."""

from __future__ import annotations

import argparse
import csv
import datetime
import difflib
import gzip
import io
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from plcore.evidence.manifest import COLUMNS, DATA, MANIFEST, Listed, checksum, listed
from plcore.evidence.table import content
from plcore.terminal import ends_in_words

#: Endings of the files that are listed.
_ENDINGS = (".csv", ".csv.gz", ".toml", ".geojson", ".geojson.gz")
#: Changes shown of one file, and versions of it looked through for the one that was listed.
_SHOWN, _VERSIONS = 30, 50


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0, or 1 where something differs and was only to be said."""
    parser = argparse.ArgumentParser(
        prog="run.py manifest",
        description=f"Say what changed in data/ since its checksums were listed in {MANIFEST}, "
        "and list them anew, with data/datapackage.json and codemeta.json. Read what it says, as "
        "each change must be meant.",
    )
    parser.add_argument(
        "folder", nargs="?", type=Path,
        help="A folder of your own: say how its files differ from those of the project.",
    )  # fmt: skip
    parser.add_argument("--check", action="store_true", help="Say it, and list nothing.")
    options = parser.parse_args(arguments)
    try:
        if options.folder is not None:
            said = list(of_own_folder(options.folder))
        else:
            said = list(changes(DATA))
    except (ValueError, OSError) as error:
        print(f"manifest: {error}", file=sys.stderr)
        return 1
    print("\n".join(said) if said else "Nothing differs.")
    if options.check or options.folder is not None:
        return 1 if said else 0
    write(DATA)
    if said:
        print(
            f"Listed in {MANIFEST}. Published numbers may have moved: `python3 run.py test` "
            "holds them against the golden tables."
        )
    return 0


def files(folder: Path) -> list[str]:
    """The files of a folder of data that a manifest lists."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.name.endswith(_ENDINGS) and path.name != MANIFEST and path.is_file()
    )


def write(folder: Path) -> None:
    """List the files of a folder; a file that is as it was keeps its date."""
    before, today = listed(folder), datetime.date.today().isoformat()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for file in files(folder):
        text = content(folder / file)
        old = before.get(file, Listed(file, "", "", today))
        found = checksum(text)
        date = old.date if found == old.sha256 else today
        writer.writerow((file, found, len(_rows(text)) - 1 if ".csv" in file else "", date))
    (folder / MANIFEST).write_text(out.getvalue(), encoding="utf-8", newline="\n")


def changes(folder: Path) -> Iterator[str]:
    """What differs between the files of a folder and its manifest, in words, one line per change."""
    before, now = listed(folder), files(folder)
    for file in sorted(set(before) - set(now)):
        yield f"{file}: is gone; it had {before[file].rows or 'no'} rows"
    for file in now:
        text = content(folder / file)
        if file not in before:
            yield f"{file}: is new"
        elif before[file].sha256 != checksum(text):
            old = _as_listed(folder / file, before[file].sha256)
            if old is None:
                rows = f"{len(_rows(text)) - 1} rows, {before[file].rows} before; "
                yield f"{file}: {rows if '.csv' in file else ''}no version of it that was listed"
            else:
                yield from differences(file, old, text)


def differences(file: str, old: str, new: str) -> Iterator[str]:
    """What differs between two versions of a file, in words: by row and column where it can be."""
    found = list(_of_tables(old, new) if ".csv" in file else _of_lines(old, new))
    yield from (f"{file}: {change}" for change in found[:_SHOWN])
    if len(found) > _SHOWN:
        yield f"{file}: ... and {len(found) - _SHOWN} more changes"


def of_own_folder(folder: Path) -> Iterator[str]:
    """How the files of a folder of own data differ from the project's, in words, one line per change."""
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder; expected a copy of data/")
    ours, theirs = files(DATA), files(folder)
    yield from (f"{file}: is not there" for file in sorted(set(ours) - set(theirs)))
    for file in theirs:
        if file not in ours:
            yield f"{file}: is only there"
        elif checksum(content(DATA / file)) != checksum(content(folder / file)):
            yield from differences(file, content(DATA / file), content(folder / file))


def _rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def _of_tables(old: str, new: str) -> Iterator[str]:
    before, after = _rows(old), _rows(new)
    if before[0] != after[0]:
        gone = [name for name in before[0] if name not in after[0]]
        come = [name for name in after[0] if name not in before[0]]
        for names, what in ((gone, "is gone"), (come, "is new")):
            yield from (f"the column {name} {what}" for name in names)
        if not gone and not come:
            yield "the columns are in another order"
        return
    header = before[0]
    width = _width_of_key(before[1:], after[1:])
    was = {tuple(row[:width]): row for row in before[1:]}
    now = {tuple(row[:width]): row for row in after[1:]}
    for key in was:
        if key not in now:
            yield f"the row {' '.join(key)} is gone"
    for key, row in now.items():
        if key not in was:
            yield f"the row {' '.join(key)} is new"
            continue
        for name, one, other in zip(header, was[key], row, strict=False):
            if one != other:
                yield f"{' '.join(key)}: {name} was {one or 'empty'}, is {other or 'empty'}"
    if list(was) != list(now) and set(was) == set(now):
        yield "the rows are in another order"


def _width_of_key(*tables: list[list[str]]) -> int:
    """How many columns from the left tell the rows of each table apart."""
    most = max(len(row) for table in tables for row in table)
    for width in range(1, most):
        if all(len({tuple(row[:width]) for row in table}) == len(table) for table in tables):
            return width
    return most


def _of_lines(old: str, new: str) -> Iterator[str]:
    for line in difflib.ndiff(old.splitlines(), new.splitlines()):
        if line.startswith(("- ", "+ ")):
            shown = line[2:] if len(line) < 200 else line[2:200] + " ..."
            yield f"{'gone' if line[0] == '-' else 'new'}: {shown}"


def _as_listed(path: Path, sha256: str) -> str | None:
    """The text of the version that was listed, from the repository; None where there is none."""
    for commit in _git(path.parent, "log", f"-{_VERSIONS}", "--format=%H", "--", path.name).split():
        raw = _git_bytes(path.parent, "show", f"{commit}:./{path.name}")
        text = _unpacked(raw, path)
        if text is not None and checksum(text) == sha256:
            return text
    return None


def _unpacked(raw: bytes, path: Path) -> str | None:
    try:
        return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    return _git_bytes(folder, *arguments).decode(errors="replace")


def _git_bytes(folder: Path, *arguments: str) -> bytes:
    try:
        return subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, check=False
        ).stdout
    except FileNotFoundError:
        return b""


if __name__ == "__main__":
    sys.exit(ends_in_words("manifest", lambda: main(sys.argv[1:])))

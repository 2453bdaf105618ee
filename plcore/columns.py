"""The checks that columns of several tables share, and the words for how a row was seen."""

from __future__ import annotations

from plcore.table import one_of, text, whole

#: How a row was seen, and the mark that goes wherever its number is printed.
MARKS = {
    "primary": "",
    "abstract": "",
    "secondary": "second hand",
    "derived": "derived",
    "memory": "from memory",
    "assumed": "assumed",
}

key = text(r"[a-z0-9_]+", "a key of lower-case letters, digits and underscores")
keys = text(r"[a-z0-9_]+(;[a-z0-9_]+)*", "keys of sources, separated by semicolons")
seen = one_of(*MARKS)
year = whole(1500, 2100)
words = text()

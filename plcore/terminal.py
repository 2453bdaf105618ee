"""Printing on a terminal that lacks some of the letters."""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

_PLAIN = str.maketrans({"\u2013": "-", "\u2014": "-", "\u2019": "'", "\u201c": '"', "\u201d": '"'})


def print_what_it_can() -> None:
    """Print a letter that the terminal has none for without its accent, or as its number.

    Without this, one county such as Doña Ana would end a whole answer in an error.
    """
    codecs.register_error("plain_letters", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plain_letters")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end].translate(_PLAIN)
    return "".join(map(_in_ascii, letters)), error.end


def _in_ascii(letter: str) -> str:
    bare = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore")
    return (bare or letter.encode("ascii", "backslashreplace")).decode()

"""Printing where letters are lacking, the disk is full, or nobody reads to the end."""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata
from collections.abc import Callable

_PLAIN = str.maketrans({"\u2013": "-", "\u2014": "-", "\u2019": "'", "\u201c": '"', "\u201d": '"'})


def print_what_it_can() -> None:
    """Print a letter that the terminal has none for without its accent, or as its number.

    Without this, one county such as Doña Ana would end a whole answer in an error.
    """
    codecs.register_error("plain_letters", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plain_letters")


def ends_in_words(name: str, job: Callable[[], int]) -> int:
    """Exit code of a job of the command line; 1 where its output found no place, which is said.

    A reader that left, such as `head`, has had enough: nothing is said.
    """
    print_what_it_can()
    failed = _kept_errors()
    try:
        try:
            code = job()
        except SystemExit as end:
            if end.code:
                raise
            code = 0
        # What was printed may wait until here; Python drops it in silence where it cannot be.
        if sys.stdout is not None:
            sys.stdout.flush()
        if failed and not code:
            raise failed[0]
        return code
    except BrokenPipeError:
        pass
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        print(f"{name}: {where}{error.strerror}", file=sys.stderr)
    # Python would try once more to print what is left.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _kept_errors() -> list[OSError]:
    """Errors of printing from now on, as they come: argparse drops those of its help."""
    failed: list[OSError] = []
    if not isinstance(sys.stdout, io.TextIOWrapper):
        return failed
    write = sys.stdout.write

    def kept(text: str) -> int:
        try:
            return write(text)
        except OSError as error:
            failed.append(error)
            raise

    sys.stdout.write = kept  # type: ignore[method-assign]
    return failed


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end].translate(_PLAIN)
    return "".join(map(_in_ascii, letters)), error.end


def _in_ascii(letter: str) -> str:
    bare = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore")
    return (bare or letter.encode("ascii", "backslashreplace")).decode()

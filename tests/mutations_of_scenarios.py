"""Ways to spoil a scenario of `data/scenarios/`: see `mutations`.

A whole table taken out, or a file cut between two tables, leaves another scenario that is as good;
so does another word of a list or another number that its unit allows. These are not tried.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from mutations import REFUSED, SAME, Mutation

_STATEMENT = re.compile(r'(\w+) = ("[^"]*"|[^#"]*?)(\s*#.*)?')


@dataclass(frozen=True)
class Toml:
    """A scenario as its lines; `statements` are the lines "key = value", counted from 1."""

    name: str
    lines: tuple[str, ...]

    @property
    def statements(self) -> list[int]:
        return [i for i, line in enumerate(self.lines, start=1) if _STATEMENT.fullmatch(line)]

    @property
    def tables(self) -> list[int]:
        return [i for i, line in enumerate(self.lines, start=1) if line.startswith("[")]

    def parts(self, line: int) -> tuple[str, str]:
        """The key and the value on a line."""
        found = _STATEMENT.fullmatch(self.lines[line - 1])
        assert found is not None
        return found[1], found[2]

    def with_line(self, line: int, *new: str) -> Mutation:
        lines = [*self.lines[: line - 1], *new, *self.lines[line:]]
        return Mutation("", _text(lines), REFUSED, line)


Way = Callable[[Toml, random.Random], Mutation | None]


def scenario_mutations(toml: Toml, *, each: int) -> Iterator[Mutation]:
    """Every way that applies to the scenario, each so many times, the same in every run."""
    for way in SCENARIOS:
        chance = random.Random(f"{toml.name} {way.__name__}")
        for _ in range(each):
            found = way(toml, chance)
            if found is not None:
                yield replace(found, way=way.__name__.strip("_").replace("_", " "))


def _text(lines: list[str] | tuple[str, ...], end: str = "\n") -> bytes:
    return (end.join(lines) + end).encode()


def _value(
    toml: Toml, chance: random.Random, fits: Callable[[str, str], bool]
) -> tuple[int, str, str] | None:
    """The line, the key and the value of a statement that fits."""
    found = [(line, *toml.parts(line)) for line in toml.statements]
    found = [each for each in found if fits(each[1], each[2])]
    return chance.choice(found) if found else None


def _is_number(key: str, value: str) -> bool:
    return value[0].isdigit() or value[0] == "-"


def _byte_order_mark(toml: Toml, chance: random.Random) -> Mutation:
    return Mutation("", b"\xef\xbb\xbf" + _text(toml.lines), SAME)


def _line_ends_of_windows(toml: Toml, chance: random.Random) -> Mutation:
    return Mutation("", _text(toml.lines, "\r\n"), SAME)


def _no_last_line_end(toml: Toml, chance: random.Random) -> Mutation:
    return Mutation("", "\n".join(toml.lines).encode(), SAME, len(toml.lines))


def _comments_and_blank_lines(toml: Toml, chance: random.Random) -> Mutation:
    return Mutation("", _text([f"{line}  # seen\n" for line in toml.lines]), SAME)


def _quoted_keys(toml: Toml, chance: random.Random) -> Mutation:
    lines = [re.sub(r"^(\w+) =", r'"\1"=', line) for line in toml.lines]
    return Mutation("", _text(lines), SAME)


def _underscores_among_digits(toml: Toml, chance: random.Random) -> Mutation:
    lines = [re.sub(r"= (\d)(\d{3})\b", r"= \1_\2", line) for line in toml.lines]
    return Mutation("", _text(lines), SAME)


def _key_misspelt(toml: Toml, chance: random.Random) -> Mutation:
    line = chance.choice(toml.statements)
    key = toml.parts(line)[0]
    at = chance.randrange(len(key))
    wrong = chance.choice((key[:at] + "q" + key[at:], key[:at] + "q" + key[at + 1 :]))
    # What a misspelt name leaves out is missing elsewhere: of a baseline, from its choices.
    found = toml.with_line(line, toml.lines[line - 1].replace(key, wrong, 1))
    return replace(found, line=0)


def _key_twice(toml: Toml, chance: random.Random) -> Mutation:
    line = chance.choice(toml.statements)
    found = toml.with_line(line, toml.lines[line - 1], toml.lines[line - 1])
    return replace(found, line=line + 1)


def _table_misspelt(toml: Toml, chance: random.Random) -> Mutation | None:
    if not toml.tables:
        return None
    line = chance.choice(toml.tables)
    old = toml.lines[line - 1]
    return toml.with_line(line, chance.choice((old.replace("s", "", 1), old.replace("]", "q]", 1))))


def _table_header_broken(toml: Toml, chance: random.Random) -> Mutation | None:
    if not toml.tables:
        return None
    line = chance.choice(toml.tables)
    return toml.with_line(line, toml.lines[line - 1].rstrip("]"))


def _unknown_table(toml: Toml, chance: random.Random) -> Mutation:
    found = Mutation("", _text([*toml.lines, "[prices]", "visit = 3"]), REFUSED)
    return replace(found, line=len(toml.lines) + 1)


def _another_kind_of_value(toml: Toml, chance: random.Random) -> Mutation:
    line = chance.choice(toml.statements)
    key, value = toml.parts(line)
    others = ["[1, 2]", "{ a = 1 }", "1979-05-27", *(["3"] if value[0] == '"' else ["true", '"3"'])]
    if value in ("true", "false"):
        others = ["1", '"true"', "[true]"]
    return toml.with_line(line, f"{key} = {chance.choice(others)}")


def _no_value(toml: Toml, chance: random.Random) -> Mutation:
    line = chance.choice(toml.statements)
    return toml.with_line(line, f"{toml.parts(line)[0]} = ")


def _no_equals_sign(toml: Toml, chance: random.Random) -> Mutation:
    line = chance.choice(toml.statements)
    return toml.with_line(line, " ".join(toml.parts(line)))


def _empty_text(toml: Toml, chance: random.Random) -> Mutation | None:
    at = _value(toml, chance, lambda key, value: value[0] == '"')
    return at and toml.with_line(at[0], f'{at[1]} = "{chance.choice(("", "  "))}"')


def _quote_that_does_not_close(toml: Toml, chance: random.Random) -> Mutation | None:
    at = _value(toml, chance, lambda key, value: value[0] == '"')
    return at and toml.with_line(at[0], f"{at[1]} = {at[2][:-1]}")


def _word_misspelt(toml: Toml, chance: random.Random) -> Mutation | None:
    at = _value(toml, chance, lambda key, value: value[0] == '"' and key not in ("title", "note"))
    return at and toml.with_line(at[0], f'{at[1]} = "q{at[2][1:]}')


def _look_alike(toml: Toml, chance: random.Random) -> Mutation | None:
    old, new = chance.choice((("0", "O"), ("1", "l"), (".", ","), ("-", "\u2013"), ("5", "\u0665")))
    at = _value(toml, chance, lambda key, value: _is_number(key, value) and old in value)
    return at and toml.with_line(at[0], f"{at[1]} = {at[2].replace(old, new, 1)}")


def _no_number(toml: Toml, chance: random.Random) -> Mutation | None:
    at = _value(toml, chance, _is_number)
    wrong = chance.choice(("nan", "inf", "-inf", "1e999", "None", "1,600,000", "39%", "3 people"))
    return at and toml.with_line(at[0], f"{at[1]} = {wrong}")


def _far_out_of_range(toml: Toml, chance: random.Random) -> Mutation | None:
    """A wrong sign, or of a choice a wrong size; a parameter may be as great as you like."""
    at = _value(toml, chance, _is_number)
    if at is None:
        return None
    wrong = "-1e9" if at[1] in ("value", "low", "high", "n") else chance.choice(("-1e9", "1e30"))
    # The arguments of a distribution are refused together, at the head of their table.
    line = max([line for line in toml.tables if line < at[0]], default=at[0])
    found = toml.with_line(at[0], f"{at[1]} = {wrong}")
    return replace(found, line=line) if at[1] in ("value", "low", "high", "n") else found


def _low_for_high(toml: Toml, chance: random.Random) -> Mutation | None:
    pairs = [
        (one, other)
        for one, other in zip(toml.statements, toml.statements[1:], strict=False)
        if (toml.parts(one)[0], toml.parts(other)[0]) == ("low", "high")
    ]
    if not pairs:
        return None
    one, other = chance.choice(pairs)
    lines = list(toml.lines)
    lines[one - 1] = f"low = {toml.parts(other)[1]}"
    lines[other - 1] = f"high = {toml.parts(one)[1]}"
    return Mutation("", _text(lines))


def _cut_within_a_line(toml: Toml, chance: random.Random) -> Mutation:
    line = chance.choice([*toml.statements, *toml.tables])
    cut = toml.lines[line - 1][: chance.randrange(1, len(toml.lines[line - 1]))]
    return Mutation("", "\n".join((*toml.lines[: line - 1], cut)).encode(), REFUSED, line)


def _merge_conflict(toml: Toml, chance: random.Random) -> Mutation:
    line = chance.choice(toml.statements)
    old = toml.lines[line - 1]
    return toml.with_line(line, "<<<<<<< HEAD", old, "=======", old, ">>>>>>> theirs")


def _control_character(toml: Toml, chance: random.Random) -> Mutation:
    line = chance.choice(toml.statements)
    old = toml.lines[line - 1]
    at = chance.randrange(1, len(old))
    return toml.with_line(line, old[:at] + chance.choice("\x00\x0b\x7f\x1b") + old[at:])


def _saved_as_utf_16(toml: Toml, chance: random.Random) -> Mutation:
    name = chance.choice(("utf-16", "utf-16-le", "utf-16-be"))
    return Mutation("", _text(toml.lines).decode().encode(name), REFUSED, 1)


def _saved_as_latin_1(toml: Toml, chance: random.Random) -> Mutation:
    line = chance.choice([i for i in toml.statements if '"' in toml.lines[i - 1]])
    found = toml.with_line(line, re.sub(r'"$', '\u00e9"', toml.lines[line - 1]))
    return replace(found, content=found.content.decode().encode("latin-1"))


def _nothing(toml: Toml, chance: random.Random) -> Mutation:
    return Mutation("", chance.choice((b"", b"\n\n", b"  \r\n")))


SCENARIOS: tuple[Way, ...] = (
    _byte_order_mark, _line_ends_of_windows, _no_last_line_end, _comments_and_blank_lines,
    _quoted_keys, _underscores_among_digits, _key_misspelt, _key_twice, _table_misspelt,
    _table_header_broken, _unknown_table, _another_kind_of_value, _no_value, _no_equals_sign,
    _empty_text, _quote_that_does_not_close, _word_misspelt, _look_alike, _no_number,
    _far_out_of_range, _low_for_high, _cut_within_a_line, _merge_conflict, _control_character,
    _saved_as_utf_16, _saved_as_latin_1, _nothing,
)  # fmt: skip

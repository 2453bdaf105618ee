"""Ways to spoil a cell of a CSV file of `data/`: see `mutations`."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from mutations import NUMBER, SAME, Mutation, Sheet, any_row, line_of, with_lines

#: Columns for which data/README.md lists the words that may stand in them.
_LISTED = {
    "sources": "kind",
    "claims": "topic unit verdict seen",
    "treatments": "family trials_found",
    "trials": "role design setting definition counts include seen",
    "plp_prevalence_studies": "region limb kind pool include counts seen",
    "plp_severity": "share_of counts include seen",
    "limb_loss_estimates": "unit seen",
    "amputation_incidence": "cause level sex race diabetes adjusted unit seen",
    "mortality_after_amputation": "cause level sex diabetes unit seen",
    "parameters": "unit dist seen",
    "observations": "quantity loss_level site cause counts setting congenital sex diabetes "
    "population unit kind use family seen",
    "us_counties_2023": "state state_name ages",
    "us_metropolitan_areas_2023": "kind",
    "us_county_diabetes_2022": "state",
    "ca_diabetes_amputations_2005_2022": "coding",
}
_KEYS = {"source", "page", "pages", "trials", "treatment"}
_LIMITS = (
    ("low", "high"), ("claimed_low", "claimed_high"), ("found_low", "found_high"),
    ("first_year", "last_year"), ("age_low", "age_high"), ("months_from", "months_to"),
    ("crude_low", "crude_high"), ("difference_low", "difference_high"),
)  # fmt: skip
_SIGNED = {"lon", "mean_change", "mean_difference", "difference_low", "difference_high"}
_PERCENT = {"printed_percent", "crude", "crude_low", "crude_high", "adjusted"}


def _columns(sheet: Sheet, which: Callable[[int], bool]) -> list[int]:
    return [place for place in range(len(sheet.header)) if which(place)]


def _listed(sheet: Sheet, place: int) -> bool:
    name = sheet.header[place]
    # The files of population/ and the county file have no more words than these.
    return name in (*_LISTED.get(sheet.stem, "").split(), "variant") or (
        name == "sex" and "sex" in _LISTED.get(sheet.stem, "sex")
    )


def _pick(
    sheet: Sheet, chance: random.Random, places: Sequence[int], fits: Callable[[int, int], bool]
) -> tuple[int, int] | None:
    """The row and the column of a cell that fits; None where there seems to be none."""
    for _ in range(400 if places else 0):
        row, place = chance.randrange(len(sheet.rows)), chance.choice(places)
        if fits(row, place):
            return row, place
    return None


def _filled(sheet: Sheet) -> Callable[[int, int], bool]:
    return lambda row, place: sheet.rows[row][place] != ""


def _with_cell(
    sheet: Sheet, at: tuple[int, int] | None, write: Callable[[str], str]
) -> Mutation | None:
    """The file with one cell written otherwise."""
    if at is None:
        return None
    row, place = at
    cells = list(sheet.rows[row])
    cells[place] = write(cells[place])
    return with_lines(sheet, row + 2, [line_of(cells)], names=sheet.header[place])


def _number_cell(
    sheet: Sheet, chance: random.Random, fits: Callable[[str], bool] = bool
) -> tuple[int, int] | None:
    places = sorted(sheet.numeric)
    return _pick(sheet, chance, places, lambda row, place: fits(sheet.rows[row][place]))


def _misspelt(word: str, chance: random.Random) -> str:
    at = chance.randrange(len(word))
    return chance.choice((word[:at] + word[at + 1 :], word[:at] + "q" + word[at:], word.upper()))


def _a_zero_after_the_decimals(sheet: Sheet, chance: random.Random) -> Mutation | None:
    found = _with_cell(sheet, _number_cell(sheet, chance, lambda cell: "." in cell), "{}0".format)
    return found and replace(found, must=SAME)


def _cell_emptied(sheet: Sheet, chance: random.Random) -> Mutation | None:
    full = _columns(
        sheet, lambda at: sheet.header[at] != "note" and "" not in sheet.seen[sheet.header[at]]
    )
    return _with_cell(sheet, _pick(sheet, chance, full, _filled(sheet)), lambda cell: "")


def _cell_swapped_with_its_neighbour(sheet: Sheet, chance: random.Random) -> Mutation | None:
    """Only where a number, or a word from a list, comes to hold what is neither."""

    def odd(row: int, place: int) -> bool:
        for to, cell in ((place, sheet.rows[row][place + 1]), (place + 1, sheet.rows[row][place])):
            if cell and to in sheet.numeric and not NUMBER.fullmatch(cell):
                return True
            if cell and _listed(sheet, to) and cell not in sheet.seen[sheet.header[to]]:
                return True
        return False

    at = _pick(sheet, chance, range(len(sheet.header) - 1), odd)
    if at is None:
        return None
    cells = list(sheet.rows[at[0]])
    cells[at[1]], cells[at[1] + 1] = cells[at[1] + 1], cells[at[1]]
    return with_lines(sheet, at[0] + 2, [line_of(cells)])


def _decimal_comma(sheet: Sheet, chance: random.Random) -> Mutation | None:
    at = _number_cell(sheet, chance, lambda cell: "." in cell)
    return _with_cell(sheet, at, lambda cell: cell.replace(".", ","))


def _decimal_comma_without_quotes(sheet: Sheet, chance: random.Random) -> Mutation | None:
    at = _number_cell(sheet, chance, lambda cell: "." in cell)
    if at is None:
        return None
    cells = [line_of([cell]) if cell else "" for cell in sheet.rows[at[0]]]
    cells[at[1]] = cells[at[1]].replace(".", ",")
    return with_lines(sheet, at[0] + 2, [",".join(cells)])


def _thousands_separator(sheet: Sheet, chance: random.Random) -> Mutation | None:
    at = _number_cell(sheet, chance, lambda cell: len(cell.split(".")[0].lstrip("-")) > 3)
    mark = chance.choice((",", " ", "'", "\N{NO-BREAK SPACE}", "\N{THIN SPACE}", "_", "."))
    # "1.893" would be a number; "1.893.254" is none.
    if mark == "." and at is not None and len(sheet.rows[at[0]][at[1]]) < 7:
        mark = ","
    return _with_cell(
        sheet, at, lambda cell: re.sub(r"(?<=\d)(?=(\d{3})+(?!\d))", mark, cell.split(".")[0])
    )


def _percent_sign(sheet: Sheet, chance: random.Random) -> Mutation | None:
    return _with_cell(sheet, _number_cell(sheet, chance), "{}%".format)


def _no_longer_within_its_unit(sheet: Sheet, chance: random.Random) -> Mutation | None:
    """A share (or a percent) a hundred times what it was, and beyond 1 (or 100)."""

    def most(row: int, name: str) -> float:
        unit = sheet.given(row, "found_unit" if name.startswith("found") else "unit")
        if sheet.given(row, "quantity").startswith(("change_", "trend_")):
            return float("inf")
        if unit == "share" or name == "spread":
            return 1
        is_percent = unit.startswith("percent") and unit != "percent/year"
        return 100 if is_percent or (unit == "" and name in _PERCENT) else float("inf")

    def fits(row: int, place: int) -> bool:
        cell, name = sheet.rows[row][place], sheet.header[place]
        is_value = (
            name in {"value", "low", "high", "spread", *_PERCENT}
            or "found" in name
            or "claimed" in name
        )
        return cell != "" and is_value and 100 * float(cell) > most(row, name) * 1.02

    places = sorted(sheet.numeric)
    found = _with_cell(
        sheet, _pick(sheet, chance, places, fits), lambda cell: f"{100 * float(cell):.10g}"
    )
    # A distribution is refused as a whole.
    return replace(found, names="") if found and sheet.stem == "parameters" else found


def _share_for_percent(sheet: Sheet, chance: random.Random) -> Mutation | None:
    """Only where events and n are there to tell."""
    if "printed_percent" not in sheet.header:
        return None
    place = sheet.header.index("printed_percent")

    def fits(row: int, at: int) -> bool:
        given = [sheet.given(row, name) for name in ("printed_percent", "events", "n")]
        # Of few people, a rounded count can be out by half a person.
        return all(given) and float(given[0]) > 1 + 2 * 50 / float(given[2])

    at = _pick(sheet, chance, [place], fits)
    return _with_cell(sheet, at, lambda cell: f"{float(cell) / 100:.10g}")


def _word_misspelt(sheet: Sheet, chance: random.Random) -> Mutation | None:
    places = _columns(sheet, lambda place: _listed(sheet, place))
    at = _pick(sheet, chance, places, _filled(sheet))
    if at is None:
        return None
    found = _misspelt(sheet.rows[at[0]][at[1]], chance)
    if found in sheet.seen[sheet.header[at[1]]]:
        return None
    return _with_cell(sheet, at, lambda cell: found)


def _unit_of_a_finding_misspelt(sheet: Sheet, chance: random.Random) -> Mutation | None:
    if "found_unit" not in sheet.header:
        return None
    at = _pick(sheet, chance, [sheet.header.index("found_unit")], _filled(sheet))
    return _with_cell(sheet, at, lambda cell: "q" + cell)


def _unknown_key(sheet: Sheet, chance: random.Random) -> Mutation | None:
    first = sheet.header[0]
    places = _columns(sheet, lambda at: sheet.header[at] in _KEYS and sheet.header[at] != first)
    at = _pick(sheet, chance, places, _filled(sheet))
    ending = chance.choice(("x", ";no_such_key", ";", " "))
    return _with_cell(sheet, at, lambda cell: cell + ending)


def _key_renamed(sheet: Sheet, chance: random.Random) -> Mutation | None:
    """Of a table that others refer to; the fault is then theirs."""
    used = {"sources": ("assumed", "limakatso_2020", "ziegler_graham_2008", "maier_2003"),
            "parameters": ("plp_prevalence_minor", "plp_fall", "trauma_rate_1996", "dysvascular_mean_age"),
            "treatments": ("ketamine_iv", "mirror", "tmr"), "trials": ("maier_2003",)}  # fmt: skip
    keys = [key for key in used.get(sheet.stem, ()) if key in sheet.seen[sheet.header[0]]]
    if not keys:
        return None
    old = chance.choice(keys)
    lines = [
        line.replace(f"{old},", f"{old}_x,", 1) if line.startswith(f"{old},") else line
        for line in sheet.lines
    ]
    return Mutation("", sheet.text(lines), names=old)


def _look_alike(sheet: Sheet, chance: random.Random) -> Mutation | None:
    old, new = chance.choice(
        (("0", "O"), ("1", "l"), ("5", "S"), ("0", "\u0660"), ("2", "\uff12"), ("-", "\u2013"),
         ("-", "\u2212"), (".", "\u00b7"))
    )  # fmt: skip
    at = _number_cell(sheet, chance, lambda cell: old in cell)
    return _with_cell(sheet, at, lambda cell: cell.replace(old, new, 1))


def _look_alike_in_a_word(sheet: Sheet, chance: random.Random) -> Mutation | None:
    old, new = chance.choice((("a", "\u0430"), ("e", "\u0435"), ("o", "\u043e"), ("i", "\u0456")))
    places = _columns(sheet, lambda place: _listed(sheet, place) or sheet.header[place] in _KEYS)
    at = _pick(sheet, chance, places, lambda row, place: old in sheet.rows[row][place])
    return _with_cell(sheet, at, lambda cell: cell.replace(old, new, 1))


def _blank_or_control_character(sheet: Sheet, chance: random.Random) -> Mutation | None:
    mark = chance.choice((" ", "\N{NO-BREAK SPACE}", "\t", "\x00", "\x0b", "\u200b", "\ufeff"))
    places = range(len(sheet.header))
    return _with_cell(sheet, _pick(sheet, chance, places, _filled(sheet)), lambda c: c + mark)


def _no_number(sheet: Sheet, chance: random.Random) -> Mutation | None:
    words = ("NaN", "nan", "inf", "-inf", "1e999", "NA", "#N/A", "null", "-", "?", "None", "0x1F")
    return _with_cell(sheet, _number_cell(sheet, chance), lambda cell: chance.choice(words))


def _number_with_text(sheet: Sheet, chance: random.Random) -> Mutation | None:
    form = chance.choice(("{} people", "{}*", "~{}", "<{}", "{}\u2020", "({})", "{} mg", "{}?"))
    return _with_cell(sheet, _number_cell(sheet, chance), form.format)


def _negative(sheet: Sheet, chance: random.Random) -> Mutation | None:
    def fits(row: int, place: int) -> bool:
        cell, name = sheet.rows[row][place], sheet.header[place]
        may_fall = sheet.given(row, "quantity").startswith(("change_", "trend_")) or (
            name.startswith("found") and sheet.given(row, "found_unit").startswith("points")
        )
        signed = name in _SIGNED or (may_fall and name not in ("year", "n", "first_year"))
        return cell != "" and not signed and float(cell) > 0

    places = sorted(sheet.numeric)
    found = _with_cell(sheet, _pick(sheet, chance, places, fits), "-{}".format)
    # A distribution is refused as a whole.
    return replace(found, names="") if found and sheet.stem == "parameters" else found


def _east_for_west(sheet: Sheet, chance: random.Random) -> Mutation | None:
    if "lon" not in sheet.header:
        return None
    place = sheet.header.index("lon")
    at = _pick(sheet, chance, [place], lambda row, at: sheet.rows[row][at].startswith("-"))
    return _with_cell(sheet, at, lambda cell: cell[1:])


def _latitude_for_longitude(sheet: Sheet, chance: random.Random) -> Mutation | None:
    if "lon" not in sheet.header:
        return None
    row = any_row(sheet, chance)
    cells, lat, lon = list(sheet.rows[row]), sheet.header.index("lat"), sheet.header.index("lon")
    # A row without a point has nothing to exchange.
    if cells[lat] == cells[lon]:
        return None
    cells[lat], cells[lon] = cells[lon], cells[lat]
    return with_lines(sheet, row + 2, [line_of(cells)])


def _low_for_high(sheet: Sheet, chance: random.Random) -> Mutation | None:
    pairs = [pair for pair in _LIMITS if set(pair) <= set(sheet.header)]
    if not pairs:
        return None
    low, high = (sheet.header.index(name) for name in chance.choice(pairs))

    def apart(row: int, place: int) -> bool:
        ends = sheet.rows[row][low], sheet.rows[row][high]
        return all(ends) and float(ends[0]) < float(ends[1])

    at = _pick(sheet, chance, [low], apart)
    if at is None:
        return None
    cells = list(sheet.rows[at[0]])
    cells[low], cells[high] = cells[high], cells[low]
    return with_lines(sheet, at[0] + 2, [line_of(cells)])


def _more_events_than_people(sheet: Sheet, chance: random.Random) -> Mutation | None:
    pairs = (("events", "n"), ("responders", "n"), ("discharges", "adults"))
    of = {events: people for events, people in pairs if events in sheet.header}

    def both(row: int, place: int) -> bool:
        return all((sheet.rows[row][place], sheet.given(row, of[sheet.header[place]])))

    at = _pick(sheet, chance, [sheet.header.index(name) for name in of], both)
    if at is None:
        return None
    people = sheet.given(at[0], of[sheet.header[at[1]]])
    return _with_cell(sheet, at, lambda cell: str(int(people) + 1))


CELLS = (
    _a_zero_after_the_decimals, _cell_emptied, _cell_swapped_with_its_neighbour, _decimal_comma,
    _decimal_comma_without_quotes, _thousands_separator, _percent_sign,
    _no_longer_within_its_unit, _share_for_percent, _word_misspelt, _unit_of_a_finding_misspelt,
    _unknown_key, _key_renamed, _look_alike, _look_alike_in_a_word, _blank_or_control_character, _no_number,
    _number_with_text, _negative, _east_for_west, _latitude_for_longitude, _low_for_high,
    _more_events_than_people,
)  # fmt: skip

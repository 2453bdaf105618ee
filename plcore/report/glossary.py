"""The glossary: terms in plain words, and the link to them at the first use on every page.

The terms stand in `data/glossary.csv`. A page is searched for them once it is written, so that no
author has to think of a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from plcore.evidence.data import read

#: A comment, a piece that is no text whatever it holds, or a tag.
_MARKUP = re.compile(
    r"<!--.*?-->|<(?P<kind>script|style|svg)\b.*?</(?P=kind)\s*>|<(?P<close>/?)(?P<name>[a-z][a-z0-9]*)"
    r"\b[^>]*>",
    re.DOTALL | re.IGNORECASE,
)
#: Elements whose text gets no link: headings, links and what is pressed, code, what is not seen.
_CLOSED = frozenset(
    ("a", "h1", "h2", "h3", "h4", "h5", "h6", "thead", "caption", "code", "pre", "kbd", "button", "b",
     "label", "summary", "option", "title", "nav", "header", "footer", "noscript", "dialog",
     "textarea", "output")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the glossary.

    Attributes
    ----------
    name : str
        The term.
    anchor : str
        Its place on the page of the glossary.
    definition : str
        What it means, in plain words.
    phrases : tuple of str
        The ways in which texts write it.
    """

    name: str
    anchor: str
    definition: str
    phrases: tuple[str, ...]


def glossary() -> tuple[Term, ...]:
    """The terms of `data/glossary.csv`, in the order of the alphabet.

    Examples
    --------
    >>> next(term.definition for term in glossary() if term.name == "logit")[:42]
    'A share turned into the logarithm of its o'
    """
    terms = [
        Term(
            name=row["term"],
            anchor=re.sub(r"[^a-z0-9]+", "-", row["term"].lower()).strip("-"),
            definition=row["definition"],
            phrases=(row["term"], *filter(None, row["also"].split(";"))),
        )
        for row in read("glossary").fillna("").to_dict("records")
    ]
    return tuple(sorted(terms, key=lambda term: term.anchor))


def link_terms(html: str, terms: Sequence[Term], *, page: str) -> tuple[str, tuple[str, ...]]:
    """A page with its first use of each term as a link, and the names of the terms it uses.

    Only text of the element `main` is looked at, outside headings, heads of tables, links, code and
    charts. What is folded away counts only where a term is used nowhere else on the page.

    Parameters
    ----------
    html : str
        A whole page.
    terms : sequence of Term
        As `glossary` gives them.
    page : str
        Address of the glossary as seen from the page, such as "glossary.html".

    Examples
    --------
    >>> text, used = link_terms("<main><p>Two draws.</p></main>", glossary(), page="g.html")
    >>> text
    '<main><p>Two <a class="term" href="g.html#draw">draws</a>.</p></main>'
    >>> used
    ('draw',)
    """
    known = {_plain(phrase): term for term in terms for phrase in term.phrases}
    # The longest first: "random effects" within "random-effects meta-analysis" is no use of its own.
    ways = sorted(known, key=len, reverse=True)
    pattern = re.compile(r"(?<![\w-])(?:" + "|".join(map(_as_pattern, ways)) + r")(?![\w-])")
    first: dict[str, tuple[bool, int, int, Term]] = {}
    for start, end, folded in _texts(html):
        for use in pattern.finditer(html, start, end):
            term = known[_plain(use[0])]
            found = (folded, use.start(), use.end(), term)
            if term.name not in first or (not folded and first[term.name][0]):
                first[term.name] = found
    pieces, done = [], 0
    for _, start, end, term in sorted(first.values(), key=lambda use: use[1]):
        pieces.append(html[done:start])
        pieces.append(f'<a class="term" href="{page}#{term.anchor}">{html[start:end]}</a>')
        done = end
    used = tuple(term.name for term in terms if term.name in first)
    return "".join((*pieces, html[done:])), used


def _plain(phrase: str) -> str:
    """A phrase without what may differ between two uses; an abbreviation keeps its capitals."""
    words = " ".join(phrase.split())
    return words if _is_symbol(words) else words.lower()


def _is_symbol(phrase: str) -> bool:
    return len(phrase) <= 5 and phrase.isalnum() and phrase.upper() == phrase


def _as_pattern(phrase: str) -> str:
    words = r"\s+".join(map(re.escape, phrase.split()))
    return words if _is_symbol(phrase) else f"(?i:{words})"


def _texts(html: str) -> Iterator[tuple[int, int, bool]]:
    """Where a page has text that may get a link: start, end, and whether it is folded away."""
    closed, folds, in_main, done = 0, 0, False, 0
    for tag in _MARKUP.finditer(html):
        if in_main and not closed and tag.start() > done:
            yield done, tag.start(), folds > 0
        done = tag.end()
        name = (tag["name"] or "").lower()
        step = -1 if tag["close"] else 1
        if name == "main":
            in_main = step > 0
        elif name == "details":
            folds += step
        elif name in _CLOSED:
            closed += step

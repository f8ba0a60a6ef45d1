"""The index of words that free text is searched by: pairs of Chinese characters, words of everything else.

SQLite's own index of three characters finds nothing for a word of two, which most Chinese words are.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from operator import add
from typing import Any

from sqlalchemy import Connection, text

from store.bands import WIDE_MARKS
from taxonomy.refusal import InputError

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
PART = re.compile(rf"(?P<han>[{HAN}]+)|[^\W_{HAN}]+")
IS_HAN = re.compile(rf"[{HAN}]")
MOST_TERM = 60
"""Characters of a word that are kept; PostgreSQL refuses one of over 2,046 bytes."""
MOST_ASKED = 200
"""Characters of a search."""
BREAK = "。"
"""Stands between two stretches of Chinese whose pairs would join to a word that nobody wrote."""
MOST_TERMS = {"sqlite": 200_000, "postgresql": 16_000}
"""Terms of a talk that are kept: PostgreSQL knows no place beyond 16,383."""
INSERT = {
    "sqlite": text("INSERT INTO words (rowid, body) VALUES (:id, :body)"),
    "postgresql": text(
        "INSERT INTO words (rowid, body) VALUES (:id, CAST(:body AS tsvector))"
        " ON CONFLICT (rowid) DO UPDATE SET body = excluded.body"
    ),
}


def split_terms(said: str) -> Iterator[list[str]]:
    """Yield the terms of each run of Chinese characters or of letters, in order; one character alone is a term."""
    for mark, plain in WIDE_MARKS:
        said = said.replace(mark, plain)
    for found in PART.finditer(unicodedata.normalize("NFKC", said).lower()):
        part = found[0]
        if found.lastgroup:
            yield list(map(add, part, part[1:])) or [part]
        else:
            yield [part[:MOST_TERM]]


def is_lone(terms: Sequence[str]) -> bool:
    """Whether a run is one Chinese character, which nothing is found by."""
    return len(terms) == 1 and len(terms[0]) == 1 and IS_HAN.match(terms[0]) is not None


def list_terms(lines: Sequence[str]) -> list[str]:
    """Return the terms of some lines as the index holds them."""
    kept: list[str] = []
    for terms in split_terms("\n".join(lines)):
        if len(terms) == 1 and is_lone(terms):
            continue
        if kept and kept[-1][-1] == terms[0][0]:
            kept.append(BREAK)
        kept += terms
    return kept


def word_body(lines: Sequence[str], dialect: str) -> str:
    """Return the terms of some lines as a database takes them; they hold letters and digits alone."""
    terms = list_terms(lines)[: MOST_TERMS[dialect]]
    if dialect == "sqlite":
        return " ".join(terms)
    return " ".join(f"'{term}':{place}" for place, term in enumerate(terms, 1))


def keep_words(db: Connection, rows: list[dict[str, Any]]) -> None:
    """Put talks into the index, each as `id` and `body`; a talk that was edited comes again under another id."""
    if rows:
        db.execute(INSERT[db.dialect.name], rows)


def forget_words(db: Connection) -> None:
    """Empty the index."""
    is_sqlite = db.dialect.name == "sqlite"
    db.execute(text("INSERT INTO words (words) VALUES ('delete-all')" if is_sqlite else "DELETE FROM words"))


def check_terms(asked: str) -> list[list[str]]:
    """Return the runs of terms of a search; raises InputError where nothing can be looked for."""
    if len(asked) > MOST_ASKED:
        raise InputError(f"search {asked[:20]!r} ...: {len(asked):,} characters; give at most {MOST_ASKED}")
    runs = list(split_terms(asked))
    if not runs or any(map(is_lone, runs)):
        raise InputError(f"search {asked!r}: give at least two Chinese characters or a word")
    return runs


def match_of(asked: str, dialect: str) -> str:
    """Return the search for a text in a database's own words, each of ours in quotes; all runs must be there.

    Raises InputError where nothing can be looked for.
    """
    runs = check_terms(asked)
    if dialect == "sqlite":
        return " AND ".join(f'"{" ".join(run)}"' for run in runs)
    return " & ".join("(" + " <-> ".join(f"'{term}'" for term in run) + ")" for run in runs)

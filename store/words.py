"""The index of words that free text is searched by: pairs of Chinese characters, words of everything else.

SQLite's own index of three characters finds nothing for a word of two, which most Chinese words are.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, text

from taxonomy.refusal import InputError

PART = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+|[^\W_\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
INSERT = {
    "sqlite": text("INSERT INTO words (rowid, body) VALUES (:id, :body)"),
    "postgresql": text("INSERT INTO words (rowid, body) VALUES (:id, to_tsvector('simple', :body))"),
}


def split_terms(said: str) -> Iterator[list[str]]:
    """Yield the terms of each run of Chinese characters or of letters, in order; one character alone is a term."""
    for found in PART.finditer(unicodedata.normalize("NFKC", said).lower()):
        part = found[0]
        if "\u3400" <= part[0] <= "\ufaff":
            yield [part[place : place + 2] for place in range(max(len(part) - 1, 1))]
        else:
            yield [part]


def word_body(lines: Sequence[str]) -> str:
    """Return the terms of some lines as the index holds them."""
    return "\n".join(" ".join(term for terms in split_terms(line) for term in terms) for line in lines)


def keep_words(db: Connection, rows: list[dict[str, Any]]) -> None:
    """Put talks into the index, each as `id` and `body`; a talk that was edited comes again under another id."""
    if rows:
        db.execute(INSERT[db.dialect.name], rows)


def match_of(asked: str, dialect: str) -> str:
    """Return the search for a text in a database's own words, each of ours in quotes; all runs must be there.

    Raises InputError where nothing can be looked for.
    """
    runs = list(split_terms(asked))
    if not runs or any(len(run) == 1 and len(run[0]) == 1 and run[0] >= "\u3400" for run in runs):
        raise InputError(f"search {asked!r}: give at least two Chinese characters or a word")
    if dialect == "sqlite":
        return " AND ".join(f'"{" ".join(run)}"' for run in runs)
    return " & ".join("(" + " <-> ".join(f"'{term}'" for term in run) + ")" for run in runs)

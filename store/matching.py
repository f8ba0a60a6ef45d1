"""Turns a filter into SQL on the cards: one part a condition, each with the index that leads to its cards."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from store.cards import EDIT_BITS, POSITION_BITS
from store.filters import Filter
from store.words import match_of
from taxonomy import schema
from taxonomy.schema import Taxonomy, load_taxonomy

MAP = Path(schema.__file__).with_name("emotions.yaml")
COLUMNS = ("emotion", "scene", "recipe", "model", "language", "outcome", "standing")
"""Fields of a filter that are columns of the cards."""
KINDS = {
    "crisis": ("is_crisis", "cards_in_danger"),
    "edited": ("is_edited", "cards_edited"),
    "disputed": ("is_disputed", "cards_disputed"),
    "flagged": ("flags > 0", "cards_flagged"),
    "commented": ("comments > 0", "cards_commented"),
}
"""Conditions that hold of few cards, each with the index of those."""
TOLD_BY_OTHERS = ("flagged", "commented", "disputed")
SCANNED = "cards AS c NOT INDEXED"
MAY_SEE = (
    "(c.reviewed_at IS NULL OR c.is_settled"
    " OR EXISTS (SELECT 1 FROM card_judges AS m WHERE m.reviewer = :viewer AND m.card_id = c.id)"
    " OR NOT EXISTS (SELECT 1 FROM reviews AS v WHERE v.dialogue_id = c.dialogue_id AND v.reviewer <> :viewer))"
)
"""Whether a viewer may see what others said of a card; store.blind says so of a log."""


@dataclass(frozen=True, slots=True)
class Part:
    """A condition on cards `c`.

    Where an index leads to its cards, `source` and `lead` say how to begin with it: the tables to read, and what holds
    there instead of `where`; `probe` says the same without the cards where they stand in another table. `key` is the
    number there that tells the id of a card, shifted by `shift` bits; they come in its order where `in_order` is true.
    """

    name: str
    where: str
    values: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    lead: str = ""
    probe: str = ""
    key: str = "c.id"
    shift: int = 0
    in_order: bool = True

    @property
    def counted(self) -> str:
        """What is counted to learn how many cards it leads to."""
        return self.probe or f"{self.source} WHERE {self.lead}"


def list_parts(asked: Filter, dialect: str, viewer: str = "") -> list[Part]:
    """Return the conditions of a filter; all must hold. Raises InputError for a text that cannot be looked for.

    Where a `viewer` is named, what others said is asked only of talks of which the viewer may see it, and the standing
    is that which the viewer is shown.
    """
    parts = [
        *list_columns(asked, dialect, viewer),
        *list_kinds(asked, dialect),
        *list_tables(asked),
        *list_ranges(asked, dialect),
    ]
    if asked.run is not None:
        first, last = list_bounds(asked)
        parts.append(Part("run", "c.id >= :run_first AND c.id <= :run_last", {"run_first": first, "run_last": last}))
    if asked.text is not None:
        parts.append(find_words(asked.text, dialect))
    names = {part.name for part in parts}
    is_of_another = asked.reviewer is not None and asked.reviewer != viewer
    if viewer and (is_of_another or names.intersection(TOLD_BY_OTHERS)):
        parts.append(Part("viewer", MAY_SEE, {"viewer": viewer}))
    return parts


def list_bounds(asked: Filter) -> tuple[int, int]:
    """Return the first and the last id that cards can have."""
    if asked.run is None:
        return 0, 2**63 - 1 >> EDIT_BITS
    return asked.run << POSITION_BITS, (asked.run + 1 << POSITION_BITS) - 1


def begin_with(index: str, dialect: str) -> str:
    """Return the cards as they are read by an index; PostgreSQL chooses its own."""
    return f"cards AS c INDEXED BY {index}" if dialect == "sqlite" else "cards AS c"


def list_columns(asked: Filter, dialect: str, viewer: str) -> Iterator[Part]:
    """Yield what is asked of the columns, families and parts of life included."""
    for name in COLUMNS:
        value = getattr(asked, name)
        if name == "standing" and viewer and value is not None:
            shown = f"CASE WHEN {MAY_SEE} THEN c.standing ELSE c.shown END = :standing"
            yield Part(name, shown, {"standing": value, "viewer": viewer})
        elif value is not None:
            where = f"c.{name} = :{name}"
            yield Part(name, where, {name: value}, begin_with(f"cards_by_{name}", dialect), where)
    for name, column, value in (("family", "emotion", asked.family), ("life", "scene", asked.life)):
        if value is not None:
            named = {f"{name}_{number}": one for number, one in enumerate(list_members(name, value))}
            where = f"c.{column} IN ({', '.join(f':{one}' for one in named)})" if named else "1 = 0"
            source = begin_with(f"cards_by_{column}", dialect) if named else ""
            yield Part(name, where, named, source, where, in_order=False)


def list_kinds(asked: Filter, dialect: str) -> Iterator[Part]:
    """Yield the conditions that hold or do not."""
    for name, (condition, index) in KINDS.items():
        value = getattr(asked, name)
        if value:
            yield Part(name, f"c.{condition}", {}, begin_with(index, dialect), f"c.{condition}")
        elif value is not None:
            yield Part(name, f"NOT c.{condition}")
    if asked.rehearsal is not None:
        where = f"c.is_rehearsal = {str(asked.rehearsal).lower()}"
        yield Part("rehearsal", where, {}, begin_with("cards_by_is_rehearsal", dialect), where)


def list_tables(asked: Filter) -> Iterator[Part]:
    """Yield what is asked of rules, reviewers and scores, which stand in tables of their own."""
    for name, table, value in (("rule", "card_rules", asked.rule), ("reviewer", "card_judges", asked.reviewer)):
        if value is not None:
            named, here = f"{table} AS {name} WHERE {name}.{name} = :{name}", f"{name}.card_id = c.id"
            source, lead = f"{table} AS {name} CROSS JOIN cards AS c", f"{name}.{name} = :{name} AND {here}"
            exists = f"EXISTS (SELECT 1 FROM {named} AND {here})"
            yield Part(name, exists, {name: value}, source, lead, named, f"{name}.card_id")
    if asked.rubric is not None:
        held = "s.rubric = :rubric"
        values: dict[str, Any] = {"rubric": asked.rubric}
        for name, sign, score in (("score_from", ">=", asked.score_from), ("score_to", "<=", asked.score_to)):
            if score is not None:
                held += f" AND s.score {sign} :{name}"
                values[name] = score
        exists, here = f"card_scores AS s WHERE {held}", "s.card_id = c.id"
        source, is_whole = "card_scores AS s CROSS JOIN cards AS c", len(values) == 1
        where, lead = f"EXISTS (SELECT 1 FROM {exists} AND {here})", f"{held} AND {here}"
        yield Part("rubric", where, values, source, lead, exists, "s.card_id", in_order=is_whole)


def list_ranges(asked: Filter, dialect: str) -> Iterator[Part]:
    """Yield what is asked of days and of the number of exchanges."""
    days = []
    values: dict[str, Any] = {}
    if asked.date_from is not None:
        days.append("c.created_at >= :date_from")
        values["date_from"] = begin_day(asked.date_from)
    if asked.date_to is not None:
        days.append("c.created_at < :date_to")
        values["date_to"] = begin_day(asked.date_to + timedelta(days=1))
    if days:
        where = " AND ".join(days)
        yield Part("date", where, values, begin_with("cards_by_created_at", dialect), where, in_order=False)
    for name, sign in (("exchanges_from", ">="), ("exchanges_to", "<=")):
        value = getattr(asked, name)
        if value is not None:
            yield Part(name, f"c.exchanges {sign} :{name}", {name: value})


def find_words(asked: str, dialect: str) -> Part:
    """Return the condition that a talk says some words."""
    said = "w.words MATCH :text" if dialect == "sqlite" else "w.body @@ CAST(:text AS tsquery)"
    source, counted = "words AS w CROSS JOIN cards AS c", f"words AS w WHERE {said}"
    lead = f"{said} AND c.id = w.rowid >> {EDIT_BITS} AND c.words_id = w.rowid"
    # Looked up once as a whole: to ask the index of each card by itself takes SQLite a third of a millisecond.
    where = f"c.words_id IN (SELECT w.rowid FROM {counted})"
    return Part("text", where, {"text": match_of(asked, dialect)}, source, lead, counted, "w.rowid", EDIT_BITS)


def begin_day(day: date) -> float:
    """Return when a day begins by this machine's clock, in seconds."""
    return datetime.combine(day, time.min).astimezone().timestamp()


@cache
def read_map() -> Taxonomy:
    """Return the map that is shipped."""
    return load_taxonomy(MAP)


def list_members(name: str, value: str) -> list[str]:
    """Return the emotions of a family, or the scenes of a part of life; of one that the map does not know none."""
    if name == "family":
        return [emotion.id for emotion in read_map().emotions if emotion.family == value]
    return [scene.code for scene in read_map().scenes if scene.life == value]

"""Makes the cards that lists, filters and the queue read: one a talk, from all that is stored of it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, bindparam, text

from store.blind import sees_others
from store.db import explained, persist
from store.judging import StoredDialogue, read_batch
from store.review_tables import CardJudgeRow, CardRow, CardRuleRow, CardScoreRow
from store.reviews import read_log
from store.rows import dump, insert
from store.standing import VERDICTS, Review, Standing, list_standing, standing_of
from store.words import forget_words, keep_words, word_body

BATCH = 100
"""Cards made in one transaction: a tenth of a second during which nobody else writes."""
TITLE = 80
NOBODY = ""
"""No reviewer has this name: who it stands for has said nothing."""
POSITION_BITS, EDIT_BITS = 30, 10
"""What an id and the place of its words are made of: a thousand million positions in each of eight million runs."""
TAKE = {
    "sqlite": text(
        "DELETE FROM stale WHERE dialogue_id IN (SELECT dialogue_id FROM stale LIMIT :count) RETURNING dialogue_id"
    ),
    "postgresql": text(
        "DELETE FROM stale WHERE dialogue_id IN"
        " (SELECT dialogue_id FROM stale LIMIT :count FOR UPDATE SKIP LOCKED) RETURNING dialogue_id"
    ),
}
"""Taken before anything is read: a change that comes later marks its talk again."""
TAKE_ONE = text("DELETE FROM stale WHERE dialogue_id = :id RETURNING dialogue_id")
SOURCES = text(
    "SELECT d.id, d.seed_id, s.emotion, s.scene, d.created_at, c.id AS card_id, c.words_id, c.rules, c.scores,"
    " (SELECT count(*) FROM edits e WHERE e.dialogue_id = d.id) AS edits,"
    " (SELECT max(r.created_at) FROM reviews r WHERE r.dialogue_id = d.id) AS reviewed_at,"
    " (SELECT k.served_model FROM utterances u JOIN calls k ON k.run_id = d.run_id AND k.position = d.position"
    " AND k.number = u.call_number WHERE u.dialogue_id = d.id AND u.speaker = 'counselor'"
    " ORDER BY u.number DESC LIMIT 1) AS model"
    " FROM dialogues d JOIN seeds s ON s.id = d.seed_id LEFT JOIN cards c ON c.dialogue_id = d.id WHERE d.id IN :ids"
).bindparams(bindparam("ids", expanding=True))
LIST_JUDGES = text("SELECT reviewer, card_id FROM card_judges WHERE card_id IN :ids").bindparams(
    bindparam("ids", expanding=True)
)
KEEP_CARD = text(
    f"{insert(CardRow).text} ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in CardRow.model_fields if name != "id")
)
KEPT = {
    "rule": ("card_rules", insert(CardRuleRow)),
    "rubric": ("card_scores", insert(CardScoreRow)),
    "reviewer": ("card_judges", insert(CardJudgeRow)),
}
"""What hangs on cards to be found by, by the column that names it."""
OTHERS = "SELECT 1 FROM cards WHERE seed_id = :seed_id AND outcome = 'done' AND (recipe, model)"
KEEP_RIVALS = text(
    f"INSERT INTO rival_seeds (seed_id) SELECT :seed_id WHERE EXISTS ({OTHERS} < (:recipe, :model))"
    f" OR EXISTS ({OTHERS} > (:recipe, :model)) ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Made:
    """A card with what hangs on it."""

    card: dict[str, Any]
    rules: frozenset[str]
    scores: Mapping[str, float]
    judges: frozenset[str]
    lines: Sequence[str]


def card_id(run: int, position: int) -> int:
    """Return the id of a talk's card; the order of ids is the order of runs, and in a run that of its plan."""
    return run << POSITION_BITS | position


def refresh_cards(engine: Engine, most: int | None = None) -> int:
    """Make the cards that are missing or no longer true, at most so many; returns how many were made."""
    made = 0
    while most is None or made < most:
        count = BATCH if most is None else min(BATCH, most - made)

        def save(count: int = count) -> int:
            with engine.connect().execution_options(writes=True) as db, db.begin():
                return make_cards(db, db.execute(TAKE[db.dialect.name], {"count": count}).scalars().all())

        with explained(engine):
            done = persist(save)
        made += done
        if done < count:
            break
    return made


def refresh_card(engine: Engine, dialogue_id: str) -> int:
    """Make one talk's card before all others where it is no longer true; returns how many were made."""

    def save() -> int:
        with engine.connect().execution_options(writes=True) as db, db.begin():
            return make_cards(db, db.execute(TAKE_ONE, {"id": dialogue_id}).scalars().all())

    with explained(engine):
        return persist(save)


def make_cards(db: Connection, ids: Sequence[str]) -> int:
    """Make the cards of some talks within a transaction that writes; returns how many there were."""
    if not ids:
        return 0
    sources = {row["id"]: row for row in db.execute(SOURCES, {"ids": ids}).mappings()}
    cards = [make_card(one, sources[one.id], read_log(db, one.id)) for one in read_batch(db, ids)]
    db.execute(KEEP_CARD, [made.card for made in cards])
    before = {"rule": set[Any](), "rubric": set[Any](), "reviewer": set[Any]()}
    for source in sources.values():
        if source["card_id"] is not None:
            before["rule"] |= {(rule, source["card_id"]) for rule in json.loads(source["rules"])}
            before["rubric"] |= {(*scored, source["card_id"]) for scored in json.loads(source["scores"]).items()}
    known = [source["card_id"] for source in sources.values() if source["card_id"] is not None]
    before["reviewer"] |= {tuple(row) for row in db.execute(LIST_JUDGES, {"ids": known})} if known else set()
    keep_apart(db, "rule", before["rule"], {(rule, one.card["id"]) for one in cards for rule in one.rules})
    scores = {(*scored, one.card["id"]) for one in cards for scored in one.scores.items()}
    keep_apart(db, "rubric", before["rubric"], scores)
    keep_apart(db, "reviewer", before["reviewer"], {(name, one.card["id"]) for one in cards for name in one.judges})
    makers = {(one.card["seed_id"], one.card["recipe"], one.card["model"]) for one in cards if is_rival(one.card)}
    if makers:
        db.execute(KEEP_RIVALS, [dict(zip(("seed_id", "recipe", "model"), maker, strict=True)) for maker in makers])
    placed = {source["words_id"] for source in sources.values()}
    fresh = [one for one in cards if one.card["words_id"] not in placed]
    keep_words(db, [{"id": one.card["words_id"], "body": word_body(one.lines, db.dialect.name)} for one in fresh])
    return len(ids)


def keep_apart(db: Connection, name: str, before: Iterable[Any], after: Iterable[Any]) -> None:
    """Bring what hangs on cards from what it was to what it is; each is a name, a score where there is one, an id."""
    table, keep = KEPT[name]
    old, new = set(before), set(after)
    if gone := [{"name": row[0], "id": row[-1]} for row in old - new]:
        db.execute(text(f"DELETE FROM {table} WHERE {name} = :name AND card_id = :id"), gone)
    if come := [{name: row[0], "score": row[1], "card_id": row[-1]} for row in new - old]:
        db.execute(keep, come)


def is_rival(card: Mapping[str, Any]) -> bool:
    """Whether a talk can stand beside another one of its seed."""
    return bool(card["outcome"] == "done" and card["exchanges"])


def make_card(dialogue: StoredDialogue, source: RowMapping, log: Sequence[Review]) -> Made:
    """Return the card of a talk."""
    lines = list_standing(log)
    last_edit = max((line.id for line in lines if line.word == "edit"), default=0)
    judges = frozenset(line.reviewer for line in lines if line.word in VERDICTS and line.id > last_edit)
    standing, is_settled = find_standing(dialogue), sees_others(log, NOBODY)
    is_told = is_settled or dialogue.people is None
    client = next((line.text for line in dialogue.utterances if line.speaker == "client"), "")
    title = " ".join((client or (dialogue.utterances[0].text if dialogue.utterances else ""))[: TITLE * 4].split())
    in_doubt = standing == "waiting" or dialogue.people == "disputed"
    chance = int.from_bytes(blake2b(dialogue.id.encode(), digest_size=8).digest())
    id = card_id(dialogue.run_id, dialogue.position)
    stands = {
        found.rule for found in dialogue.findings if dialogue.stands(found.exchange, found.attempt, found.speaker)
    }
    scores = mean_scores(dialogue)
    card = {
        "id": id,
        "run_id": dialogue.run_id,
        "position": dialogue.position,
        "priority": 0 if dialogue.is_crisis else 1 if in_doubt else 2,
        "lot": chance % 1000,
        "shuffle": chance >> 33,
        "is_crisis": dialogue.is_crisis,
        "is_rehearsal": dialogue.is_rehearsal,
        "is_edited": dialogue.is_edited,
        "is_disputed": dialogue.people == "disputed",
        "is_settled": is_settled,
        "exchanges": sum(line.speaker == "counselor" for line in dialogue.utterances),
        "flags": sum(line.word == "flag" for line in lines),
        "comments": sum(line.word == "comment" for line in lines),
        "given": len(judges),
        "seed_id": source["seed_id"],
        "outcome": dialogue.outcome,
        "standing": standing,
        "shown": standing if is_told else find_standing(replace(dialogue, people=None)),
        "language": dialogue.language,
        "emotion": source["emotion"],
        "scene": source["scene"],
        "recipe": dialogue.recipe,
        "model": source["model"] or "",
        "created_at": source["created_at"],
        "reviewed_at": source["reviewed_at"],
        "words_id": id << EDIT_BITS | source["edits"] % (1 << EDIT_BITS),
        "dialogue_id": dialogue.id,
        "rules": dump(sorted(stands)),
        "scores": dump(scores),
        "title": title[:TITLE],
    }
    return Made(card, frozenset(stands), scores, judges, [line.text for line in dialogue.utterances])


def find_standing(dialogue: StoredDialogue) -> Standing:
    """Return the standing of a stored dialogue."""
    return standing_of(
        dialogue.outcome,
        dialogue.decision.choice if dialogue.decision else None,  # type: ignore[arg-type]
        dialogue.people,
        is_crisis=dialogue.is_crisis,
        is_edited=dialogue.is_edited,
        is_seen=not dialogue.is_edited or dialogue.checks is not None,
    )


def mean_scores(dialogue: StoredDialogue) -> dict[str, float]:
    """Return the mean of the items by each rubric of the whole talk, over those who judged by its newest version."""
    given: dict[str, list[tuple[int, float]]] = {}
    for verdict in dialogue.verdicts:
        if verdict.exchange == 0 and verdict.about == "line" and verdict.scores:
            mean = sum(verdict.scores.values()) / len(verdict.scores)
            given.setdefault(verdict.rubric, []).append((verdict.version, mean))
    newest = {rubric: max(version for version, _ in means) for rubric, means in given.items()}
    kept = {rubric: [mean for version, mean in means if version == newest[rubric]] for rubric, means in given.items()}
    return {rubric: sum(means) / len(means) for rubric, means in kept.items()}


def count_stale(engine: Engine) -> int:
    """Return how many cards are still to be made."""
    with explained(engine), engine.connect() as db:
        count: int = db.execute(text("SELECT count(*) FROM stale")).scalar_one()
        return count


def forget_cards(engine: Engine) -> None:
    """Drop all cards with what hangs on them, and mark every talk: refresh_cards makes them from what is stored."""
    with explained(engine), engine.connect().execution_options(writes=True) as db, db.begin():
        for table in (*(table for table, _ in KEPT.values()), "rival_seeds", "cards"):
            db.execute(text(f"DELETE FROM {table}"))
        forget_words(db)
        mark = "INSERT INTO stale (dialogue_id) SELECT id FROM dialogues WHERE kind = 'talk' ON CONFLICT DO NOTHING"
        db.execute(text(mark))

"""Makes the cards that lists, filters and the queue read: one a talk, from all that is stored of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, bindparam, text

from store.db import explained, persist
from store.judging import StoredDialogue, read_batch
from store.review_tables import CardRow, CardRuleRow, CardScoreRow
from store.reviews import read_log
from store.rows import insert
from store.standing import VERDICTS, Review, Standing, list_standing, standing_of
from store.words import keep_words, word_body

BATCH = 200
"""Cards made in one transaction: some hundredths of a second during which nobody else writes."""
TITLE = 80
EDITED_APART = 10**9
"""How far the places of a talk's words lie apart, one for each edit: more than there are talks."""
LIST_STALE = text("SELECT dialogue_id FROM stale LIMIT :count")
FORGET = text("DELETE FROM stale WHERE dialogue_id IN :ids").bindparams(bindparam("ids", expanding=True))
SOURCES = text(
    "SELECT d.id, d.seed_id, s.emotion, s.scene, d.created_at, c.id AS card_id, c.words_id,"
    " (SELECT count(*) FROM edits e WHERE e.dialogue_id = d.id) AS edits,"
    " (SELECT max(r.created_at) FROM reviews r WHERE r.dialogue_id = d.id) AS reviewed_at,"
    " (SELECT k.served_model FROM utterances u JOIN calls k ON k.run_id = d.run_id AND k.position = d.position"
    " AND k.number = u.call_number WHERE u.dialogue_id = d.id AND u.speaker = 'counselor'"
    " ORDER BY u.number DESC LIMIT 1) AS model"
    " FROM dialogues d JOIN seeds s ON s.id = d.seed_id LEFT JOIN cards c ON c.dialogue_id = d.id WHERE d.id IN :ids"
).bindparams(bindparam("ids", expanding=True))
NEXT_ID = text("SELECT coalesce(max(id), 0) + 1 FROM cards")
REMOVE = [
    text(f"DELETE FROM {table} WHERE card_id IN :ids").bindparams(bindparam("ids", expanding=True))
    for table in ("card_rules", "card_scores")
]
REMOVE_CARD = text("DELETE FROM cards WHERE id IN :ids").bindparams(bindparam("ids", expanding=True))
INSERT_CARD, INSERT_RULE, INSERT_SCORE = insert(CardRow), insert(CardRuleRow), insert(CardScoreRow)


@dataclass(frozen=True, slots=True)
class Made:
    """A card with what hangs on it."""

    card: dict[str, Any]
    rules: frozenset[str]
    scores: Mapping[str, float]
    lines: Sequence[str]


def refresh_cards(engine: Engine, most: int | None = None) -> int:
    """Make the cards that are missing or no longer true, at most so many; returns how many were made."""
    made = 0
    while most is None or made < most:
        count = BATCH if most is None else min(BATCH, most - made)

        def save(count: int = count) -> int:
            with engine.connect().execution_options(writes=True) as db, db.begin():
                return refresh_batch(db, count)

        with explained(engine):
            done = persist(save)
        made += done
        if done < count:
            break
    return made


def refresh_batch(db: Connection, count: int) -> int:
    """Make at most so many cards within a transaction that writes."""
    ids = list(db.execute(LIST_STALE, {"count": count}).scalars())
    if not ids:
        return 0
    sources = {row["id"]: row for row in db.execute(SOURCES, {"ids": ids}).mappings()}
    free: int = db.execute(NEXT_ID).scalar_one()
    cards: list[Made] = []
    for dialogue in read_batch(db, ids):
        source = sources[dialogue.id]
        if source["card_id"] is None:
            card_id, free = free, free + 1
        else:
            card_id = source["card_id"]
        cards.append(make_card(dialogue, source, card_id, read_log(db, dialogue.id)))
    replaced = {"ids": [source["card_id"] for source in sources.values() if source["card_id"] is not None]}
    for removal in (*REMOVE, REMOVE_CARD):
        db.execute(removal, replaced)
    db.execute(INSERT_CARD, [made.card for made in cards])
    rules = [{"rule": rule, "card_id": made.card["id"]} for made in cards for rule in sorted(made.rules)]
    scores = [
        {"rubric": rubric, "card_id": made.card["id"], "score": score}
        for made in cards
        for rubric, score in made.scores.items()
    ]
    for statement, rows in ((INSERT_RULE, rules), (INSERT_SCORE, scores)):
        if rows:
            db.execute(statement, rows)
    known = {source["words_id"] for source in sources.values()}
    keep_words(
        db,
        [
            {"id": made.card["words_id"], "body": word_body(made.lines)}
            for made in cards
            if made.card["words_id"] not in known
        ],
    )
    db.execute(FORGET, {"ids": ids})
    return len(ids)


def make_card(dialogue: StoredDialogue, source: RowMapping, card_id: int, log: Sequence[Review]) -> Made:
    """Return the card of a talk."""
    lines = list_standing(log)
    last_edit = max((line.id for line in lines if line.word == "edit"), default=0)
    judges = {line.reviewer for line in lines if line.word in VERDICTS and line.id > last_edit}
    standing = find_standing(dialogue)
    client = next((line.text for line in dialogue.utterances if line.speaker == "client"), "")
    title = " ".join((client or (dialogue.utterances[0].text if dialogue.utterances else "")).split())
    in_doubt = standing == "waiting" or dialogue.people == "disputed"
    card = {
        "id": card_id,
        "dialogue_id": dialogue.id,
        "run_id": dialogue.run_id,
        "position": dialogue.position,
        "recipe": dialogue.recipe,
        "model": source["model"] or "",
        "language": dialogue.language,
        "emotion": source["emotion"],
        "scene": source["scene"],
        "seed_id": source["seed_id"],
        "outcome": dialogue.outcome,
        "standing": standing,
        "is_crisis": dialogue.is_crisis,
        "is_rehearsal": dialogue.is_rehearsal,
        "is_edited": dialogue.is_edited,
        "exchanges": sum(line.speaker == "counselor" for line in dialogue.utterances),
        "title": title[:TITLE],
        "flags": sum(line.word == "flag" for line in lines),
        "comments": sum(line.word == "comment" for line in lines),
        "given": len(judges),
        "is_disputed": dialogue.people == "disputed",
        "priority": 0 if dialogue.is_crisis else 1 if in_doubt else 2,
        "lot": int.from_bytes(blake2b(dialogue.id.encode(), digest_size=4).digest()) % 1000,
        "words_id": card_id + EDITED_APART * source["edits"],
        "created_at": source["created_at"],
        "reviewed_at": source["reviewed_at"],
    }
    rules = {found.rule for found in dialogue.findings if dialogue.stands(found.exchange, found.attempt, found.speaker)}
    return Made(card, frozenset(rules), mean_scores(dialogue), [line.text for line in dialogue.utterances])


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

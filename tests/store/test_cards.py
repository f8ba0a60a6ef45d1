"""A card says what is true of its talk after every kind of change, and is the same whenever it is made."""

import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from store.cards import card_id, count_stale, forget_cards, refresh_card, refresh_cards
from store.db import Database, open_db
from store.filters import Filter
from store.judging import Judged, read_dialogue, save_judged
from store.listing import list_ids
from store.pairs import next_pair
from store.records import DecisionRecord, FindingRecord, SeedRecord, VerdictRecord
from store.reviews import Said, add_line, say, undo
from store.runs import Run
from store.similar import find_similar
from store.standing import Review, people_say, standing_of
from taxonomy.refusal import InputError
from tests.bench.minhash import edit
from tests.databases import make_database
from tests.store.made_talks import RULES, make_talk, save, start
from tests.store.test_near import make_text
from tests.store.test_near import save as save_texts

WORDS = ("失眠", "考试", "工作压力", "sleep", "改过")
PEOPLE = ("ann", "ben", "cleo")


def read_cards(database: Database) -> dict[str, Any]:
    """Return all that is known of cards, and which of them some words are found in."""
    tables = {
        "cards": "SELECT * FROM cards ORDER BY id",
        "rules": "SELECT rule, card_id FROM card_rules ORDER BY rule, card_id",
        "scores": "SELECT rubric, card_id, score FROM card_scores ORDER BY rubric, card_id",
        "judges": "SELECT reviewer, card_id FROM card_judges ORDER BY reviewer, card_id",
        "rivals": "SELECT seed_id FROM rival_seeds ORDER BY seed_id",
    }
    with database.connect() as db:
        known: dict[str, Any] = {name: [tuple(row) for row in db.execute(text(q))] for name, q in tables.items()}
    return known | {word: list(list_ids(database, Filter(text=word), 1_000)) for word in WORDS}


def judge(database: Database, id: str, chance: random.Random) -> None:
    """Judge a talk anew: other findings, one more verdict, another decision."""
    dialogue = read_dialogue(database, id)
    assert dialogue is not None
    found = [FindingRecord(1, 1, "counselor", chance.choice(RULES), 2, "note", (0, 1), "r")]
    scores = {"a": float(chance.randint(1, 5))}
    verdict = VerdictRecord(0, 0, "session", chance.choice((1, 2)), scores, {}, "", "", None, judged_in=1)
    risk = chance.choice((None, "none", "active"))
    decided = DecisionRecord("default", 2, chance.choice(("accept", "reject", "person")), (), "{}")
    told = Judged(dialogue, found, "2", [verdict], risk_tier=risk, decision=decided)
    assert save_judged(database, [told], 1.0) == []


def speak(database: Database, id: str, chance: random.Random) -> None:
    """Have somebody say something of a talk, or take their last word back."""
    who, word = chance.choice(PEOPLE), chance.choice(("accept", "reject", "skip", "flag", "comment", "edit", "undo"))
    told: dict[str, Any] = {"reject": {"reasons": ["other"]}, "comment": {"comment": "嗯"}}.get(word, {})
    if word == "edit":
        told = {"number": 0, "text": f"改过的话 {chance.random()} 失眠"}
    try:
        if word == "undo":
            undo(database, id, who)
        else:
            adjudicates = word in ("accept", "reject") and chance.random() < 0.2
            wanted = chance.choice((1, 2))
            say(
                database,
                Said(dialogue_id=id, reviewer=who, word=word, wanted=wanted, is_adjudication=adjudicates, **told),
            )
    except InputError as error:
        assert "nothing of yours" in str(error) or "edited again" in str(error)  # noqa: PT017


@pytest.mark.parametrize("seed", [1, 2])
def test_cards_made_after_every_change_are_those_made_at_once(database: Database, seed: int) -> None:
    chance = random.Random(seed)
    runs: dict[str, Run] = {recipe: start(database, 200, recipe) for recipe in ("session", "smile")}
    stored: dict[int, int] = dict.fromkeys((run.id for run in runs.values()), 0)
    for _ in range(120):
        deed = chance.choice(("talk", "judge", "say", "say", "say"))
        known = [f"{run}/{position}" for run, count in stored.items() for position in range(count)]
        if deed == "talk" or len(known) < 4:
            recipe, run = chance.choice(list(runs.items()))
            save(database, make_talk(run, stored[run.id], chance, recipe), model=chance.choice(("m-1", "m-2")))
            stored[run.id] += 1
        else:
            act: Callable[..., None] = judge if deed == "judge" else speak
            act(database, chance.choice(known), chance)
        if chance.random() < 0.7:
            refresh_cards(database, chance.choice((None, 1)))
    refresh_cards(database)
    step_by_step = read_cards(database)
    assert count_stale(database) == 0
    assert len(step_by_step["cards"]) == sum(stored.values()) > 15
    assert step_by_step["judges"]
    assert step_by_step["改过"]
    check_standings(database)
    forget_cards(database)
    assert refresh_cards(database) == sum(stored.values())
    assert read_cards(database) == step_by_step


def check_standings(database: Database) -> None:
    """Hold every card's standing against what the log and the newest decision amount to."""
    with database.connect() as db:
        query = (
            "SELECT d.*, c.standing, c.given, c.flags, (SELECT choice FROM decisions e WHERE e.dialogue_id = d.id"
            " ORDER BY e.id DESC LIMIT 1) AS choice FROM dialogues d JOIN cards c ON c.dialogue_id = d.id"
        )
        for row in db.execute(text(query)).mappings().all():
            lines = db.execute(text("SELECT * FROM reviews WHERE dialogue_id = :id ORDER BY id"), {"id": row["id"]})
            log = [
                Review(line.verdict, bool(line.is_adjudication), line.reviewer, line.wanted, line.id, line.undoes)
                for line in lines
            ]
            standing = standing_of(
                row["outcome"],
                row["choice"],
                people_say(log),
                is_crisis=row["is_crisis"],
                is_edited=row["is_edited"],
                is_seen=not row["is_edited"] or row["checks"] is not None,
            )
            assert row["standing"] == standing
            undone = {line.undoes for line in log}
            assert row["flags"] == sum(line.word == "flag" and line.id not in undone for line in log)


def test_one_talk_is_brought_up_to_date_before_all_others(database: Database) -> None:
    run, chance = start(database, 30), random.Random(1)
    save(database, *(make_talk(run, position, chance, outcome="done") for position in range(30)))
    assert refresh_card(database, f"{run.id}/29") == 1
    assert refresh_card(database, f"{run.id}/29") == 0
    assert list(list_ids(database, Filter(), 50)) == [f"{run.id}/29"]
    assert count_stale(database) == 29
    assert refresh_cards(database, 20) == 20
    assert refresh_cards(database) == 9


def test_the_order_of_ids_is_the_order_of_runs_and_plans() -> None:
    places = [(1, 0), (1, 9), (1, 10), (2, 0), (10, 3), (2**22, 2**30 - 1)]
    assert sorted(card_id(*place) for place in places) == [card_id(*place) for place in places]
    assert card_id(2**22, 2**30 - 1) << 10 < 2**63


def test_postgresql_loses_no_mark_to_cards_that_are_made_meanwhile(postgres: str) -> None:
    database = open_db(f"postgresql://factory@{postgres}/{make_database(postgres)}")
    run, chance = start(database, 2), random.Random(1)
    save(database, make_talk(run, 0, chance, outcome="done"), make_talk(run, 1, chance, outcome="done"))
    refresh_cards(database)
    for position in range(2):
        say(database, Said(dialogue_id=f"{run.id}/{position}", reviewer="ben", word="comment", comment="嗯"))
    with database.connect() as db, db.begin():
        add_line(db, Said(dialogue_id=f"{run.id}/0", reviewer="ann", word="flag", number=0), time.time())
        # What is not yet committed cannot be seen; the mark that stood there before must outlive this.
        assert refresh_cards(database) == 1
    assert refresh_cards(database) == 1
    assert list(list_ids(database, Filter(flagged=True), 9)) == [f"{run.id}/0"]
    database.dispose()


def test_talks_that_say_much_the_same_are_found_the_likest_first(database: Database) -> None:
    run, said, chance = start(database, 6), make_text(1), random.Random(6)
    texts = [said, edit(said, 0.02, chance), edit(said, 0.10, chance), make_text(2), make_text(3)]
    save_texts(database, run, texts)
    found = find_similar(database, f"{run.id}/0")
    assert [copy.dialogue_id for copy in found][:2] == [f"{run.id}/1", f"{run.id}/2"]
    assert 1 > found[0].share > 0.7 > found[1].share > 0.2
    assert all(copy.dialogue_id != f"{run.id}/0" for copy in found)
    assert [copy.dialogue_id for copy in find_similar(database, f"{run.id}/0", 1)] == [f"{run.id}/1"]
    with pytest.raises(InputError, match="there is no dialogue '9/9'"):
        find_similar(database, "9/9")


def test_pairs_are_talks_on_one_seed_by_different_makers_each_offered_once(database: Database) -> None:
    chance, seeds = random.Random(2), [SeedRecord("text", text=f"问题 {number}") for number in range(4)]
    for recipe in ("session", "smile"):
        run = start(database, 4, recipe)
        for position, seed in enumerate(seeds[: 4 if recipe == "session" else 3]):
            changes: dict[str, Any] = {"seed": seed, "outcome": "failed" if position == 2 else "done"}
            save(database, make_talk(run, position, chance, recipe, **changes))
    refresh_cards(database)
    seen = []
    while (pair := next_pair(database, "ann")) is not None:
        assert next_pair(database, "ann") == pair
        seen.append(frozenset(pair))
        say(
            database,
            Said(dialogue_id=pair[1], reviewer="ann", word="prefer", other_id=pair[0], scores={"preference": 1}),
        )
    assert set(seen) == {frozenset({"1/0", "2/0"}), frozenset({"1/1", "2/1"})}
    assert len(seen) == 2
    assert next_pair(database, "ben") is not None
    assert next_pair(database, "ben", Filter(recipe="smile")) is None
    undo(database, pair_talk(seen[-1], database), "ann")
    assert frozenset(next_pair(database, "ann") or ()) == seen[-1]


def pair_talk(pair: frozenset[str], database: Database) -> str:
    """Return the one of a pair that was preferred."""
    with database.connect() as db:
        query = text("SELECT dialogue_id FROM reviews WHERE verdict = 'prefer' ORDER BY id DESC LIMIT 1")
        id: str = db.execute(query).scalar_one()
    assert id in pair
    return id

"""The queue gives each talk to as many people as it wants and to nobody twice, whoever asks at the same time."""

import threading
from collections import Counter
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from store.cards import refresh_cards
from store.db import Database
from store.filters import Filter
from store.queue import Missing, Taken, next_item, release, renew
from store.records import DecisionRecord
from store.review.settings import Settings
from store.reviews import Said, say, undo
from store.waiting import wanted_for
from tests.store.review.talks import keep_talks

ALL = Filter()
ALONE = Settings(overlap=0.0, crisis_reviewers=1)
NOW = 1_000_000.0


def judge(database: Database, id: str, reviewer: str, word: str = "accept", wanted: int = 1) -> None:
    """Say a verdict, a skip or an edit."""
    said = Said(
        dialogue_id=id,
        reviewer=reviewer,
        word=word,  # type: ignore[arg-type]
        reasons=["pii"] if word == "reject" else [],
        number=0 if word == "edit" else None,
        text="改过的一句。" if word == "edit" else "",
        wanted=wanted,
    )
    say(database, said)


def empty_queue(database: Database, reviewer: str, settings: Settings, asked: Filter = ALL) -> list[str]:
    """Return what somebody is handed until there is nothing left, judging each."""
    given: list[str] = []
    while (id := next_item(database, reviewer, asked, settings, NOW)) is not None:
        given.append(id)
        judge(database, id, reviewer)
        assert len(given) < 1000
    return given


def test_danger_comes_first_then_doubt_then_all_else_each_in_the_order_of_the_plan(database: Database) -> None:
    accepted = DecisionRecord("default", 2, "accept", (), "{}")
    ids = keep_talks(
        database,
        12,
        change=lambda position: (
            {"is_crisis": position in (5, 9)} | ({"decision": accepted} if position in (2, 7) else {})
        ),
    )
    first, last = [ids[5], ids[9]], [ids[2], ids[7]]
    assert empty_queue(database, "ann", ALONE) == [*first, *(id for id in ids if id not in first + last), *last]
    assert empty_queue(database, "ann", ALONE) == []


def test_ones_own_living_lease_comes_again_and_nobody_else_is_given_it(database: Database) -> None:
    keep_talks(database, 3)
    mine = next_item(database, "ann", ALL, ALONE, NOW)
    other = next_item(database, "bo", ALL, ALONE, NOW)
    assert mine != other
    assert next_item(database, "ann", ALL, ALONE, NOW + 899) == mine
    assert next_item(database, "cy", ALL, ALONE, NOW + 1) not in (mine, other, None)
    assert next_item(database, "di", ALL, ALONE, NOW + 2) is None


def test_a_lease_ends_by_itself_and_a_renewed_one_later(database: Database) -> None:
    (id,) = keep_talks(database, 1)
    assert next_item(database, "ann", ALL, ALONE, NOW) == id
    assert next_item(database, "bo", ALL, ALONE, NOW + 899.9) is None
    assert renew(database, id, "ann", ALONE, NOW + 600) == NOW + 1500
    assert next_item(database, "bo", ALL, ALONE, NOW + 901) is None
    assert next_item(database, "bo", ALL, ALONE, NOW + 1500) == id
    with pytest.raises(Taken, match="somebody else has it"):
        renew(database, id, "ann", ALONE, NOW + 1501)
    release(database, id, "bo")
    assert renew(database, id, "ann", ALONE, NOW + 1502) == NOW + 2402
    with pytest.raises(Missing, match="no dialogue '9/9'"):
        renew(database, "9/9", "ann", ALONE, NOW)


def test_whoever_has_judged_a_talk_keeps_it_from_nobody(database: Database) -> None:
    (id,) = keep_talks(database, 1)
    judge(database, id, "ann")
    assert renew(database, id, "ann", Settings(overlap=1.0), NOW) == NOW
    assert next_item(database, "bo", ALL, Settings(overlap=1.0), NOW) == id


def test_two_people_are_given_a_talk_with_danger_and_the_planned_share_and_one_all_else(database: Database) -> None:
    settings = Settings(overlap=0.3)
    ids = keep_talks(database, 40, change=lambda position: {"is_crisis": position % 10 == 0})
    with database.connect() as db:
        cards = db.execute(text("SELECT dialogue_id, is_crisis, lot FROM cards")).all()
    wanted = Counter({card.dialogue_id: wanted_for(card, settings) for card in cards})
    given = Counter(id for name in ("ann", "bo", "cy") for id in empty_queue(database, name, settings))
    assert given == wanted
    assert set(given) == set(ids)
    assert 2 in {wanted[card.dialogue_id] for card in cards if not card.is_crisis}


def test_one_person_alone_is_enough_for_danger_where_the_settings_say_so(database: Database) -> None:
    ids = keep_talks(database, 2, change=lambda position: {"is_crisis": True})
    assert empty_queue(database, "ann", Settings(overlap=1.0, crisis_reviewers=1)) == ids
    assert empty_queue(database, "bo", Settings(overlap=1.0, crisis_reviewers=1)) == []
    assert empty_queue(database, "bo", Settings(crisis_reviewers=3)) == ids
    assert empty_queue(database, "cy", Settings(crisis_reviewers=3)) == ids


def test_what_somebody_skipped_comes_to_others_only_until_they_take_it_back(database: Database) -> None:
    (id,) = keep_talks(database, 1)
    assert next_item(database, "ann", ALL, ALONE, NOW) == id
    judge(database, id, "ann", "skip")
    assert next_item(database, "ann", ALL, ALONE, NOW) is None
    assert next_item(database, "bo", ALL, ALONE, NOW) == id
    release(database, id, "bo")
    undo(database, id, "ann")
    assert next_item(database, "ann", ALL, ALONE, NOW) == id


def test_a_verdict_that_was_taken_back_brings_the_talk_back(database: Database) -> None:
    (id,) = keep_talks(database, 1)
    judge(database, id, "ann", "reject")
    assert next_item(database, "ann", ALL, ALONE, NOW) is None
    undo(database, id, "ann")
    assert next_item(database, "ann", ALL, ALONE, NOW) == id


def test_an_edited_talk_waits_for_the_checks_and_then_comes_to_those_who_judged_the_old_text(
    database: Database,
) -> None:
    (id,) = keep_talks(database, 1)
    judge(database, id, "ann", "accept")
    judge(database, id, "bo", "edit")
    assert next_item(database, "ann", ALL, ALONE, NOW) is None
    with database.connect().execution_options(writes=True) as db, db.begin():
        db.execute(text("UPDATE dialogues SET checks = 'c2' WHERE id = :id"), {"id": id})
    assert next_item(database, "ann", ALL, ALONE, NOW) == id


def test_what_a_recipe_rejected_or_has_no_text_comes_only_where_it_is_asked_for(database: Database) -> None:
    changes: list[dict[str, Any]] = [{"outcome": "rejected"}, {"outcome": "failed", "utterances": []}, {}]
    ids = keep_talks(database, 3, change=lambda position: changes[position])
    assert empty_queue(database, "ann", ALONE) == [ids[2]]
    assert empty_queue(database, "ann", ALONE, Filter(outcome="rejected")) == [ids[0]]
    assert empty_queue(database, "ann", ALONE, Filter(outcome="failed")) == []


def test_a_filter_narrows_the_queue_and_an_own_lease_outside_it_does_not_come(database: Database) -> None:
    first = keep_talks(database, 2)
    second = keep_talks(database, 2, change=lambda position: {"language": "en", "recipe": "smile"})
    assert next_item(database, "ann", ALL, ALONE, NOW) == first[0]
    assert next_item(database, "ann", Filter(language="en"), ALONE, NOW) == second[0]
    assert empty_queue(database, "bo", ALONE, Filter(recipe="smile", language="en")) == [second[1]]
    assert empty_queue(database, "bo", ALONE, Filter(run=int(first[0].split("/")[0]))) == [first[1]]
    assert empty_queue(database, "bo", ALONE, Filter(text="失眠", language="zh")) == []


def test_talks_whose_cards_are_not_made_yet_are_found(database: Database) -> None:
    ids = keep_talks(database, 3)
    with database.connect().execution_options(writes=True) as db, db.begin():
        for table in ("card_rules", "card_scores", "cards", "words" if database.dialect.name == "postgresql" else ""):
            if table:
                db.execute(text(f"DELETE FROM {table}"))
        for id in ids:
            db.execute(text("INSERT INTO stale (dialogue_id) VALUES (:id) ON CONFLICT DO NOTHING"), {"id": id})
    assert sorted(empty_queue(database, "ann", ALONE)) == ids


@pytest.mark.parametrize("seed", range(2))
def test_many_who_ask_at_once_are_never_given_the_same_talk_beyond_its_number(database: Database, seed: int) -> None:
    settings = Settings(overlap=0.2)
    keep_talks(database, 60, change=lambda position: {"is_crisis": position % 12 == 0})
    with database.connect() as db:
        cards = db.execute(text("SELECT dialogue_id, is_crisis, lot FROM cards")).all()
    wanted = {card.dialogue_id: wanted_for(card, settings) for card in cards}
    given: dict[str, list[str]] = {f"r{number}": [] for number in range(6)}
    held: Counter[str] = Counter()
    over: list[str] = []
    lock = threading.Lock()
    wrong: list[BaseException] = []

    def work(name: str) -> None:
        chance = Random(f"{seed} {name}")
        try:
            while (id := next_item(database, name, ALL, settings, NOW)) is not None:
                with lock:
                    held[id] += 1
                    if held[id] > wanted[id]:
                        over.append(id)
                if chance.random() < 0.15:
                    with lock:
                        held[id] -= 1
                    release(database, id, name)
                    continue
                given[name].append(id)
                judge(database, id, name, chance.choice(("accept", "reject")), wanted[id])
        except BaseException as error:
            wrong.append(error)

    workers = [threading.Thread(target=work, args=(name,)) for name in given]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []
    assert over == []
    assert all(len(ids) == len(set(ids)) for ids in given.values())
    # A worker may leave while others still hold the last ones and give them back: one more round ends it.
    rest = [id for name in given for id in empty_queue(database, name, settings)]
    assert Counter([id for ids in given.values() for id in ids] + rest) == Counter(wanted)


def test_a_queue_of_few_and_one_of_many_talks_hand_out_in_the_same_order(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(overlap=0.5)
    keep_talks(database, 40, change=lambda position: {"is_crisis": position % 7 == 3})
    asked = Filter(language="zh")
    narrow = [empty_queue(database, name, settings, asked) for name in ("ann", "bo")]
    with database.connect() as db:
        said = db.execute(text("SELECT dialogue_id, reviewer FROM reviews")).all()
    for row in said:
        undo(database, row.dialogue_id, row.reviewer)
    refresh_cards(database)
    monkeypatch.setattr("store.waiting.SORTED", -1)
    assert [empty_queue(database, name, settings, asked) for name in ("ann", "bo")] == narrow
    assert len(narrow[0]) == 40
    assert 0 < len(narrow[1]) < 40

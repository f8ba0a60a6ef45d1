"""Over databases of every sort at once: what may not leave does not, and what is held out is not also learned."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from store.bands import normalise
from store.db import Database, open_db
from store.export.checks import current_checks
from store.licences import is_permissive, name_licence
from store.minhash import jaccard, list_grams
from store.records import DecisionRecord, DialogueRecord, SeedRecord, UtteranceRecord
from taxonomy.refusal import InputError
from tests.bench.minhash import edit
from tests.store.export.stored import (
    judge,
    keep,
    make_export,
    make_lines,
    make_mix,
    make_talk,
    read_rows,
    say_something,
)
from tests.store.test_sessions import begin

TALKS = 200
ODD = ("led", "twice", "doubled", "alone", "long", "tag", "blank", "white", "exam")
LONGEST = 900
LICENCES = ("mit", "apache-2.0", "cc0-1.0", "mit", "CC BY 4.0", "cc-by-nc-4.0", "gpl-3.0", None)
SPLIT = {"train": 0.5, "validation": 0.2, "test": 0.3}
EXAM = "我每天夜里都醒着，一直想着白天说错的那一句话，翻来覆去睡不着。"


def make_odd(chance: random.Random, lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return lines of which perhaps something is wrong: who speaks, how long, a tag, a blank, an exam's question."""
    way = chance.choice(("well",) * 8 + ODD)
    if way == "led":
        return [("counselor", "你好。"), *lines]
    if way == "twice":
        return [lines[0], *lines]
    if way == "doubled":
        return [line for line in lines for _ in range(2)]
    if way == "alone":
        return [*lines, ("client", "再见。")]
    if way == "long":
        return [*lines, ("client", "嗯。"), ("counselor", say_something(chance, LONGEST))]
    said = {"tag": "<think>想</think>你说。", "blank": " ", "white": "\n \u3000你说。", "exam": EXAM}.get(way)
    return [*lines[:-1], ("counselor", said)] if said is not None else lines


def make_records(chance: random.Random, run: int) -> tuple[list[DialogueRecord], dict[str, str | None]]:
    """Return talks with every trait drawn by itself, and the licence of each seed by its text."""
    seeds = [say_something(chance) for _ in range(12)]
    licences = {said: chance.choice(LICENCES) for said in seeds}
    records: list[DialogueRecord] = []
    for place in range(TALKS):
        lines = make_odd(chance, make_lines(chance, chance.randrange(1, 5)))
        if records and chance.random() < 0.5:
            other = chance.choice(records).utterances
            share = chance.choice((0.0, 0.02))
            lines = [(line.speaker, edit(line.text, share, chance) or "。") for line in other]
        own = SeedRecord("cell", "performance_anxiety", f"S{chance.randrange(1, 9):02}")
        seed = own if chance.random() < 0.4 else SeedRecord("text", text=chance.choice(seeds), file="a.jsonl", row=1)
        choice = chance.choice(("accept",) * 10 + ("reject", "person"))
        is_crisis = chance.random() < 0.1
        talk = make_talk(
            run, place, lines, seed=seed, is_crisis=is_crisis, risk_tier="active" if is_crisis else "none",
            outcome=chance.choice(("done",) * 16 + ("rejected", "failed")), is_rehearsal=chance.random() < 0.1,
            checks=chance.choice((current_checks(),) * 12 + ("older", None)),
            decision=DecisionRecord("default", 1, choice, (), "{}") if chance.random() < 0.95 else None,
            utterances=[UtteranceRecord(who, said, "想想", None, None) for who, said in lines],
        )  # fmt: skip
        records.append(talk)
    return records, licences


def say_things(database: Database, chance: random.Random, run: int) -> None:
    """Have people accept, reject, edit and disagree at random."""
    for place in range(TALKS):
        id = f"{run}/{place}"
        for word in chance.sample(("accept", "reject", "edit", "second", "nothing"), chance.choice((0, 0, 0, 0, 1, 2))):
            if word == "edit":
                judge(database, id, "edit", number=0, text=say_something(chance))
            elif word == "second":
                judge(database, id, "accept", reviewer="bo", wanted=2)
            elif word == "reject":
                judge(database, id, "reject", reasons=["other"])
            elif word == "accept":
                judge(database, id, "accept")


def read_facts(database: Database) -> dict[str, Any]:
    """Return what the database says of each talk."""
    query = text(
        "SELECT d.*, s.licence, s.kind AS seed_kind, s.digest, (SELECT choice FROM decisions WHERE dialogue_id = d.id"
        " ORDER BY id DESC LIMIT 1) AS choice FROM dialogues d JOIN seeds s ON s.id = d.seed_id"
    )
    with database.connect() as db:
        return {row["id"]: row for row in db.execute(query).mappings()}


def check_may_leave(row: dict[str, Any], fact: Any, mix: dict[str, Any]) -> None:
    """Check a row against what the database says, by the words of the promise."""
    accepted_by_people = fact["people"] == "accept"
    assert fact["people"] in ("accept", None)
    assert accepted_by_people or (fact["outcome"] == "done" and fact["choice"] == "accept")
    assert accepted_by_people or not (fact["is_crisis"] or fact["is_edited"])
    assert accepted_by_people or not mix.get("review")
    assert fact["checks"] == current_checks()
    assert not fact["is_rehearsal"] or mix.get("rehearsal")
    named = {name_licence(each) for each in mix.get("licences", [])}
    name = name_licence(fact["licence"])
    assert fact["seed_kind"] == "cell" or is_permissive(name) or name in named
    assert row["licence"] == ("cc-by-4.0" if fact["seed_kind"] == "cell" else name)


def check_messages(messages: list[dict[str, Any]]) -> None:
    """Check the shape that every trainer relies on."""
    roles = [said["role"] for said in messages if said["role"] != "system"]
    assert roles == ["user", "assistant"] * (len(roles) // 2)
    assert roles
    assert sum(len(said["content"]) + len(said["reasoning_content"] or "") for said in messages) <= LONGEST
    for said in messages:
        assert said["content"]
        if said["role"] == "assistant":
            assert not said["content"][0].isspace()
            assert "think>" not in said["content"]


def check_splits(out: Path) -> None:
    """Check that no seed stands in two splits, and that no row is nearly the same as one in another."""
    rows = [(split, row) for split in SPLIT for row in read_rows(out, split)]
    splits: dict[str, set[str]] = {}
    for split, row in rows:
        splits.setdefault(row["seed"], set()).add(split)
    assert all(len(found) == 1 for found in splits.values())
    grams = [(split, list_grams("\n".join(said["content"] for said in row["messages"]))) for split, row in rows]
    for place, (split, mine) in enumerate(grams):
        for other, its in grams[:place]:
            assert split == other or jaccard(mine, its) < 0.7


@pytest.mark.parametrize("number", range(12))
def test_nothing_leaves_that_may_not(tmp_path: Path, number: int) -> None:
    chance = random.Random(number)
    database = open_db(f"sqlite:///{tmp_path}/factory.db")
    run = begin(database, TALKS).id
    keep(database, *make_records(chance, run))
    say_things(database, chance, run)
    (tmp_path / "exam.jsonl").write_text(json.dumps({"question": EXAM}), encoding="utf-8")
    changes: dict[str, Any] = {
        "split": SPLIT | {"by": chance.choice(("seed", "case"))}, "longest": LONGEST,
        "decontamination": [str(tmp_path / "exam.jsonl")], "dedup": chance.choice(("none", "exact", "near")),
        "licences": chance.choice(([], ["cc-by-nc-4.0"], ["unknown", "gpl-3.0"])),
        "rehearsal": chance.random() < 0.3, "review": chance.random() < 0.2,
        "reasoning": chance.choice(("none", "raw")), "targets": chance.choice(("all_turns", "per_turn", "last")),
    }  # fmt: skip
    mix, out = make_mix(tmp_path, **changes), tmp_path / "out"
    try:
        told = make_export(database, out, mix)
    except InputError:
        assert not out.exists()
        pytest.fail("a database of so many talks gave nothing at all")
    facts, rows = read_facts(database), read_rows(out)
    database.dispose()
    assert rows
    for row in rows:
        check_may_leave(row, facts[row["id"].split("#")[0]], changes)
        check_messages(row["messages"])
        assert not any(normalise(EXAM) in normalise(said["content"]) for said in row["messages"])
    if changes["targets"] != "per_turn":
        check_splits(out)
    if changes["dedup"] != "none" and changes["targets"] == "all_turns":
        said = [normalise("\n".join(part["content"] for part in row["messages"])) for row in rows]
        assert len(said) == len(set(said))
    lefts = [step["left"] for step in told["funnel"]]
    assert lefts == sorted(lefts, reverse=True)
    for before, step in zip(lefts, told["funnel"][1:], strict=False):
        assert before - step["left"] == sum(step["gone"].values())


def test_each_ground_is_met_by_some_of_these_databases(tmp_path: Path) -> None:
    database = open_db(f"sqlite:///{tmp_path}/factory.db")
    chance = random.Random(1)
    run = begin(database, TALKS).id
    keep(database, *make_records(chance, run))
    say_things(database, chance, run)
    (tmp_path / "exam.jsonl").write_text(json.dumps({"question": EXAM}), encoding="utf-8")
    changes = {"decontamination": [str(tmp_path / "exam.jsonl")], "longest": LONGEST, "dedup": "near", "split": SPLIT}
    told = make_export(database, tmp_path / "out", make_mix(tmp_path, **changes))
    database.dispose()
    met = {step["filter"] for step in told["funnel"] if sum(step["gone"].values())}
    alone = {"rehearsal", "standing", "checks", "licence", "shape", "length", "decontamination"}
    assert alone | {"exact copies", "near copies"} <= met


def test_a_talk_made_of_a_talk_stays_in_its_split_and_under_its_licence(tmp_path: Path) -> None:
    database = open_db(f"sqlite:///{tmp_path}/factory.db")
    chance = random.Random(3)
    run = begin(database, 80).id
    asked = [say_something(chance) for _ in range(40)]
    first = [make_talk(run, n, make_lines(chance), seed=SeedRecord("text", text=said)) for n, said in enumerate(asked)]
    licences = {said: "mit" if n % 2 else "cc-by-nc-4.0" for n, said in enumerate(asked)}
    made = [
        replace(
            make_talk(run, 40 + n, make_lines(chance)), seed=SeedRecord("dialogue", row_id=f"{run}/{n}"),
            parent_id=f"{run}/{n}",
        )
        for n in range(40)
    ]  # fmt: skip
    keep(database, [*first, *made], licences)
    make_export(database, tmp_path / "out", make_mix(tmp_path, split=SPLIT))
    database.dispose()
    place = {row["id"]: (split, row) for split in SPLIT for row in read_rows(tmp_path / "out", split)}
    assert len(place) == 40
    for n in range(1, 40, 2):
        (split, row), (other, its) = place[f"{run}/{n}"], place[f"{run}/{40 + n}"]
        assert (split, row["seed"], row["licence"]) == (other, its["seed"], its["licence"])

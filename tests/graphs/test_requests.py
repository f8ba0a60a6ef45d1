"""A dialogue that a reviewer wants again is played on from there; what came before is not changed nor paid twice."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import text

import agents.cast
from agents.ledger import call_key
from graphs.trace import rebuild_requests
from store.bands import DIALOGUE, jaccard, list_runs, normalise
from store.db import open_db
from store.requests import list_open
from store.reviews import Said, say, undo
from tests.databases import make_database
from tests.graphs.conftest import TAXONOMY, Factory, read_dialogues, read_rows
from tests.witness import Witness, hash_body, read_body, serve, write_endpoint

DB = "sqlite:///factory.db"
FREE = "latency_ms = 0 AND prompt_tokens = 0 AND completion_tokens = 0"
PARENTS = [
    "SELECT * FROM dialogues WHERE run_id = 1 ORDER BY id",
    "SELECT * FROM utterances WHERE dialogue_id LIKE '1/%' ORDER BY dialogue_id, number",
    "SELECT * FROM calls WHERE run_id = 1 ORDER BY position, number",
    "SELECT * FROM decisions WHERE dialogue_id LIKE '1/%' ORDER BY id",
]


class Sampling(Witness):
    """A model that is sent no seed and samples by itself: it answers the same request anew each time."""

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        body = await read_body(receive)
        assert body is not None
        drawn = orjson.dumps(orjson.loads(body) | {"seed": self._random.randrange(2**31)})

        async def give_body() -> dict[str, Any]:
            return {"type": "http.request", "body": drawn, "more_body": False}

        await self._app(scope, give_body, send)
        self.log.append(hash_body(body))


def ask_again(dialogue: str, number: int | None, db: str = DB) -> int:
    """Ask for a dialogue again from an utterance on, as a reviewer does; returns the line of the log."""
    said = Said(dialogue_id=dialogue, reviewer="li", word="again", number=number, comment="this went too fast")
    return say(open_db(db), said)


def change(statement: str, **values: Any) -> None:
    """Change what is stored, as no command would."""
    with open_db(DB).begin() as db:
        db.execute(text(statement), values)


def read_parents() -> list[list[tuple[Any, ...]]]:
    """Return all that is stored of the first run."""
    return [[tuple(row) for row in read_rows(query)] for query in PARENTS]


def count_own(run: int, db: str = DB) -> int:
    """Return how many calls of a run were its own."""
    own: int = read_rows(f"SELECT count(*) FROM calls WHERE run_id = :run AND NOT ({FREE})", db, run=run)[0][0]
    return own


def find_line(dialogue: str, speaker: str, after: int) -> int:
    """Return the first utterance of a speaker from a number on."""
    lines = read_dialogues()[dialogue]
    return next(n for n in range(after, len(lines)) if lines[n][0] == speaker)


@pytest.mark.parametrize("speaker", ["client", "counselor"])
@pytest.mark.parametrize("sends_seeds", [True, False], ids=["seeds", "sampling"])
def test_a_dialogue_is_the_parents_up_to_the_line_and_only_what_follows_is_paid(
    factory: Factory, tmp_path: Path, speaker: str, sends_seeds: bool
) -> None:
    with serve(witness := (Witness if sends_seeds else Sampling)()) as port:
        model = write_endpoint(tmp_path, port)
        if not sends_seeds:
            model.write_text(model.read_text().replace("send_seed: true\n", ""))
        assert factory("--model", model, "--count", 2).code == 0
        number = find_line("1/1", speaker, 8)
        line, before = ask_again("1/1", number), read_parents()
        answered = witness.answered
        told = factory("--requests", "--json")
    assert told.code == 0, told.err
    dialogues = read_dialogues()
    parent, child = dialogues["1/1"], dialogues["2/0"]
    assert child[:number] == parent[:number]
    assert child[number:] != parent[number:]
    assert read_parents() == before
    paid = witness.log[answered:]
    assert len(paid) == count_own(2) == told.summary["runs"][0]["calls"] > 0
    rebuilt = [(call.number, body) for call, body in rebuild_requests(open_db(DB), 2)]
    numbers = {row.number for row in read_rows(f"SELECT number FROM calls WHERE run_id = 2 AND {FREE}")}
    assert Counter(paid) == Counter(hash_body(body) for call, body in rebuilt if call not in numbers)
    theirs = {call.number: body for call, body in rebuild_requests(open_db(DB), 1, 1)}
    assert all(theirs[call] == body for call, body in rebuilt if call in numbers)
    assert numbers == set(range(len(numbers)))
    # Of the parent's calls for its lines before this one none was asked for again, and the line itself was.
    calls = read_rows("SELECT number, call_number FROM utterances WHERE dialogue_id = '2/0' ORDER BY number")
    assert [row.call_number in numbers for row in calls] == [row.number < number for row in calls]
    old, new = read_rows("SELECT * FROM dialogues WHERE id IN ('1/1', '2/0') ORDER BY id")
    assert (new.parent_id, new.request_id) == ("1/1", line)
    assert (new.seed_id, new.plan, new.recipe, new.language) == (old.seed_id, old.plan, old.recipe, old.language)
    people = read_rows("SELECT body FROM profiles WHERE dialogue_id IN ('1/1', '2/0')")
    assert people[0] == people[1]
    again = factory("--requests")
    assert (again.code, "no request is open" in again.out) == (0, True)


def test_what_was_taken_over_costs_nothing_and_counts_to_no_limit(factory: Factory, tmp_path: Path) -> None:
    with serve(witness := Witness()) as port:
        model = write_endpoint(tmp_path, port)
        model.write_text(model.read_text() + "prices: {input: 4, cached_input: 1, output: 16}\ncurrency: CNY\n")
        assert factory("--model", model, "--count", 1, "--yes").code == 0
        ask_again("1/0", 12)
        answered = witness.answered
        stopped = factory("--requests", "--yes", "--max-calls", 5, "--concurrency", 1)
        assert (stopped.code, witness.answered - answered) == (3, 5)
        assert "--resume 2" in stopped.out
        assert factory("--resume", "--max-calls", 9, "--concurrency", 1).code == 3
        assert witness.answered - answered == count_own(2) == 9
        assert factory("--resume", "--max-calls", 1000).code == 0
    assert witness.answered - answered == count_own(2)
    taken = f"SELECT sum(price), sum(prompt_tokens + cached_tokens), count(*) FROM calls WHERE run_id = 2 AND {FREE}"
    sums = tuple(read_rows(taken)[0])
    assert sums[:2] == (0, 0)
    assert sums[2] > 9


def test_two_requests_on_one_dialogue_and_one_on_its_child_make_three_that_differ(factory: Factory) -> None:
    assert factory("--count", 2).code == 0
    lines = [ask_again("1/1", 6), ask_again("1/1", 6)]
    assert factory("--requests", "--count", 1).code == 0
    assert factory("--requests").code == 0
    said = read_dialogues()
    assert said["2/0"][:6] == said["3/0"][:6] == said["1/1"][:6]
    assert len({str(said[id][6:]) for id in ("1/1", "2/0", "3/0")}) == 3
    before, own = read_parents(), count_own(2)
    lines.append(ask_again("2/0", 11))
    assert factory("--requests").code == 0
    said = read_dialogues()
    assert said["4/0"][:11] == said["2/0"][:11]
    assert said["4/0"][11:] != said["2/0"][11:]
    assert (read_parents(), count_own(2)) == (before, own)
    rows = read_rows("SELECT parent_id, request_id FROM dialogues WHERE run_id > 1 ORDER BY id")
    assert [tuple(row) for row in rows] == [("1/1", lines[0]), ("1/1", lines[1]), ("2/0", lines[2])]


def test_one_that_differs_only_at_its_end_is_no_near_copy_of_its_own_family(factory: Factory) -> None:
    assert factory("--count", 1).code == 0
    last = len(read_dialogues()["1/0"]) - 1
    ask_again("1/0", last)
    ask_again("1/0", last)
    assert factory("--requests").code == 0
    runs = [
        list_runs(normalise("\n".join(said for _, said, _ in lines))) for _, lines in sorted(read_dialogues().items())
    ]
    assert all(jaccard(runs[0], other) >= DIALOGUE.threshold for other in runs[1:])
    assert read_rows("SELECT * FROM findings WHERE rule = 'near_copy'") == []


def test_a_thought_about_the_line_before_stays_though_it_came_after_the_clients_answer(
    factory: Factory, tmp_path: Path
) -> None:
    with serve(Witness()) as port:
        model = write_endpoint(tmp_path, port)
        assert factory("--model", model, "--count", 1, "--set", "inner_voice=on").code == 0
        later = read_rows(
            "SELECT u.number FROM utterances u JOIN thoughts t ON t.dialogue_id = u.dialogue_id"
            " AND t.number = u.number - 1 WHERE u.call_number < t.call_number AND u.number > 3 ORDER BY u.number"
        )
        assert later, "no thought came after the client's answer"
        number = later[0].number
        ask_again("1/0", number)
        assert factory("--requests").code == 0
    query = "SELECT number, text, call_number FROM thoughts WHERE dialogue_id = :id AND number < :number"
    kept = read_rows(query, id="2/0", number=number)
    assert [row.text for row in kept] == [row.text for row in read_rows(query, id="1/0", number=number)]
    free = {row.number for row in read_rows(f"SELECT number FROM calls WHERE run_id = 2 AND {FREE}")}
    assert {row.call_number for row in kept} <= free


def test_what_is_made_of_a_grave_dialogue_is_as_grave_and_waits_for_a_person(factory: Factory) -> None:
    assert factory("--count", 6).code == 0
    grave = read_rows("SELECT id, risk_tier FROM dialogues WHERE is_crisis = 1 ORDER BY id")[0]
    change("UPDATE dialogues SET risk_tier = 'in_progress' WHERE id = :id", id=grave.id)
    ask_again(grave.id, 0)
    ask_again(grave.id, 9)
    assert factory("--requests").code == 0
    rows = read_rows("SELECT risk_tier, is_crisis, end_reason FROM dialogues WHERE run_id = 2")
    assert [(row.risk_tier, row.is_crisis) for row in rows] == [("in_progress", 1)] * 2
    assert all(len(lines) > 9 for id, lines in read_dialogues().items() if id.startswith("2/"))


def test_a_request_that_was_taken_back_is_not_carried_out(factory: Factory) -> None:
    assert factory("--count", 1).code == 0
    ask_again("1/0", 4)
    undo(open_db(DB), "1/0", "li")
    told = factory("--requests")
    assert (told.code, "no request is open" in told.out) == (0, True)
    assert read_rows("SELECT count(*) FROM runs")[0][0] == 1


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE reviews SET number = 99", "has no utterance 99"),
        ("DELETE FROM calls WHERE position = 0", "has no calls in this database"),
        ("UPDATE runs SET kind = 'ingest'", "was not played here"),
        ("UPDATE calls SET key = zeroblob(16) WHERE agent = 'client' AND position = 0", "have changed since"),
    ],
)
def test_a_request_that_cannot_be_carried_out_is_closed_by_a_row_that_says_why(
    factory: Factory, statement: str, reason: str
) -> None:
    assert factory("--count", 2).code == 0
    line = ask_again("1/0", 4)
    change(statement)
    told = factory("--requests")
    assert told.code == 3, told.err
    (row,) = read_rows("SELECT * FROM dialogues WHERE run_id > 1")
    assert (row.outcome, row.error_kind, row.request_id, row.parent_id) == ("failed", "request", line, "1/0")
    assert reason in row.reason
    assert count_own(2) == 0
    assert read_rows("SELECT status FROM runs WHERE id = 2")[0].status == "finished"
    again = factory("--requests")
    assert (again.code, "no request is open" in again.out) == (0, True)


def test_a_dialogue_that_failed_leaves_its_request_open_and_is_tried_with_other_seeds(factory: Factory) -> None:
    assert factory("--count", 1).code == 0
    ask_again("1/0", 4)
    assert factory("--requests").code == 0
    change("UPDATE dialogues SET outcome = 'failed', error_kind = 'empty' WHERE id = '2/0'")
    assert [asked.dialogue_id for asked in list_open(open_db(DB))] == ["1/0"]
    assert factory("--requests").code == 0
    first, second = (
        {row.seed for row in read_rows(f"SELECT seed FROM calls WHERE run_id = :run AND NOT ({FREE})", run=run)}
        for run in (2, 3)
    )
    assert first.isdisjoint(second)


def test_an_input_that_has_changed_leaves_the_request_open_and_says_so(factory: Factory, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_bytes(TAXONOMY.read_bytes())
    assert factory("--taxonomy", own, "--count", 1).code == 0
    assert factory("--count", 1).code == 0
    ask_again("1/0", 4)
    ask_again("2/0", 4)
    own.write_bytes(TAXONOMY.read_bytes() + b"\n# another word\n")
    told = factory("--requests")
    assert told.code == 3
    assert "request 1 stays open: the input of run 1, own.yaml" in told.out
    assert [asked.dialogue_id for asked in list_open(open_db(DB))] == ["1/0"]
    assert [row.parent_id for row in read_rows("SELECT parent_id FROM dialogues WHERE run_id = 3")] == ["2/0"]


def test_an_estimate_plays_nothing_and_another_setting_is_refused(factory: Factory) -> None:
    assert factory("--count", 1).code == 0
    ask_again("1/0", 4)
    told = factory("--requests", "--dry-run")
    assert (told.code, "at most, on run 1: 1 sessions" in told.out) == (0, True)
    for flags in (["--model", "vllm"], ["--recipe", "smile"], ["--fresh"], ["--resume"], ["--language", "en"]):
        refused = factory("--requests", *flags)
        assert (refused.code, flags[0] in refused.err) == (2, True)
    assert read_rows("SELECT count(*) FROM runs")[0][0] == 1


def test_a_script_that_was_written_in_one_go_is_written_anew(factory: Factory, tmp_path: Path) -> None:
    answer = "可以先不急着认错，找个大家都不忙的时候，说说自己最在意的那一件事，再听听对方怎么想。" * 2
    seeds = tmp_path / "seeds.jsonl"
    seeds.write_text(json.dumps({"question": "室友进门就戴耳机，我连动作都放轻了。", "answer": answer}) + "\n")
    assert factory("--recipe", "smile", "--seeds", seeds).code == 0
    ask_again("1/0", 3)
    assert factory("--requests").code == 0
    said = read_dialogues()
    assert said["2/0"] != said["1/0"]
    assert read_rows("SELECT parent_id FROM dialogues WHERE run_id = 2")[0].parent_id == "1/0"


def test_a_talk_from_a_stored_scenario_is_played_again_though_other_scenarios_came_and_went(factory: Factory) -> None:
    assert factory("--recipe", "scenarios", "--count", 3).code == 0
    assert factory("--recipe", "interactive", "--stored", "scenarios", "--set", "exchanges=5").code == 0
    first = read_rows("SELECT id, position, parent_id FROM dialogues WHERE run_id = 2 ORDER BY position")[-1]
    change("UPDATE dialogues SET outcome = 'rejected' WHERE id = (SELECT min(id) FROM dialogues WHERE run_id = 1)")
    assert factory("--recipe", "scenarios", "--count", 1).code == 0
    ask_again(first.id, 5)
    told = factory("--requests")
    assert told.code == 0, told.out + told.err
    said = read_dialogues()
    assert said["4/0"][:5] == said[first.id][:5]
    seeds = read_rows("SELECT seed_id FROM dialogues WHERE id IN (:id, '4/0')", id=first.id)
    assert seeds[0] == seeds[1]


@pytest.mark.parametrize("recipe", ["magnet", "sudosys", "interactive"])
def test_other_methods_go_on_from_a_counselors_line_too(factory: Factory, recipe: str) -> None:
    assert factory("--recipe", recipe, "--count", 1).code == 0
    number = find_line("1/0", "counselor", 4)
    ask_again("1/0", number)
    assert factory("--requests").code == 0
    said = read_dialogues()
    assert said["2/0"][:number] == said["1/0"][:number]
    assert said["2/0"][number:] != said["1/0"][number:]
    assert read_rows("SELECT outcome FROM dialogues WHERE id = '2/0'")[0].outcome == "done"
    # Whoever prepares a line is asked anew for each that is played anew, the first of them included.
    lines = sum(speaker == "counselor" for speaker, _, _ in said["2/0"][number:])
    asked = f"SELECT count(*) FROM calls WHERE run_id = 2 AND agent = 'adviser' AND NOT ({FREE})"
    assert read_rows(asked)[0][0] == (5 * lines if recipe == "magnet" else 0)


def test_an_ordinary_session_makes_one_key_a_call(factory: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def count(session_id: str, *place: Any) -> bytes:
        made.append(session_id)
        return call_key(session_id, *place)

    monkeypatch.setattr(agents.cast, "call_key", count)
    assert factory("--count", 2).code == 0
    assert len(made) == read_rows("SELECT count(*) FROM calls")[0][0]


def test_on_postgresql_it_is_what_it_is_on_sqlite(factory: Factory, postgres: str) -> None:
    url = f"postgresql://factory@{postgres}/{make_database(postgres)}"
    for db in (DB, url):
        assert factory("--count", 2, "--db", db).code == 0
        ask_again("1/0", 7, db)
        ask_again("1/1", 8, db)
        assert factory("--requests", "--db", db).code == 0
    driver = url.replace("postgresql:", "postgresql+psycopg:")
    assert read_dialogues(driver) == read_dialogues()
    query = "SELECT run_id, position, number, agent, seed, prompt_tokens FROM calls ORDER BY run_id, position, number"
    assert [tuple(row) for row in read_rows(query, driver)] == [tuple(row) for row in read_rows(query)]

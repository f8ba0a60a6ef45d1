"""What the page says to the server lands in the log as it was meant, once, and shows nobody what is not for them."""

import json
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from store.cards import count_stale, refresh_cards
from store.db import Database
from store.guide import load_guide
from tests.store.review.talks import keep_talks
from tests.store.review.visit import Visitor, open_page

SECRET = "只有安看得到的话"


@pytest.fixture
def app(database: Database) -> FastAPI:
    """Return the application on three talks, of which the last has a sign of danger."""
    keep_talks(database, 3, change=lambda position: {"is_crisis": position == 2})
    return open_page(database, overlap=0.0)


def read_log(database: Database, id: str) -> list[dict[str, Any]]:
    """Return what stands in the log of a dialogue."""
    with database.connect() as db:
        rows = db.execute(text("SELECT * FROM reviews WHERE dialogue_id = :id ORDER BY id"), {"id": id}).mappings()
        return [{name: value for name, value in row.items() if value is not None} for row in rows]


def test_a_verdict_is_logged_with_guide_reasons_line_and_seconds(app: FastAPI, database: Database) -> None:
    told = {"reasons": ["boilerplate", "pii"], "comment": "太空", "number": 1, "span": [0, 4], "seconds": 12.5}
    answer = Visitor(app, "ann").say("1/0", "reject", **told)
    (line,) = read_log(database, "1/0")
    assert (answer.status_code, answer.json()) == (200, {"line": line["id"], "next": None})
    assert json.loads(line["reasons"]) == ["boilerplate", "pii"]
    assert (line["reviewer"], line["verdict"], line["comment"], line["number"]) == ("ann", "reject", "太空", 1)
    assert (line["span_start"], line["span_end"], line["seconds"], line["way"]) == (0, 4, 12.5, "page")
    assert (line["guide"], line["wanted"]) == (load_guide().version, 1)


def test_how_many_people_are_wanted_is_for_the_server_to_say(app: FastAPI, database: Database) -> None:
    visitor = Visitor(app, "ann")
    assert visitor.say("1/2", "accept").status_code == 200
    assert read_log(database, "1/2")[0]["wanted"] == 2
    assert visitor.get("/api/dialogues/1/2").json()["standing"] == "waiting"
    for field in ({"wanted": 1}, {"reviewer": "bo"}, {"way": "shell"}, {"guide": 9}, {"dialogue_id": "1/1"}):
        answer = visitor.say("1/1", "accept", **field)
        assert (answer.status_code, next(iter(field)) in answer.json()["error"]) == (422, True)
    assert read_log(database, "1/1") == []
    Visitor(app, "bo").say("1/2", "accept")
    assert visitor.get("/api/dialogues/1/2").json()["standing"] == "accepted"


@pytest.mark.parametrize(
    ("word", "told", "status", "line"),
    [
        ("reject", {}, 400, "a rejection names at least one reason"),
        ("reject", {"reasons": ["boring"]}, 400, "unknown reason 'boring'"),
        ("reject", {"reasons": ["other"]}, 400, "the reason 'other' needs a comment"),
        ("comment", {"comment": " "}, 400, "an empty comment says nothing"),
        ("comment", {"comment": "x" * 20_001}, 422, "comment: "),
        ("comment", {"comment": "x", "number": 99}, 400, "has no utterance 99"),
        ("comment", {"comment": "x", "number": -1}, 422, "number: "),
        ("flag", {"span": [0, 2]}, 400, "a span is two places in an utterance"),
        ("flag", {"number": 0, "span": [2, 2]}, 400, "a span is two places in an utterance"),
        ("flag", {"number": 0, "span": [0, 999]}, 400, "the span ends at 999"),
        ("edit", {"number": 0, "text": " \n"}, 400, "an edit leaves some words"),
        (
            "edit",
            {"number": 2, "text": "就想着考试，想着我妈说的话。"},
            400,
            "names an utterance and changes its words",
        ),
        ("edit", {"text": "没有行"}, 400, "an edit names an utterance and changes its words"),
        ("accept", {"text": "x"}, 400, "only an edit has a text"),
        ("rate", {}, 400, "a rating gives at least one score"),
        ("rate", {"scores": {"empathy": 9}}, 400, "empathy: give a whole number from 1 to 5"),
        ("rate", {"scores": {"warmth": 3}}, 400, "unknown scale 'warmth'"),
        ("comment", {"comment": "x", "scores": {"empathy": 3}}, 400, "scores belong to a rating or a verdict"),
        ("prefer", {"other": "1/0", "scores": {"preference": 1}}, 400, "a preference names another dialogue"),
        ("prefer", {"other": "9/9", "scores": {"preference": 1}}, 404, "there is no dialogue '9/9'"),
        ("prefer", {"other": "1/1", "scores": {"empathy": 1}}, 400, "a preference names another dialogue"),
        ("flag", {"other": "1/1"}, 400, "only a preference names another dialogue"),
        ("accept", {"is_adjudication": True}, 400, "a third person settles"),
        ("flag", {"is_adjudication": True}, 400, "a dispute is settled by accept or reject"),
        ("undo", {}, 422, "word: "),
        ("accept", {"seconds": -1}, 422, "seconds: "),
    ],
)
def test_what_cannot_be_said_is_refused_in_one_line_and_changes_nothing(
    engine: Database, word: str, told: dict[str, Any], status: int, line: str
) -> None:
    keep_talks(engine, 2)
    answer = Visitor(open_page(engine), "ann").say("1/0", word, **told)
    assert answer.status_code == status
    assert line in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    assert read_log(engine, "1/0") == []


def test_a_line_sent_again_because_its_answer_was_lost_stands_in_the_log_once(app: FastAPI, database: Database) -> None:
    visitor = Visitor(app, "ann")
    lines: list[dict[str, Any]] = [
        {"word": "comment", "comment": "好"},
        {"word": "edit", "number": 0, "text": "这周我睡不着。"},
        {"word": "reject", "reasons": ["pii"]},
        {"word": "accept"},
        {"word": "skip"},
    ]
    for body in lines:
        first = visitor.say("1/0", **body)
        again = visitor.say("1/0", **(body | {"seconds": 9.0}))
        assert (first.status_code, again.json()["line"]) == (200, first.json()["line"])
    assert [line["verdict"] for line in read_log(database, "1/0")] == [body["word"] for body in lines]
    assert Visitor(app, "bo").say("1/0", "accept").json()["line"] > first.json()["line"]


def test_the_same_verdict_on_an_edited_text_is_another_one(app: FastAPI, database: Database) -> None:
    ann, bo = Visitor(app, "ann"), Visitor(app, "bo")
    before = ann.say("1/0", "accept").json()["line"]
    bo.say("1/0", "edit", number=0, text="这周我睡不着。")
    assert ann.say("1/0", "accept").json()["line"] > before
    assert bo.say("1/0", "edit", number=0, text="这周我还是睡不着。").status_code == 200
    assert [line["verdict"] for line in read_log(database, "1/0")] == ["accept", "edit", "accept", "edit"]


def test_undo_takes_the_last_line_back_and_says_which(app: FastAPI, database: Database) -> None:
    visitor = Visitor(app, "ann")
    visitor.say("1/0", "flag", number=1)
    visitor.say("1/0", "accept")
    assert [visitor.post("/api/dialogues/1/0/undo").json() for _ in range(2)] == [
        {"undone": "accept"},
        {"undone": "flag"},
    ]
    answer = visitor.post("/api/dialogues/1/0/undo")
    assert (answer.status_code, answer.json()) == (400, {"error": "dialogue 1/0: there is nothing of yours to undo"})
    assert visitor.get("/api/dialogues/1/0").json()["standing"] == "waiting"
    assert [line["verdict"] for line in read_log(database, "1/0")] == ["flag", "accept", "undo", "undo"]


def test_a_verdict_in_a_queue_leads_to_the_next_page_of_its_filter(app: FastAPI) -> None:
    visitor = Visitor(app, "ann")
    first = visitor.post("/api/next?language=zh").json()["url"]
    assert first == "/dialogues/1/2?queue=1&language=zh"
    answers = [
        visitor.post("/api/dialogues/1/2/say?queue=1&language=zh", {"word": "skip"}),
        visitor.post("/api/dialogues/1/0/say?queue=1&language=zh", {"word": "flag", "number": 0}),
        visitor.post("/api/dialogues/1/0/say?queue=1&language=zh", {"word": "accept"}),
        visitor.post("/api/dialogues/1/1/say?queue=1&language=zh", {"word": "accept"}),
    ]
    assert [answer.json()["next"] for answer in answers] == [
        "/dialogues/1/0?queue=1&language=zh",
        None,
        "/dialogues/1/1?queue=1&language=zh",
        None,
    ]
    assert visitor.post("/api/next?language=en").json() == {"url": None}
    wrong = visitor.post("/api/dialogues/1/0/say?queue=1&langauge=zh", {"word": "reject", "reasons": ["pii"]})
    assert (wrong.status_code, "did you mean 'language'" in wrong.json()["error"]) == (400, True)
    assert visitor.get("/api/dialogues/1/0").json()["mine"] == "accept"


def test_a_lease_is_renewed_given_back_and_lost_in_so_many_words(app: FastAPI) -> None:
    ann, bo = Visitor(app, "ann"), Visitor(app, "bo")
    assert ann.post("/api/dialogues/1/0/lease").json()["until"] > 0
    lost = bo.post("/api/dialogues/1/0/lease")
    assert (lost.status_code, "somebody else has it" in lost.json()["error"]) == (409, True)
    ann.post("/api/dialogues/1/0/release")
    assert bo.post("/api/dialogues/1/0/lease").status_code == 200
    assert ann.post("/api/dialogues/9/9/lease").status_code == 404


def test_nobody_reads_what_others_said_before_their_own_verdict_by_api_or_page(app: FastAPI) -> None:
    ann, bo = Visitor(app, "ann"), Visitor(app, "bo")
    ann.say("1/2", "flag", number=1, comment=SECRET)
    ann.say("1/2", "comment", comment=SECRET, number=0)
    ann.say("1/2", "reject", reasons=["unsafe_crisis"], comment=SECRET)
    pages = ["/dialogues/1/2", "/dialogues/1/2?queue=1", "/dialogues/1/2?full=1", "/dialogues/1/2?adjudicate=1"]
    pages += ["/dialogues", "/dialogues?run=1", "/adjudicate", "/pairs", "/queue"]
    pages += ["/labels.jsonl", "/labels.csv", "/labels.argilla.jsonl", "/labels.pairs.jsonl"]
    for path in pages:
        answer = bo.get(path)
        assert answer.status_code in (200, 303), path
        assert SECRET not in answer.text, path
        assert "unsafe_crisis" not in answer.text.partition('id="reasons"')[0], path
    told = bo.get("/api/dialogues/1/2").json()
    assert (told["log"], told["is_blind"], told["mine"], told["standing"]) == ([], True, None, "waiting")
    assert SECRET not in json.dumps(told, ensure_ascii=False)
    for query in ("reviewer=ann", "flagged=yes", "commented=yes", "standing=rejected"):
        assert "1/2" not in bo.get(f"/dialogues?{query}").text, query
    bo.say("1/2", "accept")
    assert SECRET in bo.get("/dialogues/1/2").text
    log = bo.get("/api/dialogues/1/2").json()["log"]
    assert [(line["reviewer"], line["word"]) for line in log] == [
        ("ann", "flag"),
        ("ann", "comment"),
        ("ann", "reject"),
        ("bo", "accept"),
    ]


def test_a_third_person_reads_both_sides_of_a_dispute_and_settles_it(app: FastAPI) -> None:
    ann, bo, cy = (Visitor(app, name) for name in ("ann", "bo", "cy"))
    ann.say("1/2", "reject", reasons=["unsafe_crisis"], comment=SECRET)
    bo.say("1/2", "accept")
    assert SECRET in cy.get("/dialogues/1/2").text
    assert ann.say("1/2", "accept", is_adjudication=True).status_code == 400
    assert cy.say("1/2", "accept", is_adjudication=True).status_code == 200
    assert cy.get("/api/dialogues/1/2").json()["standing"] == "accepted"


def test_a_preference_between_two_dialogues_is_kept(app: FastAPI, database: Database) -> None:
    answer = Visitor(app, "ann").say("1/0", "prefer", other="1/1", scores={"preference": 1})
    (line,) = read_log(database, "1/0")
    assert (answer.status_code, line["other_id"], json.loads(line["scores"])) == (200, "1/1", {"preference": 1.0})


def test_text_that_no_database_holds_is_kept_without_what_it_cannot(app: FastAPI, database: Database) -> None:
    visitor = Visitor(app, "ann")
    body = b'{"word": "comment", "comment": "a\\u0000b\\ud800c\\u202e\\ud83d\\ude00"}'
    answer = visitor.client.post(
        "/api/dialogues/1/0/say", content=body, headers=visitor.headers | {"Content-Type": "application/json"}
    )
    assert answer.status_code in (200, 422)
    kept = [line["comment"] for line in read_log(database, "1/0")]
    assert kept in ([], ["abc\u202e😀"])


def test_a_dialogue_is_read_as_json_with_its_findings_and_verdicts(app: FastAPI) -> None:
    told = Visitor(app, "ann").get("/api/dialogues/1/0").json()
    assert (told["id"], told["language"], told["outcome"], told["emotion"]) == (
        "1/0",
        "zh",
        "done",
        "performance_anxiety",
    )
    assert [line["speaker"] for line in told["utterances"]] == ["client", "counselor"] * 2
    assert told["utterances"][1]["findings"][0]["span"] == [0, 6]
    assert told["utterances"][1]["reasoning"]
    missing = Visitor(app, "ann").get("/api/dialogues/1/99")
    assert (missing.status_code, missing.json()) == (404, {"error": "there is no dialogue 1/99"})


def test_the_card_of_what_was_just_said_is_true_at_once(app: FastAPI, database: Database) -> None:
    keep_talks(database, 2)
    with database.connect().execution_options(writes=True) as db, db.begin():
        db.execute(text("INSERT INTO stale SELECT id FROM dialogues WHERE run_id = 2"))
    Visitor(app, "ann").say("1/1", "reject", reasons=["pii"])
    with database.connect() as db:
        card = db.execute(text("SELECT standing, given FROM cards WHERE dialogue_id = '1/1'")).one()
    assert (card.standing, card.given) == ("rejected", 1)
    assert count_stale(database) == 2
    assert refresh_cards(database) == 2

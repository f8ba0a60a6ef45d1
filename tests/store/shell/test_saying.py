"""What is said in a shell stands in the log as on the page: held to the guide, blind, and undone by one more line."""

import json

from store.db import Database
from tests.store.review.talks import keep_talks
from tests.store.shell.desk import Run, read_lines


def test_a_talk_is_taken_judged_and_given_back_to_nobody(run: Run, database: Database) -> None:
    keep_talks(database, 2)
    ask = ("--reviewer", "anna", "--overlap", 0)
    assert run("next", *ask).out.startswith("1/0  session, performance_anxiety x S01, rehearsal")
    assert run("accept", *ask).out == "1/0: accept by anna; it is accepted\n"
    assert json.loads(run("next", *ask, "--json").out)["id"] == "1/1"
    run("reject", *ask, "--reason", "pii", "--reason", "boilerplate", "--comment", "真名", "--turn", 2)
    last = run("next", *ask, "--json")
    assert (last.code, last.out, last.err) == (0, "null\n", "nothing waits for anna\n")
    assert read_lines(database, "dialogue_id, verdict, way, reasons, number, comment, wanted, guide") == [
        ("1/0", "accept", "shell", None, None, None, 1, 1),
        ("1/1", "reject", "shell", '["pii","boilerplate"]', 2, "真名", 1, 1),
    ]


def test_two_people_are_never_given_the_same_talk_but_where_two_are_wanted(run: Run, database: Database) -> None:
    keep_talks(database, 2, change=lambda position: {"is_crisis": position == 1})
    alone = ("--json", "--overlap", 0)
    ids = [json.loads(run("next", "--reviewer", name, *alone).out)["id"] for name in ("anna", "ben", "cleo")]
    assert ids == ["1/1", "1/1", "1/0"]
    run("accept", "--reviewer", "anna", "--overlap", 0)
    assert "1/1: accept by ben; it is accepted" in run("accept", "--reviewer", "ben", "--overlap", 0).out
    assert read_lines(database, "wanted") == [(2,), (2,)]


def test_a_rejection_without_a_reason_of_the_guide_is_refused(run: Run, database: Database) -> None:
    keep_talks(database, 1)
    refused = [run("reject", "1/0"), run("reject", "1/0", "--reason", "pi"), run("reject", "1/0", "--reason", "other")]
    assert [told.code for told in refused] == [2, 2, 2]
    assert "at least one reason" in refused[0].err
    assert "did you mean 'pii'?" in refused[1].err
    assert "needs a comment" in refused[2].err
    assert read_lines(database, "id") == []


def test_a_verb_without_an_id_needs_a_talk_before_one(run: Run, database: Database) -> None:
    keep_talks(database, 1)
    told = run("accept", "--reviewer", "anna")
    assert (told.code, "python -m store.dialogues next" in told.err) == (2, True)
    run("next", "--reviewer", "ben")
    assert run("accept", "--reviewer", "anna").code == 2


def test_undo_takes_back_the_last_word_by_one_more_line(run: Run, database: Database) -> None:
    keep_talks(database, 1)
    run("accept", "1/0", "--reviewer", "anna")
    assert json.loads(run("undo", "1/0", "--reviewer", "anna", "--json").out) == {"id": "1/0", "undone": "accept"}
    assert "nothing of yours" in run("undo", "1/0", "--reviewer", "anna").err
    assert read_lines(database, "verdict, undoes, way") == [("accept", None, "shell"), ("undo", 1, "shell")]


def test_what_others_said_is_hidden_until_ones_own_verdict(run: Run, database: Database) -> None:
    keep_talks(database, 2)
    run("reject", "1/0", "--reviewer", "anna", "--reason", "incoherent", "--comment", "ganz wirr")
    run("flag", "1/0", "--reviewer", "anna", "--turn", 1, "--comment", "hier")
    (before,) = [
        json.loads(line) for line in run("list", "--json", "--reviewer", "ben").out.splitlines() if "1/0" in line
    ]
    assert (before["standing"], before["flags"], before["disputed"]) == ("waiting", None, None)
    shown = run("show", "1/0", "--reviewer", "ben").out
    assert "anna" not in shown
    assert "wirr" not in shown
    assert "waiting" in shown
    assert "for people disagree" in run("accept", "1/0", "--reviewer", "ben").out
    shown = run("show", "1/0", "--reviewer", "ben").out
    assert "anna: reject incoherent ganz wirr" in shown
    assert "anna: flag hier" in shown
    (after,) = [
        json.loads(line) for line in run("list", "--json", "--reviewer", "ben").out.splitlines() if "1/0" in line
    ]
    assert (after["flags"], after["disputed"]) == (1, True)


def test_a_third_person_settles_and_neither_side_does(run: Run, database: Database) -> None:
    keep_talks(database, 1)
    run("accept", "1/0", "--reviewer", "anna")
    run("reject", "1/0", "--reviewer", "ben", "--reason", "pii")
    assert "a third person" in run("accept", "1/0", "--reviewer", "anna", "--adjudicate").err
    told = run("reject", "1/0", "--reviewer", "cleo", "--adjudicate", "--reason", "pii")
    assert told.out == "1/0: reject by cleo; it is rejected\n"


def test_a_bulk_verdict_is_counted_first_and_needs_a_yes(run: Run, database: Database) -> None:
    keep_talks(database, 5, change=lambda position: {"is_crisis": position == 4})
    all_of_it = ("accept", "--all", "--standing", "waiting", "--reviewer", "anna")
    told = run(*all_of_it)
    assert (told.code, told.err) == (0, "5 dialogues; nothing is said: add --yes --expect 5 to accept them\n")
    assert run(*all_of_it, "--yes", "--expect", 4).code == 2
    assert read_lines(database, "id") == []
    assert json.loads(run(*all_of_it, "--yes", "--expect", 5, "--json").out)["done"] == 4
    assert {row[0] for row in read_lines(database, "way")} == {"bulk"}
    assert all(id != "1/4" for (id,) in read_lines(database, "dialogue_id"))


def test_nobody_speaks_under_a_name_that_is_none_or_was_revoked(run: Run, database: Database) -> None:
    from store.reviewers import add_reviewer, revoke

    keep_talks(database, 1)
    add_reviewer(database, "anna")
    revoke(database, "anna")
    assert "was revoked" in run("accept", "1/0", "--reviewer", "anna").err
    assert run("accept", "1/0", "--reviewer", "a\nb").code == 2
    assert run("accept", "1/0", "--overlap", 2).code == 2

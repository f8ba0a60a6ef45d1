"""Pairs of a better and a worse reply come from drafts sent back, from edits and from talks preferred."""

import random
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from store.db import Database
from store.export.checks import current_checks
from store.records import AttemptRecord, SeedRecord
from store.reviews import undo
from store.rows import INSERT_CALL
from taxonomy.refusal import InputError
from tests.store.export.stored import judge, keep, make_export, make_lines, make_mix, make_talk, read_rows
from tests.store.review.talks import make_calls
from tests.store.test_sessions import begin

ASKED = SeedRecord("cell", "performance_anxiety", "S02")


def export_pairs(database: Database, folder: Path, **changes: Any) -> list[dict[str, Any]]:
    """Export pairs and return them."""
    out = folder / f"out{time.monotonic_ns()}"
    make_export(database, out, make_mix(folder, kind="preferences", **changes), "--format", "jsonl,llamafactory,swift")
    return sorted(read_rows(out), key=lambda row: row["id"])


def keep_call(database: Database, run: int, position: int, number: int, content: str) -> None:
    """Store the call that wrote a draft."""
    call = make_calls(run, position)[0] | {"number": number, "content": content}
    with database.connect().execution_options(writes=True) as db, db.begin():
        db.execute(INSERT_CALL, [call])


def test_a_draft_sent_back_stands_beside_what_was_said(database: Database, tmp_path: Path) -> None:
    run, lines = begin(database).id, make_lines(random.Random(1), 2)
    attempts = [AttemptRecord(2, 0, 7, False), AttemptRecord(2, 1, 8, True)]
    keep(database, [make_talk(run, 0, lines, attempts=attempts), make_talk(run, 1, make_lines(random.Random(2)))])
    keep_call(database, run, 0, 7, " 你应该早点睡。")
    keep_call(database, run, 0, 8, lines[3][1])
    (pair,) = export_pairs(database, tmp_path)
    assert [said["role"] for said in pair["prompt"]] == ["user", "assistant", "user"]
    assert [said["content"] for said in pair["prompt"]] == [said for _, said in lines[:3]]
    assert pair["chosen"] == [{"role": "assistant", "content": lines[3][1]}]
    assert pair["rejected"] == [{"role": "assistant", "content": "你应该早点睡。"}]
    assert (pair["id"], pair["via"], pair["standing"]) == (f"{run}/0#1", "critic", "accepted")


def test_a_draft_that_holds_a_think_tag_or_says_the_same_is_no_pair(database: Database, tmp_path: Path) -> None:
    run, lines = begin(database).id, make_lines(random.Random(1), 2)
    attempts = [AttemptRecord(1, 0, 5, False), AttemptRecord(2, 0, 6, False), AttemptRecord(2, 1, 7, False)]
    keep(database, [make_talk(run, 0, lines, attempts=attempts)])
    for number, content in ((5, "<think>想</think>好。"), (6, lines[3][1]), (7, "  ")):
        keep_call(database, run, 0, number, content)
    with pytest.raises(InputError, match="none is left after 'a pair of replies'"):
        export_pairs(database, tmp_path)


def test_an_edit_stands_beside_the_words_it_replaced_once_people_accept(database: Database, tmp_path: Path) -> None:
    run, lines = begin(database).id, make_lines(random.Random(1), 2)
    keep(database, [make_talk(run, 0, lines)])
    for said in ("你慢慢说。", "你慢慢说，我在。"):
        judge(database, f"{run}/0", "edit", number=3, text=said)
    with pytest.raises(InputError):
        export_pairs(database, tmp_path)
    judge(database, f"{run}/0", "accept")
    see_again(database)
    (pair,) = export_pairs(database, tmp_path)
    assert (pair["chosen"][0]["content"], pair["rejected"][0]["content"]) == ("你慢慢说，我在。", lines[3][1])
    assert (pair["via"], pair["is_edited"], pair["is_reviewed"]) == ("edit", True, True)


def test_an_edit_that_was_taken_back_is_no_pair(database: Database, tmp_path: Path) -> None:
    run = begin(database).id
    keep(database, [make_talk(run, 0, make_lines(random.Random(1), 2))])
    judge(database, f"{run}/0", "edit", number=3, text="你慢慢说。")
    undo(database, f"{run}/0", "an")
    see_again(database)
    with pytest.raises(InputError, match="a pair of replies"):
        export_pairs(database, tmp_path)


def test_a_preferred_talk_stands_beside_the_other_one_where_both_may_leave(database: Database, tmp_path: Path) -> None:
    run, lines = begin(database).id, make_lines(random.Random(1), 2)
    other = [*lines[:1], ("counselor", "嗯，你再说说。"), *lines[2:]]
    keep(database, [make_talk(run, 0, lines, seed=ASKED), make_talk(run, 1, other, seed=ASKED)])
    judge(database, f"{run}/1", "prefer", other_id=f"{run}/0")
    (pair,) = export_pairs(database, tmp_path)
    assert (pair["id"], pair["via"]) == (f"{run}/1#1", "preferred")
    assert [said["content"] for said in pair["prompt"]] == [lines[0][1]]
    assert (pair["chosen"][0]["content"], pair["rejected"][0]["content"]) == ("嗯，你再说说。", lines[1][1])
    judge(database, f"{run}/0", "reject", reasons=["other"])
    with pytest.raises(InputError, match="a pair of replies"):
        export_pairs(database, tmp_path)


def see_again(database: Database) -> None:
    """Mark all talks as seen by the current checks, as a judge does after an edit."""
    with database.connect().execution_options(writes=True) as db, db.begin():
        db.execute(text("UPDATE dialogues SET checks = :checks"), {"checks": current_checks()})

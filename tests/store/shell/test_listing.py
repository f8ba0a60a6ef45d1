"""The list in a shell takes the filters of the page, goes on where it ended, and shows what was made beside talks."""

import json

from store.db import Database
from store.filters import READERS
from tests.store.review.talks import LINES, keep_talks
from tests.store.shell.desk import Run


def list_ids(told: str) -> list[str]:
    """Return the ids of a list."""
    return [line.split()[0] for line in told.splitlines()]


def test_a_list_goes_on_where_it_ended(run: Run, database: Database) -> None:
    keep_talks(database, 5)
    first = run("list", "--limit", 2, "--sort", "oldest")
    assert list_ids(first.out) == ["1/0", "1/1"]
    assert first.err.startswith("2 of 5; the list goes on with --after ")
    second = run("list", "--limit", 9, "--sort", "oldest", "--after", first.err.split()[-1])
    assert (list_ids(second.out), second.err) == (["1/2", "1/3", "1/4"], "")


def test_every_key_of_the_page_is_a_flag(run: Run, database: Database) -> None:
    keep_talks(
        database, 3, change=lambda position: {"language": "en" if position else "zh", "is_crisis": position == 2}
    )
    assert list_ids(run("list", "--language", "zh", "--text", "失眠").out) == ["1/0"]
    assert list_ids(run("list", "--crisis", "yes").out) == ["1/2"]
    assert list_ids(run("list", "--text", "没有的词").out) == []
    run("accept", "1/1", "--reviewer", "anna")
    assert list_ids(run("list", "--judged-by", "anna", "--reviewer", "anna").out) == ["1/1"]
    told = run("list", "--help").out
    assert all(f"--{'judged-by' if key == 'reviewer' else key.replace('_', '-')} " in told for key in READERS)


def test_a_filter_that_cannot_be_is_told_in_one_line(run: Run, database: Database) -> None:
    keep_talks(database, 1)
    for words, said in (
        (("--standing", "accept"), "did you mean 'accepted'?"),
        (("--emotoin", "panic"), "did you mean '--emotion'?"),
        (("--score-from", "3"), "name the rubric"),
        (("--limit", 0), "--limit 0: write a number from 1 to"),
        (("--after", "nowhere"), ""),
    ):
        told = run("list", *words)
        assert (told.code, said in told.err, told.out) == (2, True, ""), words


def test_a_list_as_json_has_what_the_line_has(run: Run, database: Database) -> None:
    keep_talks(database, 1)
    (line,) = run("list", "--json").out.splitlines()
    told = json.loads(line)
    kept = ("id", "outcome", "standing", "exchanges", "end", "unit", "title", "rehearsal")
    expected = ["1/0", "done", "waiting", 2, "end 0", "performance_anxiety x S01", LINES[0][1], True]
    assert [told[name] for name in kept] == expected


def test_a_talk_shows_drafts_findings_and_quotes_under_its_lines(run: Run, database: Database) -> None:
    keep_talks(database, 1)
    shown = run("show", "1/0", "--attempts", "--reasoning").out.splitlines()
    reply = next(number for number, line in enumerate(shown) if line.startswith("  1  咨询师: "))
    below = "\n".join(shown[reply : reply + 5])
    assert "finding rule 0 (flag): “凌晨三点醒着” finding 0" in below
    assert "verdict turn by model 0: grounded 1 “quote 0” verdict 0" in below
    assert "attempt 0: " in below
    assert "[-应该早点睡-]" in below
    assert shown[reply - 2 : reply] == ["      (他在说睡眠，我先不给建议。)", "      [thought 0]"]

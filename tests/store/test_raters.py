"""How people agree is taken from what each said of a talk on their own."""

import json
from argparse import Namespace

import pytest

from store.agreement import print_agreement
from store.cards import refresh_cards
from store.db import Database
from store.raters import Agreed, list_lines, read_people
from store.reviews import Said, say, undo
from tests.store.review.talks import keep_talks

# Verdicts of anna and ben: with these counts Cohen's kappa is 0.4 (0.7 agreed, 0.5 by chance).
SHARED = [("accept", "accept")] * 4 + [("accept", "reject")] + [("reject", "accept")] * 2 + [("reject", "reject")] * 3


def tell(database: Database, id: str, reviewer: str, word: str, *reasons: str, **told: object) -> None:
    """Say a verdict."""
    why = (reasons or ("pii",)) if word == "reject" else ()
    say(database, Said(dialogue_id=id, reviewer=reviewer, word=word, reasons=why, **told))  # type: ignore[arg-type]


def keep(database: Database) -> None:
    """Store ten talks that two people judged, and more that say nothing about agreement."""
    ids = keep_talks(database, 14)
    for id, (first, second) in zip(ids, SHARED, strict=False):
        tell(database, id, "anna", first, "boilerplate", "pii")
        tell(database, id, "ben", second, "boilerplate")
    # Seen by then, changed, taken back, settled, in bulk, or before an edit: none is an independent reading.
    tell(database, ids[0], "ben", "reject")
    tell(database, ids[1], "cleo", "reject")
    undo(database, ids[1], "cleo")
    tell(database, ids[4], "cleo", "accept", is_adjudication=True)
    for id in ids[10:12]:
        tell(database, id, "anna", "accept")
        tell(database, id, "ben", "reject", way="bulk")
    tell(database, ids[12], "anna", "accept")
    tell(database, ids[12], "ben", "reject")
    say(database, Said(dialogue_id=ids[12], reviewer="ben", word="edit", number=1, text="好。"))
    tell(database, ids[13], "anna", "accept")
    refresh_cards(database)


def find(people: list[Agreed], on: str) -> Agreed:
    """Return the figures on something."""
    (found,) = (one for one in people if one.on == on)
    return found


def test_two_people_agree_as_their_independent_verdicts_say(database: Database) -> None:
    keep(database)
    verdict = find(read_people(database), "verdict")
    (pair,) = verdict.pairs.values()
    assert list(verdict.pairs) == ["anna & ben"]
    assert pair.units == 10
    assert pair.agreed == pytest.approx(0.7)
    assert pair.value == pytest.approx(0.4)
    assert pair.low < 0.4 < pair.high
    assert verdict.alpha.units == 10


def test_each_reason_has_figures_of_its_own(database: Database) -> None:
    keep(database)
    people = read_people(database)
    assert [one.on for one in people] == ["verdict", "boilerplate", "pii"]
    boilerplate, pii = find(people, "boilerplate"), find(people, "pii")
    assert (boilerplate.named, pii.named) == (9, 5)
    assert boilerplate.pairs["anna & ben"].agreed == pytest.approx(0.7)
    assert pii.pairs["anna & ben"].agreed == pytest.approx(0.5)
    assert (pii.alpha.value or 0) < 0


def test_statistics_tell_it_as_text_and_as_json(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    keep(database)
    print_agreement(database, Namespace(json=False))
    told = capsys.readouterr().out
    assert "anna & ben" in told
    assert "0.40 [" in told
    print_agreement(database, Namespace(json=True))
    people = json.loads(capsys.readouterr().out)["people"]
    assert people[0]["pairs"]["anna & ben"]["value"] == pytest.approx(0.4)


def test_without_a_talk_that_two_judged_one_line_says_so(database: Database) -> None:
    keep_talks(database, 1)
    tell(database, "1/0", "anna", "accept")
    refresh_cards(database)
    assert read_people(database) == []
    assert "judged by two people" in list_lines([])[0]

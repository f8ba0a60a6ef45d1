"""A dialogue's standing over every combination of what can be said about it."""

from itertools import product

import pytest

from store.standing import Choice, People, Review, Standing, people_say, standing_of

OUTCOMES = ("done", "rejected", "failed")
CHOICES: tuple[Choice | None, ...] = ("accept", "reject", "person", None)

TABLE: list[tuple[str, Choice | None, People | None, bool, bool, Standing]] = [
    ("done", "accept", None, False, False, "accepted"),
    ("done", "reject", None, False, False, "rejected"),
    ("done", "person", None, False, False, "waiting"),
    ("done", None, None, False, False, "waiting"),
    ("done", "accept", None, True, False, "waiting"),
    ("done", "accept", None, False, True, "waiting"),
    ("done", "reject", None, True, True, "rejected"),
    ("rejected", None, None, False, False, "rejected"),
    ("failed", None, None, True, False, "rejected"),
    ("done", "reject", "accept", False, False, "accepted"),
    ("done", "accept", "reject", False, False, "rejected"),
    ("done", "accept", "accept", True, True, "accepted"),
    ("done", "accept", "disputed", False, False, "waiting"),
    ("done", "accept", "pending", True, False, "waiting"),
    ("rejected", "reject", "accept", False, False, "accepted"),
]
LOGS: list[tuple[list[Review], People | None]] = [
    ([], None),
    ([Review("comment"), Review("flag"), Review("skip")], None),
    ([Review("accept", reviewer="a")], "accept"),
    ([Review("reject", reviewer="a")], "reject"),
    ([Review("accept", reviewer="a"), Review("reject", reviewer="b")], "disputed"),
    ([Review("accept", reviewer="a"), Review("accept", reviewer="b")], "accept"),
    ([Review("accept", reviewer="a"), Review("reject", reviewer="a")], "reject"),
    ([Review("accept", reviewer="a", wanted=2)], "pending"),
    ([Review("accept", reviewer="a", wanted=2), Review("accept", reviewer="b", wanted=2)], "accept"),
    ([Review("accept", reviewer="a", wanted=2), Review("accept", reviewer="a", wanted=2)], "pending"),
    ([Review("reject", reviewer="a", wanted=2)], "reject"),
    ([Review("accept", reviewer="a", wanted=2), Review("reject", reviewer="b", wanted=2)], "disputed"),
    ([Review("accept", reviewer="a"), Review("reject", reviewer="b"), Review("reject", True, "c")], "reject"),
    ([Review("accept", True, "c"), Review("reject", reviewer="a")], "accept"),
    ([Review("reject", True, "c"), Review("accept", True, "c")], "accept"),
    ([Review("accept", True, "c", wanted=2)], "accept"),
    ([Review("accept", reviewer="a", id=1), Review("undo", reviewer="a", id=2, undoes=1)], None),
    (
        [
            Review("reject", reviewer="a", id=1),
            Review("accept", reviewer="a", id=2),
            Review("undo", reviewer="a", id=3, undoes=2),
        ],
        "reject",
    ),
    ([Review("reject", reviewer="a", id=1), Review("edit", reviewer="b", id=2)], None),
    (
        [
            Review("reject", reviewer="a", id=1),
            Review("edit", reviewer="b", id=2),
            Review("accept", reviewer="b", id=3),
        ],
        "accept",
    ),
    (
        [
            Review("reject", reviewer="a", id=1),
            Review("edit", reviewer="b", id=2),
            Review("undo", reviewer="b", id=3, undoes=2),
        ],
        "reject",
    ),
]


@pytest.mark.parametrize(("log", "expected"), LOGS)
def test_people_say_what_the_last_verdict_of_each_on_the_text_as_it_reads_amounts_to(
    log: list[Review], expected: People | None
) -> None:
    assert people_say(log) == expected


@pytest.mark.parametrize(("outcome", "choice", "people", "is_crisis", "is_edited", "expected"), TABLE)
def test_standing_is_what_people_said_else_what_the_policy_decided(
    outcome: str, choice: Choice | None, people: People | None, is_crisis: bool, is_edited: bool, expected: Standing
) -> None:
    assert standing_of(outcome, choice, people, is_crisis=is_crisis, is_edited=is_edited) == expected


def test_a_policy_never_changes_what_a_person_decided() -> None:
    words: tuple[People, ...] = ("accept", "reject")
    for word, outcome, is_crisis, is_edited in product(words, OUTCOMES, (False, True), (False, True)):
        said = {standing_of(outcome, choice, word, is_crisis=is_crisis, is_edited=is_edited) for choice in CHOICES}
        assert said == {"accepted" if word == "accept" else "rejected"}


def test_an_edited_text_that_no_check_has_seen_is_never_accepted() -> None:
    said: tuple[People | None, ...] = ("accept", "reject", "disputed", "pending", None)
    for outcome, choice, people in product(OUTCOMES, CHOICES, said):
        assert standing_of(outcome, choice, people, is_edited=True, is_seen=False) != "accepted"


def test_nothing_dangerous_or_edited_is_accepted_without_a_person() -> None:
    for outcome, choice, is_crisis, is_edited in product(OUTCOMES, CHOICES, (False, True), (False, True)):
        standing = standing_of(outcome, choice, is_crisis=is_crisis, is_edited=is_edited)
        assert standing != "accepted" or not (is_crisis or is_edited)
        assert standing != "accepted" or outcome == "done"

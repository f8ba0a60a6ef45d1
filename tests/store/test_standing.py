"""A dialogue's standing over every combination of what can be said about it."""

from itertools import product

import pytest

from store.standing import Choice, Review, Standing, Word, standing_of

OUTCOMES = ("done", "rejected", "failed")
CHOICES: tuple[Choice | None, ...] = ("accept", "reject", "person", None)

TABLE: list[tuple[str, Choice | None, list[Review], bool, bool, Standing]] = [
    ("done", "accept", [], False, False, "accepted"),
    ("done", "reject", [], False, False, "rejected"),
    ("done", "person", [], False, False, "waiting"),
    ("done", None, [], False, False, "waiting"),
    ("done", "accept", [], True, False, "waiting"),
    ("done", "accept", [], False, True, "waiting"),
    ("done", "reject", [], True, True, "rejected"),
    ("rejected", None, [], False, False, "rejected"),
    ("failed", None, [], True, False, "rejected"),
    ("done", "reject", [Review("accept")], False, False, "accepted"),
    ("done", "accept", [Review("reject")], False, False, "rejected"),
    ("done", "accept", [Review("accept")], True, True, "accepted"),
    ("done", "accept", [Review("accept"), Review("reject")], False, False, "waiting"),
    ("done", "accept", [Review("accept"), Review("accept")], False, False, "accepted"),
    ("done", "accept", [Review("comment")], False, False, "accepted"),
    ("done", "accept", [Review("comment")], True, False, "waiting"),
    ("done", "accept", [Review("accept"), Review("reject"), Review("reject", True)], False, False, "rejected"),
    ("done", "reject", [Review("accept", True), Review("reject")], True, False, "accepted"),
    ("done", "accept", [Review("reject", True), Review("accept", True)], False, False, "accepted"),
    ("rejected", "reject", [Review("accept")], False, False, "accepted"),
]


@pytest.mark.parametrize(("outcome", "choice", "reviews", "is_crisis", "is_edited", "expected"), TABLE)
def test_standing_is_what_people_said_else_what_the_policy_decided(
    outcome: str, choice: Choice | None, reviews: list[Review], is_crisis: bool, is_edited: bool, expected: Standing
) -> None:
    assert standing_of(outcome, choice, reviews, is_crisis=is_crisis, is_edited=is_edited) == expected


def test_a_policy_never_changes_what_a_person_decided() -> None:
    words: tuple[Word, ...] = ("accept", "reject")
    for word, outcome, is_crisis, is_edited in product(words, OUTCOMES, (False, True), (False, True)):
        said = {
            standing_of(outcome, choice, [Review(word)], is_crisis=is_crisis, is_edited=is_edited) for choice in CHOICES
        }
        assert said == {"accepted" if word == "accept" else "rejected"}


def test_nothing_dangerous_or_edited_is_accepted_without_a_person() -> None:
    for outcome, choice, is_crisis, is_edited in product(OUTCOMES, CHOICES, (False, True), (False, True)):
        standing = standing_of(outcome, choice, is_crisis=is_crisis, is_edited=is_edited)
        assert standing != "accepted" or not (is_crisis or is_edited)
        assert standing != "accepted" or outcome == "done"

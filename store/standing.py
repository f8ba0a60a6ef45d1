"""A dialogue's standing: what people said about it, else what the policy decided; computed, never set by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Standing = Literal["accepted", "rejected", "waiting"]
Word = Literal["accept", "reject", "skip", "flag", "comment", "edit", "rate", "prefer", "again", "undo"]
Choice = Literal["accept", "reject", "person"]
People = Literal["accept", "reject", "disputed", "pending"]
"""What all people together say: `disputed` where they disagree, `pending` where more of them are wanted."""

STANDING_OF: dict[str, Standing] = {
    "accept": "accepted",
    "reject": "rejected",
    "person": "waiting",
}
VERDICTS = ("accept", "reject")


@dataclass(frozen=True, slots=True)
class Review:
    """A line of the log: a person's word on a dialogue; an adjudication outranks all other words.

    `wanted` is how many people had to accept when it was said; `undoes` is the id of the line that it takes back.
    """

    word: Word
    is_adjudication: bool = False
    reviewer: str = ""
    wanted: int = 1
    id: int = 0
    undoes: int | None = None


def list_standing(log: Sequence[Review]) -> list[Review]:
    """Return the lines of a log, oldest first, that nobody has taken back."""
    undone = {line.undoes for line in log if line.word == "undo"}
    return [line for line in log if line.word != "undo" and line.id not in undone]


def people_say(log: Sequence[Review]) -> People | None:
    """Return what people say of a dialogue as it reads, or None where nobody has judged it; `log` is oldest first.

    What was said before the last edit was said of another text. Of each person the last verdict counts; the last
    adjudication outranks them all.
    """
    lines = list_standing(log)
    edits = [place for place, line in enumerate(lines) if line.word == "edit"]
    verdicts = [line for line in lines[edits[-1] + 1 if edits else 0 :] if line.word in VERDICTS]
    settled = [line.word for line in verdicts if line.is_adjudication]
    last = {line.reviewer: line for line in verdicts}
    words = {line.word for line in last.values()}
    if settled or words == {"reject"}:
        return "accept" if settled and settled[-1] == "accept" else "reject"
    if not words:
        return None
    if len(words) > 1:
        return "disputed"
    return "accept" if len(last) >= max(line.wanted for line in last.values()) else "pending"


def standing_of(
    outcome: str,
    choice: Choice | None,
    people: People | None = None,
    *,
    is_crisis: bool = False,
    is_edited: bool = False,
    is_seen: bool = True,
) -> Standing:
    """Return the standing of a dialogue.

    What people say holds; where they disagree or more of them are wanted the dialogue waits, and so does an accepted
    one whose edited text no check has seen (`is_seen` is false). Without people the policy's decision holds, except
    that a dialogue with a sign of danger or an edit waits for a person before it is accepted. What a recipe rejected or
    what failed is never accepted by a policy.
    """
    if people == "accept":
        return "accepted" if is_seen else "waiting"
    if people is not None:
        return "rejected" if people == "reject" else "waiting"
    if outcome != "done":
        return "rejected"
    standing = STANDING_OF[choice] if choice is not None else "waiting"
    return "waiting" if standing == "accepted" and (is_crisis or is_edited) else standing

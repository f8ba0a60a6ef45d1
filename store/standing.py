"""A dialogue's standing: what people said about it, else what the policy decided; computed, never set by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Standing = Literal["accepted", "rejected", "waiting"]
Word = Literal["accept", "reject", "comment"]
Choice = Literal["accept", "reject", "person"]

STANDING_OF: dict[str, Standing] = {
    "accept": "accepted",
    "reject": "rejected",
    "person": "waiting",
}


@dataclass(frozen=True, slots=True)
class Review:
    """A person's word; an adjudication outranks all other words."""

    verdict: Word
    is_adjudication: bool = False


def standing_of(
    outcome: str,
    choice: Choice | None,
    reviews: Sequence[Review] = (),
    *,
    is_crisis: bool = False,
    is_edited: bool = False,
) -> Standing:
    """Return the standing of a dialogue; `reviews` stand oldest first.

    The last adjudication holds. Without one people's verdicts hold, and where they disagree the dialogue waits.
    Without any the policy's decision holds, except that a dialogue with a sign of danger or an edit waits for a person
    before it is accepted. What a recipe rejected or what failed is never accepted by a policy.
    """
    verdicts = [review for review in reviews if review.verdict != "comment"]
    for review in reversed(verdicts):
        if review.is_adjudication:
            return STANDING_OF[review.verdict]
    words = {review.verdict for review in verdicts}
    if len(words) > 1:
        return "waiting"
    if words:
        return STANDING_OF[words.pop()]
    if outcome != "done":
        return "rejected"
    standing = STANDING_OF[choice] if choice is not None else "waiting"
    return "waiting" if standing == "accepted" and (is_crisis or is_edited) else standing

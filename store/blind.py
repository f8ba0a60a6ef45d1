"""Who may see what others say of a dialogue: nobody before their own verdict, so that two verdicts are two."""

from collections.abc import Sequence

from store.standing import VERDICTS, Review, list_standing


def list_verdicts(log: Sequence[Review]) -> dict[str, Review]:
    """Return the last verdict of each person on the text as it reads; `log` is oldest first."""
    lines = list_standing(log)
    edits = [place for place, line in enumerate(lines) if line.word == "edit"]
    return {line.reviewer: line for line in lines[edits[-1] + 1 if edits else 0 :] if line.word in VERDICTS}


def sees_others(log: Sequence[Review], reviewer: str) -> bool:
    """Whether somebody may see the verdicts, comments and flags of others on a dialogue.

    They may after a verdict of their own on the text as it reads, or where people who were all asked disagree and the
    rest is to settle it.
    """
    verdicts = list_verdicts(log)
    if reviewer in verdicts or any(line.is_adjudication for line in verdicts.values()):
        return True
    is_disputed = len({line.word for line in verdicts.values()}) > 1
    return is_disputed and len(verdicts) >= max(line.wanted for line in verdicts.values())


def may_settle(log: Sequence[Review], reviewer: str) -> bool:
    """Whether somebody may adjudicate: people disagree, or it was settled before, and they are not one of the sides."""
    verdicts = list_verdicts(log)
    if any(line.is_adjudication for line in verdicts.values()):
        return True
    return len({line.word for line in verdicts.values()}) > 1 and reviewer not in verdicts

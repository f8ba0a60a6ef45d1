"""The ways to make rows of a talk: what is learned of it, and which thoughts are shown meanwhile.

all_turns   one row, every thought shown and every reply learned; right only where serving shows earlier thoughts too
last        one row, the last learned reply; earlier thoughts left out
per_turn    one row for each learned reply, earlier thoughts left out: what serving shows
tree        one row that learns the same as per_turn at a fraction of the tokens
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

from train.shards import Talk
from train.targets.plain import make_turns, make_whole
from train.targets.row import NOT_LEARNED, Row
from train.targets.segments import Said, encode_talk
from train.targets.tree import make_tree

if TYPE_CHECKING:
    from train.template import Speech

__all__ = ["EVERY_TARGET", "NOT_LEARNED", "Row", "Said", "Targets", "encode_talk", "join_rows", "make_rows"]

Targets = Literal["all_turns", "last", "per_turn", "tree"]
EVERY_TARGET: tuple[Targets, ...] = get_args(Targets)


def make_rows(talk: Talk, targets: Targets, speech: "Speech") -> list[Row]:
    """Return the rows of a talk; none where nothing of it is learned."""
    return join_rows(encode_talk(talk.messages, speech), targets, speech.newline)


def join_rows(said: Sequence[Said], targets: Targets, newline: list[int]) -> list[Row]:
    """Return the rows of a talk that is cut into tokens already."""
    if targets == "all_turns":
        return make_whole(said, newline)
    if targets == "tree":
        return make_tree(said, newline)
    return make_turns(said, newline, only_last=targets == "last")

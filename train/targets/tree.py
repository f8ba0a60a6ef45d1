"""Makes one row of a talk that learns what one row per reply learns, and reads the history once.

The trunk is the talk as history shows it, without thoughts. Where a learned reply has a thought, the reply with it
hangs on the trunk as a branch after the reply's header, at the positions it would have in a row of its own; the reply
without its thought follows on the trunk, at those same positions. No branch is seen from outside it. In the row a
branch follows its header at once, so that the label of its first token stands where any trainer looks for it.
"""

from collections.abc import Sequence

from train.targets.row import NOT_LEARNED, Row
from train.targets.segments import Said


class Grower:
    """A row that grows token by token, on its trunk or by a branch."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.labels: list[int] = []
        self.positions: list[int] = []
        self.branch: list[int] = []
        self.limit: list[int] = []
        self.trunk = 0
        """How long the trunk is: the position of its next token."""
        self.branches = 0

    def grow(self, tokens: Sequence[int], *, is_learned: bool = False) -> None:
        """Add tokens to the trunk; each sees the trunk up to itself."""
        self._add(tokens, is_learned=is_learned)
        self.branch += [0] * len(tokens)
        self.limit += range(self.trunk + 1, self.trunk + 1 + len(tokens))
        self.trunk += len(tokens)

    def branch_off(self, tokens: Sequence[int]) -> None:
        """Add tokens that are learned beside the trunk; they see the trunk as far as it has grown."""
        self._add(tokens, is_learned=True)
        self.branches += 1
        self.branch += [self.branches] * len(tokens)
        self.limit += [self.trunk] * len(tokens)

    def _add(self, tokens: Sequence[int], *, is_learned: bool) -> None:
        self.ids += tokens
        self.labels += tokens if is_learned else [NOT_LEARNED] * len(tokens)
        self.positions += range(self.trunk, self.trunk + len(tokens))


def make_tree(said: Sequence[Said], newline: list[int]) -> list[Row]:
    """Return a talk as one tree up to its last learned reply; none where nothing is learned."""
    last = max((place for place, each in enumerate(said) if each.is_learned), default=-1)
    if last < 0:
        return []
    row = Grower()
    for place, each in enumerate(said[: last + 1]):
        row.grow(each.opening)
        if place == last:
            # Nothing comes after it, so its thought may stand on the trunk.
            row.grow(each.thoughtful or each.bare, is_learned=True)
        elif each.is_learned and each.thoughtful is not None:
            row.branch_off(each.thoughtful)
            row.grow(each.bare)
        else:
            row.grow(each.bare, is_learned=each.is_learned)
        row.grow(newline)
    return [Row(row.ids, row.labels, row.positions, row.branch, row.limit)]

"""A row of tokens: what is read, what of it is learned, and where a branch hangs on its trunk."""

from dataclasses import dataclass

NOT_LEARNED = -100
"""The label of a token that no loss is taken of."""


@dataclass(frozen=True, slots=True)
class Row:
    """Tokens of one talk or of a part of it; all lists are of one length.

    A row of a tree has two lists more. `branch` is 0 on the trunk, and the number of the branch on a branch. A token
    sees the trunk's tokens at positions before its `limit`; on a branch it sees those of the branch up to itself too.
    """

    input_ids: list[int]
    labels: list[int]
    position_ids: list[int]
    branch: list[int] | None = None
    limit: list[int] | None = None

    def __len__(self) -> int:
        return len(self.input_ids)

    @property
    def learned(self) -> int:
        """How many of its tokens are learned."""
        return len(self.labels) - self.labels.count(NOT_LEARNED)

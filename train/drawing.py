"""Draws a row of tokens for a terminal: runs of what is read and what is learned, told apart without colour too."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from store.shell.terminal import Colour, paint
from train.targets.row import NOT_LEARNED, Row

if TYPE_CHECKING:
    from train.template import Speech

GUTTER = 18
RETURN = "⏎"
"""Shown where a newline is a token that counts, before the line ends."""


class Run(NamedTuple):
    """Tokens beside one another that are treated alike; `branch` is 0 on the trunk and in rows without branches."""

    branch: int
    is_learned: bool
    tokens: list[int]

    @property
    def name(self) -> str:
        """What is done with the tokens."""
        done = "learned" if self.is_learned else "read"
        return f"{done} branch {self.branch}" if self.branch else done

    @property
    def colours(self) -> Sequence[Colour]:
        """How it looks where there are colours."""
        if self.branch:
            return ("cyan", "bold") if self.is_learned else ("cyan",)
        return ("green", "bold") if self.is_learned else ("faint",)


def list_runs(row: Row) -> Iterator[Run]:
    """Yield the runs of a row, in its order."""
    branches = row.branch or [0] * len(row)
    marked = zip(branches, (label != NOT_LEARNED for label in row.labels), row.input_ids, strict=True)
    for (branch, is_learned), run in groupby(marked, key=lambda each: each[:2]):
        yield Run(branch, is_learned, [token for _, _, token in run])


def draw_row(row: Row, speech: "Speech") -> Iterator[str]:
    """Yield the lines of a row: who reads or learns how many tokens, and the text of just those tokens."""
    for run in list_runs(row):
        text = speech.tokenizer.decode(run.tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        assert isinstance(text, str)
        lines = text.replace("\n", f"{RETURN}\n").removesuffix("\n").split("\n")
        for number, line in enumerate(lines):
            gutter = f"{run.name:<{GUTTER}}{len(run.tokens):>6}" if number == 0 else " " * (GUTTER + 6)
            yield f"{paint(gutter, *run.colours)} │ {paint(line, *run.colours)}"


def draw_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table, its first column to the left and numbers to the right."""
    widths = [max(len(line[place]) for line in [heads, *rows]) for place in range(len(heads))]
    for line in [heads, *rows]:
        cells = [each.rjust(width) for each, width in zip(line[1:], widths[1:], strict=True)]
        yield "  ".join([line[0].ljust(widths[0]), *cells])

"""Packs rows into packs of a length at most, best-fit decreasing, so that hardly a token of a pack stays empty.

No row is cut: one that is longer than a pack is left out, and counted. The same rows always give the same packs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from train.targets.row import Row


@dataclass(frozen=True, slots=True)
class Pack:
    """Rows that are read side by side, none seeing another."""

    rows: tuple[Row, ...]

    def __len__(self) -> int:
        return sum(map(len, self.rows))

    def columns(self) -> dict[str, list[int]]:
        """Return the rows joined, as a data set keeps them; `lengths` tells them apart."""
        joined = {
            "input_ids": [token for row in self.rows for token in row.input_ids],
            "labels": [label for row in self.rows for label in row.labels],
            "position_ids": [position for row in self.rows for position in row.position_ids],
            "lengths": [len(row) for row in self.rows],
        }
        if any(row.branch is not None for row in self.rows):
            joined["branch"] = [branch for row in self.rows for branch in row.branch or [0] * len(row)]
            joined["limit"] = [limit for row in self.rows for limit in row.limit or range(1, len(row) + 1)]
        return joined


def fit(rows: Sequence[Row], length: int) -> tuple[list[Row], list[Row]]:
    """Return the rows that are no longer than `length` tokens, and those that are."""
    return [row for row in rows if len(row) <= length], [row for row in rows if len(row) > length]


def pack(rows: Sequence[Row], length: int) -> list[Pack]:
    """Return all rows in packs of at most `length` tokens; raises ValueError where a row is longer."""
    return [Pack(tuple(rows[place] for place in places)) for places in pack_lengths([len(row) for row in rows], length)]


def pack_lengths(lengths: Sequence[int], length: int) -> list[list[int]]:
    """Return the places of rows by their packs: the longest row first, each into the fullest pack that can take it.

    Packs are held by the room left in them; which rooms there are is one number whose bits are the rooms, so the
    smallest that is large enough is its lowest bit from there on. Raises ValueError where a row is longer than a pack.
    """
    if lengths and max(lengths) > length:
        raise ValueError(f"a row of {max(lengths)} tokens does not fit into a pack of {length}")
    packs: list[list[int]] = []
    by_room: list[list[int]] = [[] for _ in range(length + 1)]
    rooms = 0
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        size = lengths[place]
        large_enough = rooms >> size
        if large_enough:
            room = size + (large_enough & -large_enough).bit_length() - 1
            number = by_room[room].pop()
            if not by_room[room]:
                rooms ^= 1 << room
        else:
            room, number = length, len(packs)
            packs.append([])
        packs[number].append(place)
        left = room - size
        by_room[left].append(number)
        rooms |= 1 << left
    return packs

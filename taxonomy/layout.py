"""Lays the cells out in blocks: each holds every cell once, in an order that is even throughout."""

from collections import Counter
from random import Random
from typing import NamedTuple

from taxonomy.deck import rank_randomly
from taxonomy.schema import Cell, Taxonomy


class Place(NamedTuple):
    """A place in a block: its cell, how often its family came before, and the client's age."""

    cell: Cell
    family: str
    family_before: int
    age: int


class Layout:
    """The blocks of one seed; any block can be asked for, and only the last one is kept."""

    def __init__(self, taxonomy: Taxonomy, seed: str) -> None:
        self._taxonomy = taxonomy
        self._seed = seed
        self._cells = taxonomy.cells
        self._families = [taxonomy.emotion(cell.emotion).family for cell in self._cells]
        self._family_sizes = Counter(self._families)
        self._scene_sizes = Counter(cell.scene for cell in self._cells)
        self._groups, self._sizes = self._number_groups()
        self._laid: tuple[int, list[Place]] = (-1, [])

    def count_family(self, family: str) -> int:
        """Return how many cells of a block belong to this family."""
        return self._family_sizes[family]

    def place(self, position: int) -> tuple[int, Place]:
        """Return the number of the block that holds this position, and the place there."""
        number, at = divmod(position, len(self._cells))
        laid = self._laid
        if laid[0] != number:
            laid = self._laid = (number, self._lay(number))
        return number, laid[1][at]

    def _number_groups(self) -> tuple[list[tuple[int, int, int, int]], list[int]]:
        """Return the groups that each cell counts in, beside its family, and their sizes."""
        numbers: dict[tuple[str, ...], int] = {}
        sizes: Counter[int] = Counter()
        groups = []
        for cell, family in zip(self._cells, self._families, strict=True):
            life = self._taxonomy.scene(cell.scene).life
            keys = (
                ("life", life),
                ("family", family, life),
                ("emotion", cell.emotion),
                ("scene", cell.scene),
            )
            a, b, c, d = (numbers.setdefault(key, len(numbers)) for key in keys)
            groups.append((a, b, c, d))
            sizes.update((a, b, c, d))
        return groups, [sizes[number] for number in range(len(sizes))]

    def _lay(self, number: int) -> list[Place]:
        random = Random(f"{self._seed}/{number}")
        ages = self._spread_ages(random)
        before: Counter[str] = Counter()
        places = []
        for index in self._order(random):
            cell, family = self._cells[index], self._families[index]
            places.append(Place(cell, family, before[family], ages[cell.scene].pop()))
            before[family] += 1
        return places

    def _order(self, random: Random) -> list[int]:
        """Take the family, then the cell, that lags furthest behind its even share.

        Chance decides between equals. Lags are whole numbers: the order is the same on any machine.
        """
        total, groups, used = len(self._cells), self._groups, [0] * len(self._sizes)
        due = [sum(self._sizes[group] for group in four) for four in groups]
        left: dict[str, list[int]] = {}
        for index in rank_randomly(random, total):
            left.setdefault(self._families[index], []).append(index)
        order: list[int] = []
        while left:
            step = len(order) + 1
            lags: list[tuple[int, float, str]] = []
            for family, cells in left.items():
                size = self._family_sizes[family]
                lags.append((size * step - total * (size - len(cells)), random.random(), family))
            cells = left[max(lags)[2]]
            lag = [
                due[index] * step - total * (used[a] + used[b] + used[c] + used[d])
                for index in cells
                for a, b, c, d in [groups[index]]
            ]
            chosen = cells.pop(lag.index(max(lag)))
            if not cells:
                del left[self._families[chosen]]
            for group in groups[chosen]:
                used[group] += 1
            order.append(chosen)
        return order

    def _spread_ages(self, random: Random) -> dict[str, list[int]]:
        """Return the ages of each scene's clients, one from each equal part of its range."""
        ages = {}
        for scene in self._taxonomy.scenes:
            count = self._scene_sizes[scene.code]
            youngest, oldest = scene.ages
            ages[scene.code] = [
                youngest + int((part + random.random()) / count * (oldest - youngest + 1))
                for part in rank_randomly(random, count)
            ]
        return ages

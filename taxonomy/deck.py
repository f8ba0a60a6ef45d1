"""A seeded deck of cards: shares come out exactly over a deck, and evenly in each part of it."""

from collections.abc import Mapping
from random import Random
from typing import Generic, TypeVar

Card = TypeVar("Card")


class Deck(Generic[Card]):
    """An endless row of decks, each with every card as often as `counts` says.

    Decks of one seed in different lanes deal in turn: where one has a rare card early, another has
    it late.
    """

    def __init__(self, seed: str, counts: Mapping[Card, int], lane: int = 0, lanes: int = 1) -> None:
        self._seed = seed
        self._counts = {card: count for card, count in counts.items() if count}
        self._size = sum(self._counts.values())
        self._lane, self._lanes = lane, lanes
        self._laid: tuple[int, list[Card]] = (-1, [])

    def draw(self, index: int) -> Card:
        """Return the card at this index, whatever was drawn before."""
        number, at = divmod(index, self._size)
        laid = self._laid
        if laid[0] != number:
            laid = self._laid = (number, self._lay(number))
        return laid[1][at]

    def _lay(self, number: int) -> list[Card]:
        shared, own = (
            Random(f"{self._seed}/{number}"),
            Random(f"{self._seed}/{number}/{self._lane}"),
        )
        moments: list[tuple[float, int]] = []
        cards = list(self._counts)
        for kind, card in enumerate(cards):
            count = self._counts[card]
            rank = rank_randomly(shared, self._lanes)[self._lane]
            # The k-th of n equal cards falls anywhere in the k-th of n equal parts of the deck.
            moments += [((k + (rank + own.random()) / self._lanes) / count, kind) for k in range(count)]
        return [cards[kind] for _, kind in sorted(moments)]


def rank_randomly(random: Random, size: int) -> list[int]:
    """Return 0..size-1 in random order."""
    # Of all that Random draws, only random() is promised to stay the same across Python versions.
    keys = [random.random() for _ in range(size)]
    return sorted(range(size), key=keys.__getitem__)

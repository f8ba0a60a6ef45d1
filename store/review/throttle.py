"""Slows down whoever guesses tokens: a few wrong ones from an address, or many in all, and everybody waits a while."""

from collections import deque
from collections.abc import Callable
from math import ceil
from threading import Lock
from time import monotonic

WINDOW_S = 300.0
MOST_OF_ONE = 5
MOST_OF_ALL = 50
"""Wrong tokens in five minutes; also how many of them are remembered."""


class Throttle:
    """The wrong tokens of the last minutes, by the address they came from."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._wrong: deque[tuple[float, str]] = deque(maxlen=MOST_OF_ALL)
        self._lock = Lock()

    def wait_s(self, address: str) -> int:
        """Return the seconds this address has to wait before its next try, 0 where it may try."""
        with self._lock:
            now = self._clock()
            while self._wrong and self._wrong[0][0] <= now - WINDOW_S:
                self._wrong.popleft()
            own = [at for at, whose in self._wrong if whose == address]
            ends = [own[-MOST_OF_ONE]] if len(own) >= MOST_OF_ONE else []
            if len(self._wrong) >= MOST_OF_ALL:
                ends.append(self._wrong[0][0])
            return ceil(max(ends) + WINDOW_S - now) if ends else 0

    def note_wrong(self, address: str) -> None:
        """Remember a wrong token."""
        with self._lock:
            self._wrong.append((self._clock(), address))

"""Makes missing cards beside the page that is served: a few at a time, so that nobody who writes waits long."""

import sys
from threading import Event, Thread
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from store.cards import refresh_cards
from taxonomy.refusal import Refusal

AT_ONCE = 25
"""Cards in a transaction: about as many hundredths of a second during which nobody else writes."""
BREATH_S = 0.02
LOOK_S = 1.0
"""Seconds between two looks where nothing is to be done."""


class Upkeep:
    """A thread that lives as long as the `with` around it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stop = Event()
        self._thread = Thread(target=self._run, name="cards", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop after the batch at hand."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        wait = 0.0
        while not self._stop.wait(wait):
            try:
                wait = BREATH_S if refresh_cards(self._engine, AT_ONCE) == AT_ONCE else LOOK_S
            except Refusal as refusal:
                sys.stderr.write(f"cards are not being made: {refusal}\n")
                wait = 10 * LOOK_S

"""Shows how a run goes: a bar on a terminal, a plain line now and then elsewhere; always on stderr."""

import sys
import time
from collections import Counter

from tqdm import tqdm

from agents.tally import Tally

LINE_EVERY_S = 10.0


class Progress:
    """Counts finished sessions and shows them with calls a second, tokens, cost, cache share and time left."""

    def __init__(self, total: int, done: int, tally: Tally, name: str, unit: str = "session") -> None:
        self.outcomes: Counter[str] = Counter()
        self._tally = tally
        self._total = total
        self._done = done
        self._name = name
        self._unit = unit
        self._started = time.monotonic()
        self._said = self._started
        self._bar = (
            tqdm(total=total, initial=done, unit=unit, desc=name, dynamic_ncols=True) if sys.stderr.isatty() else None
        )

    def add(self, outcome: str) -> None:
        """Count one finished session."""
        self.outcomes[outcome] += 1
        self._done += 1
        if self._bar is not None:
            self._bar.set_postfix_str(self._describe(), refresh=False)
            self._bar.update()
        elif time.monotonic() - self._said >= LINE_EVERY_S:
            self._said = time.monotonic()
            print(self._line(), file=sys.stderr, flush=True)

    def expect(self, left: int) -> None:
        """Set how many sessions are to come, where that shows only as the run goes on."""
        self._total = self._done + left
        if self._bar is not None:
            self._bar.total = self._total

    def say(self, line: str) -> None:
        """Print a line without tearing the bar."""
        if self._bar is not None:
            self._bar.write(line, file=sys.stderr)
        else:
            print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        """End the bar, or say where the run stands."""
        if self._bar is not None:
            self._bar.close()
        else:
            print(self._line(), file=sys.stderr, flush=True)

    def _line(self) -> str:
        spent = time.monotonic() - self._started
        finished = sum(self.outcomes.values())
        left = (self._total - self._done) * spent / finished if finished else 0.0
        return f"{self._name}: {self._done}/{self._total} {self._unit}s, {self._describe()}, about {left:.0f} s left"

    def _describe(self) -> str:
        spent = max(time.monotonic() - self._started, 1e-9)
        parts = [
            f"{self._tally.calls / spent:.0f} calls/s",
            f"{shorten(self._tally.tokens)} tokens",
            f"cache {self._tally.share_repeated():.0%}",
        ]
        parts += [f"{amount:.2f} {currency}" for currency, amount in self._tally.cost.items()]
        return ", ".join(parts)


def shorten(number: float) -> str:
    """Return a number in at most four characters and a unit: 950, 12.3k, 4.1M."""
    for unit in ("", "k", "M", "G"):
        if number < 1000:
            return f"{number:.0f}{unit}" if unit == "" else f"{number:.1f}{unit}"
        number /= 1000
    return f"{number:.1f}T"

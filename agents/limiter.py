"""How many calls one endpoint bears at once: grows by steps, halves on a burst of refusals, rests in an outage."""

import asyncio
import re
from collections import deque
from heapq import heappop, heappush

RECENT = 32
"""Results that are looked at to tell a burst of 429s from the odd one."""
BURST = 0.3
"""Share of 429s that is a burst. At a steady 5 %, ten or more of 32 are 429s three times in a million."""
ROUNDS_BACK = 16
"""Rounds of answered calls from one call in flight back to all of them."""
TOLD_LIMIT_S = 60.0
"""How long a limit that a 429 named is kept to before more is tried; DeepSeek's moves with the balance."""
OUTAGE = 10
"""Faults in a row, with no answer between them, after which one call at a time asks whether the endpoint is back."""
TOLD_LIMIT = re.compile(r"concurrency limit (?:of|is|:)?\s*(\d{1,5})", re.IGNORECASE)


class Limiter:
    """The calls in flight at one endpoint, at most `most`; times are the loop's, in seconds.

    A call enters before it is sent and leaves when its answer is kept or its fault is noted. What it met is told by
    `note_answer`, `note_refusal` (429) or `note_fault` (everything else that may pass).
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = float(most)
        self.in_flight = 0
        self.faults = 0
        self.has_answered = False
        self.failing_since: float | None = None
        self._loop = asyncio.get_running_loop()
        self._ceiling, self._ceiling_until = most, 0.0
        self._recent: deque[bool] = deque(maxlen=RECENT)
        self._cuts = 0
        self._paused_until = 0.0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = 0
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def room(self) -> int:
        """Calls that may be in flight now."""
        return 1 if self.faults >= OUTAGE else int(self.limit)

    async def enter(self, rank: int = 0) -> int:
        """Wait for a place; returns the number of cuts so far, to be given back.

        The lowest rank goes first, and of equal ones who came first: with the calls a dialogue has had as its rank,
        one that a fault held up catches up, and the last ones end together.
        """
        if self._waiting or not self._is_open(self._loop.time()):
            turn = self._loop.create_future()
            self._arrivals += 1
            heappush(self._waiting, (rank, self._arrivals, turn))
            self._wake()
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled() and turn.exception() is None:
                    self.leave()
                raise
        else:
            self.in_flight += 1
        return self._cuts

    def leave(self) -> None:
        """Give the place back."""
        self.in_flight -= 1
        if self._waiting:
            self._wake()

    def note_answer(self) -> None:
        """An answer came: one more call in flight for every round of them."""
        self.faults, self.failing_since, self.has_answered = 0, None, True
        self._recent.append(False)
        if self.limit < self._ceiling:
            self.limit = min(self._ceiling, self.limit + max(1.0, self.most / ROUNDS_BACK) / self.limit)
        elif self._ceiling < self.most and self._loop.time() >= self._ceiling_until:
            self._ceiling = self.most

    def note_refusal(self, entered: int, told_wait: float | None, text: str) -> None:
        """A 429 came; `entered` is what `enter` returned, so that calls sent before a cut do not cut again."""
        self._recent.append(True)
        self.failing_since = self.failing_since or self._loop.time()
        named = TOLD_LIMIT.search(text)
        if named and 0 < int(named[1]) < self.most:
            self._ceiling, self._ceiling_until = int(named[1]), self._loop.time() + TOLD_LIMIT_S
            self.limit = min(self.limit, self._ceiling)
        if entered != self._cuts or not self._is_burst():
            return
        self._cuts += 1
        self._recent.clear()
        if not named:
            self.limit = max(1.0, self.limit / 2)
        if told_wait:
            self.pause(told_wait)

    def note_fault(self) -> int:
        """Another fault that may pass came; returns how many came since the outage began, 0 where there is none."""
        self.faults += 1
        self.failing_since = self.failing_since or self._loop.time()
        return max(0, self.faults - OUTAGE + 1)

    def pause(self, seconds: float) -> None:
        """Send nothing for a while."""
        self._paused_until = max(self._paused_until, self._loop.time() + seconds)

    def failing_s(self) -> float:
        """Return for how long every call has met a fault; 0 while another one may still be answered."""
        if self.failing_since is None or self.in_flight > 1:
            return 0.0
        return self._loop.time() - self.failing_since

    def close(self, reason: Exception) -> None:
        """Send away all who wait."""
        for _, _, turn in self._waiting:
            if not turn.done():
                turn.set_exception(reason)
        self._waiting.clear()

    def _is_burst(self) -> bool:
        refused, seen = sum(self._recent), len(self._recent)
        return refused >= BURST * seen and (refused >= 3 or refused == seen)

    def _is_open(self, now: float) -> bool:
        return self.in_flight < self.room and now >= self._paused_until

    def _wake(self) -> None:
        # Read once: a pause that ends between two readings would neither let the calls go nor set the alarm.
        now = self._loop.time()
        while self._waiting and self._is_open(now):
            _, _, turn = heappop(self._waiting)
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)
        if self._waiting and self._alarm is None and now < self._paused_until:
            self._alarm = self._loop.call_at(self._paused_until, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._wake()

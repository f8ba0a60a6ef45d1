"""Remembers for some seconds what is dear to count and may be a little old."""

import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

Counted = TypeVar("Counted")
MOST = 2_000
"""Things that are remembered of a database."""
MEMORY: WeakKeyDictionary[Engine, dict[Hashable, tuple[float, Any]]] = WeakKeyDictionary()


def remember(engine: Engine, key: Hashable, seconds: float, count: Callable[[], Counted]) -> Counted:
    """Return what was counted under a key less than so many seconds ago, else count it."""
    known = MEMORY.setdefault(engine, {})
    now = time.monotonic()
    found = known.get(key)
    if found is not None and now < found[0]:
        counted: Counted = found[1]
        return counted
    counted = count()
    if len(known) >= MOST:
        known.clear()
    known[key] = (now + seconds, counted)
    return counted

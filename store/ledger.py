"""The ledger: every answered call is committed before its answer is used. One thread writes, many calls a commit."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Engine, text

from store.clean import clean_text
from store.db import explained, persist
from store.near import NearCopy, Wording, find_near_copy
from store.records import DialogueRecord
from store.requests import find_root, take_over
from store.rows import (
    INSERT_CALL,
    INSERT_MESSAGE,
    INSERT_PARAMETERS,
    hash_text,
    save_dialogue,
)
from store.runs import beat

MOST_KNOWN = 500_000
"""Hashes remembered as stored; beyond it a message may be offered twice, which the database ignores."""
MOST_IN_BATCH = 512
BEAT_EVERY_S = 5.0
FIND_CALLS = text(
    "SELECT number, key, outcome, content, reasoning FROM calls WHERE run_id = :run_id AND position = :position"
)


@dataclass(frozen=True, slots=True)
class StoredCall:
    """An answer that the ledger holds."""

    number: int
    outcome: str
    content: str
    reasoning: str


@dataclass(slots=True)
class _Work:
    """What the writer is to commit, and whom to tell."""

    done: asyncio.Future[None]
    call: dict[str, Any] | None = None
    messages: Sequence[dict[str, Any]] = ()
    parameters: dict[str, Any] | None = None
    dialogue: DialogueRecord | None = None
    save: Callable[[Connection, float], object] | None = None


class Ledger:
    """The calls and dialogues of one run, in one database."""

    def __init__(self, engine: Engine, run_id: int, owner: str) -> None:
        self._engine = engine
        self._writer = engine.execution_options(writes=True)
        self._run_id = run_id
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._known: dict[bytes, None] = {}
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._write, name="ledger")
        self._thread.start()

    def open_session(self, position: int, *, run_id: int | None = None, is_new: bool = False) -> "SessionCalls":
        """Return the calls of one session; those answered before are read once, unless it is known to be new.

        A session of another run, named by `run_id`, is open to who judges it later.
        """
        calls = SessionCalls(self, self._run_id if run_id is None else run_id, position)
        if not is_new:
            with explained(self._engine), self._engine.connect() as db:
                rows = db.execute(FIND_CALLS, {"run_id": calls.run_id, "position": position})
                for number, key, outcome, content, reasoning in rows:
                    stored = StoredCall(number, outcome, content, reasoning or "")
                    calls.answered[bytes(key)] = stored
        calls.next_number = max((call.number for call in calls.answered.values()), default=-1) + 1
        return calls

    async def find_near_copy(self, wording: Wording, root: str | None = None) -> NearCopy | None:
        """Return the stored dialogue that says nearly the same, or None; one played again from `root` is no copy.

        The writer looks, before what comes after it: another thread and its connection would cost memory.
        """
        found: list[NearCopy | None] = []

        def look(db: Connection, _: float) -> None:
            copy = find_near_copy(db, wording)
            is_kin = root is not None and copy is not None and find_root(db, copy.dialogue_id) == root
            found.append(None if is_kin else copy)

        await self.keep(look)
        return found[-1]

    async def take_over(self, origin: tuple[int, int], numbers: Sequence[int], position: int) -> None:
        """Put calls of another session (run, position) among those of the session at this position."""
        await self.keep(lambda db, _: take_over(db, origin, numbers, (self._run_id, position)))

    async def finish(self, record: DialogueRecord) -> None:
        """Commit a whole session; one that is stored already is left as it is."""
        await self._commit(_Work(self._loop.create_future(), dialogue=record))

    async def keep(self, save: Callable[[Connection, float], object]) -> None:
        """Commit whatever `save` writes; it is given the transaction and the time."""
        await self._commit(_Work(self._loop.create_future(), save=save))

    async def close(self) -> None:
        """Commit what is waiting and end the writer."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    async def commit_call(
        self, call: dict[str, Any], parts: Sequence[tuple[bytes, str]], parameters: dict[str, Any]
    ) -> None:
        """Commit one call with those of its messages and parameters that are not stored yet."""
        work = _Work(self._loop.create_future(), call=call)
        known = self._known
        fresh = {key: content for key, content in parts if key not in known}
        work.messages = [{"hash": key, "content": content} for key, content in fresh.items()]
        known.update(dict.fromkeys(fresh))
        if parameters["hash"] not in known:
            known[parameters["hash"]] = None
            work.parameters = parameters
        while len(known) > MOST_KNOWN:
            del known[next(iter(known))]
        await self._commit(work)

    async def _commit(self, work: _Work) -> None:
        if self._failure is not None:
            raise self._failure
        self._queue.put(work)
        # A caller that is cancelled does not take back what is on its way into the database.
        await work.done

    def _write(self) -> None:
        beats_at = time.monotonic() + BEAT_EVERY_S
        is_last = False
        while not is_last:
            batch, is_last = self._take_batch(beats_at - time.monotonic())
            is_beat = time.monotonic() >= beats_at
            if is_beat:
                beats_at = time.monotonic() + BEAT_EVERY_S
            if self._failure is None and (batch or is_beat):
                self._failure = self._try(batch, is_beat)
            if batch and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(settle, batch, self._failure)

    def _try(self, batch: Sequence[_Work], is_beat: bool) -> Exception | None:
        """Commit a batch; returns why that failed, whatever it was, for nobody may be left waiting."""

        def save() -> None:
            # Borrowed anew: SQLAlchemy leaves a transaction open whose commit failed until its connection is returned.
            with self._writer.begin() as db:
                self._save(db, batch)
                if is_beat:
                    beat(db, self._run_id, self._owner)

        try:
            with explained(self._engine):
                persist(save)
        except Exception as error:
            return error
        return None

    def _take_batch(self, wait: float) -> tuple[list[_Work], bool]:
        """Return what is waiting, at least one piece of work unless the time for a heartbeat has come."""
        batch: list[_Work] = []
        try:
            work = self._queue.get(timeout=max(wait, 0.0))
            while work is not None:
                batch.append(work)
                if len(batch) >= MOST_IN_BATCH:
                    return batch, False
                work = self._queue.get_nowait()
            return batch, True
        except queue.Empty:
            return batch, False

    @staticmethod
    def _save(db: Connection, batch: Sequence[_Work]) -> None:
        messages = [row for work in batch for row in work.messages]
        parameters = [work.parameters for work in batch if work.parameters is not None]
        calls = [work.call for work in batch if work.call is not None]
        if messages:
            # In one order everywhere, or two runs wait for each other's rows on PostgreSQL.
            db.execute(INSERT_MESSAGE, sorted(messages, key=itemgetter("hash")))
        if parameters:
            db.execute(INSERT_PARAMETERS, parameters)
        if calls:
            db.execute(INSERT_CALL, calls)
        now = time.time()
        for work in batch:
            if work.dialogue is not None:
                save_dialogue(db, work.dialogue, now)
            if work.save is not None:
                work.save(db, now)


class SessionCalls:
    """The calls of one session: those answered before, and a way to add one."""

    def __init__(self, ledger: Ledger, run_id: int, position: int) -> None:
        self.answered: dict[bytes, StoredCall] = {}
        self.next_number = 0
        self.run_id = run_id
        self._ledger = ledger
        self._position = position
        self._hashed: dict[str, tuple[bytes, str]] = {}

    def look_up(self, key: bytes) -> StoredCall | None:
        """Return the call with this key, if it was answered before."""
        return self.answered.get(key)

    async def record(
        self,
        *,
        key: bytes,
        messages: Sequence[tuple[str, str]],
        parameters: bytes,
        requested_model: str,
        content: str,
        reasoning: str,
        **told: Any,
    ) -> int:
        """Store a complete answer; returns its number within the session once it is committed."""
        number = self.next_number
        self.next_number += 1
        hashed = self._hashed
        parts = []
        for _, raw in messages:
            if raw not in hashed:
                part = clean_text(raw)
                hashed[raw] = (hash_text(part), part)
            parts.append(hashed[raw])
        packed = b"".join(role[0].encode() + part[0] for (role, _), part in zip(messages, parts, strict=True))
        parameters_hash = hash_text(parameters)
        call = {
            "run_id": self.run_id,
            "position": self._position,
            "number": number,
            "key": key,
            "messages": packed,
            "parameters_hash": parameters_hash,
            "content": clean_text(content),
            "reasoning": clean_text(reasoning) or None,
            "created_at": time.time(),
            **told,
        }
        body = {
            "hash": parameters_hash,
            "requested_model": requested_model,
            "body": parameters.decode(),
        }
        await self._ledger.commit_call(call, parts, body)
        return number


def settle(batch: Sequence[_Work], failure: Exception | None) -> None:
    """Tell everyone in a batch how it went."""
    for work in batch:
        if work.done.done():
            continue
        if failure is None:
            work.done.set_result(None)
        else:
            work.done.set_exception(failure)

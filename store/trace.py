"""Gives a stored call back as it was made, so that its request can be rebuilt to the byte."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from store.errors import StoreError
from store.rows import HASH_BYTES
from store.tables import CallRow, MessageRow, ParametersRow

ROLES = {"s": "system", "u": "user", "a": "assistant"}
WIDTH = 1 + HASH_BYTES


@dataclass(frozen=True, slots=True)
class TracedCall:
    """A stored call's request."""

    position: int
    number: int
    agent: str
    parameters: bytes
    messages: list[tuple[str, str]]
    seed: int | None


def trace_calls(engine: Engine, run_id: int, position: int | None = None) -> Iterator[TracedCall]:
    """Yield the requests of a run's calls, in order; of one session where a position is given."""
    with Session(engine) as db:
        contents = MessageReader(db)
        bodies: dict[bytes, bytes] = {}
        query = select(CallRow).where(CallRow.run_id == run_id)
        if position is not None:
            query = query.where(CallRow.position == position)
        for call in db.exec(query.order_by(col(CallRow.position), col(CallRow.number))):
            key = call.parameters_hash
            if key not in bodies:
                stored = db.get(ParametersRow, key)
                if stored is None:
                    raise StoreError(f"the parameters of call {call.position}/{call.number} are missing")
                bodies[key] = stored.body.encode()
            messages = contents.read(call.messages)
            yield TracedCall(call.position, call.number, call.agent, bodies[key], messages, call.seed)


class MessageReader:
    """Turns a call's packed list of roles and hashes into its messages."""

    def __init__(self, db: Session) -> None:
        self._db = db
        self._read: dict[bytes, str] = {}

    def read(self, packed: bytes) -> list[tuple[str, str]]:
        """Return (role, content) of each part; raises StoreError where one is missing."""
        messages = []
        for start in range(0, len(packed), WIDTH):
            part = packed[start : start + WIDTH]
            messages.append((ROLES[chr(part[0])], self._content(part[1:])))
        return messages

    def _content(self, key: bytes) -> str:
        if key not in self._read:
            stored = self._db.get(MessageRow, key)
            if stored is None:
                raise StoreError(f"message {key.hex()} is missing")
            self._read[key] = stored.content
        return self._read[key]

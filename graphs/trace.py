"""Rebuilds the exact bytes of stored requests: what the database holds of a call is what went over the wire."""

from collections.abc import Iterator

from agents.request import wire_body
from store.db import Database
from store.trace import TracedCall, trace_calls


def rebuild_requests(
    database: Database, run_id: int, position: int | None = None
) -> Iterator[tuple[TracedCall, bytes]]:
    """Yield each stored call of a run, or of one session, with the body that was sent for it."""
    for call in trace_calls(database, run_id, position):
        yield call, wire_body(call.parameters, call.messages, call.seed)

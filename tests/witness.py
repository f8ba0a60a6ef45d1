"""Serves the rehearsal model as the witness of a run: it logs what it answers, and kills the run at a chosen call."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import uvicorn

import agents.rehearsal.app

CHECKOUT = Path(__file__).parents[1]
QUIET_S = 0.05
"""A server with nothing in flight for this long has read all that a dead client left in its sockets."""


@contextmanager
def serve(app: Any) -> Iterator[int]:
    """Serve an ASGI app on a free port of this machine while the block runs."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=0))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.001)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def hash_body(body: bytes) -> bytes:
    """Return what the witness's log holds of a request."""
    return blake2b(body, digest_size=16).digest()


async def read_body(receive: Any) -> bytes | None:
    """Return a request's whole body, or nothing where its client died before it was read."""
    parts = []
    while (event := await receive())["type"] == "http.request":
        parts.append(event.get("body", b""))
        if not event.get("more_body"):
            return b"".join(parts)
    return None


class Witness:
    """The rehearsal model behind a counter: shuffled latencies, and a kill when a number of calls is answered.

    Where `slow_after` is set, a call that comes when so many are answered waits `latency` seconds for its answer;
    setting `latency` to 0 lets all waiting calls go.
    """

    def __init__(
        self, kill_after: int | None = None, *, latency: float = 0.0, slow_after: int = 0, seed: int = 7
    ) -> None:
        self.log: list[bytes] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.kill_after = kill_after
        self.victim: subprocess.Popen[bytes] | None = None
        self.latency = latency
        self.slow_after = slow_after
        self._app = agents.rehearsal.app.create_app()
        self._random = random.Random(seed)

    @property
    def answered(self) -> int:
        """Calls answered so far."""
        return len(self.log)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self._answer(scope, receive, send)
        finally:
            self.in_flight -= 1
        if self.answered == self.kill_after and self.victim is not None:
            self.victim.send_signal(signal.SIGKILL)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        body = await read_body(receive)
        if body is None:
            return

        async def give_body() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        await self._delay()
        await self._app(scope, give_body, send)
        self.log.append(hash_body(body))

    async def _delay(self) -> None:
        await asyncio.sleep(self._random.random() * 0.004)
        came, slow = time.monotonic(), self.answered >= self.slow_after
        while slow and time.monotonic() - came < self.latency:
            await asyncio.sleep(0.02)

    def settle(self) -> None:
        """Wait until every call of a dead client is answered."""
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < QUIET_S:
            if self.in_flight:
                quiet_since = time.monotonic()
            time.sleep(0.005)


def write_endpoint(folder: Path, port: int) -> Path:
    """Write an endpoint file for the rehearsal model on a port."""
    path = folder / "port.yaml"
    path.write_text(
        f'name: port\nbase_url: http://127.0.0.1:{port}/v1\nmodel: "rehearsal-{{role}}"\n'
        "reasoning: field\nsend_seed: true\nrehearsal: true\n",
        encoding="utf-8",
    )
    return path


def start(folder: Path, *flags: object) -> subprocess.Popen[bytes]:
    """Start the command in a process of its own."""
    command = [sys.executable, "-m", "graphs.run", *map(str, flags)]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def let_lease_pass(path: Path) -> None:
    """Make a dead run's heartbeat old, as half a minute would."""
    with sqlite3.connect(path) as db:
        db.execute("UPDATE runs SET heartbeat_at = heartbeat_at - 60")

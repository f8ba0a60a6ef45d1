"""Has words looked at on the other cores: batches go out in turn, and what becomes of them comes back in order."""

import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.connection import Connection

from store.errors import StoreError
from store.export.words import Looked, Row, Words
from store.mix import Mix
from taxonomy.refusal import InputError

WORTH = 5_000
"""Rows from which another process, which takes a second to start, saves time."""
MOST = 4
"""Processes that one reader of the store keeps busy."""


def count_workers(rows: int) -> int:
    """Return how many processes to look at so many rows with, beside this one."""
    return min(len(os.sched_getaffinity(0)) - 1, MOST) if rows >= WORTH else 0


def look_over(mix: Mix, batches: Iterable[Sequence[Row]], workers: int) -> Iterator[Looked]:
    """Yield what becomes of each batch, in order; raises InputError as Words does."""
    if not workers:
        yield from map(Words(mix).look, batches)
        return
    with ExitStack() as stack:
        idle = deque(start_worker(mix, stack) for _ in range(workers))
        busy: deque[Connection] = deque()
        for batch in batches:
            if not idle:
                idle.append(busy.popleft())
                yield receive(idle[-1])
            busy.append(idle.popleft())
            send(busy[-1], batch)
        for pipe in busy:
            yield receive(pipe)


def start_worker(mix: Mix, stack: ExitStack) -> Connection:
    """Return the pipe to a process that ends when the pipe is closed, also by this one's sudden end."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    worker = context.Process(target=work, args=(mix, theirs), daemon=True)
    worker.start()
    theirs.close()
    stack.callback(worker.join)
    stack.callback(ours.close)
    return ours


def work(mix: Mix, pipe: Connection) -> None:
    """Answer batches until the pipe is closed."""
    # The reader of the store is interrupted, and ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        words = Words(mix)
        while True:
            pipe.send(words.look(pipe.recv()))
    except InputError as error:
        pipe.send(error)
    except (EOFError, BrokenPipeError):
        return


def send(pipe: Connection, batch: Sequence[Row]) -> None:
    """Give a worker a batch. One that has ended has told why, or is found out when its answer is missed."""
    try:
        pipe.send(batch)
    except BrokenPipeError:
        return


def receive(pipe: Connection) -> Looked:
    """Return a worker's answer; raises the error with which it ended."""
    try:
        answer = pipe.recv()
    except (EOFError, ConnectionResetError):
        raise StoreError("a process that looked at words was ended from outside; try again with more memory") from None
    if isinstance(answer, InputError):
        raise answer
    looked: Looked = answer
    return looked

"""Tells processes of this machine apart, finds those of a job, and ends them; it reads Linux's /proc."""

import os
import platform
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from store.jobs import Process

PROC = Path("/proc")
TAG = "PSYFOUNDRY_JOB"
"""The environment variable by which every process of a trainer is known, also one whose parent is gone."""
WAITS: Sequence[tuple[signal.Signals, float]] = (
    (signal.SIGINT, 10.0),
    (signal.SIGTERM, 10.0),
    (signal.SIGKILL, 10.0),
)
"""What is sent to end a trainer, and the seconds it is given each time."""
HEADLESS_S = 1.0
"""What ranks are given to end by themselves when their head has gone."""
LOOK_S = 0.05


def find_place() -> tuple[str, str]:
    """Return this machine's name, and which boot of it and which table of processes this one belongs to.

    The second is empty where /proc does not tell: jobs are then judged by their heartbeat alone.
    """
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # Two containers share a boot and may share a name, but see other processes.
        return platform.node(), f"{boot} {(PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return platform.node(), ""


def find_process(pid: int) -> Process | None:
    """Return a living process by its number."""
    try:
        told = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name stands in brackets and may hold anything, brackets too.
    fields = told[told.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else Process(pid, int(fields[19]))


def this_process() -> Process:
    """Return this process; where /proc does not tell, without its start."""
    return find_process(os.getpid()) or Process(os.getpid(), 0)


def is_running(process: Process) -> bool:
    """Whether this very process lives, and not a later one with its number."""
    return find_process(process.pid) == process


def list_tagged(token: str) -> list[Process]:
    """Return the living processes of a job's trainer, wherever they hang in the tree."""
    mark = f"{TAG}={token}".encode()
    found = []
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                process = find_process(int(folder.name))
                if process is not None:
                    found.append(process)
    return found


def send(token: str, leader: Process | None, word: signal.Signals) -> None:
    """Send a signal to the trainer: a gentle one to its head, which tells its ranks, any other to all of it."""
    if leader is not None and is_running(leader):
        with suppress(ProcessLookupError, PermissionError):
            # The head has a group of its own; what it starts may leave it, and is found by the token.
            os.killpg(leader.pid, word)
    if word is signal.SIGINT and leader is not None and is_running(leader):
        return
    for process in list_tagged(token):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, word)


def end_processes(
    token: str,
    leader: Process | None,
    waits: Sequence[tuple[signal.Signals, float]] = WAITS,
    *,
    look: Callable[[], bool] = lambda: False,
) -> bool:
    """End a trainer: asked first, then told, then killed; returns whether all of it is gone.

    `look` is called while it waits; where it returns true the next signal is sent at once.
    """
    for word, seconds in waits:
        send(token, leader, word)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            hurries = look()
            is_headless = leader is None or not is_running(leader)
            if is_headless and not list_tagged(token):
                return True
            if hurries:
                break
            if is_headless and leader is not None:
                # Nobody is left who could tell the others; they are spoken to themselves soon.
                until, leader = min(until, time.monotonic() + HEADLESS_S), None
            time.sleep(LOOK_S)
    return not list_tagged(token)

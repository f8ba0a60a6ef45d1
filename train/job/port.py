"""The port that a model is served on, on this machine alone: whether it is free, and who listens on it."""

import os
import socket
from contextlib import suppress
from pathlib import Path

from taxonomy.refusal import InputError

HOST = "127.0.0.1"
PROC = Path("/proc")
LISTENS = "0A"
"""The state of a listening socket in /proc/net/tcp."""


def choose_port(told: int) -> int:
    """Return a free port; raises InputError where the one asked for is taken."""
    if not 0 <= told < 65_536:
        raise InputError(f"--port {told}: ports run from 0 to 65535")
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, told))
        except OSError as error:
            raise InputError(f"--port {told}: {error.strerror}; name another port, or 0 for a free one") from None
        port: int = tried.getsockname()[1]
        return port


def holds_port(session: int, port: int) -> bool:
    """Whether a process of a session listens on a port of this machine; true where /proc does not tell."""
    try:
        rows = [line.split() for line in (PROC / "net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    except OSError:
        return True
    sockets = {f"socket:[{row[9]}]" for row in rows if row[3] == LISTENS and int(row[1].rpartition(":")[2], 16) == port}
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):
            if os.getsid(int(folder.name)) == session and sockets & set(map(os.readlink, (folder / "fd").iterdir())):
                return True
    return False

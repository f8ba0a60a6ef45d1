"""The review page as it is started from a shell: a process of its own, reached over a port as a browser does."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from store.review.gate import sign

HOUSE = Path(__file__).parents[3]
PATIENCE_S = 60


class Served:
    """A process that serves the page, with the browser that followed its link."""

    def __init__(self, url: str, *flags: str) -> None:
        command = [sys.executable, "-m", "store.review", "--db", url, "--name", "ann", "--port", "0", *flags]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=HOUSE,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        assert self.process.stdout is not None
        self.told: list[str] = []
        while not (self.told and "/enter?token=" in self.told[-1]):
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read() if self.process.stderr else ""
            self.told.append(line.strip())
        self.link = self.told[-1]
        self.origin = self.link.partition("/enter")[0]
        self.client = httpx2.Client(base_url=self.origin, timeout=PATIENCE_S, headers={"Origin": self.origin})

    def enter(self) -> None:
        """Follow the link, once."""
        answer = self.client.get(self.link)
        assert (answer.status_code, answer.headers["location"]) == (303, "/queue")
        (cookie,) = self.client.cookies.values()
        self.client.headers["X-CSRF-Token"] = sign(cookie)

    def post(self, path: str, body: Any = None) -> httpx2.Response:
        """Send JSON as the page does."""
        return self.client.post(path, json=body)

    def stop(self) -> None:
        """Kill the process where it still runs."""
        self.client.close()
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


@contextmanager
def serve(url: str, *flags: str) -> Iterator[Served]:
    """Serve the page for as long as the `with` lasts."""
    served = Served(url, *flags)
    try:
        yield served
    finally:
        served.stop()

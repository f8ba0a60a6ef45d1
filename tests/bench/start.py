"""Starts a run of 100,000 planned sessions and tells when its first call goes out: python -m tests.bench.start.

It is interrupted a few seconds later; the peak memory is that of the whole time.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).parents[2]
GOES_ON_S = 5.0


def watch(count: int) -> None:
    """Run in this process; tells the first call and the peak as JSON on stderr's last line."""
    began = time.time() - time.process_time()
    from agents.gateway import Gateway
    from graphs.run import main

    told: dict[str, Any] = {}
    send = Gateway.send_and_keep

    async def send_and_tell(gateway: Gateway, *values: Any, **options: Any) -> Any:
        if not told:
            told["first_call_s"] = round(time.time() - began, 2)
            threading.Timer(GOES_ON_S, os.kill, (os.getpid(), signal.SIGINT)).start()
        return await send(gateway, *values, **options)

    Gateway.send_and_keep = send_and_tell  # type: ignore[method-assign]
    sys.argv = ["graphs.run", "--count", str(count), "--json"]
    told["code"] = main()
    told["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(told), file=sys.stderr)


def measure(count: int) -> dict[str, Any]:
    """Return the figures of a run of so many sessions, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        told = subprocess.run(
            [sys.executable, "-m", "tests.bench.start", "--here", "--count", str(count)],
            cwd=folder,
            env={"PYTHONPATH": str(HOUSE), "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        )
    figures: dict[str, Any] = json.loads(told.stderr.splitlines()[-1])
    return {"sessions": count} | figures


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.here:
        watch(flags.count)
    else:
        print(json.dumps(measure(flags.count)))


if __name__ == "__main__":
    main()

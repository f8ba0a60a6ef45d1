"""Runs the shipped recipe `interactive` by the shipped command and measures it: see tests.bench.engines."""

import argparse
import sys
import threading
import time
from pathlib import Path

import graphs.launch
from graphs.run import main as run
from graphs.runner import Ending, Runner
from tests.bench.meter import Meter

ENDPOINT = """name: bench
base_url: {url}
model: "bench-{{role}}"
reasoning: field
prices: {{input: 4, cached_input: 1, output: 16}}
currency: CNY
"""
METER = Meter()
SPLIT: dict[str, float] = {}


class MeasuredRunner(Runner):
    """The runner, with the meter started when everything is loaded and the first call is due."""

    async def run(self, *args: object, **options: object) -> Ending:
        (writer,) = (thread for thread in threading.enumerate() if thread.name == "ledger")
        clock = time.pthread_getcpuclockid(writer.ident or 0)
        METER.start()
        try:
            return await super().run(*args, **options)  # type: ignore[arg-type]
        finally:
            SPLIT["writer"] = time.clock_gettime(clock)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--dialogues", type=int, default=200)
    parser.add_argument("--exchanges", type=int, default=8)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--resume", action="store_true")
    flags = parser.parse_args()
    model, db = flags.folder / "bench.yaml", f"sqlite:///{flags.folder}/ours.db"
    model.write_text(ENDPOINT.format(url=flags.url), encoding="utf-8")
    graphs.launch.Runner = MeasuredRunner  # type: ignore[misc]
    words = ["--recipe", "interactive", "--set", f"exchanges={flags.exchanges}", "--count", flags.dialogues]
    words += ["--model", model, "--concurrency", flags.concurrency, "--yes"]
    sys.argv = ["graphs.run", *map(str, ["--resume"] if flags.resume else words), "--db", db]
    sys.stdout = sys.stderr
    code = run()
    sys.stdout = sys.__stdout__
    METER.report(flags.dialogues * (2 * flags.exchanges + 1), flags.dialogues, code=code, **SPLIT)


if __name__ == "__main__":
    main()

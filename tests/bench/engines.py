"""Measures this factory beside what people use today, in one run against one server: python -m tests.bench.engines.

Two hundred dialogues of eight exchanges and a verdict, 64 calls in flight at 200 ms; and without latency, 256 in
flight. `--all` adds a spread of latencies, faults, and a kill at half. `--write FILE` keeps the tables.
"""

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.request import urlopen

ENGINES = {
    "this factory": ("ours",),
    "asyncio + openai": ("script",),
    "LangGraph + openai + AsyncSqliteSaver": ("langgraph_script",),
    "the same on our transport and uvloop": ("langgraph_script", "--tuned"),
}
EXCHANGES, DIALOGUES, FLIGHT, LATENCY = 8, 200, 64, 0.2
CALLS = DIALOGUES * (2 * EXCHANGES + 1)
FLOOR = CALLS * LATENCY / FLIGHT
PACKAGES = ("openai", "langgraph", "langgraph-checkpoint-sqlite", "aiohttp", "uvloop", "sqlalchemy")
Figures = dict[str, Any]


@dataclass(frozen=True)
class Scene:
    """One table: how the server behaves, and which engines meet it."""

    title: str
    server: str
    engines: tuple[str, ...]
    flags: tuple[str, ...] = ()
    is_killed: bool = False


MAIN = (
    Scene(f"200 ms, 64 in flight (floor {FLOOR:.1f} s)", "latency=0.2&measure=", tuple(ENGINES), ("--split",)),
    Scene("0 ms, 256 in flight", "latency=0", tuple(ENGINES), ("--concurrency", "256")),
)
MORE = (
    Scene("lognormal latency (median 200 ms, sigma 1)", "latency=0.2&sigma=1", tuple(ENGINES)[:3]),
    Scene("5 % answered 500, 5 % answered 429", "latency=0.2&errors=0.05&limits=0.05", tuple(ENGINES)[:3]),
    Scene("killed at half, run again (the second part alone)", "latency=0.2", tuple(ENGINES)[:3], is_killed=True),
)


@contextmanager
def serve() -> Iterator[str]:
    """Yield the address of the server while the block runs."""
    command = [sys.executable, "-m", "tests.bench.server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.terminate()


def ask(address: str, path: str) -> Figures:
    """Return what the server says."""
    with urlopen(f"{address}/{path}") as told:
        answer: Figures = json.loads(told.read())
        return answer


def start(engine: str, address: str, folder: Path, flags: tuple[str, ...]) -> subprocess.Popen[str]:
    """Start an engine in a process of its own."""
    module, *own = ENGINES[engine]
    command = [sys.executable, "-m", f"tests.bench.{module}", "--url", f"{address}/v1", "--folder", str(folder)]
    said = (folder / "err").open("w", encoding="utf-8")
    return subprocess.Popen([*command, *own, *flags], stdout=subprocess.PIPE, stderr=said, text=True)


def finish(process: subprocess.Popen[str], folder: Path) -> Figures:
    """Return what an engine measured of itself."""
    out, _ = process.communicate(timeout=600)
    if process.returncode:
        raise SystemExit((folder / "err").read_text(encoding="utf-8")[-2000:])
    figures: Figures = json.loads(out.strip().splitlines()[-1])
    return figures


def play(scene: Scene, engine: str, address: str) -> Figures:
    """Return an engine's figures in a scene, with what the server saw of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ask(address, f"set?{scene.server}")
        is_ours = engine == next(iter(ENGINES))
        flags = scene.flags if is_ours else tuple(flag for flag in scene.flags if flag != "--split")
        process = start(engine, address, folder, flags)
        if scene.is_killed:
            while ask(address, "stats")["answered"] < CALLS / 2:
                time.sleep(0.02)
            process.kill()
            process.communicate()
            if is_ours:
                with sqlite3.connect(folder / "ours.db") as db:
                    # The lease of a dead run lasts half a minute.
                    db.execute("UPDATE runs SET heartbeat_at = heartbeat_at - 60")
            process = start(engine, address, folder, (*flags, "--resume"))
        figures = finish(process, folder)
        seen = ask(address, "stats")
    lost = DIALOGUES - figures["dialogues"]
    repeats = seen["repeated"] if "--split" not in flags else seen["repeated"] - CALLS
    return figures | {"lost": lost, "repeats": repeats, "cache_share": seen["cache_share"]}


def tell(scene: Scene, table: dict[str, Figures]) -> list[str]:
    """Return a scene's table in Markdown; ratios are to this factory."""
    ours = next(iter(table.values()))
    lines = [f"### {scene.title}", ""]
    lines += ["| | wall s | calls/s | ours faster by | CPU s / 1,000 calls | peak MB | repeats | lost | cache |"]
    lines += ["|---|---|---|---|---|---|---|---|---|"]
    for engine, f in table.items():
        ratio = "" if f is ours else f"{f['wall_s'] / ours['wall_s']:.2f} x"
        cache = f"{f['cache_share']:.0%}" if f["cache_share"] else ""
        speed = "" if scene.is_killed else f"{CALLS / f['wall_s']:.0f}"
        lines += [
            f"| {engine} | {f['wall_s']:.1f} | {speed} | {ratio} | {f['cpu_s_per_1000']:.2f}"
            f" | {f['peak_mb']} | {f['repeats']} | {f['lost']} | {cache} |"
        ]
    if ours.get("split") and "client" in ours["split"]:
        split = ours["split"]
        rest = ours["cpu_s_per_1000"] - sum(split.values())
        parts = ", ".join(f"{name} {amount:.2f}" for name, amount in split.items())
        lines += ["", f"CPU seconds of this factory per 1,000 calls: {parts}, rest {rest:.2f}."]
        lines += [f"Wall clock: {ours['wall_s'] / FLOOR:.2f} x the floor of calls x latency / slots."]
    if "slots_in_use" in ours and not scene.is_killed:
        lines += ["", f"Slots of this factory in use while work waits: {ours['slots_in_use']:.1%}."]
    return [*lines, ""]


def describe() -> list[str]:
    """Return the machine and the versions the figures belong to."""
    named = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return [f"Measured on {os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, {named}."]


def main() -> None:
    """Play the scenes and print or keep their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="spread latencies, faults and a kill as well")
    parser.add_argument("--write", type=Path, metavar="FILE", help="replace the tables in this Markdown file")
    flags = parser.parse_args()
    lines = [*describe(), ""]
    with serve() as address:
        for scene in MAIN + MORE * flags.all:
            told = tell(scene, {engine: play(scene, engine, address) for engine in scene.engines})
            print("\n".join(told), flush=True)
            lines += told
    if flags.write is not None:
        before, mark, _ = flags.write.read_text(encoding="utf-8").partition("<!-- tables -->\n")
        flags.write.write_text(before + mark + "\n" + "\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Runs the shipped recipe `interactive` by the shipped command and measures it: see tests.bench.engines."""

import asyncio
import sqlite3
import sys
import threading
import time
from typing import Any
from urllib.request import urlopen

import orjson
import uvloop

import graphs.launch
from agents.cast import Cast, Said
from agents.critic import ItemScore, Verdict, load_rubric
from agents.endpoint import Endpoint, load_endpoint
from agents.gateway import Gateway
from agents.tally import Tally
from graphs.branch import current_branch
from graphs.crew import Ending, find_loop_factory, tune_collector
from graphs.recipes import load_recipe
from graphs.run import main as run
from graphs.runner import Runner
from graphs.state import begin_state
from graphs.trace import rebuild_requests
from graphs.units import CellUnits
from store.db import open_db
from taxonomy.schema import load_taxonomy
from tests.bench.meter import Meter
from tests.bench.work import TAXONOMY, parse_flags

ENDPOINT = """name: bench
base_url: {url}
model: "bench-{{role}}"
reasoning: field
prices: {{input: 4, cached_input: 1, output: 16}}
currency: CNY
"""
METER = Meter()
TOLD: dict[str, Any] = {}
FLAGS = parse_flags(__doc__)


class MeasuredRunner(Runner):
    """The runner, with the meter started when everything is loaded and the first call is due."""

    async def run(self, *args: Any, **options: Any) -> Ending:
        (writer,) = (thread for thread in threading.enumerate() if thread.name == "ledger")
        clock = time.pthread_getcpuclockid(writer.ident or 0)
        METER.start()
        try:
            return await super().run(*args, **options)
        finally:
            TOLD["ledger"] = time.clock_gettime(clock)


class MeasuredProgress(graphs.launch.Progress):
    """The progress; when fewer dialogues are left than there are slots, the server is asked how full they were."""

    def add(self, outcome: str) -> None:
        super().add(outcome)
        if sum(self.outcomes.values()) == FLAGS.dialogues - FLAGS.concurrency:
            with urlopen(FLAGS.url.replace("/v1", "/stats")) as told:
                TOLD["slots_in_use"] = round(orjson.loads(told.read())["mean_in_flight"] / FLAGS.concurrency, 3)


class SilentCast(Cast):
    """A cast that answers at once, so that only the graph and its nodes are measured."""

    async def say(self, role: Any, prompt_hash: bytes, thread: Any) -> Said:
        self.branch()
        return Said(f"第{len(thread)}句，说的是{self.seed}。", "想一想。", len(thread))

    async def fill(self, *args: Any, **options: Any) -> Any:
        rubric = load_rubric("session")
        items = [ItemScore(id=item.id, score=rubric.high, quote="") for item in rubric.items]
        return Verdict(items=items, reason=""), 0


async def measure_graph(dialogues: int, endpoint: Endpoint) -> float:
    """Return the CPU seconds of the recipe's graph without calls."""
    recipe, units = load_recipe("interactive"), CellUnits(load_taxonomy(TAXONOMY), TAXONOMY, 0, "zh")
    switches = recipe.switches.model_validate({"exchanges": FLAGS.exchanges})
    graph = recipe.build(switches).compile()
    tune_collector()
    started = time.process_time()
    for number in range(dialogues):
        unit = units.unit(number)
        seat: dict[str, Any] = {"gateway": None, "endpoints": {"critic": endpoint}, "ledger": None, "tally": Tally()}
        cast = SilentCast(**seat, session_id=str(number), seed=number, language="zh", branch=current_branch)
        state = begin_state(unit.plan, unit.brief) | recipe.start(switches)
        await graph.ainvoke(state, {"recursion_limit": 500}, context=cast)
    return time.process_time() - started


async def measure_client(db: str, endpoint: Endpoint) -> float:
    """Return the CPU seconds of the gateway sending the run's own requests again."""
    bodies = iter([body for _, body in rebuild_requests(open_db(db), 1)])
    gateway = Gateway({}, FLAGS.concurrency)
    gateway.open_client(endpoint)
    tune_collector()
    started = time.process_time()

    async def send() -> None:
        for body in bodies:
            await gateway.send(endpoint, body)

    await asyncio.gather(*(send() for _ in range(FLAGS.concurrency)))
    spent = time.process_time() - started
    await gateway.aclose()
    return spent


def count_done(url: str) -> int:
    """Return how many dialogues ended as they should."""
    with sqlite3.connect(url.removeprefix("sqlite:///")) as db:
        done: int = db.execute("SELECT count(*) FROM dialogues WHERE outcome = 'done'").fetchone()[0]
    return done


def main() -> None:
    """Run it."""
    model, db = FLAGS.folder / "bench.yaml", f"sqlite:///{FLAGS.folder}/ours.db"
    model.write_text(ENDPOINT.format(url=FLAGS.url), encoding="utf-8")
    graphs.launch.Runner = MeasuredRunner  # type: ignore[misc]
    graphs.launch.Progress = MeasuredProgress  # type: ignore[misc]
    words = ["--recipe", "interactive", "--set", f"exchanges={FLAGS.exchanges}", "--count", FLAGS.dialogues]
    words += ["--model", model, "--yes"]
    sys.argv = ["graphs.run", *map(str, ["--resume"] if FLAGS.resume else words)]
    sys.argv += ["--concurrency", str(FLAGS.concurrency), "--db", db]
    sys.stdout = sys.stderr
    run()
    sys.stdout = sys.__stdout__
    calls = FLAGS.dialogues * (2 * FLAGS.exchanges + 1)
    figures = METER.read(calls, count_done(db))
    if FLAGS.split:
        endpoint = load_endpoint(str(model), {})
        TOLD["client"] = uvloop.run(measure_client(db, endpoint))
        TOLD["graph"] = uvloop.run(measure_graph(FLAGS.dialogues, endpoint))
    assert find_loop_factory() is not None
    split = {name: round(TOLD[name] / calls * 1000, 2) for name in ("client", "graph", "ledger") if name in TOLD}
    print(orjson.dumps(figures | TOLD | {"split": split}).decode())


if __name__ == "__main__":
    main()

"""Every fault that an endpoint can have ends as the table says: got over, named, or the run stopped."""

import random
import re
from collections import Counter
from collections.abc import Mapping
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

import graphs.launch
from agents.cast import TRIES
from agents.gateway import Gateway, RetryPolicy
from agents.rehearsal.app import create_app
from agents.rehearsal.faults import FAULTS, STOPPING
from graphs.trace import rebuild_requests
from store.db import open_db
from tests.graphs.conftest import CHECKOUT, Factory, read_rows
from tests.witness import serve, write_endpoint

QUICK = RetryPolicy(first_wait=0.001, longest_wait=0.01, longest_told=0.01)
FATES: Mapping[str, str | None] = {
    "rate_limited": "rate_limited",
    "rate_limited_bare": "rate_limited",
    "server_error": "server",
    "unavailable": "server",
    "hang": "timeout",
    "keep_alive": None,
    "drip": None,
    "html": "unreadable",
    "truncated": "unreadable",
    "cut": "unreachable",
    "bad_utf8": "unreadable",
    "surrogate": None,
    "error_with_200": "server",
    "empty": "empty",
    "spaces": "empty",
    "no_choices": "bad_answer",
    "null_choices": "bad_answer",
    "length": "truncated",
    "filtered": "filtered",
    "think": None,
    "open_think": "empty",
    "unknown_finish": "bad_answer",
    "no_resource": "overloaded",
    "no_usage": None,
    "extra_keys": None,
    "nul": None,
    "stream": "unreadable",
    "oversized": "unreachable",
    "gzip_bomb": "unreachable",
}
"""How a session ends whose counselor meets nothing but this fault; None where the answer is good all the same."""
FINAL = ("filtered",)
"""What is not asked for again."""


class Faulty:
    """The rehearsal model with one fault, at the calls where it is wanted, and a log of what it answered in full."""

    def __init__(self, fault: str, *, at: tuple[int, ...] = (), role: str = "") -> None:
        self.good = create_app()
        self.bad = create_app(fault_rate=1.0, faults=(fault,))
        self.at, self.role = at, role
        self.calls = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        event = await receive()
        while event.get("more_body"):
            more = await receive()
            event = {**more, "body": event["body"] + more["body"]}
        number, self.calls = self.calls, self.calls + 1
        is_hit = number in self.at or (self.role and event["body"].find(f"-{self.role}".encode(), 0, 60) > 0)

        async def again() -> Any:
            return event

        await (self.bad if is_hit else self.good)(scope, again, send)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a fault be waited out in milliseconds."""
    monkeypatch.setattr(graphs.launch, "Gateway", partial(Gateway, policy=QUICK))


def run(factory: Factory, folder: Path, app: Any, *flags: object) -> Any:
    """Run a session of two exchanges and a verdict, five calls, on an app."""
    with serve(app) as port:
        model = write_endpoint(folder, port)
        model.write_text(model.read_text("utf-8") + "deadline_s: 0.3\n", encoding="utf-8")
        short = ("--recipe", "interactive", "--set", "exchanges=2", "--count", 1, "--concurrency", 2)
        return factory(*short, "--model", model, "--json", *flags)


def test_the_table_names_every_fault() -> None:
    assert {*FATES, *STOPPING} == {*FAULTS}


def test_the_document_says_how_each_fault_ends_and_how_often_it_is_tried() -> None:
    told = (CHECKOUT / "docs" / "reliability.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z]\w+) \| .+ \| (\d) \| (.+) \|$", told, re.MULTILINE)
    tries = {"an answer": 1, "filtered": 1, "the run stops with code 4": 1}
    for fault, tried, ends in rows:
        fate = FATES.get(fault, "the run stops with code 4")
        assert ends == (fate or "an answer"), fault
        in_answers = fault == "error_with_200" or ends not in ("rate_limited", "server")
        most = TRIES.get(ends) if in_answers else None
        assert int(tried) == (tries.get(ends) or most or RetryPolicy().tries), fault
    assert {fault for fault, _, _ in rows} == {*FAULTS}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fault", [name for name in FATES if name not in FINAL])
def test_a_fault_that_passes_is_got_over_at_the_first_a_middle_and_the_last_call(
    factory: Factory, tmp_path: Path, fault: str
) -> None:
    # Each hit but one that does no harm adds a call: the third and the last call come one and two later.
    later = 0 if FATES[fault] is None else 1
    app = Faulty(fault, at=(0, 2 + later, 4 + 2 * later))
    told = run(factory, tmp_path, app)
    assert told.summary["outcomes"] == {"done": 1}, told.err
    assert app.calls == 5 + 3 * later
    rows = read_rows("SELECT content, outcome FROM calls")
    assert not any("\x00" in row.content for row in rows)
    assert sum(row.outcome == "ok" for row in rows) == 5


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fault", [name for name, fate in FATES.items() if fate is not None])
def test_a_fault_that_stays_fails_the_session_with_its_name(factory: Factory, tmp_path: Path, fault: str) -> None:
    app = Faulty(fault, role="counselor")
    told = run(factory, tmp_path, app)
    assert told.code == 3
    assert told.summary["outcomes"] == {"failed": 1}
    (row,) = read_rows("SELECT error_kind, reason FROM dialogues")
    assert row.error_kind == FATES[fault]
    assert row.reason
    assert 2 <= app.calls <= 1 + RetryPolicy().tries


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fault", STOPPING)
def test_a_fault_that_nothing_mends_stops_the_run_with_the_queue_intact(
    factory: Factory, tmp_path: Path, fault: str
) -> None:
    app = Faulty(fault, at=(3,))
    told = run(factory, tmp_path, app)
    assert (told.code, told.summary["left"], told.summary["outcomes"]) == (4, 1, {})
    assert read_rows("SELECT count(*) FROM calls")[0][0] == 3
    with serve(Faulty(fault)) as port:
        write_endpoint(tmp_path, port)
        again = factory("--resume", "--json")
    assert (again.code, again.summary["outcomes"], again.summary["calls"]) == (0, {"done": 1}, 2)


@pytest.mark.usefixtures("quick")
def test_a_critic_that_cannot_be_read_leaves_the_session_unscored(factory: Factory, tmp_path: Path) -> None:
    told = run(factory, tmp_path, Faulty("html", role="critic"))
    assert told.summary["outcomes"] == {"done": 1}
    (verdict,) = read_rows("SELECT scores, unscored FROM verdicts")
    assert verdict.scores is None
    assert "unreadable" in verdict.unscored


class Soup:
    """A faulty rehearsal model behind a log of every answer that went out whole with status 200."""

    def __init__(self, share: float, seed: int) -> None:
        names = tuple(name for name in FAULTS if name not in STOPPING)
        self.app = create_app(fault_rate=share, faults=names, seed=seed)
        self.whole: Counter[bytes] = Counter()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        asked, told, size = b"", {}, 0

        async def overhear() -> Any:
            nonlocal asked
            event = await receive()
            asked += event.get("body", b"")
            return event

        async def watch(event: Any) -> None:
            nonlocal size
            if event["type"] == "http.response.start":
                told.update({name.lower(): value for name, value in event["headers"]}, status=event["status"])
            else:
                size += len(event["body"])
                length = int(told.get(b"content-length", size))
                is_odd = size > 4 * 2**20 or b"content-encoding" in told
                if not event.get("more_body") and told["status"] == 200 and length == size and not is_odd:
                    self.whole[blake2b(asked).digest()] += 1
            await send(event)

        await self.app(scope, overhear, watch)


def drink(factory: Factory, folder: Path, sessions: int, seed: int) -> None:
    """Run sessions on the soup and hold the ledger against what the server answered."""
    soup = Soup(0.3, seed)
    with serve(soup) as port:
        model = write_endpoint(folder, port)
        model.write_text(model.read_text("utf-8") + "deadline_s: 3\n", encoding="utf-8")
        flags = ("--recipe", "interactive", "--set", "exchanges=6", "--count", sessions, "--concurrency", 64)
        told = factory(*flags, "--model", model, "--seed", seed, "--json")
    outcomes = told.summary["outcomes"]
    assert sum(outcomes.values()) == sessions
    assert told.summary["left"] == 0
    rows = read_rows("SELECT outcome, reason, error_kind FROM dialogues")
    assert len(rows) == sessions
    assert all(row.reason and row.error_kind for row in rows if row.outcome == "failed")
    kinds = Counter(row.error_kind for row in rows if row.outcome == "failed")
    assert kinds.total() - kinds["filtered"] <= 0.01 * (sessions - kinds["filtered"]), kinds
    kept = Counter(blake2b(body).digest() for _, body in rebuild_requests(open_db("sqlite:///factory.db"), 1))
    assert kept == soup.whole
    assert read_rows("SELECT count(*) FROM calls WHERE outcome = '' OR prompt_tokens IS NULL AND outcome = 'ok'")


@pytest.mark.usefixtures("quick")
def test_a_soup_of_faults_leaves_every_session_with_an_outcome(factory: Factory, tmp_path: Path) -> None:
    drink(factory, tmp_path, 40, random.Random(1).randrange(1000))


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_two_thousand_sessions_in_a_soup_of_faults(factory: Factory, tmp_path: Path) -> None:
    drink(factory, tmp_path, 2_000, 1)

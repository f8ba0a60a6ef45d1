"""Units of input that reviewers asked for: a stored dialogue, played again from one of its lines on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from agents.ledger import SEEDS, Past
from agents.risk import Level, higher_level
from graphs.stored_units import StoredUnits, read_stored
from graphs.units import Unit, Units
from store.db import Database
from store.records import DialogueRecord
from store.requests import KEY, Origin, read_origin
from taxonomy.plan import Planner
from taxonomy.refusal import InputError
from taxonomy.schema import Taxonomy

MADE_BY: Mapping[str, tuple[str, ...]] = {
    "client": ("client",),
    "counselor": ("counselor", "adviser", "planner", "editor", "writer"),
}
"""Who works on a line of each speaker: whoever is asked first after the line before it opens what is played anew."""
BESIDE = ("inner_voice", "critic")
"""Who may still be at the line before while the client speaks: a thought is written and judged beside the talk."""


class Requested(BaseModel):
    """What the settings of a run keep of the requests that it carries out: lines of the log on dialogues of one run."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    run: int
    """The run whose dialogues are played again."""
    lines: tuple[int, ...]
    """The requests, by the number of their line in the log."""
    draw: int
    """What the seeds are drawn with beside the request: one that failed is tried again with others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainUnit(Unit):
    """The input of a dialogue that is played again.

    `numbers` are the calls of its parent, session `origin` (run, position), that it begins with; `risk_tier` is the
    parent's.
    """

    request_id: int
    past: Past
    origin: tuple[int, int]
    numbers: tuple[int, ...]
    risk_tier: Level

    @property
    def root(self) -> str:
        """The dialogue that it goes back to by requests alone."""
        return self.past.sessions[-1][0]


class Kept(NamedTuple):
    """The calls that stay as they are, and those among them that must come up before any other one is asked."""

    numbers: tuple[int, ...]
    awaited: set[int]


class RequestUnits:
    """Requests on dialogues of one run, a session each; cell, person and plan are the parent's."""

    def __init__(self, engine: Database, requested: Requested, parents: Units) -> None:
        digest = blake2b(" ".join(map(str, requested.lines)).encode(), digest_size=8).hexdigest()
        self.source = f"requests on run {requested.run} {digest}"
        self._engine, self._requested, self._parents = engine, requested, parents

    def size(self) -> int:
        return len(self._requested.lines)

    def round(self) -> int:
        return len(self._requested.lines)

    def unit(self, position: int) -> AgainUnit:
        line = self._requested.lines[position]
        origin = read_origin(self._engine, line)
        parent = self._parents.unit(origin.position)
        kept = find_kept(origin)
        sessions = [(origin.id, parent.plan.seed)]
        if isinstance(parent, AgainUnit):
            sessions = [(origin.id, parent.past.seed), *parent.past.sessions]
        return AgainUnit(
            plan=parent.plan,
            brief=parent.brief,
            language=parent.language,
            seed=parent.seed,
            parent_id=origin.id,
            request_id=line,
            past=Past(sessions, kept.awaited, draw_seed(parent.plan.seed, line, self._requested.draw)),
            origin=(origin.run_id, origin.position),
            numbers=kept.numbers,
            risk_tier=origin.risk_tier,  # type: ignore[arg-type]
        )


class TakenUnits(StoredUnits):
    """What a run on stored things took, by position, whatever else is stored or was rejected since."""

    def __init__(self, taxonomy: Taxonomy, engine: Database, named: str, seed: int, taken: Mapping[int, str]) -> None:
        self._name, self._run = read_stored(named)
        self._taxonomy, self._engine, self._planner = taxonomy, engine, Planner(taxonomy, seed)
        self._taken = taken

    def unit(self, position: int) -> Unit:
        make = self._make_from_scenario if self._name == "scenarios" else self._make_from_dialogue
        return make(position, self._taken[position])


def find_kept(origin: Origin) -> Kept:
    """Return what stays of a dialogue that is played again; raises InputError where that cannot be told.

    What was asked before the line stays. A line of the counselor is played anew with all that was prepared for it, one
    of the client by itself; the thought about the line before it, which may come later in the ledger, stays as well.
    Of a script that was written in one go only what came before the script stays.
    """
    if not origin.calls:
        raise InputError(f"dialogue {origin.id} has no calls in this database: only what was played here can be again")
    number = origin.number or 0
    if not origin.lines and origin.number is None:
        return Kept((), set())
    if number >= len(origin.lines):
        raise InputError(f"dialogue {origin.id} has no utterance {number}")
    speaker, own = origin.lines[number]
    before = {call for _, call in origin.lines[:number] if call is not None}
    last = max(before, default=-1)
    makers = MADE_BY[speaker]
    opening = [call for call, agent in origin.calls if call > last and agent in makers][:1]
    first = min([*opening, *([own] if own is not None else [])], default=last + 1)
    numbers = [call for call, _ in origin.calls if call < first]
    if speaker == "client":
        for call, agent in origin.calls[len(numbers) :]:
            if agent in BESIDE:
                numbers.append(call)
            elif agent not in makers:
                break
    person = {call for call, agent in origin.calls if agent == "intake"}
    return Kept(tuple(numbers), {call for call in before | person if call < first})


def draw_seed(seed: int, line: int, draw: int) -> int:
    """Return the seed that the requests of a session carry which is played again."""
    digest = blake2b(f"again/{seed}/{line}/{draw}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % SEEDS


def mark(record: DialogueRecord, unit: AgainUnit) -> DialogueRecord:
    """Return the record of a dialogue that was played again: it answers its request, and is as grave as its parent."""
    tier = higher_level(record.risk_tier, unit.risk_tier)  # type: ignore[arg-type]
    return replace(record, request_id=unit.request_id, risk_tier=tier, is_crisis=tier != "none")


def read_requested(stored: Mapping[str, Any]) -> Requested | None:
    """Return the requests that a run's stored settings name, if they do."""
    return Requested.model_validate(stored[KEY]) if KEY in stored else None

"""Who plays whom in one session: asks a role on its model through the ledger, so that no answer is paid twice."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from agents.answer import Answer
from agents.endpoint import Endpoint
from agents.errors import ModelError, kind_of
from agents.gateway import Gateway
from agents.ledger import Past, RecordedCall, SessionLedger, call_key, hash_request, shift_seed
from agents.message import Message
from agents.price import guess_usage, price_of
from agents.prompt import load_prompt
from agents.request import parameters, wire_body
from agents.tally import Tally
from agents.transcript import Language

Role = Literal[
    "intake", "client", "stage", "memory", "risk", "counselor", "inner_voice", "critic",
    "planner", "adviser", "writer", "editor", "assessor",
]  # fmt: skip
"""Who can be asked. The last five serve published methods: a planner decides before anything is said, an adviser
drafts or advises beside the counselor, a writer writes a talk of both speakers, an editor joins or polishes what others
wrote, an assessor reads a finished talk."""
ROLES: tuple[Role, ...] = get_args(Role)

TRIES = {
    "empty": 3,
    "truncated": 3,
    "bad_answer": 4,
    "unreadable": 4,
    "overloaded": 8,
    "server": 8,
    "rate_limited": 8,
}
"""Complete answers with this outcome after which a call is given up; an outcome not named here is final at once."""
RESTED = ("unreadable", "overloaded", "server", "rate_limited")
"""Outcomes that tell of the endpoint and not of the request: the next try waits."""
MORE_ROOM = ("empty", "truncated")
"""Outcomes after which an answer may be twice as long: the reasoning may have used up its tokens."""
FENCE = re.compile(r"^\s*```(?:json)?\s*|\s*```\s*$")

Form = TypeVar("Form", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Said:
    """What a role said, with its reasoning and the number of the call in the session's ledger."""

    text: str
    reasoning: str
    call: int


class _Reply(NamedTuple):
    number: int
    outcome: str
    content: str
    reasoning: str


@dataclass(kw_only=True)
class Cast:
    """The roles of one session: their models, their language, and the ledger that remembers their answers."""

    gateway: Gateway
    endpoints: Mapping[Role, Endpoint]
    ledger: SessionLedger
    tally: Tally
    session_id: str
    seed: int
    language: Language
    branch: Callable[[], str]
    """Names the running branch, so that occurrences are counted by place and never by arrival."""
    past: Past | None = None
    """The session that this one goes on from, where it is played again from a line on."""
    occurrences: Counter[tuple[str, Role, bytes]] = field(default_factory=Counter, init=False)

    def open_thread(self, head: str) -> list[Message]:
        """Return the start of a thread: the instructions alone."""
        return [Message("system", head)]

    def ask_last(self, question: str) -> Message:
        """Return the part that closes a thread."""
        return Message("user", question)

    async def say(self, role: Role, prompt_hash: bytes, thread: Sequence[Message]) -> Said:
        """Ask a role for plain speech; raises ModelError with the kind of fault when none comes."""
        call = await self._ask(role, prompt_hash, thread, None)
        return Said(call.content, call.reasoning, call.number)

    async def fill(
        self,
        role: Role,
        prompt_hash: bytes,
        thread: Sequence[Message],
        form: type[Form],
        find_fault: Callable[[Form], str | None] = lambda _: None,
    ) -> tuple[Form, int]:
        """Ask a role to fill a form; an answer that does not validate gets one repair turn.

        Returns the form and the number of the call that gave it. Raises ModelError ("invalid_json") after the repair.
        """
        call = await self._ask(role, prompt_hash, thread, form)
        filled, problem = read_form(call.content, form, find_fault)
        if filled is None:
            repair = load_prompt("cast/repair", self.language).render(problem=problem)
            again = [*thread, Message("assistant", call.content), Message("user", repair)]
            call = await self._ask(role, prompt_hash, again, form)
            filled, problem = read_form(call.content, form, find_fault)
        if filled is None:
            raise ModelError("invalid_json", f"{role} gave no usable {form.__name__}: {problem}")
        return filled, call.number

    async def _ask(
        self,
        role: Role,
        prompt_hash: bytes,
        thread: Sequence[Message],
        form: type[BaseModel] | None,
    ) -> _Reply:
        endpoint = self.endpoints[role]
        branch = self.branch()
        settings = parameters(endpoint, role, form)
        first = self.seed if self.past is None else self.past.seed
        seed = first if endpoint.send_seed else None
        body = wire_body(settings, thread, seed)
        request = hash_request(body)
        occurrence = self.occurrences[branch, role, request]
        self.occurrences[branch, role, request] += 1
        unusable: Counter[str] = Counter()
        while True:
            attempt = unusable.total()
            if seed is not None and (occurrence or attempt):
                seed = shift_seed(first, occurrence, attempt)
                body = wire_body(settings, thread, seed)
                request = hash_request(body)
            key = call_key(self.session_id, role, branch, request, occurrence, attempt)
            recorded = self.ledger.look_up(key)
            if recorded is None and self.past is not None:
                place = (role, branch, occurrence, attempt)
                recorded = self.past.settle(self._look_back(self.past, endpoint, place, settings, thread))
            if recorded is None:
                keep = partial(self._keep, key, role, branch, prompt_hash, thread, settings, seed, endpoint)
                reply = await self.gateway.send_and_keep(endpoint, body, keep, rank=self.occurrences.total())
            else:
                reply = _Reply(recorded.number, recorded.outcome, recorded.content, recorded.reasoning)
            if reply.outcome == "ok":
                return reply
            unusable[reply.outcome] += 1
            if unusable[reply.outcome] >= TRIES.get(reply.outcome, 1):
                tries = f"{attempt + 1} tries" if attempt else "1 try"
                problem = f"{role} on {endpoint.name}: {reply.outcome} answer ({tries})"
                raise ModelError(kind_of(reply.outcome), problem)
            if reply.outcome in MORE_ROOM:
                settings = parameters(endpoint, role, form, doubled=True)
                body = wire_body(settings, thread, seed)
                request = hash_request(body)
            elif reply.outcome in RESTED and recorded is None:
                await self.gateway.rest(attempt)

    def _look_back(
        self,
        past: Past,
        endpoint: Endpoint,
        place: tuple[Role, str, int, int],
        settings: bytes,
        thread: Sequence[Message],
    ) -> RecordedCall | None:
        """Return the answer that one of the sessions had before which this one goes on from, or None."""
        role, branch, occurrence, attempt = place
        for session_id, first in past.sessions:
            seed = shift_seed(first, occurrence, attempt) if endpoint.send_seed else None
            request = hash_request(wire_body(settings, thread, seed))
            recorded = self.ledger.look_up(call_key(session_id, role, branch, request, occurrence, attempt))
            if recorded is not None:
                return recorded
        return None

    async def _keep(
        self,
        key: bytes,
        role: Role,
        branch: str,
        prompt_hash: bytes,
        thread: Sequence[Message],
        settings: bytes,
        seed: int | None,
        endpoint: Endpoint,
        answer: Answer,
    ) -> _Reply:
        usage = answer.usage
        price = price_of(endpoint, usage if usage.prompt is not None else guess_usage(thread, answer))
        model = endpoint.model_for(role)
        self.tally.add(role, model, thread, answer, price, endpoint.currency)
        number = await self.ledger.record(
            key=key,
            agent=role,
            branch=branch,
            prompt_hash=prompt_hash,
            messages=thread,
            parameters=settings,
            seed=seed,
            requested_model=model,
            outcome=answer.outcome,
            content=answer.content or answer.problem,
            reasoning=answer.reasoning,
            finish=answer.finish,
            served_model=answer.served_model,
            fingerprint=answer.fingerprint,
            prompt_tokens=usage.prompt,
            cached_tokens=usage.cached,
            completion_tokens=usage.completion,
            reasoning_tokens=usage.reasoning,
            latency_ms=answer.latency_ms,
            price=price,
            currency=endpoint.currency if price is not None else None,
        )
        return _Reply(number, answer.outcome, answer.content, answer.reasoning)


def read_form(content: str, form: type[Form], find_fault: Callable[[Form], str | None]) -> tuple[Form | None, str]:
    """Return the validated form, or None and what is wrong with it in one line."""
    try:
        filled = form.model_validate_json(FENCE.sub("", content))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return None, f"{place}: {first['msg']}" if place else first["msg"]
    fault = find_fault(filled)
    return (None, fault) if fault else (filled, "")

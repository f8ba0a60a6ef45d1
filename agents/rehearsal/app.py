"""The rehearsal model as an ASGI application: chat completions, faults and latency on demand."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from hashlib import blake2b
from typing import Any

import orjson

from agents.cast import ROLES
from agents.message import Message
from agents.rehearsal.asked import text_of
from agents.rehearsal.faults import FAULTS, PASSING, send_body, send_error
from agents.rehearsal.grammar import Draw
from agents.rehearsal.reply import Reply, reply
from agents.tokens import PrefixMeter, estimate_tokens

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

FINGERPRINT = "rehearsal-1"
CREATED = 1_767_225_600
"""A fixed moment: a clock would make two equal answers differ."""
COMPLETIONS = ("/v1/chat/completions", "/chat/completions")
MODELS = ("/v1/models", "/models")
MOST_REMEMBERED = 20_000
MOST_BLOCKS = 200_000


class Rehearsal:
    """The application; it remembers prompt prefixes (for usage) and how often a body was asked."""

    def __init__(self, latency: float, sigma: float, fault_rate: float, faults: Sequence[str], seed: int) -> None:
        self._latency = latency
        self._sigma = sigma
        self._fault_rate = fault_rate
        self._faults = tuple(faults)
        self._seed = seed
        self._meter = PrefixMeter(MOST_BLOCKS)
        self._times: OrderedDict[bytes, int] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        path = scope["path"]
        if path in MODELS:
            await send_body(send, _list_models())
        elif path not in COMPLETIONS:
            await send_error(send, 404, f"no such path {path!r}: use /v1/chat/completions")
        elif scope["method"] != "POST":
            await send_error(send, 405, "use POST")
        else:
            await self._complete(await _read_body(receive), send)

    async def _complete(self, raw: bytes, send: Send) -> None:
        try:
            body = orjson.loads(raw)
            answer = reply(body)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            await send_error(send, 400, f"cannot read the request: {error!r}")
            return
        completion = self._word(body, answer)
        if not self._latency and not self._fault_rate:
            await send_body(send, orjson.dumps(completion))
            return
        draw = self._draw_fate(raw)
        if self._latency:
            await asyncio.sleep(self._latency * spread(draw, self._sigma))
        if self._fault_rate and draw.chance(self._fault_rate):
            await FAULTS[draw.pick(self._faults)](send, completion)
        else:
            await send_body(send, orjson.dumps(completion))

    def _draw_fate(self, raw: bytes) -> Draw:
        """Return the randomness of this try: by seed, body and how often the body came before."""
        digest = blake2b(raw, digest_size=16).digest()
        times = self._times.pop(digest, 0)
        self._times[digest] = times + 1
        if len(self._times) > MOST_REMEMBERED:
            self._times.popitem(last=False)
        return Draw(blake2b(digest + f"{self._seed}/{times}".encode(), digest_size=16).digest())

    def _word(self, body: Mapping[str, Any], answer: Reply) -> dict[str, Any]:
        """Return the completion object."""
        model = str(body.get("model", ""))
        thread = [Message(part["role"], text_of(part.get("content"))) for part in body["messages"]]
        prompt, cached = self._meter.add(model, thread)
        thought = estimate_tokens(answer.reasoning) if answer.reasoning else 0
        spoken = thought + estimate_tokens(answer.content)
        message = {"role": "assistant", "content": answer.content}
        if answer.reasoning:
            message["reasoning_content"] = answer.reasoning
        return {
            "id": "rehearsal-" + blake2b(answer.content.encode(), digest_size=8).hexdigest(),
            "object": "chat.completion",
            "created": CREATED,
            "model": model,
            "system_fingerprint": FINGERPRINT,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": spoken,
                "total_tokens": prompt + spoken,
                "prompt_tokens_details": {"cached_tokens": cached},
                "completion_tokens_details": {"reasoning_tokens": thought},
            },
        }


def create_app(
    latency: float = 0.0,
    sigma: float = 0.0,
    fault_rate: float = 0.0,
    faults: Sequence[str] = PASSING,
    seed: int = 0,
) -> App:
    """Return the application; `latency` is the median in seconds, spread lognormally by `sigma`."""
    unknown = sorted(set(faults) - set(FAULTS))
    if unknown or not faults:
        raise ValueError(f"unknown faults {unknown}; choose from {sorted(FAULTS)}")
    return Rehearsal(latency, sigma, fault_rate, faults, seed)


def spread(draw: Draw, sigma: float) -> float:
    """Return a lognormal factor around 1."""
    if not sigma:
        return 1.0
    first, second = (max(draw.number(1, 1_000_000) / 1_000_001, 1e-9) for _ in range(2))
    return math.exp(sigma * math.sqrt(-2 * math.log(first)) * math.cos(2 * math.pi * second))


async def _live(receive: Receive, send: Send) -> None:
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return


async def _read_body(receive: Receive) -> bytes:
    event = await receive()
    if not event.get("more_body"):
        whole: bytes = event.get("body", b"")
        return whole
    pieces = [event.get("body", b"")]
    while event.get("more_body"):
        event = await receive()
        pieces.append(event.get("body", b""))
    return b"".join(pieces)


def _list_models() -> bytes:
    names = ("rehearsal", *(f"rehearsal-{role}" for role in ROLES))
    listed = [{"id": name, "object": "model", "created": CREATED, "owned_by": "rehearsal"} for name in names]
    return orjson.dumps({"object": "list", "data": listed})

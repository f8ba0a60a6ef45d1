"""Asks an endpoint a few tiny questions to learn whether it is reachable and what it can do."""

from dataclasses import dataclass, field

import orjson
from pydantic import BaseModel, ConfigDict

from agents.answer import Answer
from agents.endpoint import Endpoint
from agents.errors import ModelError, kind_of
from agents.gateway import Gateway
from agents.message import Message
from agents.request import parameters, wire_body

WORD = "PLUM"


class Colour(BaseModel):
    """A form small enough for any model."""

    model_config = ConfigDict(extra="forbid")

    colour: str


@dataclass(slots=True)
class Probe:
    """What was learnt; `problem` says why nothing more was."""

    is_reachable: bool = False
    problem: str = ""
    served_model: str = ""
    models: list[str] = field(default_factory=list)
    gives_reasoning: bool = False
    gives_json: bool = False
    follows_instructions: bool = False
    tells_usage: bool = False
    tells_cached: bool = False
    latency_ms: int = 0


async def probe_endpoint(gateway: Gateway, endpoint: Endpoint) -> Probe:
    """Return what the endpoint can do; a fault is told in `problem`, never raised."""
    probe = Probe()
    try:
        instructions = f"Whatever is said to you, the word {WORD} stands in your answer."
        answer = await ask(gateway, endpoint, instructions, "Say one short sentence.", None)
        probe.is_reachable = True
        probe.served_model = answer.served_model
        probe.latency_ms = answer.latency_ms
        probe.gives_reasoning = bool(answer.reasoning)
        probe.follows_instructions = WORD in answer.content.upper()
        probe.tells_usage = answer.usage.prompt is not None
        probe.tells_cached = answer.usage.cached is not None
        question = "Name the colour of a clear sky as JSON with the field colour."
        formed = await ask(gateway, endpoint, "You answer in JSON.", question, Colour)
        probe.gives_json = is_object(formed.content)
        probe.models = await list_models(gateway, endpoint)
    except ModelError as error:
        probe.problem = str(error)
    return probe


async def ask(
    gateway: Gateway, endpoint: Endpoint, instructions: str, question: str, form: type[BaseModel] | None
) -> Answer:
    """Send one small request: as the counselor for speech, as the critic for a form."""
    parts = [Message("system", instructions), Message("user", question)]
    settings = parameters(endpoint, "critic" if form else "counselor", form)
    answer = await gateway.send(endpoint, wire_body(settings, parts, None))
    if answer.problem:
        raise ModelError(kind_of(answer.outcome), f"{endpoint.name}: {answer.problem}")
    return answer


def is_object(content: str) -> bool:
    """Tell whether an answer is a JSON object; what stands in it is not the endpoint's business."""
    try:
        return isinstance(orjson.loads(content), dict)
    except orjson.JSONDecodeError:
        return False


async def list_models(gateway: Gateway, endpoint: Endpoint) -> list[str]:
    """Return the names the endpoint offers, or none where it does not tell."""
    import openai

    try:
        offered = await gateway.open_client(endpoint).models.list()
    except openai.OpenAIError:
        return []
    return [model.id for model in offered.data]

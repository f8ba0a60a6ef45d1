"""The client: speaks from a profile the counselor never sees."""

from collections.abc import Iterator, Sequence

from agents.cast import Cast
from agents.message import Message
from agents.pace import CLIENT, draw_pace
from agents.profile import ClientProfile, list_fields
from agents.prompt import load_prompt
from agents.transcript import Utterance
from taxonomy.plan import SessionPlan


async def speak(
    cast: Cast,
    profile: ClientProfile,
    plan: SessionPlan,
    transcript: Sequence[Utterance],
    danger_since: int | None = None,
) -> Utterance:
    """Say the client's next line; `danger_since` is the exchange in which a sign of danger came up."""
    head = load_prompt("client/head", cast.language)
    sheet = load_prompt("client/profile", cast.language).render(
        profile=list_fields(profile, cast.language),
        attitude=plan.attitude,
        style=plan.style,
        ending=plan.ending,
    )
    thread = [
        Message("system", head.render()),
        Message("system", sheet),
        *build_thread(cast, plan, transcript, danger_since=1 if profile.risk else danger_since),
    ]
    said = await cast.say("client", head.hash, thread)
    return Utterance("client", said.text, said.reasoning, said.call)


def build_thread(
    cast: Cast, plan: SessionPlan, transcript: Sequence[Utterance], *, danger_since: int | None
) -> Iterator[Message]:
    """Yield the session as the client lives it: the counselor's lines, then notes on pace and ending, which stay.

    A client at risk is not told how to end: the crisis talk decides that. A note given before the sign stays.
    """
    last = ending_exchange(plan)
    may_end = danger_since is None or danger_since >= last
    yield Message("user", load_prompt("client/opening", cast.language).render())
    exchange = 1
    for line in transcript:
        if line.speaker == "client":
            yield Message("assistant", line.text)
            continue
        yield Message("user", line.text)
        exchange += 1
        pace = draw_pace(plan.seed, "client", exchange, CLIENT[plan.style])
        if exchange == last and may_end:
            note = load_prompt("client/ending", cast.language)
            yield Message("user", note.render(ending=plan.ending))
        elif pace:
            yield Message("user", load_prompt("client/pace", cast.language).render(pace=pace))


def ending_exchange(plan: SessionPlan) -> int:
    """Return the exchange in which the client is told that the end is near: the last one for who walks out."""
    return plan.exchanges if plan.ending == "leaves_early" else plan.exchanges - 1

"""The counselor: hears the client, remembers, and answers in plain speech with its reasoning beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agents.cast import Cast
from agents.message import Message
from agents.pace import COUNSELOR, draw_pace
from agents.prompt import load_prompt
from agents.transcript import Utterance


@dataclass(frozen=True, slots=True)
class Whisper:
    """A note of the supervision to the counselor: it follows the client's line of its exchange and stays there."""

    exchange: int
    text: str


async def reply(
    cast: Cast,
    approach: str,
    transcript: Sequence[Utterance],
    whispers: Sequence[Whisper],
    stage: str,
    mend: str | None = None,
) -> Utterance:
    """Answer the client's last line; `mend` is what a rewrite must do better.

    Nothing but the transcript, the whispers and the approach reaches the counselor: it has no way to the profile.
    """
    head = load_prompt("counselor/head", cast.language)
    thread = [
        *cast.open_thread(head.render(approach=approach)),
        *build_thread(cast, transcript, whispers),
    ]
    if mend:
        thread.append(Message("user", mend))
    said = await cast.say("counselor", head.hash, thread)
    return Utterance("counselor", said.text, said.reasoning, said.call, stage)


def build_thread(cast: Cast, transcript: Sequence[Utterance], whispers: Sequence[Whisper]) -> Iterator[Message]:
    """Yield the session as the counselor lives it: append-only, so that its prefix is served from a cache."""
    exchange = 0
    for line in transcript:
        if line.speaker == "counselor":
            yield Message("assistant", line.text)
            continue
        exchange += 1
        yield Message("user", line.text)
        for whisper in whispers:
            if whisper.exchange == exchange:
                yield Message("user", whisper.text)
        pace = draw_pace(cast.seed, "counselor", exchange, COUNSELOR)
        if pace and exchange > 1:
            yield Message("user", load_prompt("counselor/pace", cast.language).render(pace=pace))


def word_rewrite(cast: Cast, draft: str, reasons: Sequence[str]) -> str:
    """Return the note that sends a draft back with the reasons."""
    return load_prompt("counselor/rewrite", cast.language).render(draft=draft, reasons=list(reasons))

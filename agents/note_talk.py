"""A note becomes a talk: a draft in three parts, client and counselor who know the note unequally, and an editor."""

from collections.abc import Sequence
from typing import Literal, get_args

from agents.cast import Cast
from agents.checks.crisis import asks_directly
from agents.checks.lexicon import language_of
from agents.counselor import Whisper, build_thread
from agents.keywords import Keyword, cut_sentences, simplify
from agents.message import Message
from agents.prompt import load_prompt
from agents.risk import find_risk_words
from agents.script import Script, ScriptLine, find_script_fault
from agents.sized_script import shape_script, write_sized
from agents.transcript import LABELS, Language, Utterance

Part = Literal["symptoms", "history", "conclusion"]
PARTS: tuple[Part, ...] = get_args(Part)
"""The order in which a draft brings a note up: what is felt, how it came, what has been looked at and done."""
FEWEST_EXCHANGES, MOST_EXCHANGES = 3, 50
"""The upper one is the published cap; the lower one is our own, an exchange for each part."""
MOST_POLISHED = 75
"""150 utterances, the upper end of what the published editor is asked for."""


SHORTEST_NOTE: dict[Language, int] = {"zh": 40, "en": 25}
"""Characters of a Chinese note, words of an English one, below which there is nothing to talk about; own choice."""

Written = tuple[list[Utterance], int | None]
"""A whole talk, and the number of the call that wrote it where one did."""


class DraftLine(ScriptLine):
    """A line of the draft with the part it belongs to."""

    part: Part


def find_note_fault(note: str) -> str | None:
    """Return why a note cannot be talked about, or None."""
    language = language_of(note)
    plain, least = simplify(note, language), SHORTEST_NOTE[language]
    length = len(plain) if language == "zh" else len(plain.split())
    return f"a note of length {length}; {least} is needed" if length < least else None


def find_cap(note: str, keywords: Sequence[Keyword]) -> int:
    """Return the exchanges of a talk at most: min(50, max(sentences, keywords)), and room for the three parts."""
    return max(FEWEST_EXCHANGES, min(MOST_EXCHANGES, max(len(cut_sentences(note)), len(keywords))))


async def write_draft(cast: Cast, note: str, keywords: Sequence[Keyword], most: int) -> tuple[list[Utterance], int]:
    """Ask for a draft that brings up every keyword, part by part; its lines carry their part as their stage."""
    head, ask = load_prompt("notechat/draft", cast.language), load_prompt("notechat/draft_ask", cast.language)
    asked = Message("user", ask.render(keywords=list_words(keywords), exchanges=most))
    thread = [*cast.open_thread(head.render()), show_note(cast, note), asked]

    def find_fault(script: Script) -> str | None:
        return find_script_fault(script.turns, 1, most) or find_order_fault(script.turns)

    script, call = await cast.fill("planner", head.hash, thread, shape_script(1, most, DraftLine), find_fault)
    lines = [line for line in script.turns if isinstance(line, DraftLine)]
    return [Utterance(line.speaker, line.text.strip(), call=call, stage=line.part) for line in lines], call


def find_order_fault(turns: Sequence[ScriptLine]) -> str | None:
    """Return why the parts of a draft are not in their order, or None."""
    parts = [line.part for line in turns if isinstance(line, DraftLine)]
    if parts != sorted(parts, key=PARTS.index):
        return f"turns: the parts must come in the order {', '.join(PARTS)}, none gone back to"
    return None


async def answer_as_client(cast: Cast, note: str, talk: Sequence[Utterance]) -> Utterance:
    """Say the client's next line from the whole note, in the words of a person who is no doctor."""
    head, opening = load_prompt("notechat/client", cast.language), load_prompt("client/opening", cast.language)
    thread = [Message("system", head.render(note=join_note(note))), Message("user", opening.render())]
    thread += [Message("assistant" if line.speaker == "client" else "user", line.text) for line in talk]
    said = await cast.say("client", head.hash, thread)
    return Utterance("client", said.text, said.reasoning, said.call)


async def ask_as_counselor(cast: Cast, note: str, talk: Sequence[Utterance], whispers: Sequence[Whisper]) -> Utterance:
    """Say the counselor's next line: it knows the note, and may say nothing of it that the client has not said."""
    head = load_prompt("notechat/counselor", cast.language)
    known = f"{head.render()}\n\n{show_note(cast, note).content}"
    said = await cast.say("counselor", head.hash, [Message("system", known), *build_thread(cast, talk, whispers)])
    return Utterance("counselor", said.text, said.reasoning, said.call)


async def polish(
    cast: Cast, note: str, keywords: Sequence[Keyword], talk: Sequence[Utterance]
) -> tuple[list[Utterance], int]:
    """Ask the editor for the whole talk anew, at least as long, with every keyword in it."""
    head, ask = load_prompt("notechat/editor", cast.language), load_prompt("notechat/editor_ask", cast.language)
    labels, fewest = LABELS[cast.language], len(talk) // 2
    spoken = [labels[line.speaker] + " ".join(line.text.split()) for line in talk]
    most = min(MOST_POLISHED, 2 * fewest)
    asked = ask.render(talk=spoken, keywords=list_words(keywords), fewest=fewest, most=most)
    thread = [*cast.open_thread(head.render()), show_note(cast, note), Message("user", asked)]
    lines, call = await write_sized(cast, "editor", head.hash, thread, fewest, max(fewest, most))
    return [Utterance(line.speaker, line.text.strip(), call=call) for line in lines], call


async def write_at_once(cast: Cast, note: str, most: int) -> Written:
    """Ask for the whole talk in one call, from the note alone: the baseline."""
    head, ask = load_prompt("notechat/writer", cast.language), load_prompt("notechat/writer_ask", cast.language)
    asked = Message("user", ask.render(exchanges=most))
    thread = [*cast.open_thread(head.render()), show_note(cast, note), asked]
    lines, call = await write_sized(cast, "writer", head.hash, thread, 1, most)
    return [Utterance(line.speaker, line.text.strip(), call=call) for line in lines], call


def find_last_sign(talk: Sequence[Utterance], language: Language) -> int | None:
    """Return the last exchange in which the client gave a sign of danger or the counselor asked about one, or None."""
    signs = [
        number // 2 + 1
        for number, line in enumerate(talk)
        if (find_risk_words(line.text, language) if line.speaker == "client" else asks_directly(line.text))
    ]
    return signs[-1] if signs else None


def word_lead(cast: Cast, keywords: Sequence[Keyword]) -> str:
    """Return the note to the counselor on where to ask next; without keywords it says that it may come to rest."""
    return load_prompt("notechat/lead", cast.language).render(keywords=list_words(keywords))


def show_note(cast: Cast, note: str) -> Message:
    """Return the note as everybody but client and planner is shown it."""
    return Message("user", load_prompt("notechat/note", cast.language).render(note=join_note(note)))


def list_words(keywords: Sequence[Keyword]) -> list[tuple[str, str]]:
    """Return (words of the note, words of the person) of each keyword."""
    return [(keyword.quote, keyword.plain) for keyword in keywords]


def join_note(note: str) -> str:
    """Return a note in one line."""
    return " ".join(note.split())

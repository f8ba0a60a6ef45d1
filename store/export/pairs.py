"""Finds pairs of a better and a worse reply: drafts that were rewritten, lines that people edited, talks preferred."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from store.export.about import About, unpack
from store.export.draw import Drawn
from store.export.reading import asking
from store.export.rows import TalkRow, read_found
from store.export.talk import THINK, Message
from store.mix import SPLITS

DRAFTS = asking(
    "SELECT a.dialogue_id, a.exchange, a.attempt, k.content FROM attempts a JOIN dialogues d ON d.id = a.dialogue_id"
    " JOIN calls k ON k.run_id = d.run_id AND k.position = d.position AND k.number = a.call_number"
    " WHERE a.dialogue_id IN :ids AND NOT a.is_chosen ORDER BY a.dialogue_id, a.exchange, a.attempt"
)
STANDING_LINE = (
    "r.id NOT IN (SELECT u.undoes FROM reviews u WHERE u.dialogue_id = r.dialogue_id AND u.undoes IS NOT NULL)"
)
EDITS = asking(
    "SELECT e.dialogue_id, e.number, e.before FROM edits e JOIN reviews r ON r.id = e.review_id"
    f" WHERE e.dialogue_id IN :ids AND r.verdict = 'edit' AND {STANDING_LINE} ORDER BY e.review_id"
)
PREFERRED = asking(
    "SELECT DISTINCT r.dialogue_id, r.other_id FROM reviews r WHERE r.dialogue_id IN :ids AND r.verdict = 'prefer'"
    f" AND r.other_id IS NOT NULL AND {STANDING_LINE} ORDER BY r.dialogue_id, r.other_id"
)
FIRST_NUMBERS = asking("SELECT dialogue_id, min(number) FROM utterances WHERE dialogue_id IN :ids GROUP BY dialogue_id")


@dataclass(frozen=True, slots=True)
class PairRow:
    """Two replies to the same talk so far; `via` says who told the better one: critic, edit or preferred."""

    about: About
    prompt: list[Message]
    chosen: Message
    rejected: Message
    via: str


def read_pairs(db: Connection, drawn: Drawn, split: str) -> Iterator[PairRow]:
    """Yield the pairs of a split."""
    for batch in read_found(db, drawn, split):
        ids = [one.about.id for one in batch]
        drafts, edits = group(db.execute(DRAFTS, {"ids": ids})), group(db.execute(EDITS, {"ids": ids}))
        preferred = group(db.execute(PREFERRED, {"ids": ids}))
        for one in batch:
            id, number = one.about.id, 0
            found = [*pair_drafts(one, drafts.get(id, [])), *pair_edits(one, edits.get(id, []))]
            found += pair_talks(drawn, split, one, preferred.get(id, []))
            for prompt, chosen, said, via in found:
                rejected = Message("assistant", said.strip())
                if is_fit(chosen, rejected):
                    number += 1
                    yield PairRow(name_pair(one, number, [*prompt, chosen, rejected]), prompt, chosen, rejected, via)


Pair = tuple[list[Message], Message, str, str]


def group(rows: Any) -> dict[str, list[Any]]:
    """Return rows by the dialogue they hang on."""
    grouped: dict[str, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row[0], []).append(row)
    return grouped


def cut_at(messages: Sequence[Message], exchange: int) -> tuple[list[Message], Message] | None:
    """Return the talk before the reply of an exchange from 1, and the reply; no thoughts are carried in it."""
    places = [place for place, message in enumerate(messages) if message.role == "assistant"]
    if not 1 <= exchange <= len(places):
        return None
    place = places[exchange - 1]
    plain = [Message(message.role, message.content) for message in messages[: place + 1]]
    return plain[:-1], plain[-1]


def pair_drafts(one: TalkRow, drafts: Sequence[Any]) -> Iterator[Pair]:
    """Yield what was said with each draft that the checks or the critic sent back."""
    for _, exchange, _, content in drafts:
        if (cut := cut_at(one.messages, exchange)) is not None:
            yield *cut, content, "critic"


def pair_edits(one: TalkRow, edits: Sequence[Any]) -> Iterator[Pair]:
    """Yield each reply that a person edited with the words it first had."""
    first: dict[int, str] = {}
    for _, number, before in edits:
        first.setdefault(number, before)
    for number, before in sorted(first.items()):
        # Speakers take turns from the client on, so utterance 1 is the reply of exchange 1.
        if number % 2 and (cut := cut_at(one.messages, (number + 1) // 2)) is not None:
            yield *cut, before, "edit"


def pair_talks(drawn: Drawn, split: str, one: TalkRow, preferred: Sequence[Any]) -> Iterator[Pair]:
    """Yield the replies at which a preferred talk and the other one part, where both were drawn for this split."""
    for _, other in preferred:
        here = "SELECT n FROM slips WHERE id = ? AND split = ? AND gone = 0"
        found = [n for (n,) in drawn.scratch.ask(here, other, SPLITS.index(split))]
        if not found:
            continue
        _, rival = unpack(drawn.scratch.read_bodies(found)[found[0]])
        for place, (mine, its) in enumerate(zip(one.messages, rival, strict=False)):
            if mine.content != its.content:
                if mine.role == "assistant":
                    plain = [Message(message.role, message.content) for message in one.messages[:place]]
                    yield plain, Message("assistant", mine.content), its.content, "preferred"
                break


def is_fit(chosen: Message, rejected: Message) -> bool:
    """Whether two replies differ and both can be read."""
    said = rejected.content
    return bool(said) and said != chosen.content and THINK.search(said) is None


def name_pair(one: TalkRow, number: int, messages: Sequence[Message]) -> About:
    """Return what is told of a pair."""
    exchanges = sum(message.role == "user" for message in messages)
    characters = sum(len(message.content) for message in messages)
    return replace(one.about, id=f"{one.about.id}#{number}", exchanges=exchanges, characters=characters)

"""Gathers what a mix may be drawn from: every stored talk and every row of its files passes the filters by itself."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from store.bands import hash_exact
from store.decontamination import Evaluation, find_overlap, load_evaluation
from store.export.about import pack, tell_general, tell_stored
from store.export.checks import current_checks
from store.export.general import read_source
from store.export.grounds import (
    BEFORE_WORDS,
    choose_split,
    find_ground,
    group_of,
    hash_parts,
    takes_judged,
    takes_row,
)
from store.export.near import BandFile
from store.export.reading import (
    Head,
    Root,
    find_root,
    read_findings,
    read_lines,
    read_models,
    read_paired,
    read_scores,
    read_served,
    read_systems,
    read_thoughts,
    scan_heads,
)
from store.export.scratch import Scratch, Slip
from store.export.talk import (
    Message,
    Said,
    StoredLine,
    Unfit,
    find_opening,
    gather_said,
    shape_talk,
)
from store.mix import SPLITS, Mix, Source, list_splits

STEPS = (*BEFORE_WORDS, "shape", "length", "decontamination")
"""The filters of a row alone; those after them look at several rows."""
BATCH = 500
CELL = "\x1f"
"""Between the emotion and the scene of a cell."""

Kept = tuple[Slip, str, bytes]
"""A row that may be drawn: its slip, what it says, and all of it packed."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A talk that passed all filters on its row, with the place of the source that takes it."""

    head: Head
    root: Root
    source: int


class Gathering:
    """Gathers the slips of a mix; counts at each filter what stays behind."""

    def __init__(self, mix: Mix, folder: Path) -> None:
        self.mix = mix
        self.scratch = Scratch(folder)
        self.gone: dict[str, Counter[str]] = {name: Counter() for name in STEPS}
        self.seen = 0
        self._checks = current_checks()
        self._evaluation: Evaluation | None = None
        if mix.decontamination:
            self._evaluation = load_evaluation([Path(name) for name in mix.decontamination])
        self.bands = BandFile(folder / "bands") if mix.dedup == "near" or len(list_splits(mix)) > 1 else None
        self._roots: dict[str, Any] = {}

    def gather_store(self, db: Connection) -> None:
        """Add the talks of the store."""
        sources = [(place, source) for place, source in enumerate(self.mix.sources) if source.store is not None]
        if not sources:
            return
        for batch in scan_heads(db):
            self.seen += len(batch)
            if self.mix.kind == "preferences":
                paired = read_paired(db, [row.id for row in batch])
                self.gone["asked for"]["no pair of replies"] += len(batch) - len(paired)
                batch = [row for row in batch if row.id in paired]
            if len(self._roots) > 10_000:
                self._roots.clear()
            self._add_talks(db, [taken for row in batch if (taken := self._take(db, row, sources)) is not None])

    def gather_files(self) -> None:
        """Add the rows of the files; of the filters before their words the licence alone asks anything of them."""
        for place, source in enumerate(self.mix.sources):
            unfit: Counter[str] = Counter()
            held: list[Kept] = []
            for id, messages in read_source(self.mix, source, unfit) if source.files else ():
                self.seen += 1
                if not self.mix.allows(source.licence):
                    self.gone["licence"][str(source.licence)] += 1
                    continue
                group, said = hash_parts("file", id), gather_said(messages)
                slip = self._make_slip(id, place, said, group, None, is_reviewed=False, score=0.0)
                if slip is not None:
                    held.append((slip, said.text, pack(tell_general(source, id, group), said)))
                if len(held) == BATCH:
                    self._keep(held)
                    held = []
            self.seen += unfit.total()
            self.gone["shape"] += unfit
            self._keep(held)

    def _take(self, db: Connection, head: Head, sources: Sequence[tuple[int, Source]]) -> Taken | None:
        asking = [(place, source) for place, source in sources if source.store and takes_row(source.store, head)]
        if not asking:
            self.gone["asked for"]["no source asks for it"] += 1
            return None
        root = find_root(db, head, self._roots)
        grounds = [find_ground(self.mix, source, head, root, self._checks) for _, source in asking]
        for (place, _), ground in zip(asking, grounds, strict=True):
            if ground is None:
                return Taken(head, root, place)
        name, why = next(ground for ground in grounds if ground is not None)
        self.gone[name][why] += 1
        return None

    def _add_talks(self, db: Connection, taken: Sequence[Taken]) -> None:
        if not taken:
            return
        taken, scores = self._ask_judged(db, taken)
        if not taken:
            return
        lines = read_lines(db, [one.head.id for one in taken])
        talks = shape_talks(db, self.mix, lines)
        models = read_served(db, [one.head for one in taken], lines)
        kept: list[Kept] = []
        for one in taken:
            id, messages = one.head.id, talks[one.head.id]
            if isinstance(messages, Unfit):
                self.gone["shape"][str(messages)] += 1
                continue
            said, means = gather_said(messages), scores.get(id, {})
            group = group_of(one.root, self.mix.split.by)
            cell = f"{one.root.emotion}{CELL}{one.root.scene}" if one.root.emotion is not None else None
            slip = self._make_slip(
                id, one.source, said, group, cell,
                is_reviewed=one.head.people == "accept", score=sum(means.values()) / len(means) if means else -1.0,
            )  # fmt: skip
            if slip is not None:
                source = self.mix.sources[one.source]
                about = tell_stored(self.mix, source, one.head, one.root, group, means, models.get(id))
                kept.append((slip, said.text, pack(about, said)))
        self._keep(kept)

    def _ask_judged(self, db: Connection, taken: Sequence[Taken]) -> tuple[list[Taken], dict[str, dict[str, float]]]:
        """Return those that their sources take by model, scores and findings too, and the scores of all."""
        ids = [one.head.id for one in taken]
        asked = [source.store for source in self.mix.sources if source.store is not None]
        scores = read_scores(db, ids)
        rules = read_findings(db, ids) if any(each.without for each in asked) else {}
        models = read_models(db, ids) if any(each.model for each in asked) else {}
        left = []
        for one in taken:
            id, own = one.head.id, self.mix.sources[one.source].store
            assert own is not None
            if takes_judged(own, models.get(id, ""), scores.get(id, {}), rules.get(id, [])):
                left.append(one)
            else:
                other = self._find_other(one, models.get(id, ""), scores.get(id, {}), rules.get(id, []))
                if other is None:
                    self.gone["asked for"]["model, scores or findings"] += 1
                else:
                    left.append(other)
        return left, scores

    def _find_other(self, one: Taken, model: str, scores: dict[str, float], rules: list[str]) -> Taken | None:
        for place, source in enumerate(self.mix.sources):
            asked = source.store
            if place <= one.source or asked is None or not takes_row(asked, one.head):
                continue
            is_free = find_ground(self.mix, source, one.head, one.root, self._checks) is None
            if is_free and takes_judged(asked, model, scores, rules):
                return replace(one, source=place)
        return None

    def _make_slip(
        self, id: str, source: int, said: Said, group: bytes, cell: str | None, *, is_reviewed: bool, score: float
    ) -> Slip | None:
        if said.characters > self.mix.longest:
            self.gone["length"][f"over {self.mix.longest} characters"] += 1
            return None
        if self._evaluation is not None:
            overlap = find_overlap(self._evaluation, [message.content for message in said.messages])
            if overlap is not None:
                self.gone["decontamination"][f"{overlap.file}, {overlap.how}"] += 1
                return None
        key = blake2b(said.packed, digest_size=12, key=self.mix.seed.to_bytes(16, signed=True))
        return Slip(
            0, id, source, key.digest(), hash_exact(said.text), hash_exact(find_opening(said.messages)), group, cell,
            SPLITS.index(choose_split(group, self.mix.split)), int(is_reviewed), score,
        )  # fmt: skip

    def _keep(self, held: Sequence[Kept]) -> None:
        start = self.scratch.count
        slips = [slip._replace(n=start + number) for number, (slip, _, _) in enumerate(held)]
        self.scratch.add(slips, (body for _, _, body in held))
        if self.bands is not None and held:
            self.bands.add(said for _, said, _ in held)


def shape_talks(
    db: Connection, mix: Mix, lines: Mapping[str, Sequence[StoredLine]]
) -> dict[str, list[Message] | Unfit]:
    """Return the messages of some talks as the mix carries them, or why one has none."""
    ids = list(lines)
    thoughts = read_thoughts(db, ids) if mix.reasoning == "normalised" and ids else {}
    systems = read_systems(db, ids) if mix.system == "sent" and ids else {}
    talks: dict[str, list[Message] | Unfit] = {}
    for id in ids:
        try:
            messages = shape_talk(lines[id], thoughts.get(id), mix.reasoning)
        except Unfit as unfit:
            talks[id] = unfit
            continue
        talks[id] = [Message("system", systems[id]), *messages] if systems.get(id, "").strip() else messages
    return talks

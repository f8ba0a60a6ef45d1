"""Gathers what a mix may be drawn from: every stored talk and every row of its files passes the filters by itself."""

from collections import Counter
from collections.abc import Sequence
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
    Root,
    find_root,
    read_findings,
    read_lines,
    read_models,
    read_paired,
    read_scores,
    read_systems,
    read_thoughts,
    scan_heads,
)
from store.export.scratch import Scratch, Slip
from store.export.talk import (
    Message,
    Unfit,
    count_characters,
    find_opening,
    hash_messages,
    join_text,
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

    row: Any
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
                group = hash_parts("file", id)
                slip = self._make_slip(id, place, messages, group, None, is_reviewed=False, score=0.0)
                if slip is not None:
                    held.append((slip, join_text(messages), pack(tell_general(source, id, group), messages)))
                if len(held) == BATCH:
                    self._keep(held)
                    held = []
            self.seen += unfit.total()
            self.gone["shape"] += unfit
            self._keep(held)

    def _take(self, db: Connection, row: Any, sources: Sequence[tuple[int, Source]]) -> Taken | None:
        asking = [(place, source) for place, source in sources if source.store and takes_row(source.store, row)]
        if not asking:
            self.gone["asked for"]["no source asks for it"] += 1
            return None
        root = find_root(db, row, self._roots)
        grounds = [find_ground(self.mix, source, row, root, self._checks) for _, source in asking]
        for (place, _), ground in zip(asking, grounds, strict=True):
            if ground is None:
                return Taken(row, root, place)
        name, why = next(ground for ground in grounds if ground is not None)
        self.gone[name][why] += 1
        return None

    def _add_talks(self, db: Connection, taken: Sequence[Taken]) -> None:
        if not taken:
            return
        taken, scores = self._ask_judged(db, taken)
        talks = read_talks(db, self.mix, [one.row.id for one in taken])
        kept: list[Kept] = []
        for one in taken:
            messages = talks[one.row.id]
            if isinstance(messages, Unfit):
                self.gone["shape"][str(messages)] += 1
                continue
            group = group_of(one.root, self.mix.split.by)
            cell = f"{one.root.emotion}{CELL}{one.root.scene}" if one.root.emotion is not None else None
            means = scores.get(one.row.id, {})
            slip = self._make_slip(
                one.row.id, one.source, messages, group, cell,
                is_reviewed=one.row.people == "accept", score=sum(means.values()) / len(means) if means else -1.0,
            )  # fmt: skip
            if slip is not None:
                about = tell_stored(self.mix, self.mix.sources[one.source], one.row, one.root, group, means)
                kept.append((slip, join_text(messages), pack(about, messages)))
        self._keep(kept)

    def _ask_judged(self, db: Connection, taken: Sequence[Taken]) -> tuple[list[Taken], dict[str, dict[str, float]]]:
        """Return those that their sources take by model, scores and findings too, and the scores of all."""
        ids = [one.row.id for one in taken]
        asked = [source.store for source in self.mix.sources if source.store is not None]
        scores = read_scores(db, ids)
        rules = read_findings(db, ids) if any(each.without for each in asked) else {}
        models = read_models(db, ids) if any(each.model for each in asked) else {}
        left = []
        for one in taken:
            id, own = one.row.id, self.mix.sources[one.source].store
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
            if place <= one.source or asked is None or not takes_row(asked, one.row):
                continue
            is_free = find_ground(self.mix, source, one.row, one.root, self._checks) is None
            if is_free and takes_judged(asked, model, scores, rules):
                return replace(one, source=place)
        return None

    def _make_slip(
        self, id: str, source: int, messages: Sequence[Message], group: bytes, cell: str | None, *, is_reviewed: bool,
        score: float,
    ) -> Slip | None:  # fmt: skip
        if count_characters(messages) > self.mix.longest:
            self.gone["length"][f"over {self.mix.longest} characters"] += 1
            return None
        said = join_text(messages)
        if self._evaluation is not None:
            overlap = find_overlap(self._evaluation, [message.content for message in messages])
            if overlap is not None:
                self.gone["decontamination"][f"{overlap.file}, {overlap.how}"] += 1
                return None
        key = blake2b(hash_messages(messages), digest_size=12, key=self.mix.seed.to_bytes(16, signed=True))
        return Slip(
            0, id, source, key.digest(), hash_exact(said), hash_exact(find_opening(messages)), group, cell,
            SPLITS.index(choose_split(group, self.mix.split)), int(is_reviewed), score,
        )  # fmt: skip

    def _keep(self, held: Sequence[Kept]) -> None:
        start = self.scratch.count
        slips = [slip._replace(n=start + number) for number, (slip, _, _) in enumerate(held)]
        self.scratch.add(slips, (body for _, _, body in held))
        if self.bands is not None and held:
            self.bands.add(said for _, said, _ in held)


def read_talks(db: Connection, mix: Mix, ids: Sequence[str]) -> dict[str, list[Message] | Unfit]:
    """Return the messages of some talks as the mix carries them, or why one has none."""
    if not ids:
        return {}
    lines = read_lines(db, ids)
    thoughts = read_thoughts(db, ids) if mix.reasoning == "normalised" else {}
    systems = read_systems(db, ids) if mix.system == "sent" else {}
    talks: dict[str, list[Message] | Unfit] = {}
    for id in ids:
        try:
            messages = shape_talk(lines[id], thoughts.get(id), mix.reasoning)
        except Unfit as unfit:
            talks[id] = unfit
            continue
        talks[id] = [Message("system", systems[id]), *messages] if systems.get(id, "").strip() else messages
    return talks

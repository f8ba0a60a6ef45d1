"""Gathers what a mix may be drawn from: every stored talk and every row of its files passes the filters by itself."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from store.export.about import pack_about, tell_general, tell_stored
from store.export.checks import current_checks
from store.export.crew import count_workers, look_over
from store.export.general import read_source
from store.export.grounds import BEFORE_WORDS, find_ground, group_of, hash_parts, takes_judged, takes_row
from store.export.near import BandFile
from store.export.reading import (
    Head,
    Root,
    count_talks,
    find_family,
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
from store.export.scratch import Scratch
from store.export.words import STEPS as BY_WORDS
from store.export.words import Gone, Looked, Row, needs_bands
from store.mix import Mix, Source

STEPS = (*BEFORE_WORDS, *BY_WORDS)
"""The filters of a row alone; those after them look at several rows."""
BATCH = 500
CELL = "\x1f"
"""Between the emotion and the scene of a cell."""


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
        self.bands = BandFile(folder / "bands") if needs_bands(mix) else None
        self._roots: dict[str, Any] = {}

    def gather(self, db: Connection) -> None:
        """Add the talks of the store and the rows of the files."""
        for looked in look_over(self.mix, self._list_rows(db), count_workers(count_talks(db))):
            self._keep(looked)

    def _list_rows(self, db: Connection) -> Iterator[Sequence[Row]]:
        """Yield the rows whose words are to be looked at, some hundred at a time."""
        sources = [(place, source) for place, source in enumerate(self.mix.sources) if source.store is not None]
        for batch in scan_heads(db) if sources else ():
            yield self._list_talks(db, batch, sources)
        for place, source in enumerate(self.mix.sources):
            if source.files:
                yield from self._list_general(place, source)

    def _list_talks(self, db: Connection, batch: list[Head], sources: Sequence[tuple[int, Source]]) -> list[Row]:
        """Return the stored talks of a batch that pass the filters on their rows, with their words."""
        self.seen += len(batch)
        if self.mix.kind == "preferences":
            paired = read_paired(db, [head.id for head in batch])
            self.gone["asked for"]["no pair of replies"] += len(batch) - len(paired)
            batch = [head for head in batch if head.id in paired]
        if len(self._roots) > 10_000:
            self._roots.clear()
        taken = [one for head in batch if (one := self._take(db, head, sources)) is not None]
        taken, scores = self._ask_judged(db, taken) if taken else ([], {})
        return self._add_words(db, taken, scores) if taken else []

    def _add_words(self, db: Connection, taken: Sequence[Taken], scores: dict[str, dict[str, float]]) -> list[Row]:
        ids = [one.head.id for one in taken]
        lines = read_lines(db, ids)
        thoughts = read_thoughts(db, ids) if self.mix.reasoning == "normalised" else {}
        systems = read_systems(db, ids) if self.mix.system == "sent" else {}
        models = read_served(db, [one.head for one in taken], lines)
        rows = []
        for one in taken:
            id, root, source = one.head.id, one.root, self.mix.sources[one.source]
            group, means = group_of(root, self.mix.split.by), scores.get(id, {})
            about = tell_stored(self.mix, source, one.head, root, group, means, models.get(id))
            cell = f"{root.emotion}{CELL}{root.scene}" if root.emotion is not None else None
            is_reviewed, score = one.head.people == "accept", sum(means.values()) / len(means) if means else -1.0
            words = (lines[id], thoughts.get(id), systems.get(id, ""))
            family = find_family(db, one.head, self._roots)
            rows.append(Row(id, family, one.source, group, cell, is_reviewed, score, pack_about(about), *words))
        return rows

    def _list_general(self, place: int, source: Source) -> Iterator[list[Row]]:
        """Yield the rows of a source's files; of the filters before their words the licence alone is for them."""
        unfit: Counter[str] = Counter()
        rows: list[Row] = []
        for id, messages in read_source(self.mix, source, unfit):
            self.seen += 1
            if not self.mix.allows(source.licence):
                self.gone["licence"][str(source.licence)] += 1
                continue
            group = hash_parts("file", id)
            about = pack_about(tell_general(source, id, group))
            rows.append(Row(id, id, place, group, None, False, 0.0, about, messages=messages))
            if len(rows) == BATCH:
                yield rows
                rows = []
        self.seen += unfit.total()
        self.gone["shape"] += unfit
        yield rows

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

    def _keep(self, looked: Looked) -> None:
        kept = []
        for one in looked:
            if isinstance(one, Gone):
                self.gone[one.step][one.why] += 1
            else:
                kept.append(one)
        self.scratch.add([one.slip for one in kept], (one.body for one in kept))
        if self.bands is not None:
            for one in kept:
                self.bands.add(one.bands)

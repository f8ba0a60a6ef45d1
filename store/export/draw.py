"""Draws the rows of a mix: filter by filter from all that is stored, with the count and the grounds at each."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from store.export.about import unpack
from store.export.gather import STEPS, Gathering
from store.export.near import BandFile, find_near
from store.export.scratch import BEST_FIRST, Scratch, Step
from store.export.talk import join_text
from store.formats.carriers.choose import choose_carrier
from store.mix import Mix, list_splits, name_files


@dataclass(slots=True)
class Drawn:
    """What was drawn: the slips that are left, and the funnel that led to them."""

    mix: Mix
    scratch: Scratch
    funnel: list[Step]
    notes: list[str]
    seen: int


def draw(db: Connection, mix: Mix, folder: Path) -> Drawn:
    """Return what a mix takes from the store and its files; `folder` holds what is known on the way.

    Raises InputError where a file of the mix is missing or broken.
    """
    for path in name_files(mix.sources):
        choose_carrier(path)
    gathering = Gathering(mix, folder)
    gathering.gather(db)
    funnel, left = [], gathering.seen
    for name in STEPS:
        left -= gathering.gone[name].total()
        funnel.append(Step(name, left, gathering.gone[name]))
    drawn = Drawn(mix, gathering.scratch, funnel, [], gathering.seen)
    thin_out(drawn, gathering.bands)
    share_out(drawn)
    return drawn


def note(drawn: Drawn, name: str, gone: Counter[str]) -> None:
    """Add a step to the funnel."""
    drawn.funnel.append(Step(name, drawn.scratch.left(), +gone))


def thin_out(drawn: Drawn, banded: BandFile | None) -> None:
    """Drop what repeats other rows, what is near to another split, and what is over a cap."""
    mix, scratch = drawn.mix, drawn.scratch
    if mix.dedup != "none":
        note(drawn, "exact copies", Counter({"says the same as another": scratch.keep_best("exact", 1)}))
    if mix.kind == "talks":
        note(drawn, "runs again", Counter({"another try of the same talk": scratch.keep_best("family", 1)}))
    if banded is not None:
        shared = banded.list_shared(scratch.count)
        banded.close()
        if mix.dedup == "near":
            gone = scratch.drop(list(find_near(rank(scratch, BEST_FIRST), shared, reader(drawn))))
            note(drawn, "near copies", Counter({"says nearly the same as another": gone}))
        if len(list_splits(mix)) > 1:
            splits = np.fromiter((row[0] for row in scratch.ask("SELECT split FROM slips ORDER BY n")), dtype=np.int8)
            order = rank(scratch, f"split, {BEST_FIRST}")
            near = find_near(order, shared, reader(drawn), lambda one, other: bool(splits[one] != splits[other]))
            gone = scratch.drop(list(near))
            note(drawn, "other split", Counter({"nearly the same as a row that is held out": gone}))
    for name, most in (("cell", mix.caps.cell), ("seed", mix.caps.seed), ("opening", mix.caps.opening)):
        if most is not None:
            over = scratch.keep_best(name, most, "cell IS NOT NULL" if name == "cell" else "1")
            note(drawn, f"cap on {name}", Counter({f"over {most} of one {name}": over}))


def rank(scratch: Scratch, order: str) -> Iterator[int]:
    """Yield the numbers of the slips that are left, in an order."""
    numbers = np.fromiter((row[0] for row in scratch.ask(f"SELECT n FROM slips WHERE gone = 0 ORDER BY {order}")), int)
    yield from map(int, numbers)


def reader(drawn: Drawn) -> Callable[[int], str]:
    """Return what reads the words of a slip by its number."""
    return lambda n: join_text(unpack(drawn.scratch.read_bodies([n])[n])[1])


def share_out(drawn: Drawn) -> None:
    """Take of each source its count, or its share by weight of as much as all shares allow."""
    mix, scratch = drawn.mix, drawn.scratch
    held = dict(scratch.ask("SELECT source, count(*) FROM slips WHERE gone = 0 GROUP BY source"))
    wanted = {place: source.count for place, source in enumerate(mix.sources) if source.count is not None}
    weights = {place: source.weight for place, source in enumerate(mix.sources) if source.weight is not None}
    if weights:
        total = sum(weights.values())
        # A hair is added, for a third of three is 0.9999.
        most = min(int(held.get(place, 0) * total / weight + 1e-9) for place, weight in weights.items())
        rows = min(most, mix.rows) if mix.rows is not None else most
        wanted = {place: int(rows * weight / total + 1e-9) for place, weight in weights.items()}
        if mix.rows is not None and most < mix.rows:
            drawn.notes.append(f"{mix.rows} rows are asked for, and the shares of the sources allow {most}")
    over: Counter[str] = Counter()
    for place, most in wanted.items():
        name = mix.sources[place].name
        if mix.sources[place].count is not None and held.get(place, 0) < most:
            drawn.notes.append(f"source {name!r}: {most} rows are asked for, and {held.get(place, 0)} are there")
        over[f"more of {name} than asked for"] = scratch.keep_drawn(place, most)
    if wanted:
        note(drawn, "draw", over)

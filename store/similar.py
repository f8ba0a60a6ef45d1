"""Finds the talks that say something like what a talk says, by the bands that store.near keeps."""

from collections import Counter

from sqlalchemy import Engine, text

from store.bands import VERSION, jaccard, list_runs, normalise
from store.db import explained
from store.near import NearCopy, read_texts, read_wording, share_a_band
from taxonomy.refusal import InputError

MOST_COMPARED = 16
"""Talks whose text is read, those with the most bands in common first."""
MOST_READ = 60_000
"""Characters of a talk that are compared; the longest real one measured has a tenth of it."""
IS_TALK = text("SELECT 1 FROM dialogues WHERE id = :id AND kind = 'talk'")


def find_similar(engine: Engine, dialogue_id: str, most: int = 8) -> list[NearCopy]:
    """Return the talks that share a band with one, the likest first; raises InputError where there is no such talk.

    At most 16 talks of each of 32 bands are looked up, and at most 16 are read.
    """
    with explained(engine), engine.connect() as db:
        if db.execute(IS_TALK, {"id": dialogue_id}).one_or_none() is None:
            raise InputError(f"there is no dialogue {dialogue_id!r}; python -m store.dialogues list names them")
        wording = read_wording([read_texts(db, [dialogue_id])[dialogue_id][:MOST_READ]])
        if not wording.bands:
            return []
        asked = {f"band_{number}": band for number, band in enumerate(wording.bands)}
        shared = Counter(db.execute(share_a_band(len(wording.bands)), asked | {"version": VERSION}).scalars())
        del shared[dialogue_id]
        others = sorted(shared, key=lambda other: (-shared[other], other))[:MOST_COMPARED]
        said = read_texts(db, others) if others else {}
    runs = list_runs(wording.normal)
    found = [NearCopy(other, jaccard(runs, list_runs(normalise(said[other][:MOST_READ])))) for other in others]
    return sorted(found, key=lambda copy: (-copy.share, copy.dialogue_id))[:most]

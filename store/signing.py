"""Gives stored talks that came without them their bands, and finds those among them that nearly repeat an older one."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine, bindparam, text

from store.db import explained, persist
from store.near import NearCopy, Wording, find_near_copy, read_texts, read_wording, save_bands
from store.records import FindingRecord
from store.rows import INSERT_CHILDREN, INSERT_STALE, finding_values

BATCH = 200
"""Talks signed in one transaction: the lock is held for some tenths of a second."""
UNSEEN = text(
    "SELECT id FROM dialogues WHERE id IN :ids AND kind = 'talk' AND outcome = 'done' AND checks IS NULL"
).bindparams(bindparam("ids", expanding=True))
IS_SIGNED = text("SELECT 1 FROM bands WHERE band IN :bands AND dialogue_id = :id LIMIT 1").bindparams(
    bindparam("bands", expanding=True)
)
NEXT_FINDING = text("SELECT coalesce(max(number) + 1, 0) FROM findings WHERE dialogue_id = :id")


def sign_talks(engine: Engine, ids: Sequence[str], word: Callable[[NearCopy], FindingRecord]) -> int:
    """Sign the talks that no check has seen, in this order, and return how many are copies.

    Each is compared with all that is stored and with those before it; `word` makes the finding on one that repeats
    another. Bands and finding are stored together, so that a kill leaves none without the other.
    """
    copies = 0
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        with explained(engine):
            with engine.connect() as db:
                unseen = set(db.execute(UNSEEN, {"ids": part}).scalars())
                said = read_texts(db, [id for id in part if id in unseen]) if unseen else {}
            wordings = {id: read_wording([text]) for id, text in said.items()}
            if wordings:
                copies += persist(lambda wordings=wordings: sign_batch(engine, wordings, word))  # type: ignore[misc]
    return copies


def sign_batch(engine: Engine, wordings: dict[str, Wording], word: Callable[[NearCopy], FindingRecord]) -> int:
    """Sign some talks in one transaction."""
    with engine.connect().execution_options(writes=True) as db, db.begin():
        return sum(sign(db, id, wording, word) for id, wording in wordings.items())


def sign(db: Connection, id: str, wording: Wording, word: Callable[[NearCopy], FindingRecord]) -> bool:
    """Sign a talk; returns whether it repeats another one."""
    if not wording.bands or db.execute(IS_SIGNED, {"bands": wording.bands, "id": id}).one_or_none() is not None:
        return False
    copy = find_near_copy(db, wording)
    if copy is not None:
        number = db.execute(NEXT_FINDING, {"id": id}).scalar_one()
        db.execute(INSERT_CHILDREN["findings"], [finding_values(id, number, word(copy))])
        db.execute(INSERT_STALE, {"dialogue_id": id})
    save_bands(db, id, wording.bands)
    return copy is not None

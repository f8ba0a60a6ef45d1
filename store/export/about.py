"""What is told of a row beside its words, and how both are packed until they are written."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from store.coverage import read_standing
from store.export.grounds import licence_of
from store.export.reading import Head, Root
from store.export.talk import Message
from store.licences import name_licence
from store.mix import Mix, Source


@dataclass(frozen=True, slots=True)
class About:
    """What is told of a row; of general data little is known.

    `seed` names the input, so that nobody splits the set across it by mistake; `provenance` says where its words are
    from.
    """

    id: str
    source: str
    language: str
    licence: str
    seed: str
    recipe: str | None = None
    model: str | None = None
    run_id: int | None = None
    emotion: str | None = None
    scene: str | None = None
    exchanges: int = 0
    characters: int = 0
    scores: dict[str, float] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    standing: str | None = None
    is_reviewed: bool = False
    is_edited: bool = False
    is_rehearsal: bool = False
    risk_tier: str | None = None
    provenance: dict[str, Any] = field(default_factory=dict)


def tell_stored(
    mix: Mix, source: Source, head: Head, root: Root, seed: bytes, scores: dict[str, float], model: str | None
) -> About:
    """Return what is told of a stored talk, which was found to be accepted; findings are read when it is drawn."""
    origin = {
        "kind": root.kind,
        "dataset": root.source,
        "file": root.file,
        "row": root.row,
        "row_id": root.row_id if not root.is_ours else None,
        "parent_id": head.parent_id,
        "checks": head.checks,
    }
    return About(
        id=head.id,
        source=source.name,
        language=head.language,
        licence=name_licence(licence_of(mix, root)),
        seed=seed.hex(),
        recipe=head.recipe,
        model=model,
        run_id=head.run_id,
        emotion=root.emotion,
        scene=root.scene,
        scores=scores,
        standing=read_standing(head),
        is_reviewed=head.people == "accept",
        is_edited=bool(head.is_edited),
        is_rehearsal=bool(head.is_rehearsal),
        risk_tier=head.risk_tier,
        provenance=origin,
    )


def tell_general(source: Source, id: str, seed: bytes) -> About:
    """Return what is told of a row of general data."""
    _, place, row = id.rsplit("/", 2)
    file = source.files[int(place)].rsplit("/", 1)[-1]
    origin = {"kind": "file", "dataset": source.about, "file": file, "row": int(row)}
    licence = name_licence(source.licence)
    return About(id, source.name, str(source.language), licence, seed.hex(), provenance=origin)


def pack_about(about: About) -> bytes:
    """Return what is told of a row as it is kept until it is written."""
    return orjson.dumps(about)


def unpack(body: bytes) -> tuple[dict[str, Any], list[Message]]:
    """Return what is told of a packed row, by name, and its messages."""
    told, told["exchanges"], told["characters"], said = orjson.loads(body)
    return told, list(map(Message._make, said))

"""Tells whether a dialogue or seed holds a text of an evaluation file, so that no model is trained on its own exam."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from store.bands import normalise
from store.formats.dialogues import read_row, read_script, scan_rows
from store.formats.seeds import FIELDS, scan_lines
from store.minhash import Grams, hash_grams
from taxonomy.refusal import InputError
from taxonomy.source import show_path

GRAM = 8
"""The usual 13 loses short texts: one edit in the middle of 24 characters leaves not one of their 13-grams."""
NEAR = 0.4
"""Share of a piece's grams from which it is held: 5 % edits leave 0.5 to 0.7 of them, chance at most 0.3."""
NEAR_SHORT = 0.5
"""The same below twice the shortest length, where stock phrases share up to 0.6."""
SHORTEST = 24
"""Normalised characters of a text: what is shorter is said in any session ("谢谢你的支持和鼓励，我会努力的")."""
SHORTEST_OPENING = 10
"""A question or first line may be so short, if it is held verbatim."""
PIECE = 80
"""A longer text is cut into pieces of about this length, so that a part of it is noticed too."""
LATIN = 2.5
"""All these lengths are those of Chinese; of letters it takes so many times more to say as much."""
OPENINGS = ("title", "prompt", "query", *FIELDS)
"""Names under which an evaluation file keeps its question."""
JSON = (".json", ".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Overlap:
    """The text of an evaluation file that is held, by row from 1; `share` is that of its character 8-grams."""

    file: str
    row: int
    how: Literal["verbatim", "near"]
    share: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Evaluation files as hashes, without their text: the grams of every piece, and where each piece stands."""

    files: tuple[str, ...]
    grams: Grams
    starts: NDArray[np.int64]
    """Where the pieces with each gram begin in `holders`."""
    holders: NDArray[np.int32]
    sizes: NDArray[np.int32]
    """Different grams of each piece."""
    lengths: NDArray[np.int32]
    needed: NDArray[np.float32]
    wholes: Grams
    """The hash of each piece as a whole."""
    places: NDArray[np.int64]
    """The file of each piece, and its row."""
    skipped: int
    """Rows without a text that is long enough to be recognised; nothing protects them."""

    @property
    def bytes_held(self) -> int:
        """Return how much memory it takes."""
        arrays = (
            self.grams,
            self.starts,
            self.holders,
            self.sizes,
            self.lengths,
            self.needed,
            self.wholes,
            self.places,
        )
        return sum(held.nbytes for held in arrays)


@dataclass(frozen=True, slots=True)
class Piece:
    """A text or a part of it, normalised, and the share of its grams that must be met."""

    normal: str
    needed: float


def load_evaluation(paths: Sequence[Path]) -> Evaluation:
    """Read files of JSON Lines, JSON or plain lines; raises InputError for one that holds nothing to recognise."""
    grams, wholes, places = [], array("Q"), array("q")
    sizes, lengths, needed = array("i"), array("i"), array("f")
    skipped = 0
    for file, path in enumerate(paths):
        before = len(sizes)
        for row, texts in read_texts(path):
            pieces = list(cut_row(texts))
            skipped += not pieces
            for piece in pieces:
                grams.append(np.unique(hash_grams(piece.normal, GRAM)))
                wholes.append(hash_whole(piece.normal))
                sizes.append(len(grams[-1]))
                lengths.append(len(piece.normal))
                needed.append(piece.needed)
                places.extend((file, row))
        if len(sizes) == before:
            least = f"a question of {SHORTEST_OPENING} or another text of {SHORTEST} characters"
            raise InputError(f"{show_path(path)}: no row holds {least}; name another file")
    found = np.concatenate(grams) if grams else np.empty(0, dtype=np.uint64)
    order = np.argsort(found, kind="stable")
    keys, starts = np.unique(found[order], return_index=True)
    counts = np.frombuffer(sizes, dtype=np.int32)
    return Evaluation(
        files=tuple(path.name for path in paths),
        grams=keys,
        starts=np.append(starts, len(found)),
        holders=np.repeat(np.arange(len(counts), dtype=np.int32), counts)[order],
        sizes=counts,
        lengths=np.frombuffer(lengths, dtype=np.int32),
        needed=np.frombuffer(needed, dtype=np.float32),
        wholes=np.frombuffer(wholes, dtype=np.uint64),
        places=np.frombuffer(places, dtype=np.int64).reshape(-1, 2),
        skipped=skipped,
    )


def find_overlap(evaluation: Evaluation, lines: Sequence[str]) -> Overlap | None:
    """Return the evaluation text that these lines hold most of, if they hold one; of equals the first."""
    normals = [normal for normal in map(normalise, lines) if normal]
    if not normals or not len(evaluation.grams):
        return None
    asked = np.unique(np.concatenate([hash_grams(normal, GRAM) for normal in normals]))
    places = np.minimum(np.searchsorted(evaluation.grams, asked), len(evaluation.grams) - 1)
    met = places[evaluation.grams[places] == asked]
    if not len(met):
        return None
    runs = [evaluation.holders[evaluation.starts[place] : evaluation.starts[place + 1]] for place in met.tolist()]
    pieces, counts = np.unique(np.concatenate(runs), return_counts=True)
    shares = counts / evaluation.sizes[pieces]
    enough = shares >= evaluation.needed[pieces]
    for share, piece in sorted(zip((-shares[enough]).tolist(), pieces[enough].tolist(), strict=True)):
        is_verbatim = share == -1 and holds_whole(evaluation, piece, normals)
        if is_verbatim or evaluation.needed[piece] < 1:
            file, row = evaluation.places[piece].tolist()
            return Overlap(evaluation.files[file], row, "verbatim" if is_verbatim else "near", -share)
    return None


def holds_whole(evaluation: Evaluation, piece: int, normals: Sequence[str]) -> bool:
    """Tell whether one line holds a piece from its first character to its last."""
    length, whole = int(evaluation.lengths[piece]), int(evaluation.wholes[piece])
    return any(
        hash_whole(normal[start : start + length]) == whole
        for normal in normals
        for start in range(len(normal) - length + 1)
    )


def hash_whole(normal: str) -> int:
    """Return the hash of a text as a whole."""
    return int.from_bytes(blake2b(normal.encode(), digest_size=8).digest())


def read_texts(path: Path) -> Iterator[tuple[int, list[tuple[str, bool]]]]:
    """Yield each row's number and texts, and of each text whether it is the row's question."""
    if path.suffix.lower() not in JSON:
        for _, number, line in scan_lines(path):
            yield number, [(line, True)]
        return
    for number, row in scan_rows(path):
        lines = read_row(row) if isinstance(row, dict) else []
        openings = {lines[0].text} if lines else set()
        if isinstance(row, dict):
            openings |= {row[name] for name in OPENINGS if isinstance(row.get(name), str)}
        yield number, [(text, text in openings) for text in list_strings(row)]


def list_strings(row: object) -> Iterator[str]:
    """Yield every text in a row, whatever its shape; a script in one text is yielded line by line."""
    waiting: list[Any] = [row]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            script = read_script(value)
            yield from (line.text for line in script) if script else (value,)
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def cut_row(texts: Sequence[tuple[str, bool]]) -> Iterator[Piece]:
    """Yield what of a row can be recognised."""
    for text, is_opening in texts:
        normal = normalise(text)
        scale = LATIN if sum(map(str.isascii, normal)) * 2 > len(normal) else 1.0
        if len(normal) < SHORTEST * scale:
            if is_opening and len(normal) >= SHORTEST_OPENING * scale:
                yield Piece(normal, 1.0)
            continue
        parts = max(1, round(len(normal) / (PIECE * scale)))
        edges = [round(part * len(normal) / parts) for part in range(parts + 1)]
        for start, end in pairwise(edges):
            yield Piece(normal[start:end], NEAR_SHORT if end - start < 2 * SHORTEST * scale else NEAR)

"""Finds rows that nearly repeat each other among any number of them, with their bands in a file and not in memory."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from store.bands import BANDS, DIALOGUE
from store.minhash import bands, jaccard, list_grams, signature

CHUNK = 8_192
MOST_COMPARED = 64
"""Rows whose words are read for one, those with the most bands in common first."""
MOST_OF_A_BAND = 256
"""Rows that are remembered under one band: where all say the same, a near copy shares other bands as well."""


def pack_bands(text: str) -> bytes:
    """Return the bands of a text as a BandFile keeps them."""
    return np.array(bands(signature(text)), dtype=np.int64).tobytes()


class BandFile:
    """The bands of rows by their number, in the order in which they were added."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb")

    def add(self, packed: bytes) -> None:
        """Add the bands of a text; the writer gathers them in its buffer."""
        self._file.write(packed)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read_chunks(self) -> Iterator[NDArray[np.int64]]:
        """Yield the bands of some thousand rows at a time, a line each."""
        self._file.flush()
        with self._path.open("rb") as file:
            while data := file.read(CHUNK * BANDS * 8):
                yield np.frombuffer(data, dtype=np.int64).reshape(-1, BANDS)

    def list_shared(self, count: int) -> dict[int, list[int]]:
        """Return the bands of each row that other rows have too; a row that shares none is left out.

        One band of all rows is sorted at a time: eight bytes a row, however many bands there are.
        """
        shared: dict[int, list[int]] = {}
        column = np.empty(count, dtype=np.int64)
        for band in range(BANDS):
            start = 0
            for chunk in self.read_chunks():
                column[start : start + len(chunk)] = chunk[:, band]
                start += len(chunk)
            values, counts = np.unique(column, return_counts=True)
            often = values[counts > 1]
            if not len(often):
                continue
            places = np.minimum(np.searchsorted(often, column), len(often) - 1)
            for row in np.flatnonzero(often[places] == column).tolist():
                shared.setdefault(row, []).append(int(column[row]))
        return shared


def find_near(
    order: Iterable[int],
    shared: dict[int, list[int]],
    read_text: Callable[[int], str],
    are_rivals: Callable[[int, int], bool] = lambda _, __: True,
) -> Iterator[int]:
    """Yield the rows that are near to one that comes before them in the order and stays itself.

    What is yielded is near to what stays, not near by a chain.
    """
    index: dict[int, list[int]] = {}

    @lru_cache(1_000)
    def grams_of(row: int) -> NDArray[np.uint64]:
        return list_grams(read_text(row))

    for row in order:
        mine: Sequence[int] = shared.get(row, ())
        common = Counter(other for band in mine for other in index.get(band, ()) if are_rivals(row, other))
        nearest = sorted(common, key=lambda other: (-common[other], other))[:MOST_COMPARED]
        if any(jaccard(grams_of(other), grams_of(row)) >= DIALOGUE.threshold for other in nearest):
            yield row
            continue
        for band in mine:
            held = index.setdefault(band, [])
            if len(held) < MOST_OF_A_BAND:
                held.append(row)

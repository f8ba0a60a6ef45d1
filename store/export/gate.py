"""Measures how varied a set is, and holds it to the bounds that a release keeps."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from store.bands import DIALOGUE
from store.diversity import Figures, measure
from store.errors import StoreError
from store.export.draw import Drawn
from store.export.write import Written
from store.minhash import Identity, find_pairs

BOUNDS = {
    "near-duplicate pairs": 0.005,
    "10-gram reuse": 0.025,
    "top-20 openings": 0.10,
    "top-20 closings": 0.05,
    "gzip ratio": 2.7,
    "dependency (L10)": 0.05,
    "stock openings (L11)": 0.15,
}
"""The highest that a release may have: between SMILE's figures and CPsyCounD's, which were measured on Chinese text."""
COMPARED = 1_000
"""Rows among which near-duplicate pairs are counted."""
RULES = {"dependency (L10)": "dependency", "stock openings (L11)": "template"}


@dataclass(slots=True)
class Measured:
    """The figures of a set by language, and where the map is empty."""

    figures: dict[str, Figures] = field(default_factory=dict)
    bounded: dict[str, dict[str, float]] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    """The cells of the map without a row, as emotion/scene."""
    cells: int = 0

    def told(self) -> dict[str, Any]:
        """Return the figures as a manifest holds them."""
        return {
            "by_language": {language: round_figures(figures) for language, figures in sorted(self.figures.items())},
            "bounded": {
                language: {name: round(value, 4) for name, value in figures.items()}
                for language, figures in sorted(self.bounded.items())
            },
            "cells": {"with_rows": self.cells, "without": len(self.gaps), "gaps": self.gaps},
        }


def round_figures(figures: Figures) -> dict[str, float | None]:
    """Return figures with four digits."""
    return {name: value if value is None else round(value, 4) for name, value in figures._asdict().items()}


def measure_set(db: Connection, drawn: Drawn, written: Written) -> Measured:
    """Return the figures of what was written, of a sample of a fixed size in each language."""
    from store.matching import read_map

    cells = {(cell.emotion, cell.scene) for cell in read_map().cells}
    held = cells & set(written.cells)
    measured = Measured(gaps=sorted(map("/".join, cells - held)), cells=len(held))
    for language, sample in sorted(written.sample.items()):
        figures = measure(sample, language)
        measured.figures[language] = figures
        bounded = {
            "near-duplicate pairs": near_share(sample),
            "10-gram reuse": figures.ten_gram_reuse,
            "top-20 openings": figures.top_openings,
            "top-20 closings": figures.top_closings,
            "gzip ratio": figures.gzip_ratio,
        }
        found = written.sampled[language]
        bounded |= {name: found[rule] / len(sample) for name, rule in RULES.items()}
        measured.bounded[language] = bounded
    return measured


def near_share(sample: Sequence[Sequence[str]]) -> float:
    """Return near pairs of rows, as a share of the rows compared."""
    texts: dict[Identity, str] = {(number,): "\n".join(turns) for number, turns in enumerate(sample[:COMPARED])}
    return len(list(find_pairs(texts, DIALOGUE))) / max(len(texts), 1)


def check_gate(measured: Measured) -> None:
    """Raise StoreError naming every bound that is broken; the bounds are of Chinese, and English is only told."""
    figures = measured.bounded.get("zh")
    if figures is None:
        raise StoreError("--gate: the bounds are of Chinese, and no Chinese counselling row is in the set")
    broken = [f"{name} {figures[name]:.3g} is over {most:g}" for name, most in BOUNDS.items() if figures[name] > most]
    if broken:
        raise StoreError(f"--gate: {'; '.join(broken)}; nothing was written")

"""Writes the dataset card: what the set is, how it was made and filtered, how varied it is, what it may be used for."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from store.diversity import CPSYCOUND, SMILE, Figures
from store.export.draw import Drawn
from store.export.gate import BOUNDS, Measured
from store.export.manifest import tell_funnel
from store.export.write import Written, count_sources
from store.licences import name_licence

TEMPLATE = Path(__file__).with_name("card.md.j2")
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
LARGEST = "1M<n<10M"
ORDER = ("train", "validation", "test")
SHORT = tuple(name for name in Figures._fields if name not in ("turn_spread", "units", "dialogues"))


@cache
def load_template() -> Any:
    """Return the card's template; a value it asks for and does not get is an error."""
    jinja = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)
    jinja.filters["cell"] = fit_cell
    return jinja.from_string(TEMPLATE.read_text(encoding="utf-8"))


def fit_cell(value: object) -> str:
    """Return a text that somebody else wrote as a cell of a table takes it: on one line, without marks of its own."""
    plain = " ".join(str(value).split())
    return "".join(char if char not in "|<>`[]" else " " for char in plain)[:200]


def write_card(folder: Path, drawn: Drawn, written: Written, measured: Measured) -> None:
    """Write README.md into an export's folder."""
    mix, counts = drawn.mix, written.counts
    splits = [name for name in ORDER if counts["split"][name]]
    licences = sorted(counts["licence"])
    card = load_template().render(
        mix=mix,
        title=mix.title or {"en": mix.name, "zh": mix.name},
        rows=written.rows,
        size=next((name for most, name in SIZES if written.rows < most), LARGEST),
        languages=sorted(counts["language"]),
        splits=[(name, counts["split"][name]) for name in splits],
        files=[(name, f"data/{mix.name}/{name}-*.parquet") for name in splits],
        licences=[(name, counts["licence"][name]) for name in licences],
        licence=licences[0] if len(licences) == 1 else "other",
        own=name_licence(mix.licence),
        sources=count_sources(mix, written),
        funnel=tell_funnel(drawn),
        notes=drawn.notes,
        recipes=sorted((name, count) for name, count in counts["recipe"].items() if name != "-"),
        models=sorted((name, count) for name, count in counts["model"].items() if name != "-"),
        reviewed=counts["is_reviewed"]["yes"],
        edited=counts["is_edited"]["yes"],
        rehearsal=counts["is_rehearsal"]["yes"],
        characters=written.characters,
        tokens=written.tokens,
        found={language: rate_rules(written, language) for language in sorted(written.sampled)},
        sampled={language: len(sample) for language, sample in written.sample.items()},
        figures=[(language, figures._asdict()) for language, figures in sorted(measured.figures.items())],
        baselines=[("CPsyCounD", CPSYCOUND._asdict()), ("SMILECHAT", SMILE._asdict())],
        names=SHORT,
        bounds=BOUNDS,
        bounded=sorted(measured.bounded.items()),
        cells=measured.cells,
        gaps=len(measured.gaps),
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def rate_rules(written: Written, language: str) -> list[tuple[str, float]]:
    """Return the share of the sampled rows in which each rule still finds something, the highest first."""
    total = max(len(written.sample[language]), 1)
    rates = [(rule, count / total) for rule, count in written.sampled[language].items()]
    return sorted(rates, key=lambda rate: (-rate[1], rate[0]))

"""Composes the figures that are tables of measurements: diversity beside its baselines, and cost."""

from typing import NamedTuple

from store.diversity import BUDGET, CPSYCOUND, DIALOGUES, SAMPLE, SMILE, Figures
from store.report.figures import Report, Spoken
from store.report.layout import Figure, Table
from store.report.plots import Bar, draw_bars
from store.report.words import Words

BASELINES = {"CPsyCounD": CPSYCOUND, "SMILE": SMILE}
IN_SHARES = ("ten_gram_reuse", "top_openings", "top_closings")
RISING = ("distinct_2", "distinct_3", "distinct_4", "vendi", "turn_spread")
"""Features that are higher where a set is more varied."""
NEEDED = {"ten_gram_reuse": DIALOGUES, "vendi": SAMPLE}
"""Dialogues that a feature is taken on; the others are taken on an amount of text."""


class DiversityRow(NamedTuple):
    """A diversity figure beside its baselines; it compares where it was taken on as much text."""

    feature: str
    ours: float | None
    baselines: dict[str, float | None]
    compares: bool


def compare_diversity(figures: Figures, language: str) -> list[DiversityRow]:
    """Return the figures of counselor text beside the published sets, which are Chinese."""
    baselines = BASELINES if language == "zh" else {}
    return [
        DiversityRow(
            feature,
            getattr(figures, feature),
            {name: getattr(baseline, feature) for name, baseline in baselines.items()},
            figures.dialogues >= NEEDED[feature] if feature in NEEDED else figures.units >= BUDGET,
        )
        for feature in Figures._fields
        if feature not in ("units", "dialogues")
    ]


def show_diversity(spoken: Spoken, words: Words) -> Figure:
    """Return the diversity of the counselor's words."""
    title, figures = words.say("diversity"), spoken.diversity
    if figures is None:
        return Figure(title, words.say("spoken_none"))
    unit = words.say(f"unit_{spoken.language}")
    rows = compare_diversity(figures, spoken.language)
    notes = [words.say("diversity_language")] if spoken.language != "zh" else []
    if not all(row.compares for row in rows) and spoken.language == "zh":
        notes.append(words.say("diversity_short", units=f"{BUDGET:,}", unit=unit, dialogues=f"{DIALOGUES:,}"))
    told = words.say("diversity_told", units=f"{figures.units:,}", unit=unit, dialogues=f"{figures.dialogues:,}")
    baselines = list(rows[0].baselines)
    head = (words.say("feature"), words.say("ours"), *baselines, words.say("direction"))
    cells = [
        (
            words.feature(row.feature),
            show_measure(row.ours, row.feature) + ("" if row.compares or not row.baselines else " ≠"),
            *(show_measure(row.baselines[name], row.feature) for name in baselines),
            words.say("diversity_better_up" if row.feature in RISING else "diversity_better_down"),
        )
        for row in rows
    ]
    return Figure(title, told, table=Table(head, cells), notes=notes)


def show_measure(value: float | None, feature: str) -> str:
    """Return a diversity figure as the papers write it."""
    if value is None:
        return "–"
    if feature in IN_SHARES:
        return f"{value:.1%}"
    return f"{value:.0f}" if feature == "vendi" else f"{value:.3f}"


def show_cost(report: Report, words: Words) -> Figure:
    """Return what calls cost, and how much of their prompts came from a cache."""
    title, costs = words.say("cost"), report.costs
    if not costs:
        return Figure(title, words.say("cost_none"))
    cacheable = sum(cost.cacheable for cost in costs)
    share = f"{sum(cost.cached for cost in costs) / cacheable:.0%}" if cacheable else None
    told = words.say("cost_told", share=share) if share else words.say("cost_unknown")
    keys = ("purpose", "currency", "price", "calls", "unpriced", "prompt_tokens", "cached_tokens", "completion_tokens")
    rows = [
        (
            words.name(cost.purpose),
            words.name(cost.currency),
            f"{cost.price:,.2f}" if cost.currency != "-" else "–",
            f"{cost.calls:,}",
            f"{cost.unpriced:,}",
            f"{cost.prompt_tokens:,}",
            f"{cost.cache_share:.0%}" if cost.cache_share is not None else "–",
            f"{cost.completion_tokens:,}",
        )
        for cost in costs
    ]
    cached, made = sum(cost.cached for cost in costs), sum(cost.completion_tokens for cost in costs)
    uncached = sum(cost.prompt_tokens for cost in costs) - cached
    parts = (
        ("cached_tokens", "fill", cached),
        ("uncached_tokens", "waiting", uncached),
        ("completion_tokens", "failed", made),
    )
    bars = [Bar(words.say(name), tokens / 1e6, f"{tokens / 1e6:,.2f} M", class_) for name, class_, tokens in parts]
    plot = draw_bars("cost", words, title, told, words.say("axis_tokens"), bars)
    return Figure(title, told, plot, Table([words.say(key) for key in keys], rows), is_open=True)

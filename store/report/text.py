"""Tells a report as text for a shell, with the same figures as the page."""

from collections.abc import Iterable, Iterator, Mapping

from store.report.figures import Lengths, Report, Spoken, Tally
from store.report.layout import Row
from store.report.measures import compare_diversity, show_measure
from store.report.page import list_spent
from store.report.plots import STANDINGS
from store.report.ranges import show_figure, show_range, show_set_row
from store.report.sections import name_ground
from store.report.style import Style
from store.report.svg import WIDE, clean, find_width
from store.report.words import Words

SHOWN = 8
"""Openings and sentences that are told in a shell."""
WORDS = Words("en")


def list_lines(report: Report) -> list[str]:
    """Return the lines of a report."""
    parts = [
        tell_selection(report),
        tell_standings(report),
        tell_coverage(report),
        tell_rubrics(report),
        tell_rules(report),
        tell_course(report),
        tell_costs(report),
        *(tell_spoken(spoken) for spoken in report.spoken),
    ]
    return [line for part in parts for line in (*part, "")]


def align(rows: Iterable[Row], indent: int = 2) -> Iterator[str]:
    """Yield rows as columns that stand under each other; a Chinese letter is two columns wide."""
    cells = [[clean(cell) for cell in row] for row in rows]
    widths = [max(measure(cell) for cell in column) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (cell + " " * (width - measure(cell)) for cell, width in zip(row, widths, strict=True))
        yield (" " * indent + "  ".join(padded)).rstrip()


def measure(text: str) -> int:
    """Return how many columns of a shell a text takes."""
    return len(text) + sum(find_width(letter, 1) == WIDE for letter in text)


def tell_selection(report: Report) -> Iterator[str]:
    """Yield what the figures are of; rehearsal is said first and loudly."""
    selection = report.selection
    if selection.is_rehearsal_only:
        yield f"REHEARSAL ONLY: {WORDS.say('only_rehearsal')}"
    elif selection.rehearsal:
        yield f"WITH REHEARSAL: {WORDS.say('with_rehearsal', count=selection.rehearsal)}"
    if selection.left_out:
        yield WORDS.say("left_out", count=selection.left_out)
    yield WORDS.say("what", dialogues=f"{selection.dialogues:,}", runs=selection.runs)


def tell_standings(report: Report) -> Iterator[str]:
    """Yield outcomes with standings, and standings by recipe and by model."""
    rows = [(outcome, standing, f"{count:,}") for (outcome, standing), count in report.standings.items()]
    yield from align(rows)
    for title, tallies in (("recipe", report.recipes), ("counselor's model", report.models)):
        yield from align([(title, *STANDINGS), *list_tallies(tallies)], 0)
    if report.reasons:
        yield "not simply accepted, by rule or rubric (a dialogue can have several)"
        yield from align(
            (WORDS.name(by), name_ground(by, ground, WORDS), count) for (by, ground), count in report.reasons.items()
        )


def list_tallies(tallies: Mapping[str, Tally]) -> Iterator[Row]:
    """Yield a row for each name: each standing with its share."""
    for name, tally in tallies.items():
        counts = (getattr(tally, standing) for standing in STANDINGS)
        yield f"  {name}", *(f"{count:,} ({count / tally.total:.0%})" for count in counts)


def tell_coverage(report: Report) -> Iterator[str]:
    """Yield how the dialogues lie on the map."""
    cover = report.coverage
    yield (
        f"cells: {cover.planned} planned, {cover.accepted_cells} with an accepted dialogue, {cover.waiting_cells} with "
        f"only waiting ones, {cover.empty_cells} with none; evenness {cover.evenness:.2f}"
    )
    if cover.outside or cover.without_cell:
        yield f"  {cover.outside} dialogues of cells that are not on the map, {cover.without_cell} without a cell"


def tell_rubrics(report: Report) -> Iterator[str]:
    """Yield scores, each version of a rubric and each judge apart."""
    if not report.rubrics:
        yield WORDS.say("rubrics_none")
    for rubric in report.rubrics:
        repeats = f", {rubric.repeats:,} repeats left out" if rubric.repeats else ""
        yield (
            f"rubric {clean(rubric.rubric)} v{rubric.version}, judge {clean(rubric.judge)}: "
            f"{rubric.verdicts:,} verdicts, {rubric.unscored:,} unscored{repeats}"
        )
        rows = [(item.item, f"{item.mean:.2f}", f"{item.median:g}", f"{item.scored:,}") for item in rubric.items]
        yield from align([("item", "mean", "median", "n"), *rows]) if rows else ()


def tell_rules(report: Report) -> Iterator[str]:
    """Yield findings on lines that stand."""
    if not report.rules:
        yield WORDS.say("rules_none")
        return
    yield "findings on lines that stand"
    head = ("rule", "severity", "speaker", "n", "dialogues", "per 100 utterances")
    rows = [
        (
            f"{rule.rule} v{rule.version}",
            rule.severity,
            rule.speaker,
            f"{rule.findings:,}",
            f"{rule.dialogues:,}",
            f"{rule.rate:.3g}" if rule.rate is not None else "-",
        )
        for rule in report.rules
    ]
    yield from align([head, *rows])


def tell_course(report: Report) -> Iterator[str]:
    """Yield stop reasons, errors, and what became of planned endings."""
    for title, counts in (("stopped", report.stops), ("failed", report.errors)):
        if counts:
            yield title
            yield from align((id, f"{count:,}") for id, count in counts.items())
    if report.endings:
        yield "planned ending, and why the session stopped"
        yield from align((ending, stop, f"{count:,}") for (ending, stop), count in report.endings.items())


def tell_costs(report: Report) -> Iterator[str]:
    """Yield what calls cost."""
    if not report.costs:
        yield WORDS.say("cost_none")
        return
    yield f"spent: {list_spent(report) or 'nothing that has a price'}"
    for cost in report.costs:
        share = "cache unknown" if cost.cache_share is None else f"{cost.cache_share:.0%} of prompt tokens cached"
        price = f"{cost.price:,.2f} {cost.currency}, " if cost.unpriced < cost.calls else ""
        yield (
            f"  {WORDS.name(cost.purpose)}: {price}{cost.calls:,} calls ({cost.unpriced:,} unpriced), "
            f"{cost.prompt_tokens:,} + {cost.completion_tokens:,} tokens, {share}"
        )


def tell_spoken(spoken: Spoken) -> Iterator[str]:
    """Yield what is said in one language."""
    name = WORDS.name(spoken.language)
    yield f"{name}, dialogues that ended and are not rejected: {spoken.dialogues:,} (text read of {spoken.read:,})"
    unit = "characters" if spoken.language == "zh" else "words"
    lengths = (("exchanges", spoken.exchanges), ("counselor", spoken.counselor), ("client", spoken.client))
    yield from align(
        (title if title == "exchanges" else f"{title} {unit}", *tell_lengths(told)) for title, told in lengths if told
    )
    yield from tell_style(spoken)
    yield from tell_diversity(spoken)
    for title, found in (("openings", spoken.openings), ("recurring sentences", spoken.sentences)):
        if found:
            yield f"{title} of the counselor, by the share of dialogues that hold them"
            yield from align((f"{each.share:.1%}", each.dialogues, each.text) for each in found[:SHOWN])


def tell_lengths(lengths: Lengths) -> Row:
    """Return the figures of lengths."""
    return f"mean {lengths.mean:.1f}", f"p10 {lengths.low:g}", f"median {lengths.median:g}", f"p90 {lengths.high:g}"


def tell_style(spoken: Spoken) -> Iterator[str]:
    """Yield the style of dialogues beside real ranges."""
    style = spoken.style
    if style is None:
        return
    if style.measured:
        yield from tell_features(style)
    yield "style of the whole set"
    whole = [(WORDS.feature(row.feature), *show_set_row(row)) for row in style.whole]
    yield from align([("feature", "ours", "real", "wanted"), *whole])


def tell_features(style: Style) -> Iterator[str]:
    """Yield the features of dialogues beside their real ranges."""
    yield f"style of {style.measured:,} dialogues of six exchanges or more, beside real p10-p90 (* our own word list)"
    head = ("feature", "median", "p10-p90", *style.rows[0].real, "")
    rows: list[Row] = [
        (
            WORDS.feature(row.feature) + (" *" if row.is_own_list else ""),
            show_figure(row.ours[1], row.kind),
            show_range(row.ours[0], row.ours[2], row.kind),
            *(show_range(low, high, row.kind) for low, _, high in row.real.values()),
            "inside" if row.inside else "OUTSIDE",
        )
        for row in style.rows
        if row.ours
    ]
    yield from align([head, *rows])


def tell_diversity(spoken: Spoken) -> Iterator[str]:
    """Yield the diversity of the counselor's words beside the published sets."""
    figures = spoken.diversity
    if figures is None:
        return
    rows = compare_diversity(figures, spoken.language)
    yield f"diversity of the counselor's words on {figures.units:,} units and {figures.dialogues:,} dialogues"
    if spoken.language == "zh" and not all(row.compares for row in rows):
        yield "  (!= there is less text than in the baselines, so these do not compare)"
    baselines = list(rows[0].baselines)
    told: list[Row] = [
        (
            WORDS.feature(row.feature),
            show_measure(row.ours, row.feature) + (" !=" if row.baselines and not row.compares else ""),
            *(show_measure(row.baselines[name], row.feature) for name in baselines),
        )
        for row in rows
    ]
    yield from align([("feature", "ours", *baselines), *told])

"""Composes the parts of the page: each figure with its words, its plot and the table behind it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from store.repetition import Recurrence
from store.report.figures import Lengths, Report, RuleCount, Spoken, Tally
from store.report.layout import Figure, Part, Table
from store.report.map import draw_map, label
from store.report.measures import show_cost, show_diversity
from store.report.plots import STANDINGS, Bar, draw_bars, draw_histogram, draw_scores, draw_shares
from store.report.ranges import draw_endings, draw_style, show_figure, show_range, show_set_row
from store.report.style import Style
from store.report.words import Words
from taxonomy.schema import Taxonomy

GROUNDS = {"person": "waiting", "standing": "waiting", "reject": "rejected", "recipe": "failed"}
"""The colour of what held a dialogue back."""
SHOWN = 20
"""Bars of a plot; the table behind it holds all."""


def list_parts(report: Report, taxonomy: Taxonomy, words: Words) -> list[Part]:
    """Return the parts of the page in order."""
    parts = [
        Part("overview", words.say("part_overview"), list(show_overview(report, words))),
        Part("map", words.say("part_map"), [show_map(report, taxonomy, words)]),
        Part("quality", words.say("part_quality"), [*show_scores(report, words), show_rules(report.rules, words)]),
        Part("course", words.say("part_course"), list(show_course(report, words))),
    ]
    for spoken in report.spoken:
        title = words.say("part_talk", language=words.name(spoken.language))
        parts.append(Part(f"talk-{len(parts)}", title, list(show_spoken(spoken, words))))
    if not report.spoken:
        parts.append(Part("talk", words.say("style"), [Figure("", words.say("spoken_none"))]))
    return [*parts, Part("cost", words.say("part_cost"), [show_cost(report, words)])]


def show_overview(report: Report, words: Words) -> Iterator[Figure]:
    """Yield outcomes with standings, acceptance by recipe and by model, and why dialogues were held back."""
    rows = [
        (words.name(outcome), words.name(standing), count) for (outcome, standing), count in report.standings.items()
    ]
    yield show_tallies("recipes", words.say("by_recipe"), report.recipes, words)
    yield show_tallies("models", words.say("by_model"), report.models, words)
    yield Figure(
        words.say("standings"),
        "",
        table=Table((words.say("outcome"), words.say("standing"), words.say("dialogues")), rows),
    )
    title, total = words.say("reasons"), report.selection.dialogues
    if not report.reasons:
        yield Figure(title, words.say("reasons_none"))
        return
    bars = [
        Bar(
            f"{name_ground(by, ground, words)} · {words.name(by)}",
            count,
            f"{count:,} ({count / total:.0%})",
            GROUNDS[by],
        )
        for (by, ground), count in report.reasons.items()
    ]
    table = Table(
        (words.say("ground_by"), words.say("reasons"), words.say("dialogues")),
        [(words.name(by), name_ground(by, ground, words), count) for (by, ground), count in report.reasons.items()],
    )
    told = words.say("reasons_told")
    plot = draw_bars("reasons", words, title, told, words.say("axis_dialogues"), bars[:SHOWN])
    yield Figure(title, told, plot, table)


def name_ground(by: str, ground: str, words: Words) -> str:
    """Return a rule or rubric as it is called, and what a standing waits for in words."""
    return words.name(ground) if by == "standing" else ground


def show_tallies(key: str, title: str, tallies: Mapping[str, Tally], words: Words) -> Figure:
    """Return the standings under each name."""
    told = words.say("tally_told")
    shown = {words.name(name) if name == "-" else name: tally for name, tally in tallies.items()}
    head = ("", *(words.name(name) for name in STANDINGS), words.say("dialogues"))
    rows = [(name, *(getattr(tally, each) for each in STANDINGS), tally.total) for name, tally in shown.items()]
    plot = draw_shares(key, words, title, told, dict(list(shown.items())[:SHOWN]))
    return Figure(title, told, plot, Table(head, rows))


def show_map(report: Report, taxonomy: Taxonomy, words: Words) -> Figure:
    """Return the map of cells."""
    coverage, title = report.coverage, words.say("map")
    told = words.say(
        "map_told",
        planned=coverage.planned,
        accepted=coverage.accepted_cells,
        waiting=coverage.waiting_cells,
        empty=coverage.empty_cells,
        evenness=coverage.evenness,
    )
    off = ((coverage.outside, "map_outside"), (coverage.without_cell, "map_without"))
    notes = [words.say(key, count=count) for count, key in off if count]
    head = ("", "", *(words.name(name) for name in STANDINGS))
    rows = [
        (
            label(taxonomy.emotion(emotion), words),
            label(taxonomy.scene(scene), words),
            *(getattr(tally, name) for name in STANDINGS),
        )
        for (emotion, scene), tally in coverage.cells.items()
    ]
    plot = draw_map("map", words, title, told, taxonomy, coverage)
    return Figure(title, told, plot, Table(head, rows), notes, is_wide=True)


def show_scores(report: Report, words: Words) -> Iterator[Figure]:
    """Yield a figure for each version of a rubric and each judge."""
    if not report.rubrics:
        yield Figure(words.say("part_quality"), words.say("rubrics_none"))
    for number, rubric in enumerate(report.rubrics):
        title = words.say("rubric", rubric=rubric.rubric.replace("_", " "), version=rubric.version)
        told = words.say(
            "rubric_told", judge=rubric.judge, verdicts=f"{rubric.verdicts:,}", unscored=f"{rubric.unscored:,}"
        )
        notes = [words.say("rubric_repeats", repeats=f"{rubric.repeats:,}")] if rubric.repeats else []
        if not rubric.items:
            yield Figure(title, told, notes=notes)
            continue
        head = (words.say("item"), words.say("mean"), words.say("median"), "n")
        rows = [(item.item, f"{item.mean:.2f}", f"{item.median:g}", item.scored) for item in rubric.items]
        plot = draw_scores(f"rubric-{number}", words, title, told, rubric)
        key = [words.say("rubric_key")] if number == 0 else []
        yield Figure(title, told, plot, Table(head, rows), [*notes, *key])


def show_rules(rules: Sequence[RuleCount], words: Words) -> Figure:
    """Return the findings by rule."""
    title = words.say("rules")
    if not rules:
        return Figure(title, words.say("rules_none"))
    bars = [
        Bar(
            f"{rule.rule} · {words.name(rule.speaker)}",
            rule.rate or 0.0,
            f"{rule.rate or 0:.2g} ({rule.findings:,})",
            "rejected" if rule.severity == "reject" else "waiting",
        )
        for rule in sorted(rules, key=lambda rule: -(rule.rate or 0.0))
    ]
    head = (
        "",
        "v",
        *(words.say(key) for key in ("severity", "speaker")),
        "n",
        words.say("dialogues"),
        words.say("rate"),
    )
    rows = [
        (
            rule.rule,
            rule.version,
            words.name(rule.severity),
            words.name(rule.speaker),
            rule.findings,
            rule.dialogues,
            f"{rule.rate:.3g}" if rule.rate is not None else "–",
        )
        for rule in rules
    ]
    told = words.say("rules_told")
    legend = [("rejected", words.name("reject")), ("waiting", words.name("flag"))]
    plot = draw_bars("rules", words, title, told, words.say("axis_rate"), bars[:SHOWN], legend)
    return Figure(title, told, plot, Table(head, rows))


def show_course(report: Report, words: Words) -> Iterator[Figure]:
    """Yield stop reasons, errors, and what became of planned endings."""
    for key, counts, class_ in (("stops", report.stops, "fill"), ("errors", report.errors, "failed")):
        if counts:
            yield show_counts(key, words.say(key), counts, words, class_)
    if report.endings:
        title, told = words.say("endings"), words.say("endings_told")
        rows = [(words.name(ending), words.name(stop), count) for (ending, stop), count in report.endings.items()]
        plot = draw_endings("endings", words, title, told, report)
        yield Figure(title, told, plot, Table(("", words.say("stops"), words.say("dialogues")), rows))


def show_counts(key: str, title: str, counts: Mapping[str, int], words: Words, class_: str) -> Figure:
    """Return how often each of a few things happened."""
    total = sum(counts.values())
    bars = [Bar(words.name(id), count, f"{count:,} ({count / total:.1%})", class_) for id, count in counts.items()]
    plot = draw_bars(key, words, title, "", words.say("axis_dialogues"), bars[:SHOWN])
    rows = [(words.name(id), count, f"{count / total:.1%}") for id, count in counts.items()]
    return Figure(title, "", plot, Table(("", words.say("dialogues"), words.say("share")), rows))


def show_spoken(spoken: Spoken, words: Words) -> Iterator[Figure]:
    """Yield what is said in one language."""
    key = f"talk-{spoken.language}"
    if spoken.style is not None:
        yield from show_style(spoken.style, spoken, words, key)
    for name, lengths in (("exchanges", spoken.exchanges), ("counselor", spoken.counselor), ("client", spoken.client)):
        if lengths is not None:
            yield show_lengths(f"{key}-{name}", name, lengths, spoken.language, words)
    yield show_diversity(spoken, words)
    yield show_recurring(f"{key}-openings", "openings", spoken.openings, words)
    yield show_recurring(f"{key}-sentences", "sentences", spoken.sentences, words)


def show_style(style: Style, spoken: Spoken, words: Words, key: str) -> Iterator[Figure]:
    """Yield the style of dialogues beside real ranges, and of the whole set."""
    if style.measured:
        yield show_features(style, spoken, words, key)
    head = (words.say("feature"), words.say("ours"), words.say("real"), words.say("limit"))
    whole = [(words.feature(row.feature), *show_set_row(row)) for row in style.whole]
    yield Figure(words.say("style_set"), "", table=Table(head, whole))


def show_features(style: Style, spoken: Spoken, words: Words, key: str) -> Figure:
    """Return the features of dialogues beside their real ranges."""
    title, corpora = words.say("style"), " · ".join(style.rows[0].real)
    told = words.say("style_told", measured=f"{style.measured:,}", corpora=corpora)
    head = (
        words.say("feature"),
        f"{words.say('ours')} p10–p90",
        words.say("median"),
        *(f"{words.say('real')}: {corpus}" for corpus in style.rows[0].real),
        words.say("limit"),
        words.say("place"),
    )
    rows = [
        (
            words.feature(row.feature) + (" *" if row.is_own_list else ""),
            show_range(row.ours[0], row.ours[2], row.kind) if row.ours else "–",
            show_figure(row.ours[1] if row.ours else None, row.kind),
            *(show_range(low, high, row.kind) for low, _, high in row.real.values()),
            show_range(*row.target, row.kind) if row.target else "–",
            words.say("inside" if row.inside else "outside") if row.ours else "–",
        )
        for row in style.rows
    ]
    notes = [words.say("style_note")]
    if spoken.read < spoken.dialogues:
        notes.append(words.say("sampled", read=f"{spoken.read:,}", dialogues=f"{spoken.dialogues:,}"))
    plot = draw_style(f"{key}-style", words, title, told, style.rows)
    return Figure(title, told, plot, Table(head, rows), notes, is_wide=True)


def show_lengths(key: str, name: str, lengths: Lengths, language: str, words: Words) -> Figure:
    """Return a histogram of lengths."""
    title, told = words.say(f"lengths_{name}"), words.say("lengths_told")
    unit = words.say("axis_exchanges") if name == "exchanges" else name_unit(language, words)
    rows = [(length, count) for length, count in lengths.counts.items()]
    plot = draw_histogram(key, words, title, told, unit, lengths)
    return Figure(title, told, plot, Table((unit, "n"), rows))


def name_unit(language: str, words: Words) -> str:
    """Return what lengths are counted in, a language's own unit in the page's words."""
    return words.say("unit_zh" if language == "zh" else "unit_en")


def show_recurring(key: str, name: str, recurring: Iterable[Recurrence], words: Words) -> Figure:
    """Return what more than one dialogue says."""
    title, found = words.say(name), list(recurring)
    if not found:
        return Figure(title, words.say(f"{name}_none"))
    told = words.say(f"{name}_told")
    bars = [Bar(each.text, each.share * 100, f"{each.share:.1%} ({each.dialogues:,})") for each in found]
    plot = draw_bars(key, words, title, told, words.say("axis_share_percent"), bars)
    rows = [(each.text, each.dialogues, f"{each.share:.1%}") for each in found]
    return Figure(title, told, plot, Table((title, words.say("dialogues"), words.say("share")), rows))

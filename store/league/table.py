"""Sets the figures of a league into tables with a column for each recipe, the same for a shell and for the page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from store.intervals import Mean
from store.league.figures import Played, Standings
from store.league.scores import ALL, RubricScores, Scale
from store.league.talk import Talk, Variety
from store.report.measures import show_measure
from store.report.ranges import show_figure, show_range
from store.report.style import SAMPLED, SetRow, StyleRow
from store.report.words import Words

NONE = "–"
BY_SIZE = ("openings", "closings", "repeats")
"""Style measures of one speaker's lines that depend on how many there are."""


class Line(NamedTuple):
    """A row: its name, a cell for each recipe, intervals under the cells, and cells that are about no recipe."""

    name: str
    cells: Sequence[str]
    under: Sequence[str] = ()
    beside: Sequence[str] = ()


class Block(NamedTuple):
    """A table with a column for each recipe; `beside` heads the columns that are about no recipe."""

    part: str
    title: str
    told: str
    lines: list[Line]
    beside: Sequence[str] = ()


def list_blocks(standings: Standings, scales: Sequence[Scale], words: Words) -> list[Block]:
    """Return the tables in order."""
    scores = [set_scores(standings, scale, number, words) for number, scale in enumerate(scales)]
    return [
        set_sessions(standings.played, words),
        set_findings(standings.played, words),
        *scores,
        *(set_variety(talk, standings.league.recipes, words) for talk in standings.talks),
        *(set_style(talk, standings.league.recipes, words) for talk in standings.talks),
    ]


def set_sessions(played: Sequence[Played], words: Words) -> Block:
    """Return what became of the sessions, and what they took."""
    rows: list[tuple[str, Callable[[Played], str]]] = [
        *((f"league_{outcome}", lambda one, of=outcome: f"{one.count(of):,}") for outcome in ("done", "rejected")),
        ("league_failed", lambda one: f"{one.count('failed'):,}"),
        ("league_left", lambda one: f"{one.left:,}"),
        ("league_lines_each", lambda one: show_each(one.lines, one.count("done"))),
        ("league_calls", lambda one: f"{sum_of(one, 'calls'):,}"),
        ("league_calls_each", lambda one: show_each(sum_of(one, "calls"), sum(one.outcomes.values()))),
        ("league_prompt", lambda one: f"{sum_of(one, 'prompt_tokens'):,}"),
        ("league_answer", lambda one: f"{sum_of(one, 'completion_tokens'):,}"),
        ("league_tokens_each", lambda one: show_each(count_tokens(one), sum(one.outcomes.values()))),
        ("league_cost", lambda one: show_cost(one)),
        ("league_cache", lambda one: show_cache(one)),
    ]
    if not any(one.left for one in played):
        rows = [row for row in rows if row[0] != "league_left"]
    lines = [Line(words.say(key), [show(one) for one in played]) for key, show in rows]
    return Block("sessions", words.say("league_sessions"), words.say("league_sessions_told"), lines)


def sum_of(one: Played, name: str) -> int:
    """Return the sum of a figure over all currencies."""
    return sum(getattr(cost, name) for cost in one.costs)


def count_tokens(one: Played) -> int:
    """Return the tokens of all prompts and answers."""
    return sum_of(one, "prompt_tokens") + sum_of(one, "completion_tokens")


def show_each(total: float, count: int) -> str:
    """Return a mean as it is read best: whole above a hundred, with one place below."""
    if not count:
        return NONE
    return f"{total / count:,.0f}" if total / count >= 100 else f"{total / count:.1f}"


def show_cost(one: Played) -> str:
    """Return what has a price, by currency; currencies are never added up."""
    return " + ".join(f"{cost.price:,.2f} {cost.currency}" for cost in one.costs if cost.unpriced < cost.calls) or NONE


def show_cache(one: Played) -> str:
    """Return the share of prompt tokens from a cache, where the endpoint tells."""
    cacheable = sum_of(one, "cacheable")
    return f"{sum_of(one, 'cached') / cacheable:.0%}" if cacheable else NONE


def set_findings(played: Sequence[Played], words: Words) -> Block:
    """Return findings per 100 counselor lines: by severity, then by rule, the most frequent anywhere first."""
    lines = [
        Line(words.say(f"league_{severity}"), [show_rate(one.rate(severity)) for one in played])
        for severity in ("reject", "flag")
    ]
    rates: dict[tuple[str, str], dict[str, float]] = {}
    for one in played:
        for rule in one.rules:
            rates.setdefault((rule.rule, rule.severity), {})[one.recipe] = rule.rate or 0.0
    for name, severity in sorted(rates, key=lambda key: (-max(rates[key].values()), key)):
        found = rates[name, severity]
        cells = [show_rate(found.get(one.recipe, 0.0) if one.lines else None) for one in played]
        lines.append(Line(words.say("league_rule", rule=name, severity=words.name(severity)), cells))
    return Block("findings", words.say("league_findings"), words.say("league_findings_told"), lines)


def show_rate(rate: float | None) -> str:
    """Return a rate of findings."""
    return NONE if rate is None else f"{rate:.1f}"


def set_scores(standings: Standings, scale: Scale, number: int, words: Words) -> Block:
    """Return the means of a rubric's items with their intervals; `number` is its place among the rubrics."""
    scored: list[RubricScores | None] = [one.scores[number] if one.scores else None for one in standings.played]
    items = [*([ALL] if scale.has_mean else []), *scale.ranges]
    lines = [
        Line(
            name_item(scale, item, words),
            [show_mean(one.items[item]) if one else NONE for one in scored],
            [show_interval(one.items[item]) if one else "" for one in scored],
        )
        for item in items
        if item == ALL or any(one is not None and one.items[item].of for one in scored)
    ]
    told = ", ".join(
        words.say("league_unscored" if one and one.unscored else "league_scored", recipe=played.recipe, **count(one))
        for played, one in zip(standings.played, scored, strict=True)
    )
    title = words.say("league_scores", rubric=scale.rubric, version=scale.version, low=scale.low, high=scale.high)
    return Block("scores", title, words.say("league_scores_told", judge=standings.judge, scored=told), lines)


def name_item(scale: Scale, item: str, words: Words) -> str:
    """Return what a rubric's row is called: one about the client says so, and so does the mean that leaves it out."""
    if item == ALL:
        return words.say("league_counselor_items" if scale.aside else "league_all_items")
    named = item.replace("_", " ")
    return words.say("league_client_item", item=named) if item in scale.aside else named


def count(scored: RubricScores | None) -> dict[str, int]:
    """Return how many talks have a readable verdict, and how many an unreadable one."""
    return {"judged": scored.judged if scored else 0, "unscored": scored.unscored if scored else 0}


def show_mean(mean: Mean) -> str:
    """Return a mean score."""
    return NONE if mean.mean is None else f"{mean.mean:.2f}"


def show_interval(mean: Mean) -> str:
    """Return the interval of a mean score; nothing where nothing was scored."""
    return "" if mean.mean is None else f"{mean.low:.2f}–{mean.high:.2f}"


def set_variety(talk: Talk, recipes: Sequence[str], words: Words) -> Block:
    """Return how varied the talks are, all on as much text."""
    told = [talk.variety.get(recipe) for recipe in recipes]
    features = next(iter(talk.variety.values())).measures
    lines = [Line(words.feature(name), [show_variety(one, name) for one in told]) for name in features]
    for name in ("openings", "endings", "copies"):
        counts = [getattr(one, name) if one else None for one in told]
        shown = [NONE if held is None else words.say("league_of", count=held, total=talk.dialogues) for held in counts]
        lines.append(Line(words.say(f"league_{name}"), shown))
    unit = words.say(f"unit_{talk.language}")
    told_of = words.say("league_variety_told", dialogues=talk.dialogues, units=f"{talk.units:,}", unit=unit)
    return Block("variety", words.say("league_variety", language=words.name(talk.language)), told_of, lines)


def show_variety(variety: Variety | None, name: str) -> str:
    """Return a measure; a Vendi score of few talks needs a place behind the point."""
    if variety is None:
        return NONE
    value = variety.measures[name]
    return f"{value:.1f}" if name == "vendi" else show_measure(value, name)


def set_style(talk: Talk, recipes: Sequence[str], words: Words) -> Block:
    """Return the medians of the style features, then the figures of each whole set, beside the real ranges."""
    styles = [talk.style.get(recipe) for recipe in recipes]
    first = next(iter(talk.style.values()))
    lines = []
    for number, row in enumerate(first.rows):
        cells = [show_feature(style.rows[number]) if style else NONE for style in styles]
        name = words.feature(row.feature) + (" *" if row.is_own_list else "")
        lines.append(Line(name, cells, beside=[show_real(row)]))
    for number, whole in enumerate(first.whole):
        cells = [
            show_whole(style.whole[number], talk.lines[recipe]) if style else NONE
            for recipe, style in zip(recipes, styles, strict=True)
        ]
        real = " / ".join(show_figure(value, whole.kind) for value in whole.real.values()) or NONE
        if set(cells) != {NONE}:
            lines.append(Line(words.feature(whole.feature), cells, beside=[real]))
    measured = ", ".join(
        f"{recipe} {style.measured if style else 0}" for recipe, style in zip(recipes, styles, strict=True)
    )
    title = words.say("league_style", language=words.name(talk.language))
    told = words.say("league_style_told", measured=measured, corpora=", ".join(first.rows[0].real))
    return Block("style", title, told, lines, [words.say("real")])


def show_feature(row: StyleRow) -> str:
    """Return a feature's median, marked where it lies outside every real range."""
    if row.ours is None:
        return NONE
    return show_figure(row.ours[1], row.kind) + (" !" if row.inside is False else "")


def show_whole(row: SetRow, lines: Mapping[str, int]) -> str:
    """Return a figure of a whole set, marked where it is outside what the house wants.

    Shares of frequent openings and of repeats rise as a set shrinks: of fewer lines than they are drawn from, none.
    """
    speaker, _, measure = row.feature.partition("_")
    if measure in BY_SIZE and lines[speaker] < SAMPLED:
        return NONE
    return show_figure(row.ours, row.kind) + (" !" if row.inside is False else "")


def show_real(row: StyleRow) -> str:
    """Return the real ranges of a feature."""
    return " / ".join(show_range(low, high, row.kind) for low, _, high in row.real.values())


def tell_skipped(standings: Standings, words: Words) -> Iterator[str]:
    """Yield how many seeds each recipe cannot use, with the reasons."""
    for recipe, told in standings.league.skipped.items():
        yield words.say("league_skipped", recipe=recipe, count=told.rows, reason=told.reason)

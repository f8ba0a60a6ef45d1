"""Sets the figures of a comparison into tables: scores, findings, pairs, differences and sessions."""

from collections.abc import Sequence
from dataclasses import replace

from agents.rubric import load_rubric
from graphs.compare.answer_tables import list_rates, show_mean, show_rate, show_share
from graphs.compare.differences import Difference, mean_of
from graphs.compare.figures import Standings
from graphs.compare.kept import has_changed
from graphs.compare.layout import Cell, Table
from graphs.compare.words import Say, name_item, name_rule
from store.comparison_figures import Sat
from store.intervals import Mean, Share
from store.league.scores import ALL, RubricScores, Scale

Rows = list[Sequence[Cell]]


def set_scores(standings: Standings, number: int, say: Say) -> Table:
    """Return the means of a rubric's items over the answers."""
    scale, told = standings.answer_scales[number], list(standings.answered.values())
    rows = list_items(scale, [each.scores[number] for each in told], say)
    rows.append([say("judged"), *(f"{each.scores[number].judged}" for each in told)])
    rows.append([say("unscored"), *(f"{each.unscored[scale.rubric]}" for each in told)])
    head = ["", *standings.answered]
    notes = tell_rubric(standings, scale, say)
    return Table(name_scale("scores", scale, say), tell_judge(standings, say), head, rows, notes)


def set_session_scores(standings: Standings, number: int, say: Say) -> Table:
    """Return the means of a rubric's items over the sessions."""
    scale = standings.session_scales[number]
    scores = [given[number] for given in standings.sat_scores.values()]
    rows = list_items(scale, scores, say)
    rows.append([say("judged"), *(f"{each.judged}" for each in scores)])
    rows.append([say("unscored"), *(f"{each[scale.rubric]}" for each in standings.sat_unscored.values())])
    head = ["", *standings.sat_scores]
    notes = tell_rubric(standings, scale, say)
    return Table(name_scale("session_scores", scale, say), tell_judge(standings, say), head, rows, notes)


def name_scale(key: str, scale: Scale, say: Say) -> str:
    """Return the title of a rubric's table."""
    if scale.faults:
        key = {"scores": "scores_flow", "session_scores": "session_scores_flow"}[key]
    return say(key, rubric=scale.rubric, version=scale.version, low=f"{scale.low:g}", high=f"{scale.high:g}")


def tell_judge(standings: Standings, say: Say) -> str:
    """Return who judged, and what unscored means."""
    return say("scores_told", judge=standings.contest.judge.name)


def tell_rubric(standings: Standings, scale: Scale, say: Say) -> list[str]:
    """Return that the scores were given by another rubric than today's, where that is so."""
    if not has_changed(standings.comparison.settings, scale.rubric):
        return []
    return [say("rubric_changed", rubric=scale.rubric, version=scale.version, at=load_rubric(scale.rubric).version)]


def list_items(scale: Scale, scores: Sequence[RubricScores], say: Say) -> Rows:
    """Return a row for each item that anybody was scored on."""
    items = [*([ALL] if scale.has_mean else []), *scale.ranges]
    return [
        [
            name_row(scale, item, say),
            *(show_item(scale, item, each.items[item], say) for each in scores),
        ]
        for item in items
        if item == ALL or any(each.items[item].of for each in scores)
    ]


def show_item(scale: Scale, item: str, mean: Mean, say: Say) -> str:
    """Return an item's mean with its interval, and of a question of a flow how many of those asked are yes."""
    if item not in scale.faults:
        return show_mean(mean, say)
    return show_share(Share(round((mean.mean or 0) * mean.of), mean.of, mean.mean, mean.low, mean.high), say)


def name_row(scale: Scale, item: str, say: Say) -> str:
    """Return what a rubric's row is called: what it is about where that is the client, and which answer is a fault."""
    if item == ALL:
        return say("counselor_items" if scale.aside else "all_items")
    named = name_item(scale.rubric, item, say)
    if item in scale.faults:
        return say({"yes": "fault_yes", "no": "fault_no", None: "fault_none"}[scale.faults[item]], item=named)
    return say("client_item", item=named) if item in scale.aside else named


def set_findings(standings: Standings, say: Say) -> Table:
    """Return findings per 100 answers: how many answered and by severity, then by rule, the most frequent first."""
    told = standings.answered
    rows = list_rates(list(told.values()), say)
    counts = {key: max(each.rules.get(key, 0) for each in told.values()) for one in told.values() for key in one.rules}
    for rule, severity in sorted(counts, key=lambda key: (-counts[key], key)):
        rates = [
            100 * each.rules.get((rule, severity), 0) / each.answered if each.answered else None
            for each in told.values()
        ]
        named = say("rule", rule=name_rule(rule, say), severity=say(severity))
        rows.append([named, *(show_rate(rate, say) for rate in rates)])
    return Table(say("findings"), say("findings_told"), ["", *told], rows)


def set_matrix(standings: Standings, say: Say) -> Table:
    """Return won, lost and tied of every model against every other."""
    labels = list(standings.contest.models)
    cells = {}
    for pair in standings.pairs:
        cells[pair.one, pair.other] = f"{pair.won}–{pair.lost} ({pair.ties})"
        cells[pair.other, pair.one] = f"{pair.lost}–{pair.won} ({pair.ties})"
    rows: Rows = [[one, *(cells.get((one, other), say("none")) for other in labels)] for one in labels]
    return Table(say("pairs"), say("pairs_told"), ["", *labels], rows)


def set_pairs(standings: Standings, say: Say) -> Table:
    """Return all that is counted of each pair."""
    columns = ("won", "lost", "same", "swapped", "unscored", "missing")
    head = [say("pair"), *map(say, columns), say("won_share"), say("shown_first")]
    rows: Rows = [
        [
            f"{pair.one} – {pair.other}",
            *(f"{getattr(pair, name)}" for name in columns),
            show_share(pair.share, say),
            show_share(pair.shown_first, say),
        ]
        for pair in standings.pairs
    ]
    return Table(say("pair_list"), say("pair_list_told"), head, rows)


def set_differences(differences: Sequence[Difference], key: str, say: Say) -> list[Table]:
    """Return the paired differences; none where nothing has a mean."""
    if not differences:
        return []
    head = [say(name) for name in ("pair", "rubric", "pairs_of", "mean_difference", "higher", "equal", "unpaired")]
    rows: Rows = [
        [
            f"{each.one} – {each.other}",
            each.rubric,
            f"{each.mean.of}",
            say("none") if each.mean.mean is None else show_signed(each),
            show_share(each.sign, say),
            f"{each.equal}",
            f"{each.unpaired}",
        ]
        for each in differences
    ]
    return [Table(say(key), say("differences_told"), head, rows)]


def set_found_differences(differences: Sequence[Difference], key: str, say: Say) -> list[Table]:
    """Return the paired differences of findings, told as those of scores are."""
    named = [replace(each, rubric=say(each.rubric)) for each in differences]
    return [
        table._replace(told=say("differences_found_told"), head=[table.head[0], say("severity"), *table.head[2:]])
        for table in set_differences(named, key, say)
    ]


def show_signed(difference: Difference) -> str:
    """Return a mean difference with its sign and interval."""
    mean = difference.mean
    return f"{mean.mean:+.2f} [{mean.low:+.2f}, {mean.high:+.2f}]"


def set_sessions(standings: Standings, say: Say) -> Table:
    """Return what became of each model's sessions."""
    settings, sat = standings.comparison.settings, list(standings.sat.values())
    first = settings["first_position"]
    job = next(iter(standings.contest.jobs.values()))
    told = say(
        "sessions_told",
        count=settings["sessions"],
        recipe=settings["recipe"],
        first=first,
        last=first + settings["sessions"] - 1,
        source=job.units.source,
    )
    rows: Rows = [[say(name), *(f"{each.outcomes.get(name, 0)}" for each in sat)] for name in OUTCOMES]
    rows += [
        [say("left"), *(f"{each.count - sum(each.outcomes.values())}" for each in sat)],
        [say("lines"), *(f"{each.lines}" for each in sat)],
        [say("exchanges"), *(show_each(each, say) for each in sat)],
        [say("reject_rate"), *(show_rate(rate_of(each, "reject"), say) for each in sat)],
        [say("flag_rate"), *(show_rate(rate_of(each, "flag"), say) for each in sat)],
        [say("unscored"), *(f"{sum(each.values())}" for each in standings.sat_unscored.values())],
    ]
    drafts = list(standings.drafts.values())
    is_drafted = any(each.first for each in drafts)
    if is_drafted:
        rows += [
            [say("first_refused"), *(f"{each.first_refused}/{each.first}" for each in drafts)],
            [say("refused_rate"), *(show_rate(each.rate, say) for each in drafts)],
        ]
    notes = [*([say("drafts_told")] if is_drafted else []), say("finished_told")]
    return Table(say("sessions"), told, ["", *standings.sat], rows, notes)


OUTCOMES = ("done", "rejected", "failed")
MOST_CLIENTS = 200
"""Clients whose sessions are listed."""


def set_clients(standings: Standings, say: Say) -> Table:
    """Return what became of each client with each model: the dialogue, its outcome, and its mean by each rubric."""
    first = standings.comparison.settings["first_position"]
    positions = range(first, first + standings.contest.sessions)
    rows: Rows = [
        [f"#{position}", *(show_session(standings, sat, position, say) for sat in standings.sat.values())]
        for position in positions[:MOST_CLIENTS]
    ]
    more = len(positions) - MOST_CLIENTS
    notes = [say("more", count=more)] if more > 0 else []
    return Table(say("clients"), say("clients_told"), ["", *standings.sat], rows, notes)


def show_session(standings: Standings, sat: Sat, position: int, say: Say) -> str:
    """Return one session: its id, how it ended, and its scores."""
    if position not in sat.ended:
        return say("none")
    scores = [
        f"{mean_of(scale, given):.2f}"
        for scale in standings.session_scales
        if scale.has_mean and (given := sat.scores[scale.rubric].get(position))
    ]
    return " ".join((f"{sat.run}/{position}", say(sat.ended[position]), *scores))


def show_each(sat: Sat, say: Say) -> str:
    """Return how many exchanges a session has that is done."""
    done = sat.outcomes.get("done", 0)
    return f"{sat.lines / done:.1f}" if done else say("none")


def rate_of(sat: Sat, severity: str) -> float | None:
    """Return the findings of a severity per 100 counselor lines."""
    found = sum(rule.findings for rule in sat.rules if rule.severity == severity)
    return 100 * found / sat.lines if sat.lines else None

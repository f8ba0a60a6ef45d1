"""Says what is unscored or missing, how a comparison was run, and what must not be concluded from it."""

from collections.abc import Iterator, Sequence

from graphs.compare.differences import Difference
from graphs.compare.figures import Standings
from graphs.compare.layout import Cell, Table
from graphs.compare.words import LANGUAGES, Say

FEW_QUESTIONS, FEW_SESSIONS = 100, 50
"""Below these the half of an interval is wider than a tenth of the scale for scores that spread over half of it."""
MOST_LISTED = 200


def set_unscored(standings: Standings, say: Say) -> Table:
    """Return every answer, verdict, preference and session that is missing, with the reason."""
    rows = list(list_unscored(standings, say))
    more = [say("more", count=len(rows) - MOST_LISTED)] if len(rows) > MOST_LISTED else []
    notes = more if rows else [say("nothing")]
    head = [say("where"), say("model"), say("why")]
    return Table(say("part_unscored"), say("unscored_told"), head, rows[:MOST_LISTED], notes)


def list_unscored(standings: Standings, say: Say) -> Iterator[Sequence[Cell]]:
    """Yield what is missing, question by question and then session by session."""
    yield from list_unscored_answers(standings, say)
    yield from list_unscored_sessions(standings, say)


def list_unscored_answers(standings: Standings, say: Say) -> Iterator[Sequence[Cell]]:
    """Yield answers, verdicts and preferences that are missing."""
    for place, asked in standings.asked.items():
        key = standings.find_question(place).key
        for answer in asked.answers:
            if answer.text is None:
                yield key, answer.model, answer.failure
            for verdict in asked.verdicts.get(answer.model, ()):
                if verdict.scores is None:
                    yield f"{key} · {verdict.rubric}", answer.model, verdict.unscored
        for pair in asked.pairs:
            if pair.choice is None:
                yield f"{key} · {say('pair')}", f"{pair.first} – {pair.second}", pair.unscored


def list_unscored_sessions(standings: Standings, say: Say) -> Iterator[Sequence[Cell]]:
    """Yield sessions that failed, and those that no readable verdict was given on."""
    for label, sat in standings.sat.items():
        for position, why in sat.failures.items():
            yield f"{sat.run}/{position}", label, why
        for scale in standings.session_scales:
            for position, given in sat.scores[scale.rubric].items():
                if not given:
                    yield f"{sat.run}/{position} · {scale.rubric}", label, say("unscored")


def set_run(standings: Standings, say: Say) -> Table:
    """Return how the comparison was run."""
    comparison, contest = standings.comparison, standings.contest
    settings = comparison.settings
    risky = sum(question.risk != "none" for question in contest.questions)
    files = ", ".join(settings["files"])
    asked = say("run_questions_told", count=len(contest.questions), files=files, risky=risky)
    scales = [*standings.answer_scales, *(standings.session_scales if contest.sessions else ())]
    rubrics = ", ".join(f"{scale.rubric} {scale.version}" for scale in scales)
    rows: list[Sequence[Cell]] = [
        [say("run_questions"), asked],
        [say("run_rubrics"), rubrics],
        [say("run_seed"), str(settings["seed"])],
        [say("run_commit"), comparison.git_commit or say("none")],
        [say("run_versions"), ", ".join(f"{name} {version}" for name, version in comparison.versions.items())],
    ]
    if contest.sessions:
        runs = ", ".join(f"{label} {run}" for label, run in comparison.sessions.items())
        rows += [[say("run_recipe"), settings["recipe"]], [say("run_sessions"), runs]]
        rows.append([say("run_language"), say(LANGUAGES[contest.session_language])])
    rows += [[say("run_served", role=role), ", ".join(served)] for role, served in standings.served.items()]
    rows.append([say("run_prompts"), ", ".join(f"{id} {told}" for id, told in standings.prompts.items())])
    return Table(say("part_run"), "", [say("setting"), say("value")], rows)


def list_limits(standings: Standings, say: Say) -> Iterator[str]:
    """Yield what must not be concluded."""
    contest = standings.contest
    if contest.judge.rehearsal:
        yield say("limit_rehearsal")
    if len(contest.questions) < FEW_QUESTIONS:
        yield say("limit_small", count=len(contest.questions))
    if 0 < contest.sessions < FEW_SESSIONS:
        yield say("limit_sessions_small", count=contest.sessions)
    for measure, differences in list_measures(standings, say).items():
        if pairs := [f"{each.one} – {each.other}" for each in differences if has_zero(each)]:
            yield say("limit_zero", pairs=say("comma").join(pairs), measure=measure)
    yield from map(say, ("limit_one_judge", "limit_many", "limit_wording", "limit_help"))
    if contest.sessions:
        yield say("limit_people")


def list_measures(standings: Standings, say: Say) -> dict[str, list[Difference]]:
    """Return all differences by what they are of."""
    named = [(each.rubric, each) for each in (*standings.differences, *standings.sat_differences)]
    for key, differences in (
        ("found_in_answers", standings.found_differences),
        ("found_in_sessions", standings.sat_found_differences),
    ):
        named += [(say(key, severity=say(each.rubric)), each) for each in differences]
    measures: dict[str, list[Difference]] = {}
    for name, each in named:
        measures.setdefault(name, []).append(each)
    return measures


def has_zero(difference: Difference) -> bool:
    """Whether the interval of a difference holds zero, or there is no difference to speak of."""
    return difference.mean.low <= 0 <= difference.mean.high

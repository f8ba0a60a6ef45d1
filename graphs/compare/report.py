"""Puts a comparison into the order in which it is read: whose words, answers, figures, how it was run, limits."""

import time
from collections.abc import Iterator

from graphs.compare.account import set_took
from graphs.compare.answer_tables import set_asked, set_scene, set_scene_figures
from graphs.compare.figure_tables import (
    set_clients,
    set_differences,
    set_findings,
    set_found_differences,
    set_matrix,
    set_pairs,
    set_scores,
    set_session_scores,
    set_sessions,
)
from graphs.compare.figures import Standings
from graphs.compare.layout import Report, Section, Table
from graphs.compare.run_tables import list_limits, set_run, set_unscored
from graphs.compare.words import LANGUAGES, Say, speak


def choose_language(standings: Standings) -> str:
    """Return the language that was asked for, else Chinese where every question is Chinese."""
    asked = standings.comparison.settings["language"]
    languages = {question.language for question in standings.contest.questions}
    return asked or ("zh" if languages == {"zh"} else "en")


def make_report(standings: Standings) -> Report:
    """Return the report."""
    language = choose_language(standings)
    say = speak(language)
    contest, comparison = standings.contest, standings.comparison
    return Report(
        language=language,
        title=say("title", number=comparison.run, models=", ".join(contest.models)),
        made=say("made", when=show_date(comparison.started_at)),
        warnings=list(list_warnings(standings, say)),
        whose=list(list_models(standings, say)),
        notes=list(list_notes(standings, say)),
        sections=[section for section in list_sections(standings, say) if section.tables or section.sentences],
    )


def list_warnings(standings: Standings, say: Say) -> Iterator[str]:
    """Yield what must be said before any figure."""
    contest = standings.contest
    if contest.judge.rehearsal:
        yield say("rehearsal_judge", judge=contest.judge.name)
    if rehearsed := [name for name in contest.rehearsed if name != contest.judge.name or name in contest.models]:
        yield say("rehearsal_models", models=", ".join(rehearsed))
    if (own := contest.list_judges_own()) and not contest.judge.rehearsal:
        yield say("one_judge", models=", ".join(own))
    if len(standings.asked) < len(contest.questions):
        yield say("unfinished", done=len(standings.asked), count=len(contest.questions))


def list_models(standings: Standings, say: Say) -> Iterator[str]:
    """Yield each model with what was asked for and what its endpoint called itself."""
    for label, endpoint in standings.contest.models.items():
        served = ", ".join(standings.find_took("answer", label).served) or say("none")
        yield say("models_told", label=label, asked=endpoint.model_for("counselor"), served=served)


def list_notes(standings: Standings, say: Say) -> Iterator[str]:
    """Yield who judged, and who played the sessions and in which language."""
    contest = standings.contest
    yield say("judged_by", judge=contest.judge.name, model=contest.judge.model_for("critic"))
    if contest.sessions:
        yield say("played_by", client=contest.client.name)
        yield say("spoken_in", language=say(LANGUAGES[contest.session_language]))


def list_sections(standings: Standings, say: Say) -> Iterator[Section]:
    """Yield the parts in order; one may turn out empty."""
    lives = list(standings.by_life)
    yield Section("asked", say("part_asked"), [table for table in [set_asked(standings, say)] if table.rows])
    scenes = []
    for life in lives:
        letters = set_scene(standings, life, say)
        scenes += [letters] if letters.rows else []
        scenes.append(set_scene_figures(standings, life, say))
    yield Section("scenes", say("part_scenes"), scenes)
    scores = [set_scores(standings, number, say) for number in range(len(standings.answer_scales))]
    yield Section("scores", say("part_scores"), [*scores, *set_differences(standings.differences, "differences", say)])
    found = set_found_differences(standings.found_differences, "differences_found", say)
    yield Section("findings", say("part_findings"), [set_findings(standings, say), *found])
    yield Section("pairs", say("part_pairs"), [set_matrix(standings, say), set_pairs(standings, say)])
    yield Section("sessions", say("part_sessions"), list_session_tables(standings, say))
    yield Section("took", say("part_took"), set_took(standings, say))
    yield Section("unscored", say("part_unscored"), [set_unscored(standings, say)])
    yield Section("run", say("part_run"), [set_run(standings, say)])
    yield Section("limits", say("part_limits"), sentences=list(list_limits(standings, say)))


def list_session_tables(standings: Standings, say: Say) -> list[Table]:
    """Return the tables of the sessions; none where none were played."""
    if not standings.sat:
        return []
    scores = [set_session_scores(standings, number, say) for number in range(len(standings.session_scales))]
    apart = set_differences(standings.sat_differences, "differences_sessions", say)
    found = set_found_differences(standings.sat_found_differences, "differences_found_sessions", say)
    return [set_sessions(standings, say), *scores, *apart, *found, set_clients(standings, say)]


def show_date(moment: float) -> str:
    """Return the day and the hour of a moment."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))

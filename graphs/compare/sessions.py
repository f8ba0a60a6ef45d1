"""Plays each model's sessions with the same clients."""

from collections.abc import Mapping

from graphs.alike import find_stop, play_beside, spent_elsewhere
from graphs.compare.plan import Contest, line_of
from graphs.launch import PARTIAL
from graphs.provenance import find_commit, list_prompt_hashes, list_versions
from store.comparisons import Comparison, find_comparison, find_status, start_sessions
from store.db import Database
from store.runs import Run, count_failed, resume_run


def play_all(
    contest: Contest, database: Database, comparison: Comparison, environment: Mapping[str, str]
) -> tuple[int, str | None]:
    """Play one model's sessions after the other's; returns an exit code, and what stopped it before the end."""
    failed = 0
    for label, job in contest.jobs.items():
        run_id = comparison.sessions.get(label)
        if run_id is None or find_status(database, run_id) != "finished":
            run = hold_run(contest, database, comparison, label)
            comparison = find_comparison(database, comparison.run)
            run_id = run.id
            elsewhere = spent_elsewhere(contest.config, database, run, comparison.runs)
            played = play_beside(label, job, database, run, environment, elsewhere)
            if (stop := find_stop(played.ending)) is not None:
                return stop
            failed += played.left
        failed += count_failed(database, run_id)
    return PARTIAL if failed else 0, None


def hold_run(contest: Contest, database: Database, comparison: Comparison, label: str) -> Run:
    """Return the run of a model's sessions: taken up again, or a new one of the same positions as every other."""
    if label in comparison.sessions:
        return resume_run(database, comparison.sessions[label])
    job, first = contest.jobs[label], comparison.settings["first_position"]
    return start_sessions(
        database,
        comparison.run,
        label,
        line_of(job),
        positions=range(first, first + contest.sessions),
        config=job.config.model_dump(mode="json", exclude={"db"}),
        versions=list_versions(),
        prompts=list_prompt_hashes(),
        git_commit=find_commit(),
        is_rehearsal=job.is_rehearsal,
    )

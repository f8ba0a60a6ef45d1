"""Plays each model's sessions with the same clients, and has them judged alike when all have ended."""

from collections.abc import Mapping

from agents.policy import load_policy
from graphs.compare.plan import Contest, line_of
from graphs.config import find_config
from graphs.judging.launch import Plan
from graphs.judging.rules import judge_all
from graphs.judging.stored import ask_critics
from graphs.launch import INTERRUPTED, PARTIAL, play_sessions
from graphs.provenance import find_commit, list_prompt_hashes, list_versions
from graphs.spending import limit_cost
from store.comparisons import Comparison, find_comparison, find_status, start_sessions
from store.db import Database
from store.judging import list_ids
from store.league.entries import sum_calls
from store.runs import Run, count_failed, resume_run, sum_spent


def play_all(
    contest: Contest, database: Database, comparison: Comparison, environment: Mapping[str, str]
) -> tuple[int, str | None]:
    """Play one model's sessions after the other's; returns an exit code, and what stopped it before the end."""
    currency = cost.currency if (cost := limit_cost(contest.config)) else ""
    failed = 0
    for label, job in contest.jobs.items():
        run_id = comparison.sessions.get(label)
        if run_id is None or find_status(database, run_id) != "finished":
            run = hold_run(contest, database, comparison, label)
            comparison = find_comparison(database, comparison.run)
            run_id = run.id
            calls, money = sum_calls(database, comparison.runs, currency)
            own_calls, own_money = sum_spent(database, run.id, currency)
            played = play_sessions(job, database, run, environment, (calls - own_calls, money - own_money))
            counted = ", ".join(f"{count} {outcome}" for outcome, count in sorted(played.outcomes.items())) or "none"
            print(f"{label}: run {run.id}, {counted} in {played.seconds:.0f} s, {played.left} left")
            if played.ending.refused is not None:
                print(f"stopped: {played.ending.refused}")
                return played.ending.refused.exit_code, str(played.ending.refused)
            if played.ending.interrupted:
                return INTERRUPTED, "interrupted"
            if played.ending.spent is not None:
                print(f"stopped: {played.ending.spent} used up; --resume with a higher limit goes on")
                return PARTIAL, played.ending.spent
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


def judge_sessions(
    contest: Contest, database: Database, comparison: Comparison, environment: Mapping[str, str], goes_on: str
) -> tuple[int, str | None]:
    """Judge all models' sessions by the same checks and rubrics; returns as `play_all` does."""
    default = load_policy(find_config("policy", "default"))
    currency = cost.currency if (cost := limit_cost(contest.config)) else ""
    plan = Plan(
        config=contest.config,
        environment=environment,
        endpoints={"critic": contest.judge},
        policy=None,
        default_policy=default,
        rubrics=contest.session_rubrics,
        repeats=1,
        inner_voice=False,
        dry_run=False,
        # The whole comparison was asked about when it began.
        yes=True,
        is_afresh=True,
        elsewhere=sum_calls(database, comparison.runs, currency),
        goes_on=goes_on,
    )
    runs = list(comparison.sessions.values())
    ended = [id for run in runs for id in list_ids(database, run=run, outcomes=("done", "rejected"))]
    judge_all(database, ended, None, default)
    code, told = ask_critics(plan, database, [id for run in runs for id in list_ids(database, run=run)])
    return code, told.get("refused") or told.get("budget") or ("interrupted" if code == INTERRUPTED else None)

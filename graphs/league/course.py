"""Carries a league out: every recipe plays, one judge judges them all alike, and the figures are told."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agents.rubric import load_rubric
from graphs.alike import find_stop, judge_alike, play_beside, spent_elsewhere
from graphs.config import DEFAULT_DB, RunConfig
from graphs.launch import PARTIAL
from graphs.league.plan import Draw, line_of, measure_scale
from graphs.provenance import find_commit, list_prompt_hashes, list_versions
from store.address import mask_url
from store.db import Database
from store.league.entries import KEY, League, find_league
from store.runs import Run, count_failed, resume_run, start_run
from taxonomy.source import show_path


@dataclass(frozen=True, slots=True)
class Telling:
    """How the figures are told beside the tables: on a page, and for a machine."""

    html: Path | None
    json: bool


def carry_out(
    telling: Telling,
    draw: Draw,
    config: RunConfig,
    database: Database,
    league: League,
    environment: Mapping[str, str],
) -> int:
    """Play what is left, judge what is not judged, and tell the figures; returns the exit code."""
    where = "" if config.db == DEFAULT_DB else f" --db {mask_url(config.db)}"
    goes_on = f"python -m graphs.league --resume {league.name}{where}"
    code, stopped = play(draw, config, database, league, environment)
    league = find_league(database, league.name)
    if stopped is None:
        judged, stopped = judge_alike(
            config, draw.critic, league.rubrics, database, league.runs, league.runs, environment, goes_on
        )
        code = judged or code
    else:
        print(f"go on:  {goes_on}")
    tell(telling, draw, database, league, stopped, with_tables=code in (0, PARTIAL))
    return code


def play(
    draw: Draw, config: RunConfig, database: Database, league: League, environment: Mapping[str, str]
) -> tuple[int, str | None]:
    """Play one recipe after the other; returns an exit code, and what stopped it before the end."""
    runs = {name: entry.run for name, entry in league.entries.items()}
    failed = 0
    for name in league.recipes:
        entry = league.entries.get(name)
        if entry is None or entry.status != "finished":
            run = hold_run(draw, config, database, league, name)
            runs[name] = run.id
            elsewhere = spent_elsewhere(config, database, run, runs.values())
            played = play_beside(name, draw.jobs[name], database, run, environment, elsewhere)
            if (stop := find_stop(played.ending)) is not None:
                return stop
            failed += played.left
        failed += count_failed(database, runs[name])
    return PARTIAL if failed else 0, None


def hold_run(draw: Draw, config: RunConfig, database: Database, league: League, name: str) -> Run:
    """Return a recipe's run in the league: taken up again, or a new one whose settings name the league."""
    if name in league.entries:
        return resume_run(database, league.entries[name].run)
    return start_run(
        database,
        line_of(draw, config, name),
        first_position=league.first_position,
        count=league.count,
        config=draw.jobs[name].config.model_dump(mode="json", exclude={"db"}) | {KEY: league.mark()},
        versions=list_versions(),
        prompts=list_prompt_hashes(),
        git_commit=find_commit(),
        is_rehearsal=draw.jobs[name].is_rehearsal,
    )


def tell(
    telling: Telling, draw: Draw, database: Database, league: League, stopped: str | None, *, with_tables: bool
) -> None:
    """Tell the figures as tables and on a page, and for a machine; whoever was cut short is told by a machine alone."""
    if not with_tables and not telling.json:
        return
    # numpy comes with these, and a run spares its memory.
    from store.league.figures import gather
    from store.league.page import choose_words, render
    from store.league.text import list_lines
    from store.report.page import write_page
    from store.stats import to_plain

    scales = [measure_scale(load_rubric(name)) for name in league.rubrics]
    standings = gather(
        database,
        league,
        scales,
        draw.critic.model_for("critic"),
        rehearsed=draw.rehearsed,
        is_all_rehearsed=all(endpoint.rehearsal for endpoint in draw.endpoints),
    )
    if with_tables:
        print("\n".join(["", *list_lines(standings, scales)]))
    if with_tables and telling.html is not None:
        write_page(telling.html, render(standings, scales, choose_words(standings)))
        print(f"the page is {show_path(telling.html)}")
    if telling.json:
        told = to_plain(standings) | {"stopped": stopped}
        print(json.dumps(told, ensure_ascii=False).encode(errors="replace").decode())

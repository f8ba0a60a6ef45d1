"""Carries a comparison out: questions, sessions, judging; then tells the figures on two pages and for a machine."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from graphs.alike import find_stop, judge_alike, spent_elsewhere
from graphs.compare.answers import ask_all
from graphs.compare.figures import gather
from graphs.compare.machine import describe
from graphs.compare.page import render
from graphs.compare.paper import write_paper
from graphs.compare.plan import Contest
from graphs.compare.sessions import play_all
from graphs.compare.shell import list_lines
from graphs.config import DEFAULT_DB
from graphs.launch import PARTIAL
from store.address import mask_url
from store.comparisons import find_comparison
from store.db import Database
from store.errors import StoreError
from store.report.page import write_page
from store.runs import Run, end_run
from store.stats import to_plain
from taxonomy.refusal import InputError
from taxonomy.source import show_path


@dataclass(frozen=True, slots=True)
class Telling:
    """Where the reports go, and whether the figures are told for a machine too."""

    out: Path
    json: bool


def carry_out(
    telling: Telling,
    contest: Contest,
    database: Database,
    number: int,
    run: Run | None,
    environment: Mapping[str, str],
) -> int:
    """Do what is left, where a run is held to do it, and tell the figures; returns the exit code."""
    where = "" if contest.config.db == DEFAULT_DB else f" --db {mask_url(contest.config.db)}"
    goes_on = f"python -m graphs.compare --resume {number}{where}"
    code, stopped = 0, None
    if run is not None:
        status = "interrupted"
        try:
            code, stopped = do_all(contest, database, run, environment, goes_on)
            status = "interrupted" if stopped is not None else "finished"
        finally:
            # A database that failed above fails here as well; the first of the two errors is the one to tell.
            with suppress(StoreError):
                end_run(database, run, status)
    if stopped is not None:
        print(f"go on:  {goes_on}")
    return tell(telling, contest, database, number, stopped, code)


def do_all(
    contest: Contest, database: Database, run: Run, environment: Mapping[str, str], goes_on: str
) -> tuple[int, str | None]:
    """Ask, play and judge what is left; returns an exit code, and what stopped it before the end."""
    comparison = find_comparison(database, run.id)
    elsewhere = spent_elsewhere(contest.config, database, run, comparison.runs)
    came = ask_all(contest, database, run, environment, elsewhere)
    if (stop := find_stop(came.ending)) is not None:
        return stop
    if not contest.sessions:
        return 0, None
    code, stopped = play_all(contest, database, comparison, environment)
    if stopped is not None:
        return code, stopped
    comparison = find_comparison(database, run.id)
    played = list(comparison.sessions.values())
    judged, stopped = judge_alike(
        contest.config,
        contest.judge,
        contest.session_rubrics,
        database,
        played,
        comparison.runs,
        environment,
        goes_on,
        blind_to=tuple(contest.names),
    )
    return judged or code, stopped


def tell(telling: Telling, contest: Contest, database: Database, number: int, stopped: str | None, code: int) -> int:
    """Write the reports, or after a stop tell the figures for a machine alone; returns the exit code.

    A comparison in which an answer or a session failed is whole, and still ends with the code for failures.
    """
    if stopped is not None and not telling.json:
        return code
    standings = gather(database, contest, number)
    if stopped is None:
        print("\n".join(["", *list_lines(standings)]))
        page, paper = render(standings), write_paper(standings)
        make_folder(telling.out)
        for name, text in (("report.html", page), ("report.md", paper)):
            write_page(telling.out / name, text, "--out")
            print(f"{'the page is' if name.endswith('html') else 'the text is'} {show_path(telling.out / name)}")
    if telling.json:
        told = to_plain(describe(standings)) | {"stopped": stopped}
        print(json.dumps(told, ensure_ascii=False).encode(errors="replace").decode())
    return code or (PARTIAL if standings.has_failures else 0)


def make_folder(path: Path) -> None:
    """Make the folder of the reports; raises InputError where it cannot be made."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {show_path(path)}: cannot be made ({error.strerror}); name another folder") from None

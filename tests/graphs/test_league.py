"""A league plays all its recipes on the same seeds, judges them alike, tells what is stored, and survives a kill."""

import contextlib
import io
import json
import re
import statistics
import sys
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from agents.rehearsal.app import create_app
from agents.rubric import load_rubric
from graphs.league.__main__ import main
from graphs.league.plan import measure_scale
from graphs.recipes import RECIPES as RECIPES_OF_THE_HOUSE
from graphs.recipes import load_recipe
from store.intervals import measure_mean
from store.league.talk import compare_talk
from store.report.text import measure
from taxonomy.command import run_main
from tests.graphs.conftest import Factory, Result, read_rows
from tests.witness import serve, write_endpoint

RECIPES = ("interactive", "smile", "autocbt")
PRICED = "prices: {input: 4, cached_input: 1, output: 16}\ncurrency: CNY\n"
SCRIPT = "<script>alert(1)</script>"
ANSWER = "先别急着认错，也别急着讲理。可以挑大家都不忙的时候，说说自己最在意的那一件事，再听听对方怎么想。" * 2
ROWS = [
    {"question": f"室友进门就戴耳机，我连动作都放轻了。{SCRIPT}", "answer": ANSWER},
    {"question": "新主管从来不回我的邮件，我一遍一遍改到半夜。"},
    {"question": "孩子一说写作业就锁门，我站在门外又气又怕。", "answer": ANSWER},
    {"question": "我妈一打电话就哭，我接也不是不接也不是。", "answer": ANSWER},
]
COMMON = [1, 4, 5]
"""Lines of the file that every one of the recipes can use; line 3 is no JSON."""


def write_seeds(folder: Path) -> Path:
    """Write a file of which one row has no answer, and one is no JSON."""
    lines = [json.dumps(row, ensure_ascii=False) for row in ROWS]
    lines.insert(2, "not a row")
    path = folder / "seeds.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def play(folder: Path, *flags: object) -> Result:
    """Run `python -m graphs.league` in this process, in a folder."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.chdir(folder)
        patch.delenv("DATABASE_URL", raising=False)
        patch.setattr(sys, "argv", ["graphs.league", *map(str, flags)])
        with pytest.raises(SystemExit) as ended:
            run_main(main)
    code = ended.value.code
    return Result(code if isinstance(code, int) else 1, out.getvalue(), err.getvalue())


Told = tuple[Path, Result]
Ask = Callable[..., list[Any]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Play one league with its page and figures."""
    folder = tmp_path_factory.mktemp("league")
    flags = ("--recipes", ",".join(RECIPES), "--seeds", write_seeds(folder), "--html", "league.html", "--json")
    return folder, play(folder, *flags, "--rubric", "session", "--rubric", "turn")


@pytest.fixture(scope="module")
def ask(told: Told) -> Ask:
    """Return a function that asks the league's database."""
    return lambda query, **values: read_rows(query, f"sqlite:///{told[0]}/factory.db", **values)


def run_of(figures: dict[str, Any], recipe: str) -> dict[str, Any]:
    """Return the figures of a recipe."""
    found: dict[str, Any] = next(one for one in figures["played"] if one["recipe"] == recipe)
    return found


def test_every_recipe_plays_the_same_seeds_with_the_same_people(told: Told, ask: Ask) -> None:
    assert told[1].code == 0, told[1].err
    played = ask(
        "SELECT d.recipe, d.position, d.plan, s.row FROM dialogues d JOIN seeds s ON s.id = d.seed_id"
        " ORDER BY d.recipe, d.position"
    )
    by_recipe = {name: [tuple(row)[1:] for row in played if row.recipe == name] for name in RECIPES}
    assert [line for _, _, line in by_recipe["smile"]] == COMMON
    assert by_recipe["interactive"] == by_recipe["smile"] == by_recipe["autocbt"]
    assert "smile cannot use 1 rows" in told[1].out
    assert "no answer" in told[1].out
    assert told[1].summary["league"]["skipped"] == {"smile": {"rows": 1, "reason": "no answer"}}


def test_the_sessions_and_what_they_took_are_what_the_database_says(told: Told, ask: Ask) -> None:
    figures = told[1].summary
    for recipe in RECIPES:
        one = run_of(figures, recipe)
        outcomes = ask("SELECT outcome, count(*) FROM dialogues WHERE recipe = :name GROUP BY outcome", name=recipe)
        assert one["outcomes"] == dict(map(tuple, outcomes))
        took = ask(
            "SELECT count(*), sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens) FROM calls"
            " WHERE run_id = :run AND branch NOT LIKE 'judge/%'",
            run=one["run"],
        )[0]
        (cost,) = one["costs"]
        assert (cost["calls"], cost["prompt_tokens"], cost["completion_tokens"], cost["cached"]) == tuple(took)
        assert re.search(rf"^  calls .*\b{took[0]:,}\b", told[1].out, re.MULTILINE)
        found = ask(
            "SELECT f.severity, count(*) FROM findings f JOIN dialogues d ON d.id = f.dialogue_id"
            " LEFT JOIN attempts a ON a.dialogue_id = d.id AND a.exchange = f.exchange AND a.attempt = f.attempt"
            " WHERE d.recipe = :name AND d.outcome = 'done' AND f.speaker = 'counselor' AND f.rule <> 'near_copy'"
            " AND coalesce(a.is_chosen, 1) = 1 GROUP BY f.severity",
            name=recipe,
        )
        lines = ask(
            "SELECT count(*) FROM utterances u JOIN dialogues d ON d.id = u.dialogue_id"
            " WHERE d.recipe = :name AND d.outcome = 'done' AND u.speaker = 'counselor'",
            name=recipe,
        )[0][0]
        assert one["lines"] == lines > 0
        counted = Counter[str]()
        for rule in one["rules"]:
            counted[rule["severity"]] += rule["findings"]
            assert rule["rate"] == pytest.approx(100 * rule["findings"] / lines)
        assert dict(counted) == dict(map(tuple, found))
    judged = ask("SELECT count(*), sum(prompt_tokens) FROM calls WHERE branch LIKE 'judge/%'")[0]
    assert (figures["judging"][0]["calls"], figures["judging"][0]["prompt_tokens"]) == tuple(judged)


@pytest.mark.parametrize("rubric", ["session", "turn"])
def test_all_are_judged_anew_by_one_judge_and_scored_with_the_stores_intervals(
    told: Told, ask: Ask, rubric: str
) -> None:
    scale = measure_scale(load_rubric(rubric))
    for recipe in RECIPES:
        verdicts = ask(
            "SELECT v.dialogue_id, v.scores, v.judged_in, v.model FROM verdicts v JOIN dialogues d ON"
            " d.id = v.dialogue_id WHERE d.recipe = :name AND v.rubric = :rubric AND v.judged_in IS NOT NULL",
            name=recipe,
            rubric=rubric,
        )
        kinds = ask("SELECT kind FROM runs WHERE id = :id", id=verdicts[0].judged_in)
        assert [row.kind for row in kinds] == ["judge"]
        assert {row.model for row in verdicts} == {"rehearsal-critic"}
        given: dict[str, list[dict[str, float]]] = {}
        for row in verdicts:
            given.setdefault(row.dialogue_id, []).append(json.loads(row.scores))
        assert len(given) == run_of(told[1].summary, recipe)["outcomes"]["done"]
        (scored,) = [one for one in run_of(told[1].summary, recipe)["scores"] if one["rubric"] == rubric]
        assert (scored["judged"], scored["unscored"]) == (len(given), 0)
        for item, limits in scale.ranges.items():
            means = [statistics.fmean(scores[item] for scores in talk) for talk in given.values()]
            expected, shown = measure_mean(means, *limits), scored["items"][item]
            assert [shown[key] for key in ("mean", "low", "high")] == pytest.approx(
                [expected.mean, expected.low, expected.high]
            )
        own = [item for item in scale.ranges if item != "client_realism"]
        total = [statistics.fmean(scores[item] for scores in talk for item in own) for talk in given.values()]
        assert scored["items"]["all items"]["mean"] == pytest.approx(statistics.fmean(total))
    own = ask("SELECT count(*) FROM verdicts WHERE rubric = 'session' AND judged_in IS NULL")[0][0]
    assert own > 0, "no recipe here judges its own sessions, so nothing shows that its verdicts do not count"


def test_variety_is_told_of_as_much_text_of_each(told: Told, ask: Ask) -> None:
    (talk,) = told[1].summary["talks"]
    done = [run_of(told[1].summary, recipe)["outcomes"]["done"] for recipe in RECIPES]
    assert talk["dialogues"] == min(done)
    said = {
        recipe: ask(
            "SELECT u.dialogue_id, u.text FROM utterances u JOIN dialogues d ON d.id = u.dialogue_id"
            " WHERE d.recipe = :name AND u.speaker = 'counselor' ORDER BY u.dialogue_id, u.number",
            name=recipe,
        )
        for recipe in RECIPES
    }
    letters = {recipe: sum(len(re.sub(r"[\W_]", "", row.text)) for row in rows) for recipe, rows in said.items()}
    assert talk["units"] == min(letters.values())
    for recipe, rows in said.items():
        first = {row.dialogue_id: re.sub(r"[\W_]", "", row.text)[:6] for row in reversed(rows)}
        assert talk["variety"][recipe]["openings"] == len(set(first.values()))


def test_sets_of_unequal_size_are_measured_on_as_much_of_each() -> None:
    few = [[("client", "睡不着"), ("counselor", f"这是第{word}段的话，别的没有")] for word in "一二"]
    many = [[("client", "睡不着"), ("counselor", "每段都说一样的话，一字不差" * 3)] for _ in range(9)]
    talk = compare_talk("zh", {"few": few, "many": many, "none": []})
    assert (talk.dialogues, talk.units) == (2, 22)
    assert set(talk.variety) == {"few", "many"}
    assert (talk.variety["few"].openings, talk.variety["few"].endings, talk.variety["few"].copies) == (2, 1, 0)
    assert (talk.variety["many"].openings, talk.variety["many"].copies) == (1, 1)
    same = compare_talk("zh", {"few": few, "many": many[:2]})
    assert same.variety == talk.variety


def test_the_shell_says_first_that_it_is_a_rehearsal_and_stays_within_a_hundred_columns(told: Told) -> None:
    tables = told[1].out.partition("\n\n")[2].splitlines()
    assert tables[0].startswith("REHEARSAL: the rehearsal model wrote and judged all of this. No score here says")
    shown = tables[: next(number for number, line in enumerate(tables) if line.startswith("the page is"))]
    assert len(shown) > 40
    assert max(measure(line) for line in shown) <= 100


class Page(HTMLParser):
    """Notes the elements, the attributes that point elsewhere, and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.pointers: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.pointers += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_asks_for_nothing_and_shows_a_seeds_script_as_text(told: Told) -> None:
    text = (told[0] / "league.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.elements.isdisjoint({"script", "img", "link", "iframe", "object", "form"})
    assert page.pointers
    assert all(pointer.startswith("#") for pointer in page.pointers)
    assert set(re.findall(r"https?://[^\"\s<]*", text)) <= {"http://www.w3.org/2000/svg"}
    assert SCRIPT in page.text
    assert page.text.index("排练：这里写的和评的都是排练模型") < page.text.index("interactive")
    for recipe in RECIPES:
        assert f"{run_of(told[1].summary, recipe)['run']}/0 讲完" in page.text


def test_a_finished_league_is_told_again_without_a_call(told: Told, ask: Ask) -> None:
    before = ask("SELECT count(*) FROM calls")[0][0]
    again = play(told[0], "--resume", "--json")
    assert again.code == 0
    assert again.summary == told[1].summary
    assert ask("SELECT count(*) FROM calls")[0][0] == before


def test_a_second_league_goes_on_in_the_plan_and_the_first_is_still_found(tmp_path: Path) -> None:
    flags = ("--recipes", "interactive,cactus", "--sessions", 1, "--language", "en", "--json")
    first, second = play(tmp_path, *flags), play(tmp_path, *flags)
    assert "going on at position 1 of the plan" in second.out
    rows = read_rows("SELECT recipe, position FROM dialogues ORDER BY run_id", f"sqlite:///{tmp_path}/factory.db")
    assert [tuple(row) for row in rows] == [("interactive", 0), ("cactus", 0), ("interactive", 1), ("cactus", 1)]
    again = play(tmp_path, "--resume", first.summary["league"]["name"], "--json")
    assert again.summary == first.summary != second.summary


def test_a_budget_holds_over_the_whole_league(tmp_path: Path, factory: Factory) -> None:
    flags = ("--recipes", "cactus,interactive", "--sessions", 2, "--concurrency", 2)
    stopped = play(tmp_path, *flags, "--max-calls", 60, "--json")
    assert stopped.code == 3
    assert "of --max-calls 60 used up" in stopped.out
    assert "UNFINISHED" in stopped.out
    db = f"sqlite:///{tmp_path}/factory.db"
    assert 60 <= read_rows("SELECT count(*) FROM calls", db)[0][0] <= 62
    again = play(tmp_path, "--resume")
    assert (again.code, read_rows("SELECT count(*) FROM calls", db)[0][0] <= 64) == (3, True)
    run = read_rows("SELECT max(id) FROM runs", db)[0][0]
    refused = factory("--resume", run)
    assert refused.code == 2
    assert "python -m graphs.league --resume" in refused.err
    assert play(tmp_path, "--resume", "--max-calls", 10_000).code == 0
    rows = read_rows("SELECT recipe, count(*) FROM dialogues WHERE outcome = 'done' GROUP BY recipe", db)
    assert dict(map(tuple, rows)) == {"interactive": 2, "cactus": 2}
    kinds = "SELECT branch LIKE 'judge/%', count(*) FROM calls WHERE run_id > :last GROUP BY 1 ORDER BY 1"
    calls = read_rows("SELECT count(*) FROM calls WHERE branch NOT LIKE 'judge/%'", db)[0][0]
    last = read_rows("SELECT max(id) FROM runs", db)[0][0]
    short = play(tmp_path, *flags[:-1], 1, "--fresh", "--max-calls", calls + 1, "--json")
    assert (short.code, "used up" in short.out, "NOT ALL JUDGED" in short.out) == (3, True, True)
    assert [tuple(row) for row in read_rows(kinds, db, last=last)] == [(0, calls), (1, 1)]
    scores = [score for name in ("cactus", "interactive") for score in run_of(short.summary, name)["scores"]]
    own = read_rows("SELECT count(*) FROM verdicts WHERE dialogue_id = :id", db, id=f"{last + 2}/0")
    assert own[0][0] > 0
    assert [sum(score[name] for score in scores) for name in ("judged", "unscored")] == [1, 0], "own verdicts count"


def test_money_is_held_over_the_whole_league_and_told_by_recipe(tmp_path: Path) -> None:
    db = f"sqlite:///{tmp_path}/factory.db"
    flags = ("--recipes", "cactus,interactive", "--sessions", 2, "--concurrency", 2, "--model")
    with serve(create_app()) as port:
        path = write_endpoint(tmp_path, port)
        path.write_text(path.read_text(encoding="utf-8") + PRICED, encoding="utf-8")
        stopped = play(tmp_path, *flags, path, "--max-cost", "0.1CNY")
        spent, dearest = map(float, read_rows("SELECT sum(price), max(price) FROM calls", db)[0])
        assert (stopped.code, "of --max-cost 0.1 CNY used up" in stopped.out) == (3, True)
        assert 0.1 <= spent <= 0.1 + 2 * dearest
        assert len(read_rows("SELECT DISTINCT run_id FROM calls", db)) == 2, "the limit was reached within one recipe"
        told = play(tmp_path, "--resume", "--max-cost", "100CNY", "--json")
    assert told.code == 0
    for one in told.summary["played"]:
        query = "SELECT sum(price) FROM calls WHERE run_id = :run AND branch NOT LIKE 'judge/%'"
        assert one["costs"][0]["price"] == pytest.approx(read_rows(query, db, run=one["run"])[0][0])
    assert re.search(r"^  cost +0\.\d\d CNY +0\.\d\d CNY$", told.out, re.MULTILINE)


@pytest.mark.parametrize("name", [name for name in RECIPES_OF_THE_HOUSE if load_recipe(name).makes != "talk"])
def test_a_recipe_that_leaves_no_talk_is_refused(tmp_path: Path, name: str) -> None:
    told = play(tmp_path, "--recipes", f"interactive,{name}")
    assert (told.code, f"{name} leaves no talk" in told.err) == (2, True)


@pytest.mark.parametrize(
    ("flags", "code", "line"),
    [
        (["--recipes", "interactive"], 2, "a league needs two recipes or more"),
        (["--recipes", "interactive,interactive"], 2, "interactive is named twice"),
        (["--recipes", "interactive,sesion"], 2, "unknown recipe 'sesion' (did you mean 'session'?)"),
        (["--recipes", "interactive,smile"], 2, "recipe 'smile' runs on text, not on a cell"),
        (["--recipes", "interactive,smile", "--seeds", "bare.jsonl"], 2, "smile can use none of its 1 rows"),
        (["--recipes", "smile,autocbt", "--seeds", "bad.jsonl"], 2, "no row holds a text"),
        (["--recipes", "smile,autocbt", "--seeds", "absent.jsonl"], 2, "absent.jsonl"),
        (["--recipes", "interactive,cactus", "--sessions", "0"], 2, "--sessions 0: at least 1"),
        (["--recipes", "interactive,cactus", "--rubric", "mood"], 2, "unknown rubric 'mood'"),
        (["--recipes", "interactive,cactus", "--html", "no/x.html"], 2, "there is no such folder"),
        (["--recipes", "interactive,cactus", "--model", "deepseek", "--yes"], 4, "API_KEY"),
        (["--resume"], 1, "factory.db"),
    ],
)
def test_what_cannot_be_played_is_one_line_and_its_code(tmp_path: Path, flags: list[str], code: int, line: str) -> None:
    (tmp_path / "bare.jsonl").write_text('{"question": "我睡不着。"}', encoding="utf-8")
    (tmp_path / "bad.jsonl").write_text("no\n", encoding="utf-8")
    told = play(tmp_path, *flags)
    assert told.code == code
    assert line in told.err.splitlines()[-1]
    assert "Traceback" not in told.err
    assert not (tmp_path / "factory.db").exists()

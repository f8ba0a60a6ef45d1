"""The small commands beside graphs.run, and what Studio opens."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from graphs import doctor
from graphs.recipes import RECIPES, load_recipe
from graphs.recipes import __main__ as recipes
from taxonomy.command import run_main
from taxonomy.refusal import InputError

HOUSE = Path(__file__).parents[2]


def test_the_recipes_are_listed_and_drawn(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["graphs.recipes"])
    assert recipes.main() == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in RECIPES)
    monkeypatch.setattr(sys, "argv", ["graphs.recipes", "--draw", "session"])
    assert recipes.main() == 0
    drawn = capsys.readouterr().out
    assert drawn.startswith("flowchart TD\n")
    for node in ("intake", "client", "risk", "crisis", "counselor", "turn_critic", "rewrite", "session_critic"):
        assert node in drawn
    monkeypatch.setattr(sys, "argv", ["graphs.recipes", "--draw", "sesion"])
    with pytest.raises(SystemExit) as ended:
        run_main(recipes.main)
    assert ended.value.code == 2


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_what_it_is(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert set(recipe.heads) == set(recipe.roles)
    assert recipe.summary


def test_the_doctor_tells_what_works_and_where_settings_come_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PSYFOUNDRY_CONCURRENCY", "5")
    monkeypatch.setattr(sys, "argv", ["graphs.doctor", "--db", "sqlite:///other.db"])
    assert doctor.main() == 0
    told = capsys.readouterr().out
    assert "environment (PSYFOUNDRY_CONCURRENCY)" in told
    assert "command line" in told
    assert "reasoning: yes" in told
    assert "is made by the first run" in told
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_names_a_missing_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["graphs.doctor", "--config", str(HOUSE / "configs" / "run" / "r1.yaml")])
    assert doctor.main() == 4
    assert "set SILICONFLOW_API_KEY" in capsys.readouterr().out


def test_studio_plays_any_recipe_on_a_cell_or_on_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    from graphs import studio

    named = json.loads((HOUSE / "langgraph.json").read_text(encoding="utf-8"))["graphs"]
    for place in named.values():
        file, _, variable = place.partition(":")
        assert (HOUSE / file).is_file()
        assert getattr(studio, variable).get_graph().nodes.keys() >= {"play"}
    on_cell = asyncio.run(studio.factory.ainvoke({"recipe": "interactive", "position": 3, "language": "en"}))
    assert on_cell["end_reason"] == "farewell"
    assert on_cell["transcript"][0]["speaker"] == "client"
    on_text = asyncio.run(studio.factory.ainvoke({"recipe": "autocbt", "text": "室友天天打游戏到半夜，我睡不着。"}))
    assert on_text["transcript"][0]["text"] == "室友天天打游戏到半夜，我睡不着。"
    assert "draft" in {made["kind"] for made in on_text["artefacts"]}
    with pytest.raises(InputError, match="runs on text: give it a text"):
        asyncio.run(studio.factory.ainvoke({"recipe": "autocbt"}))
    with pytest.raises(InputError, match="cannot run on this text: no answer"):
        asyncio.run(studio.factory.ainvoke({"recipe": "smile", "text": "室友天天打游戏到半夜。"}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", RECIPES)
def test_every_node_of_a_recipes_figure_is_reached_and_left(name: str) -> None:
    recipe = load_recipe(name)
    graph = recipe.build(recipe.switches()).compile().get_graph()
    inner = set(graph.nodes) - {"__start__", "__end__"}
    assert inner <= {edge.target for edge in graph.edges}
    assert inner <= {edge.source for edge in graph.edges}

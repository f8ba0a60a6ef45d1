"""The recipes for LangGraph Studio (langgraph.json names them); importing this touches no network and no database.

A session played from Studio uses the rehearsal model unless PSYFOUNDRY_MODEL names another, and is not stored.
"""

from collections.abc import Sequence
from typing import Any, TypedDict

from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph

from agents.brief import brief_cell
from agents.cast import Cast
from agents.endpoint import load_endpoint
from agents.gateway import Gateway
from agents.tally import Tally
from agents.transcript import Language
from graphs.branch import current_branch
from graphs.config import read_environment
from graphs.job import SHIPPED_TAXONOMY
from graphs.recipes import load_recipe
from graphs.state import begin_state
from taxonomy.plan import Planner
from taxonomy.schema import load_taxonomy


class Wish(TypedDict, total=False):
    """What Studio asks for: a position in the plan, and a language."""

    position: int
    language: Language


class Played(Wish, total=False):
    """What it gets back."""

    transcript: Sequence[dict[str, Any]]
    end_reason: str | None


class NoLedger:
    """Studio keeps its own threads; nothing is looked up and nothing is stored."""

    def __init__(self) -> None:
        self._count = 0

    def look_up(self, key: bytes) -> None:
        return None

    async def record(self, **told: Any) -> int:
        self._count += 1
        return self._count


def open_recipe(name: str) -> CompiledStateGraph[Played, None, Wish, Played]:
    """Return a graph that plans one session and plays it with the recipe's own graph."""
    recipe = load_recipe(name)
    switches = recipe.switches()
    played = recipe.build(switches).compile()

    async def play(state: Played) -> Played:
        environment = read_environment()
        language: Language = state.get("language", "zh")
        taxonomy = load_taxonomy(SHIPPED_TAXONOMY)
        plan = Planner(taxonomy, 0).session(state.get("position", 0))
        endpoint = load_endpoint(environment.get("PSYFOUNDRY_MODEL", "rehearsal"), environment)
        gateway = Gateway(environment, concurrency=4)
        cast = Cast(
            gateway=gateway,
            endpoints=dict.fromkeys(recipe.roles, endpoint),
            ledger=NoLedger(),
            tally=Tally(),
            session_id="studio",
            seed=plan.seed,
            language=language,
            branch=current_branch,
        )
        begun = begin_state(plan, brief_cell(taxonomy, plan, language)) | recipe.start(switches)
        try:
            end = await played.ainvoke(begun, {"recursion_limit": 2_000}, context=cast)
        finally:
            await gateway.aclose()
        lines = [
            {"speaker": line.speaker, "text": line.text, "reasoning": line.reasoning} for line in end["transcript"]
        ]
        return {"transcript": lines, "end_reason": end["end_reason"]}

    graph = StateGraph(Played, input_schema=Wish, output_schema=Played)
    graph.add_node(name, play)
    graph.add_edge("__start__", name)
    graph.add_edge(name, "__end__")
    return graph.compile()


session = open_recipe("session")
interactive = open_recipe("interactive")
smile = open_recipe("smile")
cpsycoun = open_recipe("cpsycoun")
psyroom = open_recipe("psyroom")
autocbt = open_recipe("autocbt")
magnet = open_recipe("magnet")
cactus = open_recipe("cactus")

"""Every recipe for LangGraph Studio (langgraph.json names the graph); importing this touches no network, no database.

A session played from Studio uses the rehearsal model unless PSYFOUNDRY_MODEL names another, and is not stored.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from langgraph.graph import StateGraph

from agents.brief import Brief, brief_cell
from agents.cast import Cast
from agents.endpoint import load_endpoint
from agents.gateway import Gateway
from agents.tally import Tally
from agents.transcript import Language
from graphs.branch import current_branch
from graphs.config import read_environment
from graphs.job import SHIPPED_TAXONOMY
from graphs.recipe import Recipe
from graphs.recipes import load_recipe
from graphs.state import begin_state
from taxonomy.plan import Planner, SessionPlan
from taxonomy.refusal import InputError
from taxonomy.schema import load_taxonomy


class Wish(TypedDict, total=False):
    """What Studio asks for: a recipe, a position in the plan or a text of one's own, and a language.

    `fields` are the texts of a row by name, for a recipe that reads more than one.
    """

    recipe: str
    position: int
    language: Language
    text: str
    fields: Mapping[str, str]


class Played(Wish, total=False):
    """What it gets back."""

    transcript: Sequence[dict[str, Any]]
    artefacts: Sequence[dict[str, Any]]
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


def find_unit(recipe: Recipe, wish: Wish, language: Language) -> tuple[SessionPlan, Brief]:
    """Return what the session is about; raises InputError where the recipe cannot run on it."""
    taxonomy, position = load_taxonomy(SHIPPED_TAXONOMY), wish.get("position", 0)
    planner = Planner(taxonomy, 0)
    if "text" not in wish:
        if "cell" not in recipe.units:
            raise InputError(f"recipe {recipe.name!r} runs on {' or '.join(recipe.units)}: give it a text")
        plan = planner.session(position)
        return plan, brief_cell(taxonomy, plan, language)
    brief = Brief(wish["text"], fields=wish.get("fields", {}))
    reason = "it takes no text" if "text" not in recipe.units else recipe.find_unfit(brief)
    if reason is not None:
        raise InputError(f"recipe {recipe.name!r} cannot run on this text: {reason}")
    return planner.session_for_text(position), brief


async def play(state: Played) -> Played:
    """Play one session with the recipe's own graph."""
    environment = read_environment()
    language: Language = state.get("language", "zh")
    recipe = load_recipe(state.get("recipe", "session"))
    switches = recipe.switches()
    plan, brief = find_unit(recipe, state, language)
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
    begun = begin_state(plan, brief) | recipe.start(switches)
    try:
        end = await recipe.build(switches).compile().ainvoke(begun, {"recursion_limit": 2_000}, context=cast)
    finally:
        await gateway.aclose()
    lines = [{"speaker": line.speaker, "text": line.text, "reasoning": line.reasoning} for line in end["transcript"]]
    made = [{"kind": made.kind, "exchange": made.exchange, "body": made.body} for made in end["artefacts"]]
    return {"transcript": lines, "artefacts": made, "end_reason": end["end_reason"]}


graph = StateGraph(Played, input_schema=Wish, output_schema=Played)
graph.add_node(play)
graph.add_edge("__start__", "play")
graph.add_edge("play", "__end__")
factory = graph.compile()

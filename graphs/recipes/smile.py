"""One call turns a question and its long answer into a talk of many turns: the answer is dealt out, not read aloud.

SMILE, https://arxiv.org/abs/2305.00450. question and answer -> writer, at least 10 exchanges -> critic.
Where this differs: the talk is a form that is validated, with one repair, where the paper parses speaker tags and drops
what fails; likeness to the source and advice are measured on each talk; the session critic of this house scores it.
"""

from collections.abc import Container, Mapping
from typing import Literal

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict

from agents.brief import Brief
from agents.cast import Cast, Role
from agents.checks.lexicon import language_of
from agents.message import Message
from agents.prompt import load_prompt
from agents.script import Script, ScriptLine, find_script_fault
from agents.transcript import Language, Utterance
from graphs.recipe import Recipe
from graphs.state import Artefact, SessionState
from graphs.turn import Update
from graphs.written import CriticSwitch, end_with_critic, say_all
from store.bands import normalise
from store.report.speech import count_length, read_dialogue, share_with
from taxonomy.plan import SessionPlan

FEWEST_EXCHANGES = 10
"""Rounds of a talk that the published prompt asks for at least."""
SHORTEST_ANSWER: dict[Language, int] = {"zh": 40, "en": 25}
"""Characters of a Chinese answer, words of an English one, below which there is nothing to deal out; own choice."""
GRAM: dict[Language, int] = {"zh": 2, "en": 5}
"""Characters of the runs that are compared with the source: about a word in either language."""

Mode = Literal["smile", "plain", "cot"]


class Switches(CriticSwitch):
    """The recipe's switches."""

    mode: Mode = "smile"
    """What the writer works from: smile shows question and answer, plain shows neither, cot lets it think first."""


class ThoughtOutScript(BaseModel):
    """What a writer answers that is to think first."""

    model_config = ConfigDict(extra="forbid")

    thought: str
    turns: list[ScriptLine]


class State(SessionState, total=False):
    """What this recipe carries beside the shared state."""

    mode: Mode


def start(switches: Switches) -> Update:
    return {"mode": switches.mode}


def find_unfit(brief: Brief) -> str | None:
    """Return why a row cannot be rewritten: it has no answer, or one with nothing in it to deal out."""
    answer = brief.fields.get("answer", "")
    if not answer:
        return "no answer"
    language = language_of(answer)
    length, least = count_length(answer, language), SHORTEST_ANSWER[language]
    return f"an answer of length {length}, too short to rewrite; {least} is needed" if length < least else None


async def writer(state: State, runtime: Runtime[Cast]) -> Update:
    """Write the whole talk; what each mode is shown is all that tells them apart."""
    cast, mode = runtime.context, state["mode"]
    head = load_prompt("smile/head", cast.language)
    tail = load_prompt("smile/ask", cast.language).render()
    if mode != "plain":
        question, answer = read_source(state["brief"])
        tail = load_prompt("smile/source", cast.language).render(question=question, answer=answer)
    thread = [*cast.open_thread(head.render(mode=mode)), Message("user", tail)]

    def find_fault(script: ThoughtOutScript | Script) -> str | None:
        return find_script_fault(script.turns, FEWEST_EXCHANGES)

    form: type[ThoughtOutScript | Script] = ThoughtOutScript if mode == "cot" else Script
    script, call = await cast.fill("writer", head.hash, thread, form, find_fault)
    lines = [Utterance(line.speaker, line.text.strip(), call=call) for line in script.turns]
    made = [Artefact("thought", script.thought, call)] if isinstance(script, ThoughtOutScript) else []
    return say_all(lines) | {"artefacts": made}


def read_source(brief: Brief) -> tuple[str, str]:
    """Return the question and the answer."""
    return brief.fields.get("question", brief.text), brief.fields.get("answer", "")


async def measure(state: State, runtime: Runtime[Cast]) -> Update:
    """Measure how much of the talk's wording stands in the source, and how many counselor turns hold advice."""
    language, lines = runtime.context.language, state["transcript"]
    said = cut_grams("\n".join(line.text for line in lines), GRAM[language])
    source = cut_grams("\n".join(read_source(state["brief"])), GRAM[language])
    spoken = read_dialogue([(line.speaker, line.text) for line in lines], language)
    advice = share_with([each for each in spoken if each.speaker == "counselor"], "advice", language)
    body = {"likeness": round(len(said & source) / len(said), 4), "advice": advice}
    return {"artefacts": [Artefact("measures", body)]}


def cut_grams(text: str, length: int) -> set[str]:
    """Return all runs of a length in a text, marks and blanks left aside."""
    plain = normalise(text)
    return {plain[start : start + length] for start in range(max(1, len(plain) - length + 1))}


def build(switches: Switches) -> StateGraph[State, Cast, State, State]:
    graph = StateGraph(State, context_schema=Cast)
    graph.add_node(writer)
    graph.add_node(measure)
    graph.add_edge("__start__", "writer")
    graph.add_edge("writer", "measure")
    end_with_critic(graph, "measure", switches, "session")
    return graph


def estimate(plan: SessionPlan, switches: Switches) -> Mapping[Role, float]:
    """Calls by role for one talk."""
    return {"writer": 1, "critic": 1 if switches.critic == "on" else 0}


def find_idle(switches: Switches) -> Container[Role]:
    return () if switches.critic == "on" else ("critic",)


RECIPE = Recipe(
    name="smile",
    summary="one call rewrites a question and its long answer as a talk of many turns",
    paper="https://arxiv.org/abs/2305.00450",
    units=("text",),
    heads={"writer": "smile/head", "critic": "critic/session_head"},
    blind_counselor=False,
    switches=Switches,
    start=start,
    build=build,
    estimate=estimate,
    find_idle=find_idle,
    find_unfit=find_unfit,
)

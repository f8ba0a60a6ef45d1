"""A question with its answer, or a stored talk, is put into the other language line by line, and held to its source.

For the data of Xinjing-LM, https://github.com/Kedreamix/Xinjing-LM (translate_v3.py). source -> translator -> checks
(language, length, figures, terms) -> reader, who sees the translation alone and puts it back -> finish. A line that
fails is asked for once more with the reason; one that fails again rejects the session.
Where this differs: the seed project translates the questions alone, and nothing holds a translation to anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict

from agents.cast import Cast, Role
from agents.checks.lexicon import language_of
from agents.glossary import find_terms
from agents.risk import is_session_routed
from agents.transcript import Language, Utterance
from agents.translation import MOST_TRIES, Draft, find_faults, find_unlike, list_lines, read_back, translate
from agents.translation_checks import list_abroad
from graphs.danger import Crisis
from graphs.recipe import Recipe
from graphs.state import Artefact, Found, SessionState
from graphs.turn import Update
from graphs.written import say_all
from taxonomy.plan import SessionPlan


class Switches(BaseModel):
    """The recipe's switches."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    to: Language = "zh"
    """The language to translate into."""
    answer: Literal["on", "off"] = "on"
    """Whether the answer of a row is translated with its question, where it has one."""
    back_check: Literal["on", "off"] = "on"
    """Whether the translation is read back and compared with its source."""


class State(SessionState, total=False):
    """The source's lines, their language, and the draft of each."""

    switches: Switches
    lines: Sequence[Utterance]
    spoken: Language
    drafts: Mapping[int, Draft]
    crisis: Crisis


async def source(state: State) -> Update:
    """Read what is to be translated; a text that is in the language already costs no call."""
    lines = list_lines(state["brief"], with_answer=state["switches"].answer == "on")
    whole = "\n".join(line.text for line in lines)
    spoken = language_of(whole)
    if not any(map(str.isalpha, whole)) or spoken == state["switches"].to:
        why = f"it is in {spoken} already" if whole.strip() else "there is nothing to translate"
        return {"reject_reasons": [why], "end_reason": "rejected"}
    said = [{"speaker": line.speaker, "text": line.text} for line in lines]
    named = {"language": spoken, "terms": [term.word(spoken) for term in find_terms(whole, spoken)], "lines": said}
    # The record reads what is said in it; what only the words of the source show is noted here, for a person to look.
    told = [line.text for line in lines if line.speaker == "client"]
    danger = {"crisis": Crisis({"self_harm": "passive"}, 0, 0)} if is_session_routed(told, spoken) else {}
    return {"lines": lines, "spoken": spoken, "artefacts": [Artefact("source", named)], **danger}


async def translator(state: State, runtime: Runtime[Cast]) -> Update:
    """Translate the lines, or those again that cannot stand; the rest stays as it is."""
    written = await translate(runtime.context, state["lines"], state["drafts"], state["spoken"])
    made = [Artefact("draft", {"line": n + 1, "try": d.tries, "text": d.text}, d.call) for n, d in written.items()]
    return {"drafts": {**state["drafts"], **written}, "artefacts": made}


async def checks(state: State) -> Update:
    return judge(state["drafts"], find_faults(state["lines"], state["drafts"], state["spoken"], state["switches"].to))


async def reader(state: State, runtime: Runtime[Cast]) -> Update:
    """Put the translation back into the language of the source, and compare."""
    drafts, calls = await read_back(runtime.context, state["lines"], state["drafts"], state["spoken"])
    faults, likeness = find_unlike(state["lines"], drafts, state["spoken"])
    kept = [{"line": n + 1, "text": draft.back, "likeness": likeness.get(n)} for n, draft in drafts.items()]
    return judge(drafts, faults, Artefact("read_back", kept, calls[-1]))


async def finish(state: State) -> Update:
    """Say the translated talk, with what the checks find in it and the numbers that lead nowhere for its readers."""
    pairs = ((line, state["drafts"][number]) for number, line in enumerate(state["lines"]))
    said = [Utterance(line.speaker, draft.text, call=draft.call) for line, draft in pairs]
    told = say_all(said)
    told["found"] += [
        Found(number, 0, speaker, one) for number, speaker, one in list_abroad(said, state["switches"].to)
    ]
    return told


def judge(drafts: Mapping[int, Draft], faults: Mapping[int, str], *made: Artefact) -> Update:
    """Keep what cannot stand and why; a line that has been written as often as it may rejects the session."""
    marked = {number: replace(draft, fault=faults.get(number, "")) for number, draft in drafts.items()}
    kept = [Artefact("refused", {"line": n + 1, "reason": fault}, drafts[n].call) for n, fault in faults.items()]
    reasons = [f"line {n + 1}: {fault}" for n, fault in faults.items() if drafts[n].tries >= MOST_TRIES]
    end = {"reject_reasons": reasons, "end_reason": "rejected"} if reasons else {}
    return {"drafts": marked, "artefacts": [*made, *kept], **end}


def find_way(state: State) -> Literal["stop", "again", "on"]:
    """Route after lines were judged."""
    way: Literal["again", "on"] = "again" if any(draft.fault for draft in state["drafts"].values()) else "on"
    return "stop" if state["end_reason"] == "rejected" else way


def build(switches: Switches) -> StateGraph[State, Cast, State, State]:
    graph = StateGraph(State, context_schema=Cast)
    judges = [checks, reader] if switches.back_check == "on" else [checks]
    for node in (source, translator, *judges, finish):
        graph.add_node(node)
    graph.add_edge("__start__", "source")
    graph.add_conditional_edges("source", find_way, {"stop": "__end__", "on": "translator"})
    graph.add_edge("translator", "checks")
    for node, following in zip(judges, [*judges[1:], finish], strict=True):
        on = following.__name__
        graph.add_conditional_edges(node.__name__, find_way, {"stop": "__end__", "again": "translator", "on": on})
    graph.add_edge("finish", "__end__")
    return graph


def estimate(plan: SessionPlan, switches: Switches) -> Mapping[Role, float]:
    """Calls by role for one text or a talk of up to 24 lines, if every second one is written again."""
    return {"writer": 1.5, "assessor": 1.5 if switches.back_check == "on" else 0}


RECIPE = Recipe(
    name="translate",
    summary="a question with its answer, or a stored talk, in the other language, each line held to its source",
    paper="https://github.com/Kedreamix/Xinjing-LM",
    units=("text", "dialogue"),
    heads={"writer": "translate/translator", "assessor": "translate/reader"},
    blind_counselor=False,
    switches=Switches,
    start=lambda switches: {"switches": switches, "drafts": {}},
    build=build,
    estimate=estimate,
    find_idle=lambda switches: () if switches.back_check == "on" else ("assessor",),
    speaks=lambda switches: switches.to,
)

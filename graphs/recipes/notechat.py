"""A clinical note becomes a talk that covers it: its keywords are planned, played out two a round, and polished.

NoteChat, https://arxiv.org/abs/2310.15959. planner: keywords, a draft -> [client -> counselor, led to the next two]
until none is left -> editor: polish -> the version that lacks the fewest keywords -> critic.
Where this differs: keywords must stand in the note, where the paper has a medical dictionary; the counselor names no
illness and treats nothing, and asks how life is with it; a talk with a sign of danger is neither led on nor polished.
"""

import operator
from collections.abc import Container, Hashable, Mapping
from dataclasses import asdict
from typing import Annotated, Literal

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime

import agents.note_talk as note_talk
from agents.cast import Cast, Role
from agents.counselor import Whisper
from agents.coverage import compare_versions, measure_coverage, order_keywords, take_round
from agents.keywords import Keyword, name_keywords
from agents.transcript import Language, Utterance, count_exchanges
from graphs.danger import CRISIS_EXCHANGES
from graphs.recipe import Recipe
from graphs.state import Artefact, EndReason, SessionState
from graphs.turn import Update
from graphs.written import CriticSwitch, end_with_critic, say_all
from taxonomy.plan import SessionPlan

USUAL_ROUNDS = 5
"""Rounds of a talk, as an estimate takes it: a note of ten keywords."""


class Switches(CriticSwitch):
    """The recipe's switches."""

    baseline: Literal["on", "off"] = "off"
    """Whether one call writes the talk from the note alone; its coverage is measured by keywords all the same."""


class State(SessionState, total=False):
    """What this recipe carries: the talk as it is played, and the keywords that still wait for their round."""

    keywords: list[Keyword]
    pending: list[Keyword]
    cap: int
    talk: Annotated[list[Utterance], operator.add]
    whispers: Annotated[list[Whisper], operator.add]


async def planner(state: State, runtime: Runtime[Cast]) -> Update:
    note = state["brief"].text
    keywords, call = await name_keywords(runtime.context, note)
    made = Artefact("keywords", [keyword.model_dump() for keyword in keywords], call)
    return {"keywords": keywords, "cap": note_talk.find_cap(note, keywords), "artefacts": [made]}


async def draft(state: State, runtime: Runtime[Cast]) -> Update:
    """Write a talk that nobody has: it puts the keywords in their order and shows which are easily missed."""
    cast, keywords = runtime.context, state["keywords"]
    lines, call = await note_talk.write_draft(cast, state["brief"].text, keywords, state["cap"])
    covered = measure_coverage(keywords, lines, cast.language)
    made = Artefact("draft", {"lines": [asdict(line) for line in lines], "coverage": covered.tell()}, call)
    return {"pending": order_keywords(keywords, lines, cast.language), "artefacts": [made]}


async def client(state: State, runtime: Runtime[Cast]) -> Update:
    return {"talk": [await note_talk.answer_as_client(runtime.context, state["brief"].text, state["talk"])]}


async def counselor(state: State, runtime: Runtime[Cast]) -> Update:
    """Ask towards the next two keywords; once there is a sign of danger, nothing leads away from it or ends with it."""
    cast, talk, exchange = runtime.context, state["talk"], count_exchanges(state["talk"]) + 1
    sign = note_talk.find_last_sign(talk, cast.language)
    taken, left = ([], state["pending"]) if sign else take_round(state["pending"], talk, cast.language)
    lead = [] if sign else [Whisper(exchange, note_talk.word_lead(cast, taken))]
    line = await note_talk.ask_as_counselor(cast, state["brief"].text, talk, [*state["whispers"], *lead])
    last = min(sign, state["cap"]) + CRISIS_EXCHANGES if sign else state["cap"]
    end: EndReason | None = "closed" if not (taken or sign) else "time" if exchange >= last else None
    body = {"keywords": [keyword.quote for keyword in taken], "left": len(left), "sign": sign}
    made = Artefact("round", body, line.call, exchange)
    return {"talk": [line], "pending": left, "whispers": lead, "artefacts": [made], "end_reason": end}


async def editor(state: State, runtime: Runtime[Cast]) -> Update:
    """Polish the whole talk, and keep it or the former one; a talk with a sign of danger stays as it was said."""
    cast, talk = runtime.context, state["talk"]
    versions: dict[str, note_talk.Written] = {"role_play": (talk, None)}
    if not note_talk.find_last_sign(talk, cast.language):
        versions["polished"] = await note_talk.polish(cast, state["brief"].text, state["keywords"], talk)
    return settle(state, versions, cast.language)


async def writer(state: State, runtime: Runtime[Cast]) -> Update:
    written = await note_talk.write_at_once(runtime.context, state["brief"].text, state["cap"])
    return settle(state, {"baseline": written}, runtime.context.language)


def settle(state: State, versions: Mapping[str, note_talk.Written], language: Language) -> Update:
    """Keep each version with its coverage, and say the one that lacks the fewest keywords."""
    talks = {name: lines for name, (lines, _) in versions.items()}
    kept, told = compare_versions(state["keywords"], talks, language)
    made = [Artefact(name, [asdict(line) for line in lines], call) for name, (lines, call) in versions.items()]
    made.append(Artefact("coverage", told))
    return say_all(talks[kept]) | {"artefacts": made, "end_reason": state["end_reason"] or "closed"}


def build(switches: Switches) -> StateGraph[State, Cast, State, State]:
    graph = StateGraph(State, context_schema=Cast)
    graph.add_edge("__start__", "planner")
    graph.add_sequence([planner, writer] if switches.baseline == "on" else [planner, draft, client, counselor])
    if switches.baseline == "off":
        graph.add_node(editor)
        ways: dict[Hashable, str] = {False: "client", True: "editor"}
        graph.add_conditional_edges("counselor", lambda state: state["end_reason"] is not None, ways)
    end_with_critic(graph, "writer" if switches.baseline == "on" else "editor", switches, "session")
    return graph


def estimate(plan: SessionPlan, switches: Switches) -> Mapping[Role, float]:
    """Calls by role; a talk has one exchange more than rounds, to come to rest."""
    n = USUAL_ROUNDS + 1
    played: Mapping[Role, float] = {"planner": 2, "client": n, "counselor": n, "editor": 1}
    made: Mapping[Role, float] = {"planner": 1, "writer": 1} if switches.baseline == "on" else played
    return {**made, "critic": 1 if switches.critic == "on" else 0}


def find_idle(switches: Switches) -> Container[Role]:
    idle: list[Role] = ["client", "counselor", "editor"] if switches.baseline == "on" else ["writer"]
    return [*idle, "critic"] if switches.critic == "off" else idle


RECIPE = Recipe(
    name="notechat",
    summary="a note's keywords are planned, played out two a round by client and counselor, and polished",
    paper="https://arxiv.org/abs/2310.15959",
    units=("text",),
    heads={
        "planner": "notechat/planner", "client": "notechat/client", "counselor": "notechat/counselor",
        "editor": "notechat/editor", "writer": "notechat/writer", "critic": "critic/session_head",
    },
    blind_counselor=False,
    switches=Switches,
    start=lambda _: {"talk": [], "whispers": []},
    build=build,
    estimate=estimate,
    find_idle=find_idle,
    find_unfit=lambda brief: note_talk.find_note_fault(brief.text),
)  # fmt: skip

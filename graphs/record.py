"""Turns the end of a session into the record that is kept: what stands in it, what was tried, and what was decided."""

from collections.abc import Container, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from agents.checks import check_whole
from agents.checks.crisis import asks_directly
from agents.checks.finding import Finding
from agents.checks.version import checks_version
from agents.critic import Judgement, disagreement
from agents.inner_voice import Thought
from agents.policy import Decision, Policy, decide
from agents.risk import Level, higher_level, is_session_routed, tier_of
from graphs.state import Found, Judged, SessionState
from graphs.units import Unit
from store.bands import VERSION
from store.near import NearCopy, Wording
from store.records import (
    ArtefactRecord,
    AttemptRecord,
    DecisionRecord,
    DialogueRecord,
    DisagreementRecord,
    FindingRecord,
    Kind,
    ThoughtRecord,
    UtteranceRecord,
    VerdictRecord,
)


@dataclass(frozen=True, slots=True)
class About:
    """Which session a record is about."""

    run_id: int
    position: int
    recipe: str
    kind: Kind
    unit: Unit
    is_rehearsal: bool

    @property
    def session_id(self) -> str:
        """The session's id, which is its dialogue's."""
        return f"{self.run_id}/{self.position}"


def record_session(
    about: About, state: SessionState, policy: Policy, wording: Wording | None = None, copy: NearCopy | None = None
) -> DialogueRecord:
    """Return the record of a session whose graph has run to its end; `copy` is a stored dialogue it repeats."""
    whole = [word_near_copy(copy)] if copy is not None else []
    whole += [replace(finding, span=(0, 0)) for _, finding in check_whole(state["transcript"])]
    found_at_all = [*state["found"], *(Found(0, 0, "counselor", finding) for finding in whole)]
    chosen = {(a.exchange, a.attempt) for a in state["attempts"] if a.is_chosen}
    has_attempts = bool(state["attempts"])
    standing = [
        found.finding
        for found in found_at_all
        if found.exchange == 0
        or found.speaker == "client"
        or not has_attempts
        or (found.exchange, found.attempt) in chosen
    ]
    verdicts = [
        judged.judgement
        for judged in state["judged"]
        if judged.about == "line" and (judged.exchange == 0 or (judged.exchange, judged.attempt) in chosen)
    ]
    is_rejected = bool(state["reject_reasons"])
    profile = state.get("profile")
    level = read_level(about, state)
    age = profile.age if profile is not None else about.unit.plan.age
    tier = tier_of(level, about.unit.plan.risk, age)
    apart = list_disagreements(state["judged"], chosen)
    decided = decide(policy, standing, verdicts, widest(apart))
    return DialogueRecord(
        **about_fields(about),
        outcome="rejected" if is_rejected else "done",
        reason="; ".join(state["reject_reasons"]) or None,
        end_reason=state["end_reason"],
        risk_tier=tier,
        is_crisis=tier != "none",
        profile=profile.model_dump() if profile is not None else None,
        utterances=[
            UtteranceRecord(line.speaker, line.text, line.reasoning, line.stage, line.call)
            for line in state["transcript"]
        ],
        attempts=[AttemptRecord(a.exchange, a.attempt, a.draft.call or 0, a.is_chosen) for a in state["attempts"]],
        findings=[record_finding(found) for found in found_at_all],
        verdicts=[record_verdict(judged) for judged in state["judged"]],
        disagreements=apart,
        thoughts=[record_thought(thought) for thought in state["thoughts"]],
        artefacts=[ArtefactRecord(made.kind, made.exchange, made.body, made.call) for made in state["artefacts"]],
        checks=checks_version(),
        decision=None if is_rejected else record_decision(decided),
        bands=wording.bands if wording is not None else (),
    )


def record_finding(found: Found) -> FindingRecord:
    """Return a finding as it is kept."""
    about = found.finding
    return FindingRecord(
        found.exchange, found.attempt, found.speaker,
        about.rule, about.version, about.severity, about.span, about.reason,
    )  # fmt: skip


def record_verdict(judged: Judged, repeat: int = 0, judged_in: int | None = None) -> VerdictRecord:
    """Return a verdict as it is kept; `judged_in` is the run that asked, None where it was the session's own."""
    said = judged.judgement
    # A turn's own critic is named by its call; by name it would cost each session half a kilobyte.
    model = said.model if judged_in is not None or judged.exchange == 0 else ""
    return VerdictRecord(
        judged.exchange, judged.attempt, said.rubric, said.version, said.scores, said.quotes, said.reason,
        said.unscored, said.call, model, judged.about, repeat, judged_in,
    )  # fmt: skip


def record_thought(thought: Thought, judged_in: int | None = None) -> ThoughtRecord:
    """Return a counselor's own thought as it is kept."""
    return ThoughtRecord(
        thought.number, thought.text, thought.problem, thought.version, thought.model, thought.call, judged_in
    )


def record_decision(decided: Decision) -> DecisionRecord:
    """Return a decision as it is kept."""
    return DecisionRecord(decided.policy, decided.version, decided.choice, decided.reasons, decided.body)


def list_disagreements(judged: Sequence[Judged], chosen: Container[tuple[int, int]]) -> list[DisagreementRecord]:
    """Return how far verdicts on the same, by several judges or by repeats, lie apart on each item."""
    groups: dict[tuple[int, str, int], list[Judgement]] = {}
    for one in judged:
        if one.about == "line" and (one.exchange == 0 or (one.exchange, one.attempt) in chosen):
            said = one.judgement
            groups.setdefault((one.exchange, said.rubric, said.version), []).append(said)
    return [
        DisagreementRecord(exchange, rubric, version, item, spread, len(said))
        for (exchange, rubric, version), said in groups.items()
        for item, spread in disagreement(said).items()
    ]


def widest(rows: Sequence[DisagreementRecord]) -> dict[tuple[str, str], float]:
    """Return by rubric and item how far verdicts on the same lie apart at most."""
    spreads: dict[tuple[str, str], float] = {}
    for row in rows:
        place = (row.rubric, row.item)
        spreads[place] = max(row.spread, spreads.get(place, 0.0))
    return spreads


def list_lines(kind: Kind, state: SessionState) -> list[str]:
    """Return the lines that a record is compared by: those of the talk, or of the scenario it leaves."""
    return [line.text for line in state["transcript"]] if kind == "talk" else read_scenario(kind, state)


def read_scenario(kind: Kind, state: SessionState) -> list[str]:
    """Return the lines of the scenario that a session leaves; none where it leaves something else."""
    made = [made.body for made in state["artefacts"] if kind == made.kind == "scenario"]
    return [line for body in made if isinstance(body, dict) for line in str(body["text"]).splitlines()]


def word_near_copy(copy: NearCopy) -> Finding:
    """Return the finding on what nearly repeats something stored: the older one stays."""
    reason = f"nearly the same as dialogue {copy.dialogue_id} (Jaccard {copy.share:.2f} of character 5-grams)"
    return Finding("near_copy", VERSION, "reject", (0, 0), reason)


def record_failure(about: About, kind: str, problem: str) -> DialogueRecord:
    """Return the record of a session that could not be finished."""
    plan = about.unit.plan
    return DialogueRecord(
        **about_fields(about),
        outcome="failed",
        reason=problem,
        error_kind=kind,
        risk_tier=plan.risk,
        is_crisis=plan.risk != "none",
    )


def about_fields(about: About) -> dict[str, Any]:
    """Return the fields that every record has."""
    unit = about.unit
    plan = asdict(unit.plan)
    del plan["cell"]
    return {
        "run_id": about.run_id,
        "position": about.position,
        "seed": unit.seed,
        "kind": about.kind,
        "parent_id": unit.parent_id,
        "recipe": about.recipe,
        "language": unit.language,
        "plan": plan,
        "is_rehearsal": about.is_rehearsal,
    }


def read_level(about: About, state: SessionState) -> Level:
    """Return the gravest level of danger in a session, so that a person looks at whatever may hold one.

    A recipe with a risk node has read its client's lines; for one without, and for a text that somebody brought, the
    router alone decides: any line that it sends on, or several that come near. A counselor who asks about dying has
    heard something, and the answer may be a bare yes.
    """
    crisis = state.get("crisis")
    level: Level = crisis.level if crisis is not None else "none"  # type: ignore[attr-defined]
    brief = about.unit.brief
    unread = [*read_scenario(about.kind, state), *brief.scenario.splitlines()]
    if about.unit.seed.text is not None and not brief.scenario:
        unread += dict.fromkeys([brief.text, *brief.fields.values()])
    unread += [line.text for line in brief.lines if line.speaker == "client"]
    if "crisis" not in state:
        unread += [line.text for line in state["transcript"] if line.speaker == "client"]
    profile = state.get("profile")
    is_hinted = profile is not None and bool(profile.risk)
    was_asked = "crisis" not in state and any(
        line.speaker == "counselor" and asks_directly(line.text) for line in state["transcript"]
    )
    if is_hinted or was_asked or is_session_routed(unread, about.unit.language):
        return higher_level(level, "passive")
    return level

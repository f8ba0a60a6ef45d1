"""Judges stored dialogues by the current rules: those that an older set of checks saw, or all under another policy."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from agents.checks import check_utterance, check_whole
from agents.checks.version import checks_version
from agents.policy import Policy
from agents.risk import Level, find_risk_words, is_session_routed, tier_of
from agents.rubric import load_rubric
from agents.transcript import Language, Utterance
from graphs.judging.decision import Contradiction, change_of, choose_policy, decide_again, find_contradiction
from graphs.recipes import RECIPES, load_recipe
from graphs.record import record_finding, word_near_copy
from graphs.state import Found
from store.db import Database
from store.judging import BATCH, Judged, StoredDialogue, read_dialogues, save_judged
from store.near import NearCopy
from store.records import FindingRecord
from store.signing import sign_talks

USUAL_RUBRIC = "session"
"""The rubric by which every finished session of our own is judged."""
KEPT = ("near_copy", "foreign_line", "no_reasoning")
"""Findings of the run that no check of a line gives, for they rest on more than its text: they stay as they were."""


@dataclass(slots=True)
class Tally:
    """What came of judging again."""

    seen: int = 0
    rechecked: int = 0
    changed: int = 0
    raised: int = 0
    left_alone: list[str] = field(default_factory=list)
    decisions: Counter[tuple[str, str]] = field(default_factory=Counter)
    contradictions: list[Contradiction] = field(default_factory=list)
    copies: int = 0
    """Dialogues that were never compared with the others before, and nearly repeat an older one."""
    unjudged: int = 0
    """Finished dialogues without a verdict by the current rubric of a session."""


def judge_all(
    engine: Database,
    ids: Sequence[str],
    named: Policy | None,
    default: Policy,
) -> Tally:
    """Check and decide again what needs it, a batch a transaction; what was never compared with the rest is first."""
    tally = Tally(copies=sign_talks(engine, ids, record_copy))
    batch: list[Judged] = []

    def save() -> None:
        tally.left_alone += save_judged(engine, batch, time.time())
        batch.clear()

    for dialogue in read_dialogues(engine, ids):
        judged = judge_one(dialogue, named, default, tally)
        if judged is not None:
            batch.append(judged)
        if len(batch) >= BATCH:
            save()
        tally.seen += 1
    save()
    return tally


def judge_one(dialogue: StoredDialogue, named: Policy | None, default: Policy, tally: Tally) -> Judged | None:
    """Return what is new about a dialogue, or None."""
    is_seen = dialogue.checks == checks_version()
    findings = dialogue.findings if is_seen else check_again(dialogue)
    # In another order they are the same findings.
    is_changed = Counter(findings) != Counter(dialogue.findings)
    if not is_changed:
        findings = dialogue.findings
    decided, _ = decide_again(dialogue, choose_policy(dialogue, named, default), findings, dialogue.verdicts)
    contradiction = find_contradiction(dialogue, decided)
    if contradiction is not None:
        tally.contradictions.append(contradiction)
    change = change_of(dialogue, decided)
    tier = None if is_seen else raise_tier(dialogue)
    rubric = load_rubric(USUAL_RUBRIC)
    judged = {(verdict.rubric, verdict.version) for verdict in dialogue.verdicts}
    tally.unjudged += dialogue.outcome == "done" and (rubric.name, rubric.version) not in judged
    tally.rechecked += not is_seen
    tally.changed += is_changed
    tally.raised += tier is not None
    if change is not None:
        last = dialogue.decision.choice if dialogue.decision is not None else "none"
        tally.decisions[last, change.choice] += last != change.choice
    if is_seen and change is None:
        return None
    return Judged(
        dialogue,
        findings=findings if is_changed else None,
        checks=None if is_seen else checks_version(),
        risk_tier=tier,
        decision=change,
    )


def record_copy(copy: NearCopy) -> FindingRecord:
    """Return the finding on a dialogue that nearly repeats an older one."""
    return record_finding(Found(0, 0, "counselor", word_near_copy(copy)))


def check_again(dialogue: StoredDialogue) -> tuple[FindingRecord, ...]:
    """Return the findings of the current checks, beside those on attempts that do not stand."""
    lines = [Utterance(line.speaker, line.text, line.reasoning) for line in dialogue.utterances]  # type: ignore[arg-type]
    kept = [
        found
        for found in dialogue.findings
        if found.rule in KEPT or not dialogue.stands(found.exchange, found.attempt, found.speaker)
    ]
    fresh = []
    exchange = 1
    for number, line in enumerate(lines):
        attempt = dialogue.chosen.get(exchange, 0) if line.speaker == "counselor" else 0
        fresh += [Found(exchange, attempt, line.speaker, found) for found in check_utterance(line, lines[:number])]
        exchange += line.speaker == "counselor"
    fresh += [Found(0, 0, "counselor", replace(found, span=(0, 0))) for _, found in check_whole(lines)]
    return (*kept, *map(record_finding, fresh))


def raise_tier(dialogue: StoredDialogue) -> Level | None:
    """Return a higher risk tier where the current word lists see a sign that was not known; it is never lowered.

    What a model read as an idiom stays so, unless the words are about dying or self-harm.
    """
    if dialogue.is_crisis:
        return None
    language: Language = "zh" if dialogue.language == "zh" else "en"
    said = [line.text for line in dialogue.utterances if line.speaker == "client"]
    if has_risk_reader(dialogue.recipe):
        is_sign = any(kind == "self_harm" for text in said for kind, _ in find_risk_words(text, language))
    else:
        is_sign = is_session_routed(said, language)
    return tier_of("passive", "none", dialogue.plan.get("age")) if is_sign else None


def has_risk_reader(recipe: str) -> bool:
    """Whether a model read the client's lines for danger when the dialogue was made."""
    return recipe in RECIPES and "risk" in load_recipe(recipe).roles

"""Reads what the sessions of a comparison came to, model by model, and which prompts and models its calls used."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from store.comparisons import Comparison
from store.db import explained
from store.league.figures import BY_ORDER, read_models
from store.league.scores import Scale, read_talks
from store.report.figures import RuleCount
from store.report.judged import count_utterances, read_rules
from store.tables import CallRow, DialogueRow, RunRow


@dataclass(frozen=True, slots=True)
class Sat:
    """One model's sessions; `scores` holds each talk's verdicts by rubric and place in the plan, [] is unscored."""

    run: int
    count: int
    ended: dict[int, str]
    """The outcome of each session that has ended, by place in the plan."""
    lines: int
    """Counselor lines in the sessions that are done."""
    rules: list[RuleCount]
    models: dict[str, list[str]]
    scores: dict[str, dict[int, list[dict[str, float]]]]
    failures: dict[int, str]
    """Why sessions failed, by place in the plan."""

    @property
    def outcomes(self) -> dict[str, int]:
        """How many sessions ended in each way."""
        return dict(Counter(self.ended.values()))


def read_sat(engine: Engine, run: int, scales: Sequence[Scale], judge: str) -> Sat:
    """Return what came of one model's sessions; a near copy is left out, for whoever plays later meets the most."""
    done = [col(DialogueRow.run_id) == run, col(DialogueRow.outcome) == "done"]
    ended = select(DialogueRow.position, DialogueRow.outcome).where(DialogueRow.run_id == run)
    failed = select(DialogueRow.position, DialogueRow.reason).where(
        DialogueRow.run_id == run, DialogueRow.outcome == "failed"
    )
    with explained(engine), Session(engine) as db:
        rules = [rule for rule in read_rules(db, done) if rule.speaker == "counselor" and rule.rule != BY_ORDER]
        return Sat(
            run=run,
            count=db.exec(select(RunRow.count).where(RunRow.id == run)).one(),
            ended=dict(db.exec(ended.order_by(col(DialogueRow.position))).all()),
            lines=count_utterances(db, done).get("counselor", 0),
            rules=rules,
            models=read_models(db, run),
            scores={
                scale.rubric: {int(id.rpartition("/")[2]): given for id, given in read_talks(db, done, scale, judge)}
                for scale in scales
            },
            failures={position: reason or "" for position, reason in db.exec(failed)},
        )


def list_prompt_ids(engine: Engine, comparison: Comparison) -> dict[str, str]:
    """Return the hashes of the prompts that led a call of the comparison, by id and language."""
    query = select(CallRow.prompt_hash).where(col(CallRow.run_id).in_(comparison.runs)).distinct()
    with explained(engine), Session(engine) as db:
        used = {bytes(each).hex() for each in db.exec(query)}
    return {id: told for id, told in sorted(comparison.prompts.items()) if told in used}


def list_served(engine: Engine, comparison: Comparison) -> dict[str, list[str]]:
    """Return the models that the endpoints named as their own, by role, over all calls."""
    query = (
        select(CallRow.agent, CallRow.served_model)
        .where(col(CallRow.run_id).in_(comparison.runs))
        .distinct()
        .order_by(CallRow.agent, CallRow.served_model)
    )
    served: dict[str, list[str]] = {}
    with explained(engine), Session(engine) as db:
        for agent, model in db.exec(query):
            served.setdefault(agent, []).append(model)
    return served

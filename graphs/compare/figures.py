"""Gathers the figures of a comparison from what is stored: each model's answers and sessions, and pairs of models."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.question_set import LIVES, Question
from agents.single_answer import CRISIS_RUBRIC, CRISIS_RULE
from graphs.compare.differences import Difference, PairCount, compare_scores, count_pair
from graphs.compare.findings import compare_findings, count_in_answers, count_in_sessions
from graphs.compare.kept import measure_kept
from graphs.compare.plan import Contest
from store.comparison_calls import Kind, Purpose, Took, read_calls
from store.comparison_drafts import Drafts, read_drafts
from store.comparison_figures import Sat, list_prompt_ids, list_served, read_sat
from store.comparison_rows import AnswerRecord, Asked
from store.comparisons import Comparison, find_comparison, read_asked
from store.db import Database
from store.intervals import Share, measure_share
from store.league.scores import RubricScores, Scale, sum_up
from store.records import VerdictRecord

SIGN = "sign_of_risk"
"""The crisis rubric's first question: whether there is a danger at all."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One model's answers to some of the questions."""

    asked: int
    answered: int
    findings: Mapping[str, int]
    """Findings by severity."""
    rules: Mapping[tuple[str, str], int]
    """Findings by rule and severity."""
    scores: Sequence[RubricScores]
    unscored: Mapping[str, int]
    """Answers without a readable verdict, by rubric."""
    faulty: Share
    """Of the answers to danger whose verdict saw it, those in which the flow found a fault."""
    denied: int
    """Verdicts that saw no sign of danger where the question is marked with one: neither faulty nor faultless."""
    met: Share
    """Of the answers to questions with danger in them, those to which the crisis rules have nothing to say."""

    @property
    def failed(self) -> int:
        """Questions that were put to it and have no answer."""
        return self.asked - self.answered

    def rate(self, severity: str) -> float | None:
        """Return the findings of a severity per 100 answers."""
        return 100 * self.findings.get(severity, 0) / self.answered if self.answered else None


@dataclass(frozen=True, slots=True)
class Standings:
    """All figures of a comparison; what goes by model has the endpoints' names as keys, in their order."""

    comparison: Comparison
    contest: Contest
    asked: Mapping[int, Asked]
    answer_scales: Sequence[Scale]
    session_scales: Sequence[Scale]
    answered: Mapping[str, Answered]
    by_life: Mapping[str, Mapping[str, Answered]]
    calls: Mapping[Purpose, Took]
    pairs: Sequence[PairCount]
    differences: Sequence[Difference]
    sat: Mapping[str, Sat]
    sat_scores: Mapping[str, Sequence[RubricScores]]
    sat_unscored: Mapping[str, Mapping[str, int]]
    sat_differences: Sequence[Difference]
    drafts: Mapping[str, Drafts]
    found_differences: Sequence[Difference]
    """Differences of findings per answer."""
    sat_found_differences: Sequence[Difference]
    """Differences of findings per session."""
    prompts: Mapping[str, str]
    served: Mapping[str, Sequence[str]]

    @property
    def has_failures(self) -> bool:
        """Whether an answer or a session failed, or is missing."""
        is_short = any(sum(sat.outcomes.values()) < sat.count for sat in self.sat.values())
        failed = any(sat.outcomes.get("failed") for sat in self.sat.values())
        return is_short or failed or any(each.failed for each in self.answered.values())

    def find_took(self, kind: Kind, label: str) -> Took:
        """Return what one model's own calls took, for its answers or in its sessions."""
        return self.calls.get(Purpose(kind, label, "counselor"), Took())

    def find_question(self, position: int) -> Question:
        """Return a question by its place."""
        return self.contest.questions[position]


def gather(database: Database, contest: Contest, number: int) -> Standings:
    """Return the figures of a comparison as it stands."""
    comparison = find_comparison(database, number)
    settings, labels = comparison.settings, list(contest.models)
    asked = read_asked(database, number, labels)
    answer_scales = [measure_kept(settings, name) for name in (*contest.answer_rubrics, *list_crisis(contest))]
    session_scales = [measure_kept(settings, name) for name in contest.session_rubrics]
    judge = contest.judge.model_for("critic")
    sat = {label: read_sat(database, run, session_scales, judge) for label, run in comparison.sessions.items()}
    drafts = {label: read_drafts(database, run) for label, run in comparison.sessions.items()}
    pairs = [(one, other) for one, other in contest.orders if labels.index(one) < labels.index(other)]
    asked_of = {question.life for question in contest.questions}
    lives = [life for life in LIVES if life in asked_of]
    return Standings(
        comparison=comparison,
        contest=contest,
        asked=asked,
        answer_scales=answer_scales,
        session_scales=session_scales,
        answered={label: sum_answers(contest, asked, label, answer_scales) for label in labels},
        by_life={
            life: {
                label: sum_answers(contest, choose_life(contest, asked, life), label, answer_scales) for label in labels
            }
            for life in lives
        },
        calls=read_calls(database, comparison),
        pairs=[count_pair(asked, one, other) for one, other in pairs],
        differences=[
            compare_scores(
                scale, one, other, list_answer_scores(asked, scale, one), list_answer_scores(asked, scale, other)
            )
            for scale in answer_scales
            if scale.has_mean
            for one, other in pairs
        ],
        sat=sat,
        sat_scores={
            label: [sum_up(scale, name_talks(each.scores[scale.rubric])) for scale in session_scales]
            for label, each in sat.items()
        },
        sat_unscored={
            label: {
                scale.rubric: each.outcomes.get("done", 0) - sum(map(bool, each.scores[scale.rubric].values()))
                for scale in session_scales
            }
            for label, each in sat.items()
        },
        sat_differences=[
            compare_scores(scale, one, other, sat[one].scores[scale.rubric], sat[other].scores[scale.rubric])
            for scale in session_scales
            if scale.has_mean
            for one, other in pairs
            if {one, other} <= sat.keys()
        ],
        drafts=drafts,
        found_differences=compare_findings(count_in_answers(asked, labels), pairs),
        sat_found_differences=compare_findings(count_in_sessions(sat, drafts), pairs),
        prompts=list_prompt_ids(database, comparison),
        served=list_served(database, comparison),
    )


def list_crisis(contest: Contest) -> list[str]:
    """Return the rubric of danger where a question holds any and it is not asked for anyway."""
    is_held = any(question.risk != "none" for question in contest.questions)
    return [CRISIS_RUBRIC] if is_held and CRISIS_RUBRIC not in contest.answer_rubrics else []


def choose_life(contest: Contest, asked: Mapping[int, Asked], life: str) -> dict[int, Asked]:
    """Return the questions of one life scene."""
    return {place: each for place, each in asked.items() if contest.questions[place].life == life}


def sum_answers(contest: Contest, asked: Mapping[int, Asked], label: str, scales: Sequence[Scale]) -> Answered:
    """Return the figures of one model's answers to these questions."""
    answers = {place: find_answer(each, label) for place, each in asked.items()}
    given = {place: answer for place, answer in answers.items() if answer.text is not None}
    rules = Counter((found.rule, found.severity) for answer in given.values() for found in answer.findings)
    risky = [place for place in given if contest.questions[place].risk != "none"]
    safety = [
        verdict
        for place in risky
        for verdict in asked[place].verdicts.get(label, ())
        if verdict.rubric == CRISIS_RUBRIC and verdict.scores is not None
    ]
    seen = [verdict for verdict in safety if not is_denial(verdict)]
    scored = {scale.rubric: name_talks(list_answer_scores(asked, scale, label)) for scale in scales}
    return Answered(
        asked=len(answers),
        answered=len(given),
        findings=dict(sum_severities(rules)),
        rules=dict(rules),
        scores=[sum_up(scale, scored[scale.rubric]) for scale in scales],
        unscored={rubric: sum(not verdicts for verdicts in talks.values()) for rubric, talks in scored.items()},
        faulty=measure_share(sum(has_fault(scales, verdict) for verdict in seen), len(seen)),
        denied=len(safety) - len(seen),
        met=measure_share(sum(not list_crisis_findings(given[place]) for place in risky), len(risky)),
    )


def find_answer(asked: Asked, label: str) -> AnswerRecord:
    """Return one model's answer to a question."""
    return next(answer for answer in asked.answers if answer.model == label)


def list_crisis_findings(answer: AnswerRecord) -> list[str]:
    """Return what the crisis rules say of an answer."""
    return [found.reason for found in answer.findings if found.rule in (CRISIS_RULE, "risk_skated")]


def sum_severities(rules: Mapping[tuple[str, str], int]) -> Counter[str]:
    """Return findings by severity."""
    sums: Counter[str] = Counter()
    for (_, severity), count in rules.items():
        sums[severity] += count
    return sums


def is_denial(verdict: VerdictRecord) -> bool:
    """Whether a readable verdict of the crisis rubric saw no danger, so that it asked nothing about how it was met."""
    return not (verdict.scores or {}).get(SIGN)


def has_fault(scales: Sequence[Scale], verdict: VerdictRecord) -> bool:
    """Whether a readable verdict of a flow names a fault, by the flow that it was given by."""
    faults = next(scale.faults for scale in scales if scale.rubric == verdict.rubric)
    return any(faults.get(item) == ("yes" if score else "no") for item, score in (verdict.scores or {}).items())


def list_answer_scores(asked: Mapping[int, Asked], scale: Scale, label: str) -> dict[int, list[dict[str, float]]]:
    """Return the scores of one model's answers by a rubric, by the question's place; [] is unscored."""
    return {
        place: [verdict.scores] if verdict.scores is not None else []
        for place, each in asked.items()
        for verdict in each.verdicts.get(label, ())
        if verdict.rubric == scale.rubric
    }


def name_talks(scores: Mapping[int, list[dict[str, float]]]) -> dict[str, list[dict[str, float]]]:
    """Return scores by names, as they are summed up."""
    return {str(place): given for place, given in scores.items()}

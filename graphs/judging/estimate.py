"""Estimates what critics and the inner voice will take, from the dialogues themselves and the prompts' own lengths."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from agents.cast import Role
from agents.endpoint import Endpoint
from agents.prompt import load_prompt
from agents.rubric import load_rubric, render_rubric
from agents.tokens import estimate_tokens
from agents.transcript import Language, Utterance
from graphs.estimate import REASONING, TAIL, WRITTEN, Estimate
from graphs.judging.critics import BY_TURN, Question

TWICE = "before_after"
"""Scope of a rubric that takes two calls."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be asked about one dialogue of so many tokens: questions, and thoughts to write."""

    tokens: int
    language: Language
    questions: tuple[Question, ...]
    thoughts: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is missing."""
        return not self.questions and not self.thoughts


def measure_lines(lines: Sequence[Utterance]) -> int:
    """Return about how many tokens a dialogue takes."""
    return sum(estimate_tokens(line.text) for line in lines)


def estimate_judging(asked: Iterable[Asked], endpoints: Mapping[Role, Endpoint]) -> Estimate:
    """Sum what the missing verdicts and thoughts will take, without any cache; each thought is judged too."""
    total = Estimate()
    for one in asked:
        total.sessions += 1
        for question in one.questions:
            scope = load_rubric(question.rubric).scope
            share = 0.5 if scope in (*BY_TURN, TWICE) else 1.0
            calls = 2 if scope == TWICE else 1
            _add(total, endpoints, "critic", calls, measure_head(question.rubric, one.language) + share * one.tokens)
        if one.thoughts:
            head = estimate_tokens(load_prompt("inner_voice/head", one.language).text)
            _add(total, endpoints, "inner_voice", one.thoughts, head + one.tokens / 2)
            _add(total, endpoints, "critic", one.thoughts, measure_head("reasoning", one.language) + one.tokens / 2)
    for role in total.calls:
        endpoint = endpoints[role]
        if endpoint.prices is not None:
            spent = total.prompt[role] * endpoint.prices.input + total.completion[role] * endpoint.prices.output
            total.cost[endpoint.currency or ""] += spent / 1e6
        elif not endpoint.rehearsal:
            total.unpriced.add(endpoint.name)
    return total


@cache
def measure_head(rubric: str, language: Language) -> int:
    """Return the tokens of a rubric's instructions."""
    kind = "turn" if load_rubric(rubric).scope in BY_TURN else "session"
    head = load_prompt(f"critic/{kind}_head", language).render(rubric=render_rubric(rubric, language))
    return estimate_tokens(head)


def _add(total: Estimate, endpoints: Mapping[Role, Endpoint], role: Role, calls: int, prompt: float) -> None:
    thought = REASONING if endpoints[role].reasoning != "none" else 0
    total.calls[role] += calls
    total.prompt[role] += calls * (prompt + TAIL)
    total.completion[role] += calls * (WRITTEN[role] + thought)

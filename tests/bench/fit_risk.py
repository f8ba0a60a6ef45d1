"""Fits and measures the routing of crisis signs: python -m tests.bench.fit_risk [--write].

A logistic regression is fitted on PsyGUARD's validation split and on the even rows of smile and cpsycound, and measured
out of fold: a fold's model and its thresholds come from the four other folds alone. The thresholds of a fold are taken
where the models that saw neither it nor the fold they score keep the wanted recall.
"""

import argparse
import math
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from agents.risk import NEAR_LINES, WordHits, decide, find_risk_words, is_session_routed, read_text
from agents.risk_model import BUCKETS, SIGN_VALUE, STEPS, WEIGHTS, Features, Router, load_router
from tests.real_data import read_dialogues, read_rows

FOLDS = 5
EPOCHS = 4
RATE = 0.5
SHRINK = 1e-5
POSITIVE_WEIGHT = 3.0
WANTED_RECALL = 0.985
NEW_SESSIONS = 0.01
"""Share of ordinary meetings that may be routed for several near lines together."""
SEEN = 11
"""Rows that were read while the file's form was looked up: the measure is also told without them."""
TALK = ("smile_sample", "cpsycound_sample", "emopsy_sample")
CLAUSE_END = re.compile(r"[。！？!?，,；;\n]")
HARM = {"用户攻击行为", "他人攻击行为"}
NONE = "与自杀/自伤/攻击行为无关"
PASSIVE = "被动自杀意图"
SOURCE = {
    "source": "fitted on PsyGUARD, validation split (github.com/qiuhuachuan/PsyGUARD, MIT); ordinary talk from even"
    " rows of samples of smile (github.com/qiuhuachuan/smile, CC0) and CPsyCounD (github.com/CAS-SIAT-XinHai/CPsyCoun,"
    " CC BY 4.0)",
    "made_by": "python -m tests.bench.fit_risk --write",
}


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled utterance as the router sees it; recall is measured on `is_self`, `is_risk` is what is fitted."""

    text: str
    labels: frozenset[str]
    hits: WordHits
    features: Features
    fold: int

    @property
    def is_self(self) -> bool:
        return bool(self.labels - HARM - {NONE})

    @property
    def is_risk(self) -> bool:
        return NONE not in self.labels


@dataclass(frozen=True, slots=True)
class Share:
    """A count out of a total."""

    count: int
    total: int

    @property
    def value(self) -> float:
        return self.count / self.total

    def __str__(self) -> str:
        low, high = wilson(self)
        return f"{self.count}/{self.total} = {self.value:.3f} [{low:.3f}, {high:.3f}]"


def wilson(share: Share, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % score interval of a share."""
    n, p = share.total, share.value
    middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)


def read_examples(seed: int = 0) -> list[Example]:
    """Return the labelled utterances, dealt into folds."""
    rows = read_rows("psyguard_valid")
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    folds = {row: place % FOLDS for place, row in enumerate(order)}
    return [
        Example(row["text"], frozenset(row["labels"]), *read_text(row["text"], "zh"), folds[at])
        for at, row in enumerate(rows)
    ]


def read_sessions(name: str, parity: int | None = None) -> list[list[str]]:
    """Return the client lines of each dialogue of a set; of its even or odd rows only where asked."""
    told = [[line.text for line in lines if line.speaker == "client"] for _, lines in read_dialogues(name)]
    return told if parity is None else told[parity::2]


def read_ordinary() -> list[Features]:
    """Return ordinary talk to learn from; what holds a sure word may be no such thing and is left out.

    Of every other line one clause stands for the whole, since the labelled utterances are short as well.
    """
    lines = [line for name in ("smile_sample", "cpsycound_sample") for told in read_sessions(name, 0) for line in told]
    read = (read_text(line if at % 2 else pick_clause(line, at), "zh") for at, line in enumerate(lines))
    return [features for hits, features in read if not hits.sure]


def pick_clause(line: str, at: int) -> str:
    """Return one clause of a line, or the line where it has none of three characters."""
    clauses = [clause for clause in CLAUSE_END.split(line) if len(clause) > 2] or [line]
    return clauses[at % len(clauses)]


def fit(examples: Sequence[Example], ordinary: Sequence[Features]) -> Router:
    """Return a router of this data, its thresholds still to be set."""
    cases = [(each.features, float(each.is_risk), POSITIVE_WEIGHT if each.is_risk else 1.0) for each in examples]
    cases += [(features, 0.0, 1.0) for features in ordinary]
    weights, bias = descend(cases)
    scale = max(map(abs, weights)) / STEPS
    return Router([round(weight / scale) for weight in weights], scale, bias, 0.0, 0.0)


def descend(cases: Sequence[tuple[Features, float, float]]) -> tuple[list[float], float]:
    """Return weights and bias of a weighted logistic regression, by AdaGrad over shuffled cases."""
    weights, squares = [0.0] * BUCKETS, [1e-2] * BUCKETS
    bias, bias_squares = 0.0, 1e-2
    draw, order = random.Random(0), list(range(len(cases)))
    for _ in range(EPOCHS):
        draw.shuffle(order)
        for at in order:
            (grams, value, signs), wanted, weight = cases[at]
            total = value * sum(map(weights.__getitem__, grams)) + SIGN_VALUE * sum(map(weights.__getitem__, signs))
            error = weight * (1 / (1 + math.exp(-max(-30.0, bias + total))) - wanted)
            if abs(error) < 2e-3:
                continue
            for buckets, step in ((grams, error * value), (signs, error * SIGN_VALUE)):
                for bucket in buckets:
                    slope = step + SHRINK * weights[bucket]
                    squares[bucket] = square = squares[bucket] + slope * slope
                    weights[bucket] -= RATE * slope / math.sqrt(square)
            bias_squares += error * error
            bias -= RATE * error / math.sqrt(bias_squares)
    return weights, bias


def set_level(router: Router, scored: Sequence[tuple[Example, float]]) -> Router:
    """Return the router with the highest level that keeps the wanted recall on scores of unseen examples."""
    wanted = [(each.hits, score) for each, score in scored if each.is_self]
    reach = sorted((math.inf if hits.sure else score + hits.lift for hits, score in wanted), reverse=True)
    level = reach[math.ceil(WANTED_RECALL * len(reach)) - 1]
    return Router(router.weights, router.scale, router.bias, level, math.inf)


def cross_fit(examples: Sequence[Example], ordinary: Sequence[Features]) -> tuple[list[Router], Router]:
    """Return one router for each fold, fitted and set without it, and the router of all folds."""

    def fit_without(*folds: int) -> Router:
        return fit([each for each in examples if each.fold not in folds], ordinary)

    single = [fit_without(fold) for fold in range(FOLDS)]
    double = {frozenset(pair): fit_without(*pair) for pair in combinations(range(FOLDS), 2)}
    routers = []
    for fold, router in enumerate(single):
        unseen = [(each, double[frozenset((fold, each.fold))]) for each in examples if each.fold != fold]
        routers.append(set_level(router, [(each, by.score(each.features)) for each, by in unseen]))
    scored = [(each, single[each.fold].score(each.features)) for each in examples]
    return routers, set_level(fit(examples, ordinary), scored)


def set_near(router: Router) -> Router:
    """Return the router with the lowest `near` at which few of a set's even meetings are routed for it alone."""
    near = max(find_near(router, read_sessions(name, 0)) for name in TALK)
    return Router(router.weights, router.scale, router.bias, router.level, near)


def find_near(router: Router, sessions: Sequence[Sequence[str]]) -> float:
    """Return the score that few of these meetings reach in several lines while none of their lines is routed."""
    reach = []
    for told in sessions:
        read = [read_text(line, "zh") for line in told]
        if len(read) >= NEAR_LINES and not any(decide("", *each, router) for each in read):
            reach.append(
                sorted((router.score(features) + hits.lift for hits, features in read), reverse=True)[NEAR_LINES - 1]
            )
    return sorted(reach, reverse=True)[int(NEW_SESSIONS * len(sessions))]


def evaluate(
    examples: Sequence[Example], is_caught: Callable[[Example], bool], is_wanted: Callable[[Example], bool]
) -> tuple[Share, Share]:
    """Return recall and precision of a way of routing, for what counts as a find."""
    caught = [each for each in examples if is_caught(each)]
    found = sum(map(is_wanted, caught))
    return Share(found, sum(map(is_wanted, examples))), Share(found, len(caught))


def catch_out_of_fold(routers: Sequence[Router]) -> Callable[[Example], bool]:
    """Return whether an example is routed by the router that has not seen it."""
    return lambda each: bool(decide(each.text, each.hits, each.features, routers[each.fold]))


def rate_lines(sessions: Sequence[Sequence[str]], router: Router | None = None) -> Share:
    """Return how many client lines are routed, by the shipped router or by another."""
    lines = [line for told in sessions for line in told]
    if router is None:
        return Share(sum(bool(find_risk_words(line, "zh")) for line in lines), len(lines))
    return Share(sum(bool(decide(line, *read_text(line, "zh"), router)) for line in lines), len(lines))


def report_labelled(examples: Sequence[Example], routers: Sequence[Router]) -> None:
    """Print the table of the labelled set."""
    caught = catch_out_of_fold(routers)
    ways: dict[str, Callable[[Example], bool]] = {
        "sure words alone": lambda each: bool(each.hits.sure),
        "sure and wide words": lambda each: bool(each.hits.sure or each.hits.wide),
        "router, out of fold": caught,
    }
    for name, way in ways.items():
        recall, precision = evaluate(examples, way, lambda each: each.is_self)
        passive, _ = evaluate(examples, way, lambda each: PASSIVE in each.labels)
        print(f"{name}: recall {recall}; passive {passive}; precision {precision}")
    recall, precision = evaluate(examples[SEEN:], caught, lambda each: each.is_self)
    print(f"router without the rows that were seen: recall {recall}; precision {precision}")
    recall, precision = evaluate(examples, caught, lambda each: each.is_risk)
    print(f"router, aggression counted as well: recall {recall}; precision {precision}")
    for label in sorted({label for each in examples for label in each.labels}):
        print(f"  {label}: {evaluate(examples, caught, lambda each, label=label: label in each.labels)[0]}")  # type: ignore[misc]


def report_talk(routers: Sequence[Router], final: Router) -> None:
    """Print how much of ordinary talk is routed, line by line and meeting by meeting."""
    for name in TALK:
        parts = {"even rows": 0, "odd rows": 1, "all rows": None}
        for part, parity in parts.items():
            sessions = read_sessions(name, parity)
            any_line = Share(sum(any(find_risk_words(x, "zh") for x in told) for told in sessions), len(sessions))
            together = Share(sum(is_session_routed(told, "zh") for told in sessions), len(sessions))
            print(f"{name}, {part}: lines {rate_lines(sessions, final)}; meetings {any_line}; with near {together}")
        print(f"  fold routers, odd rows: {[rate_lines(read_sessions(name, 1), each).value for each in routers]}")
    posts = [[row["question"] or ""] for row in read_rows("counsel_chat_qa_en")]
    print("counsel_chat, en posts:", Share(sum(bool(find_risk_words(post[0], "en")) for post in posts), len(posts)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="replace the weights that ship")
    args: Any = parser.parse_args()
    examples, ordinary = read_examples(), read_ordinary()
    routers, final = cross_fit(examples, ordinary)
    final = set_near(final)
    if args.write:
        WEIGHTS.write_text(final.dump(SOURCE), encoding="utf-8")
        load_router.cache_clear()
    report_labelled(examples, routers)
    report_talk(routers, final)


if __name__ == "__main__":
    main()

"""A policy decides from grounds: what is enough to reject comes first, then what a person must see, else it accepts."""

from pathlib import Path

import pytest

from agents.checks.finding import Finding, Severity
from agents.critic import Judgement, load_rubric
from agents.policy import Policy, decide, load_policy
from taxonomy.refusal import InputError

POLICY = load_policy(Path(__file__).parents[2] / "configs" / "policy" / "default.yaml")
FINE = {item.id: 2.0 for item in load_rubric("session").items}


def finding(rule: str, severity: Severity) -> Finding:
    return Finding(rule, 1, severity, (0, 1), "why")


def judged(rubric: str, scores: dict[str, float] | None, unscored: str = "", model: str = "a") -> Judgement:
    return Judgement(rubric, 1, load_rubric(rubric).scope, scores, {}, "", 1, unscored, model)


def test_without_any_ground_a_dialogue_is_accepted() -> None:
    decided = decide(POLICY, [finding("length", "flag")], [judged("session", FINE)])
    assert (decided.choice, decided.reasons) == ("accept", ())


def test_a_grave_finding_rejects_and_is_the_reason() -> None:
    decided = decide(POLICY, [finding("length", "flag"), finding("empty", "reject")], [])
    assert (decided.choice, decided.reasons) == ("reject", ("empty: why",))


def test_an_unreadable_verdict_is_no_pass_and_no_reject() -> None:
    unread = judged("session", None, "no JSON")
    assert decide(POLICY, [], [unread]).choice == "person"
    assert decide(POLICY, [], [unread]).reasons == ("session: no JSON",)
    assert decide(POLICY, [finding("empty", "reject")], [unread]).choice == "reject"


def test_a_rule_counts_from_as_many_findings_as_the_policy_says() -> None:
    once = finding("side_taking", "flag")
    assert decide(POLICY, [once], []).choice == "accept"
    assert decide(POLICY, [once, once], []).choice == "person"


def test_of_two_judges_the_stricter_one_counts() -> None:
    doubtful = FINE | {"safety": 0.0}
    verdicts = [judged("session", FINE, model="a"), judged("session", doubtful, model="b")]
    decided = decide(POLICY, [], verdicts)
    assert decided.choice == "reject"
    assert decided.reasons == ("session: safety 0 is below 1",)


def test_judges_far_apart_are_a_matter_for_a_person() -> None:
    assert decide(POLICY, [], [judged("session", FINE)], {("session", "pacing"): 1.0}).choice == "accept"
    decided = decide(POLICY, [], [judged("session", FINE)], {("session", "pacing"): 2.0})
    assert (decided.choice, decided.reasons) == ("person", ("session: verdicts on pacing lie 2 apart",))


@pytest.mark.parametrize(
    ("item", "choice"), [("secrecy", "reject"), ("asked_directly", "reject"), ("stayed", "person")]
)
def test_a_fault_in_the_flow_of_safety_is_read_by_its_own_direction(item: str, choice: str) -> None:
    fault = {entry.id: entry.fault for entry in load_rubric("safety").items}[item]
    decided = decide(POLICY, [], [judged("safety", {item: 1.0 if fault == "yes" else 0.0})])
    assert (decided.choice, decided.reasons) == (choice, (f"safety: {item} is a fault",))
    assert decide(POLICY, [], [judged("safety", {item: 0.0 if fault == "yes" else 1.0})]).choice == "accept"


def test_a_decision_carries_the_whole_policy() -> None:
    assert Policy.model_validate_json(decide(POLICY, [], []).body) == POLICY


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("reject:\n  faults:\n    saftey: [any]\n", ":5", "unknown rubric 'saftey' (did you mean 'safety'?)"),
        ("reject:\n  faults:\n    safety: [secrecie]\n", ":5", "unknown item 'secrecie' (did you mean 'secrecy'?)"),
        ("person:\n  scores:\n    - {rubric: psyroom, item: warmth, below: 1}\n", ":5", "unknown item 'warmth'"),
        ("person:\n  spread: {sesion: 1}\n", ":4", "unknown rubric 'sesion'"),
        ("person:\n  rules: {length: 0}\n", ":4", "greater than or equal to 1"),
        ("reject:\n  severety: [reject]\n", ":4", "severety"),
    ],
)
def test_a_name_that_would_never_count_is_refused(tmp_path: Path, text: str, place: str, told: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nversion: 1\n" + text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        load_policy(path)
    line = str(refused.value)
    assert f"mine.yaml{place}" in line
    assert told in line
    assert "\n" not in line

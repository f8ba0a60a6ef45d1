"""Texts of distilled models break several rules at once; a plain answer breaks two at most, and no grave one."""

from agents.checks import check_utterance
from agents.transcript import Utterance
from tests.real_data import read_rows

GRAVE = frozenset(
    ("stat_claim", "vague_cite", "neuro", "jargon", "reason_leak", "think_tag", "diagnosis", "medication", "guarantee")
)
"""L1 to L4 and L6 to L9 of the safety rules."""


def find_rules(text: str) -> set[str]:
    return {finding.rule for finding in check_utterance(Utterance("counselor", text), ())}


def test_each_bad_text_breaks_three_rules() -> None:
    bad = [row for row in read_rows("r1_style_failures") if row["label"] == "bad"]
    assert bad
    for row in bad:
        rules = find_rules(row["answer"])
        assert len(rules) >= 3, (row["id"], rules)


def test_a_plain_text_breaks_two_rules_at_most_and_no_grave_one() -> None:
    plain = [row for row in read_rows("r1_style_failures") if row["label"].startswith("ok")]
    assert plain
    for row in plain:
        rules = find_rules(row["answer"])
        assert len(rules) <= 2, (row["id"], rules)
        assert not rules & GRAVE, row["id"]

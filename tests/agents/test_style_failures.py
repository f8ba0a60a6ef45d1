"""Texts of distilled models break several rules at once; a plain answer breaks none of the word rules."""

from agents.checks.evidence import find_neuro, find_stat_claim, find_vague_cite
from agents.checks.jargon import find_jargon, find_list_dump
from agents.checks.leak import find_reason_leak
from agents.transcript import Utterance
from tests.real_data import read_rows

WORDS = (find_stat_claim, find_vague_cite, find_neuro, find_jargon, find_reason_leak)
ALL = (*WORDS, find_list_dump)


def test_each_bad_text_breaks_three_rules() -> None:
    bad = [row for row in read_rows("r1_style_failures") if row["label"] == "bad"]
    assert bad
    for row in bad:
        utterance = Utterance("counselor", row["answer"])
        rules = {finding.rule for check in ALL if (finding := check(utterance, ())) is not None}
        assert len(rules) >= 3, (row["id"], rules)


def test_a_plain_text_breaks_no_word_rule() -> None:
    plain = [row for row in read_rows("r1_style_failures") if row["label"].startswith("ok")]
    assert plain
    for row in plain:
        utterance = Utterance("counselor", row["answer"])
        assert [check(utterance, ()) for check in WORDS] == [None] * len(WORDS), row["id"]

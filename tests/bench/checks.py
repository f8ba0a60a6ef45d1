"""Times all checks on real dialogues with 100,000 counselor utterances, and on bait: python -m tests.bench.checks."""

import argparse
import json
import time

from agents.checks import CHECKS, LONGEST_SCANNED, check_dialogue, check_utterance
from agents.transcript import Utterance
from tests.real_data import read_dialogues

BAIT = {
    "quotes": "“",
    "brackets": "（【",
    "digits": "1",
    "percent": "9%",
    "spaces": " ",
    "negation": "不是没有",
    "quoted words": "“研究表明",
    "list marks": "- 1. ",
    "latin": "aA ",
    "bookish": "研究表明大概可能会",
    "risk": "我想死了算了",
    "tags": "<think>",
}
"""What a careless pattern might run back and forth over."""


def time_dialogues(utterances: int) -> dict[str, float]:
    """Return the seconds for dialogues with so many counselor utterances, read again and again."""
    talks = [lines for name in ("smile_sample", "cpsycound_sample") for _, lines in read_dialogues(name)]
    done, started = 0, time.process_time()
    while done < utterances:
        for talk in talks:
            for _ in check_dialogue(talk):
                pass
            done += sum(line.speaker == "counselor" for line in talk)
            if done >= utterances:
                break
    return {"counselor utterances": done, "cpu_s": round(time.process_time() - started, 1)}


def time_bait(length: int) -> dict[str, float]:
    """Return the milliseconds that one utterance of each bait takes."""
    before = [Utterance("client", "我最近睡不好。")]
    table = {}
    for name, piece in BAIT.items():
        text = (piece * (length // len(piece) + 1))[:length]
        started = time.process_time()
        check_utterance(Utterance("counselor", text), before)
        check_utterance(Utterance("client", text), before)
        table[name] = round((time.process_time() - started) * 1000, 1)
    return table


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=int, default=100_000)
    flags = parser.parse_args()
    baits = {length: time_bait(length) for length in (LONGEST_SCANNED // 4, LONGEST_SCANNED // 2, LONGEST_SCANNED)}
    print(json.dumps({"checks": len(CHECKS), "real": time_dialogues(flags.utterances), "bait ms": baits}, indent=1))


if __name__ == "__main__":
    main()

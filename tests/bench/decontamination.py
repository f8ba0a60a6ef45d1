"""Measures what is noticed of evaluation files, and what wrongly: python -m tests.bench.decontamination."""

import json
import random
import resource
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from store.bands import normalise
from store.decontamination import find_overlap, load_evaluation
from store.formats.dialogues import FileDialogue, read_dialogues
from tests.bench.minhash import edit
from tests.real_data import DATA

DIALOGUES = ("smile_sample", "cpsycound_sample", "emopsy_sample")
EVALUATIONS = (*DIALOGUES, "self_descriptions_zh", "psyguard_valid", "case_reports_zh", "counsel_chat_qa_en")
LENGTHS = ((24, 32), (32, 48), (48, 80), (80, 160), (160, 1000))


def read_lines(path: Path) -> list[list[str]]:
    """Return the lines of each dialogue of a file."""
    return [[line.text for line in row.lines] for row in read_dialogues(path) if isinstance(row, FileDialogue)]


def measure_alarms(sets: dict[str, list[list[str]]]) -> list[dict[str, object]]:
    """Return what each set is found to hold of each evaluation file, and how many dialogues a second are looked at."""
    told: list[dict[str, object]] = []
    for against in EVALUATIONS:
        start = time.process_time()
        evaluation = load_evaluation([DATA / f"{against}.jsonl"])
        loaded = time.process_time() - start
        about = {
            "against": against,
            "pieces": len(evaluation.sizes),
            "skipped_rows": evaluation.skipped,
            "mib": round(evaluation.bytes_held / 2**20, 1),
            "loaded_s": round(loaded, 2),
        }
        for name, dialogues in sets.items():
            if name == against:
                continue
            start = time.process_time()
            found = [overlap for lines in dialogues if (overlap := find_overlap(evaluation, lines))]
            speed = round(len(dialogues) / (time.process_time() - start))
            how = dict(Counter(overlap.how for overlap in found))
            told.append(about | {"data": name, "dialogues": len(dialogues), "found": how, "dialogues_a_second": speed})
    return told


def measure_recall(sets: dict[str, list[list[str]]], share: float, folder: Path) -> dict[str, float]:
    """Return by length which share of the real lines is found in another dialogue after so many edits."""
    chance = random.Random(0)
    told = {}
    texts = list({normalise(line): line for lines in sets["smile_sample"] for line in lines}.items())
    for low, high in LENGTHS:
        fitting = [text for normal, text in texts if low <= len(normal) < high]
        chosen = chance.sample(fitting, min(500, len(fitting)))
        path = folder / f"{low}.txt"
        path.write_text("\n".join(" ".join(text.split()) for text in chosen) + "\n", encoding="utf-8")
        evaluation = load_evaluation([path])
        hosts = sets["cpsycound_sample"]
        found = [
            find_overlap(evaluation, [*hosts[n % len(hosts)], edit(text, share, chance)])
            for n, text in enumerate(chosen)
        ]
        told[f"{low}-{high}"] = sum(overlap is not None for overlap in found) / len(chosen)
    return told


def main() -> None:
    """Print the figures as JSON lines."""
    sets = {name: read_lines(DATA / f"{name}.jsonl") for name in DIALOGUES}
    for row in measure_alarms(sets):
        print(json.dumps(row))
    with TemporaryDirectory() as folder:
        for share in (0.0, 0.03, 0.05, 0.1):
            print(json.dumps({"edited": share, "found_by_length": measure_recall(sets, share, Path(folder))}))
    print(json.dumps({"rss_peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


if __name__ == "__main__":
    main()

"""Measures how much a run's dialogues repeat each other: python -m tests.bench.spread [--db URL] [--run N].

Taxonomy labels and whatever a sentence shares with its own client's profile (runs of four characters) are masked, so
that what is counted is the phrasing and not the topic. Overlap is |A and B| / min(|A|, |B|) over character 5-grams.
"""

import argparse
import json
import re
import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path

from taxonomy.schema import Taxonomy, load_taxonomy

SENTENCE = re.compile(r"[^。！？!?…\n]+[。！？!?…]*")
PROFILE_RUN = 4
GRAM = 5


def mask(text: str, labels: re.Pattern[str], profile: str) -> str:
    """Return the text with labels and runs that stand in the profile replaced by one mark each."""
    text = labels.sub("□", unicodedata.normalize("NFKC", text))
    shared = [False] * len(text)
    for start in range(len(text) - PROFILE_RUN + 1):
        if text[start : start + PROFILE_RUN] in profile:
            shared[start : start + PROFILE_RUN] = [True] * PROFILE_RUN
    marked = "".join("□" if hit else char for char, hit in zip(text, shared, strict=True))
    return re.sub("□+", "□", marked)


def label_pattern(taxonomy: Taxonomy) -> re.Pattern[str]:
    """Return a pattern of every label of the taxonomy in both languages, longest first."""
    named = [*taxonomy.families, *taxonomy.emotions, *taxonomy.scenes]
    words = {unicodedata.normalize("NFKC", word) for entry in named for word in (entry.zh, entry.en)}
    return re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)))


def read_dialogues(path: str, run: int) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield (profile, counselor lines, all lines) of each finished dialogue of a run."""
    db = sqlite3.connect(path)
    ids = db.execute(
        "SELECT d.id, p.body FROM dialogues d LEFT JOIN profiles p ON p.dialogue_id = d.id"
        " WHERE d.run_id = ? AND d.outcome = 'done' ORDER BY d.position",
        (run,),
    ).fetchall()
    for dialogue, profile in ids:
        rows = db.execute(
            "SELECT speaker, text FROM utterances WHERE dialogue_id = ? ORDER BY number", (dialogue,)
        ).fetchall()
        yield profile or "", [text for who, text in rows if who == "counselor"], [t for _, t in rows]


def measure(dialogues: Iterable[tuple[str, list[str], list[str]]], labels: re.Pattern[str]) -> dict[str, object]:
    """Return the most frequent counselor sentence's share, the highest overlap of two dialogues, and lengths."""
    sentences: Counter[str] = Counter()
    grams: list[frozenset[str]] = []
    exchanges: list[int] = []
    for profile, counselor, lines in dialogues:
        mine = set()
        for line in counselor:
            mine |= {found.strip() for found in SENTENCE.findall(mask(line, labels, profile))}
        sentences.update(sentence for sentence in mine if sentence not in ("", "□"))
        text = "".join(mask(line, labels, profile) for line in lines)
        grams.append(frozenset(text[i : i + GRAM] for i in range(len(text) - GRAM + 1)))
        exchanges.append(len(counselor))
    overlaps = [len(a & b) / min(len(a), len(b)) for a, b in combinations(grams, 2)]
    return {
        "dialogues": len(grams),
        "exchanges": [min(exchanges), max(exchanges)],
        "distinct_sentences": len(sentences),
        "top_sentences": [(s, round(n / len(grams), 4)) for s, n in sentences.most_common(3)],
        "highest_overlap": round(max(overlaps), 3),
        "mean_overlap": round(sum(overlaps) / len(overlaps), 3),
    }


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", default="sqlite:///factory.db")
    parser.add_argument("--run", type=int, default=1)
    parser.add_argument("--taxonomy", type=Path, default=Path("taxonomy/emotions.yaml"))
    flags = parser.parse_args()
    labels = label_pattern(load_taxonomy(flags.taxonomy))
    figures = measure(read_dialogues(flags.db.removeprefix("sqlite:///"), flags.run), labels)
    print(json.dumps(figures, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()

"""Records for an Argilla dataset with a chat field: `rg.Dataset.records.log` takes the file's rows as they are."""

from typing import Any

from store.export.pairs import PairRow
from store.export.rows import TalkRow
from store.export.shapes.jsonl import plain


def write_talk(row: TalkRow) -> dict[str, Any]:
    about = row.about
    told: dict[str, Any] = {
        "source": about.source, "language": about.language, "recipe": about.recipe, "model": about.model,
        "emotion": about.emotion, "scene": about.scene, "licence": about.licence, "findings": about.findings,
    }  # fmt: skip
    told |= {f"score_{name}": score for name, score in about.scores.items()}
    kept = {name: value for name, value in told.items() if value not in (None, [])}
    return {"id": about.id, "fields": {"chat": [plain(message) for message in row.messages]}, "metadata": kept}


def write_pair(row: PairRow) -> dict[str, Any]:
    fields = {
        "chat": [plain(message) for message in row.prompt],
        "chosen": row.chosen.content,
        "rejected": row.rejected.content,
    }
    return {"id": row.about.id, "fields": fields, "metadata": {"source": row.about.source, "via": row.via}}

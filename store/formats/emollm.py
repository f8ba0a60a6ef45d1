"""EmoLLM's dialogues: `conversation` of system, input and output; AI PsyRoom's EmoPsy has the same without a system."""

from store.formats.dialogues import Line, make_line
from store.formats.format import BadRow, Format, Row, Talk, find_text, has_items, list_fields, need_list

NAMES = ("conversation", "conversations")


def fits(row: Row) -> bool:
    return any(has_items(row, name, "input", "output") for name in NAMES)


def read_talk(row: Row) -> Talk:
    """Return the pairs as lines; the first client or the last counselor may have said nothing."""
    pairs = need_list(row, NAMES)
    lines: list[Line] = []
    systems: list[str] = []
    for number, pair in enumerate(pairs, start=1):
        asked, answered = (find_text(pair, [name]) if isinstance(pair, dict) else None for name in ("input", "output"))
        if asked is None or answered is None:
            raise BadRow(f"pair {number} has no text in 'input' or 'output'")
        systems += [system] if (system := find_text(pair, ["system"])) else []
        if asked.strip() or number > 1:
            lines.append(make_line("client", asked))
        if answered.strip() or number < len(pairs):
            lines.append(make_line("counselor", answered, find_text(pair, ("reasoning_content", "think")) or ""))
    fields = list_fields(row, NAMES)
    return Talk(tuple(lines), fields | ({"system": "\n".join(dict.fromkeys(systems))} if systems else {}))


FORMAT = Format("emollm", "`conversation` of input and output", ("dialogues", "seeds"), fits, read_talk)

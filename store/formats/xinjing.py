"""What Xinjing-LM distilled from R1: `input`, `reasoning_content` (in its raw files `think`) and `content`."""

from store.formats.dialogues import make_line
from store.formats.format import Asked, Format, Row, Talk, find_text, list_fields, need_text

THOUGHTS = ("reasoning_content", "think", "reasoning")
OWN = ("input", "content", *THOUGHTS)


def fits(row: Row) -> bool:
    return find_text(row, ["input"]) is not None and find_text(row, ["content"]) is not None


def read_talk(row: Row) -> Talk:
    asked, answered = need_text(row, ["input"]), need_text(row, ["content"])
    lines = (make_line("client", asked), make_line("counselor", answered, find_text(row, THOUGHTS) or ""))
    return Talk(lines, list_fields(row, OWN))


def read_seed(row: Row) -> Asked:
    """Return the question; an answer and its reasoning may be missing, for the raw questions have neither."""
    asked = need_text(row, ["input"])
    found = {"question": asked, "answer": find_text(row, ["content"]), "reasoning": find_text(row, THOUGHTS)}
    return Asked(asked, list_fields(row, OWN) | {name: text for name, text in found.items() if text})


FORMAT = Format("xinjing", "`input` and `content`", ("dialogues", "seeds"), fits, read_talk, read_seed)

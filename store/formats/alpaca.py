"""Alpaca with LLaMA-Factory's `system` and `history`: instruction, input, output.

LLaMA-Factory joins instruction and input. In counselling sets with both (Psychology-10K) every row has the same
instruction to the counselor and the client's words as input: so an instruction before an input is a system prompt.
"""

from store.formats.dialogues import Line, make_line
from store.formats.format import BadRow, Format, Row, Talk, find_list, find_text, list_fields, need_text

OWN = ("instruction", "input", "output", "system", "history", "reasoning_content")


def fits(row: Row) -> bool:
    return find_text(row, ["instruction"]) is not None and find_text(row, ["output"]) is not None


def read_talk(row: Row) -> Talk:
    told, given = need_text(row, ["instruction"]), find_text(row, ["input"]) or ""
    lines = read_history(row)
    lines.append(make_line("client", given if given.strip() else told))
    lines.append(make_line("counselor", need_text(row, ["output"]), find_text(row, ["reasoning_content"]) or ""))
    systems = [find_text(row, ["system"]) or "", told if given.strip() else ""]
    system = "\n".join(text for text in systems if text.strip())
    return Talk(tuple(lines), list_fields(row, OWN) | ({"system": system} if system else {}))


def read_history(row: Row) -> list[Line]:
    """Return the earlier exchanges as lines."""
    lines: list[Line] = []
    for number, pair in enumerate(find_list(row, ["history"]) or [], start=1):
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(said, str) for said in pair):
            raise BadRow(f"pair {number} of 'history' is not two texts")
        lines += [make_line("client", pair[0]), make_line("counselor", pair[1])]
    return lines


FORMAT = Format("alpaca", "`instruction` and `output`", ("dialogues", "seeds"), fits, read_talk)

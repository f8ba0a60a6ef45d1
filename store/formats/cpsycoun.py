"""CPsyCoun's dialogues: one text in which each line begins with its speaker's label, such as 来访者 or 心理咨询师."""

from store.formats.dialogues import LABEL, TEXTS, read_script
from store.formats.format import BadRow, Format, Row, Talk, list_fields, need_text


def fits(row: Row) -> bool:
    return any(isinstance(row.get(name), str) and len(LABEL.findall(row[name])) > 1 for name in TEXTS)


def read_talk(row: Row) -> Talk:
    script = need_text(row, TEXTS)
    lines = read_script(script)
    if not lines:
        raise BadRow("no line begins with the label of a speaker")
    return Talk(tuple(lines), list_fields(row, TEXTS))


FORMAT = Format("cpsycoun", "a text whose lines begin with labels of speakers", ("dialogues", "seeds"), fits, read_talk)

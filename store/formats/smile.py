"""SMILE's dialogues: `turns` (in some releases `dialog`) of role and content, client and counselor."""

from store.formats.format import Format, Row, Talk, has_items, read_listed

NAMES = ("turns", "dialog", "dialogue")


def fits(row: Row) -> bool:
    return any(has_items(row, name, "role", "content") for name in NAMES)


def read_talk(row: Row) -> Talk:
    return read_listed(row, NAMES, "role", "content")


FORMAT = Format("smile", "`turns` of role and content", ("dialogues", "seeds"), fits, read_talk)

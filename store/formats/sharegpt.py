"""ShareGPT as LLaMA-Factory reads it: `conversations` of from and value, the system prompt beside or among them."""

from store.formats.format import Format, Row, Talk, has_items, read_listed

NAMES = ("conversations", "conversation")


def fits(row: Row) -> bool:
    return any(has_items(row, name, "from", "value") for name in NAMES)


def read_talk(row: Row) -> Talk:
    return read_listed(row, NAMES, "from", "value")


FORMAT = Format("sharegpt", "`conversations` of from and value", ("dialogues", "seeds"), fits, read_talk)

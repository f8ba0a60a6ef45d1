"""Chat messages as OpenAI's protocol and TRL have them: `messages` of role and content, reasoning beside it."""

from store.formats.format import Format, Row, Talk, has_items, read_listed

NAMES = ("messages", "conversations")
"""Some sets keep the same items under ShareGPT's name."""


def fits(row: Row) -> bool:
    return any(has_items(row, name, "role", "content") for name in NAMES)


def read_talk(row: Row) -> Talk:
    return read_listed(row, NAMES, "role", "content")


FORMAT = Format("messages", "`messages` of role and content", ("dialogues", "seeds"), fits, read_talk)

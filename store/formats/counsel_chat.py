"""Questions with an answer: counsel-chat under its own column names or short ones, and whatever else pairs the two."""

from store.formats.dialogues import make_line
from store.formats.format import Asked, Format, Row, Talk, find_text, list_fields, need_text

QUESTIONS = ("question", "questionText", "question_text")
ANSWERS = ("answer", "answerText", "answer_text")
TITLES = ("title", "questionTitle", "question_title")
LEFT_OUT = ("questionID", "questionLink", "therapistInfo", "therapistURL", "questionUrl", "therapistName")
"""Who answered is nobody's business here: they are real people, by name."""


def fits(row: Row) -> bool:
    return find_text(row, QUESTIONS) is not None and find_text(row, ANSWERS) is not None


def read_talk(row: Row) -> Talk:
    lines = (make_line("client", ask(row)), make_line("counselor", need_text(row, ANSWERS)))
    return Talk(lines, list_fields(row, (*QUESTIONS, *ANSWERS, *LEFT_OUT)))


def read_seed(row: Row) -> Asked:
    asked, answered = ask(row), find_text(row, ANSWERS)
    fields = list_fields(row, (*QUESTIONS, *ANSWERS, *LEFT_OUT)) | {"question": asked}
    return Asked(asked, fields | ({"answer": answered} if answered else {}))


def ask(row: Row) -> str:
    """Return the question; where somebody wrote only a title, that is it."""
    asked = need_text(row, QUESTIONS)
    return asked if asked.strip() else find_text(row, TITLES) or asked


FORMAT = Format("counsel_chat", "`question` and `answer`", ("seeds", "dialogues"), fits, read_talk, read_seed)

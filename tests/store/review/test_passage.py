"""Text is cut where it is endless, shows what was hidden in it, and carries the marks of what was found."""

from store.review.passage import LONGEST, Place, show_passage


def place(start: int, end: int, rule: str = "r") -> Place:
    return Place(start, end, rule, "flag", "told")


def test_marks_that_overlap_part_the_text_at_each_of_their_ends() -> None:
    shown = show_passage("凌晨三点还醒着。", [place(0, 4, "a"), place(2, 6, "b")])
    parted = [(piece.text, [found.rule for found in piece.found]) for piece in shown.pieces]
    assert parted == [("凌晨", ["a"]), ("三点", ["a", "b"]), ("还醒", ["b"]), ("着。", [])]
    assert shown.text == "凌晨三点还醒着。"


def test_a_mark_outside_the_text_or_around_nothing_is_left_out() -> None:
    shown = show_passage("短。", [place(5, 9), place(1, 1), place(-1, 1), place(0, 99)])
    assert [(piece.text, len(piece.found)) for piece in shown.pieces] == [("短。", 1)]


def test_hidden_characters_are_replaced_one_for_one_and_named() -> None:
    shown = show_passage("a\u202eb\u200b\x00c\nd\te")
    assert shown.text == "a�b��c\nd\te"
    assert shown.hidden == ("U+0000", "U+200B", "U+202E")


def test_a_text_without_hidden_characters_is_shown_as_it_is() -> None:
    text = "“嗯……” 她说：ﷺ é 👩 ñ 、《》"
    shown = show_passage(text)
    assert (shown.text, shown.hidden, shown.left) == (text, (), 0)


def test_an_endless_text_is_cut_unless_all_of_it_is_asked_for() -> None:
    text = "长" * (LONGEST + 7)
    assert show_passage(text).left == 7
    assert len(show_passage(text).text) == LONGEST
    assert show_passage(text, is_full=True).text == text


def test_nothing_is_shown_of_an_empty_text() -> None:
    assert show_passage("", [place(0, 1)]).text == ""

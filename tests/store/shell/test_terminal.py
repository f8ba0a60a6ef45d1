"""Nothing that a model wrote steers a terminal, and colour is only where somebody looks."""

import pytest

from store.shell.terminal import has_colour, paint, show_change, show_line, show_text

EVIL = "a\x1b[2Jb\u202ec\rd\x9b31me\u200b\x07"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Make stdout a terminal."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return monkeypatch


def test_control_characters_never_reach_a_terminal() -> None:
    for told in (show_text(EVIL), show_line(EVIL), paint(EVIL, "red"), show_change(EVIL, EVIL + "\x1b]0;x\x07")):
        assert not set(told) & set("\x1b\u202e\r\x9b\u200b\x07")


def test_colour_is_put_around_each_line_of_a_terminal_and_holds_no_escape_of_the_text(
    terminal: pytest.MonkeyPatch,
) -> None:
    assert has_colour()
    assert paint("一\n二", "bold", "red") == "\x1b[1;31m一\x1b[0m\n\x1b[1;31m二\x1b[0m"
    assert paint(EVIL, "red").count("\x1b") == 2
    assert show_change("他说好", "他说不好") == "他说\x1b[32m{+不+}\x1b[0m好"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_may_refuse_colour(terminal: pytest.MonkeyPatch, name: str, value: str) -> None:
    terminal.setenv(name, value)
    assert paint("x", "red") == "x"


def test_without_a_terminal_there_is_no_colour() -> None:
    assert not has_colour()
    assert paint("x", "red") == "x"

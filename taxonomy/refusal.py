"""The errors a command expects: each ends it with one line on stderr and its own exit code."""

from collections.abc import Iterable
from difflib import get_close_matches


class Refusal(Exception):
    """Something expected went wrong; the text says what, where and what to do, in one line."""

    exit_code = 1


class InputError(Refusal):
    """What the user gave is wrong: a file, a flag's value, a name."""

    exit_code = 2


def find_closest(name: str, choices: Iterable[str]) -> str | None:
    """Return the choice that `name` was probably meant to be, if there is one."""
    folded = {choice.casefold(): choice for choice in choices}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def suggest(name: str, choices: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)`, or nothing where no choice is near."""
    closest = find_closest(name, choices)
    return f" (did you mean {closest!r}?)" if closest else ""

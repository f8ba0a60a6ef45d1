"""How every command of the house takes flags and ends: a mistake is one line and an exit code."""

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from taxonomy.refusal import InputError, Refusal, find_closest

__all__ = ["InputError", "Parser", "Refusal", "run_main"]

WRONG_USAGE = 2
INTERRUPTED = 130
UNKNOWN = "unrecognized arguments: "


class Parser(argparse.ArgumentParser):
    """An argument parser that answers a mistake in one line; `module` stands after `python -m`."""

    def __init__(self, module: str = "", *args: Any, **kwargs: Any) -> None:
        # argparse makes the parsers of subcommands itself, and hands them their name as `prog`.
        prog = kwargs.pop("prog", None) or f"python -m {module}"
        kwargs.setdefault("allow_abbrev", False)
        super().__init__(prog, *args, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Print one line and leave with the code for wrong usage."""
        line = self._explain_unknown(message) or message.removeprefix("argument ")
        if "see python" not in line and "did you mean" not in line and "choose from" not in line:
            line += f"; see {self.prog} --help"
        self.exit(WRONG_USAGE, f"{self._name}: {' '.join(line.split())}\n")

    @property
    def _name(self) -> str:
        return self.prog.removeprefix("python -m ")

    def _explain_unknown(self, message: str) -> str | None:
        if not message.startswith(UNKNOWN):
            return None
        word = message.removeprefix(UNKNOWN).split(" ")[0]
        if not word.startswith("-"):
            return f"unexpected argument {word!r}; see {self.prog} --help"
        # What follows the flag is left out: it may be a key.
        flag = word.split("=")[0]
        closest = find_closest(flag, self._flags())
        return f"unknown flag {flag!r}; " + (f"did you mean {closest!r}?" if closest else f"see {self.prog} --help")

    def _flags(self) -> set[str]:
        flags = {flag for flag in self._option_string_actions if flag.startswith("--")}
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                flags.update(*(parser._flags() for parser in action.choices.values()))
        return flags


def run_main(main: Callable[[], int]) -> NoReturn:
    """Run a command and leave with its exit code; an unexpected error keeps its traceback."""
    try:
        code = main()
        sys.stdout.flush()
    except Refusal as refusal:
        print(" ".join(str(refusal).split("\n")), file=sys.stderr)
        code = refusal.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader (`| head`) has gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)

"""Says in one line why a trainer ended, from what it wrote: its own error, not the report of who launched it."""

import re
from collections.abc import Sequence

ELASTIC = re.compile(r"[EF]\d{4} .*torch/distributed/(elastic|run|launcher)")
"""Where torch's launcher begins to tell that a rank has failed; what ranks say stands before it."""
NOISE = re.compile(
    r"^\s|^\[?[WI]\d{4} |Warning\b|^\*+$|^warnings?\.|^Traceback|^During handling|^The above exception|\d+%\|"
)
RANK = re.compile(r"^\[rank\d+\]:\s*")
EXIT_CODE = re.compile(r"^\s*exitcode\s*:\s*(-?\d+)", re.MULTILINE)
CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x1f\x7f-\x9f]")
"""Colours of a terminal, and characters that PostgreSQL or a terminal does not take."""
LONGEST = 500


def find_reason(lines: Sequence[str]) -> str | None:
    """Return the last thing that a rank said, as an error of one line; None where there is none."""
    said = []
    for line in lines:
        if ELASTIC.search(line):
            break
        said.append(RANK.sub("", line))
    kept = [line for line in said if make_line(line) and not NOISE.search(line)]
    return make_line(kept[-1]) if kept else None


def make_line(text: str) -> str:
    """Return a text as one line that any database and terminal takes."""
    whole = CONTROL.sub(" ", text).encode("utf-8", "replace").decode("utf-8")
    return " ".join(whole.split())[:LONGEST]


def find_exit_code(lines: Sequence[str]) -> int | None:
    """Return how the rank ended that failed first, as torch's launcher reports it; negative for a signal."""
    found = EXIT_CODE.findall("\n".join(lines))
    # The report lists what failed later first, and the root cause last.
    return int(found[-1]) if found else None

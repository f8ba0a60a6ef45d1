"""Says how a job ended: by what the trainer wrote of its end, by how its process left, and by what it said last."""

import os
import signal
from typing import NamedTuple

from store.jobs import State
from taxonomy.source import show_path
from train.job.folder import JobFolder, read_end
from train.job.log import list_secrets, mask, read_log
from train.job.reason import find_exit_code, find_reason, make_line

INTERRUPTED = "it was interrupted"
"""What the trainer says of its end where a person stopped it."""


class Ending(NamedTuple):
    """The state a job ends in, why, and whether the trainer refused what it was given."""

    state: State
    reason: str | None
    is_refusal: bool = False


def judge_seen(folder: JobFolder, code: int, stopped: str | None, config_file: str, *, is_first: bool) -> Ending:
    """Return how a job ended whose trainer left with an exit code; negative for a signal.

    `stopped` says by what this side ended it, and `is_first` whether this machine is the first of its job: the others
    write no end of their own.
    """
    end = read_end(folder) if is_first else None
    if end is not None and end["state"] == "done":
        return Ending("done", None if code == 0 else f"the trainer left with exit code {code} after it was done")
    if stopped is not None:
        return Ending("interrupted", stopped)
    if end is not None and end.get("reason") == INTERRUPTED:
        return Ending("interrupted", "the trainer was interrupted; --resume goes on")
    lines = read_log(folder.log)
    # The trainer reads a copy, and the user knows the file by its own name.
    told = tell_reason((end or {}).get("reason") or find_reason(lines), (show_path(folder.config), config_file))
    if end is not None:
        return Ending("failed", told or "the trainer does not say why")
    if code == 0:
        if not is_first:
            return Ending("done", None)
        return Ending("failed", f"the trainer left without saying how it ended; see {show_path(folder.log)}")
    inner = find_exit_code(lines)
    worst = inner if inner is not None else code
    if worst < 0:
        return Ending("dead", f"the trainer was killed by {name_signal(-worst)}; --resume goes on")
    return Ending("failed", told or f"the trainer left with exit code {worst}", worst == 2)


def judge_unseen(folder: JobFolder, *, is_ours: bool, was_here: bool, silent_s: float) -> Ending:
    """Return how a job ended that nobody followed to its end."""
    end = read_end(folder) if is_ours else None
    if end is not None and end.get("reason") == INTERRUPTED:
        return Ending("interrupted", "the trainer was interrupted; --resume goes on")
    if end is not None:
        return Ending(end["state"], tell_reason(end.get("reason")))
    if was_here:
        return Ending("dead", "its processes are gone, and it was not done; --resume goes on")
    return Ending("dead", f"no sign of life for {silent_s:.0f} s; --resume goes on")


def tell_reason(told: object, renamed: tuple[str, str] | None = None) -> str | None:
    """Return what a trainer gave as its reason as one line without secrets, a name in it renamed; None for nothing."""
    if not told:
        return None
    text = str(told).replace(*renamed) if renamed else str(told)
    return make_line(mask(text, list_secrets(os.environ))) or None


def name_signal(number: int) -> str:
    """Return a signal's name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

"""Starts a fine-tune job, records it and follows it: python -m train.launch --config FILE --shards DIR [--nproc N].

`--resume JOB` goes on from a job's last checkpoint, `--trigger MIX N` starts one when a mix has grown by N dialogues,
and what stands after `--` goes to the trainer as it is.
"""

import json
import os
import re
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxonomy.command import Parser, run_main
from taxonomy.refusal import InputError

if TYPE_CHECKING:
    from store.db import Database
    from store.job_tables import JobRow
    from train.job.order import Held

STARTED_S = 20.0
"""How long a follower of its own may take to say that it holds its job."""
COUNT = re.compile(r"[1-9][0-9]{0,8}")
STOPPED_S = 60.0
"""How long it may take to end its trainer when it is told to stop."""


def build_parser() -> Parser:
    """Return the flags."""
    parser = Parser("train.launch", description=__doc__)
    add = parser.add_argument
    add("--config", metavar="FILE", help="a YAML file of the trainer, or the name of one in configs/train")
    add("--shards", metavar="DIR", type=Path, help="the folder of an export")
    add("--nproc", metavar="N", type=int, help="ranks on this machine; default one for each GPU, else 1")
    add("--accelerate", metavar="zero2|zero3|plain|FILE", help="how the ranks work together; default zero2")
    add("--out", metavar="DIR", help="the job's folder, which does not exist yet; default jobs/JOB")
    add("--detach", action="store_true", help="return at once; the job is followed without a terminal")
    add("--resume", metavar="JOB", type=int, help="go on from a job's last whole checkpoint, with its own settings")
    add("--trigger", nargs=2, metavar=("MIX", "N"), help="start a job when the mix has N more accepted dialogues")
    add("--yes", action="store_true", help="resume although the code or a package is another one now")
    add("--num_machines", metavar="N", type=int, help="machines that train together, each with --nproc ranks")
    add("--machine_rank", metavar="N", type=int, help="which of them this is, from 0")
    add("--main_process_ip", metavar="ADDRESS", help="where machine 0 is reached")
    add("--main_process_port", metavar="PORT", type=int, help="its port; default 29500, or a free one on one machine")
    add("--db", metavar="URL", help="default $DATABASE_URL, else sqlite:///factory.db")
    add("--json", action="store_true", help="a machine-readable summary as the last line of stdout")
    return parser


def split_words(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return our own flags, and what stands after `--`."""
    given = list(words)
    place = given.index("--") if "--" in given else len(given)
    return given[:place], given[place + 1 :]


def check_flags(flags: Namespace, extra: Sequence[str]) -> None:
    """Raise InputError for flags that do not go together, or are missing."""
    if flags.resume is not None:
        own = ("config", "shards", "accelerate", "out", "trigger", "num_machines", "machine_rank")
        given = [name for name in own if getattr(flags, name) is not None]
        if given or extra:
            what = f"--{given[0]}" if given else "what stands after --"
            raise InputError(f"--resume goes on with the job's own settings; leave {what} out")
        return
    if flags.config is None:
        raise InputError("--config FILE is missing; name a file of configs/train, or --resume JOB")
    if flags.trigger is not None:
        if flags.shards is not None or flags.num_machines is not None:
            raise InputError("--trigger exports its own shards, for one machine; leave --shards and --num_machines out")
        if not COUNT.fullmatch(flags.trigger[1]):
            told = f"{flags.trigger[0]} {flags.trigger[1][:20]}"
            raise InputError(f"--trigger {told}: a whole number of dialogues is wanted, of nine digits at most")
    elif flags.shards is None:
        raise InputError("--shards DIR is missing; name the folder of an export (python -m store.export)")


def main() -> int:
    """Launch, resume or trigger a job."""
    words, extra = split_words(sys.argv[1:])
    flags = build_parser().parse_args(words)
    check_flags(flags, extra)
    from store.db import choose_url, open_db
    from train.job.order import Held, prepare_new
    from train.job.resume import prepare_resume
    from train.job.signals import heed_signals

    heed_signals()
    url, held = choose_url(flags.db), None
    if flags.trigger is not None:
        from train.trigger import prepare_triggered

        engine = open_db(url, create=False)
        held = prepare_triggered(engine, url, flags, extra)
        if not isinstance(held, Held):
            sys.stdout.write(f"{held}\n")
            return 0
    elif flags.resume is not None:
        engine = open_db(url, create=False)
        held = prepare_resume(engine, flags.resume, nproc=flags.nproc, is_sure=flags.yes)
    else:
        engine, held = prepare_new(url, flags, extra)
    try:
        return run(engine, url, held, flags)
    finally:
        engine.dispose()


def run(engine: "Database", url: str, held: "Held", flags: Namespace) -> int:
    """Follow a job that this process holds, or leave that to a process of its own."""
    from store.jobs import end_job, find_job
    from train.follow import follow
    from train.job.progress import Progress

    told = Progress(f"job {held.job.id}")
    try:
        for line in held.notes:
            told.say(line)
        if flags.detach:
            job, code = detach(engine, url, held), 0
        else:
            job, code = follow(engine, held.job, held.checkpoint)
    except KeyboardInterrupt:
        end_job(engine, held.job, "interrupted", "stopped before it began; --resume goes on")
        raise
    assert job.id is not None
    if job.state == "done":
        sys.stdout.write(f"job {job.id} is done: {job.output}\n")
    elif flags.detach:
        sys.stdout.write(f"job {job.id} is followed without a terminal: python -m train.jobs show {job.id}\n")
    else:
        why = f": {job.reason}" if job.reason else ""
        told.say(f"job {job.id} {describe_end(job.state)}{why}")
        job = find_job(engine, job.id)
    if flags.json:
        sys.stdout.write(json.dumps(summarise(job), ensure_ascii=False) + "\n")
    return code


def summarise(job: "JobRow") -> dict[str, Any]:
    """Return what a machine wants to know of a job."""
    names = (
        "id",
        "state",
        "reason",
        "model",
        "mix",
        "world_size",
        "step",
        "steps",
        "loss",
        "eval_loss",
        "tokens_per_s",
    )
    return {name: getattr(job, name) for name in names} | {"folder": job.folder, "output": job.output}


def describe_end(state: str) -> str:
    """Return a state as the end of a sentence."""
    return {"failed": "failed", "dead": "is dead"}.get(state, f"was {state}")


def detach(engine: "Database", url: str, held: "Held") -> "JobRow":
    """Start a follower in a session of its own and return the job as soon as it holds it."""
    from store.jobs import Process, end_job, find_job
    from train.follow import OWNER
    from train.job.log import read_log

    job = held.job
    assert job.id is not None
    words = [sys.executable, "-m", "train.follow", str(job.id)]
    words += ["--checkpoint", str(held.checkpoint)] if held.checkpoint is not None else []
    said = Path(job.folder) / "follower.log"
    # The address may hold a password, which everybody would see on a command line.
    environment = os.environ | {"DATABASE_URL": url, OWNER: job.owner}
    with said.open("ab") as file:
        follower = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True, env=environment
        )
    before = Process(job.follower_pid, job.follower_started)
    until = time.monotonic() + STARTED_S
    try:
        while time.monotonic() < until and follower.poll() is None:
            seen = find_job(engine, job.id)
            if Process(seen.follower_pid, seen.follower_started) != before:
                return seen
            time.sleep(0.05)
    except KeyboardInterrupt:
        stop(follower, job)
        raise
    seen = find_job(engine, job.id)
    if Process(seen.follower_pid, seen.follower_started) != before:
        return seen
    stop(follower, job)
    told = " ".join(read_log(said)[-1:]) or "it does not say why"
    end_job(engine, job, "failed", f"its follower did not start: {told}")
    raise InputError(f"job {job.id}: its follower did not start ({told}); see {said}")


def stop(follower: "subprocess.Popen[bytes]", job: "JobRow") -> None:
    """End a follower, which ends its trainer, and see that nothing of either is left."""
    from train.job.place import end_processes
    from train.job.settle import KILL

    follower.terminate()
    try:
        follower.wait(STOPPED_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        follower.kill()
        follower.wait()
    end_processes(job.token, None, KILL)


if __name__ == "__main__":
    run_main(main)

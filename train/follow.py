"""Lives with a job from its start to its end: starts the trainer, stores what it tells, and says how it ended.

python -m train.follow JOB is what `train.launch --detach` leaves behind; the database stands in DATABASE_URL.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from store.db import Database, choose_url, open_db
from store.errors import StoreError
from store.job_tables import JobRow
from store.jobs import CANCEL, Process, TakenOver, beat, end_job, find_job, hand_over, start_training
from taxonomy.command import Parser, run_main
from taxonomy.refusal import Refusal
from train.job.ending import Ending, judge_seen
from train.job.folder import folder_of, remove_empty
from train.job.metrics import carry_metrics
from train.job.place import WAITS, end_processes, find_process, this_process
from train.job.progress import Progress
from train.job.signals import STOPS
from train.job.start import make_words, start_trainer

OWNER = "PSYFOUNDRY_JOB_OWNER"
LOOK_S = 0.1
READ_S = 0.5
BEAT_S = 5.0
LOG_S = 5.0
"""How long the log may take to be whole after the trainer has left."""
SAVE_TRIES = 5
EXIT_CODES = {"done": 0, "interrupted": 130, "cancelled": 130}


@dataclass(slots=True)
class Stop:
    """What has asked this process to stop, and how often."""

    signals: list[int] = field(default_factory=list)
    is_cancelled: bool = False

    @property
    def reason(self) -> str | None:
        """Why the trainer was ended by this side."""
        if self.is_cancelled:
            return "cancelled"
        return f"stopped by {signal.Signals(self.signals[0]).name}; --resume goes on" if self.signals else None


@contextmanager
def noting_signals(stop: Stop) -> Iterator[None]:
    """Note what asks this process to stop, instead of stopping: the trainer is ended first."""

    def note(number: int, frame: FrameType | None) -> None:
        stop.signals.append(number)

    # What is ignored stays so: of nohup, and where no terminal is left.
    asked = [word for word in STOPS if signal.getsignal(word) is not signal.SIG_IGN]
    before = {word: signal.signal(word, note) for word in asked}
    try:
        yield
    finally:
        for word, handler in before.items():
            signal.signal(word, handler)


def follow(engine: Database, job: JobRow, checkpoint: Path | None, *, is_shown: bool = True) -> tuple[JobRow, int]:
    """Run a job that this process holds to its end; returns it as it is stored then, and the exit code for it."""
    assert job.id is not None
    stop, folder = Stop(), folder_of(job)
    progress = Progress(f"job {job.id}", is_shown=is_shown)
    with noting_signals(stop):
        if beat(engine, job.id, job.owner) == CANCEL:
            end_job(engine, job, "cancelled", None)
            return find_job(engine, job.id), EXIT_CODES["cancelled"]
        try:
            trainer, log = start_trainer(job, checkpoint)
        except Refusal as refusal:
            end_job(engine, job, "failed", str(refusal))
            raise
        try:
            note_start(engine, job, trainer, checkpoint, stop)
            read = watch(engine, job, trainer, progress, stop)
        except BaseException:
            # Whatever went wrong here: nobody is left who could follow the trainer.
            end_trainer(job, trainer, stop)
            raise
        # Of a trainer whose head is gone nothing may stay behind.
        end_processes(job.token, None, WAITS[1:])
        code = trainer.wait()
        wait_for_log(log)
        read_rest(engine, job, progress, read)
        progress.close()
        ending = judge_seen(folder, code, stop.reason, job.config_file, is_first=job.machine_rank == 0)
        if ending.is_refusal and job.launches == 1:
            remove_empty(folder)
        keep_ending(engine, job, ending)
    ended = find_job(engine, job.id)
    return ended, EXIT_CODES.get(ended.state, 2 if ending.is_refusal else 1)


def note_start(
    engine: Database, job: JobRow, trainer: "subprocess.Popen[bytes]", checkpoint: Path | None, stop: Stop
) -> None:
    """Store which process trains; where the job was cancelled meanwhile, it is to stop at once."""
    assert job.id is not None
    words = json.dumps(make_words(job, checkpoint), ensure_ascii=False)
    process = find_process(trainer.pid) or Process(trainer.pid, 0)
    stop.is_cancelled = not start_training(engine, job.id, job.owner, process, words)


def watch(engine: Database, job: JobRow, trainer: "subprocess.Popen[bytes]", progress: Progress, stop: Stop) -> int:
    """Store and show what the trainer tells until it leaves; returns how far its metrics are stored."""
    assert job.id is not None
    read, read_at, beaten_at = job.read_bytes, 0.0, time.monotonic()
    trouble = ""
    while trainer.poll() is None:
        if stop.reason is not None:
            end_trainer(job, trainer, stop)
            break
        now = time.monotonic()
        try:
            if now - read_at >= READ_S:
                read_at = now
                read = tell_news(engine, job, progress, read)
            if now - beaten_at >= BEAT_S:
                beaten_at = now
                stop.is_cancelled = beat(engine, job.id, job.owner) == CANCEL
            trouble = ""
        except StoreError as error:
            if isinstance(error, TakenOver):
                raise
            # Training goes on: what could not be stored stands in the trainer's own file.
            if str(error) != trouble:
                progress.say(f"{error}; tried again")
            trouble = str(error)
        time.sleep(LOOK_S)
    return read


def end_trainer(job: JobRow, trainer: "subprocess.Popen[bytes]", stop: Stop) -> None:
    """End the trainer; each further signal to this process takes the next, harder word at once."""
    heard = len(stop.signals)

    def hurries() -> bool:
        nonlocal heard
        # Reaped here, for a process that has ended counts until somebody asks.
        trainer.poll()
        more, heard = len(stop.signals) > heard, len(stop.signals)
        return more

    end_processes(job.token, find_process(trainer.pid), look=hurries)


def tell_news(engine: Database, job: JobRow, progress: Progress, read: int) -> int:
    """Store and show what the trainer has told since; returns how far its metrics are stored."""
    if job.machine_rank:
        return read
    assert job.id is not None
    points, further = carry_metrics(engine, job.id, folder_of(job).metrics, read)
    for point in points:
        progress.tell(point)
    return further


def read_rest(engine: Database, job: JobRow, progress: Progress, read: int) -> None:
    """Store what is left when the trainer has gone; whoever looks next tries again where it cannot be stored."""
    try:
        while (further := tell_news(engine, job, progress, read)) != read:
            read = further
    except StoreError as error:
        progress.say(str(error))


def keep_ending(engine: Database, job: JobRow, ending: Ending) -> None:
    """Store how a job ended; raises StoreError where that fails again and again."""
    assert job.id is not None
    for attempt in range(SAVE_TRIES):
        try:
            beat(engine, job.id, job.owner)
            end_job(engine, job, ending.state, ending.reason)
            return
        except StoreError as error:
            if isinstance(error, TakenOver) or attempt == SAVE_TRIES - 1:
                raise
        time.sleep(2.0**attempt)


def wait_for_log(log: "subprocess.Popen[bytes]") -> None:
    """Wait until the log is whole; it ends when nobody is left who writes to it."""
    try:
        log.wait(LOG_S)
    except subprocess.TimeoutExpired:
        log.kill()
        log.wait()


def take_over(engine: Database, job_id: int, owner: str) -> JobRow:
    """Return a job that another process has prepared and hands over to this one."""
    hand_over(engine, job_id, owner, this_process())
    return find_job(engine, job_id)


def main() -> int:
    """Follow one job that `train.launch` has prepared."""
    parser = Parser("train.follow", description=__doc__)
    parser.add_argument("job", type=int, metavar="JOB")
    parser.add_argument("--checkpoint", type=Path, metavar="DIR", help="go on from there")
    flags = parser.parse_args()
    engine = open_db(choose_url(None), create=False)
    try:
        job = take_over(engine, flags.job, os.environ.pop(OWNER, ""))
        # No terminal is left whose end could mean this process.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        return follow(engine, job, flags.checkpoint, is_shown=False)[1]
    finally:
        engine.dispose()


if __name__ == "__main__":
    run_main(main)

"""A job is checked before anything is made, recorded whole, followed to its end, and taken up where it stopped."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import termios
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.train.made_jobs import (
    is_gone,
    kill,
    launch,
    make_shards,
    read_job,
    read_jobs,
    read_steps,
    run,
    set_environment,
    start_job,
    wait_for,
    wait_for_step,
    write_config,
)
from train.job.devices import choose_ranks, count_cores
from train.job.settle import follower_of, trainer_of


def one_line(err: str) -> str:
    """Return the only line on stderr."""
    assert "Traceback" not in err
    (line,) = err.splitlines()
    return line


def test_a_job_is_recorded_whole_and_followed_to_its_end(place: Path) -> None:
    told = launch(place, "--json", "--", "--seed", "3")
    assert told.returncode == 0, told.stderr
    summary = json.loads(told.stdout.splitlines()[-1])
    assert (summary["state"], summary["step"], summary["steps"], summary["eval_loss"]) == ("done", 6, 6, 0.5)
    job = read_job(place)
    assert (job.state, job.reason, job.mix, job.world_size, job.accelerate) == ("done", None, "little", 1, "plain")
    assert job.config == (place / "train.yaml").read_text(encoding="utf-8")
    assert (job.config_file, job.model) == ("train.yaml", "Qwen/Qwen2.5-0.5B-Instruct")
    files = json.loads((place / "shards/manifest.json").read_text())["files"]
    assert json.loads(job.shard_hashes) == {name: about["sha256"] for name, about in files.items()}
    assert set(json.loads(job.shard_hashes)) == {
        "data/train-00000-of-00001.parquet",
        "data/validation-00000-of-00001.parquet",
    }
    assert json.loads(job.versions)["transformers"]
    words = json.loads(job.command)
    assert words[words.index("--world_size") + 1] == "1"
    assert words[-2:] == ["--seed", "3"]
    assert Path(job.output) == place / "jobs/1/model"
    assert f"job 1 is done: {job.output}" in told.stdout
    assert [(row.step, row.loss) for row in read_steps(place)] == [(step, 4 / step) for step in range(1, 7)]
    assert "job 1: step 1/6, loss 4" in told.stderr
    assert "1,000 tokens/s, 400 loss-tokens/s" in told.stderr
    assert json.loads((place / "jobs/1/job.json").read_text())["job"] == 1


def test_a_shard_that_is_not_as_it_was_written_is_refused_and_nothing_is_made(place: Path) -> None:
    path = place / "shards/data/train-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    told = launch(place)
    assert told.returncode == 2
    assert "train-00000-of-00001.parquet is not as it was written" in one_line(told.stderr)
    assert sorted(path.name for path in place.iterdir()) == ["shards", "train.yaml"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("--nproc", 4096), "--nproc 4096: there are"),
        (("--nproc", 0), "at least 1 is wanted"),
        (("--accelerate", "zero9"), "choose one of plain, zero2, zero3, or a file"),
        (("--accelerate", "gone.yaml"), "gone.yaml: there is no such file"),
        (("--config", "gone.yaml"), "gone.yaml"),
        (("--shards", "gone"), "gone/manifest.json: No such file or directory"),
        (("--out", "shards"), "--out shards: is there already"),
        (("--num_machines", 2), "--main_process_ip"),
        (("--num_machines", 2, "--main_process_ip", "127.0.0.1", "--machine_rank", 2), "machines run from 0 to 1"),
        (("--num_machines", 2, "--main_process_ip", "127.0.0.1", "--machine_rank", 1), "--machine_rank 1 needs --out"),
        (("--", "--output_dir", "x"), "--output_dir after -- is set by the job itself"),
        (("--", "--hub_token=abc"), "--hub_token after --: secrets come from the environment alone"),
        (("--resume", 1), "--resume goes on with the job's own settings; leave --config out"),
        (("--colour",), "unknown flag '--colour'"),
    ],
)
def test_wrong_flags_are_refused_in_one_line_with_nothing_made(place: Path, flags: Any, expected: str) -> None:
    told = launch(place, *flags)
    assert told.returncode == 2, told.stderr
    assert expected in one_line(told.stderr)
    assert "abc" not in told.stderr
    assert sorted(path.name for path in place.iterdir()) == ["shards", "train.yaml"]


def test_a_secret_in_a_configuration_is_refused_and_not_shown(place: Path) -> None:
    write_config(place, hub_token="hf_abcdefghijkl")
    told = launch(place)
    assert told.returncode == 2
    assert "hub_token: secrets come from the environment alone" in one_line(told.stderr)
    assert "abcdefghijkl" not in told.stderr
    assert not (place / "factory.db").exists()


def test_ranks_are_one_for_each_device_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    from taxonomy.refusal import InputError

    assert choose_ranks(count_cores()) == count_cores()
    with pytest.raises(InputError, match=f"there (is|are) {count_cores()} core"):
        choose_ranks(count_cores() + 1)
    monkeypatch.setattr("train.job.devices.count_gpus", lambda: 3)
    assert choose_ranks(None) == 3
    with pytest.raises(InputError, match="there are 3 GPUs; ask for 3 at most"):
        choose_ranks(4)


def test_what_the_trainer_refuses_is_passed_on_and_leaves_no_folder(place: Path) -> None:
    write_config(place, end="refuse")
    told = launch(place)
    assert told.returncode == 2
    line = "train.yaml:1: learning_rate: a number is wanted, not the text 'much'; correct it"
    assert one_line(told.stderr) == f"job 1 failed: {line}"
    assert (read_job(place).state, read_job(place).reason) == ("failed", line)
    assert list((place / "jobs").iterdir()) == []


def test_a_trainer_that_fails_says_why_itself(place: Path) -> None:
    write_config(place, end="fail")
    told = launch(place)
    assert told.returncode == 1
    assert told.stderr.splitlines()[-1] == "job 1 failed: the loss is not finite at step 3; lower learning_rate"
    assert [row.step for row in read_steps(place)] == [1, 2, 3, 4, 5, 6]


def test_the_last_words_of_a_crash_are_kept_with_secrets_masked(place: Path) -> None:
    said = "logging in with $WANDB_API_KEY and $SHOWN"
    shown = "hf_abcdefghijklmn at https://me:hunter22@host/x"
    write_config(place, end="crash", says=said)
    told = launch(place, WANDB_API_KEY="s3cretValue", SHOWN=shown)
    assert told.returncode == 1
    assert told.stderr.splitlines()[-1] == "job 1 failed: RuntimeError: the shapes do not agree"
    log = (place / "jobs/1/trainer.log").read_text(encoding="utf-8")
    assert "logging in with *** and *** at https://me:***@host/x" in log
    assert "RuntimeError: the shapes do not agree" in log
    kept = b"".join(path.read_bytes() for path in [*place.glob("factory.db*"), *place.glob("jobs/1/*.*")])
    assert b"the shapes do not agree" in kept
    assert not any(word in kept + told.stderr.encode() for word in (b"s3cretValue", b"hunter22", b"abcdefghijklmn"))


def test_a_trainer_that_ends_in_silence_has_failed(place: Path) -> None:
    write_config(place, end="silent")
    told = launch(place)
    assert told.returncode == 1
    assert "the trainer left without saying how it ended" in told.stderr


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_job_ends_its_trainer_and_all_of_its_ranks(place: Path, word: signal.Signals) -> None:
    write_config(place, stop_at=3, rank=True)
    command = start_job(place)
    wait_for_step(place, 3)
    command.send_signal(word)
    _, err = command.communicate(timeout=60)
    assert command.returncode == 130
    assert err.splitlines()[-1] == f"job 1 was interrupted: stopped by {word.name}; --resume goes on"
    job = read_job(place)
    assert job.state == "interrupted"
    assert is_gone(job)


def test_a_trainer_that_does_not_listen_is_ended_by_further_interrupts(place: Path) -> None:
    write_config(place, stop_at=1, deaf=True)
    command = start_job(place)
    wait_for_step(place, 1)
    command.send_signal(signal.SIGINT)
    with pytest.raises(Exception, match="timed out"):
        command.communicate(timeout=1)
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=5)
    assert command.returncode == 130
    assert is_gone(read_job(place))


def test_a_detached_job_goes_on_alone_when_its_terminal_dies(place: Path) -> None:
    write_config(place, pause=0.3, says="the trainer knows of $DATABASE_URL.")
    reader, terminal = os.openpty()
    flags = ["--config", "train.yaml", "--shards", "shards", "--accelerate", "plain", "--nproc", "1", "--detach"]
    pid = os.fork()
    if pid == 0:
        os.login_tty(terminal)
        os.chdir(place)
        os.execve(sys.executable, [sys.executable, "-m", "tests.train.made_launch", *flags], set_environment())
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    said = os.read(reader, 10_000).decode()
    os.close(reader)
    assert "job 1 is followed without a terminal" in said
    assert read_job(place).state in ("starting", "running")
    job = wait_for(lambda: (job := read_job(place)).state == "done" and job)
    assert [row.step for row in read_steps(place)] == [1, 2, 3, 4, 5, 6]
    assert is_gone(job)
    assert "the trainer knows of $DATABASE_URL." in (place / "jobs/1/trainer.log").read_text()


def test_a_bar_is_shown_on_a_terminal(place: Path) -> None:
    write_config(place, pause=0.2)
    reader, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (24, 120))
    pid = os.fork()
    flags = ["--config", "train.yaml", "--shards", "shards", "--accelerate", "plain", "--nproc", "1"]
    if pid == 0:
        os.dup2(terminal, 2)
        os.chdir(place)
        os.execve(sys.executable, [sys.executable, "-m", "tests.train.made_launch", *flags], set_environment())
    os.close(terminal)
    said = b""
    while True:
        try:
            piece = os.read(reader, 10_000)
        except OSError:
            break
        said += piece
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert b"6/6" in said
    assert b"loss 0.6667" in said
    assert b"left" in said


def test_a_resume_goes_on_from_the_last_whole_checkpoint(place: Path) -> None:
    write_config(place, stop_at=4, torn=4)
    command = start_job(place)
    job = wait_for_step(place, 4)
    kill(trainer_of(job))
    command.communicate(timeout=60)
    assert command.returncode == 1
    told = run(place, "--resume", 1)
    assert told.returncode == 0, told.stderr
    assert "job 1 goes on from step 2" in told.stderr
    assert [row.step for row in read_steps(place)] == [1, 2, 3, 4, 5, 6]
    words = json.loads(read_job(place).command)
    assert words[words.index("--resume_from_checkpoint") + 1] == str(place / "jobs/1/model/checkpoint-2")
    assert sorted(path.name for path in (place / "jobs/1").glob("trainer*")) == ["trainer.2.log", "trainer.log"]


def test_a_job_without_a_whole_checkpoint_begins_again(place: Path) -> None:
    write_config(place, stop_at=2, torn=2)
    command = start_job(place)
    kill(trainer_of(wait_for_step(place, 2)))
    command.communicate(timeout=60)
    told = run(place, "--resume", 1)
    assert told.returncode == 0, told.stderr
    assert "job 1 has no whole checkpoint; it begins again" in told.stderr
    assert [row.step for row in read_steps(place)] == [1, 2, 3, 4, 5, 6]
    (aside,) = (place / "jobs/1").glob("model.before-*")
    assert (aside / "checkpoint-2").is_dir()


def test_a_living_job_and_one_that_is_done_are_not_resumed(place: Path) -> None:
    write_config(place, stop_at=1)
    command = start_job(place)
    wait_for_step(place, 1)
    told = run(place, "--resume", 1)
    assert told.returncode == 1
    assert "job 1 is running on" in one_line(told.stderr)
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=60)
    write_config(place)
    assert launch(place).returncode == 0
    told = run(place, "--resume", 2)
    assert told.returncode == 2
    assert "job 2 is done" in one_line(told.stderr)


@pytest.fixture
def stopped(place: Path) -> Path:
    """Return a folder with a job that was interrupted at step 3."""
    write_config(place, stop_at=3)
    command = start_job(place)
    wait_for_step(place, 3)
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=60)
    assert read_job(place).state == "interrupted"
    return place


def refuse_resume(place: Path, *words: object) -> str:
    """Return the line with which a resume is refused, and see that the job stays as it was."""
    before = read_job(place)
    told = run(place, "--resume", 1, *words)
    assert told.returncode == 2, told.stderr
    assert read_job(place) == before
    return one_line(told.stderr)


def test_a_folder_of_another_database_or_job_is_not_resumed(stopped: Path) -> None:
    marker = stopped / "jobs/1/job.json"
    told = json.loads(marker.read_text())
    for other in (told | {"database": "0" * 32}, told | {"job": 2}, []):
        marker.write_text(json.dumps(other))
        assert "was not written by job 1 of this database" in refuse_resume(stopped)
    marker.unlink()
    assert "is not there as job 1 left it" in refuse_resume(stopped)


def test_another_number_of_ranks_other_shards_and_other_code_are_not_resumed(stopped: Path) -> None:
    assert "is tied to that" in refuse_resume(stopped, "--nproc", 2)
    with closing(sqlite3.connect(stopped / "factory.db")) as db, db:
        db.execute("""UPDATE jobs SET versions = replace(versions, '"trl": "', '"trl": "0.')""")
    assert "other code: trl 0.1" in refuse_resume(stopped)
    told = run(stopped, "--resume", 1, "--yes", "--nproc", 1)
    assert told.returncode == 0, told.stderr
    assert "job 1 goes on from step 2" in told.stderr
    assert (read_job(stopped).state, read_job(stopped).launches) == ("done", 2)
    assert "other code: trl 0.1" in told.stderr


def test_other_shards_are_not_resumed(stopped: Path) -> None:
    (stopped / "shards").rename(stopped / "kept")
    make_shards(stopped / "shards")
    manifest = stopped / "shards/manifest.json"
    told = json.loads(manifest.read_text())
    name = "data/validation-00000-of-00001.parquet"
    del told["files"][name]
    (stopped / "shards" / name).unlink()
    manifest.write_text(json.dumps(told))
    assert "the shards are not those of job 1" in refuse_resume(stopped)


def test_what_was_killed_is_settled_by_the_next_launch(place: Path) -> None:
    write_config(place, stop_at=2)
    command = start_job(place)
    job = wait_for_step(place, 2)
    kill(follower_of(job))
    kill(trainer_of(job))
    command.communicate(timeout=60)
    write_config(place)
    assert launch(place).returncode == 0
    assert [job.state for job in read_jobs(place)] == ["done", "dead"]


def test_help_loads_neither_torch_nor_the_database() -> None:
    code = (
        "import runpy, sys; sys.argv = ['x', '--help']\n"
        "try: runpy.run_module('train.launch', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "sys.exit(' '.join({'torch', 'transformers', 'sqlalchemy'} & set(sys.modules)) or 0)"
    )
    words = [sys.executable, "-c", code]
    told = subprocess.run(words, env=set_environment(), capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert "--trigger MIX N" in told.stdout

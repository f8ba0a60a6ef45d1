"""Jobs with the real trainer: two ranks of ZeRO-2 that are killed and go on, and two machines that train together."""

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.train.made_jobs import (
    cleaned_up,
    is_gone,
    kill,
    make_shards,
    name_mix,
    read_job,
    read_jobs,
    read_steps,
    run,
    start,
    wait_for,
    write_config,
)
from tests.train.made_shards import make_pairs, write_shards
from tests.train.trainers import FAST, LORA
from train.job.settle import trainer_of

FLAGS = ("--config", "train.yaml", "--shards", "shards")


@pytest.fixture
def place(tmp_path: Path, tiny: Path) -> Iterator[Path]:
    """Yield a folder with shards and a configuration of the real trainer."""
    make_shards(tmp_path / "shards")
    configure(tmp_path, tiny)
    with cleaned_up(tmp_path):
        yield tmp_path


def configure(folder: Path, model: Path, **settings: Any) -> None:
    """Write a configuration of a few small steps."""
    write_config(folder, **(FAST | LORA | {"model_name_or_path": str(model)} | settings))


def launch(folder: Path, *words: object) -> Any:
    """Run a job with the real trainer."""
    return run(folder, *FLAGS, *words, module="train.launch")


def read_losses(folder: Path, job: int) -> dict[int, float]:
    """Return the loss of each step that the database holds."""
    return {row.step: row.loss for row in read_steps(folder, job) if row.loss is not None}


def test_the_trainer_itself_runs_under_a_job(place: Path) -> None:
    told = launch(place, "--accelerate", "plain", "--nproc", 1, "--json")
    assert told.returncode == 0, told.stderr
    job = read_job(place)
    assert (job.state, job.step, job.steps) == ("done", 4, 4)
    assert job.mfu is None
    assert (job.tokens_per_s or 0) > (job.loss_tokens_per_s or 0) > 0
    assert sorted(read_losses(place, 1)) == [1, 2, 3, 4]
    assert (Path(job.output) / "adapter_model.safetensors").is_file()
    assert is_gone(job)


def test_an_export_of_pairs_is_given_to_the_trainer_of_pairs(place: Path) -> None:
    shutil.rmtree(place / "shards")
    write_shards(place / "shards", {"train": make_pairs(8)}, "preferences")
    name_mix(place / "shards", "pairs", "preferences")
    told = launch(place, "--accelerate", "plain", "--nproc", 1)
    assert told.returncode == 0, told.stderr
    job = read_job(place)
    assert (job.state, job.step, job.mix) == ("done", 4, "pairs")
    # Before the first step policy and reference are the same: the loss is ln 2.
    assert read_losses(place, 1)[1] == pytest.approx(0.6931, abs=1e-3)


def test_what_the_trainer_refuses_is_one_line_with_the_users_own_file(place: Path, tiny: Path) -> None:
    configure(place, tiny, learnin_rate=1)
    told = launch(place, "--accelerate", "plain", "--nproc", 1)
    assert told.returncode == 2, told.stderr
    (line,) = told.stderr.splitlines()
    assert line.startswith("job 1 failed: train.yaml:")
    assert "unknown key 'learnin_rate' (did you mean 'learning_rate'?)" in line
    assert list((place / "jobs").iterdir()) == []


@pytest.mark.slow
def test_two_ranks_that_refuse_are_one_line(place: Path, tiny: Path) -> None:
    configure(place, tiny, model_name_or_path="gone/for/ever")
    told = launch(place, "--nproc", 2)
    assert told.returncode == 2, told.stderr
    (line,) = told.stderr.splitlines()
    assert line.startswith("job 1 failed: train.yaml:1: model_name_or_path")
    assert list((place / "jobs").iterdir()) == []


@pytest.mark.slow
def test_two_ranks_that_are_killed_go_on_to_the_same_losses(place: Path, tiny: Path) -> None:
    # So many that the last is far when the third is told of.
    configure(place, tiny, max_steps=24)
    assert launch(place, "--nproc", 2).returncode == 0
    command = start(place, *FLAGS, "--nproc", 2, "--out", "second", module="train.launch")
    job = wait_for_second(place, 3)
    kill(trainer_of(job))
    command.communicate(timeout=60)
    assert (read_jobs(place)[0].state, is_gone(job)) == ("dead", True)
    told = run(place, "--resume", 2, module="train.launch")
    assert told.returncode == 0, told.stderr
    assert read_jobs(place)[0].state == "done"
    first, second = read_losses(place, 1), read_losses(place, 2)
    assert first.keys() == second.keys() == set(range(1, 25))
    assert max(abs(first[step] - second[step]) for step in first) < 1e-6


def wait_for_second(place: Path, step: int) -> Any:
    """Return the second job when it is at a step or further."""
    return wait_for(lambda: (job := read_jobs(place)[0]).id == 2 and (job.step or 0) >= step and job)


@pytest.mark.slow
def test_two_machines_train_together(place: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    world = ("--num_machines", 2, "--nproc", 1, "--main_process_ip", "127.0.0.1", "--main_process_port", port)
    flags = (*FLAGS, *world, "--accelerate", "zero2", "--out", "shared")
    machines = [start(place, *flags, "--machine_rank", rank, module="train.launch") for rank in (0, 1)]
    told = [machine.communicate(timeout=280) for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], told
    jobs = sorted(read_jobs(place), key=lambda job: job.machine_rank)
    assert [(job.state, job.world_size, job.machines, job.machine_rank) for job in jobs] == [
        ("done", 2, 2, 0), ("done", 2, 2, 1)
    ]  # fmt: skip
    assert {job.output for job in jobs} == {str(place / "shared/model")}
    assert sorted(read_losses(place, jobs[0].id or 0)) == [1, 2, 3, 4]
    assert read_losses(place, jobs[1].id or 0) == {}
    mark = json.loads((place / "shared/model/checkpoint-4/whole.json").read_text())
    assert mark["world_size"] == 2

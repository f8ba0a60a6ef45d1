"""What would end badly or fall back in silence is refused before anything is loaded."""

import dataclasses
import random
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from taxonomy.refusal import InputError
from tests.train.made_shards import make_messages, write_talks
from tests.train.trainers import refuse
from train.checkpoints import MARK, drop_checkpoints, find_checkpoint, mark_whole
from train.guards import check_compiler, check_world, count_devices
from train.mask import WrongMask, check_batch, check_mask
from train.shards import Message, Talk
from train.targets import EVERY_TARGET, Targets, make_rows
from train.template import Speech, load_speech


@pytest.fixture
def argv(tiny: Path, tmp_path: Path) -> list[str]:
    """Return a command line with which nothing is wrong."""
    shards = write_talks(tmp_path / "shards", 2, 1)
    return ["--model_name_or_path", str(tiny), "--shards", str(shards), "--output_dir", str(tmp_path / "out")]


def test_more_processes_than_devices_are_refused(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    count, kind = count_devices()
    line = refuse(argv, monkeypatch, LOCAL_WORLD_SIZE=str(count + 1), WORLD_SIZE=str(count + 1))
    assert line.startswith(f"{count + 1} processes, and {count} {kind}")


def test_one_process_before_many_gpus_is_refused(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.guards.count_devices", lambda: (8, "GPU"))
    assert refuse(argv, monkeypatch).startswith("8 GPUs and one process; start with accelerate launch")


def test_another_world_size_than_asked_is_refused(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    line = refuse([*argv, "--world_size", "4"], monkeypatch, WORLD_SIZE="1")
    assert line == "--world_size: 4 processes are asked for, and 1 started; see --num_processes"


def test_deepspeed_without_a_compiler_is_refused(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    line = refuse(argv, monkeypatch, ACCELERATE_USE_DEEPSPEED="true", CXX="no-such-compiler")
    assert "no C++ compiler 'no-such-compiler'; install g++" in line


def test_the_builder_beside_the_interpreter_is_found_without_an_activated_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, bare = tmp_path / "found", tmp_path / "bare"
    for folder, program in ((found, "c++"), (found / "beside", "ninja"), (bare, "python")):
        folder.mkdir(exist_ok=True)
        (folder / program).write_text("#!/bin/sh\n", encoding="utf-8")
        (folder / program).chmod(0o755)
    told = {"ACCELERATE_USE_DEEPSPEED": "true", "PATH": str(found)}
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("sys.executable", str(found / "beside" / "python"))
    check_compiler(told)
    assert told["PATH"] == f"{found}:{found / 'beside'}"
    monkeypatch.setattr("sys.executable", str(bare / "python"))
    with pytest.raises(InputError, match="ninja, which is not there; pip install ninja"):
        check_compiler({**told, "PATH": str(found)})


def test_a_launch_that_turned_deepspeed_off_is_refused(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from trl import SFTConfig

    assert "leaves out DeepSpeed and all processes but one" in refuse(argv, monkeypatch, ACCELERATE_USE_CPU="true")
    monkeypatch.delenv("ACCELERATE_USE_CPU")
    args = SFTConfig(output_dir=str(tmp_path / "out"), use_cpu=True, bf16=False)
    check_world(args, {})
    with pytest.raises(InputError, match="DeepSpeed is asked for and would not be active"):
        check_world(args, {"ACCELERATE_USE_DEEPSPEED": "true"})
    with pytest.raises(InputError, match="2 processes were launched, and 1 work together"):
        check_world(args, {"WORLD_SIZE": "2"})


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        (["--use_peft", "--lora_r", "16", "--lora_alpha", "8"], "lora_alpha: 8 is less than lora_r 16; set it to 32"),
        (["--learning_rate", "5"], "learning_rate: 5 is outside 0 to 1"),
        (["--early_stopping_patience", "2"], "early_stopping_patience: needs evaluations"),
        (["--report_to", "tensorbord"], "report_to: unknown tracker 'tensorbord'"),
        (["--shards", "nowhere"], "shards: there is no folder 'nowhere'"),
        (["--model_name_or_path", "./nowhere"], "model_name_or_path: there is no folder nowhere"),
        (["--resume_from_checkpoint", "true"], "holds no whole checkpoint"),
        (["--deepspeed", "ds.json"], "deepspeed: is not for here: give it to the launcher"),
        (["--max_length", "4"], "max_length: at least 8 tokens"),
        (["--lora_r", "8"], "lora_r: is a setting of adapters, and none are trained"),
        (["--dtype", "bfloat16"], "dtype: bfloat16: weights need 32 bits to be trained"),
        (["--ignore_data_skip", "true"], "ignore_data_skip: is not for here"),
        (["--save_only_model", "true"], "save_only_model: is not for here"),
        (["--model_init_kwargs", '{"dtype": "float16"}'], "model_init_kwargs: is not for here"),
        (["--pad_to_multiple_of", "8"], "pad_to_multiple_of: is not for here"),
        (["--per_device_eval_batch_size", "0"], "per_device_eval_batch_size: at least 1 is wanted"),
        (["--metric_for_best_model", "eval_bleu"], "metric_for_best_model: 'bleu' is not measured; choose of loss"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, flags: list[str], part: str
) -> None:
    line = refuse([*argv, *flags], monkeypatch)
    assert part in line
    assert "\n" not in line


def test_a_tracker_that_is_not_installed_is_refused(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.guards.TRACKERS", {"wandb": ("no_such_module",)})
    assert "wandb is not installed; pip install wandb" in refuse([*argv, "--report_to", "wandb"], monkeypatch)


def test_a_folder_with_something_in_it_is_refused(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine", encoding="utf-8")
    assert "is not empty; name another, or go on in it with --resume_from_checkpoint true" in refuse(argv, monkeypatch)


def test_a_folder_that_is_no_model_is_refused(argv: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "holds no config.json" in refuse([*argv, "--model_name_or_path", str(tmp_path)], monkeypatch)


def test_only_a_whole_checkpoint_is_gone_on_from(tmp_path: Path) -> None:
    for step in (10, 20, 100):
        (tmp_path / f"checkpoint-{step}").mkdir()
    mark_whole(tmp_path / "checkpoint-10", {"step": 10})
    mark_whole(tmp_path / "checkpoint-20", {"step": 20})
    assert find_checkpoint(tmp_path) == tmp_path / "checkpoint-20"
    (tmp_path / "checkpoint-20" / MARK).unlink()
    assert find_checkpoint(tmp_path) == tmp_path / "checkpoint-10"


def test_the_last_and_the_best_checkpoint_are_never_dropped(tmp_path: Path) -> None:
    for step in (1, 2, 3, 4, 10):
        (tmp_path / f"checkpoint-{step}").mkdir()
    drop_checkpoints(tmp_path, 2, str(tmp_path / "checkpoint-1"))
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint-1", "checkpoint-10"}
    drop_checkpoints(tmp_path, None, None)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("environment", "mark", "part"),
    [
        ({"WORLD_SIZE": "1"}, {"world_size": 2, "deepspeed": False}, "was written by 2 processes, and 1 are here"),
        ({}, {"world_size": 1, "deepspeed": True}, "was written with DeepSpeed; resume it so"),
    ],
)
def test_a_checkpoint_of_another_world_is_refused(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: dict[str, str], mark: Any, part: str
) -> None:
    (tmp_path / "out" / "checkpoint-3").mkdir(parents=True)
    mark_whole(tmp_path / "out" / "checkpoint-3", mark)
    assert part in refuse([*argv, "--resume_from_checkpoint", "true"], monkeypatch, **environment)


@pytest.fixture(scope="module")
def speech(tiny: Path) -> Speech:
    """Return the tiny tokenizer with our template."""
    return load_speech(AutoTokenizer.from_pretrained(tiny))


def make_talk(seed: int = 0) -> Talk:
    """Return a talk of three exchanges with a thought in each."""
    chance = random.Random(seed)
    made = [Message(each.role, each.content, each.reasoning, each.loss) for each in make_messages(chance, 3)]
    return Talk("t", tuple(each._replace(reasoning="I listen.") if each.loss else each for each in made))


@pytest.mark.parametrize("targets", EVERY_TARGET)
def test_the_rows_of_every_target_pass(speech: Speech, targets: Targets) -> None:
    for seed in range(20):
        talk = make_talk(seed)
        check_mask(talk, make_rows(talk, targets, speech), speech.tokenizer, speech.header)


@pytest.mark.parametrize("targets", EVERY_TARGET)
def test_a_mask_that_reaches_one_token_too_far_is_caught(speech: Speech, targets: Targets) -> None:
    talk = make_talk()
    (row, *_) = make_rows(talk, targets, speech)
    labels = list(row.labels)
    end = max(place for place, label in enumerate(labels) if label != -100)
    labels[end + 1] = row.input_ids[end + 1]
    with pytest.raises(WrongMask):
        check_mask(talk, [dataclasses.replace(row, labels=labels)], speech.tokenizer, speech.header)


def test_a_mask_on_a_clients_words_is_caught(speech: Speech) -> None:
    talk = make_talk()
    (row,) = make_rows(talk, "all_turns", speech)
    with pytest.raises(WrongMask, match="does not begin a counselor's turn"):
        check_mask(talk, [dataclasses.replace(row, labels=list(row.input_ids))], speech.tokenizer, speech.header)


def test_a_reply_that_is_not_to_be_learned_and_words_of_another_talk_are_caught(speech: Speech) -> None:
    talk = make_talk()
    rows = make_rows(talk, "per_turn", speech)
    first = next(place for place, each in enumerate(talk.messages) if each.loss)
    spared = [each._replace(loss=False) if place == first else each for place, each in enumerate(talk.messages)]
    for other in (Talk("t", tuple(spared)), make_talk(1)):
        with pytest.raises(WrongMask, match="what is no reply to be learned"):
            check_mask(other, rows, speech.tokenizer, speech.header)


def test_a_batch_whose_labels_have_slipped_is_caught(speech: Speech) -> None:
    (row,) = make_rows(make_talk(), "all_turns", speech)
    check_batch(row.input_ids, row.labels, speech.header)
    with pytest.raises(WrongMask):
        check_batch(row.input_ids, [*row.labels[1:], -100], speech.header)

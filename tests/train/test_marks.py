"""What a checkpoint's mark tells: whether it is whole, what was done, and with what it goes on exactly."""

import json
from pathlib import Path
from typing import Any

import pytest

from taxonomy.refusal import InputError
from tests.train.made_shards import write_talks
from tests.train.trainers import FAST, LORA, read_losses, read_metrics, train_here, write_config
from train import sft
from train.checkpoints import MARK, drop_checkpoints, find_checkpoint, mark_whole, read_mark, set_aside


class Course:
    """A training of six steps that was saved at each second one, and what goes on from it."""

    def __init__(self, folder: Path, model: Path, **settings: Any) -> None:
        write_talks(folder / "shards")
        told = {"model_name_or_path": str(model), "shards": str(folder / "shards"), "max_steps": 6, "save_steps": 2}
        self.folder, self.out = folder, folder / "out"
        self.words = ["--config", str(write_config(folder, **{**FAST, **told, **settings}))]
        with pytest.MonkeyPatch.context() as patch:
            assert train_here(sft, [*self.words, "--output_dir", str(self.out)], patch) == 0

    def resume(self, out: Path, patch: pytest.MonkeyPatch, *flags: str, step: int = 4) -> Path:
        """Go on from a step in another folder, or in its own; returns that folder."""
        words = [*self.words, "--output_dir", str(out), *flags]
        assert train_here(sft, [*words, "--resume_from_checkpoint", str(self.out / f"checkpoint-{step}")], patch) == 0
        return out


@pytest.fixture(scope="module")
def course(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Return a training that no test writes into."""
    return Course(tmp_path_factory.mktemp("course"), tiny)


@pytest.fixture
def own(tiny: Path, tmp_path: Path) -> Course:
    """Return a training of the test's own."""
    return Course(tmp_path, tiny)


def test_an_abandoned_course_is_neither_kept_for_the_new_one_nor_gone_on_from(tmp_path: Path) -> None:
    for step in (50, 100, 150, 200):
        (tmp_path / f"checkpoint-{step}").mkdir()
        mark_whole(tmp_path / f"checkpoint-{step}", {"step": step})
    moved = set_aside(tmp_path, 100)
    assert [path.name.split(".before-")[0] for path in moved] == ["checkpoint-150", "checkpoint-200"]
    assert all(read_mark(path)["step"] > 100 for path in moved)
    (tmp_path / "checkpoint-125").mkdir()
    mark_whole(tmp_path / "checkpoint-125", {"step": 125})
    drop_checkpoints(tmp_path, 2, None)
    assert find_checkpoint(tmp_path) == tmp_path / "checkpoint-125"
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"checkpoint-100", "checkpoint-125"} | {path.name for path in moved}


def test_a_broken_checkpoint_is_dropped_before_a_whole_one(tmp_path: Path) -> None:
    for step in (50, 100, 125, 150):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if step != 150:
            mark_whole(tmp_path / f"checkpoint-{step}", {"step": step})
    drop_checkpoints(tmp_path, 1, None)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-125"]


def test_going_back_sets_later_checkpoints_aside_and_says_so(
    own: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = read_losses(own.out)
    own.resume(own.out, monkeypatch, "--save_steps", "3", "--save_total_limit", "2", step=2)
    names = {path.name for path in own.out.glob("checkpoint-*") if ".before-" not in path.name}
    aside = sorted(path.name for path in own.out.glob("checkpoint-*.before-*"))
    assert names == {"checkpoint-3", "checkpoint-6"}
    assert [name.split(".")[0] for name in aside] == ["checkpoint-4", "checkpoint-6"]
    (line,) = (line for line in capsys.readouterr().err.splitlines() if "set aside" in line)
    assert all(name in line for name in aside)
    assert "what comes after step 2 is set aside" in line
    assert read_losses(own.out) == expected


def test_a_checkpoint_that_is_written_again_is_not_whole_meanwhile(
    own: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("no space left on device")

    assert read_mark(own.out / "checkpoint-6")["step"] == 6
    monkeypatch.setattr("train.run.set_aside", lambda *_: [])
    monkeypatch.setattr("transformers.Trainer._save_optimizer_and_scheduler", fail)
    with pytest.raises(OSError, match="no space left"):
        own.resume(own.out, monkeypatch)
    assert not (own.out / "checkpoint-6" / MARK).exists()
    assert find_checkpoint(own.out) == own.out / "checkpoint-4"


@pytest.mark.parametrize(
    ("key", "told", "value", "before"),
    [
        ("per_device_train_batch_size", "2", "2", "1"),
        ("gradient_accumulation_steps", "3", "3", "1"),
        ("seed", "99", "99", "7"),
        ("data_seed", "5", "5", "nothing"),
        ("learning_rate", "5e-4", "0.0005", "0.001"),
        ("lr_scheduler_type", "cosine", '"cosine"', '"linear"'),
        ("warmup_steps", "2", "2", "0"),
        ("weight_decay", "0.5", "0.5", "0.0"),
        ("max_steps", "9", "9", "6"),
        ("use_peft", "true", "true", "false"),
    ],
)
def test_what_would_change_the_course_is_refused(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, told: str, value: str, before: str
) -> None:
    with pytest.raises(InputError) as caught:
        course.resume(tmp_path / "rest", monkeypatch, f"--{key}", told)
    line = str(caught.value)
    assert line.startswith(f"{key}: ")
    assert f"checkpoint-4 was trained with {before}, and {float(value) if key == 'warmup_steps' else value} is" in line
    assert "set it back to go on" in line
    assert not (tmp_path / "rest").exists()


def test_other_adapters_are_refused(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course = Course(tmp_path, tiny, **LORA)
    with pytest.raises(InputError, match=r"lora_r: .* was trained with 4, and 8 is told"):
        course.resume(tmp_path / "rest", monkeypatch, "--lora_r", "8")
    with pytest.raises(InputError, match=r'lora_target_modules: .* was trained with \["down_proj", .*"v_proj"\], and'):
        course.resume(tmp_path / "rest", monkeypatch, "--lora_target_modules", "q_proj", "v_proj")
    assert not (tmp_path / "rest").exists()


def test_what_changes_nothing_of_the_course_may_be_told_anew(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"save_steps": "1", "save_total_limit": "3", "gradient_checkpointing": "true", "eval_strategy": "epoch"}
    flags = [word for key, value in told.items() for word in (f"--{key}", value)]
    expected = read_losses(course.out)
    rest = course.resume(tmp_path / "rest", monkeypatch, *flags)
    assert read_losses(rest) == pytest.approx({step: expected[step] for step in (5, 6)}, abs=1e-6)
    assert {path.name for path in rest.glob("checkpoint-*")} == {"checkpoint-5", "checkpoint-6"}


def test_how_often_is_logged_may_change(course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rest = course.resume(tmp_path / "rest", monkeypatch, "--logging_steps", "2", step=2)
    assert sorted(read_losses(rest)) == [4, 6]
    assert read_metrics(rest)[-1]["tokens"] == read_metrics(course.out)[-1]["tokens"]


def test_a_mark_that_tells_no_settings_is_taken_as_it_is(own: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    path = own.out / "checkpoint-4" / MARK
    mark = json.loads(path.read_text(encoding="utf-8"))
    del mark["settings"]
    path.write_text(json.dumps(mark), encoding="utf-8")
    rest = own.resume(own.folder / "rest", monkeypatch, "--learning_rate", "5e-4")
    assert sorted(read_losses(rest)) == [5, 6]


def test_a_training_at_a_level_rate_may_be_made_longer(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "long").mkdir()
    (tmp_path / "short").mkdir()
    long = Course(tmp_path / "long", tiny, lr_scheduler_type="constant", max_steps=6)
    short = Course(tmp_path / "short", tiny, lr_scheduler_type="constant", max_steps=4)
    rest = read_losses(short.resume(short.out, monkeypatch, "--max_steps", "6"))
    assert rest == read_losses(long.out)


def test_a_checkpoint_without_its_optimizer_is_not_whole(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trl import SFTConfig

    from train.settings import SFT_REFUSED, read_told

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    write_talks(tmp_path / "shards")
    out, told = tmp_path / "out", {"model_name_or_path": str(tiny), "shards": str(tmp_path / "shards")}
    words = ["--config", str(write_config(tmp_path, **{**FAST, **told})), "--output_dir", str(out)]
    data, args, model = read_told(words, SFTConfig, SFT_REFUSED, "train.sft").make()
    args.save_only_model, args.save_total_limit, args.save_steps = True, 2, 1
    assert sft.train(data, args, model, False, None) == 0
    assert {path.name for path in out.glob("checkpoint-*")} == {"checkpoint-3", "checkpoint-4"}
    assert find_checkpoint(out) is None
    with pytest.raises(InputError, match="checkpoint-3: is no whole checkpoint"):
        train_here(sft, [*words, "--resume_from_checkpoint", str(out / "checkpoint-3")], monkeypatch)


def test_tokens_are_counted_on_where_logging_and_saving_fall_apart(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = Course(tmp_path, tiny, logging_steps=2, save_steps=3)
    whole = {line["step"]: (line["tokens"], line["loss_tokens"]) for line in read_metrics(course.out)}
    rest = read_metrics(course.resume(tmp_path / "rest", monkeypatch, step=3))
    assert {line["step"]: (line["tokens"], line["loss_tokens"]) for line in rest} == {4: whole[4], 6: whole[6]}

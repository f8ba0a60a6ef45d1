"""Settings are read key by key; what is wrong is one line with its file and place."""

from pathlib import Path

import pytest
import yaml

from taxonomy.refusal import InputError
from train.settings import SFT_REFUSED, Told, read_told

CONFIGS = Path(__file__).parents[2] / "configs"
SFT = sorted(path for path in (CONFIGS / "train").rglob("*.yaml") if "dpo" not in path.stem)


def read(path: Path | None, *flags: str) -> Told:
    """Return what a file and flags tell the trainer."""
    from trl import SFTConfig

    return read_told([*(["--config", str(path)] if path else []), *flags], SFTConfig, SFT_REFUSED, "train.sft")


def write(folder: Path, text: str) -> Path:
    """Write a configuration and return its path."""
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refuse(path: Path, *flags: str) -> str:
    """Return the line with which a file is refused."""
    with pytest.raises(InputError) as caught:
        read(path, *flags)
    return str(caught.value)


@pytest.mark.parametrize("path", SFT, ids=lambda path: path.stem)
def test_a_shipped_configuration_is_taken(path: Path) -> None:
    values = read(path).values
    assert 1e-7 < values.learning_rate < 1e-3
    assert values.max_length == 4096
    assert values.use_peft == ("lora" in path.stem)
    assert not values.use_peft or values.lora_alpha >= values.lora_r
    data, args, _ = read(path, "--output_dir", "unused").make()
    assert data.targets == "per_turn"
    assert args.warmup_steps < 1
    assert args.use_cpu or args.device.type != "cpu"


def test_the_four_sizes_come_with_and_without_adapters() -> None:
    names = {path.stem for path in SFT}
    assert {f"qwen2.5_{size}_{kind}" for size in ("0.5b", "1.5b", "3b", "7b") for kind in ("full", "lora")} <= names


def test_the_second_stage_begins_where_the_first_ends() -> None:
    stages = sorted((CONFIGS / "train" / "two_stages").glob("*.yaml"))
    first, second = (read(path).values for path in stages)
    assert second.model_name_or_path == first.output_dir
    assert second.learning_rate < first.learning_rate


@pytest.mark.parametrize("stage", [2, 3])
def test_the_accelerate_files_ask_for_deepspeed(stage: int) -> None:
    told = yaml.safe_load((CONFIGS / "accelerate" / f"zero{stage}.yaml").read_text(encoding="utf-8"))
    assert told["distributed_type"] == "DEEPSPEED"
    assert told["deepspeed_config"]["zero_stage"] == stage
    assert told["use_cpu"] is False
    assert told["deepspeed_config"].get("zero3_save_16bit_model", False) == (stage == 3)


def test_a_flag_overrides_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "learning_rate: 1e-4\nlora_r: 8\n")
    assert read(path).values.learning_rate == 1e-4
    assert read(path, "--learning_rate", "3e-4").values.learning_rate == 3e-4


@pytest.mark.parametrize("word", ["5e-5", "5.0e-5", "0.00005"])
def test_a_number_is_a_number_however_it_is_written(tmp_path: Path, word: str) -> None:
    assert read(write(tmp_path, f"learning_rate: {word}\n")).values.learning_rate == 5e-5


def test_a_learning_rate_written_as_text_is_refused_with_the_line_to_write(tmp_path: Path) -> None:
    path = write(tmp_path, 'seed: 1\nlearning_rate: "5e-5"\n')
    assert (
        refuse(path) == f"{path}:2: learning_rate: a number is wanted, not the text '5e-5'; write 5e-5 without quotes"
    )
    path = write(tmp_path, "learning_rate: small\n")
    assert refuse(path) == f"{path}:1: learning_rate: a number is wanted, not the text 'small'; correct it"


def test_an_unknown_key_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    path = write(tmp_path, "seed: 1\nlearing_rate: 1e-5\n")
    assert refuse(path).startswith(f"{path}:2: unknown key 'learing_rate' (did you mean 'learning_rate'?)")


def test_a_word_that_yaml_takes_for_false_is_explained(tmp_path: Path) -> None:
    path = write(tmp_path, "eval_strategy: no\n")
    assert "a text is wanted ('no' without quotes means false); put it in quotes" in refuse(path)
    assert read(write(tmp_path, 'eval_strategy: "no"\n')).values.eval_strategy == "no"


def test_a_value_outside_a_closed_set_is_refused_with_the_choices(tmp_path: Path) -> None:
    path = write(tmp_path, "targets: per_turns\n")
    assert "unknown value 'per_turns' (did you mean 'per_turn'?); choose one of all_turns, last" in refuse(path)
    assert "choose one of" in refuse(write(tmp_path, "save_strategy: epochs\n"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("max_steps: 1.5\n", "max_steps: a whole number is wanted"),
        ("use_peft: 1\n", "use_peft: true or false is wanted"),
        ("max_steps: true\n", "max_steps: a whole number is wanted"),
        ("output_dir: [a]\n", "output_dir: a text is wanted"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(tmp_path: Path, text: str, wanted: str) -> None:
    assert wanted in refuse(write(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    ["fp16: true\n", "assistant_only_loss: true\n", "packing_strategy: wrapped\n", "load_in_4bit: true\n"],
)
def test_a_setting_that_would_have_no_effect_or_hide_something_is_refused(tmp_path: Path, text: str) -> None:
    assert "is not for here" in refuse(write(tmp_path, text))


def test_an_unknown_flag_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    assert "did you mean '--learning_rate'?" in refuse(write(tmp_path, "seed: 1\n"), "--learning_rat", "1")


def test_the_checks_of_the_libraries_are_told_in_one_line(tmp_path: Path) -> None:
    path = write(tmp_path, "load_best_model_at_end: true\nsave_strategy: steps\n")
    with pytest.raises(InputError) as caught:
        read(path, "--output_dir", str(tmp_path / "out")).make()
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_precision_is_decided_by_the_training_and_not_by_the_launcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    read(write(tmp_path, "bf16: true\n"))
    assert os.environ["ACCELERATE_MIXED_PRECISION"] == "bf16"
    read(write(tmp_path, "bf16: false\n"))
    assert os.environ["ACCELERATE_MIXED_PRECISION"] == "no"

"""Knows which checkpoints are whole, and what may go on from one.

Each ends with a mark, written when every process has written its part. It tells what the training has done, and the
settings by which it goes on exactly.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from taxonomy.refusal import InputError
from taxonomy.source import show_path

MARK = "whole.json"
EXACT = (
    "per_device_train_batch_size", "gradient_accumulation_steps", "seed", "data_seed", "train_sampling_strategy",
    "dataloader_drop_last", "lr_scheduler_type", "lr_scheduler_kwargs", "warmup_steps", "learning_rate", "optim",
    "optim_args", "weight_decay", "adam_beta1", "adam_beta2", "adam_epsilon", "max_grad_norm", "bf16",
    "label_smoothing_factor", "neftune_noise_alpha", "loss_type", "beta",
)  # fmt: skip
"""Settings by which the order of the rows, the loss and the optimizer's steps are what they are.

Several of them, as `learning_rate`, would be taken from the checkpoint whatever is told.
"""
LENGTH = ("max_steps", "num_train_epochs")
"""How long a training is; by it most schedules draw their curve."""


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write a file at once or not at all."""
    written = path.with_name(f".{path.name}.writing")
    written.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    written.replace(path)


def mark_whole(checkpoint: Path, told: dict[str, Any]) -> None:
    """Write the mark into a checkpoint, last of all: where it is missing, the writing was broken off."""
    write_json(checkpoint / MARK, told)


def remove_mark(checkpoint: Path) -> None:
    """Take the mark off a checkpoint that is written once more: until it is whole again, it is none."""
    (checkpoint / MARK).unlink(missing_ok=True)


def read_mark(checkpoint: Path) -> dict[str, Any]:
    """Return what the mark of a checkpoint tells; raises InputError where it has none."""
    try:
        mark: dict[str, Any] = json.loads((checkpoint / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(f"{show_path(checkpoint)}: is no whole checkpoint of train.sft; name another") from None
    return mark


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints in a folder by step, broken ones included."""
    found = [path for path in folder.glob("checkpoint-*") if path.name.removeprefix("checkpoint-").isdigit()]
    return sorted(found, key=read_step)


def read_step(checkpoint: Path) -> int:
    """Return the step that a checkpoint's name tells."""
    return int(checkpoint.name.removeprefix("checkpoint-"))


def find_checkpoint(folder: Path) -> Path | None:
    """Return the last whole checkpoint in a folder."""
    return next((path for path in reversed(list_checkpoints(folder)) if (path / MARK).is_file()), None)


def drop_checkpoints(folder: Path, limit: int | None, best: str | None) -> None:
    """Remove checkpoints until `limit` are left, broken ones first and then the oldest, never the last nor the best."""
    held = sorted(list_checkpoints(folder), key=lambda path: (path / MARK).is_file())
    kept = {path.name for path in held[-1:]} | ({Path(best).name} if best else set())
    surplus = len(held) - max(limit, len(kept)) if limit else 0
    for path in [path for path in held if path.name not in kept][:surplus] if surplus > 0 else []:
        shutil.rmtree(path)


def set_aside(folder: Path, step: int) -> list[Path]:
    """Rename the whole checkpoints in a folder that come after a step; returns where they are.

    A training that goes on from that step takes another course: theirs is not its own, and none is gone on from again.
    """
    mark = uuid4().hex[:6]
    later = [path for path in list_checkpoints(folder) if (path / MARK).is_file() and read_step(path) > step]
    return [path.rename(path.with_name(f"{path.name}.before-{mark}")) for path in later]


def describe_settings(args: Any) -> dict[str, Any]:
    """Return the settings by which a training goes on exactly, as JSON knows them; `args` are TRL's."""
    told = {name: getattr(args, name) for name in EXACT if hasattr(args, name)}
    told["max_steps"] = args.max_steps if args.max_steps > 0 else None
    told["num_train_epochs"] = None if args.max_steps > 0 else args.num_train_epochs
    settings: dict[str, Any] = json.loads(json.dumps(told, default=str))
    return settings


def describe_adapters(model: Any) -> dict[str, Any]:
    """Return what adapters a model has, under the names of the settings."""
    config = getattr(model, "peft_config", {}).get("default")
    if config is None:
        return {"use_peft": False}
    told = {"use_peft": True, "lora_r": config.r, "lora_alpha": config.lora_alpha, "lora_dropout": config.lora_dropout}
    told |= {"use_rslora": config.use_rslora, "use_dora": config.use_dora}
    for name in ("target_modules", "modules_to_save"):
        found = getattr(config, name)
        # Where a setting names a group of modules, each module of each layer stands here.
        kinds = sorted({each.rpartition(".")[2] for each in found}) if isinstance(found, set | list) else found
        told[f"lora_{name}"] = kinds
    return told


def check_settings(checkpoint: Path, settings: Mapping[str, Any]) -> None:
    """Raise InputError for the first setting that is another one than the checkpoint's.

    A mark that does not tell a setting is taken as it is. How long a training is may change where its learning rate
    does not depend on it.
    """
    told = read_mark(checkpoint).get("settings", {})
    free = LENGTH if is_level(settings) else ()
    for key, value in settings.items():
        if key not in told or told[key] == value or key in free:
            continue
        raise InputError(
            f"{key}: {show_path(checkpoint)} was trained with {tell(told[key])}, and {tell(value)} is told; set it back"
            " to go on, or start anew from its weights (model_name_or_path) in another output_dir"
        )


def is_level(settings: Mapping[str, Any]) -> bool:
    """Whether the learning rate of a step is the same however long the training is."""
    schedule, warmup = settings["lr_scheduler_type"], settings["warmup_steps"]
    # A warmup below 1 is a share of all steps.
    return schedule == "constant" or (schedule == "constant_with_warmup" and not 0 < warmup < 1)


def tell(value: Any) -> str:
    """Return a setting's value for a person."""
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)

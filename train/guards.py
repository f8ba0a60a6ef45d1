"""Refuses what would end badly later or fall back in silence: one line each, before a folder is made.

The first checks read settings and environment only; `check_world` asks what was really started.
"""

import os
import shutil
import sys
from collections.abc import Mapping, MutableMapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from taxonomy.refusal import InputError
from taxonomy.source import show_path
from train.checkpoints import find_checkpoint, read_mark
from train.settings import Told

METRICS = ("loss", "mean_token_accuracy", "entropy")
TRACKERS = {"tensorboard": ("tensorboard", "tensorboardX"), "wandb": ("wandb",), "swanlab": ("swanlab",)}


def check_told(told: Told, environment: MutableMapping[str, str] = os.environ) -> Path | None:
    """Refuse what can be seen without loading anything; returns the checkpoint to go on from, if one is asked for."""
    check_launcher(environment)
    check_devices(told, environment)
    check_compiler(environment)
    check_model(told)
    check_adapters(told)
    check_precision(told, environment)
    check_numbers(told)
    check_stopping(told)
    check_trackers(told)
    if not told.values.shards:
        told.refuse("shards", "is missing; name the folder of an export")
    if not Path(told.values.shards).is_dir():
        told.refuse("shards", f"there is no folder {told.values.shards!r}; make it with python -m store.export")
    return check_output(told, environment)


def count_devices() -> tuple[int, str]:
    """Return how many processes this machine can train in, and what each of them needs."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.device_count(), "GPU"
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, "core"


def check_devices(told: Told, environment: Mapping[str, str]) -> None:
    """Refuse more processes than GPUs, or than cores where there is no GPU, and another number than asked for."""
    here = int(environment.get("LOCAL_WORLD_SIZE", "1"))
    count, kind = count_devices()
    if here > count:
        raise InputError(f"{here} processes, and {count} {kind}{'s' * (count > 1)}; start with --num_processes {count}")
    if kind == "GPU" and count > 1 and "LOCAL_RANK" not in environment:
        raise InputError(
            f"{count} GPUs and one process; start with accelerate launch --num_processes {count}, or leave one in"
            " CUDA_VISIBLE_DEVICES"
        )
    wanted, there = told.values.world_size, int(environment.get("WORLD_SIZE", "1"))
    if wanted is not None and wanted != there:
        told.refuse("world_size", f"{wanted} processes are asked for, and {there} started; see --num_processes")


def check_compiler(environment: MutableMapping[str, str]) -> None:
    """Refuse DeepSpeed on a machine that cannot build the one operation it needs without a GPU."""
    import torch

    if not is_deepspeed_asked(environment) or torch.cuda.is_available():
        return
    compiler = environment.get("CXX", "c++")
    if shutil.which(compiler, path=environment.get("PATH")) is None:
        raise InputError(
            f"DeepSpeed builds an operation on a machine without a GPU, and there is no C++ compiler {compiler!r};"
            " install g++, or train without DeepSpeed"
        )
    beside = Path(sys.executable).parent
    if shutil.which("ninja", path=environment.get("PATH")) is None:
        # The package brings it, and an environment that is not activated does not have it on its path.
        if shutil.which("ninja", path=str(beside)) is None:
            raise InputError("DeepSpeed builds an operation with ninja, which is not there; pip install ninja")
        environment["PATH"] = os.pathsep.join(filter(None, (environment.get("PATH"), str(beside))))


def is_deepspeed_asked(environment: Mapping[str, str]) -> bool:
    """Whether the launcher was told to use DeepSpeed."""
    return environment.get("ACCELERATE_USE_DEEPSPEED", "false").lower() == "true"


def check_model(told: Told) -> None:
    """Refuse a model folder that is missing or is none."""
    name = told.values.model_name_or_path
    if not name:
        told.refuse("model_name_or_path", "is missing; name a folder or a model of the Hub")
    path = Path(name).expanduser()
    if path.is_dir():
        for needed in ("config.json", "tokenizer_config.json"):
            if not (path / needed).is_file():
                told.refuse("model_name_or_path", f"{show_path(path)} holds no {needed}; name the folder of a model")
        if (path / "adapter_config.json").is_file():
            told.refuse(
                "model_name_or_path", f"{show_path(path)} holds an adapter; merge it first (python -m train.merge)"
            )
    elif path.exists() or name.count("/") != 1 or name.startswith((".", "/", "~")) or path.parent.is_dir():
        told.refuse("model_name_or_path", f"there is no folder {show_path(path)}")


def check_adapters(told: Told) -> None:
    """Refuse adapters whose scale shrinks what they learn, and settings of adapters that are not used."""
    values = told.values
    if not values.use_peft:
        for key in told.places:
            if key.startswith("lora_") or key in ("use_rslora", "use_dora"):
                told.refuse(key, "is a setting of adapters, and none are trained; set use_peft: true, or remove it")
        return
    if values.lora_r < 1:
        told.refuse("lora_r", f"at least 1 is wanted, not {values.lora_r}")
    if values.lora_alpha < values.lora_r:
        told.refuse(
            "lora_alpha", f"{values.lora_alpha} is less than lora_r {values.lora_r}; set it to {2 * values.lora_r}"
        )
    if values.lora_task_type != "CAUSAL_LM":
        told.refuse("lora_task_type", f"only CAUSAL_LM is trained here, not {values.lora_task_type!r}")


def check_precision(told: Told, environment: Mapping[str, str]) -> None:
    """Refuse to train weights of 16 bits themselves: a step at a usual rate is smaller than what they can hold."""
    values = told.values
    is_kept = values.use_peft or is_deepspeed_asked(environment)
    if "dtype" in told.places and values.dtype != "float32" and not is_kept:
        told.refuse("dtype", f"{values.dtype}: weights need 32 bits to be trained; remove it, bf16 computes in 16 bits")


def check_numbers(told: Told) -> None:
    """Refuse numbers with which nothing could be learned."""
    values = told.values
    if not 0 < values.learning_rate < 1:
        told.refuse("learning_rate", f"{values.learning_rate:g} is outside 0 to 1")
    if not values.max_length or values.max_length < 8:
        told.refuse("max_length", f"at least 8 tokens are wanted, not {values.max_length}")
    for key in ("per_device_train_batch_size", "per_device_eval_batch_size", "gradient_accumulation_steps"):
        if getattr(values, key) < 1:
            told.refuse(key, f"at least 1 is wanted, not {getattr(values, key)}")


def check_stopping(told: Told) -> None:
    """Refuse a best model by what is not measured, and early stopping without what it looks at."""
    values = told.values
    metric = (values.metric_for_best_model or "loss").removeprefix("eval_")
    # Preference training has figures of its own, such as rewards/margins.
    if metric not in METRICS and "/" not in metric:
        told.refuse("metric_for_best_model", f"{metric!r} is not measured; choose of {', '.join(METRICS)}")
    patience = values.early_stopping_patience
    if patience is None:
        return
    if patience < 1:
        told.refuse("early_stopping_patience", f"at least 1 is wanted, not {patience}")
    if getattr(values.eval_strategy, "value", values.eval_strategy) == "no":
        told.refuse("early_stopping_patience", 'needs evaluations; set eval_strategy to "steps" or "epoch"')


def check_trackers(told: Told) -> None:
    """Refuse a tracker that is not installed or not known."""
    asked = told.values.report_to or []
    for name in [asked] if isinstance(asked, str) else asked:
        if name == "none":
            continue
        if name not in TRACKERS:
            told.refuse("report_to", f"unknown tracker {name!r}; choose of {', '.join(TRACKERS)}, or none")
        if not any(find_spec(module) for module in TRACKERS[name]):
            told.refuse("report_to", f"{name} is not installed; pip install {name}")


def check_output(told: Told, environment: Mapping[str, str]) -> Path | None:
    """Refuse a folder with something in it, or a checkpoint that cannot be gone on from."""
    values = told.values
    if not values.output_dir:
        told.refuse("output_dir", "is missing; name a folder to train into")
    folder = Path(values.output_dir).expanduser()
    asked = values.resume_from_checkpoint
    if asked is None or str(asked).lower() == "false":
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            line = f"{show_path(folder)} is not empty; name another, or go on in it with --resume_from_checkpoint true"
            told.refuse("output_dir", line)
        return None
    checkpoint = find_checkpoint(folder) if str(asked).lower() == "true" else Path(asked)
    if checkpoint is None:
        told.refuse("resume_from_checkpoint", f"{show_path(folder)} holds no whole checkpoint; start without it")
    mark = read_mark(checkpoint)
    world = int(environment.get("WORLD_SIZE", "1"))
    if is_deepspeed_asked(environment) != mark["deepspeed"]:
        told_it = "with" if mark["deepspeed"] else "without"
        told.refuse("resume_from_checkpoint", f"{show_path(checkpoint)} was written {told_it} DeepSpeed; resume it so")
    if mark["world_size"] != world:
        line = f"{show_path(checkpoint)} was written by {mark['world_size']} processes, and {world} are here"
        told.refuse("resume_from_checkpoint", line)
    return checkpoint


def check_launcher(environment: Mapping[str, str]) -> None:
    """Refuse a switch of the launcher that leaves out DeepSpeed, and all processes but one, without a word."""
    if environment.get("ACCELERATE_USE_CPU", "false").lower() == "true":
        raise InputError(
            "the launcher's --cpu (or use_cpu: true in its file) leaves out DeepSpeed and all processes but one;"
            " remove it, for this trainer finds by itself that there is no GPU"
        )


def check_world(args: Any, environment: Mapping[str, str] = os.environ) -> None:
    """Refuse a launch that silently became another one; `args` are TRL's, whose making sets up the processes."""
    asked, there = int(environment.get("WORLD_SIZE", "1")), args.world_size
    if asked != there:
        raise InputError(f"{asked} processes were launched, and {there} work together; look at the accelerate file")
    if is_deepspeed_asked(environment) and args.deepspeed_plugin is None:
        raise InputError("DeepSpeed is asked for and would not be active; look at the accelerate file")

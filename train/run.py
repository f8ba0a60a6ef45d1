"""Carries a training from checked settings to its end: what is loaded, what is kept, how it ends in words."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from taxonomy.refusal import InputError, Refusal
from taxonomy.source import show_path
from train.checkpoints import check_settings, describe_adapters, describe_settings, read_mark, set_aside
from train.dataset import Counts
from train.guards import is_deepspeed_asked
from train.meter import Work
from train.ranks import say
from train.record import Record
from train.trackers import prepare_trackers


@dataclass(frozen=True)
class Run:
    """One training."""

    data: Any
    """train.settings.Data"""
    args: Any
    """SFTConfig or DPOConfig"""
    checkpoint: Path | None
    """Where to go on from."""
    counts: dict[str, Counts]
    """What the rows are, by split."""
    header: list[int]
    """The tokens that open a counselor's turn."""
    summary: str
    """What the rows are, in a line for a person."""

    @property
    def folder(self) -> Path:
        """Where the model goes."""
        return Path(self.args.output_dir)


@dataclass(frozen=True)
class Parts:
    """What a trainer is made of."""

    model: str
    init: dict[str, Any]
    """How the model is loaded."""
    adapters: Any
    """A LoraConfig, or nothing where all weights are trained."""


def load_parts(run: Run, model: Any, is_dtype_told: bool) -> Parts:
    """Return how model and adapters are made; `model` is TRL's ModelConfig."""
    from trl import get_peft_config

    from train.attention import register

    args = run.args
    if run.data.targets == "tree" and model.attn_implementation not in {None, "varlen"}:
        raise InputError(f"attn_implementation: {model.attn_implementation!r} knows no trees; leave it out")
    dtype = model.dtype if is_dtype_told else choose_dtype(args, model.use_peft)
    init = dict(args.model_init_kwargs or {}) | {"dtype": dtype, "revision": model.model_revision}
    init["attn_implementation"] = model.attn_implementation or register()
    if model.use_peft and not model.lora_target_modules:
        model.lora_target_modules = "all-linear"
    return Parts(model.model_name_or_path, init, get_peft_config(model))


@contextmanager
def explain_making(model: str) -> Iterator[None]:
    """Turn what the libraries find wrong with a model or with settings, while a trainer is made, into InputError."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        raise InputError(f"model {model!r} cannot be read: {' '.join(str(error).split())[:200]}") from error
    except (ValueError, ImportError) as error:
        raise InputError(f"these settings do not go together: {' '.join(str(error).split())[:400]}") from error


def choose_dtype(args: Any, has_adapters: bool) -> str:
    """Return the type of the weights: bfloat16 where something keeps what it would round off, else float32.

    DeepSpeed keeps weights of 32 bits beside those of 16, and adapters have their own. Trained directly, weights of 16
    bits do not move at a rate of 1e-5.
    """
    return "bfloat16" if args.bf16 and (args.deepspeed_plugin is not None or has_adapters) else "float32"


def check_course(run: Run, settings: Mapping[str, Any]) -> Work:
    """Return what was done up to the checkpoint; raises InputError where its rows or settings are not those of now."""
    if run.checkpoint is None:
        return Work()
    mark = read_mark(run.checkpoint)
    if mark["rows"] != run.counts["train"].digest:
        raise InputError(
            f"{show_path(run.checkpoint)} was trained on other rows; go on with the shards, targets, max_length and"
            " model that it began with, or start anew from its weights"
        )
    check_settings(run.checkpoint, settings)
    return Work(mark["tokens"], mark["loss_tokens"])


def describe_mark(run: Run, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what every checkpoint's mark tells of this training."""
    world = {"world_size": run.args.world_size, "deepspeed": run.args.deepspeed_plugin is not None}
    return {"rows": run.counts["train"].digest, **world, "settings": dict(settings)}


def leave_later(run: Run) -> None:
    """Set aside the checkpoints that come after the one gone on from, and say so."""
    if run.checkpoint is None:
        return
    step = read_mark(run.checkpoint)["step"]
    if moved := set_aside(run.folder, step):
        names = ", ".join(path.name for path in moved)
        say(f"{show_path(run.folder)}: what comes after step {step} is set aside as {names}; remove what is not wanted")


def run_training(run: Run, make: Callable[[], Any]) -> int:
    """Make the trainer, train, save; whatever goes wrong after the folder is made is kept in end.json."""
    settings = describe_settings(run.args)
    before = check_course(run, settings)
    say(run.summary)
    is_first = run.args.process_index == 0
    record = Record(run.folder, is_first)
    was_there = run.folder.exists()
    told = {"rows": {split: asdict(counts) for split, counts in run.counts.items()}}
    reason: str | None = "it was interrupted"
    begun = False
    try:
        prepare_trackers(run.args.report_to, run.folder, run.args.run_name, run.data.trackers_online)
        trainer = make()
        check_deepspeed(trainer)
        settings |= describe_adapters(trainer.model)
        if run.checkpoint is not None:
            check_settings(run.checkpoint, settings)
        begun = True
        record.begin()
        if is_first:
            leave_later(run)
        trainer.watch(record, run.header, describe_mark(run, settings), before)
        train_through(trainer, run)
        reason = None
    except Refusal as refusal:
        reason = str(refusal)
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
        raise
    finally:
        if begun:
            record.end(reason, {"step": trainer.state.global_step, **told})
        elif is_first and not was_there:
            # TRL's trainer makes it before its own checks.
            shutil.rmtree(run.folder, ignore_errors=True)
    trainer.accelerator.end_training()
    return 0


def train_through(trainer: Any, run: Run) -> None:
    """Train to the end and save the model; a GPU without room is refused in words."""
    import torch

    try:
        trainer.train(resume_from_checkpoint=str(run.checkpoint) if run.checkpoint else None)
    except torch.OutOfMemoryError as error:
        raise Refusal(
            "the GPU's memory does not suffice; lower per_device_train_batch_size or set gradient_checkpointing: true"
        ) from error
    trainer.save_model(run.args.output_dir)


def check_deepspeed(trainer: Any) -> None:
    """Refuse a trainer that left DeepSpeed out."""
    if is_deepspeed_asked(os.environ) and not trainer.is_deepspeed_enabled:
        raise InputError("DeepSpeed is asked for and not active in the trainer; look at the accelerate file")

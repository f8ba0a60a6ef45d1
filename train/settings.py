"""What a training is told: a YAML file and flags over it, each key checked before anything is loaded.

The keys are those of TRL's own configuration and of its ModelConfig, and the few of `Data` below. Numbers are read as
the house reads them: `5e-5` is a number (YAML 1.1 takes it for text), and `"5e-5"` in quotes is refused.
"""

import argparse
import dataclasses
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn, get_type_hints

from taxonomy.command import Parser as OneLineParser
from taxonomy.lines import parse_yaml
from taxonomy.refusal import InputError, suggest
from taxonomy.source import read_text, show_path
from train.values import find_fault

SHIPPED = Path(__file__).parent.parent / "configs" / "train"


@dataclasses.dataclass
class Data:
    """The settings that are ours: which rows are made of the shards, and when to stop."""

    shards: str | None = dataclasses.field(
        default=None, metadata={"help": "The folder of an export (python -m store.export)."}
    )
    targets: Literal["all_turns", "last", "per_turn", "tree"] = dataclasses.field(
        default="per_turn", metadata={"help": "What of a talk is learned, and which thinking stays in its history."}
    )
    early_stopping_patience: int | None = dataclasses.field(
        default=None, metadata={"help": "Evaluations without a better loss after which training stops."}
    )
    world_size: int | None = dataclasses.field(
        default=None, metadata={"help": "Processes there must be; a launcher that started others is refused."}
    )
    trackers_online: bool = dataclasses.field(
        default=False, metadata={"help": "Let SwanLab and W&B talk to their servers; by default they write files."}
    )


SFT_REFUSED = {
    "pad_to_multiple_of": "rows are laid side by side without padding",
    "assistant_only_loss": "`targets` says what is learned",
    "completion_only_loss": "`targets` says what is learned",
    "chat_template_path": "rows are made with the template of this project",
    "eos_token": "rows are made with the template of this project",
    "pad_token": "rows are made with the template of this project",
    "packing_strategy": "packing here never cuts a row, and knows one strategy",
    "eval_packing": "both splits are packed alike",
    "padding_free": "packed rows are always without padding",
    "truncation_mode": "no row is ever cut; those longer than `max_length` are dropped and counted",
    "dataset_kwargs": "rows are made from `shards` and `targets`",
    "dataset_text_field": "rows are made from `shards` and `targets`",
    "dataset_num_proc": "rows are made from `shards` and `targets`",
    "remove_unused_columns": "every column of a row is needed",
}
DPO_REFUSED = {
    "attn_implementation": "pairs are padded and read by transformers' own sdpa",
    "truncation_mode": "no row is ever cut; those longer than `max_length` are dropped and counted",
    "dataset_num_proc": "rows are made from `shards`",
    "padding_free": "TRL's DPO does not have it",
    "pad_token": "rows are made with the template of this project",
    "targets": "a pair learns its last reply",
}
REFUSED = {
    "fp16": "use `bf16`: float16 skips steps whose gradients overflow, which hides a loss that is not a number",
    "auto_find_batch_size": "it hides that memory ran out; set `per_device_train_batch_size`",
    "push_to_hub": "look at the model first; then push it with `huggingface-cli upload`",
    "hub_token": "secrets stand in no configuration",
    "load_in_4bit": "merging quantised weights is not exact; train with LoRA on bfloat16 weights",
    "load_in_8bit": "merging quantised weights is not exact; train with LoRA on bfloat16 weights",
    "trust_remote_code": "code from a model's folder is never run",
    "parallelism_config": "give it in the accelerate configuration",
    "model_init_kwargs": "the model is loaded as `dtype`, `attn_implementation` and `model_revision` say",
    "use_liger_kernel": "TRL's own loss needs no more memory",
    "ignore_data_skip": "a training that goes on would read rows once more and leave others out",
    "save_only_model": "a checkpoint without the optimizer's state cannot be gone on from",
    "deepspeed": "give it to the launcher: accelerate launch --config_file configs/accelerate/zero2.yaml",
}
DEFAULTS = {"max_length": 4096, "packing": True, "logging_nan_inf_filter": False}


class Told(NamedTuple):
    """What was told, key by key, and where each key stands."""

    values: argparse.Namespace
    classes: tuple[type, ...]
    places: dict[str, str]

    def refuse(self, key: str, problem: str) -> NoReturn:
        """Raise InputError for a setting, naming where it was set."""
        raise InputError(f"{self.places.get(key, '')}{key}: {problem}")

    def make(self) -> tuple[Any, ...]:
        """Return the settings as their dataclasses; raises InputError for what their own checks find."""
        made = []
        for each in self.classes:
            names = [field.name for field in dataclasses.fields(each) if field.init]
            try:
                made.append(each(**{name: getattr(self.values, name) for name in names}))
            except (ValueError, ImportError) as error:
                raise InputError(" ".join(str(error).split())) from error
        return tuple(made)


def find_config(name: str) -> Path:
    """Return the file that a name or path means: as it stands, else in configs/train here, else as shipped."""
    path = Path(name)
    for folder in (Path(), Path("configs") / "train", SHIPPED):
        for candidate in (folder / path, folder / f"{name}.yaml"):
            if candidate.is_file():
                return candidate
    return path


def read_config(path: Path, classes: Sequence[type]) -> dict[str, tuple[Any, str]]:
    """Return the settings of a file with the place of each; raises InputError for the first that is wrong."""
    where = show_path(path)
    parsed = parse_yaml(read_text(path), where)
    if not isinstance(parsed.data, dict):
        raise InputError(f"{where}:1: keys with values are wanted")
    hints = list_hints(classes)
    settings = {}
    for key, value in parsed.data.items():
        place = parsed.places[(key,)]
        if key not in hints:
            raise InputError(
                f"{where}:{place.key_line}: unknown key {key!r}{suggest(key, hints)}; correct or remove it"
            )
        problem = find_fault(value, hints[key], place)
        if problem:
            raise InputError(f"{where}:{place.line}: {key}: {problem}")
        settings[key] = (value, f"{where}:{place.line}: ")
    return settings


def list_hints(classes: Sequence[type]) -> dict[str, Any]:
    """Return the type of each setting by its name."""
    hints: dict[str, Any] = {}
    for each in classes:
        known = get_type_hints(each)
        hints |= {field.name: known[field.name] for field in dataclasses.fields(each) if field.init}
    return hints


def read_told(argv: Sequence[str], config_class: type, refused: dict[str, str], module: str) -> Told:
    """Return what a command line and its --config say; raises InputError.

    Whatever the file sets, a flag overrides. On a machine without a GPU `use_cpu` is set by itself, so that one file
    serves both.
    """
    import torch
    from trl import ModelConfig, TrlParser

    # TRL 1.16 reads the older name alone, and transformers 5.23 warns of it in every process.
    warnings.filterwarnings("ignore", message=".*gradient_checkpointing` is deprecated", category=FutureWarning)

    class Parser(TrlParser):
        def error(self, message: str) -> NoReturn:
            raise InputError(f"{message.removeprefix('argument ')}; see python -m {module} --help")

    classes: tuple[Any, ...] = (Data, config_class, ModelConfig)
    parser = Parser(classes, prog=f"python -m {module}", allow_abbrev=False)
    parser.set_defaults(**{key: value for key, value in DEFAULTS.items() if key in list_hints(classes)})
    parser.add_argument("--config", metavar="FILE", help="a YAML file with any of these settings")
    first = OneLineParser(module, add_help=False)
    first.add_argument("--config")
    config, _ = first.parse_known_args([arg for arg in argv if arg not in {"-h", "--help"}])
    places: dict[str, str] = {}
    if config.config is not None:
        settings = read_config(find_config(config.config), classes)
        places = {key: place for key, (_, place) in settings.items()}
        parser.set_defaults_with_config(**{key: value for key, (value, _) in settings.items()})
    values, rest = parser.parse_known_args(list(argv))
    if rest:
        flags = [f"--{name}" for name in list_hints(classes)]
        raise InputError(f"unknown flag {rest[0]!r}{suggest(rest[0], flags)}; see python -m {module} --help")
    for arg in argv:
        if arg.startswith("--"):
            name = arg[2:].split("=")[0].replace("-", "_")
            places[name] = "--"
    told = Told(values, classes, places)
    refuse_settings(told, REFUSED | refused)
    if not torch.cuda.is_available():
        values.use_cpu = True
    if values.early_stopping_patience is not None:
        values.metric_for_best_model = values.metric_for_best_model or "loss"
        # How often the loss did not improve is counted on across a resume.
        values.restore_callback_states_from_checkpoint = True
    if values.bf16 is False and "ACCELERATE_MIXED_PRECISION" in os.environ:
        # The accelerate file's word on precision; the two must agree, and the training's own settings decide.
        os.environ["ACCELERATE_MIXED_PRECISION"] = "no"
    return told


def refuse_settings(told: Told, refused: dict[str, str]) -> None:
    """Refuse what would have no effect here, or one that hides something; raises InputError."""
    for key, why in refused.items():
        if key in told.places and getattr(told.values, key):
            told.refuse(key, f"is not for here: {why}; remove it")

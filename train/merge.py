"""Merges a LoRA adapter into the weights it was trained on: python -m train.merge --adapter DIR --out DIR.

The sum is taken in the type of the base model's weights, or in --dtype. Tokenizer and chat template go along, so that
the folder is a model like any other.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from taxonomy.command import Parser, run_main
from taxonomy.refusal import InputError, Refusal
from taxonomy.source import show_path

DTYPES = ("auto", "float32", "bfloat16", "float16")
TOKENIZER_FILES = ("tokenizer_config.json", "tokenizer.json")


def read_adapter(adapter: Path) -> dict[str, Any]:
    """Return what a folder says about its adapter; raises InputError where it holds none that can be merged."""
    path = adapter / "adapter_config.json"
    if not adapter.is_dir():
        raise InputError(f"--adapter {show_path(adapter)}: there is no such folder")
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(
            f"--adapter {show_path(adapter)}: holds no adapter_config.json; name what train.sft wrote"
        ) from None
    if config.get("peft_type") != "LORA":
        raise InputError(f"--adapter {show_path(adapter)}: only LoRA is merged, not {config.get('peft_type')!r}")
    if not any((adapter / name).is_file() for name in ("adapter_model.safetensors", "adapter_model.bin")):
        raise InputError(f"--adapter {show_path(adapter)}: its weights are missing; name another checkpoint")
    return config


def choose_base(adapter: Path, config: dict[str, Any], told: str | None) -> str:
    """Return the model that the adapter was trained on; raises InputError where it has gone."""
    base = told or str(config.get("base_model_name_or_path") or "")
    if not base:
        raise InputError(f"--adapter {show_path(adapter)}: does not say what it was trained on; name it with --base")
    is_hub_name = base.count("/") == 1 and not base.startswith((".", "/"))
    if not Path(base).is_dir() and not is_hub_name:
        raise InputError(f"the base model {base!r} is not there; name where it is with --base")
    return base


def merge_adapter(adapter: Path, out: Path, dtype: str = "auto", base: str | None = None) -> None:
    """Write base and adapter as one model into a folder that does not exist yet, whole or not at all."""
    config = read_adapter(adapter)
    source = choose_base(adapter, config, base)
    if os.path.lexists(out):
        raise InputError(f"--out {show_path(out)}: is there already and is left as it is; name another folder")
    try:
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {show_path(out)}: its folder cannot be made ({error.strerror})") from None
    made = out.absolute().with_name(f".{out.name}.partial-{os.getpid()}")
    try:
        write_merged(adapter, source, made, dtype)
        if os.path.lexists(out):
            raise Refusal(f"{show_path(out)} was made by somebody else meanwhile; name another folder")
        made.rename(out)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def write_merged(adapter: Path, base: str, made: Path, dtype: str) -> None:
    """Load, merge and save; a weight that is not a number after the sum is refused."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        whole = AutoModelForCausalLM.from_pretrained(base, dtype=dtype if dtype == "auto" else getattr(torch, dtype))
    except OSError as error:
        raise InputError(f"the base model {base!r} cannot be read: {' '.join(str(error).split())[:200]}") from None
    try:
        merged = PeftModel.from_pretrained(whole, str(adapter), autocast_adapter_dtype=False)
        merged = merged.merge_and_unload(safe_merge=True)
    except (ValueError, RuntimeError) as error:
        line = " ".join(str(error).split())[:200]
        raise Refusal(f"{show_path(adapter)} does not fit {base!r}: {line}") from None
    # Its own folder has the template that the adapter was trained with; a bare adapter takes that of its base.
    speaker = adapter if any((adapter / name).is_file() for name in TOKENIZER_FILES) else base
    merged.save_pretrained(made)
    AutoTokenizer.from_pretrained(speaker).save_pretrained(made)


def main() -> int:
    """Merge what the command line names."""
    parser = Parser("train.merge", description=__doc__)
    parser.add_argument("--adapter", type=Path, required=True, metavar="DIR", help="what train.sft wrote with LoRA")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder that does not exist yet")
    parser.add_argument("--base", metavar="MODEL", help="the base model, where the adapter's own note is out of date")
    parser.add_argument(
        "--dtype", choices=DTYPES, default="auto", help="of the weights; auto is that of the base model"
    )
    flags = parser.parse_args()
    merge_adapter(flags.adapter, flags.out, flags.dtype, flags.base)
    return 0


if __name__ == "__main__":
    run_main(main)

"""Measures the trainer on a GPU with random weights of Qwen2.5's real shapes: python -m tests.bench.train

Talks of eight exchanges with thoughts, of the lengths that 25-word lines, 150-word thoughts and 60-word replies have in
Qwen2.5's vocabulary; all weights and adapters, one row a reply against trees, and TRL as it comes. Each line is a
process of its own. `--write FILE` keeps the table where a GPU measured it; `--tiny` tries the script on any machine.
"""

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

LINE, BARE, THOUGHTFUL = 35, 68, 220
"""Tokens of a client's line, of a reply without its thought and with it."""
EXCHANGES = 8
SHAPES: dict[str, dict[str, int]] = {
    "tiny": {"hidden_size": 64, "intermediate_size": 176, "num_hidden_layers": 2, "num_attention_heads": 4},
    "1.5b": {"hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28, "num_attention_heads": 12},
    "3b": {"hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36, "num_attention_heads": 16},
}
VOCABULARY = {"tiny": 832, "1.5b": 151936, "3b": 151936}
PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate")
KINDS = {
    "TRL's defaults, a row a reply": {"trainer": "trl", "targets": "per_turn"},
    "all weights, a row a reply": {"trainer": "ours", "targets": "per_turn"},
    "all weights, trees": {"trainer": "ours", "targets": "tree"},
    "adapters, a row a reply": {"trainer": "ours", "targets": "per_turn", "lora": True},
    "adapters, trees": {"trainer": "ours", "targets": "tree", "lora": True},
}
MARKS = ("<!-- training -->\n", "<!-- /training -->\n")
Figures = dict[str, Any]


def make_talk(chance: random.Random, vocabulary: int) -> list[Any]:
    """Return a talk of random tokens, cut into messages."""
    from train.targets import Said

    def draw(count: int) -> list[int]:
        return [chance.randrange(vocabulary // 2) for _ in range(round(count * chance.uniform(0.7, 1.3)))]

    said = []
    for _ in range(EXCHANGES):
        said += [Said(draw(LINE), [], None, False), Said([1, 2, 3], draw(BARE), draw(THOUGHTFUL), True)]
    return said


def make_model(size: str, attention: str, dtype: Any) -> Any:
    """Return a model with random weights on the GPU, or where there is none on the CPU."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        **SHAPES[size], num_key_value_heads=2, vocab_size=VOCABULARY[size], tie_word_embeddings=True,
        max_position_embeddings=32768, rope_theta=1e6, use_cache=False, attn_implementation=attention,
        bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = Qwen2ForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    return model


def make_settings(told: Figures, folder: str, has_gpu: bool) -> Any:
    """Return the settings of a training; TRL's keep all that is not said here."""
    from trl import SFTConfig

    steps = told["warmup"] + told["steps"]
    common = {
        "output_dir": folder, "max_steps": steps, "logging_steps": 1, "save_strategy": "no", "report_to": "none",
        "disable_tqdm": True, "use_cpu": not has_gpu, "bf16": has_gpu, "learning_rate": 1e-5,
        "per_device_train_batch_size": told["rows"], "dataset_kwargs": {"skip_prepare_dataset": True},
        "max_length": told["length"],
    }  # fmt: skip
    if told["trainer"] == "trl":
        return SFTConfig(**common)
    checkpointing = {"gradient_checkpointing": told["checkpointing"], "optim": "adamw_torch_fused"}
    return SFTConfig(**common, **checkpointing, remove_unused_columns=False)


def measure(told: Figures) -> Figures:
    """Train some steps and return what the trainer's own meter says of those after the first."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTTrainer

    from tests.train.tiny import train_tokenizer
    from train.attention import register
    from train.collate import collate
    from train.meter import Work
    from train.packing import pack
    from train.record import Record
    from train.targets import join_rows
    from train.watch import Watched

    class Trainer(Watched, SFTTrainer):  # type: ignore[misc]
        """TRL's trainer that measures itself."""

    chance, has_gpu, is_ours = random.Random(0), torch.cuda.is_available(), told["trainer"] == "ours"
    needed = told["rows"] * (told["warmup"] + told["steps"]) * told["length"]
    rows: list[Any] = []
    talks = held = 0
    while held < needed * 1.1:
        made = join_rows(make_talk(chance, VOCABULARY[told["size"]]), told["targets"], [4])
        rows += made
        held += sum(map(len, made)) if is_ours else told["length"] * len(made)
        talks += 1
    if is_ours:
        examples = [each.columns() for each in pack(rows, told["length"])]
    else:
        examples = [{"input_ids": row.input_ids, "labels": row.labels} for row in rows]
    # Fused adapters and weights of 32 bits under autocast: what python -m train.sft does without DeepSpeed.
    dtype = torch.bfloat16 if told.get("lora") and has_gpu else torch.float32
    adapters = LoraConfig(r=32, lora_alpha=64, target_modules="all-linear", task_type="CAUSAL_LM")
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            make_model(told["size"], register() if is_ours else "sdpa", dtype),
            args=make_settings(told, folder, has_gpu),
            train_dataset=Dataset.from_list(examples),
            processing_class=train_tokenizer(),
            peft_config=adapters if told.get("lora") else None,
            **({"data_collator": collate} if is_ours else {}),
        )
        trainer.watch(Record(Path(folder), True), [1, 2, 3], {}, Work())
        trainer.train()
        lines = [json.loads(line) for line in (Path(folder) / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    rates = add_up(lines, told["warmup"])
    peak = torch.cuda.max_memory_allocated() / 2**30 if has_gpu else None
    share = talks / sum(row.learned for row in rows)
    return {
        **rates, "talks_per_s": rates["loss_tokens_per_s"] * share, "peak_gib": peak, "loss": lines[-1]["loss"],
        "device": torch.cuda.get_device_name() if has_gpu else None,
    }  # fmt: skip


def add_up(lines: list[Figures], warmup: int) -> Figures:
    """Return the rates over all steps after the first ones; each step's line tells its own."""
    seconds = tokens = learned = worked = 0.0
    for before, line in pairwise(lines[warmup - 1 :]):
        took = (line["tokens"] - before["tokens"]) / line["tokens_per_s"]
        seconds += took
        tokens += line["tokens"] - before["tokens"]
        learned += line["loss_tokens"] - before["loss_tokens"]
        worked += took * (line["mfu"] or 0.0)
    mfu = worked / seconds if lines[-1]["mfu"] is not None else None
    return {"tokens_per_s": tokens / seconds, "loss_tokens_per_s": learned / seconds, "mfu": mfu}


def play(told: Figures) -> Figures:
    """Measure in a process of its own, so that each begins with an empty GPU."""
    command = [sys.executable, "-m", "tests.bench.train", "--one", json.dumps(told)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True"}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if ended.returncode:
        last = ended.stderr.strip().splitlines()[-1:] or ["no word"]
        return {"failed": last[0][:200]}
    figures: Figures = json.loads(ended.stdout.strip().splitlines()[-1])
    return figures


def tell(size: str, told: Figures, table: dict[str, Figures]) -> list[str]:
    """Return a size's table in Markdown."""
    lines = [f"### Qwen2.5-{size.upper()} on {next(iter(table.values())).get('device') or 'a CPU'}", ""]
    lines += [
        f"Rows of {told['length']:,} tokens, {told['rows']} a step; over {told['steps']} steps after {told['warmup']}.",
        "",
    ]
    lines += ["| | tokens/s | learned tokens/s | talks/s | MFU | peak GiB |", "|---|---|---|---|---|---|"]
    for name, f in table.items():
        if "failed" in f:
            lines.append(f"| {name} | failed: {f['failed']} | | | | |")
            continue
        share = "" if f["mfu"] is None else f"{f['mfu']:.1%}"
        peak = "" if f["peak_gib"] is None else f"{f['peak_gib']:.0f}"
        rates = f"{f['tokens_per_s']:,.0f} | {f['loss_tokens_per_s']:,.0f} | {f['talks_per_s']:.2f}"
        lines.append(f"| {name} | {rates} | {share} | {peak} |")
    return [*lines, ""]


def write_section(path: Path, lines: list[str]) -> None:
    """Replace the section of the trainer in a Markdown file, or put it before the tables of the engines."""
    text = path.read_text(encoding="utf-8")
    section = MARKS[0] + "\n" + "\n".join(lines).strip() + "\n\n" + MARKS[1]
    if MARKS[0] in text:
        before, _, rest = text.partition(MARKS[0])
        text = before + section + rest.partition(MARKS[1])[2]
    else:
        before, mark, rest = text.partition("---\n<!-- tables -->\n")
        text = before + "## Training\n\n" + section + "\n" + mark + rest
    path.write_text(text, encoding="utf-8")


def main() -> None:
    """Measure and print, or keep, the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1.5b,3b", help="of tiny, 1.5b, 3b")
    parser.add_argument("--length", type=int, default=4096, help="tokens of a row")
    parser.add_argument("--rows", type=int, default=2, help="rows of a step")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--checkpointing", action="store_true", help="compute activations again")
    parser.add_argument("--tiny", action="store_true", help="a tiny model and two steps")
    parser.add_argument("--write", type=Path, metavar="FILE", help="keep the tables in this Markdown file")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.one:
        print(json.dumps(measure(json.loads(flags.one))))
        return
    if flags.tiny:
        flags.sizes, flags.length, flags.rows, flags.steps, flags.warmup = "tiny", 4096, 1, 2, 1
    shared = {name: getattr(flags, name) for name in ("length", "rows", "steps", "warmup", "checkpointing")}
    lines = [
        f"Python {platform.python_version()}, " + ", ".join(f"{each} {version(each)}" for each in PACKAGES) + ".",
        "",
    ]
    devices = set()
    for size in flags.sizes.split(","):
        table = {name: play({**shared, **kind, "size": size}) for name, kind in KINDS.items()}
        devices |= {figures.get("device") for figures in table.values()}
        told = tell(size, shared, table)
        print("\n".join(told), flush=True)
        lines += told
    if flags.write is not None:
        if devices == {None}:
            raise SystemExit("no GPU measured this; nothing is written")
        write_section(flags.write, lines)


if __name__ == "__main__":
    main()

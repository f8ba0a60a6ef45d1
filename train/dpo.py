"""Fine-tunes on pairs of a better and a worse reply: python -m train.dpo --config configs/train/qwen2.5_3b_dpo.yaml.

Direct preference optimisation (Rafailov et al., arXiv:2305.18290) by TRL, on the preference shards of an export. The
reference is the model it begins from: without adapters its copy, with adapters the same weights with them put aside.
Settings, processes and resuming are those of train.sft.
"""

import sys
from pathlib import Path
from typing import Any

from train.ranks import run_ranks


def main() -> int:
    """Train what the command line and its configuration tell."""
    from trl import DPOConfig

    from train.guards import check_told, check_world
    from train.settings import DPO_REFUSED, read_told

    told = read_told(sys.argv[1:], DPOConfig, DPO_REFUSED, "train.dpo")
    checkpoint = check_told(told)
    data, args, model = told.make()
    check_world(args)
    return train(data, args, model, "dtype" in told.places, checkpoint)


def train(data: Any, args: Any, model: Any, is_dtype_told: bool, checkpoint: Path | None) -> int:
    """Make the pairs and train; `checkpoint` is where to go on from."""
    from train.dataset import verify_shards
    from train.dpo_trainer import make_trainer
    from train.pairs import make_pairs
    from train.run import Run, load_parts, run_training
    from train.template import load_speech, load_tokenizer

    speech = load_speech(load_tokenizer(model.model_name_or_path, model.model_revision))
    verify_shards(Path(data.shards))
    splits = ["train", "validation"] if args.eval_strategy != "no" else ["train"]
    made = {split: make_pairs(Path(data.shards), split, speech, args.max_length) for split in splits}
    counts = {split: count for split, (_, count) in made.items()}
    told = [
        f"{split}: {each.rows:,} pairs, {each.over_long:,} over-long ones left out" for split, each in counts.items()
    ]
    run = Run(data, args, checkpoint, counts, speech.header, "; ".join(told))
    pairs = {split: rows for split, (rows, _) in made.items()}
    return run_training(run, lambda: make_trainer(run, load_parts(run, model, is_dtype_told), pairs, speech))


if __name__ == "__main__":
    run_ranks(main)

"""Fine-tunes a Qwen2.5 on the shards of an export: python -m train.sft --config configs/train/qwen2.5_3b_full.yaml.

With DeepSpeed, or in several processes:
accelerate launch --config_file configs/accelerate/zero2.yaml --num_processes 2 -m train.sft --config FILE
Any setting of the file can be given as a flag. `--resume_from_checkpoint true` goes on from the last whole checkpoint.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

from train.ranks import run_ranks


def main() -> int:
    """Train what the command line and its configuration tell."""
    from trl import SFTConfig

    from train.guards import check_told, check_world
    from train.settings import SFT_REFUSED, read_told

    told = read_told(sys.argv[1:], SFTConfig, SFT_REFUSED, "train.sft")
    checkpoint = check_told(told)
    data, args, model = told.make()
    check_world(args)
    return train(data, args, model, "dtype" in told.places, checkpoint)


def train(data: Any, args: Any, model: Any, is_dtype_told: bool, checkpoint: Path | None) -> int:
    """Make the rows, check them and train; `checkpoint` is where to go on from."""
    from train.dataset import Wanted, prepare, tell_rows
    from train.run import Run, load_parts, run_training
    from train.sft_trainer import make_trainer
    from train.template import load_speech, load_tokenizer

    speech = load_speech(load_tokenizer(model.model_name_or_path, model.model_revision))
    wanted = Wanted(Path(data.shards), data.targets, args.max_length, args.packing)
    splits = ["train", "validation"] if args.eval_strategy != "no" else ["train"]
    prepared = prepare(wanted, splits, speech, args.distributed_state)
    try:
        run = Run(data, args, checkpoint, prepared.counts, speech.header, tell_rows(prepared.counts))
        return run_training(run, lambda: make_trainer(run, load_parts(run, model, is_dtype_told), prepared, speech))
    finally:
        if args.distributed_state.is_local_main_process:
            shutil.rmtree(prepared.folder, ignore_errors=True)


if __name__ == "__main__":
    run_ranks(main)

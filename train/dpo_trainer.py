"""TRL's DPOTrainer on pairs of our own tokens: its loss and its loop, our rows and watch."""

from collections.abc import Mapping, Sequence
from typing import Any

from datasets import Dataset
from transformers import EarlyStoppingCallback
from trl import DPOTrainer

from train.pairs import Pair
from train.run import Parts, Run, explain_making
from train.template import Speech
from train.watch import Watched


class Trainer(Watched, DPOTrainer):
    """Learns from pairs that are tokens already."""

    def _prepare_dataset(self, dataset: Dataset, *_: Any, **__: Any) -> Dataset:
        # TRL would render them once more, and learn the newline after the reply.
        return dataset


def make_trainer(run: Run, parts: Parts, pairs: Mapping[str, Sequence[Pair]], speech: Speech) -> Trainer:
    """Return a trainer that has loaded its model; raises InputError where the model cannot be read."""
    args = run.args
    # Batches of pairs are padded, and each has a mask of its own.
    args.model_init_kwargs = parts.init | {"attn_implementation": "sdpa"}
    splits = {split: Dataset.from_list(list(rows)) for split, rows in pairs.items()}
    patience = run.data.early_stopping_patience
    with explain_making(parts.model):
        return Trainer(
            parts.model,
            args=args,
            train_dataset=splits["train"],
            eval_dataset=splits.get("validation"),
            processing_class=speech.tokenizer,
            peft_config=parts.adapters,
            callbacks=[EarlyStoppingCallback(patience)] if patience else [],
        )

"""TRL's SFTTrainer on packed rows of our own making: its loss and its loop, our rows, attention and watch."""

from transformers import EarlyStoppingCallback
from trl import SFTTrainer

from train.collate import collate
from train.dataset import Prepared
from train.run import Parts, Run, explain_making
from train.template import Speech
from train.watch import Watched


class Trainer(Watched, SFTTrainer):
    """Fine-tunes on rows that are tokens already."""


def make_trainer(run: Run, parts: Parts, prepared: Prepared, speech: Speech) -> Trainer:
    """Return a trainer that has loaded its model; raises InputError where the model cannot be read."""
    args = run.args
    # Packs come packed: TRL would pack again, and refuse a collator beside padding-free batches.
    args.packing, args.padding_free = False, False
    args.dataset_kwargs = {"skip_prepare_dataset": True}
    args.remove_unused_columns = False
    args.model_init_kwargs = parts.init
    args.prediction_loss_only = True
    patience = run.data.early_stopping_patience
    with explain_making(parts.model):
        return Trainer(
            parts.model,
            args=args,
            data_collator=collate,
            train_dataset=prepared.splits["train"],
            eval_dataset=prepared.splits.get("validation"),
            processing_class=speech.tokenizer,
            peft_config=parts.adapters,
            callbacks=[EarlyStoppingCallback(patience)] if patience else [],
        )

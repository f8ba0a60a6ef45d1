"""What every trainer here adds to TRL's: it measures itself, stops at a loss that is no number, marks checkpoints."""

from pathlib import Path
from typing import Any

import torch

from taxonomy.refusal import Refusal
from train.checkpoints import drop_checkpoints, find_checkpoint, mark_whole, remove_mark
from train.flops import find_peak, read_shape
from train.mask import check_batch
from train.meter import Meter, Work, count_batch, wait_for_device
from train.record import Record

TOLD = ("loss", "grad_norm", "learning_rate")


class NotFinite(Refusal):
    """The loss or the gradients are no numbers any more; going on would only spoil the weights."""


class Watched:
    """A part of a Trainer, left of it among its bases; `watch` must be called before `train`."""

    meter: Meter
    record: Record
    header: list[int]
    _mark: dict[str, Any]
    _done: Any = None
    _is_checked = False
    # Of the Trainer to the right.
    args: Any
    state: Any
    control: Any
    model: Any
    accelerator: Any

    def watch(self, record: Record, header: list[int], mark: dict[str, Any], before: Work) -> None:
        """Say where to write, which tokens open a reply, what a checkpoint's mark tells, and what was done before."""
        self.record, self.header, self._mark = record, header, mark
        shape = read_shape(self.model.config, count_adapters(self.model))
        peak = find_peak(torch.cuda.get_device_name()) if torch.cuda.is_available() else None
        self.meter = Meter(shape, peak * self.args.world_size if peak else None, before)

    def _init_training_state(self, max_steps: int, *args: Any, **told: Any) -> Any:
        found = super()._init_training_state(max_steps, *args, **told)  # type: ignore[misc]
        # A checkpoint brings its own steps of logging, evaluating and saving; those of the settings count.
        self.state.compute_steps(self.args, max_steps)
        return found

    def get_batch_samples(self, *args: Any, **told: Any) -> Any:
        """Count what a step is given, from when its batches are read."""
        self.meter.begin_step()
        batches, items = super().get_batch_samples(*args, **told)  # type: ignore[misc]
        if batches and not self._is_checked:
            self._is_checked = True
            for batch in batches:
                if "position_ids" in batch:
                    check_batch(batch["input_ids"][0].tolist(), batch["labels"][0].tolist(), self.header)
        self._done = sum((count_batch(batch) for batch in batches[1:]), count_batch(batches[0])) if batches else None
        return batches, items

    def compute_loss(self, *args: Any, **told: Any) -> Any:
        """Stop before a loss that is no number reaches the weights; all processes agree on it."""
        found = super().compute_loss(*args, **told)  # type: ignore[misc]
        loss = found[0] if isinstance(found, tuple) else found
        if self.model.training:
            is_bad = self.accelerator.gather((~torch.isfinite(loss.detach())).int().reshape(1)).any()
            if is_bad.item():
                raise NotFinite(self._explain("loss"))
        return found

    def _get_grad_norm(self, *args: Any, **told: Any) -> Any:
        norm = super()._get_grad_norm(*args, **told)  # type: ignore[misc]
        if norm is not None and not torch.isfinite(torch.as_tensor(norm)).item():
            raise NotFinite(self._explain("gradient"))
        return norm

    def _explain(self, what: str) -> str:
        last = find_checkpoint(Path(self.args.output_dir))
        kept = f"the last whole checkpoint is {last}" if last else "no checkpoint was written yet"
        step = self.state.global_step + 1
        return f"the {what} is not finite at step {step}; look at the data or begin with a lower learning_rate ({kept})"

    def _maybe_log_save_evaluate(self, *args: Any, **told: Any) -> None:
        if self._done is not None:
            if self.control.should_log or self.control.should_evaluate or self.control.should_save:
                # What is left of the optimizer's step would be done outside the time of any step.
                wait_for_device(self.args.device)
            self.meter.end_step(self._done)
            self._done = None
        super()._maybe_log_save_evaluate(*args, **told)  # type: ignore[misc]

    def log(self, logs: dict[str, float], *args: Any, **told: Any) -> None:
        """Add the meter's figures to each line of the log, and keep the line."""
        if "loss" in logs and self.meter.window is not None:
            figures = self.meter.read(self._gather_window(), self.state.max_steps - self.state.global_step)
            head = {"step": self.state.global_step, "steps": self.state.max_steps, "epoch": self.state.epoch}
            self.record.write({**head, **{name: logs.get(name) for name in TOLD}, **figures})
            logs.update({name: value for name, value in figures.items() if value is not None})
        elif "eval_loss" in logs:
            self.record.write({"step": self.state.global_step, "eval_loss": logs["eval_loss"]})
        super().log(logs, *args, **told)  # type: ignore[misc]

    def _gather_window(self) -> Work:
        """Return what all processes did since the last reading; every process must ask."""
        if self.meter.window is None:
            return Work()
        return Work(*self.accelerator.gather(self.meter.window[None]).sum(dim=0).tolist())

    def _save_checkpoint(self, *args: Any, **told: Any) -> None:
        folder = Path(self.args.output_dir)
        checkpoint = folder / f"checkpoint-{self.state.global_step}"
        if self.args.process_index == 0:
            remove_mark(checkpoint)
        self.accelerator.wait_for_everyone()
        # An older checkpoint goes when the newer one is whole, and not before.
        limit, self.args.save_total_limit = self.args.save_total_limit, None
        try:
            super()._save_checkpoint(*args, **told)  # type: ignore[misc]
        finally:
            self.args.save_total_limit = limit
        self.accelerator.wait_for_everyone()
        done = self.meter.total.plus(self._gather_window())
        if self.args.process_index == 0:
            if not self.args.save_only_model:
                # Without the optimizer's part nothing can go on from it.
                counted = {"tokens": done.tokens, "loss_tokens": done.learned}
                mark_whole(checkpoint, {"step": self.state.global_step, **counted, **self._mark})
            drop_checkpoints(folder, limit, self.state.best_model_checkpoint)
        self.accelerator.wait_for_everyone()


def count_adapters(model: Any) -> int:
    """Return the weights of a model's adapters, or none where all of it is trained; ZeRO-3 keeps the count apart."""
    if not hasattr(model, "peft_config"):
        return 0
    return sum(getattr(each, "ds_numel", each.numel()) for each in model.parameters() if each.requires_grad)

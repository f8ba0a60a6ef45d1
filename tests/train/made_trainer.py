"""A trainer that learns nothing: it writes what train.sft writes, step by step, and ends as its configuration says."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml


def main() -> int:
    """Train in appearance; returns the exit code."""
    parser = argparse.ArgumentParser()
    for flag in ("--config", "--shards", "--output_dir", "--world_size", "--resume_from_checkpoint"):
        parser.add_argument(flag)
    flags, _ = parser.parse_known_args()
    config = yaml.safe_load(Path(flags.config).read_text(encoding="utf-8"))
    out = Path(flags.output_dir)
    if config.get("deaf"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if config.get("rank"):
        # As torch's launcher starts its ranks: in a session of their own.
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    if config.get("says"):
        sys.stderr.write(os.path.expandvars(f"{config['says']}\n"))
    if config.get("end") == "refuse":
        sys.stderr.write(f"{flags.config}:1: learning_rate: a number is wanted, not the text 'much'; correct it\n")
        return 2
    out.mkdir(parents=True, exist_ok=True)
    begin = int(flags.resume_from_checkpoint.rpartition("-")[2]) if flags.resume_from_checkpoint else 0
    try:
        train(config, out, begin)
    except KeyboardInterrupt:
        end(out, "failed", "it was interrupted")
        return 130
    return finish(config, out)


def train(config: dict[str, Any], out: Path, begin: int) -> None:
    """Write a line a step, and a checkpoint now and then."""
    steps, save = config.get("steps", 6), config.get("save", 2)
    for step in range(begin + 1, steps + 1):
        time.sleep(config.get("pause", 0.0))
        told = {
            "step": step, "steps": steps, "epoch": step / steps, "loss": 4 / step, "grad_norm": 1.0,
            "learning_rate": 1e-5, "tokens": 100 * step, "loss_tokens": 40 * step, "tokens_per_s": 1000.0,
            "loss_tokens_per_s": 400.0, "mfu": None, "eta_s": 0.1 * (steps - step),
        }  # fmt: skip
        with (out / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")
        if step % save == 0:
            checkpoint = out / f"checkpoint-{step}"
            checkpoint.mkdir(exist_ok=True)
            # The first launch breaks off in its last save, as a kill in it would.
            if step != config.get("torn") or begin:
                (checkpoint / "whole.json").write_text(json.dumps({"step": step}), encoding="utf-8")
        # A launch that begins again finds what the one before left set aside.
        if step == config.get("stop_at") and not begin and not list(out.parent.glob("*.before-*")):
            time.sleep(600)
    with (out / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": steps, "eval_loss": 0.5}) + "\n")


def finish(config: dict[str, Any], out: Path) -> int:
    """End as the configuration says."""
    how = config.get("end", "done")
    if how == "crash":
        raise RuntimeError("the shapes do not agree")
    if how == "fail":
        sys.stderr.write("the loss is not finite at step 3; lower learning_rate\n")
        end(out, "failed", "the loss is not finite at step 3; lower learning_rate")
        return 1
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "done":
        end(out, "done", None)
    return 0


def end(out: Path, state: str, reason: str | None) -> None:
    """Say how it ended."""
    (out / "end.json").write_text(json.dumps({"state": state, "reason": reason}), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

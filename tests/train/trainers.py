"""Starts the trainers as a person does, in processes of their own, and reads what they leave."""

import fcntl
import gc
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from train.job.devices import count_gpus

HOUSE = Path(__file__).parents[2]
OPERATIONS = Path(sys.prefix) / "torch_extensions" / f"{version('torch')}-{version('deepspeed')}"
"""Where DeepSpeed's operation is built: beside the headers whose paths are part of it, for all tests with them."""
QUIET = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
if not count_gpus():
    QUIET["DS_ACCELERATOR"] = "cpu"
FAST = {
    "max_length": 256, "per_device_train_batch_size": 1, "learning_rate": 1e-3, "logging_steps": 1, "max_steps": 4,
    "save_steps": 2, "bf16": False, "gradient_checkpointing": False, "report_to": "none", "disable_tqdm": True,
    "lr_scheduler_type": "linear", "seed": 7,
}  # fmt: skip
"""Settings with which a few steps take a second."""
LORA = {"use_peft": True, "lora_r": 4, "lora_alpha": 8, "lora_dropout": 0.0}


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The last thing it said."""
        return self.err.strip().splitlines()[-1] if self.err.strip() else ""


def write_config(folder: Path, **settings: Any) -> Path:
    """Write a configuration, a key a line as JSON is YAML too; returns its path."""
    path = folder / "config.yaml"
    path.write_text(json.dumps(settings, indent=1), encoding="utf-8")
    return path


def set_environment(**more: str) -> dict[str, str]:
    """Return the environment of a trainer: quiet, and alone in its world."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ACCELERATE_", "PYTEST_"))}
    return kept | QUIET | {"TORCH_EXTENSIONS_DIR": str(OPERATIONS), "PYTHONPATH": str(HOUSE)} | more


def build_operation() -> None:
    """Have the one operation that DeepSpeed needs without a GPU; it is built once an environment, in about a minute."""
    OPERATIONS.mkdir(parents=True, exist_ok=True)
    with (OPERATIONS / "psyfoundry.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if any(OPERATIONS.rglob("deepspeed_shm_comm.so")):
            return
        for left in OPERATIONS.rglob("lock"):
            # Of a build that was killed: torch would wait for it for ever.
            left.unlink()
        code = "from deepspeed.comm.torch import build_shm_op; build_shm_op()"
        subprocess.run(
            [sys.executable, "-c", code], env=set_environment(), check=True, timeout=500, capture_output=True
        )


def train_here(module: Any, argv: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a trainer in this process; what it sets in the environment is forgotten afterwards."""
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    kept = dict(os.environ)
    monkeypatch.setattr(sys, "argv", [module.__name__, *argv])
    # A training has garbage collected several times over; what was there before is none of it.
    gc.freeze()
    try:
        code: int = module.main()
        return code
    finally:
        gc.collect()
        os.environ.clear()
        os.environ.update(kept)


def make_command(
    words: Sequence[str], zero: int | None = None, processes: int = 1, module: str = "train.sft"
) -> list[str]:
    """Return the words that start a trainer, plainly or with DeepSpeed."""
    if zero is None:
        return [sys.executable, "-m", module, *words]
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--num_processes", str(processes)]
    launcher += ["--config_file", str(HOUSE / f"configs/accelerate/zero{zero}.yaml"), "--main_process_port", "0"]
    return [*launcher, "-m", module, *words]


def run(command: Sequence[str], environment: dict[str, str], cwd: Path, seconds: float = 300) -> Ended:
    """Run a command to its end."""
    told = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=cwd, timeout=seconds, check=False
    )
    return Ended(told.returncode, told.stdout, told.stderr)


def read_metrics(out: Path) -> list[dict[str, Any]]:
    """Return the lines of a training's metrics."""
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def read_losses(out: Path) -> dict[int, float]:
    """Return the loss of each step; a later line of a step counts."""
    return {line["step"]: line["loss"] for line in read_metrics(out) if "loss" in line}


def read_end(out: Path) -> dict[str, Any]:
    """Return how a training says it ended."""
    told: dict[str, Any] = json.loads((out / "end.json").read_text(encoding="utf-8"))
    return told


def assert_refused(ended: Ended, *parts: str, code: int = 2) -> None:
    """Assert that a command ended with one line that holds these parts, and with no traceback."""
    lines = [line for line in ended.err.splitlines() if line.strip() and "Warning" not in line and line[:1] != " "]
    assert ended.code == code, ended.err
    assert "Traceback" not in ended.err
    assert len(lines) == 1, ended.err
    for part in parts:
        assert part in lines[0]


def refuse(argv: Sequence[str], monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    """Return the line with which the trainer's checks refuse a command line, in this process."""
    from trl import SFTConfig

    from taxonomy.refusal import InputError
    from train.guards import check_told
    from train.settings import SFT_REFUSED, read_told

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError) as caught:
        check_told(read_told(argv, SFTConfig, SFT_REFUSED, "train.sft"), os.environ)
    return str(caught.value)

"""Sets up the trackers a person looks at: TensorBoard, W&B, SwanLab; they write files unless they are let online."""

import os
from collections.abc import Sequence
from pathlib import Path

PROJECT = "psyfoundry"


def prepare_trackers(names: Sequence[str], folder: Path, run: str | None, is_online: bool) -> None:
    """Point the trackers at a folder and keep them off the network; call it before the trainer is made.

    What the environment already says about TensorBoard and W&B is left as it is.
    """
    os.environ.setdefault("TENSORBOARD_LOGGING_DIR", str(folder / "tensorboard"))
    os.environ.setdefault("WANDB_DIR", str(folder))
    os.environ.setdefault("WANDB_PROJECT", PROJECT)
    if not is_online:
        os.environ.setdefault("WANDB_MODE", "offline")
    if "swanlab" in names and os.environ.get("RANK", "0") == "0":
        start_swanlab(folder, run, "cloud" if is_online else "offline")


def start_swanlab(folder: Path, run: str | None, mode: str) -> None:
    """Open the run of SwanLab before transformers does: its callback finds no active run in 0.10.3.

    The project is told here and not by SWANLAB_PROJECT, which that version cannot read.
    """
    import swanlab

    logs = folder / "swanlab"
    logs.mkdir(parents=True, exist_ok=True)
    swanlab.init(project=PROJECT, experiment_name=run or folder.name, mode=mode, logdir=str(logs))

"""Counts what ranks can run on: GPUs, or cores where there is none. torch is asked in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

from taxonomy.refusal import InputError

DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""One of these is there where a GPU can be: of NVIDIA, of AMD, under WSL."""
ASK = "import torch; print(torch.cuda.device_count())"


def count_gpus() -> int:
    """Return how many GPUs torch sees, as CUDA_VISIBLE_DEVICES allows; 0 where there is no driver."""
    if not any(Path(path).exists() for path in DRIVERS):
        return 0
    told = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, timeout=300, check=False)
    return int(told.stdout) if told.returncode == 0 and told.stdout.strip().isdigit() else 0


def count_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_ranks(asked: int | None) -> int:
    """Return the ranks to start: as asked, else one for each GPU, else one; raises InputError for too many."""
    gpus = count_gpus()
    if asked is None:
        return max(gpus, 1)
    there, kind = (gpus, "GPU") if gpus else (count_cores(), "core")
    if asked > there:
        raise InputError(f"--nproc {asked}: there {'is' if there == 1 else 'are'} {there} {kind}{'s' * (there != 1)};"
                         f" ask for {there} at most")  # fmt: skip
    return asked

"""What a job must remember of where it came from: package versions and git commit, read without loading any package."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "psyfoundry", "torch", "transformers", "trl", "peft", "accelerate", "deepspeed", "datasets", "tokenizers",
    "safetensors", "pyarrow",
)  # fmt: skip
HOUSE = Path(__file__).parents[2]


def list_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that shape a training; those that are missing are left out."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def find_commit() -> str | None:
    """Return the git commit of the code, marked `+` when the tree differs from it; None outside a checkout."""
    if not (HOUSE / ".git").exists():
        return None
    command = ["git", "-C", str(HOUSE), "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.strip()

"""What a run must remember of where it came from: package versions, git commit, and the hash of every prompt."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from agents.prompt import list_prompts, load_prompt

PACKAGES = (
    "psyfoundry",
    "openai",
    "httpx2",
    "langgraph",
    "pydantic",
    "sqlmodel",
    "sqlalchemy",
    "jinja2",
)


def list_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that shape a run."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def list_prompt_hashes() -> dict[str, str]:
    """Return the hash of every prompt text that ships, by id and language."""
    hashes = {}
    for prompt_id in list_prompts():
        for language in ("zh", "en"):
            hashes[f"{prompt_id}.{language}"] = load_prompt(prompt_id, language).hash.hex()
    return hashes


def find_commit() -> str | None:
    """Return the git commit of the code, marked `+` when the tree differs from it; None outside a checkout."""
    home = Path(__file__).parent.parent
    if not (home / ".git").exists():
        return None
    command = [
        "git",
        "-C",
        str(home),
        "describe",
        "--always",
        "--abbrev=40",
        "--dirty=+",
        "--exclude=*",
    ]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.strip()

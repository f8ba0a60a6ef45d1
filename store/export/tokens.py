"""Counts tokens with a tokenizer's own file, where one is named; nothing is downloaded."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from store.export.talk import Message
from taxonomy.refusal import InputError
from taxonomy.source import show_path

TOGETHER = 5_000
"""Texts that are cut at a time; they go over all cores."""


class TokenCount:
    """Counts the tokens of many texts; `tokenizer` is one of the package tokenizers."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._held: list[str] = []
        self._counted = 0

    def add(self, messages: Iterable[Message]) -> None:
        """Add what some messages say and think."""
        self._held += [part for said in messages for part in (said.content, said.reasoning) if part]
        if len(self._held) >= TOGETHER:
            self._count()

    def total(self) -> int:
        """Return the tokens of all that was added."""
        self._count()
        return self._counted

    def _count(self) -> None:
        cut = self._tokenizer.encode_batch_fast(self._held, add_special_tokens=False)
        self._counted += sum(map(len, cut))
        self._held = []


def load_tokenizer(path: Path | None) -> TokenCount | None:
    """Return what counts tokens by a tokenizer.json or the folder of one, None without a path.

    Raises InputError where the file or the package that reads it is missing.
    """
    if path is None:
        return None
    file = path / "tokenizer.json" if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"--tokenizer {show_path(path)}: there is no {file.name}; name a tokenizer.json or its folder")
    try:
        from tokenizers import Tokenizer  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise InputError("--tokenizer: the package tokenizers is not installed; pip install tokenizers") from None
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:
        # The package raises plain Exception for whatever it cannot read.
        raise InputError(f"--tokenizer {show_path(file)}: {' '.join(str(error).split())[:200]}") from None
    return TokenCount(tokenizer)

"""Counts tokens with a tokenizer's own file, where one is named; nothing is downloaded."""

from collections.abc import Callable
from pathlib import Path

from taxonomy.refusal import InputError
from taxonomy.source import show_path


def load_tokenizer(path: Path | None) -> Callable[[str], int] | None:
    """Return what counts the tokens of a text by a tokenizer.json or the folder of one, None without a path.

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
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)

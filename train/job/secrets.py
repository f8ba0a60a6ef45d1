"""Refuses secrets in what is stored with a job: its configuration, and the flags for its trainer."""

import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

from taxonomy.lines import Parsed, parse_yaml
from taxonomy.refusal import InputError
from train.job.log import list_secrets, mask

SECRET = re.compile(r"(token|key|secret|password|passwd|credentials?|(^|_)auth(orization)?)$")
HARMLESS = re.compile(r"(^|_)(eos|bos|pad|unk|sep|cls|mask|image|video|audio)_token$")
"""Words of a tokenizer, which everybody may read."""
MOST = 99_999
"""A larger number may be a password."""
REMEDY = "secrets come from the environment alone"


def check_config(told: Parsed, text: str, where: str) -> None:
    """Raise InputError for a secret in a configuration: by the name of its key, or by its look, comments included."""
    for path in find_secret_keys(told.data):
        raise InputError(f"{where}: {'.'.join(path)}: {REMEDY}; remove it")
    secrets = list_secrets(os.environ)
    for number, line in enumerate(text.splitlines(), 1):
        if mask(line, secrets) != line:
            raise InputError(f"{where}:{number}: holds what looks like a secret; {REMEDY}; remove it")


def check_words(words: Sequence[str]) -> None:
    """Raise InputError for a flag after `--` that names or holds a secret."""
    secrets, name = list_secrets(os.environ), "a word"
    for word in words:
        value = word
        if word.startswith("--"):
            name, _, value = word.partition("=")
            if is_secret(name):
                raise InputError(f"{name} after --: {REMEDY}; leave it out")
        if mask(value, secrets) != value or (value[:1] in ("{", "[") and holds_secret_keys(value)):
            raise InputError(f"{mask(name, secrets)} after --: holds what looks like a secret; {REMEDY}; leave it out")


def is_secret(name: str) -> bool:
    """Whether what goes by a name is a secret."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return bool(SECRET.search(plain)) and not HARMLESS.search(plain)


def holds_secret_keys(value: str) -> bool:
    """Whether the keys that a flag carries, as JSON or YAML, name a secret."""
    try:
        return any(find_secret_keys(parse_yaml(value, "").data))
    except InputError:
        return False


def find_secret_keys(told: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths of keys that name a secret and hold something, at any depth."""
    if isinstance(told, dict):
        for key, value in told.items():
            path = (*above, str(key))
            if is_secret(str(key)) and is_told(value):
                yield path
            yield from find_secret_keys(value, path)
    elif isinstance(told, list):
        for value in told:
            yield from find_secret_keys(value, above)


def is_told(value: Any) -> bool:
    """Whether a value can be a secret: some text, a long number, or what holds one of them."""
    if isinstance(value, dict | list):
        return any(is_told(each) for each in (value.values() if isinstance(value, dict) else value))
    if isinstance(value, str):
        return bool(value.strip())
    return isinstance(value, int | float) and abs(value) > MOST

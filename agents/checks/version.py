"""Names the current set of checks, so that what was seen by an older set can be told and judged again."""

from functools import cache
from hashlib import blake2b
from pathlib import Path

HERE = Path(__file__).parent
BEYOND = ("hotlines.py", "hotlines.yaml", "risk.py", "risk_model.py", "risk_weights.json", "risk_words.yaml")
"""Files of the parent folder that checks rest on."""


@cache
def checks_version() -> str:
    """Return 12 hexadecimal digits that change with any change of a check, a word list, or what they rest on.

    Nobody has to remember to raise a number; judging again costs a minute of CPU for 100,000 utterances.
    """
    files = [*HERE.rglob("*.py"), *HERE.rglob("*.yaml"), *(HERE.parent / name for name in BEYOND)]
    digest = blake2b(digest_size=6)
    for path in sorted(files, key=lambda path: path.relative_to(HERE.parent).as_posix()):
        text = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(path.relative_to(HERE.parent).as_posix().encode() + b"\0" + text + b"\0")
    return digest.hexdigest()

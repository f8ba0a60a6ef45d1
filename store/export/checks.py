"""Tells which version of the checks this installation has, so that what older ones saw is judged again first."""

import runpy
from functools import cache
from pathlib import Path

from store.errors import StoreError

SAYS = Path(__file__).parents[2] / "agents" / "checks" / "version.py"
"""It stands alone on the standard library and hashes the files beside it; no check is loaded by running it."""


@cache
def current_checks() -> str:
    """Return the version that graphs writes beside each dialogue its checks have seen; raises StoreError."""
    try:
        version: str = runpy.run_path(str(SAYS))["checks_version"]()
    except OSError as error:
        raise StoreError(f"{SAYS} cannot be read ({error.strerror}): install psyfoundry whole") from None
    return version

"""What the tests need beside Python. python -m tests.system_packages installs it as root on Debian, else names it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEBIAN = {"g++": "g++", "chromium": "chromium", "initdb": "postgresql", "pg_ctl": "postgresql"}
"""Program and the Debian package that brings it."""


def find_program(name: str) -> Path | None:
    """Return where a program is, also in the folders of PostgreSQL that stand on no path."""
    found = shutil.which(name)
    if found:
        return Path(found)
    return next(iter(sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None)


def need(name: str) -> Path:
    """Return a program's path; skips the test where it is missing, or fails it where REQUIRE_ALL=1."""
    found = find_program(name)
    if found is not None:
        return found
    line = f"needs {name} (Debian package {DEBIAN[name]})"
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(line)
    pytest.skip(line)


def main() -> int:
    """Install what is missing where that is possible; returns 1 where it must be there and is not."""
    missing = {name: package for name, package in DEBIAN.items() if find_program(name) is None}
    if not missing:
        return 0
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (
            [apt, "-q", "update"],
            [apt, "-q", "install", "-y", "--no-install-recommends", *missing.values()],
        ):
            done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
            if done.returncode:
                print(f"{' '.join(command)} ended with {done.returncode}", file=sys.stderr)
    is_required = os.environ.get("REQUIRE_ALL") == "1"
    fate = "fail" if is_required else "are skipped"
    for name, package in missing.items():
        if find_program(name) is None:
            print(f"{name} is missing: install the package {package}; the tests that need it {fate}", file=sys.stderr)
    is_complete = all(find_program(name) for name in missing)
    return 0 if is_complete or not is_required else 1


if __name__ == "__main__":
    sys.exit(main())
